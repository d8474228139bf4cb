"""Sentences, tokens, and the proof that nothing of the texts was left out."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliances.dataset.check import check
from alliances.dataset.coverage import find_tokens, name_pattern, split_sentences
from river_data import add, copy_river, read_table, write_table


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
    assert [s.text for s in split_sentences(text)] == sentences


@settings(deadline=None)
@given(st.text("aA1 .!?“”\n\u00a0-", max_size=60))
def test_sentences_keep_their_place_and_lose_no_word(text: str) -> None:
    found = split_sentences(text)
    assert all(text[s.start : s.end] == s.text for s in found)
    assert all(text.count("\n", 0, s.start) + 1 == s.line for s in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    letters = [c for c in "".join(s.text for s in found) if c.isalpha()]
    assert letters == [c for c in text if c.isalpha()]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("On April 10, 30 states met.", ["April 10", "30"]),
        ("On 9 May 2025 and March 27th, this past February.", ["9 May 2025", "March 27th", "February"]),
        ("May it end in May 2025, on Thursday, 16/04/2025.", ["May 2025", "Thursday", "16/04/2025"]),
        ("It may cost $40 billion or 800 million euros (£670 million).",
         ["$40 billion", "800 million", "£670 million"]),
        ("From 20,000–30,000 to a 1,000-kilometre line and 1.5 million.",
         ["20,000", "30,000", "1,000", "1.5 million"]),
        ("Half of six nations, twenty-one jets, dozens, over a decade.",
         ["Half", "six", "twenty-one", "dozens", "decade"]),
        ("The Altius 600m and the early 2000s; behalf, someone, second-term, E5, F-16.", ["600", "2000"]),
        ("See https://river.example/2019/12-barges, page 4.", ["4"]),
    ],
)  # fmt: skip
def test_quantities_are_found(text: str, tokens: list[str]) -> None:
    assert [t.text for t in find_tokens(text)] == tokens


def test_names_match_longest_first_and_in_their_own_case() -> None:
    names = name_pattern(
        ["US", "U.S.", "Ukraine", "Armed Forces of Ukraine", "experts", "Coalition of the Willing", "EU"]
    )
    text = (
        "Experts told us that the Armed Forces of Ukraine, Ukraine’s and Ukrainians, EU-led, "
        "the U.S. and the coalition of the  willing trust US."
    )
    assert [t.text for t in find_tokens(text, names)] == [
        "Experts", "Armed Forces of Ukraine", "Ukraine", "EU", "U.S.", "coalition of the  willing", "US",
    ]  # fmt: skip
    assert find_tokens(text, name_pattern([])) == []


def gaps(root: Path) -> dict[tuple[str, int], list[str]]:
    """Return what is missing, by source and line."""
    return {(text.source_id, s.line): [t.text for t in m] for text in check(root).coverage for s, m in text.gaps}


def test_what_no_row_and_no_exclusion_holds_is_listed(tmp_path: Path) -> None:
    root = copy_river(tmp_path / "river")
    # A sentence whose only row goes, and an exclusion that goes.
    write_table(root, "statements", read_table(root, "statements")[1:])
    write_table(
        root, "capabilities", [r for r in read_table(root, "capabilities") if "ships" not in r["capability_id"]]
    )
    write_table(root, "exclusions", [r for r in read_table(root, "exclusions") if r["exact"] != "Menu"])
    assert gaps(root) == {
        ("brief-2020-01", 7): ["Belmora", "April", "October 2020"],
        ("report-2019-05", 3): [],
    }
    text = check(root).format()
    assert "Belmora (name); April (date); October 2020 (date)" in text
    assert "2 sentences are not accounted for" in text
    assert not check(root).ok


def test_an_exclusion_at_a_sentence_start_excludes_the_sentence(tmp_path: Path) -> None:
    root = copy_river(tmp_path / "river")
    write_table(root, "statements", read_table(root, "statements")[1:])
    note = {"source_id": "brief-2020-01", "reason": "context", "reason_note": "A season."}
    add(root, "exclusions", exact="locks from April", **note)
    assert [text for missing in gaps(root).values() for text in missing] == ["Belmora", "October 2020"]
    add(root, "exclusions", exact="Belmora will", **note)
    assert gaps(root) == {}


def test_a_number_inside_a_name_belongs_to_the_name(tmp_path: Path) -> None:
    root = copy_river(tmp_path / "river")
    quotes = read_table(root, "quotes")
    row = next(row for row in quotes if row["quote_id"] == "critics-relic")
    row["exact"] = "Critics call the Compact of"
    write_table(root, "quotes", quotes)
    assert [text for missing in gaps(root).values() for text in missing] == ["Compact of 1931"]
