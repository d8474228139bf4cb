"""Quantities and dates with provenance: how numbers of the texts are added, multiplied, compared and printed.

Nothing is averaged: bands stay bands, open bounds (“more than”) open, “about” about; numbers are exact until printed.
"""

import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partialmethod
from math import inf, isfinite
from numbers import Real
from typing import Any, NamedTuple

from alliances.analysis.values import NOTHING, UNKNOWN, Evidence, Formula, Unknown, Value
from alliances.errors import NarrativeError, refuse
from alliances.text.dates import date_text, day_text, month_text, when_text
from alliances.text.numbers import SIGNIFICANT, is_exact, number_word, range_text, rounded

#: Ends that are left open, and how they are printed.
BOUNDS = {"at_least": "at least ", "more_than": "more than ", "at_most": "up to ", "less_than": "less than "}
_OPPOSITE = {"": "", "at_least": "at_most", "more_than": "less_than", "at_most": "at_least", "less_than": "more_than"}
_ABOVE = ("at_least", "more_than")
_OPERATIONS = {"+": operator.add, "−": operator.sub, "×": operator.mul, "÷": operator.truediv}
_SHARES = {Fraction(1, 2): "half", Fraction(1, 3): "a third", Fraction(1, 4): "a quarter", Fraction(1, 5): "a fifth"}


class Unit(NamedTuple):
    """A unit: its term in the data, a currency's sign, and whether it counts things and measures nothing."""

    term: str
    sign: str = ""
    counted: bool = False


COUNT, _SHARE = Unit("count", counted=True), ((Unit("share"), 1),)


