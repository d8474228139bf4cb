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
    """An edition as it is compared: what it consists of by its names and ids, chapters in the order of the report."""

    parameters: dict[str, Any] = field(default_factory=dict)  # and the engine
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)  # cells of the rows that it knows
    chapters: dict[str, list[str]] = field(default_factory=dict)  # sentences
    figures: dict[str, tuple[str, str]] = field(default_factory=dict)  # words, and a digest of the drawing or body
    judgements: dict[str, str] = field(default_factory=dict)  # proposition and lines

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
    """Read an edition; DataError if the folder holds no complete one."""
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
