"""Quarto, where it is found: the stitcher of the first choice."""

import functools
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import yaml

from alliances.errors import PublishError
from alliances.text.reading import read_utf8, read_yaml

_VARIABLE = "ALLIANCES_QUARTO"
_TIME_LIMIT = 300  # seconds; a render takes six
_OUTPUT = {"html": "alliances-html", "pdf": "alliances-typst"}
_SILENT = r"(?i)unable to resolve crossref.*|unknown font family.*"  # Quarto goes on after these and exits with 0


class Quarto(NamedTuple):
    """A Quarto: the program, and its version, as it gives it and as numbers."""

    path: str
    version: str
    number: tuple[int, ...]


def find_quarto() -> Quarto | None:
    """Find Quarto 1.9 or newer: the program that ALLIANCES_QUARTO names (empty: none), in the venv, or on PATH."""
    return next((found for found in _candidates() if found.number >= (1, 9)), None)


def missing() -> str:
    """Say that no Quarto can be used, and which too old one was found."""
    older = next(iter(_candidates()), None)
    found = f"only {older.version} was found at {older.path}" if older else "none was found"
    return f"Quarto 1.9 or newer is needed and {found}; install it, set {_VARIABLE}, or use --engine embedded."


def _candidates() -> list[Quarto]:
    wish = os.environ.get(_VARIABLE)
    found = (shutil.which("quarto", path=str(Path(sys.executable).parent)), shutil.which("quarto"))
    return [one for program in (found if wish is None else (wish,)) if program and (one := _asked(program))]


@functools.cache
def _asked(program: str) -> Quarto | None:
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=True)
        if found := re.match(r"\d+(?:\.\d+)+", done.stdout.strip()):
            return Quarto(program, found[0], tuple(map(int, found[0].split("."))))
    return None


def render(program: Quarto, folder: Path, root: Path, kind: str, moment: int) -> str:
    """Render report.md of a folder that this render has to itself; return what Quarto said.

    PublishError if Quarto fails, or goes on after a fault.
    """
    (folder / "_quarto.yml").write_text(_settings(program, root), encoding="utf-8")
    command = [program.path, "render", "report.md", "--to", _OUTPUT[kind]]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(moment), "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, timeout=_TIME_LIMIT, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PublishError(f"Quarto {program.version} could not be run: {error}.") from error
    said = done.stdout.decode("utf-8", errors="replace")
    if faults := dict.fromkeys(re.findall(_SILENT, said)):
        raise PublishError(f"Quarto {program.version} says: {'; '.join(faults)}.\n{said}")
    if ours := re.search(r"^alliances: (.+)$", said, re.MULTILINE):
        raise PublishError(f"The report could not be rendered: {ours[1]}.")
    if done.returncode or not (folder / f"report.{kind}").is_file():
        raise PublishError(f"Quarto {program.version} could not render the {kind.upper()} report.\n{said}")
    return f"{' '.join(command)}\n{said}"


def _settings(program: Quarto, root: Path) -> str:
    """Write the project's settings without its steps and folders, which are for a render by hand."""
    name = "report/_quarto.yml"
    settings = read_yaml(read_utf8(root / name, name, PublishError), name, PublishError)
    if not isinstance(settings, dict) or "alliances-typst" not in str(settings.get("format")):
        raise PublishError(f"{name} holds no format alliances-typst; restore it.")
    settings |= {"project": {"type": "default"}, "ipynb-filters": []}
    if program.number >= (1, 10):  # whose Typst makes PDF/UA and PDF/A at once
        settings["format"]["alliances-typst"]["pdf-standard"] = ["ua-1", "a-3a"]
    return yaml.safe_dump(settings, sort_keys=False)
