"""The map of Europe: its shapes, hatching that survives greyscale, names on the map, and a legend of one's own.

The shapes lie beside this module (``europe.topo.json``; ``europe.README.md`` says whose they are and how the
file was made) and go into each chart, so that a map needs no network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import ceil, cos, floor, radians, sqrt
from typing import Any

import altair as alt
import pandas as pd

from alliances.charts.theme import AMBER, INK, WIDTH
from alliances.dataset import Dataset

HEIGHT = 610
# Albers' equal-area conic, its parallels chosen for the latitudes shown: areas compare, and distances are
# true to a few per cent from Iceland to Cyprus.
PROJECTION: dict[str, Any] = {
    "type": "conicEqualArea",
    "parallels": [40, 64],
    "rotate": [-14, 0],
    "center": [0.6, 53.0],
    "scale": 930,
    "translate": [WIDTH / 2, 312],
    # Cut by the projection, so that each mark may do without a clipping path: a PNG then takes a quarter of the time.
    "clipExtent": [[0, 0], [WIDTH, HEIGHT]],
}
NO_KIND = "–"
LAND, BORDER, LINE = "#f1f1ee", "#8b969f", "#41505c"

Point = tuple[float, float]

# Where a country's name stands, in degrees of longitude and latitude: on its shape, or at sea beside it.
NAME_AT: dict[str, Point] = {
    "ALB": (18.1, 40.5), "AUT": (14.4, 47.5), "BEL": (4.1, 50.75), "BGR": (25.4, 42.75), "BIH": (17.8, 44.2),
    "CYP": (33.1, 34.5), "CZE": (15.4, 49.85), "DEU": (10.3, 51.2), "DNK": (8.4, 56.4), "ESP": (-3.7, 40.2),
    "EST": (25.8, 58.75), "FIN": (26.5, 63.2), "FRA": (2.4, 47.0), "GBR": (-1.9, 53.0), "GRC": (22.3, 39.35),
    "HRV": (15.6, 45.45), "HUN": (19.3, 47.1), "IRL": (-8.1, 53.2), "ISL": (-18.7, 64.9), "ITA": (12.3, 43.2),
    "LTU": (23.8, 55.35), "LUX": (7.1, 49.7), "LVA": (25.6, 56.9), "MKD": (21.8, 41.6), "MLT": (16.1, 35.8),
    "MNE": (17.4, 42.1), "NLD": (4.6, 52.75), "NOR": (8.9, 61.2), "POL": (19.3, 52.2), "PRT": (-7.95, 39.6),
    "ROU": (25.0, 45.9), "RUS": (41.5, 56.5), "SVK": (19.4, 48.75), "SVN": (14.4, 46.15), "SWE": (15.3, 62.3),
    "TUR": (33.3, 39.1), "UKR": (31.4, 49.1),
}  # fmt: skip


@dataclass(frozen=True)
class Swatch:
    """A kind of area on the map and how it is drawn.

    Parameters
    ----------
    label : str
        Its line in the legend.
    fill : str
        Its colour. Kinds on one map differ in lightness, so that they stay apart in greyscale.
    hatch : str
        ``""``, ``rising``, ``falling`` or ``crossed``.
    """

    label: str
    fill: str = LAND
    hatch: str = ""


@cache
def _topology() -> str:
    return (files("alliances.charts") / "europe.topo.json").read_text(encoding="utf-8")


@cache
def _rings() -> dict[str, tuple[tuple[Point, ...], ...]]:
    """Decode the topology: the rings of each country by ISO numeric id."""
    shapes = json.loads(_topology())
    (scale_x, scale_y), (move_x, move_y) = shapes["transform"]["scale"], shapes["transform"]["translate"]
    arcs: list[list[Point]] = []
    for arc in shapes["arcs"]:
        x = y = 0
        points = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            points.append((x * scale_x + move_x, y * scale_y + move_y))
        arcs.append(points)

    def ring(numbers: Sequence[int]) -> tuple[Point, ...]:
        joined: list[Point] = []
        for number in numbers:
            joined += arcs[number] if number >= 0 else arcs[~number][::-1]
        return tuple(joined)

    found = {}
    for shape in shapes["objects"]["countries"]["geometries"]:
        polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
        found[shape["id"]] = tuple(ring(numbers) for polygon in polygons for numbers in polygon)
    return found


def on_map(dataset: Dataset) -> dict[str, str]:
    """Return the ISO numeric id of each country of the dataset that the map shows with a name, by alpha-3."""
    countries = dataset["countries"]
    codes = zip(countries["iso3"], countries["iso_numeric"], strict=True)
    return {iso3: numeric for iso3, numeric in codes if iso3 in NAME_AT and numeric in _rings()}


def _hatching(ids: Sequence[str], *, rising: bool, spacing: float = 0.42) -> list[list[list[float]]]:
    """Return parallel lines that fill the shapes, as pairs of points in degrees.

    The lines are drawn in a plane in which a degree of longitude is shrunk as it is at 52° north; the spacing is
    in degrees of latitude.
    """
    shrink, root = cos(radians(52)), sqrt(2)
    lines = []
    sign = 1 if rising else -1
    for iso_numeric in ids:
        turned = [[((v + sign * u * shrink) / root, (v - sign * u * shrink) / root) for u, v in ring]
                  for ring in _rings()[iso_numeric]]  # fmt: skip
        across = [q for ring in turned for _, q in ring]
        for number in range(ceil(min(across) / spacing), floor(max(across) / spacing) + 1):
            level = number * spacing
            cuts = sorted(_cuts(turned, level))
            for start, end in zip(cuts[::2], cuts[1::2], strict=False):
                if end - start > 0.1:
                    lines.append([_back(p, level, shrink * root, root, sign) for p in (start, end)])
    return lines


def _cuts(rings: Sequence[Sequence[Point]], level: float) -> Iterator[float]:
    for ring in rings:
        for (p1, q1), (p2, q2) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if (q1 < level) != (q2 < level):
                yield p1 + (level - q1) / (q2 - q1) * (p2 - p1)


def _back(p: float, q: float, width: float, root: float, sign: int) -> list[float]:
    return [round(sign * (p - q) / width, 2), round((p + q) / root, 2)]


def _hatch_layers(ids_by_hatch: Mapping[str, Sequence[str]]) -> list[Any]:
    layers = []
    for hatch, ids in ids_by_hatch.items():
        lines: list[list[list[float]]] = []
        if hatch in ("rising", "crossed"):
            lines += _hatching(ids, rising=True)
        if hatch in ("falling", "crossed"):
            lines += _hatching(ids, rising=False)
        if not lines:
            continue
        shape = {"type": "Feature", "properties": {}, "geometry": {"type": "MultiLineString", "coordinates": lines}}
        # Named, so that it stays apart from the data behind the chart that a reader can download.
        text = json.dumps([shape])  # as with the topology, Altair then need not look at each number
        data = alt.InlineData(values=text, format=alt.JsonDataFormat(type="json"), name=f"hatching_{hatch}")
        layers.append(alt.Chart(data).mark_geoshape(filled=False, stroke=LINE, strokeWidth=1.1, clip=False))
    return layers


def _legend(swatches: Sequence[Swatch], left: float, top: float) -> list[Any]:
    """Draw a legend at a place in pixels: Vega's own cannot show hatching."""
    step, width, height = 19, 26, 13
    boxes = [
        {
            "x": left,
            "x2": left + width,
            "y": top + n * step,
            "y2": top + n * step + height,
            "fill": swatch.fill,
            "label": swatch.label,
        }
        for n, swatch in enumerate(swatches)
    ]
    strokes = []
    for n, swatch in enumerate(swatches):
        y1, y2 = top + n * step, top + n * step + height
        for hatch, forward in (("rising", True), ("falling", False)):
            if swatch.hatch in (hatch, "crossed"):
                for x in range(0, width - height + 1, 6):
                    ends = (left + x, left + x + height) if forward else (left + x + height, left + x)
                    strokes.append({"x": ends[0], "x2": ends[1], "y": y2, "y2": y1})

    def at(column: str, channel: Any) -> Any:
        return channel(f"{column}:Q", scale=None, axis=None)

    base = alt.Chart(alt.InlineData(values=boxes, name="legend"))
    layers: list[Any] = [
        base.mark_rect(stroke=BORDER, strokeWidth=0.8).encode(
            x=at("x", alt.X), x2="x2", y=at("y", alt.Y), y2="y2", fill=alt.Fill("fill:N", scale=None)
        ),
        base.mark_text(align="left", baseline="middle", dx=7, dy=height / 2, fontSize=12, color=INK).encode(
            x=at("x2", alt.X), y=at("y", alt.Y), text="label:N"
        ),
    ]
    if strokes:
        ruled = alt.Chart(alt.InlineData(values=strokes, name="legend_hatching"))
        layers.append(
            ruled.mark_rule(color=LINE, strokeWidth=1.1).encode(
                x=at("x", alt.X), x2="x2", y=at("y", alt.Y), y2="y2"
            )
        )  # fmt: skip
    return layers


