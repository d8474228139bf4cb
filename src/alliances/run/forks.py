"""Kernels forked from a warm process, through the standard library's fork server.

Light to import: a command starts the server first, which warms up while the command imports what it needs itself.
Server and forks end with the process that started them, however it ends.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from multiprocessing import connection, forkserver, popen_forkserver, util
from typing import Any

#: Environment of every kernel, so that its outputs are the same everywhere.
SETTINGS = {"PYTHONHASHSEED": "0", "TZ": "UTC", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
_lock = threading.Lock()
_servers: list[forkserver.ForkServer] = []  # one at most, and our own: other users of multiprocessing have theirs


def start() -> bool:
    """Let the server warm up, unless it has; false where kernels are not to be forked."""
    if sys.platform == "win32" or os.environ.get("ALLIANCES_FORK") == "0":
        return False
    with _lock:
        if not _servers:
            _servers.append(forkserver.ForkServer())
            _servers[0].set_forkserver_preload(["alliances.run.warmed"])
        os.environ.update(SETTINGS)
        # Ctrl-C is for the command, which ends its kernels; the server never sees it, not even as it warms up.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            _servers[0].ensure_running()
        except OSError:  # no process to be had, or a folder for temporary files whose path is too long for a socket
            return False
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return True


class Fork(popen_forkserver.Popen):
    """A forked kernel, with as much of :class:`subprocess.Popen` as jupyter_client asks for."""

    stdin = stdout = stderr = None

    def _launch(self, kernel: Any) -> None:  # as the class above does it, which imports the command's main module too
        self.sentinel, data = _servers[0].connect_to_new_process([])
        ours = os.dup(data)  # while it is open, the kernel knows that we live
        self.finalizer = util.Finalize(self, _close, (ours, self.sentinel))
        with os.fdopen(data, "wb") as stream:
            stream.write(pickle.dumps({}) + pickle.dumps(kernel))
        self.pid = forkserver.read_signed(self.sentinel)

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Kernel:
    """What a fork runs; the server calls it as it calls a :class:`multiprocessing.Process`, forbidden to daemons."""

    def __init__(self, argv: list[str], environment: dict[str, str], cwd: str) -> None:
        self.argv, self.environment, self.cwd = argv, environment, cwd

    def _bootstrap(self, parent: int) -> int:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        os.environ.clear()
        os.environ.update(self.environment)
        os.chdir(self.cwd)
        from ipykernel.kernelapp import IPKernelApp

        sys.argv = self.argv
        IPKernelApp.launch_instance(self.argv[1:])
        return 0


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _leave_with(parent: int) -> None:
    connection.wait([parent])
    os.killpg(0, signal.SIGKILL)
