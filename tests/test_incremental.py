"""A notebook runs again only when something it depends on has changed, and the build says what."""

from __future__ import annotations

import csv
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alliances.dataset import Dataset
from alliances.errors import ParameterError
from alliances.execution import dependencies, notebooks
from alliances.execution.cache import Cache, key_of
from alliances.execution.dependencies import Inputs, Results
from alliances.execution.run import check_notebooks
from alliances.parameters import check_parameters
from helpers import once, read_csv, tree
from small import BUILD, COUNTING, Bench, bench, write_chapter


@pytest.fixture(scope="module")
def finished(project_root: Path, shared_folder: Path) -> Path:
    """The small project with its edition and its cache, built once."""

    def make(folder: Path) -> None:
        with bench(project_root, folder) as small:
            done = small.run(*BUILD, "--explain")
            assert done.returncode == 0, done.stderr
            (folder / "told").write_text(done.stderr)

    return once(shared_folder / "small-incremental", make) / "project"


@pytest.fixture
def root(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "project")
    return tmp_path / "project"


def decisions(root: Path, **values: str) -> dict[str, str]:
    """What the next build would do with each notebook: keep it, or run it for which reason."""
    parameters = check_parameters(values, Dataset.load(root, validate=False))
    results = Results(Cache(root), root)
    found = {}
    for path, names in check_notebooks([root / "notebooks" / f"{name}.ipynb" for name in COUNTING]).items():
        inputs = Inputs.of(path.stem, notebooks.read(path), parameters.as_notebook_values(names))
        result, reason = results.find(inputs)
        found[path.stem] = reason if result is None else "kept"
    return found


def change_row(root: Path, table: str) -> None:
    """Change the last cell of the last row."""
    path = root / "data" / f"{table}.csv"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines[:-1], lines[-1].rstrip("\n") + " \n"]), "utf-8")


# ---------------------------------------------------------------- what runs, and why


def test_a_first_build_says_that_nothing_has_run_yet(finished: Path) -> None:
    told = (finished.parent / "told").read_text()
    for name in COUNTING:
        assert f"  {name}: runs; it has not run yet" in told


def test_nothing_changed(root: Path) -> None:
    assert decisions(root) == {"first": "kept", "second": "kept"}


def test_prose_of_one_notebook(root: Path) -> None:
    write_chapter(root, "second", "# a remark")
    assert decisions(root) == {"first": "kept", "second": "changed: its cells"}


def test_outputs_that_are_committed_do_not_matter(root: Path) -> None:
    path = root / "notebooks" / "first.ipynb"
    notebook = notebooks.read(path)
    notebook.cells[-1]["execution_count"] = 7
    notebook.metadata["alliances"] = {"key": "another"}
    notebooks.write(notebook, path)
    assert decisions(root) == {"first": "kept", "second": "kept"}


@pytest.mark.parametrize(
    ("table", "reader"), [("observations", "first"), ("memberships", "second"), ("capabilities", None)]
)
def test_a_row_of_a_table(root: Path, table: str, reader: str | None) -> None:
    change_row(root, table)
    expected = dict.fromkeys(COUNTING, "kept")
    if reader:
        expected[reader] = f"changed: data/{table}.csv"
    assert decisions(root) == expected


def test_the_tables_that_decide_what_is_known(root: Path) -> None:
    """Which rows are known follows from their sources, so every reader of facts depends on them."""
    change_row(root, "sources")
    assert decisions(root) == dict.fromkeys(COUNTING, "changed: data/sources.csv")


def test_the_schema(root: Path) -> None:
    path = root / "data" / "datapackage.json"
    path.write_text(path.read_text("utf-8").replace('"name"', '"name" ', 1), "utf-8")
    assert decisions(root) == dict.fromkeys(COUNTING, "changed: data/datapackage.json")


def test_a_parameter(root: Path) -> None:
    assert decisions(root, as_of="2025-03-20") == dict.fromkeys(COUNTING, "changed: parameter as_of")
    assert decisions(root, focus="POL", as_of="2025-03-20") == dict.fromkeys(
        COUNTING, "changed: parameter as_of, parameter focus"
    )
    assert decisions(root, troops="5000") == dict.fromkeys(COUNTING, "kept"), "They do not declare it."


def test_the_library(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "notebook_library", lambda: "another")
    assert decisions(root) == dict.fromkeys(COUNTING, "changed: the library")


