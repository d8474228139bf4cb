"""The dataset as pandas frames whose rows know where they come from, and how that is found again.

The id of a row stands in the column ``row_id`` *and* in the index: the index survives what keeps rows, the
column survives `merge`, `melt` with ``id_vars`` and ``agg(row_id=("row_id", " ".join))``, so a cell may hold
several ids. `Quantity` objects carry theirs through sums and arithmetic.
"""

import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from fractions import Fraction
from typing import Any

import pandas as pd

from alliances.analysis.facts import fact
from alliances.analysis.quantities import Quantity
from alliances.analysis.tracking import LOST, REMEDY, KnownFrame, cell_ids, id_columns, ids_by_row, index_ids
from alliances.analysis.values import Evidence, Value
from alliances.dataset import FACT_TABLES, Dataset
from alliances.errors import NarrativeError

_NAMES = {"actor_id": "actor", "alliance_id": "alliance", "body_id": "body", "holder": "holder_name"}
_KEYS = {**FACT_TABLES, "public_record": "record_id"}
#: Columns whose codes are named although the data package gives them no vocabulary.
_CODED = {"observations": {"indicator": "indicator"}, "event_accounts": {"event_id": "event"}}


def named_frame(dataset: Dataset, table: str) -> pd.DataFrame:
    """Return a table of the dataset, which is cut to the edition, with names and labels joined to its codes.

    Columns are added as `Edition.frame` says, `row_id` also as index; NarrativeError if there is no such table.
    """
    if table not in dataset.tables:
        raise NarrativeError(f"There is no table “{table}”; the tables are {', '.join(dataset.tables)}.")
    frame = dataset[table]

    def add(name: str, cells: Iterable[str]) -> None:
        frame[name] = pd.Series(list(cells), dtype="str")

    for column, name in _NAMES.items():
        if column in frame:
            add(name, (dataset.name(i, article=False) if i else "" for i in frame[column]))
    for column, vocabulary in {**dataset.vocabularies(table), **_CODED.get(table, {})}.items():
        labels = (dataset.label(vocabulary, str(term)).label if term else "" for term in frame[column])
        add(f"{column.removesuffix('_id')}_label", labels)
    if table not in _KEYS:
        return KnownFrame(frame) if id_columns(frame) else frame
    ids = list(frame[_KEYS[table]])
    frame.insert(0, "row_id", pd.Series(ids, dtype="str"))
    add("mark", map(dataset.mark, ids))
    if "source_id" in frame:
        add("source", (dataset.source(source_id).short_name for source_id in frame["source_id"]))
        add("published", map(dataset.column("sources", "published").__getitem__, frame["source_id"]))
    if table == "observations":
        frame["value"] = pd.Series([fact(dataset, dataset.row(i)) for i in ids], dtype="object")
    frame.index = pd.Index(ids, name=None, dtype="str")
    return KnownFrame(frame)


def row_ids(frame: pd.DataFrame, dataset: Dataset, call: str) -> list[list[str]]:
    """List the ids of each row, from columns or index; NarrativeError, naming the `call`, if lost or not known here."""
    if not isinstance(frame, pd.DataFrame):
        raise NarrativeError(f"{call} takes a frame, such as edition.frame gives, and not a {type(frame).__name__}.")
    def is_known(i: str) -> bool:
        return i in dataset and dataset.row(i).table in _KEYS

    ids, labels = ids_by_row(frame), index_ids(frame.index)
    wrong = next((i for row in ids for i in row if not is_known(i)), "")
    if wrong:
        why = f"{LOST[wrong]}; {REMEDY}" if wrong in LOST else f"“{wrong}” among its row ids is no row of this edition"
        raise NarrativeError(f"{call}: {why}.")
    if labels and all(map(is_known, labels)):
        return [row or [label] for row, label in zip(ids, labels, strict=True)]
    return ids


