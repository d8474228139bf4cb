"""All formats on one time axis: a lane for each, a mark for each event that a text dates."""

from __future__ import annotations

import json
import textwrap
from datetime import date, timedelta
from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.frames import records
from alliances.analysis.knowledge import as_of_day
from alliances.analysis.memberships import accession, reference_members
from alliances.charts.theme import GREY, INK, PALE, finish, fit, styled
from alliances.charts.timeline import STYLES as STAGES
from alliances.charts.timeline import TABLE, timeline_rows
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import date_text, join_and

BREAK = date(2024, 1, 1)  # left of it a decade takes the room of months on the right
SPLIT = 44.0  # where the break stands on the chart's own scale of 0 to 100
ACCESSION = "accession (public record)"
STYLES = {**STAGES, ACCESSION: ("square", "#7d8b97", True)}
_SINCE = 2022


def _at(day: str, first: date, last: date) -> float:
    """Place a day on the chart's own scale."""
    moment = date.fromisoformat(day)
    if moment < BREAK:
        return SPLIT * (moment - first) / (BREAK - first)
    return SPLIT + (100 - SPLIT) * (moment - BREAK) / max(last - BREAK, timedelta(days=1))


def lane_rows(dataset: Dataset) -> pd.DataFrame:
    """Return the dated events of all formats, with NATO's accessions from the public record.

    Returns
    -------
    DataFrame
        Columns ``alliance_id, lane, row_id, event, start, end, date, stage, source``, by lane and time; lanes in
        the order of their first event. An event that a text tells as past does not reach beyond the cut-off.
    """
    today = as_of_day(dataset).isoformat()
    lanes = []
    for record in records(dataset["alliances"]):
        frame = timeline_rows(dataset, [record.alliance_id])
        if record.alliance_id == "nato":
            frame = (
                pd.concat([_accessions(dataset), frame], ignore_index=True) if not frame.empty else _accessions(dataset)
            )
        if not frame.empty:
            name = record.short_name[0].upper() + record.short_name[1:]
            lanes.append(frame.assign(alliance_id=record.alliance_id, lane=name))
    if not lanes:
        return pd.DataFrame()
    lanes.sort(key=lambda lane: str(lane["start"].min()))
    every = pd.concat(lanes, ignore_index=True)
    past = every["stage"].isin(["told as happened"]) & (every["end"] > today) & (every["start"] <= today)
    every.loc[past, "end"] = today
    return every


def _accessions(dataset: Dataset) -> pd.DataFrame:
    members = reference_members(dataset, "nato")
    return pd.DataFrame(
        {"row_id": "ref-nato-members", "event": f"{join_and(list(part['name']))} in NATO", "start": day, "end": day,
         "date": date_text(str(day)), "stage": ACCESSION, "source": "public record"}
        for day, part in members.groupby("entry")
    )  # fmt: skip


