"""Writes edition.yml: what cover, running foot and first page say of an edition, its age and its sources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from alliances.dataset import Dataset
from alliances.parameters import Parameters
from alliances.stage.chapters import Output, line_text
from alliances.text.dates import MONTHS, date_text
from alliances.text.names import capital, join_and
from alliances.text.numbers import number_text, number_word

_EVENTS = ("event_accounts", "statements")


def edition_values(
    dataset: Dataset, parameters: Parameters, defaults: Parameters, outputs: Sequence[Output], coming: Sequence[str]
) -> dict[str, Any]:
    """Return the values of `edition.yml`; what nothing gives is an empty string."""
    package, day = dataset.package, _as_of(dataset, parameters.day)
    known = state_of_knowledge(dataset)
    published, foot = f"Texts published by {day}", f"Texts to {day}"
    if dataset["sources"].empty:
        published = foot = f"No text was published by {day}"
    elif known:
        published, foot = (
            f"{published}; they know events to {date_text(known)}",
            f"{foot}; events to {date_text(known)}",
        )
    title, publisher = package.get("title", ""), package.get("publisher", "")
    version = f"Version {package.get('version', '')}, texts published by {day}"
    covers = [output.meta for output in outputs if output.kind == "cover"]
    judged = [output.meta for output in outputs if output.kind == "judgement"]
    first = min(judged, key=lambda meta: meta.get("rank") or len(judged) + 1, default={})
    figure = covers[0].get("figure", "") if covers else ""
    drawn = {output.meta["id"] for output in outputs if output.kind == "figure"}
    return {
        "title": title,
        "subtitle": package.get("subtitle", ""),
        "short-title": package.get("short_title", title),
        "lang": "en-GB",
        "date": parameters.as_of,
        "finding": line_text((covers[0].get("finding") if covers else "") or first.get("proposition", "")),
        "cover-figure": f"figures/{figure}.svg" if figure in drawn else "",
        "published-line": published,
        "foot-line": foot,
        "base-line": base_line(dataset),
        "publisher": publisher,
        "licence": package.get("licence", ""),
        "contact": package.get("contact", ""),
        "cite": ". ".join(filter(None, (publisher, title, version))) + ".",
        "edition-lines": edition_lines(dataset, parameters, defaults),
        "coming": list(coming),
    }


def _as_of(dataset: Dataset, day: date) -> str:
    """Print the day of the edition, as an estimate where it lies in the window of a source's estimated date."""
    sources = [dataset.complete.source(source_id) for source_id in dataset.complete["sources"]["source_id"]]
    near = [s for s in sources if s.published_from <= day <= s.published_to and s.source_id not in dataset.excluded]
    about = any(source.published_from != source.published_to for source in near)
    return f"{'about ' if about else ''}{date_text(day)}"


def state_of_knowledge(dataset: Dataset) -> str:
    """Return the newest day that a known source tells as past, an ISO date; "" where none tells of a day."""
    days = [""]
    for table in _EVENTS:
        for row in dataset[table].to_dict("records"):
            status = dataset.label("status", row["status"]) if "status" in row else None
            if row["date_precision"] == "day" and (status is None or "past" in status.meaning.split()):
                days.append(max(row["date"], row.get("date_end", "")))
    return max(days)


def base_line(dataset: Dataset) -> str:
    """Say on how many texts of which months an edition rests: “Five texts of March, April and July 2025”."""
    days = sorted(dataset["sources"]["published"])
    months: dict[str, list[str]] = {}
    for day in days:
        months.setdefault(day[:4], []).append(MONTHS[int(day[5:7]) - 1])
    when = join_and([f"{join_and(list(dict.fromkeys(names)))} {year}" for year, names in months.items()])
    return f"{capital(number_word(len(days)))} text{'s' if len(days) > 1 else ''} of {when}" if days else ""


def edition_lines(dataset: Dataset, parameters: Parameters, defaults: Parameters) -> list[str]:
    """Say how an edition differs from the default one."""
    lines = []
    if parameters.as_of != defaults.as_of:
        lines.append(f"As of {date_text(parameters.as_of)}, not {date_text(defaults.as_of)}")
    if parameters.focus:
        lines.append(f"Country lens: {dataset.name(parameters.focus, article=False)}")
    if parameters.exclude_sources:
        left_out = [dataset.complete.source(source_id).short_name for source_id in parameters.exclude_sources]
        lines.append(f"Without {join_and(left_out)}")
    for scenario in dataset.scenario:
        value = parameters.scenario.get(scenario.name)
        if value is not None and value != defaults.scenario.get(scenario.name):
            what = scenario.meaning.split(".")[0].split(":")[0]
            unit = dataset.label("currency" if scenario.unit.isupper() else "unit", scenario.unit)
            lines.append(f"Assumption: {what[:1].lower()}{what[1:]}, {number_text(value)} {unit.plural}".strip())
    return lines
