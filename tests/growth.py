"""The project after years of use: each text again and again, a month later each time, with all its rows."""

from __future__ import annotations

import csv
import hashlib
import shutil
from datetime import date, timedelta
from pathlib import Path

PARTS = ("data", "seeds", "notebooks", "report")
Rows = list[dict[str, str]]
_DAYS = ("published", "published_from", "published_to")


def grow(project: Path, target: Path, factor: int) -> None:
    """Copy a project and let it have `factor` times as many texts, quotations, exclusions and rows of facts."""
    for part in PARTS:
        shutil.copytree(project / part, target / part, ignore=shutil.ignore_patterns("_output", "worklists"))
    paths = sorted((target / "data").glob("*.csv"))
    tables = {path.stem: _read(path) for path in paths}
    facts = [name for name, rows in tables.items() if rows and "quote_ids" in rows[0]]
    for table in ("sources", "quotes", "exclusions", *facts):
        rows = [_again(table, row, k, tables["sources"], target) for k in range(1, factor) for row in tables[table]]
        with (target / "data" / f"{table}.csv").open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, list(tables[table][0]), lineterminator="\n").writerows(rows)


def _read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _again(table: str, row: dict[str, str], k: int, sources: Rows, target: Path) -> dict[str, str]:
    """Return a row of the copy `k` of a text; of a text write its file, too."""
    key = next(iter(row))
    new = row | {key: f"{row[key]}-c{k}"}
    for column in {"quote_ids", "same_as", "source_id"} & row.keys() - {key}:
        new[column] = "; ".join(f"{one}-c{k}" for one in row[column].split("; ") if one)
    if table != "sources":
        return new
    name = Path(row["file"]).name
    content = (target / "seeds" / name).read_bytes() + b"\n" * k
    (target / "seeds" / f"c{k}-{name}").write_bytes(content)
    days = {c: (date.fromisoformat(row[c]) + timedelta(30 * k)).isoformat() for c in row if c in _DAYS}
    told = {c: f"{row[c]} {k}" for c in ("title", "short_name", "descriptor")}
    mark = _letters(len(sources) * k + sources.index(row))
    return new | days | told | {"mark": mark, "file": f"c{k}-{name}", "sha256": hashlib.sha256(content).hexdigest()}


def _letters(number: int) -> str:
    return (_letters(number // 26 - 1) if number > 25 else "") + chr(65 + number % 26)
