"""The charts of two editions: their words and their data."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable

from alliances.comparison.model import Change, Detail, Group, Kind, Part
from alliances.comparison.reading import Datum, EditionFolder, Figure, value_text
from alliances.comparison.sequences import pair_up

__all__ = ["compare_charts"]

_IDS = ("row_id", "calc_id", "source_id")
_SUBJECTS = ("line", "event", "country", "name", "label", "column", "text", "date")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORDS = {"headline": "headline", "subtitle": "subtitle", "caption": "caption", "description": "alternative text"}


def compare_charts(old: EditionFolder, new: EditionFolder) -> Part:
    """Compare the charts of two editions by label: headline, caption, alternative text, and the rows they show."""
    groups = []
    for label in dict.fromkeys((*new.figures, *old.figures)):
        before, after = old.figures.get(label), new.figures.get(label)
        if after is None and before is not None:
            shown = Change("removed", label, "chart", old=_size(before))
            changes = [shown, *(_row("removed", row) for row in before.rows)]
        elif before is None and after is not None:
            shown = Change("added", label, "chart", new=_size(after))
            changes = [shown, *(_row("added", row) for row in after.rows)]
        elif before is not None and after is not None:
            changes = _changes(before, after)
        figure = after or before
        if changes and figure:
            groups.append(Group(label, f"{label}: {figure.headline}", tuple(changes)))
    return Part("charts", tuple(groups))


def _size(figure: Figure) -> str:
    return f"{len(figure.rows)} {'row' if len(figure.rows) == 1 else 'rows'} of data"


def _changes(old: Figure, new: Figure) -> list[Change]:
    words = [
        Change("changed", title, title, getattr(old, name), getattr(new, name))
        for name, title in _WORDS.items()
        if getattr(old, name) != getattr(new, name)
    ]
    # The alternative text repeats the data: after them it disturbs least.
    first = [change for change in words if change.key != _WORDS["description"]]
    changes = [*first, *_row_changes(old.rows, new.rows), *(change for change in words if change not in first)]
    if not changes and old.drawing != new.drawing:
        changes.append(Change("changed", "drawing", "drawn differently; the data are the same"))
    return changes


def _row_changes(old: list[Datum], new: list[Datum]) -> list[Change]:
    gone, come = _without(old, new), _without(new, old)
    pairs = pair_up(gone, come, _likeness, _canonical)
    paired = set(pairs.values())
    changes = [
        _changed_row(gone[pairs[number]], row) if number in pairs else _row("added", row)
        for number, row in enumerate(come)
    ]
    return changes + [_row("removed", row) for number, row in enumerate(gone) if number not in paired]


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


def _same(one: Datum, two: Datum, name: str) -> bool:
    return json.dumps(one[name], sort_keys=True) == json.dumps(two[name], sort_keys=True)  # True is not 1 here


def _identity(row: Datum) -> str:
    return next((str(row[name]) for name in _IDS if row.get(name)), "")


def _likeness(one: Datum, two: Datum) -> int:
    """Count what two rows share besides their id; rows of different ids never belong together."""
    if _identity(one) != _identity(two):
        return 0
    shared = sum(name not in _IDS and name in two and _same(one, two, name) for name in one)
    if _identity(one):
        return shared + 1  # all else may have changed
    words = (name for name, value in one.items() if isinstance(value, str) and value)
    return shared if any(two.get(name) == one[name] for name in words) else 0


def _row(kind: Kind, row: Datum) -> Change:
    if kind == "added":
        return Change("added", _identity(row), new=_text(row))
    return Change("removed", _identity(row), old=_text(row))


def _changed_row(old: Datum, new: Datum) -> Change:
    details = [
        Detail(name.replace("_", " "), value_text(old.get(name)), value_text(new.get(name)))
        for name in dict.fromkeys((*new, *old))
        if (name in old) != (name in new) or not _same(old, new, name)
    ]
    return Change("changed", _identity(new), _text(new), details=tuple(details))


def _text(row: Datum) -> str:
    """Print what a row says: its subject first, no ids and switches, and no value that it prints in words as well."""
    shown, numbers = [], []
    for name in sorted(row, key=lambda name: _SUBJECTS.index(name) if name in _SUBJECTS else len(_SUBJECTS)):
        value = row[name]
        if name in _IDS or value in (None, "") or isinstance(value, bool | dict | list):
            continue
        if isinstance(value, str) and not (_DAY.fullmatch(value) and ("date" in row or "text" in row)):
            shown.append(" ".join(value.split()))
        elif not isinstance(value, str) and "text" not in row:
            numbers.append(f"{name.replace('_', ' ')} {value_text(value)}")
    return " · ".join(shown + numbers)
