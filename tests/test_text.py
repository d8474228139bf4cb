"""How numbers, dates, names, Markdown and marks are printed, and how numbers are found again in a text."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alliances.text.dates import date_text, day_text, is_date, month_text, when_text
from alliances.text.markdown import MARK, capital, curly, escape, join_and, link, plain, quoted, slug, typeset
from alliances.text.numbers import (
    as_digits,
    claims,
    find_numbers,
    is_exact,
    mask,
    number_text,
    number_word,
    range_text,
    rounded,
)
from cells import some

exact = st.fractions(min_value=0, max_value=10**13, max_denominator=100).filter(lambda f: (f * 100).denominator == 1)
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40)
SCALES = {"million": 10**6, "billion": 10**9, "trillion": 10**12}


def read(text: str) -> Fraction:
    """Read a printed number back, as a reader does."""
    number, _, scale = text.replace("−", "-").replace(",", "").partition(" ")
    return Fraction(number) * SCALES.get(scale, 1)


@some
@given(exact)
def test_numbers_print_without_loss_and_are_found_again(value: Fraction) -> None:
    assert read(number_text(value)) == value
    assert read(number_text(-value)) == -value
    assert find_numbers(number_text(value))
    assert find_numbers(number_word(value)) or value == 1


@some
@given(exact, exact)
def test_both_ends_of_a_band_have_one_scale(one: Fraction, other: Fraction) -> None:
    low, high = sorted((one, other))
    text = range_text(low, high, "$")
    number, _, scale = text.removeprefix("$").partition(" ")
    assert [read(f"{end} {scale}".strip()) for end in number.split("–")] == [*dict.fromkeys((low, high))]


@some
@given(st.fractions(min_value=-(10**9), max_value=10**9))
def test_what_is_not_exact_is_rounded_to_two_digits(value: Fraction) -> None:
    shown = rounded(value)
    assert abs(shown - value) * 20 <= abs(value)
    assert is_exact(value) or is_exact(shown)
    assert rounded(shown) == shown


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ten of 1,200 met, one left", ["Ten", "1,200"]),
        ("$40–60 billion, 3.5% of it", ["$40", "60", "billion", "3.5%"]),
        ("-5, .5, x5, 5x and −7", ["-5", ".5", "5", "5", "−7"]),
        ("½ of ④ at 3 km²", ["1", "2", "4", "3"]),
        ("mid-2025, in mid-April, in May, by late May 2025", ["2025", "April", "May", "May", "2025"]),
        ("It may. May it? The man met", []),
        ("twenty-one, zero, a third of it, tenfold, dozens", ["twenty-one", "zero", "third of", "tenfold", "dozens"]),
        ("fi\u00adve and f\u200bour", ["five", "four"]),
        ("F-16, A400M, G7, COVID-19, the second, a third party", []),
        ("mk12 million", ["12", "million"]),
        ("on 2019-03-12, in 2019-03, 10-99", ["2019-03-12", "2019-03", "10", "99"]),
        ("the 5th and 21st", ["5th", "21st"]),
        ("someone, anyone, lone, often, weight, Mayor", []),
    ],
)
def test_numbers_in_a_text(text: str, found: list[str]) -> None:
    assert find_numbers(text) == found


def test_one_number_in_several_spellings_is_the_same() -> None:
    assert {as_digits(n) for n in ("10", "ten", "Ten", "$10", "10th", "10%")} == {"10"}
    assert {as_digits(n) for n in ("30", "thirty", "30th")} == {"30"}
    assert (as_digits("Twenty-one"), as_digits("ninety-nine")) == ("21", "99")
    assert as_digits("1,200,000") == "1200000"
    assert as_digits("−5") == as_digits("-5") == "-5"
    assert as_digits("2,5") != as_digits("25")
    assert as_digits(".5") != as_digits("5")


def test_a_count_behind_a_month_is_no_day() -> None:
    assert claims("In September 34 states met") == {"september": "September", "34": "34"}
    assert claims("On September 30 they met") == {"30 september": "September 30"}


def test_a_number_inside_a_name_is_no_number() -> None:
    assert not find_numbers(mask("The COMPACT of 1931, twice named Compact", ["Compact of 1931", "twice"]))
    assert find_numbers(mask("Compacts of 1931", ["Compact of 1931"]))


@some
@given(st.dates(min_value=date(1000, 1, 1)))
def test_dates_are_printed_at_each_precision(day: date) -> None:
    iso = day.isoformat()
    full = date_text(iso)
    assert all(map(is_date, (iso, iso[:7], iso[:4])))
    assert full == f"{day.day} {month_text(iso)} {iso[:4]}" == f"{day_text(iso)} {iso[:4]}"
    assert when_text(iso) == f"on {full}"
    assert when_text(iso[:7]) == f"in {month_text(iso)} {iso[:4]}" == f"in {date_text(iso[:7])}"
    assert (when_text(iso[:4]), month_text(iso[:4]), day_text(iso[:4])) == (f"in {iso[:4]}", "", iso[:4])


def test_intervals_and_what_is_no_date() -> None:
    assert date_text("2026/2027") == day_text("2026/2027") == "2026–2027"
    assert when_text("2026/2027") == "from 2026 to 2027"
    assert date_text("2026-03/..") == when_text("2026-03/..") == "since March 2026"
    assert month_text("2025-03/2025-04") == ""
    assert not any(map(is_date, ("20-1", "5-5-5", "2025-13", "2025-00", "2025-01-32", "1967?", "")))


def test_names() -> None:
    assert [join_and(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert [capital(t) for t in ("ten", "“ten”", "**ten**", "(ten)", "5 a", "–a", "")] == [
        "Ten", "“Ten”", "**Ten**", "(Ten)", "5 a", "–a", "",
    ]  # fmt: skip
    assert slug("Members of the Force!") == "members-of-the-force"


@some
@example("[a](b)")
@example("[^a^](b) and *b* of `c`")
@given(words)
def test_plain_takes_back_what_escape_adds(text: str) -> None:
    assert plain(escape(text)) == " ".join(text.split())


@some
@given(words, words.filter(str.strip))
def test_a_mark_is_found_whatever_its_words(title: str, told: str) -> None:
    mark = link("E13", "ev-E13", title)
    found = MARK.fullmatch(mark)
    assert found
    assert found["anchor"] == "ev-E13"
    assert len(found["title"]) <= 145
    assert plain(f"{escape(told)}{mark}") == " ".join(told.split())


def test_words_are_set_as_a_printer_would() -> None:
    assert curly("""it's a 'b' and "c" """) == "it’s a ‘b’ and “c” "
    assert quoted("a “b”\n c") == "“a ‘b’ c”"
    assert plain('**Ten** [members](#x) of *it*<sup>[E1](#ev-E1 "t")</sup>') == "Ten members of it"


def test_what_belongs_together_stays_on_a_line() -> None:
    told = typeset(
        'On 5 May 3–5 of [$4–$5](#a "of 5 May") billion, 6 per cent, CC BY 4.0 (@fig-b, @tbl-a, \\@fig-a).\n'
    )
    assert told == (
        'On 5\u00a0May [3–5]{.unbroken} of [$[4–$5]{.unbroken}](#a "of 5 May") billion, 6\u00a0per cent, '
        "CC\u00a0BY\u00a04.0 ([](#fig-b), [](#tbl-a), \\@fig-a).\n"
    )
