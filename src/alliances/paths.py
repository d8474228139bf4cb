"""Finds the folder in which the project's data, seeds and notebooks stand."""

from __future__ import annotations

import os
from pathlib import Path

from alliances.errors import DataError

__all__ = ["ROOT_VARIABLE", "find_root"]

#: Environment variable that names the root and goes before everything else.
ROOT_VARIABLE = "ALLIANCES_ROOT"
_MARK = Path("data", "datapackage.json")


def find_root(start: Path | str | None = None) -> Path:
    """Find the folder that holds `data/datapackage.json`.

    The environment variable ``ALLIANCES_ROOT`` goes first; then the folder `start` and those above
    it; then the checkout from which this package is run.

    Parameters
    ----------
    start : Path or str, optional
        Where to begin; the working directory by default.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    DataError
        If there is no such folder.
    """
    named = os.environ.get(ROOT_VARIABLE)
    if named:
        root = Path(named).expanduser().resolve()
        if (root / _MARK).is_file():
            return root
        raise DataError(
            f"The environment variable {ROOT_VARIABLE} names {root}, which holds no {_MARK.as_posix()}: "
            "set it to the project's folder or unset it."
        )
    begin = Path(start).expanduser().resolve() if start is not None else Path.cwd()
    checkout = Path(__file__).resolve().parents[2]
    for folder in (begin, *begin.parents, checkout):
        if (folder / _MARK).is_file():
            return folder
    raise DataError(
        f"No {_MARK.as_posix()} in {begin} or above it: change to the project's folder, "
        f"or set the environment variable {ROOT_VARIABLE} to it."
    )
