"""The map of Europe as plain Altair layers, drawn at its printed size.

The shapes lie beside this module (``europe.topo.json``; ``europe.README.md`` says whose they are and how the file was
made) and go into each chart once, so that a map needs no network; in ``europe.names.csv`` stands where names go.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from io import StringIO
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd

from alliances.charts.theme import WIDTHS, brand, text_width, wrapped
from alliances.errors import NarrativeError
from alliances.paths import find_root

Points = npt.NDArray[np.float64]  # one row a point: x and y
Row = dict[str, Any]
# Albers' equal-area conic, its parallels chosen for the latitudes shown: areas compare.
_PARALLELS, _ROTATE, _CENTRE = (40, 64), -14, 53
_WEST, _EAST, _SOUTH, _NORTH = -0.334, 0.372, -0.325, 0.332  # what a map shows, in the plane of the projection
_DASHES = ([1, 0], [3, 2], [1, 1.6])
_MOVES = [(x, y) for x in (-18, -9, 0, 9, 18) for y in (-18, -12, -6, 0, 6, 12, 18)]  # of a label, where one is taken
_MOVES.sort(key=lambda move: (abs(move[0]) + abs(move[1]), move))
_BOX = 11  # a box of the legend, in pixels


def europe(
    frame: pd.DataFrame, colour: str, *, domain: Sequence[str], range: Sequence[str], outline: str = "",
    outlines: Sequence[str] = (), hatch: str = "", focus: str = "", width: int | str = 112,
) -> alt.LayerChart:  # fmt: skip
    """Draw countries in colours, with their names; those beyond the map stand in boxes under it.

    Parameters
    ----------
    frame : DataFrame
        One row a country, else NarrativeError: ``actor_id`` (ISO alpha-3), ``row_id``, the columns named below, and
        ``name``, if not that of ``data/countries.csv``. Names without room are left out, at 47 mm all.
    colour, domain, range : str, sequences of str
        Column of words that colours a country, the words in the order of the legend, and their colours.
    outline, outlines : str, sequence of str
        Column of words that says how we know, and its words: the first is outlined plainly, then dashed, then dotted.
    hatch : str
        Column of words; a country that has one is hatched, and the word stands in the legend.
    focus : str
        A country to outline, ISO alpha-3.
    width : int or str
        Printed width, the figure's: 47, 112, 166 or ``"narrow"``.
    """
    sheet, columns = _Sheet(WIDTHS[width]), [column for column in (colour, outline, hatch) if column]
    shown = _countries(frame, columns)
    on_map, away = shown[shown["id"] != ""], shown[shown["id"] == ""]
    fills = {kind: fill for kind, fill in zip(domain, range, strict=False) if kind in set(shown[colour])}
    how = dict(enumerate(outlines[1:3], 1))
    entries = [(colour, kind, fill, 0) for kind, fill in fills.items()]
    entries += [(outline, kind, brand("paper"), number) for number, kind in how.items()]
    first = shown[shown[hatch] != ""].drop_duplicates(hatch) if hatch else shown[:0]  # a swatch looks as on the map
    entries += [(hatch, one[hatch], fills.get(one[colour], brand("grey")), 0) for one in first.to_dict("records")]
    striped = on_map.loc[on_map[hatch] != "", "id"] if hatch else ()
    layers = [_land(shown, fills, columns)]  # those in boxes too, for who takes the data away
    layers += _hatched([sheet.place(ring) for shape in striped for ring in _shapes()[shape]], 5)
    layers += _outlined(on_map, colour, [kind for kind, fill in fills.items() if _light(fill) > 200], 0.7, 0)
    for number, kind in how.items():
        layers += _outlined(on_map, outline, [kind], 1.3, number)
    layers += _outlined(on_map, "id", [shape for shape, _ in [_codes().get(focus, ("", ""))] if shape], 2.2, 0)
    if width != 47:
        filled = on_map.assign(fill=on_map[colour].map(fills).fillna(brand("land")))
        layers += sheet.names(filled.sort_values("actor_id", key=lambda codes: codes != focus, kind="stable"))
    layers += sheet.boxes(away, colour, fills) + sheet.legend(entries, shown, hatch)
    form = alt.TopoDataFormat(type="topojson", feature="countries")
    chart = alt.layer(*layers, data=alt.InlineData(_beside_me("europe.topo.json"), format=form, name="_europe"))
    return chart.project(**sheet.projection).properties(width=sheet.width, height=sheet.height)


def _countries(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the frame's countries with names and the ids of their shapes, empty beyond the map."""
    needed = list(dict.fromkeys(["actor_id", "row_id", *columns]))
    lacking = [column for column in needed if column not in frame]
    if lacking and len(frame):
        raise NarrativeError(f"The map's frame has no column {' and no '.join(lacking)}.")
    shown = frame.reindex(columns=[*needed, *(["name"] if "name" in frame else [])]).fillna("")
    if len(twice := shown.loc[shown["actor_id"].duplicated(), "actor_id"]):
        raise NarrativeError(f"The map takes one row a country and {twice.iloc[0]} has several: aggregate them first.")
    known = _codes()
    codes = [known.get(code, ("", str(code))) for code in shown["actor_id"]]
    return shown.assign(id=[shape for shape, _ in codes], name=shown.get("name", [name for _, name in codes]))


