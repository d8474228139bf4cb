"""ISO 8601 dates of reduced precision, intervals and durations, as the tables hold them."""

from __future__ import annotations

import re
from datetime import date

__all__ = ["first_day", "precision", "split_period"]

_FORMS = {4: "year", 7: "month", 10: "day"}
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_DURATION = re.compile(r"P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?)?")
_COARSEST_FIRST = ("year", "month", "day")


def first_day(text: str) -> date:
    """Return the earliest day that a date of reduced precision can mean.

    Parameters
    ----------
    text : str
        ``2025``, ``2025-03`` or ``2025-03-20``.

    Raises
    ------
    ValueError
        If it is none of these, or no day of the calendar.
    """
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text)


def precision(dates: list[str]) -> str:
    """Return the precision of dates: day, month or year; of several dates the coarsest.

    Parameters
    ----------
    dates : list of str
        Dates as `first_day` takes them, not empty.
    """
    return min((_FORMS[len(d)] for d in dates), key=_COARSEST_FIRST.index)


def split_period(text: str) -> list[str]:
    """Return the dates of a date or interval; an open end and a duration give none.

    Parameters
    ----------
    text : str
        ``2025``, ``2025-03/2025-07``, ``2003/..`` or ``2025-03-01/P30D``.

    Returns
    -------
    list of str
        One or two dates.

    Raises
    ------
    ValueError
        If it is neither a date nor an interval.
    """
    parts = text.split("/")
    dates = [p for p in parts if _DATE.fullmatch(p)]
    others = [p for p in parts if not _DATE.fullmatch(p)]
    if not dates or len(parts) > 2 or any(p != ".." and not _DURATION.fullmatch(p) for p in others):
        raise ValueError(text)
    for each in dates:
        first_day(each)
    return dates
