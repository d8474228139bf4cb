"""What the dataset hands out: quotations, sources, rows, labels and scenario parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, TypeVar

from alliances.dataset.tables import split_list
from alliances.errors import DataError


class Quote(NamedTuple):
    """A quotation, as in `data/quotes.csv`."""

    quote_id: str
    source_id: str
    exact: str
    prefix: str
    suffix: str


class Source(NamedTuple):
    """A source text, as in `data/sources.csv`; `published` is the best estimate within its window."""

    source_id: str
    mark: str
    short_name: str
    file: str
    title: str
    publisher: str
    authors: tuple[str, ...]
    published: date
    published_from: date
    published_to: date
    published_basis: str
    descriptor: str


class Scenario(NamedTuple):
    """A scenario parameter, as in `data/parameters.csv`; `default` is None where nothing is set."""

    name: str
    type: str
    unit: str
    minimum: int | float
    maximum: int | float
    default: int | float | None
    meaning: str
    example: int | float


class Label(NamedTuple):
    """How a term is printed, as in `data/labels.csv`; one that is not `known` stands as it is, with spaces for `_`."""

    term: str
    label: str
    plural: str
    article: str
    meaning: str
    known: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table of facts, of the public record, or of `disagreements`; those two have no source and no quotes.

    `values` are strings ("" for missing), floats (NaN) in `number` columns, True, False or None in `boolean` ones.
    """

    table: str
    row_id: str
    source_id: str
    values: Mapping[str, Any]
    quote_ids: tuple[str, ...]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]


_Record = TypeVar("_Record", Quote, Source, Scenario)
#: How a cell is read, by the type of its column or of the attribute of a record.
_READERS: dict[Any, Callable[[str], Any]] = {
    "number": lambda cell: float(cell or "nan"),
    "integer": lambda cell: int(cell) if cell else None,
    "boolean": {"true": True, "false": False}.get,
    date: date.fromisoformat,
    tuple[str, ...]: lambda cell: tuple(split_list(cell)),
    int | float: lambda cell: None if not cell else int(cell) if cell.lstrip("+-").isdigit() else float(cell),
}
_READERS[int | float | None] = _READERS[int | float]


def convert(cell: str, kind: Any) -> Any:
    """Give a cell the type of its column, or of an attribute of a record; DataError if it is none."""
    try:
        return _READERS.get(kind, str)(cell)
    except ValueError:
        raise DataError(f"“{cell}” cannot be read: run `alliances check` to see where it stands.") from None


def record(kind: type[_Record], row: Mapping[str, str]) -> _Record:
    """Make a record of a row as read; other columns are left aside."""
    return kind(**{name: convert(row[name], hint) for name, hint in kind.__annotations__.items()})