def _codes() -> dict[str, tuple[str, str]]:
    """Return the id of the shape, empty where the map has none, and the name of each country by alpha-3."""
    rows = pd.read_csv(find_root() / "data" / "countries.csv", dtype=str, keep_default_na=False).to_dict("records")
    return {r["iso3"]: (r["iso_numeric"] if r["iso_numeric"] in _shapes() else "", r["name"]) for r in rows}


@cache
def _beside_me(name: str) -> str:
    return (files("alliances.charts") / name).read_text(encoding="utf-8")


@cache
def _shapes() -> dict[str, list[Points]]:
    """Decode the topology: the rings of each country in the plane of the projection, by ISO numeric id."""
    shapes = json.loads(_beside_me("europe.topo.json"))
    scale, move = (np.array(shapes["transform"][name]) for name in ("scale", "translate"))
    arcs = [_plane(np.cumsum(arc, axis=0) * scale + move) for arc in shapes["arcs"]]
    found = {}
    for shape in shapes["objects"]["countries"]["geometries"]:
        polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
        rings = [ring for polygon in polygons for ring in polygon]
        found[shape["id"]] = [np.concatenate([arcs[n] if n >= 0 else arcs[~n][::-1] for n in ring]) for ring in rings]
    return found


def _within(spot: tuple[float, ...], rings: list[Points]) -> bool:
    """Say whether a box lies within a shape: an odd number of its rings goes round each point of the box's edge."""
    left, top, right, bottom = spot
    loops = [ring @ (1, 1j) for ring in rings]
    edge = [complex(x, y) for x in (left, (left + right) / 2, right) for y in (top, bottom)]
    turns = [[np.angle((np.roll(loop, -1) - point) / (loop - point)).sum() for loop in loops] for point in edge]
    return all(sum(abs(turn) > 1 for turn in around) % 2 for around in turns)


def _plane(degrees: Points) -> Points:
    """Project longitudes and latitudes as Vega does, but for scale and place."""
    longitude, latitude = np.radians(degrees + np.array([_ROTATE, 0])).T
    s0, s1 = np.sin(np.radians(_PARALLELS))
    n = (s0 + s1) / 2
    c = 1 + s0 * (2 * n - s0)
    r = np.sqrt(c - 2 * n * np.sin(latitude)) / n
    return np.column_stack([r * np.sin(n * longitude), np.sqrt(c) / n - r * np.cos(n * longitude)])


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

    def place(self, points: Points) -> Points:
        """Return where points of the plane are."""
        ((_, centre),) = _plane(np.array([[-_ROTATE, _CENTRE]]))
        return self.scale * ((-_WEST, _NORTH + centre) + points * (1, -1))

    def names(self, shown: pd.DataFrame) -> list[Any]:
        """Set names where they cover neither one another nor the edge; one that leaves its country has a light edge."""
        rows, taken = list[Row](), list[tuple[float, ...]]()
        set_by_hand = pd.read_csv(StringIO(_beside_me("europe.names.csv")), index_col="iso3").to_dict("index")
        for country in shown.to_dict("records"):
            lines = wrapped(country["name"], 64)
            wide, high = max(map(text_width, lines)) / 2 + 1.5, len(lines) * 6
            shape = _shapes()[country["id"]]
            best, place = max(shape, key=len), set_by_hand.get(country["actor_id"])
            best = _plane(np.array([[place["longitude"], place["latitude"]]])) if place else best
            x, y = map(float, self.place(best).mean(axis=0))
            x += wide if place and place["stands"] == "begins" else 0
            x, y = min(max(x, wide + 2), self.map_width - wide - 2), min(max(y, high), self.map_height - high)
            spots = ((x + dx - wide, y + dy - high, x + dx + wide, y + dy + high) for dx, dy in _MOVES)
            on_paper, others = (s for s in spots if s[0] > 0 and s[2] < self.map_width), np.array(taken).reshape(-1, 4)
            free = (s for s in on_paper if not ((others[:, :2] < s[2:]) & (s[:2] < others[:, 2:])).all(axis=1).any())
            if spot := next(free, None):
                taken.append(spot)
                edge = country["fill"] if _within(spot, [self.place(ring) for ring in shape]) else brand("paper")
                row = {"x": round(spot[0] + wide, 1), "y": round(spot[1] + high, 1), "text": "\n".join(lines)}
                rows.append(row | {"edge": edge, "ink": _ink(edge), "row_id": country["row_id"]})
        base = alt.Chart(alt.InlineData(values=rows, name="_labels")).encode(**_given("x", "y"), text="text:N")
        style: dict[str, Any] = {"baseline": "middle", "lineBreak": "\n", "lineHeight": 12}
        edge = base.mark_text(**style, strokeWidth=3, strokeJoin="round").encode(**_given(stroke="edge"))
        return [alt.layer(edge, base.mark_text(**style).encode(**_given(color="ink")))] if rows else []

    def boxes(self, away: pd.DataFrame, colour: str, fills: dict[str, str]) -> list[Any]:
        """Set the countries beyond the map, each in a box of its colour."""
        rows = [{"text": one["name"], "fill": fills.get(one[colour], brand("land")), "row_id": one["row_id"],
                 "name": one["name"], colour: one[colour]} for one in away.to_dict("records")]  # fmt: skip
        for row, x, y, wide in self.flow(rows, 12, 22, 6):
            row |= {"x": x, "y": y, "x2": x + wide, "y2": y + 18, "tx": x + 6, "ty": y + 9.5}
            row["ink"] = _ink(row["fill"])
        base = alt.Chart(alt.InlineData(values=rows, name="_beyond"))
        box = base.mark_rect().encode(**_given("x", "y", fill="fill"), x2="x2", y2="y2", tooltip=_tooltip([colour]))
        return [box, _beside(base).encode(**_given(color="ink"))] if rows else []

    def legend(self, kinds: list[tuple[str, str, str, int]], shown: pd.DataFrame, hatch: str) -> list[Any]:
        """Set a legend: Vega's own shows no hatching and does not break into lines."""
        rows = [{"text": kind, "fill": fill, "dash": dash, "hatch": bool(hatch) and field == hatch,
                 "row_id": " ".join(shown.loc[shown[field] == kind, "row_id"])}
                for field, kind, fill, dash in kinds if (shown[field] == kind).any()]  # fmt: skip
        squares = list[Points]()
        for row, x, y, _ in self.flow(rows, _BOX + 5, 17, 12):
            row |= {"x": x + 1 + _BOX / 2, "y": y + 8, "tx": x + _BOX + 6, "ty": y + 8}
            square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * _BOX + (x + 1, y + 2.5)
            squares += [square] if row["hatch"] else []
        dash = alt.StrokeDash("dash:O", legend=None, scale=alt.Scale(domain=[0, 1, 2], range=list(_DASHES)))
        base = alt.Chart(alt.InlineData(values=rows, name="_legend"))
        box = base.mark_point(shape="square", size=_BOX**2, stroke=brand("grey"), strokeWidth=1)
        box = box.encode(**_given("x", "y", fill="fill"), strokeDash=dash)
        return [box, *_hatched(squares, 4), _beside(base)] if rows else []

    def flow(self, rows: list[Row], extra: int, line: int, gap: int) -> Iterator[tuple[Row, float, float, float]]:
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


