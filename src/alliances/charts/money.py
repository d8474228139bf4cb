"""Sums of money: one panel a currency, so that no sum stands on another currency's scale."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.frames import records
from alliances.analysis.money import CURRENCIES, KINDS, amount, sums
from alliances.charts.theme import GREY, INK, STATUS_STYLES, WIDTH, finish, styled
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import join_and, quantity_text

STYLES = {kind: STATUS_STYLES["reported" if kind == "contribution" else kind] for kind in KINDS}
LABELS, ROOM, STEP = 235, 130, 27  # pixels: for the names, for the words beside the last mark, for a line


def sums_chart(dataset: Dataset, *, label: str = "fig-money-sums") -> Any:
    """Draw the sums of each currency on an axis of its own.

    Returns
    -------
    altair.VConcatChart or Narrative
        An empty narrative where no currency has more than one sum: there is then nothing to compare.
    """
    indicators = dict(zip(dataset["indicators"]["indicator"], dataset["indicators"]["label"], strict=True))
    found = [item for item in sums(dataset) if item.kind in STYLES]
    frame = pd.DataFrame(
        [
            {
                "row_id": row.row_id,
                "currency": row["currency"],
                "line": indicators[row["indicator"]],
                "format": dataset.alliance_names.get(row["alliance_id"], ""),
                "amount": amount(row) / 1e9,
                "text": quantity_text(row.values),
                "kind": item.kind,
                "again": "the same sum in a second currency" if number else "",
                "source": dataset.source(row.source_id).descriptor,
            }
            for item in found
            for number, row in enumerate(item.rows)
        ]
    )
    if frame.empty or frame["currency"].value_counts().max() < 2:
        return Narrative("")
    kinds = [kind for kind in STYLES if kind in set(frame["kind"])]
    panels = [
        _panel(part.sort_values("amount", ascending=False, kind="stable"), CURRENCIES[code], kinds)
        for code in CURRENCIES
        if len(part := frame[frame["currency"] == code])
    ]
    listed = join_and(
        [f"{line.line} {line.text} ({', '.join(p for p in (line.kind, line.again) if p)})" for line in records(frame)]
    )
    headline = _headline(frame)
    return finish(
        alt.vconcat(*panels, spacing=14).resolve_legend(shape="shared", stroke="shared", fill="shared"),
        dataset=dataset,
        label=label,
        headline=headline,
        subtitle="Sums of money by kind; each currency has an axis of its own, in billions",
        caption="Sums of money that the texts name, by currency.",
        description=f"Dot charts of {len(found)} sums of money by currency, where {headline[0].lower()}{headline[1:]}: "
        f"{listed}.",
        rows=[dataset.row(row_id) for row_id in frame["row_id"]],
        note="No sum is converted or added to another.",
        table={
            "row_id": "Row",
            "line": "What",
            "format": "Format",
            "currency": "Currency",
            "amount": "Billion",
            "text": "In words",
            "kind": "Kind",
            "again": "Remark",
            "source": "Source",
        },
    )


def _headline(frame: pd.DataFrame) -> str:
    """Name the kind of the largest sum of each currency with several sums, where it is the same kind."""
    compared = frame[frame.groupby("currency")["row_id"].transform("size") > 1]
    largest = set(compared.sort_values("amount").drop_duplicates("currency", keep="last")["kind"])
    if len(largest) != 1:
        return "Sums of different kinds and currencies stand side by side"
    names = join_and([name for code, name in CURRENCIES.items() if code in set(compared["currency"])])
    return f"In {names}, the largest sum is {'an' if largest == {'estimate'} else 'a'} {largest.pop()}"


def _panel(frame: pd.DataFrame, currency: str, kinds: list[str]) -> alt.LayerChart:
    frame = frame.assign(zero=0.0, line=frame["line"].mask(frame["again"] != "", frame["line"] + " (same sum)"))
    order = list(frame["line"])
    plot = WIDTH - LABELS
    top = float(frame["amount"].max()) * plot / (plot - ROOM)
    y = alt.Y(
        "line:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelLimit=LABELS - 10, minExtent=LABELS, maxExtent=LABELS, labelPadding=12),
    )
    axis = alt.Axis(labelExpr="format(datum.value, ',')", tickCount=4)
    x = alt.X("amount:Q", title=f"billion {currency}", scale=alt.Scale(domain=[0, top], nice=False), axis=axis)
    base = alt.Chart(frame, width=plot, height={"step": STEP})
    tooltip = [
        alt.Tooltip("line:N", title="What"),
        alt.Tooltip("format:N", title="Format"),
        alt.Tooltip("text:N", title="Sum"),
        alt.Tooltip("kind:N", title="Kind"),
        alt.Tooltip("source:N", title="Source"),
    ]
    stems = base.mark_bar(height=3, color=GREY, opacity=0.5).encode(x=alt.X("zero:Q"), x2="amount:Q", y=y)
    marks = base.mark_point(size=85, strokeWidth=2, opacity=1).encode(
        x=x, y=y, tooltip=tooltip, **styled("kind", kinds, STYLES)
    )
    words = base.mark_text(align="left", dx=11, color=INK, fontSize=12, fontWeight=600).encode(
        x="amount:Q", y=y, text="text:N"
    )
    return alt.layer(stems, marks, words)
