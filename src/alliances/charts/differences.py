"""Which sources differ from which."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.frames import records
from alliances.analysis.points import between_sources, shown_rows
from alliances.charts.theme import HEAT, INK, finish, fit
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import join_and


def differing_pairs(dataset: Dataset) -> Any:
    """Draw for each pair of sources on how many points they differ.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where fewer than three sources are known: a sentence says less then.
    """
    counts = between_sources(dataset)
    known = [s.source_id for s in records(dataset["sources"].sort_values("published", kind="stable"))]
    if len(known) < 3 or not counts:
        return Narrative("")
    name = {source: dataset.source(source).descriptor for source in known}
    order = [name[source] for source in known]
    # Each pair once, the earlier source down the side.
    cells = [
        {"one": name[a], "other": name[b], "points": counts[min(a, b), max(a, b)]}
        for number, a in enumerate(known)
        for b in known[number + 1 :]
    ]
    frame = pd.DataFrame(cells)
    top = int(frame["points"].max())
    most = [f"“{row.one}” and “{row.other}”" for row in records(frame) if row.points == top]
    axis = alt.Axis(labelExpr="split(datum.label, ', ')", labelAngle=0, labelLimit=170, grid=False)
    x = alt.X(
        "other:N", sort=order, title=None, axis=alt.Axis(**{**axis.to_dict(), "orient": "top", "labelPadding": 22})
    )
    y = alt.Y("one:N", sort=order, title=None, axis=alt.Axis(**{**axis.to_dict(), "labelBaseline": "bottom"}))
    base = alt.Chart(frame)
    heat = base.mark_rect(stroke="white", strokeWidth=2).encode(
        x=x, y=y, color=alt.Color("points:Q", legend=None, scale=alt.Scale(domainMin=0, range=HEAT))
    )
    words = base.mark_text(fontSize=13, fontWeight=600, color=INK).encode(x=x, y=y, text="points:Q")
    listed = join_and([f"{row.one} and {row.other} {row.points}" for row in records(frame)])
    return finish(
        fit(alt.layer(heat, words), 44),
        dataset=dataset,
        label="fig-differing-pairs",
        headline=[most[0], "differ on the most points"] if len(most) == 1 else "Several pairs of texts differ most",
        subtitle="Points on which two texts differ, by pair of texts; what only seems to differ is left out",
        caption="Which texts differ from which.",
        description=f"Table chart of the points on which each pair of texts differs: {listed}.",
        rows=shown_rows(dataset),
        table={"one": "Text", "other": "Other text", "points": "Points on which they differ"},
    )
