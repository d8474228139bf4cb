"""The parameters of an edition: three that are built in, and the scenario of `data/parameters.csv`."""

import calendar
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from alliances.dataset import Dataset, Scenario, split_list
from alliances.dataset.problems import fold, nearest, nearest_words
from alliances.errors import ParameterError
from alliances.text.reading import NUMBER, readings

#: The parameters that every project has: type, meaning.
BUILT_IN = {
    "as_of": ("ISO date", "State of knowledge: what was published by this day. Empty: the latest publication date."),
    "focus": ("ISO 3166-1 alpha-3", "Country lens: highlighted in the charts. Empty: none."),
    "exclude_sources": ("list of source_id", "Sources left out."),
}


@dataclass(frozen=True)
class Parameters:
    """Parameters of an edition, checked against the dataset by `check_parameters`."""

    as_of: date
    focus: str = ""  # alpha-3 code
    exclude_sources: tuple[str, ...] = ()  # in the order of their table
    scenario: Mapping[str, int | float | None] = field(default_factory=dict)  # None where nothing is set

    def as_dict(self) -> dict[str, Any]:
        """Return all values by name, as JSON and YAML write them."""
        sources = list(self.exclude_sources)
        return {"as_of": self.as_of.isoformat(), "focus": self.focus, "exclude_sources": sources, **self.scenario}


def described(dataset: Dataset) -> list[tuple[str, str, str, str, str]]:
    """Return name, type, default, meaning and example of each parameter, for help and documents."""
    examples = {
        "as_of": "2025-03-20",
        "focus": next((i for i in dataset["memberships"]["actor_id"] if i in set(dataset["countries"]["iso3"])), ""),
        "exclude_sources": next(iter(dataset["sources"]["source_id"]), ""),
    }
    rows = [(name, kind, "not set", meaning, examples[name]) for name, (kind, meaning) in BUILT_IN.items()]
    for one in dataset.scenario:
        unit, currency = dataset.label("unit", one.unit), dataset.label("currency", one.unit)
        words = f"{one.type}, {currency.plural if currency.known else unit.plural}" if one.unit else one.type
        default = "not set" if one.default is None else str(one.default)
        rows.append((one.name, words, default, one.meaning, str(one.example)))
    return rows


def check_parameters(values: Mapping[str, Any], dataset: Dataset, declared: Container[str] | None = None) -> Parameters:
    """Check the parameters of an edition and fill in the defaults; ``None``, ``""`` and ``[]`` stand for them.

    ParameterError on the first unknown name or bad value, with the nearest valid one, or where notebooks have
    `declared` no such scenario parameter, since nothing would read it.
    """
    scenario = {one.name: one for one in dataset.scenario}
    checked, numbers = dict[str, Any](), {name: one.default for name, one in scenario.items()}
    known, checks = (*BUILT_IN, *scenario), {"as_of": _iso_day, "focus": _country, "exclude_sources": _sources}
    for name, value in values.items():
        if name not in known:
            near = nearest_words(str(name), known)
            raise ParameterError(f"There is no parameter “{name}”{near}; the parameters are {', '.join(known)}.")
        if value in (None, "", [], ()):
            continue
        if name in checks:
            checked[name] = checks[name](value, dataset)
            continue
        numbers[name] = _number(scenario[name], value)
        if declared is not None and name not in declared:
            read = ", ".join(other for other in scenario if other in declared) or "none"
            why = "no notebook of this report declares it; the scenario parameters that are read are"
            raise ParameterError(f"Parameter {name} is “{value}”, but {why} {read}.")
    day = checked.pop("as_of", None) or dataset.default_as_of(checked.get("exclude_sources", ()))
    return Parameters(day, **checked, scenario=numbers)


def _iso_day(value: Any, _: Dataset) -> date:
    text, hint = value.isoformat()[:10] if isinstance(value, date) else str(value).strip(), ""
    if found := re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", fold(text)):
        year, month, day = (max(int(part), 1) for part in found.groups())
        month, day = (day, month) if month > 12 >= day else (min(month, 12), day)
        near = date(year, month, min(day, calendar.monthrange(year, month)[1]))
        if text == near.isoformat():
            return near
        hint = f"; the nearest valid value is {near}"
    raise ParameterError(f"Parameter as_of is “{text}”, and not an ISO date of the calendar such as 2025-03-20{hint}.")


def _country(value: Any, dataset: Dataset) -> str:
    text, codes = str(value).strip(), dict(dataset["countries"][["iso3", "name"]].to_numpy())
    if text in codes:
        return text
    named = {word.casefold(): code for code, name in codes.items() for word in (code, name)}
    for actor in dataset["actors"].query("kind == 'country'").to_dict("records"):
        named |= {alias.casefold(): actor["iso3"] for alias in split_list(actor["aliases"])}
    near = named.get(nearest(text.casefold(), named), "")
    hint = f"; the nearest is {near} ({codes[near]})" if near else ""
    allowed = f"allowed are the {len(codes)} alpha-3 codes there"
    raise ParameterError(f"Parameter focus is “{text}”, which is not in data/countries.csv{hint}; {allowed}.")


def _sources(value: Any, dataset: Dataset) -> tuple[str, ...]:
    allowed = list(dataset["sources"]["source_id"])
    items = value if isinstance(value, (list, tuple)) else str(value).split(",")
    named = list(filter(None, (str(item).strip() for item in items)))
    if unknown := [item for item in named if item not in allowed]:
        why = f"is not in data/sources.csv{nearest_words(unknown[0], allowed)}; allowed are {', '.join(allowed)}"
        raise ParameterError(f"Parameter exclude_sources names “{unknown[0]}”, which {why}.")
    return tuple(source for source in allowed if source in named)  # order and repeats change nothing


def _number(scenario: Scenario, value: Any) -> int | float:
    whole, low, high = scenario.type == "integer", scenario.minimum, scenario.maximum
    text, hint = str(value).strip(), ""
    start = f"Parameter {scenario.name} is “{text}”, which"
    if isinstance(value, str) and (ways := readings(text, whole)):
        raise ParameterError(f"{start} can be read as {' or as '.join(ways)}; write the one that is meant.")
    if NUMBER.fullmatch(plain := re.sub(r"(?<=\d)[,_’'](?=\d)", "", text)):
        bounded = min(max(number := float(plain), low), high)
        near = round(bounded) if whole else bounded
        if number == near and text == plain:
            return int(number) if number.is_integer() else number
        hint = f"; the nearest valid value is {near}"
    raise ParameterError(f"{start} is not {'a whole number' if whole else 'a number'} from {low} to {high}{hint}.")
