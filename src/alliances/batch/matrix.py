"""The matrix file: ``matrix``, ``include`` and ``exclude`` as people know them from CI services."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from alliances import plain_yaml
from alliances.dataset import Dataset
from alliances.errors import ParameterError
from alliances.parameters import NAMES, Parameters, check_parameters

KEYS = ("matrix", "include", "exclude", "parameters", "to")
FORMATS = ("html", "pdf")


def read_matrix(path: Path) -> dict[str, Any]:
    """Read a matrix file.

    Raises
    ------
    ParameterError
        If it cannot be read, is no mapping, or has a key that is not allowed.
    """
    try:
        loaded = plain_yaml.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"The matrix file {path} cannot be read ({error}); name another.") from error
    except yaml.YAMLError as error:
        where = str(error).splitlines()[-1].strip()
        raise ParameterError(f"The matrix file {path} is not YAML ({where}); see README for an example.") from error
    if not isinstance(loaded, dict):
        raise ParameterError(f"The matrix file {path} holds no mapping; its keys are {', '.join(KEYS)}.")
    unknown = [key for key in loaded if key not in KEYS]
    if unknown:
        raise ParameterError(f"The matrix file {path} has the key “{unknown[0]}”; allowed are {', '.join(KEYS)}.")
    return loaded


def combinations(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Expand a matrix into sets of parameters.

    ``matrix`` gives every combination of its lists; ``exclude`` removes those that agree with one of its entries in
    all that the entry names; an entry of ``include`` is added to each combination whose matrix values it does not
    change, and stands on its own where there is none. ``parameters`` hold for all, and give way to the rest.

    Parameters
    ----------
    spec : Mapping
        As :func:`read_matrix` returns it.

    Raises
    ------
    ParameterError
        If a part has the wrong shape.
    """
    matrix = _mapping(spec.get("matrix"), "matrix")
    for name, values in matrix.items():
        if not isinstance(values, list) or not values:
            raise ParameterError(f"matrix: {name} is “{values}”; write a list of at least one value.")
    common = _mapping(spec.get("parameters"), "parameters")
    include = [_mapping(entry, "include") for entry in _list(spec.get("include"), "include")]
    exclude = [_mapping(entry, "exclude") for entry in _list(spec.get("exclude"), "exclude")]
    for entry in exclude:
        strange = [name for name in entry if name not in matrix]
        if strange or not entry:
            named = f"names “{strange[0]}”" if strange else "names nothing"
            raise ParameterError(
                f"An entry of exclude {named}; it may name only lists of the matrix: {', '.join(matrix)}."
            )
    rows = [dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())] if matrix else []
    rows = [row for row in rows if not any(_agrees(row, entry) for entry in exclude)]
    original = [dict(row) for row in rows]
    for entry in include:
        fits = [
            number
            for number, row in enumerate(original)
            if all(row[name] == value for name, value in entry.items() if name in row)
        ]
        for number in fits:
            rows[number].update(entry)
        if not fits:
            rows.append(dict(entry))
    return [{**common, **row} for row in rows]


def checked(spec: Mapping[str, Any], dataset: Dataset) -> list[Parameters]:
    """Expand a matrix and check every edition before any work starts; the same edition named twice counts once.

    Raises
    ------
    ParameterError
        If there is no edition, or on the first bad value, with the number of the edition.
    """
    found: dict[Parameters, None] = {}
    for number, values in enumerate(combinations(spec), 1):
        try:
            found[check_parameters(values, dataset)] = None
        except ParameterError as error:
            raise ParameterError(f"Edition {number} of the matrix: {error}") from error
    if not found:
        raise ParameterError(f"The matrix names no edition; give at least one list of values for {', '.join(NAMES)}.")
    return list(found)


def formats(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the formats that a matrix asks for; both where it says nothing.

    Raises
    ------
    ParameterError
        If it asks for another one.
    """
    asked = spec.get("to")
    asked = list(FORMATS) if asked is None else asked if isinstance(asked, list) else [asked]
    wrong = [item for item in asked if item not in FORMATS]
    if wrong or not asked:
        raise ParameterError(f"to: “{wrong[0] if wrong else asked}” is no format; allowed are {' and '.join(FORMATS)}.")
    return tuple(name for name in FORMATS if name in asked)


def _agrees(row: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    return all(name in row and row[name] == value for name, value in entry.items())


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ParameterError(f"{name} is “{value}”; write names of parameters with their values.")
    return {str(key): item for key, item in value.items()}


def _list(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ParameterError(f"{name} is “{value}”; write a list of entries.")
    return value
