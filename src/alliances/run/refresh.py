"""Renew the committed notebooks: run them at their defaults, with a picture of each chart for who cannot draw it."""

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from alliances.charts.drawing import png
from alliances.dataset.tables import read_descriptor
from alliances.errors import ExecutionError
from alliances.run import forks, notebooks
from alliances.run.cache import digest, files_digest, write_whole
from alliances.run.execute import run_notebooks

KEY = "alliances"
CHART = "application/vnd.vegalite.v5+json"
_FORM = "application/vnd.jupyter.widget-view+json"


def refresh(
    root: Path, names: Sequence[str], defaults: Mapping[str, Any], *,
    uncoded: Iterable[str] = (), say: Callable[[str], None] = lambda line: None,
) -> None:  # fmt: skip
    """Execute notebooks in place at their `defaults`, with stable ids and without timings; each that runs is saved.

    A cell that papermill or Quarto put in is taken out first. Texts that are `uncoded`, by `source_id`, no edition
    knows yet. ExecutionError for the last that fails, or is not at its defaults; `say` tells those before it.
    """
    failed, ready = list[str](), list[str]()
    for name in names:
        try:
            notebook = notebooks.read(root, name)
            own = [cell for cell in notebook.cells if notebooks.INJECTED not in cell.metadata.get("tags", [])]
            if len(own) < len(notebook.cells):
                notebook.cells = own
                _write(root, name, notebook)
                say(f"  took out of {name}.ipynb the parameters that papermill or Quarto had put in")
            notebooks.check_defaults(root, name, defaults)
            ready.append(name)
        except ExecutionError as error:
            failed.append(str(error))
    executed = run_notebooks(root, ready, None, say=say, uncoded=uncoded, failed=failed)
    os.environ.update(forks.SETTINGS)  # the zone shows on axes
    for name, notebook in executed.items():
        settle(notebook)
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"{name}-{number:02d}"
        notebook.metadata[KEY] = _note(root, notebook)
        _write(root, name, notebook)
    for told in failed[:-1]:
        say(told)
    if failed:
        raise ExecutionError(failed[-1])


def settle(notebook: NotebookNode, committed: NotebookNode | None = None) -> None:
    """Turn what any program saved into what `refresh` writes, as far as that goes without running it.

    Browsers write 1.0 as 1, count the runs of cells on, and draw charts in their own way: a chart of which `committed`
    holds a picture keeps that one, and another one is drawn. Forms live only as long as their kernel.
    """
    notebooks.tidy(notebook, is_committed=True)
    old, count = _charts(committed) if committed else (), 0
    drawn = {digest(chart[CHART]): chart.get("image/png") for chart in old}
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        shown = json.dumps([out for out in cell.outputs if _FORM not in out.get("data", {})])
        read = json.loads(shown, parse_float=lambda text: int(n) if (n := float(text)).is_integer() else n)
        cell.outputs = [nbformat.from_dict(out) for out in read]
        count += bool(cell.execution_count)
        for counted in (each for each in (cell, *cell.outputs) if each.get("execution_count")):
            counted["execution_count"] = count
    for chart in _charts(notebook):
        chart["image/png"] = drawn.get(digest(chart[CHART])) or base64.b64encode(png(dict(chart[CHART]))).decode()


def untrue(root: Path, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each notebook whose committed outputs are not those of its cells and data, and what is wrong with it."""
    for name in names:
        notebook = notebooks.read(root, name)
        noted = notebook.metadata.get(KEY, {})
        if noted.get("key") != (now := _note(root, notebook))["key"]:
            yield name, "is behind its cells or data"
        elif noted.get("shown") != now["shown"]:
            yield name, "shows what a run at its defaults does not"


def _write(root: Path, name: str, notebook: NotebookNode) -> None:
    text = nbformat.writes(notebook).rstrip("\n") + "\n"  # as Jupyter does it: saving there changes no line
    write_whole(root / "notebooks" / f"{name}.ipynb", text.encode())


def _charts(notebook: NotebookNode) -> list[Any]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.data for output in outputs if CHART in output.get("data", {})]


def _note(root: Path, notebook: NotebookNode) -> dict[str, str]:
    """Return digests of what the outputs of a notebook come from, and of the outputs."""
    tables = read_descriptor(root)["resources"]  # a stray copy of one changes nothing
    data = files_digest([root / "data" / "datapackage.json", *(root / f"data/{name}.csv" for name in tables)], root)
    key = digest([(cell.cell_type, cell.source) for cell in notebook.cells], data)
    return {"key": key, "shown": digest([cell.get("outputs", []) for cell in notebook.cells])}
