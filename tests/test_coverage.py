"""Sentences, tokens, and the proof that nothing of the texts was left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from alliances.dataset.coverage import Coverage, coverage, format_coverage, main
from alliances.dataset.quotes import SourceText, count_words
from alliances.dataset.seeds import read_seeds
from alliances.dataset.sentences import split_sentences
from alliances.dataset.tables import read_tables
from alliances.dataset.tokens import NameFinder, find_quantities
from conftest import MakeRoot, Rows


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One side left. The other stayed.", ["One side left.", "The other stayed."]),
        ("It went ahead without U.S. support. Nobody minded.",
         ["It went ahead without U.S. support.", "Nobody minded."]),
        ("Less capable than those of the U.S. Without them it fails.",
         ["Less capable than those of the U.S.", "Without them it fails."]),
        ("U.S. President Trump met Sir Keir and Gen. Burkhard.",
         ["U.S. President Trump met Sir Keir and Gen. Burkhard."]),
        ("A force, e.g. one of 1.5 million, for a U.S.-led plan.",
         ["A force, e.g. one of 1.5 million, for a U.S.-led plan."]),
        ("He called it a “big mistake.” Others agreed!", ["He called it a “big mistake.”", "Others agreed!"]),
        ("Heading\n\nText: it begins\n- Safe skies\n- Safe seas",
         ["Heading", "Text: it begins", "Safe skies", "Safe seas"]),
        ("Who’s in? Who’s out? See No. 5.", ["Who’s in?", "Who’s out?", "See No. 5."]),
        ("…\n ⸺ \n!", []),
    ],
)  # fmt: skip
def test_sentences_end_where_a_reader_ends_them(text: str, sentences: list[str]) -> None:
    found = split_sentences(text)
    assert [s.text for s in found] == sentences
    assert all(text[s.start : s.end] == s.text for s in found)
    assert all(text.count("\n", 0, s.start) + 1 == s.line for s in found)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("On April 10, 30 states met.", ["April 10", "30"]),
        ("On 9 May 2025 and (March, 27), this past February.", ["9 May 2025", "March, 27", "February"]),
        ("May it end in May 2025, on Thursday, 16/04/2025.", ["May 2025", "Thursday", "16/04/2025"]),
        ("It may cost $40 billion or 800 billion euros (£670 million).",
         ["$40 billion", "800 billion euros", "£670 million"]),
        ("From 20,000–30,000 to a 1,000-kilometre line and 1.5 million.",
         ["20,000", "30,000", "1,000", "1.5 million"]),
        ("Half of six nations, twenty-one jets, dozens, over a decade.",
         ["Half", "six", "twenty-one", "dozens", "decade"]),
        ("One of them spoke for one hour of a one-month truce.", ["one", "one"]),
        ("The Altius 600m and the early 2000s; behalf, someone, second-term.", ["600m", "2000s"]),
    ],
)  # fmt: skip
def test_quantities_are_found(text: str, tokens: list[str]) -> None:
    assert [t.text for t in find_quantities(text)] == tokens


def test_names_match_longest_first_and_in_their_own_case() -> None:
    finder = NameFinder(
        {"US": "USA", "U.S.": "USA", "Ukraine": "UKR", "Armed Forces of Ukraine": "afu", "experts": "experts",
         "Coalition of the Willing": "cotw", "EU": "eu"},
        ["Ukraine"],
    )  # fmt: skip
    text = (
        "Experts told us that the Armed Forces of Ukraine, Ukraine’s and Ukraines allies, EU-led, "
        "the U.S. and the coalition of the  willing trust US."
    )
    assert [t.text for t in finder.find(text)] == [
        "Experts", "Armed Forces of Ukraine", "Ukraine", "Ukraines", "EU", "U.S.",
        "coalition of the  willing", "US",
    ]  # fmt: skip
    assert NameFinder({}).find(text) == []


def test_a_quotation_is_located_word_for_word() -> None:
    text = SourceText("Six states met.\n\nOnly  six\u00a0states came.\nSix states left.")
    assert len(text.locate("Six states")) == 2
    assert text.locate("Six states", suffix="met.\nOnly") == [(0, 10)]
    assert text.locate("Six states", prefix="six states came.") == [(40, 50)]
    assert text.locate("six states") == []
    assert text.locate("states", prefix="Only six", suffix="came") == [(27, 33)]
    assert [text.line(start) for start, _ in text.locate("states")] == [1, 3, 4]
    assert count_words("“Six” – states’ 24-hour plan") == 4


TEXT = """Menu
The Pact has ten members. Norway joined on 9 May 2025.
It was famous.
Critics of Norway shrug it off, and of Sweden."""

TABLES: Rows = {
    "countries": [
        {"iso3": "NOR", "iso_numeric": "578", "name": "Norway", "cow_ccode": "385"},
        {"iso3": "SWE", "iso_numeric": "752", "name": "Sweden", "cow_ccode": "380"},
    ],
    "actors": [
        {"actor_id": "NOR", "kind": "country", "iso3": "NOR", "name": "Norway"},
        {"actor_id": "SWE", "kind": "country", "iso3": "SWE", "name": "Sweden"},
    ],
    "alliances": [
        {"alliance_id": "pact", "name": "Pact", "short_name": "the Pact", "instrument_type": "force"}
    ],
    "indicators": [
        {"indicator": "members", "label": "Members", "definition": "Members.", "counts": "States.",
         "unit": "states", "additive": "false"}
    ],
    "quotes": [
        {"quote_id": "ten", "source_id": "one", "exact": "The Pact has ten members"},
        {"quote_id": "joined", "source_id": "one", "exact": "joined on 9 May 2025"},
        {"quote_id": "unused", "source_id": "one", "exact": "It was famous"},
    ],
    "observations": [
        {"observation_id": "obs-members", "alliance_id": "pact", "indicator": "members", "value_low": "10",
         "value_high": "10", "comparator": "eq", "unit": "states", "obs_status": "reported",
         "quote_ids": "ten; joined"}
    ],
    "exclusions": [
        {"source_id": "one", "exact": "Menu", "reason": "boilerplate"},
        {"source_id": "one", "exact": "Sweden", "reason": "context", "reason_note": "Named in passing."},
    ],
}  # fmt: skip


def cover(root: Path) -> Coverage:
    tables = read_tables(root)
    return coverage(tables, read_seeds(root, tables["sources"]))


def test_what_no_row_and_no_exclusion_holds_is_listed(make_root: MakeRoot) -> None:
    found = cover(make_root({"one": ("2025-06-01", TEXT)}, TABLES))
    gaps = {(g.sentence.line, tuple(t.text for t in g.missing)) for g in found.gaps}
    # The name before the quotation; a sentence whose only quotation no row uses; a name not excluded.
    assert gaps == {(2, ("Norway",)), (3, ()), (4, ("Norway",))}
    (source,) = found.sources
    assert (source.sentences, source.words, source.words_quoted) == (5, 24, 10)
    assert dict(source.exclusions) == {"boilerplate": 1, "context": 1}
    text = format_coverage(found)
    assert "line 2" in text
    assert "Norway (name)" in text
    assert "3 sentences are not accounted for" in text


def test_an_exclusion_at_a_sentence_start_excludes_the_sentence(make_root: MakeRoot) -> None:
    exclusions = [
        *TABLES["exclusions"],
        {"source_id": "one", "exact": "Critics of", "reason": "rhetoric", "reason_note": "They shrug."},
        {
            "source_id": "one",
            "exact": "Norway joined",
            "reason": "context",
            "reason_note": "Shown elsewhere.",
        },
        {"source_id": "one", "exact": "It was", "reason": "context", "reason_note": "Praise."},
        {"source_id": "one", "exact": "e", "reason": "context", "reason_note": "Ambiguous."},
    ]
    found = cover(make_root({"one": ("2025-06-01", TEXT)}, {**TABLES, "exclusions": exclusions}))
    assert found.gaps == ()
    assert [s.text for s in found.sources[0].excluded_yet_quoted] == ["Norway joined on 9 May 2025."]
    assert len(found.not_located) == 1
    assert "note: one line 2" in format_coverage(found)


def test_the_command_names_gaps_and_a_wrong_source(make_root: MakeRoot, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_root({"one": ("2025-06-01", TEXT), "two": ("2025-06-02", "Nothing.")}, TABLES)
    assert main(["--root", str(root), "--source", "one"]) == 1
    assert "Nothing." not in capsys.readouterr().out
    assert main(["--root", str(root), "--source", "three"]) == 2
    assert "choose one of one, two" in capsys.readouterr().err
    assert main(["--root", str(root / "seeds")]) == 2


def test_every_sentence_of_the_real_texts_is_accounted_for(project_root: Path) -> None:
    if len(read_tables(project_root, ["quotes"])["quotes"]) == 0:
        pytest.skip("the tables of facts are still empty")
    assert [(g.source_id, g.sentence.line, g.sentence.text) for g in cover(project_root).gaps] == []
