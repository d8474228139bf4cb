"""Who stands where: positions of countries, newest source first, with how we know them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from alliances.dataset import Dataset

TOPIC_LABELS = {
    "coalition": "The coalition",
    "troops": "Sending troops",
    "peacekeeping": "Peacekeeping",
    "deterrent_force": "Deterrent force",
    "nato_mission": "NATO mission",
    "air_patrol": "Air patrol",
    "other_support": "Other support",
    "truce": "A truce",
}
POSITION_LABELS = {
    "leads": "leads",
    "ready": "ready",
    "open": "open",
    "interested": "interested",
    "conditional": "on conditions",
    "mixed": "mixed",
    "hesitant": "hesitant",
    "premature": "premature",
    "unclear": "unclear",
    "ruled_out": "ruled out",
    "opposed": "opposed",
    "could_veto": "could veto",
}
ATTRIBUTION_LABELS = {
    "stated": "stated by the country or its leader",
    "reported": "reported by the text",
    "author_expectation": "expected by the author",
    "author_wish": "wished by the author",
}
ORDER = tuple(POSITION_LABELS)
KNOWN = ("stated", "reported")


def position_frame(
    dataset: Dataset, alliance_ids: Sequence[str], attributions: Sequence[str] = tuple(ATTRIBUTION_LABELS)
) -> pd.DataFrame:
    """Return the known positions on some formats.

    Returns
    -------
    DataFrame
        Columns ``row_id, actor_id, name, topic, position, attribution, date, source_id, published``, from the
        firmest position to the most opposed, then by country and publication.
    """
    frame = dataset["positions"]
    frame = frame[frame["alliance_id"].isin(alliance_ids) & frame["attribution"].isin(attributions)]
    frame = frame.assign(
        row_id=frame["position_id"],
        name=frame["actor_id"].map(dataset.names),
        published=frame["source_id"].map(dataset.published),
        rank=frame["position"].map(ORDER.index),
    )
    best = frame.groupby("actor_id")["rank"].transform("min")
    frame = frame.assign(best=best).sort_values(["best", "name", "published", "topic"], kind="stable")
    columns = [
        "row_id",
        "actor_id",
        "name",
        "topic",
        "position",
        "attribution",
        "date",
        "source_id",
        "published",
    ]
    return frame[columns].reset_index(drop=True)
