"""How big a force: contingents of the texts and of the edition, with what follows from each.

What follows is ours: soldiers per kilometre of front, soldiers needed with rotation, cost, share of Europe's
armed forces, distance to the force that deterring is thought to take. Every figure says from which formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from alliances.analysis import quantities
from alliances.analysis.derived import Derived, Reference
from alliances.analysis.frames import records
from alliances.analysis.quantities import Quantity
from alliances.dataset import Dataset, Row
from alliances.errors import DataError
from alliances.prose.links import evidence_link
from alliances.prose.values import join_and

SOLDIERS = ("soldier", "soldiers")
KILOMETRES = ("kilometre", "kilometres")
YEARS = ("year", "years")
CURRENCY = "USD"  # of the parameter cost_per_soldier_year, and of the one cost that a text gives
DEFAULT_ROTATION = 3
READER = "an assumption set for this edition"
REPORT = "an assumption of this report, which no text gives"
SET_LABEL = "Contingent set for this edition"

Named = dict[str, Derived | Reference | str | None]


class Assumptions(Protocol):
    """The parameters of an edition that a force is modelled with; ``None``: as the known texts give it."""

    @property
    def troops(self) -> int | None:
        """Size of the modelled contingent."""

    @property
    def years(self) -> int | None:
        """Length of its deployment."""

    @property
    def front_km(self) -> float | None:
        """Length of the line it is set against."""

    @property
    def cost_per_soldier_year(self) -> float | None:
        """Unit cost in US dollars."""

    @property
    def rotation(self) -> int:
        """Soldiers needed for one deployed."""


@dataclass(frozen=True)
class Contingent:
    """A contingent, with what follows from its size.

    Parameters
    ----------
    label : str
        What it is.
    kind : str
        Status of the row that gives its size; ``assumption`` where the edition sets it.
    size, pool : Quantity
        Soldiers deployed, and needed with rotation.
    densities : tuple of Quantity or None
        Soldiers per kilometre, for each length of the front.
    share : Quantity or None
        Soldiers needed as a share of the European armies.
    cost_year, cost_total : Quantity or None
        Cost a year and over the length of the deployment.
    """

    label: str
    kind: str
    size: Quantity
    pool: Quantity
    densities: tuple[Quantity | None, ...]
    share: Quantity | None
    cost_year: Quantity | None
    cost_total: Quantity | None

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """All that is known of it."""
        every = (self.size, self.pool, *self.densities, self.share, self.cost_year, self.cost_total)
        return tuple(quantity for quantity in every if quantity)


@dataclass(frozen=True)
class Model:
    """Contingents, and what they are measured with.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    contingents : tuple of Contingent
        The edition's own first, then those of the texts.
    modelled : Contingent or None
        The one that the chapter follows: the edition's own, else the one for which a text gives a cost.
    fronts : tuple of Quantity
        Lengths of the front; one for each text that gives one, or the edition's own.
    rotation : Quantity
        Soldiers needed for one deployed.
    years, unit_cost, armies, deterrent, bosnia, russia, ukraine : Quantity or None
        Length of the deployment; cost of a soldier for a year; soldiers in European armies, of the force that
        deterring Russia is thought to take, of NATO in Bosnia, of Russia in Ukraine, of Ukraine.
    """

    dataset: Dataset
    contingents: tuple[Contingent, ...]
    modelled: Contingent | None
    fronts: tuple[Quantity, ...]
    rotation: Quantity
    years: Quantity | None
    unit_cost: Quantity | None
    armies: Quantity | None
    deterrent: Quantity | None
    bosnia: Quantity | None
    russia: Quantity | None
    ukraine: Quantity | None

    @cached_property
    def figures(self) -> tuple[Derived | Reference, ...]:
        """All derived figures and assumptions, for an output that prints any of them."""
        own = [part for contingent in self.contingents for part in contingent.quantities]
        every = (*own, *self.fronts, self.rotation, self.years, self.unit_cost)
        return tuple(dict.fromkeys(figure for part in every if part for figure in part.figures))

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """What neither a known text nor the edition gives."""
        lacking = {
            "the size of a contingent": not self.contingents,
            "the length of the front": not self.fronts,
            "the length of a deployment": self.years is None,
            "a cost": self.unit_cost is None,
            "the force that deterring Russia takes": self.deterrent is None,
            "the size of the European armies": self.armies is None,
            "the size of the forces of Russia and Ukraine": self.russia is None and self.ukraine is None,
        }
        return tuple(what for what, lacks in lacking.items() if lacks)

    def link(self, quantity: Quantity | None, unit: tuple[str, str] | None = None) -> Derived | Reference | str | None:
        """Return a quantity as a sentence takes it: its figure, or a link to the row that gives it."""
        if quantity is None or quantity.figure:
            return quantity.figure if quantity else None
        assert quantity.row is not None  # a quantity comes from a figure or a row
        return evidence_link(
            self.dataset, quantity.row, quantities.counted(quantity.text, unit) if unit else quantity.text
        )

    @cached_property
    def named(self) -> Named:
        """The quantities by the names that the chapter's sentences use; ``None`` leaves a sentence out."""
        own = self.modelled
        front = [self.link(length, KILOMETRES) for length in self.fronts]
        density = [self.link(one) for one in own.densities] if own else []
        given = all(length.row for length in self.fronts)
        rotation = self.link(self.rotation)
        ours = self.rotation.low == DEFAULT_ROTATION
        names: Named = {
            "modelled": self.link(own.size, SOLDIERS) if own else None,
            "modelled_set": self.link(own.size) if own and own.size.figure else None,
            "front": front[0] if len(front) == 1 and given else None,
            "front_set": front[0] if front and not given else None,
            "front_low": front[0] if len(front) > 1 else None,
            "front_high": front[-1] if len(front) > 1 else None,
            "density": density[0] if len(density) == 1 else None,
            "density_low": density[0] if len(density) > 1 else None,
            "density_high": density[-1] if len(density) > 1 else None,
            "rotation_ours": rotation if ours and own else None,
            "rotation_set": rotation if own and not ours else None,
            "pool": self.link(own.pool) if own else None,
            "unit_cost": self.link(self.unit_cost) if self.unit_cost and not _is_set(self.unit_cost) else None,
            "unit_cost_set": self.link(self.unit_cost) if _is_set(self.unit_cost) else None,
            "years": self.link(self.years, YEARS),
            "years_set": self.link(self.years) if _is_set(self.years) else None,
            "cost_year": self.link(own.cost_year) if own else None,
            "cost_total": self.link(own.cost_total) if own and own.cost_total and own.cost_total.figure else None,
            "extrapolation": "a linear extrapolation of this report" if self.contingents and self.unit_cost else None,
            "missing": join_and(self.missing, "or") or None,
        }
        if names["front"]:
            names["front_source"] = f"[@{self.fronts[0].row.source_id}]" if self.fronts[0].row else None
        for length, name in zip((*self.fronts[:1], *self.fronts[-1:]), ("front_low", "front_high"), strict=False):
            names[f"{name}_source"] = f"[@{length.row.source_id}]" if length.row else None
        names |= self._measured()
        return {name: names.get(name) for name in NAMES}

    def _measured(self) -> Named:
        """Measure the modelled contingent against the other forces."""
        names: Named = {}
        own = self.modelled
        if own is None:
            return names
        kind, gap = self.distance
        names["short"] = self.link(gap) if kind == "below" else None
        names["beyond"] = self.link(gap) if kind == "above" else None
        names["within"] = self.link(own.size, SOLDIERS) if kind == "within" else None
        against = {"pool": own.share, **{name: self.against(name) for name in FORCES}}
        for name, part in against.items():
            names[f"{name}_percent"] = self.link(part) if part and not quantities.is_times(part) else None
            names[f"{name}_times"] = self.link(part) if part and quantities.is_times(part) else None
        return names

    def against(self, name: str) -> Quantity | None:
        """Return the modelled contingent as a share of one of ``FORCES``."""
        force = getattr(self, name)
        if self.modelled is None or force is None:
            return None
        return quantities.share(
            self.modelled.size,
            force,
            calc_id=f"force-share-{name}",
            label=f"The contingent as a share of {FORCES[name]}",
            formula=f"soldiers deployed ÷ {FORCES[name]}",
        )

    @cached_property
    def distance(self) -> tuple[str, Quantity | None]:
        """Measure the modelled contingent against the force that deterring Russia is thought to take.

        Returns
        -------
        tuple of str and Quantity or None
            ``below`` and how far it falls short, ``above`` and how far it exceeds, ``within``; ``""`` where
            there is nothing to compare.
        """
        own, needed = self.modelled, self.deterrent
        if own is None or needed is None:
            return "", None
        if own.size.high < needed.low:
            kind, pair = "below", (needed, own.size)
        elif own.size.low > needed.high:
            kind, pair = "above", (own.size, needed)
        else:
            return "within", None
        return kind, quantities.difference(
            *pair,
            calc_id="force-distance",
            label="Distance between the contingent and the force thought needed to deter",
            formula="force needed to deter − soldiers deployed"
            if kind == "below"
            else "soldiers deployed − force needed to deter",
            unit=SOLDIERS,
        )


