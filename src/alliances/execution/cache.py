"""A cache of results by content: written at once or not at all, verified when read, pruned by size."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alliances.errors import ParameterError

FOLDER_VARIABLE = "ALLIANCES_CACHE"
LIMIT_VARIABLE = "ALLIANCES_CACHE_MB"
_DEFAULT_LIMIT = 500  # megabytes
_KEY_LENGTH = 64
_FORGOTTEN = 3600  # seconds after which a file that was never finished is nobody's


def key_of(*parts: Any) -> str:
    """Return a key of JSON-ready parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Cache:
    """Results by key, shared by all editions of a project.

    Parameters
    ----------
    root : Path
        Project folder; the cache lies in its ``.cache/``, or where ``ALLIANCES_CACHE`` says.

    Raises
    ------
    ParameterError
        If ``ALLIANCES_CACHE_MB``, its largest size, is no number.
    """

    def __init__(self, root: Path) -> None:
        self.folder = Path(os.environ.get(FOLDER_VARIABLE) or root / ".cache")
        self.limit = _limit()

    def _path(self, kind: str, key: str) -> Path:
        return self.folder / kind / key[:2] / key

    def get(self, kind: str, key: str) -> bytes | None:
        """Return an entry; ``None`` where there is none, or where it is damaged and has been removed."""
        path = self._path(kind, key)
        try:
            digest, _, content = path.read_bytes().partition(b"\n")
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest().encode() != digest:
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # what was used last is pruned last
        return content

    def put(self, kind: str, key: str, content: bytes) -> None:
        """Store an entry; a cache that cannot be written costs time and nothing else."""
        path = self._path(kind, key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            try:
                with os.fdopen(descriptor, "wb") as handle:
                    handle.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError:
            return

    def get_json(self, kind: str, key: str) -> Any:
        """Return an entry as the value that was stored."""
        content = self.get(kind, key)
        return None if content is None else json.loads(content)

    def put_json(self, kind: str, key: str, value: Any) -> None:
        """Store a JSON-ready value."""
        self.put(kind, key, json.dumps(value, ensure_ascii=False, sort_keys=True).encode())

    def prune(self) -> int:
        """Remove the entries that were used longest ago until the cache is within its limit.

        Returns
        -------
        int
            Number of entries removed.
        """
        entries = []
        for path in self.folder.glob("*/??/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                if path.name.startswith(".new-") and time.time() - status.st_mtime > _FORGOTTEN:
                    path.unlink()
                elif len(path.name) == _KEY_LENGTH:  # whatever else lies here is not ours
                    entries.append((status.st_mtime, status.st_size, path))
        size = sum(entry[1] for entry in entries)
        removed = 0
        for _, bytes_, path in sorted(entries, key=lambda entry: entry[0]):
            if size <= self.limit:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            size -= bytes_
            removed += 1
        return removed


def kept(cache: Cache | None, kind: str, key: str, make: Callable[[], bytes]) -> bytes:
    """Return an entry, or make it and keep it; without a cache it is made each time."""
    found = cache.get(kind, key) if cache else None
    if found is None:
        found = make()
        if cache:
            cache.put(kind, key, found)
    return found


def kept_json(
    cache: Cache | None, kind: str, keys: Sequence[str], make: Callable[[list[int]], Sequence[Any]]
) -> list[Any]:
    """Return JSON-ready values by key; those that are not there are made in one go, and kept.

    Parameters
    ----------
    cache : Cache or None
        Without one, all are made each time.
    kind : str
        Their kind.
    keys : sequence of str
        A key for each value.
    make : callable
        Takes the places, in `keys`, of those that are missing, and returns their values.
    """
    found = [cache.get_json(kind, key) if cache else None for key in keys]
    missing = [place for place, value in enumerate(found) if value is None]
    if missing:
        for place, value in zip(missing, make(missing), strict=True):
            found[place] = value
            if cache:
                cache.put_json(kind, keys[place], value)
    return found


def _limit() -> int:
    """Return the largest size of the cache in bytes."""
    text = os.environ.get(LIMIT_VARIABLE, "")
    if not text:
        return _DEFAULT_LIMIT * 1_000_000
    try:
        return max(0, int(float(text) * 1_000_000))
    except (ValueError, OverflowError) as error:
        raise ParameterError(
            f"The environment variable {LIMIT_VARIABLE} is “{text}”; give the megabytes of the cache, such as 500."
        ) from error
