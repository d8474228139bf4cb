"""The notebooks: what each must hold, plain papermill, refresh, staleness, kernels that end."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from alliances.dataset import Dataset
from alliances.errors import ExecutionError
from alliances.execution import notebooks
from alliances.execution.inline import run_inline
from alliances.execution.refresh import refresh, stale
from alliances.execution.run import check_notebooks, run_notebooks
from alliances.parameters import NAMES, Parameters, check_parameters
from alliances.paths import find_root
from alliances.staging.chapters import read_chapter
from alliances.staging.report import notebook_names, stage_text
from helpers import (
    PROBE_OPENING,
    PROBE_PARAMETERS,
    copy_project,
    processes_left,
    read_csv,
    run_cli,
    set_chapters,
    sources,
    tree,
    write_notebook,
)

ROOT = find_root(Path(__file__).parent)
CHAPTERS = notebook_names(ROOT / "report" / "report.qmd")
NOISE = re.compile(r"0x[0-9a-f]{8,}|ipykernel_\d+|/tmp/|/home/|/work/|\d{4}-\d\d-\d\dT\d\d:")


def parameters_cell(notebook: nbformat.NotebookNode) -> int:
    tagged = [n for n, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    return tagged[0]


def assigned(source: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(source, space)
    return {name: value for name, value in space.items() if not name.startswith("__")}


def shown(notebook: nbformat.NotebookNode) -> str:
    """The Markdown that a notebook shows."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n\n".join(output.get("data", {}).get("text/markdown", "") for output in outputs)


# ---------------------------------------------------------------- each notebook of the report


@pytest.fixture(params=CHAPTERS)
def chapter(request: pytest.FixtureRequest) -> Path:
    return ROOT / "notebooks" / f"{request.param}.ipynb"


def test_the_report_has_its_chapters() -> None:
    assert {"overview", "nato", "jef", "coalition"} <= set(CHAPTERS)
    assert len(CHAPTERS) == len(set(CHAPTERS))


def test_no_notebook_is_forgotten() -> None:
    assert sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")) == sorted(CHAPTERS)


def test_a_notebook_is_valid_and_starts_with_its_heading(chapter: Path) -> None:
    notebook = nbformat.read(chapter, 4)
    nbformat.validate(notebook)
    # A heading that depends on the edition (a force's newest name, a country in focus) is written by code; the focus
    # page has none where no focus is set.
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    shown = [out["data"] for cell in notebook.cells for out in cell.get("outputs", []) if "data" in out]
    texts += [data["text/markdown"] for data in shown if data.get("text/markdown")]
    heads = [text for text in texts if text.startswith("# ")]
    assert len(heads) == 1 or (chapter.stem == "focus" and not texts)
    assert notebook.metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))


def test_a_notebook_declares_parameters_at_their_defaults(chapter: Path) -> None:
    notebook = nbformat.read(chapter, 4)
    declared = assigned(notebook.cells[parameters_cell(notebook)].source)
    defaults = Parameters().model_dump() | {"exclude_sources": []}
    assert set(declared) <= set(NAMES)
    assert {"as_of", "exclude_sources"} <= set(declared)
    assert declared == {name: defaults[name] for name in declared}
    assert notebooks.declared_parameters(chapter, notebook) == declared


def test_the_next_cell_checks_every_declared_parameter(chapter: Path) -> None:
    notebook = nbformat.read(chapter, 4)
    at = parameters_cell(notebook)
    declared = assigned(notebook.cells[at].source)
    calls = [node for node in ast.walk(ast.parse(notebook.cells[at + 1].source)) if isinstance(node, ast.Call)]
    opened = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "open_edition"]
    assert len(opened) == 1
    passed = {word.arg: ast.unparse(word.value) for word in opened[0].keywords}
    assert passed == {name: name for name in declared}


def test_a_notebook_holds_no_data_wrangling(chapter: Path) -> None:
    """It is narrative and calls to charts; pandas, files and the network are the library's."""
    for cell in nbformat.read(chapter, 4).cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                    assert all(name.split(".")[0] in ("alliances", "__future__") for name in names), names
                assert not isinstance(node, (ast.For, ast.While, ast.FunctionDef, ast.ClassDef)), cell.source


