"""The notebooks in JupyterLab, in a real browser and without a network: opened, run, changed and saved."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers import CHROMIUM, chromium, copy_project
from small import LONG

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(not LONG, reason="takes minutes; `make test-long` runs it"),
]

SECONDS = 1_000  # milliseconds, for Playwright
# All cells are drawn, those too that are out of sight.
SETTINGS = '{"windowingMode": "none"}'
CHARTS = ".jp-OutputArea-output .vega-embed :is(svg, canvas).marks"
IDLE = ".jp-NotebookPanel .jp-Notebook-ExecutionIndicator[data-status=idle]"
PROMPTS = ".jp-CodeCell .jp-InputPrompt"


@pytest.fixture(scope="module")
def project(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(project_root, tmp_path_factory.mktemp("lab") / "project")


@pytest.fixture(scope="module")
def lab(project: Path) -> Iterator[str]:
    """The address of a JupyterLab on the project, as `make lab` starts it."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = project.parent / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text(SETTINGS, "utf-8")
    own = {name: str(project.parent / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "HOME")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ALLIANCES_")}
    environment |= own | {"JUPYTERLAB_SETTINGS_DIR": str(project.parent / "settings")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--ServerApp.port_retries=0"]
    options = ["--IdentityProvider.token=", "--allow-root", f"--notebook-dir={project / 'notebooks'}"]
    address = f"http://127.0.0.1:{port}"
    with (project.parent / "lab.log").open("wb") as log:
        server = subprocess.Popen([*command, *options], env=environment, cwd=project, stdout=log, stderr=log)
        try:
            for _ in range(120):
                try:
                    urllib.request.urlopen(f"{address}/api", timeout=5).close()
                    break
                except OSError:
                    assert server.poll() is None, (project.parent / "lab.log").read_text("utf-8")
                    time.sleep(0.5)
            yield address
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Any, lab: str) -> Iterator[Any]:
    """A page that reaches JupyterLab and nothing else; what else it asked for is kept in its `foreign`."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    opened = context.new_page()
    opened.set_default_timeout(60 * SECONDS)
    opened.foreign = []

    def route(asked: Any) -> None:
        if asked.request.url.startswith((lab, "data:", "blob:")):
            asked.continue_()
        else:
            opened.foreign.append(asked.request.url)
            asked.abort()

    context.route("**/*", route)
    yield opened
    context.close()


def open_notebook(page: Any, lab: str, name: str) -> None:
    page.goto(f"{lab}/lab/tree/{name}.ipynb?reset")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.locator(IDLE).wait_for()


def choose(page: Any, menu: str, entry: str) -> None:
    page.locator(f".lm-MenuBar-itemLabel:text-is('{menu}')").click()
    page.locator(f".lm-Menu-itemLabel:text-is('{entry}')").click()


def run_all(page: Any, cells: int) -> None:
    choose(page, "Edit", "Clear Outputs of All Cells")
    choose(page, "Run", "Run All Cells")
    page.wait_for_function(
        "([prompts, cells]) => [...document.querySelectorAll(prompts)].filter((p) => /^\\[\\d+\\]:$/.test(p.innerText))"
        ".length === cells",
        arg=[PROMPTS, cells],
    )
    page.locator(IDLE).wait_for()


def outputs(notebook: nbformat.NotebookNode) -> list[Any]:
    return [
        [dict(output.get("data", output)) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("name", ["positions", "force"])
def test_a_notebook_opens_with_its_charts_and_runs_to_the_same(page: Any, lab: str, project: Path, name: str) -> None:
    file = project / "notebooks" / f"{name}.ipynb"
    committed = nbformat.read(file, as_version=4)
    expected = outputs(committed)
    charts = sum(any("vegalite" in form for form in output) for cell in expected for output in cell)
    assert charts > 2
    open_notebook(page, lab, name)
    page.locator(CHARTS).nth(charts - 1).wait_for()
    assert page.locator(CHARTS).count() == charts  # as committed, before anything runs
    run_all(page, len(expected))
    page.locator(CHARTS).nth(charts - 1).wait_for()
    assert page.locator(CHARTS).count() == charts
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.locator(".jp-RenderedMarkdown a[href*='#ev-']").count() > 2
    choose(page, "File", "Save Notebook")
    page.locator(".jp-NotebookPanel .jp-mod-dirty").wait_for(state="detached")
    for _ in range(50):
        saved = nbformat.read(file, as_version=4)
        if saved != committed:
            break
        time.sleep(0.1)
    assert outputs(saved) == expected
    assert page.foreign == []


def test_a_changed_parameter_changes_the_chapter(page: Any, lab: str, project: Path) -> None:
    notebook = nbformat.read(project / "notebooks" / "skyshield.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    number = next(n for n, cell in enumerate(code) if "parameters" in cell.metadata.get("tags", []))
    open_notebook(page, lab, "skyshield")
    shown = page.locator(".jp-CodeCell .jp-OutputArea-output").all_inner_texts()
    page.locator(".jp-CodeCell .cm-content").nth(number).click()
    page.keyboard.press("Control+a")
    page.keyboard.type('as_of = "2025-03-06"\nfocus = ""\nexclude_sources = []')
    run_all(page, len(code))
    told = page.locator(".jp-CodeCell .jp-OutputArea-output").all_inner_texts()
    assert told != shown
    assert any("No text of this edition, which ends on 6 March 2025" in text for text in told)
