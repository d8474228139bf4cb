"""Batches: the matrix as CI services have it, editions that stand on their own, failures, resuming."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from alliances.batch import matrix
from alliances.batch.index import write_index
from alliances.batch.work import Outcome
from alliances.build import slug
from alliances.dataset import Dataset
from alliances.errors import ParameterError
from alliances.freshness import is_whole
from alliances.parameters import check_parameters
from helpers import tree
from small import LONG, Bench, bench, write_chapter

EXAMPLES = int(os.environ.get("ALLIANCES_TEST_EXAMPLES", "60"))
unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

# ---------------------------------------------------------------- the matrix, against GitHub's rules spelled out

NAMES = ("a", "b", "c")
VALUES = st.integers(0, 2)
DAYS = st.dates(date(2025, 3, 1), date(2025, 9, 1)).map(str)
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
    spec = {
        "matrix": lists,
        "exclude": data.draw(st.lists(pairs, max_size=3)) if lists else [],
        "include": data.draw(st.lists(ENTRY, max_size=3)),
    }
    found = matrix.combinations(spec)
    assert found == by_the_rules(spec)
    common = {"extra": 9, "z": 1}
    assert matrix.combinations({**spec, "parameters": common}) == [{**common, **row} for row in found]


def test_the_example_of_the_documentation() -> None:
    """GitHub's own example of include, which shows each rule once."""
    spec = {
        "matrix": {"fruit": ["apple", "pear"], "animal": ["cat", "dog"]},
        "include": [
            {"color": "green"},
            {"color": "pink", "animal": "cat"},
            {"fruit": "apple", "shape": "circle"},
            {"fruit": "banana"},
            {"fruit": "banana", "animal": "cat"},
        ],
    }
    assert matrix.combinations(spec) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


def test_a_date_with_and_without_quotation_marks(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text('{matrix: {as_of: [2025-03-20, "2025-07-31"]}, exclude: [{as_of: "2025-03-20"}]}')
    assert matrix.combinations(matrix.read_matrix(tmp_path / "m.yaml")) == [{"as_of": "2025-07-31"}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a list", "holds no mapping"),
        ("", "holds no mapping"),
        ("matrix: [POL]", "matrix is “['POL']”"),
        ("matrix: {focus: POL}", "focus is “POL”"),
        ("matrix: {focus: []}", "focus is “[]”"),
        ("matrices: {focus: [POL]}", "key “matrices”"),
        ("include: {focus: POL}", "include is"),
        ("include: [POL]", "include is “POL”"),
        ("matrix: {focus: [POL]}\nexclude: POL", "exclude is “POL”"),
        ("matrix: {focus: [POL]}\nexclude: [{as_of: 2025-03-20}]", "exclude names “as_of”"),
        ("matrix: {focus: [POL]}\nexclude: [{}]", "exclude names nothing"),
        ("matrix: {focus: [POL]}\nexclude: [{focus: POL}]", "names no edition"),
        ("parameters: {focus: POL}", "names no edition"),
        ("matrix: {focus: [POL]}\nto: docx", "“docx” is no format"),
        ("matrix: {focus: [POL]}\nto: []", "is no format"),
        ("matrix: {focus: [POL]}\nto: {html: pdf}", "is no format"),
        ("matrix: {focus: [NO]}", "Edition 1 of the matrix: "),
        ("matrix: {focus: [POL, XYZ]}", "Edition 2 of the matrix: "),
        ("matrix: {fokus: [POL]}", "fokus"),
        ("matrix: {as_of: [2025-02-30]}", "2025-02-30"),
        ("matrix: {focus: [POL", "not YAML"),
        ("\0", "not YAML"),
    ],
)
def test_a_matrix_of_the_wrong_shape(project_root: Path, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(text)

    def check() -> None:
        spec = matrix.read_matrix(file)
        matrix.formats(spec)
        matrix.checked(spec, _dataset(project_root))

    with pytest.raises(ParameterError) as raised:
        check()
    assert told in str(raised.value)
    assert str(raised.value).endswith(".")


def test_an_edition_named_twice_counts_once(project_root: Path) -> None:
    dataset = Dataset.load(project_root, validate=False)
    newest = dataset.default_as_of().isoformat()
    spec = {"matrix": {"as_of": ["", newest, "2025-03-20"], "focus": ["", "POL", "POL"]}}
    found = matrix.checked(spec, dataset)
    assert len(found) == len(set(found)) == 4


def test_formats(project_root: Path) -> None:
    assert matrix.formats({}) == ("html", "pdf")
    assert matrix.formats({"to": "pdf"}) == ("pdf",)
    assert matrix.formats({"to": ["pdf", "html", "pdf"]}) == ("html", "pdf")


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"as_of": DAYS, "focus": st.sampled_from(["", "POL", "NOR"])},
            optional={"rotation": st.integers(1, 10), "troops": st.integers(1, 10**6), "years": st.integers(1, 9)},
        ),
        min_size=2,
        max_size=8,
    )
)
def test_two_editions_never_have_the_same_folder(project_root: Path, values: list[dict[str, Any]]) -> None:
    dataset = _dataset(project_root)
    defaults = check_parameters({}, dataset)
    editions = {check_parameters(value, dataset) for value in values}
    assert len({slug(edition, defaults) for edition in editions}) == len(editions)


