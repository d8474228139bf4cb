"""What an edition says of sources whose date of publication is estimated."""

from __future__ import annotations

from alliances.analysis.derived import Reference
from alliances.analysis.knowledge import as_of_day, as_of_reference
from alliances.dataset import Dataset, Source
from alliances.prose.links import derived_link, escape
from alliances.prose.narrative import Figure, Narrative
from alliances.prose.values import date_text


def uncertain_sources(dataset: Dataset) -> list[Source]:
    """List the sources whose window of publication the cut-off falls into, left-out ones aside."""
    day = as_of_day(dataset)
    every = (dataset.complete.source(source_id) for source_id in dataset.complete["sources"]["source_id"])
    return [s for s in every if s.source_id not in dataset.excluded and s.published_from <= day < s.published_to]


def dating_notes(dataset: Dataset) -> Narrative:
    """Say for each such source that its date is estimated, and whether the edition counts it as published."""
    day = as_of_day(dataset)
    notes, figures = list[str](), list[Figure]()
    for source in uncertain_sources(dataset):
        known = source.published <= day
        # A text that the edition does not count is not named: its descriptor would tell of it too early.
        name = f"“{escape(source.descriptor.split(',')[0])}”" if known else "a further text"
        window = [
            Reference(
                id=f"window-{source.source_id}-{end}" if known else f"window-unknown-{len(notes)}-{end}",
                text=date_text(bound),
                statement=f"{end.capitalize()} day on which {name} can have been published.",
                basis="Worked out from what the text knows and does not know; see the chapter Sources."
                if known
                else "Worked out from what the text knows and does not know.",
            )
            for end, bound in (("earliest", source.published_from), ("latest", source.published_to))
        ]
        cut = as_of_reference(dataset)
        verb = "is counted as published" if known else "is not counted as published"
        notes.append(
            f"The date of {name} is estimated: it appeared between {derived_link(window[0])} and "
            f"{derived_link(window[1])}, and {verb} on {derived_link(cut)}."
        )
        figures += [*window, cut]
    return Narrative(" ".join(notes), tuple(dict.fromkeys(figures)))
