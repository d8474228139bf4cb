"""The dataset as pandas frames whose rows know where they come from, and how that is found again.

The id of a row stands in the column ``row_id`` *and* in the index: the index survives what keeps rows, the
column survives `merge`, `melt` with ``id_vars`` and ``agg(row_id=("row_id", " ".join))``, so a cell may hold
several ids. `Quantity` objects carry theirs through sums and arithmetic.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from fractions import Fraction
from numbers import Integral
from typing import Any

import pandas as pd

from alliances.analysis.evidence import Evidence
from alliances.analysis.facts import fact
from alliances.analysis.quantities import Quantity
from alliances.analysis.tracking import LOST, KnownFrame, cell_ids, id_columns, index_ids
from alliances.analysis.values import Value
from alliances.dataset import FACT_TABLES, Dataset
from alliances.errors import NarrativeError

__all__ = ["distinct", "evidence_of", "find", "named_frame", "row_ids", "spread", "taken"]

_REMEDY = (
    'keep the column row_id in every frame (melt: id_vars; groupby: .agg(row_id=("row_id", " ".join), …); '
    "select it with the other columns; a merge needs it on both sides)"
)

_NAMES = {"actor_id": "actor", "alliance_id": "alliance", "body_id": "body", "holder": "holder_name"}
_KEYS = {**FACT_TABLES, "public_record": "record_id"}


def named_frame(dataset: Dataset, table: str) -> pd.DataFrame:
    """Return a table with names and labels joined to its codes.

    Parameters
    ----------
    dataset : Dataset
        The dataset, cut to the edition.
    table : str
        A table of the data package.

    Returns
    -------
    pandas.DataFrame
        The table's columns, and for facts and the public record: ``row_id`` (also as index), ``actor``,
        ``alliance``, ``body`` (names), ``source`` (short name), ``published`` (ISO date), ``mark``; for each
        column with a vocabulary ``…_label``; for observations ``value`` (`Quantity`).

    Raises
    ------
    NarrativeError
        If there is no such table.
    """
    if table not in dataset.tables:
        raise NarrativeError(f"There is no table “{table}”; the tables are {', '.join(dataset.tables)}.")
    frame = dataset[table]
    for column, name in _NAMES.items():
        if column in frame:
            frame[name] = pd.Series([dataset.name(i, article=False) if i else "" for i in frame[column]], dtype="str")
    own = {"observations": {"indicator": "indicator"}, "event_accounts": {"event_id": "event"}}.get(table, {})
    for column, vocabulary in {**dataset.vocabularies(table), **own}.items():
        words = [dataset.label(vocabulary, str(t)).label if t else "" for t in frame[column]]
        frame[f"{column.removesuffix('_id')}_label"] = pd.Series(words, dtype="str")
    if table not in _KEYS:
        return KnownFrame(frame) if id_columns(frame) else frame
    ids = list(frame[_KEYS[table]])
    frame.insert(0, "row_id", pd.Series(ids, dtype="str"))
    frame["mark"] = pd.Series([dataset.mark(i) for i in ids], dtype="str")
    if "source_id" in frame:
        sources = {s: dataset.source(s) for s in frame["source_id"].unique() if s}
        frame["source"] = pd.Series([sources[s].short_name if s else "" for s in frame["source_id"]], dtype="str")
        days = [sources[s].published.isoformat() if s else "" for s in frame["source_id"]]
        frame["published"] = pd.Series(days, dtype="str")
    if table == "observations":
        frame["value"] = pd.Series([fact(dataset, dataset.row(i)) for i in ids], dtype="object")
    frame.index = pd.Index(ids, name=None, dtype="str")
    return KnownFrame(frame)


def row_ids(frame: pd.DataFrame, dataset: Dataset, call: str) -> list[list[str]]:
    """List the ids of each row of a frame: those in its columns of row ids, else that in its index.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame that came out of `named_frame`.
    dataset : Dataset
        The dataset, to know an id from another word.
    call : str
        The call that needs it, for the message.

    Raises
    ------
    NarrativeError
        If ids were lost in a merge or groupby, or one is no row of this edition.
    """
    if not isinstance(frame, pd.DataFrame):
        kind = "column" if isinstance(frame, pd.Series) else type(frame).__name__
        raise NarrativeError(f"{call} takes a frame, such as edition.frame gives, and not a {kind}.")
    columns = [frame.iloc[:, position] for position in id_columns(frame)]
    ids = [[i for cell in cells for i in cell_ids(cell)] for cells in zip(*columns, strict=True)] if columns else []
    wrong = next((i for row in ids for i in row if not _is_row(dataset, i)), "")
    if wrong in LOST:
        raise NarrativeError(f"{call}: {LOST[wrong]}; {_REMEDY}.")
    if wrong:
        raise NarrativeError(f"{call}: “{wrong}” in the row ids of the frame is no row that this edition knows.")
    labels = index_ids(frame.index)
    if not labels or not all(_is_row(dataset, label) for label in labels):
        return ids or [[] for _ in range(len(frame))]
    return [row or [label] for row, label in zip(ids or [[] for _ in labels], labels, strict=True)]


def _is_row(dataset: Dataset, row_id: str) -> bool:
    return row_id in dataset and dataset.row(row_id).table in _KEYS


def evidence_of(frame: pd.DataFrame, dataset: Dataset, call: str) -> Evidence:
    """Find what a frame rests on: the ids of its rows, and the values in its cells; parameters as in `row_ids`.

    Raises
    ------
    NarrativeError
        If a row has lost its ids; the message says how to keep them.
    """
    ids = row_ids(frame, dataset, call)
    bare = [position for position, row in enumerate(ids) if not row and not _is_assumed(frame, position)]
    if bare and not any(ids):
        raise NarrativeError(
            f"{call}: the frame has lost its row ids, so nothing would support what is made of it; {_REMEDY}."
        )
    if bare:
        raise NarrativeError(
            f"{call}: row {bare[0]} of the frame has no row id; give it the ids of what it is made from, "
            "or take it out of the frame."
        )
    listed = [i for position in id_columns(frame) for cell in frame.iloc[:, position] for i in cell_ids(cell)]
    values = [cell for _, column in frame.items() for cell in column if isinstance(cell, Value)]
    known = Evidence.of_rows([*listed, *(i for row in ids for i in row)])
    return Evidence.union([known, *(value.evidence for value in values)])


def _is_assumed(frame: pd.DataFrame, position: int) -> bool:
    """Whether a row needs no id, since it holds what the reader of the edition assumes and no text says."""
    held = Evidence.union([cell.evidence for cell in frame.iloc[position] if isinstance(cell, Value)])
    return bool(held) and not held.all_rows


def distinct(frame: pd.DataFrame, by: str, call: str) -> list[str]:
    """List the different values of a column in their order, as text; empty cells are none.

    Raises
    ------
    NarrativeError
        If there is no such column, or two.
    """
    found = list(frame.columns).count(by)
    if found != 1:
        columns = ", ".join(map(str, frame.columns))
        raise NarrativeError(f"{call}: the frame has {'two columns' if found else 'no column'} “{by}” among {columns}.")
    cells = (str(cell) for cell in frame[by] if isinstance(cell, (Value, list)) or not pd.isna(cell))
    return list(dict.fromkeys(filter(None, cells)))


def taken(frame: pd.DataFrame, function: Callable[[pd.DataFrame], Any], call: str) -> Fraction | str | Value | None:
    """Take one value out of a frame; None where there is none.

    Raises
    ------
    NarrativeError
        If the function fails, gives no single value, or one that does not come from the frame.
    """
    try:
        found = function(frame)
    except Exception as error:
        if isinstance(error, NarrativeError):
            raise
        raise NarrativeError(f"{call}: the function stops with {type(error).__name__}: {error}.") from None
    if isinstance(found, Value):
        return found
    try:
        if found is None or found == "" or pd.isna(found):
            return None
        exact = found if isinstance(found, str) else _exact(found)
    except (TypeError, ValueError):
        exact = None
    if exact is None or type(found).__name__ in ("bool", "bool_"):
        raise NarrativeError(
            f"{call}: the function gives {_short(found)}, which is no Quantity, number, ISO date or text."
        )
    if exact and _given(frame.head(0), function) == found:
        raise NarrativeError(f"{call}: the function gives {_short(found)} without the frame; take it from the frame.")
    return exact


def _short(found: Any) -> str:
    return " ".join(repr(found).split())[:60]


def _exact(number: Any) -> Fraction:
    return Fraction(int(number)) if isinstance(number, Integral) else Fraction(str(float(number)))


def _given(frame: pd.DataFrame, function: Callable[[pd.DataFrame], Any]) -> Any:
    """Return what the function gives of a frame without rows; what comes from rows it then cannot give."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(frame)
        except Exception:
            return None


