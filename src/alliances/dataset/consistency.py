"""Finds points on which rows give different values and no disagreement says so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from alliances.dataset.dates import first_day, split_period
from alliances.dataset.tables import FACT_TABLES, Raw, split_list

__all__ = ["OpenPoint", "open_points"]

_Row = Mapping[str, str]

#: Aspects of which a format has one at a time; of the others (tasks, risks …) it may have many.
SINGLE_ASPECTS = frozenset(
    {"name", "origin", "begin", "lead", "area", "command", "decision_rule", "readiness", "duration"}
)
_SMALL_WORDS = frozenset({"a", "an", "and", "of", "the"})
#: Beyond so many distinct values of one point every pair counts as undeclared, to keep the work linear.
_MANY = 200


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """Rows on one point that give different values without a row of `disagreements` that names both.

    Attributes
    ----------
    table : str
        Table of the rows.
    subject : str
        What they are on, for instance ``jef, members``.
    rows : tuple of (str, str, str)
        Row id, source id and value of each row that takes part in an undeclared pair.
    single : bool
        Whether one value is expected, so that the difference needs an explanation. Otherwise the rows
        may well stand side by side: several tasks, two dates, two scenarios.
    """

    table: str
    subject: str
    rows: tuple[tuple[str, str, str], ...]
    single: bool


@dataclass(frozen=True, slots=True)
class _Fact:
    """A row as far as comparing goes; equal facts need not be compared with one another.

    `scope` is what the value holds for, its last part a time; `single` whether one value is expected.
    """

    value: tuple[str, ...]
    scope: tuple[str, ...]
    single: bool


def open_points(tables: Raw) -> list[OpenPoint]:
    """List the points on which rows differ and no disagreement names both rows.

    Compared are observations of one alliance and indicator, positions of one actor on one alliance and
    topic, characteristics of one alliance and aspect, the dates of one event and of one membership.

    Parameters
    ----------
    tables : dict of str to list of dict
        Raw tables.

    Returns
    -------
    list of OpenPoint
        Those where a single value is expected first.
    """
    declared: set[frozenset[str]] = set()
    for row in tables["disagreements"]:
        declared.update(frozenset(pair) for pair in combinations(set(split_list(row["row_ids"])), 2))
    source_of_quote = {row["quote_id"]: row["source_id"] for row in tables["quotes"]}
    points: list[OpenPoint] = []
    for table, key_columns, shown_columns, read, differ in _KINDS:
        groups: dict[tuple[str, ...], dict[_Fact, list[str]]] = {}
        shown: dict[str, tuple[str, str]] = {}
        for row in tables[table]:
            fact = read(row)
            key = tuple(row[c] for c in key_columns)
            if fact is not None and key[-1]:
                row_id = row[FACT_TABLES[table]]
                groups.setdefault(key, {}).setdefault(fact, []).append(row_id)
                source = source_of_quote.get(next(iter(split_list(row["quote_ids"])), ""), "")
                shown[row_id] = (source, " ".join(row[c] for c in shown_columns if row[c]))
        # Which fact a row holds, to count for each pair of facts the pairs of rows that are declared.
        fact_of = {r: (key, f) for key, facts in groups.items() for f, ids in facts.items() for r in ids}
        counted = _count_declared(declared, fact_of)
        for key, facts in groups.items():
            points += _of_group(table, key, facts, differ, counted, shown)
    return sorted(points, key=lambda p: not p.single)


def _count_declared(
    declared: Iterable[frozenset[str]], fact_of: Mapping[str, tuple[tuple[str, ...], _Fact]]
) -> Counter[tuple[tuple[str, ...], frozenset[_Fact]]]:
    counted: Counter[tuple[tuple[str, ...], frozenset[_Fact]]] = Counter()
    for pair in declared:
        one, other = (fact_of.get(row_id) for row_id in pair)
        if one and other and one[0] == other[0] and one[1] != other[1]:
            counted[one[0], frozenset((one[1], other[1]))] += 1
    return counted


def _of_group(
    table: str, key: tuple[str, ...], facts: Mapping[_Fact, list[str]],
    differ: Callable[[_Fact, _Fact], bool],
    counted: Mapping[tuple[tuple[str, ...], frozenset[_Fact]], int], shown: Mapping[str, tuple[str, str]],
) -> Iterator[OpenPoint]:  # fmt: skip
    if len({fact.value for fact in facts}) < 2:
        return
    loose: dict[bool, set[_Fact]] = {True: set(), False: set()}
    if len(facts) > _MANY:
        loose[True].update(facts)
    else:
        for one, other in combinations(facts, 2):
            if not differ(one, other):
                continue
            pairs = len(facts[one]) * len(facts[other])
            if counted.get((key, frozenset((one, other))), 0) < pairs:
                single = one.single and other.single and _comparable(one.scope, other.scope)
                loose[single].update((one, other))
    for single, members in loose.items():
        if members:
            rows = tuple((row_id, *shown[row_id]) for fact in facts if fact in members for row_id in facts[fact])
            yield OpenPoint(table, ", ".join(k for k in key if k), rows, single)


def _comparable(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two scopes may be the same: what one row leaves open, the other may fill.

    The last part of a scope is a time; times that overlap may be the same.
    """
    return all(not a or not b or a == b for a, b in zip(one[:-1], other[:-1], strict=True)) and _overlap(
        one[-1], other[-1]
    )


