"""Editions of the river: complete or not at all, in their own place, the same bytes each time, cut to their day."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pikepdf
import pypdf
import pytest
from bs4 import BeautifulSoup

from alliances.build import build, plan, stage_edition
from alliances.check import verify
from alliances.dataset import Dataset
from alliances.errors import AlliancesError, ParameterError, PublishError
from alliances.place import is_whole, put_in_place, read_manifest, recover, slug
from alliances.run.cache import Cache
from alliances.stage.figures import Drawer
from helpers import PROJECT, Command, change_cell, edition, outputs, tree, works
from river_data import change, read_table, write_table

SUBJECT = re.compile(
    r"\b(NATO|Ukrain\w+|Russia\w*|Europe\w*|JEF|Joint Expeditionary|Kremlin|troops?|soldiers?)\b", re.I
)
PAGE: dict[str, Any] = {"formats": ("html",), "engine": "embedded"}
TEXTS = ["report-2019-05", "brief-2020-01", "column-2021-06"]
CHANGED = {"wrong_if": "Arven sends many more."}


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


# ---------------------------------------------------------------- the default edition


def test_the_default_edition_is_whole(built_river: Path) -> None:
    folder = built_river / "report" / "_output"
    manifest, files = read(folder / "manifest.json"), tree(folder)
    names = {name.split("/")[0] for name in files}
    assert names == {"report.html", "report.pdf", "facts.json", "manifest.json", "notebooks", "figures"}
    assert {name: digest for name, digest in files.items() if digest and name != "manifest.json"} == manifest["outputs"]
    assert {f"figures/fig-commission-barges.{kind}" for kind in ("svg", "json", "csv")} <= set(files)
    assert {"notebooks/commission.ipynb", "notebooks/treaty.ipynb"} <= set(files)
    assert manifest["parameters"] == manifest["defaults"]
    assert manifest["parameters"] == {
        "as_of": "2021-06-15", "focus": "", "exclude_sources": [], "barges": None, "price_per_barge": 25000,
    }  # fmt: skip
    assert manifest["engine"].startswith("embedded")
    inputs = {"seeds/brief-2020-01.txt", "data/memberships.csv", "data/datapackage.json", "notebooks/treaty.ipynb"}
    assert inputs | {"report/report.qmd", "report/_brand.yml"} <= set(manifest["inputs"])
    for name, digest in manifest["inputs"].items():
        assert tree(built_river / Path(name).parent)[Path(name).name] == digest


def test_every_fact_has_its_evidence(built_river: Path) -> None:
    folder = built_river / "report" / "_output"
    told, page = read(folder / "facts.json"), BeautifulSoup((folder / "report.html").read_text("utf-8"), "html.parser")
    assert len(told["facts"]) > 20
    for fact in told["facts"]:
        assert " ".join(fact["text"].split()).casefold() in fact["sentence"].casefold(), fact
        assert set(fact["rows"]) <= set(told["rows"]), fact
        assert fact["mark"], fact
        assert page.find(id=fact["anchor"]), fact
    assert told["evidence"]["ev-f-members-of-the-commission"]["value"] == "5"


def test_nothing_of_another_subject_shows(built_river: Path) -> None:
    folder = built_river / "report" / "_output"
    page = BeautifulSoup((folder / "report.html").read_text("utf-8"), "html.parser")
    for left_out in page.select("script, style"):
        left_out.decompose()
    texts = {
        "page": f"{page.get_text(' ')} {[tag.attrs for tag in page.find_all(True)]}",
        "PDF": " ".join(sheet.extract_text() for sheet in pypdf.PdfReader(folder / "report.pdf").pages),
        "facts": (folder / "facts.json").read_text("utf-8"),
        "outputs": json.dumps([outputs(read(path)) for path in (folder / "notebooks").iterdir()]),
        "figures": " ".join(p.read_text("utf-8") for p in (folder / "figures").iterdir() if p.suffix != ".png"),
    }
    assert {name: SUBJECT.findall(text) for name, text in texts.items()} == {name: [] for name in texts}
    for name in ("page", "PDF"):
        assert "Orvane River Commission" in texts[name]
    assert all(SUBJECT.search(path.read_text("utf-8")) for path in (PROJECT / "seeds").glob("*.txt"))


def test_the_pdf_carries_the_facts(built_river: Path) -> None:
    folder = built_river / "report" / "_output"
    with pikepdf.open(folder / "report.pdf") as pdf:
        (attached,) = pdf.attachments.values()
        assert attached.get_file().read_bytes() == (folder / "facts.json").read_bytes()


EARLIER = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
#define real(name) ((int (*)()) dlsym(RTLD_NEXT, name))
int clock_gettime(clockid_t clock, struct timespec *found) {
    int failed = real("clock_gettime")(clock, found);
    found->tv_sec -= clock == CLOCK_REALTIME ? 400 * 86400 : 0;
    return failed;
}
time_t time(time_t *found) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return found ? (*found = now.tv_sec) : now.tv_sec;
}
"""


