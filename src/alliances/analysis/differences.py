"""Where the sources differ: the declared points of disagreement, with the rows on each side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alliances.analysis.frames import records
from alliances.dataset import Dataset, Row


@dataclass(frozen=True)
class Point:
    """A point on which sources differ.

    Parameters
    ----------
    id : str
        Row id in ``disagreements``.
    point, kind, explanation : str
        As in the table.
    rows : tuple of Row
        The rows on each side.
    """

    id: str
    point: str
    kind: str
    explanation: str
    rows: tuple[Row, ...]


def points(dataset: Dataset) -> list[Point]:
    """List the known points in the order of the table."""
    return [
        Point(
            record.disagreement_id,
            record.point,
            record.kind,
            record.explanation,
            tuple(dataset.row(row_id) for row_id in record.row_ids.split("; ")),
        )
        for record in records(dataset["disagreements"])
    ]


def about(dataset: Dataset, alliance_ids: Iterable[str]) -> list[Point]:
    """List the known points of which at least one row is on one of the formats."""
    wanted = set(alliance_ids)
    return [p for p in points(dataset) if any(row.values.get("alliance_id") in wanted for row in p.rows)]
