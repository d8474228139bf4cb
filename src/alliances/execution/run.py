"""Run the notebooks of an edition with papermill, several at a time, each in a kernel of its own."""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from alliances.analysis.knowledge import VALIDATED_VARIABLE
from alliances.dataset import trace
from alliances.dataset.trace import TRACE_VARIABLE
from alliances.errors import ExecutionError
from alliances.execution import notebooks
from alliances.execution.cache import Cache
from alliances.execution.dependencies import Inputs, Results
from alliances.execution.kernels import Hold, QuietKernelManager
from alliances.execution.warm import ForkError, WarmKernelManager
from alliances.execution.warm_process import WarmKernels
from alliances.parameters import NAMES, Parameters
from alliances.paths import ROOT_VARIABLE
from alliances.stopping import raise_if_told

Progress = Callable[[str, float], None]
Explain = Callable[[str, bool, str], None]
Finished = Callable[[str, nbformat.NotebookNode], Any]
TIME_LIMIT = 300  # seconds for a notebook
_LARGEST = 20  # megabytes of an executed notebook; a chapter has some tenths of one
_numbers = itertools.count()


def check_notebooks(paths: Sequence[Path]) -> dict[Path, list[str]]:
    """Return the parameters that each notebook declares.

    Raises
    ------
    ExecutionError
        If a notebook declares a name that is not a parameter, or has no parameters cell.
    """
    declared = {}
    for path in paths:
        names = list(notebooks.declared_parameters(path, notebooks.look_at(path)))
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
    finished: Finished | None = None,
    log: Path | None = None,
    cache: Cache | None = None,
    explain: Explain | None = None,
    warm: WarmKernels | None = None,
    timeout: float = TIME_LIMIT,
) -> dict[str, nbformat.NotebookNode]:
    """Execute notebooks with papermill and return them, tidied, by name.

    Parameters
    ----------
    paths : sequence of Path
        Notebooks.
    parameters : Parameters or None
        Each notebook is passed those that it declares, see :func:`~alliances.execution.notebooks.telling_values`.
        ``None`` runs the notebooks at their own defaults, with no cell injected.
    folder : Path
        Where the executed notebooks are written.
    root : Path
        Project folder; the kernels start in its ``notebooks/``.
    jobs : int
        Notebooks at a time; 0 takes two more than the processors, since a kernel mostly waits while it starts.
    progress : callable, optional
        Called with a notebook's name and its seconds when it has finished.
    finished : callable, optional
        Called with a notebook's name and the notebook, while others still run.
    log : Path, optional
        File that receives the traceback of a notebook that fails.
    cache : Cache, optional
        Where results are kept; a notebook whose result is there does not run.
    explain : callable, optional
        Called with a notebook's name, whether it runs, and why.
    warm : WarmKernels, optional
        A warmed process that is running already and goes on afterwards; by default one is started and ended here.
    timeout : float
        Longest time for a notebook, in seconds, the start of its kernel included.

    Raises
    ------
    ExecutionError
        If a notebook raises, takes too long or prints too much, or its kernel dies.
    """
    declared = check_notebooks(paths)
    folder.mkdir(parents=True, exist_ok=True)
    results = Results(cache, root) if cache else None
    executed: dict[str, nbformat.NotebookNode] = {}
    missing: list[_Job] = []
    for path in paths:
        notebook = notebooks.look_at(path)
        values = parameters.as_notebook_values(declared[path]) if parameters else {}
        inputs = Inputs.of(path.stem, notebook, notebooks.telling_values(path, notebook, values))
        found, reason = results.find(inputs) if results else (None, "there is no cache")
        if explain:
            explain(path.stem, found is None, reason)
        if found is None:
            missing.append(_Job(path, inputs, folder / path.name, root / "notebooks", log, timeout))
        else:
            (folder / path.name).write_bytes(found)
            executed[path.stem] = nbformat.reads(found.decode(), as_version=4)
    if missing:
        with (
            nullcontext(warm) if warm else WarmKernels() as running,
            closing(_run_all(missing, jobs, results, running)) as stream,
        ):
            for job, notebook, seconds in stream:
                executed[job.path.stem] = notebook
                if progress:
                    progress(job.path.stem, seconds)
                if finished:
                    finished(job.path.stem, notebook)
    return {path.stem: executed[path.stem] for path in paths}


@dataclass(frozen=True)
class _Job:
    """A notebook to run: its file, its inputs, where it goes, where it runs, where a traceback goes, how long."""

    path: Path
    inputs: Inputs
    output: Path
    cwd: Path
    log: Path | None
    timeout: float