def earlier_clock(folder: Path) -> dict[str, str]:
    """Variables with which programs take it for a day of last year, where there is a compiler for what does that."""
    (folder / "clock.c").write_text(EARLIER)
    made = ["cc", "-shared", "-fPIC", "-o", str(folder / "clock.so"), str(folder / "clock.c"), "-ldl"]
    if not (sys.platform.startswith("linux") and works(*made)):
        return {}
    found = {"LD_PRELOAD": str(folder / "clock.so")}
    year = subprocess.run(["date", "+%s"], env=found, capture_output=True, check=True).stdout
    assert float(year) < time.time() - 300 * 86_400
    return found


def test_the_same_bytes_twice(built_river: Path, tmp_path: Path) -> None:
    """In an odd folder, zone and language, by another user on another day, one notebook at a time, nothing
    kept, other times of files: none may show, and nothing is written beside output, cache and log.
    """
    kept = shutil.ignore_patterns("_output", ".cache")
    odd = f"Report [final] what? 'it' \"is\" ü\n{'long ' * 30}"
    root = tmp_path / "a link to it"
    root.symlink_to(shutil.copytree(built_river, tmp_path / odd / odd / "project", ignore=kept))
    for number, path in enumerate(sorted(root.rglob("*"))):
        os.utime(path, (number * 86_400, number * 86_400))
    command = Command(root, tmp_path / "tmp")
    (home := tmp_path / "home").mkdir()
    settings = {"TZ": "Pacific/Auckland", "LC_ALL": "C", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "7"}
    settings |= {"HOME": str(home), "ALLIANCES_FORK": "0"} | earlier_clock(tmp_path)
    other = ("unshare", "--user", "--map-user=4711")  # one that is in no list of users, where the system allows it
    under = other if works(*other, "true") else ()
    asked, before = ("build", "--engine", "embedded", "--jobs", "1", "--output", "elsewhere"), tree(root)
    command.done(*asked, "--quiet", under=under, **settings)
    assert tree(root / "elsewhere") == edition(built_river)
    written = {"/".join(Path(name).parts[:2]) for name, _ in tree(root).items() ^ before.items()}
    places = ("elsewhere", ".cache", "report/_output")
    assert {name for name in written if not name.startswith(places)} == set()
    assert [*home.iterdir(), *command.left()] == []


# ---------------------------------------------------------------- other editions


def test_an_earlier_edition_stands_beside_the_default_one_and_knows_no_more(river_root: Path) -> None:
    before, told = edition(river_root), list[str]()
    built = build(river_root, {"as_of": "2019-05-20"}, **PAGE, say=told.append)
    assert built.folder == river_root / "report" / "_output" / "editions" / "2019-05-20"
    assert edition(river_root) == before
    assert re.fullmatch(r"What differs from the default.*: sentences \d+, figures \d+, judgements \d+\.", told[-1])
    shown = [json.dumps(outputs(read(path)), ensure_ascii=False) for path in (built.folder / "notebooks").iterdir()]
    shown += [(built.folder / name).read_text("utf-8") for name in ("report.html", "facts.json")]
    later = Dataset.load(river_root, validate=False)
    secrets = [quote_id for quote_id, source in zip(later["quotes"]["exact"], later["quotes"]["source_id"], strict=True)
               if source != "report-2019-05"]  # fmt: skip
    secrets += ["brief-2020-01", "column-2021-06", "Why the Lower Basin Treaty will come"]
    assert [secret for secret in secrets if any(secret in text for text in shown)] == []
    assert [secret for secret in secrets if secret in (river_root / "report/_output/report.html").read_text("utf-8")]
    assert build(river_root, {"as_of": "2019-05-20"}, **PAGE).is_kept


