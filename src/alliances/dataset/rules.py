"""Checks the rows: against `data/datapackage.json` with Frictionless, and by rules of our own, a table of tests."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, NamedTuple

from alliances.dataset import tables as schema
from alliances.dataset.problems import Problem, nearest_words, shorten, visible
from alliances.dataset.tables import EVIDENCE, FACT_TABLES, Raw, coded, meanings, split_aside, split_list
from alliances.text.dates import date_text, first_day, is_date, split_period
from alliances.text.numbers import claims, number_text
from alliances.text.reading import NUMBER, number, readings

_TYPES = {"number": "a number with a point before its decimals and nothing else", "integer": "a whole number",
          "boolean": "true or false in small letters", "date": "an ISO date, e.g. 2025-03-20"}  # fmt: skip
_SHEET_DATE = re.compile(r"\d{1,2}[./-](\d{1,2}|[A-Z][a-z]{2})[./-]\d{2,4}|[45]\d{4}|[A-Z][a-z]{2}-\d{2}")
_NUMBERS = ("number", "integer")

#: Row ids that a statement shows, as in `{obs-members-report:five members}`.
_SHOWN = re.compile(r"\{(?!likelihood\b)([A-Za-z0-9_-]+)[^{}]*\}").findall
#: Columns that name ids, which Table Schema has no word for: where these stand, how a cell is read.
_REFERENCES: dict[str, tuple[tuple[str, ...], Callable[[str], Iterable[str]]]] = {
    "quote_ids": (("quotes",), split_list), "participants": (("actors",), split_list),
    "comparable_with": (("indicators",), split_list), "ref_area": (("countries",), re.compile("^[A-Z]{3}$").findall),
    **dict.fromkeys(("row_ids", "requires", "against"), (EVIDENCE, split_list)),
    "aside": (EVIDENCE, split_aside), "statement": (EVIDENCE, _SHOWN),
}  # fmt: skip


def check_schema(resources: Mapping[str, Any], tables: Raw) -> Iterator[Problem]:
    """Validate types, patterns, required cells and keys; an unlisted term is a problem only where it looks a slip."""
    from frictionless import FrictionlessException, Schema  # here, since it takes 0.2 s

    yield from _doubles(resources, tables)
    yield from _orphans(resources, tables)
    # Frictionless judges cell by cell: its validation of whole packages reads each table anew for each key.
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
            for at, row in enumerate(tables[table], start=2):
                cell = row[field.name]
                strange = field.type in _NUMBERS and cell and (readings(cell) or not NUMBER.fullmatch(cell))
                if (strange or read(cell)[1]) and (finding := _cell(described, cell, tables)):
                    yield Problem(f"data/{table}.csv", at, field.name, *finding)


def _doubles(resources: Mapping[str, Any], tables: Raw) -> Iterator[Problem]:
    for table, resource in resources.items():
        single = ([f["name"]] for f in resource["schema"]["fields"] if f.get("constraints", {}).get("unique"))
        for columns in filter(None, [resource["schema"].get("primaryKey"), *single]):
            seen: dict[tuple[str, ...], int] = {}
            for at, row in enumerate(tables[table], start=2):
                key = tuple(row[column] for column in columns)
                if seen.setdefault(key, at) != at and all(key):  # an empty one is told as a required cell
                    yield Problem(f"data/{table}.csv", at, columns[0],
                                  f"“{shorten(' / '.join(key))}” stands already in row {seen[key]}",
                                  f"each {' with '.join(columns)} may stand once",
                                  "give this row another one, or delete the row that is too many")  # fmt: skip


def _orphans(resources: Mapping[str, Any], tables: Raw) -> Iterator[Problem]:
    keys = {table: {next(iter(row.values())) for row in rows} for table, rows in tables.items()}
    for table, resource in resources.items():
        columns = {field["name"]: _REFERENCES.get(field["name"]) for field in resource["schema"]["fields"]}
        for key in resource["schema"].get("foreignKeys", ()):
            columns[key["fields"]] = ((key["reference"]["resource"] or table,), re.compile("(?s).+").findall)
        for column, (targets, ids) in ((column, refers) for column, refers in columns.items() if refers):
            known = set[str]().union(*(keys[target] for target in targets))
            where = f"data/{targets[0]}.csv" if len(targets) == 1 else "the tables of facts or the public record"
            for at, item in ((at, item) for at, row in enumerate(tables[table], 2) for item in ids(row[column])):
                if item not in known:
                    yield Problem(f"data/{table}.csv", at, column,
                                  f"“{shorten(item)}” is not in {where}{nearest_words(item, known)}",
                                  "allowed is an id that stands there", "correct it, or add that row")  # fmt: skip


def _cell(field: Mapping[str, Any], found: str, tables: Raw) -> tuple[str, str, str] | None:
    """Say what was found, what is allowed and what to do; None where that is told elsewhere."""
    column, kind, constraints = field["name"], field["type"], field.get("constraints", {})
    meaning, shown = field.get("description", column).rstrip("."), f"“{shorten(found)}”"
    if not found:
        return "the cell is empty", f"a value is required ({meaning})", "fill it in"
    if "enum" in constraints:
        labelled = [row["term"] for row in tables["labels"] if row["vocabulary"] == field.get("vocabulary", column)]
        near = nearest_words(found, [*constraints["enum"], *labelled], cutoff=0.8)
        if found in labelled or not near:
            return None  # told as a term without a label, if it has none
        return (f"{shown} is not in the vocabulary{near}", "allowed is a term of it",
                "write that one, or list the term in data/datapackage.json and data/labels.csv")  # fmt: skip
    if kind in _NUMBERS and re.search(r"[.,]\d{3}$", found) and len(ways := readings(found, kind == "integer")) == 2:
        return (f"{shown} can be read as {' or as '.join(ways)}", "allowed is what is read in one way",
                "write the one that is meant")  # fmt: skip
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
        for at, row in enumerate(tables[table], start=2):
            if (term := row[column]) and (vocabulary, term) not in labelled:
                labelled.add((vocabulary, term))
                yield Problem(f"data/{table}.csv", at, column, f"“{shorten(term)}” lacks a label",
                              "it is printed as it stands",
                              f"add {vocabulary},{term} to data/labels.csv and data/datapackage.json")  # fmt: skip


#: Columns of each fact table that hold dates; together they share `date_precision` and `year_inferred`.
_DATES = {**dict.fromkeys(("characteristics", "positions", "statements"), ("date",)), "observations": ("time_period",),
          "memberships": ("entry_date", "exit_date"), "event_accounts": ("date", "date_end")}  # fmt: skip
#: Column whose term says (in `labels`) whether a row tells of the past; a row of another table always does.
_TELLS = {"characteristics": "status", "event_accounts": "status", "observations": "obs_status",
          "positions": "attribution"}  # fmt: skip
#: What each comparator takes of the bounds.
_TAKES = {**dict.fromkeys(("eq", "about", "nearly"), "both bounds, equal"), "between": "value_low below value_high",
          **dict.fromkeys(("at_least", "more_than"), "value_low only"), "at_most": "value_high only"}  # fmt: skip
#: Controls, line and paragraph separators, marks that turn the writing round, halves of pairs, what is no character.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffd-\uffff]"
)


class Rule(NamedTuple):
    """A row, its cells as attributes, is wrong where `wrong` is true, or once for each text that it lists.

    The words may name the cells in braces, and the text from the list as `{it}`.
    """

    table: str
    column: str
    wrong: Callable[[Any, "_Index"], Any]
    found: str
    allowed: str
    remedy: str


class _Index:
    """The tables, and where to look things up in them."""

    def __init__(self, tables: Raw) -> None:
        self.tables, self.means = tables, meanings(tables)
        self.keyed = {table: {next(iter(row.values())): row for row in rows} for table, rows in tables.items()}
        #: Every row that can be evidence, by its id.
        self.rows = {k: row for table in EVIDENCE for k, row in self.keyed[table].items()}
        self.units = {row["term"] for row in tables["labels"] if row["vocabulary"] == "unit"}
        self.used = {quote_id for row in self.rows.values() for quote_id in split_list(row.get("quote_ids", ""))}

    def get(self, table: str, key: str, column: str) -> str:
        """Return a cell of a row by the row's key; "" where there is no such row."""
        return self.keyed[table].get(key, {}).get(column, "")

    def published(self, row_id: str, otherwise: str) -> str:
        return self.get("sources", self.rows.get(row_id, {}).get("source_id", ""), "published") or otherwise

    def dates(self, table: str, row: Mapping[str, str]) -> dict[str, Any]:
        """Return what the rules on dates need to know of a row, in names that begin with `its_`."""
        given, tells = [row[column] for column in _DATES[table] if row[column]], _TELLS.get(table, "")
        with suppress(ValueError):
            dates = [part for text in given for part in (split_period(text) if table == "observations" else [text])]
            days, coarsest = [first_day(text) for text in dates] or [""], min(map(len, dates), default=0)
            return {
                "its_dates": " and ".join(given), "its_valid": True, "its_first": days[0], "its_end": days[-1],
                "its_precision": {4: "year", 7: "month", 10: "day"}.get(coarsest, ""),
                "its_last": self.get("sources", row["source_id"], "published_to"),
                "its_past": not tells or self.means(tells, row[tells], "past"),
            }  # fmt: skip
        return {"its_dates": " and ".join(given), "its_valid": False}


