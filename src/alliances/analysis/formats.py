"""The formats side by side: how far each has come, what it is for, and how many texts speak of it."""

from __future__ import annotations

from collections.abc import Sequence

from alliances.analysis.derived import Derived, Input
from alliances.analysis.frames import records
from alliances.dataset import FACT_TABLES, Dataset, Row
from alliances.prose.values import date_text

# From the firmest to the loosest; what has happened says something of a format only where nothing else does.
STAGES = ("failed", "in_force", "announced", "planned", "proposed", "under_discussion", "happened")


def newest_characteristic(dataset: Dataset, alliance_id: str, aspects: Sequence[Sequence[str]]) -> Row | None:
    """Return what the newest text says of a format on the first group of aspects that any text speaks of.

    Where that text says several things, the firmest one counts, and of those the first.

    Parameters
    ----------
    aspects : sequence of sequence of str
        Groups of ``aspect``, the preferred one first.
    """
    frame = dataset["characteristics"]
    frame = frame[frame["alliance_id"] == alliance_id]
    for group in aspects:
        told = frame[frame["aspect"].isin(group)]
        if told.empty:
            continue
        days = told["source_id"].map(dataset.published)
        told = told[days == days.max()]
        firmest = min(records(told), key=lambda record: STAGES.index(record.status))
        return dataset.row(firmest.characteristic_id)
    return None


def stage_row(dataset: Dataset, alliance_id: str) -> Row | None:
    """Return the row that shows how far a format has come: the firmest status that the newest text gives it.

    What a text says of the name alone is left aside; a name exists before its bearer does.
    """
    frame = dataset["characteristics"]
    frame = frame[(frame["alliance_id"] == alliance_id) & (frame["aspect"] != "name")]
    if frame.empty:
        return None
    days = frame["source_id"].map(dataset.published)
    firmest = min(records(frame[days == days.max()]), key=lambda record: STAGES.index(record.status))
    return dataset.row(firmest.characteristic_id)


def sources_by_format(dataset: Dataset) -> dict[str, list[str]]:
    """List the sources that say something of each format, in order of publication; formats without one left out."""
    told: dict[str, set[str]] = {}
    for name in FACT_TABLES:
        if name != "quotes":
            frame = dataset[name][["alliance_id", "source_id"]].drop_duplicates()
            for alliance_id, source_id in zip(frame["alliance_id"], frame["source_id"], strict=True):
                told.setdefault(alliance_id, set()).add(source_id)
    ordered = list(dataset["sources"].sort_values("published", kind="stable")["source_id"])
    return {key: [source for source in ordered if source in found] for key, found in told.items() if key}


def text_count(dataset: Dataset, alliance_id: str, sources: Sequence[str]) -> Derived:
    """Count the texts that say something of a format.

    Parameters
    ----------
    sources : sequence of str
        Those that :func:`sources_by_format` lists for it.
    """
    found = [dataset.source(source) for source in sources]
    return Derived(
        id=f"glance-texts-{alliance_id}",
        text=str(len(found)),
        value=float(len(found)),
        label=f"Texts that say something of {dataset.alliance_names[alliance_id]}",
        formula="number of texts of this edition with at least one row on it",
        inputs=tuple(Input(date_text(s.published), f"ref-source-{s.source_id}", s.descriptor) for s in found),
        unit="texts",
    )


def format_count(
    dataset: Dataset, types: Sequence[str] = (), calc_id: str = "glance-formats", label: str = ""
) -> Derived:
    """Count the formats that a text of the edition speaks of, all or those of some types.

    Parameters
    ----------
    types : sequence of str
        ``instrument_type``; all where none is named.
    calc_id, label : str
        Id and label of the figure.
    """
    told = sources_by_format(dataset)
    listed = [
        record
        for record in records(dataset["alliances"])
        if (not types or record.instrument_type in types) and record.alliance_id in told
    ]
    names = "; ".join(record.short_name for record in listed)
    return Derived(
        id=calc_id,
        text=str(len(listed)),
        value=float(len(listed)),
        label=label or "Formats that the texts speak of",
        formula=f"number of formats with at least one row in this edition{': ' + names if names else ''}",
        inputs=(),
        unit="formats",
    )
