"""An edition's folder: what it is made of, whether it is the one asked for, how it is put in place; light to import."""

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from alliances.errors import PublishError
from alliances.run.cache import library_digest, versions
from alliances.text.reading import is_stray, read_utf8, read_yaml, unmerged

#: The default edition, below the project's folder.
OUTPUT = Path("report", "_output")
FORMATS = ("html", "pdf")
#: What an edition consists of; the manifest comes last, so an edition without it is not complete.
PARTS = ("report.html", "report.pdf", "facts.json", "notebooks", "figures", "manifest.json")
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
    """Refuse files that git could not merge, notebooks apart, and settings that are no YAML, by a PublishError."""
    for path in input_files(root):
        name, text = path.relative_to(root).as_posix(), path.read_bytes().decode(errors="replace")
        if path.suffix != ".ipynb" and (found := unmerged(text)):
            raise PublishError(f"{name}, line {found[0]}: {found[1]}; {found[2]}.")
        if path.suffix == ".yml":
            read_yaml(read_utf8(path, name, PublishError), name, PublishError)


def made_of(root: Path) -> dict[str, Any]:
    """Return what decides the bytes of an edition besides its parameters, as its manifest lists it."""
    inputs = {path.relative_to(root).as_posix(): sha256(path) for path in input_files(root)}
    return {"versions": versions(*PACKAGES), "library": library_digest(), "inputs": inputs}


def is_unchanged(root: Path, values: Mapping[str, Any], formats: Sequence[str], engine: str, folder: Path) -> bool:
    """Whether the edition with these parameters stands in a folder, and nothing that it is made of has changed."""
    there = read_manifest(folder)
    asked = there.get("defaults", {}) | {name: value for name, value in values.items() if value not in (None, "")}
    return (
        {name: str(value) for name, value in asked.items()}
        == {name: str(value) for name, value in there.get("parameters", {}).items()}
        and set(there.get("formats", ())) == set(formats)
        and (engine == "auto" or there.get("engine", "").startswith(engine))
        and there | made_of(root) == there
        and is_whole(folder, there)
    )


def slug(parameters: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Name an edition: cut-off and focus, and a short hash of what these do not show; "" for the default one."""
    name = "_".join(filter(None, (parameters["as_of"], parameters["focus"])))
    rest = {k: v for k, v in parameters.items() if k not in ("as_of", "focus") and v != defaults[k]}
    name += f"_{hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:6]}" if rest else ""
    return name if parameters != defaults else ""


def refuse_foreign(folder: Path, parameters: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Refuse a folder that holds something else than an edition with these parameters, by a PublishError.

    The default edition replaces its own earlier self, whatever day that was of.
    """
    if folder.exists() and not folder.is_dir():
        raise PublishError(f"{folder} is a file; name a folder for the edition with --output.")
    there = read_manifest(folder)
    both_default = there.get("parameters") == there.get("defaults") and parameters == defaults
    if there and there.get("parameters") != parameters and not both_default:
        raise PublishError(f"{folder} holds another edition; choose another folder, or replace it with --force.")
    names = [path.name for path in folder.iterdir()] if folder.exists() and not there else []
    if any(name not in ("editions", "build.log") and name[0] != "." for name in names):
        raise PublishError(f"{folder} holds files that are no edition; choose another folder, or use --force.")


def put_in_place(done: Path, folder: Path) -> None:
    """Put a finished edition into its folder, whole or not at all; what stood there before goes only then."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
        shutil.move(done, new / "edition")  # beside its place; from another disk it is copied, and then renamed
        (new / "replaced").mkdir()
        _move(folder, new / "replaced", PARTS[::-1])
        (new / "emptied").touch()
        _move(new / "edition", folder, PARTS)
    finally:
        recover(folder)
        with suppress(OSError):  # it is not empty unless there was no edition, and is none now
            folder.rmdir()


def recover(folder: Path) -> None:
    """Undo a replacement that was cut short, and remove what it left; the folder's lock must be held."""
    for new in folder.glob(".new-*"):
        if not (folder / "manifest.json").exists() and (new / "replaced").is_dir():
            if (new / "emptied").exists():
                _move(folder, new / "edition", PARTS)  # what is there came from the new edition
                (new / "emptied").unlink()
            _move(new / "replaced", folder, PARTS)
        shutil.rmtree(new, ignore_errors=True)


def _move(source: Path, target: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if (source / name).exists():
            (source / name).replace(target / name)
