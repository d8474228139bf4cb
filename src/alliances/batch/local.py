"""A batch on this machine: worker processes that live through all editions and share the cache."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from alliances.batch.work import Outcome, Task, build, start_worker

_TRIES = 3


def run(tasks: Sequence[Task], workers: int = 0) -> Iterator[Outcome]:
    """Build editions with several workers, and yield each outcome as it comes.

    Only so many editions are under way as there are workers, so that memory stays flat however long the list. A
    worker that dies is replaced and its edition tried again, three times in all.

    Parameters
    ----------
    tasks : sequence of Task
        Editions.
    workers : int
        Worker processes; 0 takes one a processor.
    """
    count = min(workers or os.cpu_count() or 1, len(tasks))
    waiting = [(task, 1) for task in reversed(tasks)]
    while waiting:
        with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _start) as pool:
            try:
                yield from _fill(pool, waiting, count)
            except BaseException:
                for worker in multiprocessing.active_children():
                    worker.kill()  # its warmed process sees that and goes, with its kernels
                raise


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    parent = multiprocessing.parent_process()
    assert parent is not None  # a worker has one
    threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()
    start_worker()


def _leave_with(parent: int) -> None:
    """End this worker when its parent has gone, whatever the reason."""
    multiprocessing.connection.wait([parent])
    os._exit(1)


def _fill(pool: ProcessPoolExecutor, waiting: list[tuple[Task, int]], count: int) -> Iterator[Outcome]:
    running: dict[Future[Outcome], tuple[Task, int]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < count:
                task, tries = waiting[-1]
                running[pool.submit(build, task)] = (task, tries)
                waiting.pop()
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                outcome = future.result()
                del running[future]
                yield outcome
    except BrokenProcessPool:
        # Nothing says which edition killed the worker, so all that were under way are tried again.
        for task, tries in running.values():
            if tries < _TRIES:
                waiting.append((task, tries + 1))
            else:
                yield Outcome(task.name, task.values, "failed", f"Its worker died {_TRIES} times.", 0.0)
