"""The focus page: what an edition knows of one country, and what it leaves open."""

from __future__ import annotations

from alliances.analysis import country as about
from alliances.analysis.country import Country, find_country
from alliances.analysis.derived import Derived, Reference
from alliances.analysis.knowledge import as_of_reference
from alliances.analysis.memberships import accession
from alliances.analysis.positions import KNOWN, TOPIC_LABELS, position_frame
from alliances.analysis.standing import PARTIES, current_positions
from alliances.dataset import Dataset, Row
from alliances.prose.links import actor_name, cell_text, derived_link, escape, evidence_link
from alliances.prose.narrative import Narrative, paragraph
from alliances.prose.standing import position_text, positions_table, when_text
from alliances.prose.tables import Table, table
from alliances.prose.values import in_sentence, join_and, typographic

DASH = "–"
NOTHING = Narrative("")
MEASURES = ("kilometres", "square_kilometres", "hours", "days", "months", "years")
LENGTHS = {"Y": "year", "M": "month", "W": "week", "D": "day"}
STATUSES = {"in_force": "under way", "under_discussion": "under discussion"}
RELATIONS = {
    "has": "has",
    "offers": "offers",
    "plans": "plans",
    "proposes": "proposes",
    "limited": "limited",
    "lacks": "lacks",
    "depends_on": "depends on",
    "needs": "needs",
}
_ASPECTS = {"begin": "beginning", "decision_rule": "decisions", "relation": "relation to other formats"}
_HOW = {
    "reported": "told as fact",
    "stated": "stated",
    "author_expectation": "expected by the author",
    "author_wish": "wished by the author",
}


def _start(text: str) -> str:
    return text[0].upper() + text[1:]


def _format(dataset: Dataset, row: Row) -> str:
    return escape(_start(dataset.alliance_names[row["alliance_id"]])) if row["alliance_id"] else DASH


def heading(dataset: Dataset, *, focus: str = "") -> Narrative:
    """Head the chapter; nothing where no country is in focus."""
    return Narrative(f"# In focus: {escape(find_country(dataset, focus).name)}") if focus else NOTHING


def opening(dataset: Dataset, *, focus: str = "") -> Narrative:
    """Say how many texts speak of the country, what the public record says, and where it stands now."""
    if not focus:
        return NOTHING
    found = find_country(dataset, focus)
    name = in_sentence(found.name)
    count = about.text_count(dataset, found)
    figures: dict[str, Derived | Reference | str | None] = {
        "count": count,
        "day": as_of_reference(dataset),
        "nato": accession(dataset, "nato", focus),
        "eu": accession(dataset, "eu", focus),
        "name": escape(name),
        "start": escape(_start(name)),
        "current": _current(dataset, found),
    }
    said = (
        "Up to {day}, {count|text of this edition says|texts of this edition say} something of {name}."
        if count.value
        else "No text of this edition, which ends on {day}, says anything of {name}. That is a gap in these texts, "
        "not a finding about the country."
    )
    record = {
        (True, True): "By the public record {name} joined NATO on {nato} and the European Union on {eu}.",
        (True, False): "By the public record {name} joined NATO on {nato}; it is not in the European Union.",
        (False, True): "By the public record {name} joined the European Union on {eu}; it is not in NATO.",
        (False, False): "By the public record {name} is in neither NATO nor the European Union.",
    }[figures["nato"] is not None, figures["eu"] is not None]
    passing = count.value and not about.all_rows(dataset, found)
    return paragraph(dataset, [said, "It is named only in passing." if passing else "", record, "{current}"], figures)


def _current(dataset: Dataset, found: Country) -> str:
    """Tell the country's newest positions that a text states or reports."""
    frame = position_frame(dataset, list(dataset["alliances"]["alliance_id"]), KNOWN)
    frame = current_positions(frame[frame["actor_id"] == found.iso3])
    told = []
    for topic in TOPIC_LABELS:
        part = frame[frame["topic"] == topic]
        if part.empty:
            continue
        rows = [dataset.row(row_id) for row_id in part["row_id"]]
        positions: dict[str, Row] = {}
        for row in rows:
            positions.setdefault(row["position"], row)
        answers = join_and([position_text(dataset, row) for row in positions.values()])
        label = TOPIC_LABELS[topic]
        told.append(f"on {label[0].lower() + label[1:]}, {answers}")
    if not told:
        return ""
    return f"Where it stands, as the newest text states or reports it: {'; '.join(told)}."


def memberships(dataset: Dataset, *, focus: str = "") -> Table | Narrative:
    """Lay out the country's memberships: the public record, and what texts say."""
    if not focus:
        return NOTHING
    found = find_country(dataset, focus)
    lines, figures = [], []
    for organisation, label in (("nato", "NATO"), ("eu", "European Union")):
        reference = accession(dataset, organisation, focus)
        if reference:
            figures.append(reference)
            lines.append([label, "member", derived_link(reference), "public record"])
    for row in about.own_rows(dataset, found, "memberships"):
        since = evidence_link(dataset, row, column="entry_date") if row["entry_date"] else DASH
        role = evidence_link(dataset, row, row["role"].replace("_", " "))
        lines.append([_format(dataset, row), role, since, f"[@{row.source_id}]"])
    return table(
        "tbl-focus-memberships",
        "Memberships, from the public record and from the texts. A dash: the text gives no date.",
        ["Format", "Role", "Since", "Source"],
        lines,
        [30, 22, 20, 28],
        figures,
    )


