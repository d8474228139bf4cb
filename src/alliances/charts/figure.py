"""A chart made ready for print: exact width, UTC, small data; and what its data say about their evidence."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from numbers import Real
from typing import Any

import altair

from alliances.analysis.frames import REMEDY
from alliances.charts.drawing import Spec, datasets, panels, walk
from alliances.charts.theme import WIDTHS, Printed, brand
from alliances.errors import refuse
from alliances.text.numbers import find_numbers
from alliances.text.widths import wrapped

_DATUM = re.compile(r"""datum(?:\.(\w+)|\[\s*['"](.+?)['"]\s*\])""")
#: What makes a day another one west or east of here, in a specification's JSON, and the same in UTC.
_IN_UTC = {
    r'"timeUnit": "(?!utc)': '"timeUnit": "utc',
    r'"year": (?=\d)': '"utc": true, "year": ',
    r"\btimeFormat\(": "utcFormat(",
    r"\b(year|quarter|month|date|day|hours|minutes|seconds)\((?=datum)": r"utc\1(",
}
_LOSING = ("aggregate", "bin", "density", "regression", "loess", "quantile")


def prepare(
    chart: altair.TopLevelMixin, *, width_mm: int | str, title: str = "", subtitle: str = "", alt: str = ""
) -> Spec:
    """Return a chart's Vega-Lite specification: the same bytes each time; `drawing.fitted` makes it as wide as printed.

    The chart is single, layered, concatenated or faceted, its panels share the width in proportion to the widths they
    ask for. `width_mm` is 47, 112, 166, or ``"narrow"`` for a phone; title and subtitle are wrapped to it; `alt` is the
    alternative text. NarrativeError if the layout has no such width, or a map has another.
    """
    refuse(width_mm not in WIDTHS, f"A figure is {', '.join(map(str, WIDTHS))} wide, not {width_mm}.")
    # A chart for a phone is one that has passed at its printed width.
    spec, width = _settled(chart.to_dict(validate=width_mm != "narrow")), WIDTHS[width_mm]
    spec["description"] = alt
    if title:
        lines = {"text": wrapped(title, width - 4, 14.67, 600), "subtitle": wrapped(subtitle, width - 4, 12)}
        look = {"frame": "bounds", "color": brand("navy"), "subtitleColor": brand("grey"), "fontSize": 14.67}
        spec["title"] = {**lines, **look, "lineHeight": 18, "offset": 10}
    if "projection" in spec:
        wide = spec.get("width", width)
        refuse(wide != width, f"The map is {wide} pixels wide, the figure {width}: give both one width.")
        return spec | {"width": width, "padding": 0, "autosize": {"type": "fit-x", "contains": "padding"}}
    # Labels beside marks have to be measured, which `fitted` does: no notebook waits for that.
    leaves = panels(spec)
    asked = [leaf["width"] if isinstance(leaf.get("width"), (int, float)) else 200 for leaf in leaves]
    scale = 0.7 * width / float((sum if "hconcat" in spec else max)(asked or [1]))
    for leaf, one in zip(leaves, asked, strict=True):
        leaf["width"] = round(one * scale, 1)
    spec |= {"autosize": "pad", "padding": {"left": 0, "right": 0, "top": 2, "bottom": 2}}
    return spec | {"usermeta": {"fit": {"width": width, "asked": asked}}}


def _strings(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for part in node for text in _strings(part)]
    return [node] if isinstance(node, str) else []


def _settled(spec: Spec) -> Spec:
    """Make it the same each time: names counted from 1, days in UTC, each of its data once, with what is used of it."""
    given, kept, seen = spec.pop("datasets", {}), Spec(), dict[str, str]()
    text = json.dumps(spec, ensure_ascii=False)  # Altair counts over the whole session
    text = re.sub(r"\b(view|param|concat)_\d+\b", lambda m: seen.setdefault(m[0], f"{m[1]}_{len(seen) + 1}"), text)
    for local, utc in _IN_UTC.items():
        text = re.sub(local, utc, text)
    spec = json.loads(text)
    for part in [node for node in walk(spec) if node.get("type") == "temporal"]:
        part["scale"] = {"type": "utc", **(part.get("scale") or {})}  # also prints texts and tooltips in UTC
        spec["config"]["timeFormat"] = "%-d %B %Y"  # of these
    strings = _strings([value for node in walk(spec) for key, value in node.items() if key != "data"])
    used = {*(string.replace("\\", "") for string in strings), *chain(*_DATUM.findall(" ".join(strings)))}
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
    return {**spec, "datasets": kept}


def row_ids(spec: Spec) -> list[str]:
    """Return the ids of all rows that a chart shows, each once, in their order."""
    return _ids(row for rows in datasets(spec).values() for row in rows)


def _ids(rows: Iterable[Spec]) -> list[str]:
    cells = [str(value) for row in rows for key, value in row.items() if key.startswith("row_id") and value]
    return list(dict.fromkeys(" ".join(cells).split()))


def _channels(spec: Spec) -> Iterator[tuple[str, Spec, list[tuple[Any, Spec]]]]:
    """Yield each channel's definitions, with the cells of its field in all of the chart's data and their rows."""
    rows = [row for rows in spec["datasets"].values() if isinstance(rows, list) for row in rows]
    for node in walk(spec):
        facet = node.get("facet", {})
        encoding = {**node.get("encoding", {}), **({"facet": facet} if "field" in facet else facet)}
        parts = {name: part if isinstance(part, list) else [part] for name, part in encoding.items()}
        listed = [(name, part) for name, several in parts.items() for part in several]
        for channel, part in [*listed, *((name, part.get("condition")) for name, part in listed)]:
            if isinstance(part, dict):
                yield channel, part, [(row[part["field"]], row) for row in rows if part.get("field") in row]


def check_layers(spec: Spec, allowed: bool = False) -> list[str]:
    """Say what keeps a chart from resting on evidence: numbers drawn without row ids, if not `allowed` without."""
    found: list[str] = []
    for node in walk(spec):
        if url := node.get("data", {}).get("url"):
            found.append(f"The chart loads {url}: a chart holds its data, so that it works without a network.")
        found += [f"The chart has {kind}, which loses row ids: do it in pandas." for kind in _LOSING if node.get(kind)]
        if node.get("datum") and not isinstance(node["datum"], str) and not allowed:
            found.append("The chart draws a number typed into it: take it from a frame.")
    for channel, part, cells in _channels(spec):
        kind, what = part.get("type"), f"The channel {channel} draws “{part.get('field')}”"
        words = str if kind == "quantitative" else Printed if channel not in ("text", "tooltip") else ()
        if any(isinstance(cell, words) for cell, _ in cells):
            less = "take edition.spread(frame) and draw value_low or value_high; value_text is for labels"
            found.append(f"{what}, which holds no plain numbers: {less}.")
        if channel in ("text", "tooltip") and kind == "temporal" and any(cell is None for cell, _ in cells):
            found.append(f"{what}, a day that some rows lack: leave them out with dropna.")
        told = str if kind == "temporal" else Real
        numbers = [row for cell, row in cells if isinstance(cell, told) and not isinstance(cell, bool)]
        bare = sum(not _ids([row]) for row in numbers)
        if bare and not allowed and part.get("scale", {}) is not None:  # without a scale it holds pixels
            remedy = f"{REMEDY}, or give the figure reference= or assumption="
            found.append(f"{what} without row_id in {bare} of {len(numbers)} rows: {remedy}.")
    return found


def words(spec: Spec) -> list[tuple[str, tuple[str, ...]]]:
    """Return the words in a chart that hold a number, a number word or a month, each with the ids of its row.

    Words typed into the chart (titles of axes, labels) have no ids. Title and subtitle of the whole are left out.
    """
    found: list[tuple[str, tuple[str, ...]]] = []
    for channel, part, cells in _channels(spec):
        is_printed = channel == "text" or part.get("scale", {}) is not None
        if part.get("type") in ("nominal", "ordinal") and is_printed:
            found += [(cell, tuple(_ids([row]))) for cell, row in cells if isinstance(cell, str)]
        found += [(text, ()) for text in _strings([part.get("value"), part.get("datum")] * (channel == "text"))]
    for node in walk({key: value for key, value in spec.items() if key not in ("title", "description")}):
        found += [(text, ()) for key in ("title", "subtitle", "text") for text in _strings(node.get(key))]
        for text in _strings([node.get(key) for key in ("labelExpr", "calculate", "expr")]):
            quoted = re.findall(r"'([^']*)'|\"([^\"]*)\"", re.sub(r"datum\[.*?\]", "", text))
            found += [(first or second, ()) for first, second in quoted]
    return [one for one in dict.fromkeys(found) if find_numbers(one[0])]
