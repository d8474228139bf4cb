"""Checks the rows against `data/datapackage.json` with Frictionless, and makes each finding a kind sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from alliances.dataset.problems import Problem, first_difference, fold, is_slip, nearest, nearest_words, shorten
from alliances.dataset.tables import Raw, data_path

_TYPES = {
    "number": ("a number with a point before its decimals and nothing else", "write digits only, e.g. 1500"),
    "integer": ("a whole number", "write digits only"),
    "boolean": ("true or false", "write true or false in small letters"),
    "date": ("an ISO date", "write year, month and day, e.g. 2025-03-20"),
}
_SHEET_DATE = re.compile(r"\d{1,2}[./-](\d{1,2}|[A-Z][a-z]{2})[./-]\d{2,4}|[45]\d{4}|[A-Z][a-z]{2}-\d{2}")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(\.\d{3})*,\d+")
#: What was found, what is allowed, what to do.
_Finding = tuple[str, str, str]


def check_schema(descriptor: Mapping[str, Any], tables: Raw) -> Iterator[Problem]:
    """Validate the tables: types, vocabularies, patterns, required cells and keys.

    Frictionless judges the cells one by one; its validation of whole packages reads each table anew for each key.
    A term that no vocabulary lists is a problem only where it looks like a slip.
    """
    # Imported here because it takes 0.2 s, which a kernel that trusts its parent does not spend.
    from frictionless import FrictionlessException, Schema

    yield from _unique(descriptor, tables)
    yield from _foreign_keys(descriptor, tables)
    for resource in descriptor["resources"]:
        try:
            fields = Schema.from_descriptor({**resource["schema"], "foreignKeys": []}).fields
        except FrictionlessException as exception:
            for error in exception.reasons or [exception.error]:
                yield Problem("data/datapackage.json", None, "", f"{resource['name']}: {error.note}",
                              "each table has a Table Schema", "correct it")  # fmt: skip
            continue
        for field, described in zip(fields, resource["schema"]["fields"], strict=True):
            read = field.create_cell_reader()
            for number, row in enumerate(tables[resource["name"]], start=2):
                if read(row[field.name])[1] and (finding := _cell(described, row[field.name], tables)):
                    yield Problem(f"data/{resource['path']}", number, field.name, *finding)


def _unique(descriptor: Mapping[str, Any], tables: Raw) -> Iterator[Problem]:
    for resource in descriptor["resources"]:
        single = ([f["name"]] for f in resource["schema"]["fields"] if f.get("constraints", {}).get("unique"))
        for columns in [resource["schema"].get("primaryKey", []), *single]:
            seen: dict[tuple[str, ...], int] = {}
            for number, row in enumerate(tables[resource["name"]] if columns else (), start=2):
                key = tuple(row[column] for column in columns)
                # An empty key is told as a required cell.
                if seen.setdefault(key, number) != number and all(key):
                    yield Problem(
                        f"data/{resource['path']}", number, columns[0],
                        f"“{shorten(' / '.join(key))}” stands already in row {seen[key]}",
                        f"each {'value' if len(key) == 1 else 'pair of ' + ' and '.join(columns)} may stand once",
                        "give this row another one, or delete the row that is too many",
                    )  # fmt: skip


def _foreign_keys(descriptor: Mapping[str, Any], tables: Raw) -> Iterator[Problem]:
    for resource in descriptor["resources"]:
        for foreign in resource["schema"].get("foreignKeys", ()):
            parts = foreign["fields"], foreign["reference"]["resource"], foreign["reference"]["fields"]
            column, target, key = (part if isinstance(part, str) else part[0] for part in parts)
            target = target or resource["name"]
            known = {row[key] for row in tables.get(target, ())}
            for number, row in enumerate(tables[resource["name"]], start=2):
                if row[column] and row[column] not in known:
                    yield Problem(
                        f"data/{resource['path']}", number, column,
                        f"“{shorten(row[column])}” is not in {data_path(target)}",
                        f"allowed is any {key} of that table{nearest_words(row[column], known)}",
                        f"write an existing {key}, or add the row to {data_path(target)}",
                    )  # fmt: skip


def _cell(field: Mapping[str, Any], found: str, tables: Raw) -> _Finding | None:
    column, kind, constraints = field["name"], field["type"], field.get("constraints", {})
    meaning, shown = field.get("description", column).rstrip("."), f"“{shorten(found)}”"
    if not found:
        return "the cell is empty", f"a value is required ({meaning})", "fill it in"
    if "enum" in constraints:
        return _term(field.get("vocabulary", column), found, constraints["enum"], tables)
    if kind in ("number", "integer") and _DECIMAL_COMMA.fullmatch(found):
        return f"{shown} has a comma before its decimals", "allowed is a point", "write a point"
    if (kind == "date" or "date" in column) and _SHEET_DATE.fullmatch(found):
        return (f"{shown} is a date as a spreadsheet writes it", "allowed is an ISO date, e.g. 2025-03-20",
                "format the column as text before you type dates, and write year, month, day")  # fmt: skip
    if kind in _TYPES:
        return f"{shown} does not fit", f"allowed is {_TYPES[kind][0]}", _TYPES[kind][1]
    form = constraints.get("pattern", "data/datapackage.json")
    return f"{shown} does not have the right form", f"it must fit {form}", f"see: {meaning}"


def _term(vocabulary: str, found: str, terms: list[str], tables: Raw) -> _Finding | None:
    labelled = [row["term"] for row in tables.get("labels", ()) if row["vocabulary"] == vocabulary]
    near = nearest(found, [*terms, *labelled])
    if found in labelled or not is_slip(found, near):
        return None  # told as a term without a label, if it has none
    seen = f" ({first_difference(near, found)})" if fold(near) == fold(found) else ""
    return (f"“{shorten(found)}” is not in the vocabulary{seen}", f"the nearest term is “{near}”",
            f"write “{near}”, or list the term in data/datapackage.json and data/labels.csv")  # fmt: skip
