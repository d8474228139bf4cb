"""Stitches chapters, contents and evidence into one Markdown report with its figures, facts and problems."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from alliances.dataset import Dataset
from alliances.errors import StagingError
from alliances.parameters import Parameters
from alliances.run.cache import Cache
from alliances.stage import chapters as reading
from alliances.stage.chapters import CONTENTS, EVIDENCE, Chapter, Output, form
from alliances.stage.check import Checker
from alliances.stage.cover import address, edition
from alliances.stage.evidence import Ledger, evidence
from alliances.stage.figures import draw_figures
from alliances.text.markdown import escape

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_WHERE = re.compile(r"\[\]\(#sec-([\w-]*)\)\{\.where\}")


class Staged(NamedTuple):
    """A staged report: its folder, what its check found (a sentence each), its chapters.

    The folder holds `report.md`, `edition.yml`, `facts.json`, `figures/` and `vega/`.
    """

    folder: Path
    problems: list[str]
    chapters: list[Chapter]


def stage(
    root: Path, dataset: Dataset, parameters: Parameters, defaults: Parameters,
    executed: Mapping[str, Any], folder: Path, cache: Cache | None = None, only: str = "",
) -> Staged:  # fmt: skip
    """Stage executed notebooks: report, edition, facts and figures go into a folder, made if it is missing.

    `dataset` is cut to the edition with these `parameters`; `executed` are notebooks by the names in the include lines
    of `report/report.qmd`; `cache` keeps drawings; `only` is the one chapter to stage, for a preview: its links to
    others then lead nowhere. StagingError if a notebook is missing, or a chart cannot be drawn.
    """
    front, lines = reading.read_template(root / "report" / "report.qmd")
    if only:
        lines = [line for line in lines if line[0] == "part" or line[1] in (only, EVIDENCE)]
    licence = " ".join(item["name"].replace("CC-BY-", "CC BY ") for item in dataset.package.get("licenses", ())[:1])
    read: dict[str, list[Output]] = {}
    for name in (value for kind, value, _ in lines if kind == "include"):
        if name not in executed:
            told = f"report/report.qmd includes chapters/{name}.md, but nothing ran notebooks/{name}.ipynb."
            raise StagingError(told)
        read[name] = reading.read_outputs(executed[name], licence)
    outputs, ledger = [output for each in read.values() for output in each], Ledger(dataset, parameters)
    signed = " ".join(filter(None, (licence, address(dataset.package))))
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(1) as pool:  # the text is made while other processes draw
        drawing = pool.submit(draw_figures, outputs, signed, folder, cache or Cache(root))
        problems = list(dict.fromkeys(clash for o in outputs for clash in ledger.add(o.get("evidence", {}))))
        chapters, body = _stitch(lines, read, has_evidence=not dataset["sources"].empty)
        body = ledger.number(body)
        checker = Checker(ledger)
        problems += [problem for chapter in chapters for problem in checker.problems(chapter)]
        numbered = {anchor: {"mark": mark, **ledger.records.get(anchor, {})} for anchor, mark in ledger.labels.items()}
        facts = {"facts": list(_facts(chapters, ledger)), "evidence": numbered, "rows": _rows(dataset)}
        files = {
            "report.md": body.replace(EVIDENCE, evidence(ledger, bool(only))).strip(),
            "edition.yml": edition(dataset, parameters, defaults, outputs, front.get("coming") or []),
            "facts.json": json.dumps(facts, ensure_ascii=False, indent=1),
        }
        for name, text in files.items():
            (folder / name).write_text(f"{text}\n", encoding="utf-8")
        drawing.result()
    return Staged(folder, problems, chapters)


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


def _facts(chapters: Sequence[Chapter], ledger: Ledger) -> Iterator[dict[str, Any]]:
    """Yield every printed value with its origin, the words behind it, its mark and its place."""
    blocks = [(each.name, block) for each in chapters for block in each.blocks]
    told = [(name, block, sentence) for name, block in blocks for sentence in block.sentences]
    for name, block, sentence, (text, origin) in ((*one, pair) for one in told for pair in one[-1]["printed"]):
        dataset, record = ledger.dataset, ledger.records.get(origin, {})
        rows = [*record.get("rows", ()), *record.get("records", ())] or [origin]
        rows = [row for row in rows if row in dataset]
        anchor = ledger.anchor(origin) if origin in dataset else origin if record else ""
        yield {
            "text": text, "origin": origin, "rows": rows, "formula": record.get("formula", ""),
            "words": [dataset.quote(quote_id).exact for row in rows for quote_id in dataset.row(row).quote_ids],
            "mark": ledger.label(anchor) if anchor else "", "anchor": anchor, "chapter": name,
            "section": block.section, "in": block.output.get("id", block.output["kind"]), "sentence": sentence["text"],
        }  # fmt: skip


def _rows(dataset: Dataset) -> dict[str, Any]:
    """Return the rows that the edition knows, with their cells."""
    return {
        row.row_id: {"table": row.table, "mark": dataset.mark(row.row_id),
                     **{column: cell for column, cell in row.values.items() if cell == cell and cell not in (None, "")}}
        for row in map(dataset.row, dataset.row_ids) if row.table != "disagreements"
    }  # fmt: skip
