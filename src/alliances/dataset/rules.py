"""The dataset's own rules, which no table schema can state: a table of tests with their sentences, and a few more."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from alliances.dataset import tables as schema
from alliances.dataset.dates import first_day, precision, split_period
from alliances.dataset.problems import Problem, nearest_words, shorten
from alliances.dataset.tables import Raw, data_path, split_aside, split_list
from alliances.dataset.texts import sha256
from alliances.dataset.tokens import numbers_in
from alliances.errors import DataError

_Row = Mapping[str, str]
_EQUAL, _LOW = ("eq", "about", "nearly"), ("at_least", "more_than")
#: Columns of each fact table that hold dates; together they share `date_precision` and `year_inferred`.
_DATES = {
    "characteristics": ("date",),
    "memberships": ("entry_date", "exit_date"),
    "positions": ("date",),
    "event_accounts": ("date", "date_end"),
    "observations": ("time_period",),
    "statements": ("date",),
}
#: Column whose term says (in `labels`) whether a row tells of the past; a row of another table always does.
_TELLS = {"characteristics": "status", "event_accounts": "status", "observations": "obs_status",
          "positions": "attribution"}  # fmt: skip


class Rule(NamedTuple):
    """A row is wrong where `wrong` is true, or once for each text in the list that it returns.

    `wrong` takes the row, its cells as attributes, and the index; the words may name the cells in braces,
    and the text from the list as `{it}`.
    """

    table: str
    column: str
    wrong: Callable[[Any, _Index], Any]
    found: str
    allowed: str
    remedy: str


class _Index:
    """The tables, and where to look things up in them."""

    def __init__(self, tables: Raw) -> None:
        self.tables = tables
        self.sources, self.quotes, self.actors, self.indicators, self.events, self.alliances, self.countries = (
            {next(iter(row.values())): row for row in tables[table]}
            for table in ("sources", "quotes", "actors", "indicators", "events", "alliances", "countries")
        )
        self.means = schema.meanings(tables)
        self.units = {row["term"] for row in tables.get("labels", ()) if row["vocabulary"] == "unit"}
        #: Every row that can be evidence, by its id.
        self.rows: dict[str, _Row] = {row["record_id"]: row for row in tables.get("public_record", ())}
        self.rows |= {row[schema.FACT_TABLES[table]]: row for table, _, row in schema.iter_facts(tables)}
        self.used = {quote_id for row in self.rows.values() for quote_id in split_list(row.get("quote_ids", ""))}

    def source(self, row: _Row) -> _Row:
        """Return the source of a fact by its first quotation; empty where there is none."""
        quote_id = next(iter(split_list(row.get("quote_ids", ""))), "")
        return self.sources.get(self.quotes.get(quote_id, {}).get("source_id", ""), {})

    def published(self, row_id: str, otherwise: str) -> str:
        return self.source(self.rows.get(row_id, {})).get("published", otherwise)

    def dates(self, table: str, row: _Row) -> dict[str, Any]:
        """Return what the rules on dates need to know of a row, in names that begin with `its_`."""
        given = [row[column] for column in _DATES[table] if row[column]]
        source, tells = self.source(row), _TELLS.get(table, "")
        found = {
            "its_dates": " and ".join(given), "its_valid": True, "its_precision": "", "its_first": "", "its_end": "",
            "its_source": source.get("source_id", ""), "its_last": source.get("published_to", ""),
            "its_past": not tells or self.means(tells, row[tells], "past"),
        }  # fmt: skip
        try:
            dates = [part for text in given for part in (split_period(text) if table == "observations" else [text])]
            days = [first_day(text).isoformat() for text in dates]
        except ValueError:
            return found | {"its_valid": False}
        return found | ({"its_precision": precision(dates), "its_first": days[0], "its_end": days[-1]} if days else {})


def _missing(items: Iterable[str], known: Collection[str]) -> list[str]:
    return [f"“{shorten(item)}”{nearest_words(item, known)}" for item in items if item not in known]


def _unknown_items(column: str, names: str) -> Callable[[Any, _Index], Any]:
    return lambda r, x: _missing(split_list(getattr(r, column)), getattr(x, names))


def _points_at_itself(column: str, key: str) -> Callable[[Any, _Index], Any]:
    return lambda r, x: getattr(r, column) and getattr(r, column) == getattr(r, key)


def _numbers(r: Any) -> list[float]:
    try:
        return [float(r.minimum), *(float(cell) for cell in (r.default, r.example) if cell), float(r.maximum)]
    except ValueError:
        return []  # told by the schema


def _bounds(r: Any) -> tuple[float, float]:
    def number(cell: str) -> float:
        try:
            return float(cell)
        except ValueError:
            return math.nan

    return number(r.value_low), number(r.value_high)


def _sources_of(r: Any, x: _Index) -> list[str]:
    return sorted({x.quotes[q]["source_id"] for q in split_list(r.quote_ids) if q in x.quotes} & x.sources.keys())


def _misfit(r: Any, x: _Index) -> list[str]:
    """Say what keeps a row from giving the same sum as another in a second currency."""
    other = next((o for o in x.tables["observations"] if o["observation_id"] == r.same_as != r.observation_id), None)
    faults = {} if other is None else {
        "does not give the sum in another currency": other["currency"] in ("", r.currency),
        "comes from another source": x.source(other) != x.source(vars(r)),
        "measures another indicator": other["indicator"] != r.indicator,
        "is itself the same as another row": other["same_as"],
    }  # fmt: skip
    return [fault for fault, holds in faults.items() if holds]


def _not_held(r: Any, x: _Index) -> list[str]:
    """Find numbers of an explanation that stand in none of its rows, nor in names and dates of their sources."""
    named = [x.rows[row_id] for row_id in split_list(r.row_ids) if row_id in x.rows]
    behind = [*named, *(x.source(row) for row in named)]
    for row in named:
        behind += [x.quotes[q] for q in split_list(row.get("quote_ids", "")) if q in x.quotes]
        behind += [x.events.get(row.get("event_id", ""), {}), x.alliances.get(row.get("alliance_id", ""), {})]
    told = numbers_in(" ".join(cell for cells in behind for cell in cells.values()))
    counted = {float(n) for n in range(len(named) + 1)}  # “two of the three texts”
    return [f"{value:g}" for value in sorted(numbers_in(r.explanation) - told - counted)]


def _placeholders(r: Any) -> list[str]:
    names = re.findall(r"\{([A-Za-z0-9_-]+)[^{}]*\}", r.statement)
    return [name for name in dict.fromkeys(names) if name != "likelihood"]


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
_COUNTRY = "a country's actor_id and iso3 are both its alpha-3 code in data/countries.csv"
_CORRECT = "correct the bounds or the comparator"
_EVIDENCE = "the tables of facts or the public record"

RULES = (
    Rule("sources", "published", lambda r, x: not r.published_from <= r.published <= r.published_to,
         "{published} is not between {published_from} and {published_to}",
         "published_from <= published <= published_to", "correct the date that is wrong"),
    Rule("actors", "actor_id", lambda r, x: r.kind == "country" and r.iso3 in x.countries and r.actor_id != r.iso3,
         "actor_id is “{actor_id}”, iso3 “{iso3}”", _COUNTRY, "write {iso3} in both"),
    Rule("actors", "iso3", lambda r, x: r.kind == "country" and not r.iso3,
         "the cell is empty", _COUNTRY, "write its code in both"),
    Rule("actors", "name", lambda r, x: r.kind == "country" and r.actor_id == r.iso3 in x.countries
         and x.countries[r.iso3]["name"] != r.name and [x.countries[r.iso3]["name"]],
         "“{name}” is not “{it}”", "a country has one name in actors and countries",
         "write {it}, or correct the code"),
    Rule("public_record", "exit_date", lambda r, x: r.exit_date and r.exit_date < r.entry_date,
         "{exit_date} is before {entry_date}", "an exit is not before its entry", "correct the date that is wrong"),
    Rule("public_record", "body_id", lambda r, x: x.actors.get(r.body_id, {"kind": "organisation"})["kind"]
         != "organisation", "“{body_id}” is no organisation", "a body is an actor of kind organisation", "name it"),
    Rule("parameters", "minimum", lambda r, x: any(not _numbers(r)[0] <= n <= _numbers(r)[-1] for n in _numbers(r)),
         "minimum {minimum}, maximum {maximum}, default {default}, example {example}",
         "default and example lie between minimum and maximum", "correct the number that is wrong"),
    Rule("parameters", "name", lambda r, x: r.name in ("as_of", "focus", "exclude_sources"),
         "“{name}” is built in", "a scenario parameter has another name", "rename it, or delete the row"),
    Rule("quotes", "quote_id", lambda r, x: r.quote_id and r.quote_id not in x.used, "no row uses “{quote_id}”",
         "every quotation supports a row", "name it in the quote_ids of a row, or delete it"),
    Rule("observations", "value_high", lambda r, x: r.comparator in _EQUAL and _bounds(r)[0] != _bounds(r)[1],
         _BOUNDS, "the comparator {comparator} takes both bounds, equal", _CORRECT),
    Rule("observations", "value_low", lambda r, x: r.comparator in _LOW and (not r.value_low or r.value_high),
         _BOUNDS, "the comparator {comparator} takes value_low only", _CORRECT),
    Rule("observations", "value_high", lambda r, x: r.comparator == "at_most" and (not r.value_high or r.value_low),
         _BOUNDS, "the comparator {comparator} takes value_high only", _CORRECT),
    Rule("observations", "value_high", lambda r, x: r.comparator == "between" and not _bounds(r)[0] < _bounds(r)[1],
         _BOUNDS, "the comparator {comparator} takes value_low below value_high", _CORRECT),
    Rule("observations", "comparator", lambda r, x: r.comparator not in (*_EQUAL, *_LOW, "at_most", "between", ""),
         "“{comparator}” is no comparator", f"allowed are {', '.join((*_EQUAL, *_LOW))}, at_most, between",
         "choose one of these"),
    Rule("observations", "value_low", lambda r, x: any(math.isinf(bound) for bound in _bounds(r)),
         _BOUNDS, "a bound is a finite number", "write the number, or empty the cell"),
    Rule("observations", "value_high", lambda r, x: x.means("unit", r.unit, "share")
         and any(bound < 0 or bound > 1 for bound in _bounds(r)),
         _BOUNDS, "a share lies between 0 and 1", "write half as 0.5"),
    Rule("observations", "unit", lambda r, x: r.unit and r.indicator in x.indicators
         and r.unit != x.indicators[r.indicator]["unit"] and [x.indicators[r.indicator]["unit"]],
         "“{unit}”", "the unit of the indicator {indicator} is {it}", "write {it}, or choose another indicator"),
    Rule("observations", "currency", lambda r, x: not r.currency and x.means("unit", r.unit, "money"),
         "the cell is empty", "money has a currency", "write one, e.g. EUR"),
    Rule("observations", "currency", lambda r, x: r.currency and r.unit in x.units
         and not x.means("unit", r.unit, "money"),
         "“{currency}”", "unit {unit} has no currency", "empty the cell, or correct the unit"),
    Rule("observations", "ref_area", lambda r, x: re.fullmatch("[A-Z]{3}", r.ref_area)
         and _missing([r.ref_area], x.countries), "{it} is not in data/countries.csv",
         "allowed is an alpha-3 code of that table or an area of data/labels.csv",
         "correct the code, or add the country there"),
    Rule("observations", "same_as", _misfit, "“{same_as}” {it}",
         "same_as names the row of the same source that gives the same sum in its first currency",
         "name that row, or empty the cell"),
    *(Rule(table, column, _points_at_itself(column, key),
           f"the row points at itself, “{{{key}}}”", f"{column} names another row", "name it, or empty the cell")
      for table, key, column in (("alliances", "alliance_id", "parent_id"), ("events", "event_id", "probably_same_as"),
                                 ("observations", "observation_id", "same_as"))),
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
    Rule("judgements", "statement", lambda r, x: _missing(_placeholders(r), x.rows), "{it} is not in " + _EVIDENCE,
         "a placeholder is the id of a row", "correct the placeholder"),
    Rule("judgements", "requires", lambda r, x: [name for name in _placeholders(r) if name in x.rows
         and name not in split_list(r.requires)], "{it} is missing, although the statement shows it",
         "requires lists every row that the statement shows", "add {it}"),
    Rule("judgements", "valid_from", lambda r, x: [f"{x.published(name, '')}, when {name}" for name
         in split_list(r.requires) if x.published(name, "") > r.valid_from], "{valid_from} is before {it} became known",
         "a judgement is not older than its evidence", "set valid_from to that day or later"),
    Rule("judgements", "aside", lambda r, x: not re.fullmatch(f"({schema.ASIDE})*", r.aside),
         "“{aside}” cannot be read", "it holds each row with its reason", "write: row-id (reason); row-id (reason)"),
    Rule("judgements", "against", _not_weighed, "{judgement_id} does not weigh {it}, which points the other way",
         "such a row stands in against, in requires, or in aside with a reason", "add {it} to one of them"),
    *(Rule(table, column, _unknown_items(column, names),
           "{it} is not in " + (_EVIDENCE if names == "rows" else f"data/{names}.csv"),
           "each item is an id there", "correct it, or take it out")
      for table, column, names in (
          *((table, "quote_ids", "quotes") for table in schema.FACT_TABLES),
          ("event_accounts", "participants", "actors"),
          ("indicators", "comparable_with", "indicators"), ("disagreements", "row_ids", "rows"),
          ("judgements", "requires", "rows"), ("judgements", "against", "rows"))),
    Rule("judgements", "aside", lambda r, x: _missing(split_aside(r.aside), x.rows), "{it} is not in " + _EVIDENCE,
         "each item is an id there", "correct it, or take it out"),
    *(rule for table in schema.FACT_TABLES for rule in (
        Rule(table, "quote_ids", lambda r, x: len(set(split_list(r.quote_ids))) < len(split_list(r.quote_ids)),
             "a quotation is named twice", "each stands once", "take it out once"),
        Rule(table, "quote_ids", lambda r, x: len(_sources_of(r, x)) > 1 and [" and ".join(_sources_of(r, x))],
             "the quotations come from {it}", "a row is what one source says", "make one row for each source"))),
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
        Rule(table, columns[-1], lambda r, x: r.its_end < r.its_first, "{its_end} is before {its_first}",
             "an end is not before its beginning", "correct the date that is wrong"),
        Rule(table, columns[0], lambda r, x: r.its_past and r.its_last and r.its_first > r.its_last,
             "{its_first} is after {its_last}, the last day on which {its_source} can have been published",
             "what a text tells as past is not after its publication",
             "correct the date" + (f" or the {_TELLS[table]}" if table in _TELLS else "")))),
)  # fmt: skip


def check_rules(tables: Raw, root: Path) -> Iterator[Problem]:
    """Check the rows against the dataset's own rules; `root` holds `seeds/`, for the files' sums."""
    index = _Index(tables)
    for table, rows in tables.items():
        rules = [rule for rule in RULES if rule.table == table]
        for number, row in enumerate(rows if rules else (), start=2):
            cells = {**row, **(index.dates(table, row) if table in _DATES else {})}
            for rule in rules:
                hits = rule.wrong(SimpleNamespace(**cells), index)
                for hit in hits if isinstance(hits, list) else [""] if hits else []:
                    shown = {c: shorten(str(cell)) or "empty" for c, cell in {**cells, "it": hit}.items()}
                    yield Problem(data_path(table), number, rule.column, *(w.format_map(shown) for w in rule[3:]))
    yield from _sources(tables, root)
    yield from _ids(tables)


def _sources(tables: Raw, root: Path) -> Iterator[Problem]:
    for number, row in enumerate(tables["sources"], start=2):
        try:
            found = sha256(root, row["file"])
        except DataError as error:
            yield Problem(data_path("sources"), number, "file", str(error).rstrip("."),
                          "every source has its text in seeds/", "restore the file, or correct its name")  # fmt: skip
            continue
        if row["sha256"] != found:
            yield Problem(data_path("sources"), number, "sha256", f"seeds/{row['file']} has another SHA-256, {found}",
                          "a source text is kept byte for byte as it was received",
                          "restore the file; write this sum only if the text was replaced on purpose")  # fmt: skip
    for name in sorted({path.name for path in (root / "seeds").glob("*.txt")} - {r["file"] for r in tables["sources"]}):
        yield Problem(f"seeds/{name}", None, "", "the text is in no row of data/sources.csv",
                      "every *.txt in seeds/ is a source",
                      "add its row there, or take the file out of seeds/")  # fmt: skip


def _ids(tables: Raw) -> Iterator[Problem]:
    seen: dict[str, tuple[str, int]] = {}
    for table, column in schema.ROW_TABLES.items():
        prefix = schema.ROW_PREFIXES[table]
        for number, row in enumerate(tables.get(table, ()), start=2):
            row_id = row[column]
            if row_id and not row_id.startswith(prefix):
                yield Problem(data_path(table), number, column, f"“{shorten(row_id)}” has the wrong beginning",
                              f"ids of this table begin with {prefix}",
                              f"rename it {prefix}…, wherever it stands")  # fmt: skip
            other, where = seen.setdefault(row_id, (table, number))
            # A double within one table is the schema's to tell.
            if other != table:
                yield Problem(data_path(table), number, column,
                              f"“{shorten(row_id)}” stands already in {data_path(other)}, row {where}",
                              "a row id is unique across all tables", "give this row another id")  # fmt: skip


def unlabelled(descriptor: Mapping[str, Any], tables: Raw) -> Iterator[Problem]:
    """Name the terms, units and areas that the rows use and `labels` lacks: they are printed as they stand."""
    labelled = {(row["vocabulary"], row["term"]) for row in tables.get("labels", ())}
    labelled |= {("area", row["iso3"]) for row in tables["countries"]}
    for resource in descriptor["resources"]:
        for column, vocabulary in schema.coded(resource).items():
            for number, row in enumerate(tables[resource["name"]], start=2):
                term = row[column]
                if term and (vocabulary, term) not in labelled:
                    labelled.add((vocabulary, term))
                    yield Problem(data_path(resource["name"]), number, column, f"“{shorten(term)}” lacks a label",
                                  "it is printed as it stands",
                                  f"add {vocabulary},{term} to data/labels.csv and data/datapackage.json")  # fmt: skip
