"""How values are printed: numbers, sums of money, comparators and dates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
CURRENCY_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
_SCALES = ((1_000_000_000_000, " trillion"), (1_000_000_000, " billion"), (1_000_000, " million"))
_COMPARATORS = {
    "eq": "{}",
    "about": "about {}",
    "nearly": "nearly {}",
    "at_least": "at least {}",
    "more_than": "more than {}",
    "at_most": "up to {}",
}


def number_text(value: float) -> str:
    """Print a number exactly: ``12000`` as ``12,000``, ``1500000`` as ``1.5 million``.

    Millions and more are scaled only where at most two decimals then suffice, so nothing is rounded.
    """
    for scale, word in _SCALES:
        scaled = value / scale
        if abs(scaled) >= 1 and round(scaled, 2) == scaled:
            return f"{_plain(scaled)}{word}"
    return _plain(value)


def _plain(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,.10f}".rstrip("0")


def money_text(value: float, currency: str) -> str:
    """Print a sum of money with its sign: ``$40 billion``."""
    return f"{CURRENCY_SIGNS[currency]}{number_text(value)}"


def range_text(low: str, high: str) -> str:
    """Join two printed bounds: ``20,000–30,000``, ``$40–60 billion``."""
    sign = low[0] if low[0] in CURRENCY_SIGNS.values() and high.startswith(low[0]) else ""
    units = [found.group() if (found := re.search(r" [a-z]+$", text)) else "" for text in (low, high)]
    if units[1] and not units[0]:
        return f"{low} to {high}"  # “1–156.25 million” would read as millions twice
    if units[0] == units[1]:
        low = low.removesuffix(units[0]) if units[0] else low
    return f"{low}–{high.removeprefix(sign)}"


def quantity_text(row: Mapping[str, Any]) -> str:
    """Print the value of a row of ``observations`` with its comparator.

    Parameters
    ----------
    row : Mapping
        Needs ``value_low``, ``value_high``, ``comparator``, ``unit`` and ``currency``.

    Returns
    -------
    str
        For instance ``more than 1,050`` or ``20,000–30,000``. A share is printed in per cent.
    """

    def one(value: float) -> str:
        if row["currency"]:
            return money_text(value, row["currency"])
        if row["unit"] == "share":
            return f"{_plain(round(value * 100, 6))}%"
        return number_text(value)

    if row["comparator"] == "between":
        return range_text(one(row["value_low"]), one(row["value_high"]))
    bound = row["value_high"] if row["comparator"] == "at_most" else row["value_low"]
    return _COMPARATORS[row["comparator"]].format(one(bound))


def date_text(iso: str | date) -> str:
    """Print an ISO date of day, month or year precision: ``10 April 2025``, ``April 2025``, ``2025``."""
    parts = str(iso).split("-")
    if len(parts) == 1:
        return parts[0]
    month = f"{MONTHS[int(parts[1]) - 1]} {parts[0]}"
    return month if len(parts) == 2 else f"{int(parts[2])} {month}"


def join_and(items: Sequence[str], last: str = "and") -> str:
    """Join items as a sentence does: ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


_WITH_ARTICLE = (
    "United Kingdom",
    "United States",
    "Netherlands",
    "European Union",
    "European Commission",
    "United Nations",
)


def in_sentence(name: str) -> str:
    """Print a name as it stands within a sentence: ``the United Kingdom``, ``Norway``."""
    return f"the {name}" if name in _WITH_ARTICLE else name


def typographic(text: str) -> str:
    """Set the apostrophes and quotation marks of our own plain text as a printer would."""
    text = re.sub(r"(^|[\s(\[])'", r"\1‘", text)
    return text.replace("'", "’")
