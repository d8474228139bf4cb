"""The warmed process from which kernels are forked, seen from the build: started, ready, ended.

It is started before the build itself is imported, so this module imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType

FORCE_ORDINARY = "ALLIANCES_ORDINARY_KERNELS"
_LONGEST_FOLDER = 50  # characters; the path of a Unix socket may have about 100


def short_folder(prefix: str) -> str:
    """Make a temporary folder whose path is short enough for Unix sockets."""
    usual = tempfile.gettempdir()
    place = "/tmp" if len(usual) > _LONGEST_FOLDER and Path("/tmp").is_dir() else None
    return tempfile.mkdtemp(prefix=prefix, dir=place)


def can_fork() -> bool:
    """Whether kernels can be forked here: not on Windows, and not where the user forbids it."""
    return hasattr(os, "fork") and sys.platform != "win32" and not os.environ.get(FORCE_ORDINARY)


class WarmKernels:
    """The warmed process, as a context: it and all its kernels are gone when the context ends.

    Where there can be none, the context still gives ordinary kernels the folder for their sockets.

    Attributes
    ----------
    folder : Path
        For the connection files and sockets of kernels; it goes with the context.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._folder: str | None = None
        self._is_ready = False
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """The folder for connection files and sockets."""
        if self._folder is None:
            raise RuntimeError("WarmKernels is used outside its context")
        return Path(self._folder)

    def __enter__(self) -> WarmKernels:
        self._folder = short_folder("z")
        if can_fork():
            self._start()
        return self

    def _start(self) -> None:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        with contextlib.suppress(OSError):  # ordinary kernels then do
            self._process = subprocess.Popen(
                [sys.executable, "-m", "alliances.execution.zygote", str(self.socket)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
                start_new_session=True,
            )

    @property
    def socket(self) -> Path:
        """The socket on which the process listens."""
        return self.folder / "s"

    def ready(self) -> bool:
        """Wait until the process is warm; false where it is not to be had, and ordinary kernels must do.

        One that has died since it was ready is started again.
        """
        with self._lock:
            if self._is_ready and self._process is not None and self._process.poll() is not None:
                self._end_process()
                self._restore_folder()
                self._start()
            if self._is_ready:
                return True
            if self._process is None or self._process.stdout is None:
                return False
            if self._process.stdout.readline().strip() == "ready":
                self._is_ready = True
                return True
            self._end_process()
            self._restore_folder()
            return False

    def _restore_folder(self) -> None:
        # The process removes its folder when it leaves, and kernels still need one.
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.socket.unlink(missing_ok=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._end_process()
        finally:
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def _end_process(self) -> None:
        process, self._process = self._process, None
        has_kernels, self._is_ready = self._is_ready, False
        if process is None:
            return
        try:
            if process.stdin:
                with contextlib.suppress(OSError):
                    process.stdin.close()  # it kills its kernels and leaves
            if has_kernels:
                process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
