"""Checks the rows against `data/datapackage.json` with Frictionless, and makes each finding a kind sentence."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from alliances.dataset.problems import Problem, is_slip, look_alike, nearest, nearest_words, shorten
from alliances.dataset.tables import EVIDENCE, FACT_TABLES, Raw, coded, data_path, split_aside, split_list
from alliances.text.reading import NUMBER, readings

_TYPES = {"number": "a number with a point before its decimals and nothing else", "integer": "a whole number",
          "boolean": "true or false in small letters", "date": "an ISO date, e.g. 2025-03-20"}  # fmt: skip
_SHEET_DATE = re.compile(r"\d{1,2}[./-](\d{1,2}|[A-Z][a-z]{2})[./-]\d{2,4}|[45]\d{4}|[A-Z][a-z]{2}-\d{2}")
_NUMBERS = ("number", "integer")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(\.\d{3})*,\d+")


def placeholders(statement: str) -> list[str]:
    """Return the row ids that a statement shows, as in `{obs-members-report:five members}`."""
    names = re.findall(r"\{([A-Za-z0-9_-]+)[^{}]*\}", statement)
    return [name for name in dict.fromkeys(names) if name != "likelihood"]


#: Table, column, where its ids stand, how a cell is read.
_Reference = tuple[str, str, tuple[str, ...], Callable[[str], Iterable[str]]]
#: Columns that name ids, which Table Schema has no word for.
_REFERENCES: tuple[_Reference, ...] = (
    *((table, "quote_ids", ("quotes",), split_list) for table in FACT_TABLES),
    ("event_accounts", "participants", ("actors",), split_list),
    ("indicators", "comparable_with", ("indicators",), split_list),
    ("observations", "ref_area", ("countries",), re.compile("^[A-Z]{3}$").findall),
    ("disagreements", "row_ids", EVIDENCE, split_list),
    ("judgements", "requires", EVIDENCE, split_list),
    ("judgements", "against", EVIDENCE, split_list),
    ("judgements", "aside", EVIDENCE, split_aside),
    ("judgements", "statement", EVIDENCE, placeholders),
)


def check_schema(resources: Mapping[str, Any], tables: Raw) -> Iterator[Problem]:
    """Validate the tables: types, vocabularies, patterns, required cells and keys.

    Frictionless judges the cells one by one; its validation of whole packages reads each table anew for each key.
    A term that no vocabulary lists is a problem only where it looks like a slip.
    """
    from frictionless import FrictionlessException, Schema  # here, since it takes 0.2 s

    yield from _doubles(resources, tables)
    yield from _orphans(resources, tables)
    for table, resource in resources.items():
        try:
            fields = Schema.from_descriptor({**resource["schema"], "foreignKeys": []}).fields
        except FrictionlessException as exception:
            error = (exception.reasons or [exception.error])[0]
            yield Problem("data/datapackage.json", None, "", f"{table}: {error.note}",
                          "each table has a Table Schema", "correct it")  # fmt: skip
            continue
        for field, described in zip(fields, resource["schema"]["fields"], strict=True):
            read = field.create_cell_reader()
            for number, row in enumerate(tables[table], start=2):
                cell = row[field.name]
                strange = field.type in _NUMBERS and cell and (readings(cell) or not NUMBER.fullmatch(cell))
                if (strange or read(cell)[1]) and (finding := _cell(described, cell, tables)):
                    yield Problem(data_path(table), number, field.name, *finding)


def _doubles(resources: Mapping[str, Any], tables: Raw) -> Iterator[Problem]:
    for table, resource in resources.items():
        single = ([f["name"]] for f in resource["schema"]["fields"] if f.get("constraints", {}).get("unique"))
        for columns in filter(None, [resource["schema"].get("primaryKey"), *single]):
            seen: dict[tuple[str, ...], int] = {}
            for number, row in enumerate(tables[table], start=2):
                key = tuple(row[column] for column in columns)
                if seen.setdefault(key, number) != number and all(key):  # an empty one is told as a required cell
                    yield Problem(data_path(table), number, columns[0],
                                  f"“{shorten(' / '.join(key))}” stands already in row {seen[key]}",
                                  f"each {' with '.join(columns)} may stand once",
                                  "give this row another one, or delete the row that is too many")  # fmt: skip


def _orphans(resources: Mapping[str, Any], tables: Raw) -> Iterator[Problem]:
    keys = {table: {next(iter(row.values())) for row in rows} for table, rows in tables.items()}
    foreign: list[_Reference] = [
        (table, key["fields"], (key["reference"]["resource"] or table,), re.compile("(?s).+").findall)
        for table, resource in resources.items()
        for key in resource["schema"].get("foreignKeys", ())
    ]
    for table, column, targets, ids in (*foreign, *_REFERENCES):
        known = set[str]().union(*(keys[target] for target in targets))
        where = data_path(targets[0]) if len(targets) == 1 else "the tables of facts or the public record"
        for number, row in enumerate(tables[table], start=2):
            for item in ids(row[column]):
                is_own = targets == (table,) and item == next(iter(row.values()))
                if is_own or item not in known:
                    what = "is this very row" if is_own else f"is not in {where}{nearest_words(item, known)}"
                    yield Problem(data_path(table), number, column, f"“{shorten(item)}” {what}",
                                  "allowed is the id of another row there", "correct it, or add that row")  # fmt: skip


def _cell(field: Mapping[str, Any], found: str, tables: Raw) -> tuple[str, str, str] | None:
    """Say what was found, what is allowed and what to do; None where that is told elsewhere."""
    column, kind, constraints = field["name"], field["type"], field.get("constraints", {})
    meaning, shown = field.get("description", column).rstrip("."), f"“{shorten(found)}”"
    if not found:
        return "the cell is empty", f"a value is required ({meaning})", "fill it in"
    if "enum" in constraints:
        vocabulary = field.get("vocabulary", column)
        labelled = [row["term"] for row in tables["labels"] if row["vocabulary"] == vocabulary]
        near = nearest(found, [*constraints["enum"], *labelled])
        if found in labelled or not is_slip(found, near):
            return None  # told as a term without a label, if it has none
        return (f"{shown} is not in the vocabulary{look_alike(near, found)}", f"the nearest term is “{near}”",
                f"write “{near}”, or list the term in data/datapackage.json and data/labels.csv")  # fmt: skip
    if kind in _NUMBERS and re.search(r"[.,]\d{3}$", found) and len(ways := readings(found, kind == "integer")) == 2:
        return (f"{shown} can be read as {' or as '.join(ways)}", "allowed is what is read in one way",
                "write the one that is meant")  # fmt: skip
    if kind in _NUMBERS and _DECIMAL_COMMA.fullmatch(found):
        return f"{shown} has a comma before its decimals", "allowed is a point", "write a point"
    if (kind == "date" or "date" in column) and _SHEET_DATE.fullmatch(found):
        return (f"{shown} is a date as a spreadsheet writes it", "allowed is an ISO date, e.g. 2025-03-20",
                "format the column as text before you type dates, and write year, month, day")  # fmt: skip
    if kind in _TYPES:
        return f"{shown} does not fit", f"allowed is {_TYPES[kind]}", "correct it"
    form = constraints.get("pattern", "data/datapackage.json")
    return f"{shown} does not have the right form", f"it must fit {form}", f"see: {meaning}"


def unlabelled(resources: Mapping[str, Any], tables: Raw) -> Iterator[Problem]:
    """Name the terms, units and areas that the rows use and `labels` lacks: they are printed as they stand."""
    labelled = {(row["vocabulary"], row["term"]) for row in tables["labels"]}
    labelled |= {("area", row["iso3"]) for row in tables["countries"]}
    for table, column, vocabulary in ((t, c, v) for t, r in resources.items() for c, v in coded(r).items()):
        for number, row in enumerate(tables[table], start=2):
            term = row[column]
            if term and (vocabulary, term) not in labelled:
                labelled.add((vocabulary, term))
                yield Problem(data_path(table), number, column, f"“{shorten(term)}” lacks a label",
                              "it is printed as it stands",
                              f"add {vocabulary},{term} to data/labels.csv and data/datapackage.json")  # fmt: skip
