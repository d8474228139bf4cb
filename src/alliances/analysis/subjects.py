"""Subjects: the newest known value of what a format, aspect or actor has, as ``jef.members`` names it."""

from __future__ import annotations

from alliances.dataset import Dataset, Row
from alliances.errors import NarrativeError

__all__ = ["is_subject", "newest", "subject_rows"]

#: Table, column of whose it is, column of what it is, columns that make two rows say the same.
_KINDS = (
    ("observations", "alliance_id", "indicator", ("value_low", "value_high", "comparator", "unit", "currency")),
    ("characteristics", "alliance_id", "aspect", ("value",)),
    ("positions", "actor_id", "topic", ("position",)),
)


def _parts(name: str) -> tuple[str, str]:
    owner, _, what = name.partition(".")
    return owner, what


def is_subject(dataset: Dataset, name: str) -> bool:
    """Whether a name is a subject of the dataset, known in this edition or not."""
    return "." in name and bool(subject_rows(dataset.complete, name))


def subject_rows(dataset: Dataset, name: str) -> list[Row]:
    """Return the known rows of a subject, the newest text last; a sum told again in another currency is left out."""
    owner, what = _parts(name)
    rows: list[Row] = []
    for table, owner_column, what_column, _ in _KINDS:
        frame = dataset[table]
        chosen = frame[(frame[owner_column] == owner) & (frame[what_column] == what)]
        rows += [dataset.row(i) for i in chosen[chosen.columns[0]]]
    told_once = [row for row in rows if not row.values.get("same_as")]
    return sorted(told_once, key=lambda row: dataset.published[row.source_id])


def newest(dataset: Dataset, name: str) -> Row | None:
    """Return the row that gives a subject's newest known value; None where no known text gives one.

    Raises
    ------
    NarrativeError
        If the newest text gives two different values: the sentence must then name the row that it means.
    """
    rows = subject_rows(dataset, name)
    if not rows:
        return None
    latest = [row for row in rows if row.source_id == rows[-1].source_id]
    if _differ(latest):
        ids = " and ".join(row.row_id for row in latest[:2])
        raise NarrativeError(
            f"“{name}” has two different values in {dataset.source(latest[0].source_id).short_name}, {ids}; "
            f"name the row that is meant."
        )
    return latest[0]


def _differ(rows: list[Row]) -> bool:
    columns = next(c for table, _, _, c in _KINDS if table == rows[0].table)
    return len({tuple(str(row[c]) for c in columns) for row in rows}) > 1
