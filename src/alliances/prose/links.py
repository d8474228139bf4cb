"""Links from a printed value to its evidence, its formula or its reference fact."""

from __future__ import annotations

import re

from alliances.analysis.derived import Derived, Reference
from alliances.dataset import Dataset, Row
from alliances.prose.values import date_text, in_sentence, number_text, quantity_text, typographic

_TITLE_LENGTH = 140
DATE_COLUMNS = ("date", "entry_date", "exit_date", "date_end")
_MAIN_COLUMN = {
    "characteristics": "value",
    "memberships": "actor_id",
    "positions": "actor_id",
    "event_accounts": "date",
    "capabilities": "capability",
    "statements": "summary",
}


def escape(text: str) -> str:
    """Make plain text safe inside Markdown."""
    return re.sub(r"([\\`*_\[\]<>|$@#~^])", r"\\\1", text)


def short_quotation(exact: str) -> str:
    """Return a quotation on one line, cut at a word where it is long, without straight double quotes."""
    text = " ".join(exact.split()).replace('"', "”").replace("\\", "")
    if len(text) <= _TITLE_LENGTH:
        return text
    return text[:_TITLE_LENGTH].rsplit(" ", 1)[0] + " …"


def actor_name(dataset: Dataset, actor_id: str) -> str:
    """Return the name under which the report prints an actor."""
    return dataset.names[actor_id]


def cell_text(dataset: Dataset, row: Row, column: str = "") -> str:
    """Print one cell of a row.

    Parameters
    ----------
    dataset : Dataset
        Where names are looked up.
    row : Row
        A row of any table.
    column : str
        A column, ``source`` for the descriptor of the row's source, or empty for the table's main value.

    Raises
    ------
    KeyError
        If the table has no such column.
    """
    if column == "source":
        return dataset.source(row.source_id).descriptor
    if not column and row.table == "observations":
        return quantity_text(row.values)
    column = column or _MAIN_COLUMN[row.table]
    value = row[column]
    if column in DATE_COLUMNS:
        return date_text(value) if value else ""
    if column in ("actor_id", "speaker", "holder", "attributed_to"):
        return in_sentence(actor_name(dataset, value)) if value else ""
    if column in ("value_low", "value_high"):
        return number_text(value)
    return escape(typographic(str(value)))


def evidence_link(dataset: Dataset, row: Row, text: str = "", column: str = "") -> str:
    """Link a printed value to the quotation that supports it.

    A date is linked to the first of the row's quotations that shows its day or year, everything
    else to the row's main quotation.
    """
    printed = text or cell_text(dataset, row, column)
    quote_id = row.quote_ids[0]
    shown = column or _MAIN_COLUMN.get(row.table, "")
    if shown in DATE_COLUMNS and row[shown]:
        last = str(int(row[shown].split("-")[-1])) if row[shown].count("-") == 2 else row[shown][:4]
        for candidate in row.quote_ids:
            if re.search(rf"(?<!\d){last}(?!\d)", dataset.quote(candidate).exact):
                quote_id = candidate
                break
    quote = dataset.quote(quote_id)
    title = f"{dataset.source(quote.source_id).descriptor}: {short_quotation(quote.exact)}"
    return f'[{printed}](#ev-{quote_id} "{title}")'


def published_link(dataset: Dataset, source_id: str) -> str:
    """Link the month in which a source was published to how it was dated."""
    source = dataset.source(source_id)
    month = date_text(source.published.isoformat()[:7])
    return f'[{month}](#ref-source-{source_id} "{source.descriptor}")'


def derived_link(figure: Derived | Reference, text: str = "") -> str:
    """Link a derived figure or a reference fact to its entry in the annex."""
    title = figure.formula if isinstance(figure, Derived) else figure.statement
    return f'[{text or figure.text}](#{figure.anchor} "{short_quotation(title)}")'
