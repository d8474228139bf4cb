"""One row as a value: a quantity, a date or words, with what else the row gives."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from alliances.analysis.evidence import Evidence
from alliances.analysis.moments import Moment
from alliances.analysis.quantities import COMPARATORS, Quantity, Unit
from alliances.analysis.values import Value, Words
from alliances.dataset import Dataset, Row
from alliances.text.markdown import curly, escape

__all__ = ["fact", "printed_cell", "unit_of"]

#: What a row of each table says first of all.
MAIN_COLUMN = {
    "characteristics": "value",
    "memberships": "actor_id",
    "positions": "actor_id",
    "event_accounts": "date",
    "capabilities": "capability",
    "statements": "summary",
    "public_record": "entry_date",
}
DATE_COLUMNS = ("date", "entry_date", "exit_date", "date_end", "time_period")
#: Meanings of a unit that measures and counts nothing.
_MEASURED = {"measure", "money", "share"}
_ACTOR_COLUMNS = ("actor_id", "speaker", "holder", "attributed_to", "body_id")
_SHORT = {"actor_id": "actor", "alliance_id": "alliance", "body_id": "body"}


def unit_of(dataset: Dataset, unit: str, currency: str = "") -> tuple[tuple[Unit, int], ...]:
    """Return the unit of a row: a currency goes before the unit, and what only counts is marked so."""
    if currency:
        per_year = ((Unit("years"), -1),) if unit.endswith("_per_year") else ()
        return ((Unit(currency, sign=dataset.label("currency", currency).label), 1), *per_year)
    counted = not _MEASURED & set(dataset.label("unit", unit).meaning.split())
    return ((Unit(unit, counted=counted), 1),) if unit else ()


def printed_cell(dataset: Dataset, row: Row, column: str) -> str:
    """Print one cell: names with their article, terms in the words of `data/labels.csv`, our own words curly."""
    cell = row.values.get(column)
    if cell is None or cell == "" or cell != cell:
        return ""
    if column in _ACTOR_COLUMNS or column == "alliance_id":
        return dataset.name(str(cell))
    label = dataset.label(dataset.vocabularies(row.table).get(column, column), str(cell))
    return label.label if label.known else escape(curly(str(cell)))


def fact(dataset: Dataset, row: Row) -> Value:
    """Return a known row as a value.

    Parameters
    ----------
    dataset : Dataset
        The dataset, cut to the edition.
    row : Row
        A fact or an entry of the public record.

    Returns
    -------
    Value
        A `Quantity` for an observation, a `Moment` for a dated account or the public record, else `Words`;
        its `fields` are the row's other cells by column (``actor`` for ``actor_id``), ``source`` (its short
        name), ``published`` and ``mark``.
    """
    evidence = Evidence((row.row_id,))
    fields = _fields(dataset, row, evidence)
    if row.table == "observations":
        return _quantity(dataset, row, evidence, fields)
    main = MAIN_COLUMN.get(row.table, "")
    if main in DATE_COLUMNS:
        return Moment(
            str(row.values.get(main) or ""), evidence, name=str(row.values.get("event_id", "")), fields=fields
        )
    return Words(printed_cell(dataset, row, main), evidence, fields)


def _fields(dataset: Dataset, row: Row, evidence: Evidence) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    for column, cell in row.values.items():
        name = _SHORT.get(column, column)
        if column in DATE_COLUMNS:
            fields[name] = Moment(str(cell or ""), evidence)
        elif not column.startswith("value_") and column not in ("quote_ids", "source_id"):
            fields[name] = Words(printed_cell(dataset, row, column), evidence)
    if row.source_id:
        source = dataset.source(row.source_id)
        fields["source"] = Words(source.short_name, evidence)
        estimated = source.published_from != source.published_to
        fields["published"] = Moment(source.published.isoformat(), evidence, about=estimated)
        fields["mark"] = Words(dataset.mark(row.row_id), evidence)
    return fields


def _quantity(dataset: Dataset, row: Row, evidence: Evidence, fields: Mapping[str, Value]) -> Quantity:
    bounds = [Fraction(repr(b)) for b in (row["value_low"], row["value_high"]) if b == b]  # NaN: no such bound
    comparator = row["comparator"]
    before, bound = COMPARATORS.get(comparator, (f"{comparator} " if comparator else "", ""))
    label = dataset.label("indicator", row["indicator"]).label
    return Quantity(
        bounds[0],
        bounds[-1],
        unit_of(dataset, row["unit"], row["currency"]),
        bound,
        comparator in ("about", "nearly"),
        name=f"{label.lower()} ({dataset.mark(row.row_id)})",
        basis=evidence,
        comparator=before,
        fields=fields,
    )
