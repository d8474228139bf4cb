"""Subjects: the newest known value of what a format, aspect or actor has, as ``jef.members`` names it."""

from __future__ import annotations

from alliances.dataset import Dataset, Row
from alliances.errors import NarrativeError

__all__ = ["is_subject", "newest"]

#: Table, column of whose it is, column of what it is, columns that make two rows say the same.
_KINDS = (
    ("observations", "alliance_id", "indicator", ("value_low", "value_high", "comparator", "unit", "currency")),
    ("characteristics", "alliance_id", "aspect", ("value",)),
    ("positions", "actor_id", "topic", ("position",)),
)


def is_subject(dataset: Dataset, name: str) -> bool:
    """Whether a name is a subject of the dataset, known in this edition or not."""
    return "." in name and bool(_rows(dataset.complete, name))


def _rows(dataset: Dataset, name: str) -> list[tuple[Row, tuple[str, ...]]]:
    """List a subject's known rows and what each says; a sum told again in another currency is left out."""
    owner, _, what = name.partition(".")
    rows: list[tuple[Row, tuple[str, ...]]] = []
    for table, owner_column, what_column, says in _KINDS:
        frame = dataset[table]
        chosen = frame[(frame[owner_column] == owner) & (frame[what_column] == what)]
        found = [dataset.row(row_id) for row_id in chosen.iloc[:, 0]]
        rows += [(row, tuple(str(row[c]) for c in says)) for row in found if not row.values.get("same_as")]
    return rows


def newest(dataset: Dataset, name: str) -> Row | None:
    """Return the row that gives a subject's newest known value; None where no known text gives one.

    NarrativeError if the newest text gives two different values: the sentence must then name the row that it means.
    """
    rows = sorted(_rows(dataset, name), key=lambda pair: dataset.published[pair[0].source_id])
    latest = [pair for pair in rows if pair[0].source_id == rows[-1][0].source_id]
    if len({says for _, says in latest}) > 1:
        ids = " and ".join(row.row_id for row, _ in latest[:2])
        raise NarrativeError(
            f"“{name}” has two different values in {dataset.source(latest[0][0].source_id).short_name}, {ids}; "
            f"name the row that is meant."
        )
    return latest[0][0] if latest else None
