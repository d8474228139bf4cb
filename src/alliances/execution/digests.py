"""Digests of files, of the library, and versions of packages: light, since they decide whether to do anything."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: Parts of the library that a notebook may use; what lies above them cannot change its outputs.
NOTEBOOK_LIBRARY = (
    "dataset",
    "analysis",
    "charts",
    "prose",
    "__init__.py",
    "edition.py",
    "errors.py",
    "parameters.py",
    "paths.py",
)
_PACKAGE = Path(__file__).resolve().parents[1]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; empty where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def digest_of(paths: Iterable[Path], base: Path) -> str:
    """Return one digest of the names and contents of files."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.relative_to(base).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def library_digest(*names: str) -> str:
    """Return a digest of parts of this package; of all of it where none is named."""
    tops = [_PACKAGE / name for name in names] or [_PACKAGE]
    files = (path for top in tops for path in (top.rglob("*") if top.is_dir() else [top]))
    return digest_of((path for path in files if path.is_file() and path.suffix != ".pyc"), _PACKAGE)


@cache
def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of packages; a package that is not installed has none."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found
