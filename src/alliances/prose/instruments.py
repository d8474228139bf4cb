"""Instruments of one organisation side by side: the European Union's missions, programmes and package."""

from __future__ import annotations

from collections.abc import Sequence

from alliances.analysis.frames import records
from alliances.dataset import Dataset
from alliances.prose.links import escape, evidence_link
from alliances.prose.tables import Table, table
from alliances.prose.values import typographic

_ORDER = ("name", "origin", "begin", "lead", "command", "objective", "task", "mandate", "area", "composition")
_LABELS = {"begin": "Beginning"}


def instruments_box(dataset: Dataset, alliance_ids: Sequence[str], *, label: str, caption: str) -> Table:
    """Lay out what the texts say of several instruments, one line an instrument, aspect and source.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    alliance_ids : sequence of str
        The instruments, in the order of the table.
    label, caption : str
        As in :func:`alliances.prose.tables.table`.

    Returns
    -------
    Table
        Empty where no text says anything of them.
    """
    frame = dataset["characteristics"]
    lines: list[list[str]] = []
    for alliance_id in alliance_ids:
        chosen = frame[frame["alliance_id"] == alliance_id]
        ranked = chosen.assign(rank=chosen["aspect"].map(_rank)).sort_values("rank", kind="stable")
        name, before = f"**{escape(dataset.alliance_names[alliance_id])}**", ""
        for record in records(ranked):
            row = dataset.row(record.characteristic_id)
            aspect = _LABELS.get(record.aspect, record.aspect.replace("_", " ").capitalize())
            value = escape(typographic(row["value"][0].upper() + row["value"][1:]))
            lines.append(
                [
                    name,
                    "" if aspect == before else aspect,
                    evidence_link(dataset, row, value),
                    row["status"].replace("_", " "),
                    f"[@{row.source_id}]",
                ]
            )
            name, before = "", aspect
    head = ["Instrument", "Aspect", "What the text says", "Status", "Source"]
    return table(label, caption, head, lines, [17, 13, 36, 12, 22])


def _rank(aspect: str) -> int:
    return _ORDER.index(aspect) if aspect in _ORDER else len(_ORDER)
