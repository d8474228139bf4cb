"""Reads the tables of the data package as they stand in their files, names their parts, and says why a file is none."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

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
_LONGEST = 100_000  # characters of a cell


def data_path(table: str) -> str:
    """Return the path of a table below the root, as messages name it."""
    return f"data/{table}.csv"


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
        for resource in (tables[name] for name in (*ROW_TABLES, *_OTHERS)):
            [field["name"] for field in resource["schema"]["fields"]]
    except json.JSONDecodeError as error:
        raise DataError(f"{file} is not JSON (line {error.lineno}: {error.msg}): correct that line.") from None
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{file} is not a data package of tables (it lacks {error}): restore it.") from None
    return {**descriptor, "resources": tables}


def field_types(resource: Mapping[str, Any]) -> dict[str, str]:
    """Return the type of each column of a table by name."""
    return {field["name"]: field.get("type", "string") for field in resource["schema"]["fields"]}


def coded(resource: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns of a table that hold terms, each with its vocabulary."""
    return {
        field["name"]: field.get("vocabulary", field["name"])
        for field in resource["schema"]["fields"]
        if "vocabulary" in field or "enum" in field.get("constraints", {})
    }


def read_tables(root: Path) -> Raw:
    """Read the tables of the data package; DataError with the first fault of a file."""
    tables, problems = read_files(root, read_descriptor(root)["resources"])
    if problems:
        raise DataError(str(problems[0]))
    return tables


def read_files(root: Path, resources: Mapping[str, Any]) -> tuple[Raw, list[Problem]]:
    """Read the tables of a package, and say what keeps files from being read; other columns are kept."""
    found = {name: list(_rows(root / data_path(name), list(field_types(r)))) for name, r in resources.items()}
    tables = {name: [row for row in rows if isinstance(row, dict)] for name, rows in found.items()}
    problems = [Problem(data_path(n), *row) for n, rows in found.items() for row in rows if isinstance(row, tuple)]
    sources = {row["quote_id"]: row["source_id"] for row in tables["quotes"]}
    for row in (row for table in FACT_TABLES for row in tables[table]):
        row["source_id"] = sources.get(next(iter(split_list(row["quote_ids"])), ""), "")
    return tables, problems


def meanings(tables: Raw) -> Callable[[str, str, str], bool]:
    """Return a function that says whether a term of a vocabulary means something, by the words in `labels`."""
    words = {(row["vocabulary"], row["term"]): row["meaning"].split() for row in tables["labels"]}
    return lambda vocabulary, term, meaning: meaning in words.get((vocabulary, term), ())


#: Row, column, what was found, what is allowed, what to do.
_Fault = tuple[int | None, str, str, str, str]


def _rows(path: Path, columns: list[str]) -> Iterator[dict[str, str] | _Fault]:
    """Give the rows of a file, and a fault for whatever keeps it from being a table."""
    header = ",".join(columns)
    if not path.is_file():
        yield (None, "", "the file is missing", "data/datapackage.json lists it",
               f"restore it, or create it with the header {header}")  # fmt: skip
        return
    content = path.read_bytes()
    text = content.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    if found := damage(content):
        yield found[0], "", found[1], "a table is text in UTF-8, and holds rows only", found[2]
    elif not text.strip():
        yield 1, "", "the file is empty", "its first row must be the header", f"restore it, or begin it with {header}"
    else:
        yield from _cells(text, columns)


def _cells(text: str, columns: list[str]) -> Iterator[dict[str, str] | _Fault]:
    number, header = 0, list[str]()
    csv.field_size_limit(_LONGEST)  # some packages raise it
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), start=1):
            if number == 1:
                header = cells
                if fault := _header_fault(header, columns):
                    yield fault
                    return
            elif not any(cells):
                yield number, "", "the row is empty", "every row holds data", "delete the row"
            elif len(cells) != len(header):
                # The first cell that is missing or too many shows where to look.
                yield (number, header[min(len(cells), len(header) - 1)], f"the row has {len(cells)} cells",
                       f"every row has {len(header)}, as the header", "add or remove commas, put a cell that holds a "
                       "comma in double quotes, and write decimals after a point")  # fmt: skip
            else:
                yield dict.fromkeys(columns, "") | dict(zip(header, cells, strict=True))
    except csv.Error as error:
        is_long = "limit" in str(error)
        why = f"has a longer cell than {_LONGEST:,} characters" if is_long else f"cannot be read ({error})"
        yield (number + 1, "", f"the row {why}",
               "a cell that holds a comma, a quotation mark or a line end stands in double quotes",
               'close the quotes and write " inside them twice')  # fmt: skip


def _header_fault(found: list[str], columns: list[str]) -> _Fault | None:
    if len(found) == 1 and (separator := re.search("[;\t]", found[0])):
        name = {";": "semicolons", "\t": "tabs"}[separator[0]]
        return (1, columns[0], f"the cells are separated by {name}", "every table has commas",
                "save it again with commas between its cells (and decimals after a point)")  # fmt: skip
    missing = [c for c in columns if c not in found]
    twice = sorted({c for c in found if found.count(c) > 1})
    if not missing and not twice:
        return None  # a column more, or another order, is welcome
    wrong, what = missing or twice, "lacks" if missing else "has twice"
    return (1, wrong[0], f"the header, {shorten(','.join(found))}, {what} {', '.join(wrong)}",
            f"it must have {','.join(columns)}", "put it right in the first row")  # fmt: skip
