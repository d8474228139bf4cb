"""The whole report, built with the embedded engine and read back: HTML, PDF, facts, manifest, other editions."""

from __future__ import annotations

import hashlib
import html
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pikepdf
import pypdf
import pytest
from bs4 import BeautifulSoup, NavigableString, Tag
from hypothesis import given
from hypothesis import strategies as st

from alliances import plain_json
from alliances.parameters import NAMES
from alliances.prose.values import MONTHS, date_text
from alliances.publishing import find_quarto
from helpers import (
    BUILT,
    Edition,
    copy_project,
    fact_rows,
    processes_left,
    quotes,
    read_csv,
    run_cli,
    sources,
    squeezed,
    tree,
    words,
)

LONG = os.environ.get("ALLIANCES_LONG") == "1"
REAL_QUARTO = find_quarto()
MARCH = "2025-03-20"
BEFORE = "2020-01-01"
FIGURE_KINDS = (".svg", ".png", ".csv")


def other_edition(default: Edition, shared: str, *arguments: str) -> Edition:
    """Build another edition in the project of the default one, after which the default one must be as it was."""
    before = {name: text for name, text in tree(default.folder).items() if not name.startswith(("editions", "build"))}
    done = run_cli(default.root, "build", "--engine", "embedded", *arguments)
    assert done.returncode == 0, done.stderr
    after = tree(default.folder)
    assert {name: after.get(name) for name in before} == before
    edition = Edition(default.root, default.folder / "editions" / shared)
    assert edition.folder.is_dir()
    return edition


@pytest.fixture(scope="module")
def march(default_edition: Edition) -> Edition:
    return other_edition(default_edition, MARCH, "-p", "as_of", MARCH)


@pytest.fixture(scope="module")
def before(default_edition: Edition) -> Edition:
    return other_edition(default_edition, BEFORE, "-p", "as_of", BEFORE)


@pytest.fixture(scope="module")
def editions(default_edition: Edition, march: Edition, before: Edition) -> dict[str, Edition]:
    return {"default": default_edition, "march": march, "before": before}


@pytest.fixture(params=["default", "march", "before"])
def each(request: pytest.FixtureRequest, editions: dict[str, Edition]) -> Edition:
    return editions[request.param]


@pytest.fixture
def pdf(each: Edition) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(each.folder / "report.pdf") as opened:
        yield opened


def chapters(edition: Edition) -> dict[str, Tag]:
    """The chapters that notebooks write, by name."""
    found = {}
    for name in edition.chapters:
        section = edition.soup.find(id=f"sec-{name}")
        assert isinstance(section, Tag), name
        found[name] = section
    return found


# ---------------------------------------------------------------- what a build writes


def test_an_edition_is_complete(each: Edition) -> None:
    files = {path.name for path in each.folder.iterdir()} - {"editions", "build.log"}
    assert files == {"report.html", "report.pdf", "facts.json", "rows.json", "manifest.json", "notebooks", "figures"}
    assert sorted(path.stem for path in (each.folder / "notebooks").iterdir()) == sorted(each.notebooks)
    stems = {path.stem for path in (each.folder / "figures").iterdir()}
    for stem in stems:
        for kind in FIGURE_KINDS:
            assert (each.folder / "figures" / f"{stem}{kind}").stat().st_size > 0, f"{stem}{kind}"
    assert stems == {figure["id"] for figure in each.main.select("figure[id^=fig-]")}


def test_the_default_report_has_charts_in_plenty(default_edition: Edition) -> None:
    assert len(default_edition.main.select("figure[id^=fig-]")) >= 8


def test_a_build_tells_its_progress_and_its_files(default_edition: Edition) -> None:
    told = (default_edition.root.parent / "stderr").read_text("utf-8")
    for name in default_edition.notebooks:
        assert re.search(rf"^ *executed {name} in \d+\.\d s$", told, re.MULTILINE), told
    shown = (default_edition.root.parent / "stdout").read_text("utf-8")
    assert "report/_output/report.html" in shown
    assert "report/_output/report.pdf" in shown
    assert "Traceback" not in told + shown
    assert "Warning" not in told + shown


