"""Reads the tables of the data package as they stand in their files, and names their parts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from alliances.errors import DataError

__all__ = [
    "FACT_TABLES",
    "ROW_PREFIXES",
    "Raw",
    "data_path",
    "iter_facts",
    "read_descriptor",
    "read_tables",
    "split_list",
]

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

#: How the ids of a table's rows begin.
ROW_PREFIXES: dict[str, str] = {
    "characteristics": "cha-",
    "memberships": "mem-",
    "positions": "pos-",
    "event_accounts": "acc-",
    "observations": "obs-",
    "capabilities": "cap-",
    "statements": "sta-",
    "disagreements": "dis-",
    "judgements": "jud-",
}

#: A table as read: its rows in file order, every cell a string.
Raw = dict[str, list[dict[str, str]]]


def data_path(table: str) -> str:
    """Return the path of a table below the root, as messages name it."""
    return f"data/{table}.csv"


def split_list(cell: str) -> list[str]:
    """Split a cell that holds a list, with `; ` between its parts."""
    return [part.strip() for part in cell.split(";") if part.strip()]


def read_descriptor(root: Path) -> dict[str, Any]:
    """Read `data/datapackage.json`.

    Parameters
    ----------
    root : Path
        Folder that holds `data/`.

    Returns
    -------
    dict
        The package's descriptor.

    Raises
    ------
    DataError
        If the file is missing or is not JSON.
    """
    path = root / "data" / "datapackage.json"
    try:
        descriptor: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"{path} does not exist: choose a folder that holds data/datapackage.json, "
            "or restore the file from version control."
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(
            f"data/datapackage.json is not valid JSON ({error}): correct it there or restore the file."
        ) from None
    return descriptor


def read_tables(root: Path, names: Iterable[str] | None = None) -> Raw:
    """Read tables without judging them: every cell a string, missing columns as "".

    Parameters
    ----------
    root : Path
        Folder that holds `data/`.
    names : iterable of str, optional
        Tables to read; all of the package by default.

    Returns
    -------
    dict of str to list of dict
        The rows of each table, in file order.

    Raises
    ------
    DataError
        If a table is missing or is not UTF-8.
    """
    wanted = None if names is None else set(names)
    tables: Raw = {}
    for resource in read_descriptor(root)["resources"]:
        name: str = resource["name"]
        if wanted is None or name in wanted:
            columns = [field["name"] for field in resource["schema"]["fields"]]
            tables[name] = list(_rows(root / "data" / resource["path"], columns))
    return tables


def iter_facts(tables: Mapping[str, list[dict[str, str]]]) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Go through the rows of all fact tables.

    Yields
    ------
    tuple of (str, int, dict)
        Table, row as a spreadsheet counts it (the header is row 1), and the row.
    """
    for table in FACT_TABLES:
        for number, row in enumerate(tables.get(table, ()), start=2):
            yield table, number, row


def _rows(path: Path, columns: list[str]) -> Iterator[dict[str, str]]:
    relative = f"data/{path.name}"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{relative} does not exist, but data/datapackage.json lists it: restore the file.") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{relative} is not UTF-8 (byte {error.start}): save it again with the encoding UTF-8."
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""))
    next(reader, None)
    for cells in reader:
        if cells:
            yield dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))], strict=False))
