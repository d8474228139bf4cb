"""Finds the folder in which the project's data, seeds and notebooks stand."""

import os
from pathlib import Path

from alliances.errors import DataError

#: Environment variable that names the root and goes before everything else.
ROOT_VARIABLE = "ALLIANCES_ROOT"
_MARK = "data/datapackage.json"


def find_root(start: Path | str | None = None) -> Path:
    """Find the folder that holds ``data/datapackage.json``, as an absolute path; DataError if there is none.

    The environment variable ``ALLIANCES_ROOT`` goes first; then the folder `start` (the working directory by
    default) and those above it; then the checkout from which this package is run.
    """
    named = os.environ.get(ROOT_VARIABLE)
    begin = Path(named or start or ".").expanduser().resolve()
    for folder in [begin] if named else (begin, *begin.parents, Path(__file__).resolve().parents[2]):
        if (folder / _MARK).is_file():
            return folder
    if named:
        told = f"The environment variable {ROOT_VARIABLE} names {begin}, which holds no {_MARK}"
        raise DataError(f"{told}: set it to the project's folder or unset it.")
    raise DataError(
        f"No {_MARK} in {begin} or above it: change to the project's folder, or set the environment variable "
        f"{ROOT_VARIABLE} to it."
    )
