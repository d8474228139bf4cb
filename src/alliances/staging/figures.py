"""Charts become files: SVG and PNG for the page, CSV for the reader.

All charts of an edition are drawn by one process, once: the first chart of a process costs half a
second, the others some 20 ms.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import vl_convert

from alliances import plain_json
from alliances.errors import StagingError
from alliances.execution.cache import Cache, kept, key_of
from alliances.fonts import chart_fonts
from alliances.staging.chapters import Chart
from alliances.staging.pictures import picture, register_fonts

VEGALITE_VERSION = "5.20"
COMPILED = "vega"  # folder beside figures/; for the page, not part of the edition
_SPOKEN = re.compile(r'\s(?:role|aria-[a-z]+)="[^"]*"')
_GEOMETRY = re.compile(r'(\s(?:d|transform|[xy][12]?)=")([^"]*)')
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_QUOTE = {'"': "&quot;"}
_FEW = 4  # pictures that take no longer than another process to start


def draw(charts: Iterable[Chart], folder: Path, cache: Cache | None = None) -> list[Path]:
    """Draw charts to ``<label>.svg``, with ``.csv`` (the data) and ``.json`` (the specification) beside.

    For the live charts of the page, the specification compiled to Vega goes into the folder ``vega`` beside the
    figures: the browser would need the same time for it again, and report what Vega-Lite finds worth a warning.

    Returns
    -------
    list of Path
        The drawings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    compiled = folder.parent / COMPILED
    compiled.mkdir(exist_ok=True)
    drawings = []
    for chart in charts:
        path = folder / f"{chart.label}.svg"
        path.write_bytes(_drawing(chart, cache))
        path.with_suffix(".csv").write_text(data_csv(chart.spec), encoding="utf-8")
        spec = plain_json.dumps(chart.spec, 3, sort_keys=True)
        path.with_suffix(".json").write_text(spec, encoding="utf-8")
        (compiled / f"{chart.label}.json").write_bytes(_compiled(chart, cache))
        drawings.append(path)
    return drawings


def _drawing(chart: Chart, cache: Cache | None) -> bytes:
    key = key_of(chart.spec, VEGALITE_VERSION, version("vl-convert-python"), chart_fonts())

    def make() -> bytes:
        register_fonts()
        svg = vl_convert.vegalite_to_svg(chart.spec, vl_version=VEGALITE_VERSION)
        return _plain(svg, chart).encode()

    return kept(cache, "drawings", key, make)


def _compiled(chart: Chart, cache: Cache | None) -> bytes:
    # The page itself carries alternative text, caption and sources, and a newer Vega than the schema's.
    spec = {key: value for key, value in chart.spec.items() if key not in ("usermeta", "description")}
    key = key_of(spec, VEGALITE_VERSION, version("vl-convert-python"))

    def make() -> bytes:
        vega = vl_convert.vegalite_to_vega(spec, vl_version=VEGALITE_VERSION)
        vega.pop("$schema", None)
        return json.dumps(vega, ensure_ascii=False, separators=(",", ":")).encode()

    return kept(cache, "compiled", key, make)


def draw_png(drawings: Iterable[Path], folder: Path, cache: Cache | None = None, *, beside: bool = True) -> None:
    """Turn drawings into PNG of twice their size; from the SVG, which is much faster than from the chart.

    vl-convert lets nothing else run in its process meanwhile, so many pictures are made in another one where something
    else is to be done beside them.

    Raises
    ------
    StagingError
        If that process fails.
    """
    missing: dict[Path, str] = {}
    for path in drawings:
        key = key_of(path.read_text(encoding="utf-8"), version("vl-convert-python"), chart_fonts())
        found = cache.get("pictures", key) if cache else None
        if found is None:
            missing[path] = key
        else:
            _picture_file(path, folder).write_bytes(found)
    if beside and len(missing) > _FEW:
        files = [str(path) for path in missing]
        done = subprocess.run(
            [sys.executable, "-m", "alliances.staging.pictures", str(folder), *files], capture_output=True, check=False
        )
        if done.returncode:
            message = done.stderr.decode("utf-8", errors="replace").strip().splitlines() or ["it gave no reason"]
            raise StagingError(f"The charts could not be turned into PNG: {message[-1]}.")
    elif missing:
        register_fonts()
        for path in missing:
            _picture_file(path, folder).write_bytes(picture(path))
    if cache:
        for path, key in missing.items():
            cache.put("pictures", key, _picture_file(path, folder).read_bytes())


def _picture_file(drawing: Path, folder: Path) -> Path:
    return folder / f"{drawing.stem}.png"


def draw_ahead(charts: Iterable[Chart], cache: Cache) -> None:
    """Put into the cache what :func:`draw` will look for: the charts of one notebook.

    Notebooks wait more than they work, so their charts are drawn while others still run. The pictures can wait: they
    are made while Typst sets the PDF, which takes one processor.
    """
    for chart in charts:
        _compiled(chart, cache)
        _drawing(chart, cache)


def data_csv(spec: dict[str, Any]) -> str:
    """Return the data behind a chart as CSV; several tables stand one after the other.

    Where the chart names the columns that a reader gets (``usermeta.table``), helper columns and tables that only place
    marks are left out, and so is a column without a value.
    """
    named = spec.get("usermeta", {}).get("table", {})
    out = io.StringIO()
    for rows in filter(None, spec.get("datasets", {}).values()):
        columns = list(dict.fromkeys(key for row in rows for key in row))
        if not set(named) <= set(columns):
            continue
        if named:
            columns = [column for column in named if any(row.get(column) not in ("", None) for row in rows)]
        if out.tell():
            out.write("\n")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([named.get(column, column) for column in columns])
        for row in rows:
            cells = (row.get(column, "") for column in columns)
            writer.writerow([" ".join(cell.split()) if isinstance(cell, str) else cell for cell in cells])
    return out.getvalue()


def _plain(svg: str, chart: Chart) -> str:
    """Make of Vega's drawing one image with one text, small and with ids of its own.

    Vega tells screen readers each mark by its raw data, helper columns and coordinates included, which takes
    a third of the file. Coordinates are rounded to a hundredth of a pixel. vl-convert counts clip ids on from chart
    to chart, and a page holds many.
    """
    names: dict[str, str] = {}

    def rename(match: re.Match[str]) -> str:
        return names.setdefault(match.group(), f"{chart.label}-clip{len(names)}")

    def shorten(match: re.Match[str]) -> str:
        return match[1] + _LONG_NUMBER.sub(lambda number: _hundredths(number[0]), match[2])

    svg = re.sub(r"\bclip\d+\b", rename, _SPOKEN.sub("", svg))
    svg = _GEOMETRY.sub(shorten, svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label={quoteattr(chart.description, _QUOTE)} ', 1)


def _hundredths(number: str) -> str:
    rounded = f"{float(number):.2f}".rstrip("0").rstrip(".")
    return "0" if rounded == "-0" else rounded
