"""Reads the tables of the data package as they stand in their files, and names their parts."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from alliances.errors import DataError

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

#: Tables whose rows can be named as evidence, with the column that holds the row's id.
ROW_TABLES: dict[str, str] = {
    **FACT_TABLES,
    "public_record": "record_id",
    "disagreements": "disagreement_id",
    "judgements": "judgement_id",
}

#: How the ids of a table's rows begin: obs-, mem- … after their key, r- for the public record.
ROW_PREFIXES: dict[str, str] = {
    table: "r-" if table == "public_record" else f"{key[:3]}-" for table, key in ROW_TABLES.items()
}

#: A table as read: its rows in file order, every cell a string.
Raw = dict[str, list[dict[str, str]]]

#: One row of a cell `row-id (reason); row-id (reason)`.
ASIDE = r"([^\s;()]+)\s*\((.+?)\)(?:;\s*|$)"


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
    """Read `data/datapackage.json`; DataError if it is missing, is not JSON, or lists no tables."""
    file = "data/datapackage.json"
    try:
        descriptor = json.loads((root / file).read_text(encoding="utf-8-sig"))
        for resource in descriptor["resources"]:
            resource["name"], resource["path"], [field["name"] for field in resource["schema"]["fields"]]
    except OSError:
        raise DataError(f"{file} cannot be read in {root}: restore it.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 (byte {error.start}): save it again with the encoding UTF-8.") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{file} is not JSON (line {error.lineno}: {error.msg}): correct that line.") from None
    except (KeyError, TypeError) as error:
        raise DataError(f"{file} is not a data package of tables (it lacks {error}): restore it.") from None
    return dict(descriptor)


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


def decode(content: bytes) -> str:
    """Decode a table: UTF-8 with or without a byte-order mark, line ends of any system."""
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def read_tables(root: Path, names: Collection[str] | None = None) -> Raw:
    """Read tables of the data package, all of them by default; DataError if one is missing or is not UTF-8.

    A column that the package does not list is kept; one that the file lacks is filled with empty cells.
    """
    return {
        resource["name"]: list(_rows(root / "data" / resource["path"], list(field_types(resource))))
        for resource in read_descriptor(root)["resources"]
        if names is None or resource["name"] in names
    }


def meanings(tables: Raw) -> Callable[[str, str, str], bool]:
    """Return a function that says whether a term of a vocabulary means something, by the words in `labels`."""
    words = {(row["vocabulary"], row["term"]): row["meaning"].split() for row in tables.get("labels", ())}
    return lambda vocabulary, term, meaning: meaning in words.get((vocabulary, term), ())


def iter_facts(tables: Mapping[str, list[dict[str, str]]]) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Go through the rows of all fact tables: table, row as a spreadsheet counts it, and the row."""
    for table in FACT_TABLES:
        for number, row in enumerate(tables.get(table, ()), start=2):
            yield table, number, row


def _rows(path: Path, columns: list[str]) -> Iterator[dict[str, str]]:
    relative = f"data/{path.name}"
    try:
        text = decode(path.read_bytes())
    except OSError:
        raise DataError(f"{relative} does not exist, but data/datapackage.json lists it: restore the file.") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{relative} is not UTF-8 (byte {error.start}): save it again with the encoding UTF-8."
        ) from None
    empty = dict.fromkeys(columns, "")
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader, [])
    for cells in reader:
        if any(cells):
            yield empty | dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=False))
