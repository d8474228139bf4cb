"""Facts about this report's own data, which no rule of the library can know."""

from __future__ import annotations

from pathlib import Path
from string import ascii_uppercase

import pytest

from alliances import find_root
from alliances.dataset import FACT_TABLES, Dataset
from alliances.dataset.check import check
from guide import with_list

ROOT = find_root(Path(__file__).parent)
DATASET = Dataset.load(ROOT, validate=False)


def test_the_data_are_valid_and_every_sentence_of_the_texts_is_accounted_for() -> None:
    report = check(ROOT)
    assert [*map(str, report.problems), *map(str, report.notices)] == []
    assert report.ok
    assert report.open_points == []


def test_the_texts_have_their_marks_in_the_order_of_their_dates() -> None:
    sources = DATASET["sources"].sort_values("mark")
    assert list(sources["mark"]) == list(ascii_uppercase[: len(sources)])
    assert list(sources["published"]) == sorted(sources["published"])
    assert [name.startswith("the ") for name in sources["short_name"]] == [True] * len(sources)


def test_the_evidence_stands_in_130_paragraphs_or_more() -> None:
    marks = {DATASET.mark_of_quote(quote_id) for quote_id in DATASET["quotes"]["quote_id"]}
    assert len(marks) >= 130
    assert marks == {
        mark for table, key in FACT_TABLES.items() for i in DATASET[table][key] for mark in DATASET.marks(i)
    }


@pytest.mark.parametrize(
    ("table", "least"),
    [
        ("characteristics", 145), ("memberships", 37), ("positions", 46), ("event_accounts", 50),
        ("observations", 55), ("capabilities", 78), ("statements", 72), ("disagreements", 85), ("quotes", 380),
        ("public_record", 60), ("countries", 42),
    ],
)  # fmt: skip
def test_no_row_is_lost(table: str, least: int) -> None:
    assert len(DATASET[table]) >= least


def test_the_public_record_holds_the_members_of_two_organisations() -> None:
    record = DATASET["public_record"]
    today = record[record["exit_date"] == ""].groupby("body_id")["actor_id"].nunique()
    assert today.to_dict() == {"nato-organisation": 32, "eu": 27}
    assert DATASET.row("r-fin-nato")["entry_date"] == "2023-04-04"
    assert DATASET.row("r-gbr-eu")["exit_date"] == "2020-01-31"


def test_names_of_the_subject_read_as_in_a_sentence() -> None:
    names = [DATASET.name(i) for i in ("GBR", "NLD", "POL", "jef", "nato", "nato-organisation", "eu", "UKR")]
    assert names == [
        "the United Kingdom", "the Netherlands", "Poland", "the JEF", "NATO", "NATO", "the European Union", "Ukraine",
    ]  # fmt: skip


def test_the_guide_lists_what_is_left_out() -> None:
    assert (ROOT / "data" / "README.md").read_text("utf-8") == with_list(ROOT)
