"""ISO 8601 dates of reduced precision, intervals and durations, as the tables hold them."""

import re
from datetime import date

_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_OPEN_OR_DURATION = re.compile(r"\.\.|P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?)?")


def first_day(text: str) -> str:
    """Return the earliest day that ``2025``, ``2025-03`` or ``2025-03-20`` can mean; ValueError if it is none."""
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text).isoformat()


def split_period(text: str) -> list[str]:
    """Return the one or two dates of a date or an interval; ValueError if it is neither.

    An interval is written ``2025-03/2025-07``, ``2003/..`` or ``2025-03-01/P30D``; an open end and a duration
    give no date.
    """
    parts = text.split("/")
    dates = [part for part in parts if not _OPEN_OR_DURATION.fullmatch(part)]
    if not dates or len(parts) > 2:
        raise ValueError(text)
    for each in dates:
        first_day(each)
    return dates


def overlap(one: str, other: str) -> bool:
    """Whether two dates or intervals of any precision may be the same time; an empty one may be any."""
    try:
        (a, b), (c, d) = _ends(one), _ends(other)
    except ValueError:
        return not one or not other or one == other
    return a <= d and c <= b


def _ends(period: str) -> tuple[str, str]:
    dates = split_period(period)
    # "2025" lasts until "2025-99", so that plain comparison of text finds overlaps.
    end = "9999" if period.endswith("..") else dates[-1] + "-99-99"[: 10 - len(dates[-1])]
    return "" if period.startswith("..") else dates[0], end