def format_lanes(dataset: Dataset) -> Any:
    """Draw all formats on one time axis whose scale changes at the beginning of 2024.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where the texts date events of fewer than three formats.
    """
    frame = lane_rows(dataset)
    told = frame[frame["stage"] != ACCESSION] if len(frame) else frame
    if not len(told) or told["alliance_id"].nunique() < 3:
        return Narrative("")
    first = min(date.fromisoformat(frame["start"].min()), date(2000, 1, 1))
    first = date(first.year - 2, 1, 1)
    last = max(date.fromisoformat(frame["end"].max()), date(2025, 1, 1))
    frame = frame.assign(
        x=[_at(day, first, last) for day in frame["start"]],
        x2=[_at(day, first, last) for day in frame["end"]],
    )
    frame["middle"] = (frame["x"] + frame["x2"]) / 2
    order = list(dict.fromkeys(frame["lane"]))
    begins = _begins(frame)
    ticks = [date(year, 1, 1) for year in range(-(-first.year // 20) * 20, BREAK.year - 5, 20)]
    ticks += [
        day for year in range(BREAK.year, last.year + 1) for month in (1, 7) if (day := date(year, month, 1)) <= last
    ]
    places = {
        round(_at(day.isoformat(), first, last), 3): str(day.year) if day < BREAK else f"{day:%b} {day.year}"
        for day in ticks
    }
    expression = "".join(f"datum.value == {at} ? {json.dumps(text)} : " for at, text in places.items()) + "''"
    axis = alt.Axis(
        orient="top", values=list(places), labelExpr=expression, labelOverlap=False, labelFontSize=11, labelAngle=0
    )
    scale = alt.Scale(domain=[0, 103], nice=False)
    labels = alt.Axis(labelLimit=150, labelFontWeight=600, labelExpr="split(datum.label, '\\n')")
    y = alt.Y("lane:N", sort=order, title=None, axis=labels)
    stages = [stage for stage in STYLES if stage in set(frame["stage"])]
    base = alt.Chart(frame)
    tooltip = [
        alt.Tooltip("lane:N", title="Format"),
        alt.Tooltip("event:N", title="Event"),
        alt.Tooltip("date:N", title="Date"),
        alt.Tooltip("source:N", title="Source"),
    ]
    later = alt.Chart(alt.InlineData(values=[{"from": SPLIT, "to": 103}], name="months")).mark_rect(
        color="#f4f6f8", opacity=1
    )
    shade = later.encode(x=alt.X("from:Q", scale=scale, axis=axis, title=None), x2="to:Q")
    down = 9
    lines = base.mark_rule(color=PALE, yOffset=down).encode(y=y)
    bars = (
        base.mark_bar(height=7, opacity=0.3, color=INK, yOffset=down)
        .encode(x=alt.X("x:Q", scale=scale), x2="x2:Q", y=y)
        .transform_filter("datum.x2 - datum.x > 1.5")
    )
    points = base.mark_point(size=70, strokeWidth=2, opacity=1, yOffset=down).encode(
        x=alt.X("middle:Q", scale=scale), y=y, tooltip=tooltip, **styled("stage", stages, STYLES)
    )
    words = [
        alt.Chart(part)
        .mark_text(
            align=align,
            baseline="bottom",
            dx=-5 if align == "left" else 5,
            yOffset=down - 8 - 11 * int(part["breaks"].iloc[0]),
            fontSize=10.5,
            lineHeight=11,
            lineBreak="\n",
            color=GREY,
        )
        .encode(x=alt.X("middle:Q", scale=scale), y=y, text="text:N")
        for (align, _), part in begins.groupby(["align", "breaks"])
    ]
    rows = [dataset.row(row_id) for row_id in frame["row_id"] if row_id in dataset]
    references = [
        ref for code in reference_members(dataset, "nato")["iso3"] if (ref := accession(dataset, "nato", code))
    ]
    listed = [
        f"{lane}: {join_and([f'{line.date}, {line.event}' for line in records(part)])}"
        for lane, part in frame.groupby("lane", sort=False)
    ]
    starts = told.groupby("alliance_id")["start"].min()
    young = int((starts >= f"{_SINCE}-01-01").sum())
    headline = (
        f"{young} of the {len(starts)} formats that the texts date begin in {_SINCE} or later"
        if young > 1
        else "The formats that the texts date lie decades apart"
    )
    return finish(
        fit(alt.layer(shade, lines, bars, points, *words), 40),
        dataset=dataset,
        label="fig-glance-timeline",
        headline=headline,
        subtitle="Events that the texts date, by format, with the first of each in words; shaded: scale of months",
        caption="All formats on one time axis. Its scale changes where the shading begins.",
        description=f"Timeline of {len(told)} dated events in {len(starts)} lanes, one a format, "
        f"where {headline[0].lower() + headline[1:]}. "
        f"{'; '.join(listed)}.",
        rows=rows,
        figures=references,
        note="A bar where only the month or the year is given. NATO’s accessions are facts of the public record. "
        "Formats of which no text dates an event are not shown.",
        table={"row_id": "Row", "lane": "Format", **TABLE},
    )


def _begins(frame: pd.DataFrame) -> pd.DataFrame:
    """Write the first event of each lane above its mark, on the side where there is room."""
    firsts = frame.drop_duplicates("alliance_id").copy()
    texts = []
    for line in records(firsts):
        told = "first members (public record)" if line.stage == ACCESSION else line.event
        text = f"{line.date}: {told}"
        texts.append(text if len(text) < 96 else f"{text[:94].rsplit(' ', 1)[0]} …")
    firsts["text"] = ["\n".join(textwrap.wrap(text, 52)) for text in texts]
    firsts["breaks"] = firsts["text"].str.count("\n")
    firsts["align"] = ["left" if at <= SPLIT + 4 else "right" for at in firsts["middle"]]
    return firsts[["row_id", "lane", "middle", "text", "align", "breaks"]]
