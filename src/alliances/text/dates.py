"""ISO 8601 dates of reduced precision, intervals and durations: read as the data hold them, printed as prose does."""

import re
from datetime import date

MONTHS = "January February March April May June July August September October November December".split()
_DATE = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?")
_OPEN_OR_DURATION = re.compile(r"\.\.|P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?)?")


def is_date(text: str) -> bool:
    """Whether a text is an ISO date of day, month or year precision."""
    return bool(_DATE.fullmatch(text))


def date_text(iso: str | date) -> str:
    """Print a date in full: ``10 April 2025``, ``April 2025``, ``2025``; an interval as ``2026–2027``."""
    text = str(iso)
    if "/" in text:
        first, last = text.split("/", 1)
        if last == "..":
            return f"since {date_text(first)}"
        return date_text(first) if last.startswith("P") else f"{date_text(first)}–{date_text(last)}"
    year, *rest = text.split("-")
    return " ".join([*(str(int(day)) for day in rest[1:]), *(MONTHS[int(month) - 1] for month in rest[:1]), year])


def day_text(iso: str | date) -> str:
    """Print a date without its year: ``10 April``, ``April``; a year alone stays."""
    text = str(iso)
    return date_text(text) if "/" in text else date_text(text).removesuffix(f" {text[:4]}")


def month_text(iso: str | date) -> str:
    """Print a date's month: ``April``; "" where only the year, or an interval, is known."""
    parts = str(iso).split("-")
    return MONTHS[int(parts[1]) - 1] if len(parts) > 1 and "/" not in str(iso) else ""


def when_text(iso: str | date) -> str:
    """Print a date as an adverb: ``on 9 May 2025``, ``in May 2025``, ``in 2012``."""
    text = str(iso)
    if "/" in text:
        return date_text(text) if text.endswith("/..") else f"from {date_text(text).replace('–', ' to ')}"
    return f"{'on' if text.count('-') == 2 else 'in'} {date_text(text)}"


def first_day(text: str) -> str:
    """Return the earliest day that ``2025``, ``2025-03`` or ``2025-03-20`` can mean; ValueError if it is none."""
    if not is_date(text):
        raise ValueError(text)
    return date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text).isoformat()


def split_period(text: str) -> list[str]:
    """Return the dates of ``2025``, ``2025-03/2025-07``, ``2003/..`` or ``2025-03-01/P30D``; or ValueError."""
    parts = text.split("/")
    dates = [part for part in parts if not _OPEN_OR_DURATION.fullmatch(part)]
    if not dates or len(parts) > 2:
        raise ValueError(text)
    return [each for each in dates if first_day(each)]


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
