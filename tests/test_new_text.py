"""A sixth text, added as CONTRIBUTING.md says, up to the list of what the report has to bring up to date."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from alliances.analysis.facts import fact, newest
from alliances.cli import main
from alliances.dataset import Dataset
from alliances.parameters import check_parameters
from alliances.run.execute import run_notebooks
from growth import grow
from helpers import PROJECT, change_cell, long, outputs
from river_data import add, read_table

pytestmark = pytest.mark.skipif(
    len(Dataset.load(PROJECT, validate=False)["sources"]) != 5,
    reason="there are more texts than the five",
)
Cells = dict[str, str]


def value(number: str, comparator: str = "eq", high: str | None = None) -> Cells:
    """Cells of a quantity."""
    return {"value_low": number, "value_high": number if high is None else high, "comparator": comparator}


#: The row that an update is made after, what the sixth text says, and the cells that differ from that row's.
UPDATES: list[tuple[str, str, Cells]] = [
    ("obs-jef-members-opinion", "The JEF now has 11 members", value("11")),
    ("obs-jef-notice-opinion", "The JEF's soldiers can deploy within 12 hours", value("12")),
    ("obs-nato-members-opinion", "NATO has 33 members", value("33")),
    ("obs-states-ready-stabilization-analysis", "More than 35 countries are ready to help to stabilise Ukraine",
     value("35", "more_than", "")),
    ("obs-six-ready-to-deploy-analysis", "Eight countries are ready to send troops", value("8")),
    ("obs-eumam-trained-analysis", "EUMAM UA has trained 80,000 soldiers", value("80000")),
    ("obs-eu-missions-current-analysis", "The EU runs 21 missions", value("21")),
    ("obs-russian-troops-in-ukraine-analysis", "Russia has 700,000 troops in Ukraine", value("700000")),
    ("obs-force-to-deter-analysis", "Analysts now think that 120,000 troops deter Russia", value("120000")),
    ("obs-jef-france-contribution-analysis", "The JEF and France could send 30,000 soldiers", value("30000")),
    ("obs-cotw-planning-groups-opinion", "The Coalition of the Willing has six planning groups", value("6")),
    ("obs-cotw-headquarters-rotation-opinion", "The headquarters moves every 6 months", value("6")),
    ("pos-pol-troops-ruled-out-feature", "Poland is ready to send troops", {"position": "ready"}),
    ("pos-esp-troops-premature-feature", "Spain is ready to send troops too", {"position": "ready"}),
    ("pos-rus-peacekeeping-opposed-feature", "Russia is open to peacekeepers", {"position": "open"}),
    ("cha-cotw-headquarters-opinion", "The headquarters of the Coalition of the Willing works",
     {"value": "headquarters at work", "status": "in_force", "summary": "The headquarters works."}),
    ("cha-jef-readiness-opinion", "The JEF is at half of its strength",
     {"value": "half of its strength", "summary": "The force is at half of its strength."}),
    ("cha-reassurance-force-name-opinion", "The force is now called Shield for Ukraine",
     {"value": "Shield for Ukraine", "summary": "The force has a new name."}),
    ("mem-jef-uk-opinion", "the United Kingdom has left the lead of the JEF", {"role": "partner"}),
    ("acc-rome-summit-2025-07-opinion", "The summit in Rome was on 11 July 2025", {"date": "2025-07-11"}),
]  # fmt: skip
_TIME = ("date", "date_end", "date_precision", "year_inferred", "time_period", "date_text", "entry_date", "place")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This project's data, texts, notebooks and template."""
    for part in ("data", "seeds", "notebooks", "report"):
        shutil.copytree(PROJECT / part, tmp_path / part, ignore=shutil.ignore_patterns("_output", "worklists"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    monkeypatch.setenv("ALLIANCES_ROOT", str(tmp_path))
    return tmp_path


def code(root: Path, source_id: str) -> dict[str, str]:
    """Write a quotation and a row for each sentence; return the new row of each older one."""
    tables = {table: read_table(root, table) for table in ("observations", "positions", "characteristics",
                                                           "memberships", "event_accounts")}  # fmt: skip
    made = {}
    for number, (older, words, cells) in enumerate(UPDATES):
        table, row = next((t, r) for t, rows in tables.items() for r in rows if next(iter(r.values())) == older)
        made[older] = f"{older.rsplit('-', 1)[0]}-{number}-news"
        add(root, "quotes", quote_id=f"news-{number}", source_id=source_id, exact=words)
        blank = {column: "" for column in (*_TIME, "attributed_to", "participants", "condition") if column in row}
        dated = {"date_precision": "day", "year_inferred": "false"} if "date" in cells else {}
        new = {next(iter(row)): made[older], "quote_ids": f"news-{number}"}
        add(root, table, **{**row, **blank, **cells, **dated, **new})
    return made


def test_a_sixth_text_is_added_and_the_report_says_where_it_is_behind(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "News item, 18 September 2025\n" + "".join(f"{words[0].upper()}{words[1:]}.\n" for _, words, _ in UPDATES)
    file = root / "news.txt"
    file.write_text(text.replace("The United Kingdom has left", "Hence the United Kingdom has left"), "utf-8")
    guide = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
    command = "alliances new source ../news.txt --called news"
    assert f"    {command}\n" in guide
    assert main([*command.replace("../news.txt", str(file)).split()[1:]]) == 0
    assert "its 21 sentences" in capsys.readouterr().out
    listed = (root / "data" / "worklists" / "news-2025-09.md").read_text("utf-8")
    assert "compare: obs-jef-members-opinion, July: Members, the JEF: 10 states; reported" in listed
    assert "compare: pos-pol-troops-ruled-out-feature, March: Poland" in listed

    assert main(["check"]) == 2
    told = capsys.readouterr().out
    assert "21 sentences are not accounted for." in told
    assert "behind the data: 0 places of the report" in told  # a text that is not coded does not count
    assert Dataset.load(root).default_as_of() == date(2025, 7, 31)

    made = code(root, "news-2025-09")
    add(root, "exclusions", source_id="news-2025-09", exact="News item", reason="boilerplate")
    dataset = Dataset.load(root)  # valid, whatever apostrophes and numbers a text holds
    assert dataset.default_as_of() == date(2025, 9, 18)
    row = newest(dataset.known(dataset.default_as_of()), "jef.members")
    assert row is not None
    assert fact(dataset, row).text == "11"

    assert main(["check"]) == 2
    told = capsys.readouterr().out
    assert "0 sentences are not accounted for." in told
    entries = [entry.split("\n    ") for entry in re.split(r"\n  (?! )", told.split("behind the data: ")[1])[1:]]
    places = [f"{head} | {line}" for head, *lines in entries if "no chapter" not in head for line in lines or [""]]
    missed = [new for new in made.values() if not any(new in line for line in places)]
    assert missed == []
    judged = [line for line in places if "data/judgements.csv" in line]
    assert any(made["obs-six-ready-to-deploy-analysis"] in line for line in judged), judged
    chart = [line for line in places if "the chart fig-" in line]
    assert any(made["obs-force-to-deter-analysis"] in line and "fig-force-ladder" in line for line in chart), chart
    table = [line for line in places if "notebooks/glance.ipynb" in line]  # a headquarters that was announced works
    assert any(made["cha-cotw-headquarters-opinion"] in line for line in table), table


@long
def test_exhibits_follow_a_sixth_text(root: Path) -> None:
    file = root / "news.txt"
    told = [*(words for _, words, _ in UPDATES), "Ukraine's peacetime army has 800,000 soldiers"]
    text = "News item, 18 September 2025\n" + "".join(f"{w[0].upper()}{w[1:]}.\n" for w in told)
    file.write_text(text.replace("The United Kingdom has left", "Hence the United Kingdom has left"), "utf-8")
    assert main(["new", "source", str(file), "--called", "news"]) == 0
    made = code(root, "news-2025-09")
    add(root, "quotes", quote_id="news-army", source_id="news-2025-09", exact=told[-1])
    add(root, "observations", observation_id="obs-army-news", indicator="armed_forces_size", actor_id="UKR",
        unit="persons", obs_status="plan", quote_ids="news-army", **value("800000"))  # fmt: skip
    add(root, "exclusions", source_id="news-2025-09", exact="News item", reason="boilerplate")
    defaults = check_parameters({}, Dataset.load(root)).as_dict()
    executed = run_notebooks(root, ["front", "coalition", "force"], defaults)
    shown = {}
    for output in (each for notebook in executed.values() for each in outputs(notebook)):
        shown[output["metadata"].get("alliances", {}).get("id", "")] = json.dumps(output)
    cover, strands, ladder = shown["fig-cover"], shown["fig-coalition-strands"], shown["fig-force-ladder"]
    eight = made["obs-six-ready-to-deploy-analysis"]
    assert cover.count(f'"row_id": "{eight}"') >= 8, "It draws as many states as it says."
    rome = made["acc-rome-summit-2025-07-opinion"]
    assert (rome in strands, "acc-rome-summit-2025-07-opinion" in strands) == (True, False), "The newest account."
    assert (made["obs-force-to-deter-analysis"] in ladder, "obs-army-news" in ladder) == (True, False)


@long
def test_lists_end_after_the_newest_where_texts_pile_up(tmp_path: Path) -> None:
    grow(PROJECT, tmp_path / "grown", 4)
    defaults = check_parameters({}, Dataset.load(tmp_path / "grown")).as_dict()
    executed = run_notebooks(tmp_path / "grown", ["glance", "coalition", "force"], defaults)
    told = [output["metadata"].get("alliances", {}) for book in executed.values() for output in outputs(book)]
    shown = {meta["id"]: meta for meta in told if "id" in meta}
    assert shown["tbl-texts"]["body"].count("\n") == 13  # heads, line, and twelve of twenty texts
    assert "eight older ones stand in Evidence" in shown["tbl-texts"]["caption"]
    assert "; 5 older texts" in shown["fig-coalition-strands"]["source"]
    ladder = json.dumps(shown["fig-force-ladder"]["narrow"])
    assert "A deployment in the rear" in ladder
    assert "Size of a contingent" not in ladder, "Texts that agree share a bar."


@long
def test_words_of_near_days_join_in_the_timeline(root: Path) -> None:
    made = []
    for day, city in ((9, "oslo"), (12, "athens"), (14, "berlin")):
        add(root, "events", event_id=f"{city}-2025-07", title=f"Summit in {city.title()}", kind="meeting")
        row = next(r for r in read_table(root, "event_accounts") if r["event_id"] == "rome-summit-2025-07")
        cells = {"account_id": f"acc-{city}-opinion", "event_id": f"{city}-2025-07", "date": f"2025-07-{day:02}"}
        add(root, "event_accounts", **{**row, **cells, "place": ""})
        made.append(f'    "{city}-2025-07": leaders,\n')
    change_cell(root, "coalition", 2, lambda source: source.replace("lanes = {\n", "lanes = {\n" + "".join(made)))
    executed = run_notebooks(root, ["coalition"], check_parameters({}, Dataset.load(root)).as_dict())
    drawn = next(json.dumps(o) for o in outputs(executed["coalition"]) if "fig-coalition-strands" in json.dumps(o))
    assert '"9 July to 14 July"' in drawn
    assert '"10 May"' in drawn
