"""Stitches chapters, contents and evidence into one report with its figures, facts, problems and edition.yml."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from alliances.dataset import Dataset
from alliances.parameters import Parameters
from alliances.stage import chapters as reading
from alliances.stage.chapters import CONTENTS, EVIDENCE, Chapter, Output, form, line_text
from alliances.stage.evidence import Ledger, evidence
from alliances.stage.figures import Drawer
from alliances.text.dates import date_text, month_text
from alliances.text.markdown import capital, escape, join_and, typeset
from alliances.text.numbers import number_text, number_word

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_WHERE = re.compile(r"\[\]\(#sec-([\w-]*)\)\{\.where\}")


@dataclass
class Staged:
    """A staged report: its folder, its chapters, and what a check of them finds, worked out when it is asked for."""

    folder: Path  # of `report.md`, `edition.yml`, `facts.json`, `figures/` and `vega/`
    chapters: list[Chapter]
    ledger: Ledger

    @cached_property
    def problems(self) -> list[str]:
        """What is wrong with numbers and marks, a sentence each."""
        return list(self.ledger.problems(self.chapters))


def stage(
    root: Path, dataset: Dataset, parameters: Parameters, defaults: Parameters,
    executed: Mapping[str, Any], folder: Path, drawer: Drawer, only: str = "",
) -> Staged:  # fmt: skip
    """Stage executed notebooks: report, edition, facts and figures go into a folder, made if it is missing.

    `dataset` is cut to the edition with these `parameters`; `executed` are notebooks by the names in the include lines
    of `report/report.qmd`; the figures are there once the `drawer` has finished; `only` is the one chapter to stage,
    for a preview: its links to others then lead nowhere.
    """
    front, lines = reading.read_template(root / "report" / "report.qmd")
    if only:
        lines = [line for line in lines if line[0] == "part" or line[1] in (only, EVIDENCE)]
    doi = (dataset.package.get("doi") or "").removeprefix("https://doi.org/")
    address = f"https://doi.org/{doi}" if doi else dataset.package.get("homepage") or ""
    licence = " ".join(item["name"].replace("CC-BY-", "CC BY ") for item in dataset.package.get("licenses", ())[:1])
    read = {name: reading.read_outputs(executed[name], licence) for kind, name, _ in lines if kind == "include"}
    outputs, ledger = [output for each in read.values() for output in each], Ledger(dataset, parameters)
    folder.mkdir(parents=True, exist_ok=True)
    drawer.write(outputs, f"{licence} {address}".strip(), folder)
    for output in outputs:
        ledger.add(output.get("evidence", {}))
    chapters, body = _stitch(lines, read, has_evidence=not dataset["sources"].empty)
    body = ledger.number(body)
    files = {
        "report.md": typeset(body.replace(EVIDENCE, evidence(ledger, bool(only))).strip()),
        "edition.yml": _edition(dataset, parameters, defaults, outputs, front.get("coming") or [], address),
        "facts.json": json.dumps(_facts(chapters, ledger), ensure_ascii=False, indent=1),
    }
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n", encoding="utf-8")
    return Staged(folder, chapters, ledger)


def _stitch(
    lines: Sequence[tuple[str, str, str]], read: Mapping[str, Sequence[Output]], has_evidence: bool
) -> tuple[list[Chapter], str]:
    """Make the chapters, and the report in the order of `report.qmd`; a part without chapters is left out."""
    chapters, pieces, waiting = list[Chapter](), list[str](), list[str]()  # what waits for a chapter of its part
    zone, part = "front", ""
    for kind, value, attributes in lines:
        if kind in ("part", "back"):
            zone, part, waiting = "chapter" if kind == "part" else "back", value, []
        if kind == "part":
            number = _ROMAN[len({chapter.part for chapter in chapters if chapter.zone == "chapter"})]
            waiting = [f'# {value} {{#part-{reading.anchor_of(value)} {attributes} number="{number}"}}']
        elif kind == "include" and (chapter := reading.read_chapter(value, zone, part, read[value])).blocks:
            chapters.append(chapter)
            pieces += waiting + [block.markdown for block in sorted(chapter.blocks, key=lambda block: block.rank)]
            waiting = []
        elif kind in ("heading", "text"):
            (waiting if waiting and kind == "text" and value not in (CONTENTS, EVIDENCE) else pieces).append(value)
    where = {c.name: f"[{escape(c.title)}](#{c.anchor}){{.where}}" for c in chapters}
    body = _WHERE.sub(lambda found: where.get(found[1], ""), "\n\n".join(pieces))  # an edition may lack the chapter
    return chapters, body.replace(CONTENTS, form("contents", chapters, part if zone == "back" else "", has_evidence))


def _facts(chapters: Sequence[Chapter], ledger: Ledger) -> dict[str, list[Any] | dict[str, Any]]:
    """Return every printed value with origin, words, mark and place; the evidence; the rows that the edition knows."""
    dataset, facts = ledger.dataset, list[dict[str, Any]]()
    told = [(each.name, block, said) for each in chapters for block in each.blocks for said in block.sentences]
    for name, block, sentence, (text, origin) in ((*one, pair) for one in told for pair in one[-1]["printed"]):
        record = ledger.records.get(origin, {})
        rows = [row for row in ([*record.get("rows", ()), *record.get("records", ())] or [origin]) if row in dataset]
        anchor = ledger.anchor(origin) if origin in dataset else origin if record else ""
        facts.append({
            "text": text, "origin": origin, "rows": rows, "formula": record.get("formula", ""),
            "words": [dataset.quote(quote_id).exact for row in rows for quote_id in dataset.row(row).quote_ids],
            "mark": ledger.label(anchor) if anchor else "", "anchor": anchor, "chapter": name,
            "section": block.section, "in": block.output.get("id", block.output["kind"]), "sentence": sentence["text"],
        })  # fmt: skip
    known = {
        row.row_id: {"table": row.table, "mark": dataset.mark(row.row_id),
                     **{column: cell for column, cell in row.values.items() if cell == cell and cell not in (None, "")}}
        for row in map(dataset.row, dataset.row_ids) if row.table != "disagreements"
    }  # fmt: skip
    numbered = {anchor: {"mark": label, **ledger.records.get(anchor, {})} for anchor, label in ledger.labels.items()}
    return {"facts": facts, "evidence": numbered, "rows": known}


def _edition(
    dataset: Dataset, parameters: Parameters, defaults: Parameters, outputs: Sequence[Output],
    coming: Sequence[str], address: str,
) -> str:  # fmt: skip
    """Write `edition.yml`, what cover, running foot and first page say; what nothing gives is an empty string."""
    cover = next((output for output in outputs if output["kind"] == "cover"), {})
    judged = [output for output in outputs if output["kind"] == "judgement"]
    first = min(judged, key=lambda output: output.get("rank") or len(judged) + 1, default={})
    drawn = next((o for o in outputs if o["kind"] == "figure" and o["id"] == cover.get("figure")), {})
    finding = line_text(cover.get("finding") or first.get("proposition", ""))
    # The day is an estimate where it lies in the window of a source's estimated date.
    sources = map(dataset.complete.source, set(dataset.complete["sources"]["source_id"]).difference(dataset.excluded))
    is_estimate = any(s.published_from <= parameters.as_of <= s.published_to != s.published_from for s in sources)
    day = f"{'about ' if is_estimate else ''}{date_text(str(parameters.as_of))}"
    told = [""]  # the days that a known source tells as past
    for row in (row for table in ("event_accounts", "statements") for row in dataset[table].to_dict("records")):
        is_past = "status" not in row or "past" in dataset.label("status", row["status"]).meaning.split()
        told += [row["date"], row.get("date_end", "")] if row["date_precision"] == "day" and is_past else []
    days = sorted(dataset["sources"]["published"])
    years = [(year, dict.fromkeys(map(month_text, of_it))) for year, of_it in groupby(days, lambda day: day[:4])]
    when = join_and([f"{join_and(list(months))} {year}" for year, months in years])
    if sum(len(months) for _, months in years) > 6:
        when = " to ".join(date_text(day[:7]) for day in (days[0], days[-1]))
    base = f"{capital(number_word(len(days)))} text{'s' if len(days) > 1 else ''} of {when}" if days else ""
    said = (day, date_text(max(told)), base, finding, drawn, list(_differences(dataset, parameters, defaults)))
    return form("edition", dataset.package, str(parameters.as_of), *said, coming, address)


def _differences(dataset: Dataset, parameters: Parameters, defaults: Parameters) -> Iterator[str]:
    """Say how an edition differs from the default one."""
    if parameters.as_of != defaults.as_of:
        yield f"As of {date_text(str(parameters.as_of))}, not {date_text(str(defaults.as_of))}"
    if parameters.focus:
        yield f"Country lens: {dataset.name(parameters.focus, article=False)}"
    left_out = [dataset.complete.source(one) for one in parameters.exclude_sources]
    if names := [source.short_name for source in left_out if source.published <= parameters.as_of]:
        yield f"Without {join_and(names)}"
    for scenario in dataset.scenario:
        value = parameters.scenario.get(scenario.name)
        if value is not None and value != defaults.scenario.get(scenario.name):
            what = scenario.meaning.split(".")[0].split(":")[0]
            unit = dataset.label("currency" if scenario.unit.isupper() else "unit", scenario.unit)
            yield f"Assumption: {what[:1].lower()}{what[1:]}, {number_text(value)} {unit.plural}".strip()