def test_how_editions_are_named(built_river: Path) -> None:
    def name(**values: Any) -> str:
        planned = plan(built_river, values)
        return slug(planned.parameters.as_dict(), planned.defaults.as_dict())

    assert name() == ""
    assert name(as_of="2021-06-15", focus="", exclude_sources=[], price_per_barge=25000) == "", "These are defaults."
    assert name(focus="XAV") == "2021-06-15_XAV"
    first, second = (name(as_of="2019-05-20", barges=number) for number in (40, 41))
    assert re.fullmatch(r"2019-05-20_[0-9a-f]{6}", first)
    assert first != second


@pytest.mark.parametrize("values", [{"as_of": "2019-05-19"}, {"exclude_sources": TEXTS}], ids=["before", "without"])
def test_an_edition_that_knows_nothing(river_root: Path, values: dict[str, Any]) -> None:
    built = build(river_root, values, engine="embedded")
    page = " ".join(BeautifulSoup((built.folder / "report.html").read_text("utf-8"), "html.parser").get_text().split())
    assert "No text was published by" in page
    assert "Orvane River Commission" not in page
    assert read(built.folder / "facts.json")["facts"] == []
    assert pypdf.PdfReader(built.folder / "report.pdf").pages


def test_a_parameter_that_no_notebook_reads_is_refused(built_river: Path) -> None:
    with pytest.raises(ParameterError, match="no notebook of this report declares it"):
        plan(built_river, {"price_per_barge": 30000})
    assert plan(built_river, {"price_per_barge": 25000}).parameters == plan(built_river, {}).parameters
    with pytest.raises(ParameterError, match=r"which is not a whole number from 1 to 500"):
        plan(built_river, {"barges": "many"})


# ---------------------------------------------------------------- in whose place


def test_the_default_edition_replaces_its_own_earlier_self(river_root: Path) -> None:
    change(river_root, "judgements", "jud-dam", **{"wrong_if": "Dunmere never asks for bids."})
    rows = read_table(river_root, "judgements")
    write_table(river_root, "judgements", [{**row, **CHANGED} for row in rows])
    built = build(river_root, {}, **PAGE)
    assert not built.is_kept
    assert set(edition(river_root)) & {"report.html", "report.pdf"} == {"report.html"}, (
        "Nothing of the earlier is left."
    )
    assert "Arven sends many more" in (built.folder / "report.html").read_text("utf-8")
    write_table(river_root, "sources", read_table(river_root, "sources")[:1])
    with pytest.raises(AlliancesError):
        build(river_root, {}, **PAGE)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: None, "holds another edition"),
        (lambda folder: (folder / "manifest.json").unlink(), "holds files that are no edition"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "holds files that are no edition"),
        (lambda folder: (shutil.rmtree(folder), folder.write_text("mine")), "is a file"),
    ],
)
def test_no_edition_takes_another_ones_place(river_root: Path, spoil: Callable[[Path], object], told: str) -> None:
    folder = river_root / "report" / "_output"
    spoil(folder)
    before = tree(folder)
    with pytest.raises(PublishError, match=told):
        build(river_root, {"focus": "XAV"}, **PAGE, output=folder)
    assert tree(folder) == before
    if told == "holds another edition":
        build(river_root, {"focus": "XAV"}, **PAGE, output=folder, force=True)
        assert read_manifest(folder)["parameters"]["focus"] == "XAV"
        assert is_whole(folder, read_manifest(folder))


