"""The table of sums of money."""

from __future__ import annotations

from alliances.analysis.money import sums
from alliances.dataset import Dataset, Row
from alliances.prose.links import actor_name, escape, evidence_link
from alliances.prose.tables import Table, table
from alliances.prose.values import date_text, in_sentence

_UNITS = {"Y": ("year", "years"), "M": ("month", "months"), "W": ("week", "weeks"), "D": ("day", "days")}


def sums_table(dataset: Dataset, *, label: str = "tbl-money-sums") -> Table:
    """Lay out each sum with its kind, what it is for, its time and its source."""
    indicators = dict(zip(dataset["indicators"]["indicator"], dataset["indicators"]["label"], strict=True))
    lines = []
    for item in sums(dataset):
        row = item.row
        printed = " = ".join(evidence_link(dataset, one) for one in item.rows)
        what, name = indicators[row["indicator"]], dataset.alliance_names.get(row["alliance_id"], "")
        if what.lower() not in name.lower() and (name or row["actor_id"]):
            what = f"{what} ({name or in_sentence(actor_name(dataset, row['actor_id']))})"
        lines.append(
            [item.kind.capitalize(), printed, escape(what), _time(dataset, row) or "not given", f"[@{row.source_id}]"]
        )
    return table(
        label,
        "Sums of money by kind and currency. In brackets: the format of which the text tells it. They are not added: "
        "kinds and currencies differ, and within one kind each counts something else.",
        ["Kind", "Sum", "What it is", "Time", "Source"],
        lines,
        [14, 20, 32, 14, 20],
    )


def _time(dataset: Dataset, row: Row) -> str:
    """Print the time that a sum is for, linked to its evidence."""
    if row["duration"]:
        number, unit = row["duration"][1:-1], row["duration"][-1]
        return f"over {evidence_link(dataset, row, number)} {_UNITS[unit][number != '1']}"
    period = row["time_period"].split("/")[0]
    return evidence_link(dataset, row, date_text(period)) if period else ""
