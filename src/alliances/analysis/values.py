"""Values with provenance that are no quantities: words, names, absences, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from alliances.analysis.evidence import NOTHING, Evidence
from alliances.errors import NarrativeError
from alliances.text.names import join_and

__all__ = ["UNKNOWN", "Absence", "Names", "Unknown", "Value", "Words"]


class Value:
    """Something that a sentence can print, with what it rests on.

    Attributes
    ----------
    text : str
        As printed.
    evidence : Evidence
        What it rests on.
    fields : Mapping of str to Value
        What else the row behind it gives: `date`, `actor`, `source` …
    """

    #: Names that a placeholder may ask for after a point.
    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("text",)

    text: str
    evidence: Evidence
    fields: Mapping[str, Value]

    @property
    def words(self) -> str:
        """As printed in running prose."""
        return self.text

    def attribute(self, name: str) -> Value:
        """Return what stands after a point in a placeholder.

        Raises
        ------
        NarrativeError
            If there is no such thing; the message names what there is.
        """
        if name in self.fields:
            return self.fields[name]
        if name in self.ATTRIBUTES:
            found = getattr(self, name)
            return found if isinstance(found, Value) else Words(str(found), self.evidence)
        allowed = ", ".join(sorted({*self.fields, *self.ATTRIBUTES}))
        raise NarrativeError(f"“.{name}” is nothing that this value has; it has {allowed}.")

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False, repr=False)
class Words(Value):
    """Words with the evidence that carries them."""

    text: str
    evidence: Evidence = NOTHING
    fields: Mapping[str, Value] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.text)

    def __repr__(self) -> str:
        return self.text


class Unknown(Value):
    """A value that this edition does not know: falsy, and whatever is made of it is unknown too."""

    text = ""
    evidence = NOTHING
    fields: Mapping[str, Value] = MappingProxyType({})

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "unknown"

    def attribute(self, name: str) -> Value:
        """Return what is unknown of an unknown."""
        return self

    def named(self, name: str) -> Unknown:
        """Name it; it stays unknown."""
        return self

    def of(self, whole: Value) -> Unknown:
        """Set it beside a whole; it stays unknown."""
        return self

    percent = times = one_in = when = day = month = year = date = property(lambda self: self)

    def _same(self, other: Any = None) -> Unknown:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _same
    __neg__ = __abs__ = _same

    def _never(self, other: Any) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = _never


UNKNOWN = Unknown()


@dataclass(frozen=True, eq=False, repr=False)
class Names(Value):
    """A list of names, printed as a sentence does."""

    items: tuple[str, ...]
    evidence: Evidence
    fields: Mapping[str, Value] = field(default_factory=dict)

    @property
    def text(self) -> str:  # type: ignore[override]  # a property where the base names an attribute
        """The names, joined."""
        return join_and(self.items)

    def __bool__(self) -> bool:
        return bool(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False, repr=False)
class Absence(Value):
    """Nobody or nothing, after a search: printed in the words of the sentence."""

    text: str
    evidence: Evidence
    fields: Mapping[str, Value] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.text
