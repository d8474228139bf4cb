"""Charts of air protection: which part of Ukraine's sky each text would cover, and by what means."""

from __future__ import annotations

from typing import Any

import pandas as pd

from alliances.analysis.frames import records
from alliances.analysis.knowledge import mentioned
from alliances.charts.spans import COLUMNS, OPEN, WISHED, Style, spans
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import join_and, quantity_text

FORMAT = "skyshield"
AREAS = ("West", "Kyiv and other cities\naway from the front", "Rest of the country")
PROPOSED = "proposed"
WISH = "wished by the authors"
STYLES: dict[str, Style] = {PROPOSED: OPEN, WISH: WISHED}


def _zones(dataset: Dataset) -> pd.DataFrame:
    lines: list[dict[str, Any]] = []

    def add(row_id: str, line: str, first: int, last: int, text: str, kind: str) -> None:
        source = dataset.source(dataset.row(row_id).source_id).descriptor
        lines.append(dict(zip(COLUMNS, (row_id, line, first, last, text, kind, source), strict=True)))

    if "cha-skyshield-area-analysis" in dataset:
        jets = ""
        if "obs-skyshield-aircraft-analysis" in dataset:
            jets = f"{quantity_text(dataset.row('obs-skyshield-aircraft-analysis').values)} jets,\n"
        add("cha-skyshield-area-analysis", "Analysis:\nSkyShield", 0, 1, f"{jets}no ground troops", PROPOSED)
    if "cha-skyshield-area-commentary" in dataset:
        add(
            "cha-skyshield-area-commentary",
            "Commentary:\n“Sky Shield plan”",
            1,
            2,
            "cities only,\nby a coalition",
            WISH,
        )
    if "cap-cotw-air-patrol-opinion" in dataset:
        add(
            "cap-cotw-air-patrol-opinion",
            "Opinion:\npatrols without a name",
            0,
            3,
            "Ukraine’s airspace, by the coalition’s own aircraft",
            WISH,
        )
    return pd.DataFrame(lines, columns=COLUMNS)


def air_zones(dataset: Dataset) -> Any:
    """Draw which part of the sky each text would cover.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where no text mentions SkyShield or only one says what would be covered.
    """
    if not mentioned(dataset, FORMAT):
        return Narrative("")
    frame = _zones(dataset)
    told = join_and([f"{' '.join(f'{zone.line}, {zone.text}'.split())} ({zone.kind})" for zone in records(frame)])
    shown = [row_id for row_id in (*frame["row_id"], "obs-skyshield-aircraft-analysis") if row_id in dataset]
    return spans(
        dataset,
        frame,
        columns=AREAS,
        styles=STYLES,
        label="fig-skyshield-areas",
        headline="Each text tells of a different part of the sky",
        subtitle="Part of Ukraine that aircraft would protect, and by what means, by text",
        caption="Areas that air protection would cover.",
        description=f"Diagram of {len(frame)} proposals by the part of Ukraine that they cover, "
        f"where each covers another: {told}.",
        rows=[dataset.row(row_id) for row_id in shown],
        note="The division of the country is ours; cities away from the front may also lie in the west.",
    )
