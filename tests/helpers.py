"""What several test modules need: copies of the project, runs of the command line, editions read back."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pypdf
from bs4 import BeautifulSoup, Tag

from alliances.staging.report import chapter_order, notebook_names

ALLIANCES_VARIABLES = ("ALLIANCES_ROOT", "ALLIANCES_VALIDATED", "ALLIANCES_QUARTO")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MARK = "ALLIANCES_TEST_MARK"
BUILT = ("_output", "chapters", "figures", "vega", ".quarto", "fonts", "fonts.css", "edition.yml", "references.json")

PROBE_PARAMETERS = 'as_of = ""\nfocus = ""\nexclude_sources = []'
PROBE_OPENING = """\
from alliances import open_edition
from alliances.charts.weights import source_weights

edition = open_edition(as_of=as_of, focus=focus, exclude_sources=exclude_sources)"""


# ---------------------------------------------------------------- browsers


@contextmanager
def chromium() -> Iterator[Any]:
    """Run the Chromium of this machine, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


# ---------------------------------------------------------------- projects


def copy_project(source: Path, target: Path) -> Path:
    """Copy what a build reads (not the code) and leave out what it writes."""
    for name in ("data", "seeds", "notebooks", "report"):
        ignore = shutil.ignore_patterns(*BUILT, ".ipynb_checkpoints")
        shutil.copytree(source / name, target / name, ignore=ignore)
    return target