def _joined(shown: pd.DataFrame, fields: list[str]) -> Any:
    columns = list(dict.fromkeys(["name", *fields, "row_id"]))
    return alt.Chart().transform_lookup("id", alt.LookupData(shown, "id", columns), default="")


def _land(shown: pd.DataFrame, fills: dict[str, str], fields: list[str]) -> Any:
    fill = alt.Fill(f"{fields[0]}:N", legend=None, scale=alt.Scale(domain=list(fills), range=list(fills.values())))
    coloured = f"indexof({json.dumps(list(fills))}, datum['{fields[0]}']) >= 0"
    return _joined(shown, fields).mark_geoshape(stroke=brand("paper"), strokeWidth=0.7).encode(
        fill=alt.condition(coloured, fill, alt.value(brand("land"))),
        tooltip=_tooltip(fields),
    )  # fmt: skip


def _tooltip(fields: list[str]) -> list[Any]:
    return [alt.Tooltip(f"{name}:N", title=name.capitalize()) for name in dict.fromkeys(["name", *fields])]


def _outlined(shown: pd.DataFrame, field: str, kinds: list[str], width: float, dash: int) -> list[Any]:
    chart = _joined(shown, [field] if field != "id" else []).transform_filter(alt.FieldOneOfPredicate(field, kinds))
    casing = chart.mark_geoshape(filled=False, stroke=brand("paper"), strokeWidth=width + 1.6)
    ink = brand("ink" if width > 1 else "grey")
    line = chart.mark_geoshape(filled=False, stroke=ink, strokeWidth=width, strokeDash=_DASHES[dash])
    return [casing, line] if kinds else []


def _beside(base: alt.Chart) -> Any:
    return base.mark_text(align="left", baseline="middle").encode(**_given("tx", "ty"), text="text:N")


def _given(x: str = "", y: str = "", **colours: str) -> dict[str, Any]:
    """Return channels whose fields hold pixels, or colours, as they are drawn."""
    places = {"x": alt.X(f"{x}:Q", scale=None, axis=None), "y": alt.Y(f"{y}:Q", scale=None, axis=None)} if x else {}
    kinds = {"fill": alt.Fill, "stroke": alt.Stroke, "color": alt.Color}
    return places | {name: kinds[name](f"{field}:N", scale=None) for name, field in colours.items()}


def _ink(ground: str) -> str:
    return brand("paper" if _light(ground) < 120 else "ink")


def _light(colour: str) -> float:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.3 * red + 0.59 * green + 0.11 * blue
