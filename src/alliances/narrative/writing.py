"""The language of `edition.write`: blocks, sentences, alternatives; which of them stand, and the Markdown they make."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

from alliances.analysis.values import NOTHING
from alliances.dataset.problems import shorten
from alliances.errors import NarrativeError, refuse
from alliances.narrative.sentences import PLACEHOLDER, Alternative, Rendered, Teller

_LABEL = re.compile(r"(then|opens|ours|else):(?:\s+|$)")
_MISTYPED = re.compile(r"(?:then|opens|ours|else)\s*:", re.IGNORECASE)
_END = re.compile(r"([.?!:])[”’\"')*_]*$")
_INNER_END = re.compile(r"(?<!\b[A-Z])(?<!\be\.g)(?<!\bi\.e)[.?!][”’\"')*_]*\s+(?=[“‘\"(*_]*[A-Z{])")
_LEAD = re.compile(r"^((?:(?:then|opens|ours|else):\s+)*)(#{1,3}|[-*]|\d+\.)\s+")
#: What only some of JupyterLab, page and PDF would show: HTML, pictures, code, quotations, tables, deep headings.
_FOREIGN = re.compile(r"(?<!\\)</?(?!sup\b)[A-Za-z!][^>]*>|!\[[^\]]*\]|(?<!\\)`+|^(?:>|\||~~~|:::|#{4,}|\$\$).*|\\$")
_HEADING, _BULLET = re.compile(r"#{1,3} "), re.compile(r"(?:[-*]|\d+\.)\s+")
#: A sentence that begins so needs the sentence before it.
_LEANING = re.compile(r"(?:But|So|Too|Its?|He|His|She|Her|The[ym]|Their|That|Th[eo]se|Therefore|Hence|Yet|This)\b")

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
        words = " ".join(sentence)
        if is_first and (words != "else:" or not blocks):
            lead = _LEAD.match(words)
            blocks.append(Block(lead[2] if lead else "", [[]]))
        kind, ways = blocks[-1]
        is_title = kind[:1] == "#"
        if words == "else:":
            why = "else: has no paragraph above it; below a heading write else: and the other title on one line"
            refuse(is_title, why, words)
            ways.append([])
            continue
        why = f"the sentence “{shorten(words)}” does not end; close it with a full stop"
        refuse(not is_title and not _END.search(words), why, sentence[0])
        _add(ways[-1], _LEAD.sub(r"\1", words) if kind else words, sentence[0], is_title)
    return blocks


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
    line, before and after a heading, and where a list follows a sentence.
    """
    current, first, is_first = list[str](), "", True
    for line in [*lines, ""]:
        end = _END.search(current[-1]) if current and current != ["else:"] else None
        is_item = _BULLET.match(line)
        is_new = not line or _HEADING.match(line) or (is_item and end and not _BULLET.match(first))
        is_new = is_new or (_HEADING.match(first) and not line.startswith("else: "))
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


def write(teller: Teller, text: str) -> tuple[str, list[Rendered], list[str]]:
    """Tell those sentences of a text, as `Exhibits.write` documents it, whose evidence this edition knows.

    Return the Markdown, its sentences, headings too, and what fell although its rows are known.
    """
    telling = _Telling(teller)
    blocks = [(block.kind, telling.block(block)) for block in parse(text)]
    for (kind, sentences), (below, listed) in pairwise(blocks):
        if below[:1] not in ("", "#") and not (kind or listed) and sentences and sentences[-1].plain.endswith(":"):
            sentences.pop()  # it goes on in a list of which nothing is known
    stands = [(k, told) for n, (k, told) in enumerate(blocks, 1) if told and (k[:1] != "#" or _has_body(k, blocks[n:]))]
    markdown = "\n\n".join(_markdown(kind, sentences) for kind, sentences in stands)
    return markdown, [sentence for _, sentences in stands for sentence in sentences], telling.fallen


def line(teller: Teller, text: str, marked: bool = True) -> tuple[str, list[Rendered]]:
    """Tell a short text, a title or a caption for instance, which need not end; a title carries no marks."""
    slots: list[Slot] = []
    for _, sentence in _sentences([line for line in _lines(text) if line]):
        _add(slots, " ".join(sentence), sentence[0])
    sentences = _Telling(teller, marked).slots(slots)
    return " ".join(sentence.markdown for sentence in sentences), sentences


def _has_body(heading: str, after: Sequence[tuple[str, list[Rendered]]]) -> bool:
    """Whether something stands under a heading, or might follow it in another cell."""
    under = takewhile(lambda block: block[0][:1] != "#" or len(block[0]) > len(heading), after)
    body = [sentences for kind, sentences in under if kind[:1] != "#"]
    return not body or any(body)


def _markdown(kind: str, sentences: Sequence[Rendered]) -> str:
    told = [sentence.markdown for sentence in sentences]
    if not kind:
        return " ".join(told)
    lead = "{}." if kind[-1] == "." else kind.replace("*", "-")
    return "\n".join(f"{lead.format(number)} {words}" for number, words in enumerate(told, 1))


class _Telling:
    """Goes through the sentences of one call and remembers what stands of those before."""

    def __init__(self, teller: Teller, marked: bool = True) -> None:
        self._teller, self._marked = teller, marked
        self._last_stands, self._before = True, NOTHING
        self.fallen: list[str] = []  # whose rows are all known, unlike something that is made of them

    def block(self, block: Block) -> list[Rendered]:
        """Tell a block, or the first of its alternatives of which something stands."""
        if block.kind[:1] == "#":
            title = self._first(block.ways[0][0], marked=False)
            return [title] if title else []
        self._before = NOTHING
        return next(filter(None, map(self.slots, block.ways)), [])

    def slots(self, slots: Sequence[Slot]) -> list[Rendered]:
        """Tell the sentences of a paragraph that stand: on their own evidence, and with the one before or after."""
        told: list[Rendered | None] = []
        for slot in slots:
            told.append(one := self._first(slot, self._marked))
            self._before = self._before | (one.evidence if one else NOTHING)
            named = [word for word in re.findall(r"[\w-]+", slot[0].text) if word in self._teller.dataset.complete]
            if not one and named and all(row_id in self._teller.dataset for row_id in named):
                self.fallen.append(slot[0].text)
        plain = [one is not None and not (one.is_ours or one.evidence) for one in told]  # with no evidence of their own
        nexts, follows, found = list[bool](), True, list[Rendered]()
        for slot, one, is_plain in zip(reversed(slots), reversed(told), reversed(plain), strict=True):
            nexts.insert(0, follows)  # whether the next sentence with evidence of its own stands
            follows = follows if is_plain else one is not None and (follows or "opens" not in slot[0].labels)
        for number, (slot, one, is_plain, follows) in enumerate(zip(slots, told, plain, nexts, strict=True)):
            before, goes_on = self._last_stands, "opens" in slot[0].labels or (is_plain and not number)
            stands = follows if goes_on else before or not is_plain
            self._last_stands = one is not None and stands and (before or "then" not in slot[0].labels)
            found += [one] if one and self._last_stands else []
        return found

    def _first(self, slot: Slot, marked: bool) -> Rendered | None:
        """Return the first alternative that is known; the others are read too, so that a fault in them shows."""
        told: list[Rendered | None] = []
        for alternative in slot:
            try:
                told.append(self._teller.tell(alternative, self._before, marked))
            except NarrativeError as error:
                error.line = error.line or alternative.line
                raise
        return next(filter(None, told), None)
