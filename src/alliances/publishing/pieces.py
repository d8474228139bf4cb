"""The report piece by piece, so that Pandoc writes again only what has changed.

A piece is a chapter, or a run of an annex's entries. What a piece needs to know of the others, the numbers of headings,
figures and tables, is counted here and handed to the filters; what Pandoc then writes for a piece depends on it, on the
numbers it names and on nothing else, and is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from alliances import pandoc
from alliances.errors import PublishError
from alliances.execution.cache import Cache, kept_json, key_of
from alliances.execution.digests import library_digest
from alliances.pandoc import Document
from alliances.parts import divide, take_apart
from alliances.publishing import citations

__all__ = ["Outline", "Piece", "cited", "number", "render", "split"]

_FLOAT = re.compile(r"^(fig|tbl)-.")
_CROSS_REFERENCE = re.compile(r"^(fig|tbl|sec)-.")
_RAW_ID = re.compile(r'\sid="([^"]+)"')
_ANCHORS = ("Header", "Div", "Span", "Figure", "Image", "Table", "Code", "CodeBlock", "Link")
Write = Callable[[Document, bool], str]


@dataclass
class Outline:
    """What the rest of the report needs to know of a piece.

    Parameters
    ----------
    first : str
        Label of the chapter heading or of the entry that it begins with; empty where it begins with neither.
    headings : list of list
        Level, attributes and words of each heading, as Pandoc has them.
    counted : list of list of str
        Kind (``Header``, ``fig``, ``tbl``) and label of what gets a number, in reading order.
    anchors : list of str
        All anchors that it defines.
    targets : list of str
        The anchors to which its links lead.
    cited : list of str
        What it cites or refers to.
    drawings : list of str
        Files of the pictures that it shows.
    has_notes, lists_references, cites_at_length : bool
        Whether it has footnotes; whether the list of references stands in it; whether it cites otherwise than a source
        and nothing more.
    """

    first: str
    headings: list[list[Any]]
    counted: list[list[str]]
    anchors: list[str]
    targets: list[str]
    cited: list[str]
    drawings: list[str]
    has_notes: bool
    lists_references: bool
    cites_at_length: bool

    @classmethod
    def of(cls, document: Document) -> Outline:
        """Read a document of Pandoc's."""
        blocks = document["blocks"]
        found = cls(_first_label(blocks), [], [], [], [], [], [], False, False, False)
        for element in pandoc.elements(blocks):
            kind: str = element["t"]
            content: Any = element.get("c")
            if kind in _ANCHORS:
                found._note_label(kind, pandoc.label(element), content)
            if kind in ("RawBlock", "RawInline"):
                found.anchors += _RAW_ID.findall(content[1])
            elif kind == "Link" and re.match("#.", content[2][0]):
                found.targets.append(content[2][0][1:])
            elif kind == "Cite":
                labels = [citation["citationId"] for citation in content[0]]
                found.cited += labels
                if not citations.is_short(content[0]) and not all(map(_CROSS_REFERENCE.match, labels)):
                    found.cites_at_length = True
            elif kind == "Image":
                found.drawings.append(content[2][0])
            elif kind == "Note":
                found.has_notes = True
        found.anchors = [anchor for anchor in found.anchors if anchor]
        return found

    def _note_label(self, kind: str, label: str, content: list[Any]) -> None:
        self.anchors.append(label)
        if kind == "Header":
            self.headings.append(content)
            self.counted.append([kind, label])
        elif kind == "Div" and label == "refs":
            self.lists_references = True
        elif (float_ := _FLOAT.match(label)) and (kind == "Div" or (kind == "Figure" and float_[1] == "fig")):
            self.counted.append([float_[1], label])


def _first_label(blocks: Sequence[dict[str, Any]]) -> str:
    for first in blocks[:1]:
        if first["t"] == "Header" and first["c"][0] == 1:
            return pandoc.label(first)
        if first["t"] == "Para" and first["c"][0]["t"] == "Span":
            return pandoc.label(first["c"][0])
    return ""


