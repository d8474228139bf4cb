"""Frames that notice where pandas loses their row ids, so that no evidence is missing without a word.

Most ways of losing ids show when the ids are wanted: the column is gone, and the index is no longer made of ids.
Some do not: a `merge` or `concat` of which one side had no column of ids, and a `groupby` that keeps one id of many.
pandas tells a subclass of these, and the subclass leaves a word in the ids, which goes wherever they go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

__all__ = ["LOST", "KnownFrame", "cell_ids", "id_columns", "index_ids"]

#: Words among row ids, and what they say was lost.
LOST = {
    "!merged-without-row_id": "a merge took in a frame without its column row_id, so the evidence of one side is lost",
    "!joined-without-row_id": "concat took in a frame without its column row_id, so its evidence is lost",
    "!one-row_id-of-several": "groupby kept one row id of several, so the evidence of the others is lost",
}
_MERGED, _JOINED, _GROUPED = LOST


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


def _by_row(data: Any) -> list[list[str]]:
    """List the ids of each row, from its columns of ids."""
    columns = [data] if str(getattr(data, "name", "")).startswith("row_id") else []
    if isinstance(data, pd.DataFrame):
        columns = [data.iloc[:, position] for position in id_columns(data)]
    rows = zip(*columns, strict=True) if columns else [()] * len(data)
    return [[i for cell in row for i in cell_ids(cell)] for row in rows]


def _all_ids(data: Any) -> set[str]:
    return {i for row in _by_row(data) for i in row}


def _is_part(made: Any, whole: Any) -> bool:
    """Whether it is one of the groups, whose rows are as they were, and not made of groups."""
    if isinstance(made, pd.DataFrame):
        return isinstance(whole, pd.DataFrame) and list(made.columns) == list(whole.columns)
    return bool(made.index.isin(whole.index).all())


def _known(other: Any) -> list[Any]:
    return [one for one in getattr(other, "input_objs", [other]) if isinstance(one, (KnownFrame, _KnownSeries))]


def _losses(made: Any, other: Any, method: str) -> Iterator[tuple[int, str]]:
    """Yield the rows of `made` that have lost ids of what it was made of, and how."""
    match method.partition("_")[0]:
        case "merge":
            kept = set(index_ids(made.index))  # a join of indices keeps their ids
            bare = [one for one in _known(other) if not all(_by_row(one))]
            if any(not kept or not kept <= set(index_ids(one.index)) for one in bare):
                yield from ((row, _MERGED) for row in range(len(made)))
        case "concat" if len(made) == sum(map(len, other.input_objs)):
            ids = _by_row(made)
            known = [isinstance(one, KnownFrame) for one in other.input_objs for _ in range(len(one))]
            yield from ((row, _JOINED) for row in range(len(made)) if known[row] and not ids[row])
        case "groupby" if found := _all_ids(made):
            if any(not _all_ids(one) <= found and not _is_part(made, one) for one in _known(other)):
                yield from ((row, _GROUPED) for row in range(len(made)))


def _finalized(made: Any, other: Any, method: str | None) -> None:
    """Leave a word in the ids of the rows that have lost some."""
    positions = id_columns(made) if isinstance(made, pd.DataFrame) else []
    has_ids = positions or str(getattr(made, "name", "")).startswith("row_id")
    losses = dict(_losses(made, other, method)) if has_ids and method in ("merge", "concat", "groupby") else {}
    if losses:
        column = made.iloc[:, positions[0]] if positions else made
        cells = [" ".join([*cell_ids(cell), *([losses[n]] if n in losses else [])]) for n, cell in enumerate(column)]
        if positions:
            made.isetitem(positions[0], cells)
        else:
            made.iloc[:] = cells


class KnownFrame(pd.DataFrame):
    """A frame of known rows; to whoever uses it a pandas frame like any other."""

    @property
    def _constructor(self) -> Any:
        return KnownFrame

    @property
    def _constructor_sliced(self) -> Any:
        return _KnownSeries

    def merge(self, right: Any, how: Any = "inner", on: Any = None, **options: Any) -> Any:  # type: ignore[override]  # options are passed on
        """Merge as pandas does; where ids themselves are the key, both sides are of one row and nothing is lost."""
        keys = [on] if isinstance(on, str) else list(on or ())
        if not keys and how != "cross" and not options.keys() & {"left_on", "right_on", "left_index", "right_index"}:
            keys = [key for key in self.columns if key in getattr(right, "columns", ())]
        if key := next((key for key in keys if str(key).startswith("row_id")), None):
            # pandas drops the key on the right before it tells of the merge, and would look as if it had none.
            made = super().merge(right.assign(row_id_joined=right[key]), how, on, **options)
            return made.drop(columns="row_id_joined")
        return super().merge(right, how, on, **options)

    def __finalize__(self, other: Any, method: str | None = None, **options: Any) -> KnownFrame:
        super().__finalize__(other, method=method, **options)  # type: ignore[misc]  # the stubs leave it out
        _finalized(self, other, method)
        return self


class _KnownSeries(pd.Series):
    @property
    def _constructor(self) -> Any:
        return _KnownSeries

    @property
    def _constructor_expanddim(self) -> Any:
        return KnownFrame

    def __finalize__(self, other: Any, method: str | None = None, **options: Any) -> _KnownSeries:
        super().__finalize__(other, method=method, **options)  # type: ignore[misc]  # the stubs leave it out
        _finalized(self, other, method)
        return self
