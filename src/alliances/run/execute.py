"""Run notebooks with papermill, several at a time, each in a kernel of its own; what has not changed does not run."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ThreadPoolExecutor, wait
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from alliances import errors
from alliances.dataset import Dataset
from alliances.dataset.dataset import UNCODED
from alliances.errors import ExecutionError
from alliances.run import TIME_LIMIT, notebooks, warm
from alliances.run.cache import Cache
from alliances.run.results import Results
from alliances.run.stopping import raise_if_told


@dataclass(frozen=True)
class Executed:
    """An executed notebook, the seconds that it took, and whether an earlier result was taken instead."""

    notebook: NotebookNode
    seconds: float
    reused: bool


@dataclass(frozen=True)
class _Job:
    name: str
    text: bytes
    values: dict[str, Any] | None
    root: Path
    base: Path
    timeout: float
    log: Path | None
    uncoded: str


def run_notebooks(
    root: Path,
    names: Sequence[str],
    values: Mapping[str, Any] | None,
    *,
    cache: Cache | None = None,
    jobs: int = 0,
    executor: Executor | None = None,
    say: Callable[[str], None] = lambda line: None,
    explain: Callable[[str, bool, str], None] = lambda name, runs, reason: None,
    finished: Callable[[str, NotebookNode], object] = lambda name, notebook: None,
    timeout: float = TIME_LIMIT,
    log: Path | None = None,
) -> dict[str, Executed]:
    """Execute notebooks of ``root/notebooks/`` with papermill and return them, tidied, in the order of their names.

    Parameters
    ----------
    values : mapping or None
        A value for each parameter that there is; each notebook is passed those that it declares. ``None`` runs the
        notebooks as they stand.
    cache : Cache, optional
        Where results are kept; a notebook whose result is there does not run.
    jobs : int
        Notebooks at a time; 0 takes two more than the processors, since a kernel mostly waits while it starts.
    executor : Executor, optional
        Who runs them, instead of threads of this process.
    say, explain, finished : callable
        Told a line of progress; a name, whether that notebook runs, and why; a result while others still run.
    timeout : float
        Longest time for a notebook, in seconds.
    log : Path, optional
        File that receives the traceback of a notebook that fails.

    Raises
    ------
    ExecutionError
        If a notebook cannot be read or raises, takes too long or prints too much, or its kernel dies.
    """
    uncoded = " ".join(sorted(Dataset.load(root, validate=False).uncoded))
    results, executed = Results(root, cache, uncoded), dict[str, Executed]()
    sources = {name: notebooks.read(root, name) for name in names}
    given = {name: None if values is None else notebooks.passed(name, sources[name], values) for name in names}
    missing = []
    for name in names:
        found, reason = results.find(name, sources[name], given[name])
        explain(name, found is None, reason)
        if found is None:
            missing.append(name)
        else:
            executed[name] = Executed(notebooks.loads(found), 0.0, True)
    with _socket_folder() as place:
        bases = [Path(place) / str(number) for number in range(len(missing))]
        todo = [
            _Job(name, notebooks.dumps(sources[name]), given[name], root, base, timeout, log, uncoded)
            for name, base in zip(missing, bases, strict=True)
        ]
        for job, (content, tables, seconds) in _run_all(todo, jobs, executor, Path(place)):
            results.keep(job.name, sources[job.name], job.values, tables, content)
            executed[job.name] = Executed(notebooks.loads(content), seconds, False)
            say(f"  executed {job.name} in {seconds:.1f} s")
            finished(job.name, executed[job.name].notebook)
    return {name: executed[name] for name in names}


def _socket_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder whose path is short enough for Unix sockets, which may have about 100 characters."""
    is_long = len(tempfile.gettempdir()) > 50 and Path("/tmp").is_dir()
    return tempfile.TemporaryDirectory(prefix="k", dir="/tmp" if is_long else None, ignore_cleanup_errors=True)


def _run_all(jobs: list[_Job], at_a_time: int, executor: Executor | None, place: Path) -> Iterator[tuple[_Job, Any]]:
    """Run notebooks and yield each as it finishes; if one fails, or the caller does, the kernels of all are ended."""
    workers = max(1, min(at_a_time or (os.cpu_count() or 1) + 2, len(jobs)))
    with nullcontext(executor) if executor else ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(run_one, job): job for job in jobs}
        waiting = set(running)
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
                raise_if_told()
                for future in done:
                    yield running[future], future.result()
        except BaseException:
            waiting = {future for future in running if not future.cancel()}
            while waiting and executor is None:  # a kernel that starts meanwhile goes as well
                warm.end_kernels(place)
                waiting = wait(waiting, timeout=0.1).not_done
            raise