def test_a_build_leaves_no_process_and_no_scratch(editions: dict[str, Edition]) -> None:
    default = editions["default"]
    assert processes_left(str(default.root.parent)) == []
    hidden = {path.name for path in default.root.rglob(".*")}
    assert hidden <= {".gitignore", ".cache"}, hidden
    assert {path.name for path in (default.root / "report").iterdir()} & set(BUILT) == {"_output"}


def test_a_build_changes_nothing_else(project_root: Path, editions: dict[str, Edition], tmp_path: Path) -> None:
    """Not even the notebooks of the project: executed ones stand beside the report."""
    default = editions["default"]
    written = json.loads((default.root.parent / "tree").read_text("utf-8"))
    after = {name: digest for name, digest in tree(default.root).items() if not name.startswith("report/_output")}
    assert after == written


def test_executed_notebooks_hold_no_error_and_the_injected_values(each: Edition) -> None:
    for path in (each.folder / "notebooks").iterdir():
        notebook = nbformat.read(path, 4)
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        assert not [output for output in outputs if output.output_type in ("error", "stream")], path.name
        tags = [tuple(cell.metadata.get("tags", ())) for cell in notebook.cells]
        at = tags.index(("parameters",))
        assert tags[at + 1] == ("injected-parameters",), path.name
        declared: dict[str, Any] = {}
        exec(notebook.cells[at].source, declared)
        injected: dict[str, Any] = {}
        exec(notebook.cells[at + 1].source, injected)
        names = {name for name in declared if not name.startswith("__")}
        assert {name for name in injected if not name.startswith("__")} == names, path.name
        for name in names:
            assert injected[name] == each.manifest["parameters"][name], (path.name, name)


# ---------------------------------------------------------------- HTML


def test_html_loads_nothing(each: Edition) -> None:
    loading = (
        "script",
        "img",
        "iframe",
        "audio",
        "video",
        "source",
        "embed",
        "object",
        "link",
        "image",
        "use",
        "track",
    )
    for element in each.soup.find_all(loading):
        for name in ("src", "href", "srcset", "data", "xlink:href", "poster"):
            address = str(element.get(name, "#"))
            assert address.startswith(("#", "data:")), f"<{element.name} {name}={address[:80]}>"
    styles = " ".join(element.get_text() for element in each.soup.find_all("style"))
    styles += " ".join(str(element["style"]) for element in each.soup.select("[style]"))
    assert re.findall(r"url\(\s*['\"]?(?!data:|#|['\"])[^)]{0,80}", styles) == []
    assert "@import" not in styles
    for script in each.soup.find_all("script"):
        assert not re.search(r"\b(fetch|importScripts|XMLHttpRequest)\s*\(\s*['\"]http", script.get_text())
    policy = each.soup.select_one("meta[http-equiv='Content-Security-Policy']")
    assert policy is not None
    assert "default-src 'none'" in str(policy["content"])


def test_html_links_resolve(each: Edition) -> None:
    ids = [str(element["id"]) for element in each.soup.select("[id]")]
    assert len(ids) == len(set(ids))
    targets = {str(link["href"])[1:] for link in each.soup.select("a[href^='#']")}
    assert targets <= set(ids), sorted(targets - set(ids))
    assert any(target.startswith("ref-") for target in targets)


def test_html_figures_have_alternative_text_and_captions(each: Edition) -> None:
    for figure in each.main.select("figure[id^=fig-]"):
        chart = figure.select_one("svg[role=img], img")
        assert chart is not None, figure["id"]
        told = words(str(chart.get("aria-label") or chart.get("alt") or ""))
        assert len(told.split()) >= 8, f"{figure['id']}: {told}"
        caption = figure.select_one("figcaption")
        assert caption is not None
        assert re.match(r"Figure \d+: \S", words(caption.get_text())), figure["id"]


def test_html_headings_do_not_skip(each: Edition) -> None:
    levels = [int(heading.name[1]) for heading in each.main.select("h1, h2, h3, h4, h5, h6")]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_html_has_the_chapters_in_the_order_of_the_template(each: Edition) -> None:
    order = [str(section["id"]).removeprefix("sec-") for section in each.main.select("section.level1")]
    assert order[: len(each.chapters)] == each.chapters
    assert order[-1] == "annex-evidence" or "ev-" not in each.html
    title = each.soup.title
    assert title is not None
    assert "Europe’s Defence Alliances" in title.get_text()
    assert each.soup.html is not None
    assert each.soup.html["lang"] == "en-GB"