def positions(dataset: Dataset, *, focus: str = "") -> Table | Narrative:
    """Lay out the country's positions in order of time, authors' expectations and wishes marked as such."""
    if not focus:
        return NOTHING
    found = find_country(dataset, focus)
    frame = position_frame(dataset, list(dataset["alliances"]["alliance_id"]))
    return positions_table(
        dataset,
        frame[frame["actor_id"].isin(found.actors)],
        label="tbl-focus-positions",
        caption="Positions in order of time. “By” a month: the text gives no date, and appeared in that month. What an "
        "author expects or wishes is not a position of the country.",
        with_country=False,
    )


def statements(dataset: Dataset, *, focus: str = "") -> Table | Narrative:
    """Lay out what the country or its people say, and what others say of it."""
    if not focus:
        return NOTHING
    found = find_country(dataset, focus)
    spoken, told = about.statements(dataset, found)
    lines = [
        [_speaker(dataset, row, found), escape(typographic(row["summary"])), f"[@{row.source_id}]"]
        for row in (*spoken, *told)
    ]
    caption = "What the country or its people say, and what others say of it."
    if focus in PARTIES:
        caption += " Statements that name the country only in passing are left out here: almost all do."
    return table("tbl-focus-statements", caption, ["Who", "What", "Source"], lines, [22, 54, 24])


def _speaker(dataset: Dataset, row: Row, found: Country) -> str:
    if row["mode"] == "author":
        return evidence_link(dataset, row, "the text’s author")
    if row["speaker"]:
        name = actor_name(dataset, row["speaker"])
        named_by_role = row["role"].lower() == name.lower()
        role = f", {escape(typographic(row['role']))}" if row["role"] and not named_by_role else ""
        return evidence_link(dataset, row, escape(name)) + role
    name = in_sentence(actor_name(dataset, row["actor_id"])) if row["actor_id"] else "several, or not named"
    return evidence_link(dataset, row, escape(name))


def events(dataset: Dataset, *, focus: str = "") -> Table | Narrative:
    """Lay out the events in which the country or its people take part, in order of time."""
    if not focus:
        return NOTHING
    titles = dict(zip(dataset["events"]["event_id"], dataset["events"]["title"], strict=True))
    rows = about.own_rows(dataset, find_country(dataset, focus), "event_accounts")
    rows.sort(key=lambda row: row["date"] or f"{dataset.source(row.source_id).published}~")
    lines = []
    for row in rows:
        if row["date"] and row["date_end"]:
            day = f"{evidence_link(dataset, row, column='date')} to {evidence_link(dataset, row, column='date_end')}"
        else:
            day = when_text(dataset, row)
        title = evidence_link(dataset, row, escape(typographic(titles[row["event_id"]])))
        lines.append([day, title, STATUSES.get(row["status"], row["status"]), f"[@{row.source_id}]"])
    return table(
        "tbl-focus-events",
        "Events in which the country or its people take part, or that took place there. “By” a month: the text gives "
        "no date, and appeared in that month.",
        ["When", "Event", "Told as", "Source"],
        lines,
        [20, 42, 14, 24],
    )


def _unit(row: Row) -> str:
    """Return the unit that stands after a value, where the label of its indicator does not say it."""
    unit = row["unit"]
    if unit not in MEASURES:
        return ""
    printed = str(unit).replace("_", " ")
    return f" {printed.removesuffix('s') if row['value_high'] == 1 else printed}"


def _length(dataset: Dataset, row: Row) -> str:
    """Return the length of time for which a quantity holds, linked; empty where the text gives none."""
    if not row["duration"]:
        return ""
    number, unit = row["duration"][1:-1], LENGTHS[row["duration"][-1]]
    return f" over {evidence_link(dataset, row, number)} {unit}{'' if number == '1' else 's'}"


def quantities(dataset: Dataset, *, focus: str = "") -> Table | Narrative:
    """Lay out the quantities that are about the country or measured there."""
    if not focus:
        return NOTHING
    found = find_country(dataset, focus)
    labels = dict(zip(dataset["indicators"]["indicator"], dataset["indicators"]["label"], strict=True))
    lines = []
    own = about.own_rows(dataset, found, "observations")
    named = about.naming_rows(dataset, found, "observations")
    for row in (*own, *named):
        what = escape(typographic(labels[row["indicator"]]))
        whose = row["actor_id"]
        if whose and whose not in found.actors:
            what += f", {escape(in_sentence(actor_name(dataset, whose)))}"
        elif whose and whose != focus:
            what += f", {escape(actor_name(dataset, whose))}"
        if row["alliance_id"]:
            what += f" ({escape(dataset.alliance_names[row['alliance_id']])})"
        kind = row["obs_status"].replace("_", " ") + (", named with others" if row in named else "")
        value = f"{evidence_link(dataset, row)}{_unit(row)}{_length(dataset, row)}"
        lines.append([what, value, kind, f"[@{row.source_id}]"])
    return table(
        "tbl-focus-quantities",
        "Quantities about the country or measured there, or of a group with which it is named. They overlap and must "
        "not be added.",
        ["What", "Value", "Kind of figure", "Source"],
        lines,
        [38, 20, 18, 24],
    )


