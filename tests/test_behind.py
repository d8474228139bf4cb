"""What is behind the data: sentences, charts and judgements that newer rows overtake, and what silences them."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import nbformat
import pytest

from alliances.behind import behind_of
from alliances.cli import main
from alliances.dataset import Dataset
from river_data import add, descriptor

TEXT = (
    "Six states, Farland too, are in the commission now.\nIts staff is about 80.\nIts seat is in Lisse Bay.\n"
    "Arven's offer is 20 barges.\nThe commission has to count fish.\nRivers are long.\n"
)


def write(root: Path, **changes: str) -> None:
    """Change entries of the data package itself."""
    path = root / "data" / "datapackage.json"
    path.write_text(json.dumps(descriptor(root) | changes, indent=2), "utf-8")


def add_note(root: Path, published: str = "2022-03-01", last: str = "Rivers", members: str = "6") -> None:
    """Add a fourth text that says otherwise on five subjects; the last review was of the third."""
    write(root, reviewed="C")
    content = TEXT.encode()
    (root / "seeds" / "note.txt").write_bytes(content)
    add(root, "sources", source_id="note-2022", mark="D", short_name="the note", file="note.txt", title="Note",
        genre="brief", published=published, published_from=published, published_to=published,
        published_basis="Printed.", descriptor="Note of March",
        sha256=hashlib.sha256(content).hexdigest())  # fmt: skip
    words = {"six": "Six states", "staff": "staff is about 80", "seat": "Its seat is in Lisse Bay",
             "barges": "Arven's offer is 20 barges", "fish": "The commission has to count fish",
             "now": "the commission now"}  # fmt: skip
    for name, exact in words.items():
        add(root, "quotes", quote_id=f"note-{name}", source_id="note-2022", exact=exact)
    told = {"alliance_id": "commission", "obs_status": "reported"}
    for name, indicator, value, unit in (("members", "members", members, "states"), ("staff", "staff", "80", "persons"),
                                         ("barges", "survey_barges", "20", "barges")):  # fmt: skip
        add(root, "observations", observation_id=f"obs-{name}-note", indicator=indicator, value_low=value,
            value_high=value, comparator="eq", unit=unit, actor_id="XAV" if name == "barges" else "",
            quote_ids=f"note-{'six' if name == 'members' else name}; note-now", **told)  # fmt: skip
    for name, aspect, value in (("seat", "seat", "Lisse Bay"), ("fish", "task", "to count fish")):
        add(root, "characteristics", characteristic_id=f"cha-{name}-note", alliance_id="commission", aspect=aspect,
            value=value, summary=f"It is {value}.", status="in_force", quote_ids=f"note-{name}; note-now")  # fmt: skip
    add(root, "exclusions", source_id="note-2022", exact=last, reason="rhetoric", reason_note="A commonplace.")


def check(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what `alliances check` says is behind the data: each place with the row above it."""
    monkeypatch.setenv("ALLIANCES_ROOT", str(root))
    capsys.readouterr()
    main(["check"])
    told = capsys.readouterr().out
    assert "behind the data:" in told, told
    count, *lines = told.split("behind the data: ")[1].splitlines()
    found, places = list[str](), 0
    for entry in re.split(r"\n  (?! )", "\n".join(["", *lines]))[1:]:
        head, *below = entry.split("\n    ")
        found += [f"{head} | {line}" for line in below] or [head]
        places += len(below) if below and "no chapter uses" not in head else 1
    assert count == f"{places} places of the report", told
    return found


