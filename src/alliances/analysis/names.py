"""What a format is called: a name is a fact, so the newest one known counts."""

from __future__ import annotations

import re

from alliances.analysis.frames import records
from alliances.dataset import Dataset, Row


def newest_name(dataset: Dataset, alliance_id: str) -> Row | None:
    """Return the name that the newest known text gives a format, names that an author only expects aside.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    alliance_id : str
        The format.

    Returns
    -------
    Row or None
        A row of ``characteristics``; ``None`` where no known text names the format.
    """
    frame = dataset["characteristics"]
    frame = frame[frame["alliance_id"] == alliance_id]
    frame = frame[(frame["aspect"] == "name") & (frame["status"] != "under_discussion")]
    rows = [dataset.row(record.characteristic_id) for record in records(frame)]
    return max(rows, key=lambda row: dataset.source(row.source_id).published, default=None)


def main_name(row: Row) -> str:
    """Return the name in a row: the first of several, without quotation marks or what stands in brackets."""
    first = re.split(r"[;(]", str(row["value"]))[0]
    return first.strip(" “”‘’\"'")


def title(dataset: Dataset, alliance_id: str, general: str) -> str:
    """Write a chapter's title: the newest name known, with the general one behind it where they differ.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    alliance_id : str
        The format.
    general : str
        How the report calls the format whatever its name, with its article: ``the reassurance force``.
    """
    row = newest_name(dataset, alliance_id)
    name = main_name(row) if row else ""
    if not name or name.lower() == general.lower().removeprefix("the "):
        return general[0].upper() + general[1:]
    return f"{name} ({general})"
