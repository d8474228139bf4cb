"""What the dataset hands out: quotations, sources, rows, labels and scenario parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, TypeVar

from alliances.dataset.tables import split_list
from alliances.errors import DataError


@dataclass(frozen=True, slots=True)
class Quote:
    """A quotation, as in `data/quotes.csv`."""

    quote_id: str
    source_id: str
    exact: str
    prefix: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Source:
    """A source text, as in `data/sources.csv`; `published` is the best estimate within its window."""

    source_id: str
    mark: str
    short_name: str
    file: str
    title: str
    publisher: str
    authors: tuple[str, ...]
    genre: str
    published: date
    published_from: date
    published_to: date
    published_basis: str
    descriptor: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table of facts, of the public record, or of `disagreements`.

    `values` holds its cells: strings ("" for missing), floats (NaN for missing) in `number` columns, True,
    False or None in `boolean` ones. `source_id` and `quote_ids`, the main quotation first, are empty
    outside the tables of facts.
    """

    table: str
    row_id: str
    source_id: str
    values: Mapping[str, Any]
    quote_ids: tuple[str, ...]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]


@dataclass(frozen=True, slots=True)
class Label:
    """How a term is printed, as in `data/labels.csv`; `plural` is the label where the table gives none.

    A term that is not there is not `known`: it is printed as it stands, with spaces for underscores.
    """

    term: str
    label: str
    plural: str
    article: str
    meaning: str
    known: bool


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario parameter, as in `data/parameters.csv`; `default` is None where nothing is set."""

    name: str
    type: str
    unit: str
    minimum: int | float
    maximum: int | float
    default: int | float | None
    meaning: str
    example: int | float


_Record = TypeVar("_Record", Quote, Source, Scenario)


def record(kind: type[_Record], row: Mapping[str, str]) -> _Record:
    """Make a record of a row as read; other columns are left aside."""
    cells: dict[str, Any] = {field.name: row[field.name] for field in fields(kind)}
    for field in fields(kind):
        name, cell = field.name, cells[field.name]
        try:
            match field.type:
                case "date":
                    cells[name] = date.fromisoformat(cell)
                case "tuple[str, ...]":
                    cells[name] = tuple(split_list(cell))
                case "int | float" | "int | float | None":
                    cells[name] = None if not cell else int(cell) if cell.lstrip("+-").isdigit() else float(cell)
        except ValueError:
            first = next(iter(row.values()))
            raise DataError(
                f"{first}, column {name}: “{cell}” is no {'ISO date' if field.type == 'date' else 'number'}: "
                "run `alliances check` to see where it stands."
            ) from None
    return kind(**cells)
