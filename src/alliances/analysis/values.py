"""Values that a sentence can print, with what they rest on: words, names, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from alliances.analysis.evidence import NOTHING, Evidence
from alliances.errors import NarrativeError
from alliances.text.markdown import join_and


class Value:
    """Words that a sentence can print; `Quantity` and `Moment` print in more ways.

    Parameters
    ----------
    text : str
        As printed; falsy where it is empty.
    evidence : Evidence
        What it rests on.
    fields : Mapping of str to Value
        What else the row behind it gives: `date`, `actor`, `source` …
    """

    #: Names that a placeholder may ask for after a point, besides `fields`.
    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("text",)

    def __init__(self, text: str = "", evidence: Evidence = NOTHING, fields: Mapping[str, Value] | None = None) -> None:
        self.text = text
        self.evidence = evidence
        self.fields = fields or {}

    @property
    def words(self) -> str:
        """As printed in running prose."""
        return self.text

    def attribute(self, name: str) -> Value:
        """Return what stands after a point in a placeholder; NarrativeError, which names what there is, if nothing."""
        if name in self.fields:
            return self.fields[name]
        if name not in self.ATTRIBUTES:
            allowed = ", ".join(sorted({*self.fields, *self.ATTRIBUTES}))
            raise NarrativeError(f"“.{name}” is nothing that this value has; it has {allowed}.")
        found = getattr(self, name)
        return found if isinstance(found, Value) else Value(str(found), self.evidence)

    def __bool__(self) -> bool:
        return bool(self.text)

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__


class Names(Value):
    """A list of names, printed as a sentence does."""

    def __init__(self, items: Sequence[str], evidence: Evidence) -> None:
        super().__init__(join_and(items), evidence)
        self.items = tuple(items)

    def __len__(self) -> int:
        return len(self.items)


class Unknown(Value):
    """A value that this edition does not know: falsy, and whatever is made of it is unknown too."""

    def __repr__(self) -> str:
        return "unknown"

    def _same(self, *_: Any) -> Unknown:
        return self

    attribute = named = of = _same  # type: ignore[assignment]  # whatever is asked for
    percent = times = one_in = most = when = day = month = year = date = property(_same)
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _same
    __neg__ = __abs__ = _same

    def _never(self, other: Any) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = _never


UNKNOWN = Unknown()
