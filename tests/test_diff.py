"""What changed between two editions: small editions by hand, compared as an editor would ask."""

from __future__ import annotations

import copy
import json
import os
import tempfile
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from alliances.cli import main
from alliances.comparison.compare import compare
from alliances.comparison.model import KINDS, PARTS, Change, Comparison, Group, Part
from alliances.comparison.page import as_html
from alliances.comparison.reading import EditionError
from alliances.comparison.sequences import align
from alliances.comparison.terminal import as_text
from alliances.comparison.text import Section, compare_sections, read_sections
from alliances.dataset import FACT_TABLES, Dataset
from alliances.known_rows import KnownRows, edition_rows

EXAMPLES = int(os.environ.get("ALLIANCES_TEST_EXAMPLES", "20"))
Json = dict[str, Any]

PARAMETERS: Json = {"as_of": "2025-07-31", "focus": "", "exclude_sources": [], "troops": None, "rotation": 3}
MEMBERS: Json = {
    "section": "sec-jef",
    "printed": "10",
    "target": "ev-jef-ten",
    "source_id": "opinion",
    "quotation": "with 10 nations",
    "row_ids": ["obs-jef-members", "mem-jef-dnk"],
}
SHARE: Json = {
    "section": "sec-jef",
    "printed": "7",
    "target": "calc-jef-in-eu",
    "formula": "number of countries in both lists",
    "inputs": [{"text": "Denmark", "target": "mem-jef-dnk", "label": ""}],
}
CHAPTER = "# The force {#sec-jef}\n\nIt has [10](#ev-jef-ten) members [@opinion]. It is led by the U.K. government."


def known(row_id: str, text: str, source_id: str = "opinion", **values: Any) -> Json:
    """A row of rows.json; `says` and `current` are taken out of the values."""
    row: Json = {"row_id": row_id, "source_id": source_id, "text": text}
    row |= {name: values.pop(name) for name in ("says", "current") if name in values}
    return row | {"values": values}


def member(row_id: str, actor: str, role: str, source_id: str = "opinion", **more: Any) -> Json:
    return known(row_id, f"{actor}: {role}", source_id, says=role, alliance_id="jef", actor_id=actor, role=role, **more)


def position(row_id: str, says: str, source_id: str = "opinion", **more: Any) -> Json:
    values = {"alliance_id": "jef", "actor_id": "DNK", "topic": "troops", "position": says}
    return known(row_id, f"Denmark: {says}", source_id, says=says, **values, **more)


JUDGEMENT = known(
    "jud-force", "It is likely that the force goes.", "", statement="It is {likelihood} that the force goes.",
    likelihood="likely", confidence="low", requires="obs-a; obs-b",
)  # fmt: skip
TABLES: Json = {
    "sources": [
        known("opinion", "Opinion, July 2025", "", published="2025-07-31"),
        known("analysis", "Analysis, April 2025", "", published="2025-04-16"),
    ],
    "memberships": [member("mem-jef-dnk", "DNK", "member")],
    "positions": [position("pos-dnk", "hesitant", "analysis")],
    "judgements": [JUDGEMENT],
}
SPEC: Json = {
    "title": {"text": ["Ten are in"], "subtitle": ["Countries"]},
    "description": "Bar chart of ten countries.",
    "usermeta": {"label": "fig-jef", "caption": 'Members. Source: [Opinion](#ev-jef-ten "Opinion: ten").'},
    "mark": "bar",
    "data": {"name": "data-1"},
    "datasets": {
        "data-1": [
            {"row_id": "mem-jef-dnk", "event": "Denmark", "line": "00Denmark", "low": 1.0},
            {"row_id": "mem-jef-swe", "event": "Sweden", "line": "01Sweden", "low": 2.0},
        ]
    },
}


