"""The command line: what it accepts, what it refuses and how, where editions land, what happens when things fail."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import alliances.cli
from alliances.cli import main
from alliances.parameters import NAMES
from alliances.publishing import find_quarto
from helpers import (
    PROBE_OPENING,
    copy_project,
    fact_rows,
    make_probe,
    once,
    processes_left,
    quotes,
    run_cli,
    set_chapters,
    sources,
    squeezed,
    tree,
    write_notebook,
)
from small import heeds_ctrl_c

EDITION = {"report.html", "report.pdf", "facts.json", "rows.json", "manifest.json", "notebooks", "figures"}


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    def sentence(self) -> str:
        """The one line on standard error of a command that was refused."""
        assert self.code == 2, self
        assert self.out == ""
        assert self.err.endswith("\n")
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("alliances"), lines
        assert lines[0].endswith("."), lines
        assert "Traceback" not in lines[0]
        assert len(lines[0].split()) >= 6, "A sentence says what was found and what is allowed."
        return lines[0]


Command = Callable[..., Outcome]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in this process: faster, and the same code."""

    def run(root: Path, *arguments: str) -> Outcome:
        monkeypatch.setenv("ALLIANCES_ROOT", str(root))
        monkeypatch.chdir(root)
        capsys.readouterr()
        try:
            code = main(list(arguments))
        except SystemExit as left:
            code = int(left.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="module")
