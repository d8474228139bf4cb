"""Staging: hand-made notebooks on the river's data become one Markdown report, and planted faults are found."""

from __future__ import annotations

import copy
import csv
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pypandoc
import pytest
import yaml

from alliances.dataset import FACT_TABLES, Dataset
from alliances.errors import PublishError
from alliances.parameters import check_parameters
from alliances.run.cache import Cache
from alliances.stage import Staged, stage
from alliances.stage.figures import Drawer
from alliances.text.markdown import link
from river_data import change as change_row
from river_data import copy_river

TEMPLATE = """\
---
coming: [The treaty]
---

{{< include chapters/front.md >}}

# Contents {#contents .front}

{{< contents >}}

# The river {.part}

{{< include chapters/commission.md >}}

# Questions {.part}

{{< include chapters/survey.md >}}

# Annexes {.back}

{{< include chapters/method.md >}}

{{< evidence >}}
"""
STAFF, STATES, BARGES, FEWER = "obs-staff-report", "obs-members-report", "obs-barges-report", "obs-barges-brief"
Printed = Sequence[tuple[str, str]]
Meta = dict[str, Any]
Made = tuple[str, Meta]


class Notebooks:
    """Makes outputs as `narrative` displays them, with marks and evidence worked out from the data."""

    def __init__(self, root: Path) -> None:
        self.dataset = Dataset.load(root, validate=False)
        self.evidence: dict[str, Meta] = {}

    def anchor(self, origin: str) -> str:
        if origin.startswith("ev-"):
            return origin
        if origin.startswith("r-"):
            self.evidence[f"ev-{origin}"] = {"kind": "record", "rows": [origin]}
            return f"ev-{origin}"
        anchor = f"ev-{self.dataset.mark(origin)}"
        rows = self.evidence.setdefault(anchor, {"kind": "rows", "rows": []})["rows"]
        rows += [origin] if origin not in rows else []
        return anchor

    def formula(self, slug: str, value: str, rows: Sequence[str], records: Sequence[str] = ()) -> str:
        record = {"kind": "formula", "what": slug.replace("-", " "), "value": value, "formula": "a and b, counted"}
        record |= {"rows": list(rows), "records": list(records), "formulas": [], "parameters": []}
        self.evidence[f"ev-f-{slug}"] = record
        for row in (*rows, *records):
            self.anchor(row)
        return f"ev-f-{slug}"

    def say(self, text: str, *printed: tuple[str, str], also: Sequence[str] = (), is_marked: bool = True) -> Made:
        """A sentence as Markdown with its marks, and its metadata."""
        anchors = list(dict.fromkeys(self.anchor(o) for o in (*(o for _, o in printed), *also) if ":" not in o))
        signs = {"ev-f-": "=1", "ev-r-": "r1", "ev-i-": "i1"}
        shown = [link(signs.get(a[:5], a.removeprefix("ev-")), a, "“some words”, a text") for a in anchors]
        markdown = text + ("".join(shown) if is_marked else "")
        return markdown, {"text": text, "marks": anchors, "printed": [list(pair) for pair in printed], "ours": False}

    def output(
        self, kind: str, sentences: Sequence[Made] = (), markdown: str = "", **meta: Any
    ) -> nbformat.NotebookNode:
        told = [sentence for _, sentence in sentences]
        data: Meta = {"text/markdown": markdown, "text/plain": ""}
        if spec := meta.pop("spec", None):
            data = {"application/vnd.vegalite.v5+json": spec}
        evidence = copy.deepcopy(self.evidence)
        described = {"kind": kind, **meta, "sentences": told, "evidence": evidence}
        return nbformat.v4.new_output("display_data", data=data, metadata={"alliances": described})


def notebook(*outputs: nbformat.NotebookNode) -> nbformat.NotebookNode:
    node = nbformat.v4.new_notebook()
    for output in outputs:
        cell = nbformat.v4.new_code_cell("edition.write(…)")
        cell.outputs = [nbformat.v4.new_output("stream", text="working material"), output]
        node.cells.append(cell)
    return node


