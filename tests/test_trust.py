"""What keeps a report from being wrong in silence: stray files, settings, merges, characters, other machines."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pikepdf
import pypdf
import pytest
import yaml
from bs4 import BeautifulSoup

from alliances.build import build
from alliances.cli import main
from alliances.dataset import FACT_TABLES, split_list
from alliances.errors import AlliancesError
from helpers import BUILD, PROJECT, Command, change_cell, edition, long, outputs, put_first, tree
from river_data import RIVER, change, descriptor, read_table, write_table

WHOLE = ("build", "--engine", "embedded")


@pytest.fixture
def command(river_root: Path, tmp_path: Path) -> Command:
    return Command(river_root, tmp_path / "tmp")


# ---------------------------------------------------------------- what counts, and what does not


def test_a_stray_copy_changes_nothing_and_is_named(command: Command) -> None:
    data = command.root / "data"
    for name in ("countries (Copy).csv", "~$countries.csv", "countries.csv.bak"):
        shutil.copy(data / "countries.csv", data / name)
    shutil.copy(command.root / "notebooks" / "treaty.ipynb", command.root / "notebooks" / "treaty-Copy1.ipynb")
    for folder in (command.root / "seeds", command.root / "report" / "_extensions" / "alliances"):
        (folder / "~$note.txt").write_text("x")
        (folder / "report.css~").write_text("x")
    assert "Nothing has changed" in command.done(*WHOLE)
    told = command.run("check").stdout
    assert "run `alliances refresh" not in told
    assert all(name in told for name in ("countries (Copy).csv", "~$countries.csv", "treaty-Copy1.ipynb"))


@long
@pytest.mark.parametrize("fork", ["1", "0"])
def test_the_settings_of_a_user_change_nothing(command: Command, fork: str) -> None:
    home = command.root.parent / "home"
    for folder in (home / ".ipython" / "profile_default", home / ".jupyter"):
        folder.mkdir(parents=True)
        for name in ("ipython_config.py", "ipython_kernel_config.py", "jupyter_config.py"):
            (folder / name).write_text(
                'c.InteractiveShell.ast_node_interactivity = "all"\nc.IPKernelApp.matplotlib = 1'
            )
    (home / ".ipython" / "profile_default" / "startup").mkdir()
    (home / ".ipython" / "profile_default" / "startup" / "00.py").write_text("import os; os._exit(3)")
    put_first(command.root, "treaty", "1; 2")
    own = {"HOME": str(home), "IPYTHONDIR": str(home / ".ipython"), "JUPYTER_CONFIG_DIR": str(home / ".jupyter")}
    before = tree(home)
    command.done(*BUILD, ALLIANCES_FORK=fork, **own)
    there = edition(command.root)
    assert tree(home) == before
    shutil.rmtree(command.root / ".cache")
    command.done(*BUILD, "--force", ALLIANCES_FORK=fork)
    assert edition(command.root) == there


# ---------------------------------------------------------------- the adviser says what stops a build

MERGE = "<<<<<<< HEAD\nx: 1\n=======\nx: 2\n>>>>>>> other\n"


def insert(name: str, what: str) -> Callable[[Path], object]:
    def change(root: Path) -> None:
        path = root / name
        head, _, rest = path.read_text("utf-8").partition("\n") if path.exists() else ("", "", "")
        path.write_text(f"{head}\n{what}{rest}", "utf-8")

    return change


@pytest.fixture
def small(built_river: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The river without its edition, to be damaged; commands run in this process."""
    kept = shutil.ignore_patterns("_output", ".cache")
    monkeypatch.setenv("ALLIANCES_ROOT", str(shutil.copytree(built_river, tmp_path / "small", ignore=kept)))
    monkeypatch.setenv("ALLIANCES_FORK", "0")
    return tmp_path / "small"


CELLS = [
    ("value_low", "about 20", "does not fit"), ("value_low", "20,0", "a point before its decimals"),
    ("value_low", "20.000", "read as 20000 or as 20;"), ("value_low", "20,000", "read as 20000 or as 20;"),
    ("value_low", "1.125", "can be read as 1125 or as 1.1250;"), ("value_low", "1_000", "does not fit"),
    ("value_low", "٢٠", "does not fit"), ("value_low", "020", "does not fit"), ("value_low", "nan", "does not fit"),
    ("year_inferred", "TRUE", "true or false"),
    ("value_low", "1e3", "does not fit"), ("value_low", " 20", "does not fit"),
]  # fmt: skip
NAMES = [("Ar\x01ven", "U+0001"), ("Ar\uffffven", "U+FFFF"), ("Ar\u2028ven", "U+2028"), ("\u202eneva", "U+202E")]


