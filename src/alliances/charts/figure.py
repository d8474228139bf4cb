"""A chart made ready for print: exact width, UTC, small data; and what its data say about their evidence."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import altair
import pandas as pd

from alliances.charts.theme import WIDTHS, Printed, brand, wrapped
from alliances.errors import NarrativeError
from alliances.text.numbers import find_numbers

__all__ = ["check_layers", "data_frames", "fitted", "png", "prepare", "row_ids", "svg", "vega", "words"]

Spec = dict[str, Any]
_VEGALITE = "5.20"  # of vl-convert's versions, the one that Altair 5.5 writes
_PARTS = ("layer", "hconcat", "vconcat", "concat")
_DATUM = re.compile(r"""datum(?:\.(\w+)|\[\s*['"](.+?)['"]\s*\])""")
_LOCAL = re.compile(r"\b(year|quarter|month|date|day|hours|minutes|seconds)\(")
_LOSING = ("aggregate", "bin", "density", "regression", "loess", "quantile")
_REMEDY = (
    "keep the column row_id (merge keeps it; melt with id_vars; groupby with agg(row_id=('row_id', ' '.join))), "
    "or give the figure reference= or assumption="
)


def prepare(
    chart: altair.TopLevelMixin, *, width_mm: int | str, title: str = "", subtitle: str = "", alt: str = ""
) -> Spec:
    """Return the Vega-Lite specification of a chart: the same bytes each time; `fitted` makes it as wide as printed.

    Parameters
    ----------
    chart : altair chart
        Single, layered, concatenated or faceted. Panels share the width in proportion to the widths they ask for.
    width_mm : int or str
        47, 112 or 166, or ``"narrow"`` for a phone.
    title, subtitle : str
        Wrapped to the width.
    alt : str
        Alternative text.

    Raises
    ------
    NarrativeError
        If the layout has no such width, the chart cannot be that narrow, or a channel draws no plain numbers.
    """
    if width_mm not in WIDTHS:
        raise NarrativeError(f"A figure is {', '.join(map(str, WIDTHS))} wide, not {width_mm}.")
    spec = _numbered(_in_utc(chart.to_dict()))
    _name_data(spec)
    for unit in _units(spec):
        _refuse_words(unit)
    width = WIDTHS[width_mm]
    heading: Spec = {"text": wrapped(title, width - 4, 14.67, 600), "subtitle": wrapped(subtitle, width - 4, 12)}
    heading |= {"frame": "bounds", "color": brand("navy"), "fontSize": 14.67, "lineHeight": 18, "offset": 10}
    spec.pop("title" if title else "", None)
    _set_width(spec, width)
    return spec | ({"title": heading} if title else {}) | ({"description": alt} if alt else {})


def _walk(node: Any) -> Iterator[Spec]:
    """Yield the objects of a specification, parents first, without data and configuration."""
    if isinstance(node, dict):
        yield node
        node = [value for key, value in node.items() if key not in ("datasets", "values", "config")]
    for child in node if isinstance(node, list) else []:
        yield from _walk(child)


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for part in node:
            yield from _strings(part)
    elif isinstance(node, str):
        yield node


def _numbered(spec: Spec) -> Spec:
    """Count Altair's names of views and parameters from 1: it counts over the whole session."""
    data, seen = spec.pop("datasets", {}), dict[str, str]()
    text = re.sub(
        r"\b(view|param|concat)_\d+\b",
        lambda match: seen.setdefault(match[0], f"{match[1]}_{len(seen) + 1}"),
        json.dumps(spec, ensure_ascii=False),
    )
    return {**json.loads(text), "datasets": data}


def _in_utc(spec: Spec) -> Spec:
    """Make a day the same day in each time zone: in scales, units of time, expressions and printed dates."""
    for node in _walk(spec):
        for key in ("calculate", "filter", "labelExpr", "expr", "test"):
            if isinstance(node.get(key), str):
                node[key] = _LOCAL.sub(r"utc\1(", node[key]).replace("timeFormat(", "utcFormat(")
        unit = node.get("timeUnit")
        if isinstance(unit, str) and not unit.startswith("utc"):
            node["timeUnit"] = f"utc{unit}"
        if isinstance(node.get("year"), int):
            node["utc"] = True
        encoding = node.get("encoding", {})
        for channel, part in _parts(encoding if isinstance(encoding, dict) else {}):
            if part.get("type") == "temporal" and channel in ("text", "tooltip"):
                _print_days(node, part)
            elif part.get("type") == "temporal" and channel not in ("detail", "order", "row", "column", "facet"):
                part["scale"] = {"type": "utc", **(part.get("scale") or {})}
    return spec


def _print_days(unit: Spec, part: Spec) -> None:
    """Print a day by an expression: in these channels Vega-Lite prints local time, whatever the unit."""
    field, name = f"{part['field']} printed", json.dumps(part["field"])
    form = json.dumps(part.pop("format", "%-d %B %Y"))
    expression = f"datum[{name}] == null ? '' : utcFormat(toDate(datum[{name}]), {form})"
    unit.setdefault("transform", []).append({"calculate": expression, "as": field})
    part.pop("timeUnit", None)
    part.update(type="nominal", title=part.get("title", part["field"]), field=field)


def _name_data(spec: Spec) -> None:
    """Hold each of the chart's data once, with the columns that it uses and the ids, under a name that stays."""
    given, kept = spec.pop("datasets"), Spec()
    used: set[str] = set()
    for node in _walk(spec):
        for text in _strings([value for key, value in node.items() if key != "data"]):
            used.update([text.replace("\\", ""), *(first or second for first, second in _DATUM.findall(text))])
    for holder in [node["data"] for node in _walk(spec) if isinstance(node.get("data"), dict)]:
        values = holder.pop("values", given.get(holder.get("name")))
        if values is None:
            continue
        if isinstance(values, list):
            values = [{k: v for k, v in row.items() if k in used or k.startswith("row_id")} for row in values]
        name = holder.get("name", "data-")
        name = name if name.startswith("_") else f"data-{sum(not key.startswith('_') for key in kept) + 1}"
        name = next((key for key, other in kept.items() if other == values), name)
        while kept.get(name, values) != values:
            name += "_"  # two maps in one figure have labels of the same name
        holder["name"] = name
        kept[name] = values
    spec["datasets"] = kept


def data_frames(spec: Spec) -> dict[str, pd.DataFrame]:
    """Return the data that a chart shows, by name, without shapes and drawing aids, whose names begin with ``_``."""
    data = spec["datasets"].items()
    return {name: pd.DataFrame(rows) for name, rows in data if isinstance(rows, list) and not name.startswith("_")}


def row_ids(spec: Spec) -> list[str]:
    """Return the ids of all rows that a chart shows, each once, in their order."""
    return _ids(row for rows in spec["datasets"].values() if isinstance(rows, list) for row in rows)


def _ids(rows: Iterable[Spec]) -> list[str]:
    cells = [value for row in rows for key, value in row.items() if key.startswith("row_id") and value]
    return list(dict.fromkeys(one for cell in cells for one in str(cell).split()))


class _Unit(NamedTuple):
    """A layer with what it inherits."""

    mark: str
    channels: list[tuple[str, Spec]]
    rows: list[Spec]
    transforms: list[Spec]
    url: str


def _parts(encoding: Spec) -> list[tuple[str, Spec]]:
    """Return the definitions of all channels; a condition may name a field of its own."""
    listed = [(name, one) for name, part in encoding.items() for one in (part if isinstance(part, list) else [part])]
    nested = [(name, one.get("condition")) for name, one in listed if isinstance(one, dict)]
    return [(name, one) for name, one in [*listed, *nested] if isinstance(one, dict)]


def _units(spec: Spec) -> Iterator[_Unit]:
    def rows_of(data: Spec) -> list[Spec]:
        rows = spec["datasets"].get(data.get("name"))
        return rows if isinstance(rows, list) else []

    def visit(node: Spec, data: Spec, encoding: Spec, transforms: list[Spec]) -> Iterator[_Unit]:
        data, facet = node.get("data", data), node.get("facet", {})
        encoding = {**encoding, **node.get("encoding", {}), **({"facet": facet} if "field" in facet else facet)}
        transforms = [*transforms, *node.get("transform", [])]
        for child in [part for name in _PARTS for part in node.get(name, [])] + [node[k] for k in node if k == "spec"]:
            yield from visit(child, data, encoding, transforms)
        if "mark" in node:
            mark = node["mark"] if isinstance(node["mark"], str) else node["mark"]["type"]
            joined = [row for one in transforms for row in rows_of(one.get("from", {}).get("data", {}))]
            yield _Unit(mark, _parts(encoding), [*rows_of(data), *joined], transforms, data.get("url", ""))

    yield from visit(spec, {}, {}, [])


def _refuse_words(unit: _Unit) -> None:
    for channel, part in unit.channels:
        cells = [row.get(part.get("field", "")) for row in unit.rows]
        objects = channel not in ("text", "tooltip") and any(isinstance(cell, Printed) for cell in cells)
        if objects or (part.get("type") == "quantitative" and any(isinstance(cell, str) for cell in cells)):
            raise NarrativeError(
                f"The channel {channel} draws “{part['field']}”, which holds no plain numbers: take "
                "edition.spread(frame) and draw value_low or value_high; value_text is for labels."
            )


def check_layers(spec: Spec, allowed: bool = False) -> list[str]:
    """Say in sentences what keeps the layers of a chart from resting on evidence.

    A layer that draws a number needs row ids. A channel with ``scale=None`` places a mark in pixels: it is no number.

    Parameters
    ----------
    spec : dict
        As :func:`prepare` returns it.
    allowed : bool
        Whether the figure names a reference or an assumption, so that its data need no ids.
    """
    return list(dict.fromkeys(problem for unit in _units(spec) for problem in _problems(unit, allowed)))


def _problems(unit: _Unit, allowed: bool) -> Iterator[str]:
    if unit.url:
        yield f"The {unit.mark} layer loads {unit.url}: a chart holds its data, so that it works without a network."
    for kind in [kind for one in unit.transforms for kind in _LOSING if kind in one]:
        yield f"The {unit.mark} layer has the transform {kind}, which loses row ids: do it in pandas."
    for channel, part in unit.channels:
        if part.get("aggregate") or part.get("bin"):
            kind = part["aggregate"] if isinstance(part.get("aggregate"), str) else "bin"
            yield f"The channel {channel} of the {unit.mark} layer has {kind}, which loses row ids: do it in pandas."
        elif not allowed and part.get("datum") and not isinstance(part["datum"], str):
            yield f"The channel {channel} of the {unit.mark} layer draws a number typed into it: take it from a frame."
        elif not allowed and "field" in part and part.get("scale", {}) is not None:
            drawn = [row for row in unit.rows if _is_number(row.get(part["field"]), channel, part.get("type", ""))]
            bare = sum(not _ids([row]) for row in drawn)
            if bare:
                which = "no row_id" if bare == len(drawn) else f"no row_id in {bare} of {len(drawn)} rows"
                yield f"The {unit.mark} layer draws “{part['field']}” ({channel}) from data with {which}: {_REMEDY}."


def _is_number(cell: Any, channel: str, kind: str) -> bool:
    if isinstance(cell, str):
        return kind == "temporal" or (channel == "text" and bool(find_numbers(cell)))
    return cell is not None and not isinstance(cell, bool)


def words(spec: Spec) -> list[tuple[str, tuple[str, ...]]]:
    """Return the words in a chart that hold a number, a number word or a month, each with the ids of its row.

    Words typed into the chart (titles of axes, labels) have no ids. Title and subtitle of the whole are left out. The
    caller accounts for each by the values of its rows or by what a placeholder printed, and refuses the others.
    """
    found: list[tuple[str, tuple[str, ...]]] = []
    for unit in _units(spec):
        for channel, part in unit.channels:
            if channel in ("x2", "y2"):  # these have the type of x and y, and no words
                continue
            scale = part.get("scale", {})
            if part.get("type") not in ("quantitative", "temporal") and (scale is not None or channel == "text"):
                cells = [(row.get(part.get("field", "")), row) for row in unit.rows]
                found += [(str(cell), tuple(_ids([row]))) for cell, row in cells if isinstance(cell, str)]
                drawn = {cell for cell, _ in cells}
                found += [(text, ()) for text in _strings((scale or {}).get("domain")) if text not in drawn]
            if channel == "text":
                found += [(text, ()) for text in _strings([part.get("value"), part.get("datum")])]
    for node in _walk({key: value for key, value in spec.items() if key not in ("title", "description")}):
        found += [(text, ()) for key in ("title", "subtitle", "text") for text in _strings(node.get(key))]
        for text in _strings([node.get(key) for key in ("labelExpr", "calculate", "expr")]):
            quoted = re.findall(r"'([^']*)'|\"([^\"]*)\"", re.sub(r"datum\[.*?\]", "", text))
            found += [(first or second, ()) for first, second in quoted]
    return [one for one in dict.fromkeys(found) if find_numbers(one[0])]


def _set_width(spec: Spec, width: int) -> None:
    """Ask for a width; labels beside marks have to be measured, which `fitted` does: no notebook waits for that."""
    if "projection" in spec:
        if spec.get("width", width) != width:
            raise NarrativeError(f"The map is {spec['width']} pixels wide, the figure {width}: give both one width.")
        spec.update(width=width, padding=0, autosize={"type": "fit-x", "contains": "padding"})
        return
    leaves = [leaf for leaf in _leaves(spec) if "projection" not in leaf]
    asked = [leaf["width"] if isinstance(leaf.get("width"), (int, float)) else 200 for leaf in leaves]
    spec |= {"autosize": "pad", "padding": {"left": 0, "right": 0, "top": 2, "bottom": 2}}
    spec["usermeta"] = {"fit": {"width": width, "asked": asked}}
    _stretch(leaves, asked, 0.7 * width / float((sum if "hconcat" in spec else max)(asked or [1])))


def _stretch(leaves: list[Spec], asked: list[float], scale: float) -> None:
    for leaf, one in zip(leaves, asked, strict=True):
        leaf["width"] = round(one * scale, 1)


def fitted(spec: Spec) -> Spec:
    """Make a prepared chart exactly as wide as printed, by drawing it: Vega would cut labels off.

    Raises
    ------
    NarrativeError
        If it cannot be that narrow.
    """
    spec = json.loads(json.dumps(spec))
    wanted = spec.pop("usermeta", {}).get("fit")
    if not wanted:
        return spec
    width, asked = wanted["width"], wanted["asked"]
    leaves = [leaf for leaf in _leaves(spec) if "projection" not in leaf]
    growth, least = float((sum if "hconcat" in spec else max)(asked or [1])), 12 / min(asked or [1])
    scale, step, now = 0.7 * width / growth, 0.0, 0.0
    narrow, wide = 0.0, 0.0  # scales that were too small, and too large
    for _ in range(14):
        _stretch(leaves, asked, scale)
        before, now = now, float(re.findall(r'width="([\d.]+)"', _drawn(spec))[0])
        if 0 <= width - now < (2 if leaves else width):
            spec["padding"]["right"] += round(width - now, 1)
            return spec
        narrow, wide = (narrow, scale) if now > width else (scale, wide)
        if (now - before) * step > 0:
            growth = (now - before) / step
            step = max((width - 0.4 - now) / growth, least - scale)
        else:  # a title was the widest part, and the width did not move
            step = (narrow + wide) / 2 - scale if wide and narrow else max((width - 0.4 - now) / growth, least - scale)
        scale += step
    raise NarrativeError(f"The chart does not fit into {width} pixels: shorten its labels or use fewer panels.")


def _leaves(node: Spec) -> list[Spec]:
    """Return the panels of a chart: single charts and layers."""
    if "mark" in node or "layer" in node:
        return [node]
    children = [part for name in _PARTS for part in node.get(name, [])] + [node[key] for key in node if key == "spec"]
    return [leaf for child in children for leaf in _leaves(child)]


@cache
def _converter() -> Any:
    # Imported when first drawn with: it takes a second, and a process that has drawn cannot be forked.
    import font_source_sans_pro
    import vl_convert

    # It opens each face that it knows for each text: with the two that charts use it draws in half the time.
    folder = TemporaryDirectory(prefix="alliances-fonts-")
    for face in ("Regular", "Semibold"):
        shutil.copy(Path(font_source_sans_pro.font_directory) / f"SourceSansPro-{face}.ttf", folder.name)
    vl_convert.register_font_directory(folder.name)
    return vl_convert, folder  # which goes with the process


def _drawn(spec: Spec) -> str:
    return str(_converter()[0].vegalite_to_svg(spec, vl_version=_VEGALITE))


def svg(spec: Spec) -> str:
    """Draw a prepared chart as SVG, in the report's fonts and as wide as printed."""
    return _drawn(fitted(spec))


def vega(spec: Spec) -> Spec:
    """Compile a chart that is fitted for the live page, which carries a newer Vega than the schema's."""
    compiled: Spec = _converter()[0].vegalite_to_vega(spec, vl_version=_VEGALITE)
    compiled.pop("$schema", None)
    return compiled


def png(spec: Spec, scale: float = 2) -> bytes:
    """Draw a prepared chart as PNG, on white."""
    return bytes(_converter()[0].svg_to_png(svg(spec), scale=scale))
