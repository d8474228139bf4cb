"""Charts of membership."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.frames import records
from alliances.analysis.knowledge import as_of_day
from alliances.analysis.memberships import accession, member_rows, reference_list, reference_members
from alliances.charts.grid import grid
from alliances.charts.theme import AMBER, BLUE, INK, TEAL, finish, fit
from alliances.dataset import Dataset
from alliances.prose.narrative import Narrative
from alliances.prose.values import date_text, in_sentence, join_and

ROLE_STYLES = {
    "lead": ("diamond", BLUE, True),
    "member": ("circle", BLUE, True),
    "enhanced partner": ("circle", AMBER, False),
    "partner": ("circle", AMBER, False),
    "participant": ("circle", TEAL, False),
    "member (public record)": ("square", "#7d8b97", True),
}


def accession_spells(dataset: Dataset, alliance_id: str, *, focus: str = "") -> Any:
    """Draw how long each member of a format has been in NATO: a bar from accession to the cut-off.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where no member of the format is known.
    """
    rows = member_rows(dataset, alliance_id)
    entries = dict(zip(*(reference_members(dataset, "nato")[c] for c in ("iso3", "entry")), strict=True))
    inside = [row for row in rows if row["actor_id"] in entries]
    if len(inside) < 2:
        return Narrative("")
    end = as_of_day(dataset).isoformat()
    frame = pd.DataFrame(
        {
            "row_id": row.row_id,
            "country": dataset.names[row["actor_id"]],
            "entry": entries[row["actor_id"]],
            "end": end,
            "text": date_text(entries[row["actor_id"]]),
            "focus": row["actor_id"] == focus,
        }
        for row in inside
    ).sort_values(["entry", "country"], kind="stable")
    references = [ref for row in inside if (ref := accession(dataset, "nato", row["actor_id"]))]
    newest = frame[frame["entry"] == frame["entry"].max()]
    short = dataset.alliance_names[alliance_id]
    last = join_and(list(newest["country"]))
    everyone = len(inside) == len(rows)
    headline = (
        f"Since {date_text(frame['entry'].max())} every named {short} member has been in NATO"
        if everyone
        else f"{len(inside)} of {len(rows)} named {short} members are in NATO"
    )
    y = alt.Y("country:N", sort=list(frame["country"]), title=None)
    base = alt.Chart(frame)
    tooltip = [alt.Tooltip("country:N", title="Country"), alt.Tooltip("text:N", title="Joined NATO")]
    bars = base.mark_bar(height=13).encode(
        x=alt.X("entry:T", title=None, axis=alt.Axis(orient="top", tickCount=8, format="%Y")),
        x2="end:T",
        y=y,
        color=alt.condition("datum.focus", alt.value(AMBER), alt.value(BLUE)),
        tooltip=tooltip,
    )
    early = (
        base.mark_text(align="left", dx=6, color="white", fontWeight=600)
        .encode(x="entry:T", y=y, text="text:N")
        .transform_filter("year(datum.entry) < 1990")
    )
    late = (
        base.mark_text(align="right", dx=-6, color=INK)
        .encode(x="entry:T", y=y, text="text:N")
        .transform_filter("year(datum.entry) >= 1990")
    )
    listed = join_and([f"{line.country} on {line.text}" for line in records(frame)])
    return finish(
        fit(alt.layer(bars, early, late), 21),
        dataset=dataset,
        label=f"fig-{alliance_id}-nato",
        headline=headline,
        subtitle=f"NATO membership of the countries that the texts name as {short} members, by day of accession",
        caption=f"How long the members of the {short} have been in NATO.",
        description=f"Bar chart of NATO membership of {len(inside)} {short} members, "
        f"where the newest are {last}: {listed}.",
        rows=inside,
        figures=references,
        note="Days of accession are reference facts of the public record, not statements of the texts.",
    )


def membership_grid(dataset: Dataset, *, focus: str = "") -> Any:
    """Draw countries against NATO, the European Union, the JEF and the coalition.

    Every country that a text of the edition places in the JEF or the coalition, or of which it states a
    membership of NATO, has a line.
    """
    lines: list[dict[str, str]] = []
    shown = []
    columns = {"nato": "NATO", "eu": "EU", "jef": "JEF", "cotw": "Coalition"}
    frame = dataset["memberships"]
    frame = frame[frame["alliance_id"].isin(["jef", "cotw"])]
    countries = dict(zip(dataset["countries"]["iso3"], dataset["countries"]["name"], strict=True))
    listed = [code for code in countries if code in set(frame["actor_id"]) or code == focus]
    if not len(frame):
        return Narrative("")
    order = sorted(listed, key=lambda code: countries[code])
    record = {org: set(reference_members(dataset, org)["iso3"]) for org in ("nato", "eu")}
    for code in order:
        for org in ("nato", "eu"):
            if code in record[org]:
                lines.append(
                    {"row_id": f"ref-{org}-members", "line": countries[code], "column": columns[org],
                     "kind": "member (public record)", "text": "", "source": "public record"}
                )  # fmt: skip
        for alliance_id in ("jef", "cotw"):
            for row in member_rows(dataset, alliance_id, tuple(r.replace(" ", "_") for r in ROLE_STYLES)):
                if row["actor_id"] == code:
                    role = row["role"].replace("_", " ")
                    shown.append(row)
                    lines.append(
                        {"row_id": row.row_id, "line": countries[code], "column": columns[alliance_id], "kind": role,
                         "text": role, "source": dataset.source(row.source_id).descriptor}
                    )  # fmt: skip
    both = [
        code
        for code in order
        if {("JEF"), ("Coalition")} <= {x["column"] for x in lines if x["line"] == countries[code]}
    ]
    headline = (
        f"Only {in_sentence(countries[both[0]])} is in the JEF and leads the coalition too"
        if len(both) == 1
        else "Who the texts place in which format"
    )
    grid_frame = pd.DataFrame(lines)
    described = join_and(
        [f"{name}: {', '.join(part['column'])}" for name, part in grid_frame.groupby("line", sort=False)]
    )
    return grid(
        dataset,
        grid_frame,
        columns=list(columns.values()),
        styles=ROLE_STYLES,
        label="fig-membership-grid",
        headline=headline,
        subtitle="Members, leads and partners that the texts name; NATO and EU from the public record",
        caption="Countries and the formats in which the texts place them.",
        description=f"Grid of {len(order)} countries against {len(columns)} formats, "
        f"where each mark is a membership: {described}.",
        focus_name=countries.get(focus, ""),
        rows=shown,
        figures=[reference_list(dataset, "nato"), reference_list(dataset, "eu")],
        note="The coalition publishes no list of members; only its leads are named as such.",
    )