def test_cells_that_stop_a_build_are_named_by_check(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, actors = read_table(small, "observations"), read_table(small, "actors")
    for row, (column, written, _) in zip(rows, CELLS, strict=False):
        row[column] = written
    for row, (written, _) in zip(actors, NAMES, strict=False):
        row["aliases"] = written
    write_table(small, "observations", rows)
    write_table(small, "actors", actors)
    assert main(["check"]) == 2
    told = capsys.readouterr().out.splitlines()
    for number, (column, written, why) in enumerate(CELLS, start=2):
        start = f"data/observations.csv, row {number}, column {column}: “{written.strip()}”"
        assert any(line.startswith(start) and why in line for line in told), (start, told)
    for number, (_, why) in enumerate(NAMES, start=2):
        assert any(line.startswith(f"data/actors.csv, row {number}, column aliases: ") and why in line for line in told)
    assert main([*BUILD]) == 2
    assert told[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        *(pytest.param(insert(name, MERGE), f"{name}, ", marks=[long] if name[-1] in "alp" else []) for name in (
            "report/report.qmd", "report/_quarto.yml", "report/_brand.yml", "data/datapackage.json",
            "data/countries.csv", "notebooks/helper.py", "report/_extensions/alliances/alliances.lua")),
        (insert("notebooks/treaty.ipynb", MERGE), "treaty.ipynb holds two versions"),
        (insert("report/_brand.yml", "a: [\n"), "report/_brand.yml is not YAML (line "),
        (lambda root: (root / "notebooks" / "treaty.ipynb").write_text("{"), "line 1 column 2"),
        (lambda root: (root / "data" / "actors.csv").write_text("x" * 200_000), "field larger than"),
        (lambda root: change_cell(root, "treaty", 0, lambda code: "x = y"), "assignments of plain values"),
    ],
)  # fmt: skip
def test_files_that_stop_a_build_are_named_by_check(
    small: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], object], told: str
) -> None:
    damage(small)
    assert main([*BUILD]) == 2
    sentence = capsys.readouterr().err.strip().splitlines()[-1].removeprefix("alliances build: ")
    assert told in sentence
    assert main(["check"]) == 2
    checked = capsys.readouterr()
    assert re.split(r" \d more: ", sentence)[0] in checked.out + checked.err


# ---------------------------------------------------------------- what was tampered with is named


#: What is changed: files of which the first that holds the bytes is taken, the bytes, others for them; what is told.
TAMPERED = {
    "text": ("seeds/*.txt", b"Arven", b"Arvem", "has another SHA-256"),
    "quotation": ("data/quotes.csv", b"It gave Arven", b"It cost Arven", "occurs 0 times"),
    "committed output": ("notebooks/*.ipynb", b"Dunmere", b"Dunmare", "shows what a run at its defaults does not"),
    "result": (".cache/notebooks/*/*", b"Dunmere", b"Belmora", "is not as the cache stored it"),
    "drawing": (".cache/charts/*/*", b"</svg>", b"<a/></svg>", "is not as the cache stored it"),
    "page": ("report/_output/report.html", b"Dunmere", b"Belmora", "has been changed since it was built"),
    "PDF": ("report/_output/report.pdf", b"endobj", b"endbj", "has been changed since it was built"),
}


AT_ONCE = [one for one in TAMPERED if one != "quotation"]  # with other data, outputs are told as behind them


