"""Tables as Markdown that Quarto, Pandoc and JupyterLab all read; each row with its marks."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from typing import Any

import pandas as pd

from alliances.analysis.evidence import NOTHING, Evidence
from alliances.analysis.frames import row_ids
from alliances.analysis.quantities import Quantity
from alliances.analysis.values import Value
from alliances.errors import NarrativeError
from alliances.narrative.sentences import Rendered, Teller
from alliances.text.dates import date_text, is_date
from alliances.text.markdown import curly, escape
from alliances.text.names import capital

__all__ = ["pipe_table"]


def pipe_table(
    teller: Teller, frame: pd.DataFrame, columns: Mapping[str, str], group: str = ""
) -> tuple[str, list[Rendered]]:
    """Lay out a frame: the first column heads its row and carries the row's marks.

    Parameters
    ----------
    teller : Teller
        Gives the marks, and knows what a row says.
    frame : pandas.DataFrame
        With ``row_id`` columns or values that carry their evidence.
    columns : Mapping of str to str
        Columns to show and their heads, in this order.
    group : str
        Column whose words head the rows that share them.

    Returns
    -------
    (str, list of Rendered)
        The table, and its cells as sentences for the check.

    Raises
    ------
    NarrativeError
        If a column is not there, or a cell holds a number that the row's evidence does not give.
    """
    ids = row_ids(frame, teller.dataset, "edition.table")
    if not isinstance(columns, Mapping) or not columns:
        raise NarrativeError("edition.table takes columns as a mapping of columns to heads, {'actor': 'Member'}")
    if wrong := [name for name in (*columns, *filter(None, [group])) if list(frame.columns).count(name) != 1]:
        has = "two columns" if wrong[0] in frame else "no column"
        raise NarrativeError(f"the frame has {has} “{wrong[0]}”; it has {', '.join(map(str, frame.columns))}")
    for head in columns.values():
        teller.check_typed(head)
    filled = {c: [v for v in frame[c] if isinstance(v, Value) or not (pd.isna(v) or v == "")] for c in columns}
    shown = [c for c in columns if filled[c] or not len(frame)]  # a column of dashes goes
    right = [c for c in shown if filled[c] and all(isinstance(v, Quantity) for v in filled[c])]
    heads, signs = (columns[c] for c in shown), ("--:" if c in right else "---" for c in shown)
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join(signs)}|"]
    sentences: list[Rendered] = []
    before = ""
    for (_, row), of_row in zip(frame.iterrows(), ids, strict=True):
        known = Evidence.of_rows(of_row)
        if group and (head := str(row[group])) != before:
            # A row of which only the first cell is filled heads a group, in page and PDF.
            lines.append(f"| **{_cell(teller, head, known, group)}** |{' |' * (len(shown) - 1)}")
            before = head
        cells = _row(teller, row[shown], known)
        sentences += cells
        lines.append(f"| {' | '.join(cell.markdown for cell in cells)} |")
    return "\n".join(lines), sentences


def _row(teller: Teller, row: pd.Series[Any], known: Evidence) -> list[Rendered]:
    if not known and not any(isinstance(value, Value) and value.evidence for value in row):
        raise NarrativeError(
            f"edition.table: the row “{row.iloc[0]}” has no row id; keep the column row_id (groupby: "
            '.agg(row_id=("row_id", " ".join), …)), or show a Quantity, which carries its own'
        )
    cells: list[Rendered] = []
    due = known
    for column, value in row.items():
        own = value.evidence if isinstance(value, Value) else NOTHING
        # The row's marks stand once, in its first cell with words; a sum or another row's value has its own beside it.
        is_others = own.formulas or own.parameters or not set(own.rows) <= set(known.rows)
        extra = due | own if is_others else due
        text = _cell(teller, value, known, str(column))
        anchors = teller.citing.anchors(extra)
        origins = own.rows or teller.citing.anchors(own) or known.rows
        printed = [[text, origins[0]]] if text and origins else []
        markdown = text + (teller.citing.write(anchors) if text else "")
        cells.append(Rendered(markdown, text, anchors or teller.citing.anchors(known), printed, extra or known))
        due = NOTHING if text else due
    return cells


def _cell(teller: Teller, value: Any, known: Evidence, column: str) -> str:
    if isinstance(value, Value):
        return capital(value.text)
    if value is None or value is pd.NA or value != value:
        return ""
    if isinstance(value, Number):
        raise NarrativeError(
            f"the column “{column}” holds the bare number {value}, which nothing supports; keep the Quantity of "
            "the column value, or make the number with edition.count or edition.value"
        )
    text = date_text(value) if isinstance(value, str) and is_date(value) else str(value)
    if wrong := teller.wrong(text, known):
        raise NarrativeError(
            f"the cell “{text[:60]}” of the column “{column}” holds “{wrong}”, which its row does not give"
        )
    return capital(escape(curly(text)))
