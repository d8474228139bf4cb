"""The dataset on a neutral subject: what it reads, how it names and marks, what it knows on a day, what check says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliances.dataset import FACT_TABLES, Dataset
from alliances.dataset.check import CheckReport, check
from alliances.dataset.dataset import TRACE_VARIABLE
from alliances.dataset.texts import SourceText, count_words
from alliances.errors import DataError
from river_data import RIVER, add, change, copy_river, descriptor, read_table, write_table

EXAMPLES = int(os.environ.get("ALLIANCES_TEST_EXAMPLES", "40"))
DATASET = Dataset.load(RIVER, validate=False)
QUOTES = list(DATASET["quotes"]["quote_id"])
TABLES = list(DATASET.tables)


@pytest.fixture
def river(tmp_path: Path) -> Path:
    return copy_river(tmp_path / "river")


def sentences(report: CheckReport) -> list[str]:
    return [*map(str, report.problems), *map(str, report.notices)]


# ---------------------------------------------------------------- reading


def test_the_river_is_valid_and_wholly_accounted_for() -> None:
    report = check(RIVER)
    assert sentences(report) == []
    assert report.ok
    assert "0 sentences are not accounted for" in report.format()
    assert Dataset.load(RIVER)["quotes"].equals(DATASET["quotes"])


def test_frames_have_the_declared_types() -> None:
    observations = DATASET["observations"]
    assert str(observations["value_low"].dtype) == "float64"
    assert str(DATASET["judgements"]["rank"].dtype) == "Int64"
    assert str(DATASET["indicators"]["additive"].dtype) == "boolean"
    assert list(observations["source_id"]) == [DATASET.row(i).source_id for i in observations["observation_id"]]
    observations.loc[0, "value_low"] = 0
    assert DATASET["observations"]["value_low"][0] == 5  # a frame is the caller's own


@pytest.mark.parametrize("table", TABLES)
def test_a_column_that_nobody_knows_is_kept(table: str, river: Path) -> None:
    write_table(river, table, [{**row, "remark": f"r{n}"} for n, row in enumerate(read_table(river, table))])
    dataset = Dataset.load(river)
    assert list(dataset[table]["remark"][:2]) == ["r0", "r1"]
    cut = dataset.known(date(2019, 6, 1))
    assert "remark" in cut[table] or cut[table].empty
    if table in FACT_TABLES:
        assert dataset.row(dataset[table].iloc[0, 0])["remark"] == "r0"


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b""])
def test_files_of_other_systems_are_read(before: bytes, river: Path) -> None:
    for table in TABLES:
        path = river / "data" / f"{table}.csv"
        path.write_bytes(before + path.read_bytes().replace(b"\n", b"\r\n"))
    dataset = Dataset.load(river)
    for table in TABLES:
        assert dataset[table].equals(DATASET[table])


def test_columns_may_stand_in_another_order(river: Path) -> None:
    rows = read_table(river, "actors")
    (river / "data" / "actors.csv").write_text("name,kind,iso3,aliases,actor_id\n", "utf-8")
    write_table(river, "actors", rows)
    assert Dataset.load(river)["actors"].equals(DATASET["actors"])


def test_invalid_data_are_refused_with_a_sentence(river: Path) -> None:
    change(river, "memberships", "mem-fund-cestria-brief", actor_id="XCX")
    change(river, "quotes", "four-gauges", exact="the commission has five")
    with pytest.raises(DataError, match=r"“XCX” is not in data/actors.csv.*nearest is “XCS”.*1 more: run"):
        Dataset.load(river)
    with pytest.raises(DataError, match=r"datapackage.json"):
        Dataset.load(river / "seeds")


# ---------------------------------------------------------------- names, labels, the package


@pytest.mark.parametrize(
    ("vocabulary", "term", "label", "plural"),
    [
        ("unit", "barges", "barge", "barges"),
        ("currency", "CRN", "cr", "crowns"),
        ("status", "in_force", "in force", "in force"),
        ("area", "upper_basin", "the upper basin", "the upper basin"),
        ("area", "XDN", "Dunmere", "Dunmere"),
        ("actor", "league", "League of Rivers", "League of Rivers"),
        ("unit", "water_wheels", "water wheels", "water wheels"),
        ("no_such", "term", "term", "term"),
    ],
)
def test_terms_are_printed_by_their_labels(vocabulary: str, term: str, label: str, plural: str) -> None:
    found = DATASET.label(vocabulary, term)
    assert (found.term, found.label, found.plural) == (term, label, plural)
    assert found.known == (term not in ("water_wheels", "term"))


def test_labels_are_listed_in_printing_order() -> None:
    assert [label.term for label in DATASET.terms("likelihood")] == ["unlikely", "realistic_possibility", "likely"]
    assert DATASET.vocabularies("observations")["ref_area"] == "area"
    assert DATASET.vocabularies("positions") == {
        "topic": "topic", "position": "position", "attribution": "attribution", "date_precision": "date_precision",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("entity", "name", "bare"),
    [
        ("league", "the League of Rivers", "League of Rivers"),
        ("compact", "the Compact of 1931", "Compact of 1931"),
        ("XAV", "Arven", "Arven"),
        ("teller", "Ana Teller", "Ana Teller"),
    ],
)
def test_names_have_their_article_in_a_sentence(entity: str, name: str, bare: str) -> None:
    assert (DATASET.name(entity), DATASET.name(entity, article=False)) == (name, bare)
    with pytest.raises(KeyError, match="nearest is"):
        DATASET.name(f"{entity}s")


def test_the_package_gives_the_report_its_title() -> None:
    assert DATASET.package["title"] == "The Treaties of the Orvane"
    assert "licence" in DATASET.package
    assert not {"resources", "contributors", "homepage"} & set(DATASET.package)


# ---------------------------------------------------------------- evidence marks


@given(st.sampled_from(QUOTES), st.integers(0, 30))
@settings(max_examples=EXAMPLES, deadline=None)
def test_context_stands_around_the_quotation_in_its_paragraph(quote_id: str, words: int) -> None:
    quote = DATASET.quote(quote_id)
    text = (RIVER / "seeds" / DATASET.source(quote.source_id).file).read_text("utf-8")
    paragraphs = [line for line in text.split("\n") if line.strip()]
    mark = DATASET.mark_of_quote(quote_id)
    source = DATASET.source(quote.source_id)
    assert mark.startswith(source.mark)
    paragraph = " ".join(paragraphs[int(mark.removeprefix(source.mark)) - 1].split())
    before, after = DATASET.context(quote_id, words)
    assert f"{before} {quote.exact}".split()[-1] == quote.exact.split()[-1]
    around = [part.replace("…", "").strip() for part in (before, after)]
    assert max(len(part.split()) for part in around) <= words
    assert all(part in paragraph for part in around)
    assert paragraph.startswith(before) != before.startswith("…")
    assert " ".join(quote.exact.split()) in paragraph
    assert paragraph.endswith(after) != after.endswith("…")
    assert quote_id in DATASET.paragraph(mark)


def test_marks_count_paragraphs_that_hold_words() -> None:
    # The third line of the report holds no-break spaces only.
    assert DATASET.mark("obs-members-report") == "A3"
    assert DATASET.mark("obs-barges-report") == "A4"
    assert DATASET.marks("pos-belmora-locks-report") == ("A4",)
    assert DATASET.mark("r-xdn-league") == "r"
    assert DATASET.marks("dis-dam") == ()
    assert DATASET.paragraph("C3") == ("session-june", "arven-stay-out", "belmora-will-not-sign")
    assert DATASET.paragraph("Z99") == ()
    assert (DATASET.source("column-2021-06").mark, DATASET.source("column-2021-06").short_name) == (
        "C", "the June column",
    )  # fmt: skip


@given(st.text("ab \n\u00a0", max_size=40), st.text("ab ", min_size=1, max_size=4))
@settings(max_examples=EXAMPLES * 3, deadline=None)
def test_every_place_of_a_quotation_is_found(text: str, exact: str) -> None:
    source = SourceText(text)
    places = source.locate(exact)
    assert places == [(i, i + len(exact)) for i in range(len(text)) if text.startswith(exact, i)]
    for start, _ in places:
        assert source.line(start) == text.count("\n", 0, start) + 1
        assert source.paragraph(start) == sum(bool(line.strip()) for line in text.split("\n")[: source.line(start)])


def test_prefix_and_suffix_tell_places_apart() -> None:
    text = SourceText("Six states met.\n\nOnly  six\u00a0states came.\nSix states left.")
    assert text.locate("Six states", suffix="met.\nOnly") == [(0, 10)]
    assert text.locate("Six states", prefix="six states came.") == [(40, 50)]
    assert text.locate("states", prefix="Only six", suffix="came") == [(27, 33)]
    assert count_words("“Six” – states’ 24-hour plan") == 4


# ---------------------------------------------------------------- what is known on a day


@given(st.dates(date(2018, 1, 1), date(2022, 1, 1)), st.sets(st.sampled_from(list(DATASET["sources"]["source_id"]))))
@settings(max_examples=EXAMPLES, deadline=None)
def test_an_edition_knows_its_sources_and_nothing_else(day: date, excluded: set[str]) -> None:
    cut = DATASET.known(day, excluded)
    known = {s for s in DATASET["sources"]["source_id"] if DATASET.source(s).published <= day} - excluded
    assert set(cut["sources"]["source_id"]) == known
    for table, key in FACT_TABLES.items():
        expected = [i for i in DATASET[table][key] if DATASET.row(i).source_id in known]
        assert list(cut[table][key]) == expected
    assert all(r["entry_date"] <= day.isoformat() >= r["exit_date"] for r in cut["public_record"].to_dict("records"))
    for row in cut["disagreements"].to_dict("records"):
        assert all(row_id in cut for row_id in row["row_ids"].split("; "))
    judgements = cut["judgements"]
    assert judgements["judgement_id"].is_unique
    assert all(row_id in cut for cell in judgements["requires"] for row_id in cell.split("; "))
    assert cut.known(date(2030, 1, 1))["quotes"].equals(cut["quotes"])
    assert cut.complete is DATASET


@pytest.mark.parametrize(
    ("day", "excluded", "version"),
    [
        ("2019-05-19", (), ""),
        ("2019-12-31", (), "2019-05-20"),
        ("2020-01-20", (), "2020-01-20"),
        ("2021-12-31", (), "2021-06-15"),
        ("2021-12-31", ("column-2021-06",), "2020-01-20"),
        ("2021-12-31", ("brief-2020-01", "column-2021-06"), "2019-05-20"),
    ],
)
def test_of_a_judgement_the_latest_version_counts_whose_rows_are_known(
    day: str, excluded: tuple[str, ...], version: str
) -> None:
    shown = DATASET.known(date.fromisoformat(day), excluded)["judgements"].query("judgement_id == 'jud-dam'")
    assert list(shown["valid_from"]) == ([version] if version else [])


def test_the_public_record_is_cut_by_its_own_dates() -> None:
    row = DATASET.row("r-xdn-league")
    assert (row.table, row.source_id, row.quote_ids, row["exit_date"]) == ("public_record", "", (), "2020-06-30")
    cut = DATASET.known(date(2020, 1, 31))
    assert cut.row("r-xdn-league")["exit_date"] == ""
    assert "r-xev-league" not in cut
    with pytest.raises(KeyError, match="not known in this edition"):
        cut.row("r-xev-league")


def test_what_is_not_there_is_named_with_the_nearest() -> None:
    for call, found in ((DATASET.row, "obs-barge-report"), (DATASET.quote, "staff-6"), (DATASET.source, "brief-2020")):
        with pytest.raises(KeyError, match="nearest is"):
            call(found)
    with pytest.raises(KeyError, match="the tables are sources"):
        DATASET["ships"]
    with pytest.raises(KeyError, match="nearest is 'brief-2020-01'"):
        DATASET.known(date(2021, 1, 1), ["brief-2020"])


def test_a_kernel_notes_the_tables_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tables"
    monkeypatch.setenv(TRACE_VARIABLE, str(file))
    dataset = Dataset.load(RIVER, validate=False)
    dataset.label("unit", "barges")
    dataset.row("r-xdn-league")
    assert dataset.scenario
    assert {"data/labels.csv", "data/public_record.csv", "data/parameters.csv"} <= {*file.read_text().split()}
    assert "data/observations.csv" not in file.read_text().split()
    assert not dataset["judgements"].empty
    assert "data/observations.csv:ids" in file.read_text().split()
    assert "data/observations.csv" not in file.read_text().split()
    dataset.mark("obs-staff-report")
    assert {"data/observations.csv", "data/quotes.csv", "data/sources.csv"} <= {*file.read_text().split()}


# ---------------------------------------------------------------- words that nobody listed


@pytest.mark.parametrize(
    ("table", "row_id", "column", "term"),
    [
        ("positions", "pos-dunmere-dam-report", "topic", "fish_ladders"),
        ("positions", "pos-dunmere-dam-report", "position", "shrugs"),
        ("memberships", "mem-fund-cestria-brief", "role", "guest"),
        ("observations", "obs-payment-marks-column", "currency", "TLR"),
        ("observations", "obs-farms-column", "ref_area", "delta"),
        ("alliances", "compact", "instrument_type", "oral_promise"),
    ],
)
def test_an_unlisted_term_is_kept_and_named_but_stops_nothing(
    table: str, row_id: str, column: str, term: str, river: Path
) -> None:
    number = change(river, table, row_id, **{column: term})
    dataset = Dataset.load(river)
    assert term in set(dataset[table][column])
    report = check(river)
    assert report.ok
    (notice,) = report.notices
    assert (notice.file, notice.row, notice.column) == (f"data/{table}.csv", number, column)
    assert "lacks a label" in str(notice)
    add(river, "labels", vocabulary=DATASET.vocabularies(table)[column], term=term, label="own words")
    assert not check(river).notices
    assert Dataset.load(river).label(DATASET.vocabularies(table)[column], term).label == "own words"


def test_an_unlisted_unit_is_printed_as_it_stands(river: Path) -> None:
    change(river, "indicators", "gauges", unit="water_marks")
    for row_id in ("obs-gauges-needed-brief", "obs-gauges-brief"):
        change(river, "observations", row_id, unit="water_marks")
    assert check(river).ok
    assert Dataset.load(river).label("unit", "water_marks").plural == "water marks"


def test_stray_files_are_named_and_not_read(river: Path) -> None:
    for name in ("countries (Copy).csv", "~$countries.csv", "notes.xlsx"):
        (river / "data" / name).write_text("x", "utf-8")
    report = check(river)
    assert report.ok
    assert [n.file for n in report.notices] == [
        "data/countries (Copy).csv", "data/notes.xlsx", "data/~$countries.csv",
    ]  # fmt: skip


# ---------------------------------------------------------------- rules on rows that belong together


def problems(river: Path) -> Iterator[str]:
    return map(str, check(river).problems)


@pytest.mark.parametrize(
    ("explanation", "number"),
    [
        ("The report of 2019 has 40 barges, the brief of January 2020 has thirty; two texts differ.", ""),
        ("Ten barges fewer.", "Ten"),
        ("The report has 45 barges.", "45"),
        ("Some 3.5 million marks.", "3.5"),
    ],
)
def test_numbers_of_an_explanation_stand_in_its_rows(explanation: str, number: str, river: Path) -> None:
    change(river, "disagreements", "dis-barges", explanation=explanation)
    found = list(problems(river))
    assert any(f"dis-barges says {number}" in text for text in found) == bool(number), found


def test_a_month_of_an_explanation_is_the_date_of_a_row(river: Path) -> None:
    rows = "acc-fund-launch-brief; obs-barges-brief"
    change(river, "disagreements", "dis-barges", row_ids=rows, explanation="In November 2019 there were 30 barges.")
    assert not [one for one in problems(river) if "none of its rows holds" in one]
    change(river, "disagreements", "dis-barges", explanation="In October 2019 there were 30 barges.")
    assert [one for one in problems(river) if "says October" in one]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"against": ""}, "does not weigh pos-dunmere-dam-report"),
        ({"against": "", "aside": "pos-dunmere-dam-report (told of another dam; long ago)"}, ""),
        ({"against": "", "aside": "pos-dunmere-dam-report"}, "cannot be read"),
        ({"against": "pos-dunmere-dam-report; pos-nowhere"}, "“pos-nowhere” is not in"),
        ({"statement": "It is likely that it rains."}, "likelihood word does not stand once"),
        ({"statement": "{likelihood}: {obs-members-report}."}, "obs-members-report is missing"),
        ({"statement": "{likelihood}: {obs-member-report}."}, "the nearest is “obs-members-report”"),
        ({"requires": "pos-dunmere-dam-brief; pos-dunmere-dam-column"}, "before 2021-06-15, when pos-dunmere"),
        ({"valid_from": "2020-01-19"}, "before 2020-01-20, when pos-dunmere-dam-brief became known"),
    ],
)
def test_a_judgement_weighs_what_points_the_other_way(cells: dict[str, str], said: str, river: Path) -> None:
    rows = read_table(river, "judgements")
    assert rows[1]["valid_from"] == "2020-01-20"
    rows[1] |= cells
    write_table(river, "judgements", rows)
    found = list(problems(river))
    assert any(said in text for text in found) if said else not found, found


def test_a_later_version_weighs_what_an_earlier_one_did(river: Path) -> None:
    rows = read_table(river, "judgements")
    rows[2]["against"] = "pos-dunmere-dam-brief"
    write_table(river, "judgements", rows)
    (found,) = problems(river)
    assert "row 4, column against: jud-dam does not weigh pos-dunmere-dam-report" in found


def test_rows_that_differ_are_listed_until_a_disagreement_names_them(river: Path) -> None:
    write_table(river, "disagreements", [row for row in read_table(river, "disagreements") if "gauges" in row["point"]])
    report = check(river)
    assert {point.partition(":")[0] for point in report.open_points} == {
        "observations, commission, survey_barges",
        "positions, XDN, commission, dam",
        # The same words, but 1967 against 1968.
        "characteristics, commission, founding",
    }
    assert "3 undeclared disagreements" in report.format()


@pytest.mark.parametrize(
    ("cells", "differs"),
    [
        ({"value_low": "40", "value_high": "40", "comparator": "about"}, False),
        ({"time_period": "2018", "date_precision": "year", "year_inferred": "false"}, True),
        ({"scenario_id": "large"}, True),
        ({"actor_id": "XBM"}, False),
    ],
)
def test_values_of_another_scope_may_stand_side_by_side(cells: dict[str, str], differs: bool, river: Path) -> None:
    change(river, "disagreements", "dis-barges", row_ids="obs-barges-report; obs-staff-report")
    change(river, "observations", "obs-barges-brief", **cells)
    subjects = {point.partition(":")[0] for point in check(river).open_points}
    assert ("observations, commission, survey_barges" in subjects) == differs


def test_a_package_that_is_none_is_refused(river: Path) -> None:
    path = river / "data" / "datapackage.json"
    for text, said in (("{", "not JSON"), ("{}", "lacks 'resources'"), ('{"resources": [1]}', "no")):
        path.write_text(text, "utf-8")
        with pytest.raises(DataError, match=said):
            Dataset.load(river, validate=False)
    package = descriptor(RIVER)
    package["resources"][0]["schema"]["fields"][0]["type"] = "nonsense"
    path.write_text(json.dumps(package), "utf-8")
    assert check(river).problems[0].file == "data/datapackage.json"
