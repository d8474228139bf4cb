"""Reads the tables of the data package as they stand in their files, says why a file is none, and types their rows."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from alliances.dataset.problems import Problem, shorten
from alliances.errors import DataError
from alliances.text.reading import damage, read_utf8

#: Tables whose rows carry `quote_ids`, with the column that holds the row's id.
FACT_TABLES: dict[str, str] = {
    "characteristics": "characteristic_id",
    "memberships": "membership_id",
    "positions": "position_id",
    "event_accounts": "account_id",
    "observations": "observation_id",
    "capabilities": "capability_id",
    "statements": "statement_id",
}
#: Tables whose rows are evidence.
EVIDENCE = (*FACT_TABLES, "public_record")
#: Tables whose rows have an id of their own kind, with the column that holds it.
ROW_TABLES = {**FACT_TABLES, "public_record": "record_id", "disagreements": "disagreement_id",
              "judgements": "judgement_id"}  # fmt: skip
#: How the ids of a table's rows begin: obs-, mem- … after their key, r- for the public record.
ROW_PREFIXES = {table: f"{key[:3]}-" for table, key in ROW_TABLES.items()} | {"public_record": "r-"}
_OTHERS = "sources quotes actors countries labels parameters alliances events indicators exclusions".split()

#: A table as read: its rows in file order, every cell a string; facts with the `source_id` of their first quotation.
Raw = dict[str, list[dict[str, str]]]
#: One row of a cell `row-id (reason); row-id (reason)`.
ASIDE = r"([^\s;()]+)\s*\((.+?)\)(?:;\s*|$)"


def split_list(cell: str) -> list[str]:
    """Split a cell that holds a list, with `; ` between its parts."""
    return [part.strip() for part in cell.split(";") if part.strip()]


def split_aside(cell: str) -> dict[str, str]:
    """Split a cell `row-id (reason); row-id (reason)` into reasons by row id."""
    return {found[1]: found[2].strip() for found in re.finditer(ASIDE, cell)}


def read_descriptor(root: Path) -> dict[str, Any]:
    """Read `data/datapackage.json`, its tables by name as `resources`; DataError if it is no such package."""
    file = "data/datapackage.json"
    try:
        descriptor = json.loads(read_utf8(root / file, file, DataError, f"restore it in {root}"))
        tables = {resource["name"]: resource for resource in descriptor["resources"]}
        [field["name"] for name in (*ROW_TABLES, *_OTHERS) for field in tables[name]["schema"]["fields"]]
    except json.JSONDecodeError as error:
        raise DataError(f"{file} is not JSON (line {error.lineno}: {error.msg}): correct that line.") from None
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{file} is not a data package of tables (it lacks {error}): restore it.") from None
    return {**descriptor, "resources": tables}


def coded(resource: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns of a table that hold terms, each with its vocabulary."""
    fields = (f for f in resource["schema"]["fields"] if "vocabulary" in f or "enum" in f.get("constraints", {}))
    return {field["name"]: field.get("vocabulary", field["name"]) for field in fields}


def read_tables(root: Path) -> Raw:
    """Read the tables of the data package; DataError with the first fault of a file."""
    tables, problems = read_files(root, read_descriptor(root)["resources"])
    if problems:
        raise DataError(str(problems[0]))
    return tables


def read_files(root: Path, resources: Mapping[str, Any]) -> tuple[Raw, list[Problem]]:
    """Read the tables of a package, and say what keeps files from being read; other columns are kept."""
    columns = {name: [field["name"] for field in resource["schema"]["fields"]] for name, resource in resources.items()}
    found = {name: list(_rows(root / f"data/{name}.csv", each)) for name, each in columns.items()}
    tables = {name: [row for row in rows if isinstance(row, dict)] for name, rows in found.items()}
    sources = {row["quote_id"]: row["source_id"] for row in tables["quotes"]}
    for row in (row for table in FACT_TABLES for row in tables[table]):
        row["source_id"] = sources.get(next(iter(split_list(row["quote_ids"])), ""), "")
    return tables, [row for rows in found.values() for row in rows if isinstance(row, Problem)]


