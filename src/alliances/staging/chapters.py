"""An executed notebook becomes a chapter: Markdown, charts, and the figures that it derives."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import nbformat

from alliances.errors import StagingError
from alliances.prose.narrative import MEDIA_TYPE, METADATA_KEY
from alliances.prose.tables import TABLE_KEY

VEGALITE = "application/vnd.vegalite.v5+json"
_HEADING = re.compile(r"^(#{1,4}) +(.+?)\s*$", re.MULTILINE)
_SILENT_TAGS = {"parameters", "injected-parameters"}


@dataclass(frozen=True)
class Chart:
    """A chart as the notebook made it.

    Parameters
    ----------
    label : str
        Cross-reference label, ``fig-…``.
    caption : str
        Caption, Markdown.
    description : str
        Alternative text.
    spec : dict
        The Vega-Lite specification.
    """

    label: str
    caption: str
    description: str
    spec: dict[str, Any]


@dataclass
class Chapter:
    """A chapter before it is stitched.

    Parameters
    ----------
    name : str
        The notebook's name without its suffix; its section label is ``sec-<name>``.
    markdown : str
        Text, with a figure where a chart stood.
    charts : list of Chart
        Its charts in order.
    figures : dict of str to dict
        Derived figures and reference facts by anchor.
    """

    name: str
    markdown: str
    charts: list[Chart] = field(default_factory=list)
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_chapter(name: str, notebook: nbformat.NotebookNode) -> Chapter:
    """Turn an executed notebook into a chapter.

    Markdown cells and Markdown outputs become text, Vega-Lite outputs become figures. Code is not shown.

    Raises
    ------
    StagingError
        If a chart has no label, caption or description, or if an output is of another kind: the report
        would lose it in silence.
    """
    chapter = Chapter(name, "")
    parts: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        if cell.cell_type != "code" or _SILENT_TAGS & set(cell.metadata.get("tags", [])):
            continue
        parts += [_output(chapter, output) for output in cell.outputs]
    chapter.markdown = _label_headings(name, "\n\n".join(part for part in parts if part)) + "\n"
    return chapter


def _output(chapter: Chapter, output: nbformat.NotebookNode) -> str:
    data = output.get("data", {})
    if VEGALITE in data:
        chart = _chart(chapter.name, data[VEGALITE])
        chapter.charts.append(chart)
        _carry(chapter, data[VEGALITE].get("usermeta", {}).get("figures", []))
        alt = chart.description.replace("\\", "").replace('"', "”")
        return f'![{chart.caption}](figures/{chart.label}.svg){{#{chart.label} fig-alt="{alt}"}}'
    if MEDIA_TYPE in data:
        metadata = output.get("metadata", {}).get(MEDIA_TYPE, {})
        _carry(chapter, metadata.get(METADATA_KEY, []))
        if TABLE_KEY in metadata:
            item = metadata[TABLE_KEY]
            return f"::: {{#{item['label']}}}\n\n{item['body']}\n\n{item['caption']}\n:::"
        return str(data[MEDIA_TYPE])
    kind = ", ".join(data) or output.output_type
    raise StagingError(
        f"Notebook {chapter.name}.ipynb has an output of kind {kind}, which no report can show; "
        "return a narrative, a table or a chart instead."
    )


def _chart(name: str, spec: dict[str, Any]) -> Chart:
    meta = spec.get("usermeta", {})
    missing = [key for key in ("label", "caption") if not meta.get(key)]
    if not spec.get("description"):
        missing.append("description")
    if missing:
        raise StagingError(
            f"A chart in notebook {name}.ipynb has no {' and no '.join(missing)}; "
            "build it with alliances.charts, which sets them."
        )
    return Chart(meta["label"], meta["caption"], spec["description"], json.loads(json.dumps(spec)))


def _carry(chapter: Chapter, figures: list[dict[str, Any]]) -> None:
    for figure in figures:
        prefix = "calc" if figure["kind"] == "derived" else "ref"
        chapter.figures[f"{prefix}-{figure['id']}"] = dict(figure)


def _label_headings(name: str, markdown: str) -> str:
    """Give each heading a label of its own, so that cross-references and contents are the same everywhere."""
    seen: dict[str, int] = {}

    def label(match: re.Match[str]) -> str:
        hashes, text = match.groups()
        if "{#" in text:
            return match.group()
        slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
        anchor = f"sec-{name}" if hashes == "#" else f"sec-{name}-{slug}"
        seen[anchor] = seen.get(anchor, 0) + 1
        return f"{hashes} {text} {{#{anchor if seen[anchor] == 1 else f'{anchor}-{seen[anchor]}'}}}"

    return _HEADING.sub(label, markdown)