_loaded: list[Dataset] = []


def _dataset(root: Path) -> Dataset:
    if not _loaded:
        _loaded.append(Dataset.load(root, validate=False))
    return _loaded[0]


# ---------------------------------------------------------------- the index page


def test_the_index_is_safe_and_complete(tmp_path: Path) -> None:
    outcomes = [
        Outcome("2025-03-20_POL", {"as_of": "2025-03-20", "focus": "POL"}, "built", "", 1.0),
        Outcome("2025-03-20_NOR", {"as_of": "2025-03-20", "focus": "NOR"}, "failed", "<b>“no” & never</b>", 1.0),
    ]
    soup = BeautifulSoup(write_index(tmp_path, outcomes, ("html", "pdf")).read_text("utf-8"), "html.parser")
    assert [str(link["href"]) for link in soup.select("a")] == [
        "2025-03-20_POL/report.html",
        "2025-03-20_POL/report.pdf",
    ]
    assert soup.select("b") == []
    assert "<b>“no” & never</b>" in soup.get_text()
    assert [head.get_text() for head in soup.select("h2")] == ["Failures", "Editions"]


# ---------------------------------------------------------------- a batch that runs


@dataclass(frozen=True)
class Batch:
    bench: Bench
    file: Path
    folder: Path

    def run(self, **variables: str) -> Any:
        arguments = ("batch", str(self.file), "--engine", "embedded", "--jobs", "2", "--output", str(self.folder))
        return self.bench.run(*arguments, **variables)


MATRIX = "matrix:\n  focus: [NOR, POL, ISL]\nparameters: {as_of: 2025-07-31}\nto: html\n"
FAILING = 'if focus == "POL": raise ValueError("no bridge to Poland")'