def run_one(job: _Job) -> tuple[bytes, list[str], float]:
    """Run a notebook; return it as bytes, the tables that it read, and its seconds."""
    start = time.monotonic()
    for noisy in ("papermill", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)  # what fails is told below
    name, noted = f"{job.name}.ipynb", Path(f"{job.base}.tables")
    try:
        try:
            executed = _execute(job, is_warm=True)
        except warm.DeadAtStartError:
            executed = _execute(job, is_warm=False)
    except PapermillExecutionError as error:
        raise ExecutionError(_sentence(job, error)) from None
    except CellTimeoutError:
        limit = f"{job.timeout:g} seconds"
        raise ExecutionError(
            f"Notebook {name} did not end within {limit}; mend it, or allow more with --timeout."
        ) from None
    except warm.TooMuchOutputError:
        raise ExecutionError(f"Notebook {name} puts out more than {warm.LARGEST} MB; print less.") from None
    except (DeadKernelError, warm.DeadAtStartError) as error:
        when = "before the notebook ended" if isinstance(error, DeadKernelError) else "twice as it started"
        raise ExecutionError(f"The kernel of {name} died {when}; it was killed, or the memory ran out.") from None
    tables = sorted(set(noted.read_text(encoding="utf-8").split())) if noted.exists() else []
    return notebooks.dumps(notebooks.tidy(executed)), tables, time.monotonic() - start


def _execute(job: _Job, *, is_warm: bool) -> NotebookNode:
    end = time.monotonic() + job.timeout
    environment = {
        "ALLIANCES_ROOT": str(job.root),
        "ALLIANCES_TRACE": f"{job.base}.tables",
        "ALLIANCES_VALIDATED": "1",  # the dataset is validated once a build
        UNCODED: job.uncoded,
        "IPYTHONDIR": f"{job.base}.ipython",  # a clean profile, whatever the user has set
    }
    job.base.parent.mkdir(parents=True, exist_ok=True)
    manager: Any = type("Own", (warm.Manager,), {"base": job.base, "environment": environment, "is_warm": is_warm})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            executed: NotebookNode = papermill.execute_notebook(
                notebooks.loads(job.text),
                None,
                parameters=job.values,
                progress_bar=False,
                request_save_on_cell_execute=False,
                autosave_cell_every=0,
                kernel_name="python3",
                language="python",
                # papermill's own cwd= changes the directory of the whole process, which threads share
                resources={"metadata": {"path": str(job.root / "notebooks")}},
                kernel_manager_class=manager,
                timeout_func=lambda cell: max(end - time.monotonic(), 0.01),  # what is left of the notebook's time
                shutdown_kernel="immediate",  # a kernel that has answered has nothing left to save
            )
    finally:
        if manager.is_flooding:
            raise warm.TooMuchOutputError
    return executed


def _sentence(job: _Job, error: PapermillExecutionError) -> str:
    """Say in one sentence where a notebook stopped, and why; the traceback goes to the log."""
    if job.log:
        with suppress(OSError):
            job.log.parent.mkdir(parents=True, exist_ok=True)
            with job.log.open("a", encoding="utf-8") as handle:
                handle.write(f"{job.name}.ipynb{error}\n")
    plain = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(error.traceback))
    line = re.search(r"Cell In\[\d+\], line (\d+)", plain)
    number = (error.exec_count or 0) - bool(job.values)  # without the cell that papermill injects
    where = f"cell [{number}]" + (f", line {line[1]}" if line else "")
    words = [*error.evalue.strip().splitlines(), "no message"][0].rstrip(".")
    kind = getattr(errors, error.ename, None)
    if isinstance(kind, type) and issubclass(kind, errors.AlliancesError):  # it is a sentence already
        return f"Notebook {job.name}.ipynb, {where}: {words}."
    log = f"; the traceback is in {job.log}" if job.log else ""
    return f"Notebook {job.name}.ipynb stopped in {where}, with {error.ename}: {words}{log}."
