"""Charts: their theme, exact widths, evidence in their data, and the map of Europe."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import pytest

from alliances.analysis.values import Value
from alliances.charts import WIDTHS, brand, europe, theme
from alliances.charts.drawing import datasets, fitted, png
from alliances.charts.figure import check_layers, prepare, row_ids, words
from alliances.errors import DataError, NarrativeError
from alliances.text.widths import text_width

ROOT = Path(__file__).resolve().parents[1]
FRAME = pd.DataFrame(
    {
        "what": ["Small force", "Middle", "A large force behind the lines"],
        "low": [20, 40, 100],
        "high": [30, 40, 150],
        "text": ["20–30", "40", "100–150"],
        "day": pd.to_datetime(["2025-03-30", "2025-05-09", "2025-07-10"]),
        "panel": ["left", "left", "right"],
        "unused": ["x", "y", "z"],
        "row_id": ["obs-a", "obs-b obs-c", "obs-d"],
    }
)


def bars(frame: pd.DataFrame = FRAME) -> Any:
    base = alt.Chart(frame).encode(y=alt.Y("what:N", sort=None, title=None))
    text = base.mark_text(align="left", dx=6).encode(x="high:Q", text="text:N")
    return alt.layer(base.mark_bar().encode(x=alt.X("high:Q", title="Soldiers")), text)


def simple(frame: pd.DataFrame = FRAME) -> Any:
    return alt.Chart(frame).mark_bar().encode(x="high:Q", y="what:N")


def timeline() -> Any:
    base = alt.Chart(FRAME).encode(
        x=alt.X("day:T", title=None, scale=alt.Scale(domain=["2025-03-01", "2025-08-01"])), y="what:N"
    )
    return alt.layer(base.mark_point().encode(tooltip="day:T"), base.mark_text(align="left", dx=8).encode(text="day:T"))


CHARTS = {
    "single": simple,
    "layer": bars,
    "vconcat": lambda: alt.vconcat(bars(), simple()),
    "hconcat": lambda: alt.hconcat(simple(), simple().properties(width=80)),
    "facet": lambda: simple().facet("panel:N", columns=2),
    "layers in a facet": lambda: bars().facet(column="panel:N"),
    "column": lambda: simple().encode(column="panel:N"),
    "row": lambda: simple().encode(row="panel:N"),
    "timeline": timeline,
    "empty": lambda: simple(FRAME[:0]),
}


def svg(spec: Any) -> str:
    return fitted(spec)[1]


def size(drawing: str) -> tuple[float, float]:
    found = re.search(r'<svg[^>]* width="([\d.]+)" height="([\d.]+)"', drawing)
    assert found
    return float(found[1]), float(found[2])


@pytest.mark.parametrize(("name", "width"), [*((name, 112) for name in CHARTS), ("vconcat", 166), ("layer", "narrow")])
def test_a_chart_is_exactly_as_wide_as_printed(name: str, width: int | str) -> None:
    spec = prepare(CHARTS[name](), width_mm=width, title="A finding " * 20, subtitle="Measure, unit " * 12, alt="What")
    assert size(svg(spec))[0] == WIDTHS[width]
    assert spec["description"] == "What"
    assert len(spec["title"]["text"]) > 1
    del spec["title"]  # the report sets the headline itself
    assert size(svg(spec))[0] == WIDTHS[width]


def test_labels_beside_bars_are_not_cut() -> None:
    spec = prepare(bars(), width_mm=112)
    drawn = svg(spec)
    origin = float(re.findall(r"translate\((\d+)", drawn)[0])
    place = float(re.findall(r"translate\(([\d.]+),[\d.]+\)[^>]*>100–150<", drawn)[0])
    assert origin + place + text_width("100–150") < WIDTHS[112] + 2


def test_a_row_or_column_more_cuts_neither_its_head_nor_its_date() -> None:
    head, day = "The states that a newer text counts among those ready", "16 September 2025"
    more = pd.concat([FRAME, FRAME[:1].assign(panel=head, what=head, day=pd.Timestamp("2025-12-31"))])
    base = alt.Chart(more.assign(text=day)).encode(x=alt.X("day:T", title=None), y=alt.Y("what:N", title=None))
    drawn = svg(prepare(base.mark_point() + base.mark_text(align="left", dx=8).encode(text="text:N"), width_mm=112))
    origin = float(re.findall(r"translate\((\d+)", drawn)[0])
    places = [float(x) for x in re.findall(rf"translate\(([\d.]+),[\d.]+\)[^>]*>{day}<", drawn)]
    assert len(places) == len(more)
    assert origin + max(places) + text_width(day) < WIDTHS[112] + 2
    assert f">{head}<" in drawn
    assert f">{head}<" in svg(prepare(simple(more).encode(column="panel:N"), width_mm=166))


def test_all_text_is_eight_points_or_more() -> None:
    charts = [*(CHARTS[name]() for name in ("vconcat", "facet", "timeline")), _map(166)]
    specs = [prepare(chart, width_mm=166, title="A", subtitle="B") for chart in charts]
    for spec in specs:
        assert min(float(pixels) for pixels in re.findall(r'font-size="([\d.]+)px"', svg(spec))) >= 8 * 96 / 72


def test_colours_come_from_the_brand() -> None:
    assert brand("ink") == theme.INK
    assert brand("refuses") == theme.REFUSE
    drawn = svg(prepare(bars(), width_mm=112, title="A")) + svg(prepare(_map(), width_mm=112))
    ours = {colour.lower() for colour in (brand(name) for name in _palette())}
    drawn_colours = {c.lower() for c in re.findall(r'(?:fill|stroke)="(#\w{6})"', drawn)}
    assert drawn_colours <= ours
    with pytest.raises(DataError, match="no colour “mauve”"):
        brand("mauve")


def _palette() -> list[str]:
    text = (ROOT / "report" / "_brand.yml").read_text(encoding="utf-8")
    return re.findall(r'^    ([\w-]+): "#', text, flags=re.M)


def test_layers_without_ids_are_refused() -> None:
    assert check_layers(prepare(bars(), width_mm=112)) == []
    bare = prepare(bars(FRAME.drop(columns="row_id")), width_mm=112)
    problems = check_layers(bare)
    assert any("x draws “high”" in one and "row_id" in one for one in problems)
    assert ("100–150", ()) in words(bare)
    assert check_layers(bare, allowed=True) == []
    some = FRAME.assign(row_id=["obs-a", "", "obs-d"])
    assert any("1 of 3 rows" in one for one in check_layers(prepare(bars(some), width_mm=112)))


@pytest.mark.parametrize(
    ("chart", "said"),
    [
        (lambda: alt.Chart(FRAME).mark_bar().encode(x="sum(high):Q", y="panel:N"), "aggregate"),
        (lambda: alt.Chart(FRAME).mark_bar().encode(x=alt.X("high:Q", bin=True), y="what:N"), "bin"),
        (lambda: simple().transform_aggregate(high="mean(high)", groupby=["what"]), "aggregate"),
        (lambda: alt.layer(simple(), alt.Chart(FRAME).mark_rule().encode(x=alt.datum(100))), "typed into it"),
        (lambda: alt.Chart("https://example.org/x.csv").mark_point().encode(x="a:Q"), "without a network"),
        (lambda: alt.Chart(FRAME.drop(columns="row_id")).mark_point().encode(x="day:T"), "“day”"),
        (lambda: alt.Chart(FRAME.drop(columns="row_id")).mark_point().encode(x="low:O"), "“low”"),
        (lambda: alt.Chart(FRAME.replace(FRAME["day"][0], pd.NaT)).mark_text().encode(text="day:T"), "dropna"),
    ],
)
def test_what_loses_evidence_is_said(chart: Any, said: str) -> None:
    assert any(said in one for one in check_layers(prepare_without_width(chart())))


def prepare_without_width(chart: Any) -> dict[str, Any]:
    try:
        return prepare(chart, width_mm=112)
    except NarrativeError as error:  # what cannot be drawn at all
        pytest.fail(str(error))


def test_a_baseline_and_words_alone_need_no_ids() -> None:
    frame = pd.DataFrame({"who": ["France", "Poland"], "answer": ["yes", "no"]})
    chart = alt.Chart(frame).mark_point().encode(y="who:N", color="answer:N")
    assert check_layers(prepare(chart, width_mm=112)) == []
    zero = alt.layer(simple(), alt.Chart(FRAME).mark_rule().encode(x=alt.datum(0)))
    assert check_layers(prepare(zero, width_mm=112)) == []


def test_words_that_hold_a_number_are_reported_with_their_rows() -> None:
    frame = FRAME.assign(what=["Small force", "Of eleven nations", "In April"])
    spec = prepare(bars(frame).properties(title="Since 2014"), width_mm=112)
    found = dict(words(spec))
    assert found["Of eleven nations"] == ("obs-b", "obs-c")
    assert found["In April"] == ("obs-d",)
    assert found["100–150"] == ("obs-d",)
    assert "Small force" not in found
    typed = alt.layer(
        simple().encode(x=alt.X("high:Q", title="Soldiers in 2025", axis=alt.Axis(labelExpr="datum.label + ' of 30'"))),
        alt.Chart(FRAME).mark_text().encode(text=alt.value("nearly forty")),
    )
    assert {("Soldiers in 2025", ()), (" of 30", ()), ("nearly forty", ())} <= set(words(prepare(typed, width_mm=112)))


def test_quantities_are_printed_and_never_drawn() -> None:
    frame = FRAME.assign(value=[Value("20–30"), Value("40"), None])
    text = alt.Chart(frame).mark_text().encode(y="what:N", text="value:N")
    spec = prepare(text, width_mm=112)
    assert [row["value"] for row in json.loads(json.dumps(spec))["datasets"]["data-1"]] == ["20–30", "40", None]
    for shorthand in ("value:Q", "value:N", "text:Q"):
        drawn = prepare(alt.Chart(frame).mark_bar().encode(x=shorthand, y="what:N"), width_mm=112)
        assert any("value_low" in one for one in check_layers(drawn, allowed=True))


def test_data_are_small_and_known_by_name() -> None:
    spec = prepare(alt.vconcat(bars(), bars()), width_mm=112)
    assert list(spec["datasets"]) == ["data-1"]
    assert list(datasets(spec)["data-1"][0]) == ["what", "high", "text", "row_id"]
    assert row_ids(spec) == ["obs-a", "obs-b", "obs-c", "obs-d"]
    used = alt.Chart(FRAME).transform_calculate(twice="datum.low * 2 + datum['high']").mark_bar().encode(x="twice:Q")
    assert list(datasets(prepare(used, width_mm=112))["data-1"][0]) == ["low", "high", "row_id"]


def test_the_same_chart_gives_the_same_bytes() -> None:
    def made() -> str:
        chart = alt.layer(*bars().layer, alt.Chart(FRAME).mark_point().encode(x="low:Q").interactive())
        return json.dumps(prepare(chart, width_mm=112, title="A"))

    assert made() == made()
    assert json.dumps(prepare(_map(), width_mm=112)) == json.dumps(prepare(_map(), width_mm=112))


# The map

ANSWERS = pd.DataFrame(
    {
        "actor_id": ["FRA", "POL", "ITA", "CAN"],
        "answer": ["yes", "no", "open", "yes"],
        "how": ["", "", "expected", ""],
        "part": ["", "in the force", "", ""],
        "row_id": ["pos-fra", "pos-pol", "pos-ita", "pos-can"],
    }
)


def _map(width: int | str = 112, frame: pd.DataFrame = ANSWERS, **more: Any) -> Any:
    return europe(frame, "answer", domain=["yes", "open", "no"], range=[theme.READY, theme.OPEN, theme.REFUSE],
                  width=width, **more)  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
def test_the_map_is_drawn_at_its_printed_size(width: int | str) -> None:
    spec = prepare(_map(width, outline="how", hatch="part"), width_mm=width)
    wide, high = size(svg(spec))
    assert wide == WIDTHS[width]
    assert width != 112 or high >= 85 / 25.4 * 96
    assert check_layers(spec) == []
    assert words(spec) == []
    assert row_ids(spec) == list(ANSWERS["row_id"])
    assert (">France<" in svg(spec)) == (width != 47)


def test_the_map_names_and_colours_countries() -> None:
    drawn = svg(prepare(_map(outline="how", hatch="part", focus="POL"), width_mm=112))
    for name in ("France", "Poland", "Italy"):
        assert drawn.count(f">{name}<") == 2  # with its halo
    for word in ("Canada", "yes", "no", "open", "expected", "in the force"):
        assert drawn.count(f">{word}<") == 1
    for colour in (theme.READY, theme.OPEN, theme.REFUSE, theme.LAND):
        assert f'fill="{colour}"' in drawn
    assert drawn.count('stroke-dasharray="3,2"') == 2  # the country and its line in the legend
    assert drawn.index('stroke-width="3"') < drawn.rindex(">France<")  # the halo lies under its label
    inks = {one["text"]: (one["edge"], one["ink"]) for one in prepare(_map(), width_mm=112)["datasets"]["_labels"]}
    assert inks["France"] == (theme.READY, theme.PAPER)  # within its country; Italy is too thin for its name
    assert inks["Italy"] == (theme.PAPER, theme.INK)
    data = pd.concat(map(pd.DataFrame, datasets(prepare(_map(), width_mm=112)).values()))
    assert set(data["name"]) == {"France", "Poland", "Italy", "Canada"}, "Who stands in a box is in the data, too."


def test_labels_of_the_map_do_not_meet() -> None:
    countries = pd.read_csv(ROOT / "data" / "countries.csv", dtype=str)
    everyone = pd.DataFrame({"actor_id": countries["iso3"], "answer": "yes", "row_id": "m-" + countries["iso3"]})
    for width in (112, "narrow"):
        labels = prepare(_map(width, everyone), width_mm=width)["datasets"]["_labels"]
        assert len(labels) > 20
        assert len({(one["x"], one["y"]) for one in labels}) == len(labels)


def test_the_map_carries_its_shapes_once() -> None:
    text = json.dumps(prepare(alt.vconcat(_map(), _map()), width_mm=112))
    assert text.count("TopoJSON") + text.count("Topology") == 1
    assert len(text) < 62_000


def test_a_map_says_what_is_wrong_with_its_frame() -> None:
    with pytest.raises(NarrativeError, match="FRA has several"):
        _map(frame=pd.concat([ANSWERS, ANSWERS[:1]]))
    with pytest.raises(NarrativeError, match="no column row_id"):
        _map(frame=ANSWERS.drop(columns="row_id"))
    with pytest.raises(NarrativeError, match="one width"):
        prepare(_map(47), width_mm=112)
    with pytest.raises(NarrativeError, match="47, 112, 166"):
        prepare(bars(), width_mm=100)
    with pytest.raises(NarrativeError, match="does not fit into 178 pixels"):
        fitted(prepare(alt.hconcat(bars(), bars()), width_mm=47))


def test_an_empty_frame_gives_an_empty_map() -> None:
    for frame in (ANSWERS[:0], pd.DataFrame()):
        spec = prepare(_map(frame=frame), width_mm=112)
        assert row_ids(spec) == []
        assert size(svg(spec))[0] == WIDTHS[112]


def test_a_picture_is_drawn_twice_as_large() -> None:
    picture = png(prepare(simple(), width_mm=47))
    assert int.from_bytes(picture[16:20], "big") == 2 * WIDTHS[47]
