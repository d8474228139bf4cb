"""Sentences and the table on who is in and who is out."""

from __future__ import annotations

import pandas as pd

from alliances.analysis.derived import Derived, Input
from alliances.analysis.frames import records
from alliances.analysis.knowledge import as_of_reference
from alliances.analysis.memberships import reference_list, reference_members
from alliances.analysis.positions import ATTRIBUTION_LABELS, KNOWN, POSITION_LABELS, TOPIC_LABELS
from alliances.analysis.standing import (
    FIRM,
    HOLDING_BACK,
    borne_out,
    country_positions,
    current_positions,
    dated_marks,
    moments,
    one_each,
)
from alliances.analysis.standing import count_countries as count
from alliances.dataset import Dataset, Row
from alliances.prose.links import actor_name, escape, evidence_link, published_link
from alliances.prose.narrative import Figure, Narrative, paragraph
from alliances.prose.tables import Table, table
from alliances.prose.values import in_sentence, join_and, typographic

HOW = {
    "stated": "stated",
    "reported": "reported by the text",
    "author_expectation": "expected by the author",
    "author_wish": "wished by the author",
}


def how_text(dataset: Dataset, row: Row) -> str:
    """Say how a position is known: who stated it, or that the text reports, expects or wishes it."""
    role = escape(typographic(row["role"]))
    who = [escape(actor_name(dataset, row["speaker"]))] if row["speaker"] else []
    if role:
        who.append(role if who or role[0].isupper() else f"its {role}")
    told = HOW[row["attribution"]]
    if not who:
        return told
    return f"{told}{' by' if row['attribution'] == 'stated' else ', of'} {', '.join(who)}"


def when_text(dataset: Dataset, row: Row) -> str:
    """Print when a position was held, linked: the date in the text, or the month by which it was published."""
    if not row["date"]:
        return f"by {published_link(dataset, row.source_id)}"
    linked = evidence_link(dataset, row, column="date")
    return linked if len(row["date"]) == 10 else f"in {linked}"


def position_text(dataset: Dataset, row: Row) -> str:
    """Print a position, linked, with the condition that it hangs on."""
    condition = f" ({escape(typographic(row['condition']))})" if row["condition"] else ""
    return evidence_link(dataset, row, f"{POSITION_LABELS[row['position']]}{condition}")


def positions_table(
    dataset: Dataset, frame: pd.DataFrame, *, label: str, caption: str, with_country: bool = True
) -> Table:
    """Lay out positions in order of country and time, with how each is known.

    Parameters
    ----------
    frame : DataFrame
        As :func:`alliances.analysis.positions.position_frame` returns it.
    label, caption : str
        As in :func:`alliances.prose.tables.table`.
    with_country : bool
        Whether there is a column for the country.
    """
    lines = []
    before = ""
    ordered = moments(frame)
    if with_country:
        ordered = ordered.sort_values(["name", "since"], kind="stable")
    for record in records(ordered):
        row = dataset.row(record.row_id)
        topic = TOPIC_LABELS[record.topic]
        cells = [
            f"{topic}: {position_text(dataset, row)}",
            how_text(dataset, row),
            when_text(dataset, row),
            f"[@{row.source_id}]",
        ]
        if with_country:
            name = escape(record.name)  # on each line: a table goes on over the page
            cells.insert(0, name if record.name == before else f"**{name}**")
        lines.append(cells)
        before = record.name
    head = ["Position", "How we know", "When", "Source"]
    widths = [32, 24, 14, 20]
    if with_country:
        head, widths = ["Country", *head], [16, 28, 22, 14, 20]
    return table(label, caption, head, lines, widths)


def all_positions(dataset: Dataset) -> Table:
    """Lay out every position of a country other than the parties to the war; authors' wishes aside."""
    return positions_table(
        dataset,
        country_positions(dataset, tuple(TOPIC_LABELS)),
        label="tbl-positions",
        caption="Positions by country and date, with how each is known. “By” a month: the text gives no date, and "
        "appeared in that month.",
    )


def tally(dataset: Dataset) -> Narrative:
    """Count the countries by what they say of troops."""
    every = country_positions(dataset, tuple(TOPIC_LABELS))
    if every.empty:
        return Narrative("No text of this edition says where a country stands.")
    known = every[every["attribution"].isin(KNOWN)]
    troops = current_positions(country_positions(dataset, ("troops",), KNOWN))
    stated = count(
        known,
        "positions-known",
        "Countries whose position a text states or reports",
        "number of countries, without the parties to the war, with a position stated or reported on any topic",
    )
    ready = count(
        one_each(troops, FIRM),
        "positions-ready",
        "Named countries that are ready to send troops",
        "number of countries whose newest position on sending troops, stated or reported, is ready",
    )
    back = count(
        one_each(troops, HOLDING_BACK),
        "positions-holding-back",
        "Named countries that hold back from sending troops or rule it out",
        "number of countries whose newest positions on sending troops, stated or reported, are all hesitant, "
        "premature, unclear, ruled out or the like",
    )
    only = every[~every["actor_id"].isin(known["actor_id"])]
    expected = count(
        only,
        "positions-only-expected",
        "Countries of which only an author’s expectation is known",
        "number of countries with an author’s expectation and no position stated or reported",
    )
    clauses = []
    if ready.value:
        clauses.append("{ready|is ready to send them|are ready to send them}")
    if back.value:
        clauses.append("{back|holds back or refuses|hold back or refuse}")
    figures: dict[str, Figure | str | None] = {
        "stated": stated,
        "ready": ready,
        "back": back,
        "expected": expected,
        "day": as_of_reference(dataset),
    }
    return paragraph(
        dataset,
        [
            "Up to {day}, the texts state or report a position of {stated|country|countries}." if stated.value else "",
            f"As for troops, {join_and(clauses)}." if clauses else "",
            "Of {expected|other country|other countries} there is no more than what an author expects."
            if expected.value
            else "",
        ],
        figures,
    )


