"""The committed notebooks as files: short cells, typed parameters, outputs, marks that lead somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from alliances.build import notebook_names
from helpers import PROJECT, outputs

FILES = sorted({*(PROJECT / "notebooks").glob("*.ipynb")} - {PROJECT / "notebooks" / "start.ipynb"})
CHART = "application/vnd.vegalite.v5+json"
PARAMETER = re.compile(r"[a-z_]+: (str|list|int|float) = \S+  # .+")
LONGEST = 30  # lines of a cell: sentences with their alternatives take room
each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, 4)


def alone(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run papermill as somebody does who knows nothing of this project's command line."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ALLIANCES_")}
    return subprocess.run(
        [sys.executable, "-m", "papermill", *command], cwd=cwd, env=kept, capture_output=True, text=True, check=False
    )


def test_the_report_has_them_all() -> None:
    assert sorted(notebook_names(PROJECT)) == sorted(path.stem for path in FILES)


@each
def test_the_parameters_cell(path: Path) -> None:
    first, *others = read(path).cells
    assert first.metadata.get("tags") == ["parameters"]
    assert [cell for cell in others if "parameters" in cell.metadata.get("tags", [])] == []
    lines = first.source.splitlines()
    assert [line for line in lines if not PARAMETER.fullmatch(line)] == []
    assert lines[0].startswith("as_of: str")


@each
def test_cells_are_short(path: Path) -> None:
    long = {number: len(cell.source.splitlines()) for number, cell in enumerate(read(path).cells)}
    assert {number: lines for number, lines in long.items() if lines > LONGEST} == {}


@each
def test_outputs_are_those_of_the_defaults(path: Path) -> None:
    """That they are today's is what `alliances check` says."""
    notebook = read(path)
    assert [cell.id for cell in notebook.cells] == [
        f"{path.stem}-{number:02d}" for number in range(len(notebook.cells))
    ]
    assert set(notebook.metadata) == {"kernelspec", "language_info", "alliances"}, "Run `alliances refresh`."
    shown = outputs(notebook)
    assert {output["output_type"] for output in shown} <= {"display_data", "execute_result"}
    kinds = [output["metadata"]["alliances"]["kind"] for output in shown if "alliances" in output.get("metadata", {})]
    assert "prose" in kinds or path.stem == "country", "Without a focus there is no country page."
    assert all("image/png" in output["data"] for output in shown if CHART in output.get("data", {}))
    source = "\n".join(cell.source for cell in notebook.cells)
    assert not re.search(r"nbval-|/work/|/home/|\bprint\(", source + json.dumps(notebook.metadata))


@each
def test_no_exhibit_falls_away_at_the_defaults(path: Path) -> None:
    """A frame that a slip has emptied takes its figure or table along without an error."""
    if path.stem == "country":
        pytest.skip("Without a focus there is no country page.")
    notebook = read(path)
    calls = re.compile(r"^edition\.(figure|table|judgement|facts|pull)\(", re.MULTILINE)  # those under no `if`
    called = [kind for cell in notebook.cells for kind in calls.findall(cell.source)]
    names = {"pull": "side"}
    shown = [o["metadata"]["alliances"]["kind"] for o in outputs(notebook) if "alliances" in o.get("metadata", {})]
    assert Counter(names.get(kind, kind) for kind in called) <= Counter(shown)


@each
def test_marks_lead_to_the_notebooks_own_evidence(path: Path) -> None:
    texts = [output["data"].get("text/markdown", "") for output in outputs(read(path)) if "data" in output]
    links = set(re.findall(r"\]\(#(ev-[\w-]+)", "\n".join(texts)))
    anchors = re.findall(r'<a id="(ev-[\w-]+)">', "\n".join(texts))
    assert links <= set(anchors)
    assert len(anchors) == len(set(anchors))


def test_they_are_code_for_ruff() -> None:
    folders = [str(PROJECT / "notebooks"), str(PROJECT / "tests" / "river" / "notebooks")]
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *folders], cwd=PROJECT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_papermill_alone_from_another_folder(tmp_path: Path) -> None:
    path = str(PROJECT / "notebooks" / "force.ipynb")
    done = alone(path, "out.ipynb", "-p", "as_of", "2025-04-16", "-p", "troops", "5000", "-k", "python3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    texts = [output["data"].get("text/plain", "") for output in outputs(read(tmp_path / "out.ipynb"))]
    assert any("5,000" in text for text in texts)
    done = alone(path, "no.ipynb", "-p", "troops", "many", "-k", "python3", cwd=tmp_path)
    assert done.returncode
    assert "Parameter troops is “many”, which is not a whole number" in done.stderr


def test_papermill_shows_types_and_meanings(tmp_path: Path) -> None:
    done = alone("--help-notebook", str(PROJECT / "notebooks" / "force.ipynb"), cwd=tmp_path)
    told = " ".join(done.stdout.split())
    assert 'as_of: str (default "") texts published by this day' in told
    assert re.search(r"troops: int \(default None\) \w", told)
    assert "Unknown" not in told
