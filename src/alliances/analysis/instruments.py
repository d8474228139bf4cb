"""The European Union's instruments: whose they are."""

from __future__ import annotations

from alliances.analysis.derived import Derived, Input
from alliances.analysis.knowledge import as_of_day
from alliances.analysis.memberships import reference_list, reference_members
from alliances.dataset import Dataset
from alliances.prose.values import date_text


def members_in_both(dataset: Dataset) -> Derived:
    """Count the countries that belong to the European Union and to NATO on the edition's cut-off."""
    union, nato = (set(reference_members(dataset, organisation)["iso3"]) for organisation in ("eu", "nato"))
    lists = [(reference_list(dataset, "eu"), "the European Union"), (reference_list(dataset, "nato"), "NATO")]
    return Derived(
        id="eu-instruments-members-in-nato",
        text=str(len(union & nato)),
        value=float(len(union & nato)),
        label="Members of the European Union that belong to NATO",
        formula=f"number of countries in both lists of members, on {date_text(as_of_day(dataset))}",
        inputs=tuple(Input(f"{listed.text} members", listed.anchor, name) for listed, name in lists),
        unit="countries",
    )
