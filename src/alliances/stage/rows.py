"""Says in plain words what a row gives, and lists the numbers that it bears out."""

import re

from alliances.analysis.facts import fact
from alliances.dataset import Dataset, Row
from alliances.text.dates import date_text, is_date
from alliances.text.markdown import curly
from alliances.text.names import capital
from alliances.text.numbers import claims

_NAMED = {"event_id": "event", "indicator": "indicator"}
_OF_WHAT = ("event_id", "actor_id", "holder", "indicator", "topic", "aspect", "alliance_id", "ref_area")
_SAID = ("capability", "position", "value", "participants", "place")
_TOLD = ("condition", "status", "obs_status", "attribution", "date", "date_end", "time_period", "entry_date")


def say(dataset: Dataset, row: Row, column: str) -> str:
    """Print a cell in plain words: names, terms by their labels, dates; "" where it is empty or there is none."""
    cell = row.values.get(column)
    if not isinstance(cell, str) or not cell:
        return ""
    if is_date(cell.split("/")[0]):
        return date_text(cell)
    names, formats = dataset.names, dataset.alliance_names
    parts = [dataset.name(part) if part in names or part in formats else part for part in cell.split("; ")]
    vocabulary = _NAMED.get(column) or dataset.vocabularies(row.table).get(column)
    return dataset.label(vocabulary, cell).label if vocabulary and parts == [cell] else curly("; ".join(parts))


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


def numbers(dataset: Dataset, row: Row) -> set[str]:
    """List the numbers that a row bears out, in each way of printing them, its words included."""
    value = fact(dataset, row)
    texts = [field.text for name, field in value.fields.items() if name not in ("source", "mark")]
    texts += [re.sub(r"(?<=\d)(?=[A-Z])", " ", str(cell)).lstrip("P") for cell in row.values.values()]
    texts += [value.text, value.words, *(dataset.quote(quote).exact for quote in row.quote_ids)]
    return {*claims(" ; ".join(texts), parts=True)}
