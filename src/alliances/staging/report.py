"""Stitch chapters and annexes into one staged report that both engines read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alliances import __version__
from alliances.dataset import Dataset
from alliances.errors import StagingError
from alliances.execution.cache import Cache
from alliances.parameters import Parameters
from alliances.prose.values import date_text
from alliances.staging import annexes
from alliances.staging.chapters import Chapter, Chart
from alliances.staging.figures import draw
from alliances.staging.provenance import Link, Walk, join, walk_all, wrong_values

TITLE = "Europe’s Defence Alliances"
SUBTITLE = "A reproducible report"
_INCLUDE = re.compile(r"^\{\{< include chapters/(?P<name>[a-z0-9-]+)\.md >\}\}$", re.MULTILINE)
_ANNEX_NAMES = (
    "annex-parameters",
    "annex-further",
    "annex-sources",
    "annex-derived",
    "annex-reference",
    "annex-evidence",
)


@dataclass(frozen=True)
class StagedReport:
    """A staged report and what its check found.

    Parameters
    ----------
    folder : Path
        Folder with ``report.md``, ``edition.yml``, ``figures/`` and ``references.json``.
    walk : Walk
        Links, loose numbers and anchors.
    figures : dict of str to dict
        Derived figures and reference facts by anchor.
    problems : list of str
        Loose numbers, wrong values and dead links, one sentence each.
    charts : list of Path
        Files of the charts.
    """

    folder: Path
    walk: Walk
    figures: dict[str, dict[str, Any]]
    problems: list[str]
    charts: list[Path]


def chapter_order(template: Path) -> list[str]:
    """Return the names of the chapters in the order of the include lines of ``report.qmd``."""
    return [match["name"] for match in _INCLUDE.finditer(template.read_text(encoding="utf-8"))]


def notebook_names(template: Path) -> list[str]:
    """Return the names of the notebooks of the report: its chapters without the annexes."""
    return [name for name in chapter_order(template) if name not in _ANNEX_NAMES]


def state_of_knowledge(dataset: Dataset, parameters: Parameters) -> str:
    """Write the line that stands on the cover, in the running head and on the first page."""
    known = dataset["sources"].sort_values("published", kind="stable")
    day = date_text(parameters.as_of)
    if known.empty:
        return f"State of knowledge: {day}. No text was published by then; nothing is covered."
    first, last = date_text(known["published"].iloc[0]), date_text(known["published"].iloc[-1])
    texts = f"{len(known)} texts published {first} to {last}" if len(known) > 1 else f"1 text published {first}"
    return f"State of knowledge: {day}. Based on {texts}; later events are not covered."


def edition_lines(parameters: Parameters, defaults: Parameters, dataset: Dataset) -> list[str]:
    """List what the cover says of the edition's parameters."""
    lines = []
    if parameters.focus:
        names = dict(zip(dataset["countries"]["iso3"], dataset["countries"]["name"], strict=True))
        lines.append(f"Focus: {names[parameters.focus]}")
    if parameters.exclude_sources:
        lines.append(f"Left out: {', '.join(parameters.exclude_sources)}")
    for name in ("troops", "years", "front_km", "cost_per_soldier_year", "rotation"):
        value = getattr(parameters, name)
        if value != getattr(defaults, name):
            lines.append(f"Assumption of this edition: {name} = {value:g}" if value is not None else "")
    if parameters.as_of != defaults.as_of:
        lines.insert(0, "Another state of knowledge than the default edition’s")
    return [line for line in lines if line] or ["Default edition"]


@dataclass(frozen=True)
class StagedText:
    """The text of a staged report, before anything is drawn or written.

    Parameters
    ----------
    chapters : dict of str to str
        Markdown of each chapter and annex, in the order of the report.
    walk : Walk
        Links, loose numbers and anchors.
    figures : dict of str to dict
        Derived figures and reference facts by anchor.
    problems : list of str
        Loose numbers, wrong values and dead links, one sentence each.
    """

    chapters: dict[str, str]
    walk: Walk
    figures: dict[str, dict[str, Any]]
    problems: list[str]

    @property
    def report(self) -> str:
        """The whole report as one Markdown text."""
        return "\n".join(text for text in self.chapters.values() if text)


