"""The map of Europe as plain Altair layers, drawn at its printed size.

The shapes lie beside this module (``europe.topo.json``; ``europe.README.md`` says whose they are and how the file was
made) and go into each chart once, so that a map needs no network. Names come from ``data/countries.csv``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from math import cos, radians, sin, sqrt
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from alliances.charts.theme import WIDTHS, brand, halo, text_width, wrapped
from alliances.errors import NarrativeError
from alliances.paths import find_root

__all__ = ["europe"]

Point = tuple[float, float]
# Albers' equal-area conic, its parallels chosen for the latitudes shown: areas compare.
_PARALLELS, _ROTATE, _CENTRE = (40, 64), -14, 53
_WEST, _EAST, _SOUTH, _NORTH = -0.334, 0.372, -0.325, 0.332  # what a map shows, in the plane of the projection
# Where a name stands if the middle of the shape is no good place, in degrees of longitude and latitude.
_NAME_AT: dict[str, Point] = {
    "ALB": (18.1, 40.5), "AUT": (14.4, 47.5), "BEL": (4.1, 50.75), "BGR": (25.4, 42.75), "BIH": (17.8, 44.2),
    "CYP": (33.1, 34.5), "CZE": (15.4, 49.85), "DEU": (10.3, 51.2), "DNK": (8.4, 56.4), "ESP": (-3.7, 40.2),
    "EST": (25.8, 58.8), "FIN": (26.5, 63.2), "FRA": (2.4, 47.0), "GBR": (-1.9, 53.0), "GRC": (22.3, 39.35),
    "HRV": (15.6, 45.45), "HUN": (19.3, 47.1), "IRL": (-8.1, 53.2), "ISL": (-18.7, 64.9), "ITA": (12.6, 42.9),
    "LTU": (23.8, 55.35), "LUX": (7.1, 49.7), "LVA": (25.6, 56.9), "MKD": (21.8, 41.6), "MLT": (16.1, 35.8),
    "MNE": (17.4, 42.1), "NLD": (4.6, 52.75), "NOR": (8.9, 61.2), "POL": (19.3, 52.2), "PRT": (-7.95, 39.6),
    "ROU": (25.0, 45.9), "RUS": (38.5, 56.0), "SVK": (19.4, 48.75), "SVN": (14.4, 46.15), "SWE": (15.3, 62.3),
    "TUR": (33.3, 39.1), "UKR": (31.4, 49.1),
}  # fmt: skip
_DASHES = ([1, 0], [3, 2], [1, 1.6])
_MOVES = [(x, y) for x in (-18, -9, 0, 9, 18) for y in (-18, -12, -6, 0, 6, 12, 18)]
_OFFSETS = sorted(_MOVES, key=lambda move: (abs(move[0]) + abs(move[1]), move))
_BOX = 11  # a box of the legend, in pixels


def europe(
    frame: pd.DataFrame,
    colour: str,
    *,
    domain: Sequence[str] = (),
    range: Sequence[str] = (),
    outline: str = "",
    outlines: Sequence[str] = (),
    hatch: str = "",
    labels: str | None = None,
    focus: str = "",
    width: int | str = 112,
) -> alt.LayerChart:
    """Draw countries in colours, with their names; those beyond the map stand in boxes under it.

    Parameters
    ----------
    frame : DataFrame
        One row a country: ``iso3`` (or ``actor_id``), ``row_id``, and the columns named below.
    colour : str
        Column of words that colours a country.
    domain, range : sequence of str
        The words in the order of the legend, and their colours; otherwise as they come, in the brand's order.
    outline : str
        Column of words that says how a country is outlined: how we know.
    outlines : sequence of str
        Its words: the first is drawn plainly, the second dashed, the third dotted.
    hatch : str
        Column of words; a country that has one is hatched, and the word stands in the legend.
    labels : str, optional
        Column of the labels; an empty one is left out. By default names, and none at 47 mm. A label for which there
        is no room is left out as well.
    focus : str
        A country to outline, ISO alpha-3.
    width : int or str
        Printed width, the figure's: 47, 112, 166 or ``"narrow"``.
    """
    sheet = _Sheet(WIDTHS[width])
    labels = ("" if width == 47 else "name") if labels is None else labels
    shown = _countries(frame, [c for c in (colour, outline, hatch) if c], labels)
    kinds = [kind for kind in (domain or shown[colour].unique()) if kind]
    every = [brand(name) for name in ("ready", "peacekeepers", "undecided", "refuses", "compare", "refuses-pale")]
    known = set(shown[colour])
    fills = {kind: fill for kind, fill in zip(kinds, range or every * 9, strict=False) if kind in known}
    how = list(outlines or (shown[outline].unique() if outline else ()))[:3]
    on_map, away = shown[shown["id"] != ""], shown[shown["id"] == ""]
    pale = [kind for kind, fill in fills.items() if _light(fill) > 200]
    shape = _codes(find_root()).get(focus, ("",))[0]
    layers = [_land(on_map, fills, [colour, outline, hatch])]
    layers += _hatched([r for one in on_map[on_map[hatch] != ""]["id"] for r in sheet.rings(one)] if hatch else [], 5)
    layers += _outlined(on_map, colour, pale, 0.7, 0)
    for number, kind in enumerate(how[1:], 1):
        layers += _outlined(on_map, outline, [kind], 1.3, number)
    layers += _outlined(on_map, "id", [shape] if shape else [], 2.2, 0)
    layers += sheet.names(on_map.sort_values("iso3", key=lambda codes: codes != focus, kind="stable"))
    layers += sheet.boxes(away, colour, fills)
    entries = [(colour, kind, fill, 0) for kind, fill in fills.items()]
    entries += [(outline, kind, brand("paper"), number) for number, kind in enumerate(how) if number]
    entries += [(hatch, kind, brand("grey"), 0) for kind in (shown[hatch].unique() if hatch else ()) if kind]
    layers += sheet.legend(entries, shown, hatch)
    form = alt.TopoDataFormat(type="topojson", feature="countries")
    chart = alt.layer(*layers, data=alt.InlineData(_topology(), format=form, name="_europe"))
    chart = chart.project(**sheet.projection)
    return chart.properties(width=sheet.width, height=sheet.height)


def _countries(frame: pd.DataFrame, columns: list[str], labels: str) -> pd.DataFrame:
    """Return the frame's countries with names, labels and the ids of their shapes, empty beyond the map."""
    key = "iso3" if "iso3" in frame or "actor_id" not in frame else "actor_id"
    needed = list(dict.fromkeys([key, "row_id", *columns, *([labels] if labels and labels != "name" else [])]))
    lacking = [column for column in needed if column not in frame]
    if lacking and len(frame):
        raise NarrativeError(f"The map's frame has no column {' and no '.join(lacking)}.")
    shown = frame.reindex(columns=[*needed, *(["name"] if "name" in frame else [])]).fillna("")
    twice = shown.loc[shown[key].duplicated(), key]
    if len(twice):
        raise NarrativeError(f"The map takes one row a country and {twice.iloc[0]} has several: aggregate them first.")
    codes = _codes(find_root())
    shown["id"] = [codes.get(code, ("", ""))[0] for code in shown[key]]
    if "name" not in shown:
        shown["name"] = [codes.get(code, ("", str(code)))[1] for code in shown[key]]
    shown["iso3"] = shown[key]
    shown["label"] = shown[labels] if labels else ""
    return shown


