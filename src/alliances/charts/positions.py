"""Charts of positions: who is in, who is out, and how we know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from alliances.analysis.frames import records
from alliances.analysis.positions import (
    ATTRIBUTION_LABELS,
    POSITION_LABELS,
    TOPIC_LABELS,
    newest_positions,
    position_frame,
)
from alliances.charts.grid import grid
from alliances.charts.theme import AMBER, BLUE, PLUM
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import join_and

STYLES = {
    ATTRIBUTION_LABELS["stated"]: ("circle", BLUE, True),
    ATTRIBUTION_LABELS["reported"]: ("square", BLUE, True),
    ATTRIBUTION_LABELS["author_expectation"]: ("diamond", AMBER, False),
    ATTRIBUTION_LABELS["author_wish"]: ("triangle-up", PLUM, False),
}


def positions_grid(
    dataset: Dataset,
    alliance_ids: Sequence[str],
    *,
    label: str,
    headline: str,
    topics: Sequence[str] = tuple(TOPIC_LABELS),
    countries_only: bool = True,
    focus: str = "",
) -> Any:
    """Draw positions by country and topic; where a country's position on a topic changed, the newest is shown.

    What authors expect or wish looks different from what is stated or reported, and gives way to it.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where no position is known.
    """
    frame = position_frame(dataset, alliance_ids)
    frame = frame[frame["topic"].isin(topics)]
    if countries_only:
        frame = frame[frame["actor_id"].str.fullmatch("[A-Z]{3}")]
    if len(frame) < 2:
        return Narrative("")
    frame = newest_positions(frame)
    marks = pd.DataFrame(
        [
            {
                "row_id": "; ".join(group["row_id"]),
                "line": group["name"].iloc[0],
                "column": TOPIC_LABELS[group["topic"].iloc[0]],
                "kind": ATTRIBUTION_LABELS[max(group["attribution"], key=list(ATTRIBUTION_LABELS).index)],
                "text": ", ".join(dict.fromkeys(group["position"].map(POSITION_LABELS))),
                "source": dataset.source(group["source_id"].iloc[0]).descriptor,
            }
            for _, group in frame.groupby(["actor_id", "topic"], sort=False)
        ]
    )
    rows = [dataset.row(row_id) for row_id in frame["row_id"]]
    told = join_and([f"{mark.line} on {mark.column.lower()}: {mark.text} ({mark.kind})" for mark in records(marks)])
    return grid(
        dataset,
        marks,
        columns=[TOPIC_LABELS[topic] for topic in TOPIC_LABELS if topic in topics],
        styles=STYLES,
        label=label,
        headline=headline,
        subtitle="Newest position on each topic; filled marks are stated or reported, open marks are the authors’ own",
        caption="Positions of countries, and how they are known.",
        description=f"Grid of {len(marks)} positions of {marks['line'].nunique()} countries, where {told}.",
        focus_name=dict(zip(dataset["countries"]["iso3"], dataset["countries"]["name"], strict=True)).get(focus, ""),
        rows=rows,
    )
