"""Renew the committed notebooks: run them at their defaults, with a picture of each chart for who cannot draw it."""

from __future__ import annotations

import base64
import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import nbformat

from alliances.run import TIME_LIMIT, notebooks
from alliances.run.cache import write_whole
from alliances.run.execute import run_notebooks

_CHART = "application/vnd.vegalite.v5+json"


def refresh(
    root: Path,
    names: Sequence[str],
    defaults: Mapping[str, Any],
    *,
    jobs: int = 0,
    say: Callable[[str], None] = lambda line: None,
    timeout: float = TIME_LIMIT,
) -> None:
    """Execute notebooks in place at their `defaults`, with stable ids and without timings; all of them or none.

    Raises
    ------
    ExecutionError
        If a notebook fails, or its parameters cell is not at its defaults.
    """
    notebooks.check_defaults(root, names, defaults)
    executed = run_notebooks(root, names, None, jobs=jobs, say=say, timeout=timeout)
    outputs = [out for each in executed.values() for cell in each.notebook.cells for out in cell.get("outputs", [])]
    charts = [output.data for output in outputs if _CHART in output.get("data", {})]
    # In a process of its own: kernels cannot be forked once vl-convert has run.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        drawn = pool.submit(_pictures, [dict(chart[_CHART]) for chart in charts]).result()
    for chart, picture in zip(charts, drawn, strict=True):
        chart["image/png"] = base64.b64encode(picture).decode()
    for name, each in executed.items():
        for number, cell in enumerate(each.notebook.cells):
            cell["id"] = f"{name}-{number:02d}"
        each.notebook.metadata[notebooks.KEY] = {"key": notebooks.basis(root, each.notebook)}
        text = nbformat.writes(each.notebook).rstrip("\n") + "\n"  # as Jupyter does it: saving there changes no line
        write_whole(root / "notebooks" / f"{name}.ipynb", text.encode())


def _pictures(specs: list[dict[str, Any]]) -> list[bytes]:
    from alliances.charts.drawing import png

    return [png(spec) for spec in specs]


def stale(root: Path, names: Sequence[str]) -> list[str]:
    """Return the notebooks whose committed outputs rest on other cells or another dataset than today's."""
    found = {name: notebooks.read(root, name) for name in names}
    keys = {name: each.metadata.get(notebooks.KEY, {}).get("key") for name, each in found.items()}
    return [name for name in names if keys[name] != notebooks.basis(root, found[name])]
