"""Figures that no source prints: derived values with their formula, and reference facts.

Both travel from a notebook to the annexes as plain dictionaries in the metadata of its outputs,
so that a reader can follow each of them to its inputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Input:
    """One input of a formula.

    Parameters
    ----------
    text : str
        The value as the annex prints it.
    target : str
        Where it comes from: a row id, ``calc-…`` or ``ref-…``.
    label : str
        What the value is, in a few words; may be empty where the row says it.
    """

    text: str
    target: str
    label: str = ""


@dataclass(frozen=True)
class Derived:
    """A derived figure: a value, the formula that gives it, and the inputs of the formula.

    Parameters
    ----------
    id : str
        Anchor without its prefix: ``calc-<id>`` in the report.
    text : str
        The value as printed in the report.
    value : float
        The value itself; the upper one where the text is a band.
    label : str
        What it is, in a few words.
    formula : str
        The formula in words and symbols.
    inputs : tuple of Input
        Its inputs, each of which the annex links to its evidence.
    unit : str
        Unit of the value.
    value_low : float or None
        The lower bound where the text is a band.
    rests_on : tuple of Derived or Reference
        Figures and reference facts among its inputs: they come into the annexes with it.
    """

    id: str
    text: str
    value: float
    label: str
    formula: str
    inputs: tuple[Input, ...]
    unit: str = ""
    value_low: float | None = None
    rests_on: tuple[Derived | Reference, ...] = ()

    @property
    def anchor(self) -> str:
        """Anchor in the report."""
        return f"calc-{self.id}"

    def as_dict(self) -> dict[str, Any]:
        """Return the figure as JSON-ready values, without what it rests on."""
        values = asdict(self)
        del values["rests_on"]
        return values


@dataclass(frozen=True)
class Reference:
    """A fact of the public record, or a parameter of the edition.

    Parameters
    ----------
    id : str
        Anchor without its prefix: ``ref-<id>`` in the report.
    text : str
        The fact as printed in the report.
    statement : str
        The fact as a sentence.
    basis : str
        Where it can be looked up.
    """

    id: str
    text: str
    statement: str
    basis: str

    @property
    def anchor(self) -> str:
        """Anchor in the report."""
        return f"ref-{self.id}"

    def as_dict(self) -> dict[str, Any]:
        """Return the fact as JSON-ready values."""
        return asdict(self)


def carried(figures: Iterable[Derived | Reference]) -> list[dict[str, Any]]:
    """Return figures, and all that they rest on, as JSON-ready values with their kind, each once."""
    found: dict[str, dict[str, Any]] = {}
    pending = list(figures)
    while pending:
        figure = pending.pop(0)
        if figure.anchor not in found:
            found[figure.anchor] = {"kind": type(figure).__name__.lower(), **figure.as_dict()}
            pending += figure.rests_on if isinstance(figure, Derived) else ()
    return list(found.values())
