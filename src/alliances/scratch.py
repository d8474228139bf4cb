"""One folder for all temporary files of a command, its kernels and workers; it goes with the command."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from alliances.locks import FileLock

__all__ = ["VARIABLES", "scratch_folder"]

#: Environment variables that tell other processes where temporary files go.
VARIABLES = ("TMPDIR", "TEMP", "TMP")
_PREFIX = "alliances-"
_LOCK = "lock"
_GRACE = 60  # seconds in which a new folder may not be locked yet


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Let every temporary file be made in a folder of this command, and remove it at the end.

    What a command left behind that was killed is removed as well: its folder is no longer locked.
    """
    before = {name: os.environ.get(name) for name in VARIABLES}
    directory = tempfile.tempdir
    _sweep(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    lock = FileLock(folder / _LOCK)
    try:
        lock.try_acquire()
        tempfile.tempdir = str(folder)
        os.environ.update(dict.fromkeys(VARIABLES, str(folder)))
        yield folder
    finally:
        with _undisturbed():
            tempfile.tempdir = directory
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    for lock_file in place.glob(f"{_PREFIX}*/{_LOCK}"):
        lock = FileLock(lock_file)
        with contextlib.suppress(OSError):
            status = lock_file.parent.stat()
            is_old = time.time() - status.st_mtime > _GRACE
            if is_old and status.st_uid == _user() and lock.try_acquire():
                lock.release()
                shutil.rmtree(lock_file.parent, ignore_errors=True)


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let an interrupt wait until the clearing up is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
