"""Spans over places or stages: a bar over the columns that something covers, with the words in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.frames import records
from alliances.charts.theme import AMBER, GREY, INK, PALE, PLUM, TEAL, finish, fit
from alliances.dataset import Dataset, Row
from alliances.prose.narrative import Narrative

# Kinds differ in the outline as well as in the colour.
Style = tuple[str, str, tuple[int, int]]  # fill, outline, dash
SOLID: Style = ("#d3e6e4", TEAL, (1, 0))
OPEN: Style = ("#ffffff", TEAL, (6, 3))
NONE: Style = ("#ffffff", GREY, (1, 3))
EXPECTED: Style = ("#fdf3e4", AMBER, (3, 2))
WISHED: Style = ("#f6ecf3", PLUM, (1, 2))

COLUMNS = ["row_id", "line", "first", "last", "text", "kind", "source"]


def spans(
    dataset: Dataset,
    frame: pd.DataFrame,
    *,
    columns: Sequence[str],
    styles: Mapping[str, Style],
    label: str,
    headline: str | Sequence[str],
    subtitle: str,
    caption: str,
    description: str,
    rows: Sequence[Row],
    note: str = "",
    focus_line: str = "",
    at_least: int = 2,
) -> Any:
    """Draw bars over named columns: places from the front to the rear, or stages in time.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    frame : DataFrame
        Columns ``row_id, line, first, last, text, kind, source``: one line a bar, which covers the columns from
        number ``first`` up to, but not with, number ``last``. ``text`` may hold line breaks; the names of the lines
        must all have as many of them as each other.
    columns : sequence of str
        The columns from left to right.
    styles : Mapping of str to Style
        Kind to fill, outline and dash, in the order of the legend.
    label, headline, subtitle, caption, description, rows, note : object
        As in :func:`alliances.charts.theme.finish`.
    focus_line : str
        A line whose name is set in bold.
    at_least : int
        Fewer bars than this draw nothing.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where there are too few bars.
    """
    if len(frame) < at_least:
        return Narrative("")
    gap = 0.02
    frame = frame.assign(
        left=frame["first"] + gap,
        right=frame["last"] - gap,
        middle=(frame["first"] + frame["last"]) / 2,
        place=["; ".join(columns[bar.first : bar.last]).replace("\n", " ") for bar in records(frame)],
        breaks=frame["text"].str.count("\n"),
    )
    # Vega sets the first line of a label where it would set the only one; the others would hang below the bar.
    label_breaks = int(frame["line"].str.count("\n").max())
    head_breaks = max(head.count("\n") for head in columns)
    kinds = [kind for kind in styles if kind in set(frame["kind"])]
    heads = "[" + ", ".join(f"[{', '.join(repr(part) for part in head.split(chr(10)))}]" for head in columns) + "]"
    x = alt.X(
        "left:Q",
        title=None,
        scale=alt.Scale(domain=[0, len(columns)], nice=False),
        axis=alt.Axis(
            orient="top",
            values=[number + 0.5 for number in range(len(columns))],
            labelExpr=f"{heads}[floor(datum.value)]",
            labelFontWeight=600,
            labelLimit=0,
            labelPadding=6 + 15 * head_breaks,
            grid=False,
        ),
    )
    y = alt.Y(
        "line:N",
        sort=list(dict.fromkeys(frame["line"])),
        title=None,
        axis=alt.Axis(
            labelExpr="split(datum.label, '\\n')",
            labelLimit=0,
            labelPadding=10,
            labelOffset=-7 * label_breaks,
            labelFontWeight=alt.condition(f"datum.value == {focus_line!r}", alt.value(700), alt.value(400)),
        ),
    )
    per_line = 3 if max(len(kind) for kind in kinds) <= 30 else 2
    legend = (
        alt.Legend(orient="bottom", direction="horizontal", columns=per_line, labelLimit=300, symbolType="square")
        if len(kinds) > 1
        else None
    )
    tooltip = [
        alt.Tooltip("line:N", title="For"),
        alt.Tooltip("text:N", title="What"),
        alt.Tooltip("kind:N", title="How"),
        alt.Tooltip("source:N", title="Source"),
    ]

    def scale(place: int) -> alt.Scale:
        return alt.Scale(domain=kinds, range=[styles[kind][place] for kind in kinds])

    base = alt.Chart(frame)
    dividers = (
        alt.Chart(pd.DataFrame({"edge": range(1, len(columns))}))
        .mark_rule(color=PALE, strokeDash=[2, 3])
        .encode(x=alt.X("edge:Q"))
    )
    bars = base.mark_bar(height=36, strokeWidth=1.5, cornerRadius=3).encode(
        x=x,
        x2="right:Q",
        y=y,
        fill=alt.Fill("kind:N", title=None, legend=legend, scale=scale(0)),
        stroke=alt.Stroke("kind:N", title=None, legend=legend, scale=scale(1)),
        strokeDash=alt.StrokeDash("kind:N", title=None, legend=legend, scale=scale(2)),
        tooltip=tooltip,
    )
    words = [
        base.mark_text(lineBreak="\n", fontSize=11.5, color=INK, baseline="middle", lineHeight=14, dy=-7 * breaks)
        .encode(x="middle:Q", y=y, text="text:N")
        .transform_filter(f"datum.breaks == {breaks}")
        for breaks in sorted(set(frame["breaks"]))
    ]
    return finish(
        fit(alt.layer(dividers, bars, *words), 46),
        dataset=dataset,
        label=label,
        headline=headline,
        subtitle=subtitle,
        caption=caption,
        description=description,
        rows=rows,
        note=note,
        table={"row_id": "Row", "line": "For", "text": "What", "place": "Where", "kind": "How", "source": "Source"},
    )
