"""The parameters of an edition: built in and of a scenario; what is accepted, what is refused and how."""

from __future__ import annotations

import os
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliances import find_root
from alliances.dataset import Dataset
from alliances.errors import ParameterError
from alliances.parameters import Parameters, check_parameters, described
from river_data import RIVER

EXAMPLES = int(os.environ.get("ALLIANCES_TEST_EXAMPLES", "60"))
DATASET = Dataset.load(RIVER, validate=False)
REPORT = Dataset.load(find_root(Path(__file__).parent), validate=False)  # its countries have names of every kind
SOURCES = list(DATASET["sources"]["source_id"])
DEFAULTS = check_parameters({}, DATASET)
NAMES = tuple(DEFAULTS.as_dict())


def refused(values: dict[str, Any], dataset: Dataset = DATASET, **options: Any) -> str:
    with pytest.raises(ParameterError) as caught:
        check_parameters(values, dataset, **options)
    text = str(caught.value)
    assert all(name in text for name in values)
    assert text.endswith(".")
    assert "\n" not in text
    return text


# ---------------------------------------------------------------- names and defaults


def test_names_and_defaults_come_from_the_data() -> None:
    assert NAMES == ("as_of", "focus", "exclude_sources", "barges", "price_per_barge")
    assert Parameters(date(2021, 6, 15), "", (), {"barges": None, "price_per_barge": 25000}) == DEFAULTS
    assert DEFAULTS.as_of == DATASET.default_as_of()
    assert DEFAULTS.as_dict()["as_of"] == "2021-06-15"
    names = tuple(check_parameters({}, REPORT).as_dict())
    assert names[:3] == ("as_of", "focus", "exclude_sources")
    assert {"troops", "years", "front_km", "cost_per_soldier_year", "rotation"} <= {*names}


@pytest.mark.parametrize("dataset", [DATASET, REPORT], ids=["river", "report"])
def test_every_parameter_is_explained_with_an_example_that_works(dataset: Dataset) -> None:
    for name, kind, default, meaning, example in described(dataset):
        assert all((kind, default, meaning)), name
        assert check_parameters({name: example}, dataset) != check_parameters({}, dataset), name
    assert [name for name, *_ in described(dataset)] == [*check_parameters({}, dataset).as_dict()]
    assert [kind for _, kind, *_ in described(DATASET)][3:] == ["integer, barges", "number, marks"]


def test_the_table_in_the_readme_is_that_of_the_data() -> None:
    readme = (find_root(Path(__file__).parent) / "README.md").read_text("utf-8")
    for name, kind, default, meaning, example in described(REPORT):
        line = f"| `{name}` | {kind} | {default} | {meaning} | `{example}` |"
        assert line in readme, f"README.md lacks the line {line}"


@pytest.mark.parametrize("empty", [None, "", [], ()], ids=repr)
@pytest.mark.parametrize("name", NAMES)
def test_an_empty_value_is_the_default(name: str, empty: Any) -> None:
    assert check_parameters({name: empty}, DATASET, declared=[]) == DEFAULTS


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    assert "the nearest is “barges”; the parameters are as_of, focus" in refused({"barge": 3})
    refused({"troops": 5})


def test_a_scenario_parameter_that_no_notebook_declares_is_refused() -> None:
    text = refused({"barges": 5}, declared=["as_of", "price_per_barge"])
    assert "no notebook of this report declares it" in text
    assert "are price_per_barge." in text
    assert "none." in refused({"barges": 5}, declared=())
    assert check_parameters({"barges": 5, "focus": "XDN"}, DATASET, declared=["barges"]).scenario["barges"] == 5
    assert check_parameters({"barges": 5}, DATASET).scenario["barges"] == 5


# ---------------------------------------------------------------- as_of


@given(st.dates())
@settings(max_examples=EXAMPLES, deadline=None)
def test_every_day_of_the_calendar_is_a_state_of_knowledge(day: date) -> None:
    for value in (day.isoformat(), day, datetime(day.year, day.month, day.day), f" {day.isoformat()} "):
        assert check_parameters({"as_of": value}, DATASET).as_of == day


@pytest.mark.parametrize(
    ("value", "nearest"),
    [
        ("2025-02-30", "2025-02-28"), ("2024-02-30", "2024-02-29"), ("2025-04-31", "2025-04-30"),
        ("2025-1-2", "2025-01-02"), ("2025/03/20", "2025-03-20"), ("2025.03.20", "2025-03-20"),
        ("2025-20-03", "2025-03-20"), ("2025-00-10", "2025-01-10"), ("2025-99-99", "2025-12-31"),
        ("0000-01-01", "0001-01-01"), ("２０２５-０３-２０", "2025-03-20"), ("tomorrow", ""), ("20250320", ""),
        (20250320, ""), (True, ""), ("2025-03-20T10:00", ""), (["2025-03-20"], ""),
    ],
)  # fmt: skip
def test_what_is_no_day_is_refused_with_the_nearest_one(value: Any, nearest: str) -> None:
    text = refused({"as_of": value})
    assert str(value) in text
    assert (f"the nearest valid value is {nearest}" in text) == bool(nearest), text


