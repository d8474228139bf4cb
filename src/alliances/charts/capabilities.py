"""Charts of capabilities: what is there, what is limited, what is missing."""

from __future__ import annotations

from typing import Any

import pandas as pd

from alliances.analysis.frames import records
from alliances.charts.grid import grid
from alliances.charts.theme import AMBER, BLUE, PLUM, TEAL
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import join_and, typographic

RELATION_LABELS = {
    "has": "has",
    "offers": "offers",
    "plans": "plans",
    "proposes": "proposed",
    "limited": "limited",
    "lacks": "lacks",
    "depends_on": "depends on others",
    "needs": "needs",
}
STYLES = {
    "told as fact": ("circle", BLUE, True),
    "stated by those named": ("square", TEAL, True),
    "expected by the author": ("diamond", AMBER, False),
    "wished by the author": ("triangle-up", PLUM, False),
}
_HOW = {
    "reported": "told as fact",
    "stated": "stated by those named",
    "author_expectation": "expected by the author",
    "author_wish": "wished by the author",
}


def european_gaps(dataset: Dataset) -> pd.DataFrame:
    """Return the known capabilities of Europe as a whole that are limited, missing, needed or borrowed.

    Returns
    -------
    DataFrame
        Rows of ``capabilities`` that name neither a format nor a holder.
    """
    frame = dataset["capabilities"]
    gaps = frame["relation"].isin(["limited", "lacks", "depends_on", "needs"])
    return frame[(frame["alliance_id"] == "") & (frame["holder"] == "") & gaps]


def capability_grid(
    dataset: Dataset,
    frame: pd.DataFrame,
    *,
    label: str,
    headline: str,
    subtitle: str,
    caption: str,
    note: str = "",
) -> Any:
    """Draw capabilities by domain: a mark under “has”, “limited”, “lacks” and so on.

    Parameters
    ----------
    frame : DataFrame
        Rows of ``capabilities``.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where fewer than three capabilities are known.
    """
    if len(frame) < 3:
        return Narrative("")
    frame = frame.assign(rank=frame["relation"].map(list(RELATION_LABELS).index))
    frame = frame.sort_values(["domain", "rank", "capability"], kind="stable")
    marks = pd.DataFrame(
        {
            "row_id": frame["capability_id"],
            "line": frame["domain"].str.capitalize()
            + ": "
            + frame["capability"].str.removeprefix("Europe's ").map(typographic),
            "column": frame["relation"].map(RELATION_LABELS),
            "kind": frame["attribution"].map(_HOW),
            "text": "",
            "source": [dataset.source(source).descriptor for source in frame["source_id"]],
        }
    )
    told = join_and([f"{mark.line}: {mark.column} ({mark.kind})" for mark in records(marks)])
    return grid(
        dataset,
        marks,
        columns=list(RELATION_LABELS.values()),
        styles=STYLES,
        label=label,
        headline=headline,
        subtitle=subtitle,
        caption=caption,
        description=f"Grid of {len(marks)} capabilities, where {told}.",
        rows=[dataset.row(row_id) for row_id in frame["capability_id"]],
        note=note,
        wrap=44,
    )


def gaps_without_us(dataset: Dataset, headline: str) -> Any:
    """Draw what the texts say that Europe has little of, lacks or borrows."""
    return capability_grid(
        dataset,
        european_gaps(dataset),
        label="fig-europe-gaps",
        headline=headline,
        subtitle="Capabilities of Europe as a whole that a text calls limited, missing, needed or dependent on others",
        caption="What Europe lacks without the United States, by domain.",
    )
