"""The language of `edition.write`: blocks, sentences, alternatives; which of them stand, and the Markdown they make."""

import re
from collections.abc import Iterator
from itertools import pairwise

from alliances.analysis.values import NOTHING
from alliances.dataset.problems import shorten
from alliances.errors import refuse
from alliances.narrative.sentences import PLACEHOLDER, Alternative, Rendered, Teller

_LABEL = re.compile(r"(then|opens|ours|else):(?:\s+|$)")
_MISTYPED = re.compile(r"(?:then|opens|ours|else)\s*:", re.IGNORECASE)
_END = re.compile(r"([.?!:])[”’\"')*_]*$")
_INNER_END = re.compile(r"(?<!\b[A-Z])(?<!\be\.g)(?<!\bi\.e)[.?!][”’\"')*_]*\s+(?=[“‘\"(*_]*[A-Z{])")
_LEAD = re.compile(r"^((?:(?:then|opens|ours|else):\s+)*)(#{1,3}|[-*]|\d+\.)\s+")
#: What only some of JupyterLab, page and PDF would show: HTML, pictures, code, quotations, tables, deep headings.
_FOREIGN = re.compile(r"(?<!\\)</?[A-Za-z!][^>]*>|!\[[^\]]*\]|(?<!\\)`+|^(?:>|\||~~~|:::|#{4,}|\$\$).*|\\$")
_HEADING, _BULLET = re.compile(r"#{1,3} "), re.compile(r"(?:[-*]|\d+\.)\s+")
#: A sentence that begins so needs the sentence before it.
_LEANING = re.compile(r"(?:But|So|Too|Its?|He|His|She|Her|The[ym]|Their|That|Th[eo]se|Therefore|Hence|Yet|This)\b")

#: A sentence, then what follows else: the first that is known is told.
Slot = list[Alternative]
#: A heading, paragraph or list: how it begins (#, ##, ###, -, * or a number with a point; "" for a paragraph), and its
#: sentences; after a bare `else:` line, those told where no sentence of the former is.
Block = tuple[str, list[list[Slot]]]


