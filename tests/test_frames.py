"""Evidence through pandas: the ids of a frame are those of its rows, neither more nor fewer, or the call refuses it.

Random chains of pandas run beside an oracle that knows no pandas: rows as dictionaries with the set of ids behind
each. Careful chains keep ``row_id`` as the guide says and must come out exact; in careless ones each step may lose
ids, and then the call must say so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliances.errors import NarrativeError
from cells import Cells, edition_of, some

TABLES = ("memberships", "positions", "observations", "event_accounts", "public_record")
JOIN = " ".join
_numbers = itertools.count()


@dataclass
class Pair:
    """A frame and what its rows must be: a value of each column that the steps use, and ids."""

    frame: pd.DataFrame
    rows: list[dict[str, Any]]
    columns: set[str] = field(default_factory=lambda: {"actor_id", "kind"})

    def with_(self, frame: pd.DataFrame, rows: list[dict[str, Any]], *columns: str) -> Pair:
        return Pair(frame, rows, set(columns) or self.columns)


def start(table: str) -> Pair:
    frame = edition_of().frame(table)
    if "actor_id" not in frame:
        frame = frame.rename(columns={"alliance_id": "actor_id"})
    frame = frame.assign(kind=[f"k{len(row_id) % 3}" for row_id in frame["row_id"]])
    rows = [
        {"actor_id": actor, "kind": kind, "ids": frozenset([row_id])}
        for actor, kind, row_id in zip(frame["actor_id"], frame["kind"], frame["row_id"], strict=True)
    ]
    return Pair(frame, rows)


def grouped(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[str, frozenset[str]] = {}
    for row in rows:
        groups[row["actor_id"]] = groups.get(row["actor_id"], frozenset()) | row["ids"]
    return [{"actor_id": actor, "ids": groups[actor]} for actor in sorted(groups)]


def first_of_each(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row["actor_id"], row)
    return list(found.values())


def joined(left: list[dict[str, Any]], right: list[dict[str, Any]], how: str) -> list[dict[str, Any]]:
    made = []
    for one in left:
        found = [other for other in right if other["actor_id"] == one["actor_id"]]
        made += [{**one, "ids": one["ids"] | other["ids"]} for other in found]
        made += [one] if how == "left" and not found else []
    return made


# Steps that keep the ids as the guide says


def query(pair: Pair, draw: Any) -> Pair:
    column = draw(st.sampled_from(sorted(pair.columns)))
    value = draw(st.sampled_from(["k0", "k1"] if column == "kind" else ["XAV", "XDN", "commission"]))
    same = draw(st.booleans())
    kept = [row for row in pair.rows if (row[column] == value) == same]
    return pair.with_(pair.frame.query(f"{column} {'==' if same else '!='} @value"), kept)


def sort(pair: Pair, draw: Any) -> Pair:
    column = draw(st.sampled_from(sorted(pair.columns)))
    down = draw(st.booleans())
    frame = pair.frame.sort_values(column, ascending=not down, kind="stable")
    return pair.with_(frame, sorted(pair.rows, key=lambda row: row[column], reverse=down))


def head(pair: Pair, draw: Any) -> Pair:
    count = draw(st.integers(0, 12))
    return pair.with_(pair.frame.head(count), pair.rows[:count])


def drop_duplicates(pair: Pair, draw: Any) -> Pair:
    return pair.with_(pair.frame.drop_duplicates("actor_id"), first_of_each(pair.rows))


def assign(pair: Pair, draw: Any) -> Pair:
    frame = pair.frame.assign(shown=lambda f: f["actor_id"].str.lower())
    return pair.with_(frame.rename(columns={"source": f"source_{next(_numbers)}"}), pair.rows)


def concat(pair: Pair, draw: Any) -> Pair:
    other = start(draw(st.sampled_from(TABLES)))
    columns = pair.columns & other.columns
    return pair.with_(
        pd.concat([pair.frame, other.frame], ignore_index=draw(st.booleans())), pair.rows + other.rows, *columns
    )


def merge(pair: Pair, draw: Any, wanted: tuple[str, ...] = ("actor_id", "row_id")) -> Pair:
    other = start(draw(st.sampled_from(TABLES)))
    how = draw(st.sampled_from(["inner", "left"]))
    number = next(_numbers)
    frame = pair.frame.merge(other.frame[list(wanted)], on="actor_id", how=how, suffixes=(f"_{number}", f"_{number}b"))
    return pair.with_(frame, joined(pair.rows, other.rows, how))


def group(pair: Pair, draw: Any) -> Pair:
    ids = [c for c in pair.frame.columns if str(c).startswith("row_id")]
    keep = {c: (c, lambda cells: JOIN(cells.dropna())) for c in ids}
    frame = pair.frame.groupby("actor_id", as_index=draw(st.booleans())).agg(n=("actor_id", "size"), **keep)
    frame = frame if "actor_id" in frame else frame.reset_index()
    return pair.with_(frame, grouped(pair.rows), "actor_id")


def melt(pair: Pair, draw: Any) -> Pair:
    ids = [c for c in pair.frame.columns if str(c).startswith("row_id")]
    frame = pair.frame.drop(columns=["which", "of"], errors="ignore").assign(one="a", two="b")
    frame = frame.melt(
        id_vars=[*ids, *sorted(pair.columns)], value_vars=["one", "two"], var_name="which", value_name="of"
    )
    return pair.with_(frame, [*pair.rows, *pair.rows])


# Steps in which an analyst may lose them


def select(pair: Pair, draw: Any) -> Pair:
    return pair.with_(pair.frame[sorted(pair.columns)], pair.rows)


def renumber(pair: Pair, draw: Any) -> Pair:
    return pair.with_(pair.frame.reset_index(drop=True), pair.rows)


def index_by_actor(pair: Pair, draw: Any) -> Pair:
    return pair.with_(pair.frame.set_index("actor_id", drop=False).rename_axis(None), pair.rows)


def merge_bare(pair: Pair, draw: Any) -> Pair:
    return merge(pair, draw, ("actor_id",))


def group_bare(pair: Pair, draw: Any) -> Pair:
    how = draw(st.sampled_from(["size", "first", "max", "agg", "list"]))
    groups = pair.frame.groupby("actor_id")
    if how == "size":
        frame = groups.size().reset_index(name="n")
    elif how == "agg" or "row_id" not in pair.frame:
        frame = groups.agg(n=("actor_id", "size")).reset_index()
    elif how == "list":
        frame = groups.agg(row_id=("row_id", list)).reset_index()
    else:
        frame = groups.agg(row_id=("row_id", how)).reset_index()
    return pair.with_(frame, grouped(pair.rows), "actor_id")


def merge_group(pair: Pair, draw: Any) -> Pair:
    other = start(draw(st.sampled_from(TABLES)))
    sums = other.frame.groupby("actor_id").agg(other=("kind", "size"))
    number = next(_numbers)
    frame = pair.frame.merge(sums, on="actor_id", suffixes=(f"_{number}", f"_{number}b"))
    return pair.with_(frame, joined(pair.rows, grouped(other.rows), "inner"))


def concat_bare(pair: Pair, draw: Any) -> Pair:
    other = start(draw(st.sampled_from(TABLES)))
    bare = other.frame.drop(columns="row_id")
    bare = bare.reset_index(drop=True) if draw(st.booleans()) else bare
    return pair.with_(pd.concat([pair.frame, bare]), pair.rows + other.rows, *(pair.columns & other.columns))


def melt_bare(pair: Pair, draw: Any) -> Pair:
    frame = pair.frame.drop(columns=["which", "of"], errors="ignore").assign(one="a", two="b")
    frame = frame.melt(id_vars=sorted(pair.columns), value_vars=["one", "two"], var_name="which", value_name="of")
    return pair.with_(frame, [*pair.rows, *pair.rows])


def pivot(pair: Pair, draw: Any) -> Pair:
    frame = pair.frame.assign(n=1).pivot_table(index="actor_id", values="n", aggfunc="sum").reset_index()
    return pair.with_(frame, grouped(pair.rows), "actor_id")


Step = Callable[[Pair, Any], Pair]
CAREFUL: list[Step] = [query, sort, head, drop_duplicates, assign, concat, merge, group, melt]
CARELESS: list[Step] = [
    select,
    renumber,
    index_by_actor,
    merge_bare,
    group_bare,
    merge_group,
    concat_bare,
    melt_bare,
    pivot,
]


def chain(data: st.DataObject, steps: list[Step]) -> Pair:
    pair = start(data.draw(st.sampled_from(TABLES)))
    for step in data.draw(st.lists(st.sampled_from(steps), max_size=6)):
        if {"kind"} <= pair.columns or step not in (select,):
            pair = step(pair, data.draw)
        if len(pair.rows) > 300:
            pair = pair.with_(pair.frame.head(40), pair.rows[:40])
    assert [*pair.frame["actor_id"]] == [row["actor_id"] for row in pair.rows]  # the oracle has kept step
    return pair


def wanted(pair: Pair) -> set[str]:
    return {i for row in pair.rows for i in row["ids"]}


@some
@given(st.data())
def test_careful_chains_carry_exactly_the_ids_of_their_rows(data: st.DataObject) -> None:
    edition, pair = edition_of(), chain(data, CAREFUL)
    ids = wanted(pair)
    actors = {row["actor_id"] for row in pair.rows} - {""}
    n = edition.count(pair.frame, "actor_id", "actors")
    assert (n.low, set(n.evidence.all_rows)) == (len(actors), ids)
    names = edition.names(pair.frame, "actor_id")
    assert (len(names), set(names.evidence.all_rows)) == (len(actors), ids)
    size = edition.value(pair.frame, len, how="rows")
    assert not size if not ids else (size.low, set(size.evidence.all_rows)) == (len(pair.rows), ids)
    nobody = edition.none(pair.frame.head(0), "actors", among=pair.frame)
    assert not nobody if not ids else set(nobody.evidence.all_rows) == ids
    last = edition.value(pair.frame, lambda f: f["actor_id"].max(), how="last actor")
    rows = [row for row in pair.rows if last and row["actor_id"] == last.text]
    assert {i for row in rows for i in row["ids"]} <= set(last.evidence.all_rows) <= ids


@some
@given(st.data())
def test_careless_chains_are_exact_or_refused_with_the_remedy(data: st.DataObject) -> None:
    edition, pair = edition_of(), chain(data, CAREFUL + CARELESS)
    ids = wanted(pair)
    for call in (
        lambda: edition.count(pair.frame, "actor_id", "actors"),
        lambda: edition.names(pair.frame, "actor_id"),
        lambda: edition.value(pair.frame, len, how="rows"),
        lambda: edition.none(pair.frame.head(0), "actors", among=pair.frame),
    ):
        try:
            value = call()
        except NarrativeError as error:
            assert "row_id" in str(error) or "row id" in str(error)  # noqa: PT017
        else:
            assert set(value.evidence.all_rows) == ids


@pytest.mark.parametrize(
    "lose",
    [
        "members.merge(record[['actor_id', 'entry_date']], on='actor_id')",
        "members[['actor_id']].merge(record, on='actor_id')",
        "pd.merge(record[['actor_id']], members[['actor_id', 'row_id']], on='actor_id')",
        "members.join(record.set_index('actor_id')[['body_id']], on='actor_id')",
        "members.merge(record.groupby('actor_id').size().reset_index(name='n'), on='actor_id')",
        "record.groupby('actor_id').agg(n=('body_id', 'size')).reset_index().merge(members, on='actor_id')",
        "members.groupby('actor_id').first().reset_index()",
        "members.groupby('actor_id', as_index=False).agg(row_id=('row_id', 'max'))",
        "members.groupby('actor_id')['row_id'].first().reset_index()",
        "members.groupby('actor_id').agg(n=('row_id', 'size')).reset_index()",
        "members.groupby('role').agg(actor_id=('actor_id', 'first'))",
        "obs.groupby('same_as').agg(actor_id=('actor_id', 'first'))",
        "obs.set_index('same_as').drop(columns='row_id')",
        "members.drop(columns='row_id').reset_index()",
        "members.drop(columns='row_id').reset_index(drop=True)",
        "members[['actor_id']].drop_duplicates(ignore_index=True)",
        "members.melt(id_vars='actor_id', value_vars='role')",
        "obs.merge(members, on='actor_id')[['actor_id', 'value']].reset_index(drop=True)",
        "pd.concat([members, obs[['actor_id', 'value']].reset_index(drop=True)])",
        "pd.concat([members, members.merge(record[['actor_id']], on='actor_id')])",
        "pd.concat([members, obs[['actor_id']]])",
        "pd.concat([members, obs[['actor_id']]]).groupby('actor_id').agg(row_id=('row_id', ' '.join)).reset_index()",
        "members.merge(record[['actor_id']]).groupby('actor_id').agg(row_id=('row_id', ' '.join)).reset_index()",
        "pd.concat([members, obs[['actor_id']].reset_index(drop=True)]).merge(record, on='actor_id')",
        "members.assign(row_id='mem-unknown')",
        "members.assign(row_id='dis-founding')",
        "members.assign(row_id=None).reset_index(drop=True)",
        "members.T.assign(actor_id='x')",
        "pd.DataFrame({'actor_id': ['XAV']})",
    ],
)
def test_lost_ids_are_named_with_the_remedy(lose: str) -> None:
    cells = Cells()
    cells.run(FRAMES)
    cells.run(f"lost = {lose}")
    assert "row" in cells.refuses("edition.count(lost, 'actor_id', 'actors')")


FRAMES = """
members = edition.frame("memberships")
record = edition.frame("public_record")
obs = edition.frame("observations")
"""


@pytest.mark.parametrize(
    ("keep", "ids"),
    [
        ("members[['actor_id']]", "members"),
        ("members[['actor_id']].query('actor_id == \"XAV\"')", "members.query('actor_id == \"XAV\"')"),
        ("members.groupby('actor_id').agg(row_id=('row_id', list)).reset_index()", "members"),
        ("members.groupby('actor_id')['row_id'].agg(' '.join).reset_index()", "members"),
        ("members.groupby('row_id').agg(actor_id=('actor_id', 'first'))", "members"),
        ("next(part for _, part in members.groupby('role'))", "members.query('role == \"contributor\"')"),
        ("members.groupby('actor_id').head(1)", "members.drop_duplicates('actor_id')"),
        ("members.merge(edition.frame('countries'), left_on='actor_id', right_on='iso3')", "members"),
        ("members.merge(pd.DataFrame({'actor_id': ['XAV'], 'order': [2]}))", "members.query('actor_id == \"XAV\"')"),
        ("members.assign(row_id=members['row_id'] + '; r-xav-league')", "pd.concat([members, record.head(1)])"),
        ("members.pivot(index='row_id', columns='role', values='actor_id').rename(columns={'party': 'actor_id'})",
         "members"),
        ("pd.concat([members, members], axis=1).loc[:, lambda f: ~f.columns.duplicated()]", "members"),
        ("edition.find('XAV').assign(actor_id='XAV')", "edition.find('XAV')"),
    ],
)  # fmt: skip
def test_what_keeps_ids_is_exact(keep: str, ids: str) -> None:
    cells = Cells()
    cells.run(FRAMES)
    cells.run(f"kept, whole = {keep}, {ids}\nn = edition.count(kept, 'actor_id', 'actors')")
    assert set(cells.names["n"].evidence.all_rows) == set(cells.names["whole"]["row_id"])


def test_quantities_carry_their_own_ids_through_groups() -> None:
    edition = edition_of()
    frame = edition.frame("observations").query("unit == 'barges'")
    sums = frame.groupby("actor_id", as_index=False).agg(value=("value", "sum"))
    total = edition.value(sums, lambda f: f["value"].iloc[0], how="barges") if "row_id" in sums else sums["value"][0]
    assert (str(total), set(total.evidence.all_rows)) == ("70", {"obs-barges-report", "obs-barges-brief"})
    kept = frame.groupby("actor_id", as_index=False).agg(value=("value", "sum"), row_id=("row_id", JOIN))
    assert str(edition.value(kept, lambda f: f["value"].max(), how="most barges")) == "70"
    assert [*edition.frame("observations").query("value > 1000")["row_id"]][-1] == "obs-payment-marks-column"
    spread = edition.spread(frame)
    assert [*spread["value_low"]] == [*spread["value_high"]] == [40.0, 30.0]


def test_empty_cells_are_neither_counted_nor_named() -> None:
    edition = edition_of()
    frame = edition.frame("observations")
    assert edition.count(frame, "actor_id", "actors").low == len(edition.names(frame, "actor_id")) == 5
    assert edition.names(frame, "actor_id").text == "Arven, Belmora, Cestria, Dunmere and Estovia"
    assert edition.names(edition.frame("memberships"), "alliance_id").items[0] == "the Compact of 1931"
    assert edition.count(frame, "value", "values").low == 17  # forty stands for barges and, as a share, for water


@pytest.mark.parametrize(
    "call",
    [
        "edition.count(members, 'nix', 'x')",
        "edition.count(pd.concat([members, members], axis=1), 'actor_id', 'x')",
        "edition.names(members.assign(x='eleven states'), 'x')",
        "edition.names(obs, 'value_low')",
        "edition.value(members, lambda f: 42, how='x')",
        "edition.value(members, 42, how='x')",
        "edition.value(members, lambda f: '2019-03-12', how='x')",
        "edition.value(members, lambda f: f'{len(f)} members', how='x')",
        "edition.value(members, lambda f: f['nix'].max(), how='x')",
        "edition.value(members, lambda f: f['actor_id'], how='x')",
        "edition.value(members, lambda f: True, how='x')",
        "edition.value(obs, lambda f: f['value'].max(), how='x')",
        "edition.value(obs, lambda f: float('inf'), how='x')",
        "edition.none(members.head(0), 'x', among='members')",
        "edition.count(members['actor_id'], 'actor_id', 'x')",
        "edition.names(None, 'actor_id')",
        "edition.frame('nix')",
        "edition['nix']",
        "edition[5]",
        "edition['dis-founding']",
        "edition['commission.gauges']",
        "edition.spread(members)",
        "float(edition['obs-members-report'])",
    ],
)
def test_no_call_certifies_a_bare_value_or_stops_with_another_error(call: str) -> None:
    cells = Cells()
    cells.run(FRAMES)
    assert len(cells.refuses(call)) < 900


def test_values_of_a_frame() -> None:
    cells = Cells()
    cells.run(FRAMES)
    cells.run("""
