"""Finds in a text what must not be lost: numbers, dates, sums, and names of actors and formats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alliances.dataset.tables import split_list

_MONTHS = "January February March April May June July August September October November December".split()
_MONTH = rf"(?:{'|'.join(_MONTHS)}|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?(?=\s+\d))"
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
    r"(?:[$£€¥₹₽₴]\s?\d+(?:[.,]\d+)*(?:\s?(?:hundred|thousand|million|billion|trillion|bn|mn|m|k)\b)?"
    rf"|(?<![\w.,])\d+(?:[.,]\d+)*(?:\s+{_BIG}\b|[a-z]{{1,3}}\b)?"
    r"(?:\s+(?:euros?|dollars?|pounds?(?:\s+sterling)?|[A-Z]{3})\b)?)(?!\w)"
)
_SMALL_WORDS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
).split()
_SMALL = rf"(?:{'|'.join(_SMALL_WORDS)})"
_UNIT = (
    r"(?:second|minute|hour|day|night|week|fortnight|month|quarter|year|decade|century"
    r"|kilomet(?:re|er)|mile|hundred|thousand|million|billion|trillion)"
)
_NUMBER_WORD = re.compile(
    rf"\b(?:{_SMALL}(?:-(?:one|{_SMALL}))?(?:[-\s]+{_BIG})*|one(?=[-\s]+{_UNIT}s?\b)|{_BIG}s?"
    r"|half|halves|dozens?|decades?)\b",
    re.IGNORECASE,
)
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SCALES |= {"k": 1000, "m": 10**6, "mn": 10**6, "bn": 10**9}
_FIGURE = re.compile(rf"(?<![\w.,])(\d+(?:[.,]\d+)*)(?:[\s-]*({'|'.join(_SCALES)})\b)?")
_VALUES = {word: n for n, word in zip([*range(2, 20), *range(20, 100, 10)], _SMALL_WORDS, strict=True)}
_VALUES |= {"one": 1, "decade": 10, "dozen": 12}


@dataclass(frozen=True, slots=True)
class Token:
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


def numbers_in(text: str) -> set[float]:
    """Return the numbers that a text prints in figures or words, parts of dates included."""
    found: set[float] = set()
    for figure, word in _FIGURE.findall(text):
        digits = re.sub(r",(?=\d{3}(?!\d))", "", figure).replace(",", ".")
        number = float(digits) if digits.count(".") < 2 else 0.0
        found |= {number, number * _SCALES.get(word, 1)}
    for match in _NUMBER_WORD.finditer(_FIGURE.sub(" ", text)):
        value = 0.0
        for word in re.split(r"[-\s]+", match[0].lower()):
            number = _VALUES.get(word, 0) or _SCALES.get(word.removesuffix("s"), 0)
            value = max(value, 1) * number if number >= 100 else value + number
        found.add(value)
    return found - {0.0}


class NameFinder:
    """Finds names and aliases of actors and formats; a number inside a name belongs to it.

    A name of one word matches in its own case only ("US", not "us"), or with its first letter in either
    case where it is written small ("experts"); a name of several words matches in any case. Names are
    bounded by non-word characters, so that a possessive and a compound ("EU-led") match; the names in
    `bare_possessives` (countries, persons) may also be followed by an "s" that lost its apostrophe.
    """

    def __init__(self, names: Iterable[str], bare_possessives: Iterable[str] = ()) -> None:
        bare = set(bare_possessives)
        ordered = sorted({n for n in names if n}, key=lambda n: (-len(n), n))
        names_in_order = "|".join(_name_pattern(n, n in bare) for n in ordered)
        # Before them all, and not in each: looked at once a place.
        self._pattern = re.compile(rf"(?<!\w)(?:{names_in_order})") if ordered else None

    @classmethod
    def from_rows(cls, actors: Iterable[Mapping[str, str]], alliances: Iterable[Mapping[str, str]]) -> NameFinder:
        """Build a finder from the rows of `actors` and `alliances`."""
        names, bare = set[str](), set[str]()
        for row in actors:
            own = {row["name"], *split_list(row["aliases"])}
            names |= own
            bare |= own if row["kind"] in ("country", "person") else set()
        for row in alliances:
            names |= {row["name"], row["short_name"], *split_list(row["aliases"])}
        return cls(names, bare)

    def find(self, text: str) -> list[Token]:
        """Find names in a sentence, in its order; of overlapping ones the first, then the longest."""
        return list(_tokens(self._pattern, text, "name")) if self._pattern else []


def longest_first(tokens: Iterable[Token]) -> list[Token]:
    """Keep of overlapping tokens the one that begins first, then the longest; in the order of the text."""
    kept: list[Token] = []
    for token in sorted(tokens, key=lambda t: (t.start, -t.end)):
        if not kept or token.start >= kept[-1].end:
            kept.append(token)
    return kept


def _tokens(pattern: re.Pattern[str], text: str, kind: str) -> Iterable[Token]:
    for match in pattern.finditer(text):
        yield Token(match.group(), match.start(), match.end(), kind)


def _name_pattern(name: str, bare_possessive: bool) -> str:
    parts = name.split()
    body = r"\s+".join(re.sub("['’]", "['’]", re.escape(p)) for p in parts)
    if len(parts) > 1:
        body = f"(?i:{body})"
    elif name[0].islower():
        body = f"[{name[0].upper()}{name[0]}]{body[1:]}"
    tail = r"(?:s(?!\w))?(?!\w)" if bare_possessive else r"(?!\w)"
    return f"{body}{tail}"
