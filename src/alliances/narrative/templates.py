"""The language of `edition.write`: blocks, sentences, alternatives and placeholders, as typed in a cell."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from alliances.dataset.problems import shorten
from alliances.errors import NarrativeError

PLACEHOLDER = re.compile(
    r"\{(?P<path>[^{}:|]+)(?:\|(?P<one>[^{}|]*)\|(?P<many>[^{}|:]*))?(?::(?P<words>[^{}]*))?\}"
)  # fmt: skip
_LABEL = re.compile(r"(then|opens|ours|else):(?:\s+|$)")
_MISTYPED = re.compile(r"(?:then|opens|ours|else)\s*:", re.IGNORECASE)
_END = re.compile(r"[.?!:][”’\"')*_]*$")
_COLON = re.compile(r":[”’\"')*_]*$")
_INNER_END = re.compile(r"(?<!\b[A-Z])(?<!\be\.g)(?<!\bi\.e)[.?!][”’\"')*_]*\s+(?=[“‘\"(*_]*[A-Z{])")
_HEADING = re.compile(r"(#{1,3})\s+(.*)")
#: What only some of JupyterLab, page and PDF would show: HTML, pictures, code, quotations, tables, deep headings.
_FOREIGN = re.compile(r"(?<!\\)</?(?!sup\b)[A-Za-z!][^>]*>|!\[[^\]]*\]|(?<!\\)`+|^(?:>|\||~~~|:::|#{4,}|\$\$).*|\\$")
_BULLET = re.compile(r"([-*]|\d+\.)\s+")
#: A sentence that begins so needs the sentence before it.
_LEANING = re.compile(
    r"(?:But|So|Too|It|Its|He|His|She|Her|They|Their|Them|This|That|These|Those|Therefore|Hence|Yet)\b"
)


class Alternative(NamedTuple):
    """One way of saying a sentence: its template on one line, its first line as typed, whether the report infers it."""

    text: str
    line: str = ""
    is_ours: bool = False


@dataclass
class Slot:
    """A sentence with its alternatives, of which the first that is known is told."""

    alternatives: list[Alternative]  # the sentence, then what follows else:
    is_then: bool = False  # whether it falls with the sentence before it
    is_opening: bool = False  # whether it falls with the sentence after it


@dataclass
class Block:
    """A heading with its level, a paragraph or a list."""

    kind: str  # heading, paragraph, bullets or numbers
    level: int = 0
    #: Its sentences; after a bare `else:` line, those told where no sentence of the former is.
    ways: list[list[Slot]] = field(default_factory=lambda: [[]])


def parse(text: str) -> list[Block]:
    """Split a text into blocks and sentences.

    NarrativeError where a sentence does not end, two stand in one, or a label stands where it means nothing.
    """
    blocks: list[Block] = []
    for lines in _groups(_lines(text)):
        heading, bullet = _HEADING.match(lines[0]), _BULLET.match(lines[0])
        if heading:
            blocks.append(Block("heading", len(heading[1]), [[Slot([Alternative(heading[2], lines[0])])]]))
            for line in lines[1:]:
                why = "a line under a heading is part of no sentence; leave an empty line between them"
                refuse(not line.startswith("else: "), why, line)
                _add(blocks[-1].ways[0], line, line)
            continue
        if lines[0] != "else:" or not blocks:
            blocks.append(Block("paragraph" if not bullet else "bullets" if bullet[1] in "-*" else "numbers"))
        for sentence in _sentences(lines):
            if sentence == ["else:"]:
                blocks[-1].ways.append([])
            else:
                words = " ".join(sentence)
                why = f"the sentence “{shorten(words)}” does not end; close it with a full stop"
                refuse(not _END.search(words), why, sentence[0])
                words = words if blocks[-1].kind == "paragraph" else _BULLET.sub("", words, count=1)
                _add(blocks[-1].ways[-1], words, sentence[0], is_title=False)
    return blocks


def parse_line(text: str) -> list[Slot]:
    """Split a short text, a title or a caption for instance: its last sentence, and one before `else:`, may not end."""
    slots: list[Slot] = []
    for sentence in _sentences([line for line in _lines(text) if line]):
        _add(slots, " ".join(sentence), sentence[0])
    return slots


def _lines(text: str) -> list[str]:
    refuse(not isinstance(text, str), f"{text!r:.60} is no text; write a template in quotation marks")
    lines = [line.strip() for line in text.splitlines()]
    for line in lines:
        if found := _FOREIGN.search(line):
            why = f"“{shorten(found[0])}” is not the same in JupyterLab, page and PDF"
            refuse(True, f"{why}; write sentences, lists with - or 1. and *emphasis*, and use edition.table", line)
    return lines


def _groups(lines: list[str]) -> Iterator[list[str]]:
    """Group the lines of a block: it ends at an empty line, a heading, and where a list follows a sentence."""
    group: list[str] = []
    for line in [*lines, ""]:
        is_list = _BULLET.match(line) and group and group[-1] != "else:" and not _BULLET.match(group[0])
        if group and (not line or _HEADING.match(line) or (is_list and _END.search(group[-1]))):
            yield group
            group = []
        if line:
            group.append(line)


def _sentences(lines: list[str]) -> Iterator[list[str]]:
    """Group lines into sentences: one ends in a full stop, before a label, and at a colon unless words follow it."""
    current: list[str] = []
    for line in lines:
        is_over = current and _END.search(current[-1]) and (not _COLON.search(current[-1]) or _BULLET.match(line))
        if current and (is_over or current == ["else:"] or _LABEL.match(line)):
            yield current
            current = []
        current.append(line)
    if current:
        yield current


def _add(slots: list[Slot], text: str, line: str, is_title: bool = True) -> None:
    """Add a sentence behind its labels, or another way of saying the one above."""
    labels: set[str] = set()
    while match := _LABEL.match(text):
        labels.add(match[1])
        text = text[match.end() :]
    bare = PLACEHOLDER.sub("Xx", text)
    leans = not labels & {"then", "else"} and _LEANING.match(bare.lstrip("“‘*_("))
    for is_wrong, why in () if is_title else (
        (_MISTYPED.match(text), "begins with a label that is none; write it small and with a space, ours: …"),
        (_INNER_END.search(bare), "holds two sentences; give each a line of its own, since each stands or falls alone"),
        (leans, "leans on the sentence before it; write then: before it, so that it falls with it"),
    ):  # fmt: skip
        refuse(bool(is_wrong), f"“{shorten(text)}” {why}", line)
    refuse(not text, f"the label {', '.join(sorted(labels))}: has no sentence; write one behind it", line)
    refuse(
        "else" in labels and not slots,
        "else: has no sentence above it in its paragraph; a fact box has no else:",
        line,
    )
    alternative = Alternative(text, line, "ours" in labels)
    if "else" in labels:
        slots[-1].alternatives.append(alternative)
    else:
        slots.append(Slot([alternative], "then" in labels, "opens" in labels))


def refuse(is_wrong: bool, message: str, line: str = "") -> None:
    """Raise a `NarrativeError` with the line that is at fault, where something is wrong."""
    if is_wrong:
        error = NarrativeError(message)
        error.line = line
        raise error
