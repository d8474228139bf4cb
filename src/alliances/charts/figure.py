"""A chart made ready for print: exact width, UTC, small data; and what its data say about their evidence."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import altair
import pandas as pd

from alliances.analysis.tracking import REMEDY
from alliances.charts.theme import WIDTHS, Printed, brand, wrapped
from alliances.errors import NarrativeError
from alliances.text.numbers import find_numbers

Spec = dict[str, Any]
_Unit = tuple[str, list[tuple[str, Spec]], list[Spec], list[Spec], Spec]
_PARTS = ("layer", "hconcat", "vconcat", "concat")
_DATUM = re.compile(r"""datum(?:\.(\w+)|\[\s*['"](.+?)['"]\s*\])""")
_LOCAL = re.compile(r"\b(year|quarter|month|date|day|hours|minutes|seconds)\(")
_LOSING = ("aggregate", "bin", "density", "regression", "loess", "quantile")


def prepare(
    chart: altair.TopLevelMixin, *, width_mm: int | str, title: str = "", subtitle: str = "", alt: str = ""
) -> Spec:
    """Return a chart's Vega-Lite specification: the same bytes each time; `drawing.fitted` makes it as wide as printed.

    The chart is single, layered, concatenated or faceted, its panels share the width in proportion to the widths they
    ask for. `width_mm` is 47, 112, 166, or ``"narrow"`` for a phone; title and subtitle are wrapped to it; `alt` is the
    alternative text. NarrativeError if the layout has no such width, or a map has another.
    """
    if width_mm not in WIDTHS:
        raise NarrativeError(f"A figure is {', '.join(map(str, WIDTHS))} wide, not {width_mm}.")
    spec, width = _numbered(_in_utc(chart.to_dict())), WIDTHS[width_mm]
    _name_data(spec)
    heading: Spec = {"text": wrapped(title, width - 4, 14.67, 600), "subtitle": wrapped(subtitle, width - 4, 12)}
    heading |= {"frame": "bounds", "color": brand("navy"), "fontSize": 14.67, "lineHeight": 18, "offset": 10}
    spec.pop("title" if title else "", None)
    _set_width(spec, width)
    return spec | ({"title": heading} if title else {}) | ({"description": alt} if alt else {})


def walk(node: Any) -> Iterator[Spec]:
    """Yield the objects of a specification, parents first, without data and configuration."""
    if isinstance(node, dict):
        yield node
        node = [value for key, value in node.items() if key not in ("datasets", "values", "config")]
    for child in node if isinstance(node, list) else []:
        yield from walk(child)


def _strings(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for part in node for text in _strings(part)]
    return [node] if isinstance(node, str) else []


def _numbered(spec: Spec) -> Spec:
    """Count Altair's names of views and parameters from 1: it counts over the whole session."""
    data, seen, text = spec.pop("datasets", {}), dict[str, str](), json.dumps(spec, ensure_ascii=False)
    text = re.sub(r"\b(view|param|concat)_\d+\b", lambda m: seen.setdefault(m[0], f"{m[1]}_{len(seen) + 1}"), text)
    return {**json.loads(text), "datasets": data}


def _in_utc(spec: Spec) -> Spec:
    """Make a day the same day in each time zone: in scales, units of time, expressions and printed dates."""
    for node in walk(spec):
        for key in ("calculate", "filter", "labelExpr", "expr", "test"):
            if isinstance(node.get(key), str):
                node[key] = _LOCAL.sub(r"utc\1(", node[key]).replace("timeFormat(", "utcFormat(")
        unit, encoding = node.get("timeUnit"), node.get("encoding", {})
        if isinstance(unit, str) and not unit.startswith("utc"):
            node["timeUnit"] = f"utc{unit}"
        if isinstance(node.get("year"), int):
            node["utc"] = True
        for channel, part in _definitions(encoding) if isinstance(encoding, dict) else ():
            if part.get("type") == "temporal" and channel not in ("detail", "order", "row", "column", "facet"):
                part["scale"] = {"type": "utc", **(part.get("scale") or {})}  # also prints texts and tooltips in UTC
                if channel in ("text", "tooltip"):
                    part.setdefault("format", "%-d %B %Y")
    return spec


def _name_data(spec: Spec) -> None:
    """Hold each of the chart's data once, with the columns that it uses and the ids, under a name that stays."""
    given, kept, used = spec.pop("datasets"), Spec(), set[str]()
    for text in _strings([value for node in walk(spec) for key, value in node.items() if key != "data"]):
        used.update([text.replace("\\", ""), *(first or second for first, second in _DATUM.findall(text))])
    for holder in [node["data"] for node in walk(spec) if isinstance(node.get("data"), dict)]:
        values = holder.pop("values", given.get(holder.get("name")))
        if isinstance(values, list):
            values = [{k: v for k, v in row.items() if k in used or k.startswith("row_id")} for row in values]
        if values is not None:
            name = holder.get("name", "")
            name = name if name.startswith("_") else f"data-{sum(not key.startswith('_') for key in kept) + 1}"
            name = next((key for key, other in kept.items() if other == values), name)
            while kept.get(name, values) != values:
                name += "_"  # two maps in one figure have labels of the same name
            holder["name"], kept[name] = name, values
    spec["datasets"] = kept


def data_frames(spec: Spec) -> dict[str, pd.DataFrame]:
    """Return the data that a chart shows, by name, without shapes and drawing aids, whose names begin with ``_``."""
    data = spec["datasets"].items()
    return {name: pd.DataFrame(rows) for name, rows in data if isinstance(rows, list) and not name.startswith("_")}


def row_ids(spec: Spec) -> list[str]:
    """Return the ids of all rows that a chart shows, each once, in their order."""
    data = spec["datasets"].items()
    return _ids(row for name, rows in data if isinstance(rows, list) and not name.startswith("_") for row in rows)


def _ids(rows: Iterable[Spec]) -> list[str]:
    cells = [str(value) for row in rows for key, value in row.items() if key.startswith("row_id") and value]
    return list(dict.fromkeys(" ".join(cells).split()))


def _definitions(encoding: Spec) -> list[tuple[str, Spec]]:
    """Return the definitions of all channels; a condition may name a field of its own."""
    listed = [(name, one) for name, part in encoding.items() for one in (part if isinstance(part, list) else [part])]
    nested = [(name, one.get("condition")) for name, one in listed if isinstance(one, dict)]
    return [(name, one) for name, one in [*listed, *nested] if isinstance(one, dict)]


def _children(node: Spec) -> list[Spec]:
    return [part for name in _PARTS for part in node.get(name, [])] + ([node["spec"]] if "spec" in node else [])


def _units(spec: Spec) -> Iterator[_Unit]:
    """Yield each layer with what it inherits: its mark, channels, rows, transforms, and where its data are."""
    tables = {name: rows for name, rows in spec["datasets"].items() if isinstance(rows, list)}

    def visit(node: Spec, data: Spec, encoding: Spec, transforms: list[Spec]) -> Iterator[_Unit]:
        data, facet = node.get("data", data), node.get("facet", {})
        encoding = {**encoding, **node.get("encoding", {}), **({"facet": facet} if "field" in facet else facet)}
        transforms = [*transforms, *node.get("transform", [])]
        for child in _children(node):
            yield from visit(child, data, encoding, transforms)
        if "mark" in node:
            mark = node["mark"] if isinstance(node["mark"], str) else node["mark"]["type"]
            held = [data, *(one.get("from", {}).get("data", {}) for one in transforms)]
            rows = [row for one in held for row in tables.get(one.get("name"), [])]
            yield mark, _definitions(encoding), rows, transforms, data

    yield from visit(spec, {}, {}, [])


def check_layers(spec: Spec, allowed: bool = False) -> list[str]:
    """Say what keeps a chart from resting on evidence: numbers drawn without row ids, if not `allowed` without."""
    return list(dict.fromkeys(problem for unit in _units(spec) for problem in _problems(unit, allowed)))


def _problems(unit: _Unit, allowed: bool) -> Iterator[str]:
    mark, channels, rows, transforms, data = unit
    if url := data.get("url"):
        yield f"The {mark} layer loads {url}: a chart holds its data, so that it works without a network."
    for kind in [kind for one in transforms for kind in _LOSING if kind in one]:
        yield f"The {mark} layer has the transform {kind}, which loses row ids: do it in pandas."
    for channel, part in channels:
        field, kind, where = part.get("field", ""), part.get("type", ""), f"The channel {channel} of the {mark} layer"
        cells = [(row.get(field), row) for row in rows]
        words = str if kind == "quantitative" else Printed if channel not in ("text", "tooltip") else ()
        if any(isinstance(cell, words) for cell, _ in cells):
            yield (
                f"{where} draws “{field}”, which holds no plain numbers: take edition.spread(frame) "
                "and draw value_low or value_high; value_text is for labels."
            )
        if channel in ("text", "tooltip") and kind == "temporal" and any(cell is None for cell, _ in cells):
            yield f"{where} prints the day “{field}”, which some rows lack: leave them out with dropna."
        if part.get("aggregate") or part.get("bin"):
            yield f"{where} has {part.get('aggregate') or 'bin'}, which loses row ids: do it in pandas."
        elif not allowed and part.get("datum") and not isinstance(part["datum"], str):
            yield f"{where} draws a number typed into it: take it from a frame."
        elif not allowed and field and part.get("scale", {}) is not None:  # without a scale it holds pixels
            drawn = [row for cell, row in cells if _is_number(cell, channel, kind)]
            if bare := sum(not _ids([row]) for row in drawn):
                what = f"The {mark} layer draws “{field}” ({channel}) without row_id in {bare} of {len(drawn)} rows"
                yield f"{what}: {REMEDY}, or give the figure reference= or assumption=."


def _is_number(cell: Any, channel: str, kind: str) -> bool:
    if isinstance(cell, str):
        return kind == "temporal" or (channel == "text" and bool(find_numbers(cell)))
    return cell is not None and not isinstance(cell, bool)


def words(spec: Spec) -> list[tuple[str, tuple[str, ...]]]:
    """Return the words in a chart that hold a number, a number word or a month, each with the ids of its row.

    Words typed into the chart (titles of axes, labels) have no ids. Title and subtitle of the whole are left out.
    """
    found: list[tuple[str, tuple[str, ...]]] = []
    for channel, part, rows in ((*one, rows) for _, channels, rows, *_ in _units(spec) for one in channels):
        if channel in ("x2", "y2"):  # these have the type of x and y, and no words
            continue
        scale = part.get("scale", {})
        if part.get("type") not in ("quantitative", "temporal") and (scale is not None or channel == "text"):
            cells = [(row.get(part.get("field", "")), row) for row in rows]
            found += [(str(cell), tuple(_ids([row]))) for cell, row in cells if isinstance(cell, str)]
            drawn = {cell for cell, _ in cells}
            found += [(text, ()) for text in _strings((scale or {}).get("domain")) if text not in drawn]
        found += [(text, ()) for text in _strings([part.get("value"), part.get("datum")] * (channel == "text"))]
    for node in walk({key: value for key, value in spec.items() if key not in ("title", "description")}):
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
    leaves = panels(spec)
    asked = [leaf["width"] if isinstance(leaf.get("width"), (int, float)) else 200 for leaf in leaves]
    spec |= {"autosize": "pad", "padding": {"left": 0, "right": 0, "top": 2, "bottom": 2}}
    spec["usermeta"] = {"fit": {"width": width, "asked": asked}}
    stretch(leaves, asked, 0.7 * width / float((sum if "hconcat" in spec else max)(asked or [1])))


def stretch(leaves: Sequence[Spec], asked: Sequence[float], scale: float) -> None:
    """Set the widths of panels in proportion to those that they ask for."""
    for leaf, one in zip(leaves, asked, strict=True):
        leaf["width"] = round(one * scale, 1)


def panels(node: Spec) -> list[Spec]:
    """Return the panels of a chart but maps, whose width is given: single charts and layers."""
    if "mark" in node or "layer" in node:
        return [node] if "projection" not in node else []
    return [leaf for child in _children(node) for leaf in panels(child)]
