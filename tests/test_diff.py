"""`alliances diff`: planted changes of each part are found, and nothing else; text, JSON, one page without network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup

from alliances.cli import main
from alliances.diff import Change, as_html, as_text, compare
from alliances.errors import DataError
from helpers import outputs

PARTS = ("parameters", "rows", "text", "figures", "judgements")


@pytest.fixture(scope="module")
def old(built_river: Path) -> Path:
    return built_river / "report" / "_output"


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    """The same edition, to be changed by hand: a comparison reads it and does not check it."""
    return Path(shutil.copytree(old, tmp_path / "new", ignore=shutil.ignore_patterns("editions")))


def edit_json(path: Path, edit: Callable[[Any], object]) -> None:
    content = json.loads(path.read_text("utf-8"))
    edit(content)
    path.write_text(json.dumps(content), "utf-8")


def edit_output(folder: Path, name: str, kind: str, edit: Callable[[Any], object]) -> None:
    """Change the first output of a kind in an edition's notebook."""
    path = folder / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(path, 4)
    edit(next(o for o in outputs(notebook) if o.get("metadata", {}).get("alliances", {}).get("kind") == kind))
    nbformat.write(notebook, path)


def edit_rows(folder: Path, edit: Callable[[Any], object]) -> None:
    edit_json(folder / "facts.json", lambda facts: edit(facts["rows"]))


def meta(output: Any) -> Any:
    return output["metadata"]["alliances"]


STAFF, FEWER = "obs-staff-report", "obs-barges-brief"


def plant_parameter(folder: Path) -> None:
    edit_json(folder / "manifest.json", lambda manifest: manifest["parameters"].update(focus="XAV"))


def plant_value(folder: Path) -> None:
    edit_rows(folder, lambda rows: rows[STAFF].update(value_low="70", comparator="at_least"))


def plant_row(folder: Path) -> None:
    edit_rows(folder, lambda rows: rows.pop("cap-commission-ships-brief"))


def plant_sentence(folder: Path) -> None:
    edit_output(folder, "treaty", "prose", lambda o: meta(o)["sentences"].append({"text": "It rains."}))


def plant_word(folder: Path) -> None:
    edit_output(folder, "treaty", "prose", lambda o: meta(o)["sentences"][1].update(text="The June column tells all."))


def plant_title(folder: Path) -> None:
    edit_output(folder, "commission", "figure", lambda o: meta(o).update(title="Barges, counted"))


def plant_caption(folder: Path) -> None:
    edit_output(folder, "commission", "figure", lambda o: meta(o).update(caption="One text names Arven."))


def plant_drawing(folder: Path) -> None:
    edit_output(
        folder, "commission", "figure", lambda o: o["data"]["application/vnd.vegalite.v5+json"].update(height=9)
    )


def plant_cell(folder: Path) -> None:
    edit_output(folder, "treaty", "table", lambda o: meta(o).update(body=meta(o)["body"].replace("Rejects", "Accepts")))


def plant_likelihood(folder: Path) -> None:
    edit_output(
        folder, "treaty", "judgement", lambda o: meta(o).update(proposition="It is **unlikely** that it rains.")
    )


def plant_reason(folder: Path) -> None:
    edit_output(folder, "treaty", "judgement", lambda o: meta(o)["lines"].append(["For", "Much.[^A1^](#ev-A1 “x”)"]))


