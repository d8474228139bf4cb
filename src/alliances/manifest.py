"""What an edition is made of, and whether one that stands there is still the one asked for; light to import."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from alliances.errors import StagingError
from alliances.run.cache import library_digest, versions
from alliances.text.reading import is_stray, read_utf8, read_yaml, unmerged

#: The default edition, below the project's folder.
OUTPUT = Path("report", "_output")
#: Packages whose version can change the bytes of a report.
PACKAGES = ("altair", "ipykernel", "nbclient", "numpy", "pandas", "papermill", "pypandoc-binary", "typst",
            "vl-convert-python", "font-source-sans-pro", "font-source-serif-pro")  # fmt: skip
_INPUTS = ("seeds/*.txt", "data/*.csv", "data/datapackage.json", "notebooks/*.ipynb", "notebooks/*.py",
           "report/report.qmd", "report/_quarto.yml", "report/_brand.yml", "report/_extensions/**/*")  # fmt: skip


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file; "" where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of an edition; empty where there is none that can be read."""
    kinds = {"parameters": dict, "defaults": dict, "inputs": dict, "outputs": dict, "formats": list, "engine": str}
    with suppress(OSError, ValueError):
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if isinstance(found, dict) and all(isinstance(found.get(name, kind()), kind) for name, kind in kinds.items()):
            return found
    return {}


def write_manifest(folder: Path, parts: Iterable[str], entries: Mapping[str, Any]) -> None:
    """Write the manifest of an edition: `entries`, and the SHA-256 of each file in its `parts`, files or folders."""
    files = (file for part in parts for file in (folder / part, *(folder / part).rglob("*")) if file.is_file())
    outputs = {file.relative_to(folder).as_posix(): sha256(file) for file in sorted(files)}
    text = json.dumps({**entries, "outputs": outputs}, ensure_ascii=False, indent=1) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def is_whole(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether each file of an edition is as its manifest lists it."""
    outputs = manifest.get("outputs", {})
    return bool(outputs) and all(sha256(folder / name) == digest for name, digest in outputs.items())


def input_files(root: Path) -> list[Path]:
    """List the files from which an edition is made, the library apart."""
    listed: dict[str, set[str]] = {}  # where only some files are read: a stray copy changes nothing
    with suppress(OSError, ValueError, KeyError, TypeError):
        package = json.loads((root / "data" / "datapackage.json").read_bytes())
        listed["data/*.csv"] = {resource["name"] for resource in package["resources"]}
        template = (root / "report" / "report.qmd").read_text(encoding="utf-8")
        listed["notebooks/*.ipynb"] = set(re.findall(r"include chapters/([\w-]+)\.md", template))
    found = (p for pattern in _INPUTS for p in root.glob(pattern) if p.stem in listed.get(pattern, (p.stem,)))
    return sorted(p for p in found if p.is_file() and not is_stray(p))


def check_files(root: Path) -> None:
    """Refuse files that git could not merge, and settings that are no YAML, by a StagingError with the line.

    A notebook says so where it is read.
    """
    for path in input_files(root):
        name, text = path.relative_to(root).as_posix(), path.read_bytes().decode(errors="replace")
        if path.suffix != ".ipynb" and (found := unmerged(text)):
            raise StagingError(f"{name}, line {found[0]}: {found[1]}; {found[2]}.")
        if path.suffix == ".yml":
            read_yaml(read_utf8(path, name, StagingError), name, StagingError)


def input_digests(root: Path) -> dict[str, str]:
    """Return the SHA-256 of each input by its path in the project."""
    return {path.relative_to(root).as_posix(): sha256(path) for path in input_files(root)}


def made_of(inputs: Mapping[str, str]) -> dict[str, Any]:
    """Return what decides the bytes of an edition besides its parameters, as its manifest lists it."""
    return {"versions": versions(*PACKAGES), "library": library_digest(), "inputs": dict(inputs)}


def is_unchanged(root: Path, values: Mapping[str, Any], formats: Sequence[str], engine: str, folder: Path) -> bool:
    """Whether the edition with these parameters stands in a folder, and nothing that it is made of has changed."""
    there = read_manifest(folder)
    asked = there.get("defaults", {}) | {name: value for name, value in values.items() if value not in (None, "")}
    return (
        {name: str(value) for name, value in asked.items()}
        == {name: str(value) for name, value in there.get("parameters", {}).items()}
        and set(there.get("formats", ())) == set(formats)
        and (engine == "auto" or there.get("engine", "").startswith(engine))
        and there | made_of(input_digests(root)) == there
        and is_whole(folder, there)
    )
