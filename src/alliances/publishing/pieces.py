"""The report chapter by chapter, so that Pandoc writes again only what has changed.

The embedded engine splits the staged Markdown at its chapters. What a chapter needs to know of the others, the numbers
of headings, figures and tables, is counted here and handed to the filters; what Pandoc then writes for a chapter
depends on that chapter, on the numbers it names and on nothing else, and is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from alliances import pandoc
from alliances.errors import PublishError
from alliances.execution.cache import Cache, kept_json, key_of
from alliances.execution.digests import library_digest
from alliances.pandoc import Document

__all__ = ["Outline", "Piece", "number", "render", "split"]

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_FLOAT = re.compile(r"^(fig|tbl)-.")
_CROSS_REFERENCE = re.compile(r"^(fig|tbl|sec)-.")
_RAW_ID = re.compile(r'\sid="([^"]+)"')
_ANCHORS = ("Header", "Div", "Span", "Figure", "Image", "Table", "Code", "CodeBlock", "Link")
Write = Callable[[Document], str]


@dataclass
class Outline:
    """What the rest of the report needs to know of a chapter.

    Parameters
    ----------
    first : str
        Label of its chapter heading; empty where the text begins without one.
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
    has_notes, lists_references : bool
        Whether it has footnotes; whether the list of references stands in it.
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

    @classmethod
    def of(cls, document: Document) -> Outline:
        """Read a document of Pandoc's."""
        blocks = document["blocks"]
        opens = blocks and blocks[0]["t"] == "Header" and blocks[0]["c"][0] == 1
        found = cls(str(blocks[0]["c"][1][0]) if opens else "", [], [], [], [], [], [], False, False)
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
                found.cited += [citation["citationId"] for citation in content[0]]
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


@dataclass
class Piece:
    """A chapter of the staged report.

    Parameters
    ----------
    text : str
        Its Markdown.
    outline : Outline
        What the other chapters need to know of it.
    cache : Cache, optional
        Where it is kept as Pandoc has read it.
    numbers : dict of str to str
        Numbers by label, of all that it defines or refers to.
    headings : dict of str to str
        Numbers of its headings by label, those included to which nothing can refer.
    """

    text: str
    outline: Outline
    cache: Cache | None
    numbers: dict[str, str] = field(default_factory=dict)
    headings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, cache: Cache | None) -> Piece:
        """Read a chapter, unless it has been read before."""
        key = key_of(pandoc.text_key(text), library_digest())
        outline = kept_json(cache, "outlines", key, lambda: asdict(Outline.of(pandoc.parse(text, cache))))
        return cls(text, Outline(**outline), cache)

    @cached_property
    def blocks(self) -> list[Any]:
        """The chapter as Pandoc reads it, its headings with their numbers; the report must have been counted."""
        blocks: list[Any] = pandoc.parse(self.text, self.cache)["blocks"]
        for header in _headers(blocks):
            if found := self.headings.get(pandoc.label(header)):
                header["c"][1][2].append(["number", found])
        return blocks


