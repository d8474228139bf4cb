"""Where a force would stand: the depth of the demilitarised zone that the plan for it contains."""

from __future__ import annotations

from dataclasses import replace

from alliances.analysis import quantities
from alliances.analysis.derived import Derived, Reference
from alliances.analysis.quantities import Quantity
from alliances.dataset import Dataset

KILOMETRES = ("kilometre", "kilometres")
AREA = "obs-demilitarised-area-analysis"
LINES = {"depth_analysis": "obs-front-length-analysis", "depth_commentary": "obs-front-length-commentary"}


def zone_depth(dataset: Dataset, length: Quantity, calc_id: str) -> Derived | Reference | None:
    """Divide the area of the demilitarised zone by the length of the line that it would lie along.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    length : Quantity
        Length of the line in kilometres.
    calc_id : str
        Anchor of the figure.

    Returns
    -------
    Derived, Reference or None
        The mean depth in kilometres, a band; ``None`` where the area is not known. Of a line that is *longer*
        than the length, it is what the depth stays below.
    """
    if AREA not in dataset:
        return None
    depth = quantities.quotient(
        quantities.from_row(dataset.row(AREA), "Area of the zone, in square kilometres"),
        length,
        calc_id=calc_id,
        label="Mean depth of the demilitarised zone",
        formula="area of the zone ÷ length of the line",
        unit=KILOMETRES,
    )
    if depth is None or depth.figure is None:
        return None
    # Kilometres are measured, not counted.
    return replace(depth.figure, text=depth.figure.text.replace("fewer than", "less than"))


def zone_depths(dataset: Dataset, front_km: float | None) -> dict[str, Derived | Reference | None]:
    """Work out the zone's depth along the lines of the texts, or along the one that the edition's user assumes.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    front_km : float or None
        The parameter of that name.

    Returns
    -------
    dict of str to Derived, Reference or None
        ``line`` and ``depth_assumed`` where a length is assumed, else ``depth_analysis`` and ``depth_commentary``;
        the others are ``None``, and so is what the edition does not know.
    """
    found: dict[str, Derived | Reference | None] = dict.fromkeys(("line", "depth_assumed", *LINES))
    if front_km is not None:
        line = quantities.from_parameter(
            "front_km",
            front_km,
            ref_id="reassurance-force-front",
            label="Length of the line that the demilitarised zone would lie along",
            unit=KILOMETRES,
            whose="an assumption set for this edition",
        )
        found["line"] = line.figure
        found["depth_assumed"] = zone_depth(dataset, line, "reassurance-force-depth-assumed")
        return found
    for name, row_id in LINES.items():
        if row_id in dataset:
            length = quantities.from_row(dataset.row(row_id), "Length of the line, in kilometres")
            found[name] = zone_depth(dataset, length, f"reassurance-force-{name.replace('_', '-')}")
    return found
