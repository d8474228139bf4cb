"""Everything that an edition knows of one country, its people and its institutions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from alliances.analysis.derived import Derived, Input
from alliances.analysis.differences import points
from alliances.analysis.positions import KNOWN
from alliances.analysis.standing import OFFERS, PARTIES
from alliances.dataset import FACT_TABLES, Dataset, Row
from alliances.prose.values import date_text

# How the rows name a country other than by its name and aliases.
_ADJECTIVES = {
    "AUS": "Australian", "CAN": "Canadian", "CZE": "Czech", "DEU": "German", "DNK": "Danish", "ESP": "Spanish",
    "EST": "Estonian", "FIN": "Finnish", "FRA": "French", "GBR": "British", "HUN": "Hungarian", "IRL": "Irish",
    "ISL": "Icelandic", "ITA": "Italian", "LTU": "Lithuanian", "LVA": "Latvian", "NLD": "Dutch", "NOR": "Norwegian",
    "POL": "Polish", "ROU": "Romanian", "RUS": "Russian", "SVK": "Slovak", "SWE": "Swedish", "TUR": "Turkish",
    "UKR": "Ukrainian", "USA": "American",
}  # fmt: skip
_COLLECTIVES = {
    "Baltic state": ("EST", "LTU", "LVA"),
    "Baltic states": ("EST", "LTU", "LVA"),
    "Nordic": ("DNK", "FIN", "ISL", "NOR", "SWE"),
}
# Words in which a country's name does not speak of it.
_NOT_NAMED = re.compile(r"\b(?:excluding|except) \w+|\bNordic region")
_PARTS = {"UKR": ("front", "kherson", "kryvyi_rih", "line_of_contact", "odesa", "sumy", "western_ukraine")}
_TOLD_IN = {
    "characteristics": ("value",),
    "capabilities": ("capability",),
    "statements": ("summary",),
}
FORCE_SIZES = ("armed_forces_size", "contingent_size", "contribution_potential", "troops_deployed")


@dataclass(frozen=True)
class Country:
    """A country as the rows know it.

    Parameters
    ----------
    iso3, name : str
        Its code and name.
    actors : frozenset of str
        Its own ``actor_id`` and those of its people and institutions.
    names : re.Pattern
        Matches its names, adjectives and the groups to which it belongs.
    """

    iso3: str
    name: str
    actors: frozenset[str]
    names: re.Pattern[str]


def find_country(dataset: Dataset, iso3: str) -> Country:
    """Return a country of ``data/countries.csv`` by its code."""
    actors = dataset["actors"]
    own = actors[actors["actor_id"] == iso3].iloc[0]
    listed = [own["name"], *(alias for alias in own["aliases"].split("; ") if alias)]
    if iso3 in _ADJECTIVES:
        listed.append(_ADJECTIVES[iso3])
    listed += [collective for collective, members in _COLLECTIVES.items() if iso3 in members]
    pattern = "|".join(re.escape(name) for name in sorted(listed, key=len, reverse=True))
    return Country(
        iso3,
        str(own["name"]),
        frozenset(actors.loc[(actors["actor_id"] == iso3) | (actors["iso3"] == iso3), "actor_id"]),
        re.compile(rf"(?<![\w.])(?:{pattern})(?!\w)"),
    )


def _in_order(dataset: Dataset, rows: Iterable[Row]) -> list[Row]:
    """Sort rows by the publication of their source, as they stand in the tables otherwise."""
    return sorted(rows, key=lambda row: dataset.source(row.source_id).published)


def _all(dataset: Dataset, table: str) -> list[Row]:
    return [dataset.row(row_id) for row_id in dataset[table][FACT_TABLES[table]]]


def own_rows(dataset: Dataset, country: Country, table: str) -> list[Row]:
    """List the rows of a table whose subject is the country, one of its people or one of its institutions.

    Parameters
    ----------
    table : str
        A table of facts other than ``quotes``.
    """

    def belongs(row: Row) -> bool:
        if table == "event_accounts":
            there = bool(country.names.search(row["place"]))
            return there or bool(country.actors & set(row["participants"].split("; ")))
        if table == "observations" and row["ref_area"] in (country.iso3, *_PARTS.get(country.iso3, ())):
            return True
        columns = {"capabilities": ("holder",), "characteristics": ()}.get(table, ("actor_id", "speaker"))
        return any(row.values.get(column) in country.actors for column in columns)

    return _in_order(dataset, [row for row in _all(dataset, table) if belongs(row)])


def naming_rows(dataset: Dataset, country: Country, table: str) -> list[Row]:
    """List the rows of a table that name the country without being about it first.

    Quantities name it in the words that they quote, other rows in what they tell. Of the parties to the war there
    are none: almost every row names them.
    """
    if country.iso3 in PARTIES or table not in (*_TOLD_IN, "observations"):
        return []
    own = {row.row_id for row in own_rows(dataset, country, table)}

    def names(row: Row) -> bool:
        told = (
            (dataset.quote(quote_id).exact for quote_id in row.quote_ids)
            if table == "observations"
            else (row[column] for column in _TOLD_IN[table])
        )
        return any(_named(country, text) for text in told)

    return _in_order(dataset, [row for row in _all(dataset, table) if row.row_id not in own and names(row)])


def _named(country: Country, text: str) -> bool:
    return bool(country.names.search(_NOT_NAMED.sub("", text)))


def all_rows(dataset: Dataset, country: Country) -> list[Row]:
    """List every row that is about the country or names it."""
    tables = [table for table in FACT_TABLES if table != "quotes"]
    return [
        row for table in tables for row in (*own_rows(dataset, country, table), *naming_rows(dataset, country, table))
    ]


def statements(dataset: Dataset, country: Country) -> tuple[list[Row], list[Row]]:
    """Return what the country or its people say, and what others say of it."""
    own = own_rows(dataset, country, "statements")
    spoken = [row for row in own if row["mode"] != "author"]
    told = [row for row in own if row["mode"] == "author"]
    return spoken, _in_order(dataset, [*told, *naming_rows(dataset, country, "statements")])


def text_count(dataset: Dataset, country: Country) -> Derived:
    """Count the texts that say something of the country, be it only its name in words that are quoted."""
    told = {row.source_id for row in all_rows(dataset, country)}
    quotes = dataset["quotes"]
    told |= {
        source
        for source, exact in zip(quotes["source_id"], quotes["exact"], strict=True)
        if source not in told and _named(country, exact)
    }
    found = [source for source in map(dataset.source, dataset["sources"]["source_id"]) if source.source_id in told]
    return Derived(
        id="focus-texts",
        text=str(len(found)),
        value=float(len(found)),
        label=f"Texts that say something of {country.name}",
        formula="number of texts with a row on it, its people or its institutions, or a quotation that names it",
        inputs=tuple(Input(date_text(s.published), f"ref-source-{s.source_id}", s.descriptor) for s in found),
        unit="texts",
    )


def differing_points(dataset: Dataset, country: Country) -> list[str]:
    """List the points on which rows on the country differ or only seem to."""
    own = {row.row_id for row in all_rows(dataset, country)}
    if country.iso3 in PARTIES:  # all of the dataset is about them; the points on what they do are enough
        own = {row.row_id for table in ("positions", "memberships") for row in own_rows(dataset, country, table)}
    found = [point for point in points(dataset) if sum(row.row_id in own for row in point.rows) > 1]
    return list(dict.fromkeys(point.point for point in found))


@dataclass(frozen=True)
class Gaps:
    """What the texts of an edition leave open about a country.

    Parameters
    ----------
    no_position, only_expected, no_troops, several : bool
        Whether there is no position at all; only an author's expectation; none on sending troops; more than one
        on the same topic in the newest text.
    no_size, no_capability, no_voice, undated : bool
        Whether no size of its forces, no capability, no words of its own, and no date of a position is told.
    """

    no_position: bool
    only_expected: bool
    no_troops: bool
    several: tuple[str, ...]
    no_size: bool
    no_capability: bool
    no_voice: bool
    undated: bool


def gaps(dataset: Dataset, country: Country) -> Gaps:
    """Work out what the texts leave open about a country."""
    held = [row for row in own_rows(dataset, country, "positions") if row["attribution"] != "author_wish"]
    offers = [row for row in held if row["topic"] in OFFERS]
    known = [row for row in held if row["attribution"] in KNOWN]
    told: dict[tuple[str, str, str], set[str]] = {}
    for row in known:
        told.setdefault((row["topic"], row.source_id, row["date"]), set()).add(row["position"])
    sizes = [row for row in own_rows(dataset, country, "observations") if row["actor_id"] in country.actors]
    return Gaps(
        no_position=not offers,
        only_expected=bool(held) and not known,
        no_troops=bool(known) and not any(row["topic"] == "troops" for row in known),
        several=tuple(dict.fromkeys(topic for (topic, _, _), answers in told.items() if len(answers) > 1)),
        no_size=not any(row["indicator"] in FORCE_SIZES for row in sizes),
        no_capability=not own_rows(dataset, country, "capabilities"),
        no_voice=not any(row["attribution"] == "stated" for row in held) and not statements(dataset, country)[0],
        undated=bool(known) and not any(row["date"] for row in known),
    )
