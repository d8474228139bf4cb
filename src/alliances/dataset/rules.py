"""The dataset's own rules, which no table schema can state: a table of tests with their sentences."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, NamedTuple

from alliances.dataset import tables as schema
from alliances.dataset.problems import Problem, shorten, visible
from alliances.dataset.schema import placeholders
from alliances.dataset.tables import FACT_TABLES, Raw, data_path, meanings, split_aside, split_list
from alliances.text.dates import first_day, split_period
from alliances.text.numbers import claims, number_text
from alliances.text.reading import number

#: Columns of each fact table that hold dates; together they share `date_precision` and `year_inferred`.
_DATES = {**dict.fromkeys(("characteristics", "positions", "statements"), ("date",)), "observations": ("time_period",),
          "memberships": ("entry_date", "exit_date"), "event_accounts": ("date", "date_end")}  # fmt: skip
#: Column whose term says (in `labels`) whether a row tells of the past; a row of another table always does.
_TELLS = {"characteristics": "status", "event_accounts": "status", "observations": "obs_status",
          "positions": "attribution"}  # fmt: skip
_BOTH = ("both bounds, equal", lambda low, high: low == high)
_LOW = ("value_low only", lambda low, high: math.isfinite(low) and math.isnan(high))
#: What each comparator takes of the bounds, NaN where there is none.
_TAKES: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "eq": _BOTH, "about": _BOTH, "nearly": _BOTH, "at_least": _LOW, "more_than": _LOW,
    "at_most": ("value_high only", lambda low, high: math.isnan(low) and math.isfinite(high)),
    "between": ("value_low below value_high", lambda low, high: low < high),
}  # fmt: skip
#: Controls, line and paragraph separators, marks that turn the writing round, halves of pairs, what is no character.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffd-\uffff]"
)


class Rule(NamedTuple):
    """A row is wrong where `wrong` is true, or once for each text in the list that it returns.

    `wrong` takes the row, its cells as attributes, and the index; the words may name the cells in braces,
    and the text from the list as `{it}`.
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
        self.rows = {k: row for table in schema.EVIDENCE for k, row in self.keyed[table].items()}
        self.units = {row["term"] for row in tables["labels"] if row["vocabulary"] == "unit"}
        self.used = {quote_id for row in self.rows.values() for quote_id in split_list(row.get("quote_ids", ""))}

    def get(self, table: str, key: str, column: str) -> str:
        """Return a cell of a row by the row's key; "" where there is no such row."""
        return self.keyed[table].get(key, {}).get(column, "")

    def unlike(self, found: str, table: str, key: str, column: str) -> list[str]:
        return [there] if (there := self.get(table, key, column)) not in ("", found) else []

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


def _begins_otherwise(key: str, prefix: str) -> Callable[[Any, _Index], Any]:
    return lambda r, x: [] if getattr(r, key).startswith(prefix) else [getattr(r, key)]


def _sources_of(r: Any, x: _Index) -> list[str]:
    return sorted({x.get("quotes", quote_id, "source_id") for quote_id in split_list(r.quote_ids)} - {""})


def _misfit(r: Any, x: _Index) -> list[str]:
    """Say what keeps a row from giving the same sum as another in a second currency."""
    other = x.keyed["observations"].get(r.same_as)
    if other is None or r.same_as == r.observation_id:
        return []  # told by the schema
    return [f"has the {column} “{other[column]}”" for column, holds in (
        ("currency", other["currency"] in ("", r.currency)), ("source_id", other["source_id"] != r.source_id),
        ("indicator", other["indicator"] != r.indicator), ("same_as", other["same_as"])) if holds]  # fmt: skip


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
    told = {*claims(" ; ".join([*words, *(cell for cells in behind for cell in cells.values())]), parts=True)}
    told |= {str(n) for n in range(len(named) + 1)}  # “two of the three texts”
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
_COUNTRY = "a country's actor_id and iso3 are both its alpha-3 code in data/countries.csv"

