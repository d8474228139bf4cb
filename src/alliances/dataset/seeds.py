"""Reads the source texts, byte for byte as they were received."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from alliances.dataset.quotes import SourceText
from alliances.errors import DataError

__all__ = ["read_seed", "read_seeds", "sha256"]


def seed_path(root: Path, file: str) -> Path:
    """Return the path of a source text.

    Raises
    ------
    DataError
        If `file` is not the name of a text file.
    """
    if not file.endswith(".txt") or Path(file).name != file:
        raise DataError(
            f"data/sources.csv, column file names {file!r}: only a *.txt file that stands in seeds/ is read."
        )
    return root / "seeds" / file


def sha256(root: Path, file: str) -> str:
    """Return the SHA-256 of a source text, in hexadecimal digits.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    return hashlib.sha256(_read_bytes(root, file)).hexdigest()


def read_seed(root: Path, file: str) -> str:
    """Read one source text, line ends untouched.

    Raises
    ------
    DataError
        If the file is missing or is not UTF-8.
    """
    try:
        return _read_bytes(root, file).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"seeds/{file} is not UTF-8 (byte {error.start}): restore the file as it was received."
        ) from None


def read_seeds(root: Path, sources: Iterable[Mapping[str, str]]) -> dict[str, SourceText]:
    """Read the source texts.

    Parameters
    ----------
    root : Path
        Folder that holds `seeds/`.
    sources : iterable of mapping
        Rows of `sources` (`source_id`, `file`).

    Returns
    -------
    dict of str to SourceText
        By `source_id`.

    Raises
    ------
    DataError
        If a file is missing or is not UTF-8.
    """
    return {row["source_id"]: SourceText(read_seed(root, row["file"])) for row in sources}


def _read_bytes(root: Path, file: str) -> bytes:
    try:
        return seed_path(root, file).read_bytes()
    except OSError:
        raise DataError(
            f"seeds/{file} cannot be read, but data/sources.csv names it: restore the file in seeds/."
        ) from None
