"""The command line: help, what it refuses and how, parameters from flags and files, `check`, `find` and `quote`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from alliances.check import check_project
from alliances.cli import main, read_parameters
from alliances.errors import ParameterError
from helpers import BUILD, PROJECT, change_cell, edition, river, tree
from river_data import add, change

COMMANDS = ("build", "batch", "check", "diff", "find", "lab", "new", "preview", "quote", "refresh", "verify")


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    def sentence(self) -> str:
        """The one line on standard error of a command that was refused."""
        assert (self.code, self.out) == (2, ""), self
        (line,) = self.err.splitlines()
        assert re.fullmatch(r"alliances( \w+)?: .*\.", line), line
        assert "Traceback" not in line
        return line


Run = Callable[..., Outcome]


@pytest.fixture
def run(built_river: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process, on the built river unless another project is named."""

    def command(*arguments: str, root: Path = built_river) -> Outcome:
        monkeypatch.setenv("ALLIANCES_ROOT", str(root))
        monkeypatch.chdir(root)
        capsys.readouterr()
        try:
            code = main(list(arguments))
        except SystemExit as left:
            code = int(left.code or 0)
        shown = capsys.readouterr()
        return Outcome(code, shown.out, shown.err)

    return command


# ---------------------------------------------------------------- help


@pytest.mark.parametrize("arguments", [("--help",), *((name, "--help") for name in COMMANDS)])
def test_help(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("usage: alliances")
    if len(arguments) == 1:
        assert all(re.search(rf"^    {name} +\w", done.out, re.M) for name in COMMANDS)


def test_help_of_build_has_the_parameters_of_the_data(run: Run) -> None:
    told = run("build", "--help").out
    assert re.search(r"^  barges +integer, barges\. Barges of the survey\. .* Example: 50$", told, re.M)
    assert re.search(r"^  focus +\S.* Example: X[A-Z]{2}$", told, re.M)
    assert "troops" not in told
    assert all(flag in told for flag in ("-p", "-f", "--to", "--engine", "--jobs", "--output", "--force", "--explain"))


def test_nothing_heavy_is_imported_to_say_that_nothing_has_changed(built_river: Path) -> None:
    code = "import sys, alliances.cli; sys.argv = ['alliances', *sys.argv[1:]]; code = alliances.cli.main(); "
    code += "print([m for m in ('pandas', 'altair', 'papermill', 'yaml', 'typst') if m in sys.modules]); sys.exit(code)"
    done = subprocess.run(
        [sys.executable, "-c", code, "build"], cwd=built_river, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r"Nothing has changed; published earlier with embedded \(Pandoc \S+, Typst \S+\):\n", done.stdout)
    assert "  report/_output/report.html\n  report/_output/report.pdf\n[]\n" in done.stdout


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("-p as_off 2020-01-20", ["“as_off”", "nearest is “as_of”", "barges"]),
        ("-p as_of 2020-13-01", ["as_of", "“2020-13-01”", "2020-01-13"]),
        ("-p focus Arvn", ["focus", "“Arvn”", "XAV"]),
        ("-p exclude_sources brief", ["exclude_sources", "“brief”", "brief-2020-01"]),
        ("-p barges 0", ["barges", "nearest valid value is 1"]),
        ("-p barges 1,000", ["barges", "“1,000”", "500"]),
        ("-p price_per_barge 30000", ["price_per_barge", "no notebook", "barges"]),
        ("-p as_of", ["-p"]),
        ("--engine word", ["word", "auto", "embedded"]),
        ("--to docx", ["docx", "html", "pdf"]),
        ("--jobs 0", ["“0”", "1 to 64"]),
        ("--timeout soon", ["“soon”", "number of seconds"]),
        ("--colour", ["--colour"]),
        ("-f nowhere.yaml", ["nowhere.yaml", "-f"]),
    ],
)
def test_bad_arguments(run: Run, built_river: Path, arguments: str, told: Sequence[str]) -> None:
    before = edition(built_river)
    sentence = run("build", *arguments.split()).sentence()
    assert [part for part in told if part not in sentence] == [], sentence
    assert edition(built_river) == before


