"""What the texts are silent on: the countries that no row names."""

from __future__ import annotations

from alliances.analysis.derived import Derived, Input
from alliances.analysis.memberships import ORGANISATIONS, reference_list, reference_members
from alliances.dataset import Dataset
from alliances.prose.values import join_and

_ACTOR_COLUMNS = {
    "memberships": "actor_id",
    "positions": "actor_id",
    "statements": "actor_id",
    "observations": "actor_id",
    "capabilities": "holder",
}


def named_countries(dataset: Dataset) -> set[str]:
    """Return the alpha-3 codes of the countries that a known row names, itself or through one of its people."""
    countries = dict(zip(dataset["actors"]["actor_id"], dataset["actors"]["iso3"], strict=True))
    named: set[str] = set()
    for table, column in _ACTOR_COLUMNS.items():
        named |= {countries.get(actor, "") for actor in dataset[table][column]}
    for listed in dataset["event_accounts"]["participants"]:
        named |= {countries.get(actor, "") for actor in listed.split("; ")}
    return named - {""}


def unnamed_members(dataset: Dataset, organisation: str) -> Derived:
    """Count the members of NATO (``nato``) or the European Union (``eu``) that no known row names."""
    named = named_countries(dataset)
    members = reference_members(dataset, organisation)
    silent = members[~members["iso3"].isin(named)]
    _, title = ORGANISATIONS[organisation]
    listed = reference_list(dataset, organisation)
    return Derived(
        id=f"{organisation}-unnamed",
        text=str(len(silent)),
        value=float(len(silent)),
        label=f"Members of {title} that no row of this edition names: {join_and(sorted(silent['name'])) or 'none'}",
        formula="members by the public record, less those that a membership, position, statement, quantity, "
        "capability or event names",
        inputs=(Input(f"{listed.text} members", listed.anchor, title),),
        unit="countries",
        rests_on=(listed,),
    )


def unnamed_list(dataset: Dataset, organisation: str) -> str:
    """Name the members that no known row names; empty where there are none."""
    named = named_countries(dataset)
    members = reference_members(dataset, organisation)
    return join_and(sorted(members[~members["iso3"].isin(named)]["name"]))