def chart(words: str = "=1+1") -> Meta:
    rows = [{"row_id": BARGES, "day": "2019-03-12", "value": 40, "who": words}]
    rows.append({"row_id": FEWER, "day": "2020-01-20", "value": 30, "who": "@Brief"})
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.20.1.json",
        "title": {"text": ["The headline"], "subtitle": ["Barges"], "color": "#14304F", "subtitleColor": "#55606E"},
        "description": "bars", "width": 320, "height": 90,
        "datasets": {"data": rows, "_aid": [{"x": 1}]}, "data": {"name": "data"}, "mark": "bar",
        "encoding": {"x": {"field": "value", "type": "quantitative", "title": "Barges promised"},
                     "y": {"field": "who", "type": "nominal"},
                     "tooltip": {"field": "day", "type": "temporal", "timeUnit": "yearmonthdate"}},
    }  # fmt: skip


def commission(room: Notebooks) -> nbformat.NotebookNode:
    room.evidence = {}
    title, answer = room.say("Orvane River Commission"), room.say("It has five states.", ("five", STATES))
    more = room.say("They employ about 60 people.", ("about 60", STAFF))
    section = room.say("What it plans")
    plan = room.say("Its barges are 40, not 30.", ("40", BARGES), ("30", FEWER))
    league = room.say(
        "Three of them were in the League.", ("Three", room.formula("in-the-league", "3", [STATES], ["r-xav-league"]))
    )
    text = f"# {title[0]}\n\n{answer[0]} {more[0]}\n\n## {section[0]}\n\n"
    text += f"{plan[0]} See @fig-barges and @tbl-barges.\n\n{league[0]}"
    fact = room.say("12 March 2019", ("12 March 2019", "acc-session-report"))
    headline = room.say(
        "The fleet lost 25%", ("25%", room.formula("share-gone", "25%", [BARGES, FEWER])), is_marked=False
    )
    caption = room.say("The promise was 40.", ("40", BARGES), is_marked=False)
    alt = room.say(
        "Bar chart of two promises: 40 and 30.",
        ("two", room.formula("promises", "2", [BARGES, FEWER])),
        ("40", BARGES),
        ("30", FEWER),
        is_marked=False,
    )
    source = "Source: the May report" + room.say("", also=[BARGES, FEWER, "ev-f-share-gone", "ev-f-promises"])[0] + "."
    cell = room.say("40", ("40", BARGES), is_marked=False)
    head = room.say("Arven", ("Arven", BARGES))
    against = room.say("The promise fell to 30.", ("30", FEWER))
    proposition = room.say("It is **likely** that the survey finds 40 barges.", ("40", BARGES))
    proposition[1]["text"] = "It is likely that the survey finds 40 barges."
    return notebook(
        room.output("prose", [title, answer, more, section, plan, league], text),
        room.output("figure", [headline, caption, alt], id="fig-barges", title=headline[0], subtitle="Barges",
                    caption=caption[0], note="", source=source, alt=alt[1]["text"], width=112,
                    narrow=chart(), spec=chart()),
        room.output("figure-text", [], "Dropped 99"),
        room.output("table", [head, cell], id="tbl-barges", caption="Promises.", source="",
                    body=f"| State | Barges |\n|---|--:|\n| {head[0]} | {cell[0]} |"),
        room.output("judgement", [proposition, against], judgement="jud-survey", rank=2, likelihood="likely",
                    proposition=proposition[0], confidence="low",
                    lines=[["Against", against[0]], ["Confidence", "Low. Only a promise."]]),
        room.output("facts", [fact], id="facts-commission", entries=[["Met", fact[0]]]),
        room.output("evidence", [], "E1 …"),
    )  # fmt: skip


def survey(room: Notebooks) -> nbformat.NotebookNode:
    room.evidence = {}
    title = room.say("How long is the survey, and who pays for all of it?")
    cost = room.formula("cost", "3–4.5 million", ["obs-survey-cost-report"])
    answer = room.say("It covers 1,200 kilometres.", ("1,200", "obs-survey-length-report"))
    again = room.say(
        "Three were in the League, at 3–4.5 million.",
        ("Three", room.formula("in-the-league", "3", [STATES], ["r-xav-league"])),
        ("3–4.5 million", cost),
    )
    rows = [STATES, "obs-survey-length-report", "obs-people-brief", "obs-gauges-brief", "obs-farms-column"]
    many = room.say("Much is known.", also=rows)
    anchors = many[1]["marks"]
    room.evidence["ev-g-1"] = {"kind": "group", "anchors": anchors}
    shown = link("A", anchors[0], "t") + link("A", anchors[1], "t") + link(f"+{len(anchors) - 2}", "ev-g-1", "more")
    ours = room.say("So nobody pays.", also=["ev-i-nobody"])
    room.evidence["ev-i-nobody"] = {
        "kind": "inference",
        "statement": "So nobody pays.",
        "rows": [STATES],
        "against": ["obs-fund-size-brief"],
    }
    text = f"# {title[0]}\n\n{answer[0]}\n\n{again[0]} Much is known.{shown} {ours[0]}"
    return notebook(
        room.output("prose", [title, answer, again, many, ours], text),
        room.output("side", [room.say("60 people work there.", ("60", STAFF))], value="60",
                    text="people work there." + link("A", room.anchor(STAFF), "t")),
    )  # fmt: skip


