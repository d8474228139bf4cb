"""A command as a whole: told to stop it clears up, its temporary files go with it, and it waits for its like."""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from alliances.run.cache import digest

T = TypeVar("T")
_told: list[int] = []  # the signals that have come
_finishing = threading.Event()


class Stopped(KeyboardInterrupt):
    """The command was told to stop, by the signal of that number; `exit_code` is what a shell expects."""

    exit_code = property(lambda self: 128 + self.args[0])  # 130 for Ctrl-C


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise :class:`Stopped` on Ctrl-C, SIGTERM and SIGHUP, once: more of them do not disturb the clearing up."""

    def stop(number: int, _: FrameType | None) -> None:
        _told.append(number)
        if (len(_told) == 1 and not _finishing.is_set()) or len(_told) > 4:  # somebody means it
            raise Stopped(number)

    def say_unless_stopped(unraised: "sys.UnraisableHookArgs") -> None:
        if not isinstance(unraised.exc_value, Stopped):  # raise_if_told raises it again
            hook(unraised)

    hook, sys.unraisablehook = sys.unraisablehook, say_unless_stopped
    numbers = {getattr(signal, name, signal.SIGINT) for name in ("SIGINT", "SIGTERM", "SIGHUP")}
    usual = (signal.SIG_DFL, signal.default_int_handler)  # one that is ignored stays ignored
    heard = {number: was for number in numbers if (was := signal.getsignal(number)) in usual}
    for number in heard:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, was in heard.items():
            signal.signal(number, was)
        sys.unraisablehook = hook
        _told.clear()
        _finishing.clear()


def raise_if_told() -> None:
    """Raise :class:`Stopped` again: what is raised while Python destroys an object goes no further."""
    if _told and threading.current_thread() is threading.main_thread():
        raise Stopped(_told[0])


def finish() -> None:
    """Have what is left done whatever comes: to stop now would leave the result and deny it."""
    raise_if_told()
    _finishing.set()


def as_done(running: dict[Future[Any], T]) -> Iterator[tuple[T, Future[Any]]]:
    """Take out what is done and yield it, until nothing is left or the command is told to stop."""
    while running:
        done, _ = wait(running, timeout=1, return_when=FIRST_COMPLETED)
        raise_if_told()
        for future in done:
            yield running.pop(future), future


@contextmanager
def scratch() -> Iterator[Path]:
    """Let all temporary files of a command and its children be made in one folder, which goes with it."""
    config = multiprocessing.current_process()._config  # type: ignore[attr-defined]  # for the socket of the fork server
    before = {name: os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")}
    with tempfile.TemporaryDirectory(prefix="alliances-", ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = config["tempdir"] = folder
        os.environ.update(dict.fromkeys(before, folder))
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = config["tempdir"] = None
            for name, value in before.items():
                os.environ.update({name: value}) if value is not None else os.environ.pop(name)


@contextmanager
def alone(folder: Path, locks: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Be the only command that writes a folder; where another one does, `say` so and wait.

    The folder need not exist; all who lock have the same folder of `locks`.
    """
    lock = FileLock(locks / f"{digest(str(folder.resolve()))[:16]}.lock")
    with suppress(OSError):  # disks without locks, or that cannot be written
        locks.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"Another build is writing {folder}; waiting until it has finished.")
            lock.acquire(poll_interval=0.1)
    try:
        yield
    finally:
        lock.release()