def unlinked_text(section: Tag) -> Iterator[str]:
    """Runs of text outside links to evidence, citations, numbers of sections, figures and tables, and charts."""
    for element in section.select(
        "a[href^='#ev-'], a[href^='#calc-'], a[href^='#ref-'], a[href^='#sec-'], a[href^='#fig-'], a[href^='#tbl-'], "
        ".citation, .header-section-number, figcaption > .label, svg, script, style, "
        ".chart-tools"  # the data of a chart, whose rows name their evidence in a column
    ):
        if element.name == "a" and str(element["href"]).startswith(("#sec-", "#fig-", "#tbl-")):
            text = words(element.get_text())
            # only a cross-reference may carry a number of its own
            assert re.fullmatch(r"(Section|Figure|Table)\s[\d.]+|\D+", text), text
        element.replace_with(NavigableString("\N{OBJECT REPLACEMENT CHARACTER}"))
    for block in section.select("p, li, td, th, figcaption, h1, h2, h3, h4, dt, dd"):
        yield words(block.get_text())


def test_every_number_in_prose_tables_and_captions_is_a_link(each: Edition) -> None:
    soup = BeautifulSoup(each.html, "html.parser")
    spelled = (
        "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|"
        "nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|"
        "half|dozens?|decades?"
    )
    loose = []
    for name in each.chapters:
        section = soup.find(id=f"sec-{name}")
        assert isinstance(section, Tag)
        for text in unlinked_text(section):
            text = re.sub(r"Altius \d00m|PDF/UA-1|WCAG 2\.2", "", text)
            loose += [f"{name}: {text}" for _ in re.findall(rf"\d|\b(?:{spelled})\b", text, re.IGNORECASE)]
    assert loose == []


def test_there_are_numbers_to_link(default_edition: Edition) -> None:
    linked = [link for link in default_edition.main.select("a[href^='#ev-']") if re.search(r"\d", link.get_text())]
    assert len(linked) > 40


def test_evidence_is_quoted_word_for_word(each: Edition) -> None:
    by_id = quotes(each.root)
    anchors = each.main.select("[id^='ev-']")
    for anchor in anchors:
        quote = by_id[str(anchor["id"]).removeprefix("ev-")]
        entry = anchor.find_parent("p")
        assert entry is not None
        assert words(quote["exact"]) in words(entry.get_text()), quote["quote_id"]
        cited = entry.select_one(".citation")
        assert cited is not None
        assert cited["data-cites"] == quote["source_id"]
    if each.manifest["parameters"]["as_of"] != BEFORE:
        assert anchors


def test_evidence_says_where_it_is_used(default_edition: Edition) -> None:
    for anchor in default_edition.main.select("[id^='ev-']"):
        inside = {
            str(link.find_parent("section", class_="level1")["id"])  # type: ignore[index]  # a link stands in a chapter
            for link in default_edition.main.select(f"a[href='#{anchor['id']}']")
        }
        entry = anchor.find_parent("p")
        assert entry is not None
        back = {str(link["href"])[1:] for link in entry.select("a.xref")}
        assert {name for name in inside if not name.startswith("sec-annex")} <= back, anchor["id"]


# ---------------------------------------------------------------- PDF


def structure(pdf: pikepdf.Pdf) -> list[tuple[str, pikepdf.Dictionary]]:
    """All elements of the structure tree in reading order."""
    found: list[tuple[str, pikepdf.Dictionary]] = []

    def visit(node: object) -> None:
        if isinstance(node, pikepdf.Array):
            for child in node:
                visit(child)
        elif isinstance(node, pikepdf.Dictionary):
            if "/S" in node:
                found.append((str(node["/S"]), node))
            if "/K" in node:
                visit(node["/K"])

    visit(pdf.Root.StructTreeRoot["/K"])
    return found


