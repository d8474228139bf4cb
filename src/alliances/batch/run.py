"""Run a matrix: check every edition first, build them through an executor, and end with an index page."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import Any

from alliances.batch import matrix
from alliances.batch.index import write_index
from alliances.errors import AlliancesError, ParameterError, sentence_of
from alliances.run import TIME_LIMIT, forks
from alliances.run.cache import Cache
from alliances.run.stopping import raise_if_told

_TRIES = 3
Check = Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Task:
    """An edition to build: its name and checked values, where, and how."""

    name: str
    values: dict[str, Any]
    root: Path
    folder: Path
    formats: tuple[str, ...]
    engine: str
    timeout: float
    room: str

    @property
    def log(self) -> Path:
        """Where the traceback of a failure goes."""
        return self.folder.with_name(f"{self.name}.log")


@dataclass(frozen=True)
class Outcome:
    """How an edition went: ``built``, ``kept`` (it stood there already) or ``failed``, with a sentence."""

    name: str
    values: dict[str, Any]
    status: str
    message: str = ""
    seconds: float = 0.0


def run_matrix(
    root: Path,
    file: Path,
    folder: Path,
    *,
    engine: str = "auto",
    workers: int = 0,
    scheduler: str | None = None,
    say: Callable[[str], None] = lambda line: None,
    timeout: float = TIME_LIMIT,
    check: Check | None = None,
    room: str = "alliances.build",
) -> list[Outcome]:
    """Build all editions of a matrix file; those that stand in the folder already, with the same inputs, are kept.

    Parameters
    ----------
    root, file, folder : Path
        Project folder, the matrix file, and the folder of the editions, each in one of its own.
    workers : int
        Worker processes; 0 takes one a processor.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers then build the editions.
    check : callable, optional
        Checks the parameters of an edition and returns its name and its values; by default those of the dataset.
    room : str
        The module whose ``build`` and ``unchanged`` make an edition.

    Returns
    -------
    list of Outcome
        In the order of the matrix.

    Raises
    ------
    ParameterError
        If the file or one of its editions is wrong; nothing is built then.
    """
    spec = matrix.read_matrix(file)
    formats = matrix.formats(spec)
    check = check or _usual(root)
    tasks: dict[str, Task] = {}
    for number, values in enumerate(matrix.combinations(spec), 1):
        try:
            name, checked = check(values)
        except ParameterError as error:
            raise ParameterError(f"Edition {number} of the matrix: {error}") from error
        tasks[name] = Task(name, checked, root, folder / name, formats, engine, timeout, room)
    if not tasks:
        raise ParameterError("The matrix names no edition; give at least one list of values of a parameter.")
    folder.mkdir(parents=True, exist_ok=True)
    outcomes: dict[str, Outcome] = {}
    for one in _outcomes(list(tasks.values()), workers, scheduler):
        outcomes[one.name] = one
        detail = f": {one.message}" if one.message else ""
        say(f"  {len(outcomes)} of {len(tasks)}: {one.name} {one.status} in {one.seconds:.1f} s{detail}")
    write_index(folder, [outcomes[name] for name in tasks], formats)
    return [outcomes[name] for name in tasks]


def _usual(root: Path) -> Check:
    from alliances.build import checked_parameters, load_validated  # here: batch stands below it
    from alliances.parameters import check_parameters
    from alliances.place import slug

    dataset = load_validated(root, Cache(root))
    _, defaults, _ = checked_parameters(root, dataset, {})

    def check(values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        parameters = check_parameters(values, dataset)
        return slug(parameters, defaults) or f"{parameters.as_of}_default", parameters.as_dict()

    return check


def _outcomes(tasks: list[Task], workers: int, scheduler: str | None) -> Iterator[Outcome]:
    missing = []
    for task in tasks:
        room = importlib.import_module(task.room)
        if room.unchanged(task.root, task.values, task.formats, task.engine, task.folder):
            yield Outcome(task.name, task.values, "kept")
        else:
            missing.append(task)
    if scheduler and missing:
        from alliances.batch.cluster import build_there

        built = build_there(missing, scheduler)
    else:
        built = _build_here(missing, min(workers or os.cpu_count() or 1, len(missing)))
    for task, outcome in built:
        if outcome.status == "built":
            task.log.unlink(missing_ok=True)
        yield outcome


def build_one(task: Task) -> Outcome:
    """Build an edition; a failure is an outcome and stops nothing else."""
    start = time.monotonic()
    try:
        build = importlib.import_module(task.room).build
        more = {"formats": task.formats, "engine": task.engine, "timeout": task.timeout, "log": task.log}
        built = build(task.root, task.values, output=task.folder, jobs=1, **more)
        status, message = "built", built.notice or ""
    except AlliancesError as error:
        status, message = "failed", str(error)
    except OSError as error:
        status, message = "failed", sentence_of(error)
    except Exception as error:  # whatever it is, the other editions go on
        status, message = "failed", f"An error of the program itself ({type(error).__name__}: {error})."
    return Outcome(task.name, task.values, status, message, time.monotonic() - start)


def fill(
    submit: Callable[[Task], Future[Any]], waiting: list[tuple[Task, int]], count: int
) -> Iterator[tuple[Task, Any]]:
    """Keep `count` tasks under way, so that memory stays flat however long the list, and yield each result.

    Where the pool breaks, nothing says which task broke it: all that were under way wait again, three times in all.
    """
    running: dict[Future[Any], tuple[Task, int]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < count:
                running[submit(waiting[0][0])] = waiting[0]
                del waiting[0]
            done, _ = wait(running, timeout=1, return_when=FIRST_COMPLETED)
            raise_if_told()
            for future in done:
                task, _ = running[future]
                try:
                    result = future.result()
                except (BrokenExecutor, CancelledError):
                    raise
                except Exception as error:  # what runs the tasks failed
                    message = f"Its worker failed ({type(error).__name__}: {error})."
                    result = Outcome(task.name, task.values, "failed", message)
                del running[future]
                yield task, result
    except BrokenExecutor:
        for task, tries in running.values():
            if tries < _TRIES:
                waiting.append((task, tries + 1))
            else:
                yield task, Outcome(task.name, task.values, "failed", f"Its worker died {_TRIES} times.")


def _build_here(tasks: list[Task], count: int) -> Iterator[tuple[Task, Outcome]]:
    waiting = [(task, 1) for task in tasks]
    while waiting:
        with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _start) as pool:
            try:
                yield from fill(lambda task, pool=pool: pool.submit(build_one, task), waiting, count)  # type: ignore[misc]
            except BaseException:
                for worker in multiprocessing.active_children():
                    worker.kill()  # its kernels see that and go
                raise


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    parent = multiprocessing.parent_process()
    assert parent is not None  # a worker has one
    threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()
    forks.start()


def _leave_with(parent: int) -> None:
    connection.wait([parent])
    os._exit(1)
