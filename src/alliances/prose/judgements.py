"""The key judgements, each with its likelihood, confidence, evidence and what would change it."""

from __future__ import annotations

from alliances.analysis.judgements import YARDSTICK, judgements, probability
from alliances.analysis.knowledge import as_of_reference
from alliances.dataset import Dataset
from alliances.prose.links import derived_link, escape
from alliances.prose.narrative import Figure, Narrative, sentence
from alliances.prose.tables import Table, table
from alliances.prose.values import typographic


def key_judgements(dataset: Dataset) -> Narrative:
    """List the judgements that the edition's evidence supports; one sentence where there is none."""
    known = judgements(dataset)
    if not known:
        day = as_of_reference(dataset)
        return sentence(dataset, "The texts of this edition, which ends on {day}, support no judgement.", {"day": day})
    items, figures = list[str](), list[Figure]()
    for judgement in known:
        told = sentence(dataset, typographic(judgement.statement), {"likelihood": judgement.likelihood})
        items.append(
            f"- {told.text} *Confidence: {judgement.confidence}.* "
            f"{escape(typographic(judgement.confidence_reason))} "
            f"{escape(typographic(judgement.change_indicators))}"
        )
        figures += told.figures
    intro = "These judgements are ours; each rests on the evidence to which it links."
    return Narrative(intro + "\n\n" + "\n".join(items), tuple(dict.fromkeys(figures)))


def yardstick(dataset: Dataset) -> Table:
    """Lay out the words of likelihood with the probabilities for which they stand; nothing without a judgement."""
    words = list(YARDSTICK.values()) if judgements(dataset) else []
    return table(
        "tbl-yardstick",
        "The words of likelihood: the probability yardstick of the UK’s Professional Head of Intelligence Assessment.",
        ["Word", "Probability"],
        [[word.text, derived_link(word, probability(word))] for word in words],
        [40, 60],
        words,
    )
