"""Arithmetic with bounds, “about”, units and evidence: what is printed holds whatever the true values are."""

from __future__ import annotations

from fractions import Fraction
from operator import add, mul, sub, truediv
from typing import Any

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alliances.analysis.quantities import COUNT, Moment, Quantity, Unit
from alliances.analysis.values import UNKNOWN, Evidence, Unknown
from alliances.errors import NarrativeError
from cells import edition_of, some
from test_text import read

METRES, YEARS, SHARE = Unit("metres"), Unit("years"), Unit("share")
#: How far beyond its end a value may lie that is open there.
BEYOND = (Fraction(0), Fraction(1, 7), Fraction(3), Fraction(10**6))
number = st.one_of(
    st.integers(0, 50).map(Fraction),
    st.decimals(0, 10**6, allow_nan=False, allow_infinity=False, places=2).map(Fraction),
)


@st.composite
def quantities(draw: Any, least: int = 0) -> Quantity:
    low, high = sorted((draw(number) + least, draw(number) + least))
    bound = draw(st.sampled_from(["", "", "at_least", "more_than", "at_most"]))
    name = draw(st.sampled_from("abcdef"))
    return Quantity(
        low, low if bound or draw(st.booleans()) else high, ((METRES, 1),), bound, draw(st.booleans()),
        name=name, basis=Evidence((f"obs-{name}",)),
    )  # fmt: skip


def members(quantity: Quantity) -> list[Fraction]:
    """List values that the true one may have."""
    low, high = quantity.low, quantity.high
    if quantity.bound in ("at_least", "more_than"):
        return [low + more for more in BEYOND[quantity.bound == "more_than" :]]
    if quantity.bound:
        return [low * part for part in (Fraction(1), Fraction(1, 3), Fraction(1, 1000))]
    return [low, (low + high) / 2, high]


def holds(quantity: Quantity, value: Fraction) -> bool:
    match quantity.bound:
        case "at_least":
            return value >= quantity.low
        case "more_than":
            return value > quantity.low
        case "at_most":
            return value <= quantity.high
        case "less_than":
            return value < quantity.high
        case _:
            return quantity.low <= value <= quantity.high


@some
@given(quantities(), quantities(least=1), st.sampled_from([add, sub, mul, truediv]))
def test_a_result_holds_for_all_values_of_its_inputs(one: Quantity, other: Quantity, operation: Any) -> None:
    result = operation(one, other)
    if isinstance(result, Unknown):
        assert one.bound
        assert other.bound
        return
    got = [operation(a, b) for a in members(one) for b in members(other)]
    assert all(holds(result, value) for value in got)
    if not one.bound and not other.bound:
        assert (min(got), max(got)) == (result.low, result.high)
    assert result.about == (one.about or other.about)
    assert set(result.evidence.all_rows) == {*one.evidence.rows, *other.evidence.rows}
    assert ("about" in result.text) >= result.about
    assert all(name in result.made for name in (one.name, other.name))


@some
@given(quantities(), quantities(), quantities(), quantities(least=1))
def test_differences_below_zero_keep_their_ends_apart(a: Quantity, b: Quantity, c: Quantity, d: Quantity) -> None:
    assume(not (a.bound or b.bound))
    below = a - b
    for result, operation, other in ((below * c, mul, c), (below / d, truediv, d), (below - c, sub, c)):
        if isinstance(result, Unknown):
            assert other.bound
        else:
            values = [operation(x - y, z) for x in members(a) for y in members(b) for z in members(other)]
            assert all(holds(result, value) for value in values)


@some
@given(quantities(), quantities())
def test_comparing_says_only_what_is_certain(one: Quantity, other: Quantity) -> None:
    pairs = [(a, b) for a in members(one) for b in members(other)]
    assert not one < other or all(a < b for a, b in pairs)
    assert not one > other or all(a > b for a, b in pairs)
    try:
        assert all(a <= b for a, b in pairs) if one <= other else all(a > b for a, b in pairs)
    except NarrativeError as error:
        assert "overlap" in str(error)  # noqa: PT017  # either answer is right
    assert (one == other) == (hash(one) == hash(other) and not one < other and one.text == other.text)


@some
@given(quantities())
def test_printing_loses_nothing_or_says_about(quantity: Quantity) -> None:
    text = quantity.text.split("about ")[-1].split("than ")[-1].split("least ")[-1].split("up to ")[-1]
    number, _, scale = text.partition(" ")
    ends = [read(f"{end} {scale}".strip()) for end in number.split("–")]
    assert "about" in quantity.text or ends == [*dict.fromkeys((quantity.low, quantity.high))]
    assert all(abs(end - true) * 20 <= true for end, true in zip(ends, (quantity.low, quantity.high), strict=False))


