"""Whether an edition that was asked for stands there already, decided before anything heavy is imported.

After a build, what was asked and what it rested on is noted in the cache together with the digest of the
edition's manifest. Where the same is asked again, nothing it rests on has changed, and the edition's files are
as the manifest lists them, there is nothing to do.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alliances.execution.cache import Cache, key_of
from alliances.execution.digests import digest_of, file_digest, library_digest, versions

#: Packages whose version can change the bytes of a report.
PACKAGES = (
    "altair",
    "font-source-sans-pro",
    "font-source-serif-pro",
    "fonttools",
    "frictionless",
    "ipykernel",
    "nbclient",
    "numpy",
    "pandas",
    "papermill",
    "pypandoc-binary",
    "typst",
    "vl-convert-python",
)


def input_files(root: Path) -> list[Path]:
    """List the files from which an edition is made, the library apart."""
    report = root / "report"
    patterns = {
        root / "seeds": "*.txt",
        root / "data": "*.csv",
        root / "notebooks": "*.ipynb",
        report / "filters": "*.lua",
    }
    found = [path for folder, pattern in patterns.items() for path in sorted(folder.glob(pattern))]
    theme = [path for path in sorted((report / "theme").glob("*.*")) if path.name != "fonts.css"]
    single = [root / "data" / "datapackage.json", report / "report.qmd", report / "_quarto.yml"]
    return [*found, *theme, *(path for path in single if path.exists())]


def request_key(
    root: Path, values: Mapping[str, Any], formats: tuple[str, ...], engine: str, output: Path | None
) -> str:
    """Return the key of what is asked and of all that the answer rests on.

    Parameters
    ----------
    root : Path
        Project folder.
    values : Mapping of str to object
        Parameters as the user gave them, unchecked.
    formats, engine, output
        As asked.
    """
    asked = [str(root), repr(sorted(values.items())), sorted(formats), engine, str(output)]
    quarto = "" if engine == "embedded" else _quarto_identity()
    return key_of(asked, quarto, digest_of(input_files(root), root), library_digest(), versions(*PACKAGES))


def _quarto_identity() -> list[Any]:
    named = os.environ.get("ALLIANCES_QUARTO")
    program = named if named is not None else shutil.which("quarto", path=str(Path(sys.executable).parent))
    program = program if named is not None else program or shutil.which("quarto")
    try:
        status = Path(program).stat() if program else None
    except OSError:
        status = None
    return [program, status.st_size, status.st_mtime_ns] if status else [program]


def find(root: Path, key: str) -> dict[str, Any] | None:
    """Return what was noted of an edition that is complete and as it was; ``None`` where it has to be built."""
    noted: dict[str, Any] | None = Cache(root).get_json("editions", key)
    if noted is None or not is_whole(Path(noted["folder"]), noted["manifest"]):
        return None
    return noted


def is_whole(folder: Path, manifest_digest: str = "") -> bool:
    """Whether an edition's manifest is there (and the one expected), and each file as it lists it."""
    path = folder / "manifest.json"
    if not path.is_file() or (manifest_digest and file_digest(path) != manifest_digest):
        return False
    try:
        outputs = json.loads(path.read_text(encoding="utf-8"))["outputs"]
    except (ValueError, KeyError):
        return False
    return all(file_digest(folder / name) == digest for name, digest in outputs.items())


def note(root: Path, key: str, folder: Path, files: list[Path], engine: str) -> None:
    """Note an edition that has been built."""
    value = {
        "folder": str(folder),
        "manifest": file_digest(folder / "manifest.json"),
        "files": [str(path) for path in files],
        "engine": engine,
    }
    Cache(root).put_json("editions", key, value)
