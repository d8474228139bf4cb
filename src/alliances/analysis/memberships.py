"""Who belongs to a format: what the texts say, and the public record for NATO and the European Union."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from alliances.analysis.derived import Derived, Input, Reference
from alliances.analysis.frames import once, records
from alliances.analysis.knowledge import as_of_day
from alliances.dataset import Dataset, Row
from alliances.prose.links import evidence_link
from alliances.prose.values import date_text, join_and

ORGANISATIONS = {"nato": ("nato_entry", "NATO"), "eu": ("eu_entry", "the European Union")}
RECORD = {
    "nato": "Public record: NATO, “NATO member countries”, with the day on which each accession took effect.",
    "eu": "Public record: European Union, “Country profiles”, with the day of each accession.",
}
FULL_ROLES = ("lead", "member")


@once
def member_rows(dataset: Dataset, alliance_id: str, roles: tuple[str, ...] = FULL_ROLES) -> list[Row]:
    """List the known memberships of a format, one row an actor: the one of the newest source.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    alliance_id : str
        The format.
    roles : tuple of str
        Roles to include.
    """
    frame = dataset["memberships"]
    frame = frame[(frame["alliance_id"] == alliance_id) & frame["role"].isin(roles)]
    frame = frame.assign(published=frame["source_id"].map(dataset.published)).sort_values("published", kind="stable")
    frame = frame.drop_duplicates("actor_id", keep="last")
    names = dataset.names
    order = sorted(records(frame), key=lambda record: names[record.actor_id])
    return [dataset.row(record.membership_id) for record in order]


@once
def reference_members(dataset: Dataset, organisation: str) -> pd.DataFrame:
    """Return the members of NATO (``nato``) or the European Union (``eu``) on the edition's cut-off.

    Returns
    -------
    DataFrame
        Columns ``iso3, name, entry`` (ISO date), in order of entry and name.
    """
    column, _ = ORGANISATIONS[organisation]
    countries = dataset["countries"]
    known = countries[countries[column] != ""].rename(columns={column: "entry"})
    return known[["iso3", "name", "entry"]].sort_values(["entry", "name"], kind="stable")


def accession(dataset: Dataset, organisation: str, iso3: str) -> Reference | None:
    """Return a country's day of accession as a reference fact; ``None`` where it is not a member."""
    members = reference_members(dataset, organisation)
    found = members[members["iso3"] == iso3]
    if found.empty:
        return None
    name, entry = found["name"].iloc[0], found["entry"].iloc[0]
    _, title = ORGANISATIONS[organisation]
    return Reference(
        id=f"{organisation}-{iso3.lower()}",
        text=date_text(entry),
        statement=f"{name} joined {title} or its predecessor on {date_text(entry)}."
        if organisation == "eu"
        else f"{name} joined {title} on {date_text(entry)}.",
        basis=RECORD[organisation],
    )


def reference_list(dataset: Dataset, organisation: str) -> Reference:
    """Return the number of members on the cut-off as a reference fact that lists them."""
    members = reference_members(dataset, organisation)
    _, title = ORGANISATIONS[organisation]
    names = join_and(sorted(members["name"]))
    return Reference(
        id=f"{organisation}-members",
        text=str(len(members)),
        statement=f"Members of {title} on {date_text(as_of_day(dataset))}: {names}.",
        basis=RECORD[organisation],
    )


def overlap(dataset: Dataset, alliance_id: str, organisation: str) -> Derived | None:
    """Count the members of a format that belong to NATO or the European Union as well.

    Returns
    -------
    Derived or None
        ``None`` where no text of the edition names a member of the format.
    """
    rows = member_rows(dataset, alliance_id)
    if not rows:
        return None
    inside = set(reference_members(dataset, organisation)["iso3"])
    both = [row for row in rows if row["actor_id"] in inside]
    _, title = ORGANISATIONS[organisation]
    listed = reference_list(dataset, organisation)
    short = dataset.alliance_names[alliance_id]
    return Derived(
        id=f"{alliance_id}-in-{organisation}",
        text=str(len(both)),
        value=float(len(both)),
        label=f"Members of the {short} that belong to {title}",
        formula=f"number of countries in both lists of members, on {date_text(as_of_day(dataset))}",
        inputs=(
            *(Input(dataset.names[row["actor_id"]], row.row_id) for row in both),
            Input(f"{listed.text} members", listed.anchor, title),
        ),
        unit="countries",
        rests_on=(listed,),
    )


def outside(dataset: Dataset, alliance_id: str, organisation: str) -> list[Row]:
    """List the members of a format that do not belong to NATO or the European Union."""
    inside = set(reference_members(dataset, organisation)["iso3"])
    return [row for row in member_rows(dataset, alliance_id) if row["actor_id"] not in inside]


def named_members(dataset: Dataset, alliance_id: str) -> Derived | None:
    """Count the members of a format that the texts name."""
    rows = member_rows(dataset, alliance_id)
    if not rows:
        return None
    return Derived(
        id=f"{alliance_id}-named",
        text=str(len(rows)),
        value=float(len(rows)),
        label=f"Members of the {dataset.alliance_names[alliance_id]} named by the texts",
        formula="number of countries that a text names as members",
        inputs=tuple(Input(dataset.names[row["actor_id"]], row.row_id) for row in rows),
        unit="countries",
    )


def names(dataset: Dataset, rows: Sequence[Row]) -> str:
    """Print the members of some rows as a list in a sentence, each linked to its evidence."""
    return join_and([evidence_link(dataset, row) for row in rows])