def _overlap(one: str, other: str) -> bool:
    if not one or not other:
        return True
    try:
        (a, b), (c, d) = _ends(one), _ends(other)
    except ValueError:
        return one == other
    return a <= d and c <= b


def _ends(period: str) -> tuple[str, str]:
    dates = split_period(period)
    first, last = dates[0], dates[-1]
    first_day(first)
    start = "" if period.startswith("..") else first
    # "2025" lasts until "2025-99", so that plain comparison of text finds overlaps.
    end = "9999" if period.endswith("..") else last + "-99-99"[: 10 - len(last)]
    return start, end


def _observation(row: _Row) -> _Fact | None:
    # The same sum in a second currency is no second value.
    if row["same_as"]:
        return None
    value = (row["comparator"], row["value_low"], row["value_high"], row["currency"])
    number = tuple(_plain(v) for v in (row["value_low"], row["value_high"]))
    if number[0] and number[0] == number[1]:
        # “about 20” and “20” name one number.
        value = ("", number[0], "", row["currency"])
    scope = (row["actor_id"], row["ref_area"], row["scenario_id"], row["duration"], row["time_period"])
    return _Fact(value, scope, True)


def _position(row: _Row) -> _Fact:
    # What an author wishes is no position of the country.
    return _Fact((row["position"],), (row["date"],), row["attribution"] != "author_wish")


def _characteristic(row: _Row) -> _Fact:
    # “France and the United Kingdom” and “the United Kingdom and France” are one value.
    value = " ".join(sorted(set(re.findall(r"\w+", row["value"].casefold())) - _SMALL_WORDS))
    return _Fact((value,), (row["date"],), row["aspect"] in SINGLE_ASPECTS)


def _event(row: _Row) -> _Fact | None:
    return _Fact((row["date"],), ("",), True) if row["date"] else None


def _membership(row: _Row) -> _Fact | None:
    return _Fact((row["entry_date"],), ("",), True) if row["entry_date"] else None


def _values_differ(one: _Fact, other: _Fact) -> bool:
    return one.value != other.value


def _dates_differ(one: _Fact, other: _Fact) -> bool:
    # 2025-03 and 2025-03-02 do not contradict each other.
    return not _overlap(one.value[0], other.value[0])


def _plain(text: str) -> str:
    try:
        return repr(float(text))
    except ValueError:
        return text


#: Table, columns of the point (the last one is never empty), columns of the value, how to read and compare.
_KINDS: tuple[
    tuple[
        str, tuple[str, ...], tuple[str, ...], Callable[[_Row], _Fact | None], Callable[[_Fact, _Fact], bool]
    ],
    ...,
] = (
    (
        "observations", ("alliance_id", "indicator"),
        ("comparator", "value_low", "value_high", "currency", "scenario_id", "ref_area", "time_period"),
        _observation, _values_differ,
    ),
    ("positions", ("actor_id", "alliance_id", "topic"), ("position", "date"), _position, _values_differ),
    ("characteristics", ("alliance_id", "aspect"), ("value", "date"), _characteristic, _values_differ),
    ("event_accounts", ("event_id",), ("date",), _event, _dates_differ),
    ("memberships", ("alliance_id", "actor_id"), ("role", "entry_date"), _membership, _dates_differ),
)  # fmt: skip
