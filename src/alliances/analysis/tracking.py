"""Frames that notice where pandas loses their row ids, so that no evidence is missing without a word.

Most ways of losing ids show when the ids are wanted: the column is gone, and the index is no longer made of ids.
Some do not: a `merge` or `concat` of which one side had no column of ids, and a `groupby` that keeps one id of many.
pandas tells a subclass of these.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pandas as pd

__all__ = ["KnownFrame", "cell_ids", "id_columns", "index_ids", "lost_ids"]

_JOINED = "concat took in a frame without its column row_id, so its evidence may be lost"
_MERGED = "a merge took in a frame without its column row_id, so the evidence of one side is lost"
_GROUPED = "groupby kept one row id of several, so the evidence of the others is lost"


def cell_ids(cell: Any) -> list[str]:
    """List the row ids of a cell: one, or several with spaces or semicolons between them, or a list of them."""
    if isinstance(cell, str):
        return cell.replace(";", " ").split()
    return [i for one in cell for i in cell_ids(one)] if isinstance(cell, (list, tuple, set, frozenset)) else []


def id_columns(frame: pd.DataFrame) -> list[int]:
    """List the positions of a frame's columns of row ids: ``row_id``, ``row_id_x`` and so on."""
    names = [str(c[0] if isinstance(c, tuple) else c) for c in frame.columns]
    return [position for position, name in enumerate(names) if name.startswith("row_id")]


def index_ids(index: pd.Index[Any]) -> list[str]:
    """List the labels of an index that may be row ids: none where it is named otherwise, or is not all of words."""
    named = index.name not in (None, "row_id")
    return [] if named or not all(isinstance(label, str) and label for label in index) else list(index)


def lost_ids(frame: Any) -> str:
    """Say how a frame has lost row ids that it does not show to be missing; "" where it has not."""
    return str(getattr(frame, "_lost_ids", ""))


def _by_row(data: Any) -> list[list[str]]:
    """List the ids of each row, from its columns of ids."""
    columns = [data] if str(getattr(data, "name", "")).startswith("row_id") else []
    if isinstance(data, pd.DataFrame):
        columns = [data.iloc[:, position] for position in id_columns(data)]
    rows = zip(*columns, strict=True) if columns else [()] * len(data)
    return [[i for cell in row for i in cell_ids(cell)] for row in rows]


def _column_ids(data: Any) -> set[str]:
    return {i for row in _by_row(data) for i in row}


def _is_part(made: Any, whole: Any) -> bool:
    """Whether it is one of the groups, whose rows are as they were, and not made of groups."""
    if isinstance(made, pd.DataFrame):
        return isinstance(whole, pd.DataFrame) and list(made.columns) == list(whole.columns)
    return bool(made.index.isin(whole.index).all())


def _finalized(made: Any, other: Any, method: str | None) -> str:
    """Say what was lost when `made` was made of others, or before."""
    inputs = [one for one in getattr(other, "input_objs", [other]) if isinstance(one, (KnownFrame, _KnownSeries))]
    lost = next(filter(None, map(lost_ids, inputs)), "")
    if method not in ("concat", "groupby") and not str(method).startswith("merge"):
        return lost  # rows were chosen or changed; and to look at columns would come here again
    match (method or "").partition("_")[0]:
        case "merge":
            kept = set(index_ids(made.index))  # a join of indices keeps their ids
            if any(not kept or not kept <= set(index_ids(one.index)) for one in _bare(inputs)):
                return lost or _MERGED
        case "concat" if len(made) == sum(map(len, other.input_objs)) and _column_ids(made):
            return lost or (_JOINED if any(isinstance(one, KnownFrame) for one in _bare(inputs)) else "")
        case "groupby" if found := _column_ids(made):
            if any(not _column_ids(one) <= found and not _is_part(made, one) for one in inputs):
                return lost or _GROUPED
    return lost


def _bare(inputs: list[Any]) -> list[Any]:
    """List the inputs that have a row without ids in its columns."""
    return [one for one in inputs if not all(_by_row(one))]


class KnownFrame(pd.DataFrame):
    """A frame of known rows; to whoever uses it a pandas frame like any other."""

    _metadata: ClassVar[list[str]] = ["_lost_ids"]
    _lost_ids: str = ""

    @property
    def _constructor(self) -> Any:
        return KnownFrame

    @property
    def _constructor_sliced(self) -> Any:
        return _KnownSeries

    def __finalize__(self, other: Any, method: str | None = None, **options: Any) -> KnownFrame:
        before = self._lost_ids
        super().__finalize__(other, method=method, **options)  # type: ignore[misc]  # the stubs leave it out
        self._lost_ids = before or _finalized(self, other, method)
        return self


class _KnownSeries(pd.Series):
    _metadata: ClassVar[list[str]] = ["_name", "_lost_ids"]
    _lost_ids: str = ""

    @property
    def _constructor(self) -> Any:
        return _KnownSeries

    @property
    def _constructor_expanddim(self) -> Any:
        return KnownFrame

    def __finalize__(self, other: Any, method: str | None = None, **options: Any) -> _KnownSeries:
        before = self._lost_ids
        super().__finalize__(other, method=method, **options)  # type: ignore[misc]  # the stubs leave it out
        self._lost_ids = before or _finalized(self, other, method)
        return self