def map_of_europe(
    dataset: Dataset,
    frame: pd.DataFrame,
    swatches: Mapping[str, Swatch],
    *,
    focus: str = "",
    legend_at: Point = (4, 118),
) -> Any:
    """Draw countries by kind, with their names.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    frame : DataFrame
        One line a country: ``iso3, name, kind, row_id, text``. ``kind`` is a key of ``swatches``, or missing
        for a country that is only named. Countries that are not on the map are left out. ``text`` stands in the
        tooltip; where there is a column ``word``, it stands under the name on the map.
    swatches : Mapping of str to Swatch
        The kinds, in the order of the legend.
    focus : str
        A country to outline.
    legend_at : tuple of float
        Upper left corner of the legend in pixels.

    Returns
    -------
    altair.LayerChart
        To be completed by :func:`alliances.charts.theme.finish`.
    """
    ids = on_map(dataset)
    shown = frame[frame["iso3"].isin(list(ids))].copy()
    shown["id"] = shown["iso3"].map(ids)
    shown["kind"] = shown["kind"].fillna(NO_KIND)  # Vega leaves a shape without a value unfilled
    shown["kind"] = shown["kind"].fillna("")  # a missing value is no JSON
    shown["lon"] = [NAME_AT[code][0] for code in shown["iso3"]]
    shown["lat"] = [NAME_AT[code][1] for code in shown["iso3"]]
    words = shown["word"] if "word" in shown else pd.Series("", index=shown.index)
    shown["lines"] = [f"{_broken(name)}\n{word}".strip() for name, word in zip(shown["name"], words, strict=True)]
    kinds = [kind for kind in swatches if kind in set(shown["kind"])]
    # Vega reads the topology from a string as well, and Altair then need not check each of its numbers.
    shapes = alt.InlineData(
        values=_topology(), format=alt.TopoDataFormat(type="topojson", feature="countries"), name="europe"
    )
    # The shapes are the data of the whole chart, so that they stand in it once; layers of their own data override them.
    kind_fill = alt.Fill(
        "kind:N", legend=None, scale=alt.Scale(domain=kinds, range=[swatches[kind].fill for kind in kinds])
    )
    land = (
        alt.Chart()
        .transform_lookup("id", alt.LookupData(shown, "id", ["name", "kind", "text"]), default=NO_KIND)
        .mark_geoshape(stroke=BORDER, strokeWidth=0.6, clip=False)
        .encode(
            fill=alt.condition(f"datum.kind != '{NO_KIND}'", kind_fill, alt.value(LAND)),
            tooltip=[alt.Tooltip("name:N", title="Country"), alt.Tooltip("text:N", title="What")],
        )
    )
    hatched: dict[str, list[str]] = {}
    for kind in kinds:
        if swatches[kind].hatch:
            hatched.setdefault(swatches[kind].hatch, []).extend(shown.loc[shown["kind"] == kind, "id"])
    layers = [land, *_hatch_layers(hatched)]
    if focus in ids:
        outline = alt.Chart().transform_filter(f"datum.id == '{ids[focus]}'")
        layers.append(outline.mark_geoshape(filled=False, stroke=AMBER, strokeWidth=3, clip=False))
    named = alt.Chart(shown).encode(longitude="lon:Q", latitude="lat:Q", text="lines:N")
    style: dict[str, Any] = {"clip": False, "fontSize": 11, "fontWeight": 600, "lineBreak": "\n", "lineHeight": 11.5}
    layers.append(
        named.mark_text(baseline="middle", stroke="white", strokeWidth=4, strokeJoin="round", color="white", **style)
    )
    layers.append(named.mark_text(baseline="middle", color=INK, **style))
    layers += _legend([swatches[kind] for kind in kinds], *legend_at)
    return (
        alt.layer(*layers, data=shapes)
        .project(**PROJECTION)
        .properties(width=WIDTH, height=HEIGHT, autosize=alt.AutoSizeParams(type="pad", contains="padding"))
    )


def _broken(name: str) -> str:
    """Break a name of several words, as maps do."""
    return name.replace("United Kingdom", "United\nKingdom").replace("North Macedonia", "North\nMacedonia")


def off_map(dataset: Dataset, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of a frame whose countries lie outside the map."""
    return frame[~frame["iso3"].isin(list(on_map(dataset)))]
