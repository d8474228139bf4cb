"""What an edition knows: which formats its texts mention, and how old its knowledge is."""

from __future__ import annotations

import os
from datetime import date

from alliances.analysis.derived import Derived, Input, Reference
from alliances.analysis.frames import records
from alliances.dataset import FACT_TABLES, Dataset
from alliances.prose.values import date_text

VALIDATED_VARIABLE = "ALLIANCES_VALIDATED"


def validated_by_parent() -> bool:
    """Whether the build that started this kernel has validated the dataset already."""
    return os.environ.get(VALIDATED_VARIABLE) == "1"


def mentions(dataset: Dataset, alliance_id: str) -> int:
    """Count the known rows on a format, over all tables of facts."""
    frames = (dataset[name] for name in FACT_TABLES if name != "quotes")
    return sum(int((frame["alliance_id"] == alliance_id).sum()) for frame in frames)


def mentioned(dataset: Dataset, alliance_id: str) -> bool:
    """Whether any known row is on a format; looks no further than the first table that has one."""
    names = (name for name in FACT_TABLES if name != "quotes")
    return any(bool((dataset[name]["alliance_id"] == alliance_id).any()) for name in names)


def as_of_day(dataset: Dataset) -> date:
    """Return the edition's cut-off; the default one for a dataset that has not been cut."""
    return dataset.as_of or dataset.default_as_of()


def as_of_reference(dataset: Dataset) -> Reference:
    """Return the cut-off as a reference fact of the edition."""
    day = as_of_day(dataset)
    return Reference(
        id="as-of",
        text=date_text(day),
        statement=f"The state of knowledge that this edition reports: what was published by {date_text(day)}.",
        basis="The parameter as_of of this edition.",
    )


def source_count(dataset: Dataset) -> Derived:
    """Count the texts that the edition rests on."""
    known = dataset["sources"]
    return Derived(
        id="texts",
        text=str(len(known)),
        value=float(len(known)),
        label="Texts of this edition",
        formula="number of texts published by the cut-off and not left out",
        inputs=tuple(
            Input(date_text(row.published), f"ref-source-{row.source_id}", row.descriptor) for row in records(known)
        ),
        unit="texts",
    )
