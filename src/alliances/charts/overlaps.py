"""How groups of countries overlap: one line a combination, as in an UpSet plot."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.memberships import reference_list
from alliances.analysis.overlaps import IN_SENTENCE, LABELS, Group, Overlap, groups, overlaps
from alliances.charts.theme import AMBER, BLUE, GREY, INK, PALE, finish, fit
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import join_and

_FIRST, _STEP, _BAR = 5.0, 10.0, 40.0  # the chart's own scale: 0 to 100 from left to right
_STATE = {"nato": "in NATO", "eu": "in the EU", "jef": "in the JEF"}


def overlap_chart(dataset: Dataset, *, focus: str = "") -> Any:
    """Draw the combinations of NATO, EU, JEF and readiness to send troops that occur, with the countries in each.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where fewer than three groups are known: two numbers say it then.
    """
    known, found = groups(dataset), overlaps(dataset)
    if len(known) < 3 or len(found) < 2:
        return Narrative("")
    names = dict(zip(dataset["countries"]["iso3"], dataset["countries"]["name"], strict=True))
    place = {group.id: _FIRST + _STEP * number for number, group in enumerate(known)}
    most = max(len(overlap.countries) for overlap in found)
    frame = pd.DataFrame(
        {
            "row_id": overlap.figure.anchor,
            "line": number,
            "groups": ", ".join(LABELS[group] for group in overlap.groups),
            "countries": len(overlap.countries),
            "bar": _BAR,
            "bar_end": _BAR + 44 * len(overlap.countries) / most,
            "first": place[overlap.groups[0]],
            "last": place[overlap.groups[-1]],
            "names": "\n".join(textwrap.wrap(join_and([names[code] for code in overlap.countries]), 72)),
            "focus": focus in overlap.countries,
        }
        for number, overlap in enumerate(found)
    )
    dots = pd.DataFrame(
        {"line": number, "group": group.label, "at": place[group.id], "inside": group.id in overlap.groups,
         "focus": focus in overlap.countries}
        for number, overlap in enumerate(found)
        for group in known
    )  # fmt: skip
    heads = {place[group.id]: [*textwrap.wrap(group.label, 14), str(len(group.rows))] for group in known}
    deepest = max(len(head) for head in heads.values())
    heads = {at: [*[""] * (deepest - len(head)), *head] for at, head in heads.items()}
    expression = "".join(f"datum.value == {at} ? {json.dumps(head)} : " for at, head in heads.items()) + "''"
    step = 26 + 13 * (1 + int(frame["names"].str.count("\n").max()))
    up = 13 - step / 2  # the bar's place in its line; the names stand beneath it
    axis = alt.Axis(
        orient="top", values=list(heads), labelExpr=expression, labelAngle=0, grid=False, labelFontWeight=600,
        labelLineHeight=14, labelOverlap=False, labelBaseline="bottom", labelPadding=2 + 14 * (deepest - 1),
    )  # fmt: skip
    scale = alt.Scale(domain=[0, 100], nice=False)
    y = alt.Y("line:O", title=None, axis=None)
    ink = alt.condition("datum.focus", alt.value(AMBER), alt.value(BLUE))
    base, grid = alt.Chart(frame), alt.Chart(dots)
    tooltip = [
        alt.Tooltip("groups:N", title="In"),
        alt.Tooltip("countries:Q", title="Countries"),
        alt.Tooltip("names:N", title="Which"),
    ]
    rule = base.mark_rule(strokeWidth=2.5, yOffset=up).encode(
        x=alt.X("first:Q", scale=scale, axis=axis, title=None), x2="last:Q", y=y, color=ink
    )
    empty = grid.mark_circle(size=95, color=PALE, opacity=1, yOffset=up).encode(x=alt.X("at:Q", scale=scale), y=y)
    full = (
        grid.mark_circle(size=150, opacity=1, yOffset=up)
        .encode(x=alt.X("at:Q", scale=scale), y=y, color=ink)
        .transform_filter("datum.inside")
    )
    bars = base.mark_bar(height=13, yOffset=up).encode(
        x=alt.X("bar:Q", scale=scale), x2="bar_end:Q", y=y, color=ink, tooltip=tooltip
    )
    counts = base.mark_text(align="left", dx=6, yOffset=up, fontWeight=700, fontSize=13, color=INK).encode(
        x=alt.X("bar_end:Q", scale=scale), y=y, text="countries:Q"
    )
    words = base.mark_text(
        align="left", baseline="top", yOffset=up + 10, fontSize=11, lineHeight=12.5, lineBreak="\n", color=GREY
    ).encode(x=alt.X("bar:Q", scale=scale), y=y, text="names:N")
    rows = [row for group in known for row in group.rows.values() if row is not None]
    told = join_and(
        [f"{row.groups}: {row.countries} ({row.names})".replace("\n", " ") for row in frame.itertuples(index=False)]
    )
    return finish(
        fit(alt.layer(empty, rule, full, bars, counts, words), step),
        dataset=dataset,
        label="fig-members-overlaps",
        headline=_headline(known, found),
        subtitle="Countries by the combination of groups to which they belong; each country is counted once",
        caption="How the groups overlap.",
        description=f"UpSet chart of {sum(len(o.countries) for o in found)} countries in {len(found)} combinations of "
        f"{join_and([group.label for group in known])}, "
        f"where the largest combination has {most}: {told}.",
        rows=rows,
        figures=[
            *(overlap.figure for overlap in found),
            *(reference_list(dataset, organisation) for organisation in ("nato", "eu") if organisation in place),
        ],
        note="NATO and EU are facts of the public record. Readiness to send troops is the newest that a text states or "
        "reports; countries that no text names may be ready too.",
        table={"row_id": "Row", "groups": "In", "countries": "Countries", "names": "Which"},
    )


def _headline(known: list[Group], found: list[Overlap]) -> str:
    """Say what those ready to send troops have in common; otherwise what the largest combination is."""
    by_id = {group.id: set(group.rows) for group in known}
    ready, jef = by_id.get("troops", set()), by_id.get("jef", set())
    shared = [group for group in ("nato", "eu", "jef") if group in by_id and ready <= by_id[group]]
    if len(ready) > 1 and shared:
        return f"Every country named as ready to send troops is {join_and([_STATE[group] for group in shared])}"
    if jef and jef <= by_id.get("nato", set()) and not jef <= by_id.get("eu", set()):
        return "Every named member of the JEF is in NATO, not every one in the EU"
    return f"Most countries are in {join_and([IN_SENTENCE[group] for group in found[0].groups])}"
