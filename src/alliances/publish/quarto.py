"""Quarto, where it is found: the stitcher of the first choice."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from alliances.errors import PublishError

__all__ = ["Quarto", "find_quarto", "missing", "render"]

_MINIMUM = (1, 9)
_VARIABLE = "ALLIANCES_QUARTO"
_TIME_LIMIT = 300  # seconds; a render takes six
_OUTPUT = {"html": "alliances-html", "pdf": "alliances-typst"}
# Quarto goes on after these and exits with 0.
_SILENT_FAILURES = {
    "cross-references that lead nowhere": re.compile(r"Unable to resolve crossref @?([\w-]+)", re.IGNORECASE),
    "fonts that are missing": re.compile(r"unknown font family: (.+)"),
}


@dataclass(frozen=True)
class Quarto:
    """A Quarto: the program, and its version as it gives it."""

    path: Path
    version: str

    @property
    def number(self) -> tuple[int, ...]:
        """Major and minor version."""
        return tuple(int(part) for part in self.version.split(".")[:2])


def find_quarto() -> Quarto | None:
    """Find Quarto 1.9 or newer: the program that ALLIANCES_QUARTO names (empty: none), in the venv, or on PATH."""
    return next((found for found in _candidates() if found.number >= _MINIMUM), None)


def missing() -> str:
    """Say that no Quarto can be used, and which too old one was found."""
    older = next(iter(_candidates()), None)
    found = f"only {older.version} was found at {older.path}" if older else "none was found"
    return f"Quarto 1.9 or newer is needed and {found}; install it, set {_VARIABLE}, or use --engine embedded."


def _candidates() -> list[Quarto]:
    found = (shutil.which("quarto", path=str(Path(sys.executable).parent)), shutil.which("quarto"))
    wish = os.environ.get(_VARIABLE)
    versions = {program: _version(program) for program in (found if wish is None else (wish,)) if program}
    return [Quarto(Path(program), version) for program, version in versions.items() if version]


@functools.cache
def _version(program: str) -> str | None:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"\d+\.\d+(?:\.\d+)*", done.stdout.strip())
    return found.group(0) if done.returncode == 0 and found else None


def render(program: Quarto, folder: Path, kind: str, moment: int) -> str:
    """Render report.md of a folder that this render has to itself; return what Quarto said.

    Raises
    ------
    PublishError
        If Quarto fails, or goes on after a fault.
    """
    command = [str(program.path), "render", "report.md", "--to", _OUTPUT[kind]]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(moment), "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, timeout=_TIME_LIMIT, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except OSError as error:
        raise PublishError(f"Quarto could not be started ({error}).") from error
    except subprocess.TimeoutExpired as error:
        raise PublishError(f"Quarto took longer than {_TIME_LIMIT} seconds.") from error
    said = done.stdout.decode("utf-8", errors="replace")
    for what, pattern in _SILENT_FAILURES.items():
        if found := sorted(set(pattern.findall(said))):
            raise PublishError(f"Quarto {program.version} found {what}: {', '.join(found)}.\n{said}")
    if ours := re.search(r"^alliances: (.+)$", said, re.MULTILINE):
        raise PublishError(f"The report could not be rendered: {ours[1]}.")
    if done.returncode or not (folder / f"report.{kind}").is_file():
        raise PublishError(f"Quarto {program.version} could not render the {kind.upper()} report.\n{said}")
    return f"{' '.join(command)}\n{said}"
