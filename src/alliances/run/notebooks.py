"""Notebooks as files: read with kind sentences, their parameters, and what differs from run to run removed."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from alliances.errors import ExecutionError
from alliances.run.cache import digest, files_digest

KEY = "alliances"


def read(root: Path, name: str) -> NotebookNode:
    """Read a notebook of the project's ``notebooks/``.

    Raises
    ------
    ExecutionError
        If the file is missing, holds two versions after a merge, or is no notebook.
    """
    path = root / "notebooks" / f"{name}.ipynb"
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        notebook: NotebookNode = nbformat.reads(text, as_version=4)
    except FileNotFoundError as error:
        raise ExecutionError(
            f"Notebook {path.name} is missing from {path.parent}; restore it or remove its line from report/report.qmd."
        ) from error
    except Exception as error:  # nbformat raises several kinds for a file that is no notebook
        if "\n<<<<<<< " in text:
            raise ExecutionError(
                f"{path.name} holds two versions that git could not merge; keep one of them with `git checkout --ours` "
                f"or `--theirs`, make the other's changes by hand, and run `alliances refresh {path.name}`."
            ) from error
        what = [*str(error).strip().splitlines(), type(error).__name__][0]
        raise ExecutionError(f"{path.name} cannot be read as a notebook ({what}); restore it.") from error
    return notebook


def declared(name: str, notebook: NotebookNode, allowed: Iterable[str]) -> dict[str, Any]:
    """Return the parameters that a notebook declares, with the values of its parameters cell.

    Read here and not by papermill's inspection, which passes over what it does not understand.

    Raises
    ------
    ExecutionError
        If no cell or more than one is tagged ``parameters`` (papermill would run such a notebook with its own defaults
        and say nothing), or if it holds anything but assignments of plain values to allowed names.
    """
    tagged = _tagged(notebook)
    if len(tagged) != 1:
        raise ExecutionError(
            f"Notebook {name}.ipynb has {len(tagged)} cells tagged “parameters”, and needs exactly one; "
            "tag the cell that assigns the parameters."
        )
    found: dict[str, Any] = {}
    try:
        for node in ast.parse(tagged[0].source).body:
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            if not isinstance(node, (ast.Assign, ast.AnnAssign)) or not isinstance(target, ast.Name) or not node.value:
                raise ValueError(ast.unparse(node))
            found[target.id] = ast.literal_eval(node.value)
    except (SyntaxError, ValueError) as error:
        raise ExecutionError(
            f"The parameters cell of {name}.ipynb may hold only assignments of plain values, and holds: {error}."
        ) from error
    for unknown in sorted(found.keys() - set(allowed)):
        raise ExecutionError(
            f"The parameters cell of {name}.ipynb assigns “{unknown}”, which is not a parameter; "
            f"the parameters are {', '.join(allowed)}."
        )
    return found


def passed(name: str, notebook: NotebookNode, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a notebook is passed: its own default for a value that would not change its outputs.

    The metadata of a parameters cell may name the only values of a parameter that do, as in
    ``{"alliances": {"only": {"focus": ["GBR"]}}}``. Editions with other values then share one result.
    """
    own = declared(name, notebook, values)
    only = _tagged(notebook)[0].metadata.get(KEY, {}).get("only", {})
    return {one: own[one] if one in only and values[one] not in only[one] else values[one] for one in own}


def check_defaults(root: Path, names: Iterable[str], defaults: Mapping[str, Any]) -> None:
    """Refuse committed notebooks whose parameters cell is not at its defaults: the default edition is made of them.

    Raises
    ------
    ExecutionError
        Naming notebook and parameter.
    """
    for name in names:
        for one, value in declared(name, read(root, name), defaults).items():
            if value not in (None, "", [], (), defaults[one]):
                raise ExecutionError(
                    f"The parameters cell of {name}.ipynb sets {one} to {value!r}, and a committed notebook stands at "
                    f"its defaults; set it back to {defaults[one]!r}, and pass values with `alliances build -p`."
                )


def _tagged(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Remove from an executed notebook what differs from run to run: times, versions, random cell ids."""
    for cell in notebook.cells:
        for noise in ("papermill", "execution"):
            cell.metadata.pop(noise, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        printed: dict[str, NotebookNode] = {}
        for output in [out for out in cell.get("outputs", []) if out.output_type == "stream"]:
            if output.name in printed:  # it comes in as many pieces as the clock has it
                printed[output.name]["text"] += output.text
                cell["outputs"] = [out for out in cell.outputs if out is not output]
            else:
                printed[output.name] = output
    notebook.metadata = {key: value for key, value in notebook.metadata.items() if key not in ("papermill", "widgets")}
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def basis(root: Path, notebook: NotebookNode) -> str:
    """Return a digest of what committed outputs rest on: the notebook's cells and the dataset."""
    data = files_digest([*(root / "data").glob("*.csv"), root / "data" / "datapackage.json"], root)
    return digest([(cell.cell_type, cell.source) for cell in notebook.cells], data)


def dumps(notebook: NotebookNode) -> bytes:
    """Return an executed notebook as bytes, its keys in the order in which the kernel wrote them (columns of data)."""
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()


def loads(content: bytes) -> NotebookNode:
    """Return a notebook that :func:`dumps` wrote."""
    notebook: NotebookNode = nbformat.from_dict(json.loads(content))
    return notebook
