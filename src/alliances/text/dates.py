"""Prints ISO dates of day, month or year precision as prose does."""

import re
from datetime import date

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DATE = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?")


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
    parts = text.split("-")
    if len(parts) == 1:
        return parts[0]
    month = f"{MONTHS[int(parts[1]) - 1]} {parts[0]}"
    return month if len(parts) == 2 else f"{int(parts[2])} {month}"


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
