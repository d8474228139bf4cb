"""Finds points on which rows give different values and no disagreement says so."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import combinations
from typing import NamedTuple

from alliances.dataset.dates import overlap
from alliances.dataset.tables import FACT_TABLES, Raw, meanings, split_list

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
    """Rows on one point that give different values without a row of `disagreements` that names both.

    `rows` are row id, source id and value. `single`: one value is expected, so that the difference needs an
    explanation; otherwise the rows may well stand side by side: several tasks, two dates, two scenarios.
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
    """List the points on which rows differ and no disagreement names both rows, single values first.

    Compared are observations of one format and indicator, positions of one actor on one format and topic,
    characteristics of one format and aspect, the dates of one event and of one membership.
    """
    groups = (split_list(row["row_ids"]) for row in tables["disagreements"])
    declared = {frozenset(pair) for row_ids in groups for pair in combinations(set(row_ids), 2)}
    means, points = meanings(tables), list[OpenPoint]()
    for table, key_columns, shown_columns in _POINTS:
        found: dict[tuple[str, ...], dict[_Fact, list[tuple[str, str, str]]]] = {}
        for row in tables[table]:
            fact, key = _fact(table, row, means), tuple(row[c] for c in key_columns)
            if fact is not None and key[-1]:
                shown = " ".join(row[c] for c in shown_columns if row[c])
                said = (row[FACT_TABLES[table]], row["source_id"], shown)
                found.setdefault(key, {}).setdefault(fact, []).append(said)
        for key, facts in found.items():
            for single, members in _loose(facts, declared):
                rows = tuple(said for fact in facts if fact in members for said in facts[fact])
                points.append(OpenPoint(table, ", ".join(k for k in key if k), rows, single))
    return sorted(points, key=lambda point: not point.single)


def _loose(
    facts: Mapping[_Fact, list[tuple[str, str, str]]], declared: set[frozenset[str]]
) -> Iterator[tuple[bool, set[_Fact]]]:
    loose: dict[bool, set[_Fact]] = {True: set(), False: set()}
    for one, other in combinations(facts, 2):
        # 2025-03 and 2025-03-02 do not contradict each other.
        if one.value == other.value and overlap(one.date, other.date):
            continue
        if any(frozenset((a[0], b[0])) not in declared for a in facts[one] for b in facts[other]):
            # What one row leaves open, the other may fill.
            same = all(not a or not b or a == b for a, b in zip(one.scope, other.scope, strict=True))
            loose[one.single and other.single and same and overlap(one.time, other.time)] |= {one, other}
    return ((single, members) for single, members in loose.items() if members)


def _fact(table: str, row: Mapping[str, str], means: Callable[[str, str, str], bool]) -> _Fact | None:
    if table == "observations":
        # The same sum in a second currency is no second value; “about 20” and “20” name one number.
        low, high = _plain(row["value_low"]), _plain(row["value_high"])
        value = ("" if low == high else row["comparator"], low, high, row["currency"])
        scope = (row["actor_id"], row["ref_area"], row["scenario_id"], row["duration"])
        return None if row["same_as"] else _Fact(value, scope=scope, time=row["time_period"])
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
    date = row["date"] if table == "event_accounts" else row["entry_date"]
    return _Fact(date=date) if date else None


def _plain(text: str) -> str:
    with suppress(ValueError):
        return repr(float(text))
    return text
