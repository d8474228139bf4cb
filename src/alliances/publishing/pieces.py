"""The report chapter by chapter, so that Pandoc writes again only what has changed.

The embedded engine splits the staged Markdown at its chapters. What a chapter needs to know of the others, the numbers
of headings, figures and tables, is counted here and handed to the filters; what Pandoc then writes for a chapter
depends on that chapter, on the numbers it names and on nothing else, and is kept.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from alliances import pandoc
from alliances.errors import PublishError
from alliances.pandoc import Document, Keep

__all__ = ["Piece", "number", "render", "split"]

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_FLOAT = re.compile(r"^(fig|tbl)-.")
_CROSS_REFERENCE = re.compile(r"^(fig|tbl|sec)-.")
_RAW_ID = re.compile(r'\sid="([^"]+)"')
#: Where the attributes stand in the content of Pandoc's elements that have some.
_ATTRIBUTES = {"Header": 1, "Div": 0, "Span": 0, "Figure": 0, "Image": 0, "Table": 0, "Code": 0, "CodeBlock": 0}
_ATTRIBUTES["Link"] = 0
Write = Callable[[Document], str]


@dataclass
class Piece:
    """A chapter of the staged report.

    Parameters
    ----------
    text : str
        Its Markdown.
    document : dict
        The same as Pandoc reads it.
    numbers : dict of str to str
        Numbers by label, of all that it defines or refers to.
    headings : dict of str to str
        Numbers of its headings by label, those without a label of a section included.
    """

    text: str
    document: Document
    numbers: dict[str, str] = field(default_factory=dict)
    headings: dict[str, str] = field(default_factory=dict)

    @cached_property
    def elements(self) -> list[dict[str, Any]]:
        """All elements in reading order."""
        return list(_elements(self.document["blocks"]))

    def of_kind(self, *kinds: str) -> list[dict[str, Any]]:
        """Return its elements of some kinds in reading order."""
        return [element for element in self.elements if element["t"] in kinds]

    @property
    def first(self) -> str:
        """Label of its chapter heading; empty where the text begins without one."""
        blocks = self.document["blocks"]
        is_chapter = blocks and blocks[0]["t"] == "Header" and blocks[0]["c"][0] == 1
        return str(blocks[0]["c"][1][0]) if is_chapter else ""

    @cached_property
    def cited(self) -> list[str]:
        """What it cites or refers to."""
        return [citation["citationId"] for cite in self.of_kind("Cite") for citation in cite["c"][0]]

    @property
    def drawings(self) -> list[str]:
        """Files of the pictures that it shows."""
        return [image["c"][2][0] for image in self.of_kind("Image")]

    @property
    def lists_references(self) -> bool:
        """Whether the list of references stands in it."""
        return any(div["c"][0][0] == "refs" for div in self.of_kind("Div"))

    @cached_property
    def anchors(self) -> list[str]:
        """All anchors that it defines."""
        found = []
        for element in self.elements:
            if element["t"] in _ATTRIBUTES:
                found.append(_identifier(element))
            elif element["t"] in ("RawBlock", "RawInline"):
                found += _RAW_ID.findall(element["c"][1])
        return [anchor for anchor in found if anchor]

    @cached_property
    def targets(self) -> list[str]:
        """The anchors to which its links lead."""
        return [link["c"][2][0][1:] for link in self.of_kind("Link") if re.match("#.", link["c"][2][0])]


def _elements(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "t" in node:
            yield node
        for value in node.values():
            yield from _elements(value)
    elif isinstance(node, list):
        for item in node:
            yield from _elements(item)


def _identifier(element: dict[str, Any]) -> str:
    return str(element["c"][_ATTRIBUTES[element["t"]]][0])


def split(markdown: str, keep: Keep | None = None) -> list[Piece]:
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
    pieces = [Piece(text, pandoc.parse(text, keep)) for text in texts if text.strip()]
    if any(piece.of_kind("Note") for piece in pieces):
        return [Piece(markdown, pandoc.parse(markdown, keep))]
    return pieces


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
        for element in piece.of_kind("Header", "Figure", "Div"):
            label = _identifier(element)
            if element["t"] == "Header":
                level, (_, classes, _) = element["c"][0], element["c"][1]
                if "unnumbered" not in classes:
                    counts = [*counts[:level], *[0] * (level - len(counts))]
                    counts[level - 1] += 1
                    piece.headings[label] = ".".join(map(str, counts))
                    if label.startswith("sec-"):
                        numbers[label] = piece.headings[label]
            elif (kind := _FLOAT.match(label)) and (element["t"] == "Div" or kind[1] == "fig"):
                floats[kind[1]] += 1
                numbers[label] = str(floats[kind[1]])
    for piece in pieces:
        named = {*piece.anchors, *piece.cited}
        piece.numbers = {label: numbers[label] for label in numbers if label in named}
    _check_ends(pieces, numbers)


def _check_ends(pieces: Sequence[Piece], numbers: Collection[str]) -> None:
    anchors = [anchor for piece in pieces for anchor in piece.anchors]
    known = {*anchors, *(f"ref-{label}" for piece in pieces for label in piece.cited)}
    if len(anchors) > len(set(anchors)):
        twice = dict.fromkeys(f"#{anchor}" for anchor in anchors if anchors.count(anchor) > 1)
        raise PublishError(f"In report.md anchors are given twice: {', '.join(twice)}.")
    references = (label for piece in pieces for label in piece.cited if _CROSS_REFERENCE.match(label))
    if loose := dict.fromkeys(f"@{label}" for label in references if label not in numbers):
        raise PublishError(f"In report.md cross-references lead nowhere: {', '.join(loose)}.")
    targets = (target for piece in pieces for target in piece.targets)
    if dead := dict.fromkeys(f"#{target}" for target in targets if target not in known):
        raise PublishError(f"In report.md links lead to anchors that do not exist: {', '.join(dead)}.")


def render(
    pieces: Sequence[Piece],
    write: Write,
    starts: Callable[[Piece], str],
    how: Callable[[Piece], Sequence[str]],
    keep: Keep | None,
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
    keep : Keep, optional
        Where results are kept.

    Returns
    -------
    list of str
        A text for each piece.
    """
    cited = sorted({label for piece in pieces for label in piece.cited if not _CROSS_REFERENCE.match(label)})

    def key(piece: Piece) -> str:
        parts: list[Any] = [pandoc.version(), *how(piece), piece.text, piece.numbers, piece.headings]
        parts += [cited] if piece.lists_references else []
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def document(some: Sequence[Piece]) -> Document:
        return _document(some, cited)

    keys = [key(piece) for piece in pieces]
    found: dict[str, str | None] = {key: keep.get_json("pieces", key) if keep else None for key in keys}
    missing = {key: piece for key, piece in zip(keys, pieces, strict=True) if found[key] is None}
    if missing:
        some = list(missing.values())
        texts = _part(write(document(some)), [starts(piece) for piece in (*some, *_rest(some))])
        if not texts:
            texts = [
                _part(write(document([piece])), [starts(other) for other in (piece, *_rest([piece]))])[0]
                for piece in some
            ]
        for one, text in zip(missing, texts, strict=True):
            found[one] = text
            if keep:
                keep.put_json("pieces", one, text)
    return [found[key] or "" for key in keys]


