"""The language of `edition.write`: blocks, sentences, alternatives and placeholders, as typed in a cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from alliances.errors import NarrativeError

__all__ = ["END", "PLACEHOLDER", "Alternative", "Block", "Slot", "parse"]

PLACEHOLDER = re.compile(
    r"\{(?P<path>[^{}:|]+)(?:\|(?P<one>[^{}|]*)\|(?P<many>[^{}|:]*))?(?::(?P<words>[^{}]*))?\}"
)  # fmt: skip
_LABEL = re.compile(r"(then|opens|ours|else):(?:\s+|$)")
END = re.compile(r"[.?!:][”’\"')*_]*$")
_MISTYPED = re.compile(r"(?:then|opens|ours|else)\s*:", re.IGNORECASE)
_INNER_END = re.compile(r"(?<!\b[A-Z])(?<!\be\.g)(?<!\bi\.e)[.?!][”’\"')*_]*\s+(?=[“‘\"(*_]*[A-Z{])")
_HEADING = re.compile(r"(#{1,3})\s+(.*)")
_BULLET = re.compile(r"([-*]|\d+\.)\s+(.*)")
#: A sentence that begins so needs the sentence before it.
_LEANING = re.compile(
    r"(?:But|So|Too|It|Its|He|His|She|Her|They|Their|Them|This|That|These|Those|Therefore|Hence|Yet)\b"
)


@dataclass(frozen=True)
class Alternative:
    """One way of saying a sentence.

    Attributes
    ----------
    text : str
        The template, on one line.
    line : int
        Line of the call's text on which it begins, from 0.
    is_ours : bool
        Whether it is an inference of the report.
    """

    text: str
    line: int
    is_ours: bool = False


@dataclass
class Slot:
    """A sentence with its alternatives, of which the first that is known is told.

    Attributes
    ----------
    alternatives : list of Alternative
        The sentence, then what follows `else:`.
    is_then : bool
        Whether it falls with the sentence before it.
    is_opening : bool
        Whether it goes with the sentence after it.
    """

    alternatives: list[Alternative]
    is_then: bool = False
    is_opening: bool = False


@dataclass
class Block:
    """A heading, paragraph or list.

    Attributes
    ----------
    kind : str
        ``heading``, ``paragraph``, ``bullets`` or ``numbers``.
    ways : list of list of Slot
        Its sentences; after a bare `else:` line, those told where no sentence of the former is.
    level : int
        Level of a heading.
    """

    kind: str
    ways: list[list[Slot]] = field(default_factory=lambda: [[]])
    level: int = 0


def parse(text: str) -> list[Block]:
    """Split a text into blocks and sentences.

    Raises
    ------
    NarrativeError
        Where a sentence does not end, two stand in one, or a label stands where it means nothing; the error's
        `line` is that of the text.
    """
    blocks: list[Block] = []
    for lines in _paragraphs(text):
        number, first = lines[0]
        if _HEADING.match(first):
            for number, line in lines:
                if match := _HEADING.match(line):
                    blocks.append(_heading(number, match))
                else:
                    _add_title(blocks[-1], number, line)
            continue
        if first == "else:" and blocks:
            blocks[-1].ways.append([])
            _fill(blocks[-1], lines[1:])
        else:
            bullet = _BULLET.match(first)
            kind = "paragraph" if not bullet else "bullets" if bullet[1] in "-*" else "numbers"
            blocks.append(Block(kind))
            _fill(blocks[-1], lines)
    return blocks


def _paragraphs(text: str) -> Iterator[list[tuple[int, str]]]:
    current: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines()):
        stripped = line.strip()
        if stripped and not (current and _HEADING.match(stripped) and not _HEADING.match(current[0][1])):
            current.append((number, stripped))
        elif current:
            yield current
            current = [(number, stripped)] if stripped else []
    if current:
        yield current


def _heading(number: int, match: re.Match[str]) -> Block:
    return Block("heading", [[Slot([Alternative(match[2], number)])]], len(match[1]))


def _add_title(block: Block, number: int, line: str) -> None:
    """Add an alternative title to the heading above it."""
    label = _LABEL.match(line)
    if not label or label[1] != "else":
        raise _error("a line under a heading is part of no sentence; leave an empty line between them", number)
    block.ways[0][0].alternatives.append(Alternative(line[label.end() :], number))


def _fill(block: Block, lines: list[tuple[int, str]]) -> None:
    """Sort lines into sentences: one ends where a line ends in a full stop, a question or exclamation mark, a colon."""
    pending: list[str] = []
    start = 0
    for number, line in lines:
        if not pending and line == "else:":
            block.ways.append([])
            continue
        if not pending:
            start = number
            bullet = _BULLET.match(line) if block.kind != "paragraph" else None
            line = bullet[2] if bullet else line
        pending.append(line)
        if END.search(line):
            _add(block, " ".join(pending), start)
            pending = []
    if pending:
        raise _error(f"the sentence “{_short(' '.join(pending))}” does not end; close it with a full stop", start)


def _add(block: Block, text: str, line: int) -> None:
    labels: set[str] = set()
    while match := _LABEL.match(text):
        labels.add(match[1])
        text = text[match.end() :]
    if not text:
        raise _error(f"the label {', '.join(sorted(labels))}: has no sentence; write one behind it", line)
    if _MISTYPED.match(text):
        raise _error(
            f"“{_short(text)}” begins with a label that is none; write it small and with a space, ours: …", line
        )
    bare = PLACEHOLDER.sub("Xx", text)
    if _INNER_END.search(bare):
        raise _error(
            f"“{_short(text)}” holds two sentences; give each a line of its own, since each stands or falls alone", line
        )
    alternative = Alternative(text, line, "ours" in labels)
    slots = block.ways[-1]
    if "else" in labels:
        if not slots:
            raise _error("else: has no sentence above it in its paragraph", line)
        slots[-1].alternatives.append(alternative)
        return
    if _LEANING.match(bare.lstrip("“‘*_(")) and "then" not in labels:
        raise _error(
            f"“{_short(text)}” leans on the sentence before it; write then: before it, so that it falls with it", line
        )
    slots.append(Slot([alternative], "then" in labels, "opens" in labels))


def _short(text: str) -> str:
    return text if len(text) <= 70 else f"{text[:68].rstrip()} …"


def _error(message: str, line: int) -> NarrativeError:
    error = NarrativeError(message)
    error.line = line
    return error