def meanings(tables: Raw) -> Callable[[str, str, str], bool]:
    """Return a function that says whether a term of a vocabulary means something, by the words in `labels`."""
    words = {(row["vocabulary"], row["term"]): row["meaning"].split() for row in tables["labels"]}
    return lambda vocabulary, term, meaning: meaning in words.get((vocabulary, term), ())


def _rows(path: Path, columns: list[str]) -> Iterator[dict[str, str] | Problem]:
    """Give the rows of a file, and a problem for whatever keeps it from being a table."""
    wrong, number, header = partial(Problem, f"data/{path.stem}.csv"), 0, list[str]()
    content = path.read_bytes() if path.is_file() else b""
    if not content.strip():
        yield wrong(1 if path.is_file() else None, "", "the file is missing or empty", "every table has one",
                    f"restore it, or begin it with the header {','.join(columns)}")  # fmt: skip
        return
    if found := damage(content):
        yield wrong(found[0], "", found[1], "a table is text in UTF-8, and holds rows only", found[2])
        return
    csv.field_size_limit(100_000)  # some packages raise it
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=None), strict=True)
        for number, cells in enumerate(lines, start=1):
            if number == 1:
                header = cells
                if fault := _header_fault(header, columns):
                    yield wrong(1, *fault)
                    return
            elif not any(cells):
                yield wrong(number, "", "the row is empty", "every row holds data", "delete the row")
            elif len(cells) != len(header):
                # The first cell that is missing or too many shows where to look.
                yield wrong(number, header[min(len(cells), len(header) - 1)], f"the row has {len(cells)} cells",
                            f"every row has {len(header)}, as the header", "add or remove commas, put a cell that "
                            "holds a comma in double quotes, and write decimals after a point")  # fmt: skip
            else:
                yield dict.fromkeys(columns, "") | dict(zip(header, cells, strict=True))
    except csv.Error as error:
        yield wrong(number + 1, "", f"the row cannot be read ({error})",
                    "a cell that holds a comma, a quotation mark or a line end stands in double quotes",
                    'close the quotes and write " inside them twice')  # fmt: skip


def _header_fault(found: list[str], columns: list[str]) -> tuple[str, str, str, str] | None:
    if len(found) == 1 and (separator := re.search("[;\t]", found[0])):
        name = {";": "semicolons", "\t": "tabs"}[separator[0]]
        return (columns[0], f"the cells are separated by {name}", "every table has commas",
                "save it again with commas between its cells (and decimals after a point)")  # fmt: skip
    if not (missing := [c for c in columns if c not in found]):
        return None  # a column more, or another order, is welcome
    return (missing[0], f"the header, {shorten(','.join(found))}, lacks {', '.join(missing)}",
            f"it must have {','.join(columns)}", "put it right in the first row")  # fmt: skip


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
    int | float: json.loads,
    int | float | None: lambda cell: json.loads(cell or "null"),
}


def convert(cell: str, kind: Any) -> Any:
    """Give a cell the type of its column, or of an attribute of a record; DataError if it is none."""
    try:
        return _READERS.get(kind, str)(cell)
    except ValueError:
        raise DataError(f"“{cell}” cannot be read: run `alliances check` to see where it stands.") from None


def cells(rows: Iterable[Mapping[str, str]], column: str, kind: Any) -> list[Any]:
    """Give the cells of a column its type."""
    return [convert(row[column], kind) if kind in _READERS else row[column] for row in rows]


def record(kind: type[_Record], row: Mapping[str, str]) -> _Record:
    """Make a record of a row as read; other columns are left aside."""
    return kind(**{name: convert(row[name], hint) for name, hint in kind.__annotations__.items()})
