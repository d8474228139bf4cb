"""The log of one publication: what the engines said, in one file."""

from __future__ import annotations

import threading
from pathlib import Path

__all__ = ["Log"]


class Log:
    """A text file that two renders may write to at the same time.

    Parameters
    ----------
    path : Path
        The file; what it holds already stays, and its folder is created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def write(self, text: str) -> None:
        """Append `text` and a line end; nothing for white space."""
        if not text.strip():
            return
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            file.write(text.rstrip() + "\n")
