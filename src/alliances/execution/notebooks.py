"""Notebooks as files: which parameters they declare, and how they are kept free of noise."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from alliances import plain_json
from alliances.errors import ExecutionError

PARAMETERS_TAG = "parameters"
KEY = "alliances"
_LINES = 6  # levels of an executed notebook that are broken into lines, down to the forms of an output


def read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook.

    Raises
    ------
    ExecutionError
        If the file is missing or is not a notebook.
    """
    return _parsed(path.name, _text(path))


def look_at(path: Path) -> nbformat.NotebookNode:
    """Do as :func:`read` for a notebook that nobody changes: the same text is read once."""
    return _parsed_once(path.name, _text(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ExecutionError(
            f"Notebook {path.name} is missing from {path.parent}; restore it or remove its line from report/report.qmd."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path.name, error) from error


def _parsed(name: str, text: str) -> nbformat.NotebookNode:
    try:
        notebook: nbformat.NotebookNode = nbformat.reads(text, as_version=4)
        return notebook
    except Exception as error:  # nbformat raises several kinds for a file that is no notebook
        raise _unreadable(name, error) from error


_parsed_once = functools.lru_cache(maxsize=128)(_parsed)


def _unreadable(name: str, error: Exception) -> ExecutionError:
    return ExecutionError(f"{name} cannot be read as a notebook ({error}); restore it.")


def declared_parameters(path: Path, notebook: nbformat.NotebookNode) -> dict[str, Any]:
    """Return the parameters that a notebook declares, with their defaults.

    Parameters
    ----------
    path : Path
        For messages.
    notebook : NotebookNode
        The notebook.

    Raises
    ------
    ExecutionError
        If no cell or more than one is tagged ``parameters`` (papermill would run such a notebook with its
        own defaults and say nothing), or if the cell holds anything but plain assignments.
    """
    tagged = _tagged(notebook)
    if len(tagged) != 1:
        raise ExecutionError(
            f"Notebook {path.name} has {len(tagged)} cells tagged “{PARAMETERS_TAG}”, and needs exactly one; "
            "tag the cell that assigns the parameters."
        )
    found: dict[str, Any] = {}
    try:
        for node in ast.parse(tagged[0].source).body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if not isinstance(target, ast.Name) or not isinstance(node, ast.Assign):
                raise ValueError(ast.unparse(node))
            found[target.id] = ast.literal_eval(node.value)
    except (SyntaxError, ValueError) as error:
        raise ExecutionError(
            f"The parameters cell of {path.name} may hold only assignments of plain values, and holds: {error}."
        ) from error
    return found


def telling_values(path: Path, notebook: nbformat.NotebookNode, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a notebook is passed: its own default for a value that would not change its outputs.

    The metadata of a parameters cell may name the values of a parameter that do, the only ones:
    ``{"alliances": {"only": {"focus": ["GBR"]}}}``. Editions with other values then share one result.

    Parameters
    ----------
    path : Path
        For messages.
    notebook : NotebookNode
        The notebook.
    values : mapping of str to object
        A value for each parameter that it declares.

    Raises
    ------
    ExecutionError
        If the metadata name a parameter that the notebook does not declare.
    """
    declared = declared_parameters(path, notebook)
    only: dict[str, list[Any]] = _tagged(notebook)[0].metadata.get(KEY, {}).get("only", {})
    unknown = [name for name in only if name not in declared]
    if unknown:
        raise ExecutionError(
            f"The metadata of the parameters cell of {path.name} name values of “{unknown[0]}”, which the cell does "
            f"not assign; it assigns {', '.join(declared)}."
        )
    return {
        name: declared[name] if name in only and value not in only[name] else value for name, value in values.items()
    }


def _tagged(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if PARAMETERS_TAG in cell.metadata.get("tags", [])]


def tidy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove from an executed notebook what differs from run to run: times, versions, random cell ids."""
    for number, cell in enumerate(notebook.cells):
        for noise in ("papermill", "execution"):
            cell.metadata.pop(noise, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = f"injected-{number}"
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def write(notebook: nbformat.NotebookNode, path: Path, *, sort_keys: bool = True) -> None:
    """Write a notebook the same way every time, and as Jupyter does: saving it there changes no line.

    Parameters
    ----------
    notebook : NotebookNode
        The notebook.
    path : Path
        Where it is written.
    sort_keys : bool
        As Jupyter does it. Without, what is read back is in the order in which the kernel wrote it (the columns of
        a chart's data, for one), and lines are longer.
    """
    # nbformat sorts whatever it is told
    text: str = nbformat.writes(notebook) if sort_keys else plain_json.dumps(notebook, _LINES)
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8", newline="\n")


def content_key(notebook: nbformat.NotebookNode, data_digest: str) -> str:
    """Return a key of what the committed outputs rest on: the notebook's cells and the dataset."""
    cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
    return hashlib.sha256(json.dumps([cells, data_digest]).encode()).hexdigest()


def data_digest(root: Path) -> str:
    """Return a digest of the dataset's files."""
    digest = hashlib.sha256()
    for path in [*sorted((root / "data").glob("*.csv")), root / "data" / "datapackage.json"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
