"""Dates with provenance: printed in several ways, and subtracted to days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, ClassVar

from alliances.analysis.evidence import NOTHING, Evidence
from alliances.analysis.quantities import Quantity, Unit
from alliances.analysis.values import UNKNOWN, Unknown, Value, Words
from alliances.text.dates import date_text, day_text, month_text, when_text

__all__ = ["Moment"]


@dataclass(frozen=True, eq=False, repr=False)
class Moment(Value):
    """A date of day, month or year precision.

    Attributes
    ----------
    iso : str
        ISO 8601.
    evidence : Evidence
        The row that gives it; nothing for the day of the edition.
    about : bool
        Whether it is an estimate, and is printed so.
    name : str
        As formulas name it.
    """

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("text", "when", "day", "month", "year")

    iso: str
    evidence: Evidence = NOTHING
    about: bool = False
    name: str = ""
    fields: Mapping[str, Value] = field(default_factory=dict)

    def _print(self, printed: str) -> Words:
        return Words(printed, self.evidence)

    def _estimate(self, printed: str) -> Words:
        return self._print(f"about {printed}" if self.about else printed)

    @property
    def text(self) -> str:  # type: ignore[override]  # a property where the base names an attribute
        """The date in full."""
        return self._estimate(date_text(self.iso)).text

    @property
    def when(self) -> Words:
        """As an adverb: “on 9 May 2025”, “in 2012”; “about 16 April 2025” where it is an estimate."""
        return self._estimate(date_text(self.iso) if self.about else when_text(self.iso))

    @property
    def day(self) -> Words:
        """Day and month: “10 April”."""
        return self._estimate(day_text(self.iso))

    @property
    def month(self) -> Words:
        """The month: “April”; falsy where only the year is given."""
        return self._print(month_text(self.iso))

    @property
    def year(self) -> Words:
        """The year; of an interval both, where they differ."""
        first, last = self.iso[:4], self.iso.partition("/")[2][:4]
        return self._print(f"{first}–{last}" if last.isdigit() and last != first else first)

    def __bool__(self) -> bool:
        return bool(self.iso)

    def __repr__(self) -> str:
        return self.text

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
