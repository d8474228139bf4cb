"""A warmed process from which kernels are forked.

Started as ``python -m alliances.execution.zygote SOCKET``. It imports what every notebook imports, once, and
then forks a kernel for each request on its socket, a JSON object a line:

========================================================  =======================================
``{"op": "fork", "connection_file", "cwd", "env"}``       ``{"pid": 4711}``, or ``{}`` where it cannot
``{"op": "poll", "pid"}``                                 ``{"status": null}`` or an exit status
``{"op": "signal", "pid", "signal"}``                     ``{}``
========================================================  =======================================

Each kernel is a process of its own with its own memory; nothing that a notebook does reaches another one. When
the standard input closes, which it does however the build ends, the process kills its kernels, removes the folder
of its socket and leaves. Should it be killed itself, each kernel sees that its parent has gone, and leaves too.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any

#: What a kernel imports when it starts, besides what the notebooks do.
_IMPORTED_BY_KERNELS = (
    "altair",
    "alliances.edition",
    "ipykernel.debugger",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
)


def warm() -> None:
    """Import what the notebooks need, before any kernel is forked.

    Nothing here may start a thread or draw a chart: a fork after vl-convert has run never returns.
    """
    # Nobody steps through a chapter of a build, and the debugger takes longer to import than a kernel to start;
    # ipykernel does without it where it is not installed.
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # Python's own way to say that there is none
    for name in _IMPORTED_BY_KERNELS:
        importlib.import_module(name)
    del sys.modules["debugpy"]
    import pandas as pd
    from altair.utils import schemapi

    from alliances import analysis, charts, prose

    for package in (analysis, charts, prose):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    # Altair then checks a chart when it is put out, and not each of its parts once more when it is made.
    schemapi.disable_debug_mode()
    pd.DataFrame({"a": ["x"]})
    gc.collect()
    gc.freeze()  # the kernels' collectors leave alone what they share with us, so that it stays shared


def fork(request: dict[str, Any], listening: socket.socket, client: socket.socket) -> int:
    """Fork a kernel; returns its process id, and does not return in the kernel."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        listening.close()
        client.close()
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.nice(5)  # the build draws what other notebooks have made, and is the last to be done
        parent = f"--IPKernelApp.parent_handle={os.getppid()}"
        # A history would be written to the user's home, by a thread of its own.
        sys.argv = ["ipykernel_launcher", "-f", request["connection_file"], parent, "--HistoryManager.enabled=False"]
        _run_kernel()
    finally:
        os._exit(1)


def _run_kernel() -> None:
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance()
    os._exit(0)


def serve(path: str) -> None:
    """Serve requests on a Unix socket until the standard input closes."""
    alive: set[int] = set()
    try:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(path)
        listening.listen(64)
        warm()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        ended: dict[int, int] = {}
        while True:
            readable, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in readable and not os.read(sys.stdin.fileno(), 4096):
                return
            if listening in readable:
                client, _ = listening.accept()
                with client, contextlib.suppress(OSError):  # whoever asked may have gone
                    _answer(client, listening, alive, ended)
    finally:
        for pid in alive:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        shutil.rmtree(Path(path).parent, ignore_errors=True)


def _answer(client: socket.socket, listening: socket.socket, alive: set[int], ended: dict[int, int]) -> None:
    line = client.makefile("r", encoding="utf-8").readline()
    if not line:
        return
    request = json.loads(line)
    answer: dict[str, Any] = {}
    if request["op"] == "fork":
        with contextlib.suppress(OSError):  # too many processes, or no memory
            pid = fork(request, listening, client)
            alive.add(pid)
            answer = {"pid": pid}
    elif request["op"] == "poll":
        _reap(alive, ended)
        answer = {"status": ended.get(request["pid"], None if request["pid"] in alive else 0)}
    elif request["op"] == "signal":
        _reap(alive, ended)
        if request["pid"] in alive and request["pid"] not in ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(request["pid"], request["signal"])
    client.sendall((json.dumps(answer) + "\n").encode())


def _reap(alive: set[int], ended: dict[int, int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        ended[pid] = os.waitstatus_to_exitcode(status)
        alive.discard(pid)
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)  # what the notebook has started goes with its kernel


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the build, which then closes our input
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # not without its kernels
    serve(sys.argv[1])
