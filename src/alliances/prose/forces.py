"""How big a force: the table of contingents, from the model of ``alliances.analysis.forces``."""

from __future__ import annotations

from alliances.analysis.forces import YEARS, Contingent, Model
from alliances.analysis.quantities import Quantity, counted
from alliances.dataset import Dataset
from alliances.prose.links import derived_link, evidence_link
from alliances.prose.tables import Table, table

HEADS = ("To deploy", "Needed with rotation", "Cost a year", "Cost of the deployment")


def scenario_table(dataset: Dataset, model: Model) -> Table:
    """Lay out the contingents: soldiers deployed, soldiers needed with rotation, and cost.

    A column that nothing is known of is left out.
    """
    cells = [_cells(dataset, contingent) for contingent in model.contingents]
    shown = [number for number in range(len(HEADS)) if any(row[number] for row in cells)]
    lines = [
        [contingent.label, *(row[number] or "not known" for number in shown)]
        for contingent, row in zip(model.contingents, cells, strict=True)
    ]
    sources = dict.fromkeys(c.size.row.source_id for c in model.contingents if c.size.row)
    caption = ["Contingents, with what follows from their size."]
    caption += [f"Sizes as the text gives them [{'; '.join(f'@{source}' for source in sources)}]."] if sources else []
    caption.append(f"Rotation: {_worded(dataset, model.rotation)} in all for each one deployed, an assumption.")
    if model.unit_cost:
        over = f" and for {_worded(dataset, model.years, YEARS)}" if model.years else ""
        caption.append(
            f"Costs grow in step with the soldiers deployed, at {_worded(dataset, model.unit_cost)} for a soldier and "
            f"year{over}: a linear extrapolation of this report."
        )
    widths = [26, *(18 for _ in shown)]
    heads = ["Contingent", *(HEADS[number] for number in shown)]
    return table("tbl-force-scenarios", " ".join(caption), heads, lines, widths, model.figures)


def _cells(dataset: Dataset, contingent: Contingent) -> list[str]:
    """Print what is known of a contingent without units: the heads of the columns say them."""
    parts = (contingent.size, contingent.pool, contingent.cost_year, contingent.cost_total)
    return [_bare(dataset, part) if part else "" for part in parts]


def _bare(dataset: Dataset, quantity: Quantity) -> str:
    return derived_link(quantity.figure, quantity.text) if quantity.figure else _worded(dataset, quantity)


def _worded(dataset: Dataset, quantity: Quantity, unit: tuple[str, str] | None = None) -> str:
    if quantity.figure:
        return derived_link(quantity.figure)
    assert quantity.row is not None  # a quantity comes from a figure or a row
    return evidence_link(dataset, quantity.row, counted(quantity.text, unit) if unit else "")
