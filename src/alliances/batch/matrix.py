"""The matrix file: ``matrix``, ``include`` and ``exclude`` as people know them from CI services."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alliances.errors import ParameterError
from alliances.text.reading import read_utf8, read_yaml

KEYS = ("matrix", "include", "exclude", "parameters", "to")
FORMATS = ("html", "pdf")


def read_mapping(path: Path, what: str, example: str, remedy: str = "name another") -> dict[str, Any]:
    """Read a YAML file that holds a mapping; numbers and dates stay as written (``2025-03-20``, ``25.000``).

    ParameterError if it cannot be read, or holds something else: `what` names it there, `example` says what it holds.
    """
    named = f"The {what} file {path}"
    loaded = read_yaml(read_utf8(path, named, ParameterError, remedy), named, ParameterError, example, typed=False)
    if not isinstance(loaded, dict):
        raise ParameterError(f"{named} holds no mapping; {example}.")
    return {str(name): value for name, value in loaded.items()}


def read_matrix(path: Path) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Read a matrix file; return the parameters of each edition, and the formats: both where it says nothing.

    ParameterError if it cannot be read, or has a key, a shape or a format that is not allowed.
    """
    spec = read_mapping(path, "matrix", f"its keys are {', '.join(KEYS)}; see README")
    for key in [key for key in spec if key not in KEYS]:
        raise ParameterError(f"The matrix file {path} has the key “{key}”; allowed are {', '.join(KEYS)}.")
    told = spec.get("to", list(FORMATS))
    asked = told if isinstance(told, list) else [told]
    if wrong := [item for item in asked or [asked] if item not in FORMATS]:
        raise ParameterError(f"to: “{wrong[0]}” is no format; allowed are {' and '.join(FORMATS)}.")
    return combinations(spec), tuple(name for name in FORMATS if name in asked)


def combinations(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Expand a matrix into sets of parameters.

    ``matrix`` gives every combination of its lists; ``exclude`` removes those that agree with one of its entries in
    all that the entry names; an entry of ``include`` is added to each combination whose matrix values it does not
    change, and stands on its own where there is none. ``parameters`` hold for all, and give way to the rest.
    ParameterError if a part has the wrong shape.
    """
    matrix = _mapping(spec.get("matrix"), "matrix")
    for name, values in matrix.items():
        if not isinstance(values, list) or not values:
            raise ParameterError(f"matrix: {name} is “{values}”; write a list of at least one value.")
    rows = [dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())] if matrix else []
    for entry in _entries(spec.get("exclude"), "exclude"):
        if strange := [f"“{name}”" for name in entry if name not in matrix] or ["nothing"] * (not entry):
            told = f"An entry of exclude names {strange[0]}; it may name only lists of the matrix"
            raise ParameterError(f"{told}: {', '.join(matrix)}.")
        rows = [row for row in rows if not entry.items() <= row.items()]
    original = [dict(row) for row in rows]
    for entry in _entries(spec.get("include"), "include"):
        fits = [row for row, was in zip(rows, original, strict=False) if was | entry == entry | was]
        for row in fits:
            row.update(entry)
        rows += [] if fits else [entry]
    return [{**_mapping(spec.get("parameters"), "parameters"), **row} for row in rows]


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise ParameterError(f"{name} is “{value}”; write names of parameters with their values.")
    return {str(key): item for key, item in (value or {}).items()}


def _entries(value: Any, name: str) -> list[dict[str, Any]]:
    if value is not None and not isinstance(value, list):
        raise ParameterError(f"{name} is “{value}”; write a list of entries.")
    return [_mapping(entry, name) for entry in value or []]
