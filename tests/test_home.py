"""JupyterLab, the form and the preview, as their users meet them."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pikepdf
import pypdf
import pytest
import yaml
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from playwright import sync_api as playwright

from alliances import cli, quarto_steps
from alliances.build import notebook_names
from alliances.lab import before_saving
from alliances.preview import Preview
from alliances.publish.quarto import find_quarto
from alliances.run import forks
from helpers import PROJECT, Command, change_cell, edition, long, outputs

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHART = "application/vnd.vegalite.v5+json"
browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)")


@pytest.fixture
def page() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = started.new_page(viewport={"width": 1300, "height": 1000})
        opened.set_default_timeout(90_000)
        yield opened
        started.close()


def until(wanted: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := wanted()):
        assert time.monotonic() < end, "It took too long."
        time.sleep(0.1)
    return found


# ---------------------------------------------------------------- preview


def text_of(preview: Preview) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", preview.page.decode().partition("<main")[2]).split())


def test_the_preview_follows_the_notebook_and_keeps_the_last_good_page(river_root: Path) -> None:
    preview = Preview(river_root, "treaty")
    preview.render("treaty")
    assert preview.state["error"] == ""
    before = text_of(preview)
    assert "A dam for Dunmere" in before
    change_cell(river_root, "treaty", 3, lambda source: source + "\nedition.nonsense()")
    preview.render("treaty")
    assert re.match(r"Notebook treaty\.ipynb stopped in cell \[4\], line \d+, with Attr", preview.state["error"])
    assert text_of(preview) == before
    change_cell(river_root, "treaty", 3, lambda source: source.replace("\nedition.nonsense()", ""))
    preview.render("treaty")
    assert (preview.state["error"], text_of(preview)) == ("", before)


def test_the_preview_is_of_this_machine_alone_and_tells_its_state(river_root: Path) -> None:
    preview = Preview(river_root, "treaty")
    server = preview.listen()
    assert server.server_address[0] == "127.0.0.1"
    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/state") as answer:
        assert json.load(answer)["name"] == "treaty"
    server.shutdown()


def test_a_preview_of_nothing_is_refused(built_river: Path, tmp_path: Path) -> None:
    told = Command(built_river, tmp_path / "tmp").refused("preview", "treety")
    assert "There is no notebook treety in the report; choose one of" in told


@long
@browser
def test_an_edited_sentence_shows_in_the_browser_and_moves_nothing_around_it(
    river_root: Path, tmp_path: Path, page: Any
) -> None:
    waiting = Preview(river_root, "treaty").listen()
    page.goto(f"http://127.0.0.1:{waiting.server_address[1]}/")
    page.get_by_role("status").get_by_text("is being made").wait_for()
    waiting.shutdown()
    command = Command(river_root, tmp_path / "tmp")
    process = command.start("preview", "treaty", "--no-browser")
    try:
        address = re.search(r"http://\S+", process.stderr.readline())[0]
        page.set_content(f'<p style="height: 3000px">A notebook<iframe src="{address}" height="300">')
        preview = page.frame_locator("iframe")
        shown = preview.frame_locator("iframe")
        shown.get_by_role("heading", name="A dam for Dunmere").first.wait_for()
        old = "A dam for Dunmere"
        path = river_root / "notebooks" / "treaty.ipynb"
        path.write_text(path.read_text().replace(f"# {old}", f"# {old}, at last"))
        shown.get_by_role("heading", name=f"{old}, at last").first.wait_for()
        change_cell(river_root, "treaty", 3, lambda source: source + "\n1 / 0")
        preview.get_by_role("alert").get_by_text("ZeroDivisionError").wait_for()
        assert page.evaluate("scrollY") == 0
        assert shown.get_by_role("heading", name=f"{old}, at last").first.is_visible()
    finally:
        process.terminate()
        process.communicate()


# ---------------------------------------------------------------- JupyterLab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The project, committed, in a JupyterLab of its own; yields its folder and the address."""
    pytest.importorskip("ipywidgets")
    root = tmp_path / "project"
    for name in ("data", "seeds", "notebooks", "report"):
        left_out = shutil.ignore_patterns("_output", ".ipynb_checkpoints", ".quarto")
        shutil.copytree(PROJECT / name, root / name, ignore=left_out)
    for name in (".gitignore", ".gitattributes"):
        shutil.copy(PROJECT / name, root)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "As it is")
    process = Command(root, tmp_path / "tmp").start("lab", "--no-browser", HOME=str(tmp_path))
    try:
        lines = iter(process.stderr.readline, "")
        yield root, next(found[0] for line in lines if (found := re.search(r"http://127\S+token=\w+", line)))
    finally:
        process.terminate()
        process.communicate()


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def open_notebook(page: Any, address: str, name: str) -> Any:
    """Open a notebook and nothing else; return its panel, whose kernel is there."""
    page.goto(address.replace("notebooks/start.ipynb", name) + "&reset")
    tab = page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")
    tab.get_by_text(Path(name).name).wait_for()
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    panel.locator(".jp-CodeCell .cm-content").first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    return panel


