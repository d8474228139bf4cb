"""Where the sources disagree: each point, what each source says, and why."""

from __future__ import annotations

from collections.abc import Iterable

from alliances.analysis.differences import Point, about, points
from alliances.analysis.knowledge import as_of_reference, mentioned
from alliances.analysis.points import by_kind, merged
from alliances.analysis.positions import TOPIC_LABELS
from alliances.dataset import Dataset, Row
from alliances.prose.links import actor_name, cell_text, escape, evidence_link
from alliances.prose.narrative import Narrative, sentence
from alliances.prose.values import date_text, in_sentence, join_and, quantity_text, typographic

HEADINGS = {
    "contradiction": "Where they contradict each other",
    "date": "Where they speak of different times",
    "definition": "Where they mean different things",
    "scope": "Where they cover different ground",
    "opinion": "Where they judge differently",
    "internal": "Where a text is at odds with itself",
    "apparent": "What only seems to differ",
}
_SHOWN = 8  # more in one sentence is unreadable; their own chapter has them all
_POSITIONS = {"ruled_out": "ruled out", "could_veto": "could veto"}
_UNITS = ("kilometres", "years", "months", "days")
_RELATIONS = {"depends_on": "depends on", "proposes": "proposed", "plans": "planned", "offers": "offered"}


def row_words(dataset: Dataset, row: Row) -> str:
    """Say in a few words what a row gives, so that it can be read without its table."""
    values = row.values
    if row.table == "observations":
        labels = dict(zip(dataset["indicators"]["indicator"], dataset["indicators"]["label"], strict=True))
        unit = values["unit"].replace("_", " ") if values["unit"] in _UNITS else ""
        # A count of one takes the singular.
        unit = unit.removesuffix("s") if values["value_high"] == 1 else unit
        label = labels[values["indicator"]]
        return f"{label[0].lower() + label[1:]}: {quantity_text(values)} {unit}".rstrip()
    if row.table == "positions":
        who = values["role"] or ""
        country = in_sentence(actor_name(dataset, values["actor_id"]))
        stand = _POSITIONS.get(values["position"], values["position"])
        expected = {"author_expectation": ", as the author expects", "author_wish": ", as the authors wish"}
        when = date_text(values["date"]) if values["date"] else ""
        also = ", ".join(part for part in (who, when) if part)
        label = TOPIC_LABELS[values["topic"]]
        # Without its topic a position could be read as one on anything.
        topic = label if label.startswith("NATO") else label[0].lower() + label[1:]
        return f"{country}{f' ({also})' if also else ''} on {topic}: {stand}{expected.get(values['attribution'], '')}"
    if row.table == "event_accounts":
        titles = dict(zip(dataset["events"]["event_id"], dataset["events"]["title"], strict=True))
        when = f", {date_text(values['date'])}" if values["date"] else ", without a date"
        return f"{titles[values['event_id']]}{when}"
    if row.table == "capabilities":
        relation = _RELATIONS.get(values["relation"], values["relation"])
        return values["capability"] if relation == "has" else f"{values['capability']} ({relation})"
    if row.table == "memberships":
        country = in_sentence(actor_name(dataset, values["actor_id"]))
        return f"{country}: {values['role'].replace('_', ' ')} of {dataset.alliance_names[values['alliance_id']]}"
    return cell_text(dataset, row)


def sides(dataset: Dataset, point: Point) -> str:
    """Tell what each source says on a point, every value linked, each source cited once."""
    told: dict[str, list[str]] = {}
    for row in sorted(point.rows, key=lambda r: dataset.source(r.source_id).published):
        text = row_words(dataset, row)
        if row.table not in ("characteristics", "statements"):
            text = escape(typographic(text))
        linked = evidence_link(dataset, row, text.rstrip("."))
        if linked not in told.setdefault(row.source_id, []):
            told[row.source_id].append(linked)
    return "; ".join(f"{join_and(values)} [@{source}]" for source, values in told.items())


def where_they_differ(dataset: Dataset, alliance_ids: Iterable[str]) -> Narrative:
    """Name the points on which the sources differ over some formats, each linked to where it is told in full.

    Returns
    -------
    Narrative
        A section; nothing where no known text mentions one of the formats.
    """
    wanted = tuple(alliance_ids)
    if not any(mentioned(dataset, alliance_id) for alliance_id in wanted):
        return Narrative("")
    concerned = {(point.kind, point.point) for point in about(dataset, wanted) if point.kind != "apparent"}
    found = [point for point in merged(points(dataset)) if (point.kind, point.point) in concerned]
    named = "; ".join(f"[{escape(typographic(point.point))}](#{point.id})" for point in found[:_SHOWN])
    if not found:
        told = "On what this chapter tells, no point is known on which the texts of this edition differ."
    elif len(found) == 1:
        told = f"The texts differ on one point: {named}. @sec-differences gives each side, and why they differ."
    else:
        told = "The texts differ on many points, among them: " if len(found) > _SHOWN else "The texts differ on: "
        told += f"{named}. @sec-differences gives each side of a point, and why they differ."
    return Narrative(f"## Where the sources differ\n\n{told}")


def all_points(dataset: Dataset) -> Narrative:
    """Tell every known point by kind; what only seems to differ comes last."""
    grouped = by_kind(dataset)
    if not grouped:
        return sentence(
            dataset,
            "The texts of this edition, which ends on {day}, differ on no point that we found.",
            {"day": as_of_reference(dataset)},
        )
    parts = []
    for kind, members in grouped.items():
        items = [
            f"- [**{escape(typographic(p.point[0].upper() + p.point[1:]))}.**]{{#{p.id}}} "
            f"{escape(typographic(p.explanation))} *What they say:* {sides(dataset, p)}."
            for p in members
        ]
        parts.append(f"## {HEADINGS[kind]}\n\n" + "\n".join(items))
    intro = "What each text says is linked to its words; why the texts differ is our own reading."
    return Narrative("\n\n".join((intro, *parts)))