@dataclass
class Piece:
    """A chapter of the staged report, or a run of entries in it.

    Parameters
    ----------
    text : str
        Its Markdown.
    outline : Outline
        What the other pieces need to know of it.
    runs : list of Piece
        Its entries, some at a time; a mark stands for them in its text.
    numbers : dict of str to str
        Numbers by label, of all that it defines or refers to.
    headings : dict of str to str
        Numbers of its headings by label, those included to which nothing can refer.
    """

    text: str
    outline: Outline
    runs: list[Piece] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)
    headings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, chapter: str, cache: Cache | None) -> Piece:
        """Read a chapter, except for what has been read before."""
        parts = take_apart(chapter)
        texts = [parts.text, *parts.runs]
        frame, *runs = (cls(text, outline) for text, outline in zip(texts, _outlines(texts, cache), strict=True))
        frame.runs = runs
        return frame


def _outlines(texts: Sequence[str], cache: Cache | None) -> list[Outline]:
    def read(places: list[int]) -> list[dict[str, Any]]:
        documents = pandoc.parse_all([texts[place] for place in places], cache)
        return [asdict(Outline.of(document)) for document in documents]

    keys = [key_of(pandoc.text_key(text), library_digest()) for text in texts]
    return [Outline(**found) for found in kept_json(cache, "outlines", keys, read)]


def split(markdown: str, cache: Cache | None = None) -> list[Piece]:
    """Split a report at its chapters and read each; one with footnotes stays whole, since their numbers run on."""
    pieces = [Piece.of(text, cache) for text in divide(markdown)]
    if any(piece.outline.has_notes for piece in _all(pieces)):
        return [Piece(markdown, outline) for outline in _outlines([markdown], cache)]
    return pieces


def _all(pieces: Iterable[Piece]) -> list[Piece]:
    """List chapters and runs of entries in reading order."""
    return [part for piece in pieces for part in (piece, *piece.runs)]


def number(pieces: Sequence[Piece]) -> None:
    """Count headings, figures and tables through all pieces, and check that every link and reference has an end.

    Raises
    ------
    PublishError
        If an anchor is given twice, or a link or reference leads nowhere.
    """
    counts: list[int] = []
    every = _all(pieces)
    floats = {"fig": 0, "tbl": 0}
    numbers: dict[str, str] = {}
    for piece in every:
        levels = {content[1][0]: (content[0], content[1][1]) for content in piece.outline.headings}
        for kind, label in piece.outline.counted:
            if kind != "Header":
                floats[kind] += 1
                numbers[label] = str(floats[kind])
                continue
            level, classes = levels[label]
            if "unnumbered" not in classes:
                counts = [*counts[:level], *[0] * (level - len(counts))]
                counts[level - 1] += 1
                piece.headings[label] = ".".join(map(str, counts))
                if label.startswith("sec-"):
                    numbers[label] = piece.headings[label]
    for piece in every:
        named = {*piece.outline.anchors, *piece.outline.cited}
        piece.numbers = {label: numbers[label] for label in numbers if label in named}
    _check_ends(every, numbers)


def _check_ends(pieces: Sequence[Piece], numbers: Collection[str]) -> None:
    anchors = [anchor for piece in pieces for anchor in piece.outline.anchors]
    known = {*anchors, *(f"ref-{label}" for piece in pieces for label in piece.outline.cited)}
    if len(anchors) > len(set(anchors)):
        twice = dict.fromkeys(f"#{anchor}" for anchor in anchors if anchors.count(anchor) > 1)
        raise PublishError(f"In report.md anchors are given twice: {', '.join(twice)}.")
    references = (label for piece in pieces for label in piece.outline.cited if _CROSS_REFERENCE.match(label))
    if loose := dict.fromkeys(f"@{label}" for label in references if label not in numbers):
        raise PublishError(f"In report.md cross-references lead nowhere: {', '.join(loose)}.")
    targets = (target for piece in pieces for target in piece.outline.targets)
    if dead := dict.fromkeys(f"#{target}" for target in targets if target not in known):
        raise PublishError(f"In report.md links lead to anchors that do not exist: {', '.join(dead)}.")


def cited(pieces: Sequence[Piece]) -> list[str]:
    """Return the labels of all sources that a report cites, in order."""
    labels = {label for piece in _all(pieces) for label in piece.outline.cited}
    return sorted(label for label in labels if not _CROSS_REFERENCE.match(label))


