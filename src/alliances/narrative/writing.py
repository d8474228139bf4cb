"""Paragraphs: which of their sentences stand in this edition, the Markdown that they make, and how it is displayed."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from IPython.display import display

from alliances.analysis.values import NOTHING
from alliances.errors import NarrativeError
from alliances.narrative.citing import Citing
from alliances.narrative.sentences import Rendered, Teller
from alliances.narrative.templates import Block, Slot, parse, parse_line
from alliances.text.markdown import plain

#: Key of an output's metadata under which staging finds what it is.
KEY = "alliances"
_GROUP = re.compile(r"#(ev-g-[0-9a-f]+)")


@dataclass
class Written:
    """What a call puts out."""

    markdown: str = ""  # as shown; empty where nothing stands
    sentences: list[Rendered] = field(default_factory=list)  # headings and cells too
    more: dict[str, Any] = field(default_factory=dict)  # what staging needs besides, JSON-ready

    @property
    def plain(self) -> str:
        """Its sentences without marks."""
        return " ".join(sentence.plain for sentence in self.sentences)


def write(teller: Teller, text: str, variables: Mapping[str, Any]) -> Written:
    """Tell those sentences of a text, as `Edition.write` documents it, whose evidence this edition knows."""
    told = _Told(teller, variables)
    blocks = [(block, told.block(block)) for block in parse(text)]
    for (block, sentences), (below, listed) in pairwise(blocks):
        is_bare = below.kind in ("bullets", "numbers") and not listed
        if is_bare and block.kind == "paragraph" and sentences and sentences[-1].plain.endswith(":"):
            sentences.pop()  # it goes on in a list of which nothing is known
    stands = [
        (block, sentences)
        for number, (block, sentences) in enumerate(blocks, 1)
        if sentences and (block.kind != "heading" or _has_body(block, blocks[number:]))
    ]
    markdown = "\n\n".join(_markdown(block, sentences) for block, sentences in stands)
    more = {"fallen": told.fallen} if told.fallen else {}
    return Written(markdown, [sentence for _, sentences in stands for sentence in sentences], more)


def line(teller: Teller, text: str, variables: Mapping[str, Any], marked: bool = True) -> Written:
    """Tell a short text, a title or a caption for instance; a title carries no marks."""
    sentences = _Told(teller, variables, marked).slots(parse_line(text))
    return Written(" ".join(sentence.markdown for sentence in sentences), sentences)


def _has_body(heading: Block, after: Sequence[tuple[Block, list[Rendered]]]) -> bool:
    """Whether something stands under a heading, or might follow it in another cell."""
    end = next((n for n, (b, _) in enumerate(after) if b.kind == "heading" and b.level <= heading.level), len(after))
    body = [sentences for block, sentences in after[:end] if block.kind != "heading"]
    return not body or any(body)


def _markdown(block: Block, sentences: list[Rendered]) -> str:
    told = [sentence.markdown for sentence in sentences]
    match block.kind:
        case "heading":
            return f"{'#' * block.level} {told[0]}"
        case "paragraph":
            return " ".join(told)
        case "bullets":
            return "\n".join(f"- {words}" for words in told)
    return "\n".join(f"{number}. {words}" for number, words in enumerate(told, 1))


class _Told:
    """Goes through the blocks of one call and remembers whether the sentence before stands."""

    def __init__(self, teller: Teller, variables: Mapping[str, Any], marked: bool = True) -> None:
        self._teller = teller
        self._variables = variables
        self._marked = marked
        self._last_stands = True
        self._before = NOTHING
        self.fallen: list[str] = []  # whose rows are all known, unlike something that is made of them

    def block(self, block: Block) -> list[Rendered]:
        """Tell a block, or the first of its alternatives of which something stands."""
        if block.kind == "heading":
            title = self._first(block.ways[0][0], marked=False)
            return [title] if title else []
        self._before = NOTHING
        return next(filter(None, map(self.slots, block.ways)), [])

    def slots(self, slots: list[Slot]) -> list[Rendered]:
        """Tell the sentences of a paragraph that stand."""
        told: list[Rendered | None] = []
        for slot in slots:
            told.append(rendered := self._first(slot, self._marked))
            if not rendered and self._teller.knows(slot.alternatives[0].text):
                self.fallen.append(slot.alternatives[0].text)
            self._before = self._before | (rendered.evidence if rendered else NOTHING)
        stands = _standing(slots, told, self._last_stands)
        self._last_stands = stands[-1] if stands else self._last_stands
        return [rendered for rendered, does in zip(told, stands, strict=True) if rendered and does]

    def _first(self, slot: Slot, marked: bool) -> Rendered | None:
        """Return the first alternative that is known; the others are read too, so that a fault in them shows."""
        found: Rendered | None = None
        for alternative in slot.alternatives:
            try:
                told = self._teller.tell(alternative, self._variables, self._before, marked)
            except NarrativeError as error:
                error.line = error.line or alternative.line
                raise
            found = found or told
        return found


def _standing(slots: Sequence[Slot], told: Sequence[Rendered | None], last_stands: bool) -> list[bool]:
    """Decide which sentences stand: on their own evidence, and with the one before or after them."""
    plain = [one is not None and not one.has_own for one in told]  # what fell had evidence that is not known
    after: list[bool] = []  # whether the next sentence with evidence of its own stands; True where there is none
    follows = True
    for slot, one, is_plain in zip(reversed(slots), reversed(told), reversed(plain), strict=True):
        after.insert(0, follows)
        if not is_plain:
            follows = one is not None and (follows or not slot.is_opening)
    stands: list[bool] = []
    for number, slot in enumerate(slots):
        before = stands[-1] if stands else last_stands
        does = told[number] is not None
        if slot.is_opening or (plain[number] and not stands):
            does = does and after[number]
        elif plain[number]:
            does = before
        stands.append(does and (before or not slot.is_then))
    return stands


def show(citing: Citing, kind: str, written: Written, **more: Any) -> None:
    """Display Markdown, with its kind, sentences and evidence in the metadata; nothing where it is empty.

    A chart, the ``spec`` of a figure, is displayed as Vega-Lite, which JupyterLab draws, and its Markdown beneath it.
    """
    more = {**written.more, **more}
    spec = more.pop("spec", None)
    markdown = "" if spec else written.markdown
    bundle = {"text/markdown": markdown, "text/plain": plain(markdown)}
    if spec:
        bundle = {"application/vnd.vegalite.v5+json": spec, "text/plain": more["alt"]}
    elif not markdown:
        return
    anchors = dict.fromkeys(anchor for sentence in written.sentences for anchor in sentence.anchors)
    # What “+n” leads to is no sentence's own evidence, and is found where it is set.
    anchors.update(dict.fromkeys(_GROUP.findall(json.dumps([markdown, *map(str, more.values())]))))
    told = [sentence.record() for sentence in written.sentences]
    metadata = {"kind": kind, **more, "sentences": told, "evidence": citing.carried(anchors)}
    display(bundle, metadata={KEY: metadata}, raw=True)
    if spec:
        show(citing, "figure-text", Written(written.markdown))
