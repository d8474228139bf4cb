"""The dataset as pandas frames whose rows know where they come from, and notice where pandas loses that.

The id of a row stands in the column ``row_id`` *and* in the index: the index survives what keeps rows, the column
survives `merge`, `melt` with ``id_vars`` and ``agg(row_id=("row_id", " ".join))``, so a cell may hold several ids.
`Quantity` objects carry theirs through sums and arithmetic. Most ways of losing ids show when the ids are wanted. Some
do not: a `merge` or `concat` of which one side had no column of ids, and a `groupby` that keeps one id of many. pandas
tells a subclass of these, and the subclass leaves a word in the ids, which goes wherever they go.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from typing import Any

import pandas as pd

from alliances.analysis.facts import fact
from alliances.analysis.quantities import Quantity
from alliances.analysis.values import Evidence, Value
from alliances.dataset import FACT_TABLES, Dataset
from alliances.errors import NarrativeError, refuse

_NAMES = {"actor_id": "actor", "alliance_id": "alliance", "body_id": "body", "holder": "holder_name"}
_KEYS = {**FACT_TABLES, "public_record": "record_id"}
#: Columns whose codes are named although the data package gives them no vocabulary.
_CODED = {"observations": {"indicator": "indicator"}, "event_accounts": {"event_id": "event"}}
#: Words among row ids, and what they say was lost.
LOST = {
    "!merged-without-row_id": "a merge took in a frame without its column row_id, so the evidence of one side is lost",
    "!joined-without-row_id": "concat took in a frame without its column row_id, so its evidence is lost",
    "!one-row_id-of-several": "groupby kept one row id of several, so the evidence of the others is lost",
}
_MERGED, _JOINED, _GROUPED = LOST
REMEDY = (
    'keep the column row_id in every frame (melt: id_vars; groupby: .agg(row_id=("row_id", " ".join), …); '
    "select it with the other columns; a merge needs it on both sides)"
)


def named_frame(dataset: Dataset, table: str) -> pd.DataFrame:
    """Return a table with the columns that `Edition.frame` names; NarrativeError if there is no such table."""
    refuse(table not in dataset.tables, f"There is no table “{table}”; the tables are {', '.join(dataset.tables)}.")
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
        return KnownFrame(frame) if _id_columns(frame) else frame
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
    ids, labels = _ids_by_row(frame), _index_ids(frame.index)
    known = {i for i in {*labels, *chain(*ids)} if i in dataset and dataset.row(i).table in _KEYS}
    wrong = next((i for i in chain(*ids) if i not in known), "")
    why = f"{LOST[wrong]}; {REMEDY}" if wrong in LOST else f"“{wrong}” among its row ids is no row of this edition"
    refuse(wrong, f"{call}: {why}.")
    if labels and known.issuperset(labels):
        return [row or [label] for row, label in zip(ids, labels, strict=True)]
    return ids


def evidence_of(frame: pd.DataFrame, dataset: Dataset, call: str) -> Evidence:
    """Find what a frame rests on: ids of its rows, values in its cells; NarrativeError if a row has lost its own."""
    ids = row_ids(frame, dataset, call)
    held = [Evidence.union(cell.evidence for cell in row if isinstance(cell, Value)) for row in frame.to_numpy()]
    for number, (row, own) in enumerate(zip(ids, held, strict=True)):
        if not row and (own.all_rows or not own):  # what the reader of the edition assumes needs no id
            what = f"row {number} of the frame has no row id, so nothing would support what is made of it"
            raise NarrativeError(f"{call}: {what}; {REMEDY}.")
    by_column = [i for position in _id_columns(frame) for cell in frame.iloc[:, position] for i in _cell_ids(cell)]
    return Evidence.union([Evidence.of_rows([*by_column, *chain(*ids)]), *held])


def distinct(frame: pd.DataFrame, by: str, call: str) -> list[str]:
    """List the different values of a column in their order, as text, without empty ones; one column has that name."""
    if list(frame.columns).count(by) != 1:
        raise NarrativeError(f"{call}: the frame has no column “{by}”, or two: {', '.join(map(str, frame.columns))}.")
    cells = (str(cell) for cell in frame[by] if isinstance(cell, (Value, list)) or not pd.isna(cell))
    return list(dict.fromkeys(filter(None, cells)))


def taken(frame: pd.DataFrame, function: Callable[[pd.DataFrame], Any], call: str) -> Fraction | str | Value | None:
    """Take one value out of a frame; None for none; NarrativeError if the function fails, or does without the frame."""
    try:
        found = function(frame)
    except Exception as error:
        why = f"{type(error).__name__}: {str(error).rstrip('.')}"
        raise NarrativeError(f"{call}: the function stops with {why}.") from None
    if found is None or isinstance(found, Value):
        return found
    shown, is_bare = " ".join(repr(found).split())[:60], False
    try:
        number = None if isinstance(found, str) or pd.isna(found) else Fraction(str(found))
    except (TypeError, ValueError):
        what = f"{shown}, which is no Quantity, number, ISO date or text"
        raise NarrativeError(f"{call}: the function gives {what}.") from None
    with suppress(Exception):  # what comes from rows is not found without them
        is_bare = bool(found) and bool(function(frame.head(0)) == found)
    refuse(is_bare, f"{call}: the function gives {shown} without the frame; take it from the frame.")
    return found or None if isinstance(found, str) else number


def spread(frame: pd.DataFrame, column: str = "value") -> pd.DataFrame:
    """Add the bounds of a column of quantities to a frame: ``value_low`` and ``value_high`` (float64, in its unit).

    And ``value_text`` as printed, ``value_bound``: ``at_least``, ``more_than``, ``at_most``, ``less_than`` or "".
    """
    refuse(column not in frame, f"edition.spread: the frame has no column “{column}”; observations have value.")
    frame = frame.copy()
    for name, empty in {"low": float("nan"), "high": float("nan"), "text": "", "bound": ""}.items():
        cells = [getattr(cell, name) if isinstance(cell, Quantity) else empty for cell in frame[column]]
        frame[f"value_{name}"] = pd.Series(cells, frame.index, "str" if empty == "" else "float64")
    return frame


def find(dataset: Dataset, text: str) -> pd.DataFrame:
    """Find known rows by id, mark, value, words, country or format: one row a fact that holds the text anywhere."""
    found: list[tuple[str, ...]] = []
    for row in (row for row in map(dataset.row, dataset.row_ids) if row.table in _KEYS):
        says, mark = str(fact(dataset, row)), dataset.mark(row.row_id)
        names = {c: dataset.name(str(row.values[c]), article=False) if row.values.get(c) else "" for c in _NAMES}
        quotes = [dataset.quote(q).exact for q in row.quote_ids]
        cells = [row.row_id, mark, says, *map(str, row.values.values()), *names.values(), *quotes]
        if any(str(text).casefold() in cell.casefold() for cell in cells):
            source = dataset.source(row.source_id).short_name if row.source_id else "public record"
            found.append((row.row_id, row.table, mark, source, names["alliance_id"], names["actor_id"], says))
    return KnownFrame(found, columns="row_id table mark source alliance actor says".split(), dtype="str")


def _cell_ids(cell: Any) -> list[str]:
    """List the row ids of a cell: one, or several with spaces or semicolons between them, or a list of them."""
    if isinstance(cell, str):
        return cell.replace(";", " ").split()
    return [i for one in cell for i in _cell_ids(one)] if isinstance(cell, (list, tuple, set, frozenset)) else []


def _id_columns(frame: pd.DataFrame) -> list[int]:
    """List the positions of a frame's columns of row ids: ``row_id``, ``row_id_x`` and so on."""
    names = [str(c[0] if isinstance(c, tuple) else c) for c in frame.columns]
    return [position for position, name in enumerate(names) if name.startswith("row_id")]