def write(
    folder: Path,
    *,
    parameters: Json | None = None,
    facts: list[Json] | None = None,
    tables: Json | None = None,
    figures: dict[str, Json] | None = None,
    chapters: dict[str, str] | None = None,
    **manifest: Any,
) -> Path:
    """Write an edition; what is not given is as in the constants above, and `tables={}` writes no rows.json."""
    folder.mkdir(parents=True)
    outputs = {"report.html": "aa"}
    head = {"parameters": PARAMETERS | (parameters or {}), "engine": "embedded", "outputs": outputs, **manifest}
    (folder / "manifest.json").write_text(json.dumps(head), "utf-8")
    (folder / "facts.json").write_text(json.dumps([MEMBERS, SHARE] if facts is None else facts), "utf-8")
    if tables != {}:
        names = {"actors": {"DNK": "Denmark", "SWE": "Sweden"}, "alliances": {"jef": "JEF"}}
        (folder / "rows.json").write_text(json.dumps(names | {"tables": TABLES | (tables or {})}), "utf-8")
    (folder / "figures").mkdir()
    for label, spec in ({"fig-jef": SPEC} if figures is None else figures).items():
        (folder / "figures" / f"{label}.json").write_text(json.dumps(spec), "utf-8")
    (folder / "notebooks").mkdir()
    for name, markdown in ({"jef": CHAPTER} if chapters is None else chapters).items():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(markdown, id="text")])
        (folder / "notebooks" / f"{name}.ipynb").write_text(nbformat.writes(notebook), "utf-8")
    return folder


def part(found: Comparison, name: str) -> Part:
    return next(part for part in found.parts if part.name == name)


def only(found: Comparison, name: str) -> list[Change]:
    """The changes of a part, where no other part has any."""
    assert {p.name for p in found.parts if p.groups} <= {name}
    return list(part(found, name).changes)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write(tmp_path / "old")


# ---------------------------------------------------------------- nothing changed


def test_an_edition_is_the_same_as_itself(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(old), str(old)]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith("The editions are the same.\n")
    assert "state of knowledge 31 July 2025" in shown