def run_and_save(page: Any, panel: Any, path: Path) -> None:
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    cells = nbformat.read(path, 4).cells
    for number in range(len(cells)):
        cell = panel.locator(f'.jp-Cell[data-windowed-list-index="{number}"]').first
        cell.scroll_into_view_if_needed()
        if cells[number].cell_type == "code":
            until(lambda cell=cell: re.match(r"\[\d+\]", cell.locator(".jp-InputPrompt").first.inner_text()))
        if any(CHART in output.get("data", {}) for output in cells[number].get("outputs", [])):
            cell.locator(".vega-embed canvas, .vega-embed svg").first.wait_for()
    before = path.stat().st_mtime_ns
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    until(lambda: path.stat().st_mtime_ns > before and not path.with_name(f".~{path.name}").exists())


@long
@browser
def test_what_is_opened_run_and_saved_is_not_changed(lab: tuple[Path, str], page: Any) -> None:
    root, address = lab
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        run_and_save(page, open_notebook(page, address, f"notebooks/{path.name}"), path)
        assert git(root, "status", "--porcelain") == "", path.name


@long
def test_a_cell_that_runs_again_is_saved_as_it_was_committed() -> None:
    path = PROJECT / "notebooks" / "jef.ipynb"
    notebook, committed = nbformat.read(path, 4), path.read_text("utf-8")

    def saved() -> str:
        model = {"type": "notebook", "content": notebook.copy()}
        before_saving(model=model, path="notebooks/jef.ipynb")
        return nbformat.writes(model["content"]).rstrip("\n") + "\n"

    client = NotebookClient(notebook, resources={"metadata": {"path": str(path.parent)}})
    with client.setup_kernel(env=os.environ | forks.SETTINGS):
        own = [(cell, number) for number, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        for cell, number in own:
            client.execute_cell(cell, number)
        assert saved() == committed
        for cell, number in own[2:]:  # a new edition, which the second opens, counts its marks anew
            client.execute_cell(cell, number)
            assert saved() == committed, number


@long
@browser
def test_the_form_builds_an_edition(lab: tuple[Path, str], page: Any) -> None:
    root, address = lab
    outside: list[str] = []
    page.on("request", lambda asked: outside.append(asked.url) if asked.url.startswith("http") else None)
    open_notebook(page, address, "notebooks/start.ipynb").locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    focus = page.get_by_label("focus")
    focus.fill("Polland")
    focus.press("Tab")
    page.get_by_role("alert").get_by_text("the nearest is POL (Poland)").wait_for()
    assert page.get_by_role("button", name="Build the edition").is_disabled()
    for name, value in {"focus": "POL", "as_of": "2025-03-20"}.items():
        page.get_by_label(name).fill(value)
        page.get_by_label(name).press("Tab")
    page.get_by_role("button", name="Build the edition").click()
    page.get_by_role("link", name="report.pdf").wait_for(timeout=300_000)
    assert page.frame_locator("iframe[src^='/files/']").locator("h1").first.inner_text()
    folder = root / "report" / "_output" / "editions" / "2025-03-20_POL"
    assert {"report.html", "report.pdf", "manifest.json"} <= {path.name for path in folder.iterdir()}
    page.keyboard.press("Control+s")
    until(lambda: page.locator(".jp-mod-dirty").count() == 0 and git(root, "status", "--porcelain") == "")
    assert [url for url in outside if "//127.0.0.1:" not in url] == []


# ---------------------------------------------------------------- elsewhere


def test_where_the_report_is_published_stands_in_one_place_and_nowhere_unless_set(river_root: Path) -> None:
    command, folder = Command(river_root, river_root.parent / "tmp"), river_root / "report" / "_output"

    def published() -> dict[str, str]:
        table = next(iter((folder / "figures").glob("*.csv")))
        with pikepdf.open(folder / "report.pdf") as pdf:
            metadata = str(pdf.Root.Metadata.read_bytes(), "utf-8") + str(dict(pdf.docinfo))
        page = BeautifulSoup((folder / "report.html").read_text("utf-8"), "html.parser")
        cover, foot = [sheet.extract_text() for sheet in pypdf.PdfReader(folder / "report.pdf").pages][:2]
        imprint = page.select_one("#imprint")
        assert imprint
        return {"metadata": metadata, "table": table.read_text("utf-8"), "cover": "".join(cover.split()), "foot": foot,
                "imprint": imprint.get_text(" "), "head": str(page.head)[:2000]}  # fmt: skip

    told = published()
    assert [name for name, text in told.items() if re.search("doi|Repository|Published ?by", text)] == []
    assert not re.search("http", told["table"] + told["cover"] + told["foot"])
    path = river_root / "data" / "datapackage.json"
    where = {"homepage": "https://example.org/river", "doi": "10.5281/zenodo.1", "publisher": "River Press",
             "repository": "https://example.org/code"}  # fmt: skip
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | where), "utf-8")
    command.done("build", "--engine", "embedded")
    told = published()
    assert [name for name, text in told.items() if "https://doi.org/10.5281/zenodo.1" not in text] == []
    for name in ("metadata", "cover", "imprint", "head"):
        assert re.search("River ?Press", told[name]), name
    assert "https://example.org/code" in told["cover"] + told["imprint"]


