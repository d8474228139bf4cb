"""What publishing adds to the page for its live charts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from alliances.errors import PublishError
from alliances.publishing import live
from alliances.staging.figures import data_csv

PAGE = """<html><head></head><body><nav id="TOC"></nav><main>
<figure id="fig-x" class="float float-fig"><svg class="chart" data-figure="fig-x"></svg>
<figcaption><span class="label">Figure\u00a03:</span> Words.</figcaption></figure>
<figure id="fig-photo" class="float float-fig"><figcaption>No chart.</figcaption></figure>
</main></body></html>"""


def make_stage(
    folder: Path, csv: str = "name,troops\nPoland,5\nTürkiye,\n", countries: str = "[Poland, Spain]"
) -> Path:
    for name in ("figures", "vega"):
        (folder / name).mkdir(parents=True)
    (folder / "figures" / "fig-x.svg").write_text("<svg><!-- </script> --></svg>", "utf-8")
    (folder / "figures" / "fig-x.csv").write_text(csv, "utf-8")
    (folder / "vega" / "fig-x.json").write_text('{"marks": []}', "utf-8")
    (folder / "edition.yml").write_text(f"countries: {countries}\n", "utf-8")
    return folder


def enlivened(stage: Path) -> BeautifulSoup:
    return BeautifulSoup(live.enliven(PAGE, stage), "html.parser")


def test_a_page_without_charts_stays_as_it_is(tmp_path: Path) -> None:
    assert live.enliven(PAGE, tmp_path) == PAGE
    stage = make_stage(tmp_path / "stage")
    assert live.enliven(PAGE.replace("fig-x", "fig-y"), stage) == PAGE.replace("fig-x", "fig-y")


def test_tools_stand_under_charts_only(tmp_path: Path) -> None:
    page = enlivened(make_stage(tmp_path))
    (tools,) = page.select(".chart-tools")
    before = tools.find_previous_sibling()
    assert before is not None
    assert before["id"] == "fig-x"
    assert tools["aria-label"] == "Figure 3: tools"
    assert [button["aria-label"] for button in tools.select("button")] == [
        "Download the chart of Figure 3 as SVG",
        "Download the chart of Figure 3 as PNG",
        "Download the data of Figure 3 as CSV",
    ]


def test_tables_set_numbers_right(tmp_path: Path) -> None:
    page = enlivened(make_stage(tmp_path, "year,name,troops\n2024,Poland,5\nMay 2025,Spain,\n\nnote\n<b>\n"))
    first, second = page.select(".chart-tools table")
    assert [cell.get_text() for cell in first.select("th[scope=col]")] == ["year", "name", "troops"]
    assert [cell.get_text() for cell in first.select(".number")] == ["troops", "5", ""]
    assert [cell.get_text() for cell in second.select("td")] == ["<b>"]


def test_the_choice_names_countries_that_charts_show(tmp_path: Path) -> None:
    options = enlivened(make_stage(tmp_path / "one")).select("nav + section option")
    assert [(option.get_text(), option.get("data-charts")) for option in options] == [
        ("None", None),
        ("Poland", "fig-x"),
    ]
    assert not enlivened(make_stage(tmp_path / "two", countries="[]")).select("select")


def test_data_cannot_end_their_element(tmp_path: Path) -> None:
    stage = make_stage(tmp_path)
    block = enlivened(stage).select_one("#chart-data")
    assert block is not None
    assert json.loads(str(block.string))["fig-x"] == {
        "svg": "<svg><!-- </script> --></svg>",
        "csv": "name,troops\nPoland,5\nTürkiye,\n",
        "vega": {"marks": []},
    }


def test_broken_files_are_named(tmp_path: Path) -> None:
    stage = make_stage(tmp_path)
    (stage / "figures" / "fig-x.csv").unlink()
    with pytest.raises(PublishError, match=r"files of fig-x cannot be read.*stage the report again"):
        live.enliven(PAGE, stage)


def test_the_bundle_keeps_its_names_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bundle = live.bundle()
    assert bundle.startswith("/* Vega")
    assert "BSD-3-Clause" in bundle[:500]
    assert "window.vegaEmbed=" in bundle[-200:]
    assert bundle.rstrip().endswith("})();")
    assert "</script" not in bundle
    assert 500_000 < len(bundle) < 1_000_000
    assert live.bundle() == bundle


def test_csv_has_an_empty_line_between_tables_only() -> None:
    spec = {"datasets": {"none": [], "one": [{"a": 1}], "two": [{"b": "x, y"}, {"b": None}]}}
    assert data_csv(spec) == 'a\n1\n\nb\n"x, y"\n""\n'
