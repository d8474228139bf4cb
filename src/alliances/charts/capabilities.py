"""Charts of capabilities: what is missing, and how firm the help is."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.capabilities import (
    DOMAIN_PHRASES,
    EUROPE,
    HOPED,
    OFFERED,
    PLANNED,
    PROPOSED,
    answers,
    european_gaps,
    widest_domains,
)
from alliances.analysis.frames import records
from alliances.charts.grid import grid
from alliances.charts.theme import AMBER, BLUE, INK, PLUM, TEAL, finish, fit, styled
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import join_and, typographic

RELATION_LABELS = {
    "has": "has",
    "offers": "offers",
    "plans": "plans",
    "proposes": "proposed",
    "lacks": "lacks",
    "limited": "limited",
    "needs": "needs",
    "depends_on": "depends",
}
STYLES = {
    "told as fact": ("circle", BLUE, True),
    "stated by others": ("square", TEAL, True),
    "expected by the author": ("diamond", AMBER, False),
    "wished by the author": ("triangle-up", PLUM, False),
}
FIRMNESS_STYLES = {
    OFFERED: ("circle", BLUE, True),
    PLANNED: ("square", TEAL, False),
    PROPOSED: ("diamond", AMBER, False),
    HOPED: ("triangle-up", PLUM, False),
}
_HOW = {
    "reported": "told as fact",
    "stated": "stated by others",
    "author_expectation": "expected by the author",
    "author_wish": "wished by the author",
}


def capability_grid(
    dataset: Dataset,
    frame: pd.DataFrame,
    *,
    label: str,
    headline: str,
    subtitle: str,
    caption: str,
    takeaway: str,
    note: str = "",
) -> Any:
    """Draw capabilities by domain: a mark under “has”, “limited”, “lacks” and so on.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    frame : DataFrame
        Rows of ``capabilities``, in the order of the chart's domains.
    label, headline, subtitle, caption, note : str
        As in :func:`alliances.charts.theme.finish`.
    takeaway : str
        The message of the alternative text, after “where”.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where fewer than three capabilities are known.
    """
    if len(frame) < 3:
        return Narrative("")
    domains = list(dict.fromkeys(frame["domain"]))
    frame = frame.assign(
        place=frame["domain"].map(domains.index), rank=frame["relation"].map(list(RELATION_LABELS).index)
    ).sort_values(["place", "rank", "capability"], kind="stable")
    marks = pd.DataFrame(
        {
            "row_id": frame["capability_id"],
            "line": [_line(record.domain, record.capability) for record in records(frame)],
            "column": frame["relation"].map(RELATION_LABELS),
            "kind": frame["attribution"].map(_HOW),
            "text": "",
            "source": [dataset.source(source).descriptor for source in frame["source_id"]],
        }
    )
    told = join_and([f"{mark.line}: {mark.column} ({mark.kind})" for mark in records(marks)])
    return grid(
        dataset,
        marks,
        columns=list(RELATION_LABELS.values()),
        styles=STYLES,
        label=label,
        headline=headline,
        subtitle=subtitle,
        caption=caption,
        description=f"Grid of {len(marks)} statements on capabilities by domain, where {takeaway}: {told}.",
        rows=[dataset.row(row_id) for row_id in frame["capability_id"]],
        note=note,
        wrap=50,
        subject="Capability",
        heading="Put as",
    )


def _line(domain: str, capability: str) -> str:
    """Name a line of the chart by domain and capability, the domain once."""
    name = typographic(capability.removeprefix(EUROPE))
    return f"{name[0].upper()}{name[1:]}" if name.lower().startswith(domain) else f"{domain.capitalize()}: {name}"


def gaps_without_us(dataset: Dataset, *, label: str = "fig-gaps-europe") -> Any:
    """Draw what the texts say that Europe has little of, lacks, needs or borrows.

    The headline names the domain with the most gaps.
    """
    gaps = european_gaps(dataset)
    widest = join_and([DOMAIN_PHRASES[domain] for domain in widest_domains(gaps)]) if len(gaps) else ""
    return capability_grid(
        dataset,
        gaps,
        label=label,
        headline=f"The gaps that the texts name in Europe’s forces are most numerous {widest}",
        subtitle="Capabilities of Europe as a whole that a text calls missing, limited, needed or dependent on others",
        caption="What Europe lacks without the United States, by domain.",
        takeaway=f"the most marks are {widest}",
        note="A mark is a statement of a text; marks do not say how wide a gap is.",
    )


def answers_chart(dataset: Dataset, *, label: str = "fig-gaps-answers") -> Any:
    """Draw what is to help Ukraine, a mark for each, by domain and by how firm it is.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where fewer than four answers are known.
    """
    found = answers(dataset)
    if len(found) < 4:
        return Narrative("")
    frame = pd.DataFrame(
        {
            "row_id": found["capability_id"],
            "line": found["domain"].str.capitalize(),
            "kind": found["firmness"],
            "what": found["capability"].map(typographic),
            "format": found["alliance_id"].map(dataset.alliance_names),
            "source": [dataset.source(source).descriptor for source in found["source_id"]],
        }
    )
    kinds = [kind for kind in FIRMNESS_STYLES if kind in set(frame["kind"])]
    frame = frame.assign(rank=frame["kind"].map(kinds.index)).sort_values("rank", kind="stable")
    frame["place"] = frame.groupby("line").cumcount() + 1
    order = list(dict.fromkeys(found["domain"].str.capitalize()))
    firm = int((frame["kind"] == OFFERED).sum())
    verb = "is" if firm == 1 else "are"
    headline = f"Of {len(frame)} forms of help for Ukraine, {firm or 'none'} {verb} offered or under way"
    if firm == len(frame):
        headline = "Every form of help for Ukraine that a text names is offered or under way"
    y = alt.Y("line:N", sort=order, title=None)
    domain = [0.4, max(int(frame["place"].max()), 8) + 0.6]
    tooltip = [
        alt.Tooltip("what:N", title="What"),
        alt.Tooltip("format:N", title="Format"),
        alt.Tooltip("kind:N", title="How firm"),
        alt.Tooltip("source:N", title="Source"),
    ]
    step = 25
    base = alt.Chart(frame)
    lines = base.mark_rule(color="#e6eaed", yOffset=step / 2).encode(y=y)
    marks = base.mark_point(size=130, strokeWidth=2, opacity=1).encode(
        x=alt.X("place:Q", axis=None, scale=alt.Scale(domain=domain, nice=False)),
        y=y,
        tooltip=tooltip,
        **styled("kind", kinds, FIRMNESS_STYLES),
    )
    totals = frame.groupby("line", as_index=False).agg(place=("place", "max"))
    words = (
        alt.Chart(totals.assign(text=totals["place"].astype(str)))
        .mark_text(align="left", dx=14, color=INK, fontSize=12, fontWeight=600)
        .encode(x="place:Q", y=y, text="text:N")
    )
    parts = [
        f"{name}: {join_and([f'{(part == kind).sum()} {kind}' for kind in kinds if (part == kind).any()])}"
        for name, part in ((name, frame.loc[frame["line"] == name, "kind"]) for name in order)
    ]
    return finish(
        fit(alt.layer(lines, marks, words), step),
        dataset=dataset,
        label=label,
        headline=headline,
        subtitle="Forms of help offered, planned, proposed or hoped for, number by domain and firmness",
        caption="What is to help Ukraine, a mark for each thing that a text names.",
        description=f"Dot chart of {len(frame)} forms of help for Ukraine, where {firm or 'none'} of them {verb} "
        f"offered or under way: {'; '.join(parts)}.",
        rows=[dataset.row(row_id) for row_id in frame["row_id"]],
        note="Marks count statements of the texts, not what the help weighs.",
        table={
            "row_id": "Row",
            "line": "Domain",
            "what": "What",
            "kind": "How firm",
            "format": "Format",
            "source": "Source",
        },
    )
