"""The dataset's own rules, which no table schema can state: ids, dates, values, money, lists, sources."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path

from alliances.dataset.dates import first_day, precision, split_period
from alliances.dataset.problems import Problem, nearest, shorten
from alliances.dataset.seeds import sha256
from alliances.dataset.tables import FACT_TABLES, ROW_PREFIXES, Raw, data_path, iter_facts, split_list
from alliances.errors import DataError

__all__ = ["check_rules"]

_Row = Mapping[str, str]

#: Columns of each fact table that hold dates; together they share `date_precision` and `year_inferred`.
_DATE_COLUMNS = {
    "characteristics": ("date",),
    "memberships": ("entry_date", "exit_date"),
    "positions": ("date",),
    "event_accounts": ("date", "date_end"),
    "observations": ("time_period",),
    "statements": ("date",),
}
#: What makes a row tell of the past: column and the values of it that do. No column: every row does.
_PAST = {
    "characteristics": ("status", frozenset({"in_force", "happened", "failed"})),
    "event_accounts": ("status", frozenset({"in_force", "happened", "failed"})),
    "observations": ("obs_status", frozenset({"reported"})),
    "positions": ("attribution", frozenset({"stated", "reported"})),
    "memberships": ("", frozenset[str]()),
    "statements": ("", frozenset[str]()),
}
_MONEY = frozenset({"money", "money_per_year"})
_NOTE_REASONS = frozenset({"rhetoric", "speculation", "context"})
_PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_-]+)[^{}]*\}")
#: Columns that point into their own table; a row must not point at itself.
_SELF_REFERENCES = {
    "alliances": ("alliance_id", "parent_id"),
    "events": ("event_id", "probably_same_as"),
    "observations": ("observation_id", "same_as"),
}


class _Index:
    """Where to look things up, each once."""

    def __init__(self, tables: Raw) -> None:
        self.tables = tables
        self.sources = {row["source_id"]: row for row in tables["sources"]}
        self.source_of_quote = {row["quote_id"]: row["source_id"] for row in tables["quotes"]}
        self.actors = {row["actor_id"] for row in tables["actors"]}
        self.countries = {row["iso3"] for row in tables["countries"]}
        self.indicators = {row["indicator"]: row for row in tables["indicators"]}
        self.observations = {row["observation_id"]: row for row in tables["observations"]}

    @cached_property
    def rows(self) -> dict[str, tuple[str, int, _Row]]:
        """Table, spreadsheet row and cells of every fact, by row id (the first of a doubled id)."""
        found: dict[str, tuple[str, int, _Row]] = {}
        for table, number, row in iter_facts(self.tables):
            found.setdefault(row[FACT_TABLES[table]], (table, number, row))
        return found

    def source_of(self, row: _Row) -> str:
        quote_ids = split_list(row["quote_ids"])
        return self.source_of_quote.get(quote_ids[0], "") if quote_ids else ""

    def published(self, row: _Row, column: str) -> date | None:
        text = self.sources.get(self.source_of(row), {}).get(column, "")
        return _day(text)


def check_rules(tables: Raw, root: Path) -> list[Problem]:
    """Check the rows against the dataset's own rules.

    Rows whose cells the schema rejects are passed over where a rule needs those cells.

    Parameters
    ----------
    tables : dict of str to list of dict
        Raw tables.
    root : Path
        Folder that holds `seeds/`, for the files' sums.

    Returns
    -------
    list of Problem
    """
    index = _Index(tables)
    return [
        *_check_sources(index, root),
        *_check_actors(index),
        *_check_ids(index),
        *_check_quote_ids(index),
        *_check_dates(index),
        *_check_observations(index),
        *_check_lists(index),
        *_check_self_references(index),
        *_check_judgements(index),
        *_check_exclusions(index),
    ]


def _day(text: str) -> date | None:
    try:
        return first_day(text)
    except ValueError:
        return None


def _check_sources(index: _Index, root: Path) -> Iterator[Problem]:
    file = data_path("sources")
    listed = set()
    for number, row in enumerate(index.tables["sources"], start=2):
        listed.add(row["file"])
        try:
            found = sha256(root, row["file"])
        except DataError as error:
            yield Problem(
                file, number, "file", str(error).rstrip("."), "every source has its text in seeds/",
                "restore the file, or correct its name",
            )  # fmt: skip
        else:
            if row["sha256"] != found:
                yield Problem(
                    file, number, "sha256", f"seeds/{row['file']} has another SHA-256, {found}",
                    "a source text is kept byte for byte as it was received",
                    "restore the file; write this sum only if the text was replaced on purpose",
                )  # fmt: skip
        days = [_day(row[c]) for c in ("published_from", "published", "published_to")]
        if all(days):
            start, best, end = (d for d in days if d)
            if not start <= best <= end:
                yield Problem(
                    file, number, "published", f"{best} is not between {start} and {end}",
                    "published_from <= published <= published_to", "correct the date that is wrong",
                )  # fmt: skip
    for path in sorted((root / "seeds").glob("*.txt")):
        if path.name not in listed:
            yield Problem(
                f"seeds/{path.name}", None, "", "the text is in no row of data/sources.csv",
                "every *.txt in seeds/ is a source", "add its row there, or take the file out of seeds/",
            )  # fmt: skip


def _check_actors(index: _Index) -> Iterator[Problem]:
    names = {row["iso3"]: row["name"] for row in index.tables["countries"]}
    for number, row in enumerate(index.tables["actors"], start=2):
        actor_id, iso3 = row["actor_id"], row["iso3"]
        # A code that is not in the table of countries is the schema's to tell.
        if row["kind"] != "country" or (iso3 and iso3 not in names):
            continue
        if actor_id != iso3:
            wrong = "iso3" if actor_id in names else "actor_id"
            code = next((c for c, name in names.items() if name == row["name"]), "")
            yield Problem(
                data_path("actors"), number, wrong, f"actor_id is “{actor_id}”, iso3 “{iso3}”",
                "a country's actor_id and iso3 are both its alpha-3 code in data/countries.csv",
                f"write {code} in both" if code else "write its code in both",
            )  # fmt: skip
        elif row["name"] != names[iso3]:
            yield Problem(
                data_path("actors"), number, "name", f"“{row['name']}” is not “{names[iso3]}”",
                "a country has one name in actors and countries", f"write {names[iso3]}, or correct the code",
            )  # fmt: skip


def _check_ids(index: _Index) -> Iterator[Problem]:
    seen: dict[str, tuple[str, int]] = {}
    for table, prefix in ROW_PREFIXES.items():
        column = FACT_TABLES.get(table) or f"{table.removesuffix('s')}_id"
        for number, row in enumerate(index.tables[table], start=2):
            row_id = row[column]
            if row_id and not row_id.startswith(prefix):
                yield Problem(
                    data_path(table), number, column, f"“{shorten(row_id)}” has the wrong beginning",
                    f"ids of this table begin with {prefix}", f"rename it {prefix}…, wherever it stands",
                )  # fmt: skip
            if table == "judgements":
                continue
            other, where = seen.setdefault(row_id, (table, number))
            # A double within one table is the schema's to tell.
            if other != table:
                yield Problem(
                    data_path(table), number, column,
                    f"“{shorten(row_id)}” stands already in {data_path(other)}, row {where}",
                    "a row id is unique across all tables of facts", "give this row another id",
                )  # fmt: skip


def _check_quote_ids(index: _Index) -> Iterator[Problem]:
    used: set[str] = set()
    for table, number, row in iter_facts(index.tables):
        file = data_path(table)
        quote_ids = split_list(row["quote_ids"])
        used.update(quote_ids)
        for quote_id in quote_ids:
            if quote_id not in index.source_of_quote:
                near = nearest(quote_id, index.source_of_quote)
                yield Problem(
                    file, number, "quote_ids", f"“{shorten(quote_id)}” is not in data/quotes.csv",
                    "allowed is any quote_id of that table" + (f", the nearest is “{near}”" if near else ""),
                    "correct it, or add the quotation there",
                )  # fmt: skip
        if len(set(quote_ids)) < len(quote_ids):
            yield Problem(
                file, number, "quote_ids", "a quotation is named twice", "each stands once",
                "take it out once",
            )  # fmt: skip
        sources = sorted({index.source_of_quote.get(q, "") for q in quote_ids} & index.sources.keys())
        if len(sources) > 1:
            yield Problem(
                file, number, "quote_ids", f"the quotations come from {' and '.join(sources)}",
                "a row is what one source says", "make one row for each source",
            )  # fmt: skip
    for number, row in enumerate(index.tables["quotes"], start=2):
        if row["quote_id"] not in used:
            yield Problem(
                data_path("quotes"), number, "quote_id", f"no row uses “{shorten(row['quote_id'])}”",
                "every quotation supports a row", "name it in the quote_ids of a row, or delete it",
            )  # fmt: skip


def _check_dates(index: _Index) -> Iterator[Problem]:
    for table, columns in _DATE_COLUMNS.items():
        past_column, past_values = _PAST[table]
        file = data_path(table)
        for number, row in enumerate(index.tables[table], start=2):
            dates: list[str] = []
            valid = True
            for column in columns:
                text = row[column]
                if not text:
                    continue
                try:
                    dates += split_period(text) if column == "time_period" else [text]
                    first_day(dates[-1])
                except ValueError:
                    valid = False
                    allowed = "a date 2025, 2025-03 or 2025-03-20"
                    if column == "time_period":
                        allowed += ", or an interval of two such as 2025-03/2025-07 or 2003/.."
                    yield Problem(
                        file, number, column, f"“{shorten(text)}” is no date of the calendar",
                        f"allowed is {allowed}", "correct it",
                    )  # fmt: skip
            if not valid:
                continue
            yield from _check_date_marks(file, number, row, columns[0], dates)
            days = [first_day(d) for d in dates]
            if len(days) > 1 and days[0] > days[1]:
                yield Problem(
                    file, number, columns[-1], f"{dates[1]} is before {dates[0]}",
                    "an end is not before its beginning", "correct the date that is wrong",
                )  # fmt: skip
            last = index.published(row, "published_to")
            tells_past = not past_column or row[past_column] in past_values
            if days and last and tells_past and days[0] > last:
                reason = f"{past_column} is {row[past_column]}" if past_column else "the row tells what is so"
                yield Problem(
                    file, number, columns[0] if row[columns[0]] else columns[-1],
                    f"{dates[0]} is after {last}, the last day on which {index.source_of(row)} can have "
                    f"been published, although {reason}",
                    "what a text tells as past is not after its publication",
                    "correct the date" + (f" or the {past_column}" if past_column else ""),
                )  # fmt: skip


def _check_date_marks(file: str, number: int, row: _Row, date_column: str, dates: list[str]) -> Iterator[Problem]:
    expected = precision(dates) if dates else ""
    if row["date_precision"] != expected:
        found = f"“{row['date_precision']}”" if row["date_precision"] else "the cell is empty"
        yield Problem(
            file, number, "date_precision", found,
            f"{date_column} {' and '.join(dates)} has the precision {expected}" if expected
            else f"without {date_column} there is no precision",
            f"write {expected}" if expected else "empty the cell, or give the date",
        )  # fmt: skip
    if bool(row["year_inferred"]) != bool(dates):
        found = f"“{row['year_inferred']}”" if row["year_inferred"] else "the cell is empty"
        yield Problem(
            file, number, "year_inferred", found,
            "it is true or false where there is a date, and empty where there is none",
            "write false if the text prints the year, true if not" if dates
            else "empty the cell, or give the date",
        )  # fmt: skip


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _check_observations(index: _Index) -> Iterator[Problem]:
    file = data_path("observations")
    for number, row in enumerate(index.tables["observations"], start=2):
        yield from _check_bounds(file, number, row)
        indicator = index.indicators.get(row["indicator"])
        if not row["unit"]:
            pass  # told by the schema
        elif indicator is not None and row["unit"] != indicator["unit"]:
            yield Problem(
                file, number, "unit", f"“{shorten(row['unit'])}”",
                f"the unit of the indicator {row['indicator']} is {indicator['unit']}",
                f"write {indicator['unit']}, or choose another indicator",
            )  # fmt: skip
        is_money = row["unit"] in _MONEY
        if is_money and not row["currency"]:
            yield Problem(
                file, number, "currency", "the cell is empty", "money has a currency", "write EUR, USD or GBP"
            )
        elif row["currency"] and row["unit"] and not is_money:
            yield Problem(
                file, number, "currency", f"“{row['currency']}”", f"unit {row['unit']} has no currency",
                "empty the cell, or correct the unit",
            )  # fmt: skip
        area = row["ref_area"]
        if re.fullmatch("[A-Z]{3}", area) and area not in index.countries:
            near = nearest(area, index.countries)
            yield Problem(
                file, number, "ref_area", f"“{area}” is not in data/countries.csv",
                "allowed is an alpha-3 code of that table or a listed area"
                + (f", the nearest is “{near}”" if near else ""),
                "correct the code, or add the country there",
            )  # fmt: skip
        yield from _check_same_as(index, file, number, row)


def _check_bounds(file: str, number: int, row: _Row) -> Iterator[Problem]:
    bounds = {c: _number(row[c]) for c in ("value_low", "value_high")}
    for column, value in bounds.items():
        if row[column] and value is None:
            return
        if value is not None and not math.isfinite(value):
            yield Problem(
                file, number, column, f"“{row[column]}” is no finite number", "a bound is a number",
                "write the number, or empty the cell",
            )  # fmt: skip
            return
    low, high = bounds["value_low"], bounds["value_high"]
    given = f"value_low {row['value_low'] or 'empty'}, value_high {row['value_high'] or 'empty'}"
    match row["comparator"]:
        case "eq" | "about" | "nearly":
            fits, rule, column = low is not None and low == high, "both bounds equal", "value_high"
        case "at_least" | "more_than":
            fits, rule, column = low is not None and high is None, "value_low only", "value_low"
        case "at_most":
            fits, rule, column = high is not None and low is None, "value_high only", "value_high"
        case "between":
            fits = low is not None and high is not None and low < high
            rule, column = "value_low below value_high", "value_high"
        case _:
            return
    if not fits:
        yield Problem(
            file, number, column, given, f"the comparator {row['comparator']} takes {rule}",
            "correct the bounds or the comparator",
        )  # fmt: skip
    elif row["unit"] == "share" and not all(0 <= v <= 1 for v in (low, high) if v is not None):
        yield Problem(file, number, column, given, "a share lies between 0 and 1", "write half as 0.5")


def _check_same_as(index: _Index, file: str, number: int, row: _Row) -> Iterator[Problem]:
    other = index.observations.get(row["same_as"]) if row["same_as"] else None
    if other is None or row["same_as"] == row["observation_id"]:
        return
    faults = []
    if not row["currency"] or not other["currency"] or other["currency"] == row["currency"]:
        faults.append("it does not give the sum in another currency")
    if index.source_of(other) != index.source_of(row):
        faults.append("it comes from another source")
    if other["indicator"] != row["indicator"]:
        faults.append("it measures another indicator")
    if other["same_as"]:
        faults.append("it is itself the same as another row")
    if faults:
        yield Problem(
            file, number, "same_as", f"“{shorten(row['same_as'])}” does not fit: {' and '.join(faults)}",
            "same_as names the row of the same source that gives the same sum in its first currency",
            "name that row, or empty the cell",
        )  # fmt: skip


def _check_lists(index: _Index) -> Iterator[Problem]:
    yield from _check_list(index, "event_accounts", "participants", index.actors, "actor_id", "actors")
    yield from _check_list(index, "disagreements", "row_ids", index.rows, "row id", "the tables of facts")
    yield from _check_list(index, "judgements", "requires", index.rows, "row id", "the tables of facts")
    yield from _check_list(index, "indicators", "comparable_with", index.indicators, "indicator", "indicators")
    for number, row in enumerate(index.tables["disagreements"], start=2):
        row_ids = split_list(row["row_ids"])
        if row_ids and len(set(row_ids)) < 2:
            yield Problem(
                data_path("disagreements"), number, "row_ids", f"only {len(set(row_ids))} row is named",
                "a disagreement has two rows or more", "name the rows on each side",
            )  # fmt: skip


def _check_list(
    index: _Index, table: str, column: str, known: Mapping[str, object] | set[str], what: str, where: str
) -> Iterator[Problem]:
    place = where if " " in where else data_path(where)
    for number, row in enumerate(index.tables[table], start=2):
        for item in split_list(row[column]):
            if item not in known:
                near = nearest(item, known)
                yield Problem(
                    data_path(table), number, column, f"“{shorten(item)}” is not in {place}",
                    f"allowed is any {what} there" + (f", the nearest is “{near}”" if near else ""),
                    "correct it, or take it out",
                )  # fmt: skip


def _check_self_references(index: _Index) -> Iterator[Problem]:
    for table, (key, column) in _SELF_REFERENCES.items():
        for number, row in enumerate(index.tables[table], start=2):
            if row[column] and row[column] == row[key]:
                yield Problem(
                    data_path(table), number, column, f"the row points at itself, “{shorten(row[key])}”",
                    f"{column} names another row", "name that row, or empty the cell",
                )  # fmt: skip


def _check_judgements(index: _Index) -> Iterator[Problem]:
    file = data_path("judgements")
    for number, row in enumerate(index.tables["judgements"], start=2):
        required = set(split_list(row["requires"]))
        slots = row["statement"].count("{likelihood}")
        if slots != 1:
            yield Problem(
                file, number, "statement", f"{{likelihood}} stands {slots} times", "a statement has it exactly once",
                "write the likelihood word as {likelihood}, once",
            )  # fmt: skip
        for name in dict.fromkeys(_PLACEHOLDER.findall(row["statement"])):
            if name == "likelihood":
                continue
            if name not in index.rows:
                near = nearest(name, index.rows)
                yield Problem(
                    file, number, "statement", f"the placeholder {{{name}}} names no row",
                    "a placeholder is the id of a fact" + (f", the nearest is “{near}”" if near else ""),
                    "correct the placeholder",
                )  # fmt: skip
            elif name not in required:
                yield Problem(
                    file, number, "requires", f"{name} is missing, although the statement shows it",
                    "requires lists every row that the statement shows", f"add {name}",
                )  # fmt: skip
        start = _day(row["valid_from"])
        for name in sorted(required):
            published = index.published(index.rows[name][2], "published") if name in index.rows else None
            if start and published and published > start:
                yield Problem(
                    file, number, "valid_from", f"{start} is before {published}, when {name} became known",
                    "a judgement is not older than its evidence", "set valid_from to that day or later",
                )  # fmt: skip


def _check_exclusions(index: _Index) -> Iterator[Problem]:
    for number, row in enumerate(index.tables["exclusions"], start=2):
        if row["reason"] in _NOTE_REASONS and not row["reason_note"].strip():
            yield Problem(
                data_path("exclusions"), number, "reason_note", "the cell is empty",
                f"the reason {row['reason']} needs a note",
                "say what the sentence asserts and why no table holds it",
            )  # fmt: skip
