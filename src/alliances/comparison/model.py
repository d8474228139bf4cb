"""What a comparison finds: parts, groups and changes, and the same as JSON-ready values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["KINDS", "PARTS", "Change", "Comparison", "Detail", "Group", "Kind", "Part", "Side"]

Kind = Literal["added", "removed", "changed"]
KINDS: tuple[Kind, ...] = ("added", "removed", "changed")

#: Parts of a comparison in their order, with their titles.
PARTS: dict[str, str] = {
    "parameters": "Parameters",
    "making": "How it was made",
    "sources": "Sources",
    "facts": "Facts",
    "memberships": "Memberships",
    "positions": "Positions",
    "judgements": "Judgements",
    "disagreements": "Disagreements",
    "rows": "Other rows of the dataset",
    "charts": "Charts",
    "text": "Text",
}


@dataclass(frozen=True)
class Detail:
    """One property that changed.

    Parameters
    ----------
    name : str
        The property.
    old, new : str
        Its value in either edition; empty where it has none.
    """

    name: str
    old: str
    new: str


@dataclass(frozen=True)
class Change:
    """One difference between two editions.

    Parameters
    ----------
    kind : str
        ``added`` (only the new edition has it), ``removed`` or ``changed``.
    key : str
        What tells it from the others of its group: an anchor, a row id, the name of a parameter.
    label : str
        What it is about, for people; empty where the values say it.
    old, new : str
        Its value in either edition; both empty where only its details changed.
    details : tuple of Detail
        Further properties that changed.
    """

    kind: Kind
    key: str
    label: str = ""
    old: str = ""
    new: str = ""
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True)
class Group:
    """Changes that belong together: of a chapter, a format, a chart, a section.

    Parameters
    ----------
    key : str
        Id of the group.
    title : str
        Its heading; empty where a part has one group only.
    changes : tuple of Change
        Its changes, in reading order.
    """

    key: str
    title: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Part:
    """One part of a comparison.

    Parameters
    ----------
    name : str
        A key of :data:`PARTS`.
    groups : tuple of Group
        Groups that have changes.
    note : str
        What could not be compared, and why; else empty.
    """

    name: str
    groups: tuple[Group, ...]
    note: str = ""

    @property
    def title(self) -> str:
        """Heading of the part."""
        return PARTS[self.name]

    @property
    def changes(self) -> Iterator[Change]:
        """All changes of the part."""
        return (change for group in self.groups for change in group.changes)

    def count(self, kind: Kind) -> int:
        """Count the changes of a kind."""
        return sum(change.kind == kind for change in self.changes)


@dataclass(frozen=True)
class Side:
    """One of the two editions.

    Parameters
    ----------
    folder : str
        Its folder, as the user named it.
    as_of : str
        Its state of knowledge, ISO date.
    lines : tuple of str
        The parameters that are set, each as ``name = value``, without the state of knowledge.
    engine : str
        The engine that published it.
    """

    folder: str
    as_of: str
    lines: tuple[str, ...]
    engine: str


@dataclass(frozen=True)
class Comparison:
    """What changed from one edition to another.

    Parameters
    ----------
    old, new : Side
        The editions.
    parts : tuple of Part
        The parts that were compared, also those without a change.
    """

    old: Side
    new: Side
    parts: tuple[Part, ...]

    @property
    def same(self) -> bool:
        """Whether nothing that was compared differs."""
        return not any(part.groups for part in self.parts)

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON-ready values."""
        return {
            "old": _side(self.old),
            "new": _side(self.new),
            "same": self.same,
            "counts": {part.name: {kind: part.count(kind) for kind in KINDS} for part in self.parts},
            "parts": {part.name: _part(part) for part in self.parts},
        }


def _side(side: Side) -> dict[str, Any]:
    return {"folder": side.folder, "as_of": side.as_of, "parameters_set": list(side.lines), "engine": side.engine}


def _part(part: Part) -> dict[str, Any]:
    groups = [
        {"key": group.key, "title": group.title, "changes": [_change(change) for change in group.changes]}
        for group in part.groups
    ]
    return {"note": part.note, "groups": groups} if part.note else {"groups": groups}


def _change(change: Change) -> dict[str, Any]:
    values: dict[str, Any] = {
        "kind": change.kind,
        "key": change.key,
        "label": change.label,
        "old": change.old,
        "new": change.new,
        "details": [{"name": d.name, "old": d.old, "new": d.new} for d in change.details],
    }
    return {name: value for name, value in values.items() if value or name in ("kind", "key")}
