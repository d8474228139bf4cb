"""Charts of membership."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.frames import records
from alliances.analysis.knowledge import as_of_day
from alliances.analysis.memberships import FULL_ROLES, accession, member_rows, reference_list, reference_members
from alliances.charts.europe import Swatch, map_of_europe, off_map
from alliances.charts.grid import grid
from alliances.charts.theme import AMBER, BLUE, INK, TEAL, finish, fit
from alliances.dataset import Dataset, Row
from alliances.prose.narrative import Narrative
from alliances.prose.values import date_text, in_sentence, join_and

RECORDED = {"nato": "NATO", "eu": "EU"}  # their members come from the public record
COLUMN_NAMES = {"cotw": "Coalition", "czech-ammunition": "Ammunition", "iraq-2003": "Iraq 2003"}
ROLE_STYLES = {
    "lead": ("diamond", BLUE, True),
    "member": ("circle", BLUE, True),
    "enhanced partner": ("triangle-up", AMBER, False),
    "partner": ("triangle-down", AMBER, False),
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
        table={"row_id": "Row", "country": "Country", "entry": "In NATO since"},
    )


def membership_grid(dataset: Dataset, *, focus: str = "") -> Any:
    """Draw countries against NATO, the European Union and every format of which a text names a member.

    Every country that a text of the edition places in a format other than NATO has a line; so has the focus.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where the texts place fewer than three countries in a format: a sentence then names them.
    """
    countries = dict(zip(dataset["countries"]["iso3"], dataset["countries"]["name"], strict=True))
    frame = dataset["memberships"]
    frame = frame[frame["actor_id"].isin(countries) & ~frame["alliance_id"].isin(RECORDED)]
    if frame["actor_id"].nunique() < 3:
        return Narrative("")
    formats = [code for code in dataset["alliances"]["alliance_id"] if code in set(frame["alliance_id"])]
    columns = {org: label for org, label in RECORDED.items() if not reference_members(dataset, org).empty}
    columns |= {code: _column(dataset, code) for code in formats}
    order = sorted({*frame["actor_id"], *([focus] if focus else [])}, key=countries.__getitem__)
    lines: list[dict[str, str]] = []
    shown = []
    for org in RECORDED:
        inside = set(reference_members(dataset, org)["iso3"])
        lines += [
            {"row_id": f"ref-{org}-members", "actor_id": code, "line": countries[code], "column": columns[org],
             "kind": "member (public record)", "text": "", "source": "public record"}
            for code in order if code in inside
        ]  # fmt: skip
    for alliance_id in formats:
        roles = tuple(role.replace(" ", "_") for role in ROLE_STYLES)
        newest = {row["actor_id"]: row for row in member_rows(dataset, alliance_id, roles)}
        # A text that speaks of a member only does not take the lead away that another text reports.
        newest |= {row["actor_id"]: row for row in member_rows(dataset, alliance_id, ("lead",))}
        for row in newest.values():
            if row["actor_id"] in order:
                role = row["role"].replace("_", " ")
                shown.append(row)
                lines.append(
                    {"row_id": row.row_id, "actor_id": row["actor_id"], "line": countries[row["actor_id"]],
                     "column": columns[alliance_id], "kind": role, "text": role,
                     "source": dataset.source(row.source_id).descriptor}
                )  # fmt: skip
    lines.sort(key=lambda line: order.index(line["actor_id"]))
    grid_frame = pd.DataFrame(lines)
    described = join_and(
        [f"{name}: {', '.join(part['column'])}" for name, part in grid_frame.groupby("line", sort=False)]
    )
    return grid(
        dataset,
        grid_frame,
        columns=list(columns.values()),
        styles=ROLE_STYLES,
        label="fig-members-grid",
        headline=_grid_headline(frame, countries),
        subtitle="Leads, members, partners and participants that the texts name; NATO and EU from the public record",
        caption="Countries and the formats in which the texts place them.",
        description=f"Grid of {grid_frame['line'].nunique()} countries against {len(columns)} formats, "
        f"where each mark is a membership, a lead or another part: {described}.",
        focus_name=countries.get(focus, ""),
        heading="Format",
        rows=shown,
        figures=[reference_list(dataset, org) for org in RECORDED if org in columns],
        note="A country without a mark under a format is not named as belonging to it.",
    )


def _column(dataset: Dataset, alliance_id: str) -> str:
    """Name a format at the head of a narrow column."""
    name = COLUMN_NAMES.get(alliance_id, dataset.alliance_names[alliance_id])
    return name[0].upper() + name[1:]


def _grid_headline(frame: pd.DataFrame, countries: dict[str, str]) -> str:
    """Name the country that the texts place in the most formats, where there is one."""
    leads = set(frame.loc[(frame["alliance_id"] == "cotw") & (frame["role"] == "lead"), "actor_id"])
    jef = set(frame.loc[(frame["alliance_id"] == "jef") & frame["role"].isin(FULL_ROLES), "actor_id"])
    both = sorted(leads & jef, key=countries.__getitem__)
    if len(both) == 1:
        return f"Only {in_sentence(countries[both[0]])} is in the JEF and leads the coalition too"
    if leads and not jef:
        named = sorted(leads, key=countries.__getitem__)
        verb = "leads" if len(named) == 1 else "lead"
        told = join_and([in_sentence(countries[code]) for code in named])
        return f"{told[0].upper() + told[1:]} {verb} the coalition"
    return "Who the texts place in which format"


AREAS = {
    "nato-eu-jef": Swatch("NATO, EU and JEF", "#b4c9df", "rising"),
    "nato-jef": Swatch("NATO and JEF", "#7f9fc1", "rising"),
    "eu-jef": Swatch("EU and JEF", "#dbe4ee", "crossed"),
    "jef": Swatch("JEF", "#fffdf5", "crossed"),
    "nato-eu": Swatch("NATO and EU", "#b4c9df"),
    "nato": Swatch("NATO", "#7f9fc1"),
    "eu": Swatch("EU", "#fffdf5", "falling"),
    "partner": Swatch("JEF partner", "#fffdf5", "rising"),
}


def membership_map(dataset: Dataset, *, focus: str = "") -> Any:
    """Draw NATO, the European Union and the JEF on the map.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where neither NATO nor the European Union has a member on the cut-off.
    """
    countries = dict(zip(dataset["countries"]["iso3"], dataset["countries"]["name"], strict=True))
    jef = {row["actor_id"]: row for row in member_rows(dataset, "jef")}
    partners = {row["actor_id"]: row for row in member_rows(dataset, "jef", ("partner", "enhanced_partner"))}
    record = {org: set(reference_members(dataset, org)["iso3"]) for org in RECORDED}
    if not any(record.values()):
        return Narrative("")
    lines = []
    for code, name in countries.items():
        inside = [org for org in RECORDED if code in record[org]]
        if code in jef:
            inside.append("jef")
        row = jef.get(code) or partners.get(code)
        kind = "-".join(inside) or ("partner" if code in partners else None)
        told = join_and([RECORDED.get(group, "JEF") for group in inside]) or (
            row["role"].replace("_", " ") + " of the JEF" if row else "in none of them"
        )
        where = [f"ref-{org}-members" for org in inside if org in RECORDED] + ([row.row_id] if row else [])
        lines.append({"iso3": code, "name": name, "kind": kind, "text": told, "row_id": "; ".join(where)})
    frame = pd.DataFrame(lines)
    frame = frame[frame["kind"].notna() | frame["iso3"].isin(["RUS", "UKR", focus])]
    away = off_map(dataset, frame[frame["kind"].notna()])
    absent = join_and([f"{in_sentence(line.name)} ({line.text})" for line in records(away)])
    note = f"Not on the map: {absent}. " if absent else ""
    note += "Memberships of NATO and the EU are facts of the public record. Crimea is part of Ukraine."
    listed = [
        f"{AREAS[str(kind)].label}: {join_and(list(part['name']))}"
        for kind, part in frame.dropna(subset="kind").groupby("kind", sort=False)
    ]
    headline = _map_headline(jef, record)
    return finish(
        map_of_europe(dataset, frame, AREAS, focus=focus),
        dataset=dataset,
        label="fig-members-map",
        headline=headline,
        subtitle="Members of NATO, the European Union and, as far as the texts name them, the Joint Expeditionary Force"
        if jef
        else "Members of NATO and the European Union",
        caption="NATO, the European Union and the JEF on the map."
        if jef
        else "NATO and the European Union on the map.",
        description=f"Map of Europe with the members of {join_and(['NATO', 'the EU', *(['the JEF'] if jef else [])])}, "
        f"where {headline.replace('The JEF', 'the JEF')}. {'; '.join(listed)}.",
        rows=[*jef.values(), *partners.values()],
        figures=[reference_list(dataset, org) for org in RECORDED if record[org]],
        note=note,
        table={"row_id": "Row", "name": "Country", "text": "Belongs to"},
    )


_NORTH = {"DNK", "EST", "FIN", "GBR", "ISL", "LTU", "LVA", "NLD", "NOR", "SWE"}


def _map_headline(jef: dict[str, Row], record: dict[str, set[str]]) -> str:
    """Say where the JEF lies; without it, how far NATO and the European Union have the same members."""
    if jef and set(jef) <= _NORTH and set(jef) <= record["nato"]:
        from_to = ", from Iceland to the Baltic states" if set(jef) == _NORTH else ""
        return f"The JEF lies in NATO’s north{from_to}"
    shared = len(record["nato"] & record["eu"])
    extent = "share most of their members" if 2 * shared > len(record["nato"]) else "overlap in part"
    return f"NATO and the EU {extent}"
