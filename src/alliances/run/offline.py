"""An IPython extension that keeps a kernel off the network: it is loaded before the first cell, and stays.

It is for what a notebook fetches unawares. What a cell starts as a program of its own, it does not see.
"""

import re
import sys
from typing import Any

from alliances.errors import ExecutionError

#: Python's audit events by which a connection begins, and where each names the other end.
_EVENTS = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1,
           "socket.getaddrinfo": 0, "socket.gethostbyname": 0}  # fmt: skip
_HERE = re.compile(r"127(\.\d+){3}|::1|localhost|")  # what listens on this machine is no network


def load_ipython_extension(_: object) -> None:
    """Guard this process; IPython calls it."""
    sys.addaudithook(_guard)


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    end = arguments[_EVENTS[event]]
    host = end[0] if isinstance(end, tuple) else end if event.startswith("socket.get") else None  # None: no network
    host = host.decode("utf-8", "replace") if isinstance(host, bytes) else host
    if isinstance(host, str) and not _HERE.fullmatch(host):
        told = f"A connection to {host} was asked for, and notebooks run without a network; put what it fetches into"
        raise ExecutionError(f"{told} the project, or allow it with the environment variable ALLIANCES_NETWORK=1.")
