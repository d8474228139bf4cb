"""Charts of the reassurance force: where it would stand, and what would have to come first."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from alliances.analysis.frames import records
from alliances.analysis.knowledge import mentioned
from alliances.charts.spans import COLUMNS, EXPECTED, NONE, OPEN, SOLID, WISHED, Style, spans
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import join_and

FORCE = "reassurance-force"

PLACES = ("Line of contact", "Combat zone", "Behind the front")
PLANNED = "in the plan"
UNPLACED = "in the plan, place not given"
EXPECTED_UNPLACED = "expected by the author, place not given"
UNNAMED = "left open"
PLACE_STYLES: dict[str, Style] = {
    PLANNED: SOLID,
    UNPLACED: OPEN,
    EXPECTED_UNPLACED: EXPECTED,
    UNNAMED: NONE,
}

STAGES = ("While the war goes on", "Once there is a ceasefire", "After the war or\na peace agreement")
SAID = "planned, or declared by states"
PROPOSED = "proposed"
EXPERTS = "experts’ view"
WISH = "wished by the authors"
STAGE_STYLES: dict[str, Style] = {SAID: SOLID, PROPOSED: OPEN, EXPERTS: EXPECTED, WISH: WISHED}


class Span(NamedTuple):
    """A bar: the row that it rests on, its line, the columns that it covers, its words, and how it is known."""

    row_id: str
    line: str
    first: int
    last: int
    text: str
    kind: str


# Which element serves which objective is our reading; the chart's note says so.
ELEMENTS = (
    Span("cap-rf-air-analysis", "Safe skies", 0, 3, "air components", UNPLACED),
    Span("cap-rf-naval-analysis", "Safe seas", 0, 3, "naval components", UNPLACED),
    Span("cha-rf-task-dmz-analysis", "Peace on land", 0, 1, "demilitarised zone,\nboth armies withdraw", PLANNED),
    Span("cha-rf-area-analysis", "Peace on land", 1, 2, "no troops\nof the force", PLANNED),
    Span("cha-rf-area-analysis", "Peace on land", 2, 3, "troops in strategic\ncities and ports", PLANNED),
    Span("cha-rf-objective-strong-military-analysis", "Strong Ukrainian military", 0, 3, "no means named", UNNAMED),
    Span("cap-rf-intelligence-analysis", "No one objective", 0, 3, "intelligence gathering", EXPECTED_UNPLACED),
)

# A bar begins at the earliest stage at which a text would have soldiers or aircraft in Ukraine.
ENTRIES = (
    Span(
        "cha-task-coalitions-condition-commentary",
        "Commentary:\ncoalitions by task",
        0,
        3,
        "ahead of a future ceasefire",
        WISH,
    ),
    Span("cap-cotw-air-patrol-opinion", "Opinion:\nthe coalition’s aircraft", 0, 3, "patrols “now”", WISH),
    Span(
        "cha-cotw-condition-feature",
        "Explainer on who is in:\nthe coalition’s troops",
        1,
        3,
        "if a ceasefire is reached",
        PROPOSED,
    ),
    Span(
        "cha-cotw-mandate-explainer",
        "Explainer on the proposal:\nthe coalition",
        1,
        3,
        "to enforce any truce that might emerge",
        PROPOSED,
    ),
    Span(
        "cha-reassurance-force-condition-opinion",
        "Opinion:\nthe reassurance force",
        1,
        3,
        "after a stable ceasefire",
        SAID,
    ),
    Span("pos-uk-troops-telegraph-analysis", "Analysis:\nUnited Kingdom", 2, 3, "in the post-war period", SAID),
    Span("cha-cotw-condition-analysis", "Analysis:\nthe coalition’s states", 2, 3, "after a peace agreement", SAID),
    Span(
        "cha-rf-condition-peace-analysis",
        "Analysis:\nany nation, experts note",
        2,
        3,
        "no readiness before\na peace agreement",
        EXPERTS,
    ),
)


def _known(dataset: Dataset, all_spans: tuple[Span, ...]) -> pd.DataFrame:
    lines = [
        {**span._asdict(), "source": dataset.source(dataset.row(span.row_id).source_id).descriptor}
        for span in all_spans
        if span.row_id in dataset
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def places(dataset: Dataset) -> Any:
    """Draw the elements of the plan by objective, from the line of contact to the rear.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where the plan is not known.
    """
    frame = _known(dataset, ELEMENTS)
    told = join_and([f"{_one_line(b.line)}: {_one_line(b.text)} ({b.kind})" for b in records(frame)])
    return spans(
        dataset,
        frame,
        columns=PLACES,
        styles=PLACE_STYLES,
        label="fig-reassurance-force-places",
        headline="The plan has means for skies, seas and land, and names none for Ukraine’s own forces",
        subtitle="Elements of the mission by objective, from the line of contact to the rear, as the analysis has them",
        caption="Where the force would stand and what it would do.",
        description=f"Diagram of the elements of the mission by objective and place, where a strong Ukrainian "
        f"military is the objective without a means: {told}.",
        rows=[dataset.row(row_id) for row_id in dict.fromkeys(frame["row_id"])],
        note="Which element serves which objective is our reading, not the text’s.",
        at_least=3,
    )


def entry_conditions(dataset: Dataset, *, focus: str = "") -> Any:
    """Draw from which stage on each text would have soldiers or aircraft in Ukraine.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    focus : str
        A country whose line is set in bold.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where no text mentions the force, or fewer than three say when.
    """
    if not mentioned(dataset, FORCE):
        return Narrative("")
    frame = _known(dataset, ENTRIES)
    early = frame[frame["first"] == 0]
    headline = (
        "Only authors want forces in before a ceasefire; the plans and proposals wait for one"
        if len(early)
        else "Every force whose time a text gives waits for a ceasefire"
    )
    wishes = "only wishes of authors begin before a ceasefire"
    before = wishes if len(early) else "none begins before a ceasefire"
    told = join_and([f"{_one_line(b.line)}, {_one_line(b.text)} ({b.kind})" for b in records(frame)])
    rows = [dataset.row(row_id) for row_id in frame["row_id"]]
    lit = [line for line, row in zip(frame["line"], rows, strict=True) if focus and row.values.get("actor_id") == focus]
    return spans(
        dataset,
        frame,
        columns=STAGES,
        styles=STAGE_STYLES,
        label="fig-reassurance-force-conditions",
        headline=headline,
        subtitle="Earliest stage at which soldiers or aircraft would be in Ukraine, by text and format",
        caption="When the texts would have a force in Ukraine.",
        description=f"Staircase of {len(frame)} bars, each from the earliest stage on, where {before}: {told}.",
        rows=rows,
        focus_line=lit[0] if lit else "",
        at_least=3,
    )
