"""Stitches chapters, contents and evidence into one Markdown report with its figures, facts and problems."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from alliances.dataset import FACT_TABLES, Dataset
from alliances.errors import StagingError
from alliances.parameters import Parameters
from alliances.run.cache import Cache
from alliances.stage.chapters import (
    Chapter,
    Output,
    anchor_of,
    div,
    line_text,
    read_chapter,
    read_outputs,
    read_template,
)  # fmt: skip
from alliances.stage.check import Checker, reference_problems
from alliances.stage.cover import edition_values
from alliances.stage.evidence import Ledger, evidence
from alliances.stage.figures import draw_figures
from alliances.text.markdown import escape

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


@dataclass(frozen=True)
class Staged:
    """A staged report.

    Attributes
    ----------
    folder : Path
        Holds `report.md`, `edition.yml`, `facts.json`, `figures/` and `vega/`.
    problems : list of str
        What its check found, a sentence each.
    facts : dict
        As in `facts.json`.
    chapters : list of Chapter
        Its chapters, front and back matter included, in their order.
    """

    folder: Path
    problems: list[str]
    facts: dict[str, Any]
    chapters: list[Chapter]


def stage(
    root: Path, dataset: Dataset, parameters: Parameters, defaults: Parameters,
    executed: Mapping[str, Any], folder: Path, cache: Cache | None = None,
) -> Staged:  # fmt: skip
    """Stage executed notebooks: report, edition, facts and figures go into a folder.

    Parameters
    ----------
    root : Path
        The project's folder.
    dataset : Dataset
        Cut to the edition.
    parameters, defaults : Parameters
        The edition's, and the default edition's.
    executed : mapping of str to NotebookNode
        Executed notebooks by the names in the include lines of `report/report.qmd`.
    folder : Path
        Where to write; created if it is missing.
    cache : Cache, optional
        Where drawings are kept.

    Raises
    ------
    StagingError
        If a notebook that `report.qmd` names is missing, or a chart cannot be drawn.
    """
    front, lines = read_template(root / "report" / "report.qmd")
    licence = " ".join(item["name"].replace("CC-BY-", "CC BY ") for item in dataset.package.get("licenses", ())[:1])
    read: dict[str, list[Output]] = {}
    for name in (value for kind, value, _ in lines if kind == "include"):
        if name not in executed:
            raise StagingError(
                f"report/report.qmd includes chapters/{name}.md, but nothing ran notebooks/{name}.ipynb."
            )
        read[name] = [replace(o, meta={**o.meta, "licence": licence}) for o in read_outputs(executed[name])]
    outputs = [output for each in read.values() for output in each]
    ledger = Ledger(dataset, parameters)
    problems = list(dict.fromkeys(clash for o in outputs for clash in ledger.add(o.meta.get("evidence", {}))))
    chapters = _chapters(lines, read)
    pieces = _pieces(lines, chapters, not dataset["sources"].empty)
    body = ledger.number("\n\n".join(pieces))
    ledger.close()
    report = body.replace("{{< evidence >}}", evidence(ledger)).strip() + "\n"
    checker = Checker(ledger)
    problems += [problem for chapter in chapters for problem in checker.problems(chapter)] + reference_problems(report)
    bare = [chapter.name for chapter in chapters if not chapter.title]
    problems += [
        f"Notebook {name}.ipynb has no title in this edition; give it one that stands with all that it tells."
        for name in bare
    ]
    numbered = {anchor: {"mark": label, **ledger.records.get(anchor, {})} for anchor, label in ledger.labels.items()}
    facts = {"facts": list(_facts(chapters, ledger)), "evidence": numbered, "rows": _rows(dataset)}
    values = edition_values(dataset, parameters, defaults, outputs, front.get("coming") or [])
    edition = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=1000)
    told = f"{json.dumps(facts, ensure_ascii=False, indent=1)}\n"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("report.md", report), ("edition.yml", edition), ("facts.json", told)):
        (folder / name).write_text(text, encoding="utf-8")
    draw_figures([output for output in outputs if output.kind == "figure"], licence, folder, cache)
    return Staged(folder, problems, facts, chapters)


def _chapters(lines: Sequence[tuple[str, str, str]], read: Mapping[str, Sequence[Output]]) -> list[Chapter]:
    zone, part, found = "front", "", []
    for kind, value, _ in lines:
        if kind in ("part", "back"):
            zone, part = "chapter" if kind == "part" else "back", value
        elif kind == "include" and (chapter := read_chapter(value, zone, part, read[value])):
            found.append(chapter)
    return found


def _pieces(lines: Sequence[tuple[str, str, str]], chapters: Sequence[Chapter], has_evidence: bool) -> list[str]:
    """List the report's pieces in the order of `report.qmd`; a part without chapters is left out."""
    by_name, pieces = {chapter.name: chapter for chapter in chapters}, list[str]()
    parts = list(dict.fromkeys(chapter.part for chapter in chapters if chapter.zone == "chapter"))
    is_left_out = False
    for kind, value, attributes in lines:
        is_left_out = (kind == "part" and value not in parts) or (is_left_out and kind == "text")
        if kind == "include" and value in by_name:
            pieces += [_where(block.markdown, by_name) for block in by_name[value].blocks]
        elif kind == "part" and value in parts:
            number = _ROMAN[parts.index(value)]
            anchor = "" if "#" in attributes else f"#part-{anchor_of(value)} "
            pieces.append(f'# {value} {{{anchor}{attributes} number="{number}"}}')
        elif kind == "contents":
            annexes = [value for kind, value, _ in lines if kind == "back"]
            pieces.append(_contents(chapters, annexes[-1] if annexes else "", has_evidence))
        elif kind == "evidence":
            pieces.append("{{< evidence >}}")
        elif kind in ("heading", "text") and not is_left_out:
            pieces.append(f"# {value} {{{attributes}}}" if attributes else f"# {value}" if kind == "heading" else value)
    return pieces