def stage_text(
    template: Path,
    chapters: Sequence[Chapter],
    dataset: Dataset,
    parameters: Parameters,
    defaults: Parameters,
    cache: Cache | None = None,
) -> StagedText:
    """Put chapters in order, write the annexes, and check that every number is a link that is borne out.

    Parameters
    ----------
    template : Path
        ``report/report.qmd``: its include lines give the order of the chapters.
    chapters : sequence of Chapter
        The chapters that the notebooks wrote.
    dataset : Dataset
        The dataset of the edition.
    parameters, defaults : Parameters
        The edition's parameters and those of the default edition.
    cache : Cache, optional
        Where Markdown that has been read before is kept.

    Raises
    ------
    StagingError
        If ``report.qmd`` names a chapter that no notebook wrote.
    """
    by_name = {chapter.name: chapter_text(chapter.markdown) for chapter in chapters}
    figures = {anchor: figure for chapter in chapters for anchor, figure in chapter.figures.items()}
    order = chapter_order(template)
    missing = [name for name in order if name not in by_name and name not in _ANNEX_NAMES]
    if missing:
        raise StagingError(
            f"report/report.qmd includes chapters/{missing[0]}.md, which no notebook writes; "
            f"add notebooks/{missing[0]}.ipynb or remove the line."
        )
    walks: dict[str, Walk] = {}

    def read(*names: str) -> list[Link]:
        missing = [name for name in names if by_name[name]]
        walks.update(zip(missing, walk_all([by_name[name] for name in missing], cache), strict=True))
        return [link for name in missing for link in walks[name].links]

    links = read(*(name for name in order if name in by_name))
    by_name["annex-further"] = chapter_text(annexes.further(dataset, links, _charted(chapters)))
    links += read("annex-further")
    by_name["annex-derived"] = chapter_text(annexes.derived(figures, dataset, links))
    links += read("annex-derived")
    by_name["annex-evidence"] = chapter_text(annexes.evidence(dataset, links))
    by_name["annex-reference"] = chapter_text(annexes.reference_facts(figures, links))
    by_name["annex-sources"] = chapter_text(annexes.sources(dataset))
    by_name["annex-parameters"] = chapter_text(annexes.parameters_chapter(parameters, defaults))
    read(*(name for name in order if name not in walks))
    whole = join(walks[name] for name in order if name in walks)
    problems = [
        f"In {loose.section} the number “{loose.token}” is not linked to evidence: “… {loose.context} …”."
        for loose in whole.loose
    ]
    problems += wrong_values(dataset, whole.links, figures)
    problems += [
        f"In {link.section} the link “{link.text}” leads to #{link.target}, which nothing defines."
        for link in whole.links
        if link.target not in whole.anchors
    ]
    return StagedText({name: by_name[name] for name in order}, whole, figures, problems)


def chapter_text(markdown: str) -> str:
    """Give a chapter exactly one line end at its end; the embedded engine finds it under the same text again."""
    return f"{text}\n" if (text := markdown.strip("\n")) else ""


def _charted(chapters: Sequence[Chapter]) -> set[str]:
    """Return the ids of the rows that the charts show."""
    return {
        row_id
        for chapter in chapters
        for chart in chapter.charts
        for rows in chart.spec.get("datasets", {}).values()
        for record in rows
        if isinstance(record, dict)
        for row_id in str(record.get("row_id", "")).split("; ")
    }


def stage(
    folder: Path,
    text: StagedText,
    charts: Iterable[Chart],
    dataset: Dataset,
    parameters: Parameters,
    defaults: Parameters,
    cache: Cache | None = None,
) -> StagedReport:
    """Write a report into an empty folder, its text from :func:`stage_text`; drawings that the cache has are taken."""
    (folder / "chapters").mkdir(parents=True)
    for name, markdown in text.chapters.items():
        (folder / "chapters" / f"{name}.md").write_text(markdown, encoding="utf-8")
    (folder / "report.md").write_text(text.report, encoding="utf-8")
    references = json.dumps(annexes.references_json(dataset), ensure_ascii=False, indent=1)
    (folder / "references.json").write_text(references + "\n", encoding="utf-8")
    write_edition_file(folder, dataset, parameters, defaults)
    return StagedReport(folder, text.walk, text.figures, text.problems, draw(charts, folder / "figures", cache))


def write_edition_file(folder: Path, dataset: Dataset, parameters: Parameters, defaults: Parameters) -> None:
    """Write ``edition.yml``, the metadata from which both engines set cover, running heads and title."""
    state = state_of_knowledge(dataset, parameters)
    year = parameters.as_of[:4]
    values = {
        "title": TITLE,
        "subtitle": SUBTITLE,
        "lang": "en-GB",
        "state-of-knowledge": state,
        "edition-lines": edition_lines(parameters, defaults, dataset),
        "version": __version__,
        "date-iso": parameters.as_of,
        "running-head": f"State of knowledge: {date_text(parameters.as_of)}",
        "cite-as": f"{TITLE}: {SUBTITLE.lower()}. Version {__version__}, state of knowledge "
        f"{date_text(parameters.as_of)} ({year}).",
        "licence": "Data and text: CC BY 4.0. The quotations remain their owners’.",
        "report-errors-to": "Report an error as an issue of the repository; name the section and the printed value.",
        "countries": sorted(dataset["countries"]["name"]),  # for the choice of a country to highlight in the page
    }
    text = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=1000)
    (folder / "edition.yml").write_text(text, encoding="utf-8")
