"""Makes the files of each figure: drawing, download with title and source, data, specification, compiled chart."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from alliances.charts.figure import data_frames
from alliances.charts.theme import wrapped
from alliances.errors import StagingError
from alliances.run.cache import Cache, digest, library_digest, versions
from alliances.stage.chapters import Output, line_text

_SPOKEN = re.compile(r'\s(?:role|aria-[a-z]+)="[^"]*"')
_GEOMETRY = re.compile(r'(\s(?:d|transform|[xy][12]?)=")([^"]*)')
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_HEAD = re.compile(r'<svg([^>]*?) width="([\d.]+)" height="([\d.]+)" viewBox="[^"]*"([^>]*)>')


def draw_figures(figures: Sequence[Output], licence: str, folder: Path, cache: Cache | None = None) -> None:
    """Write the files of figures into `figures/` and `vega/` of a staged folder; charts are drawn in one process.

    Raises
    ------
    StagingError
        If a chart cannot be drawn.
    """
    drawn, charts = folder / "figures", dict[str, tuple[Output, Mapping[str, Any]]]()
    for path in (drawn, folder / "vega"):
        path.mkdir(parents=True, exist_ok=True)
    for output in figures:
        charts[output.meta["id"]] = output, output.spec
        if output.meta.get("narrow"):
            charts[f"{output.meta['id']}-narrow"] = output, output.meta["narrow"]
    for (name, (output, _)), made in zip(charts.items(), _draw(charts, cache), strict=True):
        told = {**made["spec"], "usermeta": {"source": _source(output), "licence": licence}}
        (drawn / f"{name}.json").write_text(_json(told), encoding="utf-8")
        (drawn / f"{name}.svg").write_text(_small(made["svg"], name, output.meta["alt"]), encoding="utf-8")
        vega = json.dumps(made["vega"], ensure_ascii=False, separators=(",", ":"))
        (folder / "vega" / f"{name}.json").write_text(vega, encoding="utf-8")
        if name == output.meta["id"]:
            foot = f"{'Source: ' if _source(output) else ''}{_source(output)} {licence}".strip()
            picture = _signed(_small(made["download"], f"{name}-download", output.meta["alt"]), foot)
            (drawn / f"{name}-download.svg").write_text(picture, encoding="utf-8")
            table = _table(output.spec, foot)
            (drawn / f"{name}.csv").write_text(table, encoding="utf-8-sig", newline="")


def _draw(charts: Mapping[str, tuple[Output, Mapping[str, Any]]], cache: Cache | None) -> list[dict[str, Any]]:
    """Draw charts in a process of its own, those that the cache does not hold."""
    drawn_by = library_digest("charts"), versions("vl-convert-python")
    keys = {name: digest(spec, *drawn_by) for name, (_, spec) in charts.items()}
    made = {name: cache.get_json("charts", key) if cache else None for name, key in keys.items()}
    todo = [name for name, found in made.items() if found is None]
    if todo:
        jobs = json.dumps([charts[name][1] for name in todo]).encode()
        script = [sys.executable, "-m", "alliances.stage.drawing"]
        done = subprocess.run(script, input=jobs, capture_output=True, check=False, env={**os.environ, "TZ": "UTC"})
        if done.returncode:
            reason = done.stderr.decode("utf-8", errors="replace").strip().splitlines() or ["it gave no reason"]
            raise StagingError(f"The charts could not be drawn: {reason[-1].rstrip('.')}.")
        for name, found in zip(todo, json.loads(done.stdout), strict=True):
            if "error" in found:
                raise StagingError(f"The figure {name}: {found['error']}")
            made[name] = found
            if cache:
                cache.put_json("charts", keys[name], found)
    return [found for found in made.values() if found]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def _source(output: Output) -> str:
    return line_text(str(output.meta.get("source", ""))).removeprefix("Source:").strip()


def _small(svg: str, name: str, alt: str) -> str:
    """Make of Vega's drawing one image with one text, with rounded coordinates and ids of its own."""
    ids: dict[str, str] = {}
    svg = re.sub(r"\bclip\d+\b", lambda m: ids.setdefault(m[0], f"{name}-clip{len(ids)}"), _SPOKEN.sub("", svg))
    svg = _GEOMETRY.sub(lambda m: m[1] + _LONG_NUMBER.sub(lambda n: f"{round(float(n[0]), 2) + 0:g}", m[2]), svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label={quoteattr(" ".join(alt.split()))} ', 1)


def _signed(svg: str, foot: str) -> str:
    """Add source and licence below a drawing, on white ground."""
    head = _HEAD.search(svg)
    width, height = (float(head[2]), float(head[3])) if head else (423.0, 300.0)
    lines = wrapped(foot, width - 8, 11)
    tall = height + 14 * len(lines) + 8
    texts = (
        f'<text x="4" y="{height + 14 * number:g}" font-size="11">{escape(line)}</text>'
        for number, line in enumerate(lines, 1)
    )
    below = f'<g font-family="Source Sans Pro, sans-serif">{"".join(texts)}</g></svg>'
    size = f'width="{width:g}" height="{tall:g}" viewBox="0 0 {width:g} {tall:g}"'
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    return _HEAD.sub(rf"<svg\1 {size}\4>{ground}", svg, count=1).rstrip().removesuffix("</svg>") + below + "\n"


def _table(spec: Mapping[str, Any], foot: str) -> str:
    """Return a chart's data under the titles of its columns, then source and licence; no cell is read as a formula."""
    titles, out = dict(_titles(spec)), io.StringIO()
    writer = csv.writer(out)
    for frame in data_frames(dict(spec)).values():
        shown = [str(c) for c in frame if not str(c).startswith(("row_id", "_")) and frame[c].notna().any()]
        writer.writerow([_cell(titles.get(c, c.replace("_", " ").capitalize())) for c in shown])
        writer.writerows([_cell(cell) for cell in row] for row in frame[shown].itertuples(index=False))
        writer.writerow([])
    writer.writerow([_cell(foot)])
    return out.getvalue()


def _titles(spec: Any) -> Iterator[tuple[str, str]]:
    """Yield what a chart calls its fields: an encoding's title, or that of its axis or legend."""
    if isinstance(spec, Mapping):
        places = (spec, spec.get("axis"), spec.get("legend"))
        named = [place["title"] for place in places if isinstance(place, Mapping) and place.get("title")]
        if isinstance(spec.get("field"), str) and named and isinstance(named[0], str):
            yield spec["field"], named[0]
    parts = [v for k, v in spec.items() if k != "datasets"] if isinstance(spec, Mapping) else spec
    for part in parts:
        if isinstance(part, (Mapping, list)):
            yield from _titles(part)


def _cell(value: Any) -> Any:
    if value is None or value != value:
        return ""
    text = " ".join(value.split()) if isinstance(value, str) else value
    return f"'{text}" if isinstance(text, str) and text[:1] in ("=", "+", "-", "@") else text
