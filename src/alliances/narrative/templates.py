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
_LEAD = re.compile(r"^((?:(?:then|opens|ours|else):\s+)*)(#{1,3}|[-*]|\d+\.)\s+")
#: What only some of JupyterLab, page and PDF would show: HTML, pictures, code, quotations, tables, deep headings.
_FOREIGN = re.compile(r"(?<!\\)</?(?!sup\b)[A-Za-z!][^>]*>|!\[[^\]]*\]|(?<!\\)`+|^(?:>|\||~~~|:::|#{4,}|\$\$).*|\\$")
_BULLET = re.compile(r"(?:[-*]|\d+\.)\s+")
#: A sentence that begins so needs the sentence before it.
_LEANING = re.compile(r"(?:But|So|Too|Its?|He|His|She|Her|The[ym]|Their|That|Th[eo]se|Therefore|Hence|Yet|This)\b")


class Alternative(NamedTuple):
    """One way of saying a sentence: its template on one line, its first line as typed, its labels without colons."""

    text: str
    line: str = ""
    labels: Collection[str] = ()


#: A sentence, then what follows else: the first that is known is told.
Slot = list[Alternative]


class Block(NamedTuple):
    """A heading, a paragraph or a list."""

    kind: str  # how its first line begins: #, ## or ###, -, * or a number with a point; "" for a paragraph
    ways: list[list[Slot]]  # its sentences; after a bare `else:` line, those told where no sentence of the former is


def parse(text: str) -> list[Block]:
    """Split a text into blocks and sentences.

    NarrativeError where a sentence does not end, two stand in one, or a label stands where it means nothing.
    """
    blocks: list[Block] = []
    for is_first, sentence in _sentences(_lines(text)):
        if is_first and (sentence != ["else:"] or not blocks):
            lead = _LEAD.match(sentence[0])
            blocks.append(Block(lead[2] if lead else "", [[]]))
        kind, ways = blocks[-1]
        is_title, words = kind[:1] == "#", " ".join(sentence)
        if words == "else:":
            why = "else: has no paragraph above it; below a heading write else: and the other title on one line"
            refuse(is_title, why, words)
            ways.append([])
            continue
        why = "a line under a heading is part of no sentence; leave an empty line between them"
        for line in sentence[is_first:] if is_title else ():
            refuse(not line.startswith("else: "), why, line)
        why = f"the sentence “{shorten(words)}” does not end; close it with a full stop"
        refuse(not is_title and not _END.search(words), why, sentence[0])
        _add(ways[-1], _LEAD.sub(r"\1", words) if kind else words, sentence[0], is_title)
    return blocks


def parse_line(text: str) -> list[Slot]:
    """Split a short text, a title or a caption for instance: its last sentence, and one before `else:`, may not end."""
    slots: list[Slot] = []
    for _, sentence in _sentences([line for line in _lines(text) if line]):
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


def _sentences(lines: list[str]) -> Iterator[tuple[bool, list[str]]]:
    """Group lines into sentences, and say which are the first of a block.

    A sentence ends in a full stop, before a label, and at a colon unless words follow it; a block ends at an empty
    line, a heading, and where a list follows a sentence.
    """
    current, first, is_first = list[str](), "", True
    for line in [*lines, ""]:
        end = _END.search(current[-1]) if current and current != ["else:"] else None
        is_item = _BULLET.match(line)
        is_new = not line or line.startswith(("# ", "## ", "### ")) or (is_item and end and not _BULLET.match(first))
        is_over = is_new or current == ["else:"] or _LABEL.match(line) or (end and (end[1] != ":" or is_item))
        if current and is_over:
            yield is_first, current
            current, is_first = [], False
        is_first = is_first or bool(is_new)
        first = line if is_new or first in ("", "else:") else first
        current += [line] if line else []


def _add(slots: list[Slot], text: str, line: str, is_title: bool = True) -> None:
    """Add a sentence behind its labels, or another way of saying the one above."""
    labels: set[str] = set()
    while match := _LABEL.match(text):
        labels.add(match[1])
        text = text[match.end() :]
    said, bare = f"“{shorten(text)}”", PLACEHOLDER.sub("Xx", text)
    refuse(not text, f"the label {', '.join(sorted(labels))}: has no sentence; write one behind it", line)
    if not is_title:
        leans = not labels & {"then", "else"} and _LEANING.match(bare.lstrip("“‘*_("))
        refuse(_MISTYPED.match(text), f"{said} begins with no label; write it small and with a space, ours: …", line)
        refuse(_INNER_END.search(bare), f"{said} holds two sentences; give each its own line: each stands alone", line)
        refuse(leans, f"{said} leans on the sentence before it; write then: before it, so that both fall", line)
    if "else" not in labels:
        slots.append([])
    refuse(not slots, "else: has no sentence above it in its paragraph; a fact box has no else:", line)
    slots[-1].append(Alternative(text, line, labels))


def refuse(is_wrong: object, message: str, line: str = "") -> None:
    """Raise a `NarrativeError` with the line that is at fault, where something is wrong."""
    if is_wrong:
        error = NarrativeError(message)
        error.line = line
        raise error