def _bounds(r: Any, x: _Index) -> list[str]:
    low, high = number(r.value_low), number(r.value_high)
    holds = {"both bounds, equal": low == high, "value_low below value_high": low < high,
             "value_low only": math.isfinite(low) and math.isnan(high),
             "value_high only": math.isnan(low) and math.isfinite(high)}  # fmt: skip
    takes = _TAKES.get(r.comparator, f"nothing, since it is no comparator: these are {', '.join(_TAKES)}")
    return [] if holds.get(takes) else [takes]


def _sources(r: Any, x: _Index) -> list[str]:
    found = sorted({x.get("quotes", quote_id, "source_id") for quote_id in split_list(r.quote_ids)} - {""})
    return [" and ".join(found)] if len(found) > 1 else []


def _not_held(r: Any, x: _Index) -> list[str]:
    """Find numbers of an explanation that stand in none of its rows, nor in names and dates of their sources."""
    named = [x.rows[row_id] for row_id in split_list(r.row_ids) if row_id in x.rows]
    behind = list(named)
    for row in named:
        keys = [("quotes", quote_id) for quote_id in split_list(row.get("quote_ids", ""))]
        keys += [(f"{kind}s", row.get(f"{kind}_id", "")) for kind in ("source", "event", "alliance")]
        behind += [x.keyed[table].get(key, {}) for table, key in keys]
    bounds = [number(row.get(column, "")) for row in named for column in ("value_low", "value_high")]
    words = [number_text(bound) for bound in bounds if math.isfinite(bound)]  # 1500000 is 1.5 million
    words += [cell for row in behind for cell in row.values()]
    words += [*map(date_text, filter(is_date, words)), *map(str, range(len(named) + 1))]  # “two of the three texts”
    told = claims(" ; ".join(words), parts=True)
    return [said for claim, said in claims(r.explanation).items() if claim not in told]


