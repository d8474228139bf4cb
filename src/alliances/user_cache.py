"""Texts that take a second to make and change only with the installed packages, kept in the user’s cache folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["kept"]


def kept(name: str, make: Callable[[], str]) -> str:
    """Return a text from the cache, or make it and keep it.

    Parameters
    ----------
    name : str
        File name; it must change with everything that the text depends on.
    make : callable
        Makes the text.

    Returns
    -------
    str
        The text, the same with and without a cache.
    """
    path = _folder() / name
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{name}.{os.getpid()}.part")
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError:
        pass  # a read-only home is no reason to fail
    return text


def _folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or (
        os.environ.get("LOCALAPPDATA") if os.name == "nt" else str(Path.home() / ".cache")
    )
    return Path(base or tempfile.gettempdir()) / "alliances"
