"""Finds points on which rows give different values and no disagreement says so."""

import re
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import NamedTuple

from alliances.dataset.tables import FACT_TABLES, Raw, meanings, split_list
from alliances.text.dates import overlap
from alliances.text.reading import number

_SMALL_WORDS = frozenset({"a", "an", "and", "of", "the"})
#: Table, columns of the point (the last one is never empty), columns of the value as shown.
_POINTS = (
    ("observations", ("alliance_id", "indicator"),
     ("comparator", "value_low", "value_high", "currency", "scenario_id", "ref_area", "time_period")),
    ("positions", ("actor_id", "alliance_id", "topic"), ("position", "date")),
    ("characteristics", ("alliance_id", "aspect"), ("value", "date")),
    ("event_accounts", ("event_id",), ("date",)),
    ("memberships", ("alliance_id", "actor_id"), ("role", "entry_date")),
)  # fmt: skip


class OpenPoint(NamedTuple):
    """Rows (id, source, value) on one point that differ without a row of `disagreements` that names both.

    `single`: one value is expected; otherwise they may well stand side by side: several tasks, dates, scenarios.
    """

    table: str
    subject: str
    rows: tuple[tuple[str, str, str], ...]
    single: bool

    def __str__(self) -> str:
        rows = "; ".join(f"{row_id} ({source}: {value})" for row_id, source, value in self.rows)
        return f"  {self.table}, {self.subject}: {rows}"


class _Fact(NamedTuple):
    """A row as far as comparing goes: its value and date, what it holds for and when, whether one value is expected."""

    value: tuple[str, ...] = ()
    date: str = ""
    scope: tuple[str, ...] = ()
    time: str = ""
    single: bool = True


def open_points(tables: Raw) -> list[OpenPoint]:
    """List the points on which rows differ and no disagreement names both rows, single values first."""
    groups = (split_list(row["row_ids"]) for row in tables["disagreements"])
    declared = {frozenset(pair) for row_ids in groups for pair in combinations(row_ids, 2)}
    means, points = meanings(tables), list[OpenPoint]()
    for table, key_columns, shown_columns in _POINTS:
        found: dict[tuple[str, ...], dict[tuple[str, str, str], _Fact]] = {}
        for row in tables[table]:
            key, shown = tuple(row[c] for c in key_columns), " ".join(row[c] for c in shown_columns if row[c])
            if key[-1] and not row.get("same_as"):  # the same sum in a second currency is no second value
                found.setdefault(key, {})[row[FACT_TABLES[table]], row["source_id"], shown] = _fact(table, row, means)
        for key, facts in found.items():
            loose: dict[bool, set[tuple[str, str, str]]] = {True: set(), False: set()}
            for (one, fact), (other, told) in combinations(facts.items(), 2):
                differs = fact.value != told.value or not overlap(fact.date, told.date)  # 2025-03 may be 2025-03-02
                if differs and frozenset((one[0], other[0])) not in declared:
                    loose[_is_single(fact, told)] |= {one, other}
            points += [
                OpenPoint(table, ", ".join(filter(None, key)), tuple(row for row in facts if row in rows), single)
                for single, rows in loose.items()
                if rows
            ]
    return sorted(points, key=lambda point: not point.single)


def _is_single(one: _Fact, other: _Fact) -> bool:
    # What one row leaves open, the other may fill.
    is_same = all(not a or not b or a == b for a, b in zip(one.scope, other.scope, strict=True))
    return one.single and other.single and is_same and overlap(one.time, other.time)


def _fact(table: str, row: Mapping[str, str], means: Callable[[str, str, str], bool]) -> _Fact:
    if table == "observations":
        low, high = (str(number(row[column])) for column in ("value_low", "value_high"))
        value = ("" if low == high else row["comparator"], low, high, row["currency"])  # “about 20” and “20” are one
        scope = (row["actor_id"], row["ref_area"], row["scenario_id"], row["duration"])
        return _Fact(value, scope=scope, time=row["time_period"])
    if table == "positions":
        # What an author wishes is no position of the actor.
        return _Fact((row["position"],), time=row["date"], single=not means("attribution", row["attribution"], "wish"))
    if table == "characteristics":
        # “This one and that” and “that and this one” are one value.
        words = " ".join(sorted(set(re.findall(r"\w+", row["value"].casefold())) - _SMALL_WORDS))
        # Of a beginning the date is part of what is said: 1967 against 1968 is a difference.
        if means("aspect", row["aspect"], "dated"):
            return _Fact((words,), row["date"])
        return _Fact((words,), time=row["date"], single=means("aspect", row["aspect"], "single"))
    return _Fact(date=row["date" if table == "event_accounts" else "entry_date"])
