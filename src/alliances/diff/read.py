"""Reads an edition's folder for comparison: its parameters, rows, sentences, figures and judgements."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alliances.errors import DataError
from alliances.manifest import read_manifest
from alliances.text.markdown import plain

_WORDS = ("title", "subtitle", "caption", "note", "alt")


@dataclass
class Edition:
    """An edition as it is compared.

    Attributes
    ----------
    parameters : dict
        By name, and the engine.
    rows : dict of str to dict
        Cells of the rows that it knows, by row id.
    chapters : dict of str to list of str
        Sentences, by chapter in the order of the report.
    figures : dict of str to (str, str)
        Words and a digest of the drawing or body of each figure and table, by id.
    judgements : dict of str to str
        Proposition and lines, by id.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    chapters: dict[str, list[str]] = field(default_factory=dict)
    figures: dict[str, tuple[str, str]] = field(default_factory=dict)
    judgements: dict[str, str] = field(default_factory=dict)

    def take(self, chapter: str, notebook: Mapping[str, Any]) -> None:
        """Read what an executed notebook has put into the report."""
        for output in (output for cell in notebook["cells"] for output in cell.get("outputs", ())):
            meta, data = output.get("metadata", {}).get("alliances", {}), output.get("data", {})
            kind = meta.get("kind")
            if kind in ("figure", "table"):
                words = [plain(meta[name]) for name in _WORDS if meta.get(name)]
                shown = json.dumps([meta.get("body"), *(v for k, v in data.items() if "vegalite" in k)], sort_keys=True)
                self.figures[meta["id"]] = " · ".join(words), hashlib.sha256(shown.encode()).hexdigest()
            elif kind == "judgement":
                lines = [f"{name}: {plain(words).strip()}" for name, words in meta["lines"]]
                self.judgements[meta["id"]] = " · ".join([plain(meta["proposition"]), *lines])
            elif kind in ("cover", "prose", "facts", "side"):
                texts = [sentence["text"] for sentence in meta.get("sentences", ()) if sentence["text"]]
                self.chapters.setdefault(chapter, []).extend(texts)


def read_edition(folder: Path) -> Edition:
    """Read an edition.

    Raises
    ------
    DataError
        If the folder holds no complete edition.
    """
    manifest = read_manifest(folder)
    if not manifest.get("outputs"):
        raise DataError(f"{folder} holds no edition; name a folder that `alliances build` has written.")
    edition = Edition({**manifest.get("parameters", {}), "engine": manifest.get("engine", "")})
    try:
        edition.rows = json.loads((folder / "facts.json").read_text(encoding="utf-8"))["rows"]
        for path in sorted((folder / "notebooks").glob("*.ipynb")):
            edition.take(path.stem, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:  # whatever its JSON holds instead
        raise DataError(f"The edition in {folder} is damaged ({error}); build it again.") from error
    return edition
