"""The dataset's public face: tables, rows, the cut to a day, the rules, undeclared disagreements."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from alliances.dataset import FACT_TABLES, Dataset, split_list
from alliances.dataset.check import check, validate
from alliances.dataset.consistency import OpenPoint, open_points
from alliances.dataset.quote_rules import check_quotes
from alliances.dataset.rules import check_rules
from alliances.dataset.seeds import read_seeds
from alliances.dataset.tables import read_tables
from alliances.errors import DataError, ParameterError
from alliances.paths import ROOT_VARIABLE, find_root
from conftest import MakeRoot, Rows

EARLY = "The Pact has 10 members. It costs €5 million, or £4 million. Norway joined on 3 March 2025."
LATE = "The Pact has 12 members. Norway joined in April 2025, at the Oslo summit."

TEXTS = {"early": ("2025-03-10", EARLY), "late": ("2025-07-31", LATE)}


def observation(name: str, low: str, high: str, quote_ids: str, **cells: str) -> dict[str, str]:
    row = {
        "observation_id": f"obs-{name}",
        "alliance_id": "pact",
        "indicator": "members",
        "value_low": low,
        "value_high": high,
        "comparator": "eq",
        "unit": "states",
        "obs_status": "reported",
        "quote_ids": quote_ids,
    }
    return row | cells


MONEY = {"indicator": "cost", "unit": "money"}
TABLES: Rows = {
    "countries": [
        {
            "iso3": "NOR",
            "iso_numeric": "578",
            "name": "Norway",
            "cow_ccode": "385",
            "nato_entry": "1949-08-24",
        },
        {
            "iso3": "SWE",
            "iso_numeric": "752",
            "name": "Sweden",
            "cow_ccode": "380",
            "nato_entry": "2024-03-07",
            "eu_entry": "1995-01-01",
        },
    ],
    "actors": [{"actor_id": "NOR", "kind": "country", "iso3": "NOR", "name": "Norway"}],
    "alliances": [{"alliance_id": "pact", "name": "The Pact", "short_name": "Pact", "instrument_type": "force"}],
    "events": [
        {"event_id": "joining", "title": "Norway joins", "kind": "decision"},
        {"event_id": "summit", "title": "Summit", "kind": "meeting", "probably_same_as": "joining"},
    ],
    "indicators": [
        {
            "indicator": "members",
            "label": "Members",
            "definition": "Members.",
            "counts": "States.",
            "unit": "states",
            "additive": "false",
        },
        {
            "indicator": "cost",
            "label": "Cost",
            "definition": "Cost.",
            "counts": "Money.",
            "unit": "money",
            "additive": "true",
            "comparable_with": "members",
        },
    ],
    "quotes": [
        {"quote_id": "ten", "source_id": "early", "exact": "The Pact has 10 members"},
        {"quote_id": "five", "source_id": "early", "exact": "It costs €5 million"},
        {"quote_id": "four", "source_id": "early", "exact": "or £4 million"},
        {"quote_id": "march", "source_id": "early", "exact": "Norway joined on 3 March 2025"},
        {"quote_id": "twelve", "source_id": "late", "exact": "The Pact has 12 members"},
        {"quote_id": "april", "source_id": "late", "exact": "Norway joined in April 2025"},
        {"quote_id": "oslo", "source_id": "late", "exact": "at the Oslo summit"},
    ],
    "observations": [
        observation("ten", "10", "10", "ten"),
        observation("euros", "5000000", "5000000", "five", currency="EUR", **MONEY),
        observation("pounds", "4000000", "4000000", "four", currency="GBP", same_as="obs-euros", **MONEY),
        observation("twelve", "12", "12", "twelve"),
    ],
    "event_accounts": [
        {
            "account_id": "acc-early",
            "event_id": "joining",
            "alliance_id": "pact",
            "date": "2025-03-03",
            "date_precision": "day",
            "year_inferred": "false",
            "status": "happened",
            "participants": "NOR",
            "quote_ids": "march",
        },
        {
            "account_id": "acc-late",
            "event_id": "joining",
            "alliance_id": "pact",
            "date": "2025-04",
            "date_precision": "month",
            "year_inferred": "false",
            "status": "happened",
            "quote_ids": "april; oslo",
        },
        {"account_id": "acc-summit", "event_id": "summit", "status": "happened", "quote_ids": "oslo"},
    ],
    "disagreements": [
        {
            "disagreement_id": "dis-members",
            "point": "Members",
            "kind": "date",
            "row_ids": "obs-ten; obs-twelve",
            "explanation": "Two joined in between.",
        }
    ],
    "judgements": [
        {
            "judgement_id": "jud-growth",
            "valid_from": day,
            "alliance_id": "pact",
            "statement": f"It is {{likelihood}} that it has {{{row}}}.",
            "likelihood": "likely",
            "confidence": "low",
            "confidence_reason": "Few texts.",
            "requires": row,
            "change_indicators": "A departure.",
        }
        for day, row in (("2025-03-10", "obs-ten"), ("2025-08-01", "obs-twelve"))
    ],
}


@pytest.fixture
def root(make_root: MakeRoot) -> Path:
    return make_root(TEXTS, TABLES)


@pytest.fixture
def dataset(root: Path) -> Dataset:
    return Dataset.load(root)


def ids(dataset: Dataset, table: str) -> list[str]:
    frame = dataset[table]
    return list(frame[frame.columns[0]])


def test_tables_have_the_types_of_the_package(dataset: Dataset) -> None:
    frame = dataset["observations"]
    assert frame.columns[-1] == "source_id"
    assert list(frame["source_id"]) == ["early", "early", "early", "late"]
    assert frame["value_low"].dtype == "float64"
    assert frame["year_inferred"].dtype == "boolean"
    assert frame["year_inferred"].isna().all()
    assert list(frame["currency"]) == ["", "EUR", "GBP", ""]
    assert list(dataset["countries"]["cow_ccode"]) == [385, 380]
    assert list(dataset["sources"]["published"]) == ["2025-03-10", "2025-07-31"]
    assert list(dataset["positions"].columns)[-1] == "source_id"
    with pytest.raises(KeyError, match="the tables are sources"):
        dataset["opinions"]


def test_a_changed_frame_leaves_the_dataset_alone(dataset: Dataset) -> None:
    frame = dataset["quotes"]
    frame["exact"] = "nothing"
    assert dataset["quotes"]["exact"][0] == "The Pact has 10 members"


def test_rows_quotations_and_sources_are_found_by_id(dataset: Dataset) -> None:
    row = dataset.row("acc-late")
    assert (row.table, row.row_id, row.source_id) == ("event_accounts", "acc-late", "late")
    assert row.quote_ids == ("april", "oslo")
    assert row["year_inferred"] is False
    assert dataset.row("obs-ten")["value_low"] == 10.0
    assert dataset.row("dis-members").quote_ids == ()
    assert [r.row_id for r in dataset.rows_using("oslo")] == ["acc-late", "acc-summit"]
    assert dataset.quote("five").source_id == "early"
    assert dataset.source("late").published == date(2025, 7, 31)
    assert dataset.default_as_of() == date(2025, 7, 31)
    assert dataset.names["NOR"] == "Norway"
    assert dataset.alliance_names["pact"] == "Pact"
    assert "obs-ten" in dataset
    assert "obs-eleven" not in dataset
    for read in (dataset.row, dataset.quote, dataset.source):
        with pytest.raises(KeyError, match="There is no"):
            read("obs-tem")


def test_a_cut_lets_nothing_later_through(dataset: Dataset) -> None:
    early = dataset.known(date(2025, 3, 20))
    assert early.as_of == date(2025, 3, 20)
    assert early.complete is dataset
    assert dataset.complete is dataset
    assert ids(early, "sources") == ["early"]
    assert ids(early, "observations") == ["obs-ten", "obs-euros", "obs-pounds"]
    assert ids(early, "events") == ["joining"]
    assert ids(early, "disagreements") == []
    assert list(early["judgements"]["valid_from"]) == ["2025-03-10"]
    assert "obs-twelve" not in early
    with pytest.raises(KeyError, match="not known in this edition"):
        early.row("obs-twelve")
    with pytest.raises(KeyError, match="not known in this edition"):
        early.quote("april")
    assert early.default_as_of() == date(2025, 7, 31)


def test_the_day_of_publication_counts_and_judgements_take_the_latest_version(dataset: Dataset) -> None:
    assert ids(dataset.known(date(2025, 3, 10)), "sources") == ["early"]
    assert ids(dataset.known(date(2025, 3, 9)), "sources") == []
    late = dataset.known(date(2025, 8, 1))
    assert list(late["judgements"]["valid_from"]) == ["2025-08-01"]
    assert ids(late, "disagreements") == ["dis-members"]
    assert list(late["events"]["probably_same_as"]) == ["", "joining"]
    assert list(dataset.known(date(2025, 7, 31))["judgements"]["valid_from"]) == ["2025-03-10"]


def test_a_pointer_to_an_unknown_event_is_cut(dataset: Dataset) -> None:
    only_late = dataset.known(date(2025, 8, 1), ["early"])
    assert ids(only_late, "events") == ["joining", "summit"]
    assert only_late.excluded == ("early",)
    # Without the early text the older version of the judgement has no evidence; the newer one has.
    assert list(only_late["judgements"]["valid_from"]) == ["2025-08-01"]
    assert "obs-ten" not in only_late


def test_cuts_of_cuts_only_shrink(dataset: Dataset) -> None:
    twice = dataset.known(date(2025, 3, 20)).known(date(2026, 1, 1), ["late"])
    assert twice.as_of == date(2025, 3, 20)
    assert twice.excluded == ("late",)
    assert ids(twice, "sources") == ["early"]


def test_reference_facts_are_cut_by_their_own_date(dataset: Dataset) -> None:
    assert list(dataset.known(date(2000, 1, 1))["countries"]["nato_entry"]) == ["1949-08-24", ""]
    assert list(dataset.known(date(1990, 1, 1))["countries"]["eu_entry"]) == ["", ""]


def test_before_every_source_all_tables_of_facts_are_empty(dataset: Dataset) -> None:
    nothing = dataset.known(date(2020, 1, 1))
    for table in FACT_TABLES:
        frame = nothing[table]
        assert len(frame) == 0
        pd.testing.assert_index_equal(frame.columns, dataset[table].columns)
        assert list(frame.dtypes) == list(dataset[table].dtypes)


def test_an_unknown_source_is_refused_with_the_nearest(dataset: Dataset) -> None:
    with pytest.raises(ParameterError, match=r"“earley”.*nearest is “early”"):
        dataset.known(date(2025, 8, 1), ["earley"])


def test_every_cut_of_the_real_data_is_closed(project_root: Path) -> None:
    whole = Dataset.load(project_root, validate=False)
    for day in sorted(whole["sources"]["published"]):
        cut = whole.known(date.fromisoformat(day))
        sources = set(cut["sources"]["source_id"])
        assert all(cut.source(s).published <= date.fromisoformat(day) for s in sources)
        for table in FACT_TABLES:
            frame = cut[table]
            assert set(frame["source_id"]) <= sources
            assert set(frame.iloc[:, 0]) <= set(whole[table].iloc[:, 0])
            for cell in frame["quote_ids"]:
                assert all(cut.quote(q).source_id in sources for q in split_list(cell))
        assert set(cut["event_accounts"]["event_id"]) == set(cut["events"]["event_id"])
        for cell in [*cut["disagreements"]["row_ids"], *cut["judgements"]["requires"]]:
            assert all(row_id in cut for row_id in split_list(cell))
        assert not cut["judgements"]["judgement_id"].duplicated().any()


def broken(make_root: MakeRoot, table: str, index: int, **cells: str) -> list[str]:
    rows = copy.deepcopy(TABLES)
    rows[table][index].update(cells)
    root = make_root(TEXTS, rows)
    tables = read_tables(root)
    texts = read_seeds(root, tables["sources"])
    return [str(problem) for problem in (*check_rules(tables, root), *check_quotes(tables, texts))]


@pytest.mark.parametrize(
    ("table", "index", "cells", "expected"),
    [
        ("actors", 0, {"iso3": "SWE"}, "data/actors.csv, row 2, column iso3: actor_id is “NOR”, iso3 “SWE”"),
        ("actors", 0, {"name": "Norge"}, "column name: “Norge” is not “Norway”"),
        (
            "quotes",
            0,
            {"exact": "The Pact has 11 members"},
            "row 2, column exact: “The Pact has 11 members” occurs 0 times in early; it must occur exactly "
            "once, with its prefix and suffix; the nearest place is line 1, “The Pact has 10 members.” "
            "(there “0”, here “1”)",
        ),
        ("quotes", 0, {"source_id": "late"}, "it stands in early: correct source_id"),
        ("quotes", 0, {"exact": "The Pact has\u00a010 members"}, "(U+00A0 no-break space)"),
        ("quotes", 3, {"exact": "million"}, "“million” occurs 2 times in early (lines 1, 1)"),
        (
            "quotes",
            3,
            {"prefix": "yesterday"},
            "column prefix: “Norway joined on 3 March 2025” stands in early",
        ),
        ("quotes", 3, {"suffix": "yesterday"}, "correct the suffix; on line 1 it reads “.”"),
        (
            "observations",
            0,
            {"comparator": "between"},
            "the comparator between takes value_low below value_high",
        ),
        ("observations", 0, {"comparator": "at_least"}, "the comparator at_least takes value_low only"),
        ("observations", 0, {"value_low": "inf"}, "column value_low: “inf” is no finite number"),
        ("observations", 0, {"unit": "persons"}, "the unit of the indicator members is states; write states"),
        ("observations", 0, {"currency": "EUR"}, "column currency: “EUR”; unit states has no currency"),
        ("observations", 1, {"currency": ""}, "money has a currency; write EUR, USD or GBP"),
        (
            "observations",
            2,
            {"currency": "EUR"},
            "does not fit: it does not give the sum in another currency",
        ),
        (
            "observations",
            2,
            {"same_as": "obs-twelve"},
            "it comes from another source and it measures another",
        ),
        ("observations", 2, {"same_as": "obs-pounds"}, "column same_as: the row points at itself"),
        ("observations", 0, {"time_period": "2025/P1M3"}, "“2025/P1M3” is no date of the calendar"),
        (
            "observations",
            0,
            {"time_period": "2025-04/2025-03", "date_precision": "month", "year_inferred": "false"},
            "2025-03 is before 2025-04",
        ),
        ("observations", 0, {"time_period": "2025-03"}, "column date_precision: the cell is empty"),
        ("observations", 0, {"ref_area": "POL"}, "column ref_area: “POL” is not in data/countries.csv"),
        ("observations", 0, {"quote_ids": "ten; twelve"}, "the quotations come from early and late"),
        ("observations", 0, {"quote_ids": "ten; tem"}, "“tem” is not in data/quotes.csv"),
        (
            "observations",
            3,
            {"quote_ids": "april"},
            "data/quotes.csv, row 6, column quote_id: no row uses “twelve”",
        ),
        ("observations", 0, {"observation_id": "acc-early"}, "“acc-early” has the wrong beginning"),
        (
            "observations",
            0,
            {"observation_id": "acc-early"},
            "stands already in data/event_accounts.csv, row 2",
        ),
        (
            "event_accounts",
            0,
            {"date": "2025-03-11"},
            "2025-03-11 is after 2025-03-10, the last day on which early",
        ),
        ("event_accounts", 0, {"date": "2025-02-30"}, "“2025-02-30” is no date of the calendar"),
        (
            "event_accounts",
            0,
            {"date": ""},
            "column date_precision: “day”; without date there is no precision",
        ),
        ("event_accounts", 0, {"date": ""}, "column year_inferred: “false”"),
        (
            "event_accounts",
            0,
            {"date_precision": "month"},
            "date 2025-03-03 has the precision day; write day",
        ),
        ("event_accounts", 0, {"year_inferred": ""}, "column year_inferred: the cell is empty"),
        ("event_accounts", 0, {"date_end": "2025-03-01"}, "column date_end: 2025-03-01 is before 2025-03-03"),
        (
            "event_accounts",
            0,
            {"participants": "NOR; FIN"},
            "column participants: “FIN” is not in data/actors.csv",
        ),
        ("events", 1, {"probably_same_as": "summit"}, "column probably_same_as: the row points at itself"),
        ("indicators", 1, {"comparable_with": "member"}, "the nearest is “members”"),
        ("disagreements", 0, {"row_ids": "obs-ten; obs-two"}, "“obs-two” is not in the tables of facts"),
        ("disagreements", 0, {"row_ids": "obs-ten"}, "a disagreement has two rows or more"),
        ("judgements", 0, {"requires": "obs-euros"}, "column requires: obs-ten is missing"),
        (
            "judgements",
            0,
            {"statement": "It is {likelihood} that it has {obs-tem}."},
            "the placeholder {obs-tem} names no row",
        ),
        ("judgements", 0, {"statement": "It has {obs-ten}."}, "{likelihood} stands 0 times"),
        ("judgements", 1, {"valid_from": "2025-07-01"}, "2025-07-01 is before 2025-07-31, when obs-twelve"),
    ],
)
def test_a_broken_rule_is_told(
    make_root: MakeRoot, table: str, index: int, cells: dict[str, str], expected: str
) -> None:
    problems = broken(make_root, table, index, **cells)
    assert any(expected in problem for problem in problems), problems


def test_the_schema_is_told(make_root: MakeRoot) -> None:
    tables = copy.deepcopy(TABLES)
    tables["countries"][0]["nato_entry"] = "1949"
    tables["alliances"][0]["instrument_type"] = "forces"
    tables["indicators"][0]["label"] = "Cost"
    tables["observations"][0]["value_low"] = "ten"
    tables["event_accounts"][2]["event_id"] = "summmit"
    problems = [str(problem) for problem in validate(make_root(TEXTS, tables)).problems]
    for expected in (
        "data/countries.csv, row 2, column nato_entry: “1949” does not fit; allowed is an ISO date; write",
        "data/alliances.csv, row 2, column instrument_type: “forces” is not in the vocabulary; allowed are",
        "write “force” if that is meant",
        "data/indicators.csv, row 3, column label: “Cost” stands already in row 2; each value may stand once",
        "data/observations.csv, row 2, column value_low: “ten” does not fit; allowed is a number",
        "data/event_accounts.csv, row 4, column event_id: “summmit” is not in data/events.csv",
        "the nearest is “summit”",
    ):
        assert any(expected in problem for problem in problems), (expected, problems)


def test_a_long_quotation_and_a_missing_note_are_told(make_root: MakeRoot) -> None:
    tables = copy.deepcopy(TABLES)
    long = " ".join(f"w{n}" for n in range(26))
    tables["quotes"][6]["exact"] = f"{long} –"
    tables["exclusions"] = [{"source_id": "early", "exact": "The Pact", "reason": "rhetoric"}]
    root = make_root(TEXTS | {"late": ("2025-07-31", f"{LATE} {long} –")}, tables)
    problems = [str(problem) for problem in validate(root).problems]
    assert len(problems) == 2
    assert "the quotation has 26 words; the ceiling is 25" in problems[0] + problems[1]
    assert "column reason_note: the cell is empty" in problems[0] + problems[1]


def test_the_seeds_are_checked(root: Path) -> None:
    (root / "seeds" / "early.txt").unlink()
    (root / "seeds" / "stray.txt").write_text("Stray.", "utf-8")
    (root / "seeds" / "README.md").write_text("Whose they are.", "utf-8")
    problems = [str(problem) for problem in validate(root).problems]
    assert any("data/sources.csv, row 2, column file: seeds/early.txt cannot be read" in p for p in problems)
    assert any(p.startswith("seeds/stray.txt: the text is in no row") for p in problems)
    assert not any("README" in p for p in problems)
    report = check(root)
    assert not report.ok
    assert report.format()


def test_loading_invalid_data_fails_in_one_sentence(root: Path) -> None:
    path = root / "data" / "quotes.csv"
    path.write_text(path.read_text("utf-8").replace("10 members", "11 members"), "utf-8")
    with pytest.raises(DataError) as caught:
        Dataset.load(root)
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith("data/quotes.csv, row 2, column exact:")
    assert Dataset.load(root, validate=False).quote("ten").exact == "The Pact has 11 members"


def test_a_broken_package_is_told(root: Path) -> None:
    path = root / "data" / "datapackage.json"
    path.write_text(path.read_text("utf-8").replace('"type": "number"', '"type": "numbers"', 1), "utf-8")
    (problem,) = validate(root).problems
    assert problem.file == "data/datapackage.json"
    path.write_text("{", "utf-8")
    with pytest.raises(DataError, match="not valid JSON"):
        Dataset.load(root)
    path.unlink()
    with pytest.raises(DataError, match="does not exist"):
        Dataset.load(root)


def test_the_root_is_found_from_below_and_by_name(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    monkeypatch.chdir(root / "seeds")
    assert find_root() == root
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert (find_root(elsewhere) / "data" / "datapackage.json").is_file()
    monkeypatch.setenv(ROOT_VARIABLE, str(root))
    assert find_root(elsewhere) == root
    monkeypatch.setenv(ROOT_VARIABLE, str(elsewhere))
    with pytest.raises(DataError, match=ROOT_VARIABLE):
        find_root()


def points(make_root: MakeRoot, **changed: list[dict[str, str]]) -> list[OpenPoint]:
    return open_points(read_tables(make_root(TEXTS, {**TABLES, **changed})))


def test_declared_disagreements_are_not_listed(make_root: MakeRoot) -> None:
    # March 3 against April: two dates of one event, which nobody declared. Members are declared, and
    # the sum in pounds is the sum in euros.
    (point,) = points(make_root)
    assert (point.table, point.subject, point.single) == ("event_accounts", "joining", True)
    assert [row[:2] for row in point.rows] == [("acc-early", "early"), ("acc-late", "late")]


def test_undeclared_differences_are_listed(make_root: MakeRoot) -> None:
    found = points(make_root, disagreements=[])
    assert [p.subject for p in found] == ["pact, members", "joining"]
    assert found[0].rows == (
        ("obs-ten", "early", "eq 10 10"),
        ("obs-twelve", "late", "eq 12 12"),
    )


@pytest.mark.parametrize(
    ("cells", "single"),
    [({"time_period": "2024"}, False), ({"scenario_id": "large"}, False), ({"value_low": "10"}, True)],
)
def test_values_of_other_times_and_scenarios_may_stand_side_by_side(
    make_root: MakeRoot, cells: dict[str, str], single: bool
) -> None:
    first = observation("ten", "10", "10", "ten", time_period="2025-03", scenario_id="small")
    other = observation("twelve", "12", "12", "twelve", time_period="2025") | cells
    found = points(make_root, disagreements=[], observations=[first, other])
    assert [p.single for p in found if p.table == "observations"] == [single]


def test_equal_values_are_no_disagreement(make_root: MakeRoot) -> None:
    rows = [
        observation("ten", "10", "10", "ten"),
        observation("twelve", "10.0", "10", "twelve", comparator="about"),
    ]
    found = points(make_root, disagreements=[], observations=rows)
    assert [p.table for p in found] == ["event_accounts"]


def test_the_check_reports_everything(root: Path) -> None:
    report = check(root)
    assert report.problems == ()
    assert report.coverage is not None
    assert report.coverage.gaps == ()
    assert report.ok
    assert report.counts["quotes"] == len(TABLES["quotes"])
    text = report.format()
    assert "no problem" in text
    assert "1 undeclared disagreements" in text
    assert "joining: acc-early (early: 2025-03-03); acc-late (late: 2025-04)" in text
