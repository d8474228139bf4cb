"""The look of the charts, and how a finished chart says what it is.

Importing this module makes Altair show charts as Vega-Lite 5, which JupyterLab draws natively and without
a network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from alliances.analysis.derived import Derived, Reference, carried
from alliances.dataset import Dataset, Row
from alliances.prose.links import evidence_link

alt.renderers.enable("mimetype")

WIDTH = 600  # pixels; at 96 to the inch this is the width of the report's column on A4
FONT = "Source Sans Pro, sans-serif"  # JupyterLab does not bring the first
INK, GREY, PALE = "#1f2933", "#5b6770", "#d5dbe0"
BLUE, AMBER, TEAL, PLUM = "#1d4e89", "#b35c00", "#2a7f78", "#7a3b69"
HEAT = ["#eef2f6", "#9dbde0"]  # ink is readable on all of it, in print, on a light and on a dark page

# Vega sets the first line of a label where it would set the only one; set above its place, two lines are centred.
LABEL_BASELINE = alt.condition("indexof(datum.value, '\\n') < 0", alt.value("middle"), alt.value("bottom"))

# Statuses and kinds of evidence differ in shape and fill as well as in colour.
STATUS_STYLES: dict[str, tuple[str, str, bool]] = {
    # label: (shape, colour, filled)
    "reported": ("circle", BLUE, True),
    "estimate": ("circle", BLUE, False),
    "plan": ("square", TEAL, False),
    "proposal": ("diamond", AMBER, False),
    "pledge": ("triangle-up", TEAL, True),
    "scenario": ("diamond", PLUM, False),
    "comparison": ("circle", GREY, True),
    "under discussion": ("triangle-down", AMBER, False),
    "assumption": ("cross", PLUM, False),
}


def styled(
    field: str, kinds: Sequence[str], styles: Mapping[str, tuple[str, str, bool]], *, legend: bool = True
) -> dict[str, Any]:
    """Encode kinds of evidence as shape, outline and fill at once, with one legend.

    Parameters
    ----------
    field : str
        Column that holds the kind.
    kinds : sequence of str
        Kinds that occur, in the order of the legend.
    styles : Mapping of str to tuple
        Kind to shape, colour, and whether the mark is filled.
    legend : bool
        Whether to draw a legend; with one kind there is none.

    Returns
    -------
    dict
        Keyword arguments for ``encode`` of a point mark.
    """
    shown = (
        alt.Legend(orient="bottom", direction="horizontal", columns=3, labelLimit=260, symbolStrokeWidth=2)
        if legend and len(kinds) > 1
        else None
    )
    shapes, colours = [styles[kind][0] for kind in kinds], [styles[kind][1] for kind in kinds]
    fills = [styles[kind][1] if styles[kind][2] else "white" for kind in kinds]
    return {
        "shape": alt.Shape(f"{field}:N", title=None, legend=shown, scale=alt.Scale(domain=kinds, range=shapes)),
        "stroke": alt.Stroke(f"{field}:N", title=None, legend=shown, scale=alt.Scale(domain=kinds, range=colours)),
        "fill": alt.Fill(f"{field}:N", title=None, legend=shown, scale=alt.Scale(domain=kinds, range=fills)),
    }


def fit(chart: Any, step: int) -> Any:
    """Set a chart to the width of the report's column, with a fixed height for each of its lines."""
    return chart.properties(
        width=WIDTH, height={"step": step}, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
    )


def configure(chart: alt.TopLevelMixin) -> Any:
    """Give a chart the report's type, colours and lines."""
    return chart.configure(
        font=FONT,
        background="transparent",
        padding={"left": 2, "right": 6, "top": 2, "bottom": 2},
        view=alt.ViewConfig(stroke=None),
        title=alt.TitleConfig(
            anchor="start",
            frame="bounds",
            fontSize=15,
            fontWeight=600,
            color=INK,
            subtitleColor=GREY,
            subtitleFontSize=12,
            offset=12,
        ),
        axis=alt.AxisConfig(
            labelColor=INK,
            titleColor=GREY,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor="#e6eaed",
            domain=False,
            ticks=False,
            labelPadding=6,
        ),
        legend=alt.LegendConfig(
            labelFontSize=12,
            titleFontSize=12,
            labelColor=INK,
            titleColor=GREY,
            titleFontWeight="normal",
            symbolSize=80,
        ),
        text=alt.MarkConfig(font=FONT, fontSize=12, color=INK),
    )


def source_line(dataset: Dataset, rows: Iterable[Row]) -> str:
    """Write the source line of a chart from the rows that it shows, each source linked to its first quotation."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.source_id, row)
    links = [evidence_link(dataset, row, dataset.source(source).descriptor) for source, row in first.items()]
    return f"Source: {'; '.join(links)}." if links else ""


def finish(
    chart: Any,
    *,
    dataset: Dataset,
    label: str,
    headline: str | Sequence[str],
    subtitle: str,
    caption: str,
    description: str,
    rows: Sequence[Row] = (),
    figures: Sequence[Derived | Reference] = (),
    note: str = "",
    table: Mapping[str, str] | None = None,
) -> Any:
    """Complete a chart: headline, alternative text, caption and source line, all in Vega-Lite's own places.

    Parameters
    ----------
    chart : altair chart
        The chart with its data and marks.
    dataset : Dataset
        The edition's dataset.
    label : str
        Cross-reference label, ``fig-…``.
    headline : str or sequence of str
        The message; a sequence is set on several lines.
    subtitle : str
        Measure, unit, area and period.
    caption : str
        What the chart shows, Markdown; the source line is added.
    description : str
        Alternative text: type of chart, data, takeaway.
    rows : sequence of Row
        The rows that it shows.
    figures : sequence of Derived or Reference
        Figures that it shows or that its caption prints.
    note : str
        A note after the source line.
    table : Mapping of str to str
        Column to its name in the table of the data that a reader gets, in order. Columns that only place marks are
        left out of it, and so are tables that lack one of these columns. Without it the table holds everything.
    """
    parts = [caption, source_line(dataset, rows), f"Note: {note}" if note else ""]
    meta: dict[str, Any] = {
        "label": label,
        "caption": " ".join(part for part in parts if part),
        "sources": sorted({row.source_id for row in rows}),
        "figures": carried(figures),
    }
    if table:
        meta["table"] = dict(table)
    head = [headline] if isinstance(headline, str) else list(headline)
    titled = chart.properties(
        title=alt.TitleParams(head, subtitle=subtitle.split("\n")), description=description, usermeta=meta
    )
    return configure(titled)
