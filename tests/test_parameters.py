"""The eight parameters: defaults, what is accepted, what is refused and how, and the names of editions."""

from __future__ import annotations

import os
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliances.build import slug
from alliances.cli import read_parameters
from alliances.dataset import Dataset
from alliances.errors import ParameterError
from alliances.parameters import NAMES, Parameters, check_parameters, type_name
from alliances.paths import find_root

EXAMPLES = int(os.environ.get("ALLIANCES_TEST_EXAMPLES", "60"))
DATASET = Dataset.load(find_root(Path(__file__).parent), validate=False)
SOURCES = list(DATASET["sources"]["source_id"])
COUNTRIES = sorted(DATASET["countries"]["iso3"])
DEFAULTS = check_parameters({}, DATASET)
INTEGERS = {"troops": 5_000_000, "years": 100, "rotation": 10}
NUMBERS = {"front_km": 20_000, "cost_per_soldier_year": 10_000_000}


def refused(name: str, value: Any) -> str:
    with pytest.raises(ParameterError) as caught:
        check_parameters({name: value}, DATASET)
    text = str(caught.value)
    assert name in text
    assert text.endswith(".")
    return text


# ---------------------------------------------------------------- defaults


def test_names_and_defaults_are_those_of_the_design() -> None:
    assert NAMES == (
        "as_of", "focus", "exclude_sources", "troops", "years", "front_km", "cost_per_soldier_year", "rotation",
    )  # fmt: skip
    assert DEFAULTS.model_dump() == {
        "as_of": max(DATASET["sources"]["published"]), "focus": "", "exclude_sources": (), "troops": None,
        "years": None, "front_km": None, "cost_per_soldier_year": None, "rotation": 3,
    }  # fmt: skip
    assert DEFAULTS.day == DATASET.default_as_of()


def test_every_parameter_is_explained() -> None:
    for name in NAMES:
        field = Parameters.model_fields[name]
        assert field.description, name
        assert type_name(name), name
        assert check_parameters({name: (field.examples or [])[0]}, DATASET) != DEFAULTS, name


@pytest.mark.parametrize("empty", [None, "", [], ()], ids=repr)
@pytest.mark.parametrize("name", NAMES)
def test_an_empty_value_is_the_default(name: str, empty: Any) -> None:
    assert check_parameters({name: empty}, DATASET) == DEFAULTS


def test_checked_parameters_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        DEFAULTS.focus = "POL"  # type: ignore[misc]  # that is the test


# ---------------------------------------------------------------- as_of


@given(st.dates())
@settings(max_examples=EXAMPLES)
def test_every_day_of_the_calendar_is_a_state_of_knowledge(day: date) -> None:
    for value in (day.isoformat(), day, datetime(day.year, day.month, day.day), f" {day.isoformat()} "):
        checked = check_parameters({"as_of": value}, DATASET)
        assert checked.as_of == day.isoformat()
        assert checked.day == day


@pytest.mark.parametrize(
    ("value", "nearest"),
    [
        ("2025-02-30", "2025-02-28"),
        ("2024-02-30", "2024-02-29"),
        ("2025-04-31", "2025-04-30"),
        ("2025-1-2", "2025-01-02"),
        ("2025/03/20", "2025-03-20"),
        ("2025.03.20", "2025-03-20"),
        ("2025-20-03", "2025-03-20"),
        ("2025-00-10", "2025-01-10"),
        ("2025-99-99", "2025-12-31"),
        ("0000-01-01", "0001-01-01"),
        ("tomorrow", ""),
        ("20250320", ""),
        (20250320, ""),
        (True, ""),
        ("2025-03-20T10:00", ""),
        ("２０２５-０３-２０", "2025-03-20"),
        (["2025-03-20"], ""),
    ],
)
def test_what_is_no_day_is_refused_with_the_nearest_one(value: Any, nearest: str) -> None:
    text = refused("as_of", value)
    assert str(value) in text
    assert (f"the nearest valid value is {nearest}" in text) == bool(nearest), text
    suggested = re.search(r"nearest valid value is (\S+?)\.?$", text)
    if suggested:
        date.fromisoformat(suggested[1])


# ---------------------------------------------------------------- focus


@pytest.mark.parametrize("code", COUNTRIES)
def test_every_country_of_the_table_can_be_looked_at(code: str) -> None:
    assert check_parameters({"focus": code}, DATASET).focus == code


@pytest.mark.parametrize(
    ("value", "nearest"),
    [
        ("PL", "POL"), ("pol", "POL"), ("Poland", "POL"), ("poland", "POL"), ("Polnad", "POL"), ("UK", "GBR"),
        ("GB", "GBR"), ("NO", "NOR"), (False, "NOR"), (True, ""), ("DEU,POL", ""), ("ZZZZZZ", ""), (7, ""),
        (["POL", "NOR"], ""),
    ],
)  # fmt: skip
def test_what_is_no_country_is_refused_with_the_nearest_one(value: Any, nearest: str) -> None:
    text = refused("focus", value)
    if nearest:
        assert nearest in text, text


# ---------------------------------------------------------------- exclude_sources


@given(st.lists(st.sampled_from(SOURCES)))
@settings(max_examples=EXAMPLES)
def test_sources_left_out_in_any_way_of_writing_them(chosen: list[str]) -> None:
    expected = tuple(source for source in SOURCES if source in chosen)
    for value in (chosen, tuple(chosen), ",".join(chosen), " , ".join(chosen)):
        assert check_parameters({"exclude_sources": value}, DATASET).exclude_sources == expected


