"""The charts of two editions: their words and their data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from alliances.comparison.model import Change, Detail, Group, Part
from alliances.comparison.reading import Datum, EditionFolder, Figure, value_text
from alliances.comparison.sequences import pair_up

__all__ = ["compare_charts"]

_IDS = ("row_id", "calc_id", "source_id")
_WORDS = {"headline": "headline", "subtitle": "subtitle", "caption": "caption", "description": "alternative text"}


def compare_charts(old: EditionFolder, new: EditionFolder) -> Part:
    """Compare the charts of two editions by label: headline, caption, alternative text, and the rows they show."""
    groups = []
    for label in dict.fromkeys((*new.figures, *old.figures)):
        before, after = old.figures.get(label), new.figures.get(label)
        if after is None and before is not None:
            shown = Change("removed", label, "chart", old=before.headline)
            changes = [shown, *(_row("removed", row) for row in before.rows)]
        elif before is None and after is not None:
            shown = Change("added", label, "chart", new=after.headline)
            changes = [shown, *(_row("added", row) for row in after.rows)]
        elif before is not None and after is not None:
            changes = _changes(before, after)
        figure = after or before
        if changes and figure:
            groups.append(Group(label, f"{label}: {figure.headline}", tuple(changes)))
    return Part("charts", tuple(groups))


def _changes(old: Figure, new: Figure) -> list[Change]:
    changes = [
        Change("changed", name, title, getattr(old, name), getattr(new, name))
        for name, title in _WORDS.items()
        if getattr(old, name) != getattr(new, name)
    ]
    changes += _row_changes(old.rows, new.rows)
    if not changes and old.drawing != new.drawing:
        changes.append(Change("changed", "drawing", "drawn differently; the data are the same"))
    return changes


def _row_changes(old: list[Datum], new: list[Datum]) -> list[Change]:
    gone, come = _without(old, new), _without(new, old)
    pairs = pair_up(gone, come, _likeness, _canonical)
    changed_to = {id(after): before for before, after in pairs}
    paired = {id(before) for before, _ in pairs}
    changes = []
    for row in come:
        before = changed_to.get(id(row))
        changes.append(_row("added", row) if before is None else _changed_row(before, row))
    return changes + [_row("removed", row) for row in gone if id(row) not in paired]


def _without(rows: Iterable[Datum], others: Iterable[Datum]) -> list[Datum]:
    """Leave out the rows that the other list holds as well, as often as it holds them."""
    there = Counter(map(_canonical, others))
    left = []
    for row in rows:
        name = _canonical(row)
        if there[name]:
            there[name] -= 1
        else:
            left.append(row)
    return left


def _canonical(row: Datum) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False)


def _identity(row: Datum) -> str:
    return next((str(row[name]) for name in _IDS if row.get(name)), "")


def _likeness(one: Datum, two: Datum) -> int:
    """Count what two rows share besides their id; rows of different ids never belong together."""
    if _identity(one) != _identity(two):
        return 0
    shared = sum(name in two and two[name] == value for name, value in one.items() if name not in _IDS)
    # A row that has an id may have changed in all else; one without must share a word at least.
    if _identity(one):
        return shared + 1
    return shared if any(isinstance(value, str) and value and two.get(name) == value for name, value in one.items()) else 0


def _row(kind: str, row: Datum) -> Change:
    if kind == "added":
        return Change("added", _identity(row), new=_text(row))
    return Change("removed", _identity(row), old=_text(row))


def _changed_row(old: Datum, new: Datum) -> Change:
    details = [
        Detail(name.replace("_", " "), value_text(old.get(name)), value_text(new.get(name)))
        for name in dict.fromkeys((*new, *old))
        if old.get(name) != new.get(name) or (name in old) != (name in new)
    ]
    return Change("changed", _identity(new), _text(new), details=tuple(details))


def _text(row: Datum) -> str:
    """Print what a row says: its words and numbers, without ids and switches."""
    shown = [
        f"{value}" if isinstance(value, str) else f"{name.replace('_', ' ')} {value_text(value)}"
        for name, value in row.items()
        if name not in _IDS and value not in (None, "") and not isinstance(value, bool | dict | list)
    ]
    return " · ".join(shown)
