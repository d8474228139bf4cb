"""Pandoc from PyPI: how it is called, and what it makes of the report's Markdown."""

from __future__ import annotations

import functools
import json
import logging
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pypandoc

from alliances.execution.cache import Cache, kept_json, key_of

__all__ = ["Document", "document", "elements", "flat", "label", "parse", "parse_all", "run", "text_key", "version"]

Document = dict[str, Any]
# pypandoc asks Pandoc for its version before anything else; Ctrl-C ends Pandoc as well, which is no news.
logging.getLogger("pypandoc").setLevel(logging.CRITICAL)
_LARGE = 500_000  # characters, about half a report in Pandoc's own form
_CUT_TEXT = "\n\n```{=cut}\n```\n\n"
_CUT = {"t": "RawBlock", "c": ["cut", ""]}


@functools.cache
def _program() -> str:
    return str(pypandoc.get_pandoc_path())


@functools.cache
def version() -> str:
    """Return Pandoc's version, such as ``3.9``."""
    return str(pypandoc.get_pandoc_version())


def run(arguments: Sequence[str], text: str = "", folder: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Call Pandoc.

    Parameters
    ----------
    arguments : sequence of str
        Its options.
    text : str
        Its standard input.
    folder : Path, optional
        Where it runs.
    """
    # With room for new objects Pandoc spends a fifth less of its time on collecting old ones; it takes time as well.
    room = ["+RTS", "-A128m", "-RTS"] if len(text) > _LARGE else []
    return subprocess.run(
        [_program(), *room, *arguments], cwd=folder, input=text.encode(), capture_output=True, check=False
    )


@functools.cache
def _api_version() -> list[int]:
    """Return the version of the form in which Pandoc reads and writes documents as JSON."""
    found: list[int] = json.loads(run(["--from=markdown", "--to=json"]).stdout)["pandoc-api-version"]
    return found


def document(blocks: list[Any], meta: dict[str, Any] | None = None) -> Document:
    """Make a document, for Pandoc to read as JSON, of blocks and metadata in its own form."""
    return {"pandoc-api-version": _api_version(), "meta": meta or {}, "blocks": blocks}


def elements(node: Any) -> Iterator[dict[str, Any]]:
    """Yield all elements of a part of a document in reading order, each before those within it."""
    if isinstance(node, dict):
        if "t" in node:
            yield node
        for value in node.values():
            yield from elements(value)
    elif isinstance(node, list):
        for item in node:
            yield from elements(item)


def flat(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the blocks of a document in reading order, those within a div in its place."""
    for block in blocks:
        if block["t"] == "Div":
            yield from flat(block["c"][1])
        else:
            yield block


def label(element: dict[str, Any]) -> str:
    """Return the identifier of a heading, figure, link or other element that can have one; it may be empty."""
    return str(element["c"][1 if element["t"] == "Header" else 0][0])


def text_key(markdown: str) -> str:
    """Return the key of what Pandoc reads in a text."""
    return key_of(version(), markdown)


def parse(markdown: str, cache: Cache | None = None) -> Document:
    """Read Markdown as Pandoc does; as :func:`parse_all` for one text."""
    return parse_all([markdown], cache)[0]


def parse_all(texts: Sequence[str], cache: Cache | None = None) -> list[Document]:
    """Read texts as Pandoc does, in one go those that it has not read before.

    Parameters
    ----------
    texts : sequence of str
        Markdown. None may name a footnote or an address that another one defines.
    cache : Cache, optional
        Where what has been read before is kept.

    Returns
    -------
    list of dict
        Pandoc's own form of each text, as ``--to=json`` writes it.

    Raises
    ------
    OSError
        If Pandoc fails, which no text makes it do.
    """

    def read(places: list[int]) -> list[Document]:
        some = [texts[place] for place in places]
        whole = _read(_CUT_TEXT.join(some))
        parts: list[list[Any]] = [[]]
        for block in whole["blocks"]:
            if block == _CUT:
                parts.append([])
            else:
                parts[-1].append(block)
        # A text that does not close what it opens swallows the cuts behind it.
        if len(parts) != len(some):
            return [_read(text) for text in some]
        return [{**whole, "blocks": part} for part in parts]

    return kept_json(cache, "parsed", [text_key(text) for text in texts], read)


def _read(markdown: str) -> Document:
    done = run(["--from=markdown", "--to=json"], markdown)
    if done.returncode:
        raise OSError(done.stderr.decode("utf-8", errors="replace"))
    found: Document = json.loads(done.stdout)
    return found
