"""The language of `edition.write`: blocks, sentences, alternatives and placeholders, as typed in a cell."""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from alliances.dataset.problems import shorten
from alliances.errors import NarrativeError

PLACEHOLDER = re.compile(r"\{(?P<path>[^{}:|]+)(?:\|(?P<one>[^{}|]*)\|(?P<many>[^{}|:]*))?(?::(?P<words>[^{}]*))?\}")
_LABEL = re.compile(r"(then|opens|ours|else):(?:\s+|$)")
_MISTYPED = re.compile(r"(?:then|opens|ours|else)\s*:", re.IGNORECASE)
_END = re.compile(r"([.?!:])[”’\"')*_]*$")
_INNER_END = re.compile(r"(?<!\b[A-Z])(?<!\be\.g)(?<!\bi\.e)[.?!][”’\"')*_]*\s+(?=[“‘\"(*_]*[A-Z{])")
_LEAD = re.compile(r"^(#{1,3}|[-*]|\d+\.)\s+")
#: What only some of JupyterLab, page and PDF would show: HTML, pictures, code, quotations, tables, deep headings.
_FOREIGN = re.compile(r"(?<!\\)</?(?!sup\b)[A-Za-z!][^>]*>|!\[[^\]]*\]|(?<!\\)`+|^(?:>|\||~~~|:::|#{4,}|\$\$).*|\\$")
_BULLET = re.compile(r"(?:[-*]|\d+\.)\s+")
#: A sentence that begins so needs the sentence before it.
_LEANING = re.compile(
    r"(?:But|So|Too|It|Its|He|His|She|Her|They|Their|Them|This|That|These|Those|Therefore|Hence|Yet)\b"
)


class Alternative(NamedTuple):
    """One way of saying a sentence: its template on one line, its first line as typed, its labels without colons."""

    text: str
    line: str = ""
    labels: Collection[str] = ()


#: A sentence, then what follows else: the first that is known is told.
Slot = list[Alternative]


class Block(NamedTuple):
    """A heading, a paragraph or a list."""

    kind: str  # how its Markdown begins: #, ## or ###, - or 1.; "" for a paragraph
    ways: list[list[Slot]]  # its sentences; after a bare `else:` line, those told where no sentence of the former is


def parse(text: str) -> list[Block]:
    """Split a text into blocks and sentences.

    NarrativeError where a sentence does not end, two stand in one, or a label stands where it means nothing.
    """
    blocks: list[Block] = []
    for lines in _groups(_lines(text)):
        if lines[0] != "else:" or not blocks:
            lead = _LEAD.match(lines[0])
            blocks.append(Block(("1." if lead[1][0].isdigit() else lead[1].replace("*", "-")) if lead else "", [[]]))
        kind, ways = blocks[-1]
        for line in lines[1:] if kind[:1] == "#" else ():
            why = "a line under a heading is part of no sentence; leave an empty line between them"
            refuse(not line.startswith("else: "), why, line)
        for sentence in _sentences(lines):
            if sentence == ["else:"]:
                ways.append([])
                continue
            words = " ".join(sentence)
            why = f"the sentence “{shorten(words)}” does not end; close it with a full stop"
            refuse(kind[:1] != "#" and not _END.search(words), why, sentence[0])
            _add(ways[-1], _LEAD.sub("", words, count=1) if kind else words, sentence[0], is_title=kind[:1] == "#")
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
    why = "is not the same in JupyterLab, page and PDF; write sentences, lists with - or 1. and *emphasis*"
    for line in lines:
        for found in _FOREIGN.finditer(line):
            refuse(True, f"“{shorten(found[0])}” {why}, and use edition.table", line)
    return lines


def _groups(lines: list[str]) -> Iterator[list[str]]:
    """Group the lines of a block: it ends at an empty line, a heading, and where a list follows a sentence."""
    group: list[str] = []
    for line in [*lines, ""]:
        is_list = _BULLET.match(line) and group and group[-1] != "else:" and not _BULLET.match(group[0])
        if group and (not line or line.startswith(("# ", "## ", "### ")) or (is_list and _END.search(group[-1]))):
            yield group
            group = []
        group += [line] if line else []


def _sentences(lines: list[str]) -> Iterator[list[str]]:
    """Group lines into sentences: one ends in a full stop, before a label, and at a colon unless words follow it."""
    current: list[str] = []
    for line in lines:
        end = _END.search(current[-1]) if current else None
        is_over = end and (end[1] != ":" or _BULLET.match(line))
        if current and (is_over or current == ["else:"] or _LABEL.match(line)):
            yield current
            current = []
        current.append(line)
    yield from [current] if current else []


def _add(slots: list[Slot], text: str, line: str, is_title: bool = True) -> None:
    """Add a sentence behind its labels, or another way of saying the one above."""
    labels: set[str] = set()
    while match := _LABEL.match(text):
        labels.add(match[1])
        text = text[match.end() :]
    bare, is_else = PLACEHOLDER.sub("Xx", text), "else" in labels
    leans = not labels & {"then", "else"} and _LEANING.match(bare.lstrip("“‘*_("))
    said, label = f"“{shorten(text)}”", f"the label {', '.join(sorted(labels))}:"
    for is_wrong, why in (
        (not is_title and _MISTYPED.match(text),
         f"{said} begins with a label that is none; write it small and with a space, ours: …"),
        (not is_title and _INNER_END.search(bare),
         f"{said} holds two sentences; give each a line of its own, since each stands or falls alone"),
        (not is_title and leans,
         f"{said} leans on the sentence before it; write then: before it, so that it falls with it"),
        (not text, f"{label} has no sentence; write one behind it"),
        (is_else and not slots, "else: has no sentence above it in its paragraph; a fact box has no else:"),
    ):  # fmt: skip
        refuse(bool(is_wrong), why, line)
    if not is_else:
        slots.append([])
    slots[-1].append(Alternative(text, line, labels))


def refuse(is_wrong: bool, message: str, line: str = "") -> None:
    """Raise a `NarrativeError` with the line that is at fault, where something is wrong."""
    if is_wrong:
        error = NarrativeError(message)
        error.line = line
        raise error
