"""What makes the page live: Vega and the charts' specifications, tools under each chart, the choice of a country.

All of it is put into the page after either engine has written it, so that both give the same page. The SVG stays;
theme/report.js draws over it when the reader comes near.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vl_convert
import yaml

from alliances.errors import PublishError
from alliances.staging.figures import COMPILED, VEGALITE_VERSION
from alliances.user_cache import kept

__all__ = ["Chart", "bundle", "enliven", "read_charts"]

_FIGURE = re.compile(r'<figure id="(fig-[^"]+)" class="float float-fig">.*?</figure>', re.DOTALL)
_LABEL = re.compile(r'<span class="label">(.*?):?</span>', re.DOTALL)
_CONTENTS = re.compile(r'<nav id="TOC".*?</nav>', re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_LICENCE = """/* Vega, Vega-Lite and Vega-Embed: Copyright (c) University of Washington Interactive Data Lab and
contributors, BSD-3-Clause, https://github.com/vega/vega/blob/main/LICENSE. With D3: Copyright Mike Bostock, ISC,
https://github.com/d3/d3/blob/main/LICENSE. Bundled by vl-convert. */"""


@dataclass(frozen=True)
class Chart:
    """A chart as staging drew it.

    Parameters
    ----------
    label : str
        Its anchor, ``fig-…``, and the name of its files.
    svg, csv : str
        The staged files, for the reader to save.
    vega : dict
        Its specification, compiled.
    """

    label: str
    svg: str
    csv: str
    vega: dict[str, Any]

    @cached_property
    def tables(self) -> list[list[list[str]]]:
        """The data behind the chart as tables of rows; an empty line in the CSV separates them."""
        tables: list[list[list[str]]] = [[]]
        for row in csv.reader(io.StringIO(self.csv)):
            if row:
                tables[-1].append(row)
            elif tables[-1]:
                tables.append([])
        return [table for table in tables if table]

    @property
    def words(self) -> set[str]:
        """All values of its data."""
        return {cell for table in self.tables for row in table[1:] for cell in row}


def bundle() -> str:
    """Return Vega for the page as one script that defines ``vegaEmbed`` and nothing else.

    Returns
    -------
    str
        JavaScript, some 0.9 MB, the same bytes each time.
    """
    return kept(f"vega-lite-{VEGALITE_VERSION}-vl-convert-{version('vl-convert-python')}.js", _bundle)


def _bundle() -> str:
    code: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGALITE_VERSION)
    # The bundle owns every short name; a function keeps them to itself.
    return f"{_LICENCE}\n(() => {{\n{code.strip()}\n}})();\n"


def read_charts(stage: Path) -> dict[str, Chart]:
    """Read the charts of a stage.

    Parameters
    ----------
    stage : Path
        Folder with ``figures/<label>.svg`` and ``.csv`` and ``vega/<label>.json`` of each chart.

    Returns
    -------
    dict of str to Chart
        By label; figures without a specification are no charts and are left out.

    Raises
    ------
    PublishError
        If a file of a chart is missing or broken.
    """
    charts = {}
    for path in sorted((stage / COMPILED).glob("*.json")):
        drawing = stage / "figures" / f"{path.stem}.svg"
        try:
            charts[path.stem] = Chart(
                path.stem,
                drawing.read_text(encoding="utf-8"),
                drawing.with_suffix(".csv").read_text(encoding="utf-8"),
                json.loads(path.read_text(encoding="utf-8")),
            )
        except (OSError, ValueError) as error:
            raise PublishError(f"The files of {path.stem} cannot be read ({error}); stage the report again.") from error
    return charts


def enliven(document: str, stage: Path) -> str:
    """Put live charts into a page.

    Parameters
    ----------
    document : str
        The HTML as either engine wrote it.
    stage : Path
        Folder of the staged report: ``figures/``, ``vega/`` and, for the names of countries, ``edition.yml``.

    Returns
    -------
    str
        The page with tools under each chart, a choice of country beside the contents, and Vega at its end;
        unchanged where it shows no chart.

    Raises
    ------
    PublishError
        If a chart's files cannot be read.
    """
    charts = read_charts(stage)
    shown: dict[str, str] = {}  # label of each chart in the page, and its number as printed

    def with_tools(found: re.Match[str]) -> str:
        chart = charts.get(found[1])
        if chart is None:
            return found[0]
        label = _LABEL.search(found[0])
        shown[chart.label] = " ".join(re.sub(r"<[^>]*>", "", label[1]).split()) if label else "Figure"
        return f"{found[0]}\n{_tools(chart, shown[chart.label])}"

    document = _FIGURE.sub(with_tools, document)
    if not shown:
        return document
    choice = _choice([charts[label] for label in shown], _countries(stage))
    document = _CONTENTS.sub(lambda found: f"{found[0]}\n{choice}", document, count=1)
    data = {label: {"svg": charts[label].svg, "csv": charts[label].csv, "vega": charts[label].vega} for label in shown}
    # Neither block is run as it is read: report.js starts the second one when a chart comes near.
    blocks = (
        f'<script type="application/json" id="chart-data">{_json(data)}</script>\n'
        f'<script type="text/plain" id="vega-bundle">{bundle()}</script>\n'
    )
    head, end, tail = document.rpartition("</body>")
    return f"{head}{blocks}{end}{tail}"


def _json(value: Any) -> str:
    """Write JSON that cannot end the element that holds it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("</", "<\\/").replace("<!", "\\u003c!")