def test_pdf_is_ua_1_in_english_with_a_title(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
        assert re.fullmatch("Europe[’']s Defence Alliances", str(metadata["dc:title"]))
    assert str(pdf.Root.Lang) == "en-GB"
    assert bool(pdf.Root.MarkInfo.Marked)
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
    assert "/Outlines" in pdf.Root


def test_pdf_is_on_a4(pdf: pikepdf.Pdf) -> None:
    for sheet in pdf.pages:
        left, bottom, right, top = (float(number) for number in sheet.MediaBox)
        assert (right - left, top - bottom) == pytest.approx((595.28, 841.89), abs=0.5)


def test_pdf_figures_have_alternative_text_and_headings_do_not_skip(each: Edition, pdf: pikepdf.Pdf) -> None:
    elements = structure(pdf)
    alternatives = [words(str(node.get("/Alt", ""))) for kind, node in elements if kind == "/Figure"]
    in_html = [words(str(chart["aria-label"])) for chart in each.main.select("svg[role=img]")]
    assert alternatives == in_html
    assert all(alternatives)
    levels = [int(kind[2:]) for kind, _ in elements if re.fullmatch(r"/H\d", kind)]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_pdf_links_stay_in_the_document(pdf: pikepdf.Pdf) -> None:
    links = [note for sheet in pdf.pages for note in sheet.get("/Annots", []) if note["/Subtype"] == "/Link"]
    assert links
    assert all("/Dest" in link or "/D" in link.get("/A", {}) for link in links)


def test_pdf_says_the_same_as_html(each: Edition) -> None:
    told = squeezed("".join(each.pages))
    assert "Stateofknowledge" in told
    for name, section in chapters(each).items():
        for heading in section.select("h1, h2"):
            assert squeezed(heading.get_text()) in told, (name, heading.get_text())
        for link in section.select("a[href^='#ev-'], a[href^='#calc-']"):
            printed = squeezed(link.get_text())
            if len(printed) < 40:  # a long one may meet the foot of a page
                assert printed in told, (name, link.get_text())


@pytest.mark.skipif(shutil.which("pdffonts") is None, reason="poppler-utils is not installed")
def test_pdf_embeds_all_its_fonts(default_edition: Edition) -> None:
    done = subprocess.run(
        ["pdffonts", str(default_edition.folder / "report.pdf")], capture_output=True, text=True, check=True
    )
    fonts = done.stdout.splitlines()[2:]
    assert fonts
    for line in fonts:
        assert re.search(r"\+(Source|DejaVuSansMono)", line), line
        assert re.search(r"\byes\s+(yes|no)\s+yes\b", line), line  # embedded; with a map to Unicode


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")
def test_pdf_reads_the_same_in_another_reader(default_edition: Edition) -> None:
    done = subprocess.run(
        ["pdftotext", "-enc", "UTF-8", str(default_edition.folder / "report.pdf"), "-"], capture_output=True, check=True
    )
    told = squeezed(done.stdout.decode("utf-8"))
    for section in chapters(default_edition).values():
        heading = section.select_one("h1")
        assert heading is not None
        assert squeezed(heading.get_text()) in told
    assert "\N{REPLACEMENT CHARACTER}" not in told


@pytest.mark.skipif(
    shutil.which("chromium") is None and shutil.which("google-chrome") is None, reason="chromium is not installed"
)
def test_a_browser_shows_the_page_without_a_complaint(default_edition: Edition, tmp_path: Path) -> None:
    program = shutil.which("chromium") or shutil.which("google-chrome") or ""
    done = subprocess.run(
        [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--enable-logging=stderr",
            f"--user-data-dir={tmp_path}", "--virtual-time-budget=10000", "--window-size=1280,900", "--dump-dom",
            (default_edition.folder / "report.html").as_uri(),
        ],
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    shown = BeautifulSoup(done.stdout, "html.parser")
    assert len(shown.select("main figure[id^=fig-] svg")) >= len(default_edition.main.select("figure[id^=fig-]"))


# ---------------------------------------------------------------- facts.json and manifest.json


def test_facts_list_every_link_of_the_report(each: Edition) -> None:
    listed: dict[str, list[str]] = {}
    for fact in each.facts:
        listed.setdefault(fact["section"], []).append(fact["target"])
    shown = {
        f"sec-{name}": [
            str(link["href"])[1:]
            for link in section.select("a[href^='#ev-'], a[href^='#calc-'], a[href^='#ref-']:not([role=doc-biblioref])")
        ]
        for name, section in chapters(each).items()
    }
    for section_id, targets in shown.items():
        # captions stand before or after their figure, depending on the format
        assert sorted(listed.get(section_id, [])) == sorted(targets), section_id


def values_behind(row: dict[str, str]) -> set[str]:
    """The numbers that a row of the data bears out, as plain digits."""
    found: set[str] = set()
    for column, value in row.items():
        if column in ("quote_ids", "table", "source_id"):
            continue
        found |= {number.replace(",", "") for number in re.findall(r"\d[\d,]*(?:\.\d+)?", value)}
        found |= {number.lstrip("0") for number in re.findall(r"\d+", value)}
        if column in ("value_low", "value_high") and value:
            number = float(value)
            scaled = [number, number * 100, *(number / 10**power for power in (6, 9, 12))]
            found |= {f"{one:.10f}".rstrip("0").rstrip(".") for one in scaled}
    return found


def test_facts_agree_with_the_data(each: Edition) -> None:
    by_id, rows = quotes(each.root), fact_rows(each.root)
    published = {source["source_id"]: source for source in sources(each.root)}
    wrong = []
    for fact in each.facts:
        if not fact["target"].startswith("ev-"):
            assert fact.keys() & {"formula", "statement"} or fact["target"].startswith("ref-source-"), fact
            continue
        quote = by_id[fact["target"].removeprefix("ev-")]
        assert (fact["source_id"], fact["quotation"]) == (quote["source_id"], quote["exact"])
        assert fact["row_ids"], fact
        for row_id in fact["row_ids"]:
            assert quote["quote_id"] in rows[row_id]["quote_ids"].split("; ")
        borne_out = {value for row_id in fact["row_ids"] for value in values_behind(rows[row_id])}
        borne_out |= set(re.findall(r"\d+", published[quote["source_id"]]["descriptor"]))
        printed = {number.replace(",", "") for number in re.findall(r"\d[\d,]*(?:\.\d+)?", fact["printed"])}
        if not printed <= borne_out:
            wrong.append((fact["printed"], fact["target"], sorted(printed - borne_out)))
    assert wrong == []


def test_a_printed_observation_is_its_value(default_edition: Edition) -> None:
    """A link that prints nothing but a number prints a bound, a date or a year of one of its rows, not words of it."""
    rows = fact_rows(default_edition.root)
    checked = 0
    for fact in default_edition.facts:
        if not fact["target"].startswith("ev-") or not re.fullmatch(r"[\d,]+", fact["printed"]):
            continue
        number = float(fact["printed"].replace(",", ""))
        allowed: set[float] = set()
        for row_id in fact["row_ids"]:
            row = rows[row_id]
            for column in ("value_low", "value_high", "date", "date_end", "entry_date", "exit_date", "time_period"):
                if row.get(column):
                    allowed.add(
                        float(re.split("[-/]", row[column])[0])
                    )  # of a date, or of where a period begins, its year
        assert number in allowed, fact
        checked += 1
    assert checked > 10


def test_derived_figures_name_formula_and_inputs(each: Edition) -> None:
    rows = fact_rows(each.root)
    known = {
        source["source_id"]
        for source in sources(each.root)
        if source["published"] <= each.manifest["parameters"]["as_of"]
    }
    for fact in each.facts:
        if not fact["target"].startswith("calc-"):
            continue
        assert fact["formula"], fact
        for item in fact["inputs"]:
            if item["target"] in rows:
                assert rows[item["target"]]["source_id"] in known, fact
            else:
                assert item["target"].startswith(("calc-", "ref-", "dis-")), item
        assert each.soup.find(id=fact["target"]) is not None


def test_manifest_lists_every_file_with_its_checksum(each: Edition) -> None:
    written = {
        path.relative_to(each.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in each.folder.rglob("*")
        if path.is_file() and "editions" not in path.relative_to(each.folder).parts
    }
    written.pop("build.log", None)
    written.pop("manifest.json")
    assert each.manifest["outputs"] == written


def test_manifest_lists_every_input(each: Edition) -> None:
    inputs = each.manifest["inputs"]
    expected = {f"seeds/{row['file']}" for row in sources(each.root)} | {"data/datapackage.json", "report/report.qmd"}
    expected |= {f"data/{path.name}" for path in (each.root / "data").glob("*.csv")}
    expected |= {f"notebooks/{name}.ipynb" for name in each.notebooks}
    assert expected <= set(inputs)
    for name, digest in inputs.items():
        assert hashlib.sha256((each.root / name).read_bytes()).hexdigest() == digest


def test_manifest_says_how_the_edition_was_made(editions: dict[str, Edition]) -> None:
    manifest = editions["default"].manifest
    assert tuple(manifest["parameters"]) == NAMES
    assert manifest["parameters"]["as_of"] == sources(editions["default"].root)[-1]["published"]
    assert manifest["engine"].startswith("embedded")
    for package, number in manifest["versions"].items():
        assert number == (platform.python_version() if package == "python" else version(package)), package
    assert editions["march"].manifest["parameters"] == manifest["parameters"] | {"as_of": MARCH}


# ---------------------------------------------------------------- the same input gives the same bytes


def test_two_builds_give_the_same_bytes(default_edition: Edition, project_root: Path, tmp_path: Path) -> None:
    """In another folder, one notebook at a time, and into --output: nothing of that may show."""
    root = copy_project(default_edition.root, tmp_path / "a place with spaces")
    done = run_cli(root, "build", "--engine", "embedded", "--jobs", "1", "--output", str(tmp_path / "again"))
    assert done.returncode == 0, done.stderr
    again = json.loads((tmp_path / "again" / "manifest.json").read_text("utf-8"))
    assert again == default_edition.manifest
    for name in ("report.html", "report.pdf", "facts.json"):
        assert (tmp_path / "again" / name).read_bytes() == (default_edition.folder / name).read_bytes(), name


# ---------------------------------------------------------------- as_of works backwards


def texts_of(edition: Edition) -> dict[str, str]:
    """Everything of an edition that a reader may see, by file."""
    texts = {
        "report.html": edition.html,
        "the text of report.html": edition.soup.get_text(" "),
        "facts.json": json.dumps(edition.facts, ensure_ascii=False),
        "report.pdf": " ".join(edition.pages),
        "the outputs of the notebooks": edition.output_text(),
    }
    with pikepdf.open(edition.folder / "report.pdf") as opened:
        texts["the alternative texts of report.pdf"] = " ".join(
            str(node["/Alt"]) for _, node in structure(opened) if "/Alt" in node
        )
    for path in sorted((edition.folder / "figures").iterdir()):
        if path.suffix != ".png":
            texts[path.name] = path.read_text("utf-8")
    return texts


def later_words(root: Path, day: str) -> dict[str, str]:
    """Ids, descriptors, titles and quotations of the sources after a day that no earlier source shares."""
    earlier = [row for row in sources(root) if row["published"] <= day]
    later = {row["source_id"]: row for row in sources(root) if row["published"] > day}
    seeds = " ".join(words((root / "seeds" / row["file"]).read_text("utf-8")) for row in earlier).lower()
    found = {}
    for source_id, row in later.items():
        found[source_id] = source_id
        found[f"the descriptor of {source_id}"] = row["descriptor"]
        if not row["title"].startswith("["):
            found[f"the title of {source_id}"] = row["title"]
        if row["publisher"]:
            found[f"the publisher of {source_id}"] = row["publisher"]
    for quote_id, quote in quotes(root).items():
        if quote["source_id"] in later:
            found[f"the anchor of {quote_id}"] = f"ev-{quote_id}"
            exact = words(quote["exact"])
            if len(exact.split()) > 2 and exact.lower() not in seeds:
                found[f"the quotation {quote_id}"] = exact
    for row_id, row in fact_rows(root).items():
        if row["source_id"] in later:
            found[f"the row {row_id}"] = row_id
    return found


def shows(text: str, wanted: str) -> bool:
    """Whether a text shows some words, as they are or escaped, wherever its lines break; ids only as a whole."""
    if re.fullmatch(r"[a-z0-9-]+", wanted):
        return re.search(rf"(?<![a-z0-9-]){re.escape(wanted)}(?![a-z0-9-])", text) is not None
    return squeezed(wanted) in text


def test_nothing_of_a_later_source_shows(march: Edition, before: Edition) -> None:
    for edition in (march, before):
        day = edition.manifest["parameters"]["as_of"]
        secrets = later_words(edition.root, day)
        assert len(secrets) > 100
        leaks = []
        for file, text in texts_of(edition).items():
            plain = squeezed(html.unescape(text))
            for what, wanted in secrets.items():
                if wanted in text or squeezed(wanted) in plain:
                    whole = shows(text, wanted) if re.fullmatch(r"[a-z0-9-]+", wanted) else shows(plain, wanted)
                    if whole:
                        leaks.append(f"{file} shows {what}: {wanted[:60]}")
        assert leaks == []


def test_the_test_for_leaks_can_fail(default_edition: Edition) -> None:
    secrets = later_words(default_edition.root, MARCH)
    plain = squeezed(html.unescape(" ".join(texts_of(default_edition).values())))
    seen = [what for what, wanted in secrets.items() if squeezed(wanted) in plain]
    assert len([what for what in seen if what.startswith("the quotation")]) > 20
    assert len([what for what in seen if what.startswith("the row")]) > 20


def big_numbers(text: str) -> set[str]:
    return {number for number in re.findall(r"\d[\d,]*\d", text) if len(number.replace(",", "")) >= 3}


def test_no_value_that_only_a_later_source_gives(march: Edition, default_edition: Edition) -> None:
    published = {row["source_id"]: row["published"] for row in sources(march.root)}
    rows = fact_rows(march.root).values()
    values: dict[bool, set[str]] = {True: set(), False: set()}
    for row in rows:
        known = published[row["source_id"]] <= MARCH
        for column in ("value_low", "value_high"):
            if row.get(column) and float(row[column]) >= 100:
                values[known].add(f"{int(float(row[column])):,}")
    prose = {
        edition.folder: " ".join(
            words(str(text))
            for section in chapters(edition).values()
            for text in section.find_all(string=True)
            if text.find_parent(["svg", "details"]) is None  # the ticks of an axis are no values
        )
        for edition in (march, default_edition)
    }
    given = {n for fact in march.facts if not fact["target"].startswith("ev-") for n in big_numbers(fact["printed"])}
    later_only = values[False] - values[True] - given
    assert big_numbers(prose[march.folder]) & later_only == set()
    assert big_numbers(prose[default_edition.folder]) & later_only  # the test can fail


def test_every_fact_of_an_earlier_edition_was_known(march: Edition, before: Edition) -> None:
    for edition in (march, before):
        day = edition.manifest["parameters"]["as_of"]
        published = {row["source_id"]: row["published"] for row in sources(edition.root)}
        assert all(published[fact["source_id"]] <= day for fact in edition.facts if "source_id" in fact)
    assert [fact for fact in march.facts if "source_id" in fact]
    assert not [fact for fact in before.facts if "source_id" in fact]


def test_accessions_after_the_cut_do_not_show(before: Edition) -> None:
    joined = [row["nato_entry"] for row in read_csv(before.root, "countries") if row["nato_entry"] > BEFORE]
    assert joined
    told = " ".join(words(section.get_text(" ")) for section in chapters(before).values())
    for day in joined:
        assert date_text(day) not in told


def test_the_cover_says_how_old_the_edition_is(editions: dict[str, Edition]) -> None:
    for name, edition in editions.items():
        day = edition.manifest["parameters"]["as_of"]
        known = [row for row in sources(edition.root) if row["published"] <= day]
        cover = words(edition.soup.select(".state-of-knowledge")[0].get_text())
        assert f"State of knowledge: {date_text(day)}." in cover
        for text in (cover, words(edition.pages[0])):
            if known:
                assert f"Based on {len(known)} texts published {date_text(known[0]['published'])} to" in text, name
                assert "later events are not covered" in text
            else:
                assert "No text was published by then" in text
        for text in (edition.soup.select(".imprint")[0].get_text(), edition.pages[0]):
            assert "CC BY 4.0. The quotations remain their owners’" in words(text)
        assert any(f"State of knowledge: {date_text(day)}" in words(text) for text in edition.pages[1:])


def test_before_every_source_each_chapter_keeps_its_heading_and_says_so(
    before: Edition, default_edition: Edition
) -> None:
    full = chapters(default_edition)
    for name, section in chapters(before).items():
        heading, was = section.select_one("h1"), full[name].select_one("h1")
        assert heading is not None
        assert was is not None
        title, titled = words(heading.get_text()), words(was.get_text())
        # A name is a fact: a force that a later text names anew keeps its older name before.
        renamed = name == "reassurance-force" and "the reassurance force" in titled and "The reassurance force" in title
        assert title == titled or renamed
        told = " ".join(words(block.get_text()) for block in section.select("p"))
        assert told, f"The chapter {name} is empty."
        assert section.select("a[href^='#ev-'], .citation") == []
    assert any("No text" in words(section.get_text()) for section in chapters(before).values())


def test_months_after_the_cut_only_where_announced(march: Edition) -> None:
    """A later date may stand only behind evidence that was known, told as announced."""
    year, month = (int(part) for part in MARCH.split("-")[:2])
    later = re.compile("|".join(f"{name} {year}" for name in MONTHS[month:]))
    for section in chapters(march).values():
        for text in unlinked_text(BeautifulSoup(str(section), "html.parser")):  # type: ignore[arg-type]  # a soup is a Tag
            assert not later.search(text), text


# ---------------------------------------------------------------- other parameters


def test_a_source_left_out_does_not_show(default_edition: Edition) -> None:
    left_out = sources(default_edition.root)[0]["source_id"]
    done = run_cli(default_edition.root, "build", "--engine", "embedded", "-p", "exclude_sources", left_out)
    assert done.returncode == 0, done.stderr
    places = re.findall(r"report/_output/editions/(\S+)/report\.html", done.stdout)
    assert len(places) == 1
    edition = Edition(default_edition.root, default_edition.folder / "editions" / places[0])
    assert not [fact for fact in edition.facts if fact.get("source_id") == left_out]
    assert edition.main.select(f"[data-cites~='{left_out}']") == []
    assert left_out in words(edition.soup.get_text())  # the cover and the parameters say what is left out


@pytest.mark.skipif(not LONG, reason="takes minutes; `make test-long` runs it")
def test_every_state_of_knowledge_builds(default_edition: Edition, subtests: pytest.Subtests) -> None:
    days = {row[column] for row in sources(default_edition.root) for column in ("published", "published_from")}
    for day in sorted(days):
        with subtests.test(day=day):
            done = run_cli(default_edition.root, "build", "--engine", "embedded", "-p", "as_of", day, "--force")
            assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not LONG, reason="takes minutes; `make test-long` runs it")
def test_every_source_can_be_left_out_and_every_country_looked_at(
    default_edition: Edition, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    ids = [row["source_id"] for row in sources(default_edition.root)]
    choices = [("exclude_sources", one) for one in [*ids, ",".join(ids)]]
    choices += [("focus", row["iso3"]) for row in read_csv(default_edition.root, "countries")[::6]]
    for name, value in choices:
        with subtests.test(name=name, value=value):
            folder = tmp_path / f"{name}-{value[:20]}"
            done = run_cli(
                default_edition.root, "build", "--engine", "embedded", "-p", name, value, "--output", str(folder)
            )
            assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- Quarto, where it is installed


@pytest.mark.skipif(REAL_QUARTO is None, reason="Quarto 1.9 or newer is not installed")
def test_quarto_gives_the_same_report(default_edition: Edition, tmp_path: Path) -> None:
    assert REAL_QUARTO is not None
    done = run_cli(
        default_edition.root, "build", "--engine", "quarto", "--output", str(tmp_path / "quarto"),
        ALLIANCES_QUARTO=str(REAL_QUARTO.path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    edition = Edition(default_edition.root, tmp_path / "quarto")
    assert edition.manifest["engine"].startswith("quarto")
    assert words(edition.main.get_text()) == words(default_edition.main.get_text())
    assert edition.facts == default_edition.facts
    # The two bring different versions of Typst, which break the columns of the annexes differently.
    assert abs(len(pypdf.PdfReader(tmp_path / "quarto" / "report.pdf").pages) - len(default_edition.pages)) <= 1


# ---------------------------------------------------------------- JSON

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=JSON, depth=st.integers(0, 4), sort_keys=st.booleans())
def test_json_for_people_is_indented_json_with_longer_lines(value: object, depth: int, sort_keys: bool) -> None:
    indented = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=sort_keys)
    assert plain_json.dumps(value, 99, sort_keys=sort_keys) == indented
    text = plain_json.dumps(value, depth, sort_keys=sort_keys)
    assert json.loads(text) == value
    assert max(len(line) - len(line.lstrip(" ")) for line in text.split("\n")) <= max(depth, 0)
