"""A warmed process from which kernels are forked.

Started as ``python -m alliances.execution.zygote SOCKET``. It imports what every notebook imports, once, and
then forks a kernel for each request on its socket, a JSON object a line:

========================================================  ===============================
``{"op": "fork", "connection_file", "cwd", "env"}``       ``{"pid": 4711}``
``{"op": "poll", "pid"}``                                 ``{"status": null}`` or an exit status
``{"op": "signal", "pid", "signal"}``                     ``{}``
========================================================  ===============================

Each kernel is a process of its own with its own memory; nothing that a notebook does reaches another one. When
the standard input closes, which it does however the build ends, the process kills its kernels and leaves.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
from typing import Any


def warm() -> None:
    """Import what the notebooks need, before any kernel is forked.

    Nothing here may start a thread or draw a chart: a fork after vl-convert has run never returns.
    """
    import altair  # noqa: F401  # imported for the kernels
    import ipykernel.ipkernel  # imported for the kernels
    import ipykernel.kernelapp  # noqa: F401  # imported for the kernels
    import IPython.core.completer  # noqa: F401  # a kernel imports it when it starts
    import pandas as pd

    import alliances.edition  # noqa: F401  # imported for the kernels
    from alliances.charts import bands, capabilities, grid, memberships, positions, timeline, weights  # noqa: F401

    pd.DataFrame({"a": ["x"]})


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
        sys.argv = ["ipykernel_launcher", "-f", request["connection_file"]]
        _run_kernel()
    finally:
        os._exit(1)


def _run_kernel() -> None:
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance()
    os._exit(0)


def serve(path: str) -> None:
    """Serve requests on a Unix socket until the standard input closes."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(path)
    listening.listen(64)
    warm()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    alive: set[int] = set()
    ended: dict[int, int] = {}
    try:
        while True:
            readable, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in readable and not os.read(sys.stdin.fileno(), 4096):
                return
            if listening in readable:
                client, _ = listening.accept()
                with client:
                    _answer(client, listening, alive, ended)
    finally:
        for pid in alive - set(ended):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _answer(client: socket.socket, listening: socket.socket, alive: set[int], ended: dict[int, int]) -> None:
    line = client.makefile("r", encoding="utf-8").readline()
    if not line:
        return
    request = json.loads(line)
    answer: dict[str, Any] = {}
    if request["op"] == "fork":
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


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the build, which then closes our input
    serve(sys.argv[1])