FORCES = {
    "bosnia": "NATO’s peacekeepers in Bosnia",
    "russia": "Russia’s troops in Ukraine",
    "ukraine": "Ukraine’s Defence Forces",
}
NAMES = (
    "modelled", "modelled_set", "extrapolation", "missing", "front", "front_source", "front_set", "front_low",
    "front_high", "front_low_source", "front_high_source", "density", "density_low", "density_high", "rotation_ours",
    "rotation_set", "pool", "pool_percent", "pool_times", "unit_cost", "unit_cost_set", "years", "years_set",
    "cost_year", "cost_total", "short", "beyond", "within",
    *(f"{force}_{how}" for force in FORCES for how in ("percent", "times")),
)  # fmt: skip


def model(dataset: Dataset, labels: Mapping[str, str], assumptions: Assumptions) -> Model:
    """Model the contingents of the known texts, and the edition's own where it sets one.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    labels : Mapping of str to str
        Row id of each contingent to its label, in the order of the chapter; unknown rows are left out.
    assumptions : Assumptions
        The edition's parameters. One that is set takes the place of what the texts give.

    Raises
    ------
    DataError
        If a label names a row that the dataset does not have at all.
    """
    for row_id in labels:
        if row_id not in dataset.complete:
            raise DataError(f"The force model names the row “{row_id}”, which data/observations.csv does not have.")
    fronts = _fronts(dataset, assumptions.front_km)
    rotation = quantities.from_parameter(
        "rotation",
        assumptions.rotation,
        ref_id="force-rotation",
        label="Soldiers needed for one deployed",
        unit=SOLDIERS,
        whose=REPORT if assumptions.rotation == DEFAULT_ROTATION else READER,
    )
    years, unit_cost = _years(dataset, assumptions.years), _unit_cost(dataset, assumptions.cost_per_soldier_year)
    armies = _newest(dataset, "Soldiers in European armies", indicator="armed_forces_size", ref_area="europe")
    sizes = [
        (label, dataset.row(row_id)["obs_status"], quantities.from_row(dataset.row(row_id), "Soldiers deployed"))
        for row_id, label in labels.items()
        if row_id in dataset
    ]
    if assumptions.troops is not None:
        own = quantities.from_parameter(
            "troops", assumptions.troops, ref_id="force-troops", label="Soldiers deployed", unit=SOLDIERS, whose=READER
        )
        sizes.insert(0, (SET_LABEL, "assumption", own))
    contingents = tuple(
        _contingent(dataset, label, kind, size, fronts, rotation, years, unit_cost, armies)
        for label, kind, size in sizes
    )
    costed = [c for c in contingents if c.kind == "assumption" or (c.size.row and c.size.row["scenario_id"])]
    return Model(
        dataset,
        contingents,
        costed[0] if costed else None,
        fronts,
        rotation,
        years,
        unit_cost,
        armies,
        _newest(dataset, "Force needed to deter", indicator="deterrent_force_size"),
        _newest(dataset, "NATO’s peacekeepers in Bosnia", indicator="troops_deployed", ref_area="BIH"),
        _newest(dataset, "Russia’s troops in Ukraine", indicator="troops_deployed", actor_id="RUS", ref_area="UKR"),
        _newest(dataset, "Ukraine’s Defence Forces", indicator="armed_forces_size", ref_area="UKR"),
    )