def _headers(blocks: list[Any]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        if block["t"] == "Header":
            yield block
        elif block["t"] == "Div":
            yield from _headers(block["c"][1])


def split(markdown: str, cache: Cache | None = None) -> list[Piece]:
    """Split a report at its chapters and read each; one with footnotes stays whole, since their numbers run on."""
    parts: list[list[str]] = [[]]
    fence = ""
    for line in markdown.splitlines():
        mark = _FENCE.match(line)
        if mark and (not fence or (mark[1].startswith(fence) and line.strip() == mark[1])):
            fence = "" if fence else mark[1]
        if line.startswith("# ") and not fence:
            parts.append([])
        parts[-1].append(line)
    texts = ["\n".join(lines).strip("\n") + "\n" for lines in parts]
    pieces = [Piece.of(text, cache) for text in texts if text.strip()]
    return [Piece.of(markdown, cache)] if any(piece.outline.has_notes for piece in pieces) else pieces


def number(pieces: Sequence[Piece]) -> None:
    """Count headings, figures and tables through all pieces, and check that every link and reference has an end.

    Raises
    ------
    PublishError
        If an anchor is given twice, or a link or reference leads nowhere.
    """
    counts: list[int] = []
    floats = {"fig": 0, "tbl": 0}
    numbers: dict[str, str] = {}
    for piece in pieces:
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
    for piece in pieces:
        named = {*piece.outline.anchors, *piece.outline.cited}
        piece.numbers = {label: numbers[label] for label in numbers if label in named}
    _check_ends(pieces, numbers)


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


def render(
    pieces: Sequence[Piece],
    write: Write,
    starts: Callable[[Piece], str],
    how: Callable[[Piece], Sequence[str]],
    cache: Cache | None,
) -> list[str]:
    """Have Pandoc write the pieces that it has not written before, in one go.

    Parameters
    ----------
    pieces : sequence of Piece
        The whole report, numbered.
    write : callable
        Takes a document of some pieces and returns what Pandoc writes.
    starts : callable
        Returns a pattern of that with which a piece begins in what Pandoc writes; empty where that cannot be told.
    how : callable
        Returns all else on which a piece's result depends: format, filters, references, drawings.
    cache : Cache, optional
        Where results are kept.

    Returns
    -------
    list of str
        A text for each piece.
    """
    cited = sorted({label for piece in pieces for label in piece.outline.cited if not _CROSS_REFERENCE.match(label)})

    def key(piece: Piece) -> str:
        parts: list[Any] = [pandoc.version(), library_digest(), *how(piece), piece.text, piece.numbers, piece.headings]
        parts += [cited] if piece.outline.lists_references else []
        return key_of(*parts)

    def document(some: Sequence[Piece]) -> Document:
        return _document(some, cited)

    keys = [key(piece) for piece in pieces]
    found: dict[str, str | None] = {key: cache.get_json("pieces", key) if cache else None for key in keys}
    missing = {key: piece for key, piece in zip(keys, pieces, strict=True) if found[key] is None}
    if missing:
        some = list(missing.values())
        texts = _part(write(document(some)), [starts(piece) for piece in (*some, *_rest(some))])[: len(some)]
        if not texts:
            texts = [
                _part(write(document([piece])), [starts(other) for other in (piece, *_rest([piece]))])[0]
                for piece in some
            ]
        for one, text in zip(missing, texts, strict=True):
            found[one] = text
            if cache:
                cache.put_json("pieces", one, text)
    return [found[key] or "" for key in keys]


def _rest(pieces: Sequence[Piece]) -> list[Piece]:
    """Return a piece to be thrown away: the references, which citations link to only where they are listed."""
    if any(piece.outline.lists_references for piece in pieces):
        return []
    heading = {"t": "Header", "c": [1, ["piece-rest", ["unnumbered"], []], [{"t": "Str", "c": "Rest"}]]}
    blocks = [heading, {"t": "Div", "c": [["refs", [], []], []]}]
    rest = Piece("", Outline.of({"blocks": blocks}), None)
    rest.blocks = blocks
    return [rest]


def _document(pieces: Sequence[Piece], cited: Sequence[str]) -> Document:
    """Join pieces, with what the filters and the list of references have to know of the whole report."""
    numbers = {label: found for piece in pieces for label, found in piece.numbers.items()}
    meta: dict[str, Any] = {
        "piece-numbers": {"t": "MetaMap", "c": {key: _text(value) for key, value in sorted(numbers.items())}},
        "nocite": {"t": "MetaInlines", "c": [_cite(cited)] if cited else []},
    }
    blocks = [block for piece in (*pieces, *_rest(pieces)) for block in piece.blocks]
    return pandoc.document(blocks, meta)


def _text(words: str) -> dict[str, Any]:
    return {"t": "MetaString", "c": words}


def _cite(labels: Sequence[str]) -> dict[str, Any]:
    mode = {"t": "AuthorInText"}
    citations = [
        {
            "citationId": label,
            "citationPrefix": [],
            "citationSuffix": [],
            "citationMode": mode,
            "citationNoteNum": 0,
            "citationHash": 0,
        }
        for label in labels
    ]
    return {"t": "Cite", "c": [citations, []]}


def _part(written: str, starts: Sequence[str]) -> list[str]:
    """Cut a text where its pieces begin; nothing where that cannot be told."""
    cuts = [0]
    for start in starts[1:]:
        found = re.compile(start).search(written, cuts[-1] + 1) if start else None
        if not found:
            return []
        cuts.append(found.start())
    return [written[one:other] for one, other in zip(cuts, [*cuts[1:], len(written)], strict=True)]