def front(room: Notebooks) -> nbformat.NotebookNode:
    room.evidence = {}
    heads = room.say("The bottom line"), room.say("What to watch")
    line, watch = room.say("A fund of five.", ("five", STATES)), room.say("The barges.", also=[BARGES])
    return notebook(
        room.output("prose", [heads[0], line], f"# {heads[0][0]}\n\n{line[0]}", **{"class": "bottom-line"}),
        room.output(
            "prose", [heads[1], watch], f"# {heads[1][0]}\n\n1. {watch[0]}\n\n2. {watch[0]}", **{"class": "watch"}
        ),
        room.output("cover", [], finding="**Five** states", figure="fig-barges"),
    )


def make_root(folder: Path) -> Path:
    root = copy_river(folder / "river")
    change_row(root, "observations", STAFF, quote_ids="staff-60; session-march")  # words of two paragraphs
    (root / "report").mkdir(exist_ok=True)
    (root / "report" / "report.qmd").write_text(TEMPLATE, "utf-8")
    return root


def make_notebooks(root: Path) -> dict[str, Any]:
    room = Notebooks(root)
    method = room.say("Method"), room.say("We read texts.")
    return {
        "front": front(room), "commission": commission(room), "survey": survey(room),
        "method": notebook(room.output("prose", list(method), "# Method\n\nWe read texts.")),
    }  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path)


@pytest.fixture
def executed(root: Path) -> dict[str, Any]:
    return make_notebooks(root)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    folder = tmp_path_factory.mktemp("stage")
    root = make_root(folder)
    return staged(root, make_notebooks(root), folder / "out")


@pytest.fixture
def no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drawer, "write", lambda *_: None)


def staged(root: Path, executed: dict[str, Any], folder: Path, **values: Any) -> Staged:
    whole = Dataset.load(root, validate=False)
    parameters = check_parameters(values, whole)
    dataset = whole.known(parameters.as_of, parameters.exclude_sources)
    with Drawer(Cache(root)) as drawer:
        made = stage(root, dataset, parameters, check_parameters({}, whole), executed, folder, drawer)
        drawer.finish()
    return made


def text_of(done: Staged) -> str:
    return (done.folder / "report.md").read_text("utf-8")


def edition_of(done: Staged) -> Meta:
    return dict(yaml.safe_load((done.folder / "edition.yml").read_text("utf-8")))


def entry(done: Staged, anchor: str) -> str:
    found = re.search(rf"^::: \{{#{anchor} .*?^:::$", text_of(done), re.MULTILINE | re.DOTALL)
    assert found, anchor
    return found.group()


# ---------------------------------------------------------------- the report


def test_what_is_right_has_no_problems(report: Staged) -> None:
    assert report.problems == []
    assert [chapter.name for chapter in report.chapters] == ["front", "commission", "survey", "method"]


def test_chapters_have_anchors_answers_and_their_facts_behind_the_answer(report: Staged) -> None:
    text = text_of(report)
    assert '# The river {#part-river .part number="I"}' in text
    assert '## Orvane River Commission {#sec-commission .chapter short="Orvane River Commission"}' in text
    assert "### What it plans {#sec-commission-what-it-plans}" in text
    assert (
        text.index("::: {.answer}\nIt has five states.") < text.index("::: {.facts}") < text.index("### What it plans")
    )
    assert 'short="How long is the survey, and…"' in text
    assert "::: {#fig-barges .fig .w112}\n[The fleet lost 25%]{.headline}" in text
    assert '{alt="Bar chart of two promises: 40 and 30."}' in text
    assert re.search(r"The promise was 40\. +\[Source: the May report\[.*CC0-1\.0\]\{\.source\}", text)
    assert "::: {#tbl-barges .tbl}\n| State | Barges |" in text
    assert "::: {.judgement #jud-survey}\n**It is likely that" in text
    assert "::: {.side}\n[60]{.pull-value} people work there.[^A3^](#ev-A3" in text
    assert "Dropped" not in text
    assert "working material" not in text
    assert "<sup>" not in text


