"""Capabilities: what Europe and Ukraine lack, and what is to help Ukraine, by how firm the texts are."""

from __future__ import annotations

import pandas as pd

from alliances.analysis import quantities
from alliances.analysis.derived import Derived, Input, Reference
from alliances.analysis.frames import records
from alliances.dataset import Dataset
from alliances.prose.values import typographic

GAPS = ("lacks", "limited", "needs", "depends_on")
UKRAINE = ("UKR", "afu")
SUPPLIERS = ("programme", "fund", "mission")  # formats that supply what they are said to have
EUROPE = "Europe's "  # how the dataset marks what a text says of Europe as a whole
DOMAIN_PHRASES = {
    "land": "on land",
    "sea": "at sea",
    "air": "in the air",
    "nuclear": "in nuclear deterrence",
    "intelligence": "in intelligence",
    "command": "in command",
    "logistics": "in logistics",
    "training": "in training",
    "medical": "in medicine",
    "infrastructure": "in infrastructure",
    "cyber": "in the cyber domain",
    "industry": "in industry",
}
OFFERED, PLANNED, PROPOSED, HOPED = (
    "offered or under way",
    "planned",
    "proposed",
    "expected or wished by the author",
)
_FIRMNESS = {"offers": OFFERED, "has": OFFERED, "plans": PLANNED, "proposes": PROPOSED}


def european_gaps(dataset: Dataset) -> pd.DataFrame:
    """Return the known capabilities of Europe as a whole that are limited, missing, needed or borrowed.

    Returns
    -------
    DataFrame
        Rows of ``capabilities`` without format and holder, the domain with the most gaps first.
    """
    frame = dataset["capabilities"]
    own = frame["capability"].str.startswith(EUROPE)
    return _by_size(frame[(frame["alliance_id"] == "") & (frame["holder"] == "") & own & frame["relation"].isin(GAPS)])


def ukrainian_gaps(dataset: Dataset) -> pd.DataFrame:
    """Return what a text says that Ukraine lacks, has too little of or needs.

    What is said of help for Ukraine in general, and not of Europe as a whole, is counted here as well; what it
    depends on the United States for is not.
    """
    frame = dataset["capabilities"]
    general = (frame["holder"] == "") & (frame["alliance_id"] == "") & ~frame["capability"].str.startswith(EUROPE)
    return _by_size(frame[(frame["holder"].isin(UKRAINE) | general) & frame["relation"].isin(GAPS[:3])])


def answers(dataset: Dataset) -> pd.DataFrame:
    """Return what formats and states offer, plan or propose to do for Ukraine.

    Returns
    -------
    DataFrame
        Rows of ``capabilities`` with one more column, ``firmness``: an author's expectation or wish counts as one,
        whatever it is that the author expects or wishes for. The firmest come first within a domain.
    """
    frame = dataset["capabilities"]
    formats = dataset["alliances"]
    suppliers = formats.loc[formats["instrument_type"].isin(SUPPLIERS), "alliance_id"]
    delivered = (frame["relation"] == "has") & (frame["holder"] == "") & frame["alliance_id"].isin(suppliers)
    kinds = frame["relation"].isin(["offers", "plans", "proposes"]) | delivered
    found = frame[kinds & (frame["alliance_id"] != "") & ~frame["holder"].isin(UKRAINE)]
    authors = found["attribution"].str.startswith("author_")
    found = found.assign(firmness=found["relation"].map(_FIRMNESS).mask(authors, HOPED))
    order = [OFFERED, PLANNED, PROPOSED, HOPED]
    return _by_size(found.sort_values("firmness", key=lambda column: column.map(order.index), kind="stable"))


def widest_domains(gaps: pd.DataFrame) -> list[str]:
    """List the domains with the most gaps; several where they tie."""
    counts = gaps["domain"].value_counts()
    return [domain for domain in DOMAIN_PHRASES if counts.get(domain, 0) == counts.max()]


def count(dataset: Dataset, frame: pd.DataFrame, calc_id: str, label: str, formula: str) -> Derived | None:
    """Count some capabilities; ``None`` where there is none."""
    if frame.empty:
        return None
    rows = [dataset.row(record.capability_id) for record in records(frame)]
    return Derived(
        id=calc_id,
        text=str(len(rows)),
        value=float(len(rows)),
        label=label,
        formula=formula,
        inputs=tuple(Input(typographic(row["capability"]), row.row_id) for row in rows),
        unit="capabilities",
    )


def figures(dataset: Dataset) -> dict[str, Derived | Reference | str | None]:
    """Return the figures of the chapter by the names that its sentences use; ``None`` leaves a sentence out."""
    found, lacking = answers(dataset), ukrainian_gaps(dataset)
    named: dict[str, Derived | Reference | str | None] = {
        "answers": count(
            dataset,
            found,
            "gaps-answers",
            "Forms of help for Ukraine",
            "number of capabilities that a text says are offered, planned, proposed, expected or wished for",
        ),
        "us_share": _us_share(dataset),
        "these_gaps": "these gaps" if len(lacking) or len(european_gaps(dataset)) else None,
        "table": "in @tbl-gaps-ukraine" if len(lacking) or len(found) else None,
    }
    for name, firmness in (("firm", OFFERED), ("hoped", HOPED)):
        named[name] = count(
            dataset,
            found[found["firmness"] == firmness],
            f"gaps-answers-{name}",
            f"Forms of help for Ukraine: {firmness}",
            f"number of those that are {firmness}",
        )
    return named


def _us_share(dataset: Dataset) -> Derived | Reference | None:
    """Compare the American soldiers needed in an open war with Europe’s own."""
    frame = dataset["observations"]
    support = frame[frame["indicator"] == "support_needed"]
    armies = frame[(frame["indicator"] == "armed_forces_size") & (frame["ref_area"] == "europe")]
    if support.empty or armies.empty:
        return None
    share = quantities.share(
        quantities.from_row(dataset.row(support["observation_id"].iloc[-1]), "American soldiers needed"),
        quantities.from_row(dataset.row(armies["observation_id"].iloc[-1]), "Soldiers in European armies"),
        calc_id="gaps-us-share",
        label="American soldiers needed in an open war, as a share of the European armies",
        formula="American soldiers needed ÷ soldiers in European armies",
    )
    return share.figure if share and not quantities.is_times(share) else None


def _by_size(frame: pd.DataFrame) -> pd.DataFrame:
    """Sort by domain, the one with the most rows first."""
    counts, order = frame["domain"].value_counts(), list(DOMAIN_PHRASES)
    rank = [(-int(counts[domain]), order.index(domain)) for domain in frame["domain"]]
    sizes = frame.assign(size=[size for size, _ in rank], place=[place for _, place in rank])
    return sizes.sort_values(["size", "place"], kind="stable").drop(columns=["size", "place"])