@cache
def _codes(root: Path) -> dict[str, tuple[str, str]]:
    """Return the id of the shape, empty where the map has none, and the name of each country by alpha-3."""
    with (root / "data" / "countries.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {r["iso3"]: (r["iso_numeric"] if r["iso_numeric"] in _shapes() else "", r["name"]) for r in rows}


@cache
def _topology() -> str:
    return (files("alliances.charts") / "europe.topo.json").read_text(encoding="utf-8")


@cache
def _shapes() -> dict[str, list[list[Point]]]:
    """Decode the topology: the rings of each country in degrees, by ISO numeric id."""
    shapes = json.loads(_topology())
    (scale_x, scale_y), (move_x, move_y) = shapes["transform"]["scale"], shapes["transform"]["translate"]
    arcs: list[list[Point]] = []
    for arc in shapes["arcs"]:
        x = y = 0
        arcs.append([])
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            arcs[-1].append((x * scale_x + move_x, y * scale_y + move_y))
    found = {}
    for shape in shapes["objects"]["countries"]["geometries"]:
        polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
        rings = [ring for polygon in polygons for ring in polygon]
        found[shape["id"]] = [[p for n in ring for p in (arcs[n] if n >= 0 else arcs[~n][::-1])] for ring in rings]
    return found


def _plane(longitude: float, latitude: float) -> Point:
    """Project degrees as Vega does, but for scale and place."""
    s0, s1 = (sin(radians(parallel)) for parallel in _PARALLELS)
    n = (s0 + s1) / 2
    c = 1 + s0 * (2 * n - s0)
    r = sqrt(c - 2 * n * sin(radians(latitude))) / n
    return r * sin(n * radians(longitude + _ROTATE)), sqrt(c) / n - r * cos(n * radians(longitude + _ROTATE))


class _Sheet:
    """The paper: where things are in pixels, and what is set under the map, or beside it on the widest."""

    def __init__(self, width: int) -> None:
        beside = width > 500
        self.width, self.map_width = width, 430 if beside else width
        self.scale = self.map_width / (_EAST - _WEST)
        self.map_height = self.height = round(self.scale * (_NORTH - _SOUTH))
        self.start, self.foot = (self.map_width + 14.0, 14.0) if beside else (0.0, self.map_height + 8.0)
        self.projection: dict[str, Any] = {
            "type": "conicEqualArea", "parallels": list(_PARALLELS), "rotate": [_ROTATE, 0], "center": [0, _CENTRE],
            "scale": self.scale, "translate": [-self.scale * _WEST, self.scale * _NORTH],
            "clipExtent": [[1, 1], [self.map_width - 1, self.map_height - 1]],
        }  # fmt: skip

    def place(self, point: Point) -> Point:
        """Return where a point in degrees is."""
        x, y = _plane(*point)
        return self.scale * (x - _WEST), self.scale * (_NORTH - y + _plane(-_ROTATE, _CENTRE)[1])

    def rings(self, shape: str) -> list[list[Point]]:
        """Return the rings of a country."""
        return [[self.place(point) for point in ring] for ring in _shapes()[shape]]

    def names(self, shown: pd.DataFrame) -> list[Any]:
        """Set labels where they cover neither one another nor the edge."""
        taken: list[tuple[float, ...]] = []
        rows = []
        for line in shown[shown["label"] != ""].to_dict("records"):
            lines = wrapped(line["label"], 64)
            wide, high = max(map(text_width, lines)) / 2 + 1.5, len(lines) * 6
            ring = max(self.rings(line["id"]), key=len)
            middle = (sum(p[0] for p in ring) / len(ring), sum(p[1] for p in ring) / len(ring))
            x, y = self.place(_NAME_AT[line["iso3"]]) if line["iso3"] in _NAME_AT else middle
            x, y = min(max(x, wide + 2), self.map_width - wide - 2), min(max(y, high), self.map_height - high)
            spots = [(x + dx - wide, y + dy - high, x + dx + wide, y + dy + high) for dx, dy in _OFFSETS]
            free = [s for s in spots if s[0] > 0 and s[2] < self.map_width and not any(_meet(s, t) for t in taken)]
            for left, top, *_ in free[:1]:
                taken += free[:1]
                text = {"text": "\n".join(lines), "row_id": line["row_id"]}
                rows.append({"x": round(left + wide, 1), "y": round(top + high, 1), **text})
        mark = alt.Chart(alt.InlineData(values=rows, name="_labels")).mark_text(
            baseline="middle", lineBreak="\n", lineHeight=12
        )
        return [halo(mark.encode(**_at("x", "y"), text="text:N"))] if rows else []

    def boxes(self, away: pd.DataFrame, colour: str, fills: dict[str, str]) -> list[Any]:
        """Set the countries beyond the map, each in a box of its colour."""
        rows = [{"text": one["name"], "fill": fills.get(one[colour], brand("land")), "row_id": one["row_id"]}
                for one in away.to_dict("records")]  # fmt: skip
        for row, x, y, wide in self.flow(rows, 12, 22, 6):
            row |= {"x": x, "y": y, "x2": x + wide, "y2": y + 18, "tx": x + 6, "ty": y + 9.5}
            row["ink"] = brand("paper" if _light(row["fill"]) < 120 else "ink")
        base = alt.Chart(alt.InlineData(values=rows, name="_beyond"))
        box = base.mark_rect().encode(**_at("x", "y"), x2="x2", y2="y2", fill=alt.Fill("fill:N", scale=None))
        return [box, _beside(base).encode(color=alt.Color("ink:N", scale=None))] if rows else []

    def legend(self, kinds: list[tuple[str, str, str, int]], shown: pd.DataFrame, hatch: str) -> list[Any]:
        """Set a legend: Vega's own shows no hatching and does not break into lines."""
        rows = [{"text": kind, "fill": fill, "dash": dash, "hatch": bool(hatch) and field == hatch,
                 "row_id": " ".join(shown.loc[shown[field] == kind, "row_id"])}
                for field, kind, fill, dash in kinds if (shown[field] == kind).any()]  # fmt: skip
        squares: list[list[Point]] = []
        for row, x, y, _ in self.flow(rows, _BOX + 5, 17, 12):
            row |= {"x": x + 1 + _BOX / 2, "y": y + 8, "tx": x + _BOX + 6, "ty": y + 8}
            square = [(x + 1 + a * _BOX, y + 2.5 + b * _BOX) for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))]
            squares += [square] if row["hatch"] else []
        dash = alt.StrokeDash("dash:O", legend=None, scale=alt.Scale(domain=[0, 1, 2], range=list(_DASHES)))
        base = alt.Chart(alt.InlineData(values=rows, name="_legend"))
        box = base.mark_point(shape="square", size=_BOX**2, stroke=brand("grey"), strokeWidth=1)
        box = box.encode(**_at("x", "y"), fill=alt.Fill("fill:N", scale=None), strokeDash=dash)
        return [box, *_hatched(squares, 4), _beside(base)] if rows else []

    def flow(self, rows: list[dict[str, Any]], extra: int, line: int, gap: int) -> Iterator[tuple[Any, ...]]:
        """Set rows of text side by side in lines: each with its left, top and width. The sheet grows by the lines."""
        x, y = self.start, self.foot
        for row in rows:
            wide = round(text_width(row["text"]) * 1.03 + extra, 1)
            if x > self.start and x + wide > self.width:
                x, y = self.start, y + line
            yield row, round(x, 1), y, wide
            x += wide + gap
        if rows:
            self.foot = y + line + 6
            self.height = max(self.height, round(self.foot) - 4)


