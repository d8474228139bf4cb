"""Ctrl-C and the signals that end a process, as an exception that lets everything be cleared up."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Stopped", "finish", "raise_if_told", "signals_stop"]

_last: list[int] = []  # the signal that has come
_finishing = threading.Event()
_PATIENCE = 20  # seconds for clearing up, in which a second Ctrl-C changes nothing


class Stopped(KeyboardInterrupt):
    """The command was told to stop.

    Attributes
    ----------
    exit_code : int
        What a shell expects: 128 and the number of the signal; 130 for Ctrl-C.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def signals_stop() -> Iterator[None]:
    """Raise :class:`Stopped` where the process is told to stop, once; signals that are ignored stay ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told = 0.0

    def stop(number: int, _: FrameType | None) -> None:
        nonlocal told
        now = time.monotonic()
        if not told or now - told > _PATIENCE:
            ends = bool(told) or not _finishing.is_set()
            told = now
            if ends:
                _last[:] = [number]
                raise Stopped(number)

    def say_unless_stopped(unraised: sys.UnraisableHookArgs) -> None:
        # Raised while Python destroys an object, it goes no further; raise_if_told raises it again.
        if not isinstance(unraised.exc_value, Stopped):
            hook(unraised)

    hook = sys.unraisablehook
    sys.unraisablehook = say_unless_stopped
    before = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook = hook
        _last.clear()
        _finishing.clear()


def finish() -> None:
    """Have what is left done whatever comes, unless a signal has come: to stop would leave the result and deny it.

    Should it take longer than one waits for clearing up, a second signal stops it all the same.
    """
    raise_if_told()
    _finishing.set()


def raise_if_told() -> None:
    """Raise :class:`Stopped` once more: where a signal comes while Python destroys an object, the first one is lost."""
    if _last and threading.current_thread() is threading.main_thread():
        raise Stopped(_last[0])