def evidence_of(frame: pd.DataFrame, dataset: Dataset, call: str) -> Evidence:
    """Find what a frame rests on: ids of its rows, values in its cells; NarrativeError if a row has lost its own."""
    ids = row_ids(frame, dataset, call)
    for number in [number for number, row in enumerate(ids) if not row]:
        held = Evidence.union(cell.evidence for cell in frame.iloc[number] if isinstance(cell, Value))
        if held.all_rows or not held:  # what the reader of the edition assumes needs no id
            what = f"row {number} of the frame has no row id" if any(ids) else "the frame has lost its row ids"
            raise NarrativeError(f"{call}: {what}, so nothing would support what is made of it; {REMEDY}.")
    by_column = [i for position in id_columns(frame) for cell in frame.iloc[:, position] for i in cell_ids(cell)]
    values = [cell.evidence for _, column in frame.items() for cell in column if isinstance(cell, Value)]
    return Evidence.union([Evidence.of_rows([*by_column, *(i for row in ids for i in row)]), *values])


def distinct(frame: pd.DataFrame, by: str, call: str) -> list[str]:
    """List the different values of a column in their order, as text, without empty ones; one column has that name."""
    if (found := list(frame.columns).count(by)) != 1:
        has, columns = "two columns" if found else "no column", ", ".join(map(str, frame.columns))
        raise NarrativeError(f"{call}: the frame has {has} “{by}” among {columns}.")
    cells = (str(cell) for cell in frame[by] if isinstance(cell, (Value, list)) or not pd.isna(cell))
    return list(dict.fromkeys(filter(None, cells)))


def taken(frame: pd.DataFrame, function: Callable[[pd.DataFrame], Any], call: str) -> Fraction | str | Value | None:
    """Take one value out of a frame; None for none; NarrativeError if the function fails, or does without the frame."""
    try:
        found = function(frame)
    except NarrativeError:
        raise
    except Exception as error:
        raise NarrativeError(f"{call}: the function stops with {type(error).__name__}: {error}.") from None
    if found is None or isinstance(found, Value):
        return found
    shown, is_bare = " ".join(repr(found).split())[:60], False
    try:
        number = None if isinstance(found, str) or pd.isna(found) else Fraction(str(found))
    except (TypeError, ValueError):
        raise NarrativeError(
            f"{call}: the function gives {shown}, which is no Quantity, number, ISO date or text."
        ) from None
    with warnings.catch_warnings(), suppress(Exception):  # what comes from rows is not found without them
        warnings.simplefilter("ignore")
        is_bare = bool(found) and bool(function(frame.head(0)) == found)
    if is_bare:
        raise NarrativeError(f"{call}: the function gives {shown} without the frame; take it from the frame.")
    return found or None if isinstance(found, str) else number


def spread(frame: pd.DataFrame, column: str = "value") -> pd.DataFrame:
    """Add the bounds of a column of quantities to a frame: ``value_low`` and ``value_high`` (float64, in its unit).

    And ``value_text`` as printed, ``value_bound``: ``at_least``, ``more_than``, ``at_most``, ``less_than`` or "".
    """
    if column not in frame:
        raise NarrativeError(f"edition.spread: the frame has no column “{column}”; observations have value.")
    frame = frame.copy()
    for name, empty in {"low": float("nan"), "high": float("nan"), "text": "", "bound": ""}.items():
        cells = [getattr(cell, name) if isinstance(cell, Quantity) else empty for cell in frame[column]]
        frame[f"value_{name}"] = pd.Series(cells, frame.index, "str" if empty == "" else "float64")
    return frame


def find(dataset: Dataset, text: str) -> pd.DataFrame:
    """Find known rows by id, mark, value, words, country or format: one row a fact that holds the text anywhere."""
    found: list[tuple[str, ...]] = []
    for row in map(dataset.row, dataset.row_ids):
        if row.table not in _KEYS:
            continue
        says, mark = str(fact(dataset, row)), dataset.mark(row.row_id)
        names = {c: dataset.name(str(row.values[c]), article=False) for c in _NAMES if row.values.get(c)}
        quotes = [dataset.quote(q).exact for q in row.quote_ids]
        cells = [row.row_id, mark, says, *map(str, row.values.values()), *names.values(), *quotes]
        if any(str(text).casefold() in cell.casefold() for cell in cells):
            source = dataset.source(row.source_id).short_name if row.source_id else "public record"
            of_whom = names.get("alliance_id", ""), names.get("actor_id", "")
            found.append((row.row_id, row.table, mark, source, *of_whom, says))
    columns = ["row_id", "table", "mark", "source", "alliance", "actor", "says"]
    return KnownFrame(pd.DataFrame(found, columns=columns, dtype="str"))