def capabilities(dataset: Dataset, *, focus: str = "") -> Table | Narrative:
    """Lay out what the country has, lacks, offers or needs, and capabilities of others that name it."""
    if not focus:
        return NOTHING
    found = find_country(dataset, focus)
    own = about.own_rows(dataset, found, "capabilities")
    lines = []
    for row in (*own, *about.naming_rows(dataset, found, "capabilities")):
        whose = row["holder"] or ""
        relation = RELATIONS[row["relation"]]
        if not whose:
            told = row["capability"]
            holder = "Europe" if told.startswith("Europe") or not row["alliance_id"] else _format(dataset, row)
            relation = f"{holder}: {relation}"
        elif whose != focus:
            relation = f"{escape(actor_name(dataset, whose))}: {relation}"
        how = _HOW[row["attribution"]]
        lines.append([relation, _capitalised(dataset, row), how, f"[@{row.source_id}]"])
    return table(
        "tbl-focus-capabilities",
        "Capabilities: what the country has, lacks, offers or needs, and those of others for which it is named. "
        "Without a name, the capability is the country’s own.",
        ["Relation", "Capability", "How we know", "Source"],
        lines,
        [16, 44, 18, 22],
    )


def _capitalised(dataset: Dataset, row: Row) -> str:
    """Print the row's main value, linked, as the beginning of a line."""
    return evidence_link(dataset, row, _start(cell_text(dataset, row)))


def named_in(dataset: Dataset, *, focus: str = "") -> Narrative:
    """List what the texts say of formats that names the country."""
    if not focus:
        return NOTHING
    found = find_country(dataset, focus)
    leads = {row["alliance_id"] for row in about.own_rows(dataset, found, "memberships") if row["role"] == "lead"}
    rows = [
        row
        for row in about.naming_rows(dataset, found, "characteristics")
        if row["aspect"] != "lead" or row["alliance_id"] not in leads  # the table of memberships tells those
    ]
    if not rows:
        return NOTHING
    items = [
        f"- {_format(dataset, row)}, {_ASPECTS.get(row['aspect'], row['aspect'])}: {_capitalised(dataset, row)} "
        f"({row['status'].replace('_', ' ')}) [@{row.source_id}]"
        for row in rows
    ]
    return Narrative("## Named in what is said of formats\n\n" + "\n".join(items))


def open_questions(dataset: Dataset, *, focus: str = "") -> Narrative:
    """Say what the texts leave open about the country, and where they differ on it."""
    if not focus:
        return NOTHING
    found = find_country(dataset, focus)
    if not about.all_rows(dataset, found):
        return NOTHING
    told = about.gaps(dataset, found)
    name = escape(in_sentence(found.name))
    concerned = any(accession(dataset, org, focus) for org in ("nato", "eu")) or not told.no_position
    lines = []
    if focus not in PARTIES and concerned:
        if told.no_position:
            lines.append(
                f"No text of this edition gives a position that {name} itself takes on the coalition or on troops."
            )
        elif told.only_expected:
            lines.append(
                f"What its government wants is not told; all that is known is what an author expects of {name}."
            )
        elif told.no_troops:
            lines.append(f"No text of this edition says whether {name} would send troops.")
    if told.several:
        topics = join_and([TOPIC_LABELS[topic][0].lower() + TOPIC_LABELS[topic][1:] for topic in told.several])
        lines.append(
            f"On {topics} one and the same text tells of more than one position; which of them will hold is open."
        )
    if told.undated:
        lines.append("No text of this edition dates a position; each is at most as new as the text that tells it.")
    if concerned or focus in PARTIES:
        if told.no_size:
            lines.append("No text of this edition gives the size of its armed forces, or of a contribution of its own.")
        if told.no_capability:
            lines.append("No text of this edition says, of this country alone, what its forces can do or lack.")
        if told.no_voice:
            lines.append("No text of this edition quotes or paraphrases its government by name.")
    points = [escape(typographic(point)) for point in about.differing_points(dataset, found)]
    if points:
        lines.append(
            f"The texts differ, or only seem to differ, on: {'; '.join(points)}. @sec-differences gives both sides "
            "of each point."
        )
    if not lines:
        return NOTHING
    return Narrative("## What the sources leave open\n\n" + "\n".join(f"- {line}" for line in lines))


__all__ = [
    "capabilities",
    "events",
    "heading",
    "memberships",
    "named_in",
    "open_questions",
    "opening",
    "positions",
    "quantities",
    "statements",
]