def write_notebook(path: Path, cells: Sequence[str], parameters: str | None = PROBE_PARAMETERS) -> Path:
    """Write a notebook: a heading, the parameters cell (where there is one), and code cells."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells.append(nbformat.v4.new_markdown_cell(f"# The chapter {path.stem}", id="heading"))
    if parameters is not None:
        cell = nbformat.v4.new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]})
        notebook.cells.append(cell)
    notebook.cells += [nbformat.v4.new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(cells)]
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    path.write_text(json.dumps(notebook, indent=1) + "\n", "utf-8")
    return path


def set_chapters(root: Path, chapters: Sequence[str]) -> None:
    """Let the report consist of these chapters and the annexes."""
    template = root / "report" / "report.qmd"
    own = notebook_names(template)
    annexes = [name for name in chapter_order(template) if name not in own]
    lines = [f"{{{{< include chapters/{name}.md >}}}}" for name in [*chapters, *annexes]]
    template.write_text("\n\n".join(lines) + "\n", "utf-8")


def probe_cells(root: Path) -> list[str]:
    """Sentences on one number of the oldest and one of the newest source, and a chart."""
    rows = [first_observation(root, source) for source in (sources(root)[0], sources(root)[-1])]
    told = "\n".join(f'    "A text counts {{{row["observation_id"]}}} [@{row["source_id"]}].",' for row in rows)
    return [
        PROBE_OPENING,
        f'edition.tell(\n{told}\n    otherwise="No text of this edition gives a number.",\n)',
        "edition.draw(source_weights)",
    ]


def make_probe(source: Path, target: Path) -> Path:
    """Copy the project and reduce its report to one small chapter called probe."""
    copy_project(source, target)
    for path in (target / "notebooks").glob("*.ipynb"):
        path.unlink()
    set_chapters(target, ["probe"])
    write_notebook(target / "notebooks" / "probe.ipynb", probe_cells(target))
    return target


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tree(folder: Path) -> dict[str, str]:
    """Checksums of all files and names of all folders below a folder; not what a build may keep for the next one."""
    return {
        path.relative_to(folder).as_posix(): sha256(path) if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
        if ".cache" not in path.relative_to(folder).parts
    }


# ---------------------------------------------------------------- data, read without the library


def read_csv(root: Path, table: str) -> list[dict[str, str]]:
    with (root / "data" / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def sources(root: Path) -> list[dict[str, str]]:
    """The sources, oldest first."""
    return sorted(read_csv(root, "sources"), key=lambda row: (row["published"], row["source_id"]))


def quotes(root: Path) -> dict[str, dict[str, str]]:
    return {row["quote_id"]: row for row in read_csv(root, "quotes")}


def fact_rows(root: Path) -> dict[str, dict[str, str]]:
    """All rows of the fact tables by id, each with its source_id."""
    by_id = quotes(root)
    found = {}
    for path in sorted((root / "data").glob("*.csv")):
        rows = read_csv(root, path.stem)
        if not rows or "quote_ids" not in rows[0]:
            continue
        key = next(iter(rows[0]))
        for row in rows:
            ids = row["quote_ids"].split("; ")
            found[row[key]] = row | {"table": path.stem, "source_id": by_id[ids[0]]["source_id"]}
    return found


def first_observation(root: Path, source: dict[str, str]) -> dict[str, str]:
    """The first row of observations that rests on a source, exact ones first."""
    rows = [row for row in fact_rows(root).values() if row["table"] == "observations"]
    rows = [row for row in rows if row["source_id"] == source["source_id"]]
    return min(rows, key=lambda row: row["comparator"] != "eq")


# ---------------------------------------------------------------- the command line


def run_cli(
    root: Path, *arguments: str, mark: str = "", cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does, in a process of its own; `mark` makes its kernels findable."""
    environment = {name: value for name, value in os.environ.items() if name not in ALLIANCES_VARIABLES}
    environment |= {"ALLIANCES_ROOT": str(root), MARK: mark, **variables}
    return subprocess.run(
        [sys.executable, "-m", "alliances.cli", *arguments],
        cwd=cwd or root,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def processes_left(mark: str) -> list[str]:
    """Command lines of the processes that a marked run left behind."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found


def once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Make a folder once for all workers: the first to come makes it, the others wait."""
    try:
        folder.mkdir()
    except FileExistsError:
        deadline = time.monotonic() + 300
        while not (folder / "done").exists():
            if (folder / "failed").exists() or time.monotonic() > deadline:
                raise AssertionError((folder / "failed").read_text("utf-8") or "It took too long.") from None
            time.sleep(0.2)
        return folder
    try:
        make(folder)
    except BaseException as error:
        (folder / "failed").write_text(str(error), "utf-8")
        raise
    (folder / "done").touch()
    return folder


# ---------------------------------------------------------------- editions


def words(text: str) -> str:
    return " ".join(text.split())


def squeezed(text: str) -> str:
    """Text without white space and hyphens, so that line breaks of a PDF do not matter."""
    return re.sub(r"[\s\u00ad\u2010-]+", "", text)


@dataclass(frozen=True)
class Edition:
    """An edition read back."""

    root: Path
    folder: Path

    @cached_property
    def html(self) -> str:
        return (self.folder / "report.html").read_text("utf-8")

    @cached_property
    def soup(self) -> BeautifulSoup:
        return BeautifulSoup(self.html, "html.parser")

    @cached_property
    def main(self) -> Tag:
        found = self.soup.select_one("main")
        assert found is not None
        return found

    @cached_property
    def pages(self) -> list[str]:
        return [sheet.extract_text() for sheet in pypdf.PdfReader(self.folder / "report.pdf").pages]

    @cached_property
    def facts(self) -> list[dict[str, Any]]:
        return list(json.loads((self.folder / "facts.json").read_text("utf-8")))

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "manifest.json").read_text("utf-8")))

    @cached_property
    def notebooks(self) -> list[str]:
        return notebook_names(self.root / "report" / "report.qmd")

    @cached_property
    def chapters(self) -> list[str]:
        """The notebooks that write a chapter; the focus page is there only where a focus is set."""
        return [name for name in self.notebooks if name != "focus" or self.manifest["parameters"]["focus"]]

    def output_text(self) -> str:
        """All that the executed notebooks show, charts included; not their code."""
        shown = []
        for path in sorted((self.folder / "notebooks").glob("*.ipynb")):
            notebook = nbformat.read(path, 4)
            shown += [json.dumps(cell.get("outputs", []), ensure_ascii=False) for cell in notebook.cells]
        return "\n".join(shown)
