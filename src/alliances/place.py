"""Puts a finished edition in place: whole or not at all, and never over another edition."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from alliances.errors import PublishError
from alliances.manifest import OUTPUT, is_whole, read_manifest
from alliances.parameters import Parameters

__all__ = ["edition_folder", "is_whole", "put_in_place", "read_manifest", "recover", "refuse_foreign", "slug"]

#: What an edition consists of; the manifest comes last, so an edition without it is not complete.
PARTS = ("report.html", "report.pdf", "facts.json", "notebooks", "figures", "manifest.json")
_NEW = ".new-"
_EMPTIED = "emptied"


def slug(parameters: Parameters, defaults: Parameters) -> str:
    """Name an edition: cut-off and focus, and a short hash of what these do not show; "" for the default one."""
    if parameters == defaults:
        return ""
    name = parameters.as_of + (f"_{parameters.focus}" if parameters.focus else "")
    default = defaults.as_dict()
    rest = {k: v for k, v in parameters.as_dict().items() if k not in ("as_of", "focus") and v != default[k]}
    if rest:
        name += "_" + hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:6]
    return name


def edition_folder(root: Path, parameters: Parameters, defaults: Parameters, output: Path | None) -> Path:
    """Return where an edition belongs: the folder asked for, the default one, or one of its own below it."""
    name = slug(parameters, defaults)
    return output or (root / OUTPUT / "editions" / name if name else root / OUTPUT)


def refuse_foreign(folder: Path, parameters: Parameters, defaults: Parameters, *, force: bool) -> None:
    """Refuse a folder that holds something else than this edition, unless it is to be replaced.

    The default edition replaces its own earlier self, whatever day that was of.

    Raises
    ------
    PublishError
        Saying what stands there.
    """
    if folder.exists() and not folder.is_dir():
        raise PublishError(f"{folder} is a file; name a folder for the edition with --output.")
    if not folder.exists() or force:
        return
    there = read_manifest(folder)
    if there:
        was_default = there.get("parameters") == there.get("defaults")
        if there.get("parameters") != parameters.as_dict() and not (was_default and parameters == defaults):
            raise PublishError(f"{folder} holds another edition; choose another folder, or replace it with --force.")
    elif any(path.name not in ("editions", "build.log") and path.name[0] != "." for path in folder.iterdir()):
        raise PublishError(f"{folder} holds files that are no edition; choose another folder, or use --force.")


def put_in_place(done: Path, folder: Path) -> None:
    """Put a finished edition into its folder, whole or not at all; what stood there before goes only then.

    The files are first moved beside their place, or copied where that is on another disk, and then renamed;
    :func:`recover` puts back what an interrupted replacement took away.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        new = Path(tempfile.mkdtemp(prefix=_NEW, dir=folder))
        try:
            shutil.move(done, new / "edition")
            (new / "replaced").mkdir()
            for name in reversed(PARTS):
                if (folder / name).exists():
                    (folder / name).replace(new / "replaced" / name)
            (new / _EMPTIED).touch()
            for name in PARTS:
                if (new / "edition" / name).exists():
                    (new / "edition" / name).replace(folder / name)
        finally:
            recover(folder)
    except BaseException:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise


def recover(folder: Path) -> None:
    """Undo a replacement that was cut short, and remove what it left; the folder's lock must be held."""
    for new in folder.glob(f"{_NEW}*"):
        if not (folder / "manifest.json").exists() and (new / "replaced").is_dir():
            for name in PARTS:
                if (new / _EMPTIED).exists() and not (new / "edition" / name).exists():
                    _remove(folder / name)  # it came from the new edition, if it is there at all
                if (new / "replaced" / name).exists():
                    (new / "replaced" / name).replace(folder / name)
        shutil.rmtree(new, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
