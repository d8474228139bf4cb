"""Quantities with bounds: how figures of the texts and assumptions are multiplied, divided and compared.

Nothing is averaged. A band stays a band, an open bound (“more than”) stays open, “about” stays about, and
numbers are exact until they are printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from alliances.analysis.derived import Derived, Input, Reference
from alliances.dataset import Row
from alliances.prose.values import CURRENCY_SIGNS, quantity_text

Bound = Literal["", "over", "under"]
DIGITS = 2  # significant digits of what cannot be printed exactly: the texts' own “about 1.5 million” has no more

SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"))

_BOUNDS: dict[str, Bound] = {"at_least": "over", "more_than": "over", "at_most": "under"}
_OPPOSITE: dict[Bound, Bound] = {"": "", "over": "under", "under": "over"}


@dataclass(frozen=True)
class Quantity:
    """A value or a band, with where it comes from.

    Parameters
    ----------
    low, high : Fraction
        Its bounds, equal for a value.
    text : str
        As printed, without its unit.
    origin : Input
        The row, formula or parameter behind it, as an input of further formulas.
    bound : str
        ``over`` where it is more than that, ``under`` where it is less than that.
    about : bool
        Whether it is approximate.
    row : Row or None
        The row that gives it.
    figure : Derived, Reference or None
        The formula or parameter that gives it.
    basis : tuple of Derived or Reference
        The other figures that its formula rests on.
    """

    low: Fraction
    high: Fraction
    text: str
    origin: Input
    bound: Bound = ""
    about: bool = False
    row: Row | None = None
    figure: Derived | Reference | None = None
    basis: tuple[Derived | Reference, ...] = ()

    @property
    def figures(self) -> tuple[Derived | Reference, ...]:
        """The figures that an output must carry to print this quantity: its own and those it rests on."""
        own = (self.figure,) if self.figure else ()
        return tuple(dict.fromkeys((*own, *self.basis)))


def counted(text: str, unit: tuple[str, str]) -> str:
    """Add a unit in the singular or the plural: ``1 soldier``, ``40,000 soldiers``."""
    return f"{text} {unit[0] if text == '1' else unit[1]}"


def from_row(row: Row, label: str) -> Quantity:
    """Take the value of a row of ``observations``, with its comparator."""
    bounds = [bound for bound in (row["value_low"], row["value_high"]) if bound == bound]  # NaN: no such bound
    return Quantity(
        low=_fraction(bounds[0]),
        high=_fraction(bounds[-1]),
        text=quantity_text(row.values),
        origin=Input(quantity_text(row.values), row.row_id, label),
        bound=_BOUNDS.get(row["comparator"], ""),
        about=row["comparator"] in ("about", "nearly"),
        row=row,
    )


def from_parameter(
    name: str, value: float, *, ref_id: str, label: str, unit: tuple[str, str], whose: str, sign: str = ""
) -> Quantity:
    """Take the value of a parameter of the edition.

    Parameters
    ----------
    name : str
        The parameter.
    value : float
        Its value.
    ref_id : str
        Anchor of its entry, without the prefix.
    label : str
        What it is, as the beginning of a sentence.
    unit : tuple of str
        Singular and plural.
    whose : str
        Whose assumption it is, as the end of the sentence.
    sign : str
        Currency, for a sum of money.
    """
    exact = _fraction(value)
    text = f"{CURRENCY_SIGNS[sign] if sign else ''}{printed(exact, exact)}"
    worded = text if sign else counted(text, unit)
    figure = Reference(
        id=ref_id,
        text=worded,
        statement=f"{label}: {worded}, {whose}.",
        basis=f"The parameter {name} of this edition.",
    )
    return Quantity(exact, exact, text, Input(text, figure.anchor, label), figure=figure)


def product(
    factors: Sequence[Quantity], *, calc_id: str, label: str, formula: str, unit: tuple[str, str], sign: str = ""
) -> Quantity | None:
    """Multiply quantities; ``None`` where their open bounds leave the product unbounded on both sides."""
    low = high = Fraction(1)
    for factor in factors:
        low, high = low * factor.low, high * factor.high
    bound = _joint_bound([factor.bound for factor in factors])
    if bound is None:
        return None
    return _derive(low, high, bound, factors, calc_id, label, formula, unit, sign)


def quotient(
    above: Quantity, below: Quantity, *, calc_id: str, label: str, formula: str, unit: tuple[str, str], sign: str = ""
) -> Quantity | None:
    """Divide a quantity by another; ``None`` where their open bounds leave the quotient unbounded on both sides.

    Less than a value divided by “more than” something is less than the quotient.
    """
    bound = _joint_bound([above.bound, _OPPOSITE[below.bound]])
    if bound is None:
        return None
    return _derive(
        above.low / below.high, above.high / below.low, bound, (above, below), calc_id, label, formula, unit, sign
    )


def share(above: Quantity, below: Quantity, *, calc_id: str, label: str, formula: str) -> Quantity | None:
    """Divide a quantity by another, to be printed in per cent; as ``33 times`` from the double upwards."""
    bound = _joint_bound([above.bound, _OPPOSITE[below.bound]])
    if bound is None:
        return None
    low, high = above.low / below.high, above.high / below.low
    if low >= 2:
        return _derive(low, high, bound, (above, below), calc_id, label, formula, ("time", "times"), "")
    percent = f"{formula} × 100"
    return _derive(low * 100, high * 100, bound, (above, below), calc_id, label, percent, ("%", "%"), "")


def difference(
    above: Quantity, below: Quantity, *, calc_id: str, label: str, formula: str, unit: tuple[str, str]
) -> Quantity | None:
    """Subtract a quantity from another: from the smallest to the largest difference that their bands allow."""
    bound = _joint_bound([above.bound, _OPPOSITE[below.bound]])
    if bound is None:
        return None
    return _derive(
        above.low - below.high, above.high - below.low, bound, (above, below), calc_id, label, formula, unit, ""
    )


def is_times(quantity: Quantity) -> bool:
    """Whether a share is printed as a multiple and not in per cent."""
    return not quantity.text.endswith("%")


def rounded(value: Fraction, digits: int = DIGITS) -> Fraction:
    """Round to significant digits."""
    if not value:
        return value
    places = digits - 1 - (Decimal(value.numerator) / Decimal(value.denominator)).adjusted()
    scale = Fraction(10) ** places
    return Fraction(int(abs(value) * scale + Fraction(1, 2)), 1) / scale * (1 if value > 0 else -1)


def printed(low: Fraction, high: Fraction) -> str:
    """Print a value or a band, both bounds on one scale: ``4.85–4.9 million``, ``1,049,999–1,099,999``."""
    for scale, word in SCALES:
        if (
            low >= scale
            and (low < scale * 1000 or scale == SCALES[0][0])
            and all((bound * 100 / scale).denominator == 1 for bound in (low, high))
        ):
            return f"{_band(low / scale, high / scale)} {word}"
    return _band(low, high)


def _band(low: Fraction, high: Fraction) -> str:
    bounds = [f"{Decimal(b.numerator) / Decimal(b.denominator):,f}" for b in dict.fromkeys((low, high))]
    return "–".join(bound.rstrip("0").rstrip(".") if "." in bound else bound for bound in bounds)


def prints_exactly(value: Fraction) -> bool:
    """Whether a value is printed as it is: a whole number, or one that a few decimals give without rest."""
    if value.denominator == 1:
        return True
    if abs(value) < 1:
        return rounded(value, 3) == value
    return abs(value) < 100_000 and (value * 100).denominator == 1


def _derive(
    low: Fraction, high: Fraction, bound: Bound, inputs: Sequence[Quantity], calc_id: str,
    label: str, formula: str, unit: tuple[str, str], sign: str,
) -> Quantity:  # fmt: skip
    exact = prints_exactly(low) and prints_exactly(high)
    shown_low, shown_high = (value if prints_exactly(value) else rounded(value) for value in (low, high))
    about = not exact or any(quantity.about for quantity in inputs)
    percent = unit[0] == "%"
    text = f"{CURRENCY_SIGNS[sign] if sign else ''}{printed(shown_low, shown_high)}"
    fewer = {"": "", "over": "more than ", "under": "less than " if percent or sign else "fewer than "}[bound]
    text = f"{fewer}{'about ' if about else ''}{text}{'%' if percent else ''}"
    told = formula if exact else f"{formula}, rounded to {DIGITS} significant digits where it is not exact"
    if bound:
        told += "; an input is an open bound, and so is the result"
    figure = Derived(
        id=calc_id,
        text=text if percent or sign else counted(text, unit),
        value=float(shown_high),
        label=label,
        formula=told,
        inputs=tuple(quantity.origin for quantity in inputs),
        unit="per cent" if percent else "US dollars" if sign else unit[1],
        value_low=None if shown_low == shown_high else float(shown_low),
    )
    return Quantity(
        low, high, text, Input(text, figure.anchor, label), bound, about, figure=figure,
        basis=tuple(dict.fromkeys(part for quantity in inputs for part in quantity.figures)),
    )  # fmt: skip


def _joint_bound(bounds: Sequence[Bound]) -> Bound | None:
    found: set[Bound] = {bound for bound in bounds if bound}
    if len(found) > 1:
        return None
    return found.pop() if found else ""


def _fraction(value: float) -> Fraction:
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
