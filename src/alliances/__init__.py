"""Europe's Defence Alliances: a reproducible report; a notebook needs one name from here, ``open_edition``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alliances.errors import DataError

if TYPE_CHECKING:
    from alliances.edition import open_edition

__all__ = ["find_root", "open_edition"]
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    if name != "open_edition":
        raise AttributeError(f"module 'alliances' has no attribute {name!r}")
    from alliances.edition import open_edition  # when first asked for: the command line's help waits for no pandas

    return open_edition


def find_root(start: Path | str | None = None) -> Path:
    """Find the project's folder, which holds ``data/datapackage.json``; DataError if there is none.

    The environment variable ``ALLIANCES_ROOT`` goes first; then the folder `start` (the working directory by
    default) and those above it; then the checkout from which this package is run.
    """
    named = os.environ.get("ALLIANCES_ROOT")
    begin = Path(named or start or ".").expanduser().resolve()
    for folder in [begin] if named else (begin, *begin.parents, Path(__file__).resolve().parents[2]):
        if (folder / "data" / "datapackage.json").is_file():
            return folder
    where = f"{begin}, which the variable ALLIANCES_ROOT names" if named else f"{begin} or above it"
    remedy = "change to the project's folder, or set the environment variable ALLIANCES_ROOT to it"
    raise DataError(f"There is no data/datapackage.json in {where}: {remedy}.")