@pytest.fixture(scope="module")
def batch(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    """Three editions, of which one fails."""
    folder = tmp_path_factory.mktemp("batch")
    with bench(project_root, folder, second=FAILING) as small:
        file = folder / "m.yaml"
        file.write_text(MATRIX)
        made = Batch(small, file, folder / "editions")
        done = made.run()
        (folder / "told").write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
        yield made


def test_an_edition_that_fails_stops_no_other(batch: Batch) -> None:
    code, out, err = json.loads((batch.folder.parent / "told").read_text())
    assert code == 2
    assert "2 of 3 editions are in" in out
    assert "2025-07-31_POL: Notebook second.ipynb stopped" in out
    assert "Traceback" not in out + err
    assert "3 of 3" in err
    for name in ("2025-07-31_NOR", "2025-07-31_ISL"):
        assert is_whole(batch.folder / name)
        assert json.loads((batch.folder / name / "manifest.json").read_text())["parameters"]["focus"] == name[-3:]
    assert not (batch.folder / "2025-07-31_POL").exists()
    soup = BeautifulSoup((batch.folder / "index.html").read_text("utf-8"), "html.parser")
    failures = soup.select("table")[0]
    assert "no bridge to Poland" in failures.get_text()
    assert [row.th.get_text() for row in failures.select("tbody tr") if row.th] == ["2025-07-31_POL"]
    log = (batch.folder / "2025-07-31_POL.log").read_text("utf-8")
    assert "no bridge to Poland" in log
    assert str(batch.folder / "2025-07-31_POL.log") in out
    assert batch.bench.left() == []


def test_a_second_run_keeps_what_stands_and_tries_the_rest_again(batch: Batch) -> None:
    before = tree(batch.folder / "2025-07-31_NOR")
    write_chapter(batch.bench.root, "second", FAILING.replace("POL", "XXX"))
    # The failing notebook is an input of all three, so all are built anew; then nothing is left to do.
    done = batch.run()
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r" built in ", done.stderr)) == 3
    assert not (batch.folder / "2025-07-31_POL.log").exists()
    started = time.monotonic()
    again = batch.run()
    assert again.returncode == 0
    assert time.monotonic() - started < 8
    assert len(re.findall(r" kept in ", again.stderr)) == 3
    assert tree(batch.folder / "2025-07-31_NOR").keys() == before.keys()

    path = batch.bench.root / "data" / "memberships.csv"
    path.write_text(path.read_text("utf-8").rstrip("\n") + "\n", "utf-8")
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n", "utf-8")
    changed = batch.run()
    assert changed.returncode == 0, changed.stderr
    assert len(re.findall(r" built in ", changed.stderr)) == 3
    assert batch.bench.left() == []


def test_a_bad_matrix_builds_nothing(batch: Batch, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("matrix: {focus: [POL, XYZ]}")
    sentence = batch.bench.refused("batch", str(file), "--output", str(tmp_path / "out"))
    assert "Edition 2 of the matrix" in sentence
    assert not (tmp_path / "out").exists()


def test_another_edition_is_never_overwritten(batch: Batch, tmp_path: Path) -> None:
    """Not even where a folder with the name of an edition holds another one."""
    folder = tmp_path / "out" / "2025-07-31_NOR"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"parameters": {"focus": "SWE"}, "outputs": {}}))
    file = tmp_path / "m.yaml"
    file.write_text("include: [{focus: NOR, as_of: 2025-07-31}]\nto: html")
    done = batch.bench.run("batch", str(file), "--engine", "embedded", "--output", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "holds another edition" in done.stdout
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]


@unix
@pytest.mark.skipif(not LONG, reason="takes long; `make test-long` runs it")
@pytest.mark.parametrize("victim", ["worker", "parent", "interrupt"])
def test_a_batch_that_is_hit(project_root: Path, tmp_path: Path, victim: str) -> None:
    """A worker that is killed is replaced; a batch that is stopped leaves nothing and goes on where it was."""
    with bench(project_root, tmp_path, second="time.sleep(3)") as small:
        (tmp_path / "m.yaml").write_text(MATRIX)
        arguments = ("batch", str(tmp_path / "m.yaml"), "--engine", "embedded", "--output", str(tmp_path / "out"))
        process = small.start(*arguments, "--jobs", "2")
        assert process.stderr is not None
        while "1 of 3" not in process.stderr.readline():
            pass
        time.sleep(1)
        if victim == "worker":
            workers = [p for p in psutil.Process(process.pid).children() if "spawn_main" in " ".join(p.cmdline())]
            workers[0].kill()
        elif victim == "parent":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGINT)
        out, told = process.communicate(timeout=240)
        assert "Traceback" not in told
        assert process.returncode == {"worker": 0, "parent": -9, "interrupt": 130}[victim], told
        if victim == "worker":
            assert "3 of 3 editions" in out
        if victim == "interrupt":
            assert told.splitlines()[-1] == "alliances batch: interrupted; the same command goes on from here."
        left = small.left()
        if victim == "parent":  # its files go with the next command
            assert [name for name in left if not name.startswith(str(small.temporary))] == []
            for name in left:
                os.utime(name, (0, 0))
        else:
            assert left == []
        done = small.run(*arguments)
        assert done.returncode == 0, done.stderr
        assert len(re.findall(r" kept in ", done.stderr)) >= 1
        assert all(is_whole(tmp_path / "out" / f"2025-07-31_{focus}") for focus in ("NOR", "POL", "ISL"))
        assert small.left() == []
