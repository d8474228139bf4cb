"""A comparison as text for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from alliances.comparison.model import KINDS, Change, Comparison, Detail, Kind, Part, Side
from alliances.comparison.words import alike_changes, day_text, difference, told_counts

__all__ = ["as_lines", "as_text"]

#: How many changes of a group are shown unless all are asked for.
LIMIT = 10
_MARKS: dict[Kind, str] = {"added": "+", "removed": "-", "changed": "~"}
_STYLES: dict[Kind, str] = {"added": "green", "removed": "red", "changed": ""}
_ONE_LINE = 90  # an old and a new value longer than this together stand below each other
Line = tuple[str, str]


def as_text(comparison: Comparison, *, width: int = 100, limit: int | None = LIMIT) -> str:
    """Write a comparison as plain text.

    Parameters
    ----------
    comparison : Comparison
        What changed.
    width : int
        Characters a line.
    limit : int, optional
        How many changes of a group to show; ``None`` for all.
    """
    return "".join(f"{line}\n" for line, _ in as_lines(comparison, width=width, limit=limit))


def as_lines(comparison: Comparison, *, width: int = 100, limit: int | None = LIMIT) -> Iterator[Line]:
    """Yield the lines of :func:`as_text`, each with its style as rich names it."""
    yield "What changed between two editions", "bold"
    yield from _side("old", comparison.old)
    yield from _side("new", comparison.new)
    yield "", ""
    yield from _counts(comparison)
    for part in comparison.parts:
        if part.groups or part.note:
            yield "", ""
            yield from _part(part, width, limit)
    if comparison.same:
        yield "", ""
        yield "The editions are the same.", "bold"


def _side(name: str, side: Side) -> Iterator[Line]:
    parameters = "".join(f", {line}" for line in side.lines)
    yield f"  {name}: {side.folder}, state of knowledge {day_text(side.as_of)}{parameters}", ""


def _counts(comparison: Comparison) -> Iterator[Line]:
    room = max(len(part.title) for part in comparison.parts)
    yield " " * (room + 2) + "".join(f"{kind:>9}" for kind in KINDS), "dim"
    for part in comparison.parts:
        numbers = "".join(f"{part.count(kind) or '·':>9}" for kind in KINDS)
        yield f"  {part.title:<{room}}{numbers}", ""


def _part(part: Part, width: int, limit: int | None) -> Iterator[Line]:
    yield part.title + (f": {told_counts(part)}" if part.groups else ""), "bold"
    if part.note:
        yield from _wrapped(part.note, "  ", "  ", width, "italic")
    for group in part.groups:
        if group.title:
            yield from _wrapped(group.title, "  ", "  ", width, "underline")
        bundles = alike_changes(group.changes)
        shown = bundles if limit is None else bundles[:limit]
        for change in shown:
            yield from _change(change, width)
        if left := len(bundles) - len(shown):
            yield f"    … and {left} more; --all shows them", "dim"


def _change(change: Change, width: int) -> Iterator[Line]:
    label = change.label or ("" if change.old or change.new else change.key)
    mark = f"  {_MARKS[change.kind]} "
    if change.kind == "changed" and len(change.old) + len(change.new) > _ONE_LINE:
        values = [(sign, text, style) for sign, text, style in (
            ("- ", change.old, "red"), ("+ ", change.new, "green")) if text]  # fmt: skip
        if label:
            yield from _wrapped(label, mark, "    ", width, "")
            mark = "    "
        for sign, text, style in values:
            yield from _wrapped(text, mark + sign, "      ", width, style)
            mark = "    "
    else:
        told = difference(change.old, change.new) if change.kind == "changed" else change.new or change.old
        text = ": ".join(part for part in (label, told) if part)
        yield from _wrapped(text, mark, "    ", width, _STYLES[change.kind])
    for detail in change.details:
        yield from _detail(detail, width)


def _detail(detail: Detail, width: int) -> Iterator[Line]:
    if len(detail.old) + len(detail.new) <= _ONE_LINE or not (detail.old and detail.new):
        yield from _wrapped(f"{detail.name}: {difference(detail.old, detail.new)}", "      ", "        ", width, "")
        return
    yield f"      {detail.name}:", ""
    yield from _wrapped(detail.old, "        - ", "          ", width, "red")
    yield from _wrapped(detail.new, "        + ", "          ", width, "green")


def _wrapped(text: str, first: str, rest: str, width: int, style: str) -> Iterator[Line]:
    lines = textwrap.wrap(
        text, max(width, 40), initial_indent=first, subsequent_indent=rest, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    yield from ((line, style) for line in lines)
