"""Pandoc from PyPI: how it is called, and what it makes of the report's Markdown."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pypandoc

__all__ = ["Document", "Keep", "api_version", "parse", "run", "text_key", "version"]

Document = dict[str, Any]


class Keep(Protocol):
    """Where parsed texts may be kept; the cache of a project is one."""

    def get_json(self, kind: str, key: str) -> Any:
        """Return what was kept, or ``None``."""

    def put_json(self, kind: str, key: str, value: Any) -> None:
        """Keep a JSON-ready value."""


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
def api_version() -> list[int]:
    """Return the version of the form in which Pandoc reads and writes documents as JSON."""
    found: list[int] = json.loads(run(["--from=markdown", "--to=json"]).stdout)["pandoc-api-version"]
    return found


def text_key(markdown: str) -> str:
    """Return the key under which what Pandoc reads in a text is kept."""
    return hashlib.sha256(f"{version()}\0{markdown}".encode()).hexdigest()


def parse(markdown: str, keep: Keep | None = None) -> Document:
    """Read Markdown as Pandoc does.

    Parameters
    ----------
    markdown : str
        The text.
    keep : Keep, optional
        Where results are kept.

    Returns
    -------
    dict
        Pandoc's document: ``blocks``, ``meta`` and ``pandoc-api-version``.

    Raises
    ------
    OSError
        If Pandoc fails, which no text makes it do.
    """
    key = text_key(markdown)
    found: Document | None = keep.get_json("parsed", key) if keep else None
    if found is None:
        done = run(["--from=markdown", "--to=json"], markdown)
        if done.returncode:
            raise OSError(done.stderr.decode("utf-8", errors="replace"))
        found = json.loads(done.stdout)
        if keep:
            keep.put_json("parsed", key, found)
    return found
