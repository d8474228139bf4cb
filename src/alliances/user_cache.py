"""Texts that take a second to make and change only with the installed packages, kept in the user’s cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["folder", "kept"]


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
    path = folder() / name
    try:
        digest, _, content = path.read_bytes().partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() == digest:
            return content.decode()
    except OSError:
        pass
    text = make()
    content = text.encode()
    part = path.with_name(f"{name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        part.replace(path)
    except OSError:
        # A read-only home or a full disk is no reason to fail.
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return text


def folder() -> Path:
    """Return the user's cache folder; it need not exist."""
    base = os.environ.get("XDG_CACHE_HOME") or (
        os.environ.get("LOCALAPPDATA") if os.name == "nt" else str(Path.home() / ".cache")
    )
    return Path(base or tempfile.gettempdir()) / "alliances"