def render(
    pieces: Sequence[Piece],
    write: Write,
    starts: Callable[[str], str],
    how: Callable[[Piece], Sequence[str]],
    mark: str,
    between: str,
    cache: Cache | None,
) -> list[str]:
    """Have Pandoc write the pieces that it has not written before, in one go.

    Parameters
    ----------
    pieces : sequence of Piece
        The chapters of the whole report, numbered.
    write : callable
        Takes a document of some pieces, and whether it has citations that have not been made out; returns what Pandoc
        writes.
    starts : callable
        Takes the label that a piece begins with, and returns a pattern of that with which it begins in what Pandoc
        writes.
    how : callable
        Returns all else on which a piece's result depends: format, filters, references, drawings.
    mark, between : str
        What stands in a chapter for its entries, and what between two of them.
    cache : Cache, optional
        Where results are kept.

    Returns
    -------
    list of str
        A text for each chapter.
    """
    runs = [run for piece in pieces for run in piece.runs]
    every = [*runs, *pieces]  # in this order: to Pandoc, what follows the heading of a chapter is part of the chapter
    sources = cited(pieces)

    def key(piece: Piece) -> str:
        parts: list[Any] = [pandoc.version(), library_digest(), *how(piece), piece.text, piece.numbers, piece.headings]
        parts += [sources] if piece.outline.lists_references else []
        return key_of(*parts)

    def together(some: Sequence[Piece], *, cites: bool) -> list[str]:
        rest = [] if not cites or any(piece.outline.lists_references for piece in some) else citations.REST
        blocks = [block for piece in _blocks(some, cache) for block in piece]
        labels = [*(piece.outline.first for piece in some), *([pandoc.label(rest[0])] if rest else [])]
        whole = write(_document(some, [*blocks, *rest], sources), cites)
        return _part(whole, [starts(label) if label else "" for label in labels])[: len(some)]

    def missing(places: list[int]) -> list[str]:
        found: dict[int, str] = {}
        for cites in (False, True):
            those = [place for place in places if _cites(every[place]) is cites]
            some = [every[place] for place in those]
            texts = some and together(some, cites=cites)
            found |= zip(those, texts or [text for one in some for text in together([one], cites=cites)], strict=True)
        return [found[place] for place in places]

    texts = kept_json(cache, "pieces", [key(piece) for piece in every], missing)
    entries = (text.strip() for text in texts[: len(runs)])
    return [
        text.replace(mark, between.join(islice(entries, len(piece.runs)))) if piece.runs else text
        for piece, text in zip(pieces, texts[len(runs) :], strict=True)
    ]


def _cites(piece: Piece) -> bool:
    """Whether citeproc has something to do in a piece; short citations are put in as they have been made out."""
    return piece.outline.lists_references or piece.outline.cites_at_length


def _blocks(pieces: Sequence[Piece], cache: Cache | None) -> list[list[Any]]:
    """Return pieces as Pandoc reads them, their headings with their numbers."""
    found: list[list[Any]] = [
        document["blocks"] for document in pandoc.parse_all([piece.text for piece in pieces], cache)
    ]
    for piece, blocks in zip(pieces, found, strict=True):
        for block in pandoc.flat(blocks):
            if block["t"] == "Header" and (number := piece.headings.get(pandoc.label(block))):
                block["c"][1][2].append(["number", number])
    return found


def _document(pieces: Sequence[Piece], blocks: list[Any], sources: Sequence[str]) -> Document:
    """Make a document of pieces, with what the filters and the list of references have to know of the whole report."""
    numbers = {label: found for piece in pieces for label, found in piece.numbers.items()}
    meta: dict[str, Any] = {
        "piece-numbers": {"t": "MetaMap", "c": {key: _text(value) for key, value in sorted(numbers.items())}},
        **citations.listed(sources),
    }
    return pandoc.document(blocks, meta)


def _text(words: str) -> dict[str, Any]:
    return {"t": "MetaString", "c": words}


def _part(written: str, starts: Sequence[str]) -> list[str]:
    """Cut a text where its pieces begin; nothing where that cannot be told."""
    cuts = [0]
    for start in starts[1:]:
        found = re.compile(start).search(written, cuts[-1] + 1) if start else None
        if not found:
            return []
        cuts.append(found.start())
    return [written[one:other] for one, other in zip(cuts, [*cuts[1:], len(written)], strict=True)]
