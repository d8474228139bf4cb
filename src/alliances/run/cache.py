"""One cache by content: written at once or not at all, checked when read, pruned by size."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from alliances.errors import ParameterError

_PACKAGE = Path(__file__).resolve().parents[1]
_FORGOTTEN = 3600  # seconds after which a file that was never finished is nobody's


def digest(*parts: Any) -> str:
    """Return the SHA-256 of JSON-ready parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def files_digest(paths: Iterable[Path], base: Path) -> str:
    """Return one digest of the names and contents of files; what is no file is passed over."""
    found = hashlib.sha256()
    for path in sorted(path for path in paths if path.is_file()):
        found.update(path.relative_to(base).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


@functools.cache
def library_digest(*names: str) -> str:
    """Return a digest of parts of this library; of all of it where none is named."""
    tops = [_PACKAGE / name for name in names] or [_PACKAGE]
    files = (path for top in tops for path in (top.rglob("*") if top.is_dir() else [top]))
    return files_digest((path for path in files if path.suffix != ".pyc"), _PACKAGE)


@functools.cache
def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of packages; a package that is not installed has none."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def write_whole(path: Path, content: bytes) -> None:
    """Write a file at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
        Path(name).chmod(0o644)  # as other files; mkstemp's are private
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Cache:
    """Results by the digest of what they were made from: in the project's ``.cache/``, or in ``ALLIANCES_CACHE``.

    Raises
    ------
    ParameterError
        If ``ALLIANCES_CACHE_MB``, its largest size, is no number.
    """

    def __init__(self, root: Path) -> None:
        self.folder = Path(os.environ.get("ALLIANCES_CACHE") or root / ".cache")
        text = os.environ.get("ALLIANCES_CACHE_MB") or "500"
        try:
            self.limit = max(0, int(float(text) * 1_000_000))
        except (ValueError, OverflowError) as error:
            raise ParameterError(
                f"The environment variable ALLIANCES_CACHE_MB is “{text}”; give megabytes, such as 500."
            ) from error

    def get(self, kind: str, key: str) -> bytes | None:
        """Return an entry; ``None`` where there is none, or where it is damaged and has been removed."""
        path = self.folder / kind / key[:2] / key
        with contextlib.suppress(OSError):
            checksum, _, content = path.read_bytes().partition(b"\n")
            if hashlib.sha256(content).hexdigest().encode() == checksum:
                os.utime(path)  # what was used last is pruned last
                return content
            path.unlink()
        return None

    def put(self, kind: str, key: str, content: bytes) -> None:
        """Store an entry; a cache that cannot be written costs time and nothing else."""
        entry = hashlib.sha256(content).hexdigest().encode() + b"\n" + content
        with contextlib.suppress(OSError):
            write_whole(self.folder / kind / key[:2] / key, entry)

    def get_json(self, kind: str, key: str) -> Any:
        """Return an entry as the value that was stored."""
        content = self.get(kind, key)
        return None if content is None else json.loads(content)

    def put_json(self, kind: str, key: str, value: Any) -> None:
        """Store a JSON-ready value."""
        self.put(kind, key, json.dumps(value, ensure_ascii=False).encode())

    def kept(self, kind: str, key_parts: Any, make: Callable[[], bytes]) -> bytes:
        """Return an entry, or make it from what `key_parts` name and keep it."""
        key = digest(key_parts)
        found = self.get(kind, key)
        if found is None:
            found = make()
            self.put(kind, key, found)
        return found

    def prune(self) -> None:
        """Remove the entries that were used longest ago until the cache is within its limit."""
        entries = []
        for path in self.folder.glob("*/??/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                if path.name.startswith(".new-") and time.time() - status.st_mtime > _FORGOTTEN:
                    path.unlink()
                elif len(path.name) == len(digest()):  # whatever else lies here is not ours
                    entries.append((status.st_mtime, status.st_size, path))
        excess = sum(entry[1] for entry in entries) - self.limit
        for _, size, path in sorted(entries):
            if excess <= 0:
                break
            excess -= size
            with contextlib.suppress(OSError):
                path.unlink()
