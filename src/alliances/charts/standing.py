"""Charts of where countries stand: by topic, by date, and on the map."""

from __future__ import annotations

from typing import Any

import pandas as pd

from alliances.analysis.frames import records
from alliances.analysis.positions import ATTRIBUTION_LABELS, KNOWN, POSITION_LABELS, TOPIC_LABELS
from alliances.analysis.standing import (
    FIRM,
    HOLDING_BACK,
    OFFERS,
    OPEN,
    PARTIES,
    borne_out,
    country_positions,
    current_positions,
    dated_marks,
    moments,
    position_words,
    weakest_kind,
)
from alliances.charts.europe import Swatch, map_of_europe, off_map
from alliances.charts.grid import grid
from alliances.charts.theme import AMBER, BLUE, PLUM, finish
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import in_sentence, join_and

STYLES = {
    ATTRIBUTION_LABELS["stated"]: ("circle", BLUE, True),
    ATTRIBUTION_LABELS["reported"]: ("square", BLUE, True),
    ATTRIBUTION_LABELS["author_expectation"]: ("diamond", AMBER, False),
    ATTRIBUTION_LABELS["author_wish"]: ("triangle-up", PLUM, False),
}


def _names(dataset: Dataset) -> dict[str, str]:
    return dict(zip(dataset["countries"]["iso3"], dataset["countries"]["name"], strict=True))


def _listed(names: list[str]) -> str:
    """Join names as the beginning of a headline."""
    told = join_and([in_sentence(name) for name in sorted(names)])
    return told[0].upper() + told[1:]


def positions_by_topic(dataset: Dataset, *, focus: str = "") -> Any:
    """Draw what each country offers and refuses: its newest position on each topic, and how it is known.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where fewer than two positions are known.
    """
    frame = current_positions(country_positions(dataset))
    if len(frame) < 2:
        return Narrative("")
    marks = pd.DataFrame(
        {
            "row_id": "; ".join(part["row_id"]),
            "line": part["name"].iloc[0],
            "column": TOPIC_LABELS[part["topic"].iloc[0]],
            "kind": weakest_kind(part),
            "text": position_words(part),
            "source": "; ".join(dict.fromkeys(dataset.source(s).descriptor for s in part["source_id"])),
        }
        for _, part in frame.groupby(["actor_id", "topic"], sort=False)
    )
    refusing = set(frame.loc[frame["position"] == "ruled_out", "actor_id"])
    offering = set(frame.loc[frame["position"].isin([*FIRM, *OPEN]) & frame["attribution"].isin(KNOWN), "actor_id"])
    names = _names(dataset)
    both = [names[code] for code in refusing & offering]
    if len(both) > 1:
        headline = f"{_listed(both)} refuse one thing and offer another"
    elif both:
        headline = f"{_listed(both)} refuses one thing and offers another"
    else:
        headline = "What each country offers and refuses"
    told = join_and([f"{mark.line} on {mark.column.lower()}: {mark.text} ({mark.kind})" for mark in records(marks)])
    return grid(
        dataset,
        marks,
        columns=[TOPIC_LABELS[topic] for topic in OFFERS],
        styles=STYLES,
        label="fig-positions-topics",
        headline=headline,
        subtitle="Newest position on each topic; filled marks are stated or reported, open marks are the authors’ own",
        caption="What countries offer and refuse, and how it is known.",
        description=f"Grid of {len(marks)} positions of {marks['line'].nunique()} countries, "
        f"where {headline[0].lower() + headline[1:] if not both else headline}: {told}.",
        focus_name=names.get(focus, ""),
        rows=[dataset.row(row_id) for row_id in frame["row_id"]],
        note="The parties to the war are told apart. What an author wishes of a country is not shown.",
    )


def positions_by_date(dataset: Dataset, *, focus: str = "") -> Any:
    """Draw how the positions on joining and on troops follow each other, for countries told of more than once.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where fewer than two countries are told of at more than one moment.
    """
    marks = dated_marks(dataset)
    if marks["line"].nunique() < 2:
        return Narrative("")
    names = _names(dataset)
    confirmed = [names[code] for code in borne_out(marks)]
    headline = (
        f"{_listed(confirmed)}: first expected to join, then reported ready"
        if confirmed
        else "What is told of the same country at different times"
    )
    columns = list(dict.fromkeys(moments(country_positions(dataset, ("troops", "coalition")))["moment"]))
    told = join_and([f"{mark.line} {mark.column}: {mark.text} ({mark.kind})" for mark in records(marks)])
    rows = [dataset.row(row_id) for cell in marks["row_id"] for row_id in cell.split("; ")]
    return grid(
        dataset,
        marks.sort_values("line", kind="stable")[["row_id", "line", "column", "kind", "text", "source"]],
        columns=columns,
        styles=STYLES,
        label="fig-positions-dates",
        headline=headline,
        subtitle="Positions on sending troops, or (join) on the coalition where nothing is told of troops, by date",
        caption="Positions by date, of the countries that the texts tell of more than once.",
        description=f"Grid of {len(marks)} positions of {marks['line'].nunique()} countries in order of time, "
        f"where {headline if confirmed else 'several are told of more than once'}: {told}.",
        focus_name=names.get(focus, ""),
        rows=rows,
        note="“By” a month: the text gives no date, and appeared in that month.",
    )