def test_pages_that_differ_in_looks_only_are_told(old: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new", outputs={"report.html": "bb"})
    (change,) = only(compare(old, new), "making")
    assert "report.html looks different" in change.label


# ---------------------------------------------------------------- how it was made


def test_parameters_engine_versions_and_inputs(tmp_path: Path) -> None:
    old = write(tmp_path / "old", inputs={"data/a.csv": "1", "data/b.csv": "1"}, versions={"altair": "5.5.0"})
    new = write(
        tmp_path / "new",
        parameters={"as_of": "2025-03-20", "exclude_sources": ["opinion"], "troops": 30000},
        engine="quarto 1.9.38",
        inputs={"data/a.csv": "2", "data/c.csv": "1"},
        versions={"altair": "5.5.1"},
    )
    found = compare(old, new)
    told = {change.key: (change.old, change.new) for change in part(found, "parameters").changes}
    assert told == {
        "as_of": ("2025-07-31", "2025-03-20"),
        "exclude_sources": ("none", "opinion"),
        "troops": ("none", "30,000"),
    }
    made = {(change.kind, change.key) for change in part(found, "making").changes}
    assert made == {
        ("changed", "engine"),
        ("changed", "altair"),
        ("changed", "data/a.csv"),
        ("removed", "data/b.csv"),
        ("added", "data/c.csv"),
    }
    assert found.new.lines == ("exclude_sources = opinion", "troops = 30,000")


def test_sources(old: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new", tables={"sources": TABLES["sources"][:1]})
    (change,) = part(compare(old, new), "sources").changes
    assert (change.kind, change.old) == ("removed", "Analysis, April 2025")


# ---------------------------------------------------------------- facts


def test_another_value_for_the_same_evidence(old: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new", facts=[MEMBERS | {"printed": "11"}, SHARE])
    (change,) = only(compare(old, new), "facts")
    assert (change.kind, change.key, change.old, change.new) == ("changed", "ev-jef-ten", "10", "11")
    assert change.label == "“with 10 nations” (Opinion, July 2025)"


def test_other_evidence_for_the_same_row(old: Path, tmp_path: Path) -> None:
    other = MEMBERS | {"target": "ev-jef-list", "quotation": "ten of them", "row_ids": ["obs-jef-members"]}
    (change,) = only(compare(old, write(tmp_path / "new", facts=[other, SHARE])), "facts")
    assert (change.kind, change.key, change.old, change.new) == ("changed", "obs-jef-members", "", "")
    details = {detail.name: (detail.old, detail.new) for detail in change.details}
    assert details["evidence"] == ("#ev-jef-ten", "#ev-jef-list")
    assert details["quotation"] == ("with 10 nations", "ten of them")
    assert details["rows behind it"] == ("mem-jef-dnk", "")


def test_a_derived_figure_with_another_input(old: Path, tmp_path: Path) -> None:
    more = [*SHARE["inputs"], {"text": "Sweden", "target": "mem-jef-swe", "label": ""}]
    new = write(tmp_path / "new", facts=[MEMBERS, SHARE | {"printed": "8", "inputs": more}])
    (change,) = only(compare(old, new), "facts")
    assert (change.old, change.new, change.label) == ("7", "8", "number of countries in both lists")
    assert [(d.name, d.old, d.new) for d in change.details] == [("inputs", "", "Sweden (mem-jef-swe)")]


def test_facts_added_and_removed_stand_under_their_chapters(old: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new", facts=[MEMBERS, SHARE | {"section": "sec-annex-derived", "target": "calc-new"}])
    found = part(compare(old, new), "facts")
    told = [(group.title, change.kind, change.key) for group in found.groups for change in group.changes]
    assert told == [("The force", "removed", "calc-jef-in-eu"), ("Derived figures", "added", "calc-new")]


def test_where_and_how_often_a_value_is_printed_is_no_matter_of_facts(old: Path, tmp_path: Path) -> None:
    again = MEMBERS | {"section": "sec-overview"}
    in_annex = MEMBERS | {"section": "sec-annex-derived", "printed": "10 members"}
    source_line = MEMBERS | {"printed": "Opinion, July 2025"}
    assert compare(old, write(tmp_path / "new", facts=[again, source_line, MEMBERS, SHARE, in_annex])).same


# ---------------------------------------------------------------- rows


def test_memberships_by_what_counts_now(old: Path, tmp_path: Path) -> None:
    rows = [
        member("mem-jef-dnk", "DNK", "member", current=False),
        member("mem-jef-dnk-2", "DNK", "lead", "analysis"),
        member("mem-jef-swe", "SWE", "partner"),
    ]
    first, second = only(compare(old, write(tmp_path / "new", tables={"memberships": rows})), "memberships")
    assert (first.kind, first.label) == ("changed", "Denmark")
    assert (first.old, first.new) == ("member (Opinion, July 2025)", "lead (Analysis, April 2025)")
    assert [(d.name, d.old, d.new) for d in first.details] == [("evidence", "", "DNK: lead (Analysis, April 2025)")]
    assert (second.kind, second.label, second.new) == ("added", "Sweden", "partner (Opinion, July 2025)")


def test_a_further_text_on_a_member_changes_the_evidence_only(old: Path, tmp_path: Path) -> None:
    rows = [*TABLES["memberships"], member("mem-jef-dnk-2", "DNK", "member", "analysis", current=False)]
    (change,) = only(compare(old, write(tmp_path / "new", tables={"memberships": rows})), "memberships")
    assert (change.old, change.new, change.label) == ("", "", "Denmark: member (Opinion, July 2025)")
    assert change.details[0].new == "DNK: member (Analysis, April 2025)"


def test_positions(old: Path, tmp_path: Path) -> None:
    rows = [
        position("pos-dnk", "hesitant", "analysis", current=False),
        position("pos-dnk-2", "ruled out", attribution="author_expectation"),
    ]
    found = compare(old, write(tmp_path / "new", tables={"positions": rows}))
    (change,) = only(found, "positions")
    assert change.label == "Denmark, sending troops"
    assert change.old == "hesitant (Analysis, April 2025)"
    assert change.new == "ruled out (Opinion, July 2025, author’s expectation)"
    assert part(found, "positions").groups[0].title == "JEF"


def test_a_corrected_cell_is_told_with_its_row(old: Path, tmp_path: Path) -> None:
    rows = [position("pos-dnk", "hesitant", "analysis", date="2025-04")]
    (change,) = only(compare(old, write(tmp_path / "new", tables={"positions": rows})), "positions")
    assert [(d.name, d.old, d.new) for d in change.details] == [("pos-dnk, date", "", "2025-04")]


def test_a_judgement_that_became_firmer(old: Path, tmp_path: Path) -> None:
    firmer = copy.deepcopy(JUDGEMENT) | {"text": "It is highly likely that the force goes."}
    firmer["values"] |= {"likelihood": "highly_likely", "confidence": "moderate", "requires": "obs-b; obs-c"}
    (change,) = only(compare(old, write(tmp_path / "new", tables={"judgements": [firmer]})), "judgements")
    assert [(d.name, d.old, d.new) for d in change.details] == [
        ("likelihood", "likely", "highly likely (higher)"),
        ("confidence", "low", "moderate (higher)"),
        ("rests on", "obs-a", "obs-c"),
    ]


def test_a_judgement_with_another_number_in_it(old: Path, tmp_path: Path) -> None:
    other = copy.deepcopy(JUDGEMENT) | {"text": "It is likely that the force goes with 5."}
    (change,) = only(compare(old, write(tmp_path / "new", tables={"judgements": [other]})), "judgements")
    assert (change.label, change.old, change.new) == ("jud-force", JUDGEMENT["text"], other["text"])


def test_judgements_disagreements_and_other_rows_come_and_go(old: Path, tmp_path: Path) -> None:
    new = write(
        tmp_path / "new",
        tables={
            "judgements": [],
            "disagreements": [known("dis-a", "how many: they differ", "", kind="scope")],
            "observations": [known("obs-a", "Troops: 10", value_low=10.0)],
        },
    )
    found = compare(old, new)
    assert [c.kind for c in part(found, "judgements").changes] == ["removed"]
    assert [c.new for c in part(found, "disagreements").changes] == ["how many: they differ"]
    assert [(g.title, c.new) for g in part(found, "rows").groups for c in g.changes] == [("Observations", "Troops: 10")]


def test_without_rows_facts_and_charts_must_do(old: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new", tables={}, facts=[SHARE], figures={})
    for found in (compare(old, new), compare(new, old)):
        assert [c.key for c in part(found, "memberships").changes] == ["mem-jef-dnk", "mem-jef-swe"]
        assert "as far as facts and charts show" in part(found, "memberships").note
        assert part(found, "judgements").note.startswith("Not compared: ")
        assert str(new) in part(found, "judgements").note
        assert str(old) not in part(found, "judgements").note


# ---------------------------------------------------------------- charts


def with_rows(*rows: Json, **more: Any) -> Json:
    return SPEC | {"data": {"name": "data-2"}, "datasets": {"data-2": list(rows)}} | more


def test_a_new_row_of_a_chart_is_one_change(old: Path, tmp_path: Path) -> None:
    first, second = SPEC["datasets"]["data-1"]
    shifted = [{"row_id": "mem-nor", "event": "Norway", "line": "00Norway"}, first | {"line": "01Denmark"}]
    spec = with_rows(*shifted, second | {"line": "02Sweden"})
    (change,) = only(compare(old, write(tmp_path / "new", figures={"fig-jef": spec})), "charts")
    assert (change.kind, change.key, change.new) == ("added", "mem-nor", "Norway")


def test_a_chart_with_other_words_and_another_value(old: Path, tmp_path: Path) -> None:
    first, second = SPEC["datasets"]["data-1"]
    spec = with_rows(first, second | {"low": 3.0}, title={"text": ["Ten", "belong"], "subtitle": "Countries"})
    headline, row = only(compare(old, write(tmp_path / "new", figures={"fig-jef": spec})), "charts")
    assert (headline.label, headline.old, headline.new) == ("headline", "Ten are in", "Ten belong")
    assert [(d.name, d.old, d.new) for d in row.details] == [("low", "2", "3")]


def test_a_chart_of_its_own_and_a_chart_drawn_anew(old: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new", figures={"fig-jef": SPEC | {"mark": "point"}, "fig-more": SPEC})
    groups = part(compare(old, new), "charts").groups
    told = {group.key: [(change.kind, change.label) for change in group.changes] for group in groups}
    assert told["fig-jef"] == [("changed", "drawn differently; the data are the same")]
    assert told["fig-more"] == [("added", "chart"), ("added", ""), ("added", "")]


def test_rows_that_changed_alike_are_told_as_one(tmp_path: Path) -> None:
    rows = [{"row_id": f"mem-{n}", "country": f"Country {n}", "end": "2025-03-20"} for n in range(5)]
    old = write(tmp_path / "old", figures={"fig-jef": with_rows(*rows)})
    new = write(tmp_path / "new", figures={"fig-jef": with_rows(*(row | {"end": "2025-07-31"} for row in rows))})
    found = compare(old, new)
    assert part(found, "charts").count("changed") == 5
    assert as_text(found).count("end: 2025-03-20 → 2025-07-31") == 1
    assert "5 alike" in as_text(found)


# ---------------------------------------------------------------- text


def test_text_is_compared_by_section_and_sentence(old: Path, tmp_path: Path) -> None:
    chapter = CHAPTER.replace("[10]", "[11]") + "\n\n## Plans\n\nA headquarters is planned."
    found = compare(old, write(tmp_path / "new", chapters={"jef": chapter}))
    first, second = part(found, "text").groups
    assert (first.key, first.title) == ("sec-jef", "The force")
    assert [(c.kind, c.old, c.new) for c in first.changes] == [
        ("changed", "It has 10 members [opinion].", "It has 11 members [opinion].")
    ]
    assert (second.title, [c.new for c in second.changes]) == (
        "The force › Plans (new section)",
        ["A headquarters is planned."],
    )


def test_other_evidence_behind_a_sentence_is_no_matter_of_text(old: Path, tmp_path: Path) -> None:
    assert compare(old, write(tmp_path / "new", chapters={"jef": CHAPTER.replace("#ev-jef-ten", "#ev-other")})).same


def test_a_heading_that_changed_does_not_make_a_new_section() -> None:
    old = [Section("sec-a", "A", "A", ()), Section("sec-a-who", "A", "Who is in", ("One is in.", "Two are not."))]
    new = [Section("sec-a", "A", "A", ()), Section("sec-a-members", "A", "Members", ("One is in.", "Two are not."))]
    (group,) = compare_sections(old, new)
    assert [(c.kind, c.old, c.new) for c in group.changes] == [("changed", "Who is in", "Members")]


def test_rows_of_a_table_belong_together_by_their_first_cell() -> None:
    old = [Section("sec-a", "A", "A", ("Lead | one", "Task | to deter"))]
    new = [Section("sec-a", "A", "A", ("Lead | quite another", "Tasks | to deter"))]
    (group,) = compare_sections(old, new)
    told = [(c.kind, c.old, c.new) for c in group.changes]
    assert told == [
        ("removed", "Task | to deter", ""),
        ("changed", "Lead | one", "Lead | quite another"),
        ("added", "", "Tasks | to deter"),
    ]


def test_sections_of_a_chapter() -> None:
    markdown = """# Title {#sec-a}

Opening by the U.S. president. Second “sentence” [@a; @b].

## Table {#sec-a-table}

- an item

::: {#tbl-x}

| Name | Value |
|---|---|
| **A** | [1](#ev-a "t") |

The caption.
:::

![A chart.](figures/fig-a.svg){#fig-a fig-alt="Left out"}
"""
    first, second = read_sections(markdown)
    assert (first.label, first.title) == ("sec-a", "Title")
    assert first.sentences == ("Opening by the U.S. president.", "Second “sentence” [a; b].")
    assert second.title == "Title › Table"
    assert second.sentences == ("an item", "Name | Value", "A | 1", "The caption.")


# ---------------------------------------------------------------- the command line


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: folder.rename(folder.with_name("gone")), "There is no folder"),
        (lambda folder: (folder / "manifest.json").unlink(), "is no edition, since it holds no manifest.json"),
        (lambda folder: (folder / "facts.json").unlink(), "is no complete edition, since it holds no facts.json"),
        (lambda folder: (folder / "facts.json").write_text("[{}]"), "facts.json cannot be read (0.section: "),
        (lambda folder: (folder / "manifest.json").write_bytes(b"\xff"), "manifest.json cannot be read"),
        (lambda folder: (folder / "rows.json").write_text("{"), "rows.json cannot be read"),
        (lambda folder: (folder / "figures" / "fig-jef.json").write_text("[1]"), "fig-jef.json cannot be read"),
        (lambda folder: (folder / "notebooks" / "jef.ipynb").write_text("{"), "jef.ipynb cannot be read"),
    ],
)
def test_a_folder_that_is_no_edition(
    tmp_path: Path, old: Path, spoil: Any, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(write(tmp_path / "new"))
    assert main(["diff", str(old), str(tmp_path / "new")]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("alliances diff: ")
    assert told in shown.err
    assert shown.err.count("\n") == 1


def test_a_file_is_no_edition(old: Path) -> None:
    with pytest.raises(EditionError, match="is a file; name the folder"):
        compare(old, old / "facts.json")


def test_the_parts_that_are_asked_for(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = write(tmp_path / "new", facts=[], parameters={"focus": "POL"})
    assert main(["diff", str(old), str(new), "--only", "text"]) == 0
    assert main(["diff", str(old), str(new), "--only", "text", "--only", "parameters"]) == 1
    assert "focus: none → POL" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main(["diff", str(old), str(new), "--only", "looks"])
    assert stopped.value.code == 2


def test_long_groups_are_cut_unless_all_is_asked_for(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = [MEMBERS | {"target": f"ev-{n}", "row_ids": []} for n in range(15)]
    new = write(tmp_path / "new", facts=[MEMBERS, SHARE, *facts])
    main(["diff", str(old), str(new)])
    cut = capsys.readouterr().out
    assert "… and 5 more; --all shows them" in cut
    main(["diff", str(old), str(new), "--all"])
    whole = capsys.readouterr().out
    assert "more; --all" not in whole
    assert whole.count("“with 10 nations”") == 15


def test_json(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = write(tmp_path / "new", facts=[MEMBERS | {"printed": "11"}])
    assert main(["diff", str(old), str(new), "--json", "-"]) == 1
    shown = capsys.readouterr().out
    found = json.loads(shown)
    assert found["same"] is False
    assert found["counts"]["facts"] == {"added": 0, "removed": 1, "changed": 1}
    assert list(found["parts"]) == list(PARTS)
    assert main(["diff", str(old), str(new), "--json", str(tmp_path / "found.json")]) == 1
    assert (tmp_path / "found.json").read_text("utf-8") == shown


# ---------------------------------------------------------------- the page


def page(tmp_path: Path, project_root: Path) -> tuple[str, BeautifulSoup]:
    chapter = CHAPTER.replace("[10]", "[11]") + "\n\nA new <b>sentence</b> & more."
    old = write(tmp_path / "old")
    new = write(
        tmp_path / "new",
        facts=[MEMBERS | {"printed": "<script>alert(1)</script>"}],
        chapters={"jef": chapter},
        figures={},
        tables={},
    )
    text = as_html(compare(old, new), project_root)
    return text, BeautifulSoup(text, "html.parser")


def test_the_page_needs_no_network_and_no_script(tmp_path: Path, project_root: Path) -> None:
    text, soup = page(tmp_path, project_root)
    assert not soup.select("script, link, img, iframe")
    policy = soup.select_one("meta[http-equiv=Content-Security-Policy]")
    assert policy is not None
    assert "default-src 'none'" in str(policy["content"])
    assert "script-src 'none'" in str(policy["content"])
    assert "http://" not in text
    assert "https://" not in text
    assert "<script" not in text


def test_the_page_is_accessible(tmp_path: Path, project_root: Path) -> None:
    _, soup = page(tmp_path, project_root)
    assert soup.html is not None
    assert soup.html["lang"] == "en-GB"
    assert len(soup.select("h1")) == 1
    assert len(soup.select("main")) == 1
    ids = [str(tag["id"]) for tag in soup.select("[id]")]
    assert len(ids) == len(set(ids))
    assert {str(link["href"])[1:] for link in soup.select("a[href]")} <= set(ids)
    assert all(tag["aria-labelledby"] in ids for tag in soup.select("[aria-labelledby]"))
    levels = [int(heading.name[1]) for heading in soup.select("h1, h2, h3")]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for item in soup.select("ul.changes > li"):  # colour is never the only channel
        word = item.select_one(".kind")
        assert word is not None
        assert word.get_text().lower() in item["class"]


def test_the_page_marks_words(tmp_path: Path, project_root: Path) -> None:
    _, soup = page(tmp_path, project_root)
    changed = soup.select_one("#text li.changed")
    assert changed is not None
    assert [tag.get_text() for tag in changed.select("del")] == ["10"]
    assert [tag.get_text() for tag in changed.select("ins")] == ["11"]
    notes = [note.get_text() for note in soup.select(".note")]
    assert any("rows.json" in note for note in notes)


def test_pages_and_texts_are_the_same_bytes_each_time(tmp_path: Path, project_root: Path) -> None:
    first, _ = page(tmp_path / "one", project_root)
    second, _ = page(tmp_path / "two", project_root)
    assert first.replace(str(tmp_path / "one"), "") == second.replace(str(tmp_path / "two"), "")


# ---------------------------------------------------------------- whatever the editions hold


words = st.sampled_from(["ten", "eleven", "is", "in", "<b>", "Ünïcode", "a “b”"])
phrases = st.lists(words, max_size=6).map(" ".join)
scalars = st.one_of(phrases, st.booleans(), st.none(), st.integers(0, 3), st.floats(0, 3))
ids = st.sampled_from(["a", "b", "c"])
facts_lists = st.lists(
    st.builds(
        lambda section, printed, target, rows, text: {
            "section": f"sec-{section}",
            "printed": printed,
            "target": f"ev-{target}",
            "source_id": "opinion",
            "quotation": text,
            "row_ids": sorted(rows),
        },
        st.sampled_from(["jef", "nato", "annex-derived"]), phrases, ids, st.sets(ids), phrases,
    ),
    max_size=5,
)  # fmt: skip
data_rows = st.lists(
    st.dictionaries(st.sampled_from(["row_id", "line", "text", "low"]), scalars, max_size=4), max_size=5
)
cells = st.dictionaries(st.sampled_from(["date", "quote_ids", "value_low"]), st.one_of(phrases, st.floats(0, 3)))


@st.composite
def known_tables(draw: st.DrawFn) -> Json:
    def rows(make: Any) -> list[Json]:
        return [make(f"row-{name}") for name in sorted(draw(st.sets(ids)))]

    role = st.sampled_from(["member", "lead"])
    return {
        "memberships": rows(
            lambda i: member(i, draw(st.sampled_from(["DNK", "SWE"])), draw(role), current=draw(st.booleans()))
        ),
        "positions": rows(lambda i: position(i, draw(role), **draw(cells))),
        "judgements": rows(
            lambda i: known(i, draw(phrases), "", likelihood=draw(st.sampled_from(["likely", "unlikely"])))
        ),
        "observations": rows(lambda i: known(i, draw(phrases), **draw(cells))),
    }


editions = st.fixed_dictionaries(
    {
        "parameters": st.fixed_dictionaries({"focus": st.sampled_from(["", "POL"])}),
        "facts": facts_lists,
        "tables": st.one_of(known_tables(), st.just({})),
        "figures": st.dictionaries(st.sampled_from(["fig-a", "fig-b"]), data_rows.map(lambda rows: with_rows(*rows))),
        "chapters": st.just({}),
    }
)


def outline(groups: list[Group] | tuple[Group, ...], *, swapped: bool = False) -> Counter[Any]:
    """What groups of changes say, without order and labels; `swapped` reads it the other way round."""
    other = {"added": "removed", "removed": "added", "changed": "changed"}

    def bare(text: str) -> str:
        return text.removesuffix(" (higher)").removesuffix(" (lower)")

    def told(change: Change) -> Any:
        details = [
            (d.name, *(bare(t) for t in ((d.new, d.old) if swapped else (d.old, d.new)))) for d in change.details
        ]
        values = (change.new, change.old) if swapped else (change.old, change.new)
        return (other[change.kind] if swapped else change.kind, change.key, values, tuple(sorted(details)))

    return Counter(told(change) for group in groups for change in group.changes)


@settings(max_examples=EXAMPLES, deadline=None)
@given(editions, editions)
def test_comparing_the_other_way_round_gives_the_mirror_image(first: Json, second: Json) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, two = write(Path(folder, "one"), **first), write(Path(folder, "two"), **second)
        assert compare(one, one).same
        there, back = compare(one, two), compare(two, one)
        assert there.same == back.same
        for name in PARTS:
            assert outline(part(there, name).groups) == outline(part(back, name).groups, swapped=True)
            assert sum(part(there, name).count(kind) for kind in KINDS) == len(list(part(there, name).changes))
        for found in (there, back):
            assert json.loads(json.dumps(found.as_dict()))["same"] == found.same
            assert all(change.details or change.old != change.new or change.kind != "changed" or change.label
                       for p in found.parts for change in p.changes)  # fmt: skip
            assert as_text(found, limit=None).endswith("\n")


sections = st.lists(
    st.builds(
        lambda label, heading, told: Section(f"sec-{label}", "Chapter", heading, tuple(told)),
        ids, phrases, st.lists(phrases.filter(bool), max_size=4),
    ),
    max_size=3,
    unique_by=lambda section: section.label,
)  # fmt: skip


@settings(max_examples=EXAMPLES * 5, deadline=None)
@given(sections, sections)
def test_sections_mirror_each_other(old: list[Section], new: list[Section]) -> None:
    assert not list(compare_sections(old, old))
    there, back = list(compare_sections(old, new)), list(compare_sections(new, old))
    assert outline(there) == outline(back, swapped=True)
    lost = Counter(c.old for g in there for c in g.changes if c.old and c.key != "heading")
    gained = Counter(c.new for g in there for c in g.changes if c.new and c.key != "heading")
    before, after = (Counter(told for s in side for told in s.sentences) for side in (old, new))
    assert before - lost + gained == after


@settings(max_examples=EXAMPLES * 5)
@given(st.lists(words), st.lists(words))
def test_runs_put_together_give_both_lists(old: list[str], new: list[str]) -> None:
    steps = align(old, new)
    assert [word for before, _ in steps for word in before] == old
    assert [word for _, after in steps for word in after] == new
    assert align(new, old) == [(after, before) for before, after in steps]


# ---------------------------------------------------------------- the rows of an edition


@pytest.fixture(scope="module")
def dataset(project_root: Path) -> Dataset:
    return Dataset.load(project_root, validate=False)


def test_an_edition_lists_all_rows_that_it_knows_and_no_other(dataset: Dataset) -> None:
    for day in (date(2025, 3, 20), date(2025, 7, 31)):
        edition = dataset.known(day)
        listed = KnownRows.model_validate(json.loads(json.dumps(edition_rows(edition))))
        for table, key in FACT_TABLES.items():
            assert [row.row_id for row in listed.tables[table]] == list(edition[table][key])
        for table, key in (
            ("sources", "source_id"),
            ("disagreements", "disagreement_id"),
            ("judgements", "judgement_id"),
        ):
            assert [row.row_id for row in listed.tables.get(table, ())] == list(edition[table][key])
        rows = [row for found in listed.tables.values() for row in found]
        assert all(row.text.strip(" ,:") == row.text.strip() for row in rows)
        assert not [row for row in rows if "](#" in row.text or "{likelihood}" in row.text]


def test_of_each_member_and_position_something_counts_now(dataset: Dataset) -> None:
    listed = KnownRows.model_validate(edition_rows(dataset.known(date(2025, 7, 31))))
    for table, key in (
        ("memberships", ("alliance_id", "actor_id")),
        ("positions", ("alliance_id", "actor_id", "topic")),
    ):
        subjects = {tuple(row.values.get(column) for column in key): False for row in listed.tables[table]}
        for row in listed.tables[table]:
            assert row.says
            subjects[tuple(row.values.get(column) for column in key)] |= row.current
        assert all(subjects.values())


def test_two_cut_offs_of_the_dataset(dataset: Dataset, tmp_path: Path) -> None:
    folders = []
    for day in ("2025-03-20", "2025-07-31"):
        rows = edition_rows(dataset.known(date.fromisoformat(day)))
        folder = write(tmp_path / day, facts=[], figures={}, chapters={})
        (folder / "rows.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
        folders.append(folder)
    there, back = compare(*folders), compare(*reversed(folders))
    assert part(there, "sources").count("added") > 0
    assert part(there, "sources").count("removed") == 0
    assert part(there, "memberships").count("added") > 0
    for name in PARTS:
        assert outline(part(there, name).groups) == outline(part(back, name).groups, swapped=True)
