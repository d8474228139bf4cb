"""Who belongs to which format, where a sentence says it better than a chart."""

from __future__ import annotations

from alliances.analysis.derived import Derived, Input
from alliances.dataset import Dataset
from alliances.prose.links import evidence_link
from alliances.prose.narrative import Narrative, paragraph
from alliances.prose.values import join_and

FEWEST_LINES = 3  # a grid of fewer countries says less than a sentence


def placed_countries(dataset: Dataset) -> Narrative:
    """Count the countries that the texts place in a format other than NATO."""
    frame = dataset["memberships"]
    codes = set(dataset["countries"]["iso3"])
    frame = frame[frame["actor_id"].isin(codes) & (frame["alliance_id"] != "nato")].drop_duplicates("actor_id")
    if frame.empty:
        return Narrative("")
    names = dataset.names
    rows = [dataset.row(row_id) for row_id in frame["membership_id"]]
    placed = Derived(
        id="members-placed",
        text=str(len(rows)),
        value=float(len(rows)),
        label="Countries that a text places in a format other than NATO",
        formula="number of countries of which a text says that they lead, belong to or take part in one",
        inputs=tuple(
            Input(names[row["actor_id"]], row.row_id) for row in sorted(rows, key=lambda row: names[row["actor_id"]])
        ),
        unit="countries",
    )
    # Too few for a chart are named here.
    named = f": {join_and([evidence_link(dataset, row) for row in rows])}" if len(rows) < FEWEST_LINES else ""
    return paragraph(
        dataset,
        [f"Beyond that, the texts themselves place {{placed|country|countries}} in a format other than NATO{named}."],
        {"placed": placed},
    )