@dataclass(frozen=True, eq=False, repr=False)
class Quantity(Value):
    """A value or a band, with unit and provenance; immutable.

    ``+ - * /`` with another quantity keep bounds, “about”, unit and formula. ``<`` and ``>`` say what holds for the
    whole of both bands. `text` is in figures, “more than 1,050”, “20,000–30,000”, “$40 billion”; `words` as prose has
    it, what is counted in words up to ten; `evidence` is the row behind it, or its formula. `percent` and `times`,
    “five times”, are unknown, hence falsy, where the other one reads better.
    """

    ATTRIBUTES = ("text", "percent", "times", "one_in", "most")

    low: Fraction
    high: Fraction  # equal to low for a single value
    units: tuple[tuple[Unit, int], ...] = ()  # with their powers
    bound: str = ""  # at_least, more_than, at_most, less_than: which end is open
    about: bool = False  # whether it is approximate
    name: str = ""  # as formulas name it
    made: str = ""  # its formula; "" where a row or a parameter gives it
    basis: Evidence = NOTHING  # the row that gives it, or what its formula is made from
    comparator: str = ""  # other words before the number, as the row has them (“nearly ”)
    fields: Mapping[str, Value] = field(default_factory=dict)

    def _printed(self, in_words: bool = False) -> str:
        ends = [end if is_exact(end) else rounded(end) for end in (self.low, self.high)]
        if in_words and self.low == self.high and self._is_count:
            number = number_word(ends[0])
        else:
            scale = 100 if self._is_share else 1
            sign = next((unit.sign for unit, power in self.units if unit.sign and power == 1), "")
            number = range_text(ends[0] * scale, ends[1] * scale, sign) + ("%" if scale == 100 else "")
        about = "about " if self.about or ends != [self.low, self.high] else ""
        return f"{self.comparator or BOUNDS.get(self.bound, '') + about}{number}"

    text = property(_printed)
    words = property(lambda self: self._printed(in_words=True))

    def __bool__(self) -> bool:
        return bool(self.made or self.basis) and (self.high != 0 or self.bound in _ABOVE)

    evidence = property(lambda self: self._evidence(self.text, self.made))
    _term = property(lambda self: self.name or (f"({self.made})" if self.made else self.text))  # in a formula
    _measure = property(lambda self: ", ".join(sorted({unit.term for unit, _ in self.units})) or "a pure number")
    _is_count = property(lambda self: all(unit.counted for unit, _ in self.units))
    _is_share = property(lambda self: self.units == _SHARE)

    def _evidence(self, printed: str, made: str) -> Evidence:
        if not self.made:
            return self.basis
        note = "" if is_exact(self.low) and is_exact(self.high) else f", to {SIGNIFICANT} significant digits"
        note += "; an input is open at one end, and so is the result" if self.bound else ""
        return Evidence(formulas=(Formula(self.name or made, printed, f"{made}{note}", self.basis),))

    def named(self, name: str) -> "Quantity":
        """Name it, so that formulas that use it stay readable."""
        return replace(self, name=name)

    def _combine(self, other: Any, sign: str) -> "Quantity | Unknown":
        """Add, subtract, multiply or divide; unknown where two open ends pull apart, or nothing can be said."""
        if isinstance(other, Unknown) or other is None:
            return UNKNOWN
        if sign == "+" and other == 0 and isinstance(other, int):
            return self  # `sum` begins with 0
        if not isinstance(other, Quantity):
            what = f"{self._term} {sign} {other!r} has a bare number, which nothing supports"
            raise NarrativeError(f"{what}; take a row (edition[…]) or a parameter of the reader (edition.parameter).")
        is_sum = sign in "+−"
        units = _same_units(self, other, sign) if is_sum else _product_units(self, other, sign)
        # Which ends are open decides whether the result is open above or below: more than 3–5 is more than 3.
        bounds = {self.bound, _OPPOSITE[other.bound] if sign in "−÷" else other.bound} - {""}
        above = {bound in _ABOVE for bound in bounds}
        is_open_below_zero = min(self.low, other.low) < 0 and bounds
        if len(above) > 1 or (sign == "÷" and other.low <= 0) or (not is_sum and is_open_below_zero):
            return UNKNOWN
        bound = max(bounds, key=lambda one: one.endswith("than"), default="")
        ends = [_OPERATIONS[sign](a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        low, high = max(ends) if above == {False} else min(ends), min(ends) if above == {True} else max(ends)
        if not is_sum and not (self.low and other.low):
            bound = {"more_than": "at_least", "less_than": "at_most"}.get(bound, bound)  # nothing times more is nothing
        # An unnamed step is written out and not named.
        basis = Evidence.union(one.basis if one.made and not one.name else one.evidence for one in (self, other))
        made = f"{self._term} {sign} {other._term}"
        return Quantity(low, high, units, bound, self.about or other.about, made=made, basis=basis)

    __add__ = __radd__ = partialmethod(_combine, sign="+")
    __sub__ = __rsub__ = partialmethod(_combine, sign="−")  # what is no quantity, left of one, is refused or unknown
    __mul__ = __rmul__ = partialmethod(_combine, sign="×")
    __truediv__ = __rtruediv__ = partialmethod(_combine, sign="÷")

    def _refuse(self, *_: Any) -> Any:
        what = f"{self._term} is a quantity and no bare number: compute with quantities"
        raise NarrativeError(f"{what}; for a chart take value_low and value_high of edition.spread.")

    __neg__ = __abs__ = __pow__ = __rpow__ = __mod__ = __floordiv__ = __float__ = __int__ = __round__ = _refuse

    def _span(self) -> tuple[tuple[Fraction | float, int], tuple[Fraction | float, int]]:
        """Return the least and the greatest that it may be, each with whether it lies above or below that."""
        least, most = (self.low, int(self.bound == "more_than")), (self.high, -int(self.bound == "less_than"))
        is_open_below = self.bound and self.bound not in _ABOVE
        return (-inf, 0) if is_open_below else least, (inf, 0) if self.bound in _ABOVE else most

    def _compare(self, other: Any, sign: str) -> bool:
        if isinstance(other, Real) and isfinite(other):
            other = Quantity(Fraction(str(other)), Fraction(str(other)), self.units)
        if not isinstance(other, Quantity):
            return False
        _same_units(self, other, sign)
        lower, upper = (self._span(), other._span()) if sign in "<≤" else (other._span(), self._span())
        if sign in "≤≥" and lower[1] > upper[0] and upper[1] >= lower[0]:
            what = f"{self.text} and {other.text} overlap, so neither is the larger"
            raise NarrativeError(f"{what}; say which end is meant, value_low or value_high of edition.spread.")
        return lower[1] < upper[0] or (sign in "≤≥" and lower[1] == upper[0])

    __lt__, __gt__ = partialmethod(_compare, sign="<"), partialmethod(_compare, sign=">")
    __le__, __ge__ = partialmethod(_compare, sign="≤"), partialmethod(_compare, sign="≥")

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, Quantity):
            mine, theirs = ((q.low, q.high, q.units, q.bound, q.about) for q in (self, other))
            return mine == theirs
        return isinstance(other, Real) and (self.low, self.high, self.bound) == (other, other, "")

    def __hash__(self) -> int:
        return hash(self.low if self.low == self.high and not self.bound else (self.low, self.high, self.bound))

    def _ratio(self, is_such: bool, printed: str, made: str) -> Value:
        """Print it as a ratio where it is such a one; one of zero is an absence, which `edition.none` states."""
        why = f"is measured in {self._measure} and is no ratio; divide it by a quantity of its unit"
        refuse(self.units and not self._is_share, f"{self._term} {why}.")
        return Value(printed, self._evidence(printed, made)) if self and is_such else UNKNOWN

    percent = property(lambda self: self._ratio(self.high < 2, replace(self, units=_SHARE).text, f"{self.made} × 100"))
    times = property(lambda self: self._ratio(self.high >= 2, f"{replace(self, units=()).words} times", self.made))

    @property
    def one_in(self) -> Value:
        """As “one in five”, “fewer than one in five”; unknown where it is no such share."""
        bound = {**BOUNDS, "less_than": "fewer than ", "at_most": "at most "}.get(self.bound, "")
        before = self.comparator or f"{bound}{'about ' * self.about}"
        parts = 1 / self.low if self.low == self.high != 0 else Fraction(0)
        return self._ratio(parts in range(2, 11), f"{before}one in {number_word(parts)}", self.made)

    @property
    def most(self) -> Value:
        """Its upper end as a share: “half”, “a third”, else per cent; unknown where it has none, or is a multiple."""
        end = replace(self, low=self.high, units=_SHARE, bound="", comparator="")
        share = f"{'about ' * self.about}{_SHARES[self.high]}" if self.high in _SHARES else end.text
        named, is_share = replace(self, name=f"upper end of {self._term}"), 0 < self.high < 2
        return named._ratio(is_share and self.bound not in _ABOVE, share, f"{self.made}, upper end")

    def of(self, whole: "Quantity | Unknown") -> Value:
        """Set a count beside the whole that it is part of: “all ten”; unknown where it is more, or there is but one."""
        if not isinstance(whole, Quantity) or not whole:
            return UNKNOWN
        _same_units(self, whole, "of")
        return UNKNOWN if self.low > whole.high or whole.high <= 1 else Share(self, whole)


class Share(Value):
    """A part of a whole that is counted, to be printed with a noun: ``{part.of(whole):members}``."""

    def __init__(self, part: Quantity, whole: Quantity) -> None:
        self.part, self.whole = part, whole
        super().__init__(self.phrase(), part.evidence | whole.evidence)

    def phrase(self, noun: str = "") -> str:
        """Print it: “all ten members”, “all but two of the ten members”, “none of the ten members”."""
        part, whole, rest = self.part, self.whole, self.whole.low - self.part.low
        is_exact = not (part.bound or whole.bound) and part.low == part.high and whole.low == whole.high
        some = f"{part.words} of the {whole.words}"
        if is_exact and not rest:
            some = "both" if whole.low == 2 else f"all {whole.words}"
        elif is_exact and not part.low:
            some = f"none of the {whole.words}"
        elif is_exact and rest <= 2 and part.low > rest * 2:
            some = f"all but {number_word(rest)} of the {whole.words}"
        return f"{some} {noun}".rstrip()


class Moment(Value):
    """A date of day, month or year precision, ISO 8601; `about` says that it is an estimate, and is printed.

    ``when`` prints “on 9 May 2025” or “in 2012”, ``day`` “10 April”, ``month`` “April” (falsy where only the year
    is given), with the year where the edition has texts of several `years`, ``month_year`` “April 2025” in any case,
    ``year`` the year; `evidence` is as in `Value`.
    """

    ATTRIBUTES = ("text", "when", "day", "month", "month_year", "year")

    def __init__(self, iso: str, evidence: Evidence = NOTHING, about: bool = False, years: Sequence[str] = ()) -> None:
        super().__init__(f"{'about ' * about}{date_text(iso)}", evidence)
        self.iso, self.about = iso, about
        self.added = f" {iso[:4]}" if len(years) > 1 and iso[:4] in years else ""

    when = property(lambda self: self._print(date_text(self.iso) if self.about else when_text(self.iso), self.about))
    day = property(lambda self: self._print(day_text(self.iso), self.about, self.added))
    month = property(lambda self: self._print(month_text(self.iso), added=self.added))
    month_year = property(lambda self: self._print(month_text(self.iso), added=f" {self.iso[:4]}"))
    year = property(lambda self: self._print("–".join(dict.fromkeys(re.findall(r"(?:^|/)(\d{4})", self.iso)))))

    def _print(self, printed: str, about: bool = False, added: str = "") -> Value:
        return Value(f"{'about ' * about}{printed}{added * bool(printed)}", self.evidence)


def _same_units(one: Quantity, other: Quantity, sign: str) -> tuple[tuple[Unit, int], ...]:
    # What a frame counts may be set beside what a text counts, but not persons beside states.
    is_counted = one._is_count and other._is_count and COUNT in dict(one.units + other.units)
    why = f"joins {one._measure} with {other._measure}; only quantities of one unit can be added or compared"
    refuse(one.units != other.units and not is_counted, f"{one._term} {sign} {other._term} {why}.")
    return one.units


def _product_units(one: Quantity, other: Quantity, sign: str) -> tuple[tuple[Unit, int], ...]:
    """Join units; shares are pure numbers: a share of persons is persons, a share of a share is a share."""
    units = dict(one.units)
    for unit, power in other.units:
        if sign == "÷":  # what a frame counts takes away what a text counts
            power = -power
            unit = next((u for u in units if u == unit or (u.counted and unit.counted and COUNT in (u, unit))), unit)
        units[unit] = units.get(unit, 0) + power
    left = {unit: power for unit, power in units.items() if power}
    others = {unit: power for unit, power in left.items() if unit.term != "share"}
    return tuple((others or {unit: 1 for unit, power in left.items() if power > 0}).items())