@given(st.from_regex(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,2}", fullmatch=True))
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_suggested_day_is_one(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        suggested = re.search(r"nearest valid value is (\S+?)\.?$", refused({"as_of": text}))
        assert suggested is None or date.fromisoformat(suggested[1])


# ---------------------------------------------------------------- focus


@pytest.mark.parametrize("code", sorted(REPORT["countries"]["iso3"]))
def test_every_country_of_the_table_can_be_looked_at(code: str) -> None:
    assert check_parameters({"focus": code}, REPORT).focus == code


@pytest.mark.parametrize(
    ("value", "nearest"),
    [
        ("PL", "POL"), ("pol", "POL"), ("Poland", "POL"), ("poland", "POL"), ("Polnad", "POL"), ("UK", "GBR"),
        ("Britain", "GBR"), ("NO", "NOR"), ("DE", "DEU"), ("DEU,POL", ""), ("ZZZZZZ", ""), (7, ""),
        (["POL", "NOR"], ""),
    ],
)  # fmt: skip
def test_what_is_no_country_is_refused_with_the_nearest_one(value: Any, nearest: str) -> None:
    assert nearest in refused({"focus": value}, REPORT)


def test_a_focus_on_the_river_names_its_own_countries() -> None:
    assert "the nearest is XDN (Dunmere); allowed are the 5 alpha-3 codes" in refused({"focus": "Dunmere"})


# ---------------------------------------------------------------- exclude_sources


@given(st.lists(st.sampled_from(SOURCES)))
@settings(max_examples=EXAMPLES, deadline=None)
def test_sources_left_out_in_any_way_of_writing_them(chosen: list[str]) -> None:
    expected = tuple(source for source in SOURCES if source in chosen)
    for value in (chosen, tuple(chosen), ",".join(chosen), " , ".join(chosen)):
        assert check_parameters({"exclude_sources": value}, DATASET).exclude_sources == expected


@pytest.mark.parametrize("value", ["nowhere-2025-01", ["nowhere-2025-01"], SOURCES[0] + "x", 5, {"a": 1}, True])
def test_a_source_that_is_not_there_is_refused(value: Any) -> None:
    assert all(source in refused({"exclude_sources": value}) for source in SOURCES)


# ---------------------------------------------------------------- numbers


@given(st.integers(-10, 600))
@settings(max_examples=EXAMPLES, deadline=None)
def test_numbers_have_bounds(number: int) -> None:
    for value in (number, str(number), float(number)):
        if 1 <= number <= 500:
            assert check_parameters({"barges": value}, DATASET).scenario["barges"] == number
        else:
            assert f"nearest valid value is {1 if number < 1 else 500}." in refused({"barges": value})


@pytest.mark.parametrize("name", ["barges", "price_per_barge"])
@pytest.mark.parametrize(
    "value",
    [True, False, "ten", "1 000", "1_000", "007", "0x10", "1e3", "nan", "inf", "1.", ".5", "１０", "1/2", [5], {}, "-"],
    ids=repr,
)
def test_what_is_no_number_is_refused(name: str, value: Any) -> None:
    if value not in ({},):
        assert "from 1" in refused({name: value})


@pytest.mark.parametrize(
    ("name", "text", "readings"),
    [
        ("barges", "25.000", ["25000", "25"]),
        ("barges", "1.000.000", ["1000000"]),
        ("barges", "1100,5", ["1100.5", "11005"]),
        ("price_per_barge", "1100,5", ["1100.5", "11005"]),
        ("price_per_barge", "1,100", ["1100", "1.1"]),
        ("price_per_barge", "1.100", ["1100", "1.1"]),
    ],
)
def test_a_number_that_countries_write_differently_is_asked_about(name: str, text: str, readings: list[str]) -> None:
    assert f"can be read as {' or as '.join(readings)}; write the one that is meant." in refused({name: text})


@pytest.mark.parametrize(
    ("name", "value", "near"), [("barges", "1,000", "500"), ("barges", "3.5", "4"), ("barges", 3.5, "4")]
)
def test_a_number_near_a_valid_one_is_named_with_it(name: str, value: Any, near: str) -> None:
    assert f"the nearest valid value is {near}" in refused({name: value})


def test_a_fraction_is_a_number() -> None:
    assert check_parameters({"price_per_barge": "1100.5"}, DATASET).scenario["price_per_barge"] == 1100.5
