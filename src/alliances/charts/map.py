"""The map of Europe as plain Altair layers, drawn at its printed size.

The shapes lie beside this module (``europe.topo.json``; ``europe.README.md`` says whose they are and how the file was
made) and go into each chart once, so that a map needs no network; in ``europe.names.csv`` stands where names go.
"""

import json
from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd

from alliances import find_root
from alliances.charts.theme import WIDTHS, brand
from alliances.errors import NarrativeError, refuse
from alliances.text.widths import text_width, wrapped

Points = npt.NDArray[np.float64]  # one row a point: x and y
# Albers' equal-area conic, its parallels chosen for the latitudes shown: areas compare.
_PARALLELS, _ROTATE, _CENTRE = (40, 64), -14, 53
_WEST, _EAST, _SOUTH, _NORTH = -0.334, 0.372, -0.325, 0.332  # what a map shows, in the plane of the projection
_MOVES = sorted(product(range(-18, 19, 9), range(-18, 19, 6)), key=lambda move: abs(move[0]) + abs(move[1]))
_PLAIN, _DASHED = [1, 0], [3, 2]
_COUNTRIES = alt.TopoDataFormat(type="topojson", feature="countries")
_BOX = 11  # a box of the legend, in pixels
_PIXELS: Any = {axis: {"field": axis, "type": "quantitative", "scale": None, "axis": None} for axis in "xy"}
_TOPOLOGY, _NAMES = (Path(__file__).with_name(f"europe.{end}") for end in ("topo.json", "names.csv"))


def europe(
    frame: pd.DataFrame, colour: str, *, domain: Sequence[str], range: Sequence[str], outline: str = "",
    hatch: str = "", focus: str = "", width: int | str = 112,
) -> alt.LayerChart:  # fmt: skip
    """Draw countries in colours, with their names; those beyond the map stand in boxes under it.

    Parameters
    ----------
    frame : DataFrame
        One row a country, else NarrativeError: ``actor_id`` (ISO alpha-3), ``row_id``, the columns named below, and
        ``name``, if not that of ``data/countries.csv``. Names without room are left out, at 47 mm all.
    colour, domain, range : str, sequences of str
        Column of words that colours a country, the words in the order of the legend, and their colours.
    outline, hatch : str
        Columns of words: a country that has one is dashed, or hatched, and the word stands in the legend.
    focus, width : str, int or str
        A country to outline, ISO alpha-3, and the figure's printed width: 47, 112, 166 or ``"narrow"``.
    """
    sheet, columns = _Sheet(WIDTHS[width]), [column for column in (colour, outline, hatch) if column]
    shown = _countries(frame, columns)
    fills = {kind: fill for kind, fill in zip(domain, range, strict=False) if kind in set(shown[colour])}
    shown["fill"] = shown[colour].map(fills).fillna(brand("land"))
    kinds = {column: list(filter(None, shown[column].unique())) for column in columns} | {colour: list(fills)}
    on_map, away = shown[shown["id"] != ""], shown[shown["id"] == ""]
    striped = on_map.loc[on_map[hatch] != "", "id"] if hatch else ()
    fill = alt.Fill(f"{colour}:N", legend=None, scale=alt.Scale(domain=list(fills), range=list(fills.values())))
    coloured = alt.condition(alt.FieldOneOfPredicate(colour, list(fills)), fill, alt.value(brand("land")))
    land = alt.Chart().mark_geoshape(stroke=brand("paper"), strokeWidth=0.7)
    layers = [land.encode(fill=coloured, tooltip=_tooltip(columns))]
    layers += _hatched([sheet.place(ring) for shape in striped for ring in _shapes()[shape]], 5)
    layers += _outlined(colour, [kind for kind in fills if _light(fills[kind]) > 200], "grey", 0.7)
    layers += _outlined(outline, kinds.get(outline, []), "ink", 1.3, _DASHED)
    layers += _outlined("id", [*on_map.loc[on_map["actor_id"] == focus, "id"]], "ink", 2.2)
    if width != 47:
        layers += sheet.names(on_map.sort_values("actor_id", key=lambda codes: codes != focus, kind="stable"))
    layers += sheet.boxes(away, colour) + sheet.legend(kinds, shown, outline, hatch)
    shapes = alt.InlineData(_TOPOLOGY.read_text(encoding="utf-8"), format=_COUNTRIES, name="_europe")
    told = shown[list(dict.fromkeys(["id", "name", *columns, "row_id"]))]  # those in boxes too, for its CSV
    chart = alt.layer(*layers, data=shapes).transform_lookup("id", alt.LookupData(told, "id", [*told][1:]), default="")
    return chart.project(**sheet.projection).properties(width=sheet.width, height=sheet.height)