def test_what_has_not_changed_is_kept(river_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = river_root / "report" / "_output"

    def is_kept(**more: Any) -> bool:
        return build(river_root, {}, **{"engine": "embedded", **more}).is_kept

    assert is_kept()
    assert is_kept(engine="auto")
    assert not is_kept(force=True)
    page = (folder / "report.html").read_bytes()
    (folder / "report.html").write_bytes(page[:-1])
    assert not is_kept(), "A file of it has been changed."
    assert (folder / "report.html").read_bytes() == page
    assert not is_kept(formats=("html",))
    with monkeypatch.context() as patch:
        patch.setattr("alliances.place.versions", lambda *names: {"altair": "0.1"})
        assert not is_kept(formats=("html",))

    def edits(line: str) -> None:
        if "staged" in line:
            change(river_root, "judgements", "jud-dam", wrong_if="Dunmere never asks for bids.")

    assert not is_kept(**PAGE, force=True, say=edits)
    assert not is_kept(**PAGE), "What was edited while it was built is a change."


def test_data_that_have_passed_are_not_checked_again(river_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    load = Dataset.load
    monkeypatch.setattr(
        Dataset, "load", lambda root, validate: (asked.append(validate), load(root, validate=validate))[1]
    )
    for _ in range(2):
        plan(river_root, {})
    change(river_root, "judgements", "jud-dam", wrong_if="Dunmere never asks for bids.")
    plan(river_root, {})
    assert asked == [False, False, True]


# ---------------------------------------------------------------- what is wrong with it


def test_a_number_without_evidence_stops_the_build(river_root: Path) -> None:
    before = edition(river_root)
    typed = """\
from IPython.display import display
display({"text/markdown": "There are 77 barges."}, raw=True, metadata={"alliances": {"kind": "prose", "sentences": []}})
"""
    change_cell(river_root, "treaty", 3, lambda source: source + "\n" + typed)
    with pytest.raises(PublishError, match="the number “77” stands in no sentence") as raised:
        build(river_root, {}, **PAGE)
    assert str(raised.value).count("\n") == 0
    assert "“77”" in (river_root / "report" / "_output" / "build.log").read_text("utf-8")
    assert edition(river_root) == before


def test_verify(river_root: Path) -> None:
    for day in ("first", "later"):  # what is noted for review changes no edition, whose results are kept
        path = river_root / "notebooks" / "treaty.ipynb"
        notebook = nbformat.read(path, 4)
        notebook.metadata["alliances"], notebook.cells[1].metadata["reviewed"] = {"key": day}, {}
        nbformat.write(notebook, path)
        build(river_root, {"focus": "XAV"}, **PAGE, output=river_root / "kept")
    said: list[str] = []
    with (river_root / "kept" / "figures" / "fig-commission-barges.svg").open("a") as stream:
        stream.write(" ")
    changed = "figures/fig-commission-barges.svg has been changed or is missing: its SHA-256 is not the manifest's."
    assert verify(river_root, river_root / "kept", said.append) == [changed], "All others are the same again."
    assert len([line for line in said if "executed" in line]) == 2, "Nothing is taken from the cache."
    change(river_root, "judgements", "jud-dam", wrong_if="Dunmere never asks for bids.")
    assert verify(river_root, river_root / "kept", said.append)[1:] == [
        "The project has other inputs than the edition: data/judgements.csv; check out its version."
    ]
    with pytest.raises(PublishError, match="holds no manifest"):
        verify(river_root, river_root / "data", said.append)


# ---------------------------------------------------------------- whole or not at all

OLD = ("report.html", "report.pdf", "facts.json", "notebooks", "figures")
NEW = ("report.html", "facts.json", "notebooks", "figures")


def an_edition(folder: Path, content: str, names: tuple[str, ...]) -> Path:
    for name in names:
        path = folder / name if "." in name else folder / name / "file"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (folder / "manifest.json").write_text(json.dumps({"outputs": {n: d for n, d in tree(folder).items() if d}}))
    return folder


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("moment", range(15))
def test_put_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int, is_killed: bool) -> None:
    """Stopped or killed before any of its renames, the old edition stands there again, or the new one already."""
    folder, done = an_edition(tmp_path / "place", "old", OLD), an_edition(tmp_path / "done", "new", NEW)
    old, new, calls, real = tree(folder), tree(done), 0, Path.replace

    def replace(path: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == moment:
            if is_killed:
                monkeypatch.setattr("alliances.place.recover", lambda folder: None)
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    try:
        put_in_place(done, folder)
    except KeyboardInterrupt:
        recover(folder)
    assert tree(folder) == (old if 0 < moment <= calls else new)
    assert is_whole(folder, read_manifest(folder))


def test_a_first_edition_that_cannot_be_put_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves no folder; on another disk it is copied."""
    done = an_edition(tmp_path / "done", "new", NEW)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "report.html")

    def other_disk(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "rename", other_disk)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", full)
        with pytest.raises(OSError, match="No space"):
            put_in_place(done, tmp_path / "place")
    assert not (tmp_path / "place").exists()
    whole = tree(done)
    put_in_place(done, tmp_path / "place")
    assert tree(tmp_path / "place") == whole
    assert not done.exists()


def test_the_river_without_each_of_its_texts(river_root: Path, tmp_path: Path) -> None:
    for text in TEXTS:
        planned = plan(river_root, {"exclude_sources": text})
        with Drawer(Cache(river_root)) as drawer:
            told = stage_edition(planned, tmp_path / text, drawer, log=tmp_path / "log")
        told.check()
        assert [chapter.title for chapter in told.staged.chapters] == ["Orvane River Commission", "A dam for Dunmere"]
        assert text not in (told.staged.folder / "facts.json").read_text("utf-8")
