"""Checks the tables against `data/datapackage.json`: first the files, then Frictionless.

Frictionless decides what is valid; each of its findings becomes one sentence that says where it is,
what was found, what is allowed and what to do.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from alliances.dataset.problems import Problem, nearest, shorten
from alliances.dataset.tables import Raw

__all__ = ["check_files", "check_schema"]

_TYPES = {
    "number": ("a number with a point before its decimals and nothing else", "write digits only, e.g. 1500"),
    "integer": ("a whole number", "write digits only"),
    "boolean": ("true or false", "write true or false in small letters"),
    "date": ("an ISO date", "write year, month and day, e.g. 2025-03-20"),
}


def check_files(root: Path, descriptor: Mapping[str, Any]) -> list[Problem]:
    """Check that each table can be read: present, UTF-8, plain line ends, the header, cells in each row.

    Parameters
    ----------
    root : Path
        Folder that holds `data/`.
    descriptor : mapping
        The data package.

    Returns
    -------
    list of Problem
        As long as there is one, the rows themselves cannot be judged.
    """
    problems: list[Problem] = []
    for resource in descriptor["resources"]:
        columns = [field["name"] for field in resource["schema"]["fields"]]
        problems += _check_file(root / "data" / resource["path"], f"data/{resource['path']}", columns)
    return problems


def _check_file(path: Path, file: str, columns: list[str]) -> list[Problem]:
    header = ",".join(columns)
    try:
        content = path.read_bytes()
    except OSError:
        return [
            Problem(file, None, "", "the file is missing", "data/datapackage.json lists it",
                    f"restore it, or create it with the header {header}")
        ]  # fmt: skip
    if not content.strip():
        return [
            Problem(file, 1, "", "the file is empty", "its first row must be the header",
                    f"restore it, or begin it with {header}")
        ]  # fmt: skip
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        row, column = _cell_at(content[: error.start].decode("utf-8"), columns)
        return [
            Problem(file, row, column, f"byte 0x{content[error.start]:02x} is not UTF-8",
                    "every table is UTF-8", "save the file again with the encoding UTF-8")
        ]  # fmt: skip
    problems: list[Problem] = []
    if text.startswith("\ufeff"):
        problems.append(
            Problem(file, 1, columns[0], "the file begins with a byte-order mark (BOM)", "UTF-8 without it",
                    "save the file as “UTF-8”, not as “UTF-8 with BOM”")
        )  # fmt: skip
        text = text[1:]
    if "\r" in text:
        row, _ = _cell_at(text[: text.index("\r")], columns)
        problems.append(
            Problem(file, row, "", "the line ends are those of Windows (CRLF)", "every line ends with LF",
                    "save the file with the line ends of Unix (LF)")
        )  # fmt: skip
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return problems + list(_check_shape(text, file, columns))


def _cell_at(before: str, columns: list[str]) -> tuple[int, str]:
    """Return row and column of the cell that follows `before`, the beginning of a table."""
    try:
        rows = list(csv.reader(io.StringIO(before.removeprefix("\ufeff") + "x", newline="")))
    except csv.Error:
        return before.count("\n") + 1, ""
    last = len(rows[-1])
    return len(rows), columns[last - 1] if last <= len(columns) else ""


def _check_shape(text: str, file: str, columns: list[str]) -> Iterator[Problem]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    row = 0
    try:
        for row, cells in enumerate(reader, start=1):
            if row == 1:
                if cells != columns:
                    yield _header_problem(file, cells, columns)
                    return
            elif not any(cells):
                yield Problem(file, row, "", "the row is empty", "every row holds data", "delete the row")
            elif len(cells) != len(columns):
                # The first cell that is missing or too many shows where to look.
                column = columns[len(cells)] if len(cells) < len(columns) else columns[-1]
                yield Problem(
                    file, row, column, f"the row has {len(cells)} cells",
                    f"every row has {len(columns)}, as the header",
                    "add or remove commas, and put a cell that holds a comma in double quotes",
                )  # fmt: skip
    except csv.Error as error:
        yield Problem(
            file, row + 1, "", f"the row cannot be read ({error})",
            "a cell that holds a comma, a quotation mark or a line end stands in double quotes",
            'close the quotes and write " inside them twice',
        )  # fmt: skip


def _header_problem(file: str, found: list[str], columns: list[str]) -> Problem:
    missing = [c for c in columns if c not in found]
    extra = [c for c in found if c not in columns]
    if missing or extra:
        parts = [f"lacks {', '.join(missing)}"] if missing else []
        parts += [f"has unknown {', '.join(map(shorten, extra))}"] if extra else []
        what = "the header " + " and ".join(parts)
        column = missing[0] if missing else extra[0]
    else:
        pairs = zip(found, columns, strict=False)
        column = next((b for a, b in pairs if a != b), columns[-1])
        what = "the header has the columns in another order or twice"
    return Problem(file, 1, column, what, f"it must be {','.join(columns)}", "put that header back as the first row")


def check_schema(root: Path, descriptor: Mapping[str, Any], tables: Raw) -> list[Problem]:
    """Validate the package with Frictionless: types, vocabularies, patterns, required cells and keys.

    Parameters
    ----------
    root : Path
        Folder that holds `data/`.
    descriptor : mapping
        The data package.
    tables : dict of str to list of dict
        The same tables as read, to quote what was found.

    Returns
    -------
    list of Problem
    """
    # Imported here because it takes 0.2 s, which a kernel that trusts its parent does not spend.
    from frictionless import FrictionlessException, Package

    file = "data/datapackage.json"
    try:
        report = Package(str(root / file)).validate()
    except FrictionlessException as exception:
        reasons = exception.reasons or [exception.error]
        return [_package_problem(file, error.note) for error in reasons]
    resources = {resource["name"]: resource for resource in descriptor["resources"]}
    problems = [_package_problem(file, error.note) for error in report.errors]
    for task in report.tasks:
        resource = resources[task.name]
        rows = tables.get(task.name, [])
        problems += [
            _from_error(error, resource, rows, tables)
            for error in task.errors
            # An empty key is told once, as a required cell.
            if error.type != "primary-key" or any(_key(error, resource, rows))
        ]
    return problems


def _package_problem(file: str, note: str) -> Problem:
    return Problem(
        file, None, "", shorten(note, 200), "the file is a Data Package with Table Schemas",
        "correct the descriptor",
    )  # fmt: skip


def _from_error(
    error: Any, resource: Mapping[str, Any], rows: list[dict[str, str]], tables: Raw
) -> Problem:  # fmt: skip
    file = f"data/{resource['path']}"
    number: int | None = getattr(error, "row_number", None)
    row = rows[number - 2] if number is not None and 0 <= number - 2 < len(rows) else {}
    match error.type:
        case "foreign-key":
            return _foreign_key(error, file, number, row, resource["name"], tables)
        case "primary-key" | "unique-error":
            columns = [error.field_name] if error.type == "unique-error" else resource["schema"]["primaryKey"]
            return _duplicate(file, number, row, columns, rows)
        case "type-error" | "constraint-error":
            field = next(f for f in resource["schema"]["fields"] if f["name"] == error.field_name)
            return _cell(file, number, row.get(error.field_name, ""), field)
        case _:
            return Problem(
                file, number, getattr(error, "field_name", "") or "", shorten(error.note or error.title, 200),
                "the table follows data/datapackage.json", "correct the table",
            )  # fmt: skip


def _foreign_key(error: Any, file: str, number: int | None, row: Mapping[str, str], table: str, tables: Raw) -> Problem:
    column: str = error.field_names[0]
    found = row.get(column, "")
    target, key = error.reference_name or table, error.reference_field_names[0]
    known = [r[key] for r in tables.get(target, [])]
    near = nearest(found, known)
    return Problem(
        file, number, column, f"“{shorten(found)}” is not in data/{target}.csv",
        f"allowed is any {key} of that table" + (f", the nearest is “{near}”" if near else ""),
        f"write an existing {key}, or add the row to data/{target}.csv",
    )  # fmt: skip


def _key(error: Any, resource: Mapping[str, Any], rows: list[dict[str, str]]) -> list[str]:
    return [rows[error.row_number - 2][column] for column in resource["schema"]["primaryKey"]]


def _duplicate(
    file: str, number: int | None, row: Mapping[str, str], columns: list[str], rows: list[dict[str, str]]
) -> Problem:
    key = [row.get(c, "") for c in columns]
    twin = next((i for i, r in enumerate(rows, start=2) if [r[c] for c in columns] == key), None)
    return Problem(
        file, number, columns[0], f"“{shorten(' / '.join(key))}” stands already in row {twin}",
        "each value may stand once in this column" if len(columns) == 1
        else f"each pair of {' and '.join(columns)} may stand once",
        "give this row another one, or delete the row that is too many",
    )  # fmt: skip


def _cell(file: str, number: int | None, found: str, field: Mapping[str, Any]) -> Problem:
    column, constraints = field["name"], field.get("constraints", {})
    if not found:
        return Problem(
            file, number, column, "the cell is empty",
            f"a value is required ({field['description'].rstrip('.')})", "fill it in",
        )  # fmt: skip
    shown = f"“{shorten(found)}”"
    if "enum" in constraints:
        near = nearest(found, constraints["enum"])
        return Problem(
            file, number, column, f"{shown} is not in the vocabulary",
            f"allowed are {', '.join(constraints['enum'])}",
            f"write “{near}” if that is meant" if near else "choose one of these",
        )  # fmt: skip
    if field["type"] in _TYPES:
        allowed, remedy = _TYPES[field["type"]]
        return Problem(file, number, column, f"{shown} does not fit", f"allowed is {allowed}", remedy)
    return Problem(
        file, number, column, f"{shown} does not have the right form",
        f"it must fit {constraints.get('pattern', 'data/datapackage.json')}", f"see: {field['description']}"
        .rstrip("."),
    )  # fmt: skip
