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

_VARIABLE = "ALLIANCES_QUARTO"
_SILENT = r"(?i)unable to resolve crossref.*|unknown font family.*"  # Quarto goes on after these and exits with 0


class Quarto(NamedTuple):
    """A Quarto: the program, and its version, as it gives it and as numbers."""

    path: str
    version: str
    number: tuple[int, ...]


def find_quarto(needed: bool = False) -> Quarto | None:
    """Find Quarto 1.9 or newer: what ALLIANCES_QUARTO names (empty: none), in the venv, or on PATH.

    PublishError if one is `needed` and there is none.
    """
    found = _found(os.environ.get(_VARIABLE))
    new = next((one for one in found if one.number >= (1, 9)), None)
    if needed and not new:
        told = f"only {found[0].version} was found at {found[0].path}" if found else "none was found"
        remedy = f"install it, set {_VARIABLE}, or use --engine embedded"
        raise PublishError(f"Quarto 1.9 or newer is needed and {told}; {remedy}.")
    return new


@functools.cache
def _found(wish: str | None) -> list[Quarto]:
    found, beside = list[Quarto](), str(Path(sys.executable).parent)
    for program in (shutil.which("quarto", path=beside), shutil.which("quarto")) if wish is None else (wish,):
        with suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run([program or "", "--version"], capture_output=True, text=True, timeout=60, check=True)
            version = done.stdout.strip()
            found.append(Quarto(program or "", version, tuple(map(int, re.findall(r"\d+", version)))))
    return found


def render(program: Quarto, folder: Path, root: Path, kind: str, moment: int) -> str:
    """Render report.md in a folder of its own; return what Quarto said; PublishError if it fails or tells a fault."""
    # The project's settings without its steps and folders, which are for a render by hand.
    settings = yaml.safe_load((root / "report" / "_quarto.yml").read_text(encoding="utf-8"))
    settings |= {"project": {"type": "default"}, "ipynb-filters": []}
    if program.number >= (1, 10):  # whose Typst makes PDF/UA and PDF/A at once
        settings["format"]["alliances-typst"]["pdf-standard"] = ["ua-1", "a-3a"]
    (folder / "_quarto.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    command = [program.path, "render", "report.md", "--to", {"html": "alliances-html", "pdf": "alliances-typst"}[kind]]
    try:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "SOURCE_DATE_EPOCH": str(moment), "NO_COLOR": "1"}, timeout=300,
            check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
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
