"""Run the notebooks of an edition with papermill, several at a time, each in a kernel of its own."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from alliances.analysis.knowledge import VALIDATED_VARIABLE
from alliances.errors import ExecutionError
from alliances.execution import notebooks
from alliances.execution.warm import WarmKernels
from alliances.parameters import NAMES, Parameters

Progress = Callable[[str, float], None]
ORDINARY_MANAGER = "alliances.execution.kernels.QuietKernelManager"
WARM_MANAGER = "alliances.execution.warm.WarmKernelManager"


def check_notebooks(paths: Sequence[Path]) -> dict[Path, list[str]]:
    """Return the parameters that each notebook declares.

    Raises
    ------
    ExecutionError
        If a notebook declares a name that is not a parameter, or has no parameters cell.
    """
    declared = {}
    for path in paths:
        names = list(notebooks.declared_parameters(path, notebooks.read(path)))
        unknown = [name for name in names if name not in NAMES]
        if unknown:
            raise ExecutionError(
                f"The parameters cell of {path.name} assigns “{unknown[0]}”, which is not a parameter; "
                f"the parameters are {', '.join(NAMES)}."
            )
        declared[path] = names
    return declared


def run_notebooks(
    paths: Sequence[Path],
    parameters: Parameters | None,
    folder: Path,
    root: Path,
    *,
    jobs: int = 0,
    progress: Progress | None = None,
    log: Path | None = None,
) -> dict[str, nbformat.NotebookNode]:
    """Execute notebooks with papermill and return them, tidied, by name.

    Parameters
    ----------
    paths : sequence of Path
        Notebooks.
    parameters : Parameters or None
        Each notebook is passed those that it declares. ``None`` runs the notebooks at their own defaults,
        with no cell injected.
    folder : Path
        Where the executed notebooks are written.
    root : Path
        Project folder; the kernels start in its ``notebooks/``.
    jobs : int
        Notebooks at a time; 0 takes two more than the processors, since a kernel mostly waits while it starts.
    progress : callable, optional
        Called with a notebook's name and its seconds when it has finished.
    log : Path, optional
        File that receives the traceback of a notebook that fails.

    Raises
    ------
    ExecutionError
        If a notebook raises or its kernel dies.
    """
    declared = check_notebooks(paths)
    folder.mkdir(parents=True, exist_ok=True)
    workers = jobs or (os.cpu_count() or 1) + 2
    values: Mapping[Path, dict[str, Any]] = {
        path: parameters.as_notebook_values(declared[path]) if parameters else {} for path in paths
    }
    os.environ[VALIDATED_VARIABLE] = "1"  # the kernels inherit it: the dataset is validated once a build
    os.environ["ALLIANCES_ROOT"] = str(root)
    finished: dict[str, nbformat.NotebookNode] = {}
    with WarmKernels() as warm, ThreadPoolExecutor(max_workers=min(workers, len(paths)) or 1) as pool:
        manager = WARM_MANAGER if warm.ready() else ORDINARY_MANAGER
        running = {
            pool.submit(_run_one, path, values[path], folder / path.name, root / "notebooks", log, manager): path
            for path in paths
        }
        try:
            for future in as_completed(running):
                name = running[future].stem
                finished[name], seconds = future.result()
                if progress:
                    progress(name, seconds)
        except BaseException:
            for future in running:
                future.cancel()
            raise
    return {path.stem: finished[path.stem] for path in paths}


def _run_one(
    path: Path, values: dict[str, Any], output: Path, cwd: Path, log: Path | None, manager: str
) -> tuple[nbformat.NotebookNode, float]:
    start = time.perf_counter()
    logging.getLogger("papermill").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            executed = papermill.execute_notebook(
                str(path),
                None,
                parameters=values,
                progress_bar=False,
                request_save_on_cell_execute=False,
                autosave_cell_every=0,
                kernel_name="python3",
                start_timeout=120,
                # papermill's own cwd= changes the directory of the whole process, which threads share
                resources={"metadata": {"path": str(cwd)}},
                kernel_manager_class=manager,
                shutdown_kernel="immediate",  # a kernel that has answered has nothing left to save
            )
        except PapermillExecutionError as error:
            _write_log(log, str(error))
            raise ExecutionError(
                f"Notebook {path.name} stopped in cell {error.exec_count} with {error.ename}: "
                f"{_first_line(error.evalue)}{_see(log)}"
            ) from error
        except Exception as error:
            _write_log(log, repr(error))
            raise ExecutionError(f"The kernel of {path.name} failed ({type(error).__name__}){_see(log)}") from error
    notebooks.write(notebooks.tidy(executed), output)
    return executed, time.perf_counter() - start


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".") if text.strip() else "no message"


def _see(log: Path | None) -> str:
    return f"; the traceback is in {log}." if log else "."


def _write_log(log: Path | None, text: str) -> None:
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as handle:
            handle.write(text + "\n")