@pytest.mark.parametrize("value", ["nowhere-2025-01", ["nowhere-2025-01"], SOURCES[0] + "x", 5, {"a": 1}, True])
def test_a_source_that_is_not_there_is_refused(value: Any) -> None:
    text = refused("exclude_sources", value)
    for source in SOURCES:
        assert source in text


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(("name", "most"), [*INTEGERS.items(), *NUMBERS.items()])
def test_numbers_have_bounds(name: str, most: int) -> None:
    for good in (1, most, str(most)):
        assert getattr(check_parameters({name: good}, DATASET), name) == int(good)
    assert "nearest valid value is 1." in refused(name, 0)
    assert "nearest valid value is 1." in refused(name, "-3")
    assert f"nearest valid value is {most}." in refused(name, most + 1)


@pytest.mark.parametrize("name", [*INTEGERS, *NUMBERS])
@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        "ten",
        "1,000",
        "1 000",
        "1_000",
        "007",
        "0x10",
        "1e3",
        "nan",
        "inf",
        "1.",
        ".5",
        "٣",
        "1;2",
        [1],
        {},
    ],
    ids=repr,
)
def test_what_is_no_plain_number_is_refused(name: str, value: Any) -> None:
    if value == {}:
        value = {"low": 1}
    assert str(value) in refused(name, value)


def test_whole_numbers_stay_whole_and_others_stay_exact() -> None:
    checked = check_parameters({"troops": "25000", "front_km": "1100.5", "years": 5.0}, DATASET)
    assert (checked.troops, checked.front_km, checked.years) == (25000, 1100.5, 5)
    assert isinstance(checked.years, int)
    assert "the nearest valid value is 12" in refused("troops", "12.4")


# ---------------------------------------------------------------- whatever comes


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.dates(), st.lists(st.text(), max_size=3),
    st.dictionaries(st.text(), st.text(), max_size=2), st.binary(),
)  # fmt: skip


@given(st.sampled_from(NAMES), anything)
@settings(max_examples=EXAMPLES * 5)
def test_any_value_is_taken_or_refused_in_one_sentence(name: str, value: Any) -> None:
    try:
        checked = check_parameters({name: value}, DATASET)
    except ParameterError:
        refused(name, value)
        return
    assert check_parameters(checked.model_dump(), DATASET) == checked


@given(st.text(min_size=1).filter(lambda name: name not in NAMES))
@settings(max_examples=EXAMPLES)
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="There is no parameter"):
        check_parameters({name: 1}, DATASET)


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(ParameterError, match=r"“as-of”; the nearest is “as_of”; the parameters are as_of, focus"):
        check_parameters({"as-of": "2025-03-20"}, DATASET)


# ---------------------------------------------------------------- the way to a notebook and back


editions = st.fixed_dictionaries(
    {},
    optional={
        "as_of": st.dates().map(date.isoformat),
        "focus": st.sampled_from(COUNTRIES),
        "exclude_sources": st.lists(st.sampled_from(SOURCES), unique=True),
        **{name: st.integers(1, most) for name, most in INTEGERS.items()},
        **{name: st.floats(1, most).map(lambda value: round(value, 2)) for name, most in NUMBERS.items()},
    },
)


@given(editions)
@settings(max_examples=EXAMPLES)
def test_a_notebook_gets_back_what_was_checked(values: dict[str, Any]) -> None:
    checked = check_parameters(values, DATASET)
    passed = checked.as_notebook_values(NAMES)
    assert check_parameters(passed, DATASET) == checked
    assert isinstance(passed["exclude_sources"], list)
    as_papermill_does = {
        name: ",".join(value) if isinstance(value, list) else str(value)
        for name, value in passed.items()
        if value not in (None, [])
    }
    assert check_parameters(as_papermill_does, DATASET) == checked


def test_a_notebook_is_passed_only_what_it_declares() -> None:
    assert DEFAULTS.as_notebook_values(["focus", "rotation"]) == {"focus": "", "rotation": 3}


# ---------------------------------------------------------------- names of editions


@given(editions, editions)
@settings(max_examples=EXAMPLES)
def test_editions_share_a_name_only_if_they_are_the_same(first: dict[str, Any], second: dict[str, Any]) -> None:
    one, two = check_parameters(first, DATASET), check_parameters(second, DATASET)
    names = [slug(parameters, DEFAULTS) for parameters in (one, two)]
    assert (names[0] == names[1]) == (one == two)
    assert (names[0] == "") == (one == DEFAULTS)
    assert re.fullmatch(r"|\d{4}-\d\d-\d\d(_[A-Z]{3})?(_[0-9a-f]{6})?", names[0])


def test_the_name_of_the_design() -> None:
    assert slug(check_parameters({"as_of": "2025-03-20", "focus": "POL"}, DATASET), DEFAULTS) == "2025-03-20_POL"


# ---------------------------------------------------------------- command line and files


def test_flags_go_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("as_of: 2025-04-20\nyears: 5\nfocus: POL\n", "utf-8")
    values = read_parameters([["focus", "NOR"], ["exclude_sources", "a,b"], ["exclude_sources", "c"]], file)
    assert values == {"as_of": "2025-04-20", "years": 5, "focus": "NOR", "exclude_sources": ["a", "b", "c"]}


def test_a_file_in_another_language_keeps_its_letters(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("focus: Türkiye\n", "utf-8")
    with pytest.raises(ParameterError, match="TUR"):
        check_parameters(read_parameters([], file), DATASET)