def _index_ids(index: "pd.Index[Any]") -> list[str]:
    """List the labels of an index that may be row ids: none where it is named otherwise, or is not all of words."""
    named = index.name not in (None, "row_id")
    return [] if named or not all(isinstance(label, str) and label for label in index) else list(index)


def _ids_by_row(data: Any) -> list[list[str]]:
    """List the ids of each row, from its columns of ids and from those by which it was merged."""
    frame = data if isinstance(data, pd.DataFrame) else data.to_frame()
    columns = [*(frame.iloc[:, position] for position in _id_columns(frame)), *getattr(data, "_merged_by", ())]
    rows = zip(*columns, strict=True) if columns else [()] * len(data)
    return [[i for cell in row for i in _cell_ids(cell)] for row in rows]


def _is_part(made: Any, whole: Any) -> bool:
    """Whether it is one of the groups, whose rows are as they were, and not made of groups."""
    if isinstance(made, pd.DataFrame):
        return isinstance(whole, pd.DataFrame) and list(made.columns) == list(whole.columns)
    return bool(made.index.isin(whole.index).all())


def _lost(made: Any, other: Any, method: str) -> list[str]:
    """Say for each row of `made` which ids of what it was made of it has lost; "" for none."""
    inputs = getattr(other, "input_objs", [other])
    known: list[Any] = [one for one in inputs if isinstance(one, _Known)]
    if method == "concat":
        whose = [isinstance(one, KnownFrame) for one in inputs for _ in range(len(one))]
        rows = zip(whose, _ids_by_row(made), strict=True) if len(whose) == len(made) else []
        return [_JOINED if is_known and not ids else "" for is_known, ids in rows]
    if method == "merge":
        kept = set(_index_ids(made.index))  # a join of indices keeps their ids
        bare = [one for one in known if not all(_ids_by_row(one))]
        word = _MERGED if any(not kept or not kept <= {*_index_ids(one.index)} for one in bare) else ""
    else:
        found = {*chain(*_ids_by_row(made))}
        is_less = any(not {*chain(*_ids_by_row(one))} <= found and not _is_part(made, one) for one in known)
        word = _GROUPED if found and is_less else ""
    return [word] * len(made)