def test_front_and_back_matter_stand_at_the_first_level(report: Staged) -> None:
    text = text_of(report)
    assert "# The bottom line {#bottom-line .front}\n\n::: {.bottom-line}\nA fund of five." in text
    assert re.search(r"::: \{\.watch\}\n1\. The barges\.\S* \"[^\"]*\"\)\n\n2\. The barges\..*\n:::", text)
    assert "# Method {#method .back}" in text
    assert text.index("# Method") < text.index("# Evidence {#evidence .evidence-part}")


def test_contents_hold_the_answers_first_sentences(report: Staged) -> None:
    contents = text_of(report).split("::: {.contents}")[1].split("# The river")[0]
    assert (
        '::: {.contents-entry target="sec-commission"}\n[Orvane River Commission](#sec-commission)\n\n'
        "It has five states.\n:::" in contents
    )
    assert contents.count(".contents-part") == 3
    assert "[^" not in contents
    assert contents.index("Annexes") < contents.index("[Method](#method)") < contents.index("[Evidence](#evidence)")


def test_sums_are_numbered_through_the_report_and_keep_their_anchors(report: Staged) -> None:
    text = text_of(report)
    numbers = dict.fromkeys(re.findall(r"\[\^(=\d)\^\]\(#(ev-f-[a-z-]+)", text))
    anchors = ["ev-f-in-the-league", "ev-f-share-gone", "ev-f-promises", "ev-f-cost"]
    assert list(numbers) == [(f"={number}", anchor) for number, anchor in enumerate(anchors, 1)]
    assert 'mark="i1"' in text
    more = re.search(r"\[\^\+(\d)\^\]\(#ev-(\w+) \"also (.+?)\"\)", text)
    assert more  # it leads to the first of the marks that it stands for, and names them
    assert more[3].split(", ")[0] == more[2]
    assert len(more[3].split(", ")) == int(more[1])


def test_evidence_holds_every_paragraph_and_says_which_are_cited(report: Staged) -> None:
    text = text_of(report)
    for source in ("A · The May report", "B · The January brief", "C · The June column"):
        assert f"## {source} {{#source-{source[0]}" in text
    dataset = Dataset.load(report.folder.parent / "river", validate=False)
    for quote_id in dataset["quotes"]["quote_id"]:
        assert f"{{#ev-{dataset.mark_of_quote(quote_id)} .entry" in text
    for table in FACT_TABLES:  # also a row with a quotation that is linked elsewhere
        for row_id in dataset[table].iloc[:, 0]:
            assert text.count(f"#row-{row_id}}}") == 1
    assert re.search(r"\{#ev-B\d+ \.entry \.uncited mark=", text)
    staff = entry(report, "ev-A3")
    assert staff.startswith(
        '::: {#ev-A3 .entry mark="A3" name="Evidence A3, the May report"}\n'
        "[“The Compact of 1931 bound Arven, Belmora and Cestria to share the water of the Orvane. It gave Arven"
    )
    for side in re.findall(r"\[([^\]]*)\]\{\.(?:before|after)\}", text):
        assert len(side.split()) <= 12


def test_readings_are_in_plain_words(report: Staged) -> None:
    text = text_of(report)
    assert re.search(
        r"\[Staff, the Orvane River Commission: about 60 persons; reported\]\{\.reading", text, re.IGNORECASE
    )
    assert re.search(r"\[Dunmere, the dam, .*: wants; .*\]\{\.reading", text)
    assert "[With A4 “On 12\u00a0March 2019 the commission met in Port Lisse”]{.further}" in entry(report, "ev-A3")
    assert "cost_sharers" not in text


def test_sums_inferences_and_records_name_what_they_rest_on(report: Staged) -> None:
    league = entry(report, "ev-f-in-the-league")
    assert "In the league: **3** (a and b, counted). From\u00a0[A3](#ev-A3) and [r1](#ev-r-xav-league)." in league
    nobody = entry(report, "ev-i-nobody")
    assert "So nobody pays. [Inference of this report.]{.ours} From\u00a0[A3](#ev-A3). Against it:\u00a0[" in nobody
    assert "Arven: member of the League of Rivers since 1\u00a0January 1950." in entry(report, "ev-r-xav-league")
    assert text_of(report).count("Public record: League of Rivers, “Members”.") == 1
    assert "ev-r-xbm-league" not in text_of(report)