last = edition.value(record, lambda f: f["entry_date"].max(), how="latest entry")
word = edition.value(obs, lambda f: f["indicator_label"].iloc[0], how="first")
none = edition.value(obs.query("unit == 'nix'"), lambda f: f["entry_date"].max(), how="none")
length = edition.value(obs, lambda f: f["value_low"].max(), how="greatest number")
absent = edition.none(record.query("actor_id == 'XCS'"), "entries of Cestria", among=record)
present = edition.none(record, "entries", among=record)
nowhere = edition.none(record.head(0), "entries", among=record.head(0))
""")
    names = cells.names
    assert (names["last"].text, names["last"].evidence.rows) == ("1 January 2021", ("r-xev-league",))
    assert str(names["length"]) == "18 million"
    assert len(names["length"].evidence.all_rows) == len(names["obs"])
    assert not names["none"]
    assert len(names["absent"].evidence.all_rows) == 4
    assert "none among the 4 rows searched" in names["absent"].evidence.formulas[0].formula
    assert not names["present"]
    assert not names["nowhere"]


def test_subjects_are_the_newest_known_value() -> None:
    old, new = edition_of(as_of="2019-05-20"), edition_of()
    assert old["XDN.dam"].evidence.rows == ("pos-dunmere-dam-report",)
    assert new["XDN.dam"].evidence.rows == ("pos-dunmere-dam-column",)
    assert str(new["flood-fund.yearly_payment"]) == "cr9 million"  # its second currency is told again, not anew
    assert not old["flood-fund.fund_size"]
    assert old["obs-barges-brief"] == old["flood-fund.fund_size"]


def test_every_table_opens_in_every_edition() -> None:
    for values in ({"as_of": "2019-05-19"}, {"as_of": "2019-05-20"}, {}, {"exclude_sources": "brief-2020-01"}):
        edition = edition_of(**values)
        for table in edition.dataset.tables:
            frame = edition.frame(table)
            assert list(frame.columns) == list(edition_of().frame(table).columns)
            if "row_id" in frame:
                assert list(frame["row_id"]) == list(frame.index)


def test_a_merge_on_the_ids_themselves_loses_nothing() -> None:
    edition = edition_of()
    frame = edition.frame("memberships")
    parts = frame[["row_id", "actor_id"]], frame[["row_id", "alliance_id"]], frame[["row_id", "role"]]
    for options in ({"on": "row_id"}, {}, {"on": ["row_id"], "how": "left"}):
        merged = pd.merge(parts[0].merge(parts[1], **options), parts[2], **options)
        assert list(merged["row_id"]) == list(frame["row_id"])
        assert list(merged.columns) == ["row_id", "actor_id", "alliance_id", "role"]
        assert edition.count(merged, "row_id", "memberships").evidence.all_rows == tuple(frame["row_id"])
    twice = frame.merge(frame, on="row_id")
    assert edition.count(twice, "actor_id_y", "actors").evidence.all_rows == tuple(frame["row_id"])
