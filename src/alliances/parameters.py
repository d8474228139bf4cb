"""The parameters of an edition: three that are built in, and the scenario of `data/parameters.csv`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from alliances.dataset import Dataset, Scenario
from alliances.errors import ParameterError

#: The parameters that every project has: type, meaning, example.
BUILT_IN: dict[str, tuple[str, str, str]] = {
    "as_of": (
        "ISO date",
        "State of knowledge: what was published by this day. Empty: the latest publication date.",
        "2025-03-20",
    ),
    "focus": ("ISO 3166-1 alpha-3", "Country lens: highlighted in the charts. Empty: none.", ""),
    "exclude_sources": ("list of source_id", "Sources left out.", ""),
}


@dataclass(frozen=True)
class Parameters:
    """Parameters of an edition, checked against the dataset by `check_parameters`.

    Attributes
    ----------
    as_of : str
        State of knowledge, an ISO date.
    focus : str
        Country lens, an alpha-3 code; "" for none.
    exclude_sources : tuple of str
        Sources left out, in the order of their table.
    scenario : mapping of str to number or None
        Value of each scenario parameter; None where nothing is set.
    """

    as_of: str
    focus: str = ""
    exclude_sources: tuple[str, ...] = ()
    scenario: Mapping[str, int | float | None] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """The state of knowledge as a date."""
        return date.fromisoformat(self.as_of)

    def __getitem__(self, name: str) -> Any:
        return self.as_dict()[name]

    def as_dict(self) -> dict[str, Any]:
        """Return all values by name, as JSON and YAML write them."""
        built_in = {"as_of": self.as_of, "focus": self.focus, "exclude_sources": list(self.exclude_sources)}
        return {**built_in, **self.scenario}


def names(dataset: Dataset) -> tuple[str, ...]:
    """Return the names of all parameters of a project."""
    return (*BUILT_IN, *(scenario.name for scenario in dataset.scenario))


def described(dataset: Dataset) -> list[tuple[str, str, str, str, str]]:
    """Return name, type, default, meaning and example of each parameter, for help and documents."""
    examples = {
        "focus": next((i for i in dataset["memberships"]["actor_id"] if i in set(dataset["countries"]["iso3"])), ""),
        "exclude_sources": next(iter(dataset["sources"]["source_id"][::-1]), ""),
    }
    rows = [
        (name, kind, "not set", meaning, example or examples.get(name, ""))
        for name, (kind, meaning, example) in BUILT_IN.items()
    ]
    for one in dataset.scenario:
        unit = dataset.label("unit", one.unit)
        currency = dataset.label("currency", one.unit)
        words = f"{one.type}, {currency.plural if currency.known else unit.plural}" if one.unit else one.type
        default = "not set" if one.default is None else str(one.default)
        rows.append((one.name, words, default, one.meaning, str(one.example)))
    return rows


def markdown_table(dataset: Dataset) -> str:
    """Return the table of parameters as README prints it."""
    rows = ["| Parameter | Type | Default | Meaning | Example |", "|---|---|---|---|---|"]
    for name, kind, default, meaning, example in described(dataset):
        rows.append(f"| `{name}` | {kind} | {default} | {meaning} | `{example}` |")
    return "\n".join(rows)


def check_parameters(
    values: Mapping[str, Any], dataset: Dataset, declared: Collection[str] | None = None
) -> Parameters:
    """Check the parameters of an edition and fill in the defaults that depend on the data.

    Parameters
    ----------
    values : mapping of str to object
        Values by name as a command line, a YAML file or a notebook gives them. ``None``, ``""`` and
        ``[]`` stand for the default.
    dataset : Dataset
        The dataset that knows the countries, sources and scenario parameters.
    declared : collection of str, optional
        Names that the notebooks declare: any other scenario parameter is refused, since nothing would read it.

    Raises
    ------
    ParameterError
        On the first unknown name or bad value; the message names the parameter, what was found, what is
        allowed and the nearest valid value.
    """
    known = names(dataset)
    for name in values:
        if name not in known:
            raise ParameterError(
                f"There is no parameter “{name}”{_nearest(str(name), known)}; the parameters are {', '.join(known)}."
            )
    scenario = {one.name: one for one in dataset.scenario}
    checked: dict[str, Any] = {}
    numbers = {name: one.default for name, one in scenario.items()}
    for name, value in values.items():
        if value is None or (isinstance(value, (str, list, tuple)) and not value):
            continue
        if name in scenario:
            numbers[name] = _number(scenario[name], value)
            if declared is not None and name not in declared:
                read = [other for other in scenario if other in declared]
                raise ParameterError(
                    f"Parameter {name} is “{value}”, but no notebook of this report declares it, so nothing would "
                    f"change; the scenario parameters that are read are {', '.join(read) or 'none'}."
                )
        elif name == "as_of":
            checked[name] = _iso_day(value)
        elif name == "focus":
            checked[name] = _country(value, dataset)
        else:
            checked[name] = _sources(value, dataset)
    if values.get("as_of") in (None, ""):
        checked["as_of"] = dataset.default_as_of(checked.get("exclude_sources", ())).isoformat()
    return Parameters(**checked, scenario=numbers)


def _nearest(found: str, allowed: Iterable[str]) -> str:
    match = difflib.get_close_matches(found, list(allowed), n=1, cutoff=0.5)
    return f"; the nearest is “{match[0]}”" if match else ""


def _iso_day(value: Any) -> str:
    text = value.isoformat()[:10] if isinstance(value, date) else str(value).strip()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            pass
    hint = ""
    if found := re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", text):
        year, month, day = (int(part) for part in found.groups())
        if month > 12 >= day:
            month, day = day, month
        for last in range(min(max(day, 1), 31), 0, -1):
            try:
                nearest = date(max(year, 1), min(max(month, 1), 12), last)
            except ValueError:
                continue
            hint = f"; the nearest valid value is {nearest.isoformat()}"
            break
    raise ParameterError(
        f"Parameter as_of is “{text}”, which is not a day of the calendar; "
        f"write it as an ISO date such as 2025-03-20{hint}."
    )


def _country(value: Any, dataset: Dataset) -> str:
    codes = dict(zip(dataset["countries"]["iso3"], dataset["countries"]["name"], strict=True))
    if isinstance(value, bool):
        example = next((code for code in codes if code.startswith("NO")), next(iter(codes), ""))
        raise ParameterError(
            f"Parameter focus is the truth value {value}: YAML reads an unquoted NO, ON or YES so; "
            f"write an alpha-3 code such as {example}."
        )
    text = str(value).strip()
    if text in codes:
        return text
    near = _nearest_country(text, codes, dataset)
    hint = f"; the nearest is {near} ({codes[near]})" if near else ""
    raise ParameterError(
        f"Parameter focus is “{text}”, which is not in data/countries.csv{hint}; "
        f"allowed are the {len(codes)} alpha-3 codes there, from {min(codes, default='')} to {max(codes, default='')}."
    )


def _nearest_country(text: str, codes: Mapping[str, str], dataset: Dataset) -> str:
    named = {name.lower(): code for code, name in codes.items()}
    for actor in dataset["actors"].query("kind == 'country'").to_dict("records"):
        for alias in [actor["name"], *actor["aliases"].split("; ")]:
            named.setdefault(alias.lower(), actor["iso3"])
    if text.lower() in named:
        return named[text.lower()]
    if text.upper() in codes:
        return text.upper()
    if re.fullmatch("[A-Za-z]{2}", text):  # an alpha-2 code keeps its letters in most alpha-3 codes
        both = text.upper()
        fitting = [code for code in codes if code[0] == both[0] and both[1] in code[1:]]
        return fitting[0] if len(fitting) == 1 else next((c for c in fitting if c.startswith(both)), "")
    by_name = difflib.get_close_matches(text.lower(), named, n=1, cutoff=0.6)
    by_code = difflib.get_close_matches(text.upper(), codes, n=1, cutoff=0.5)
    return named[by_name[0]] if by_name else by_code[0] if by_code else ""


def _sources(value: Any, dataset: Dataset) -> tuple[str, ...]:
    allowed = list(dataset["sources"]["source_id"])
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)):
        raise ParameterError(f"Parameter exclude_sources is “{value}”; write a list of: {', '.join(allowed)}.")
    named = [str(item).strip() for item in items if str(item).strip()]
    for item in named:
        if item not in allowed:
            raise ParameterError(
                f"Parameter exclude_sources names “{item}”, which is not in data/sources.csv"
                f"{_nearest(item, allowed)}; allowed are {', '.join(allowed)}."
            )
    return tuple(source for source in allowed if source in named)  # order and repeats change nothing


def _number(scenario: Scenario, value: Any) -> int | float:
    whole = scenario.type == "integer"
    low, high = scenario.minimum, scenario.maximum
    allowed = f"{'a whole number' if whole else 'a number'} from {low} to {high}"
    text = str(value).strip()
    start = f"Parameter {scenario.name} is “{text}”, which"
    if isinstance(value, str) and (readings := _readings(text, whole)):
        raise ParameterError(f"{start} can be read as {' or as '.join(readings)}; write the one that is meant.")
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?", text):
        plain = re.sub(r"[,_’'\s]", "", text)
        near = f"; the nearest valid value is {plain}" if re.fullmatch(r"[1-9][0-9]*", plain) else ""
        raise ParameterError(f"{start} is not {allowed}{near}.")
    number = float(text)
    nearest = min(max(number, low), high)
    nearest = round(nearest) if whole else nearest
    if number != nearest:
        raise ParameterError(f"{start} is not {allowed}; the nearest valid value is {nearest}.")
    return int(number) if number.is_integer() else number


def _readings(text: str, whole: bool) -> tuple[str, ...]:
    """Return what a number may mean that is written differently in different countries; usually nothing."""
    if re.fullmatch(r"[1-9][0-9]{0,2}([.,][0-9]{3})+", text):
        joined = re.sub("[.,]", "", text)
        if text.count(".") + text.count(",") == 1 and not (whole and "," in text):
            return joined, f"{float(text.replace(',', '.')):g}"
        return () if "," in text and "." not in text else (joined,)
    if re.fullmatch(r"[0-9]+,[0-9]+", text):
        return text.replace(",", "."), text.replace(",", "")
    return ()
