"""Quantities side by side: a point for a value, a band for a range, an open mark for what is not reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.derived import Derived, Reference
from alliances.analysis.frames import records
from alliances.charts.theme import GREY, INK, STATUS_STYLES, finish, fit, styled
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import join_and, quantity_text


def band_rows(dataset: Dataset, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return the known observations of a selection, one line a row.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    labels : Mapping of str to str
        Row id to the label of its line, in the order of the chart.

    Returns
    -------
    DataFrame
        Columns ``row_id, line, low, high, text, status, source``.
    """
    lines = []
    for row_id, label in labels.items():
        if row_id not in dataset:
            continue
        row = dataset.row(row_id)
        low, high = row["value_low"], row["value_high"]
        low = high if low != low else low  # NaN: only one bound is given
        high = low if high != high else high
        lines.append(
            {
                "row_id": row_id,
                "line": label,
                "low": float(low),
                "high": float(high),
                "text": quantity_text(row.values),
                "status": row["obs_status"].replace("_", " "),
                "source": dataset.source(row.source_id).descriptor,
            }
        )
    return pd.DataFrame(lines, columns=["row_id", "line", "low", "high", "text", "status", "source"])


def bands(
    dataset: Dataset,
    labels: Mapping[str, str],
    *,
    label: str,
    headline: str | Sequence[str],
    subtitle: str,
    caption: str,
    takeaway: str,
    unit: str,
    figures: Sequence[Derived | Reference] = (),
    note: str = "",
    at_least: int = 2,
) -> Any:
    """Draw observations side by side on one axis.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    labels : Mapping of str to str
        Row id to the label of its line; rows that are not known are left out.
    label, headline, subtitle, caption, note : str
        As in :func:`alliances.charts.theme.finish`.
    takeaway : str
        The end of the alternative text, after “where”.
    unit : str
        Title of the axis.
    figures : sequence of Derived or Reference
        Figures that headline or caption print.
    at_least : int
        Fewer known rows than this draw nothing.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where too few rows are known.
    """
    frame = band_rows(dataset, labels)
    if len(frame) < at_least:
        return Narrative("")
    order = list(frame["line"])
    statuses = [status for status in STATUS_STYLES if status in set(frame["status"])]
    longest = len(str(frame.sort_values("high")["text"].iloc[-1]))
    top = float(frame["high"].max()) * (1.12 + 0.028 * longest)  # room for the words beside the last mark
    y = alt.Y("line:N", sort=order, title=None, axis=alt.Axis(labelLimit=330))
    axis = alt.Axis(labelExpr="format(datum.value, ',')", tickCount=5)
    x = alt.X("low:Q", title=unit, scale=alt.Scale(domain=[0, top], nice=False), axis=axis)
    base = alt.Chart(frame)
    tooltip = [
        alt.Tooltip("line:N", title="What"),
        alt.Tooltip("text:N", title="Value"),
        alt.Tooltip("status:N", title="Kind"),
        alt.Tooltip("source:N", title="Source"),
    ]
    band = base.mark_bar(height=9, color=GREY, opacity=0.35).encode(x=x, x2="high:Q", y=y, tooltip=tooltip)
    ends = [
        base.mark_point(size=95, strokeWidth=2, opacity=1).encode(
            x=x.copy() if column == "low" else alt.X(f"{column}:Q"),
            y=y,
            tooltip=tooltip,
            **styled("status", statuses, STATUS_STYLES),
        )
        for column in ("low", "high")
    ]
    words = base.mark_text(align="left", dx=10, color=INK, fontSize=12, fontWeight=600).encode(
        x="high:Q", y=y, text="text:N"
    )
    rows = [dataset.row(row_id) for row_id in frame["row_id"]]
    listed = join_and([f"{line.line}: {line.text} ({line.status}, {line.source})" for line in records(frame)])
    return finish(
        fit(alt.layer(band, *ends, words), 27),
        dataset=dataset,
        label=label,
        headline=headline,
        subtitle=subtitle,
        caption=caption,
        description=f"Dot and band chart of {len(frame)} quantities, where {takeaway}: {listed}.",
        rows=rows,
        figures=figures,
        note=note,
        table={
            "row_id": "Row", "line": "What", "low": "From", "high": "To", "text": "In words", "status": "Kind",
            "source": "Source",
        },
    )  # fmt: skip
