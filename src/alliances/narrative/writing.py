"""Paragraphs: which of their sentences stand in this edition, the Markdown that they make, and how it is displayed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import Any

from IPython.display import display

from alliances.analysis.values import NOTHING
from alliances.errors import NarrativeError
from alliances.narrative.citing import Citing
from alliances.narrative.sentences import Rendered, Teller
from alliances.narrative.templates import Block, Slot, parse, parse_line
from alliances.text.markdown import for_notebook, plain

_GROUP = re.compile(r"#(ev-g-[0-9a-f]+)")


@dataclass
class Written:
    """What a call puts out."""

    markdown: str = ""  # as shown; empty where nothing stands
    sentences: list[Rendered] = field(default_factory=list)  # headings and cells too
    more: dict[str, Any] = field(default_factory=dict)  # what staging needs besides, JSON-ready


def write(teller: Teller, text: str) -> Written:
    """Tell those sentences of a text, as `Exhibits.write` documents it, whose evidence this edition knows."""
    telling = _Telling(teller)
    blocks = [(block.kind, telling.block(block)) for block in parse(text)]
    for (kind, sentences), (below, listed) in pairwise(blocks):
        if below[:1] not in ("", "#") and not (kind or listed) and sentences and sentences[-1].plain.endswith(":"):
            sentences.pop()  # it goes on in a list of which nothing is known
    stands = [(k, told) for n, (k, told) in enumerate(blocks, 1) if told and (k[:1] != "#" or _has_body(k, blocks[n:]))]
    markdown = "\n\n".join(_markdown(kind, sentences) for kind, sentences in stands)
    more = {"fallen": telling.fallen} if telling.fallen else {}
    return Written(markdown, [sentence for _, sentences in stands for sentence in sentences], more)


def line(teller: Teller, text: str, marked: bool = True) -> Written:
    """Tell a short text, a title or a caption for instance; a title carries no marks."""
    sentences = _Telling(teller, marked).slots(parse_line(text))
    return Written(" ".join(sentence.markdown for sentence in sentences), sentences)


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
            if not one and self._teller.knows(slot[0].text):
                self.fallen.append(slot[0].text)
        plain = [one is not None and not (one.is_ours or one.evidence) for one in told]  # with no evidence of their own
        follows = [True]  # from the end, whether the next sentence with evidence of its own stands
        for slot, one, is_plain in zip(reversed(slots), reversed(told), reversed(plain), strict=True):
            stands = follows[-1] if is_plain else one is not None and (follows[-1] or "opens" not in slot[0].labels)
            follows.append(stands)
        found: list[Rendered] = []
        for number, (slot, one, is_plain) in enumerate(zip(slots, told, plain, strict=True)):
            follows.pop()
            before, goes_on = self._last_stands, "opens" in slot[0].labels or (is_plain and not number)
            stands = follows[-1] if goes_on else before or not is_plain
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


def show(citing: Citing, kind: str, written: Written, **more: Any) -> None:
    """Display Markdown, with its kind, sentences and evidence in the metadata; nothing where it is empty.

    A chart, the ``spec`` of a figure, is displayed as Vega-Lite, which JupyterLab draws, and its Markdown beneath it.
    """
    more = {**written.more, **more}
    bundle = {"text/markdown": for_notebook(written.markdown), "text/plain": plain(written.markdown)}
    if spec := more.pop("spec", None):
        bundle = {"application/vnd.vegalite.v5+json": spec, "text/plain": more["alt"]}
    elif not written.markdown:
        return
    anchors = dict.fromkeys(anchor for sentence in written.sentences for anchor in sentence.anchors)
    # What “+n” leads to is no sentence's own evidence, and is found where it is set.
    shown = [bundle.get("text/markdown", ""), *map(str, more.values())]
    anchors.update(dict.fromkeys(_GROUP.findall(" ".join(shown))))
    sentences = [
        {"text": s.plain, "marks": s.anchors, "rows": [*s.evidence.all_rows], "printed": s.printed, "ours": s.is_ours}
        for s in written.sentences
    ]
    metadata = {"kind": kind, **more, "sentences": sentences, "evidence": citing.carried(anchors)}
    display(bundle, metadata={"alliances": metadata}, raw=True)  # by which staging finds what it is
    if spec:
        show(citing, "figure-text", Written(written.markdown))