def _contingent(
    dataset: Dataset, label: str, kind: str, size: Quantity, fronts: tuple[Quantity, ...], rotation: Quantity,
    years: Quantity | None, unit_cost: Quantity | None, armies: Quantity | None,
) -> Contingent:  # fmt: skip
    key = size.row.row_id.removeprefix("obs-") if size.row else "set"
    pool = quantities.product(
        (size, rotation),
        calc_id=f"force-pool-{key}",
        label=f"{label}: soldiers needed with rotation",
        formula="soldiers deployed × soldiers needed for one deployed",
        unit=SOLDIERS,
    )
    assert pool is not None  # the rotation has no open bound
    densities = tuple(
        quantities.quotient(
            size,
            front,
            calc_id=f"force-density-{key}-{front.row.row_id.removeprefix('obs-') if front.row else 'set'}",
            label=f"{label}: soldiers per kilometre of front",
            formula="soldiers deployed ÷ kilometres of front",
            unit=SOLDIERS,
        )
        for front in fronts
    )
    share = armies and quantities.share(
        pool,
        armies,
        calc_id=f"force-share-{key}",
        label=f"{label}: soldiers needed as a share of the European armies",
        formula="soldiers needed with rotation ÷ soldiers in European armies",
    )
    cost_year = unit_cost and quantities.product(
        (size, unit_cost),
        calc_id=f"force-cost-year-{key}",
        label=f"{label}: cost a year",
        formula="soldiers deployed × cost of a soldier for a year, a linear extrapolation of this report",
        unit=("dollar", "dollars"),
        sign=CURRENCY,
    )
    cost_total = _own_cost(dataset, size, years, unit_cost)
    if cost_total is None and years and unit_cost:
        cost_total = quantities.product(
            (size, unit_cost, years),
            calc_id=f"force-cost-{key}",
            label=f"{label}: cost over the deployment",
            formula="soldiers deployed × cost of a soldier for a year × years, a linear extrapolation of this report",
            unit=("dollar", "dollars"),
            sign=CURRENCY,
        )
    return Contingent(label, kind, size, pool, densities, share, cost_year, cost_total)


