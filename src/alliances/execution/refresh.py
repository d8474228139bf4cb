"""Renew the committed notebooks: run them at their defaults and keep what a reader may want to see."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from alliances.execution import notebooks
from alliances.execution.run import Progress, run_notebooks


def refresh(paths: Sequence[Path], root: Path, *, jobs: int = 0, progress: Progress | None = None) -> None:
    """Execute notebooks in place at their defaults, with stable ids and without timings.

    Nothing is written unless all of them succeed.

    Raises
    ------
    ExecutionError
        If a notebook fails.
    """
    digest = notebooks.data_digest(root)
    with tempfile.TemporaryDirectory() as scratch:
        executed = run_notebooks(paths, None, Path(scratch), root, jobs=jobs, progress=progress)
    for path in paths:
        notebook = executed[path.stem]
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"{path.stem}-{number:02d}"
        notebook.metadata[notebooks.KEY] = {"key": notebooks.content_key(notebook, digest)}
        notebooks.write(notebook, path)


def stale(paths: Sequence[Path], root: Path) -> list[Path]:
    """Return the notebooks whose committed outputs rest on other cells or another dataset than today's."""
    digest = notebooks.data_digest(root)
    found = []
    for path in paths:
        notebook = notebooks.read(path)
        kept = notebook.metadata.get(notebooks.KEY, {}).get("key", "")
        if kept != notebooks.content_key(notebook, digest):
            found.append(path)
    return found