class Writer(Teller):
    """Goes through the sentences of a text and remembers what stands of those before."""

    def write(self, text: str) -> tuple[str, list[Rendered], list[str]]:
        """Tell those sentences of a text, as `Exhibits.write` documents it, whose evidence this edition knows.

        Return the Markdown, its sentences, headings too, and what fell although its rows are known. NarrativeError
        where a sentence does not end, two stand in one, a label means nothing, or whatever `tell` refuses.
        """
        self._marked, self._last_stands, self.before, self._fallen = True, True, NOTHING, list[str]()
        blocks = [(kind, self._block(kind, ways)) for kind, ways in self._blocks(text)]
        for (kind, told), (below, listed) in pairwise(blocks):
            if below[:1] not in ("", "#") and not (kind or listed) and told and told[-1].plain.endswith(":"):
                told.pop()  # it goes on in a list of which nothing is known
        texts, sentences = list[str](), list[Rendered]()
        for number, (kind, told) in enumerate(blocks, 1):
            ends = [n for n, (below, _) in enumerate(blocks) if n >= number and 0 < below.count("#") <= len(kind)]
            body = [bool(each) for below, each in blocks[number : min(ends, default=None)] if below[:1] != "#"]
            if told and (kind[:1] != "#" or not body or any(body)):  # without a body, one may follow in another cell
                lead = "{}. " if kind[-1:] == "." else f"{kind.replace('*', '-')} ".lstrip()
                lines = [lead.format(at) + sentence.markdown for at, sentence in enumerate(told, 1)]
                texts.append(("\n" if kind else " ").join(lines))
                sentences += told
        return "\n\n".join(texts), sentences, self._fallen

    def line(self, text: str, marked: bool = True) -> tuple[str, list[Rendered]]:
        """Tell a short text, a title or a caption for instance, which need not end; a title carries no marks."""
        self._marked, self._last_stands, self.before, self._fallen = marked, True, NOTHING, []
        slots: list[Slot] = []
        for _, sentence in _sentences([line for line in self._lines(text) if line]):
            self._add(slots, sentence, " ".join(sentence))
        sentences, self.at = self._paragraph(slots), ""
        return " ".join(sentence.markdown for sentence in sentences), sentences

    def _blocks(self, text: str) -> list[Block]:
        """Split a text into blocks and sentences."""
        blocks: list[Block] = []
        for is_first, sentence in _sentences(self._lines(text)):
            words, self.at = " ".join(sentence), sentence[0]
            if is_first and (words != "else:" or not blocks):
                lead = _LEAD.match(words)
                blocks.append((lead[2] if lead else "", [[]]))
            kind, ways = blocks[-1]
            is_title = kind[:1] == "#"
            if words == "else:":
                refuse(is_title, "else: has no paragraph above it; write else: and another title on one line")
                ways.append([])
                continue
            refuse(not is_title and not _END.search(words), f"“{shorten(words)}” does not end; set a full stop")
            self._add(ways[-1], sentence, _LEAD.sub(r"\1", words) if kind else words, is_title)
        return blocks

    def _lines(self, text: str) -> list[str]:
        refuse(not isinstance(text, str), f"{text!r:.60} is no text; write a template in quotation marks")
        lines = [line.strip() for line in text.splitlines()]
        why = "is not the same in JupyterLab, page and PDF; write sentences, lists with - or 1. and *emphasis*"
        for line in lines:
            self.at, found = line, _FOREIGN.findall(line)
            refuse(found, f"“{shorten(''.join(found[:1]))}” {why}, and use edition.table")
        return lines

    def _add(self, slots: list[Slot], typed: list[str], text: str, is_title: bool = True) -> None:
        """Add a sentence behind its labels, or another way of saying the one above."""
        labels, self.at = set[str](), typed[0]
        while match := _LABEL.match(text):
            labels.add(match[1])
            text = text[match.end() :]
        said, bare = f"“{shorten(text)}”", PLACEHOLDER.sub("Xx", text)
        refuse(not text, f"the label {', '.join(sorted(labels))}: has no sentence; write one behind it")
        if not is_title:
            leans = not labels & {"then", "else"} and _LEANING.match(bare.lstrip("“‘*_("))
            refuse(_MISTYPED.match(text), f"{said} begins with no label; write it small and with a space, ours: …")
            refuse(_INNER_END.search(bare), f"{said} holds two sentences; give each its own line: each stands alone")
            refuse(leans, f"{said} leans on the sentence before it; write then: before it, so that both fall")
        if "else" not in labels:
            slots.append([])
        refuse(not slots, "else: has no sentence above it in its paragraph; a fact box has no else:")
        slots[-1].append(Alternative(text, typed[0], labels))

    def _block(self, kind: str, ways: list[list[Slot]]) -> list[Rendered]:
        """Tell a block, or the first of its alternatives of which something stands."""
        if kind[:1] == "#":
            return list(filter(None, [self._first(ways[0][0], marked=False)]))
        self.before = NOTHING
        return next(filter(None, map(self._paragraph, ways)), [])

    def _paragraph(self, slots: list[Slot]) -> list[Rendered]:
        """Tell the sentences of a paragraph that stand: on their own evidence, and with the one before or after."""
        told: list[Rendered | None] = []
        for slot in slots:
            told.append(one := self._first(slot, self._marked))
            self.before = self.before | (one.evidence if one else NOTHING)
            named = [word for word in re.findall(r"[\w-]+", slot[0].text) if word in self.dataset.complete]
            if not one and named and all(row_id in self.dataset for row_id in named):
                self._fallen.append(slot[0].text)  # unlike its rows, something that is made of them is not known
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
        told = [self.tell(alternative, marked) for alternative in slot]
        return next(filter(None, told), None)


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