def _own_cost(dataset: Dataset, size: Quantity, years: Quantity | None, unit_cost: Quantity | None) -> Quantity | None:
    """Return the cost that a text itself gives for a contingent, unless the edition sets years or unit cost."""
    scenario = size.row["scenario_id"] if size.row else ""
    if not scenario or years is None or _is_set(years) or _is_set(unit_cost):
        return None
    return _newest(dataset, "Cost of the contingent", indicator="contingent_cost", scenario_id=scenario)


def _fronts(dataset: Dataset, front_km: float | None) -> tuple[Quantity, ...]:
    if front_km is not None:
        return (
            quantities.from_parameter(
                "front_km", front_km, ref_id="force-front", label="Length of the front", unit=KILOMETRES, whose=READER
            ),
        )
    rows = _rows(dataset, indicator="front_length")
    lengths = [quantities.from_row(row, "Length of the front") for row in rows]
    distinct = {(length.low, length.high, length.bound): length for length in reversed(lengths)}
    return tuple(sorted(distinct.values(), key=lambda length: (length.low, length.bound)))


def _years(dataset: Dataset, years: int | None) -> Quantity | None:
    if years is not None:
        return quantities.from_parameter(
            "years", years, ref_id="force-years", label="Length of the deployment", unit=YEARS, whose=READER
        )
    return _newest(dataset, "Length of the deployment", indicator="deployment_years")


def _unit_cost(dataset: Dataset, cost: float | None) -> Quantity | None:
    """Derive the cost of a soldier for a year from a text's scenario of soldiers, years and cost."""
    if cost is not None:
        return quantities.from_parameter(
            "cost_per_soldier_year",
            cost,
            ref_id="force-cost",
            label="Cost of a soldier for a year",
            unit=("dollar", "dollars"),
            whose=READER,
            sign=CURRENCY,
        )
    whole = _newest(dataset, "Cost of the contingent", indicator="contingent_cost", currency=CURRENCY)
    if whole is None or whole.row is None:
        return None
    scenario = whole.row["scenario_id"]
    size = _newest(dataset, "Soldiers deployed", indicator="contingent_size", scenario_id=scenario)
    years = _newest(dataset, "Years", indicator="deployment_years", scenario_id=scenario)
    if not scenario or size is None or years is None:
        return None
    time = quantities.product(
        (size, years),
        calc_id="force-soldier-years",
        label="Soldiers deployed times years of the scenario that has a cost",
        formula="soldiers deployed × years",
        unit=("soldier-year", "soldier-years"),
    )
    return time and quantities.quotient(
        whole,
        time,
        calc_id="force-unit-cost",
        label="Cost of a soldier for a year",
        formula="cost of the contingent ÷ (soldiers deployed × years)",
        unit=("dollar", "dollars"),
        sign=CURRENCY,
    )


def _is_set(quantity: Quantity | None) -> bool:
    return isinstance(quantity.figure, Reference) if quantity else False


def _newest(dataset: Dataset, label: str, **columns: str) -> Quantity | None:
    """Take the value of the observation of the newest text that has these cells."""
    rows = _rows(dataset, **columns)
    return quantities.from_row(rows[-1], label) if rows else None


def _rows(dataset: Dataset, **columns: str) -> list[Row]:
    """List the observations that have these cells, by publication."""
    frame = dataset["observations"]
    for column, value in columns.items():
        frame = frame[frame[column] == value]
    found: Iterable[Row] = (dataset.row(record.observation_id) for record in records(frame))
    return sorted(found, key=lambda row: dataset.source(row.source_id).published)
