"""What a notebook's outputs depend on, and why it has to run again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from alliances.execution.cache import Cache, key_of
from alliances.execution.digests import NOTEBOOK_LIBRARY, file_digest, library_digest, versions

_SCHEMA = "datapackage.json"
#: Packages whose version can change what a notebook writes.
PACKAGES = ("altair", "ipykernel", "nbclient", "numpy", "pandas", "papermill")


def notebook_library() -> str:
    """Return a digest of the library modules on which notebooks stand."""
    return library_digest(*NOTEBOOK_LIBRARY)


def data_digests(root: Path, tables: Iterable[str]) -> dict[str, str]:
    """Return a digest of the file of each table, and of the schema, which says how they are read."""
    return {name: file_digest(root / "data" / name) for name in (*(f"{table}.csv" for table in tables), _SCHEMA)}


@dataclass(frozen=True)
class Inputs:
    """All that a notebook's outputs depend on, apart from the tables it reads.

    Parameters
    ----------
    name : str
        The notebook.
    cells : str
        Digest of its cells.
    parameters : dict
        The parameters that it is passed.
    """

    name: str
    cells: str
    parameters: dict[str, Any]

    @classmethod
    def of(cls, name: str, notebook: nbformat.NotebookNode, parameters: Mapping[str, Any]) -> Inputs:
        """Collect the inputs of a notebook."""
        cells = [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in notebook.cells]
        return cls(name, key_of(cells), dict(parameters))

    @property
    def key(self) -> str:
        """Key of everything but the tables."""
        return key_of(self.name, self.cells, self.parameters, notebook_library(), versions(*PACKAGES))


class Results:
    """Executed notebooks by what they depend on."""

    def __init__(self, cache_: Cache, root: Path) -> None:
        self.cache = cache_
        self.root = root

    def find(self, inputs: Inputs) -> tuple[bytes | None, str]:
        """Look for the result of a notebook.

        Returns
        -------
        tuple of (bytes or None, str)
            The executed notebook where nothing has changed, and in a few words what was found, or what changed.
        """
        tables = self.cache.get_json("tables", inputs.key)
        if tables is not None:
            found = self.cache.get("notebooks", key_of(inputs.key, data_digests(self.root, tables)))
            if found is not None:
                return found, "nothing it depends on has changed"
        return None, self._reason(inputs, tables)

    def keep(self, inputs: Inputs, tables: list[str], executed: bytes) -> None:
        """Keep a result, with the tables that the notebook has read."""
        digests = data_digests(self.root, tables)
        self.cache.put("notebooks", key_of(inputs.key, digests), executed)
        self.cache.put_json("tables", inputs.key, tables)
        self.cache.put_json("last", key_of(inputs.name), self._described(inputs, digests) | {"read": tables})

    def _described(self, inputs: Inputs, digests: dict[str, str]) -> dict[str, Any]:
        return {
            "cells": inputs.cells,
            "parameters": inputs.parameters,
            "library": notebook_library(),
            "versions": versions(*PACKAGES),
            "data": digests,
        }

    def _reason(self, inputs: Inputs, tables: list[str] | None) -> str:
        last = self.cache.get_json("last", key_of(inputs.name))
        if last is None or "read" not in last:  # an entry of an earlier version
            return "it has not run yet"
        now = self._described(inputs, data_digests(self.root, last["read"]))
        changed = ["its cells"] if last["cells"] != now["cells"] else []
        changed += [
            f"parameter {name}"
            for name in sorted({*last["parameters"], *now["parameters"]})
            if last["parameters"].get(name) != now["parameters"].get(name)
        ]
        changed += ["the library"] if last["library"] != now["library"] else []
        changed += [
            f"the version of {name}" for name in now["versions"] if last["versions"].get(name) != now["versions"][name]
        ]
        changed += [f"data/{name}" for name in now["data"] if last["data"].get(name) != now["data"][name]]
        return f"changed: {', '.join(changed)}" if changed else "its result is no longer in the cache"
