"""Splits a source text into sentences, and finds in them what must not be lost: numbers, dates, sums, and names.

Every line of a file is a block of its own. In it a sentence ends at a full stop, question or exclamation mark (and the
closing quotation marks after it) that white space and a capital, a digit or an opening mark follow, unless the stop
belongs to an abbreviation.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from alliances.text.dates import MONTHS
from alliances.text.numbers import TENS, UNITS

_BULLET = re.compile(r"\s*(?:[-*•–—]\s+|\d{1,2}[.)]\s+)?")
_STOP = re.compile(r"[.!?…]+[”’\"')\]»]*(?=\s)")
_LAST_WORD = re.compile(r"[^\s“‘\"'(\[]+$")
_NEXT_WORD = re.compile(r"\s+[“‘\"'(\[«—–-]*\s?(\w+)")
_INITIALS = re.compile(r"(?:[A-Za-z]\.)+$")
_ABBREVIATIONS = frozenset(
    "adm. approx. art. capt. cf. co. col. corp. dr. ed. esp. est. etc. ft. fig. gen. gov. hon. inc. jr. lt. ltd. "
    "maj. mr. mrs. ms. no. nos. op. p. pp. prof. rep. rev. sec. sen. sgt. sr. st. tel. viz. vol. vs.".split()
)
_BEFORE_A_NUMBER = frozenset("no. nos. p. pp. art. fig. vol. approx.".split())
# After initials such as "U.S." only a word that usually opens a sentence shows that the stop ends one.
_OPENERS = frozenset(
    "A After Although An And Another As At Because Before Both But By Despite During Each Even For From He Her Here "
    "His How However I If In Instead It Its Many Meanwhile Moreover Most No Nor Not Of On Only Or Our Several She "
    "Since So Some Still Such That The Their Then There These They This Those Though Through Thus To Today Under "
    "Until We What When Where While Who Why With Within Without Yet You".split()
)


class Sentence(NamedTuple):
    """A sentence verbatim, without the bullet before it; `end` is exclusive, `line` its line in the file, from 1."""

    text: str
    start: int
    end: int
    line: int


def split_sentences(text: str) -> list[Sentence]:
    """Split a text into sentences, in its order; lines without a letter or digit give none."""
    found: list[Sentence] = []
    offset = 0
    for number, line in enumerate(text.split("\n"), start=1):
        found += [Sentence(line[a:b], offset + a, offset + b, number) for a, b in _spans(line)]
        offset += len(line) + 1
    return [sentence for sentence in found if any(c.isalnum() for c in sentence.text)]


def _spans(line: str) -> Iterator[tuple[int, int]]:
    bullet = _BULLET.match(line)
    start = bullet.end() if bullet else 0
    for stop in _STOP.finditer(line, start):
        if stop.start() >= start and _ends_sentence(line, start, stop.start(), stop.end()):
            yield start, stop.end()
            start = stop.end() + len(line[stop.end() :]) - len(line[stop.end() :].lstrip())
    if start < len(line.rstrip()):
        yield start, len(line.rstrip())


def _ends_sentence(line: str, start: int, stop: int, end: int) -> bool:
    following = _NEXT_WORD.match(line, end)
    if following is None:
        return True
    word = following.group(1)
    if word[0].islower():
        return False
    if line[stop] != "." or line[stop : stop + 2] == "..":
        return True
    before = _LAST_WORD.search(line[start : stop + 1])
    # "U.S.-led" has its stop inside; only what follows the last hyphen can be initials.
    token = before.group().rsplit("-", 1)[-1] if before else ""
    if _INITIALS.fullmatch(token):
        return word in _OPENERS
    if token.lower() in _BEFORE_A_NUMBER:
        return not word[0].isdigit()
    return token.lower() not in _ABBREVIATIONS


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

    "one" counts before a unit of time or length only, and ordinals do not; a month alone and a day of the week are
    dates, but "May" that opens the text counts only beside a number, because it may be a verb.
    """
    found = [*_tokens(_DATE, text, "date"), *_tokens(_NUMBER, text, "number"), *_tokens(_NUMBER_WORD, text, "number")]
    return _longest_first(t for t in found if t.text != "May" or any(c.isalnum() for c in text[: t.start]))


class NameFinder:
    """Finds names and aliases of actors and formats; a number inside a name belongs to it.

    A name of one word matches in its own case only ("US", not "us"), or with either first letter where it is written
    small ("experts"); one of several words in any case. Those in `bare_possessives` may have an "s" without apostrophe.
    """

    def __init__(self, names: Iterable[str], bare_possessives: Iterable[str] = ()) -> None:
        bare = set(bare_possessives)
        ordered = sorted({*names} - {""}, key=lambda n: (-len(n), n))
        any_name = "|".join(_name_pattern(n, n in bare) for n in ordered) or "(?!)"
        self._pattern = re.compile(rf"(?<!\w)(?:{any_name})(?!\w)")  # its bounds are looked at once a place

    def find(self, text: str) -> list[Token]:
        """Find names in a sentence, in its order; of overlapping ones the first, then the longest."""
        return _tokens(self._pattern, text, "name")

    def tokens(self, text: str) -> list[Token]:
        """Find names and quantities; of overlapping ones the first, then the longest."""
        return _longest_first([*find_quantities(text), *self.find(text)])


def _longest_first(tokens: Iterable[Token]) -> list[Token]:
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
    return body + "s?" * bare_possessive
