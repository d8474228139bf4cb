"""What Ukraine lacks and what is to help it, side by side by domain."""

from __future__ import annotations

from typing import Any

from alliances.analysis.capabilities import DOMAIN_PHRASES, HOPED, answers, ukrainian_gaps
from alliances.analysis.frames import records
from alliances.dataset import Dataset, Row
from alliances.prose.links import actor_name, escape, evidence_link
from alliances.prose.tables import Table, table
from alliances.prose.values import typographic

GAP_LABELS = {"lacks": "lacks", "limited": "limited", "needs": "needs"}
VIEW = {"author_expectation": "in the author’s view"}
AUTHOR_LABELS = {"author_expectation": "expected by the author", "author_wish": "wished by the author"}


def ukraine_table(dataset: Dataset, *, label: str = "tbl-gaps-ukraine") -> Table:
    """Lay out what Ukraine lacks or needs, and what is offered, planned or proposed, one line a domain."""
    gaps, offers = ukrainian_gaps(dataset), answers(dataset)
    missing = dict(iter(gaps.groupby("domain", sort=False)))
    helping = dict(iter(offers.groupby("domain", sort=False)))
    lines = []
    for domain in DOMAIN_PHRASES:
        if domain not in missing and domain not in helping:
            continue
        lacks = [
            _item(dataset, record.capability_id, GAP_LABELS[record.relation], VIEW.get(record.attribution, ""))
            for record in (records(missing[domain]) if domain in missing else ())
        ]
        helps = [
            _item(dataset, record.capability_id, _firmness(record), _whose(dataset, record))
            for record in (records(helping[domain]) if domain in helping else ())
        ]
        lines.append([domain.capitalize(), "; ".join(lacks) or "no gap named", "; ".join(helps) or "nothing named"])
    return table(
        label,
        "What Ukraine lacks or needs, and what is offered, planned, proposed or hoped for, by domain; contingents of "
        "troops and sums of money are left out. In brackets: how the text puts it, and the format or the country. The "
        "lines are the arrangement of this report; no text matches needs with help.",
        ["Domain", "What Ukraine lacks or needs", "What is offered, planned, proposed or hoped for"],
        lines,
        [16, 42, 42],
    )


def _firmness(record: Any) -> str:
    """Say how firm an answer is; of an author's hope, whether it is expected or wished."""
    return AUTHOR_LABELS[record.attribution] if record.firmness == HOPED else str(record.firmness)


def _whose(dataset: Dataset, record: Any) -> str:
    """Name the country that offers it, else the format: a country may offer what it does outside the format."""
    if record.holder in set(dataset["countries"]["iso3"]):
        return actor_name(dataset, record.holder)
    return dataset.alliance_names[record.alliance_id]


def _item(dataset: Dataset, row_id: str, *notes: str) -> str:
    row: Row = dataset.row(row_id)
    text = escape(typographic(row["capability"]))
    told = ", ".join(escape(note) for note in notes if note)
    return f"{evidence_link(dataset, row, text[0].upper() + text[1:])} ({told})"
