"""The parameters of an edition: one model, from which help, validation and documentation come."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from alliances.dataset import Dataset
from alliances.errors import ParameterError


class Parameters(BaseModel):
    """Parameters of an edition, checked against the dataset.

    An empty value means the default. The same names stand in a notebook's ``parameters`` cell, on the
    command line and in files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: str = Field(
        "",
        description="State of knowledge: what was published by this day. Empty: the latest publication date.",
        examples=["2025-03-20"],
        json_schema_extra={"type_name": "ISO date"},
    )
    focus: str = Field(
        "",
        description="Country lens: highlighted in the charts. Empty: none.",
        examples=["POL"],
        json_schema_extra={"type_name": "ISO 3166-1 alpha-3"},
    )
    exclude_sources: tuple[str, ...] = Field(
        (),
        description="Sources left out.",
        examples=["opinion-2025-07"],
        json_schema_extra={"type_name": "list of source_id"},
    )
    troops: int | None = Field(
        None,
        ge=1,
        le=5_000_000,
        description="Size of the modelled contingent. Empty: as the known sources give it.",
        examples=[25000],
        json_schema_extra={"type_name": "integer"},
    )
    years: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Length of its deployment in years. Empty: as the known sources give it.",
        examples=[5],
        json_schema_extra={"type_name": "integer"},
    )
    front_km: float | None = Field(
        None,
        ge=1,
        le=20_000,
        description="Length in kilometres of the line it is set against. Empty: as the known sources give it.",
        examples=[1100],
        json_schema_extra={"type_name": "number"},
    )
    cost_per_soldier_year: float | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="Unit cost in US dollars. Empty: derived from the known sources.",
        examples=[120000],
        json_schema_extra={"type_name": "US dollars"},
    )
    rotation: int = Field(
        3,
        ge=1,
        le=10,
        description="Soldiers needed for one deployed: an assumption, shown as one.",
        examples=[4],
        json_schema_extra={"type_name": "integer"},
    )

    @property
    def day(self) -> date:
        """The state of knowledge as a date."""
        return date.fromisoformat(self.as_of)

    def as_notebook_values(self, names: Iterable[str]) -> dict[str, Any]:
        """Return those of the parameters that a notebook declares, as papermill passes them."""
        values = self.model_dump()
        values["exclude_sources"] = list(self.exclude_sources)
        return {name: values[name] for name in names}


NAMES: tuple[str, ...] = tuple(Parameters.model_fields)


def type_name(name: str) -> str:
    """Return the type of a parameter as users read it."""
    extra = Parameters.model_fields[name].json_schema_extra
    return str(extra["type_name"]) if isinstance(extra, dict) else ""


def markdown_table() -> str:
    """Return the table of parameters as README prints it; a test keeps the two in step."""
    rows = ["| Parameter | Type | Default | Meaning | Example |", "|---|---|---|---|---|"]
    for name, field in Parameters.model_fields.items():
        default = field.default if field.default not in ("", (), None) else "not set"
        example = (field.examples or [""])[0]
        rows.append(f"| `{name}` | {type_name(name)} | {default} | {field.description} | `{example}` |")
    return "\n".join(rows)


def check_parameters(values: Mapping[str, Any], dataset: Dataset) -> Parameters:
    """Check the parameters of an edition and fill in the defaults that depend on the data.

    Parameters
    ----------
    values : Mapping of str to object
        Values by name as a command line, a YAML file or a notebook gives them. ``None``, ``""`` and
        ``[]`` stand for the default.
    dataset : Dataset
        The dataset that knows the countries and sources.

    Returns
    -------
    alliances.parameters.Parameters
        The checked parameters; ``as_of`` is always set.

    Raises
    ------
    ParameterError
        On the first unknown name or bad value; the message names the parameter, what was found, what is
        allowed and the nearest valid value.
    """
    unknown = [name for name in values if name not in NAMES]
    if unknown:
        raise ParameterError(
            f"There is no parameter “{unknown[0]}”{_nearest(unknown[0], NAMES)}; the parameters are {', '.join(NAMES)}."
        )
    given = {name: value for name, value in values.items() if not _is_default(value)}
    checked: dict[str, Any] = {"as_of": dataset.default_as_of().isoformat()}
    for name, value in given.items():
        if name == "as_of":
            checked[name] = _iso_day(value)
        elif name == "focus":
            checked[name] = _country(value, dataset)
        elif name == "exclude_sources":
            checked[name] = _sources(value, dataset)
        else:
            checked[name] = _number(name, value)
    return Parameters(**checked)