@pytest.mark.parametrize("what", [AT_ONCE, *(pytest.param([one], id=one, marks=long) for one in TAMPERED)])
def test_what_was_tampered_with_is_named(
    river_root: Path, what: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the project, in its edition, and in a cache that the user keeps elsewhere."""
    monkeypatch.setenv("ALLIANCES_ROOT", str(river_root))
    monkeypatch.setenv("ALLIANCES_CACHE", str((river_root / ".cache").rename(river_root / "users.cache")))
    wanted = []
    for pattern, old, new, why in map(TAMPERED.__getitem__, what):
        found = sorted(river_root.glob(pattern.replace(".cache", "users.cache")))
        path = next(path for path in found if old in path.read_bytes())
        path.write_bytes(path.read_bytes().replace(old, new, 1))
        wanted.append((path.name, why))
    assert main(["check"]) == 2
    told = capsys.readouterr().out.splitlines()
    for name, why in wanted:
        assert [line for line in told if name in line and why in line], (name, told)


# ---------------------------------------------------------------- hostile data

HOSTILE = " ".join([
    "<img src=x onerror=alert()>", "`<script>alert()</script>`{=html}", "</script><script>alert()</script>",
    "<!-- ]]>", '#panic("x") `#panic("x")`{=typst}', "[x](javascript:alert())", "<% raise %><< x >><# y #>",
    "--- : {a: &b *c",
    "=cmd|' /C calc'!A0", "../../../etc/passwd {{< include /etc/passwd >}}", "$\\input{x}$",
    "@evil ^[x] ::: {.x} \\ \\end | \U0001f600 عرب",
])  # fmt: skip
#: A name of a text stands on an axis, where no more has room.
BRIEF = "<b onclick=x>"
#: Columns that the schema leaves free, and that hold files, words of the texts, ids, units or templates.
CODES = {
    ("sources", "file"), ("indicators", "comparable_with"), ("observations", "time_period"), ("parameters", "unit"),
    ("judgements", "aside"), ("judgements", "statement"),
    *((table, column) for table in ("quotes", "exclusions") for column in ("exact", "prefix", "suffix")),
}  # fmt: skip


def text_columns(root: Path) -> Iterator[tuple[str, str, bool]]:
    """Each column of text of each table, and whether any words may stand there."""
    for table, schema in ((each["name"], each["schema"]) for each in descriptor(root)["resources"]):
        bound = {key["fields"] for key in schema.get("foreignKeys", ())}
        for field in schema["fields"]:
            name, rules = field["name"], field.get("constraints", {})
            is_code = rules.keys() & {"enum", "pattern"} or name in bound or (table, name) in CODES
            if field["type"] == "string":
                yield table, name, not is_code


def runs_nothing(folder: Path, scripts: int) -> None:
    """Page, PDF, notebooks and exports of an edition hold text where the data hold markup, and so many scripts."""
    page = BeautifulSoup((folder / "report.html").read_text("utf-8"), "html.parser")
    assert len(page.find_all("script")) == scripts
    assert [tag.name for tag in page.find_all(True) for name in tag.attrs if name.startswith("on")] == []
    assert page.find(href=re.compile("javascript:")) is None
    assert [tag for tag in page.find_all(src=True) if not tag["src"].startswith("data:")] == []
    for path in folder.glob("figures/*.csv"):
        assert not re.search(r'(?m)(^|,)"?[=+@]', path.read_text("utf-8-sig"))
    for path in folder.glob("figures/*.svg"):
        drawn = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        assert drawn.find(["script", "img", "image", "foreignobject"]) is None
    for path in folder.glob("notebooks/*.ipynb"):
        for shown in outputs(json.loads(path.read_bytes())):
            html = BeautifulSoup("".join(shown.get("data", {}).get("text/html", "")), "html.parser")
            assert html.find(["script", "img"]) is None
            assert not re.search(r"(?<![\\\\`])<(img|script)", "".join(shown.get("data", {}).get("text/markdown", "")))
    with pikepdf.open(folder / "report.pdf") as pdf:
        actions = [each for each in pdf.objects if isinstance(each, pikepdf.Dictionary)]
        assert {str(each.get("/S")) for each in actions} & {"/JavaScript", "/Launch", "/SubmitForm"} == set()
        assert [each for each in actions if str(each.get("/URI", "")).startswith("javascript")] == []


@pytest.mark.parametrize(
    ("table", "column", "is_free"),
    [pytest.param(*each, marks=() if each[:2] == ("actors", "name") else long) for each in text_columns(RIVER)],
)
def test_hostile_data_are_text(river_root: Path, table: str, column: str, is_free: bool) -> None:
    """In each column, in page, PDF and exports; where codes stand they may be refused, by file, row and column."""
    folder, rows = river_root / "report" / "_output", read_table(river_root, table)
    scripts = len(BeautifulSoup((folder / "report.html").read_text("utf-8"), "html.parser").find_all("script"))
    words = f"{rows[0][column]} {BRIEF if (table, column) == ('sources', 'short_name') else HOSTILE}".strip()
    if column == "name" and "iso3" in rows[0]:  # a country's name stands in two tables
        change(river_root, "countries", rows[0]["iso3"], name=words)
        change(river_root, "actors", rows[0]["iso3"], name=words)
        rows = read_table(river_root, table)
    rows[0][column] = words
    write_table(river_root, table, rows)
    refused = ""
    try:
        build(river_root, {}, engine="embedded")
    except AlliancesError as error:
        refused = str(error)
    if refused:
        assert not is_free, refused
        assert re.match(r"data/\w+\.csv, row \d+, column \w+: |Notebook .*“barges” is measured in", refused)
        return
    runs_nothing(folder, scripts)
    if (table, column) in {("actors", "name"), ("sources", "title"), ("public_record", "basis")}:
        page = BeautifulSoup((folder / "report.html").read_text("utf-8"), "html.parser").get_text()
        sheets = "".join(sheet.extract_text() for sheet in pypdf.PdfReader(folder / "report.pdf").pages)
        assert "<img src=x onerror=alert()>" in " ".join(page.split())
        assert "<imgsrc=xonerror=alert()>" in "".join(sheets.split())


# ---------------------------------------------------------------- time


@long
def test_nothing_of_a_later_text_shows_at_any_cut_off(river_root: Path, tmp_path: Path) -> None:
    """200 editions at random days and without random texts: page with its data, PDF with what it carries, all files."""
    tables = {table: read_table(river_root, table) for table in ("sources", "quotes", "public_record", *FACT_TABLES)}
    source_of = {row["quote_id"]: row["source_id"] for row in tables["quotes"]}
    secrets: list[tuple[str, str]] = [
        (row["source_id"], row["exact"]) for row in tables["quotes"] if len(row["exact"]) > 24
    ]
    secrets += [
        (row["source_id"], row[column]) for row in tables["sources"] for column in ("source_id", "title", "sha256")
    ]
    for table, key in FACT_TABLES.items():
        secrets += [(source_of[split_list(row["quote_ids"])[0]], row[key]) for row in tables[table]]
    pick, seen = random.Random(20), 0
    for number in range(200):
        day = str(date(2019, 1, 1) + timedelta(days=pick.randrange(1000)))
        left_out = [row["source_id"] for row in tables["sources"] if pick.random() < 0.3]
        known = {row["source_id"] for row in tables["sources"] if row["published"] <= day} - {*left_out}
        values, folder = {"as_of": day, "exclude_sources": left_out}, tmp_path / str(number)
        build(river_root, values, engine="embedded", output=folder)
        kinds = (".html", ".svg", ".csv", ".json")
        files = [path for path in folder.rglob("*") if path.suffix in kinds and path.name != "manifest.json"]
        texts = [path.read_text("utf-8") for path in files]
        texts += [json.dumps(outputs(json.loads(path.read_bytes()))) for path in folder.glob("notebooks/*.ipynb")]
        with pikepdf.open(folder / "report.pdf") as pdf:
            texts += [file.get_file().read_bytes().decode() for file in pdf.attachments.values()]
            texts.append(str(pdf.docinfo) + str(pdf.Root.get("/Metadata").read_bytes()))
        texts.append(
            " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(folder / "report.pdf").pages).split())
        )
        whole = (
            re.sub("|".join(map(re.escape, left_out)) or "$^", "", "\n".join(texts)) if left_out else "\n".join(texts)
        )
        told = [
            secret
            for source, secret in secrets
            if source not in known and re.search(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", whole)
        ]
        assert told == [], (values, told)
        late = [
            row["record_id"] for row in tables["public_record"] if row["entry_date"] > day and row["record_id"] in whole
        ]
        assert late == [], (values, late)
        seen += sum(secret in whole for source, secret in secrets if source in known)
        shutil.rmtree(folder)
    assert seen > 2_000, "The test can fail."


# ---------------------------------------------------------------- no network


def test_without_a_network(command: Command) -> None:
    """In a namespace that has nothing but loopback, where the machine allows one."""
    alone = ["unshare", "-rn"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    put_first(command.root, "treaty", "x = 1")
    there = edition(command.root)
    code = [sys.executable, "-m", "alliances.cli", *WHOLE, "--force"]
    done = subprocess.run(
        [*alone, *code],
        env={**os.environ, "ALLIANCES_ROOT": str(command.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {name for name, digest in edition(command.root).items() if there[name] != digest} == {
        "manifest.json", "notebooks/treaty.ipynb",
    }  # fmt: skip


# ---------------------------------------------------------------- what is taken from others


def test_what_the_build_rests_on_is_locked_and_listed() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    groups = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    direct = {re.split("[<>=]", one)[0] for group in [*groups, *project["dependency-groups"].values()] for one in group}
    told = (PROJECT / "SECURITY.md").read_text("utf-8")
    assert sorted(name for name in direct if f"`{name}`" not in told) == []
    lock = tomllib.loads((PROJECT / "uv.lock").read_text("utf-8"))["package"]
    files = [file for one in lock for file in (*one.get("wheels", ()), *filter(None, [one.get("sdist")]))]
    assert len(files) > 500
    assert all(file["hash"].startswith("sha256:") for file in files)


def test_workflows_are_pinned_and_only_two_jobs_may_write() -> None:
    writing = set()
    for path in (PROJECT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text("utf-8")
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] in ({}, {"contents": "read"}), path.name
        writing |= {name for name, job in workflow["jobs"].items() if "write" in job.get("permissions", {}).values()}
        uses = re.findall(r"uses: \S+@(\S+)", text)
        assert len(uses) >= 5
        assert all(re.fullmatch("[0-9a-f]{40}", commit) for commit in uses)
    assert writing == {"pages", "release"}