STANCES = {
    "ready": Swatch("Ready", "#6f93bd"),
    "leads": Swatch("Leads the coalition", "#9db8d6"),
    "open": Swatch("Open", "#cfdcea"),
    "expected": Swatch("Only expected", "#fffdf5", "rising"),
    "back": Swatch("Holds back or unclear", "#fffdf5", "falling"),
    "out": Swatch("Rules it out", "#fffdf5", "crossed"),
}
_WEST_AND_BALTIC = {"GBR", "FRA", "EST", "LVA", "LTU"}


def _stance(part: pd.DataFrame) -> tuple[str, pd.DataFrame] | None:
    """Sort a country by what it says of sending soldiers, and return the rows that this rests on."""
    known = part[part["attribution"].isin(KNOWN)]
    for topic in ("troops", "peacekeeping", "coalition"):
        told = known[known["topic"] == topic]
        if told.empty:
            continue
        positions = set(told["position"])
        if positions == {"leads"}:
            return "leads", told
        if positions <= set(FIRM):
            return ("ready" if topic == "troops" else "open"), told
        if positions <= {*FIRM, *OPEN}:
            return "open", told
        if positions <= {"ruled_out", "opposed"}:
            return "out", told
        if positions & set(HOLDING_BACK):
            return "back", told
    expected = part[(part["attribution"] == "author_expectation") & part["position"].isin([*FIRM, *OPEN])]
    return ("expected", expected) if len(expected) else None


def stance_frame(dataset: Dataset) -> pd.DataFrame:
    """Return how each country stands on sending soldiers.

    Returns
    -------
    DataFrame
        Columns ``iso3, name, kind, word, text, row_id``, a line a country of which a text says something.
    """
    frame = current_positions(country_positions(dataset, ("troops", "peacekeeping", "coalition")))
    lines = []
    for code, part in frame.groupby("actor_id", sort=False):
        found = _stance(part)
        if found is None:
            continue
        kind, told = found
        labels = list(dict.fromkeys(told["position"].map(POSITION_LABELS)))
        word = "expected" if kind == "expected" else labels[0] if len(labels) == 1 else "several answers"
        about = TOPIC_LABELS[told["topic"].iloc[0]].lower()
        lines.append(
            {
                "iso3": str(code),
                "name": told["name"].iloc[0],
                "kind": kind,
                "word": word,
                "text": f"{join_and(labels)} on {about} ({weakest_kind(told)})",
                "row_id": "; ".join(told["row_id"]),
            }
        )
    return pd.DataFrame(lines, columns=["iso3", "name", "kind", "word", "text", "row_id"])


def stances_map(dataset: Dataset, *, focus: str = "") -> Any:
    """Draw on the map how countries stand on sending soldiers.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where fewer than three countries on the map have a stance.
    """
    frame = stance_frame(dataset)
    away = off_map(dataset, frame)
    if len(frame) - len(away) < 3:
        return Narrative("")
    names = _names(dataset)
    ready = set(frame.loc[frame["kind"] == "ready", "iso3"])
    back = set(frame.loc[frame["kind"].isin(["back", "out"]), "iso3"])
    if ready == _WEST_AND_BALTIC and {"DEU", "POL"} <= back:
        headline = "Ready in the west and on the Baltic; Germany and Poland hold back or refuse"
    elif ready:
        headline = f"Named as ready to send troops: {join_and(sorted(names[code] for code in ready))}"
    else:
        headline = "No country is named as ready to send troops"
    extra = [code for code in dict.fromkeys([*PARTIES, focus]) if code and code not in set(frame["iso3"])]
    parties = [{"iso3": c, "name": names[c], "kind": None, "word": "", "text": "", "row_id": ""} for c in extra]
    drawn = pd.concat([frame, pd.DataFrame(parties, columns=list(frame.columns))], ignore_index=True)
    absent = "; ".join(f"{in_sentence(line.name)}, {line.text}" for line in records(away))
    listed = "; ".join(
        f"{STANCES[kind].label}: {join_and(list(frame.loc[frame['kind'] == kind, 'name']))}"
        for kind in STANCES
        if (frame["kind"] == kind).any()
    )
    rows = [dataset.row(row_id) for cell in frame["row_id"] for row_id in cell.split("; ")]
    by_author = "Only expected: by an author. " if (frame["kind"] == "expected").any() else ""
    return finish(
        map_of_europe(dataset, drawn, STANCES, focus=focus),
        dataset=dataset,
        label="fig-positions-map",
        headline=headline,
        subtitle="Newest position of each country on sending soldiers to Ukraine, as far as a text tells it",
        caption="Readiness to send soldiers on the map.",
        description=f"Map of Europe with the positions of {len(frame)} countries, "
        f"where {headline[0].lower() + headline[1:]}. {listed}.",
        rows=rows,
        note="Where nothing is told of troops, what is told of peacekeeping, or else of the coalition, counts. "
        f"{by_author}Without colour: no text says. {f'Not on the map: {absent}. ' if absent else ''}"
        "The parties to the war are not coloured.",
        table={"row_id": "Row", "name": "Country", "text": "Position"},
    )
