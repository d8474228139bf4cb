"""Finds in a text what must not be lost: numbers, dates, sums, and names of actors and formats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["NameFinder", "Token", "find_quantities"]

_NUMERAL = r"(?<![\w.,])\d+(?:[.,]\d+)*"
_SCALE = r"(?:hundred|thousand|million|billion|trillion|bn|mn|m|k)\b"
_CURRENCY = r"(?:euros?|dollars?|pounds?(?:\s+sterling)?|EUR|USD|GBP)\b"
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?(?=\s+\d))"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?(?![\d/])"
_YEAR = r"\d{4}\b"
_DATE = re.compile(
    rf"(?<![\w/])(?:\d{{4}}-\d{{2}}(?:-\d{{2}})?|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}"
    rf"|{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?"
    rf"|{_MONTH},?\s+{_DAY}(?:,?\s+{_YEAR})?"
    rf"|{_MONTH}(?:,?\s+{_YEAR})?"
    rf"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)(?!\w)"
)
_SUM = re.compile(rf"[€£$]\s?\d+(?:[.,]\d+)*(?:\s?{_SCALE})?|{_NUMERAL}(?:\s+{_SCALE})?\s+{_CURRENCY}", re.IGNORECASE)
_NUMBER = re.compile(
    rf"{_NUMERAL}(?:\s+(?:hundred|thousand|million|billion|trillion)\b|[a-z]{{1,3}}\b)?(?!\w)", re.IGNORECASE
)
_SMALL = (
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
)
_BIG = r"(?:hundred|thousand|million|billion|trillion)"
_UNIT = (
    r"(?:second|minute|hour|day|night|week|fortnight|month|quarter|year|decade|century"
    r"|kilomet(?:re|er)|mile|hundred|thousand|million|billion|trillion)"
)
_NUMBER_WORD = re.compile(
    rf"\b(?:{_SMALL}(?:-(?:one|{_SMALL}))?(?:[-\s]+{_BIG})*|one(?=[-\s]+{_UNIT}s?\b)|{_BIG}s?"
    r"|half|halves|dozens?|decades?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A number, date, sum or name in a text.

    Attributes
    ----------
    text : str
        As it stands there.
    start, end : int
        Where it stands (characters; `end` is exclusive).
    kind : str
        number, date, sum or name.
    """

    text: str
    start: int
    end: int
    kind: str


def find_quantities(text: str) -> list[Token]:
    """Find numerals, number words, dates and sums.

    Number words count from two upwards, with "half", "dozen" and "decade"; "one" counts before a unit
    of time or length only, and ordinals do not count. A month alone and a day of the week are dates;
    "May" that opens the text counts only beside a number, because it may be a verb.

    Parameters
    ----------
    text : str
        A sentence.

    Returns
    -------
    list of Token
        In the order of the text, without overlaps.
    """
    found = [
        *_tokens(_DATE, text, "date"),
        *_tokens(_SUM, text, "sum"),
        *_tokens(_NUMBER, text, "number"),
        *_tokens(_NUMBER_WORD, text, "number"),
    ]
    found = [t for t in found if t.text != "May" or any(c.isalnum() for c in text[: t.start])]
    return longest_first(found)


class NameFinder:
    """Finds the names and aliases of actors and alliances.

    A name of one word matches in its own case only ("US", not "us"), or with its first letter in
    either case where it is written small ("experts"); a name of several words matches in any case
    ("coalition of the willing"). Names are bounded by non-word characters, so that a possessive
    ("Ukraine’s") and a compound ("EU-led") match; for countries and persons a possessive that lost its
    apostrophe ("Ukraines") does too. Of overlapping names the one that begins first counts, then the
    longest.

    Parameters
    ----------
    names : mapping of str to str
        Each name with the id of its bearer (the first bearer of a name counts).
    bare_possessives : iterable of str
        Names that may be followed by a bare "s".
    """

    def __init__(self, names: Mapping[str, str], bare_possessives: Iterable[str] = ()) -> None:
        bare = set(bare_possessives)
        ordered = sorted((n for n in names if n), key=lambda n: (-len(n), n))
        self._pattern = re.compile("|".join(f"(?:{_name_pattern(n, n in bare)})" for n in ordered)) if ordered else None

    @classmethod
    def from_rows(cls, actors: Iterable[Mapping[str, str]], alliances: Iterable[Mapping[str, str]]) -> NameFinder:
        """Build a finder from the rows of `actors` and `alliances`.

        Parameters
        ----------
        actors : iterable of mapping
            Rows with `actor_id`, `kind`, `name` and `aliases`.
        alliances : iterable of mapping
            Rows with `alliance_id`, `name`, `short_name` and `aliases`.

        Returns
        -------
        NameFinder
        """
        names: dict[str, str] = {}
        bare: set[str] = set()
        for row in actors:
            own = [row["name"], *_split(row["aliases"])]
            for name in own:
                names.setdefault(name, row["actor_id"])
            if row["kind"] in ("country", "person"):
                bare.update(own)
        for row in alliances:
            for name in (row["name"], row["short_name"], *_split(row["aliases"])):
                names.setdefault(name, row["alliance_id"])
        return cls(names, bare)

    def find(self, text: str) -> list[Token]:
        """Find names in a text.

        Parameters
        ----------
        text : str
            A sentence.

        Returns
        -------
        list of Token
            In the order of the text, without overlaps.
        """
        return list(_tokens(self._pattern, text, "name")) if self._pattern else []


def longest_first(tokens: Iterable[Token]) -> list[Token]:
    """Keep of overlapping tokens the one that begins first, then the longest.

    Parameters
    ----------
    tokens : iterable of Token
        In any order.

    Returns
    -------
    list of Token
        In the order of the text, without overlaps.
    """
    kept: list[Token] = []
    for token in sorted(tokens, key=lambda t: (t.start, -t.end)):
        if not kept or token.start >= kept[-1].end:
            kept.append(token)
    return kept


def _tokens(pattern: re.Pattern[str], text: str, kind: str) -> Iterable[Token]:
    for match in pattern.finditer(text):
        yield Token(match.group(), match.start(), match.end(), kind)


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


def _name_pattern(name: str, bare_possessive: bool) -> str:
    parts = name.split()
    body = r"\s+".join(re.sub("['’]", "['’]", re.escape(p)) for p in parts)
    if len(parts) > 1:
        body = f"(?i:{body})"
    elif name[0].islower():
        body = f"[{name[0].upper()}{name[0]}]{body[1:]}"
    tail = r"(?:s(?!\w))?(?!\w)" if bare_possessive else r"(?!\w)"
    return rf"(?<!\w){body}{tail}"