def test_what_newer_rows_overtake_is_listed_and_reviewed(
    river_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(river_root, monkeypatch, capsys) == []
    add_note(river_root)
    found = check(river_root, monkeypatch, capsys)
    for place, row in (
        ("data/judgements.csv, row 6, jud-survey", "obs-barges-note"),
        ("notebooks/commission.ipynb, cell 4, line 4: “All five", "obs-members-note"),
        ("notebooks/commission.ipynb, cell 4, line 1: “About 60", "obs-staff-note"),
        ("notebooks/commission.ipynb, cell 4, line 1: “Port Lisse", "cha-seat-note"),
        ("the chart fig-commission-barges does not draw it", "obs-barges-note"),
        ("notebooks/commission.ipynb, cell 5, line 11: “75% of the barges", "obs-barges-note"),
        ("note-2022, nearest chapter commission: no chapter uses 5 of its rows", "cha-fish-note (It is to count fish"),
        ("jud-survey: its version of 2020-01-20 does not weigh", "wrong if: “"),
    ):
        assert any(place in line and row in line for line in found), (place, found)

    path = river_root / "notebooks" / "commission.ipynb"
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        cell.metadata["reviewed"] = {"obs-barges-note; cha-seat-note; obs-staff-note": "Read, and it changes nothing."}
    nbformat.write(notebook, path)
    change_version(river_root, "obs-barges-note (an offer and no promise)")
    write(river_root, reviewed="D")
    (left,) = check(river_root, monkeypatch, capsys)
    assert "“All five" in left
    assert "obs-members-note (" in left


def test_a_declared_change_overtakes_what_rests_on_the_older_row(
    river_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_note(river_root)
    places = [line for line in check(river_root, monkeypatch, capsys) if "“About 60" in line]
    assert places
    assert not any("cha-fish-note" in line for line in places)
    labels = river_root / "data" / "labels.csv"
    labels.write_text(labels.read_text("utf-8").replace("different times,,,", "changed over time,,,changed"), "utf-8")
    add(river_root, "disagreements", disagreement_id="dis-fish", point="what the staff does", kind="date",
        row_ids="obs-staff-report; cha-fish-note", explanation="It runs locks no more.")  # fmt: skip
    assert any("cha-fish-note" in line and "“About 60" in line for line in check(river_root, monkeypatch, capsys))


def change_version(root: Path, reviewed: str) -> None:
    """Name a row as reviewed in the latest version of the judgement on the survey."""
    path = root / "data" / "judgements.csv"
    header, *lines = path.read_text("utf-8").splitlines()
    lines = [f'{line},"{reviewed if line.startswith("jud-survey,2020") else ""}"' for line in lines]
    path.write_text("\n".join([f"{header},reviewed", *lines, ""]), "utf-8")


def test_a_format_that_ended_and_an_answer_to_a_kindred_question_overtake(river_root: Path) -> None:
    add_note(river_root)
    add(river_root, "labels", vocabulary="status", term="given_up", label="given up", meaning="past ended")
    add(river_root, "characteristics", characteristic_id="cha-end-note", alliance_id="lower-treaty", value="over",
        aspect="assessment", status="given_up", summary="Nobody wants it now.", quote_ids="note-now")  # fmt: skip
    add(river_root, "positions", position_id="pos-dunmere-locks-note", actor_id="XDN", alliance_id="commission",
        topic="locks", position="ready", attribution="stated", quote_ids="note-now")  # fmt: skip
    late = behind_of(river_root, Dataset.load(river_root, validate=False), ["commission", "treaty"])
    places = [line for entry in late if "not know it" in entry for line in entry.splitlines()[1:]]
    assert len(places) == len(set(places)) == sum(count for entry, count in late.items() if "not know it" in entry)
    ended = next(entry for entry in late if entry.startswith("cha-end-note (Nobody wants it now; given up)"))
    assert "notebooks/treaty.ipynb" in ended
    answer = next(entry for entry in late if entry.startswith("pos-dunmere-locks-note"))  # the dam was asked of
    assert ".ipynb, cell" in answer
    judged = next(entry for entry in late if "jud-dam" in entry)
    assert "cha-end-note" in judged
    assert "wrong if: “" in judged


def test_kin_formats_and_what_is_near_in_words_are_listed_however_a_fact_was_coded(
    river_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_note(river_root)
    told = {"obs_status": "reported", "comparator": "eq", "quote_ids": "note-staff"}
    add(river_root, "observations", observation_id="obs-fund-staff-note", alliance_id="flood-fund", indicator="staff",
        value_low="80", value_high="80", unit="persons", **told)  # fmt: skip
    table = river_root / "data" / "observations.csv"
    table.write_text("".join(line for line in table.read_text("utf-8").splitlines(keepends=True)
                             if not line.startswith("obs-staff-note")), "utf-8")  # fmt: skip
    found = check(river_root, monkeypatch, capsys)
    assert any("obs-fund-staff-note" in line and "“About 60" in line for line in found), found  # the fund is a child

    table.write_text(
        table.read_text("utf-8").replace("obs-fund-staff-note,flood-fund", "obs-fund-staff-note,"), "utf-8"
    )
    table.write_text(table.read_text("utf-8").replace("note,,,,staff,80,80", "note,,,,gauges,80,80"), "utf-8")
    table.write_text(table.read_text("utf-8").replace("gauges,80,80,eq,persons", "gauges,80,80,eq,gauges"), "utf-8")
    near = [line for line in check(river_root, monkeypatch, capsys) if "read these beside it" in line]
    assert any("obs-fund-staff-note" in line and "“About 60" in line for line in near), near
    notebook = nbformat.read(path := river_root / "notebooks" / "commission.ipynb", 4)
    for cell in notebook.cells:
        cell.metadata["reviewed"] = {"obs-fund-staff-note": "It counts something else."}
    nbformat.write(notebook, path)
    found = check(river_root, monkeypatch, capsys)
    assert not any("obs-fund-staff-note" in line and "commission.ipynb" in line for line in found), found
    assert any("no chapter uses" in line and "obs-fund-staff-note" in line for line in found), "It is read, not used."
    write(river_root, reviewed="D")
    assert not any("read these" in line for line in check(river_root, monkeypatch, capsys))


def test_a_pair_that_changed_and_was_declared_apart_is_named(river_root: Path) -> None:
    labels = river_root / "data" / "labels.csv"
    text = labels.read_text("utf-8").replace("different times,,,", "changed over time,,,changed")
    labels.write_text(text + "disagreement_kind,scope,different ground,,,apart\n", "utf-8")
    for name, kind in (("one", "date"), ("two", "scope")):
        add(river_root, "disagreements", disagreement_id=f"dis-{name}", point="gauges", kind=kind,
            row_ids="obs-gauges-brief; obs-gauges-needed-brief", explanation="So it is.")  # fmt: skip
    late = behind_of(river_root, Dataset.load(river_root, validate=False), ["commission"])
    (clash,) = [entry for entry in late if entry.startswith("data/disagreements.csv")]
    assert "dis-one says that obs-gauges-brief and obs-gauges-needed-brief changed over time, dis-two that" in clash


def test_an_older_text_and_one_that_agrees_overtake_nothing(
    river_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_note(river_root, published="2018-03-01")
    found = check(river_root, monkeypatch, capsys)
    overtaken = [line for line in found if "not know it" in line and "does not draw" not in line]
    assert overtaken + [line for line in found if "judgements.csv" in line] == []


def test_a_text_counts_when_each_of_its_sentences_is_accounted_for(
    river_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALLIANCES_ROOT", str(river_root))
    add_note(river_root, last="Six states", members="5")
    assert check(river_root, monkeypatch, capsys) == []
    assert main(["build", "--engine", "embedded", "--to", "html"]) == 0
    assert "note-2022 does not count yet" in capsys.readouterr().err
    page = (river_root / "report" / "_output" / "report.html").read_text("utf-8")
    assert ("15 June 2021" in page, "1 March 2022" in page) == (True, False)
    add(river_root, "exclusions", source_id="note-2022", exact="Rivers are", reason="rhetoric", reason_note="So it is.")
    assert main(["build", "--engine", "embedded", "--to", "html"]) == 0
    told = capsys.readouterr().err
    assert "does not count" not in told
    assert "places of the report are behind the data; `alliances check` lists them." in told
    page = (river_root / "report" / "_output" / "report.html").read_text("utf-8")
    assert "1 March 2022" in page
    assert "Arven’s offer is 20 barges" in page, "A straight apostrophe of a quotation is shown curly."
