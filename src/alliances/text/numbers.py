"""Prints numbers exactly, and finds them in a text, as digits or as words."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import cache

from alliances.text.dates import MONTHS

#: Significant digits of what cannot be printed exactly: a text's own “about 1.5 million” has no more.
SIGNIFICANT = 2

_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"))
UNITS = "zero one two three four five six seven eight nine ten".split()
UNITS += "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_LARGE = "hundred thousand million billion trillion dozen half twice thrice quarter quarters".split()
#: Number words; “one” is free, since it is more often a pronoun than a number.
_WORDS = "|".join(sorted({"zero", *UNITS[2:], *TENS, *_LARGE, *(f"{w}s" for w in _LARGE[:6])}, key=len, reverse=True))
_PARTS = "third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
#: A capital before digits makes a designation of them (F-16, A400M); an ISO date is one number.
FIGURE = re.compile(
    r"(?<!\w)\d{4}-\d\d(?:-\d\d)?(?![\w-])|(?<![A-Z\d])(?<![A-Z]-)(?<!\d[.,])"
    r"(?:(?<![\w.,%)])[-−])?[$€£]?(?:(?<!\w)\.)?\d(?:[\d.,]*\d)?(?:st|nd|rd|th)?%?"
    rf"|\b(?i:(?:{_WORDS})(?:-(?:{_WORDS}|one))?(?:fold)?|(?:{_PARTS})s? of)\b"
)
#: “May” begins many a sentence: it is a month only beside a day, a year or a preposition.
_MONTH = re.compile(
    rf"\b(?:{'|'.join(m for m in MONTHS if m != 'May')})\b|(?<=\d )May\b|\bMay(?=,? \d)"
    r"|\b(?i:in|of|by|since|until|till|from|to|early|late|before|after|and|the|last|next|this)[ -](?P<may>May)\b"
    r"|(?<=mid-)May\b"
)
#: A date in words, whole or in part.
DATE = re.compile(
    rf"(?:\b(?P<before>\d{{1,2}})(?:st|nd|rd|th)? )?\b(?P<month>{'|'.join(MONTHS)})\b"
    r"(?: (?P<after>[12]?\d|3[01])(?:st|nd|rd|th)?(?![\d,.]*\d))?(?:,? (?P<year>\d{4})\b)?"
)


def number_text(value: Fraction | int | float) -> str:
    """Print a number exactly: ``12000`` as ``12,000``, ``1500000`` as ``1.5 million``."""
    return range_text(Fraction(str(value)), Fraction(str(value)))


def range_text(low: Fraction, high: Fraction, sign: str = "") -> str:
    """Print a value or a band, both bounds on one scale: ``4.85–4.9 million``, ``$40–60 billion``."""
    ends = tuple(dict.fromkeys((low, high)))
    # Millions and more are scaled only where at most two decimals then suffice, so nothing is rounded.
    fitting = (one for one in _SCALES if low >= one[0] and all((end * 100 / one[0]).denominator == 1 for end in ends))
    scale, word = next(fitting, (1, ""))
    scaled = [f"{Decimal((end / scale).numerator) / (end / scale).denominator:,f}" for end in ends]
    plain = [text.rstrip("0").rstrip(".") if "." in text else text for text in scaled]
    return f"{sign}{'–'.join(plain).replace('-', '−')} {word}".rstrip()


def number_word(value: Fraction | int) -> str:
    """Print a whole number up to ten as a word, as prose does; others in figures."""
    return UNITS[int(value)] if value == int(value) and 0 <= value <= 10 else number_text(value)


def rounded(value: Fraction, digits: int = SIGNIFICANT) -> Fraction:
    """Round to significant digits, halves away from zero."""
    if not value:
        return value
    places = digits - 1 - (Decimal(value.numerator) / Decimal(value.denominator)).adjusted()
    scale = Fraction(10) ** places
    return Fraction(int(abs(value) * scale + Fraction(1, 2)), 1) / scale * (1 if value > 0 else -1)


def is_exact(value: Fraction) -> bool:
    """Whether a value is printed as it is: a whole number, or one that few decimals give without rest."""
    if 0 < abs(value) < 1:
        return rounded(value, 3) == value
    return value.denominator == 1 or (abs(value) < 100_000 and (value * 100).denominator == 1)


@cache
def find_numbers(text: str) -> list[str]:
    """Find the numbers in a plain text as they stand: digits, number words but “one”, and names of months."""
    text = re.sub(r"[^\0-\x7f²³]", _plain, text)
    found = [(m.start(), m.group()) for m in FIGURE.finditer(text)]
    found += [(m.end() - 3, "May") if m["may"] else (m.start(), m.group()) for m in _MONTH.finditer(text)]
    return [word for _, word in sorted(found)]


def _plain(found: re.Match[str]) -> str:
    """Write ½, ④ and Ⅳ as numbers, unlike ² after a unit; what is invisible splits no word."""
    letter = found[0]
    if letter.isnumeric():
        return unicodedata.normalize("NFKC", letter)
    return "" if unicodedata.category(letter) == "Cf" else letter


def as_digits(number: str) -> str:
    """Write a number as plain digits, so that “ten”, “10” and “$10” are the same; other words stay."""
    word = number.casefold()
    if word in UNITS:
        return str(UNITS.index(word))
    tens, _, rest = word.partition("-")
    if tens in TENS and rest in ("", *UNITS[1:10]):
        return str(20 + 10 * TENS.index(tens) + (UNITS.index(rest) if rest else 0))
    return re.sub(r"(?<=\d)(?:st|nd|rd|th)$|[$€£%]|,(?=\d{3}(?:\D|$))", "", word).replace("−", "-")


@cache
def claims(text: str, parts: bool = False) -> dict[str, str]:
    """List what a plain text says in numbers, in one spelling: ``{"10": "ten", "12 march 2019": "12 March 2019"}``.

    A date is one claim; with `parts` it makes those of its parts too: who knows the day knows month and year.
    """
    found = dict[str, str]()
    for date in DATE.finditer(text):
        day, month, year = date["before"] or date["after"] or "", date["month"].casefold(), date["year"] or ""
        spans = [f"{day} {month} {year}"]
        spans += [month, year, f"{month} {year}", f"{day} {month}"] if parts else []
        found |= {" ".join(span.split()): date[0] for span in spans if span.strip()}
    return found | {as_digits(number): number for number in find_numbers(DATE.sub(" · ", text))}


def mask(text: str, names: Iterable[str]) -> str:
    """Take names out of a text, so that a number inside a name is not found as a number."""
    seen = text.casefold()  # a pattern of few names is made in no time
    found = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True) if name.casefold() in seen)
    return re.sub(rf"(?<!\w)(?:{found})(?!\w)", "·", text, flags=re.IGNORECASE) if found else text
