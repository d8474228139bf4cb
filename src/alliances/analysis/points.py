"""Points of disagreement as a reader meets them: rows of one point, split by sources in the data, put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

from alliances.analysis.differences import Point, points
from alliances.dataset import Dataset, Row

KINDS = ("contradiction", "date", "definition", "scope", "opinion", "internal", "apparent")


def merged(found: Iterable[Point]) -> list[Point]:
    """Put together the points that have the same name and kind.

    The dataset splits a point so that each part needs few sources; a reader wants every side once, and each
    reason once.
    """
    groups: dict[tuple[str, str], Point] = {}
    for point in found:
        before = groups.setdefault((point.kind, point.point), point)
        if before is not point:
            reason = before.explanation
            if point.explanation not in reason:
                reason = f"{reason} {point.explanation}"
            rows = tuple({row.row_id: row for row in (*before.rows, *point.rows)}.values())
            groups[point.kind, point.point] = replace(before, explanation=reason, rows=rows)
    return list(groups.values())


def by_kind(dataset: Dataset) -> dict[str, list[Point]]:
    """Return the known points by kind, kinds that have none left out."""
    every = merged(points(dataset))
    grouped = {kind: [point for point in every if point.kind == kind] for kind in KINDS}
    return {kind: members for kind, members in grouped.items() if members}


def shown_rows(dataset: Dataset) -> list[Row]:
    """List the rows of the points on which sources differ, in the order of the table."""
    return [row for point in points(dataset) if point.kind != "apparent" for row in point.rows]


def between_sources(dataset: Dataset) -> Counter[tuple[str, str]]:
    """Count, for each pair of sources, the points on which declared rows of both differ.

    What only seems to differ is left out, and so is what lies within one text.
    """
    pairs: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for point in points(dataset):
        sources = sorted({row.source_id for row in point.rows})
        if point.kind != "apparent":
            for one, other in combinations(sources, 2):
                pairs.setdefault((one, other), set()).add((point.kind, point.point))
    return Counter({pair: len(named) for pair, named in pairs.items()})
