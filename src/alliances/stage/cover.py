"""Writes edition.yml: what cover, running foot and first page say of an edition, its age and its sources."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from alliances.dataset import Dataset
from alliances.parameters import Parameters
from alliances.stage.chapters import Output, form, line_text
from alliances.text.dates import date_text, month_text
from alliances.text.markdown import capital, join_and
from alliances.text.numbers import number_text, number_word


def edition(
    dataset: Dataset, parameters: Parameters, defaults: Parameters, outputs: Sequence[Output], coming: Sequence[str]
) -> str:
    """Write `edition.yml`; what nothing gives is an empty string."""
    cover = next((output for output in outputs if output["kind"] == "cover"), {})
    judged = [output for output in outputs if output["kind"] == "judgement"]
    first = min(judged, key=lambda output: output.get("rank") or len(judged) + 1, default={})
    drawn = next((o for o in outputs if o["kind"] == "figure" and o["id"] == cover.get("figure")), {})
    finding, day = line_text(cover.get("finding") or first.get("proposition", "")), _as_of(dataset, parameters.day)
    differences = list(_differences(dataset, parameters, defaults))
    said = (day, _known_to(dataset), _base(dataset), finding, drawn, differences, list(coming))
    return form("edition", dataset.package, parameters.as_of, address(dataset.package), *said)


def address(package: Mapping[str, Any]) -> str:
    """Return where the report is published: its DOI, or else its page; "" where neither is set."""
    return f"https://doi.org/{doi(package)}" if doi(package) else str(package.get("homepage") or "")


def doi(package: Mapping[str, Any]) -> str:
    """Return the DOI without its resolver; "" where none is set."""
    return str(package.get("doi") or "").removeprefix("https://doi.org/")


def _as_of(dataset: Dataset, day: date) -> str:
    """Print the day of the edition, as an estimate where it lies in the window of a source's estimated date."""
    sources = map(dataset.complete.source, set(dataset.complete["sources"]["source_id"]).difference(dataset.excluded))
    is_estimate = any(s.published_from <= day <= s.published_to != s.published_from for s in sources)
    return f"{'about ' if is_estimate else ''}{date_text(day)}"


def _known_to(dataset: Dataset) -> str:
    """Return the newest day that a known source tells as past; "" where none tells of a day."""
    days = [""]
    for row in (row for table in ("event_accounts", "statements") for row in dataset[table].to_dict("records")):
        is_past = "status" not in row or "past" in dataset.label("status", row["status"]).meaning.split()
        days += [row["date"], row.get("date_end", "")] if row["date_precision"] == "day" and is_past else []
    return date_text(max(days))


def _base(dataset: Dataset) -> str:
    """Say on how many texts of which months an edition rests: “Five texts of March, April and July 2025”."""
    days = sorted(dataset["sources"]["published"])
    years = [(year, dict.fromkeys(map(month_text, of_it))) for year, of_it in groupby(days, lambda day: day[:4])]
    when = join_and([f"{join_and(list(months))} {year}" for year, months in years])
    if sum(len(months) for _, months in years) > 6:
        when = " to ".join(date_text(day[:7]) for day in (days[0], days[-1]))
    return f"{capital(number_word(len(days)))} text{'s' if len(days) > 1 else ''} of {when}" if days else ""


def _differences(dataset: Dataset, parameters: Parameters, defaults: Parameters) -> Iterator[str]:
    """Say how an edition differs from the default one."""
    if parameters.as_of != defaults.as_of:
        yield f"As of {date_text(parameters.as_of)}, not {date_text(defaults.as_of)}"
    if parameters.focus:
        yield f"Country lens: {dataset.name(parameters.focus, article=False)}"
    left_out = [dataset.complete.source(one) for one in parameters.exclude_sources]
    if names := [source.short_name for source in left_out if source.published <= parameters.day]:
        yield f"Without {join_and(names)}"
    for scenario in dataset.scenario:
        value = parameters.scenario.get(scenario.name)
        if value is not None and value != defaults.scenario.get(scenario.name):
            what = scenario.meaning.split(".")[0].split(":")[0]
            unit = dataset.label("currency" if scenario.unit.isupper() else "unit", scenario.unit)
            yield f"Assumption: {what[:1].lower()}{what[1:]}, {number_text(value)} {unit.plural}".strip()
