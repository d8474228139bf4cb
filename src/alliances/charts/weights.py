"""How much each source carries."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.derived import Derived, Input
from alliances.analysis.frames import records
from alliances.charts.theme import HEAT, INK, finish, fit
from alliances.dataset import FACT_TABLES, Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import join_and

TABLE_LABELS = {
    "characteristics": "Features",
    "memberships": "Members",
    "positions": "Positions",
    "event_accounts": "Events",
    "observations": "Quantities",
    "capabilities": "Capabilities",
    "statements": "Statements",
}


def weight_frame(dataset: Dataset) -> pd.DataFrame:
    """Count the rows that rest on each source.

    Returns
    -------
    DataFrame
        Columns ``source_id, source, table, rows``; sources in order of publication.
    """
    known = dataset["sources"].sort_values("published", kind="stable")
    counts = {name: dataset[name]["source_id"].value_counts() for name in FACT_TABLES}
    return pd.DataFrame(
        [
            {
                "source_id": s.source_id,
                "source": s.descriptor,
                "table": label,
                "rows": int(counts[name].get(s.source_id, 0)),
            }
            for s in records(known)
            for name, label in TABLE_LABELS.items()
        ],
        columns=["source_id", "source", "table", "rows"],
    )


def total_rows(dataset: Dataset) -> Derived:
    """Count the rows of the edition's tables of facts."""
    frame = weight_frame(dataset)
    total = int(frame["rows"].sum())
    per_source = frame.groupby(["source_id", "source"], sort=False)["rows"].sum()
    return Derived(
        id="rows",
        text=f"{total:,}",
        value=float(total),
        label="Rows of the dataset in this edition",
        formula="sum of the rows that rest on each text",
        inputs=tuple(
            Input(key[1], f"ref-source-{key[0]}", f"{rows:,} rows")
            for key, rows in zip(list(per_source.index), per_source, strict=True)
        ),
        unit="rows",
    )


def source_weights(dataset: Dataset) -> Any:
    """Draw the number of rows by source and kind of fact.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where no source is known.
    """
    frame = weight_frame(dataset)
    if frame.empty:
        return Narrative("")
    totals = frame.groupby("source", sort=False)["rows"].sum()
    most = str(totals.idxmax())
    total = total_rows(dataset)
    base = alt.Chart(frame)
    x = alt.X(
        "table:N",
        sort=list(TABLE_LABELS.values()),
        title=None,
        axis=alt.Axis(orient="top", labelAngle=0, labelFontSize=11),
    )
    y = alt.Y(
        "source:N",
        sort=list(totals.index),
        title=None,
        axis=alt.Axis(labelExpr="split(datum.label, ', ')", labelBaseline="bottom"),
    )
    heat = base.mark_rect(stroke="white", strokeWidth=2).encode(
        x=x,
        y=y,
        color=alt.Color("rows:Q", legend=None, scale=alt.Scale(range=HEAT, type="sqrt")),
        tooltip=[
            alt.Tooltip("source:N", title="Source"),
            alt.Tooltip("table:N", title="Kind"),
            alt.Tooltip("rows:Q", title="Rows"),
        ],
    )
    words = base.mark_text(fontSize=12, fontWeight=600, color=INK).encode(x=x, y=y, text="rows:Q")
    listed = join_and([f"{name} {rows}" for name, rows in totals.items()])
    return finish(
        fit(alt.layer(heat, words), 36),
        dataset=dataset,
        label="fig-source-weights",
        headline=f"The text called “{most}” carries the most",
        subtitle="Rows of the dataset that rest on each text, by kind of fact",
        caption="How much each source carries. Source: the dataset of this report.",
        description="Table chart of the number of rows by source and kind of fact, "
        f"where “{most}” carries the most: {listed}.",
        figures=[total],
        table={"source": "Source", "table": "Kind of fact", "rows": "Rows"},
    )
