"""Run a notebook's code in this process: for tests that need many editions, not for reports.

No kernel is started, so nothing is isolated; an edition takes some tenths of a second instead of some seconds.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat

from alliances.errors import ExecutionError
from alliances.execution import notebooks


def run_inline(path: Path, values: dict[str, Any], notebook: nbformat.NotebookNode | None = None) -> Any:
    """Run the code cells of a notebook here and return the notebook with their outputs.

    Parameters
    ----------
    path : Path
        The notebook.
    values : dict of str to object
        Parameters to set after the cell tagged ``parameters``; those that it does not declare are left out.
    notebook : NotebookNode, optional
        The notebook where it has been read already; it is changed.

    Returns
    -------
    NotebookNode
        With one output for each cell whose last statement is an expression, as a kernel would have it.

    Raises
    ------
    ExecutionError
        If a cell raises; the cause is chained.
    """
    notebook = notebook or notebooks.read(path)
    declared = notebooks.declared_parameters(path, notebook)
    space: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        try:
            value = _run_cell(cell.source, space)
        except Exception as error:
            raise ExecutionError(f"Notebook {path.name} stopped in cell {number} with {error!r}.") from error
        if notebooks.PARAMETERS_TAG in cell.metadata.get("tags", []):
            space.update({name: value for name, value in values.items() if name in declared})
        cell.outputs = [] if value is None else [_output(value)]
    return notebook


def _run_cell(source: str, space: dict[str, Any]) -> Any:
    tree = ast.parse(source)
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        exec(compile(tree, "<cell>", "exec"), space)
        return None
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)  # the branch above returned otherwise
    exec(compile(tree, "<cell>", "exec"), space)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), space)


def _output(value: Any) -> Any:
    bundle = value._repr_mimebundle_() if hasattr(value, "_repr_mimebundle_") else {"text/plain": repr(value)}
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    # As nbformat.v4.new_output makes it, which has no types.
    return nbformat.NotebookNode(output_type="display_data", data=data, metadata=nbformat.from_dict(metadata))