def test_the_committed_outputs_are_there_and_quiet(chapter: Path) -> None:
    """What nbval compares; and nothing that differs from machine to machine, so that it needs no sanitising."""
    notebook = nbformat.read(chapter, 4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert outputs, f"{chapter.name} has no outputs; run `make notebooks`."
    assert {output.output_type for output in outputs} <= {"display_data", "execute_result"}
    kinds = {kind for output in outputs for kind in output.data}
    assert kinds <= {"text/markdown", "text/plain", "application/vnd.vegalite.v5+json"}, kinds
    assert not NOISE.search(str(outputs))
    assert "execution" not in str([cell.metadata for cell in notebook.cells])
    assert "papermill" not in notebook.metadata


def test_the_committed_outputs_are_up_to_date() -> None:
    paths = [ROOT / "notebooks" / f"{name}.ipynb" for name in CHAPTERS]
    assert [path.name for path in stale(paths, ROOT)] == [], "Run `make notebooks`."


def test_nbval_needs_no_sanitising() -> None:
    settings = [path for path in ROOT.iterdir() if path.name in ("Makefile", "pyproject.toml", "pytest.ini")]
    assert not any("sanitize" in path.read_text("utf-8") for path in settings)
    assert not list(ROOT.glob("*sanitize*"))


# ---------------------------------------------------------------- papermill alone


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(ROOT, tmp_path_factory.mktemp("whole") / "project")


def plain_papermill(root: Path, monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> nbformat.NotebookNode:
    monkeypatch.delenv("ALLIANCES_VALIDATED", raising=False)
    monkeypatch.setenv("ALLIANCES_ROOT", str(root))
    with tempfile.TemporaryDirectory() as folder:
        return papermill.execute_notebook(
            str(root / "notebooks" / "jef.ipynb"),
            str(Path(folder) / "out.ipynb"),
            parameters=parameters,
            progress_bar=False,
            kernel_name="python3",
        )


def test_papermill_runs_a_notebook_with_another_date(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = "2025-04-20"
    notebook = plain_papermill(whole, monkeypatch, as_of=day)
    at = parameters_cell(notebook)
    assert assigned(notebook.cells[at + 1].source) == {"as_of": day}
    later = {row["source_id"] for row in sources(whole) if row["published"] > day}
    assert later
    of_later = {row["quote_id"] for row in read_csv(whole, "quotes") if row["source_id"] in later}
    text = shown(notebook)
    linked = set(re.findall(r"\(#ev-([a-z0-9-]+)", text))
    assert linked
    assert not linked & of_later
    assert not any(source in text for source in later)


def test_the_papermill_command_line_takes_text_for_lists(whole: Path, tmp_path: Path) -> None:
    """`papermill notebooks/jef.ipynb out.ipynb -p …` at the project's folder, with nothing of ours around it."""
    left_out = sources(whole)[-1]["source_id"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ALLIANCES_")}
    done = subprocess.run(
        [
            sys.executable, "-m", "papermill", "notebooks/jef.ipynb", str(tmp_path / "out.ipynb"),
            "-p", "as_of", "2025-08-01", "-p", "exclude_sources", left_out, "-k", "python3",
        ],
        cwd=whole, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = shown(nbformat.read(tmp_path / "out.ipynb", 4))
    assert text
    assert left_out not in text


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("as_of", "2025-13-01", "2025-13-01"), ("focus", "PL", "POL"), ("exclude_sources", "nowhere", "opinion-2025-07")],
)
def test_papermill_gives_the_same_messages(
    whole: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    with pytest.raises(PapermillExecutionError) as caught:
        plain_papermill(whole, monkeypatch, **{name: value})
    assert caught.value.ename == "ParameterError"
    assert f"Parameter {name}" in caught.value.evalue
    assert told in caught.value.evalue


def test_a_notebook_alone_checks_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = copy_project(ROOT, tmp_path / "project")
    (root / "data" / "observations.csv").unlink()
    with pytest.raises(PapermillExecutionError) as caught:
        plain_papermill(root, monkeypatch)
    assert caught.value.ename == "DataError"
    assert "observations.csv" in caught.value.evalue


# ---------------------------------------------------------------- the parameters cell


def a_notebook(folder: Path, parameters: str | None, cells: tuple[str, ...] = ("1",)) -> Path:
    return write_notebook(folder / "probe.ipynb", cells, parameters)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        (None, "has 0 cells tagged “parameters”"),
        ("as_off = ''", "“as_off”, which is not a parameter"),
        ("as_of = today()", "only assignments of plain values"),
        ("import os", "only assignments of plain values"),
        ("print('x')", "only assignments of plain values"),
        ("as_of, focus = '', ''", "only assignments of plain values"),
        ("as_of = ", "only assignments of plain values"),
    ],
)
def test_a_parameters_cell_that_papermill_would_pass_over(tmp_path: Path, parameters: str | None, told: str) -> None:
    path = a_notebook(tmp_path, parameters)
    with pytest.raises(ExecutionError, match=re.escape(told)) as caught:
        check_notebooks([path])
    assert "probe.ipynb" in str(caught.value)


def test_two_parameters_cells(tmp_path: Path) -> None:
    path = a_notebook(tmp_path, PROBE_PARAMETERS)
    notebook = nbformat.read(path, 4)
    notebook.cells[2].metadata["tags"] = ["parameters"]
    notebooks.write(notebook, path)
    with pytest.raises(ExecutionError, match="has 2 cells tagged"):
        check_notebooks([path])


def test_each_notebook_is_passed_only_what_it_declares(probe_root: Path, tmp_path: Path) -> None:
    folder = probe_root / "notebooks"
    one = write_notebook(folder / "one.ipynb", ["focus, troops"], 'focus = ""\ntroops = None')
    two = write_notebook(folder / "two.ipynb", ["rotation"], "rotation = 3")
    dataset = Dataset.load(probe_root, validate=False)
    parameters = check_parameters({"focus": "POL", "troops": 5, "exclude_sources": []}, dataset)
    done = run_notebooks([one, two], parameters, tmp_path / "out", probe_root)
    assert list(done) == ["one", "two"]
    cells = {name: [cell.source for cell in notebook.cells] for name, notebook in done.items()}
    assert assigned(cells["one"][2]) == {"focus": "POL", "troops": 5}
    assert assigned(cells["two"][2]) == {"rotation": 3}
    assert done["one"].cells[3].outputs[0].data["text/plain"] == "('POL', 5)"


# ---------------------------------------------------------------- running them


def test_notebooks_know_nothing_of_each_other(probe_root: Path, tmp_path: Path) -> None:
    """One kernel each: a name, a module's state and the working directory of one are not in another."""
    folder = probe_root / "notebooks"
    leave = "import os, pandas\nleft = 1\npandas.left = 1\nos.environ['LEFT'] = '1'\nos.getpid()"
    look = "import os, pandas\n('left' in globals(), hasattr(pandas, 'left'), os.environ.get('LEFT'), os.getpid())"
    paths = [write_notebook(folder / f"n{n}.ipynb", [leave if n % 2 else look]) for n in range(4)]
    done = run_notebooks(paths, None, tmp_path / "out", probe_root, jobs=2)
    results = [ast.literal_eval(done[f"n{n}"].cells[-1].outputs[0].data["text/plain"]) for n in range(4)]
    assert [results[n][:3] for n in (0, 2)] == [(False, False, None)] * 2
    assert len({results[0][3], results[1], results[2][3], results[3]}) == 4


def test_a_kernel_starts_beside_the_notebooks_and_prints_nothing_of_itself(
    probe_root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_notebook(probe_root / "notebooks" / "probe.ipynb", ["import os\nos.getcwd()"])
    done = run_notebooks([path], None, tmp_path / "out", probe_root)
    assert done["probe"].cells[-1].outputs[0].data["text/plain"] == repr(str(probe_root / "notebooks"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("ordinary", [False, True], ids=["forked", "ordinary"])
@pytest.mark.parametrize("cell", ["1 + 1", "1 / 0"], ids=["that ends well", "that raises"])
def test_no_kernel_and_no_socket_is_left(
    probe_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str, ordinary: bool
) -> None:
    made: list[str] = []
    real = tempfile.mkdtemp

    def record(*arguments: Any, **options: Any) -> str:
        made.append(real(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", record)
    monkeypatch.setenv("ALLIANCES_TEST_MARK", str(tmp_path))
    if ordinary:
        monkeypatch.setenv("ALLIANCES_ORDINARY_KERNELS", "1")
    path = write_notebook(probe_root / "notebooks" / "probe.ipynb", [cell])
    try:
        run_notebooks([path], None, tmp_path / "out", probe_root, log=tmp_path / "log")
    except ExecutionError as error:
        raised = str(error)
        assert "probe.ipynb" in raised
        assert "ZeroDivisionError: division by zero" in raised
        assert "ZeroDivisionError" in (tmp_path / "log").read_text("utf-8")
    else:
        assert cell == "1 + 1"
    left = [line for line in processes_left(str(tmp_path)) if "pytest" not in line]
    assert left == []
    assert [folder for folder in made if Path(folder).exists()] == []


def test_the_same_notebook_executed_twice_gives_the_same_bytes(probe_root: Path, tmp_path: Path) -> None:
    path = probe_root / "notebooks" / "probe.ipynb"
    parameters = check_parameters({}, Dataset.load(probe_root, validate=False))
    for folder in ("one", "two"):
        run_notebooks([path], parameters, tmp_path / folder, probe_root)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert not NOISE.search((tmp_path / "one" / "probe.ipynb").read_text("utf-8"))


# ---------------------------------------------------------------- refresh and staleness


@pytest.fixture
def refreshed(probe_root: Path) -> Path:
    path = probe_root / "notebooks" / "probe.ipynb"
    refresh([path], probe_root)
    return path


def test_refresh_is_byte_stable(refreshed: Path, probe_root: Path) -> None:
    first = refreshed.read_bytes()
    refresh([refreshed], probe_root)
    assert refreshed.read_bytes() == first
    notebook = nbformat.read(refreshed, 4)
    nbformat.validate(notebook)
    assert shown(notebook).count("#ev-") == 2
    assert [cell.id for cell in notebook.cells] == [f"probe-{n:02d}" for n in range(len(notebook.cells))]
    assert "injected-parameters" not in first.decode()


def test_refresh_writes_what_jupyter_would(refreshed: Path, tmp_path: Path) -> None:
    """Opening and saving a notebook in JupyterLab must not change a line of it."""
    nbformat.write(nbformat.read(refreshed, 4), tmp_path / "saved.ipynb")
    assert (tmp_path / "saved.ipynb").read_text("utf-8") == refreshed.read_text("utf-8")


def test_refresh_writes_nothing_if_one_fails(probe_root: Path) -> None:
    good = probe_root / "notebooks" / "probe.ipynb"
    bad = write_notebook(probe_root / "notebooks" / "bad.ipynb", [PROBE_OPENING, "1 / 0"])
    before = tree(probe_root)
    with pytest.raises(ExecutionError, match=r"bad\.ipynb"):
        refresh([good, bad], probe_root)
    assert tree(probe_root) == before


def test_staleness_follows_data_and_cells(refreshed: Path, probe_root: Path) -> None:
    assert stale([refreshed], probe_root) == []
    committed = refreshed.read_text("utf-8")

    edited = nbformat.read(refreshed, 4)
    edited.cells[-1].source += "  # another look"
    notebooks.write(edited, refreshed)
    assert stale([refreshed], probe_root) == [refreshed]
    refreshed.write_text(committed, "utf-8")
    assert stale([refreshed], probe_root) == []

    table = probe_root / "data" / "observations.csv"
    kept = table.read_bytes()
    table.write_bytes(kept + b"\n")
    assert stale([refreshed], probe_root) == [refreshed]
    table.write_bytes(kept)
    assert stale([refreshed], probe_root) == []


def test_a_notebook_never_refreshed_is_stale_and_check_says_so(probe_root: Path) -> None:
    done = run_cli(probe_root, "check")
    assert done.returncode == 2
    assert "alliances refresh notebooks/probe.ipynb" in done.stdout
    done = run_cli(probe_root, "refresh")
    assert done.returncode == 0, done.stderr
    assert re.search(r"refreshed probe in \d", done.stderr)
    assert "probe.ipynb has outputs" not in run_cli(probe_root, "check").stdout


def test_saving_in_jupyter_does_not_make_a_notebook_stale(refreshed: Path, probe_root: Path) -> None:
    notebook = nbformat.read(refreshed, 4)
    for cell in notebook.cells:
        cell.metadata["collapsed"] = False
        if cell.cell_type == "code":
            cell.execution_count = 7
    nbformat.write(notebook, refreshed)
    assert stale([refreshed], probe_root) == []


def test_nbval_passes_on_a_refreshed_notebook_and_fails_on_a_changed_one(refreshed: Path, probe_root: Path) -> None:
    def nbval() -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "ALLIANCES_ROOT": str(probe_root)}
        environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", str(refreshed)],
            cwd=probe_root, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    done = nbval()
    assert done.returncode == 0, done.stdout
    text = refreshed.read_text("utf-8")
    value = re.search(r"\[(\d+)\]\(#ev-", text)
    assert value is not None
    refreshed.write_text(text.replace(f"[{value[1]}](#ev-", f"[{value[1]}9](#ev-"), "utf-8")
    assert nbval().returncode == 1


def test_a_chapter_stands_alone(chapter: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Chapters can be taken out of report.qmd: what one prints does not lean on what another one carries."""
    monkeypatch.setenv("ALLIANCES_ROOT", str(ROOT))
    monkeypatch.setenv("ALLIANCES_VALIDATED", "1")
    (tmp_path / "report").mkdir()
    template = tmp_path / "report" / "report.qmd"
    shutil.copyfile(ROOT / "report" / "report.qmd", template)
    set_chapters(tmp_path, [chapter.stem])
    dataset = Dataset.load(ROOT, validate=False)
    defaults = check_parameters({}, dataset)
    written = read_chapter(chapter.stem, run_inline(chapter, {}))
    staged = stage_text(template, [written], dataset.known(defaults.day), defaults, defaults)
    assert staged.problems == []