def _not_weighed(r: Any, x: _Index) -> list[str]:
    """Find rows that point the other way and are known before the next version counts, but stand in no list."""
    versions = [v for v in x.tables["judgements"] if v["judgement_id"] == r.judgement_id]
    until = min((v["valid_from"] for v in versions if v["valid_from"] > r.valid_from), default="9999")
    required = {*split_list(r.requires)}
    found = [name for v in versions if v["valid_from"] < r.valid_from for name in split_list(v["against"])]
    for other in x.tables["disagreements"]:
        if x.means("disagreement_kind", other["kind"], "against") and required & {*split_list(other["row_ids"])}:
            found += split_list(other["row_ids"])
    weighed = {*required, *split_list(r.against), *split_aside(r.aside)}
    return [name for name in dict.fromkeys(found) if name not in weighed and x.published(name, "9999") < until]


_BOUNDS = "value_low {value_low}, value_high {value_high}"

RULES = (
    Rule("sources", "published", lambda r, x: not r.published_from <= r.published <= r.published_to,
         "{published} is not between {published_from} and {published_to}",
         "published_from <= published <= published_to", "correct the date that is wrong"),
    Rule("actors", "iso3", lambda r, x: r.kind == "country" and r.actor_id != r.iso3,
         "actor_id is “{actor_id}”, iso3 “{iso3}”", "both are a country’s alpha-3 code", "write it in both"),
    Rule("public_record", "exit_date", lambda r, x: r.exit_date and r.exit_date < r.entry_date,
         "{exit_date} is before {entry_date}", "an exit is not before its entry", "correct the date that is wrong"),
    Rule("quotes", "quote_id", lambda r, x: r.quote_id and r.quote_id not in x.used, "no row uses “{quote_id}”",
         "every quotation supports a row", "name it in the quote_ids of a row, or delete it"),
    Rule("observations", "value_high", _bounds, _BOUNDS, "the comparator {comparator} takes {it}",
         "correct the bounds or the comparator"),
    Rule("observations", "value_high", lambda r, x: x.means("unit", r.unit, "share")
         and (number(r.value_low) < 0 or number(r.value_high) > 1),
         _BOUNDS, "a share lies between 0 and 1", "write half as 0.5"),
    Rule("observations", "unit", lambda r, x: [unit] if r.unit
         and (unit := x.get("indicators", r.indicator, "unit")) not in ("", r.unit) else [],
         "“{unit}”", "the unit of the indicator {indicator} is {it}",
         "convert the value and write {it}, or choose another indicator"),
    Rule("observations", "currency", lambda r, x: r.unit in x.units
         and bool(r.currency) != x.means("unit", r.unit, "money"),
         "“{currency}”", "money has a currency, and nothing else has", "write one, e.g. EUR, or empty it"),
    Rule("observations", "same_as", lambda r, x: r.same_as in x.rows and (
         x.get("observations", r.same_as, "source_id") != r.source_id
         or x.get("observations", r.same_as, "currency") in ("", r.currency)),
         "“{same_as}” is of another source or the same currency",
         "same_as names the row of the same source that gives the same sum in its first currency",
         "name that row, or empty the cell"),
    Rule("disagreements", "row_ids", lambda r, x: r.row_ids and len(set(split_list(r.row_ids))) < 2,
         "only one row is named", "a disagreement has two rows or more", "name the rows on each side"),
    Rule("disagreements", "explanation", _not_held, "{disagreement_id} says {it}, which none of its rows holds",
         "a number in an explanation stands in a row that it names, or in a name or date of its sources",
         "correct it, or name the row that holds it"),
    Rule("exclusions", "reason_note", lambda r, x: x.means("reason", r.reason, "note") and not r.reason_note.strip(),
         "the cell is empty", "the reason {reason} needs a note",
         "say what the sentence asserts and why no table holds it"),
    Rule("judgements", "statement", lambda r, x: r.statement.count("{likelihood}") != 1,
         "the likelihood word does not stand once", "a statement has {{likelihood}} exactly once",
         "write the likelihood word as {{likelihood}}, once"),
    Rule("judgements", "requires", lambda r, x: [name for name in _SHOWN(r.statement) if name in x.rows
         and name not in split_list(r.requires)], "{it} is missing, although the statement shows it",
         "requires lists every row that the statement shows", "add {it}"),
    Rule("judgements", "valid_from", lambda r, x: [f"{x.published(name, '')}, when {name}" for name
         in split_list(r.requires) if x.published(name, "") > r.valid_from], "{valid_from} is before {it} became known",
         "a judgement is not older than its evidence", "set valid_from to that day or later"),
    Rule("judgements", "aside", lambda r, x: not re.fullmatch(f"({schema.ASIDE})*", r.aside),
         "“{aside}” cannot be read", "it holds each row with its reason", "write: row-id (reason); row-id (reason)"),
    Rule("judgements", "against", _not_weighed, "{judgement_id} does not weigh {it}, which points the other way",
         "such a row stands in against, in requires, or in aside with a reason", "add {it} to one of them"),
    *(Rule(table, key, lambda r, x: not r.its_id.startswith(r.its_prefix), "“{its_id}” has the wrong beginning",
           "ids of this table begin with {its_prefix}", "rename it {its_prefix}…, wherever it stands")
      for table, key in schema.ROW_TABLES.items()),
    *(Rule(table, "quote_ids", _sources, "the quotations come from {it}", "a row is what one source says",
           "make one row for each source") for table in FACT_TABLES),
    *(rule for table, columns in _DATES.items() for rule in (
        Rule(table, columns[0], lambda r, x: not r.its_valid, "“{its_dates}” is no date of the calendar",
             "allowed is a date 2025, 2025-03 or 2025-03-20, in time_period also an interval such as 2003/..",
             "correct it"),
        Rule(table, "date_precision", lambda r, x: r.its_valid and r.date_precision != r.its_precision,
             "“{date_precision}”", f"the precision of {columns[0]} “{{its_dates}}” is “{{its_precision}}”",
             "write that, or correct the date"),
        Rule(table, "year_inferred", lambda r, x: r.its_valid and bool(r.year_inferred) != bool(r.its_dates),
             "“{year_inferred}”", "it is true or false where there is a date, and empty where there is none",
             "write false if the text prints the year, true if not; without a date, empty the cell"),
        Rule(table, columns[-1], lambda r, x: r.its_valid and r.its_end < r.its_first,
             "{its_end} is before {its_first}", "an end is not before its beginning", "correct the date that is wrong"),
        Rule(table, columns[0], lambda r, x: r.its_valid and r.its_past and r.its_first > r.its_last != "",
             "{its_first} is after {its_last}, the last day on which {source_id} can have been published",
             "what a text tells as past is not after its publication",
             "correct the date" + (f" or the {_TELLS[table]}" if table in _TELLS else "")))),
)  # fmt: skip


def check_rules(tables: Raw) -> Iterator[Problem]:
    """Check the rows against the dataset's own rules."""
    index = _Index(tables)
    for table, rows in tables.items():
        rules = [rule for rule in RULES if rule.table == table]
        for at, row in enumerate(rows, start=2):
            for column, found in ((c, found) for c, cell in row.items() if (found := _UNPRINTABLE.search(cell))):
                yield Problem(f"data/{table}.csv", at, column, f"the cell holds {visible(found[0])}",
                              "allowed are characters that can be printed", "delete it")  # fmt: skip
            cells = {**row, "its_id": next(iter(row.values())), "its_prefix": schema.ROW_PREFIXES.get(table, "")}
            cells |= index.dates(table, row) if table in _DATES else {}
            for rule in rules:
                hits = rule.wrong(SimpleNamespace(**cells), index)
                for hit in hits if isinstance(hits, list) else [""] if hits else []:
                    shown = {c: shorten(str(cell)) or "empty" for c, cell in {**cells, "it": hit}.items()}
                    yield Problem(f"data/{table}.csv", at, rule.column, *(w.format_map(shown) for w in rule[3:]))
