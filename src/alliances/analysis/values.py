"""Values that a sentence can print, words, names and what is unknown, and what they rest on: rows and formulas."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from alliances.errors import NarrativeError
from alliances.text.markdown import join_and, slug


@dataclass(frozen=True)
class Formula:
    """A value that no source prints: what it is, as printed, how it is made (in words and signs), and from what."""

    what: str
    value: str
    formula: str
    evidence: "Evidence"

    @property
    def anchor(self) -> str:
        """Its anchor in the report, which stays as long as what it is stays."""
        short = f"{slug(self.what, 50)}-{hashlib.sha256(self.what.encode()).hexdigest()[:6]}"
        return f"ev-f-{slug(self.what) if len(self.what) <= 60 else short}"

    def record(self) -> dict[str, Any]:
        """Return it as JSON-ready values, for an output's metadata."""
        return {
            "kind": "formula", "what": self.what, "value": self.value, "formula": self.formula,
            "rows": [row for row in self.evidence.rows if not row.startswith("r-")],
            "records": [row for row in self.evidence.rows if row.startswith("r-")],
            "formulas": [part.anchor for part in self.evidence.formulas], "parameters": list(self.evidence.parameters),
        }  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """What a value rests on: ids of rows in order of appearance, formulas, and parameters that a reader has set."""

    rows: tuple[str, ...] = ()
    formulas: tuple[Formula, ...] = ()
    parameters: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rows or self.formulas or self.parameters)

    def __or__(self, other: "Evidence") -> "Evidence":
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Evidence(*(tuple(dict.fromkeys(one + more)) for one, more in pairs))

    @property
    def all_rows(self) -> tuple[str, ...]:
        """Its rows and those of its formulas."""
        below = [row for formula in self.formulas for row in formula.evidence.all_rows]
        return tuple(dict.fromkeys([*self.rows, *below]))

    @classmethod
    def of_rows(cls, rows: Iterable[str]) -> "Evidence":
        """Make evidence of row ids."""
        return cls(tuple(dict.fromkeys(rows)))

    @staticmethod
    def union(parts: Iterable["Evidence"]) -> "Evidence":
        """Join several, in order."""
        return reduce(or_, parts, NOTHING)


NOTHING = Evidence()


class Value:
    """Words that a sentence can print, falsy where empty; `Quantity` and `Moment` print in more ways.

    `evidence` is what it rests on, `fields` what else the row behind it gives: `date`, `actor`, `source` …
    """

    #: Names that a placeholder may ask for after a point, besides `fields`.
    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("text",)

    def __init__(self, text: str = "", evidence: Evidence = NOTHING) -> None:
        self.text, self.evidence = text, evidence
        self.fields: Mapping[str, Value] = {}

    words = property(lambda self: self.text)  # as running prose prints it

    def attribute(self, name: str) -> "Value":
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

    def _same(self, *_: Any) -> "Unknown":
        return self

    attribute = named = of = _same  # type: ignore[assignment]  # whatever is asked for
    percent = times = one_in = most = when = day = month = month_year = year = date = property(_same)
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _same
    __neg__ = __abs__ = _same
    __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: False


UNKNOWN = Unknown()
