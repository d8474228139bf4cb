"""The neutral data set in tests/river, on a river that does not exist: copied, and changed cell by cell."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

RIVER = Path(__file__).parent / "river"


def copy_river(target: Path) -> Path:
    """Copy the river's project into a folder of its own, and return that."""
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(RIVER, target, ignore=shutil.ignore_patterns(".cache", "_output")))


def read_table(root: Path, table: str) -> list[dict[str, str]]:
    with (root / "data" / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_table(root: Path, table: str, rows: Iterable[dict[str, str]]) -> None:
    """Write rows under the file's own header, and under any column that the rows add."""
    rows = list(rows)
    path = root / "data" / f"{table}.csv"
    header = next(csv.reader([path.read_text("utf-8").split("\n", 1)[0]]))
    columns = list(dict.fromkeys([*header, *(column for row in rows for column in row)]))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def change(root: Path, table: str, row_id: str, **cells: str) -> int:
    """Change cells of the row whose first column is `row_id`; return its number in a spreadsheet."""
    rows = read_table(root, table)
    index = next(i for i, row in enumerate(rows) if next(iter(row.values())) == row_id)
    rows[index] |= cells
    write_table(root, table, rows)
    return index + 2


def add(root: Path, table: str, **cells: str) -> int:
    """Add a row; return its number in a spreadsheet."""
    rows = [*read_table(root, table), cells]
    write_table(root, table, rows)
    return len(rows) + 1


def descriptor(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / "data" / "datapackage.json").read_text("utf-8")))
