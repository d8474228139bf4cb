"""The table of all formats at a glance."""

from __future__ import annotations

from alliances.analysis.frames import records
from alliances.analysis.knowledge import mentions
from alliances.dataset import Dataset, Row
from alliances.prose.links import escape, evidence_link
from alliances.prose.tables import Table, table

TYPE_LABELS = {
    "treaty_alliance": "treaty alliance",
    "framework": "framework",
    "ad_hoc_coalition": "ad hoc coalition",
    "force": "force",
    "mission": "mission",
    "programme": "programme",
    "fund": "fund",
    "proposal": "proposal",
    "precedent": "precedent",
}


def _newest(dataset: Dataset, alliance_id: str, aspects: tuple[str, ...]) -> Row | None:
    frame = dataset["characteristics"]
    frame = frame[(frame["alliance_id"] == alliance_id) & frame["aspect"].isin(aspects)]
    if frame.empty:
        return None
    published = {s.source_id: s.published for s in records(dataset["sources"])}
    order = sorted(records(frame), key=lambda r: (-aspects.index(r.aspect), published[r.source_id]), reverse=False)
    return dataset.row(order[-1].characteristic_id)


def at_a_glance(dataset: Dataset) -> Table:
    """Lay out all formats that a known text mentions: type, what it is for, who leads it.

    Type is our coding; purpose and lead are what the newest text says that speaks of them.
    """
    lines = []
    for record in records(dataset["alliances"]):
        if not mentions(dataset, record.alliance_id):
            continue
        cells = []
        for aspects in (
            ("objective", "task", "mandate", "relation", "assessment"),
            ("lead", "command", "composition"),
        ):
            row = _newest(dataset, record.alliance_id, aspects)
            if row is None:
                cells.append("the texts do not say")
                continue
            value = escape(row["value"][0].upper() + row["value"][1:])
            cells.append(f"{evidence_link(dataset, row, value)} [@{row.source_id}]")
        lines.append([f"**{escape(record.short_name)}**", TYPE_LABELS[record.instrument_type], *cells])
    return table(
        "tbl-glance",
        "The formats at a glance. The type is our coding; purpose and lead are what a text says.",
        ["Format", "Type", "Purpose", "Who leads or belongs"],
        lines,
        [18, 14, 36, 32],
    )
