"""What a printed value rests on: rows, formulas and the reader's own assumptions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from alliances.text.markdown import slug

_LONG = 60


@dataclass(frozen=True)
class Formula:
    """A value that no source prints: what it is, as printed, how it is made (in words and signs), and from what."""

    what: str
    value: str
    formula: str
    evidence: Evidence

    @property
    def anchor(self) -> str:
        """Its anchor in the report, which stays as long as what it is stays."""
        short = slug(self.what)
        if len(self.what) > _LONG:
            short = f"{short[:50].strip('-')}-{hashlib.sha256(self.what.encode()).hexdigest()[:6]}"
        return f"ev-f-{short}"

    def record(self) -> dict[str, Any]:
        """Return it as JSON-ready values, for an output's metadata."""
        return {
            "kind": "formula", "what": self.what, "value": self.value, "formula": self.formula,
            "rows": [row for row in self.evidence.rows if not row.startswith("r-")],
            "records": [row for row in self.evidence.rows if row.startswith("r-")],
            "formulas": [part.anchor for part in self.evidence.formulas],
            "parameters": list(self.evidence.parameters),
        }  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """What a value rests on: ids of rows in order of appearance, formulas, and parameters that a reader has set."""

    rows: tuple[str, ...] = ()
    formulas: tuple[Formula, ...] = ()
    parameters: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rows or self.formulas or self.parameters)

    def __or__(self, other: Evidence) -> Evidence:
        return Evidence(
            tuple(dict.fromkeys(self.rows + other.rows)),
            tuple(dict.fromkeys(self.formulas + other.formulas)),
            tuple(dict.fromkeys(self.parameters + other.parameters)),
        )

    @property
    def all_rows(self) -> tuple[str, ...]:
        """Its rows and those of its formulas."""
        below = [row for formula in self.formulas for row in formula.evidence.all_rows]
        return tuple(dict.fromkeys([*self.rows, *below]))

    @classmethod
    def of_rows(cls, rows: Iterable[str]) -> Evidence:
        """Make evidence of row ids."""
        return cls(tuple(dict.fromkeys(rows)))

    @staticmethod
    def union(parts: Iterable[Evidence]) -> Evidence:
        """Join several, in order."""
        joined = NOTHING
        for part in parts:
            joined = joined | part
        return joined


NOTHING = Evidence()
