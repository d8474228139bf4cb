"""Folders as bytes, for workers that share no disk."""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["digest", "folder_in", "pack", "unpack_once", "unpacked"]


def pack(base: Path, files: Iterable[Path]) -> bytes:
    """Pack files and folders below a folder; the same ones give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(files):
            is_folder = path.is_dir()
            entry = zipfile.ZipInfo(path.relative_to(base).as_posix() + ("/" if is_folder else ""))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, b"" if is_folder else path.read_bytes(), compresslevel=1)
    return out.getvalue()


def digest(packed: bytes) -> str:
    """Return the SHA-256 of a parcel."""
    return hashlib.sha256(packed).hexdigest()


@contextmanager
def folder_in(place: Path) -> Iterator[Path]:
    """Make a temporary folder in a place."""
    with tempfile.TemporaryDirectory(prefix=".parcel-", dir=place) as folder:
        yield Path(folder)


@contextmanager
def unpacked(packed: bytes) -> Iterator[Path]:
    """Unpack a parcel into a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="parcel-") as folder:
        _extract(packed, Path(folder))
        yield Path(folder)


def unpack_once(packed: bytes, folder: Path) -> Path:
    """Unpack a parcel into a folder that is complete or does not exist, also where several threads ask for it."""
    if not folder.is_dir():
        with folder_in(folder.parent) as part:
            _extract(packed, part / "whole")
            try:
                (part / "whole").rename(folder)
            except OSError:
                if not folder.is_dir():  # nobody else was faster
                    raise
    return folder


def _extract(packed: bytes, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(folder)  # it keeps every file inside the folder
