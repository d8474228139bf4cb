"""How two editions were made: parameters, engine, versions and inputs."""

from __future__ import annotations

from collections.abc import Mapping

from alliances.comparison.model import Change, Group, Kind, Part
from alliances.comparison.reading import EditionFolder, value_text

__all__ = ["compare_making", "compare_pages", "compare_parameters"]

_PAGES = ("report.html", "report.pdf")


def compare_parameters(old: EditionFolder, new: EditionFolder) -> Part:
    """Compare the parameters of two editions."""
    before, after = old.manifest.parameters, new.manifest.parameters
    texts = [{name: value_text(value) for name, value in side.items()} for side in (before, after)]
    return Part("parameters", _groups(("parameters", "", _values(*texts))))


def compare_making(old: EditionFolder, new: EditionFolder) -> Part:
    """Compare engine, versions, inputs, and which pages there are."""
    before, after = old.manifest, new.manifest
    made = [
        {"engine": side.engine, "report": side.version, "Python": side.python} | side.versions
        for side in (before, after)
    ]
    pages = [{page: "written" for page in _PAGES if page in side.outputs} for side in (before, after)]
    return Part(
        "making",
        _groups(
            ("versions", "Engine and versions", _values(*made)),
            ("inputs", "Inputs", _files(before.inputs, after.inputs)),
            ("outputs", "Pages", _values(*pages)),
        ),
    )


def compare_pages(old: EditionFolder, new: EditionFolder) -> tuple[Group, ...]:
    """Find pages that differ, for editions between which nothing else does: they differ in looks."""
    before, after = ({p: side.manifest.outputs.get(p, "") for p in _PAGES} for side in (old, new))
    changes = [
        Change("changed", page, f"{page} looks different, though nothing that was compared does")
        for page in _PAGES
        if before[page] != after[page]
    ]
    return _groups(("outputs", "Pages", changes))


def _values(old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    changes = []
    for name in dict.fromkeys((*new, *old)):
        before, after = old.get(name, ""), new.get(name, "")
        if before == after:
            continue
        kind: Kind = "added" if not before else "removed" if not after else "changed"
        changes.append(Change(kind, name, name, before, after))
    return changes


def _files(old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    changes = []
    for name in sorted({*old, *new}):
        if name not in old:
            changes.append(Change("added", name, name))
        elif name not in new:
            changes.append(Change("removed", name, name))
        elif old[name] != new[name]:
            changes.append(Change("changed", name, name))
    return changes


def _groups(*groups: tuple[str, str, list[Change]]) -> tuple[Group, ...]:
    return tuple(Group(key, title, tuple(changes)) for key, title, changes in groups if changes)
