"""Renew the committed notebooks: run them at their defaults, with a picture of each chart for who cannot draw it."""

import base64
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from alliances.charts.drawing import png
from alliances.dataset.tables import data_path, read_descriptor
from alliances.run import forks, notebooks
from alliances.run.cache import digest, files_digest, write_whole
from alliances.run.execute import run_notebooks

KEY = "alliances"
_CHART = "application/vnd.vegalite.v5+json"


def refresh(
    root: Path, names: Sequence[str], defaults: Mapping[str, Any], *,
    uncoded: Iterable[str] = (), say: Callable[[str], None] = lambda line: None,
) -> None:  # fmt: skip
    """Execute notebooks in place at their `defaults`, with stable ids and without timings; all of them or none.

    Texts that are `uncoded`, by `source_id`, no edition knows yet. ExecutionError if a notebook fails, or its
    parameters cell is not at its defaults.
    """
    notebooks.check_defaults(root, names, defaults)
    executed = run_notebooks(root, names, None, say=say, uncoded=uncoded)
    outputs = [out for notebook in executed.values() for cell in notebook.cells for out in cell.get("outputs", [])]
    charts = [output.data for output in outputs if _CHART in output.get("data", {})]
    os.environ.update(forks.SETTINGS)  # the zone shows on axes
    for chart in charts:
        chart["image/png"] = base64.b64encode(png(dict(chart[_CHART]))).decode()
    for name, notebook in executed.items():
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"{name}-{number:02d}"
        notebook.metadata[KEY] = {"key": _basis(root, notebook)}
        text = nbformat.writes(notebook).rstrip("\n") + "\n"  # as Jupyter does it: saving there changes no line
        write_whole(root / "notebooks" / f"{name}.ipynb", text.encode())


def stale(root: Path, names: Sequence[str]) -> list[str]:
    """Return the notebooks whose committed outputs rest on other cells or another dataset than today's."""
    found = {name: notebooks.read(root, name) for name in names}
    return [n for n, each in found.items() if each.metadata.get(KEY, {}).get("key") != _basis(root, each)]


def _basis(root: Path, notebook: NotebookNode) -> str:
    tables = read_descriptor(root)["resources"]  # a stray copy of one changes nothing
    data = files_digest([root / "data" / "datapackage.json", *(root / data_path(name) for name in tables)], root)
    return digest([(cell.cell_type, cell.source) for cell in notebook.cells], data)
