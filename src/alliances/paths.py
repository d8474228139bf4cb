"""Finds the folder in which the project's data, seeds and notebooks stand."""

import os
from pathlib import Path

from alliances.errors import DataError

#: Environment variable that names the root and goes before everything else.
ROOT_VARIABLE = "ALLIANCES_ROOT"
_MARK = Path("data", "datapackage.json")


def find_root(start: Path | str | None = None) -> Path:
    """Find the folder that holds `data/datapackage.json`, as an absolute path.

    The environment variable ``ALLIANCES_ROOT`` goes first; then the folder `start` (the working directory by
    default) and those above it; then the checkout from which this package is run.

    Raises
    ------
    DataError
        If there is no such folder.
    """
    if named := os.environ.get(ROOT_VARIABLE):
        root = Path(named).expanduser().resolve()
        if (root / _MARK).is_file():
            return root
        raise DataError(
            f"The environment variable {ROOT_VARIABLE} names {root}, which holds no {_MARK.as_posix()}: "
            "set it to the project's folder or unset it."
        )
    begin = Path(start or ".").expanduser().resolve()
    for folder in (begin, *begin.parents, Path(__file__).resolve().parents[2]):
        if (folder / _MARK).is_file():
            return folder
    raise DataError(
        f"No {_MARK.as_posix()} in {begin} or above it: change to the project's folder, "
        f"or set the environment variable {ROOT_VARIABLE} to it."
    )