def whole(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the whole project that the tests of this module read and never change."""
    return copy_project(project_root, tmp_path_factory.mktemp("whole") / "project")


@pytest.fixture(scope="module")
def built(project_root: Path, shared_folder: Path) -> Path:
    """A small project with its default edition."""

    def build(folder: Path) -> None:
        make_probe(project_root, folder / "project")
        done = run_cli(folder / "project", "build", "--engine", "embedded")
        assert done.returncode == 0, done.stderr

    return once(shared_folder / "built-probe", build) / "project"


def without_log(folder: Path) -> dict[str, str]:
    return {name: digest for name, digest in tree(folder).items() if not name.endswith("build.log")}


# ---------------------------------------------------------------- help


@pytest.mark.parametrize(
    "arguments", [("--help",), *[(name, "--help") for name in ("build", "check", "refresh", "quote")]]
)
def test_help(whole: Path, command: Command, arguments: tuple[str, ...]) -> None:
    done = command(whole, *arguments)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("usage: alliances")


def test_help_of_build_explains_every_parameter(whole: Path, command: Command) -> None:
    shown = command(whole, "build", "--help").out
    for name in NAMES:
        assert re.search(rf"^  {name} +\S.*\. Example: \S", shown, re.MULTILINE), name
    for flag in ("-p", "-f", "--to", "--engine", "--jobs", "--output", "--force"):
        assert flag in shown


def test_the_installed_command_is_this_one(whole: Path) -> None:
    program = shutil.which("alliances", path=str(Path(sys.executable).parent))
    assert program is not None, "The package is not installed beside this Python."
    done = run_cli(whole, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: alliances")


# ---------------------------------------------------------------- bad input: one sentence, exit code 2, nothing written


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        # parameters: the name, the value, what is allowed, the nearest valid value
        (("-p", "as_off", "2025-03-20"), ["“as_off”", "as_of", *NAMES]),
        (("-p", "colour", "red"), ["“colour”", *NAMES]),
        (("-p", "as_of", "2025-13-01"), ["as_of", "“2025-13-01”", "2025-01-13"]),
        (("-p", "as_of", "2025-02-30"), ["as_of", "“2025-02-30”", "2025-02-28"]),
        (("-p", "as_of", "20/03/2025"), ["as_of", "“20/03/2025”"]),
        (("-p", "as_of", "2025-3-2"), ["as_of", "“2025-3-2”", "2025-03-02"]),
        (("-p", "as_of", "yesterday"), ["as_of", "“yesterday”"]),
        (("-p", "focus", "XXX"), ["focus", "“XXX”", "data/countries.csv"]),
        (("-p", "focus", "Polnd"), ["focus", "“Polnd”", "POL"]),
        (("-p", "focus", "PL"), ["focus", "“PL”", "POL"]),
        (("-p", "focus", "pol"), ["focus", "“pol”", "POL"]),
        (("-p", "exclude_sources", "opinion"), ["exclude_sources", "“opinion”", "opinion-2025-07"]),
        (("-p", "exclude_sources", "opinion-2025-07,opinon"), ["exclude_sources", "“opinon”"]),
        (("-p", "focus", "PO\nL"), ["focus", "POL"]),
        (("-p", "troops", "many"), ["troops", "“many”", "whole number"]),
        (("-p", "troops", "12.5"), ["troops", "“12.5”", "12"]),
        (("-p", "troops", "25,000"), ["troops", "“25,000”", "25000"]),
        (("-p", "troops", "0"), ["troops", "“0”", "nearest valid value is 1"]),
        (("-p", "years", "-5"), ["years", "“-5”", "nearest valid value is 1"]),
        (("-p", "years", "007"), ["years", "“007”", "7"]),
        (("-p", "front_km", "1e3"), ["front_km", "“1e3”"]),
        (("-p", "front_km", "nan"), ["front_km", "“nan”"]),
        (("-p", "cost_per_soldier_year", "$5"), ["cost_per_soldier_year", "“$5”"]),
        (("-p", "rotation", "99"), ["rotation", "“99”", "10"]),
        # flags
        (("--engine", "word"), ["word", "auto", "quarto", "embedded"]),
        (("--to", "docx"), ["docx", "html", "pdf"]),
        (("--jobs", "0"), ["“0”", "1 to 64"]),
        (("--jobs", "two"), ["“two”"]),
        (("-p", "as_of"), ["-p"]),
        (("--colour",), ["--colour"]),
        (("-f", "nowhere.yaml"), ["nowhere.yaml", "-f"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_arguments(whole: Path, command: Command, arguments: tuple[str, ...], told: list[str]) -> None:
    before = tree(whole)
    sentence = command(whole, "build", *arguments).sentence()
    for part in told:
        assert part in sentence, sentence
    assert tree(whole) == before


@pytest.mark.parametrize("arguments", [(), ("publish",), ("check", "more"), ("quote",), ("quote", " ")])
def test_bad_commands(whole: Path, command: Command, arguments: tuple[str, ...]) -> None:
    command(whole, *arguments).sentence()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("focus: NO\n", ["focus", "NOR"]),  # YAML reads NO as false
        ("focus: no\n", ["focus", "NOR"]),
        ("as_of: 2025-13-01\n", ["as_of", "2025-13-01"]),
        ("years: true\n", ["years", "True"]),
        ("troops: [1, 2]\n", ["troops"]),
        ("exclude_sources: {a: b}\n", ["exclude_sources", "opinion-2025-07"]),
        ("as_off: 2025-03-20\n", ["“as_off”", "as_of"]),
        ("- as_of\n", ["params.yaml", "mapping"]),
        ("just words", ["params.yaml", "mapping"]),
        ("", ["params.yaml", "mapping"]),
        ("as_of: [2025\n", ["params.yaml", "YAML"]),
        ("a: b: c\n", ["params.yaml", "YAML"]),
        ("\x00\x01\x02", ["params.yaml", "YAML"]),
        (b"\xff\xfe\xfa\x00", ["params.yaml"]),
    ],
    ids=repr,
)
def test_bad_parameter_files(
    whole: Path, command: Command, tmp_path: Path, content: str | bytes, told: list[str]
) -> None:
    file = tmp_path / "params.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = tree(whole)
    sentence = command(whole, "build", "-f", str(file)).sentence()
    for part in told:
        assert part in sentence, sentence
    assert tree(whole) == before


def drop_table(root: Path) -> str:
    (root / "data" / "observations.csv").unlink()
    return "observations.csv"


def drop_schema(root: Path) -> str:
    (root / "data" / "datapackage.json").unlink()
    return "datapackage.json"


def break_schema(root: Path) -> str:
    (root / "data" / "datapackage.json").write_text("{", "utf-8")
    return "datapackage.json"


def break_quote(root: Path) -> str:
    path = root / "data" / "quotes.csv"
    exact = next(iter(quotes(root).values()))["exact"]
    text = path.read_text("utf-8")
    assert exact in text
    path.write_text(text.replace(exact, f"{exact} no text says this", 1), "utf-8")
    return "quotes.csv"


def lose_quote(root: Path) -> str:
    path = root / "data" / "quotes.csv"
    lost = next(iter(quotes(root)))
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(f"{lost},")), "utf-8")
    return lost


def break_value(root: Path) -> str:
    path = root / "data" / "observations.csv"
    row = next(row for row in fact_rows(root).values() if row["table"] == "observations")
    text = path.read_text("utf-8")
    assert f",{row['comparator']}," in text
    path.write_text(text.replace(f",{row['comparator']},", ",roughly,", 1), "utf-8")
    return "roughly"


def drop_column(root: Path) -> str:
    path = root / "data" / "memberships.csv"
    path.write_text(path.read_text("utf-8").replace("actor_id", "member", 1), "utf-8")
    return "memberships.csv"


def change_seed(root: Path) -> str:
    path = root / "seeds" / sources(root)[0]["file"]
    path.write_bytes(path.read_bytes() + b"\nOne more sentence.\n")
    return sources(root)[0]["file"]


def drop_seed(root: Path) -> str:
    (root / "seeds" / sources(root)[0]["file"]).unlink()
    return sources(root)[0]["file"]


def drop_notebook(root: Path) -> str:
    (root / "notebooks" / "probe.ipynb").unlink()
    return "probe.ipynb"


def break_notebook(root: Path) -> str:
    (root / "notebooks" / "probe.ipynb").write_text("{", "utf-8")
    return "probe.ipynb"


def drop_parameters_cell(root: Path) -> str:
    write_notebook(root / "notebooks" / "probe.ipynb", ["1 + 1"], parameters=None)
    return "parameters"


def invent_parameter(root: Path) -> str:
    write_notebook(root / "notebooks" / "probe.ipynb", ["1 + 1"], parameters='as_off = ""')
    return "as_off"


def drop_template(root: Path) -> str:
    (root / "report" / "report.qmd").unlink()
    return "report.qmd"


@pytest.mark.parametrize(
    "damage",
    [
        drop_table, drop_schema, break_schema, break_quote, lose_quote, break_value, drop_column, change_seed,
        drop_seed,         drop_notebook, break_notebook, drop_parameters_cell, invent_parameter, drop_template,
    ],
)  # fmt: skip
def test_a_damaged_project(probe_root: Path, command: Command, damage: Callable[[Path], str]) -> None:
    told = damage(probe_root)
    before = tree(probe_root)
    sentence = command(probe_root, "build", "--engine", "embedded").sentence()
    assert told in sentence, sentence
    assert tree(probe_root) == before


def test_a_folder_without_a_project(tmp_path: Path, command: Command) -> None:
    sentence = command(tmp_path, "build").sentence()
    assert "ALLIANCES_ROOT" in sentence
    assert list(tmp_path.iterdir()) == []


def test_quarto_asked_for_where_there_is_none(built: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCES_QUARTO", "")
    before = tree(built)
    done = command(built, "build", "--engine", "quarto")
    assert done.code == 2
    last = done.err.splitlines()[-1]
    assert "Quarto 1.9 or newer was not found" in last
    assert "--engine embedded" in last
    assert [line for line in done.err.splitlines() if line.startswith("alliances")] == [last]
    after = tree(built)
    after.pop("report/_output/build.log", None)
    before.pop("report/_output/build.log", None)
    assert after == before


# ---------------------------------------------------------------- where editions land


def edition_names(root: Path) -> list[str]:
    folder = root / "report" / "_output" / "editions"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_other_parameters_land_in_a_folder_of_their_own(built: Path, tmp_path: Path, command: Command) -> None:
    root = tmp_path / "project"
    shutil.copytree(built, root)
    before = tree(root / "report" / "_output")
    before.pop("build.log", None)
    arguments = ("build", "--engine", "embedded", "--to", "html")
    assert command(root, *arguments, "-p", "as_of", "2025-03-20", "-p", "focus", "POL").code == 0
    assert edition_names(root) == ["2025-03-20_POL"]
    assert command(root, *arguments, "-p", "rotation", "4").code == 0
    first, second = edition_names(root)
    assert first == "2025-03-20_POL"
    newest = sources(root)[-1]["published"]
    assert re.fullmatch(rf"{newest}_[0-9a-f]{{6}}", second)
    after = tree(root / "report" / "_output")
    assert {name: after.get(name) for name in before} == before
    for name in edition_names(root):
        folder = root / "report" / "_output" / "editions" / name
        assert {path.name for path in folder.iterdir()} == EDITION - {"report.pdf"}
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        assert manifest["parameters"]["focus"] == ("POL" if name == first else "")
        assert manifest["parameters"]["rotation"] == (3 if name == first else 4)


def test_defaults_spelled_out_are_the_default_edition(built: Path, tmp_path: Path, command: Command) -> None:
    root = tmp_path / "project"
    shutil.copytree(built, root)
    before = without_log(root / "report" / "_output")
    file = tmp_path / "params.yaml"
    file.write_text(f"as_of: {sources(root)[-1]['published']}\nfocus: ''\nexclude_sources: []\ntroops:\n", "utf-8")
    done = command(root, "build", "--engine", "embedded", "-f", str(file), "-p", "rotation", "3")
    assert done.code == 0, done.err
    assert edition_names(root) == []
    assert without_log(root / "report" / "_output") == before


def test_flags_go_before_the_file_and_lists_may_be_repeated(built: Path, tmp_path: Path, command: Command) -> None:
    ids = [row["source_id"] for row in sources(built)]
    file = tmp_path / "params.yaml"
    file.write_text(f"as_of: 2025-04-20\nfocus: NOR\nexclude_sources: [{ids[2]}]\n", "utf-8")
    flags = ("-p", "focus", "POL", "-p", "exclude_sources", ids[1], "-p", "exclude_sources", f"{ids[0]}, {ids[1]}")
    done = command(
        built,
        "build",
        "--engine",
        "embedded",
        "--to",
        "html",
        "-f",
        str(file),
        *flags,
        "--output",
        str(tmp_path / "out"),
    )
    assert done.code == 0, done.err
    parameters = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))["parameters"]
    assert (parameters["as_of"], parameters["focus"]) == ("2025-04-20", "POL")
    assert sorted(parameters["exclude_sources"]) == sorted(ids[:2])
    notebook = (tmp_path / "out" / "notebooks" / "probe.ipynb").read_text("utf-8")
    assert 'focus = \\"POL\\"' in notebook


def test_output_refuses_what_is_not_its_own(built: Path, tmp_path: Path, command: Command) -> None:
    """A folder with other files, a file, and another edition; --force replaces the edition and nothing else."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "thesis.docx").write_text("years of work")
    arguments = ("build", "--engine", "embedded", "--to", "html", "--output")
    assert "--force" in command(built, *arguments, str(folder)).sentence()
    assert [path.name for path in folder.iterdir()] == ["thesis.docx"]

    sentence = command(built, *arguments, str(folder / "thesis.docx")).sentence()
    assert "is a file" in sentence
    assert (folder / "thesis.docx").read_text() == "years of work"

    done = command(built, *arguments, str(folder), "--force")
    assert done.code == 0, done.err
    assert (folder / "thesis.docx").read_text() == "years of work"
    assert {path.name for path in folder.iterdir()} == EDITION - {"report.pdf"} | {"thesis.docx"}

    before = tree(folder)
    sentence = command(built, *arguments, str(folder), "-p", "focus", "POL").sentence()
    assert "another edition" in sentence
    assert "--force" in sentence
    assert tree(folder) == before

    done = command(built, *arguments, str(folder), "-p", "focus", "POL", "--force")
    assert done.code == 0, done.err
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["parameters"]["focus"] == "POL"
    assert (folder / "thesis.docx").read_text() == "years of work"

    (folder / "manifest.json").write_text("{", "utf-8")  # whose edition is it?
    command(built, *arguments, str(folder), "-p", "focus", "POL").sentence()


def test_force_does_not_turn_a_file_into_a_folder(built: Path, tmp_path: Path, command: Command) -> None:
    file = tmp_path / "thesis.docx"
    file.write_text("years of work")
    command(built, "build", "--engine", "embedded", "--output", str(file), "--force").sentence()
    assert file.read_text() == "years of work"


def test_one_format_alone(built: Path, tmp_path: Path, command: Command) -> None:
    for kind, other in (("html", "pdf"), ("pdf", "html")):
        folder = tmp_path / kind
        done = command(built, "build", "--engine", "embedded", "--to", kind, "--output", str(folder))
        assert done.code == 0, done.err
        assert {path.name for path in folder.iterdir()} == EDITION - {f"report.{other}"}
        assert f"report.{other}" not in done.out


# ---------------------------------------------------------------- Quarto found, and failing


def fake_quarto(folder: Path) -> Path:
    """Write a Quarto that gives a good version and then fails."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "quarto"
    path.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "if '--version' in sys.argv:\n    print('1.9.38')\n    sys.exit(0)\n"
        "print('Quarto speaking: this render fails')\nprint('a second line')\nsys.exit(3)\n",
        "utf-8",
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="the fake Quarto is a script with a first line for Unix")
@pytest.mark.parametrize("found_by", ["variable", "path"])
def test_quarto_failing_under_auto(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found_by: str) -> None:
    program = fake_quarto(tmp_path / "bin")
    variables = {"ALLIANCES_QUARTO": str(program)}
    if found_by == "path":
        if find_quarto() is not None:
            pytest.skip("a real Quarto stands beside Python and goes first")
        variables = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    done = run_cli(built, "build", "--output", str(tmp_path / "out"), **variables)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if "Quarto" in line]
    assert len(lines) == 1, done.stderr
    named = re.search(r"(\S+build\.log)", lines[0])
    assert named is not None, lines
    assert "Quarto speaking: this render fails" in Path(named[1]).read_text("utf-8")
    assert "a second line" not in done.stderr + done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == EDITION
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["engine"].startswith("embedded")
    same = ("report.html", "report.pdf", "facts.json")
    for name in same:
        assert (tmp_path / "out" / name).read_bytes() == (built / "report" / "_output" / name).read_bytes(), name


@pytest.mark.skipif(sys.platform == "win32", reason="the fake Quarto is a script with a first line for Unix")
def test_quarto_asked_for_and_failing(built: Path, tmp_path: Path) -> None:
    program = fake_quarto(tmp_path / "bin")
    done = run_cli(
        built, "build", "--engine", "quarto", "--output", str(tmp_path / "out"), ALLIANCES_QUARTO=str(program)
    )
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert "could not render" in last
    assert "build.log" in last
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------- what fails half-way leaves nothing behind


@pytest.mark.parametrize("where", ["default", "output"])
def test_a_notebook_that_raises(built: Path, tmp_path: Path, where: str) -> None:
    root = tmp_path / "project"
    shutil.copytree(built, root)
    set_chapters(root, ["probe", "broken"])
    failing = [PROBE_OPENING, "import time\ntime.sleep(0.1)", 'raise ValueError("the bridge is out")\n']
    write_notebook(root / "notebooks" / "broken.ipynb", failing)
    before = without_log(root)
    mark = f"{tmp_path}-{where}"
    flags = ("--output", str(tmp_path / "out")) if where == "output" else ()
    done = run_cli(root, "build", "--engine", "embedded", *flags, mark=mark)
    assert done.returncode == 2
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert "broken.ipynb" in last
    assert "ValueError: the bridge is out" in last
    assert "Traceback" not in done.stderr
    named = re.search(r"(\S+build\.log)", last)
    assert named is not None, last
    log = Path(named[1]).read_text("utf-8")
    assert "ValueError" in log
    assert 'raise ValueError("the bridge is out")' in re.sub(r"\x1b\[[0-9;]*m", "", log)
    assert without_log(root) == before
    assert not (tmp_path / "out").exists()
    assert processes_left(mark) == []


@pytest.mark.skipif(sys.platform == "win32", reason="a kernel is killed by a signal")
def test_a_kernel_that_dies(built: Path, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(built, root)
    write_notebook(root / "notebooks" / "probe.ipynb", ["import os\nos.kill(os.getpid(), 9)"])
    before = without_log(root)
    done = run_cli(root, "build", "--engine", "embedded", mark=str(tmp_path))
    assert done.returncode == 2
    assert "probe.ipynb" in done.stderr.splitlines()[-1]
    assert without_log(root) == before
    assert processes_left(str(tmp_path)) == []


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (
            'Narrative("There are 17 of them.")',
            ["17", "sec-probe", "not linked"],
        ),
        ('Narrative("There are seventeen.")', ["seventeen"]),
        (
            'Narrative("On [31 March 2019](#ref-as-of).")',
            ["31 March 2019"],
        ),
        ('Narrative("See [this](#calc-nowhere).")', ["#calc-nowhere"]),
        ('Narrative("See @fig-nowhere.")', ["fig-nowhere"]),
        ('edition.tell("It has {obs-nobody-ever-counted}.")', ["obs-nobody-ever-counted", "probe.ipynb"]),
        ('print("loose talk")', ["probe.ipynb", "stream"]),
        ("{1: 2}", ["probe.ipynb", "text/plain"]),
        ("import pandas as pd\npd.DataFrame({'a': [1]})", ["probe.ipynb", "text/html"]),
        ("import altair as alt\nalt.Chart().mark_point()", ["probe.ipynb", "label", "description"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_chapter_that_breaks_the_rules(
    built: Path, tmp_path: Path, command: Command, cell: str, told: list[str]
) -> None:
    """No number without evidence, no value but the evidence's, no dead link, nothing that a report would lose."""
    root = tmp_path / "project"
    shutil.copytree(built, root)
    opening = f"{PROBE_OPENING}\nfrom alliances.prose.narrative import Narrative"
    cells = [opening, "edition.tell('On {day}.', day=edition.day)", cell]
    write_notebook(root / "notebooks" / "probe.ipynb", cells)
    before = without_log(root)
    done = command(root, "build", "--engine", "embedded")
    assert done.code == 2, done
    last = done.err.splitlines()[-1]
    for part in told:
        assert part in last, last
    assert without_log(root) == before


@pytest.mark.skipif(sys.platform == "win32", reason="an interrupt is a signal")
def test_an_interrupt_leaves_nothing_behind(built: Path, tmp_path: Path) -> None:
    import signal
    import subprocess

    root = tmp_path / "project"
    shutil.copytree(built, root)
    write_notebook(root / "notebooks" / "probe.ipynb", ["import time\ntime.sleep(60)"])
    before = without_log(root)
    environment = {**os.environ, "ALLIANCES_ROOT": str(root), "ALLIANCES_TEST_MARK": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "alliances.cli", "build", "--engine", "embedded"],
        cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=heeds_ctrl_c,
    )  # fmt: skip
    assert process.stderr is not None
    assert "1 notebooks" in process.stderr.readline()
    time.sleep(3)  # let the kernel get to its cell
    started = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    _, told = process.communicate(timeout=60)
    assert time.monotonic() - started < 20
    assert process.returncode == 130
    assert "Traceback" not in told
    assert "interrupted" in told.splitlines()[-1]
    assert without_log(root) == before
    deadline = time.monotonic() + 5
    while processes_left(str(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_left(str(tmp_path)) == []


def test_an_error_of_the_program_is_one_line_with_a_log(
    whole: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(alliances.cli, "run_check", fail)
    done = command(whole, "check")
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    named = re.search(r"(\S+\.log)", done.err)
    assert named is not None
    log = Path(named[1])
    assert "RuntimeError: a bug" in log.read_text("utf-8")
    log.unlink()


# ---------------------------------------------------------------- check and quote


def test_the_project_passes_its_own_check(whole: Path, command: Command) -> None:
    done = command(whole, "check")
    assert done.code == 0, f"`alliances check` says:\n{done.out}"


def test_check_names_a_notebook_that_refers_to_no_row(probe_root: Path, command: Command) -> None:
    write_notebook(probe_root / "notebooks" / "probe.ipynb", ['edition.tell("{obs-nobody-ever-counted}")'])
    done = command(probe_root, "check")
    assert done.code == 2
    assert "obs-nobody-ever-counted" in done.out
    assert "probe.ipynb" in done.out


def test_check_names_data_that_are_wrong(probe_root: Path, command: Command) -> None:
    break_quote(probe_root)
    done = command(probe_root, "check")
    assert done.code == 2
    assert "data/quotes.csv" in done.out
    assert next(iter(quotes(probe_root))) in done.out
    assert "Traceback" not in done.out + done.err


def test_quote_prints_a_row_that_the_data_accept(whole: Path, command: Command) -> None:
    import csv
    import io

    given = next(row for row in quotes(whole).values() if not row["prefix"] and "\n" not in row["exact"])
    done = command(whole, "quote", " ".join(given["exact"].split()))
    assert (done.code, done.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert list(rows[0]) == ["quote_id", "source_id", "exact", "prefix", "suffix"]
    assert (given["source_id"], given["exact"]) in {(row["source_id"], row["exact"]) for row in rows}


def test_quote_tells_places_apart(whole: Path, command: Command) -> None:
    import csv
    import io

    done = command(whole, "quote", "the coalition of the willing")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert len(rows) > 1
    seeds = {row["source_id"]: (whole / "seeds" / row["file"]).read_text("utf-8") for row in sources(whole)}
    for row in rows:
        selector = squeezed(row["prefix"] + row["exact"] + row["suffix"])
        assert squeezed(seeds[row["source_id"]]).count(selector) == 1, row


def test_quote_that_no_text_has(whole: Path, command: Command) -> None:
    assert "none of the source texts" in command(whole, "quote", "no text has these words").sentence()


def test_refresh_refuses_what_is_no_notebook(whole: Path, command: Command) -> None:
    assert "not a notebook" in command(whole, "refresh", "README.md").sentence()
    assert "missing" in command(whole, "refresh", "notebooks/nowhere.ipynb").sentence()
