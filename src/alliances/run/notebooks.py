"""Notebooks as files: read with kind sentences, their parameters, and what differs from run to run removed."""

import ast
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from alliances.errors import ExecutionError
from alliances.text.reading import unmerged

#: The notebook with which JupyterLab opens. It is no chapter: it holds a form, and is kept without outputs.
START = "start.ipynb"
INJECTED = "injected-parameters"  # tag of a cell that papermill, or Quarto with it, put in for a run


def read(root: Path, name: str) -> NotebookNode:
    """Read a notebook of the project; ExecutionError if it is missing, no notebook, or two versions after a merge."""
    path, text = root / "notebooks" / f"{name}.ipynb", ""
    try:
        text = path.read_text(encoding="utf-8")
        notebook: NotebookNode = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)  # as it reads it only writes to a log
    except Exception as error:  # nbformat raises several kinds for a file that is no notebook
        what = [*str(error.__cause__ or error).strip().splitlines(), type(error).__name__][0]
        told = f"{path.name} cannot be read as a notebook ({what}); restore it."
        if isinstance(error, FileNotFoundError):
            told = f"Notebook {path.name} is missing from {path.parent}; restore it or remove its line from report.qmd."
        if unmerged(text):
            told = f"{path.name} holds two versions that git could not merge; keep one of them with `git checkout "
            told += f"--ours` or `--theirs`, make the other's changes by hand, and run `alliances refresh {path.name}`."
        raise ExecutionError(told) from error
    return notebook


def declared(name: str, notebook: NotebookNode, allowed: Iterable[str]) -> dict[str, Any]:
    """Return the parameters that a notebook declares, with the values of its parameters cell.

    ExecutionError if not one cell is tagged ``parameters`` (papermill would run such a notebook with its own defaults
    and say nothing), or if it holds anything but assignments of plain values to allowed names (papermill passes over).
    """
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        has = f"Notebook {name}.ipynb has {len(tagged)} cells tagged “parameters”, and needs exactly one"
        raise ExecutionError(f"{has}; tag the cell that assigns the parameters.")
    found: dict[str, Any] = {}
    node: ast.AST | None = None
    try:
        for node in ast.parse(tagged[0].source).body:
            match node:
                case ast.Assign([ast.Name(one)], value) | ast.AnnAssign(ast.Name(one), value=value) if value:
                    found[one] = ast.literal_eval(value)
                case _:
                    raise ValueError
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        what = ast.unparse(node) if node else f"{error}"
        told = f"The parameters cell of {name}.ipynb may hold only assignments of plain values, and holds: {what}."
        raise ExecutionError(told) from error
    if unknown := sorted(found.keys() - set(allowed)):
        told = f"The parameters cell of {name}.ipynb assigns “{unknown[0]}”, which is not a parameter"
        raise ExecutionError(f"{told}; the parameters are {', '.join(allowed)}.")
    return found


def check_defaults(root: Path, name: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a committed notebook declares; ExecutionError unless all is at its default, as a build takes it."""
    found = declared(name, read(root, name), defaults)
    for one, value in found.items():
        if value not in (None, "", [], (), defaults[one]):
            where = f"The parameters cell of {name}.ipynb sets {one} to {value!r}"
            why = "a committed notebook stands at its defaults; `alliances build -p` passes values"
            raise ExecutionError(f"{where}; set it back to {defaults[one]!r}, since {why}.")
    return found


def tidy(notebook: NotebookNode, *, is_committed: bool) -> NotebookNode:
    """Remove from an executed notebook what differs from run to run, and from an edition's what a review notes."""
    for cell in notebook.cells:
        if not is_committed:
            cell.metadata = NotebookNode(tags=cell.metadata.get("tags", []))
        if INJECTED in cell.metadata.get("tags", []):
            cell["id"] = INJECTED
        for noise in ("papermill", "execution", *([] if cell.metadata.get("tags") else ["tags"])):
            cell.metadata.pop(noise, None)
        # What is printed comes in as many pieces as the clock has it; nbclient's own joining never ends on a long line.
        printed: dict[str, NotebookNode] = {}
        for output in [out for out in cell.get("outputs", []) if out.output_type == "stream"]:
            if printed.setdefault(output.name, output) is not output:
                printed[output.name]["text"] += output.text
                cell["outputs"] = [out for out in cell.outputs if out is not output]
    kept = {k: v for k, v in notebook.metadata.items() if is_committed and k not in ("papermill", "widgets")}
    notebook.metadata = NotebookNode(kept)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def dumps(notebook: NotebookNode) -> bytes:
    """Return an executed notebook as bytes, its keys in the order in which the kernel wrote them (columns of data)."""
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()
