"""What several test modules need: the river as a whole project, the command line, and what a command leaves behind."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from river_data import copy_river

PROJECT = Path(__file__).resolve().parents[1]
LONG = os.environ.get("ALLIANCES_LONG") == "1"
long = pytest.mark.skipif(not LONG, reason="takes long; `make test-long` runs it")
MARK = "ALLIANCES_TEST_MARK"  # a variable by which the processes of a run are found
#: A build that needs no Quarto, and no PDF.
BUILD = ("build", "--engine", "embedded", "--to", "html")


def river(target: Path) -> Path:
    """Copy the river's data, notebooks and template, with the look of this report."""
    copy_river(target)
    shutil.copytree(PROJECT / "report" / "_extensions", target / "report" / "_extensions")
    for name in ("_brand.yml", "_quarto.yml"):
        shutil.copy(PROJECT / "report" / name, target / "report")
    return target


def tree(folder: Path) -> dict[str, str]:
    """Return the checksums of all files below a folder, and the names of its folders; not of editions below it."""
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }
    return {name: digest for name, digest in found.items() if name.split("/")[0] not in ("build.log", "editions")}


def edition(root: Path) -> dict[str, str]:
    """Return the files of a project's default edition."""
    return tree(root / "report" / "_output")


def once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Make a folder once for all workers of pytest: the first to come makes it, the others wait."""
    try:
        folder.mkdir()
    except FileExistsError:
        until = time.monotonic() + 300
        while not (folder / "done").exists():
            assert not (folder / "failed").exists(), (folder / "failed").read_text("utf-8")
            assert time.monotonic() < until, "It took too long."
            time.sleep(0.2)
        return folder
    try:
        make(folder)
    except BaseException as error:
        (folder / "failed").write_text(repr(error), "utf-8")
        raise
    (folder / "done").touch()
    return folder


# ---------------------------------------------------------------- notebooks


def change_cell(root: Path, name: str, number: int, edit: Callable[[str], str]) -> None:
    """Change the source of a notebook's cell, counted from 0."""
    path = root / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells[number].source = edit(notebook.cells[number].source)
    nbformat.write(notebook, path)


def put_first(root: Path, name: str, code: str) -> None:
    """Let a notebook run some code after its parameters."""
    change_cell(root, name, 1, lambda source: f"import os, time\n{code}\n{source}")


def outputs(notebook: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the outputs of a notebook."""
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


# ---------------------------------------------------------------- the command line


def works(*command: str) -> bool:
    """Whether a program is there and does what it is asked for."""
    with contextlib.suppress(OSError):
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    return False


class Command:
    """Runs the command line on a project in processes of their own, and finds what they leave behind."""

    def __init__(self, root: Path, temporary: Path) -> None:
        temporary.mkdir(exist_ok=True)
        self.root, self.temporary = root, temporary

    def start(
        self, *arguments: str, under: Sequence[str] = (), prepare: Callable[[], None] = lambda: None, **variables: str
    ) -> Any:  # fmt: skip
        """Start a command, perhaps by way of another program."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ALLIANCES_")}
        own = {"ALLIANCES_ROOT": str(self.root), MARK: str(self.temporary), "TMPDIR": str(self.temporary)}

        def before() -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
            prepare()

        return subprocess.Popen(
            [*under, sys.executable, "-u", "-m", "alliances.cli", *arguments],
            cwd=self.root, env={**kept, **own, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, encoding="utf-8", start_new_session=True,
            preexec_fn=before if sys.platform != "win32" else None,
        )  # fmt: skip

    def run(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def done(self, *arguments: str, **more: Any) -> str:
        """Run a command that succeeds, and return what it says."""
        done = self.run(*arguments, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def refused(self, *arguments: str, **more: Any) -> str:
        """Run a command that fails as users' errors do, and return its sentence."""
        done = self.run(*arguments, **more)
        assert done.returncode == 2, done
        assert "Traceback" not in done.stderr, done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("alliances"), done.stderr
        assert last.endswith("."), last
        return last

    def stopped(self, line: str, number: int, *arguments: str, wait: float = 0) -> tuple[int, str]:
        """Send a signal to the whole group once a line has been told; return exit code and last line."""
        process = self.start(*arguments)
        told = ""
        while line not in told:
            told = process.stderr.readline()
            assert told, "The command ended before it told that."
        time.sleep(wait)
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=60)
        return process.returncode, [told, *err.splitlines()][-1].strip()

    def left(self) -> list[str]:
        """List processes and temporary files that have not gone after a while."""
        until = time.monotonic() + 10
        while (found := self._left()) and time.monotonic() < until:
            time.sleep(0.1)
        return found

    def _left(self) -> list[str]:
        found = [str(path) for path in self.temporary.iterdir()]
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get(MARK) == str(self.temporary) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
        return found
