"""Countries against formats or topics: a mark where a text, or the public record, says something."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.derived import Derived, Reference
from alliances.charts.theme import INK, LABEL_BASELINE, finish, fit, styled
from alliances.dataset import Dataset, Row
from alliances.prose.narrative import Narrative


def grid(
    dataset: Dataset,
    frame: pd.DataFrame,
    *,
    columns: Sequence[str],
    styles: Mapping[str, tuple[str, str, bool]],
    label: str,
    headline: str | Sequence[str],
    subtitle: str,
    caption: str,
    description: str,
    focus_name: str = "",
    rows: Sequence[Row] = (),
    figures: Sequence[Derived | Reference] = (),
    note: str = "",
    wrap: int = 60,
    subject: str = "Country",
    heading: str = "On",
) -> Any:
    """Draw a grid of marks with a word in each.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    frame : DataFrame
        Columns ``row_id, line, column, kind, text, source``: one line a mark. ``line`` is the row of the
        grid (a country), ``kind`` a key of ``styles``, ``text`` a short word beside the mark.
    columns : sequence of str
        The columns of the grid from left to right.
    styles : Mapping of str to tuple
        Kind to shape, colour, and whether the mark is filled.
    focus_name : str
        A line to highlight.
    wrap : int
        Characters after which the name of a line is broken.
    subject, heading : str
        What the lines and the columns are, for tooltips and for the table of the data.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where there is nothing to show.
    """
    if frame.empty:
        return Narrative("")
    frame = frame.assign(focus=frame["line"] == focus_name)
    wrapped = {line: "\n".join(textwrap.wrap(line, wrap)) for line in frame["line"]}
    frame["line"] = frame["line"].map(wrapped)
    lines_each = max(text.count("\n") + 1 for text in wrapped.values())
    order = list(dict.fromkeys(frame["line"]))
    kinds = [kind for kind in styles if kind in set(frame["kind"])]
    present = [column for column in columns if column in set(frame["column"])]
    axis = alt.Axis(
        labelLimit=0,
        labelExpr="split(datum.label, '\\n')",
        labelBaseline=LABEL_BASELINE,
        labelFontWeight=alt.condition(f"datum.value == {focus_name!r}", alt.value(700), alt.value(400)),
    )
    y = alt.Y("line:N", sort=order, title=None, axis=axis)
    has_words = bool((frame["text"] != "").any())
    # With words beside the marks the head of a column stands over both.
    beside: dict[str, Any] = {"labelAlign": "left", "labelOffset": -39} if has_words else {}
    x = alt.X(
        "column:N",
        sort=present,
        title=None,
        scale=alt.Scale(domain=present),
        axis=alt.Axis(orient="top", labelAngle=0, labelLimit=150, labelFontWeight=600, **beside),
    )
    tooltip = [
        alt.Tooltip("line:N", title=subject),
        alt.Tooltip("column:N", title=heading),
        alt.Tooltip("kind:N", title="How"),
        alt.Tooltip("text:N", title="What"),
        alt.Tooltip("source:N", title="Source"),
    ]
    base = alt.Chart(frame)
    step = 21 if lines_each == 1 else 6 + 14 * lines_each
    lines = base.mark_rule(color="#e6eaed", yOffset=step / 2).encode(y=y)
    lit = base.mark_bar(color="#fbe7c6", height=alt.RelativeBandSize(0.9)).encode(y=y).transform_filter("datum.focus")
    marks = base.mark_point(size=80, strokeWidth=2, opacity=1, xOffset=-34 if has_words else 0).encode(
        x=x, y=y, tooltip=tooltip, **styled("kind", kinds, styles)
    )
    words = base.mark_text(align="left", xOffset=-24, fontSize=11.5, color=INK).encode(x=x, y=y, text="text:N")
    return finish(
        fit(alt.layer(lit, lines, marks, words), step),
        dataset=dataset,
        label=label,
        headline=headline,
        subtitle=subtitle,
        caption=caption,
        description=description,
        rows=rows,
        figures=figures,
        note=note,
        table={
            "row_id": "Row", "line": subject, "column": heading, "text": "What", "kind": "How", "source": "Source",
        },
    )  # fmt: skip
