"""Damage of every kind to a copy of the river is caught, with file, row, column and remedy."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from alliances.dataset import FACT_TABLES, ROW_PREFIXES, split_list
from alliances.dataset.check import check
from river_data import RIVER, copy_river, descriptor, read_table, write_table

EXAMPLES = int(os.environ.get("ALLIANCES_TEST_EXAMPLES", "2"))
SCHEMAS: dict[str, Any] = {r["name"]: r["schema"] for r in descriptor(RIVER)["resources"]}


class Copy:
    """A copy of the river that a mutation may damage."""

    def __init__(self, root: Path) -> None:
        self.root = copy_river(root)
        self.schemas = SCHEMAS
        self.tables = {table: read_table(root, table) for table in SCHEMAS}

    def path(self, table: str) -> Path:
        return self.root / "data" / f"{table}.csv"

    def columns(self, table: str) -> list[str]:
        return [field["name"] for field in self.schemas[table]["fields"]]

    def write(self, table: str) -> None:
        write_table(self.root, table, self.tables[table])

    def cells(self, wanted: Callable[[str, dict[str, Any], dict[str, str]], bool]) -> list[tuple[str, int, str]]:
        """List table, index and column of the cells that fit."""
        return [
            (table, index, field["name"])
            for table, rows in self.tables.items()
            for index, row in enumerate(rows)
            for field in self.schemas[table]["fields"]
            if wanted(table, field, row)
        ]

    def set(self, table: str, index: int, **cells: str) -> None:
        self.tables[table][index].update(cells)
        self.write(table)

    def swap(self, table: str, change: Callable[[str], str], encoding: str = "utf-8") -> None:
        self.path(table).write_bytes(change(self.path(table).read_text("utf-8")).encode(encoding))


#: File, row and columns of which one must be named; None: any.
Expected = tuple[str, int | None, set[str] | None]
Mutation = Callable[[Copy, st.DataObject], Expected]
MUTATIONS: dict[str, Mutation] = {}


def mutation(function: Mutation) -> Mutation:
    MUTATIONS[function.__name__] = function
    return function


def pick(data: st.DataObject, options: list[Any]) -> Any:
    if not options:
        pytest.fail("the river has no row that this can damage")
    return data.draw(st.sampled_from(options))


def any_table(copy: Copy, data: st.DataObject) -> str:
    return str(pick(data, list(copy.tables)))


@mutation
def wrong_country_code(copy: Copy, data: st.DataObject) -> Expected:
    countries = {row["iso3"] for row in copy.tables["countries"]}
    code = data.draw(st.from_regex(r"[A-Z]{3}", fullmatch=True).filter(lambda c: c not in countries))
    rows = [i for i, row in enumerate(copy.tables["actors"]) if row["iso3"]]
    index = pick(data, rows)
    copy.set("actors", index, iso3=code)
    return "data/actors.csv", index + 2, {"iso3"}


@mutation
def wrong_area_code(copy: Copy, data: st.DataObject) -> Expected:
    table, index, column = pick(data, copy.cells(lambda t, f, r: f["name"] == "ref_area"))
    copy.set(table, index, **{column: data.draw(st.sampled_from(["XXX", "ZZZ", "QQQ"]))})
    return f"data/{table}.csv", index + 2, {column}


@mutation
def date_after_publication(copy: Copy, data: st.DataObject) -> Expected:
    rows = copy.cells(
        lambda t, f, r: (
            (t == "event_accounts" and f["name"] == "date" and r["status"] == "happened")
            or (t == "statements" and f["name"] == "date")
        )
    )
    table, index, _ = pick(data, rows)
    row = copy.tables[table][index]
    source = {q["quote_id"]: q["source_id"] for q in copy.tables["quotes"]}[split_list(row["quote_ids"])[0]]
    last = {s["source_id"]: s["published_to"] for s in copy.tables["sources"]}[source]
    later = date.fromisoformat(last) + timedelta(days=data.draw(st.integers(1, 5000)))
    cells = {"date": later.isoformat(), "date_precision": "day", "year_inferred": "false"}
    copy.set(table, index, **cells, **({"date_end": ""} if table == "event_accounts" else {}))
    return f"data/{table}.csv", index + 2, {"date"}


@mutation
def duplicate_key(copy: Copy, data: st.DataObject) -> Expected:
    table = pick(data, [t for t, rows in copy.tables.items() if rows and "primaryKey" in copy.schemas[t]])
    rows = copy.tables[table]
    rows.append(dict(pick(data, rows)))
    copy.write(table)
    return f"data/{table}.csv", len(rows) + 1, {copy.schemas[table]["primaryKey"][0]}


@mutation
def quote_altered_by_one_letter(copy: Copy, data: st.DataObject) -> Expected:
    index = pick(data, [i for i, q in enumerate(copy.tables["quotes"]) if re.search("[A-Za-z]", q["exact"])])
    exact = copy.tables["quotes"][index]["exact"]
    at = pick(data, [i for i, c in enumerate(exact) if c.isascii() and c.isalpha()])
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz").filter(lambda c: c != exact[at].lower()))
    altered = exact[:at] + letter + exact[at + 1 :]
    file = {s["source_id"]: s["file"] for s in copy.tables["sources"]}[copy.tables["quotes"][index]["source_id"]]
    assume(altered not in (copy.root / "seeds" / file).read_text("utf-8"))
    copy.set("quotes", index, exact=altered)
    return "data/quotes.csv", index + 2, {"exact"}


@mutation
def unknown_vocabulary_term(copy: Copy, data: st.DataObject) -> Expected:
    cells = copy.cells(lambda t, f, r: "enum" in f.get("constraints", {}) and bool(r[f["name"]]))
    table, index, column = pick(data, cells)
    term = copy.tables[table][index][column] + data.draw(st.sampled_from(["s", "x", " ", "_"]))
    copy.set(table, index, **{column: term})
    return f"data/{table}.csv", index + 2, {column}


@mutation
def amount_without_unit(copy: Copy, data: st.DataObject) -> Expected:
    column = data.draw(st.sampled_from(["unit", "currency"]))
    cells = copy.cells(lambda t, f, r: t == "observations" and f["name"] == column and bool(r[column]))
    table, index, _ = pick(data, cells)
    copy.set(table, index, **{column: ""})
    return f"data/{table}.csv", index + 2, {column}


@mutation
def orphan_key(copy: Copy, data: st.DataObject) -> Expected:
    lists = {"quote_ids", "participants", "row_ids", "requires", "comparable_with"}
    keys = {t: {k["fields"] for k in s.get("foreignKeys", [])} for t, s in copy.schemas.items()}
    keys = {t: {f if isinstance(f, str) else f[0] for f in fields} for t, fields in keys.items()}
    cells = copy.cells(lambda t, f, r: bool(r[f["name"]]) and (f["name"] in keys[t] or f["name"] in lists))
    table, index, column = pick(data, cells)
    kept = split_list(copy.tables[table][index][column])[:-1] if column in lists else []
    copy.set(table, index, **{column: "; ".join([*kept, "no-such-key"])})
    return f"data/{table}.csv", index + 2, {column}


@mutation
def text_in_a_number_column(copy: Copy, data: st.DataObject) -> Expected:
    cells = copy.cells(lambda t, f, r: f["type"] in ("number", "integer", "date", "boolean"))
    table, index, column = pick(data, cells)
    copy.set(table, index, **{column: data.draw(st.sampled_from(["many", "1,5 million", "n/a", "12 000"]))})
    return f"data/{table}.csv", index + 2, {column}


@mutation
def bounds_against_the_comparator(copy: Copy, data: st.DataObject) -> Expected:
    index = pick(data, list(range(len(copy.tables["observations"]))))
    row = copy.tables["observations"][index]
    copy.set("observations", index, value_low=row["value_high"], value_high="")
    assume(row["comparator"] not in ("at_least", "more_than"))
    return "data/observations.csv", index + 2, {"value_low", "value_high"}


@mutation
def empty_required_cell(copy: Copy, data: st.DataObject) -> Expected:
    cells = copy.cells(lambda t, f, r: bool(f.get("constraints", {}).get("required")))
    table, index, column = pick(data, cells)
    copy.set(table, index, **{column: ""})
    return f"data/{table}.csv", index + 2, {column}


@mutation
def id_with_a_wrong_beginning(copy: Copy, data: st.DataObject) -> Expected:
    table = pick(data, [t for t in ROW_PREFIXES if copy.tables[t]])
    index = data.draw(st.integers(0, len(copy.tables[table]) - 1))
    column = copy.columns(table)[0]
    copy.set(table, index, **{column: "x" + copy.tables[table][index][column]})
    return f"data/{table}.csv", index + 2, {column}


@mutation
def quotes_of_two_sources(copy: Copy, data: st.DataObject) -> Expected:
    source = {q["quote_id"]: q["source_id"] for q in copy.tables["quotes"]}
    table, index, column = pick(data, copy.cells(lambda t, f, r: t in FACT_TABLES and f["name"] == "quote_ids"))
    quote_ids = split_list(copy.tables[table][index][column])
    other = pick(data, [q for q, s in source.items() if s != source[quote_ids[0]]])
    copy.set(table, index, **{column: "; ".join([*quote_ids, other])})
    return f"data/{table}.csv", index + 2, {column}


@mutation
def changed_source_text(copy: Copy, data: st.DataObject) -> Expected:
    index = data.draw(st.integers(0, len(copy.tables["sources"]) - 1))
    path = copy.root / "seeds" / copy.tables["sources"][index]["file"]
    path.write_bytes(path.read_bytes() + b"\n")
    return "data/sources.csv", index + 2, {"sha256"}


@mutation
def other_separator(copy: Copy, data: st.DataObject) -> Expected:
    table = any_table(copy, data)
    rows = list(csv.reader(io.StringIO(copy.path(table).read_text("utf-8"))))
    out = io.StringIO()
    csv.writer(out, delimiter=data.draw(st.sampled_from(";\t")), lineterminator="\n").writerows(rows)
    copy.path(table).write_text(out.getvalue(), "utf-8")
    return f"data/{table}.csv", 1, None


@mutation
def utf_16(copy: Copy, data: st.DataObject) -> Expected:
    table = any_table(copy, data)
    copy.swap(table, str, data.draw(st.sampled_from(["utf-16", "utf-16-le"])))
    return f"data/{table}.csv", 1, None


@mutation
def unfinished_merge(copy: Copy, data: st.DataObject) -> Expected:
    table = any_table(copy, data)
    lines = copy.path(table).read_text("utf-8").count("\n")
    copy.swap(table, lambda text: text + "<<<<<<< HEAD\n=======\n>>>>>>> other\n")
    return f"data/{table}.csv", lines + 1, None


@mutation
def decimal_comma(copy: Copy, data: st.DataObject) -> Expected:
    table, index, column = pick(data, copy.cells(lambda t, f, r: f["type"] == "number"))
    copy.set(table, index, **{column: data.draw(st.sampled_from(["1,5", "1.200,50"]))})
    return f"data/{table}.csv", index + 2, {column}


@mutation
def spreadsheet_date(copy: Copy, data: st.DataObject) -> Expected:
    dated = copy.cells(lambda t, f, r: f["name"] in ("date", "entry_date", "published", "time_period"))
    table, index, column = pick(data, dated)
    written = data.draw(st.sampled_from(["20/03/2019", "3/20/19", "20.03.2019", "43544", "20-Mar-19"]))
    copy.set(table, index, **{column: written})
    return f"data/{table}.csv", index + 2, {column}


@mutation
def look_alike(copy: Copy, data: st.DataObject) -> Expected:
    keys = {t: {k["fields"] for k in s.get("foreignKeys", [])} for t, s in copy.schemas.items()}
    table, index, column = pick(data, copy.cells(lambda t, f, r: f["name"] in keys[t] and "a" in r[f["name"]]))
    found = copy.tables[table][index][column]
    change = data.draw(st.sampled_from([f"{found}\u00a0", f"{found[:1]}\u00ad{found[1:]}", found.replace("a", "а", 1)]))
    copy.set(table, index, **{column: change})
    return f"data/{table}.csv", index + 2, {column}


@mutation
def empty_file(copy: Copy, data: st.DataObject) -> Expected:
    table = any_table(copy, data)
    copy.path(table).write_bytes(data.draw(st.sampled_from([b"", b"\n", b" \n\n"])))
    return f"data/{table}.csv", 1, None


@mutation
def missing_file(copy: Copy, data: st.DataObject) -> Expected:
    table = any_table(copy, data)
    copy.path(table).unlink()
    return f"data/{table}.csv", None, None


@mutation
def other_encoding(copy: Copy, data: st.DataObject) -> Expected:
    table, _, _ = pick(data, copy.cells(lambda t, f, r: "“" in r[f["name"]]))
    copy.swap(table, str, "cp1252")
    # The first line with any such character is named, not the one that was drawn.
    lines = copy.path(table).read_bytes().split(b"\n")
    return f"data/{table}.csv", next(n for n, line in enumerate(lines, start=1) if not line.isascii()), None


@mutation
def other_header(copy: Copy, data: st.DataObject) -> Expected:
    table = any_table(copy, data)
    column = pick(data, copy.columns(table))
    header, rest = copy.path(table).read_text("utf-8").split("\n", 1)
    changed = re.sub(rf"(^|,){column}(,|$)", rf"\g<1>{column}_\g<2>", header)
    copy.path(table).write_text(f"{changed}\n{rest}", "utf-8")
    return f"data/{table}.csv", 1, {column}


@mutation
def one_cell_too_many(copy: Copy, data: st.DataObject) -> Expected:
    table = pick(data, [t for t, rows in copy.tables.items() if rows])
    with copy.path(table).open("a", encoding="utf-8") as stream:
        stream.write("," * len(copy.columns(table)) + "x\n")
    return f"data/{table}.csv", len(copy.tables[table]) + 2, set(copy.columns(table))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutated")


@pytest.mark.parametrize("kind", MUTATIONS)
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
@given(data=st.data())
def test_damage_is_caught(kind: str, data: st.DataObject, workplace: Path) -> None:
    copy = Copy(workplace / "copy")
    file, row, columns = MUTATIONS[kind](copy, data)
    problems = check(copy.root).problems
    fitting = [p for p in problems if p.file == file and p.row == row and (columns is None or p.column in columns)]
    assert fitting, [str(p) for p in problems]
    for problem in problems:
        assert problem.found
        assert problem.allowed
        assert problem.remedy
        assert "\n" not in str(problem)
        assert str(problem).endswith(".")


@pytest.mark.parametrize(
    ("table", "cell", "written", "said"),
    [
        ("observations", "value_low", "1,5", "a point before its decimals"),
        ("memberships", "entry_date", "20/03/2019", "as a spreadsheet writes it"),
        ("memberships", "actor_id", "XАV", "U+0410 cyrillic capital letter a"),
        ("memberships", "actor_id", "XAV\u00a0", "U+00A0 no-break space"),
        ("memberships", "role", "par\u00adty", "U+00AD soft hyphen"),
        ("memberships", "role", "partys", "the nearest is “party”"),
        ("observations", "comparator", "roughly", "is no comparator"),
    ],
)
def test_the_fault_is_named(table: str, cell: str, written: str, said: str, workplace: Path) -> None:
    copy = Copy(workplace / "copy")
    copy.set(table, 0, **{cell: written})
    assert any(said in str(p) for p in check(copy.root).problems), [str(p) for p in check(copy.root).problems]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.replace(",", ";"), "separated by semicolons"),
        (lambda t: t.replace(",", "\t"), "separated by tabs"),
        (lambda t: "<<<<<<< HEAD\n" + t, "unfinished merge, “<<<<<<<”"),
        (lambda t: t + '"open', "cannot be read"),
        (lambda t: t + ",,,\n", "the row is empty"),
    ],
)
def test_a_file_that_is_no_table_is_named_as_what_it_is(
    change: Callable[[str], str], said: str, workplace: Path
) -> None:
    copy = Copy(workplace / "copy")
    copy.swap("countries", change)
    (problem,) = check(copy.root).problems
    assert said in str(problem)
