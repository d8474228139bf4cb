"""Timelines: dated events of a format, as precise as the texts date them and no more."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.frames import records
from alliances.charts.theme import AMBER, BLUE, GREY, INK, finish, fit, styled
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import date_text, join_and, typographic

_STAGE = {
    "happened": "told as happened",
    "in_force": "told as happened",
    "announced": "announced or planned",
    "planned": "announced or planned",
    "proposed": "proposed",
    "under_discussion": "proposed",
    "failed": "failed",
}
STYLES = {
    "told as happened": ("circle", BLUE, True),
    "announced or planned": ("square", AMBER, False),
    "proposed": ("diamond", AMBER, False),
    "failed": ("cross", GREY, False),
}


TABLE = {
    "row_id": "Row", "event": "Event", "date": "Date", "start": "Earliest", "end": "Latest", "stage": "Told as",
    "source": "Source",
}  # fmt: skip


def span(iso: str) -> tuple[str, str]:
    """Return the first and the last day that a date of reduced precision may mean."""
    parts = [int(part) for part in iso.split("-")]
    if len(parts) == 1:
        return f"{iso}-01-01", f"{iso}-12-31"
    if len(parts) == 2:
        return f"{iso}-01", f"{iso}-{monthrange(parts[0], parts[1])[1]:02d}"
    return iso, iso


def timeline_rows(dataset: Dataset, alliance_ids: Sequence[str], since: str = "") -> pd.DataFrame:
    """Return the dated events of some formats, one line an event, in order of time.

    Where several sources tell the same event, the most precise account gives its date.

    Returns
    -------
    DataFrame
        Columns ``row_id, event, start, end, date, stage, source``.
    """
    titles = dict(zip(dataset["events"]["event_id"], dataset["events"]["title"], strict=True))
    accounts = dataset["event_accounts"]
    chosen = accounts[accounts["alliance_id"].isin(alliance_ids) & (accounts["date"] >= (since or "0"))]
    chosen = chosen[chosen["date"] != ""]
    chosen = chosen.assign(detail=chosen["date"].str.len()).sort_values("detail", ascending=False, kind="stable")
    chosen = chosen.drop_duplicates("event_id").sort_values(["date", "event_id"], kind="stable")
    lines = []
    for record in records(chosen):
        start, end = span(record.date)
        if record.date_end:
            end = span(record.date_end)[1]
        source = dataset.source(record.source_id)
        if record.status == "happened":  # what a text tells as happened did not happen after it
            end = max(start, min(end, source.published.isoformat()))
        lines.append(
            {
                "row_id": record.account_id,
                "event": typographic(titles[record.event_id]),
                "start": start,
                "end": end,
                "date": date_text(record.date),
                "stage": _STAGE[record.status],
                "source": source.descriptor,
            }
        )
    return pd.DataFrame(lines, columns=["row_id", "event", "start", "end", "date", "stage", "source"])


def _middle(start: str, end: str) -> str:
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    return (first + (last - first) // 2).isoformat()


def _ticks(first: date, last: date) -> list[Any]:
    """Choose about five round dates: years over a long span, else firsts of a month."""
    months = (last.year - first.year) * 12 + last.month - first.month
    step = next(size for size in (1, 2, 3, 6, 12, 24, 60, 120, 240, 600) if months / size <= 5.5)
    years = max(step // 12, 1)
    ticks, year, month = [], -(-first.year // years) * years, 1  # steps of years begin at a round one
    while (year, month) <= (last.year, last.month):
        if (year, month) >= (first.year, first.month):
            ticks.append(alt.DateTime(year=year, month=month, date=1))
        month += step
        year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return ticks


def timeline(
    dataset: Dataset,
    alliance_ids: Sequence[str],
    *,
    label: str,
    headline: str,
    name: str,
    since: str = "",
    rests_on: Sequence[str] = (),
) -> Any:
    """Draw the dated events of some formats: a point for a day, a bar where only month or year is known.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    alliance_ids : sequence of str
        The formats.
    label, headline : str
        As in :func:`alliances.charts.theme.finish`.
    name : str
        What the events are of, for caption and alternative text.
    since : str
        ISO date before which events are left out.
    rests_on : sequence of str
        Rows without which the headline would not be true; a plain one then stands for it.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where fewer than two events are dated: a sentence then says it better.
    """
    frame = timeline_rows(dataset, alliance_ids, since)
    if len(frame) < 2:
        return Narrative("")
    if any(row_id not in dataset for row_id in rests_on):
        headline = f"{len(frame)} dated events, from {frame['date'].iloc[0]} to {frame['date'].iloc[-1]}"
    stages = [stage for stage in STYLES if stage in set(frame["stage"])]
    first, last = date.fromisoformat(frame["start"].min()), date.fromisoformat(frame["end"].max())
    days = (last - first).days
    room = timedelta(days=max(days * 45 // 100, 10))  # for the dates that stand right of the marks
    frame["line"] = [f"{number:02d}{event}" for number, event in enumerate(frame["event"])]  # events may share a title
    name_axis = alt.Axis(labelExpr="slice(datum.label, 2)", labelLimit=360)
    y = alt.Y("line:N", sort=None, title=None, axis=name_axis)
    middle = [_middle(line.start, line.end) for line in records(frame)]
    frame["middle"] = middle  # where only month or year is known, the mark stands in the middle of its bar
    ticks = alt.Axis(
        orient="top", values=_ticks(first, last), format="%Y" if days > 3 * 366 else "%b %Y", labelFlush=False
    )
    domain = [first.isoformat(), (last + room).isoformat()]
    x = alt.X("start:T", title=None, axis=ticks, scale=alt.Scale(domain=domain, nice=False))
    base = alt.Chart(frame)
    tooltip = [
        alt.Tooltip("event:N", title="Event"),
        alt.Tooltip("date:N", title="Date"),
        alt.Tooltip("source:N", title="Source"),
    ]
    bars = (
        base.mark_bar(height=7, opacity=0.3, color=INK)
        .encode(x=x, x2="end:T", y=y)
        .transform_filter("datum.start != datum.end")
    )
    points = base.mark_point(size=85, strokeWidth=2, opacity=1).encode(
        x="middle:T", y=y, tooltip=tooltip, **styled("stage", stages, STYLES)
    )
    words = base.mark_text(align="left", dx=9, fontSize=11.5, color=INK).encode(x=alt.X("end:T"), y=y, text="date:N")
    rows = [dataset.row(row_id) for row_id in frame["row_id"]]
    listed = join_and([f"{line.date}: {line.event}" for line in records(frame)])
    return finish(
        fit(alt.layer(bars, points, words), 24),
        dataset=dataset,
        label=label,
        headline=headline,
        subtitle="Dated events as the texts tell them; a bar where only the month or the year is given",
        caption=f"Dated events of {name}.",
        description=f"Timeline of {len(frame)} dated events of {name}, "
        f"from {frame['date'].iloc[0]} to {frame['date'].iloc[-1]}: {listed}.",
        rows=rows,
        table=TABLE,
    )