class _Known:
    """What frames and columns of known rows do alike: they leave a word in the ids of rows that have lost some."""

    def __finalize__(self: Any, other: Any, method: str | None = None, **options: Any) -> Any:
        super().__finalize__(other, method=method, **options)  # type: ignore[misc]  # it is pandas' own
        positions = _id_columns(self) if isinstance(self, pd.DataFrame) else []
        has_ids = positions or str(getattr(self, "name", "")).startswith("row_id")
        words = _lost(self, other, method) if has_ids and method in ("merge", "concat", "groupby") else []
        if any(words):
            column = self.iloc[:, positions[0]] if positions else self
            ids = [" ".join([*_cell_ids(cell), word]).strip() for cell, word in zip(column, words, strict=True)]
            if positions:
                self.isetitem(positions[0], ids)
            else:
                self.iloc[:] = ids
        return self


class KnownFrame(_Known, pd.DataFrame):
    """A frame of known rows; to whoever uses it a pandas frame like any other."""

    #: Columns of ids by which pandas merges it: it drops them on one side before it tells of the merge.
    _merged_by: tuple[Any, ...] = ()
    _constructor = property(lambda self: KnownFrame)
    _constructor_sliced = property(lambda self: _KnownSeries)

    def _drop_labels_or_levels(self, keys: Any, axis: Any = 0) -> Any:
        left = super()._drop_labels_or_levels(keys, axis)  # type: ignore[misc]  # the stubs leave it out
        left._merged_by = tuple(self[key] for key in keys if str(key).startswith("row_id") and key in self)
        return left


class _KnownSeries(_Known, pd.Series):
    _constructor = property(lambda self: _KnownSeries)
    _constructor_expanddim = property(lambda self: KnownFrame)
