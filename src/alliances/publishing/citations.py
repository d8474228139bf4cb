"""Citations that name a source and nothing more, made out once: a report has hundreds, of a handful of sources."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from alliances import pandoc
from alliances.execution.cache import Cache, kept_json
from alliances.pandoc import Document

__all__ = ["REST", "is_short", "listed", "made_out"]

# What is to be thrown away: the references, since citations link to them only where they are listed.
REST: list[Any] = [
    {"t": "Header", "c": [1, ["piece-rest", ["unnumbered"], []], [{"t": "Str", "c": "Rest"}]]},
    {"t": "Div", "c": [["refs", [], []], []]},
]


def is_short(citations: Sequence[dict[str, Any]]) -> bool:
    """Whether a citation, in Pandoc's own form, is that of one source, in brackets, without a word more."""
    return (
        len(citations) == 1
        and citations[0]["citationMode"]["t"] == "NormalCitation"
        and not citations[0]["citationPrefix"]
        and not citations[0]["citationSuffix"]
    )


def listed(labels: Sequence[str]) -> dict[str, Any]:
    """Return metadata that puts sources into the list of references, whether they are cited or not."""
    return {"nocite": {"t": "MetaInlines", "c": [_cite(labels, "AuthorInText")] if labels else []}}


def made_out(labels: Sequence[str], write: Callable[[Document], str], key: str, cache: Cache | None) -> dict[str, Any]:
    """Have citeproc make out a short citation of each source.

    Parameters
    ----------
    labels : sequence of str
        Labels of all sources that the report cites.
    write : callable
        Takes a document and returns it as Pandoc's JSON, with its citations made out.
    key : str
        Key of all else on which they depend: references and style.
    cache : Cache, optional
        Where they are kept.

    Returns
    -------
    dict
        Metadata that tells ``crossref.lua`` what stands in the text, by label.
    """

    def make(_: list[int]) -> list[dict[str, Any]]:
        cites = [{"t": "Para", "c": [_cite([label], "NormalCitation")]} for label in labels]
        blocks = json.loads(write(pandoc.document([*cites, *REST], listed(labels))))["blocks"]
        inlines = [block["c"][0]["c"][1] for block in blocks[: len(labels)]]
        return [{label: {"t": "MetaInlines", "c": found} for label, found in zip(labels, inlines, strict=True)}]

    found = kept_json(cache, "citations", [key], make)[0] if labels else {}
    return {"piece-citations": {"t": "MetaMap", "c": found}}


def _cite(labels: Sequence[str], mode: str) -> dict[str, Any]:
    citations = [
        {
            "citationId": label,
            "citationPrefix": [],
            "citationSuffix": [],
            "citationMode": {"t": mode},
            "citationNoteNum": 0,
            "citationHash": 0,
        }
        for label in labels
    ]
    return {"t": "Cite", "c": [citations, []]}
