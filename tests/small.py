"""A small project for tests of the machinery: two short chapters that read different tables."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from helpers import ALLIANCES_VARIABLES, MARK, copy_project, processes_left, set_chapters, write_notebook

LONG = os.environ.get("ALLIANCES_LONG") == "1"
PARAMETERS = 'as_of = ""\nfocus = ""'
OPENING = """\
import os, time
from alliances import open_edition
edition = open_edition(as_of=as_of, focus=focus)"""
#: Each chapter reads the table of one kind of facts.
COUNTING = {
    "first": 'kept = len(edition.dataset["observations"])\nedition.tell("As on {day}.", day=edition.day)',
    "second": 'kept = len(edition.dataset["memberships"])\nedition.tell("As on {day}.", day=edition.day)',
}
BUILD = ("build", "--engine", "embedded", "--to", "html")


def make_small(source: Path, target: Path, **more: str) -> Path:
    """Copy the project with two short chapters; `more` is a line of code for a chapter, before it tells anything."""
    copy_project(source, target)
    for path in (target / "notebooks").glob("*.ipynb"):
        path.unlink()
    set_chapters(target, list(COUNTING))
    for name in COUNTING:
        write_chapter(target, name, more.get(name, ""))
    return target


def write_chapter(root: Path, name: str, code: str = "") -> None:
    cells = [OPENING, *([code] if code else []), COUNTING[name]]
    write_notebook(root / "notebooks" / f"{name}.ipynb", cells, PARAMETERS)


class Bench:
    """Runs the command line on a small project, and finds what it leaves behind."""

    def __init__(self, root: Path, temporary: Path) -> None:
        self.root = root
        self.temporary = temporary

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ALLIANCES_VARIABLES}
        own = {"ALLIANCES_ROOT": str(self.root), MARK: str(self.temporary), "TMPDIR": str(self.temporary)}
        return {**kept, **own, **variables}

    def start(
        self, *arguments: str, prepare: Callable[[], None] | None = None, **variables: str
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "alliances.cli", *arguments],
            cwd=self.root,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
            preexec_fn=(lambda: heeds_ctrl_c(prepare)) if sys.platform != "win32" else None,
        )

    def run(
        self, *arguments: str, prepare: Callable[[], None] | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, prepare=prepare, **variables)
        out, err = process.communicate(timeout=240)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def refused(self, *arguments: str, **variables: str) -> str:
        """Run a command that fails as users' errors do, and return its sentence."""
        done = self.run(*arguments, **variables)
        assert done.returncode == 2, done
        assert "Traceback" not in done.stderr, done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("alliances"), done.stderr
        assert last.endswith("."), last
        return last

    def stop_when_told(self, line: str, number: int, *arguments: str, wait: float = 0) -> tuple[int, str]:
        """Send a signal to the whole process group once a line has been told; return exit code and last line."""
        process = self.start(*arguments)
        assert process.stderr is not None
        told = ""
        while line not in told:
            told = process.stderr.readline()
            assert told, "The command ended before it told that."
        time.sleep(wait)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number) if number == signal.SIGINT else os.kill(process.pid, number)
        _, rest = process.communicate(timeout=60)
        assert "Traceback" not in rest, rest
        return process.returncode, (rest or told).splitlines()[-1]

    def left(self) -> list[str]:
        """Processes and temporary files that a command left behind; processes have a moment to leave."""
        deadline = time.monotonic() + 10
        while (found := processes_left(str(self.temporary))) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found + [str(path) for path in self.temporary.iterdir()]


def heeds_ctrl_c(more: Callable[[], None] | None = None) -> None:
    """A shell lets what it starts in the background ignore Ctrl-C; what we start does not, wherever tests run."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if more:
        more()


@contextlib.contextmanager
def bench(source: Path, folder: Path, **more: str) -> Iterator[Bench]:
    """A small project with a folder of its own for temporary files, short enough for sockets."""
    root = make_small(source, folder / "project", **more)
    temporary = Path(tempfile.mkdtemp(prefix="t", dir="/tmp" if Path("/tmp").is_dir() else None))
    try:
        yield Bench(root, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