def _where(markdown: str, chapters: Mapping[str, Chapter]) -> str:
    """Name the chapter that argues a judgement; nothing where this edition has no such chapter."""

    def link(found: re.Match[str]) -> str:
        chapter = chapters.get(found["name"])
        return f"[{escape(chapter.title)}](#{chapter.anchor}){{.where}}" if chapter else ""

    return re.sub(r"\[\]\(#sec-(?P<name>[\w-]*)\)\{\.where\}", link, markdown)


def _contents(chapters: Sequence[Chapter], annexes: str, has_evidence: bool) -> str:
    """List parts and chapters, each chapter with its answer's first sentence."""
    entries, part = [], ""
    for chapter in (chapter for chapter in chapters if chapter.title):
        if chapter.part != part:
            part = chapter.part
            entries.append(div(".contents-part", escape(part)))
        link = f"[{escape(chapter.title)}](#{chapter.anchor})"
        entries.append(div(f'.contents-entry target="{chapter.anchor}"', link, escape(chapter.answer)))
    if has_evidence:
        entries += [div(".contents-part", escape(annexes))] if annexes and part != annexes else []
        entries.append(div('.contents-entry target="evidence"', "[Evidence](#evidence)"))
    return div(".contents", *entries)


def _facts(chapters: Sequence[Chapter], ledger: Ledger) -> Iterator[dict[str, Any]]:
    """Yield every printed value with its origin, the words behind it, its mark and its place."""
    for chapter, output in ((each, output) for each in chapters for output in each.outputs):
        own = [block for block in chapter.blocks if block.output is output]
        for sentence in output.meta.get("sentences", ()):
            place = next((block for block in own if sentence["text"] in line_text(block.markdown)), own[0])
            for text, origin in sentence["printed"]:
                yield {"text": text, **_origin(ledger, origin), "chapter": chapter.name, "section": place.section,
                       "in": output.meta.get("id", output.kind), "sentence": sentence["text"]}  # fmt: skip


def _origin(ledger: Ledger, origin: str) -> dict[str, Any]:
    dataset, record = ledger.dataset, ledger.records.get(origin, {})
    rows = [row for part in ("rows", "records") for row in record.get(part, ())] or [origin]
    rows = [row for row in rows if row in dataset]
    anchor = ledger.anchor(origin) if origin in dataset else origin if record else ""
    words = [dataset.quote(quote_id).exact for row in rows for quote_id in dataset.row(row).quote_ids]
    return {"origin": origin, "rows": rows, "formula": record.get("formula", ""), "words": words,
            "mark": ledger.label(anchor) if anchor else "", "anchor": anchor}  # fmt: skip


def _rows(dataset: Dataset) -> dict[str, Any]:
    """Return the rows that the edition knows, with their cells."""
    keys = {**FACT_TABLES, "public_record": "record_id"}
    rows = [dataset.row(row_id) for table, key in keys.items() for row_id in dataset[table][key]]
    return {
        row.row_id: {"table": row.table, "mark": dataset.mark(row.row_id),
                     **{column: cell for column, cell in row.values.items() if cell == cell and cell not in (None, "")}}
        for row in rows
    }  # fmt: skip
