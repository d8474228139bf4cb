"""What a notebook's outputs depend on: one mapping, whose digest is the name of the result in the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from alliances.run import forks, warm
from alliances.run.cache import Cache, digest, files_digest, library_digest, versions

#: Parts of the library on which notebooks stand; what lies above them cannot change their outputs.
LIBRARY = ("text", "dataset", "analysis", "charts", "narrative", "__init__.py", "edition.py", "errors.py",
           "parameters.py", "paths.py")  # fmt: skip
PACKAGES = ("altair", "ipykernel", "ipython", "nbclient", "numpy", "pandas", "papermill")
_ALWAYS = ("data/datapackage.json", "report/_brand.yml", "notebooks/*.py")


class Results:
    """Executed notebooks in the cache, found by what they depend on.

    Which tables a notebook reads is noted as it runs, so a changed row costs its readers only: to run all of them takes
    a sixth of papermill's command line, and a row may cost a tenth.
    """

    def __init__(self, root: Path, cache: Cache | None, uncoded: str = "") -> None:
        self.root, self.cache, self.uncoded = root, cache, uncoded

    def inputs(self, notebook: NotebookNode, values: Mapping[str, Any] | None, tables: Sequence[str]) -> dict[str, Any]:
        """Return the mapping: parts by name, each of which can be the reason to run."""
        cells = [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in notebook.cells]
        files = (*_ALWAYS, *(f"data/{table}.csv" for table in tables))
        return (
            {"its cells": digest(cells), "the library": library_digest(*LIBRARY)}
            | {f"parameter {name}": value for name, value in (values or {}).items()}
            | {f"the version of {name}": number for name, number in versions(*PACKAGES).items()}
            | {"the texts that do not count yet": self.uncoded}
            | {"the settings of kernels": [forks.SETTINGS, warm.FLAGS, values is None]}
            | {name: files_digest(self.root.glob(name), self.root) for name in files}
        )

    def find(self, name: str, notebook: NotebookNode, values: Mapping[str, Any] | None) -> tuple[bytes | None, str]:
        """Return a result where nothing has changed, and in a few words what was found, or what has changed."""
        if self.cache is None:
            return None, "there is no cache"
        tables = self.cache.get_json("tables", digest(self.inputs(notebook, values, ())))
        last = self.cache.get_json("last", digest(name))
        now = self.inputs(notebook, values, (last or {"tables": ()})["tables"] if tables is None else tables)
        found = None if tables is None else self.cache.get("notebooks", digest(now))
        if found is not None:
            self.cache.put_json("last", digest(name), {"inputs": now, "tables": tables})
            return found, "nothing it depends on has changed"
        if last is None:
            return None, "it has not run yet"
        parts = dict.fromkeys([*last["inputs"], *now])
        changed = [part for part in parts if digest(last["inputs"].get(part)) != digest(now.get(part))]
        return None, f"changed: {', '.join(changed)}" if changed else "its result is no longer in the cache"

    def keep(
        self, name: str, notebook: NotebookNode, values: Mapping[str, Any] | None, tables: list[str], result: bytes
    ) -> None:
        """Keep a result, the tables that it rests on, and its mapping for the next explanation."""
        if self.cache is not None:
            inputs = self.inputs(notebook, values, tables)
            self.cache.put("notebooks", digest(inputs), result)
            self.cache.put_json("tables", digest(self.inputs(notebook, values, ())), tables)
            self.cache.put_json("last", digest(name), {"inputs": inputs, "tables": tables})
