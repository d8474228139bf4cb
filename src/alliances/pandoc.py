"""Pandoc from PyPI: how it is called, and what it makes of the report's Markdown."""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pypandoc

from alliances.execution.cache import Cache, kept_json, key_of

__all__ = ["Document", "document", "elements", "label", "parse", "run", "text_key", "version"]

Document = dict[str, Any]


@functools.cache
def _program() -> str:
    return str(pypandoc.get_pandoc_path())


@functools.cache
def version() -> str:
    """Return Pandoc's version, such as ``3.9``."""
    return str(pypandoc.get_pandoc_version())


def run(
    arguments: Sequence[str], text: str = "", folder: Path | None = None, *, large: bool = False
) -> subprocess.CompletedProcess[bytes]:
    """Call Pandoc.

    Parameters
    ----------
    arguments : sequence of str
        Its options.
    text : str
        Its standard input.
    folder : Path, optional
        Where it runs.
    large : bool
        Whether the text is a whole report: with room for new objects Pandoc then spends a fifth less of its time on
        collecting old ones.
    """
    room = ["+RTS", "-A128m", "-RTS"] if large else []
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


def label(element: dict[str, Any]) -> str:
    """Return the identifier of a heading, figure, link or other element that can have one; it may be empty."""
    return str(element["c"][1 if element["t"] == "Header" else 0][0])


def text_key(markdown: str) -> str:
    """Return the key of what Pandoc reads in a text."""
    return key_of(version(), markdown)


def parse(markdown: str, cache: Cache | None = None) -> Document:
    """Read Markdown as Pandoc does.

    Parameters
    ----------
    markdown : str
        The text.
    cache : Cache, optional
        Where what has been read before is kept.

    Returns
    -------
    dict
        Pandoc's document: ``blocks``, ``meta`` and ``pandoc-api-version``.

    Raises
    ------
    OSError
        If Pandoc fails, which no text makes it do.
    """

    def read() -> Document:
        done = run(["--from=markdown", "--to=json"], markdown)
        if done.returncode:
            raise OSError(done.stderr.decode("utf-8", errors="replace"))
        found: Document = json.loads(done.stdout)
        return found

    found: Document = kept_json(cache, "parsed", text_key(markdown), read)
    return found
