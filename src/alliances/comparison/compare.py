"""Compares two editions' folders."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from alliances.comparison import making, rows
from alliances.comparison.charts import compare_charts
from alliances.comparison.facts import compare_facts
from alliances.comparison.model import PARTS, Comparison, Part
from alliances.comparison.reading import EditionFolder, read_edition
from alliances.comparison.text import compare_text

__all__ = ["compare"]

_COMPARE: dict[str, Callable[[EditionFolder, EditionFolder], Part]] = {
    "parameters": making.compare_parameters,
    "making": making.compare_making,
    "sources": rows.compare_sources,
    "facts": compare_facts,
    "memberships": rows.compare_memberships,
    "positions": rows.compare_positions,
    "judgements": rows.compare_judgements,
    "disagreements": rows.compare_disagreements,
    "rows": rows.compare_other_rows,
    "charts": compare_charts,
    "text": compare_text,
}


def compare(old: Path, new: Path, only: Collection[str] = ()) -> Comparison:
    """Compare two editions.

    Parameters
    ----------
    old, new : Path
        Their folders.
    only : collection of str
        Parts to compare, keys of :data:`alliances.comparison.model.PARTS`; all where it is empty.

    Returns
    -------
    Comparison
        Comparing them the other way round gives its mirror image.

    Raises
    ------
    AlliancesError
        If a folder holds no edition, or a file of an edition cannot be read.
    """
    before, after = read_edition(old), read_edition(new)
    parts = [_COMPARE[name](before, after) for name in PARTS if not only or name in only]
    if not any(part.groups for part in parts):
        looks = making.compare_pages(before, after)
        parts = [replace(part, groups=looks) if part.name == "making" else part for part in parts]
    return Comparison(before.side, after.side, tuple(parts))
