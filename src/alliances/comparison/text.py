"""The chapters of two editions, section by section and sentence by sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from alliances import pandoc
from alliances.comparison.model import Change, Group, Part
from alliances.comparison.reading import EditionFolder
from alliances.comparison.sequences import align, alike, pair_up
from alliances.dataset.sentences import split_sentences

__all__ = ["Section", "compare_sections", "compare_text", "read_sections"]

_SAME_SENTENCE = 0.5  # share of words from which two sentences are one that was edited
_SAME_SECTION = 0.5
_CELLS = " | "


@dataclass(frozen=True)
class Section:
    """A section of a chapter.

    Parameters
    ----------
    label : str
        ``sec-…``.
    chapter, heading : str
        Headings of its chapter and of itself.
    sentences : tuple of str
        Its sentences; a row of a table counts as one. Charts are left out.
    """

    label: str
    chapter: str
    heading: str
    sentences: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its heading, after the chapter's."""
        return self.heading if self.heading == self.chapter else f"{self.chapter} › {self.heading}"


def compare_text(old: EditionFolder, new: EditionFolder) -> Part:
    """Compare the text of two editions; annexes are left out, since they list what the chapters rest on."""
    names = list(dict.fromkeys((*new.chapters, *old.chapters)))
    differing = [name for name in names if old.chapters.get(name) != new.chapters.get(name)]
    with ThreadPoolExecutor() as pool:  # Pandoc is a process of its own
        before = list(pool.map(lambda name: read_sections(old.chapters.get(name, "")), differing))
        after = list(pool.map(lambda name: read_sections(new.chapters.get(name, "")), differing))
    groups = [group for one, two in zip(before, after, strict=True) for group in compare_sections(one, two)]
    return Part("text", tuple(groups))


def compare_sections(old: Sequence[Section], new: Sequence[Section]) -> Iterator[Group]:
    """Compare the sections of a chapter; a section with another heading and much the same text is renamed.

    Yields
    ------
    Group
        One for each section that changed: the new edition's in their order, then those that it no longer has.
    """
    earlier = {section.label: section for section in old}
    labels = {section.label for section in new}
    gone = [section for section in old if section.label not in labels]
    come = [section for section in new if section.label not in earlier]
    pairs = pair_up(gone, come, _likeness, lambda section: section.label)
    renamed = {come[j].label: gone[i] for j, i in pairs.items()}
    for section in new:
        before = earlier.get(section.label) or renamed.get(section.label)
        title = section.title if before else f"{section.title} (new section)"
        changes = _sentences(before.sentences if before else (), section.sentences)
        if before and before.heading != section.heading:
            changes.insert(0, Change("changed", "heading", "heading", before.heading, section.heading))
        elif not before and not changes:
            changes.append(Change("added", "heading", "heading", new=section.heading))
        if changes:
            yield Group(section.label, title, tuple(changes))
    kept = {section.label for section in renamed.values()}
    for section in gone:
        if section.label not in kept:
            changes = _sentences(section.sentences, ()) or [Change("removed", "heading", "heading", section.heading)]
            yield Group(section.label, f"{section.title} (section removed)", tuple(changes))


def _likeness(one: Section, two: Section) -> float:
    likeness = alike(" ".join(one.sentences), " ".join(two.sentences))
    return likeness if one.sentences and likeness >= _SAME_SECTION else 0


def _sentences(old: tuple[str, ...], new: tuple[str, ...]) -> list[Change]:
    changes = []
    for before, after in align(old, new):
        if before == after:
            continue
        pairs = pair_up(before, after, _edited, str)
        edited = set(pairs.values())
        changes += [Change("removed", "", old=one) for number, one in enumerate(before) if number not in edited]
        changes += [
            Change("changed", "", old=before[pairs[number]], new=two)
            if number in pairs
            else Change("added", "", new=two)
            for number, two in enumerate(after)
        ]
    return changes


def _edited(one: str, two: str) -> float:
    likeness = alike(one, two)
    if _CELLS in one and _CELLS in two:  # rows of a table: the first cell says what they are about
        subject = one.split(_CELLS)[0]
        if subject:
            return 1 + likeness if two.startswith(subject + _CELLS) else 0
    return likeness if likeness >= _SAME_SENTENCE else 0


# ---- From Markdown to sentences


def read_sections(markdown: str) -> list[Section]:
    """Read a chapter's Markdown.

    Parameters
    ----------
    markdown : str
        As a staged chapter holds it, every heading with its label.

    Returns
    -------
    list of Section
        In order.
    """
    if not markdown.strip():
        return []
    found: list[tuple[str, str, str, list[str]]] = []
    chapter = ""
    for block in pandoc.flat(pandoc.parse(markdown)["blocks"]):
        if block["t"] == "Header":
            level, (label, *_), inlines = block["c"]
            heading = _clean(_words(inlines))
            chapter = heading if level == 1 else chapter
            found.append((label, chapter, heading, []))
            continue
        if not found:
            found.append(("", "", "", []))
        found[-1][3].extend(_read(block))
    return [Section(label, chapter, heading, tuple(told)) for label, chapter, heading, told in found]


def _read(block: dict[str, Any]) -> Iterator[str]:
    kind: str = block["t"]
    content: Any = block.get("c")
    if kind in ("Para", "Plain"):
        yield from (sentence.text for sentence in split_sentences(_clean(_words(content))))
    elif kind == "LineBlock":
        yield from (_clean(_words(line)) for line in content)
    elif kind == "Table":
        yield from (row for row in _table_rows(content) if row.strip(" |"))
    elif kind == "CodeBlock":
        yield content[1]
    elif kind == "Figure":
        return  # a chart: compared by its own words and data
    elif content is not None:
        for inner in _blocks_in(content):
            yield from _read(inner)


def _blocks_in(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict) and "t" in node:
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _blocks_in(item)


def _table_rows(table: list[Any]) -> Iterator[str]:
    _, caption, _, head, bodies, foot = table
    yield _words(caption)
    rows = [*head[1], *(row for body in bodies for part in body[2:] for row in part), *foot[1]]
    for row in rows:
        yield _CELLS.join(_clean(_words(cell[4])) for cell in row[1])


def _words(node: Any) -> str:
    """Return the words of Pandoc inlines; a citation stands in brackets as in the Markdown."""
    if isinstance(node, list):
        return "".join(map(_words, node))
    if not isinstance(node, dict):
        return ""
    kind: str = node.get("t", "")
    content: Any = node.get("c")
    if kind == "Str":
        return str(content)
    if kind in ("Space", "SoftBreak", "LineBreak"):
        return " "
    if kind in ("Code", "Math", "RawInline"):
        return str(content[1])
    if kind == "Quoted":
        marks = "‘’" if content[0]["t"] == "SingleQuote" else "“”"
        return f"{marks[0]}{_words(content[1])}{marks[1]}"
    if kind == "Cite":
        return f"[{'; '.join(citation['citationId'] for citation in content[0])}]"
    return _words(content) if isinstance(content, list) else ""


def _clean(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
