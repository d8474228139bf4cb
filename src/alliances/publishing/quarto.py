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
from alliances.publishing.log import Log

__all__ = ["MINIMUM", "Quarto", "find_quarto", "render"]

MINIMUM = (1, 9)
_TIME_LIMIT = 300  # seconds; a render takes six
_OUTPUT = {"html": ("html", "report.html"), "pdf": ("typst", "report.pdf")}
# Quarto goes on after these and exits with 0.
_SILENT_FAILURES = (
    (
        re.compile(r"Unable to resolve crossref @?([\w-]+)", re.IGNORECASE),
        "cross-references that lead nowhere",
    ),
    (re.compile(r"[Cc]itation (\S+) not found"), "citations of unknown sources"),
    (re.compile(r"unknown font family: (.+)"), "fonts that are missing"),
)


@dataclass(frozen=True)
class Quarto:
    """A Quarto that can be used.

    Attributes
    ----------
    path : Path
        The program.
    version : str
        As it gives it, such as 1.9.38.
    """

    path: Path
    version: str


def find_quarto() -> Quarto | None:
    """Find Quarto 1.9 or newer.

    Looks at the environment variable ALLIANCES_QUARTO (a program; empty means that none is to be used), then
    beside the running Python (the venv), then on PATH.

    Returns
    -------
    Quarto or None
        None if there is none, or only an older one.
    """
    wish = os.environ.get("ALLIANCES_QUARTO")
    if wish is not None:
        candidates = [wish] if wish else []
    else:
        candidates = [
            found
            for found in (
                shutil.which("quarto", path=str(Path(sys.executable).parent)),
                shutil.which("quarto"),
            )
            if found
        ]
    for candidate in candidates:
        version = _version(candidate)
        if version and tuple(int(part) for part in version.split(".")[:2]) >= MINIMUM:
            return Quarto(Path(candidate), version)
    return None


@functools.cache
def _version(program: str) -> str | None:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"\d+\.\d+(?:\.\d+)*", done.stdout.strip())
    return found.group(0) if done.returncode == 0 and found else None


def render(quarto: Quarto, stage: Path, kind: str, target: Path, log: Log, timestamp: int) -> None:
    """Render the staged report to one format.

    Parameters
    ----------
    quarto : Quarto
        Which one.
    stage : Path
        A copy of the stage that this render has to itself: Quarto writes beside its input.
    kind : str
        `html` or `pdf`.
    target : Path
        File to write.
    log : Log
        Takes what Quarto says.
    timestamp : int
        Creation date in seconds since 1970; Typst takes it from SOURCE_DATE_EPOCH.

    Raises
    ------
    PublishError
        If Quarto fails, or goes on after an unresolved reference.
    """
    to, output = _OUTPUT[kind]
    command = [str(quarto.path), "render", "report.md", "--to", to]
    log.write(" ".join(command))
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(timestamp), "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=stage,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIME_LIMIT,
            check=False,
        )
    except OSError as error:
        raise PublishError(f"Quarto could not be started ({error}); see {log.path}.") from error
    except subprocess.TimeoutExpired as error:
        raise PublishError(f"Quarto took longer than {_TIME_LIMIT} seconds; see {log.path}.") from error
    messages = done.stdout.decode("utf-8", errors="replace")
    log.write(messages)
    for pattern, what in _SILENT_FAILURES:
        if found := sorted(set(pattern.findall(messages))):
            raise PublishError(f"Quarto {quarto.version} found {what}: {', '.join(found)}; see {log.path}.")
    if ours := re.search(r"^alliances: (.+)$", messages, re.MULTILINE):
        raise PublishError(f"Quarto {quarto.version} stopped: {ours.group(1)}; see {log.path}.")
    if done.returncode != 0 or not (stage / output).is_file():
        raise PublishError(f"Quarto {quarto.version} could not render the {kind.upper()} report; see {log.path}.")
    shutil.copyfile(stage / output, target)