def test_what_is_cited_is_what_is_published(
    river_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALLIANCES_ROOT", str(river_root))
    package = json.loads((river_root / "data" / "datapackage.json").read_text("utf-8"))
    cited = {"title": package["title"], "version": "0.0.9", "doi": "10.5281/zenodo.1", "license": "CC0-1.0",
             "keywords": ["river", "treaty"], "authors": [{"name": "Somebody"}]}  # fmt: skip
    (river_root / "CITATION.cff").write_text(yaml.safe_dump(cited), "utf-8")
    assert cli.main(["check"]) == 2
    found = [line.strip() for line in capsys.readouterr().out.splitlines() if "CITATION" in line]
    remedy = "write the same in both."
    assert found == [
        f'CITATION.cff says "0.0.9" as version, and data/datapackage.json "0.1.0"; {remedy}',
        f'CITATION.cff says "10.5281/zenodo.1" as doi, and data/datapackage.json ""; {remedy}',
    ]


def test_a_profile_of_quartos_is_an_edition_and_leaves_nothing_of_another(
    river_root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The steps around Quarto's render, with the environment that Quarto gives them."""
    report, default = river_root / "report", edition(river_root)
    (report / "_quarto-early.yml").write_text("params: {as_of: 2019-05-20}\n")
    for name, value in {"ALLIANCES_ROOT": str(river_root), "QUARTO_PROFILE": "early"}.items():
        monkeypatch.setenv(name, value)
    assert quarto_steps.main(["pre"]) == 2
    told = capfd.readouterr().err
    assert "holds another edition; write “project: {output-dir: _output/editions/2019-05-20}” into the profile" in told
    output = report / "_output" / "editions" / "early"
    monkeypatch.setenv("QUARTO_PROJECT_OUTPUT_DIR", str(output))
    monkeypatch.setenv("QUARTO_PROJECT_OUTPUT_FILES", "_output/editions/early/report.html")
    assert quarto_steps.main(["pre"]) == 0
    output.mkdir(parents=True)
    (output / "report.html").write_text('<html><head><meta charset="utf-8" /></head><body></body></html>')
    (output / "report.pdf").write_text("of an earlier render")
    assert quarto_steps.main(["post"]) == 0
    assert "Content-Security-Policy" in (output / "report.html").read_text()
    manifest = json.loads((output / "manifest.json").read_text())
    assert (manifest["parameters"]["as_of"], manifest["formats"]) == ("2019-05-20", ["html"])
    found = {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}
    assert found == {*manifest["outputs"], "manifest.json"}
    assert edition(river_root) == default


@long
def test_quarto_renders_the_report_by_its_file_and_a_notebook_alone(river_root: Path) -> None:
    if (quarto := find_quarto()) is None:
        pytest.skip("no Quarto 1.9 or newer (set ALLIANCES_QUARTO)")
    shutil.copy(PROJECT / "report" / "step.py", river_root / "report")
    shutil.copy(PROJECT / "notebooks" / "_quarto.yml", river_root / "notebooks")
    before = (river_root / "report" / "_output" / "facts.json").read_bytes()
    shutil.rmtree(river_root / "report" / "_output")
    for file in ("report/report.qmd", "notebooks/treaty.ipynb"):
        environment = {**os.environ, "QUARTO_PYTHON": sys.executable}
        subprocess.run([quarto.path, "render", file], cwd=river_root, env=environment, check=True, capture_output=True)
    output = river_root / "report" / "_output"
    assert {"report.html", "report.pdf", "manifest.json"} <= {path.name for path in output.iterdir()}
    assert (output / "facts.json").read_bytes() == before
    page = BeautifulSoup((river_root / "notebooks" / "_output" / "treaty.html").read_text("utf-8"), "html.parser")
    assert page.title
    assert page.title.string == "A dam for Dunmere"
    assert all(tag["src"].startswith("data:") for tag in page.find_all(src=True))
    assert all(page.find(id=link["href"][1:]) for link in page.select("sup a[href^='#']"))


def test_a_notebook_alone_is_what_it_tells(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What Quarto makes a page of: no code, each chart a picture with its words, each mark with its entry."""
    told = (PROJECT / "notebooks" / "jef.ipynb").read_text("utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(told))
    assert quarto_steps.main(["alone"]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    assert {cell["cell_type"] for cell in cells} == {"raw", "markdown"}
    assert 'title: "Joint Expeditionary Force"' in text
    assert len(re.findall(r'data:image/png;base64,[\w+/=]+\)\{fig-alt="[^"]{40,}"\}', text)) == told.count(CHART) > 0
    marks = set(re.findall(r'\]\(#(ev-[\w-]+) "', text))
    assert len(marks) > 10
    assert marks <= set(re.findall(r'<a id="(ev-[\w-]+)">', text))
    assert "[@" not in text


def test_a_chapter_is_watched_by_a_preview_of_quartos() -> None:
    listed = yaml.safe_load((PROJECT / "report" / "_quarto.yml").read_text("utf-8"))["ipynb-filters"]
    assert listed == [f"{at}notebooks/{name}.ipynb" for name in notebook_names(PROJECT) for at in ("../", "")]


def test_a_notebook_is_readable_without_this_package(tmp_path: Path) -> None:
    """As GitHub, VS Code and nbconvert show it: a chart is a picture, a table a table, a sentence has its marks."""
    path = PROJECT / "notebooks" / "force.ipynb"  # whose sums of money could be read as formulas
    code = (
        "import sys, nbformat; sys.modules['alliances'] = None\nfrom nbconvert import HTMLExporter\n"
        f"print(HTMLExporter().from_notebook_node(nbformat.read({str(path)!r}, 4))[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    charts = sum(CHART in output.get("data", {}) for output in outputs(nbformat.read(path, 4)))
    assert done.stdout.count("data:image/png;base64,") >= charts > 0
    assert "<table" in done.stdout
    assert re.search(r'<sup><a href="#ev-[A-Z]\d+" title="[^"]*\$', done.stdout)
    assert "](#ev-" not in BeautifulSoup(done.stdout, "html.parser").get_text()
