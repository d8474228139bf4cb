"""One cache by content: written at once or not at all, checked when read, pruned by size."""

import csv
import functools
import hashlib
import json
import os
import platform
import uuid
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parents[1]


def digest(*parts: Any) -> str:
    """Return the SHA-256 of JSON-ready parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def files_digest(paths: Iterable[Path], base: Path) -> str:
    """Return one digest of the names and contents of files; what is no file is passed over."""
    found = hashlib.sha256()
    for path in sorted(path for path in paths if path.is_file()):
        found.update(path.relative_to(base).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def ids_digest(path: Path) -> str:
    """Return a digest of which rows a table of facts has, in any order, and of the quotations that date them."""
    with path.open(encoding="utf-8", newline="") as handle:
        return digest(sorted([next(iter(row.values())), row["quote_ids"]] for row in csv.DictReader(handle)))


@functools.cache
def library_digest(*names: str) -> str:
    """Return a digest of parts of this library; of all of it where none is named."""
    tops = [_PACKAGE / name for name in names] or [_PACKAGE]
    files = (path for top in tops for path in (top.rglob("*") if top.is_dir() else [top]))
    return files_digest((path for path in files if path.suffix != ".pyc"), _PACKAGE)


@functools.cache
def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of packages that are installed."""
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".new-{uuid.uuid4().hex}")
    try:
        new.write_bytes(content)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


class Cache:
    """Results by the digest of their sources: in `folder`, ``ALLIANCES_CACHE`` or the project’s ``.cache/``."""

    limit = 500_000_000  # bytes

    def __init__(self, root: Path, folder: Path | None = None) -> None:
        self.folder = folder or Path(os.environ.get("ALLIANCES_CACHE") or root / ".cache")

    def get(self, kind: str, key: str) -> bytes | None:
        """Return an entry; ``None`` where there is none, or where it is damaged and has been removed."""
        path = self.folder / kind / key[:2] / key
        with suppress(OSError):
            if (content := _content(path)) is not None:
                os.utime(path)  # what was used last is pruned last
                return content
            path.unlink()
        return None

    def damaged(self) -> list[Path]:
        """List the entries that are not as they were stored."""
        return [path for path in self._entries() if len(path.name) == 64 and _content(path) is None]

    def put(self, kind: str, key: str, content: bytes) -> None:
        """Store an entry; a cache that cannot be written costs time and nothing else."""
        entry = hashlib.sha256(content).hexdigest().encode() + b"\n" + content
        with suppress(OSError):
            write_whole(self.folder / kind / key[:2] / key, entry)

    def get_json(self, kind: str, key: str) -> Any:
        """Return an entry as the value that was stored."""
        return json.loads(self.get(kind, key) or "null")

    def put_json(self, kind: str, key: str, value: Any) -> None:
        """Store a JSON-ready value."""
        self.put(kind, key, json.dumps(value, ensure_ascii=False).encode())

    def prune(self) -> None:
        """Remove the entries that were used longest ago until the cache is within its limit."""
        left = self.limit
        with suppress(OSError):  # another command prunes as well
            ours = [(path.stat(), path) for path in self._entries()]
            for status, path in sorted(ours, key=lambda entry: -entry[0].st_mtime):
                left -= status.st_size
                if left < 0:
                    path.unlink(missing_ok=True)

    def _entries(self) -> list[Path]:
        found = self.folder.glob("*/??/*")  # whatever else lies here is not ours
        return sorted(path for path in found if len(path.name) == 64 or path.name.startswith(".new-"))


def _content(path: Path) -> bytes | None:
    checksum, _, content = path.read_bytes().partition(b"\n")
    return content if hashlib.sha256(content).hexdigest().encode() == checksum else None
