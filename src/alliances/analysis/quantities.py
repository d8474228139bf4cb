"""Quantities with bounds, units and provenance: how numbers of the texts are added, multiplied and compared.

Nothing is averaged. A band stays a band, an open bound (“more than”) stays open, “about” stays about, and
numbers are exact until they are printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import isfinite
from numbers import Real
from typing import Any, ClassVar

from alliances.analysis.evidence import NOTHING, Evidence, Formula
from alliances.analysis.values import UNKNOWN, Unknown, Value, Words
from alliances.errors import NarrativeError
from alliances.text.numbers import SIGNIFICANT, is_exact, number_word, range_text, rounded

__all__ = ["COUNT", "Quantity", "Share", "Unit"]

#: Comparator of a row to how it is printed, and which end it leaves open.
COMPARATORS: dict[str, tuple[str, str]] = {
    "eq": ("", ""),
    "between": ("", ""),
    "about": ("about ", ""),
    "nearly": ("nearly ", ""),
    "at_least": ("at least ", "at_least"),
    "more_than": ("more than ", "more_than"),
    "at_most": ("up to ", "at_most"),
}
_OPPOSITE = {"": "", "at_least": "at_most", "more_than": "less_than", "at_most": "at_least", "less_than": "more_than"}
_BEFORE = {"": "", "at_least": "at least ", "more_than": "more than ", "at_most": "up to "}
_ABOVE = ("at_least", "more_than")
_SHARES = {Fraction(1, 2): "half", Fraction(1, 3): "a third", Fraction(1, 4): "a quarter", Fraction(1, 5): "a fifth"}


@dataclass(frozen=True)
class Unit:
    """A unit of measure.

    Attributes
    ----------
    term : str
        As in the data: ``persons``, ``kilometres``, ``USD``.
    sign : str
        Sign of a currency; "" otherwise.
    counted : bool
        Whether it counts things, which prose prints in words up to ten, and measures nothing.
    """

    term: str
    sign: str = ""
    counted: bool = False


COUNT = Unit("count", counted=True)


@dataclass(frozen=True, eq=False, repr=False)
class Quantity(Value):
    """A value or a band, with unit and provenance; immutable.

    ``+ - * /`` with another quantity keep bounds, “about”, unit and formula. ``<`` and ``>`` say what holds
    for the whole of both bands.

    Attributes
    ----------
    low, high : Fraction
        Bounds, equal for a single value.
    units : tuple of (Unit, int)
        Units with their powers.
    bound : str
        ``at_least``, ``more_than``, ``at_most``, ``less_than`` or "".
    about : bool
        Whether it is approximate.
    name : str
        As formulas name it.
    made : str
        Its formula; "" where a row or a parameter gives it.
    basis : Evidence
        The row that gives it, or what its formula is made from.
    comparator : str
        Words before the number as the row has them (“nearly ”).
    """

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("text", "percent", "times", "one_in", "most")

    low: Fraction
    high: Fraction
    units: tuple[tuple[Unit, int], ...] = ()
    bound: str = ""
    about: bool = False
    name: str = ""
    made: str = ""
    basis: Evidence = NOTHING
    comparator: str = ""
    fields: Mapping[str, Value] = field(default_factory=dict)

    # How it is printed

    def _number(self, in_words: bool = False) -> tuple[str, bool]:
        """Print the bare number or band, and whether that is exact."""
        shown = [value if is_exact(value) else rounded(value) for value in (self.low, self.high)]
        if in_words and self.low == self.high and all(unit.counted for unit, _ in self.units):
            return number_word(shown[0]), shown[0] == self.low
        scale = 100 if self._is_share else 1
        number = range_text(shown[0] * scale, shown[1] * scale, self._sign)
        return number + ("%" if scale == 100 else ""), shown == [self.low, self.high]

    @property
    def _is_share(self) -> bool:
        return [(unit.term, power) for unit, power in self.units] == [("share", 1)]

    @property
    def _sign(self) -> str:
        return next((unit.sign for unit, power in self.units if unit.sign and power == 1), "")

    def _printed(self, in_words: bool = False) -> str:
        number, exact = self._number(in_words)
        if self.comparator:
            return f"{self.comparator}{number}"
        less = "fewer than " if self.units and all(unit.counted for unit, _ in self.units) else "less than "
        before = less if self.bound == "less_than" else _BEFORE[self.bound]
        return f"{before}{'about ' if self.about or not exact else ''}{number}"

    @property
    def text(self) -> str:  # type: ignore[override]  # a property where the base names an attribute
        """In figures: ``more than 1,050``, ``20,000–30,000``, ``$40 billion``."""
        return self._printed()

    @property
    def words(self) -> str:
        """As prose prints it: what is counted in words up to ten, everything else in figures."""
        return self._printed(in_words=True)

    def __repr__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        return bool(self.evidence) and (self.high != 0 or self.bound in _ABOVE)

    # Where it comes from

    @property
    def evidence(self) -> Evidence:  # type: ignore[override]  # a property where the base names an attribute
        """The row behind it, or its formula."""
        return Evidence(formulas=(self._formula(self.text, self.made),)) if self.made else self.basis

    def _formula(self, printed: str, made: str) -> Formula:
        note = "" if is_exact(self.low) and is_exact(self.high) else f", to {SIGNIFICANT} significant digits"
        note += "; an input is open at one end, and so is the result" if self.bound else ""
        return Formula(self.name or made, printed, f"{made}{note}", self.basis)

    def named(self, name: str) -> Quantity:
        """Name it, so that formulas that use it stay readable."""
        return replace(self, name=name)

    @property
    def _term(self) -> str:
        return self.name or (f"({self.made})" if self.made else self.text)

    @property
    def _own(self) -> Evidence:
        """What a formula that uses it rests on: an unnamed step is written out and not named."""
        return self.basis if self.made and not self.name else self.evidence

    # Arithmetic

    def _with(self, other: Any, sign: str, swap: bool = False) -> Quantity | Unknown:
        if isinstance(other, Unknown) or other is None:
            return UNKNOWN
        if sign in "+" and other == 0 and isinstance(other, int):
            return self  # `sum` begins with 0
        if not isinstance(other, Quantity):
            raise NarrativeError(
                f"{self._term} {sign} {other!r} has a bare number, which nothing supports; take a row (edition[…]) "
                "or a parameter of the reader (edition.parameter)."
            )
        return _OPERATIONS[sign](other, self) if swap else _OPERATIONS[sign](self, other)

    def __add__(self, other: Any) -> Any:
        return self._with(other, "+")

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, "−")

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, "−", swap=True)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, "×")

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, "÷")

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, "÷", swap=True)

    def _refuse(self, *_: Any) -> Any:
        raise NarrativeError(
            f"{self._term} is a quantity and no bare number; add, subtract, multiply and divide it by quantities, "
            "print it as it is, and take value_low and value_high of edition.spread for a chart."
        )

    __neg__ = __abs__ = __pow__ = __rpow__ = __mod__ = __floordiv__ = __float__ = __int__ = __round__ = _refuse

    def __format__(self, form: str) -> str:
        return str(self._refuse() if form else self.text)

    def _ends(self) -> tuple[Fraction | None, Fraction | None]:
        """Return the least and the greatest that it may be; None where it is open."""
        below = None if self.bound and self.bound not in _ABOVE else self.low
        return below, None if self.bound in _ABOVE else self.high

    def _beside(self, other: Any, sign: str) -> Quantity | None:
        """Return what it is compared with as a quantity; None where that is nothing of the kind."""
        if isinstance(other, Quantity):
            _same_units(self, other, sign)
            return other
        if isinstance(other, Real) and isfinite(other):
            exact = Fraction(str(other))
            return Quantity(exact, exact, self.units)
        return None

    def __lt__(self, other: Any) -> bool:
        whole = self._beside(other, "<")
        if whole is None:
            return False
        most, least = self._ends()[1], whole._ends()[0]
        strict = "less_than" in self.bound or "more_than" in whole.bound
        return most is not None and least is not None and (most < least or (strict and most == least))

    def __gt__(self, other: Any) -> bool:
        whole = self._beside(other, ">")
        return whole is not None and whole < self

    def __le__(self, other: Any) -> bool:
        whole = self._beside(other, "≤")
        if whole is None:
            return False
        most, least = self._ends()[1], whole._ends()[0]
        if most is not None and least is not None and most <= least:
            return True
        if whole < self:
            return False
        raise NarrativeError(
            f"{self.text} and {whole.text} overlap, so neither is the larger; say which end is meant, "
            "value_low or value_high of edition.spread."
        )

    def __ge__(self, other: Any) -> bool:
        whole = self._beside(other, "≥")
        return whole is not None and whole <= self

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, Quantity):
            return self._same() == other._same()
        return isinstance(other, Real) and (self.low, self.high, self.bound) == (other, other, "")

    def __hash__(self) -> int:
        return hash(self.low if self.low == self.high and not self.bound else (self.low, self.high, self.bound))

    def _same(self) -> tuple[Any, ...]:
        return (self.low, self.high, self.units, self.bound, self.about)

    # Shares and multiples

    def _ratio(self, how: str) -> bool:
        """Whether it is a ratio that can be printed as a share; one of zero is an absence, which `none` states.

        Raises
        ------
        NarrativeError
            If it is measured in something.
        """
        if self.units and not self._is_share:
            raise NarrativeError(
                f"{self._term} is measured in {', '.join(sorted(_terms(self)))} and has no .{how}; "
                "divide it by a quantity of its unit."
            )
        return bool(self)

    def _as_words(self, printed: str, made: str) -> Words:
        """Return it as words: a formula's, or the row's that gives it."""
        return Words(printed, Evidence(formulas=(self._formula(printed, made),)) if self.made else self.basis)

    @property
    def percent(self) -> Words | Unknown:
        """In per cent; unknown, hence falsy, where “times” reads better."""
        if not self._ratio("percent") or self.high >= 2:
            return UNKNOWN
        hundred = replace(self, low=self.low * 100, high=self.high * 100, units=())
        return self._as_words(f"{hundred.text}%", f"{self.made} × 100")

    @property
    def times(self) -> Words | Unknown:
        """As a multiple, “five times”; unknown, hence falsy, where per cent reads better."""
        if not self._ratio("times") or self.high < 2:
            return UNKNOWN
        whole = self.low == self.high and self.low.denominator == 1
        plain = replace(self, units=((COUNT, 1),) if whole else ())
        return self._as_words(f"{plain.words} times".replace("fewer than", "less than"), self.made)

    @property
    def one_in(self) -> Words | Unknown:
        """As “one in five”, “fewer than one in five”; unknown where it is no such share."""
        if not self._ratio("one_in") or self.low != self.high or self.low <= 0:
            return UNKNOWN
        if (1 / self.low).denominator != 1 or not 2 <= 1 / self.low <= 10:
            return UNKNOWN
        before = {"less_than": "fewer than ", "at_most": "at most "}.get(self.bound) or _BEFORE[self.bound]
        before = self.comparator or f"{before}{'about ' if self.about else ''}"
        return self._as_words(f"{before}one in {number_word(1 / self.low)}", self.made)

    @property
    def most(self) -> Words | Unknown:
        """Its upper end as a share: “half”, “a third”, else per cent; unknown where it has none, or is a multiple."""
        if not self._ratio("most") or self.bound in _ABOVE or not 0 < self.high < 2:
            return UNKNOWN
        end = replace(self, low=self.high * 100, high=self.high * 100, units=(), bound="", comparator="")
        about = "about " if self.about else ""
        printed = f"{about}{_SHARES[self.high]}" if self.high in _SHARES else f"{end.text}%"
        named = replace(self, name=f"upper end of {self._term}")
        return named._as_words(printed, f"{self.made}, upper end")

    def of(self, whole: Quantity | Unknown) -> Share | Unknown:
        """Set a count beside the whole that it is part of: “all ten”, “all but two”, “none”.

        Unknown where it is no part of it, that is more than the whole, or where there is but one.
        """
        if not isinstance(whole, Quantity) or not whole:
            return UNKNOWN
        _same_units(self, whole, "of")
        return UNKNOWN if self.low > whole.high or whole.high <= 1 else Share(self, whole)


@dataclass(frozen=True, eq=False, repr=False)
class Share(Value):
    """A part of a whole that is counted, to be printed with a noun: ``{part.of(whole):members}``."""

    part: Quantity
    whole: Quantity
    fields: Mapping[str, Value] = field(default_factory=dict)

    def phrase(self, noun: str = "") -> str:
        """Print it: “all ten members”, “all but two of the ten members”, “none of the ten members”."""
        part, whole, rest = self.part, self.whole, self.whole.low - self.part.low
        end = f" {noun}" if noun else ""
        if part.bound or whole.bound or part.low != part.high or whole.low != whole.high:
            return f"{part.words} of the {whole.words}{end}"
        if not rest:
            return f"both{end}" if whole.low == 2 else f"all {whole.words}{end}"
        if not part.low:
            return f"none of the {whole.words}{end}"
        if rest <= 2 and part.low > rest * 2:
            return f"all but {number_word(rest)} of the {whole.words}{end}"
        return f"{part.words} of the {whole.words}{end}"

    @property
    def text(self) -> str:  # type: ignore[override]  # a property where the base names an attribute
        """Without a noun."""
        return self.phrase()

    @property
    def evidence(self) -> Evidence:  # type: ignore[override]  # a property where the base names an attribute
        """That of both."""
        return self.part.evidence | self.whole.evidence

    def __repr__(self) -> str:
        return self.text


def _joint(one: str, other: str) -> str | None:
    """Return the bound of a result whose two inputs push it up or down; None where they pull apart."""
    if not one or not other:
        return one or other
    if (one in _ABOVE) != (other in _ABOVE):
        return None
    return one if one in ("more_than", "less_than") else other


def _result(
    one: Quantity, other: Quantity, sign: str, ends: Sequence[Fraction], units: dict[Unit, int], flip: bool
) -> Quantity | Unknown:
    bound = _joint(one.bound, _OPPOSITE[other.bound] if flip else other.bound)
    if bound is None:
        return UNKNOWN
    # An open end leaves the other end open: more than 3–5 is more than 3.
    low, high = (max(ends) if bound and bound not in _ABOVE else min(ends)), min(ends) if bound in _ABOVE else max(ends)
    if sign in "×÷" and not (one.low and other.low):
        bound = {"more_than": "at_least", "less_than": "at_most"}.get(bound, bound)  # nothing times more is nothing
    return Quantity(
        low, high, tuple((unit, power) for unit, power in units.items() if power), bound,
        one.about or other.about, made=f"{one._term} {sign} {other._term}", basis=one._own | other._own,
    )  # fmt: skip


def _terms(quantity: Quantity) -> set[str]:
    return {unit.term for unit, _ in quantity.units}


def _same_units(one: Quantity, other: Quantity, sign: str) -> dict[Unit, int]:
    counted = all(unit.counted for unit, _ in (*one.units, *other.units))
    # What a frame counts may be set beside what a text counts, but not persons beside states.
    if one.units != other.units and not (counted and "count" in _terms(one) | _terms(other)):
        ours, theirs = (", ".join(sorted(_terms(q))) or "a pure number" for q in (one, other))
        raise NarrativeError(
            f"{one._term} {sign} {other._term} joins {ours} with {theirs}; "
            "only quantities of one unit can be added, subtracted or compared."
        )
    return dict(one.units)


def _add(one: Quantity, other: Quantity) -> Quantity | Unknown:
    units = _same_units(one, other, "+")
    return _result(one, other, "+", (one.low + other.low, one.high + other.high), units, flip=False)


def _subtract(one: Quantity, other: Quantity) -> Quantity | Unknown:
    units = _same_units(one, other, "−")
    return _result(one, other, "−", (one.low - other.high, one.high - other.low), units, flip=True)


def _multiply(one: Quantity, other: Quantity) -> Quantity | Unknown:
    if min(one.low, other.low) < 0 and (one.bound or other.bound):
        return UNKNOWN
    units = dict(one.units)
    for unit, power in other.units:
        units[unit] = units.get(unit, 0) + power
    products = [a * b for a in (one.low, one.high) for b in (other.low, other.high)]
    return _result(one, other, "×", products, _without_share(units), flip=False)


def _divide(one: Quantity, other: Quantity) -> Quantity | Unknown:
    if other.low <= 0 or (one.low < 0 and (one.bound or other.bound)):
        return UNKNOWN
    units = dict(one.units)
    for unit, power in other.units:
        match = next((u for u in units if u == unit or (u.counted and unit.counted and COUNT in (u, unit))), unit)
        units[match] = units.get(match, 0) - power
    quotients = [a / b for a in (one.low, one.high) for b in (other.low, other.high)]
    return _result(one, other, "÷", quotients, _without_share(units), flip=True)


def _without_share(units: dict[Unit, int]) -> dict[Unit, int]:
    """Take shares for pure numbers: a share of persons is persons, a share of a share is a share."""
    others = {unit: power for unit, power in units.items() if power and unit.term != "share"}
    shares = {unit: 1 for unit, power in units.items() if power > 0 and unit.term == "share"}
    return others or shares


_OPERATIONS: dict[str, Callable[[Quantity, Quantity], Quantity | Unknown]] = {
    "+": _add, "−": _subtract, "×": _multiply, "÷": _divide,
}  # fmt: skip