RULES = (
    Rule("sources", "published", lambda r, x: not r.published_from <= r.published <= r.published_to,
         "{published} is not between {published_from} and {published_to}",
         "published_from <= published <= published_to", "correct the date that is wrong"),
    Rule("actors", "iso3", lambda r, x: r.kind == "country" and r.actor_id != r.iso3,
         "actor_id is “{actor_id}”, iso3 “{iso3}”", _COUNTRY, "write its code in both"),
    Rule("actors", "name", lambda r, x: r.kind == "country" and x.unlike(r.name, "countries", r.iso3, "name"),
         "“{name}” is not “{it}”", "a country has one name in actors and countries",
         "write {it}, or correct the code"),
    Rule("public_record", "exit_date", lambda r, x: r.exit_date and r.exit_date < r.entry_date,
         "{exit_date} is before {entry_date}", "an exit is not before its entry", "correct the date that is wrong"),
    Rule("public_record", "body_id", lambda r, x: x.get("actors", r.body_id, "kind") not in
         ("organisation", ""), "“{body_id}” is no organisation", "a body is an actor of kind organisation", "name it"),
    Rule("parameters", "minimum", lambda r, x: any(
         number(cell) < number(r.minimum) or number(cell) > number(r.maximum) for cell in (r.default, r.example)),
         "minimum {minimum}, maximum {maximum}, default {default}, example {example}",
         "default and example lie between minimum and maximum", "correct the number that is wrong"),
    Rule("parameters", "name", lambda r, x: r.name in ("as_of", "focus", "exclude_sources"),
         "“{name}” is built in", "a scenario parameter has another name", "rename it, or delete the row"),
    Rule("quotes", "quote_id", lambda r, x: r.quote_id and r.quote_id not in x.used, "no row uses “{quote_id}”",
         "every quotation supports a row", "name it in the quote_ids of a row, or delete it"),
    Rule("observations", "value_high", lambda r, x: [takes for takes, fits in (_TAKES[r.comparator],)
         if not fits(number(r.value_low), number(r.value_high))] if r.comparator in _TAKES else [],
         _BOUNDS, "the comparator {comparator} takes {it}", "correct the bounds or the comparator"),
    Rule("observations", "comparator", lambda r, x: r.comparator and r.comparator not in _TAKES,
         "“{comparator}” is no comparator", f"allowed are {', '.join(_TAKES)}", "choose one of these"),
    Rule("observations", "value_high", lambda r, x: x.means("unit", r.unit, "share")
         and (number(r.value_low) < 0 or number(r.value_high) > 1),
         _BOUNDS, "a share lies between 0 and 1", "write half as 0.5"),
    Rule("observations", "unit", lambda r, x: r.unit and x.unlike(r.unit, "indicators", r.indicator, "unit"),
         "“{unit}”", "the unit of the indicator {indicator} is {it}",
         "convert the value and write {it}, or choose another indicator"),
    Rule("observations", "currency", lambda r, x: r.unit in x.units
         and bool(r.currency) != x.means("unit", r.unit, "money"),
         "“{currency}”", "money has a currency, and nothing else has", "write one, e.g. EUR, or empty it"),
    Rule("observations", "same_as", _misfit, "“{same_as}” {it}",
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
    Rule("judgements", "requires", lambda r, x: [name for name in placeholders(r.statement) if name in x.rows
         and name not in split_list(r.requires)], "{it} is missing, although the statement shows it",
         "requires lists every row that the statement shows", "add {it}"),
    Rule("judgements", "valid_from", lambda r, x: [f"{x.published(name, '')}, when {name}" for name
         in split_list(r.requires) if x.published(name, "") > r.valid_from], "{valid_from} is before {it} became known",
         "a judgement is not older than its evidence", "set valid_from to that day or later"),
    Rule("judgements", "aside", lambda r, x: not re.fullmatch(f"({schema.ASIDE})*", r.aside),
         "“{aside}” cannot be read", "it holds each row with its reason", "write: row-id (reason); row-id (reason)"),
    Rule("judgements", "against", _not_weighed, "{judgement_id} does not weigh {it}, which points the other way",
         "such a row stands in against, in requires, or in aside with a reason", "add {it} to one of them"),
    *(Rule(table, schema.ROW_TABLES[table], _begins_otherwise(schema.ROW_TABLES[table], prefix),
           "“{it}” has the wrong beginning", f"ids of this table begin with {prefix}",
           f"rename it {prefix}…, wherever it stands") for table, prefix in schema.ROW_PREFIXES.items()),
    *(rule for table in FACT_TABLES for rule in (
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
        Rule(table, columns[-1], lambda r, x: r.its_valid and r.its_end < r.its_first,
             "{its_end} is before {its_first}",
             "an end is not before its beginning", "correct the date that is wrong"),
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
                yield Problem(data_path(table), at, column, f"the cell holds {visible(found[0])}",
                              "allowed are characters that can be printed", "delete it")  # fmt: skip
            cells = {**row, **(index.dates(table, row) if table in _DATES else {})}
            for rule in rules:
                hits = rule.wrong(SimpleNamespace(**cells), index)
                for hit in hits if isinstance(hits, list) else [""] if hits else []:
                    shown = {c: shorten(str(cell)) or "empty" for c, cell in {**cells, "it": hit}.items()}
                    yield Problem(data_path(table), at, rule.column, *(w.format_map(shown) for w in rule[3:]))