def _rest(pieces: Sequence[Piece]) -> list[Piece]:
    """Return a piece to be thrown away: the references, which citations link to only where they are listed."""
    if any(piece.lists_references for piece in pieces):
        return []
    heading = {"t": "Header", "c": [1, ["piece-rest", ["unnumbered"], []], [{"t": "Str", "c": "Rest"}]]}
    return [Piece("", {"blocks": [heading, {"t": "Div", "c": [["refs", [], []], []]}]})]


def _document(pieces: Sequence[Piece], cited: Sequence[str]) -> Document:
    """Join pieces, with what the filters and the list of references have to know of the whole report."""
    blocks: list[Any] = []
    for piece in pieces:
        own = copy.deepcopy(piece.document["blocks"])
        for header in (element for element in _elements(own) if element["t"] == "Header"):
            if found := piece.headings.get(_identifier(header)):
                header["c"][1][2].append(["number", found])
        blocks += own
    numbers = {label: found for piece in pieces for label, found in piece.numbers.items()}
    meta: dict[str, Any] = {
        "piece-numbers": {"t": "MetaMap", "c": {key: _text(value) for key, value in sorted(numbers.items())}},
        "nocite": {"t": "MetaInlines", "c": [_cite(cited)] if cited else []},
    }
    for rest in _rest(pieces):
        blocks += rest.document["blocks"]
    version = pieces[0].document["pandoc-api-version"]
    return {"pandoc-api-version": version, "meta": meta, "blocks": blocks}


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
