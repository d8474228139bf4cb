"""Finds in a text what must not be lost: numbers, dates, sums, and names of actors and formats."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from alliances.text.dates import MONTHS
from alliances.text.numbers import TENS, UNITS

_MONTH = rf"(?:{'|'.join(MONTHS)}|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?(?=\s+\d))"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?(?![\d/])"
_YEAR = r"\d{4}\b"
_DATE = re.compile(
    rf"(?<![\w/])(?:\d{{4}}-\d{{2}}(?:-\d{{2}})?|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}"
    rf"|{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?"
    rf"|{_MONTH},?\s+{_DAY}(?:,?\s+{_YEAR})?"
    rf"|{_MONTH}(?:,?\s+{_YEAR})?"
    rf"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)(?!\w)"
)
_BIG = r"(?:hundred|thousand|million|billion|trillion)"
_NUMBER = re.compile(
    rf"(?:[$£€¥₹₽₴]\s?\d+(?:[.,]\d+)*(?:\s?(?:{_BIG}|bn|mn|m|k)\b)?"
    rf"|(?<![\w.,])\d+(?:[.,]\d+)*(?:\s+{_BIG}\b|[a-z]{{1,3}}\b)?"
    r"(?:\s+(?:euros?|dollars?|pounds?(?:\s+sterling)?|[A-Z]{3})\b)?)(?!\w)"
)
_SMALL = rf"(?:{'|'.join((*UNITS[2:], *TENS))})"
_UNIT = (
    r"(?:second|minute|hour|day|night|week|fortnight|month|quarter|year|decade|century"
    r"|kilomet(?:re|er)|mile|hundred|thousand|million|billion|trillion)"
)
_NUMBER_WORD = re.compile(
    rf"\b(?:{_SMALL}(?:-(?:one|{_SMALL}))?(?:[-\s]+{_BIG})*|one(?=[-\s]+{_UNIT}s?\b)|{_BIG}s?"
    r"|half|halves|dozens?|decades?)\b",
    re.IGNORECASE,
)


class Token(NamedTuple):
    """A number, date or name (`kind`) in a text, and where it stands (`end` is exclusive)."""

    text: str
    start: int
    end: int
    kind: str


def find_quantities(text: str) -> list[Token]:
    """Find numerals, number words, dates and sums in a sentence, in its order and without overlaps.

    Number words count from two upwards, with "half", "dozen" and "decade"; "one" counts before a unit
    of time or length only, and ordinals do not count. A month alone and a day of the week are dates;
    "May" that opens the text counts only beside a number, because it may be a verb.
    """
    found = [*_tokens(_DATE, text, "date"), *_tokens(_NUMBER, text, "number"), *_tokens(_NUMBER_WORD, text, "number")]
    return longest_first(t for t in found if t.text != "May" or any(c.isalnum() for c in text[: t.start]))


class NameFinder:
    """Finds names and aliases of actors and formats; a number inside a name belongs to it.

    A name of one word matches in its own case only ("US", not "us"), or with its first letter in either
    case where it is written small ("experts"); a name of several words matches in any case. Names are
    bounded by non-word characters, so that a possessive and a compound ("EU-led") match; the names in
    `bare_possessives` (countries, persons) may also be followed by an "s" that lost its apostrophe.
    """

    def __init__(self, names: Iterable[str], bare_possessives: Iterable[str] = ()) -> None:
        bare = set(bare_possessives)
        ordered = sorted({*names} - {""}, key=lambda n: (-len(n), n))
        any_name = "|".join(_name_pattern(n, n in bare) for n in ordered) or "(?!)"
        self._pattern = re.compile(rf"(?<!\w)(?:{any_name})")  # the bound before them all: looked at once a place

    def find(self, text: str) -> list[Token]:
        """Find names in a sentence, in its order; of overlapping ones the first, then the longest."""
        return _tokens(self._pattern, text, "name")


def longest_first(tokens: Iterable[Token]) -> list[Token]:
    """Keep of overlapping tokens the one that begins first, then the longest; in the order of the text."""
    kept: list[Token] = []
    for token in sorted(tokens, key=lambda t: (t.start, -t.end)):
        if not kept or token.start >= kept[-1].end:
            kept.append(token)
    return kept


def _tokens(pattern: re.Pattern[str], text: str, kind: str) -> list[Token]:
    return [Token(match.group(), *match.span(), kind) for match in pattern.finditer(text)]


def _name_pattern(name: str, bare_possessive: bool) -> str:
    parts = name.split()
    body = r"\s+".join(re.sub("['’]", "['’]", re.escape(p)) for p in parts)
    if len(parts) > 1:
        body = f"(?i:{body})"
    elif name[0].islower():
        body = f"[{name[0].upper()}{name[0]}]{body[1:]}"
    tail = r"(?:s(?!\w))?(?!\w)" if bare_possessive else r"(?!\w)"
    return f"{body}{tail}"