@pytest.mark.usefixtures("no_drawing")
def test_the_list_of_judgements_names_the_chapters_that_are_there(
    root: Path, executed: dict[str, Any], tmp_path: Path
) -> None:
    room = Notebooks(root)
    proposition, marks = "It is **likely** that it rains.", link("A", room.anchor(STATES), "t")
    item = {"judgement": "jud-survey", "proposition": proposition, "marks": marks, "confidence_label": "low"}
    items = [{**item, "chapter": "survey"}, {**item, "chapter": "treaty"}]
    executed["front"].cells += notebook(room.output("judgements", items=items)).cells
    done = staged(root, executed, tmp_path / "out")
    assert done.problems == []
    lines = re.findall(r"^\d\. It is \*\*likely.*$", text_of(done), re.MULTILINE)
    assert lines[0].endswith(
        "[Confidence: low.]{.confidence} [How long is the survey, and who pays for all of it?](#sec-survey){.where}"
    )
    assert lines[1].rstrip().endswith("[Confidence: low.]{.confidence}")


@pytest.mark.usefixtures("no_drawing")
def test_an_assumption_has_its_entry(root: Path, executed: dict[str, Any], tmp_path: Path) -> None:
    room = Notebooks(root)
    record = {"kind": "parameter", "parameters": ["barges"], "statement": "Barges of the survey: 50, set by its reader"}
    room.evidence["ev-f-p-barges"] = record
    said = room.say("At 50 barges it is quick.", ("50", "ev-f-p-barges"))
    executed["survey"].cells += notebook(room.output("prose", [said], said[0])).cells
    done = staged(root, executed, tmp_path / "out", barges=50)
    assert done.problems == []
    assert "Barges of the survey: 50, set by its reader.\n:::" in entry(done, "ev-f-p-barges")
    wrong = staged(root, executed, tmp_path / "b", barges=60).problems
    assert any("is not what ev-f-p-barges gives: 50" in problem for problem in wrong)


def test_pandoc_reads_what_is_staged(report: Staged) -> None:
    tree = json.loads(pypandoc.convert_text(text_of(report), "json", "markdown"))
    flat = json.dumps(tree)
    assert ":::" not in flat
    links = re.findall(r'\{"t": "Link", "c": \[\["", \[\], \[\]\], \[\{"t": "Superscript"', flat)
    assert len(links) == len(re.findall(r"\[\^[^\]]+\^\]\(#", text_of(report)))


# ---------------------------------------------------------------- what goes with it


@pytest.mark.usefixtures("no_drawing")
def test_edition_says_how_old_it_is(report: Staged, root: Path, executed: dict[str, Any], tmp_path: Path) -> None:
    values = edition_of(report)
    assert values["published-line"] == "Texts published by 15 June 2021; they know events to 4 June 2021"
    assert values["foot-line"] == "Texts to 15 June 2021; events to 4 June 2021"
    assert values["base-line"] == "Three texts of May 2019, January 2020 and June 2021"
    assert (values["finding"], values["cover-figure"]) == ("Five states", "figures/fig-barges.svg")
    assert values["cover-alt"]
    assert values["edition-lines"] == []
    assert values["coming"] == ["The treaty"]
    assert list(values)[:4] == ["title", "subtitle", "short-title", "lang"]
    del executed["front"].cells[-1]
    other = edition_of(
        staged(root, executed, tmp_path / "b", as_of="2020-01-10", exclude_sources="column-2021-06", barges=50)
    )
    assert other["published-line"] == "Texts published by about 10 January 2020; they know events to 12 March 2019"
    assert other["finding"] == "It is likely that the survey finds 40 barges."
    assert other["cover-figure"] == ""
    # A text that the day leaves out anyway is not named: the edition does not know that there will be one.
    assumed = "Assumption: barges of the survey, 50 barges"
    assert other["edition-lines"] == ["As of 10 January 2020, not 15 June 2021", assumed]
    without = edition_of(staged(root, executed, tmp_path / "c", exclude_sources="brief-2020-01", barges=50))
    assert without["edition-lines"] == ["Without the January brief", assumed]


