"""Sums of money, each by itself: nothing is added across currencies or kinds, and no rate is applied."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from alliances.analysis.derived import Derived, Input, Reference
from alliances.analysis.frames import records
from alliances.dataset import Dataset, Row
from alliances.prose.values import join_and, quantity_text

CURRENCIES = {"EUR": "euros", "GBP": "pounds", "USD": "dollars"}
KINDS = {  # one of them, several of them
    "proposal": ("a proposal", "proposals"),
    "pledge": ("a pledge", "pledges"),
    "contribution": ("a contribution", "contributions"),
    "estimate": ("an estimate", "estimates"),
}


@dataclass(frozen=True)
class Sum:
    """A sum of money as a text gives it, once.

    Parameters
    ----------
    row : Row
        The row that gives it.
    kind : str
        A key of ``KINDS``, or the row's own status where it is another.
    others : tuple of Row
        Rows that give the same sum in other currencies.
    """

    row: Row
    kind: str
    others: tuple[Row, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """All its rows, the main one first."""
        return (self.row, *self.others)


def kind_of(row: Row) -> str:
    """Name the kind of a sum: what is told as paid is a contribution."""
    status = row["obs_status"]
    return "contribution" if status == "reported" else str(status).replace("_", " ")


def sums(dataset: Dataset) -> list[Sum]:
    """List the known sums of money, by kind, then by currency and size.

    A sum that a text gives in several currencies is one sum: rows with ``same_as`` stand with their first.
    """
    frame = dataset["observations"]
    rows = [dataset.row(record.observation_id) for record in records(frame[frame["unit"] == "money"])]
    first = {row.row_id: row for row in rows if row["same_as"] not in dataset}
    found = [
        Sum(row, kind_of(row), tuple(other for other in rows if other["same_as"] == row.row_id))
        for row in first.values()
    ]
    kinds, currencies = list(KINDS), list(CURRENCIES)

    def place(item: Sum) -> tuple[int, str, int, float]:
        rank = kinds.index(item.kind) if item.kind in kinds else len(kinds)
        return rank, item.kind, currencies.index(item.row["currency"]), -amount(item.row)

    return sorted(found, key=place)


def amount(row: Row) -> float:
    """Return the size of a sum: its upper bound, or the only one that is given."""
    return float(row["value_high"] if row["value_high"] == row["value_high"] else row["value_low"])


def figures(dataset: Dataset) -> dict[str, Derived | Reference | str | None]:
    """Return what the chapter's sentences name: how many sums there are, their kinds and their currencies."""
    found = sums(dataset)
    several = len(found) > 1
    counts = Counter(item.kind for item in found)
    kinds = [words[counts[kind] > 1] for kind, words in KINDS.items() if counts[kind]]
    used = {row["currency"] for item in found for row in item.rows}
    currencies = [name for code, name in CURRENCIES.items() if code in used]
    return {
        "sums": _count(found) if found else None,
        "pledged": ("the pledge", "the pledges")[counts["pledge"] > 1] if counts["pledge"] else None,
        "kinds": join_and(kinds) if several and len(kinds) > 1 else None,
        "currencies": join_and(currencies) if several and len(currencies) > 1 else None,
    }


def _count(found: list[Sum]) -> Derived:
    return Derived(
        id="money-sums",
        text=str(len(found)),
        value=float(len(found)),
        label="Sums of money that the texts name",
        formula="number of sums, one that a text gives in several currencies counted once",
        inputs=tuple(Input(quantity_text(item.row.values), item.row.row_id) for item in found),
        unit="sums",
    )
