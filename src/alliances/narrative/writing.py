"""Paragraphs: which of their sentences stand in this edition, and the Markdown that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alliances.analysis.evidence import NOTHING
from alliances.errors import NarrativeError
from alliances.narrative.sentences import Rendered, Teller
from alliances.narrative.templates import END, Alternative, Block, Slot, parse

__all__ = ["Written", "line", "write"]


@dataclass
class Written:
    """What a call told.

    Attributes
    ----------
    markdown : str
        Its blocks; "" where nothing stands.
    sentences : list of Rendered
        Its sentences and headings.
    """

    markdown: str = ""
    sentences: list[Rendered] = field(default_factory=list)

    @property
    def anchors(self) -> list[str]:
        """The evidence of its sentences, each once."""
        return list(dict.fromkeys(anchor for sentence in self.sentences for anchor in sentence.anchors))


def write(teller: Teller, text: str, variables: Mapping[str, Any]) -> Written:
    """Tell those sentences of a text whose evidence this edition knows.

    Parameters
    ----------
    teller : Teller
        Fills the sentences.
    text : str
        Templates, as `Edition.write` documents them.
    variables : Mapping of str to object
        The notebook's variables.

    Raises
    ------
    NarrativeError
        If the text is not in that language; the error's `line` counts from its first line.
    """
    told = _Told(teller, variables)
    blocks = [(block, told.block(block)) for block in parse(text)]
    written = Written()
    parts: list[str] = []
    for number, (block, sentences) in enumerate(blocks):
        if block.kind == "heading" and not _has_body(blocks, number):
            continue
        if sentences:
            written.sentences += sentences
            parts.append(_markdown(block, sentences))
    written.markdown = "\n\n".join(parts)
    return written


def line(teller: Teller, text: str, variables: Mapping[str, Any], marked: bool = True) -> Written:
    """Tell a short text, a title or a caption for instance: a line goes on below until one ends in a full stop.

    The last sentence, and one before ``else:``, needs none.
    """
    told = _Told(teller, variables, marked)
    slots: list[Slot] = []
    lines: list[tuple[int, str]] = []
    for number, raw in enumerate(map(str.strip, text.splitlines())):
        if not raw:
            continue
        if lines and not END.search(lines[-1][1]) and not raw.startswith("else:"):
            lines[-1] = (lines[-1][0], f"{lines[-1][1]} {raw}")
        else:
            lines.append((number, raw))
    for number, stripped in lines:
        if stripped.startswith("else:") and slots:
            slots[-1].alternatives.append(Alternative(stripped.removeprefix("else:").strip(), number))
        else:
            slots.append(Slot([Alternative(stripped, number)]))
    sentences = told.slots(slots)
    return Written(" ".join(sentence.markdown for sentence in sentences), sentences)


def _has_body(blocks: Sequence[tuple[Block, list[Rendered]]], number: int) -> bool:
    """Whether something stands under a heading, or might follow it in another cell."""
    heading = blocks[number][0]
    body = False
    for block, sentences in blocks[number + 1 :]:
        if block.kind == "heading" and block.level <= heading.level:
            break
        if block.kind != "heading":
            body = True
            if sentences:
                return True
    return not body


def _markdown(block: Block, sentences: list[Rendered]) -> str:
    if block.kind == "heading":
        return f"{'#' * block.level} {sentences[0].markdown}"
    if block.kind == "paragraph":
        return " ".join(sentence.markdown for sentence in sentences)
    bullets = (f"{n}. " if block.kind == "numbers" else "- " for n in range(1, len(sentences) + 1))
    return "\n".join(bullet + sentence.markdown for bullet, sentence in zip(bullets, sentences, strict=True))


class _Told:
    """Goes through the blocks of one call and remembers whether the sentence before stands."""

    def __init__(self, teller: Teller, variables: Mapping[str, Any], marked: bool = True) -> None:
        self._teller = teller
        self._variables = variables
        self._marked = marked
        self._last_stands = True
        self._before = NOTHING

    def block(self, block: Block) -> list[Rendered]:
        """Tell a block, or the first of its alternatives of which something stands."""
        if block.kind == "heading":
            marked, self._marked = self._marked, False
            sentences = [s for s in [self._first(block.ways[0][0])] if s]
            self._marked = marked
            return sentences
        self._before = NOTHING
        for way in block.ways:
            if sentences := self.slots(way):
                return sentences
        return []

    def slots(self, slots: list[Slot]) -> list[Rendered]:
        """Tell the sentences of a paragraph that stand."""
        told: list[Rendered | None] = []
        for slot in slots:
            rendered = self._first(slot)
            told.append(rendered)
            if rendered:
                self._before = self._before | rendered.evidence
        stands = _standing(slots, told, self._last_stands)
        if slots:
            self._last_stands = stands[-1]
        return [rendered for rendered, does in zip(told, stands, strict=True) if rendered and does]

    def _first(self, slot: Slot) -> Rendered | None:
        """Return the first alternative that is known; the others are read too, so that a fault in them shows."""
        found: Rendered | None = None
        for alternative in slot.alternatives:
            try:
                told = self._teller.tell(alternative, self._variables, self._before, self._marked)
            except NarrativeError as error:
                error.line = alternative.line if error.line is None else error.line
                raise
            found = found or told
        return found


def _standing(slots: Sequence[Slot], told: Sequence[Rendered | None], last_stands: bool) -> list[bool]:
    """Decide which sentences stand: on their own evidence, or with the one before or after them."""
    own = [r is not None and (r.has_own or r.is_ours) for r in told]
    is_own = [r is None or r.has_own or r.is_ours for r in told]  # what fell had evidence that is not known
    stands = list(own)
    for i, slot in enumerate(slots):
        if told[i] is None or is_own[i]:
            continue
        leads = slot.is_opening or not any(is_own[:i])
        following = next((j for j in range(i + 1, len(slots)) if is_own[j]), None)
        if leads and following is not None:
            stands[i] = own[following]
        elif leads:
            stands[i] = True  # nothing in the paragraph has evidence: plain words of the report
        else:
            stands[i] = stands[i - 1]
    for i, slot in enumerate(slots):
        if slot.is_then and not (stands[i - 1] if i else last_stands):
            stands[i] = False
            if i + 1 < len(slots) and not is_own[i + 1] and not slots[i + 1].is_opening:
                stands[i + 1] = False
    return stands