@pytest.mark.parametrize(
    "arguments", ["", "publish", "check more", "find", "quote", "diff here", "verify", "batch", "batch nowhere.yaml",
                  "verify data", "diff data data", "refresh nothing"],
)  # fmt: skip
def test_bad_commands(run: Run, arguments: str) -> None:
    run(*arguments.split()).sentence()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"focus: NO\n", "“NO”"),
        (b"- as_of\n", "holds no mapping"),
        (b"", "holds no mapping"),
        (b"as_of: [2020\n", "is not YAML"),
        (b"\xff\xfe\xfa\x00", "byte 0xff is not UTF-8"),
        (b"as_off: 2020-01-20\n", "“as_off”"),
    ],
)
def test_bad_parameter_files(run: Run, tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "params.yaml").write_bytes(content)
    assert told in run("build", "-f", str(tmp_path / "params.yaml")).sentence()


def test_flags_go_before_the_file_and_lists_may_be_repeated(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("as_of: 2020-01-20\nfocus: XAV\nexclude_sources: [a]\n", "utf-8")
    pairs = [("focus", "XBM"), ("exclude_sources", "b"), ("exclude_sources", "c,d")]
    found = read_parameters(pairs, file)
    assert (str(found["as_of"]), found["focus"], found["exclude_sources"]) == ("2020-01-20", "XBM", ["b", "c", "d"])
    assert read_parameters((), None) == {}
    with pytest.raises(ParameterError, match="cannot be read"):
        read_parameters((), tmp_path)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda root: (root / "data" / "observations.csv").unlink(), "observations.csv"),
        (lambda root: (root / "data" / "datapackage.json").write_text("{"), "datapackage.json"),
        (lambda root: change(root, "quotes", "five-states", exact="all six states"), "quotes.csv"),
        (lambda root: (root / "seeds" / "brief-2020-01.txt").unlink(), "brief-2020-01.txt"),
        (lambda root: (root / "notebooks" / "treaty.ipynb").unlink(), "treaty.ipynb is missing"),
        (lambda root: (root / "notebooks" / "treaty.ipynb").write_text("{"), "treaty.ipynb cannot be read"),
        (lambda root: change_cell(root, "treaty", 0, lambda s: s + '\nas_off = ""'), "assigns “as_off”"),
        (lambda root: change_cell(root, "treaty", 0, lambda s: s.replace('""', '"XAV"')), "sets as_of to 'XAV'"),
        (lambda root: (root / "report" / "report.qmd").unlink(), "report.qmd"),
        (lambda root: (root / "report" / "report.qmd").write_text("{{< embed x >}}\n"), "{{< embed x >}}"),
        (lambda root: shutil.rmtree(root / "data"), "ALLIANCES_ROOT"),
    ],
)
def test_a_damaged_project(run: Run, tmp_path: Path, damage: Callable[[Path], object], told: str) -> None:
    root = river(tmp_path / "project")
    damage(root)
    before = tree(root)
    assert told in run(*BUILD, "--quiet", root=root).sentence()
    assert {name for name in tree(root) if not name.startswith((".cache", "report/_output"))} == {*before}


def test_quarto_asked_for_where_there_is_none(run: Run, built_river: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCES_QUARTO", "")
    before = edition(built_river)
    done = run("build", "--engine", "quarto", "--quiet")
    assert "Quarto 1.9 or newer is needed" in done.sentence()
    assert edition(built_river) == before


# ---------------------------------------------------------------- check, find, quote


def test_check_is_clean(run: Run) -> None:
    done = run("check")
    assert (done.code, done.err) == (0, ""), done.out
    assert "notebooks: 2 checked, 0 problems" in done.out


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            lambda root: shutil.copy(root / "notebooks" / "treaty.ipynb", root / "notebooks" / "canal.ipynb"),
            "notebooks/canal.ipynb is in no include line of report/report.qmd",
        ),
        (
            lambda root: change_cell(root, "treaty", 3, lambda s: s + "\n"),
            "treaty.ipynb is behind its cells or data; run `alliances refresh treaty`.",
        ),
        (
            lambda root: change(root, "judgements", "jud-dam", wrong_if="Dunmere never asks."),
            "commission.ipynb is behind its cells or data",
        ),
        (
            lambda root: add(
                root, "positions", position_id="pos-dunmere-dam-two", actor_id="XDN", alliance_id="commission",
                topic="dam", position="rejects", attribution="reported", quote_ids="no-new-dam",
            ),
            "notebooks/treaty.ipynb, texts published by 2019-05-20: “XDN.dam” has two different values",
        ),
        (
            lambda root: change_cell(root, "treaty", 0, lambda s: s.replace('""', '"XAV"')),
            "The parameters cell of treaty.ipynb sets as_of to 'XAV'",
        ),
    ],
)  # fmt: skip
def test_check_finds(run: Run, river_root: Path, spoil: Callable[[Path], Any], told: str) -> None:
    if "two different" in told:
        change(river_root, "positions", "pos-dunmere-dam-report", position="hesitates")
    spoil(river_root)
    done = run("check", root=river_root)
    assert (done.code, done.err) == (2, "")
    assert told in done.out, done.out