def spread(frame: pd.DataFrame, column: str = "value") -> pd.DataFrame:
    """Add the bounds of a column of quantities as numbers, for a chart.

    Returns
    -------
    pandas.DataFrame
        With ``value_low``, ``value_high`` (float64, equal for a single value) and ``value_text`` (as printed)
        and ``value_bound`` (``at_least``, ``more_than``, ``at_most``, ``less_than`` or "").
    """
    if column not in frame:
        raise NarrativeError(f"edition.spread: the frame has no column “{column}”; observations have value.")
    quantities = [cell if isinstance(cell, Quantity) else None for cell in frame[column]]
    bounds = [(float("nan"), float("nan")) if q is None else (float(q.low), float(q.high)) for q in quantities]
    return frame.assign(
        value_low=pd.Series([low for low, _ in bounds], frame.index, "float64"),
        value_high=pd.Series([high for _, high in bounds], frame.index, "float64"),
        value_text=pd.Series(["" if q is None else q.text for q in quantities], frame.index, "str"),
        value_bound=pd.Series(["" if q is None else q.bound for q in quantities], frame.index, "str"),
    )


def find(dataset: Dataset, text: str) -> pd.DataFrame:
    """Find known rows by id, mark, value, words, country or format.

    Returns
    -------
    pandas.DataFrame
        ``row_id, table, mark, source, alliance, actor, says``, one row a fact that holds the text anywhere.
    """
    wanted = str(text).casefold()
    found: list[dict[str, str]] = []
    for row_id in dataset.row_ids:
        row = dataset.row(row_id)
        if row.table not in _KEYS:
            continue
        value = fact(dataset, row)
        quotes = [dataset.quote(q).exact for q in row.quote_ids]
        names = {c: dataset.name(str(row.values[c]), article=False) for c in _NAMES if row.values.get(c)}
        cells = [row_id, dataset.mark(row_id), str(value), *map(str, row.values.values()), *names.values(), *quotes]
        if any(wanted in cell.casefold() for cell in cells):
            source = dataset.source(row.source_id).short_name if row.source_id else "public record"
            found.append(
                {
                    "row_id": row_id, "table": row.table, "mark": dataset.mark(row_id), "source": source,
                    "alliance": names.get("alliance_id", ""), "actor": names.get("actor_id", ""), "says": str(value),
                }
            )  # fmt: skip
    columns = ["row_id", "table", "mark", "source", "alliance", "actor", "says"]
    return KnownFrame(pd.DataFrame(found, columns=columns, dtype="str"))