def test_the_version_of_a_package(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dependencies.versions(*dependencies.PACKAGES)
    monkeypatch.setattr(dependencies, "versions", lambda *names: before | {"altair": "0.1"})
    assert decisions(root) == dict.fromkeys(COUNTING, "changed: the version of altair")


def test_going_back_costs_nothing(root: Path) -> None:
    before = (root / "notebooks" / "first.ipynb").read_bytes()
    write_chapter(root, "first", "# another remark")
    assert decisions(root)["first"] == "changed: its cells"
    (root / "notebooks" / "first.ipynb").write_bytes(before)
    assert decisions(root) == dict.fromkeys(COUNTING, "kept")


# ---------------------------------------------------------------- through the command line


@pytest.fixture
def small(project_root: Path, finished: Path, tmp_path: Path) -> Iterator[Bench]:
    with bench(project_root, tmp_path / "bench") as made:
        shutil.rmtree(made.root)
        shutil.copytree(finished, made.root)
        yield made


def test_a_build_runs_only_what_has_changed(small: Bench) -> None:
    write_chapter(small.root, "second", "# a remark")
    done = small.run(*BUILD, "--explain")
    assert done.returncode == 0, done.stderr
    assert "  first: kept; nothing it depends on has changed" in done.stderr
    assert "  second: runs; changed: its cells" in done.stderr
    assert re.findall(r"executed (\w+)", done.stderr) == ["second"]


def test_nothing_changed_is_told_at_once(small: Bench) -> None:
    """Though not in a copy of the project, whose edition is another one."""
    assert small.run(*BUILD).returncode == 0
    before = tree(small.root / "report")
    started = time.monotonic()
    done = small.run(*BUILD)
    assert time.monotonic() - started < 2
    assert done.returncode == 0
    assert done.stdout.startswith("Nothing has changed")
    assert done.stderr == ""
    assert tree(small.root / "report") == before
    quiet = small.run(*BUILD, "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


@pytest.mark.parametrize("harm", ["removed", "changed"])
def test_an_edition_that_was_touched_is_built_again(small: Bench, harm: str) -> None:
    assert small.run(*BUILD).returncode == 0
    page = small.root / "report" / "_output" / "report.html"
    before = page.read_bytes()
    if harm == "removed":
        page.unlink()
    else:
        page.write_bytes(before + b" ")
    done = small.run(*BUILD, "--explain")
    assert "kept; nothing it depends on has changed" in done.stderr
    assert page.read_bytes() == before


# ---------------------------------------------------------------- the cache itself


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def entry(cache: Cache, kind: str, key: str) -> Path:
    (path,) = (cache.folder / kind).glob(f"*/{key}")
    return path


def test_an_entry_comes_back_as_it_was(cache: Cache) -> None:
    key = key_of("something")
    assert cache.get("kind", key) is None
    for content in (b"", b"\n", b"first\nsecond", bytes(range(256))):
        cache.put("kind", key, content)
        assert cache.get("kind", key) == content
    cache.put_json("kind", key, {"ä": [1, None]})
    assert cache.get_json("kind", key) == {"ä": [1, None]}


@pytest.mark.parametrize(
    "harm",
    [lambda content: b"", lambda content: content[:-1], lambda content: content + b"x", lambda content: b"x" + content],
)
def test_a_damaged_entry_is_removed(cache: Cache, harm: Callable[[bytes], bytes]) -> None:
    key = key_of("something")
    cache.put("kind", key, b"content")
    path = entry(cache, "kind", key)
    path.write_bytes(harm(path.read_bytes()))
    assert cache.get("kind", key) is None
    assert not path.exists()


def test_what_was_used_longest_ago_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("ALLIANCES_CACHE_MB", "0.25")
    cache = Cache(tmp_path)
    keys = [key_of(number) for number in range(4)]
    for number, key in enumerate(keys):
        cache.put("kind", key, b"0" * 100_000)
        os.utime(entry(cache, "kind", key), (number + 1, number + 1))
    assert cache.get("kind", keys[0]) is not None  # used just now
    mine = cache.folder / "notes.txt"
    mine.write_text("not the cache's own" * 100_000)
    assert cache.prune() == 2
    assert [key for key in keys if cache.get("kind", key) is not None] == [keys[0], keys[3]]
    assert mine.exists()
    assert cache.prune() == 0


@pytest.mark.parametrize("value", ["much", "nan"])
def test_a_size_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ALLIANCES_CACHE_MB", value)
    with pytest.raises(ParameterError, match=f"ALLIANCES_CACHE_MB is “{value}”"):
        Cache(tmp_path)


def test_a_cache_that_cannot_be_written_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ALLIANCES_CACHE", str(tmp_path / "file" / "cache"))
    cache = Cache(tmp_path)
    cache.put("kind", key_of(1), b"content")
    assert cache.get("kind", key_of(1)) is None
    assert cache.prune() == 0


def test_the_probe_chapters_read_what_they_say(root: Path) -> None:
    """The tests above stand on this."""
    assert read_csv(root, "observations")
    with (root / "data" / "memberships.csv").open(encoding="utf-8", newline="") as stream:
        assert len(list(csv.reader(stream))) > 1
