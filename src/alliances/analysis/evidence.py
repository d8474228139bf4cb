"""What a printed value rests on: rows, formulas and the reader's own assumptions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from alliances.text.names import slug

__all__ = ["NOTHING", "Evidence", "Formula"]


_LONG = 60


@dataclass(frozen=True)
class Formula:
    """A value that no source prints: what it is, how it is made, and from what.

    Attributes
    ----------
    what : str
        What it is, in the words of the notebook.
    value : str
        As printed.
    formula : str
        How it is made, in words and signs.
    evidence : Evidence
        What it is made from.
    """

    what: str
    value: str
    formula: str
    evidence: Evidence

    @property
    def anchor(self) -> str:
        """Its anchor in the report, which stays as long as what it is stays."""
        short = slug(self.what)
        if len(self.what) <= _LONG:
            return f"ev-f-{short}"
        return f"ev-f-{short[:50].strip('-')}-{hashlib.sha256(self.what.encode()).hexdigest()[:6]}"

    def record(self) -> dict[str, Any]:
        """Return it as JSON-ready values, for an output's metadata."""
        return {
            "kind": "formula",
            "what": self.what,
            "value": self.value,
            "formula": self.formula,
            "rows": [row for row in self.evidence.rows if not row.startswith("r-")],
            "records": [row for row in self.evidence.rows if row.startswith("r-")],
            "formulas": [part.anchor for part in self.evidence.formulas],
            "parameters": list(self.evidence.parameters),
        }


@dataclass(frozen=True)
class Evidence:
    """What a value rests on.

    Attributes
    ----------
    rows : tuple of str
        Ids of facts and of the public record, in order of appearance.
    formulas : tuple of Formula
        Formulas.
    parameters : tuple of str
        Parameters that the reader of the edition has set.
    """

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
        rows = dict.fromkeys(self.rows)
        for formula in self.formulas:
            rows.update(dict.fromkeys(formula.evidence.all_rows))
        return tuple(rows)

    @classmethod
    def of_rows(cls, rows: Iterable[str]) -> Evidence:
        """Make evidence of row ids."""
        return cls(tuple(dict.fromkeys(rows)))

    @staticmethod
    def union(parts: Sequence[Evidence]) -> Evidence:
        """Join several, in order."""
        joined = NOTHING
        for part in parts:
            joined = joined | part
        return joined


NOTHING = Evidence()
