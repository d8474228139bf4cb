"""Dates with provenance: printed in several ways, and subtracted to days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from alliances.analysis.evidence import NOTHING, Evidence
from alliances.analysis.quantities import Quantity, Unit
from alliances.analysis.values import UNKNOWN, Unknown, Value
from alliances.text.dates import date_text, day_text, month_text, when_text

__all__ = ["Moment"]


class Moment(Value):
    """A date of day, month or year precision.

    Parameters
    ----------
    iso : str
        ISO 8601.
    evidence : Evidence
        The row that gives it; nothing for the day of the edition.
    about : bool
        Whether it is an estimate, and is printed so.
    name : str
        As formulas name it.
    fields : Mapping of str to Value
        What else its row gives.

    Attributes
    ----------
    when, day, month, year : Value
        “on 9 May 2025” or “in 2012”; “10 April”; “April”, falsy where only the year is given; the year.
    """

    ATTRIBUTES = ("text", "when", "day", "month", "year")

    def __init__(
        self, iso: str, evidence: Evidence = NOTHING, about: bool = False, name: str = "",
        fields: Mapping[str, Value] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(f"{'about ' if about else ''}{date_text(iso)}", evidence, fields)
        self.iso, self.about, self.name = iso, about, name

    when = property(lambda self: self._print(date_text(self.iso) if self.about else when_text(self.iso), self.about))
    day = property(lambda self: self._print(day_text(self.iso), self.about))
    month = property(lambda self: self._print(month_text(self.iso)))
    year = property(lambda self: self._print(self.iso[:4]))

    def _print(self, printed: str, about: bool = False) -> Value:
        return Value(f"{'about ' if about else ''}{printed}", self.evidence)

    def __bool__(self) -> bool:
        return bool(self.iso)

    def __lt__(self, other: Any) -> bool:
        return isinstance(other, Moment) and self.iso < other.iso

    def __gt__(self, other: Any) -> bool:
        return isinstance(other, Moment) and self.iso > other.iso

    def __sub__(self, other: Any) -> Quantity | Unknown:
        """Return the days between two dates of day precision; unknown where one is less precise."""
        if not isinstance(other, Moment) or len(self.iso) != 10 or len(other.iso) != 10:
            return UNKNOWN
        days = Fraction((date.fromisoformat(self.iso) - date.fromisoformat(other.iso)).days)
        made = f"{self.name or self.text} − {other.name or other.text}"
        about = self.about or other.about
        return Quantity(days, days, ((Unit("days"), 1),), "", about, made=made, basis=self.evidence | other.evidence)
