"""The table of all formats at a glance."""

from __future__ import annotations

from alliances.analysis.derived import Derived, Reference
from alliances.analysis.formats import format_count, newest_characteristic, sources_by_format, stage_row, text_count
from alliances.analysis.frames import records
from alliances.analysis.memberships import member_rows, named_members, reference_list
from alliances.dataset import Dataset
from alliances.prose.links import cell_text, derived_link, escape, evidence_link
from alliances.prose.narrative import Narrative, paragraph
from alliances.prose.tables import Table, table
from alliances.prose.values import join_and

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
STAGE_LABELS = {
    "in_force": "exists",
    "announced": "announced",
    "planned": "planned",
    "proposed": "proposed",
    "under_discussion": "under discussion",
    "failed": "failed",
    "happened": "past",
}
PURPOSE = (("objective", "task"), ("mandate",), ("assessment",), ("relation",), ("composition",))
DASH = "–"


def _purpose(dataset: Dataset, alliance_id: str) -> str:
    row = newest_characteristic(dataset, alliance_id, PURPOSE)
    if row is None:  # then what it offers says what it is for
        frame = dataset["capabilities"]
        told = frame[(frame["alliance_id"] == alliance_id) & (frame["relation"] == "offers")]
        row = dataset.row(told["capability_id"].iloc[0]) if len(told) else None
    if row is None:
        return DASH
    text = cell_text(dataset, row)
    return f"{evidence_link(dataset, row, text[0].upper() + text[1:])} [@{row.source_id}]"


def _members(dataset: Dataset, alliance_id: str, figures: list[Derived | Reference]) -> str:
    leads = [evidence_link(dataset, row) for row in member_rows(dataset, alliance_id, ("lead",))]
    parts = [f"led by {join_and(leads)}"] if leads else []
    if not leads and (row := newest_characteristic(dataset, alliance_id, (("lead",),))):
        exists = row["status"] in ("in_force", "happened")
        parts.append(f"{'led by' if exists else 'proposed lead:'} {evidence_link(dataset, row)}")
    if alliance_id == "nato":
        figures.append(reference_list(dataset, "nato"))
        parts.append(f"{derived_link(figures[-1])} members by the public record")
    else:
        count = named_members(dataset, alliance_id)
        if count and count.value > len(leads):
            figures.append(count)
            parts.append(f"{derived_link(count)} members named")
    told = "; ".join(parts)
    return told[0].upper() + told[1:] if told and told[0] != "[" else told or DASH


def at_a_glance(dataset: Dataset) -> Table:
    """Lay out all formats that a text of the edition speaks of: type, purpose, members, stage, number of texts.

    The type is our coding; everything else is what a text says, or the public record for NATO's members.
    """
    lines = []
    figures: list[Derived | Reference] = []
    told = sources_by_format(dataset)
    for record in records(dataset["alliances"]):
        if record.alliance_id not in told:
            continue
        stage = stage_row(dataset, record.alliance_id)
        count = text_count(dataset, record.alliance_id, told[record.alliance_id])
        figures.append(count)
        name = record.short_name[0].upper() + record.short_name[1:]
        lines.append(
            [
                f"**{escape(name)}**, {TYPE_LABELS[record.instrument_type]}",
                _purpose(dataset, record.alliance_id),
                _members(dataset, record.alliance_id, figures),
                evidence_link(dataset, stage, STAGE_LABELS[stage["status"]]) if stage else DASH,
                derived_link(count),
            ]
        )
    return table(
        "tbl-glance",
        "The formats at a glance. The type is our coding. What it is or is for: as the newest text says that speaks of "
        "it. Stage: the firmest that the newest text tells. Texts: how many speak of the format. A dash: the data "
        "of this edition hold nothing for it.",
        ["Format", "What it is or is for", "Who leads and belongs", "Stage", "Texts"],
        lines,
        [22, 36, 24, 12, 7],
        list(dict.fromkeys(figures)),
    )


def kinds_of_formats(dataset: Dataset) -> Narrative:
    """Say how many formats the texts speak of, and how many of them are proposals or precedents."""
    every = format_count(dataset)
    if not every.value:
        return Narrative("No text of this edition speaks of any format.")
    proposals = format_count(dataset, ("proposal",), "glance-formats-proposed", "Formats that exist as a proposal")
    precedents = format_count(
        dataset, ("precedent",), "glance-formats-past", "Formats of the past that serve as a precedent"
    )
    return paragraph(
        dataset,
        [
            "The texts of this edition speak of {every|format|formats}.",
            "By our coding {proposals|of them is a proposal|of them are proposals}." if proposals.value else "",
            "{precedents|belongs to the past and is|belong to the past and are} named for comparison."
            if precedents.value
            else "",
        ],
        {"every": every, "proposals": proposals, "precedents": precedents},
    )
