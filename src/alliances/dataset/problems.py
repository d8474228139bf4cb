"""A problem in the data: where it is, what was found, what is allowed, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Problem", "nearest", "shorten"]

#: Beyond so many allowed values the search for the nearest would take too long.
_MANY = 5000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in the data; ``str()`` gives it as one sentence.

    Attributes
    ----------
    file : str
        Path below the root, for instance ``data/quotes.csv``.
    row : int or None
        Row as a spreadsheet counts it (the header is row 1); None: the whole file.
    column : str
        Column; "" where no single column is wrong.
    found : str
        What was found.
    allowed : str
        What is allowed.
    remedy : str
        What to do.
    """

    file: str
    row: int | None
    column: str
    found: str
    allowed: str
    remedy: str

    def __str__(self) -> str:
        place = [self.file]
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column:
            place.append(f"column {self.column}")
        return f"{', '.join(place)}: {self.found}; {self.allowed}; {self.remedy}."


def nearest(found: str, allowed: Iterable[str]) -> str:
    """Name the allowed value that is most like what was found, or "" where none is.

    Parameters
    ----------
    found : str
        What was found.
    allowed : iterable of str
        What is allowed.

    Returns
    -------
    str
    """
    options = list(allowed)
    if len(options) > _MANY:
        return ""
    folded = {option.casefold(): option for option in reversed(options)}
    if found.casefold() in folded:
        return folded[found.casefold()]
    matches = difflib.get_close_matches(found, options, n=1, cutoff=0.6)
    return matches[0] if matches else ""


def shorten(text: str, width: int = 70) -> str:
    """Cut a text for a message, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 2].rstrip() + " …"
