"""Our own judgements: those that an edition's evidence supports, and the yardstick of their words."""

from __future__ import annotations

from dataclasses import dataclass

from alliances.analysis.derived import Reference
from alliances.analysis.frames import records
from alliances.dataset import Dataset, Row

_BASIS = "“Explaining Uncertainty in UK Intelligence Assessment”, gov.uk, 24 March 2025."
_RANGES = {
    "remote_chance": "0–5%",
    "highly_unlikely": "10–20%",
    "unlikely": "25–35%",
    "realistic_possibility": "40% to less than 50%",
    "likely": "55–75%",
    "highly_likely": "80–90%",
    "almost_certain": "95–100%",
}

#: The words of the yardstick, from the lowest probability to the highest.
YARDSTICK: dict[str, Reference] = {
    key: Reference(
        id=f"likelihood-{key.replace('_', '-')}",
        text=key.replace("_", " "),
        statement=f"The PHIA probability yardstick uses “{key.replace('_', ' ')}” for a probability of {span}.",
        basis=_BASIS,
    )
    for key, span in _RANGES.items()
}


@dataclass(frozen=True)
class Judgement:
    """A judgement as an edition shows it.

    Parameters
    ----------
    id, statement, confidence, confidence_reason, change_indicators : str
        As in the table; the statement is a template.
    likelihood : Reference
        The word of the yardstick.
    rows : tuple of Row
        The rows that it rests on.
    """

    id: str
    statement: str
    likelihood: Reference
    confidence: str
    confidence_reason: str
    change_indicators: str
    rows: tuple[Row, ...]


def judgements(dataset: Dataset) -> list[Judgement]:
    """List the judgements of an edition in the order of the table."""
    return [
        Judgement(
            record.judgement_id,
            record.statement,
            YARDSTICK[record.likelihood],
            record.confidence,
            record.confidence_reason,
            record.change_indicators,
            tuple(dataset.row(row_id) for row_id in record.requires.split("; ")),
        )
        for record in records(dataset["judgements"])
    ]


def probability(word: Reference) -> str:
    """Return the range of probability for which a word of the yardstick stands, as printed."""
    return _RANGES[next(key for key, known in YARDSTICK.items() if known == word)]