@some
@given(st.lists(quantities(), min_size=1, max_size=5))
def test_pandas_sums_are_sums(parts: list[Quantity]) -> None:
    assume(len({part.bound in ("at_least", "more_than") for part in parts if part.bound}) < 2)
    frame = pd.DataFrame({"of": "all", "value": pd.Series(parts, dtype="object")})
    one, other = frame["value"].sum(), frame.groupby("of").agg(value=("value", "sum"))["value"].iloc[0]
    assert one == other == sum(parts)
    rows = {row for part in parts for row in part.evidence.rows}
    assert set(one.evidence.all_rows) == set(other.evidence.all_rows) == rows


def counted(value: Any, what: str = "members", unit: Unit = COUNT) -> Quantity:
    exact = Fraction(str(value))
    return Quantity(exact, exact, ((unit, 1),), name=what, made="a count", basis=Evidence((f"obs-{what}",)))


@some
@given(quantities(least=1), quantities(least=1))
def test_a_ratio_reads_in_one_way(one: Quantity, other: Quantity) -> None:
    ratio = one / other
    assume(not isinstance(ratio, Unknown))
    assert bool(ratio.percent) != bool(ratio.times)
    for words in (ratio.percent, ratio.times, ratio.one_in, ratio.most):
        assert not words or set(words.evidence.all_rows) == set(ratio.evidence.all_rows)
        assert not words or ("about" in words.text) >= (ratio.about)
    if ratio.one_in:
        assert ratio.percent


@pytest.mark.parametrize(
    ("value", "bound", "percent", "times", "one_in", "most"),
    [
        ("1/5", "", "20%", "", "one in five", "a fifth"),
        ("1/5", "less_than", "less than 20%", "", "fewer than one in five", "a fifth"),
        ("1/4", "more_than", "more than 25%", "", "more than one in four", ""),
        ("1/2", "at_most", "up to 50%", "", "at most one in two", "half"),
        ("1/3", "", "about 33%", "", "one in three", "a third"),
        ("2/7", "", "about 29%", "", "", "about 29%"),
        ("5", "", "", "five times", "", ""),
        ("5/2", "less_than", "", "less than 2.5 times", "", ""),
        ("0", "", "", "", "", ""),
    ],
)
def test_ratios_in_words(value: str, bound: str, percent: str, times: str, one_in: str, most: str) -> None:
    ratio = Quantity(Fraction(value), Fraction(value), (), bound, name="r", made="a ÷ b", basis=Evidence(("obs-a",)))
    assert [str(w) for w in (ratio.percent, ratio.times, ratio.one_in, ratio.most)] == [percent, times, one_in, most]


@pytest.mark.parametrize(
    ("part", "whole", "phrase"),
    [
        (10, 10, "all ten members"),
        (2, 2, "both members"),
        (0, 10, "none of the ten members"),
        (8, 10, "all but two of the ten members"),
        (9, 10, "all but one of the ten members"),
        (3, 10, "three of the ten members"),
        (3, 5, "three of the five members"),
        (11, 12, "all but one of the 12 members"),
        (1, 1, ""),
        (11, 10, ""),
        (0, 0, ""),
    ],
)
def test_a_part_of_a_whole(part: int, whole: int, phrase: str) -> None:
    share = counted(part, "some").of(counted(whole))
    assert (share.phrase("members") if share else "") == phrase
    assert not share or set(share.evidence.all_rows) == {"obs-some", "obs-members"}


def test_units_are_kept_and_refused() -> None:
    length, time = counted(6, "length", METRES), counted(2, "time", YEARS)
    speed = (length / time).named("speed")
    assert (speed * time).units == length.units
    assert (length / length).units == ()
    assert length * counted("0.5", "share", SHARE) == counted(3, "x", METRES)
    share = counted("0.5", "share", SHARE)
    assert [str(v) for v in (share, share * share, share / share, share.percent)] == ["50%", "25%", "1", "50%"]
    for wrong in (
        lambda: length + time, lambda: length - time, lambda: length < time, lambda: length.of(time),
        lambda: max(length, time), lambda: length.percent, lambda: length.times, lambda: speed.one_in,
    ):  # fmt: skip
        with pytest.raises(NarrativeError, match=r"metres"):
            wrong()


