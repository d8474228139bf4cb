"""One row as a value (a quantity, a date or words), and subjects: the newest value of a format, aspect or actor."""

from collections.abc import Mapping
from fractions import Fraction

from alliances.analysis.quantities import BOUNDS, Moment, Quantity, Unit
from alliances.analysis.values import Evidence, Value
from alliances.dataset import Dataset, Row, split_list
from alliances.errors import refuse
from alliances.text.markdown import curly

#: What a row of each table says first of all; an observation says its number.
_MAIN_COLUMN = {
    "characteristics": "value", "memberships": "actor_id", "positions": "actor_id", "event_accounts": "date",
    "capabilities": "capability", "statements": "summary", "public_record": "entry_date",
}  # fmt: skip
_DATE_COLUMNS = ("date", "entry_date", "exit_date", "date_end", "time_period")
_NAMED_COLUMNS = ("actor_id", "speaker", "holder", "attributed_to", "body_id", "alliance_id", "participants")
#: Meanings of a unit that measures and counts nothing.
_MEASURED = {"measure", "money", "share"}
#: Subjects, as ``jef.members``: whose it is, what it is, and the columns in which two rows say the same, by table.
_KINDS = {
    "observations": ("alliance_id", "indicator", ("value_low", "value_high", "comparator", "unit", "currency")),
    "characteristics": ("alliance_id", "aspect", ("value",)),
    "positions": ("actor_id", "topic", ("position",)),
}


def unit_of(dataset: Dataset, unit: str, currency: str = "") -> tuple[tuple[Unit, int], ...]:
    """Return the unit of a row: a currency goes before the unit, and what only counts is marked so."""
    if currency := currency or (unit if dataset.label("currency", unit).known else ""):
        per_year = ((Unit("years"), -1),) if unit.endswith("_per_year") else ()
        return ((Unit(currency, sign=dataset.label("currency", currency).label), 1), *per_year)
    counted = not _MEASURED & set(dataset.label("unit", unit).meaning.split())
    return ((Unit(unit, counted=counted), 1),) if unit else ()


def fact(dataset: Dataset, row: Row) -> Value:
    """Return a known row, a fact or an entry of the public record, as a value of the edition's dataset.

    A `Quantity` for an observation, a `Moment` for a dated account or the public record, else words; its `fields` are
    the row's other cells by column (``actor`` for ``actor_id``), ``source`` (short name), ``published``, ``mark``.
    """
    if row.row_id not in dataset.facts:
        dataset.facts[row.row_id] = _fact(dataset, row)
    value: Value = dataset.facts[row.row_id]
    return value


def _fact(dataset: Dataset, row: Row) -> Value:
    evidence, coded = Evidence((row.row_id,)), dataset.vocabularies(row.table)
    columns = (c for c in row.values if not c.startswith("value_") and c not in ("quote_ids", "source_id"))
    fields = {column.removesuffix("_id"): _cell(dataset, row, column, evidence, coded) for column in columns}
    if row.source_id:
        source = dataset.source(row.source_id)
        fields["source"] = Value(source.short_name, evidence)
        is_estimate = source.published_from != source.published_to
        fields["published"] = Moment(source.published.isoformat(), evidence, is_estimate, dataset.years)
        fields["mark"] = Value(dataset.mark(row.row_id), evidence)
    if row.table == "observations":
        bounds = [Fraction(repr(b)) for b in (row["value_low"], row["value_high"]) if b == b]  # NaN: no such bound
        comparator = row["comparator"]
        return Quantity(
            bounds[0], bounds[-1], unit_of(dataset, row["unit"], row["currency"]),
            comparator if comparator in BOUNDS else "", comparator in ("about", "nearly"),
            name=f"{dataset.label('indicator', row['indicator']).label.lower()} ({dataset.mark(row.row_id)})",
            basis=evidence, comparator="nearly " * (comparator == "nearly"), fields=fields,
        )  # fmt: skip
    value = _cell(dataset, row, _MAIN_COLUMN.get(row.table, ""), evidence, coded)
    value.fields = fields
    return value


def texts_of(dataset: Dataset, row_id: str) -> list[str]:
    """List what a known row says in each way of printing it, the quoted words included."""
    row = dataset.row(row_id)
    value = fact(dataset, row)
    cells = [value, *(cell for name, cell in value.fields.items() if name not in ("source", "mark"))]
    texts = [value.words, *(cell.text for cell in cells), *(c.iso for c in cells if isinstance(c, Moment))]
    return [*texts, *(dataset.quote(quote_id).exact for quote_id in row.quote_ids)]


def _cell(dataset: Dataset, row: Row, column: str, evidence: Evidence, coded: Mapping[str, str]) -> Value:
    """Print one cell: names with their article, terms in the words of `data/labels.csv`, our own words curly."""
    cell = row.values.get(column)
    text = "" if cell is None or cell != cell else str(cell)
    if column in _DATE_COLUMNS:
        return Moment(text, evidence, years=dataset.years)
    if text and column in _NAMED_COLUMNS:
        return Value("; ".join(map(dataset.name, split_list(text))), evidence)
    label = dataset.label(coded.get(column, column.removesuffix("_id")), text)
    return Value(label.label if text and label.known else curly(text), evidence)


def newest(dataset: Dataset, name: str) -> Row | None:
    """Return the row with a subject's newest known value, or None; NarrativeError if the newest text gives two."""
    row, divided = [(None, ""), *by_text(dataset, name)][-1]
    refuse(divided, divided)
    return row


def by_text(dataset: Dataset, name: str) -> list[tuple[Row, str]]:
    """Find a subject's first row in each text, the oldest first, with a sentence where the text gives another value."""
    owner, _, what = name.partition(".")
    texts: dict[str, list[Row]] = {}
    for table, (owner_column, what_column, _) in _KINDS.items():
        for row in dataset.rows_of(table).values():
            # What is the same sum, told again in another currency, is left out.
            if (row[owner_column], row[what_column]) == (owner, what) and not row.values.get("same_as"):
                texts.setdefault(row.source_id, []).append(row)
    found, published = list[tuple[Row, str]](), dataset.column("sources", "published")
    for source_id, rows in sorted(texts.items(), key=lambda text: published[text[0]]):
        values = {tuple(str(row[column]) for column in _KINDS[row.table][2]) for row in rows}
        where = f"{dataset.source(source_id).short_name}, {' and '.join(row.row_id for row in rows[:2])}"
        divided = f"“{name}” has two different values in {where}; name the row that is meant."
        found.append((rows[0], divided if len(values) > 1 else ""))
    return found