@pytest.mark.usefixtures("no_drawing")
def test_an_edition_that_knows_nothing_is_short(root: Path, tmp_path: Path) -> None:
    empty = dict.fromkeys(("front", "commission", "survey", "method"), nbformat.v4.new_notebook())
    done = staged(root, empty, tmp_path / "out", as_of="2000-01-01")
    assert text_of(done) == "# Contents {#contents .front}\n\n::: {.contents}\n:::\n"
    assert edition_of(done)["published-line"] == "No text was published by 1 January 2000"
    assert (done.problems, done.chapters) == ([], [])
    assert json.loads((done.folder / "facts.json").read_text("utf-8"))["facts"] == []


@pytest.mark.usefixtures("no_drawing")
def test_a_part_without_chapters_is_left_out(root: Path, executed: dict[str, Any], tmp_path: Path) -> None:
    executed["commission"] = nbformat.v4.new_notebook()
    text = text_of(staged(root, executed, tmp_path / "out"))
    assert "The river" not in text
    assert '# Questions {#part-questions .part number="I"}' in text


def test_figures_come_with_data_and_download(report: Staged, tmp_path: Path) -> None:
    files = {path.relative_to(report.folder).as_posix() for path in report.folder.rglob("*") if path.is_file()}
    assert {
        f"figures/fig-barges{end}" for end in (".svg", ".csv", ".json", "-download.svg", "-narrow.svg", "-narrow.json")
    } <= files
    assert {"vega/fig-barges.json", "vega/fig-barges-narrow.json"} <= files
    drawn = (report.folder / "figures" / "fig-barges.svg").read_text("utf-8")
    download = (report.folder / "figures" / "fig-barges-download.svg").read_text("utf-8")
    assert "The headline" not in drawn
    assert 'role="img" aria-label="Bar chart of two promises: 40 and 30."' in drawn
    assert "The headline" in download
    assert "Source: the May report. CC0-1.0" in download
    assert "$schema" not in json.loads((report.folder / "vega" / "fig-barges.json").read_text("utf-8"))
    assert (report.folder / "figures" / "fig-barges.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (report.folder / "figures" / "fig-barges.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[:3] == [
        ["Day", "Barges promised", "Who"],
        ["2019-03-12", "40", "'=1+1"],
        ["2020-01-20", "30", "'@Brief"],
    ]
    assert rows[-1] == ["Source: the May report. CC0-1.0"]


def test_facts_hold_every_printed_value_with_its_place(report: Staged) -> None:
    facts = json.loads((report.folder / "facts.json").read_text("utf-8"))
    plan = next(fact for fact in facts["facts"] if fact["text"] == "30" and fact["in"] == "prose")
    assert (plan["rows"], plan["chapter"], plan["section"]) == ([FEWER], "commission", "sec-commission-what-it-plans")
    assert plan["words"][0].startswith("Arven offered 30 barges")
    league = next(fact for fact in facts["facts"] if fact["origin"] == "ev-f-in-the-league")
    assert (league["mark"], league["formula"], league["rows"]) == ("=1", "a and b, counted", [STATES, "r-xav-league"])
    assert facts["rows"][STAFF]["value_low"] == 60
    assert facts["rows"]["r-xdn-league"]["exit_date"] == "2020-06-30"
    assert facts["evidence"]["ev-i-nobody"]["mark"] == "i1"


def test_the_same_notebooks_give_the_same_bytes(
    report: Staged, root: Path, executed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "TZ", "Pacific/Auckland")
    again = staged(root, executed, tmp_path / "again")
    for path in sorted(path for path in report.folder.rglob("*") if path.is_file()):
        assert (again.folder / path.relative_to(report.folder)).read_bytes() == path.read_bytes(), path.name


# ---------------------------------------------------------------- planted faults


def meta(executed: dict[str, Any], kind: str, name: str = "commission") -> Meta:
    outputs = (
        output for cell in executed[name].cells for output in cell.outputs if output.output_type == "display_data"
    )
    return next(o.metadata["alliances"] for o in outputs if o.metadata["alliances"]["kind"] == kind)


def change(executed: dict[str, Any], old: str, new: str, name: str = "commission") -> None:
    for cell in executed[name].cells:
        for output in cell.outputs:
            if old in output.get("data", {}).get("text/markdown", ""):
                output.data["text/markdown"] = output.data["text/markdown"].replace(old, new)
                return
    raise AssertionError(old)


def sentence(executed: dict[str, Any], text: str) -> Meta:
    return next(s for s in meta(executed, "prose")["sentences"] if s["text"].startswith(text))


def wrong_value(executed: dict[str, Any]) -> None:
    change(executed, "about 60", "about 61")
    sentence(executed, "They employ") | {}
    told = sentence(executed, "They employ")
    told["text"], told["printed"] = "They employ about 61 people.", [["about 61", STAFF]]


def wrong_formula(executed: dict[str, Any]) -> None:
    change(executed, "Three of them", "Seven of them")
    told = sentence(executed, "Three of")
    told["text"], told["printed"] = "Seven of them were in the League.", [["Seven", "ev-f-in-the-league"]]


def wrong_date(executed: dict[str, Any]) -> None:
    facts = meta(executed, "facts")
    facts["entries"][0][1] = facts["entries"][0][1].replace("March", "May")
    told = facts["sentences"][0]
    told["text"], told["printed"] = "12 May 2019", [["12 May 2019", "acc-session-report"]]


FAULTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "typed number": (lambda e: change(e, "See @fig", "Eleven more. See @fig"), "“Eleven” stands in no sentence"),
    "typed year": (lambda e: change(e, "We read", "In 2022 we read", "method"), "“2022” stands in no sentence"),
    "number without origin": (lambda e: sentence(e, "They employ")["printed"].clear(), "comes from no row, formula or"),
    "sentence changed": (lambda e: change(e, "about 60", "nearly 60"), "does not hold the sentence “They employ"),
    "wrong value": (wrong_value, "“about 61” in “They employ about 61 people.” is not what obs-staff-report gives: 61"),
    "wrong formula": (wrong_formula, "is not what ev-f-in-the-league gives: 7"),
    "wrong date": (wrong_date, "is not what acc-session-report gives: 12 may 2019"),
    "mark missing": (lambda e: sentence(e, "They employ")["marks"].clear(), "whose mark does not stand there"),
    "mark not shown": (lambda e: change(e, "[A3](#ev-A3", "[A2](#ev-A2"), "does not show the mark of #ev-A3"),
    "another's mark": (lambda e: sentence(e, "It has five")["marks"].append("ev-B2"), "not show the mark of #ev-B2"),
    "unknown row": (lambda e: sentence(e, "They employ")["printed"].append(["60", "obs-never"]), "obs-never, which"),
    "title": (lambda e: meta(e, "figure").update(title="Nine tenths gone"), "the number “Nine” stands in no sentence"),
    "caption": (lambda e: meta(e, "figure").update(caption="It was 44."), "the number “44” stands in no sentence"),
    "cell": (lambda e: meta(e, "table").update(body="| A |\n|--:|\n| 77 |"), "the number “77” stands in no sentence"),
    "fact box": (lambda e: meta(e, "facts").update(entries=[["Met", "in 1999"]]), "the number “1999” stands in no"),
    "one name for two": (
        lambda e: meta(e, "prose", "survey")["evidence"]["ev-f-in-the-league"].update(rows=[STAFF]),
        "Two formulas are called “in the league”",
    ),
    "no title": (lambda e: change(e, "# Method", "Method", "method"), "method.ipynb has no title in this edition"),
}  # fmt: skip


@pytest.mark.usefixtures("no_drawing")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, root: Path, executed: dict[str, Any], tmp_path: Path) -> None:
    plant, said = FAULTS[fault]
    plant(executed)
    problems = staged(root, executed, tmp_path / "out").problems
    assert any(said in problem for problem in problems), problems
    assert all(problem.endswith(".") for problem in problems)


@pytest.mark.usefixtures("no_drawing")
def test_a_row_that_the_edition_does_not_know_yet_is_a_problem(
    root: Path, executed: dict[str, Any], tmp_path: Path
) -> None:
    problems = staged(root, executed, tmp_path / "out", as_of="2019-06-01").problems
    assert any(f"comes from {FEWER}, which this edition does not know" in problem for problem in problems)


@pytest.mark.usefixtures("no_drawing")
def test_a_shortcode_that_the_template_does_not_know(root: Path, executed: dict[str, Any], tmp_path: Path) -> None:
    (root / "report" / "report.qmd").write_text("{{< embed x.ipynb >}}\n", "utf-8")
    with pytest.raises(PublishError, match=r"holds “\{\{< embed"):
        staged(root, executed, tmp_path / "out")
