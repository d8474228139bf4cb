"""Says in plain words what a row gives, and lists the numbers that it bears out."""

from __future__ import annotations

import re
from functools import lru_cache

from alliances.analysis.facts import fact
from alliances.dataset import Dataset, Row
from alliances.text.dates import MONTHS, date_text
from alliances.text.markdown import curly
from alliances.text.names import capital
from alliances.text.numbers import as_digits, find_numbers

_TITLES = {"event_id": ("events", "title"), "indicator": ("indicators", "label")}
_OF_WHAT = ("event_id", "actor_id", "holder", "indicator", "topic", "aspect", "alliance_id", "ref_area")
_SAID = ("capability", "position", "value", "participants", "place")
_TOLD = ("condition", "status", "obs_status", "attribution", "date", "date_end", "time_period", "entry_date")
_SAID_DATE = re.compile(rf"(?:\b(\d{{1,2}}) )?\b({'|'.join(MONTHS)})\b(?: (\d{{4}}))?")
_DATE = re.compile(r"\d{4}(-\d\d){0,2}(/.*)?")


def say(dataset: Dataset, row: Row, column: str) -> str:
    """Print a cell in plain words: names, terms by their labels, dates; "" where it is empty or there is none."""
    cell = row.values.get(column)
    if not isinstance(cell, str) or not cell:
        return ""
    if column in _TITLES:
        return _titles(dataset, column).get(cell, cell)
    if _DATE.fullmatch(cell):
        return date_text(cell)
    parts = [
        dataset.name(part) if part in dataset.names or part in dataset.alliance_names else part
        for part in cell.split("; ")
    ]
    vocabulary = dataset.vocabularies(row.table).get(column)
    return dataset.label(vocabulary, cell).label if vocabulary and parts == [cell] else curly("; ".join(parts))


@lru_cache(maxsize=8)
def _titles(dataset: Dataset, column: str) -> dict[str, str]:
    table = dataset[_TITLES[column][0]]
    return dict(zip(table[column], table[_TITLES[column][1]], strict=True))


def reading(dataset: Dataset, row: Row) -> str:
    """Say in a line what is read from a quotation: of what, what, and with which status, voice and date."""

    def cells(columns: tuple[str, ...]) -> list[str]:
        return list(dict.fromkeys(filter(None, (say(dataset, row, column) for column in columns))))

    if summary := say(dataset, row, "summary"):
        return capital("; ".join([summary.rstrip("."), *cells(_TOLD[1:])]))
    said = cells(_SAID)
    if "value_low" in row.values:
        said = [f"{fact(dataset, row).text} {'' if row['currency'] else _unit(dataset, row)}".strip()]
    said = [" ".join(filter(None, (say(dataset, row, "relation"), *said[:1]))), *said[1:]]
    said += cells(("role",)) if "entry_date" in row.values else []
    return capital(": ".join(filter(None, (", ".join(cells(_OF_WHAT)), "; ".join(filter(None, said + cells(_TOLD)))))))


def _unit(dataset: Dataset, row: Row) -> str:
    unit = dataset.label("unit", row["unit"])
    return "" if unit.meaning == "share" else unit.label if row["value_high"] == row["value_low"] == 1 else unit.plural


def tokens(text: str, in_parts: bool = False) -> set[str]:
    """List the numbers and dates of a text in one spelling: `ten`, `10` and `$10` are the same; so `12 may 2019`.

    Of what bears others out, the parts of dates are wanted as well: who knows the day may print the month.
    """
    found: set[str] = set()

    def take(date: re.Match[str]) -> str:
        day, month, year = (part.casefold() if part else "" for part in date.groups())
        spans = (day, month, year, f"{day} {month}", f"{month} {year}", f"{day} {month} {year}")
        found.update(span.strip() for span in (spans if in_parts else spans[-1:]) if span.strip())
        return " · "

    rest = _SAID_DATE.sub(take, text)
    return found | {{"both": "2", "twice": "2"}.get(token, token) for token in map(as_digits, find_numbers(rest))}


def numbers(dataset: Dataset, row: Row) -> set[str]:
    """List the numbers that a row bears out, in each way of printing them, its words included."""
    value = fact(dataset, row)
    texts = [
        value.text,
        value.words,
        *(field.text for name, field in value.fields.items() if name not in ("source", "mark")),
    ]
    texts += [say(dataset, row, column) for column in row.values]
    texts += [re.sub(r"(?<=\d)(?=[A-Z])", " ", str(cell)).lstrip("P") for cell in row.values.values()]
    return tokens(" ; ".join([*texts, *(dataset.quote(quote_id).exact for quote_id in row.quote_ids)]), in_parts=True)
