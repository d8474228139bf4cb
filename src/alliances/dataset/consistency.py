"""Finds points on which rows give different values and no disagreement says so."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import NamedTuple

from alliances.dataset.tables import FACT_TABLES, Raw, meanings, split_list
from alliances.text.dates import overlap

#: Of each table the columns of the point (the last one is never empty), of what is said of it, of what that holds for.
_POINTS = {
    "observations": (("alliance_id", "indicator"), ("value_low", "value_high", "currency"),
                     ("actor_id", "ref_area", "scenario_id", "duration", "time_period")),
    "positions": (("actor_id", "alliance_id", "topic"), ("position",), ("date",)),
    "characteristics": (("alliance_id", "aspect"), ("value",), ("date",)),
    "event_accounts": (("event_id",), ("date",), ()),
    "memberships": (("alliance_id", "actor_id"), ("entry_date",), ()),
}  # fmt: skip


class OpenPoint(NamedTuple):
    """Rows (id, source, value) on one point that differ without a row of `disagreements` that names both."""

    table: str
    subject: str
    rows: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        rows = "; ".join(f"{row_id} ({source}: {value})" for row_id, source, value in self.rows)
        return f"  {self.table}, {self.subject}: {rows}"


def open_points(tables: Raw) -> list[OpenPoint]:
    """List the points on which rows differ that hold for the same, and no disagreement names both rows.

    Of an aspect only what `labels` calls single or dated counts: of the second, as of a beginning, the date is part of
    what is said.
    """
    groups = (split_list(row["row_ids"]) for row in tables["disagreements"])
    declared = {frozenset(pair) for row_ids in groups for pair in combinations(row_ids, 2)}
    means, points = meanings(tables), list[OpenPoint]()
    for table, (columns, said, scope) in _POINTS.items():
        found = defaultdict[tuple[str, ...], list[dict[str, str]]](list)
        for row in tables[table]:
            # The same sum in a second currency is no second value, and what an author wishes no position of the actor.
            if not row.get("same_as") and not means("attribution", row.get("attribution", ""), "wish"):
                found[tuple(row[column] for column in columns)].append(row)
        for key, rows in found.items():
            is_dated, differing = means("aspect", key[-1], "dated"), dict[str, tuple[str, str, str]]()
            if not key[-1] or (table == "characteristics" and not is_dated and not means("aspect", key[-1], "single")):
                continue
            compared, alike = ((*said, *scope), ()) if is_dated else (said, scope)
            for pair in combinations(rows, 2):
                ids = [row[FACT_TABLES[table]] for row in pair]
                if _agree(*pair, alike) and not _agree(*pair, compared) and frozenset(ids) not in declared:
                    for row_id, row in zip(ids, pair, strict=True):
                        shown = " ".join(row[column] for column in (*said, *scope) if row[column])
                        differing[row_id] = (row_id, row["source_id"], shown)
            if differing:
                points.append(OpenPoint(table, ", ".join(filter(None, key)), tuple(differing.values())))
    return points


def _agree(one: Mapping[str, str], other: Mapping[str, str], columns: Iterable[str]) -> bool:
    """Whether rows say the same; what one leaves open, the other may fill, and “this and that” is “that and this”."""
    return all(overlap(*(" ".join(sorted(row[c].casefold().split())) for row in (one, other))) for c in columns)
