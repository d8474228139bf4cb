"""Puts a finished edition in place: whole or not at all, and never over another edition."""

import hashlib
import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from alliances.errors import PublishError
from alliances.manifest import OUTPUT, read_manifest
from alliances.parameters import Parameters

#: What an edition consists of; the manifest comes last, so an edition without it is not complete.
PARTS = ("report.html", "report.pdf", "facts.json", "notebooks", "figures", "manifest.json")


def slug(parameters: Parameters, defaults: Parameters) -> str:
    """Name an edition: cut-off and focus, and a short hash of what these do not show; "" for the default one."""
    if parameters == defaults:
        return ""
    name, default = parameters.as_of + (f"_{parameters.focus}" if parameters.focus else ""), defaults.as_dict()
    rest = {k: v for k, v in parameters.as_dict().items() if k not in ("as_of", "focus") and v != default[k]}
    return f"{name}_{hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:6]}" if rest else name


def edition_folder(root: Path, parameters: Parameters, defaults: Parameters, output: Path | None) -> Path:
    """Return where an edition belongs: the folder asked for, the default one, or one of its own below it."""
    name = slug(parameters, defaults)
    return output or root / OUTPUT / (f"editions/{name}" if name else "")


def refuse_foreign(folder: Path, parameters: dict[str, Any], defaults: dict[str, Any]) -> None:
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
    """Put a finished edition into its folder, whole or not at all; what stood there before goes only then.

    The files are first moved beside their place, or copied where that is on another disk, and then renamed;
    :func:`recover` puts back what an interrupted replacement took away.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
        shutil.move(done, new / "edition")
        (new / "replaced").mkdir()
        _move(folder, new / "replaced", PARTS[::-1])
        (new / "emptied").touch()
        _move(new / "edition", folder, PARTS)
        is_new = False
    finally:
        recover(folder)
        if is_new:
            with suppress(OSError):
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
