"""Locks between processes: the operating system lets go of them when their process ends, however it ends."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["FileLock", "locked"]

_PAUSE = 0.1  # seconds between two looks at a lock that another process holds


class FileLock:
    """A lock on a file, which is made where it is missing.

    Parameters
    ----------
    path : Path
        The file; it holds the id of the process that has the lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def try_acquire(self) -> bool:
        """Take the lock if it is free; where locks are not to be had (some network disks) it always is."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.open("a+b")
        except OSError:
            return True
        try:
            _lock(file)
        except (BlockingIOError, PermissionError):
            file.close()
            return False
        except OSError:
            file.close()
            return True
        self._file = file
        with contextlib.suppress(OSError):  # a full disk
            file.truncate(0)
            file.write(str(os.getpid()).encode())
            file.flush()
        return True

    def holder(self) -> str:
        """Return the id of the process that holds the lock, as far as it can be told."""
        try:
            return self.path.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return ""

    def release(self) -> None:
        """Let go of the lock."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _lock(file: BinaryIO) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(1 << 30)  # far behind what it holds, which others may read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def locked(folder: Path, locks: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a folder; while another process has it, wait.

    Parameters
    ----------
    folder : Path
        What is locked; it need not exist.
    locks : Path
        Folder of the lock files, the same for all who lock.
    waiting : callable
        Called with one sentence if there is a wait.
    """
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    lock = FileLock(locks / f"{name}.lock")
    has_waited = False
    try:
        while not lock.try_acquire():
            if not has_waited:
                process = f" (process {lock.holder()})" if lock.holder() else ""
                waiting(f"Another build{process} is writing {folder}; waiting until it has finished.")
                has_waited = True
            time.sleep(_PAUSE)
        yield
    finally:
        lock.release()
