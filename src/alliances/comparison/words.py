"""Wordings that the terminal and the page share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from alliances.comparison.model import KINDS, Change, Part
from alliances.prose.values import date_text, join_and

__all__ = ["alike_changes", "day_text", "difference", "told_counts"]

_ALIKE = 3  # so many changes with the same details are told as one


def day_text(iso: str) -> str:
    """Print an ISO date; what is none as it is."""
    try:
        return date_text(iso)
    except (ValueError, IndexError):
        return iso or "not known"


def difference(old: str, new: str) -> str:
    """Print an old and a new value on one line: ``5 → 2``, ``+ 2``, ``- 5``."""
    if old and new:
        return f"{old} → {new}"
    return f"+ {new}" if new else f"- {old}" if old else ""


def told_counts(part: Part) -> str:
    """Say how many changes a part has: ``3 added and 1 changed``."""
    return join_and([f"{part.count(kind)} {kind}" for kind in KINDS if part.count(kind)])


def alike_changes(changes: Iterable[Change]) -> list[Change]:
    """Tell changes with the same details as one: a new cut-off that ends ten bars of a chart."""
    alike: dict[object, list[Change]] = {}
    for change in changes:
        single = not change.details or change.kind != "changed" or bool(change.old or change.new)
        alike.setdefault(id(change) if single else change.details, []).append(change)
    told = []
    for group in alike.values():
        if len(group) < _ALIKE:
            told += group
        else:
            labels = "; ".join(dict.fromkeys(change.label or change.key for change in group))
            told.append(replace(group[0], key="", label=f"{len(group)} alike: {labels}"))
    return told