def _members(dataset: Dataset) -> set[str]:
    return {code for group in ("nato", "eu") for code in reference_members(dataset, group)["iso3"]}


def silence(dataset: Dataset, told: set[str]) -> Derived | None:
    """Count the members of NATO or the European Union of which no text gives a position.

    Parameters
    ----------
    told : set of str
        Countries of which a text does, by alpha-3.

    Returns
    -------
    Derived or None
        ``None`` where neither has a member on the cut-off.
    """
    members = _members(dataset)
    if not members:
        return None
    left = sorted(dataset.names[code] for code in members - told)
    lists = [reference_list(dataset, g) for g in ("nato", "eu") if not reference_members(dataset, g).empty]
    return Derived(
        id="positions-silent",
        text=str(len(left)),
        value=float(len(left)),
        label="Members of NATO or the European Union of which no text gives a position",
        formula=f"number of members without a row on where they stand{': ' + join_and(left) if left else ''}",
        inputs=tuple(Input(f"{reference.text} members", reference.anchor) for reference in lists),
        unit="countries",
        rests_on=tuple(lists),
    )


def silent_members(dataset: Dataset) -> Narrative:
    """Name the members of NATO or the European Union of which no text says where they stand."""
    every = country_positions(dataset, tuple(TOPIC_LABELS))
    silent = silence(dataset, set(every["actor_id"]))
    if every.empty or silent is None or not silent.value:
        return Narrative("")
    names = sorted(_members(dataset) - set(every["actor_id"]), key=dataset.names.__getitem__)
    listed = join_and([in_sentence(dataset.names[code]) for code in names])
    return paragraph(
        dataset,
        [
            "Of {silent|member of NATO or the European Union|members of NATO or the European Union} no text of this "
            f"edition says by name where they stand on the coalition or on sending soldiers: {escape(listed)}."
            if silent.value > 1
            else "Of {silent} member of NATO or the European Union no text of this edition says by name where "
            f"it stands on the coalition or on sending soldiers: {escape(listed)}.",
        ],
        {"silent": silent},
    )


def ways_of_knowing(dataset: Dataset) -> Narrative:
    """Count the positions by how they are known, so that no expectation passes for a position."""
    every = country_positions(dataset, tuple(TOPIC_LABELS), tuple(ATTRIBUTION_LABELS))
    if country_positions(dataset, tuple(TOPIC_LABELS)).empty:
        return Narrative("")
    figures, clauses = {}, []
    verbs = {
        "stated": "stated by a government or its leader",
        "reported": "reported by a text in its own words",
        "author_expectation": "expected by an author",
        "author_wish": "wished by an author",
    }
    for attribution in ATTRIBUTION_LABELS:
        part = every[every["attribution"] == attribution]
        if part.empty:
            continue
        name = attribution.replace("_", "")
        figures[name] = Derived(
            id=f"positions-{attribution.replace('_', '-')}",
            text=str(len(part)),
            value=float(len(part)),
            label=f"Positions {verbs[attribution]}",
            formula="number of positions of countries other than the parties to the war",
            inputs=tuple(Input(record.name, record.row_id) for record in records(part)),
            unit="positions",
        )
        clauses.append(f"{{{name}|is|are}} {verbs[attribution]}")
    own = not every["attribution"].isin(KNOWN).all()
    return paragraph(
        dataset,
        [
            f"Of the positions in these texts, {join_and(clauses)}.",
            "What an author expects or wishes commits no government." if own else "",
        ],
        figures,
    )


def expectations_borne_out(dataset: Dataset) -> Narrative:
    """Tell of which countries one text expected what a later one reports."""
    marks = dated_marks(dataset)
    codes = borne_out(marks) if len(marks) else []
    if not codes:
        return Narrative("")
    firsts, lasts = [], []
    for code in sorted(codes, key=dataset.names.__getitem__):
        part = marks[marks["actor_id"] == code]
        first, last = (dataset.row(part.iloc[at]["row_id"].split("; ")[0]) for at in (0, -1))
        firsts.append(evidence_link(dataset, first, in_sentence(dataset.names[code])))
        lasts.append(last)
    day = when_text(dataset, lasts[0]) if len({row["date"] or row.source_id for row in lasts}) == 1 else ""
    on = f" on {day}" if day and lasts[0]["date"] else ""
    ready = evidence_link(dataset, lasts[0], "ready to send troops")
    source = f"[@{dataset.row(marks[marks['actor_id'] == codes[0]].iloc[0]['row_id'].split('; ')[0]).source_id}]"
    return Narrative(
        f"Of {join_and(firsts)} an author at first only expected that they would join {source}; "
        f"another text then reports them as {ready}{on} [@{lasts[0].source_id}]."
        if len(codes) > 1
        else f"Of {firsts[0]} an author at first only expected that it would join {source}; "
        f"another text then reports it as {ready}{on} [@{lasts[0].source_id}]."
    )
