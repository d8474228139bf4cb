"""Progress on long work: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["Reporter", "shown"]

#: Share of the work in each stage of a build, as far as it is known before; a batch has one stage.
WEIGHTS = {"notebooks": 6, "figures": 2, "stitching": 2}


class Reporter:
    """Tells progress in plain lines on standard error.

    Parameters
    ----------
    quiet : bool
        Tell nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet

    def say(self, line: str) -> None:
        """Tell a line."""
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

    def step(self, stage: str, done: int, total: int) -> None:
        """Tell that so many steps of a stage are done; plain lines say it already."""


class _Bar(Reporter):
    """Tells progress by a bar, and the lines above it."""

    def __init__(self, bar: Progress) -> None:
        super().__init__()
        self._bar = bar
        self._task = bar.add_task("", total=None)
        self._before = 0

    def say(self, line: str) -> None:
        """Tell a line above the bar."""
        self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def step(self, stage: str, done: int, total: int) -> None:
        """Move the bar; the stages of a build share it by their weights."""
        if stage in WEIGHTS:
            names = list(WEIGHTS)
            before = sum(WEIGHTS[name] for name in names[: names.index(stage)])
            completed, whole = before + WEIGHTS[stage] * done / max(total, 1), float(sum(WEIGHTS.values()))
        else:
            completed, whole = float(done), float(total)
        self._bar.update(self._task, description=f"{stage}, {done} of {total}", completed=completed, total=whole)


def on_terminal() -> bool:
    """Whether a person sees standard error: a terminal, and no CI service that looks like one."""
    return sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


@contextmanager
def shown(quiet: bool) -> Iterator[Reporter]:
    """Show progress while the context lasts.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """
    if quiet or not on_terminal():
        yield Reporter(quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("of"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar)
