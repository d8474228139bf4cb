"""Batches: the matrix as CI services have it, editions that stand on their own, failures, resuming."""

from __future__ import annotations

import itertools
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from alliances.batch import Task, combinations, run_matrix
from alliances.errors import ParameterError
from alliances.place import is_whole, read_manifest
from towns import build, check

EXAMPLES = int(os.environ.get("ALLIANCES_TEST_EXAMPLES", "60"))
unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

# ---------------------------------------------------------------- the matrix, against GitHub's rules spelled out

NAMES = ("a", "b", "c")
VALUES = st.integers(0, 2)
LISTS = st.dictionaries(st.sampled_from(NAMES), st.lists(VALUES, min_size=1, max_size=3, unique=True), max_size=3)
ENTRY = st.dictionaries(st.sampled_from((*NAMES, "extra")), VALUES, min_size=1, max_size=3)


def by_the_rules(spec: dict[str, Any]) -> list[dict[str, int]]:
    """GitHub: excludes first; then an include joins each combination whose original values it leaves, or is one."""
    lists = spec["matrix"]
    made = [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())] if lists else []
    made = [row for row in made if not any(entry.items() <= row.items() for entry in spec["exclude"])]
    original = [dict(row) for row in made]
    alone = []
    for entry in spec["include"]:
        joined = [n for n, row in enumerate(original) if all(row.get(k, v) == v for k, v in entry.items())]
        for n in joined:
            made[n] |= entry
        if not joined:
            alone.append(dict(entry))
    return made + alone


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_a_matrix_expands_as_in_ci_services(data: st.DataObject) -> None:
    lists = data.draw(LISTS)
    pairs = st.dictionaries(st.sampled_from(sorted(lists)), VALUES, min_size=1) if lists else st.nothing()
    exclude = data.draw(st.lists(pairs, max_size=3)) if lists else []
    spec = {"matrix": lists, "exclude": exclude, "include": data.draw(st.lists(ENTRY, max_size=3))}
    found = combinations(spec)
    assert found == by_the_rules(spec)
    common = {"extra": 9, "z": 1}
    assert combinations({**spec, "parameters": common}) == [{**common, **row} for row in found]


# ---------------------------------------------------------------- a batch that runs


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALLIANCES_FORK", "0")  # no edition of this test starts a kernel
    (tmp_path / "data").mkdir()
    (tmp_path / "m.yaml").write_text("matrix: {town: [Oslo, Riga, Bern]}\nparameters: {day: 2025-03-20}\nto: html\n")
    return tmp_path


def run(root: Path, **more: Any) -> dict[str, Task]:
    outcomes = run_matrix(root, root / "m.yaml", root / "out", check, build, workers=1, engine="embedded", **more)
    return {one.values["town"]: one for one in outcomes}


def test_an_edition_that_fails_stops_no_other_and_a_batch_goes_on_where_it_was(root: Path) -> None:
    (root / "data" / "Riga.csv").write_text("fails")
    (root / "data" / "Bern.csv").write_text("breaks")
    told: list[str] = []
    first = run(root, say=told.append)
    assert {town: one.status for town, one in first.items()} == {"Oslo": "built", "Riga": "failed", "Bern": "failed"}
    assert first["Riga"].message == "The <b>bridge</b> is out."
    assert first["Bern"].message == "An error of the program itself (ZeroDivisionError: nothing)."
    assert any("3 of 3: 2025-03-20_" in line for line in told)
    assert (root / "out" / "2025-03-20_Riga.log").read_text() == "traceback"
    soup = BeautifulSoup((root / "out" / "index.html").read_text("utf-8"), "html.parser")
    assert [head.get_text() for head in soup.select("h2")] == ["Failures", "Reports"]
    assert [str(link["href"]) for link in soup.select("a")] == ["2025-03-20_Oslo/report.html"]
    assert soup.select("b") == []
    assert "The <b>bridge</b> is out." in soup.get_text()
    assert [head.get_text() for head in soup.select("thead")[0].select("th")] == ["Edition", "town", "What went wrong"]

    kept = run(root)
    assert [one.status for one in kept.values()] == ["kept", "failed", "failed"], "What failed is tried again."
    (root / "data" / "Riga.csv").write_text("")
    (root / "data" / "Bern.csv").write_text("")
    assert [one.status for one in run(root).values()] == ["built", "built", "built"], "The data have changed."
    assert not (root / "out" / "2025-03-20_Riga.log").exists()
    (root / "out" / "2025-03-20_Oslo" / "report.html").write_text("touched")
    assert [one.status for one in run(root).values()] == ["built", "kept", "kept"]
    assert all(is_whole(folder, read_manifest(folder)) for folder in (root / "out").iterdir() if folder.is_dir())


@unix
def test_a_worker_that_is_killed(root: Path) -> None:
    (root / "data" / "Riga.csv").write_text("dies once")
    assert {one.status for one in run(root).values()} == {"built"}
    (root / "data" / "Riga.csv").write_text("dies")
    found = run(root)
    assert [one.status for one in found.values()] == ["built", "failed", "built"]
    assert found["Riga"].message == "Its worker died twice."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a list", "holds no mapping"),
        ("", "holds no mapping"),
        ("matrix: [Oslo]", "matrix is “['Oslo']”"),
        ("matrix: {town: Oslo}", "town is “Oslo”"),
        ("matrix: {town: []}", "town is “[]”"),
        ("matrices: {town: [Oslo]}", "key “matrices”"),
        ("include: {town: Oslo}", "include is"),
        ("include: [Oslo]", "include is “Oslo”"),
        ("matrix: {town: [Oslo]}\nexclude: Oslo", "exclude is “Oslo”"),
        ("matrix: {town: [Oslo]}\nexclude: [{day: 2025-03-20}]", "exclude is “{'day': '2025-03-20'}”"),
        ("matrix: {town: [Oslo]}\nexclude: [{}]", "exclude is “{}”; it may name"),
        ("matrix: {town: [Oslo]}\nexclude: [{town: Oslo}]", "names no edition"),
        ("parameters: {town: Oslo}", "names no edition"),
        ("matrix: {town: [Oslo]}\nto: docx", "“docx” is no format"),
        ("matrix: {town: [Oslo]}\nto: []", "is no format"),
        ("matrix: {town: [Oslo]}\nto: {html: pdf}", "is no format"),
        ("matrix: {town: [Oslo, XYZ]}\nparameters: {day: 1}", "Edition 2 of the matrix: "),
        ("matrix: {twon: [Oslo]}", "Edition 1 of the matrix: There is no parameter “twon”"),
        ("matrix: {town: [Oslo", "not YAML"),
        ("\0", "not YAML"),
    ],
)
def test_a_matrix_of_the_wrong_shape(root: Path, text: str, told: str) -> None:
    (root / "m.yaml").write_text(text)
    with pytest.raises(ParameterError) as raised:
        run(root)
    assert told in str(raised.value)
    assert str(raised.value).endswith(".")
    assert not (root / "out").exists()


def test_an_edition_named_twice_counts_once_and_a_date_needs_no_quotation_marks(root: Path) -> None:
    (root / "m.yaml").write_text('matrix: {day: [2025-03-20, "2025-03-20"], town: [Oslo, Oslo]}\nto: [pdf, html]')
    started = time.monotonic()
    assert [one.name for one in run(root).values()] == ["2025-03-20_Oslo"]
    assert time.monotonic() - started < 60
    assert {path.suffix for path in (root / "out" / "2025-03-20_Oslo").iterdir()} == {".html", ".pdf", ".json"}