def _run_all(
    jobs: list[_Job],
    at_a_time: int,
    results: Results | None,
    warm: WarmKernels,
) -> Generator[tuple[_Job, nbformat.NotebookNode, float], None, None]:
    """Run notebooks and yield each as it finishes; if one fails, or the caller does, the kernels of all are ended."""
    workers = min(at_a_time or (os.cpu_count() or 1) + 2, len(jobs))
    holds: list[Hold] = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        manager: type[QuietKernelManager] = WarmKernelManager if warm.ready() else QuietKernelManager
        running = {}
        try:
            for job in jobs:
                environment = {
                    TRACE_VARIABLE: str(_trace_file(job)),
                    ROOT_VARIABLE: str(job.cwd.parent),
                    VALIDATED_VARIABLE: "1",  # the dataset is validated once a build
                }
                holds.append(Hold(warm.folder / str(next(_numbers)), environment))
                running[pool.submit(_run_one, job, manager, holds[-1])] = job
            waiting = set(running)
            while waiting:
                done, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
                raise_if_told()
                for future in done:
                    job = running[future]
                    notebook, tables, seconds = future.result()
                    if results:
                        results.keep(job.inputs, tables, job.output.read_bytes())
                    yield job, notebook, seconds
        except BaseException:
            for future in running:
                future.cancel()
            for hold in holds:
                hold.end()  # kernels that still run would keep the pool waiting
            raise


def _trace_file(job: _Job) -> Path:
    return job.output.with_suffix(".tables")


def _run_one(
    job: _Job, manager: type[QuietKernelManager], hold: Hold
) -> tuple[nbformat.NotebookNode, list[str], float]:
    start = time.perf_counter()
    # A kernel that is ended because another notebook failed is no news, and one that fails is told of below.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    late = threading.Event()

    def end_late() -> None:
        late.set()
        hold.end()

    # papermill's own limit is for each cell, and only asks the kernel to stop.
    watch = threading.Timer(job.timeout, end_late)
    watch.daemon = True
    watch.start()
    try:
        try:
            executed = _execute(job, manager, hold)
        except ForkError:
            executed = _execute(job, QuietKernelManager, hold)
    except PapermillExecutionError as error:
        _write_log(job.log, str(error))
        raise ExecutionError(
            f"Notebook {job.path.name} stopped in cell {error.exec_count} with {error.ename}: "
            f"{_first_line(error.evalue)}{_see(job.log)}"
        ) from error
    except Exception as error:
        if late.is_set():
            raise ExecutionError(
                f"Notebook {job.path.name} did not end within {job.timeout:g} seconds; mend it, or allow more with "
                "--timeout."
            ) from error
        _write_log(job.log, repr(error))
        if isinstance(error, (DeadKernelError, RuntimeError)):  # the latter where it never answered
            raise ExecutionError(
                f"The kernel of {job.path.name} died before the notebook ended; it was killed, or the memory ran out."
            ) from error
        raise ExecutionError(f"The kernel of {job.path.name} failed ({type(error).__name__}){_see(job.log)}") from error
    finally:
        watch.cancel()
        hold.end()
    notebooks.write(notebooks.tidy(executed), job.output, sort_keys=False)
    size = job.output.stat().st_size / 1_000_000
    if size > _LARGEST:
        raise ExecutionError(
            f"Notebook {job.path.name} puts out {size:.0f} MB where a chapter may have {_LARGEST} MB; print less."
        )
    noted = _trace_file(job)
    tables = trace.read(noted)
    noted.unlink(missing_ok=True)
    return executed, tables, time.perf_counter() - start


def _execute(job: _Job, manager: type[QuietKernelManager], hold: Hold) -> nbformat.NotebookNode:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        executed: nbformat.NotebookNode = papermill.execute_notebook(
            str(job.path),
            None,
            parameters=job.inputs.parameters,
            progress_bar=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            kernel_name="python3",
            start_timeout=120,
            # papermill's own cwd= changes the directory of the whole process, which threads share
            resources={"metadata": {"path": str(job.cwd)}},
            kernel_manager_class=type("HeldKernelManager", (manager,), {"hold": hold}),
            shutdown_kernel="immediate",  # a kernel that has answered has nothing left to save
        )
    return executed


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".") if text.strip() else "no message"


def _see(log: Path | None) -> str:
    return f"; the traceback is in {log}." if log else "."


def _write_log(log: Path | None, text: str) -> None:
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as handle:
            handle.write(text + "\n")
