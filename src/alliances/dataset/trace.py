"""Notes which tables a notebook reads, so that it runs again only when one of these has changed."""

from __future__ import annotations

import os
from pathlib import Path

#: Environment variable that names the file in which a kernel notes the tables it reads.
TRACE_VARIABLE = "ALLIANCES_TRACE"
_noted: set[tuple[str, str]] = set()


def note(*tables: str) -> None:
    """Note that tables are read; does nothing where no file is named."""
    file = os.environ.get(TRACE_VARIABLE)
    if not file:
        return
    fresh = [table for table in tables if (file, table) not in _noted]
    if fresh:
        # Written at once: a kernel is ended without warning when its notebook is done.
        with Path(file).open("a", encoding="utf-8") as handle:
            handle.writelines(f"{table}\n" for table in fresh)
        _noted.update((file, table) for table in fresh)


def read(file: Path) -> list[str]:
    """Return the tables noted in a file, sorted."""
    return sorted(set(file.read_text(encoding="utf-8").split())) if file.exists() else []