def test_the_project_is_clean() -> None:
    ok, text = check_project(PROJECT)
    assert ok, text


@pytest.mark.parametrize(
    ("words", "ids"),
    [("40", ["obs-barges-report"]), ("Belmora", ["pos-belmora-locks-report", "mem-commission-belmora-report"]),
     ("lacks ships", ["cap-commission-ships-brief"]), ("B6", ["obs-gauges-brief"]), ("r-xav-league", ["r-xav-league"])],
)  # fmt: skip
def test_find(run: Run, words: str, ids: Sequence[str]) -> None:
    done = run("find", words)
    assert done.code == 0, done.err
    assert [one for one in ids if one not in done.out] == []
    assert "No row holds “zebra”" in run("find", "zebra").out


def test_quote(run: Run) -> None:
    head, row = run("quote", "Dunmere has   ruled out any new dam").out.splitlines()
    assert head == "quote_id,source_id,exact,prefix,suffix"
    assert row == "dunmere-has-ruled-out-any,report-2019-05,Dunmere has ruled out any new dam,,"
    rows = run("quote", "barges for the survey").out.splitlines()[1:]
    assert [line.split(",")[1] for line in rows] == ["report-2019-05", "brief-2020-01"]
    often = [line.split(",") for line in run("quote", "Orvane").out.splitlines() if "report-2019-05" in line]
    assert len(often) == len({(before, after) for *_, before, after in often}) == 3
    assert run("quote", "all FIVE riparian").out.splitlines()[1].split(",")[2] == "all five riparian"
    assert "stands in none of the source texts" in run("quote", "seven barges").sentence()
    assert "stands in none of the source texts" in run("quote", " ").sentence()


# ---------------------------------------------------------------- the rest


def test_explain_quiet_and_where_it_stands(run: Run, river_root: Path) -> None:
    done = run(*BUILD, "--explain", "-p", "barges", "50", root=river_root)
    assert done.code == 0, done.err
    assert "  commission: runs; changed: parameter barges\n" in done.err
    assert "  treaty: kept; nothing it depends on has changed\n" in done.err
    assert re.search(r"^  report/_output/editions/2021-06-15_[0-9a-f]{6}/report\.html$", done.out, re.M)
    assert run(*BUILD, "-p", "focus", "XAV", "--quiet", root=river_root) == Outcome(0, "", "")


def test_a_fault_of_the_program_itself(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alliances.check.check_project", lambda root: 1 / 0)
    done = run("check")
    assert (done.code, done.out) == (1, "")
    log = Path(re.search(r"please report it with (\S+\.log)\.$", done.err)[1])  # type: ignore[index]
    assert "ZeroDivisionError" in log.read_text("utf-8")
    log.unlink()


def test_batch(run: Run, river_root: Path, tmp_path: Path) -> None:
    (tmp_path / "matrix.yaml").write_text("matrix: {as_of: [2019-05-20, 2021-06-15]}\nto: [html]\n")
    done = run("batch", str(tmp_path / "matrix.yaml"), "--engine", "embedded", "--jobs", "2", root=river_root)
    assert done.code == 0, done.out + done.err
    assert "2 of 2 editions are in report/_output/editions; see index.html there." in done.out
    folder = river_root / "report" / "_output" / "editions"
    assert {path.name for path in folder.iterdir()} == {"index.html", "2019-05-20", "2021-06-15_default"}
    manifest = json.loads((folder / "2019-05-20" / "manifest.json").read_text("utf-8"))
    assert manifest["parameters"]["as_of"] == "2019-05-20"
    again = run("batch", str(tmp_path / "matrix.yaml"), "--engine", "embedded", root=river_root)
    assert again.err.count(" kept in ") == 2


def test_the_installed_command_is_this_one() -> None:
    program = shutil.which("alliances", path=str(Path(sys.executable).parent))
    assert program, "The package is not installed beside this Python."
    assert subprocess.run([program, "--version"], capture_output=True, check=True).stdout.startswith(b"alliances ")
