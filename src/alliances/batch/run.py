"""Run a matrix: check every edition first, build them by workers here or on a cluster, and end with an index page."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment

from alliances.batch.matrix import read_matrix
from alliances.errors import AlliancesError, ParameterError, sentence_of
from alliances.manifest import is_unchanged
from alliances.run import TIME_LIMIT, forks
from alliances.run.stopping import as_done

Check = Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Task:
    """An edition of a batch: its name and checked values, where, how and with which function it is built; how it went.

    `status` is ``built``, ``kept`` (it stood there already) or ``failed``, with a sentence; `log` tells of a failure.
    """

    name: str
    values: dict[str, Any]
    root: Path
    folder: Path
    make: Callable[..., Any]
    how: dict[str, Any]  # formats, engine, timeout
    status: str = ""
    message: str = ""
    seconds: float = 0.0

    log = property(lambda self: self.folder.with_name(f"{self.name}.log"))


def run_matrix(
    root: Path, file: Path, folder: Path, check: Check, make: Callable[..., Any], *, engine: str = "auto",
    workers: int = 0, scheduler: str | None = None, say: Callable[[str], None] = lambda line: None,
    timeout: float = TIME_LIMIT,
) -> list[Task]:  # fmt: skip
    """Build all editions of a matrix file; those that stand in the folder already, with the same inputs, are kept.

    `check` checks an edition's parameters and returns its name and values, `make` builds it: `alliances.build` has
    both. `workers` are processes, 0 for one a processor; those of a Dask `scheduler`, named by its address, go before.
    ParameterError if the file or one of its editions is wrong; nothing is built then.
    """
    rows, formats = read_matrix(file)
    tasks: dict[str, Task] = {}
    for number, row in enumerate(rows, 1):
        try:
            name, values = check(row)
        except ParameterError as error:
            raise ParameterError(f"Edition {number} of the matrix: {error}") from error
        how = {"formats": formats, "engine": engine, "timeout": timeout}
        tasks[name] = Task(name, values, root, folder / name, make, how)
    if not tasks:
        raise ParameterError("The matrix names no edition; give at least one list of values of a parameter.")
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(_outcomes(list(tasks.values()), workers, scheduler), 1):
        tasks[one.name] = one
        if one.status == "built":
            one.log.unlink(missing_ok=True)
        detail = f": {one.message}" if one.message else ""
        say(f"  {number} of {len(tasks)}: {one.name} {one.status} in {one.seconds:.1f} s{detail}")
    ordered = list(tasks.values())
    good, bad = ([one for one in ordered if (one.status == "failed") == is_bad] for is_bad in (False, True))
    shown = [name for name in ordered[0].values if len({str(one.values[name]) for one in ordered}) > 1]
    page = Environment(autoescape=True).from_string(Path(__file__).with_name("index.html").read_text(encoding="utf-8"))
    page.stream(good=good, bad=bad, shown=shown, formats=formats).dump(str(folder / "index.html"), encoding="utf-8")
    return ordered


def _outcomes(tasks: list[Task], workers: int, scheduler: str | None) -> Iterator[Task]:
    missing = []
    for task in tasks:
        if is_unchanged(task.root, task.values, task.how["formats"], task.how["engine"], task.folder):
            yield replace(task, status="kept")
        else:
            missing.append(task)
    if scheduler and missing:
        from alliances.batch.cluster import build_there

        yield from build_there(missing, scheduler)
    else:
        yield from _build_here(missing, min(workers or os.cpu_count() or 1, len(missing)))


def build_one(task: Task) -> Task:
    """Build an edition; a failure is an outcome and stops nothing else."""
    start, status = time.monotonic(), "failed"
    try:
        message = task.make(task.root, task.values, output=task.folder, jobs=1, log=task.log, **task.how).notice
        status = "built"
    except (AlliancesError, OSError) as error:
        message = sentence_of(error) if isinstance(error, OSError) else str(error)
    except Exception as error:  # whatever it is, the other editions go on
        message = f"An error of the program itself ({type(error).__name__}: {error})."
    return replace(task, status=status, message=message, seconds=time.monotonic() - start)


def _build_here(tasks: list[Task], count: int) -> Iterator[Task]:
    """Build editions by processes of this machine.

    Where one dies, most likely of too little memory, the rest goes on with one, and it is clear which edition it is.
    """
    left, deadly = {task.name: task for task in tasks}, ""
    while left:
        with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _start) as pool:
            try:
                for task, future in as_done({pool.submit(build_one, task): task for task in left.values()}):
                    yield future.result()
                    del left[task.name]
            except BrokenProcessPool:
                first = next(iter(left.values()))
                if first.name == deadly:
                    yield replace(left.pop(deadly), status="failed", message="Its worker died twice.")
                deadly, count = first.name if count == 1 else "", 1
            except BaseException:
                for worker in multiprocessing.active_children():
                    worker.kill()  # its kernels see that and go
                raise


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    if parent := multiprocessing.parent_process():
        forks.end_with(parent.sentinel, lambda: os._exit(1))
    forks.start()
