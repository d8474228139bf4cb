"""How the groups of countries overlap: NATO, the European Union, the JEF, and those named as ready to send troops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alliances.analysis.derived import Derived, Input
from alliances.analysis.frames import records
from alliances.analysis.knowledge import as_of_day
from alliances.analysis.memberships import member_rows, reference_list, reference_members
from alliances.analysis.positions import KNOWN
from alliances.analysis.standing import country_positions, current_positions, one_each
from alliances.dataset import Dataset, Row
from alliances.prose.values import date_text, join_and

LABELS = {"nato": "NATO", "eu": "EU", "jef": "JEF", "troops": "Ready to send troops"}
IN_SENTENCE = {
    "nato": "NATO",
    "eu": "the European Union",
    "jef": "the JEF",
    "troops": "the group of those named as ready to send troops",
}


@dataclass(frozen=True)
class Group:
    """A group of countries.

    Parameters
    ----------
    id : str
        A key of ``LABELS``.
    rows : dict of str to Row or None
        Its countries by alpha-3, each with the row that says so; ``None`` for the public record.
    """

    id: str
    rows: dict[str, Row | None]

    @property
    def label(self) -> str:
        """Its heading in a chart."""
        return LABELS[self.id]


@dataclass(frozen=True)
class Overlap:
    """The countries that are in some groups and in no other.

    Parameters
    ----------
    groups : tuple of str
        The groups, in the order of ``LABELS``.
    countries : tuple of str
        The countries by alpha-3, in order of their names.
    figure : Derived
        Their number.
    rows : tuple of Row
        The rows that place them there, beside the public record.
    """

    groups: tuple[str, ...]
    countries: tuple[str, ...]
    figure: Derived
    rows: tuple[Row, ...]


def groups(dataset: Dataset) -> list[Group]:
    """List the groups that have a country in this edition."""
    codes = set(dataset["countries"]["iso3"])
    found = [
        Group(organisation, dict.fromkeys(reference_members(dataset, organisation)["iso3"]))
        for organisation in ("nato", "eu")
    ]
    found.append(
        Group("jef", {row["actor_id"]: row for row in member_rows(dataset, "jef") if row["actor_id"] in codes})
    )
    # A country whose newest text tells of more than one position counts only where all of them say ready.
    ready = one_each(current_positions(country_positions(dataset, ("troops",), KNOWN)), ("ready",))
    found.append(Group("troops", {record.actor_id: dataset.row(record.row_id) for record in records(ready)}))
    return [group for group in found if group.rows]


def overlaps(dataset: Dataset) -> list[Overlap]:
    """List the combinations of groups that occur, the most frequent first."""
    known = groups(dataset)
    names = dict(zip(dataset["countries"]["iso3"], dataset["countries"]["name"], strict=True))
    combined: dict[tuple[str, ...], list[str]] = {}
    for code in sorted(names, key=names.__getitem__):
        inside = tuple(group.id for group in known if code in group.rows)
        if inside:
            combined.setdefault(inside, []).append(code)
    by_id = {group.id: group for group in known}
    found = [_overlap(dataset, inside, tuple(codes), by_id, names) for inside, codes in combined.items()]
    order = list(LABELS)
    return sorted(found, key=lambda o: (-len(o.countries), len(o.groups), [order.index(g) for g in o.groups]))


def _overlap(
    dataset: Dataset, inside: tuple[str, ...], codes: tuple[str, ...], known: dict[str, Group], names: dict[str, str]
) -> Overlap:
    others = [IN_SENTENCE[group] for group in known if group not in inside]
    label = f"Countries in {join_and([IN_SENTENCE[group] for group in inside])}"
    figure = _figure(
        dataset,
        f"members-overlap-{'-'.join(inside)}",
        f"{label}, but not in {join_and(others, 'or')}" if others else label,
        codes,
        [known[group] for group in inside],
        list(known),
    )
    placed = [row for code in codes for group in inside if (row := known[group].rows[code]) is not None]
    return Overlap(inside, codes, figure, tuple(placed))


def _figure(
    dataset: Dataset, calc_id: str, label: str, codes: Sequence[str], inside: Sequence[Group], compared: Sequence[str]
) -> Derived:
    names = dict(zip(dataset["countries"]["iso3"], dataset["countries"]["name"], strict=True))
    record = [(group, reference_list(dataset, group)) for group in ("nato", "eu") if group in compared]
    placed = [(code, row) for code in codes for group in inside if (row := group.rows[code]) is not None]
    listed = f": {join_and([names[code] for code in codes])}" if codes else ""
    return Derived(
        id=calc_id,
        text=str(len(codes)),
        value=float(len(codes)),
        label=label,
        formula=f"number of countries in these lists on {date_text(as_of_day(dataset))}{listed}",
        inputs=(
            *(Input(f"{reference.text} members", reference.anchor, LABELS[group]) for group, reference in record),
            *(Input(names[code], row.row_id) for code, row in placed),
        ),
        unit="countries",
    )


def count_within(dataset: Dataset, inside: tuple[str, ...], outside: tuple[str, ...] = ()) -> Derived | None:
    """Count the countries that are in all of some groups and in none of some others.

    Returns
    -------
    Derived or None
        ``None`` where one of the groups has no country in this edition.
    """
    known = {group.id: group for group in groups(dataset)}
    if any(group not in known for group in (*inside, *outside)):
        return None
    codes = set.intersection(*(set(known[group].rows) for group in inside))
    codes -= {code for group in outside for code in known[group].rows}
    names = dict(zip(dataset["countries"]["iso3"], dataset["countries"]["name"], strict=True))
    without = f", but not in {join_and([IN_SENTENCE[group] for group in outside], 'or')}" if outside else ""
    return _figure(
        dataset,
        f"members-within-{'-'.join(inside)}{'-not-' + '-'.join(outside) if outside else ''}",
        f"Countries in {join_and([IN_SENTENCE[group] for group in inside])}{without}",
        sorted(codes, key=names.__getitem__),
        [known[group] for group in inside],
        [*inside, *outside],
    )