@pytest.mark.parametrize(
    ("plant", "part", "where", "told"),
    [
        (plant_parameter, "parameters", "focus", ("", "XAV")),
        (plant_value, "rows", STAFF, ("value_low: 60.0; comparator: about", "value_low: 70; comparator: at_least")),
        (plant_row, "rows", "cap-commission-ships-brief", ("B6 rescue · ships for rescue · lacks · reported", "")),
        (plant_sentence, "text", "treaty", ("", "It rains.")),
        (plant_word, "text", "treaty", ("stands on a new dam", "The June column tells all.")),
        (plant_title, "figures", "fig-commission-barges", ("75% of the barges", "Barges, counted")),
        (plant_caption, "figures", "fig-commission-barges", ("Both texts name Arven.", "One text names Arven.")),
        (plant_drawing, "figures", "fig-commission-barges", ("earlier data", "other data under “75% of the barges")),
        (plant_cell, "figures", "tbl-treaty-dam", ("earlier data", "other data under “What Dunmere says")),
        (plant_likelihood, "judgements", "jud-dam", ("It is likely that Dunmere", "It is unlikely that it rains. · ")),
        (plant_reason, "judgements", "jud-dam", ("It is likely", "For: Much.")),
    ],
)
def test_a_planted_change_is_found(
    old: Path, new: Path, plant: Callable[[Path], None], part: str, where: str, told: tuple[str, str]
) -> None:
    plant(new)
    (there,), (back,) = compare(old, new), compare(new, old)
    assert (there.part, there.where) == (part, where)
    assert (told[0] in there.old, told[1] in there.new) == (True, True), there
    assert (bool(there.old), bool(there.new)) == (bool(told[0]), bool(told[1]))
    assert back.part == part
    if told != ("earlier data", told[1]):
        assert {back.old, back.new} == {there.old, there.new}


def test_the_same_edition(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(old), str(old)]) == 0
    assert capsys.readouterr().out == "The two editions are the same.\n"
    assert "<p>The two editions are the same.</p>" in as_html([])


def test_text_json_and_page_tell_the_same(
    old: Path, new: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for plant in (plant_parameter, plant_value, plant_row, plant_word, plant_title, plant_likelihood):
        plant(new)
    assert main(["diff", str(old), str(new)]) == 1
    text = capsys.readouterr().out
    assert main(["diff", str(old), str(new), "--json", "-"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert main(["diff", str(old), str(new), "--html", str(tmp_path / "p.html"), "--json", str(tmp_path / "f")]) == 1
    assert capsys.readouterr().out == ""
    assert json.loads((tmp_path / "f").read_text("utf-8")) == found
    assert found["same"] is False
    assert {change["part"] for change in found["changes"]} == set(PARTS)
    page = BeautifulSoup((tmp_path / "p.html").read_text("utf-8"), "html.parser")
    for change in found["changes"]:
        assert f"  {change['where']}\n" in text
        row = next(r for r in page.select("tbody tr") if r.th and r.th.get_text() == change["where"])
        assert [cell.get_text() for cell in row.select("td")] == [change["old"], change["new"]]
    assert len(page.select("tbody tr")) == len(found["changes"])


def test_the_page_needs_no_network_and_marks_words() -> None:
    text = as_html([Change("text", "treaty", "It has ten <b>barges</b>.", "It has two <b>barges</b>.")])
    page = BeautifulSoup(text, "html.parser")
    assert [tag.get_text().strip() for tag in page.select("del, ins")] == ["ten", "two"]
    assert not page.select("script, link, img, iframe, [src], [href], b")
    policy = page.select_one("meta[http-equiv]")
    assert policy
    assert str(policy["content"]).startswith("default-src 'none'")
    assert "http:" not in text.replace("http-equiv", "")
    assert page.html
    assert page.html["lang"] == "en-GB"
    assert len(page.select("h1")) == len(page.select("main")) == 1


def test_long_parts_are_cut_in_the_terminal() -> None:
    changes = [Change("rows", f"row-{number}", "", "new") for number in range(12)]
    text = as_text(changes)
    assert text.startswith("What the texts say: 12\n  row-0\n    + new\n")
    assert text.endswith("  … and 2 more; --html or --json has all")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (shutil.rmtree, "holds no edition"),
        (lambda folder: (folder / "manifest.json").write_bytes(b"\xff"), "holds no edition"),
        (lambda folder: (folder / "facts.json").unlink(), "is damaged"),
        (lambda folder: (folder / "facts.json").write_text("[{}]"), "is damaged"),
        (lambda folder: (folder / "notebooks" / "treaty.ipynb").write_text("{}"), "is damaged"),
        (lambda folder: (folder / "notebooks" / "treaty.ipynb").write_text('{"cells": [1]}'), "is damaged"),
    ],
)
def test_what_is_no_edition(old: Path, new: Path, spoil: Callable[[Path], object], told: str) -> None:
    spoil(new)
    with pytest.raises(DataError, match=told):
        compare(old, new)
