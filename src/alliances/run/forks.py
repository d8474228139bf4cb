"""Kernels forked from a warm process, through the standard library's fork server.

Light to import: a command starts the server first, which warms up while the command imports what it needs itself.
Server and forks end with the process that started them, however it ends.
"""

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing import connection, forkserver, popen_forkserver, resource_tracker, util
from typing import Any, NamedTuple

#: Environment of every kernel, so that its outputs are the same everywhere.
SETTINGS = {"PYTHONHASHSEED": "0", "TZ": "UTC", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
_lock = threading.Lock()
_server: Any = None  # a ForkServer of our own: other users of multiprocessing have theirs


def start() -> Any:
    """Let the server warm up, unless it has, and return it; ``None`` where kernels are not to be forked."""
    global _server
    if sys.platform == "win32" or os.environ.get("ALLIANCES_FORK") == "0":
        return None
    with _lock:
        if _server is None:
            _server = forkserver.ForkServer()
            _server.set_forkserver_preload(["alliances.run.warmed"])
        os.environ.update(SETTINGS)
        resource_tracker.ensure_running()  # its start, which the server's asks for, would let Ctrl-C through again
        # Ctrl-C is for the command, which ends its kernels; the server never sees it, not even as it warms up.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            _server.ensure_running()
        except OSError:  # no process to be had, or a folder for temporary files whose path is too long for a socket
            return None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return _server


def fork(argv: list[str], environment: dict[str, str], cwd: str) -> "Fork | None":
    """Fork a kernel; ``None`` where that cannot be done, or `environment` forbids it."""
    global _server
    for _ in range(2 if environment.get("ALLIANCES_FORK") != "0" else 0):
        server = start()
        try:
            asked: Any = server, Kernel(argv, environment, cwd)
            return Fork(asked) if server else None
        except (OSError, EOFError):
            # It was killed, or its socket went with the temporary folder of an earlier command: once, a new one starts.
            with _lock:
                if server and _server is server:  # no other thread has seen to it
                    os.close(server._forkserver_alive_fd)  # it ends with the last of its kernels
                    _server = None
    return None


class Fork(popen_forkserver.Popen):
    """A forked kernel, with as much of :class:`subprocess.Popen` as jupyter_client asks for."""

    stdin = stdout = stderr = None

    def _launch(self, asked: tuple[Any, "Kernel"]) -> None:  # as above it, where the command's main module is imported
        server, kernel = asked
        self.sentinel, data = server.connect_to_new_process([])
        ours = os.dup(data)  # while it is open, the kernel knows that we live
        self.finalizer = util.Finalize(self, util.close_fds, (ours, self.sentinel))  # type: ignore[attr-defined]  # it is
        with os.fdopen(data, "wb") as stream:
            stream.write(pickle.dumps({}) + pickle.dumps(kernel))
        self.pid = forkserver.read_signed(self.sentinel)

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Kernel(NamedTuple):
    """What a fork runs; the server calls it as it calls a :class:`multiprocessing.Process`, forbidden to daemons."""

    argv: list[str]
    environment: dict[str, str]
    cwd: str

    def _bootstrap(self, parent: int) -> int:
        os.setsid()
        os.nice(5)  # what waits for its answers, and draws its charts, goes first
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        end_with(parent, lambda: os.killpg(0, signal.SIGKILL))
        for stream in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        os.environ.clear()
        os.environ.update(self.environment)
        os.chdir(self.cwd)
        from ipykernel.kernelapp import IPKernelApp

        sys.argv = self.argv
        IPKernelApp.launch_instance(self.argv[1:])
        return 0


def end_with(parent: int, end: Callable[[], object]) -> None:
    """Let this process call `end` when its parent, given by its sentinel, has ended."""
    threading.Thread(target=lambda: connection.wait([parent]) and end(), daemon=True).start()
