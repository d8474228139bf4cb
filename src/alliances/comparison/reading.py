"""Reads an edition from its folder: manifest, facts, rows, charts and chapters."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from alliances.comparison.model import Side
from alliances.errors import AlliancesError
from alliances.known_rows import FILE_NAME, KnownRows
from alliances.parameters import Parameters

__all__ = ["ANNEX", "EditionError", "EditionFolder", "Fact", "Figure", "Manifest", "read_edition"]

#: How the labels of annexes begin; they list what the chapters print.
ANNEX = "sec-annex-"
_DEFAULTS = {name: field.default for name, field in Parameters.model_fields.items()}
_RANKED = re.compile(r"\d{2,}(.+)", re.DOTALL)
Model = TypeVar("Model")
Datum = dict[str, Any]


class EditionError(AlliancesError):
    """A folder holds no edition that can be read."""


class Manifest(BaseModel, frozen=True):
    """What ``manifest.json`` says of how an edition was made."""

    parameters: dict[str, Any]
    version: str = ""
    engine: str = ""
    python: str = ""
    versions: dict[str, str] = {}
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}


class FactInput(BaseModel, frozen=True):
    """An input of a derived figure."""

    text: str
    target: str
    label: str = ""


class Fact(BaseModel, frozen=True):
    """A printed value with its evidence, as in ``facts.json``."""

    section: str
    printed: str
    target: str
    source_id: str = ""
    quotation: str = ""
    row_ids: tuple[str, ...] = ()
    formula: str = ""
    inputs: tuple[FactInput, ...] = ()
    statement: str = ""
    basis: str = ""


@dataclass(frozen=True)
class Figure:
    """A chart of an edition.

    Parameters
    ----------
    label : str
        ``fig-…``.
    headline, subtitle, caption, description : str
        Its words; the description is the alternative text.
    rows : list of dict
        Its data, table after table, without columns that only rank.
    drawing : str
        Digest of everything else in the specification.
    """

    label: str
    headline: str
    subtitle: str
    caption: str
    description: str
    rows: list[Datum]
    drawing: str


@dataclass(frozen=True)
class EditionFolder:
    """An edition as it stands in its folder.

    Parameters
    ----------
    name : str
        The folder as the user named it.
    folder : Path
        The folder.
    manifest : Manifest
        How it was made.
    facts : tuple of Fact
        Every value that it prints, in reading order.
    rows : KnownRows or None
        The rows that it knows; ``None`` where its folder has no ``rows.json``.
    """

    name: str
    folder: Path
    manifest: Manifest
    facts: tuple[Fact, ...]
    rows: KnownRows | None

    @property
    def side(self) -> Side:
        """The edition as the head of a comparison names it."""
        parameters = self.manifest.parameters
        lines = [
            f"{name} = {value_text(value)}"
            for name, value in parameters.items()
            if name != "as_of" and value not in (None, "", [], _DEFAULTS.get(name))
        ]
        return Side(self.name, str(parameters.get("as_of", "")), tuple(lines), self.manifest.engine)

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """The charts by label.

        Raises
        ------
        EditionError
            If the specification of a chart cannot be read.
        """
        return {path.stem: _figure(self.name, path) for path in sorted((self.folder / "figures").glob("fig-*.json"))}

    @cached_property
    def chapters(self) -> dict[str, str]:
        """The chapters' Markdown by the name of their notebook, in the order of the report.

        Raises
        ------
        AlliancesError
            If a notebook cannot be read, or holds what no report can show.
        """
        # nbformat takes a while to import, and not every comparison asks for the text.
        from alliances.execution.notebooks import read
        from alliances.staging.chapters import read_chapter

        paths = {path.stem: path for path in sorted((self.folder / "notebooks").glob("*.ipynb"))}
        first_use = [fact.section.removeprefix("sec-") for fact in self.facts]
        order = dict.fromkeys(name for name in (*first_use, *paths) if name in paths)
        return {name: read_chapter(name, read(paths[name])).markdown for name in order}

    @cached_property
    def chapter_titles(self) -> dict[str, str]:
        """Heading of each chapter by its label."""
        found = {}
        for name, markdown in self.chapters.items():
            heading = re.search(r"^# +(.+?)(?: *\{#.*\})? *$", markdown, re.MULTILINE)
            found[f"sec-{name}"] = heading[1] if heading else name
        return found

    def source_name(self, source_id: str) -> str:
        """Return how the report names a source; its id where the folder does not say."""
        sources = self.rows.tables.get("sources", ()) if self.rows else ()
        return next((source.text for source in sources if source.row_id == source_id), source_id)


def read_edition(path: Path) -> EditionFolder:
    """Read the edition that stands in a folder.

    Parameters
    ----------
    path : Path
        The folder, as `alliances build` writes it.

    Raises
    ------
    EditionError
        If it holds no edition, or a file of the edition cannot be read.
    """
    if path.is_file():
        raise EditionError(f"{path} is a file; name the folder of an edition, which holds manifest.json.")
    if not path.is_dir():
        raise EditionError(f"There is no folder {path}; name the folder of an edition, such as report/_output.")
    if not (path / "manifest.json").is_file():
        raise EditionError(
            f"{path} is no edition, since it holds no manifest.json; name a folder that `alliances build` wrote."
        )
    rows = path / FILE_NAME
    return EditionFolder(
        name=str(path),
        folder=path,
        manifest=_read(path / "manifest.json", TypeAdapter(Manifest)),
        facts=_read(path / "facts.json", TypeAdapter(tuple[Fact, ...])),
        rows=_read(rows, TypeAdapter(KnownRows)) if rows.exists() else None,
    )


def _read(path: Path, kind: TypeAdapter[Model]) -> Model:
    try:
        return kind.validate_json(path.read_bytes())
    except FileNotFoundError:
        raise EditionError(
            f"{path.parent} is no complete edition, since it holds no {path.name}; build it again."
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        found = f"{where}: {first['msg']}" if where else first["msg"]
        raise EditionError(f"{path} cannot be read ({found}); build the edition again.") from error


def _figure(edition: str, path: Path) -> Figure:
    try:
        spec = json.loads(path.read_bytes())
        if not isinstance(spec, dict):
            raise ValueError("it is not a Vega-Lite specification")
    except ValueError as error:
        raise EditionError(
            f"{edition}: the chart figures/{path.name} cannot be read ({error}); build the edition again."
        ) from error
    title = spec.pop("title", "")
    words = title if isinstance(title, dict) else {"text": title}
    meta = spec.pop("usermeta", {})
    tables = spec.pop("datasets", {})
    return Figure(
        label=path.stem,
        headline=_one_line(words.get("text", "")),
        subtitle=_one_line(words.get("subtitle", "")),
        caption=plain_markdown(str(meta.get("caption", ""))),
        description=str(spec.pop("description", "")),
        rows=[_unranked(row) for table in tables.values() if isinstance(table, list) for row in table],
        drawing=_digest(spec, tables),
    )


def _one_line(text: Any) -> str:
    return " ".join(str(line) for line in text) if isinstance(text, list) else str(text)


def _digest(spec: dict[str, Any], tables: dict[str, Any]) -> str:
    text = json.dumps(spec, sort_keys=True)
    for number, name in enumerate(tables):
        text = text.replace(json.dumps(name), f'"data-{number}"')  # Altair names a table by its contents
    return hashlib.sha256(text.encode()).hexdigest()


def _unranked(row: Any) -> Datum:
    """Drop a column that repeats another one after a number: it only sorts, and one new row changes all."""
    if not isinstance(row, dict):
        return {"value": row}
    texts = {value for value in row.values() if isinstance(value, str)}

    def ranks(value: Any) -> bool:
        found = _RANKED.fullmatch(value) if isinstance(value, str) else None
        return found is not None and found[1] in texts

    return {column: value for column, value in row.items() if not ranks(value)}


def plain_markdown(text: str) -> str:
    """Return Markdown of one line without its links, emphasis and escapes."""
    text = re.sub(r'\[((?:\\.|[^\]\\])*)\]\([^()\s]*(?: "[^"]*")?\)', r"\1", text)
    return re.sub(r"\\([^\w\s])", r"\1", re.sub(r"(?<!\\)[*`]", "", text))


def value_text(value: Any) -> str:
    """Print a value of a parameter or of a chart's datum."""
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return f"{int(value):,}"
    if isinstance(value, list):
        return ", ".join(value_text(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return f"{value:,}" if isinstance(value, int) else str(value)
