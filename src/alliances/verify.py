"""Rebuild an edition from its manifest and compare every byte."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from alliances.build import build
from alliances.errors import PublishError
from alliances.manifest import input_digests, read_manifest, sha256

__all__ = ["verify"]


def verify(root: Path, folder: Path, say: Callable[[str], None]) -> list[str]:
    """Say in sentences where an edition is not what its manifest makes; none where every byte is the same.

    Parameters
    ----------
    root : Path
        Project folder.
    folder : Path
        The edition.
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
    problems = [
        f"{name} has been changed or is missing: its SHA-256 is not the manifest's."
        for name, expected in manifest["outputs"].items()
        if sha256(folder / name) != expected
    ]
    today = input_digests(root)
    changed = sorted(
        name for name in {**today, **manifest["inputs"]} if today.get(name) != manifest["inputs"].get(name)
    )
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        problems.append(f"The project has other inputs than the edition: {changed[0]}{more}; check out its version.")
        return problems
    engine = "embedded" if "embedded" in manifest["engine"].lower() else "quarto"
    with tempfile.TemporaryDirectory() as scratch:
        again = Path(scratch) / "edition"
        build(root, manifest["parameters"], formats=manifest["formats"], engine=engine, output=again, say=say)
        made = read_manifest(again)["outputs"]
    differing = [name for name in {**made, **manifest["outputs"]} if made.get(name) != manifest["outputs"].get(name)]
    return problems + [f"{name} is another file when it is made again." for name in sorted(differing)]
