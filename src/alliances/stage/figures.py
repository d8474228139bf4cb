"""Makes the files of each figure: drawing, download with title and source, data, specification, compiled chart."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pandas as pd

from alliances.charts.drawing import datasets, walk
from alliances.errors import PublishError
from alliances.run.cache import Cache, digest, library_digest, versions
from alliances.stage.chapters import Output, line_text
from alliances.text.widths import wrapped

_SPOKEN = re.compile(r'\s(?:role|aria-[a-z]+)="[^"]*"')
_GEOMETRY = re.compile(r'(\s(?:d|transform|[xy][12]?)=")([^"]*)')
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_SIZE = re.compile(r' width="([\d.]+)" height="([\d.]+)" viewBox="[^"]*"([^>]*)>')


def draw_figures(outputs: Sequence[Output], licence: str, folder: Path, cache: Cache) -> None:
    """Write the files of figures into `figures/` and `vega/` of a staged folder; other processes draw.

    PublishError if a chart cannot be drawn.
    """
    for path in (folder / "figures", folder / "vega"):
        path.mkdir(parents=True, exist_ok=True)
    kinds, figures = {"": "spec", "-narrow": "narrow"}, [output for output in outputs if output["kind"] == "figure"]
    drawn = _drawn({f"{output['id']}{end}": output[kind] for output in figures for end, kind in kinds.items()}, cache)
    for output in figures:
        name, files, alt = output["id"], dict[str, str](), output["alt"]
        source = line_text(output["source"]).removeprefix("Source:").strip()
        foot = f"{'Source: ' if source else ''}{source} {licence}".strip()
        for one in (f"{name}{end}" for end in kinds):
            told = {**drawn[one]["spec"], "usermeta": {"source": source, "licence": licence}}
            files[f"figures/{one}.json"] = json.dumps(told, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
            files[f"figures/{one}.svg"] = _small(drawn[one]["svg"], one, alt)
            files[f"vega/{one}.json"] = json.dumps(drawn[one]["vega"], ensure_ascii=False, separators=(",", ":"))
        files[f"figures/{name}-download.svg"] = _signed(_small(drawn[name]["download"], f"{name}-download", alt), foot)
        files[f"figures/{name}.csv"] = f"\ufeff{_table(output['spec'], foot)}"
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8", newline="")


def _drawn(charts: Mapping[str, Any], cache: Cache) -> dict[str, Any]:
    """Draw charts, those that the cache does not hold, in processes of their own."""
    drawn_by = library_digest("charts/drawing.py"), versions("vl-convert-python")
    keys = {name: digest(spec, *drawn_by) for name, spec in charts.items()}
    made = {name: cache.get_json("charts", key) for name, key in keys.items()}
    todo = [name for name, found in made.items() if found is None]

    def draw(names: Sequence[str]) -> Any:
        script = [sys.executable, "-m", "alliances.charts.drawing"]
        jobs, environment = json.dumps([charts[name] for name in names]).encode(), {**os.environ, "TZ": "UTC"}
        done = subprocess.run(script, input=jobs, capture_output=True, check=False, env=environment)
        if done.returncode:
            reason = done.stderr.decode("utf-8", errors="replace").strip().rpartition("\n")[2] or "it gave no reason"
            raise PublishError(f"The charts could not be drawn: {reason.rstrip('.')}.")
        return zip(names, json.loads(done.stdout), strict=True)

    parts = (
        (todo[::4] + todo[3::4], todo[1::4] + todo[2::4]) if len(todo) > 8 else (todo,)
    )  # to start one takes as long as to draw some
    with ThreadPoolExecutor(2) as pool:
        for name, found in chain.from_iterable(pool.map(draw, filter(None, parts))):
            if "error" in found:
                raise PublishError(f"The figure {name}: {found['error']}")
            made[name] = found
            cache.put_json("charts", keys[name], found)
    return made


def _small(svg: str, name: str, alt: str) -> str:
    """Make of Vega's drawing one image with one text, with rounded coordinates and ids of its own."""
    ids: dict[str, str] = {}
    svg = re.sub(r"\bclip\d+\b", lambda m: ids.setdefault(m[0], f"{name}-clip{len(ids)}"), _SPOKEN.sub("", svg))
    svg = _GEOMETRY.sub(lambda m: m[1] + _LONG_NUMBER.sub(lambda n: f"{round(float(n[0]), 2) + 0:g}", m[2]), svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label={quoteattr(" ".join(alt.split()))} ', 1)


def _signed(svg: str, foot: str) -> str:
    """Add source and licence below a drawing, on white ground."""
    before, wide, high, more, after = _SIZE.split(svg, maxsplit=1)
    lines = list(enumerate(wrapped(foot, float(wide) - 8, 11), 1))
    tall = float(high) + 14 * len(lines) + 8
    size = f'width="{float(wide):g}" height="{tall:g}" viewBox="0 0 {float(wide):g} {tall:g}"{more}'
    texts = [f'<text x="4" y="{float(high) + 14 * n:g}" font-size="11">{escape(line)}</text>' for n, line in lines]
    below = f'<g font-family="Source Sans Pro, sans-serif">{"".join(texts)}</g></svg>\n'
    return f'{before} {size}><rect width="100%" height="100%" fill="#fff"/>{after.rstrip()[:-6]}{below}'


def _table(spec: Mapping[str, Any], foot: str) -> str:
    """Return what a chart says as one table, then source and licence; no cell is read as a formula.

    Columns stand under their titles. What only places a mark is left out, and a row that another one says with more.
    """
    titles, columns = _told(spec), dict[str, None]()
    rows: dict[frozenset[tuple[str, Any]], None] = {}
    for frame in map(pd.DataFrame, datasets(dict(spec)).values()):
        told = [column for column in map(str, frame) if column in titles]
        columns |= dict.fromkeys(told)
        for row in frame[told].map(_cell).to_dict("records"):
            rows[frozenset((str(name), cell) for name, cell in row.items() if pd.notna(cell) and cell != "")] = None
    table = pd.DataFrame([dict(row) for row in rows if not any(row < other for other in rows)])
    named = table.reindex(columns=[name for name in columns if name in table]).rename(columns=titles)
    parts = [named] * bool(len(named)) + [pd.DataFrame(columns=[_cell(foot)])]
    return "\r\n".join(part.to_csv(index=False, lineterminator="\r\n") for part in parts)


def _told(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns that a chart tells a reader and their titles: not those of places without an axis."""
    titles: dict[str, str] = {}
    for encoding in (part["encoding"] for part in walk(dict(spec)) if isinstance(part.get("encoding"), Mapping)):
        for channel, encoded in encoding.items():
            place = encoding.get(channel.rstrip("2"), encoded)
            bare = isinstance(place, Mapping) and "axis" in place and place["axis"] is None
            if channel.startswith(("lat", "lon")) or (bare and place.get("type") == "quantitative"):
                continue
            for one in encoded if isinstance(encoded, list) else [encoded]:
                one = {**one, **one["condition"]} if isinstance(one.get("condition"), Mapping) else one
                name = one.get("field")
                if isinstance(name, str) and not name.startswith(("row_id", "_")):
                    titles.setdefault(name, _cell(name.replace("_", " ").capitalize()))
                    for holder in (one.get("legend"), one.get("axis"), one):  # its own title goes before these
                        if isinstance(holder, Mapping) and isinstance(holder.get("title"), str) and holder["title"]:
                            titles[name] = _cell(holder["title"])
    return titles


def _cell(value: Any) -> Any:
    text = " ".join(value.split()) if isinstance(value, str) else value
    return f"'{text}" if isinstance(text, str) and text[:1] in ("=", "+", "-", "@") else text
