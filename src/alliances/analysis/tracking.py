"""Frames that notice where pandas loses their row ids, so that no evidence is missing without a word.

Most ways of losing ids show when the ids are wanted: the column is gone, and the index is no longer made of ids.
Some do not: a `merge` or `concat` of which one side had no column of ids, and a `groupby` that keeps one id of many.
pandas tells a subclass of these, and the subclass leaves a word in the ids, which goes wherever they go.
"""

from typing import Any

import pandas as pd

from alliances.errors import NarrativeError

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


def cell_ids(cell: Any) -> list[str]:
    """List the row ids of a cell: one, or several with spaces or semicolons between them, or a list of them."""
    if isinstance(cell, str):
        return cell.replace(";", " ").split()
    return [i for one in cell for i in cell_ids(one)] if isinstance(cell, (list, tuple, set, frozenset)) else []


def id_columns(frame: pd.DataFrame) -> list[int]:
    """List the positions of a frame's columns of row ids: ``row_id``, ``row_id_x`` and so on."""
    names = [str(c[0] if isinstance(c, tuple) else c) for c in frame.columns]
    return [position for position, name in enumerate(names) if name.startswith("row_id")]


def index_ids(index: "pd.Index[Any]") -> list[str]:
    """List the labels of an index that may be row ids: none where it is named otherwise, or is not all of words."""
    named = index.name not in (None, "row_id")
    return [] if named or not all(isinstance(label, str) and label for label in index) else list(index)


def ids_by_row(data: Any) -> list[list[str]]:
    """List the ids of each row, from its columns of ids and from those by which it was merged."""
    frame = data if isinstance(data, pd.DataFrame) else data.to_frame()
    columns = [*(frame.iloc[:, position] for position in id_columns(frame)), *getattr(data, "_merged_by", ())]
    rows = zip(*columns, strict=True) if columns else [()] * len(data)
    return [[i for cell in row for i in cell_ids(cell)] for row in rows]


def _all_ids(data: Any) -> set[str]:
    return {i for row in ids_by_row(data) for i in row}


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
        rows = zip(whose, ids_by_row(made), strict=True) if len(whose) == len(made) else []
        return [_JOINED if is_known and not ids else "" for is_known, ids in rows]
    if method == "merge":
        words = LOST.keys() & {i for one in known for i in _all_ids(one)}
        if words and any(getattr(one, "_merged_by", ()) for one in known):
            lost = LOST[min(words)]
            raise NarrativeError(f"A merge on row ids finds none of these rows, since before it {lost}; {REMEDY}.")
        kept = set(index_ids(made.index))  # a join of indices keeps their ids
        bare = [one for one in known if not all(ids_by_row(one))]
        word = _MERGED if any(not kept or not kept <= {*index_ids(one.index)} for one in bare) else ""
    else:
        found = _all_ids(made)
        is_less = any(not _all_ids(one) <= found and not _is_part(made, one) for one in known)
        word = _GROUPED if found and is_less else ""
    return [word] * len(made)


class _Known:
    """What frames and columns of known rows do alike: they leave a word in the ids of rows that have lost some."""

    def __finalize__(self: Any, other: Any, method: str | None = None, **options: Any) -> Any:
        super().__finalize__(other, method=method, **options)  # type: ignore[misc]  # it is pandas' own
        positions = id_columns(self) if isinstance(self, pd.DataFrame) else []
        has_ids = positions or str(getattr(self, "name", "")).startswith("row_id")
        words = _lost(self, other, method) if has_ids and method in ("merge", "concat", "groupby") else []
        if any(words):
            column = self.iloc[:, positions[0]] if positions else self
            ids = [" ".join([*cell_ids(cell), word]).strip() for cell, word in zip(column, words, strict=True)]
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