def test_a_bare_number_is_refused_but_a_filter_may_have_one() -> None:
    five = counted(5)
    for wrong in (
        lambda: five + 1, lambda: five * 2, lambda: 2 / five, lambda: five - 0, lambda: -five, lambda: five**2,
        lambda: float(five), lambda: round(five), lambda: five + 0.0,
    ):  # fmt: skip
        with pytest.raises(NarrativeError, match="bare"):
            wrong()
    assert sum([five, five]) == five + five
    assert [five > 4, five >= 5, five < 5, five <= 5, five == 5, five != 5, five > 4.5, five < float("inf")] == [
        True, True, False, True, True, False, True, False,
    ]  # fmt: skip


def test_what_is_unknown_makes_everything_unknown() -> None:
    five = counted(5)
    for result in (
        five + UNKNOWN, UNKNOWN - five, five * None, UNKNOWN / five, five / (UNKNOWN * five), five.of(UNKNOWN),
        UNKNOWN.of(five), UNKNOWN.named("x").percent, abs(-UNKNOWN), sum([five, UNKNOWN]), five / counted(0),
        UNKNOWN.attribute("date").attribute("when"),
    ):  # fmt: skip
        assert result is UNKNOWN
        assert not result
    assert not five > UNKNOWN
    assert not five < UNKNOWN


def test_formulas_can_be_read() -> None:
    price, soldiers, years = counted(90, "price"), counted(4, "soldiers", METRES), counted(3, "years", YEARS)
    cost = price / (soldiers * years)
    assert cost.made == "price ÷ (soldiers × years)"
    named = (cost.named("cost each") + cost.named("more")).named("sum")
    formula = named.evidence.formulas[0]
    assert (formula.what, formula.formula, formula.value) == ("sum", "cost each + more", "15")
    assert [part.what for part in formula.evidence.formulas] == ["cost each", "more"]
    assert set(named.evidence.all_rows) == {"obs-price", "obs-soldiers", "obs-years"}
    third = counted(1).named("one") / counted(3).named("three")
    assert third.evidence.formulas[0].formula == "one ÷ three, to 2 significant digits"


def test_rows_print_as_the_texts_have_them() -> None:
    edition = edition_of()
    printed = {i: edition[i].text for i in edition.dataset["observations"]["observation_id"]}
    assert printed["obs-members-report"] == "5"
    assert edition["obs-members-report"].words == "five"
    assert edition["obs-arven-flow-report"].words == "40%"
    assert printed["obs-belmora-flow-report"] == "more than 25%"
    assert printed["obs-survey-cost-report"] == "mk3–4.5 million"
    assert printed["obs-people-brief"] == "nearly 11,000"
    assert printed["obs-gauges-needed-brief"] == "at least 6"
    assert printed["obs-payment-marks-column"] == "about mk18 million"
    a, b = edition["obs-people-brief"], edition["obs-lives-brief"]
    assert str(a + b) == "about 11,011"
    assert str(edition["obs-survey-cost-report"] / edition["obs-survey-years-report"]) == "mk1.5–2.25 million"
    assert str(edition["obs-arven-flow-report"] - edition["obs-belmora-flow-report"]) == "less than 15%"
    whole = edition["obs-gauges-needed-brief"] + edition["obs-gauges-brief"]
    assert (str(whole), whole.evidence.formulas[0].formula) == (
        "at least 10", "gauges (B6) + gauges (B6); an input is open at one end, and so is the result",
    )  # fmt: skip
    assert edition["obs-farms-column"] + edition["obs-belmora-flow-report"] is UNKNOWN


def test_parameters_count_as_assumptions() -> None:
    edition = edition_of(barges=50)
    price = edition.parameter("price_per_barge", "price of a barge", MRK=1, barges=-1)
    cost = (price * edition.parameter("barges", "barges", barges=1)).named("cost")
    assert (str(cost), cost.evidence.formulas[0].evidence.parameters) == (
        "mk1.25 million",
        ("price_per_barge", "barges"),
    )
    assert edition_of().parameter("barges", "barges", barges=1) is UNKNOWN
    with pytest.raises(NarrativeError, match="price_per_barge"):
        edition.parameter("boats", "boats")
    with pytest.raises(NarrativeError, match="MRK=1"):
        edition.parameter("price_per_barge", "price", CRN=1)


def test_a_period_prints_both_its_years() -> None:
    assert [Moment(iso).year.text for iso in ("2026/2027", "2026-03/2026-05", "2026", "2026-03/P2M", "2003/..")] == [
        "2026–2027", "2026", "2026", "2026", "2003",
    ]  # fmt: skip