def _is_default(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, tuple)) and len(value) == 0)


def _nearest(found: str, allowed: Iterable[str]) -> str:
    match = difflib.get_close_matches(found, list(allowed), n=1, cutoff=0.5)
    return f"; the nearest is “{match[0]}”" if match else ""


def _iso_day(value: Any) -> str:
    text = value.isoformat()[:10] if isinstance(value, date) else str(value).strip()
    numbers = re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", text)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            pass
    hint = ""
    if numbers:
        year, month, day = (int(part) for part in numbers.groups())
        if month > 12 >= day:
            month, day = day, month
        month = min(max(month, 1), 12)
        for last in range(min(max(day, 1), 31), 27, -1) if day > 27 else [max(day, 1)]:
            try:
                hint = f"; the nearest valid value is {date(max(year, 1), month, last).isoformat()}"
                break
            except ValueError:
                continue
    raise ParameterError(
        f"Parameter as_of is “{text}”, which is not a day of the calendar; "
        f"write it as an ISO date such as 2025-03-20{hint}."
    )


def _country(value: Any, dataset: Dataset) -> str:
    names = dict(zip(dataset["countries"]["iso3"], dataset["countries"]["name"], strict=True))
    if isinstance(value, bool):
        raise ParameterError(
            f"Parameter focus is the truth value {value}: YAML reads an unquoted NO, ON or YES so; "
            "write an alpha-3 code such as NOR."
        )
    text = str(value).strip()
    if text in names:
        return text
    by_name = {name.lower(): code for code, name in names.items()}
    alpha2 = {"UK": "GBR", "GB": "GBR", "US": "USA", "NO": "NOR", "DE": "DEU", "PL": "POL", "UA": "UKR"}
    near = alpha2.get(text.upper()) or by_name.get(text.lower()) or (text.upper() if text.upper() in names else "")
    if not near:
        matches = difflib.get_close_matches(text.lower(), by_name, n=1, cutoff=0.6)
        codes = difflib.get_close_matches(text.upper(), names, n=1, cutoff=0.5)
        near = by_name[matches[0]] if matches else codes[0] if codes else ""
    hint = f"; the nearest is {near} ({names[near]})" if near else ""
    raise ParameterError(
        f"Parameter focus is “{text}”, which is not in data/countries.csv{hint}; "
        f"allowed are the {len(names)} alpha-3 codes there, from {min(names)} to {max(names)}."
    )


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


def _number(name: str, value: Any) -> int | float:
    field = Parameters.model_fields[name]
    whole = type_name(name) == "integer"
    bounds = {type(rule).__name__: rule for rule in field.metadata}
    low, high = int(bounds["Ge"].ge), int(bounds["Le"].le)
    allowed = f"{'a whole number' if whole else 'a number'} from {low} to {high}"
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?(0|[1-9]\d*)(\.\d+)?", text):
        plain = re.sub(r"[,_\s]", "", text)
        near = f"; the nearest valid value is {plain}" if re.fullmatch(r"[1-9]\d*", plain) else ""
        raise ParameterError(f"Parameter {name} is “{text}”, which is not {allowed}{near}.")
    number = float(text)
    if whole and not number.is_integer():
        raise ParameterError(
            f"Parameter {name} is “{text}”, which is not {allowed}; the nearest valid value is {round(number)}."
        )
    if not low <= number <= high:
        nearest = low if number < low else high
        raise ParameterError(
            f"Parameter {name} is “{text}”, which is not {allowed}; the nearest valid value is {nearest}."
        )
    return int(number) if number.is_integer() else number