def _countries(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the frame's countries with names and the ids of their shapes, empty beyond the map."""
    needed = list(dict.fromkeys(["actor_id", "row_id", *columns]))
    lacking = [column for column in needed if column not in frame]
    refuse(lacking and len(frame), f"The map's frame has no column {' and no '.join(lacking)}.")
    shown = frame.reindex(columns=list(dict.fromkeys([*needed, "name"])), fill_value="").fillna("")
    if len(twice := shown.loc[shown["actor_id"].duplicated(), "actor_id"]):
        raise NarrativeError(f"The map takes one row a country and {twice.iloc[0]} has several: aggregate them first.")
    known = pd.read_csv(find_root() / "data" / "countries.csv", dtype=str, index_col="iso3")
    shapes, names = (shown["actor_id"].map(known[column]) for column in ("iso_numeric", "name"))
    named = shown["name"].where(shown["name"] != "", names.fillna(shown["actor_id"]))
    return shown.assign(id=shapes.where(shapes.isin(_shapes()), ""), name=named)


@cache
def _shapes() -> dict[str, list[Points]]:
    """Decode the topology: the rings of each country in longitude and latitude, by ISO numeric id."""
    shapes = json.loads(_TOPOLOGY.read_text(encoding="utf-8"))
    scale, move = (np.array(shapes["transform"][name]) for name in ("scale", "translate"))
    arcs = [np.cumsum(arc, axis=0) * scale + move for arc in shapes["arcs"]]
    found = {}
    for shape in shapes["objects"]["countries"]["geometries"]:
        polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
        rings = [ring for polygon in polygons for ring in polygon]
        found[shape["id"]] = [np.concatenate([arcs[n] if n >= 0 else arcs[~n][::-1] for n in ring]) for ring in rings]
    return found


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

    def place(self, degrees: Points) -> Points:
        """Project longitudes and latitudes to pixels, as Vega does."""
        longitude, latitude = np.radians(degrees + np.array([_ROTATE, 0])).T
        s0, s1 = np.sin(np.radians(_PARALLELS))
        n = (s0 + s1) / 2
        r, r_centre = (np.sqrt(1 + s0 * s1 - 2 * n * np.sin(north)) / n for north in (latitude, np.radians(_CENTRE)))
        plane = np.column_stack([r * np.sin(n * longitude) - _WEST, r * np.cos(n * longitude) - r_centre + _NORTH])
        return self.scale * plane

    def names(self, shown: pd.DataFrame) -> list[Any]:
        """Set names where they cover neither one another nor the edge; one that leaves its country has a light edge."""
        rows, taken = list[Any](), list[tuple[Points, Points]]()
        shown = shown.merge(pd.read_csv(_NAMES), left_on="actor_id", right_on="iso3")
        middles = self.place(shown[["longitude", "latitude"]].to_numpy(float))
        for country, middle in zip(shown.to_dict("records"), middles, strict=True):
            lines = wrapped(country["name"], 64)
            half = np.array([max(map(text_width, lines)) / 2 + 1.5, len(lines) * 6])
            middle[0] += half[0] * (country["stands"] == "begins")
            spots = (np.clip(middle + move, half, (self.map_width, self.map_height) - half) for move in _MOVES)
            free = (s for s in spots if not any((abs(s - other) < half + size).all() for other, size in taken))
            if (spot := next(free, None)) is not None:
                taken.append((spot, half))
                edge = country["fill"] if country["stands"] == "inside" else brand("paper")
                row = {"x": round(spot[0], 1), "y": round(spot[1], 1), "text": "\n".join(lines)}
                rows.append(row | {"edge": edge, "ink": _ink(edge), "row_id": country["row_id"]})
        base = alt.Chart(alt.InlineData(values=rows, name="_labels")).encode(**_PIXELS, text="text:N")
        style: dict[str, Any] = {"baseline": "middle", "lineBreak": "\n", "lineHeight": 12}
        edge = base.mark_text(**style, strokeWidth=3, strokeJoin="round").encode(stroke=_as_is("edge"))
        return [edge, base.mark_text(**style).encode(color=_as_is("ink"))] if rows else []

    def boxes(self, away: pd.DataFrame, colour: str) -> list[Any]:
        """Set the countries beyond the map, each in a box of its colour."""
        rows: list[Any] = away.assign(text=away["name"], ink=away["fill"].map(_ink)).to_dict("records")
        base, text = self.flow(rows, "_beyond", inset=6, after=6, line=22, gap=6)
        box = base.mark_rect(height=18).encode(x2="x2", fill=_as_is("fill"), tooltip=_tooltip([colour]))
        return [box, text.encode(color=_as_is("ink"))] if rows else []

    def legend(self, kinds: dict[str, list[str]], shown: pd.DataFrame, outline: str, hatch: str) -> list[Any]:
        """Set a legend: Vega's own shows no hatching and does not break into lines."""
        rows = list[Any]()
        for field, kind in ((field, kind) for field, listed in kinds.items() for kind in listed):
            having = shown[shown[field] == kind]
            fill = brand("paper") if field == outline else having["fill"].iloc[0]  # a hatch looks as on the map
            rows.append({"text": kind, "fill": fill, "field": field, "row_id": " ".join(having["row_id"])})
        base, text = self.flow(rows, "_legend", inset=_BOX + 6, after=-1, line=17, gap=12)
        box = base.mark_point(shape="square", size=_BOX**2, xOffset=_BOX / 2 + 1, stroke=brand("grey"), strokeWidth=1)
        dash = alt.condition(alt.datum.field == outline, alt.value(_DASHED), alt.value(_PLAIN))
        square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * _BOX + (1, -_BOX / 2)
        squares = [np.add(square, (row["x"], row["y"])) for row in rows if row["field"] == hatch]
        return [box.encode(fill=_as_is("fill"), strokeDash=dash), *_hatched(squares, 4), text] if rows else []

    def flow(self, rows: list[Any], name: str, *, inset: int, after: int, line: int, gap: int) -> tuple[Any, Any]:
        """Set texts side by side in lines, under which the sheet ends; return a chart at their beginnings, and them."""
        x, y = self.start, self.foot + line / 2
        for row in rows:
            wide = text_width(row["text"]) * 1.03 + inset + after
            if x > self.start and x + wide > self.width:
                x, y = self.start, y + line
            row |= {"x": round(x, 1), "y": y, "x2": round(x + wide, 1)}
            x += wide + gap
        if rows:
            self.foot = y + line / 2 + 6
            self.height = max(self.height, round(self.foot) - 4)
        base = alt.Chart(alt.InlineData(values=rows, name=name)).encode(**_PIXELS)
        return base, base.mark_text(align="left", baseline="middle", dx=inset).encode(text="text:N")


def _hatched(rings: Sequence[Points], spacing: float) -> list[Any]:
    """Fill rings given in pixels with rising lines, one symbol whose path they are."""
    turned = [ring @ [[1, 1], [1, -1]] for ring in rings]  # along a rising line x + y stays what it is
    edges = np.vstack([np.empty((0, 4)), *(np.hstack([ring, np.roll(ring, -1, axis=0)]) for ring in turned)])
    path, (level, highest) = "", (edges[:, 0].min(), edges[:, 0].max()) if rings else (0, 0)
    while (level := level + spacing * 2**0.5) < highest:
        u1, v1, u2, v2 = edges[(edges[:, 0] < level) != (edges[:, 2] < level)].T
        cuts = np.sort(v1 + (level - u1) / (u2 - u1) * (v2 - v1))
        ends = [f"{(level + v) / 2:.1f},{(level - v) / 2:.1f}" for v in cuts]
        path += "".join(f"M{start}L{end}" for start, end in zip(ends[::2], ends[1::2], strict=False))
    chart = alt.Chart(alt.InlineData(values=[{}], name="_once"))
    mark = chart.mark_point(shape=path, size=4, filled=False, stroke=brand("paper"), strokeWidth=1.3, opacity=1)
    return [mark.encode(x=alt.value(0), y=alt.value(0))] if path else []  # of size 4, a symbol is drawn in pixels


def _outlined(field: str, kinds: list[str], ink: str, width: float, dash: Sequence[int] = _PLAIN) -> list[Any]:
    chart = alt.Chart().transform_filter(alt.FieldOneOfPredicate(field, kinds))
    casing = chart.mark_geoshape(filled=False, stroke=brand("paper"), strokeWidth=width + 1.6)
    line = chart.mark_geoshape(filled=False, stroke=brand(ink), strokeWidth=width, strokeDash=dash)
    return [casing, line] if kinds else []


def _tooltip(fields: list[str]) -> list[Any]:
    return [alt.Tooltip(f"{name}:N", title=name.capitalize()) for name in dict.fromkeys(["name", *fields])]


def _as_is(field: str) -> Any:
    return {"field": field, "type": "nominal", "scale": None}  # a column of colours


def _ink(ground: str) -> str:
    return brand("paper" if _light(ground) < 120 else "ink")


def _light(colour: str) -> float:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.3 * red + 0.59 * green + 0.11 * blue