def _meet(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _hatched(rings: Sequence[Sequence[Point]], spacing: float) -> list[Any]:
    """Fill rings given in pixels with rising lines, one symbol whose path they are."""
    turned = [[(x + y, x - y) for x, y in ring] for ring in rings]  # along a rising line x + y stays what it is
    edges = [edge for ring in turned for edge in zip(ring, [*ring[1:], ring[0]], strict=True)]
    path, level = "", min((u for ring in turned for u, _ in ring), default=0.0)
    highest = max((u for ring in turned for u, _ in ring), default=0.0)
    while (level := level + spacing * sqrt(2)) < highest:
        met = [(a, b) for a, b in edges if (a[0] < level) != (b[0] < level)]
        cuts = sorted(v1 + (level - u1) / (u2 - u1) * (v2 - v1) for (u1, v1), (u2, v2) in met)
        ends = [f"{(level + v) / 2:.1f},{(level - v) / 2:.1f}" for v in cuts]
        path += "".join(f"M{start}L{end}" for start, end in zip(ends[::2], ends[1::2], strict=False))
    chart = alt.Chart(alt.InlineData(values=[{}], name="_once"))
    mark = chart.mark_point(shape=path, size=4, filled=False, stroke=brand("paper"), strokeWidth=1.3, opacity=1)
    return [mark.encode(x=alt.value(0), y=alt.value(0))] if path else []  # of size 4, a symbol is drawn in pixels


def _joined(shown: pd.DataFrame, fields: list[str]) -> Any:
    columns = list(dict.fromkeys(["name", *filter(None, fields), "row_id"]))
    return alt.Chart().transform_lookup("id", alt.LookupData(shown, "id", columns), default="")


def _land(shown: pd.DataFrame, fills: dict[str, str], fields: list[str]) -> Any:
    fill = alt.Fill(f"{fields[0]}:N", legend=None, scale=alt.Scale(domain=list(fills), range=list(fills.values())))
    coloured = f"indexof({json.dumps(list(fills))}, datum['{fields[0]}']) >= 0"
    return _joined(shown, fields).mark_geoshape(stroke=brand("paper"), strokeWidth=0.7).encode(
        fill=alt.condition(coloured, fill, alt.value(brand("land"))),
        tooltip=[alt.Tooltip(f"{name}:N") for name in dict.fromkeys(["name", *filter(None, fields)])],
    )  # fmt: skip


def _outlined(shown: pd.DataFrame, field: str, kinds: list[str], width: float, dash: int) -> list[Any]:
    chart = _joined(shown, [field] if field != "id" else []).transform_filter(alt.FieldOneOfPredicate(field, kinds))
    casing = chart.mark_geoshape(filled=False, stroke=brand("paper"), strokeWidth=width + 1.6)
    ink = brand("ink" if width > 1 else "grey")
    line = chart.mark_geoshape(filled=False, stroke=ink, strokeWidth=width, strokeDash=_DASHES[dash])
    return [casing, line] if kinds else []


def _beside(base: alt.Chart) -> Any:
    return base.mark_text(align="left", baseline="middle").encode(**_at("tx", "ty"), text="text:N")


def _at(x: str, y: str) -> dict[str, Any]:
    return {"x": alt.X(f"{x}:Q", scale=None, axis=None), "y": alt.Y(f"{y}:Q", scale=None, axis=None)}


def _light(colour: str) -> float:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.3 * red + 0.59 * green + 0.11 * blue