def _tools(chart: Chart, name: str) -> str:
    tables = "\n".join(_table(table, f"Data of {name}") for table in chart.tables)
    buttons = "\n".join(
        f'<button type="button" data-save="{kind}" aria-label="Download {what} of {name} as {kind.upper()}">'
        f"{kind.upper()}</button>"
        for kind, what in (("svg", "the chart"), ("png", "the chart"), ("csv", "the data"))
    )
    return (
        f'<div class="chart-tools" data-chart="{chart.label}" role="group" aria-label="{escape(name)}: tools">\n'
        f"<details><summary>Data as a table</summary>\n{tables}\n</details>\n"
        f'<p class="downloads"><span aria-hidden="true">Download</span>\n{buttons}</p>\n</div>'
    )


def _table(rows: Sequence[Sequence[str]], name: str) -> str:
    head, *body = rows
    columns = list(zip(*rows, strict=True))
    number = [any(column[1:]) and all(_NUMBER.fullmatch(cell) for cell in column[1:] if cell) for column in columns]

    sides = [' class="number"' if right else "" for right in number]

    def line(cells: Sequence[str], kind: str, scope: str = "") -> str:
        written = (f"<{kind}{scope}{side}>{escape(cell)}</{kind}>" for cell, side in zip(cells, sides, strict=True))
        return f"<tr>{''.join(written)}</tr>\n"

    titles = line(head, "th", ' scope="col"')
    lines = "".join(line(row, "td") for row in body)
    return (
        f'<div class="table-box" role="group" tabindex="0" aria-label="{escape(name)}"><table>\n'
        f"<thead>\n{titles}</thead>\n<tbody>\n{lines}</tbody>\n</table></div>"
    )


def _countries(stage: Path) -> list[str]:
    path = stage / "edition.yml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return [str(name) for name in (settings or {}).get("countries", [])]


def _choice(charts: Sequence[Chart], countries: Sequence[str]) -> str:
    """Write the choice of a country to highlight; each option names the charts that show it."""
    words = {chart.label: chart.words for chart in charts}
    options = []
    for name in countries:
        labels = " ".join(label for label, found in words.items() if name in found)
        if labels:
            options.append(f'<option data-charts="{escape(labels)}">{escape(name)}</option>')
    if not options:
        return ""
    listed = "\n".join(options)
    return (
        '<section class="choice" aria-label="Charts">\n<label for="country">Highlight a country in the charts</label>\n'
        f'<select id="country">\n<option value="">None</option>\n{listed}\n</select>\n'
        '<p id="country-where" role="status"></p>\n</section>'
    )
