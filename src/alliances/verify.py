"""Rebuild an edition from its manifest and compare every byte."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alliances.build import build
from alliances.errors import PublishError
from alliances.manifest import input_digests, read_manifest, sha256
from alliances.run.cache import Cache


def verify(root: Path, folder: Path, say: Callable[[str], None]) -> list[str]:
    """Say in sentences where an edition is not what its manifest makes; none where every byte is the same.

    Parameters
    ----------
    root, folder : Path
        Project folder, and the edition's.
    say : callable
        Receives progress.

    Raises
    ------
    PublishError
        If the folder holds no manifest.
    """
    manifest = read_manifest(folder)
    if not (manifest.get("outputs") and manifest.get("inputs")):
        raise PublishError(f"{folder} holds no manifest.json that can be read; name the folder of a finished edition.")
    there = {name: sha256(folder / name) for name in manifest["outputs"]}
    changed = "has been changed or is missing: its SHA-256 is not the manifest's."
    problems = [f"{name} {changed}" for name in _differing(there, manifest["outputs"])]
    if others := _differing(input_digests(root), manifest["inputs"]):
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        return [*problems, f"The project has other inputs than the edition: {others[0]}{more}; check out its version."]
    engine = "embedded" if "embedded" in manifest["engine"].lower() else "quarto"
    with tempfile.TemporaryDirectory() as scratch:
        again = Path(scratch) / "edition"
        empty = Cache(root, Path(scratch) / "cache")  # what is kept may have been changed
        parameters, formats = manifest["parameters"], manifest["formats"]
        build(root, parameters, formats=formats, engine=engine, output=again, cache=empty, say=say)
        made = read_manifest(again)["outputs"]
    return problems + [
        f"{name} is another file when it is made again." for name in _differing(made, manifest["outputs"])
    ]


def _differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return sorted(name for name in one | other if one.get(name) != other.get(name))
