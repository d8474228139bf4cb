"""Publishing: a small sample stage becomes HTML and PDF, and faults are named."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pikepdf
import pypdf
import pytest
import typst
import yaml
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from alliances import fonts
from alliances.errors import PublishError
from alliances.execution.cache import Cache
from alliances.parts import Chapter, take_apart
from alliances.publishing import Publication, copy_project, embedded, find_quarto, html, publish
from alliances.publishing.quarto import Quarto
from alliances.publishing.typesetting import Typesetter

SAMPLE = Path(__file__).parent / "fixtures" / "stage"
PYTHON = sys.executable
REAL_QUARTO = find_quarto()


def make_stage(project_root: Path, folder: Path, extra: str = "") -> Path:
    """Copy the sample stage with the project; `extra` is put into a chapter."""
    shutil.copytree(SAMPLE, folder)
    copy_project(project_root, folder)
    report = folder / "report.md"
    text = report.read_text("utf-8")
    assert "A long table breaks" in text
    report.write_text(text.replace("A long table breaks", f"{extra}\n\nA long table breaks"), "utf-8")
    return folder


@dataclass
class Page:
    """A published HTML report, parsed."""

    text: str
    soup: BeautifulSoup = field(init=False)

    def __post_init__(self) -> None:
        self.soup = BeautifulSoup(self.text, "html.parser")

    def words(self, selector: str) -> list[str]:
        return [" ".join(found.get_text().split()) for found in self.soup.select(selector)]


@pytest.fixture(scope="module")
def publication(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Publication:
    folder = tmp_path_factory.mktemp("embedded")
    stage = make_stage(project_root, folder / "stage")
    return publish(stage, folder / "out", engine="embedded", log=folder / "publish.log")


@pytest.fixture(scope="module")
def page(publication: Publication) -> Page:
    return Page(publication.files["html"].read_text("utf-8"))


@pytest.fixture(scope="module")
def pages(publication: Publication) -> list[str]:
    return [" ".join(p.extract_text().split()) for p in pypdf.PdfReader(publication.files["pdf"]).pages]


@pytest.fixture(scope="module")
def pdf(publication: Publication) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(publication.files["pdf"]) as opened:
        yield opened


@pytest.fixture
def stage(project_root: Path, tmp_path: Path) -> Path:
    return make_stage(project_root, tmp_path / "stage")


# ---------------------------------------------------------------- what is published


def test_publishes_both_formats_and_nothing_else(publication: Publication) -> None:
    folder = publication.files["html"].parent
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.pdf"]
    assert publication.engine == "embedded"
    assert publication.version == embedded.version()
    assert re.fullmatch(r"Pandoc [\d.]+, Typst [\d.]+", publication.version)
    assert publication.notice is None


def test_same_stage_gives_same_bytes(publication: Publication, stage: Path, tmp_path: Path) -> None:
    again = publish(stage, tmp_path / "again", engine="embedded", log=tmp_path / "log")
    for kind, path in publication.files.items():
        assert again.files[kind].read_bytes() == path.read_bytes(), kind


def test_one_format_alone(stage: Path, tmp_path: Path) -> None:
    published = publish(stage, tmp_path / "out", formats=["pdf"], engine="embedded")
    assert list(published.files) == ["pdf"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.pdf"]


# ---------------------------------------------------------------- HTML


def test_html_says_what_it_is(page: Page) -> None:
    assert page.soup.html is not None
    assert page.soup.html["lang"] == "en-GB"
    assert page.words("title") == ["Europe’s Defence Alliances"]
    assert page.words(".state-of-knowledge")[0].startswith("State of knowledge: 31 July 2025.")
    assert page.words(".edition-lines li")[0] == "Country in focus: Poland (POL)."
    assert page.words("#TOC > ul > li > a")[:2] == ["1 Overview", "2 Joint Expeditionary Force"]


def test_html_numbers_figures_tables_and_sections(page: Page) -> None:
    assert [words.split(":")[0] for words in page.words("figcaption")] == [
        "Figure 1", "Table 1", "Figure 2", "Table 2",
    ]  # fmt: skip
    references = {link["href"]: " ".join(link.get_text().split()) for link in page.soup.select("a.xref")}
    assert references["#sec-jef-members"] == "Section 2.2"
    assert references["#sec-jef-deeper"] == "Section 2.1.1"
    assert references["#sec-annex-evidence"] == "Section 4"
    assert references["#fig-talks"] == "Figure 2"
    assert references["#tbl-long"] == "Table 2"


def test_html_captions_keep_their_links(page: Page) -> None:
    assert [link["href"] for link in page.soup.select("#fig-members figcaption a")] == ["#ev-jef-ten-nations"]
    assert [link["href"] for link in page.soup.select("#tbl-troops figcaption a")] == ["#ev-jef-ten-nations"]


def test_html_cites_descriptors_and_lists_references(page: Page) -> None:
    assert page.words("#sec-overview .citation") == [
        "(Opinion, July 2025)",
        "(Explainer on the proposal, March 2025; Opinion, July 2025)",
    ]
    short = {(cite.get_text(), cite.a["href"]) for cite in page.soup.select("#sec-annex-evidence .citation")}
    assert short == {
        ("(Opinion, July 2025)", "#ref-opinion-2025-07"),
        ("(Explainer on the proposal, March 2025)", "#ref-explainer-2025-03"),
    }
    entries = page.words("#refs .csl-entry")
    assert [entry.split(". ")[0] for entry in entries] == [
        "Explainer on the proposal, March 2025", "Opinion, July 2025",
    ]  # fmt: skip
    assert "Ann Example. “Europe’s stacking fences”. A newspaper, opinion, 31 July 2025." in entries[1]


def test_html_anchors_are_unique_and_links_resolve(page: Page) -> None:
    ids = [element["id"] for element in page.soup.select("[id]")]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.soup.select("a[href^='#']")} <= set(ids)


def test_html_charts_are_inline_images_with_text(page: Page) -> None:
    assert not page.soup.select("main img")
    charts = page.soup.select("figure svg.chart")
    assert [chart["role"] for chart in charts] == ["img", "img"]
    assert charts[0]["aria-label"].startswith("Bar chart of the number of members")
    # Vega's roles for the parts of a chart would contradict the one image.
    assert not page.soup.select("svg.chart [role], svg.chart [aria-label]")


def test_html_wide_parts_scroll_in_their_own_box(page: Page) -> None:
    assert len(page.soup.select("figure > .table-box[tabindex='0'] > table")) == 2
    assert len(page.soup.select("figure > .chart-box[tabindex='0'] > svg")) == 2
    for box in page.soup.select(".table-box, .chart-box"):
        assert page.soup.find(id=box["aria-labelledby"]) is not None


def test_html_fetches_nothing_and_allows_only_its_own_script(page: Page) -> None:
    assert not page.soup.select("link, script[src], img[src], iframe")
    policy = page.soup.select_one("meta[http-equiv='Content-Security-Policy']")
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy["content"]).split(";"))
    assert rules["default-src"] == "'none'"
    scripts = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert rules["script-src"].split() == [f"'sha256-{digest}'" for digest in hashes]
    assert "unsafe-eval" not in str(policy["content"])


def test_html_carries_its_fonts_and_stays_small(page: Page) -> None:
    assert page.text.count("@font-face") == 6
    assert "data:font/woff2" in page.text
    assert len(page.text) < 400_000


# ---------------------------------------------------------------- PDF


def tags(pdf: pikepdf.Pdf) -> list[tuple[str, pikepdf.Dictionary]]:
    """All elements of the structure tree in reading order."""
    found: list[tuple[str, pikepdf.Dictionary]] = []

    def walk(node: object) -> None:
        if isinstance(node, pikepdf.Array):
            for child in node:
                walk(child)
        elif isinstance(node, pikepdf.Dictionary):
            if "/S" in node and "/K" in node:
                found.append((str(node["/S"]), node))
            if "/K" in node:
                walk(node["/K"])

    walk(pdf.Root.StructTreeRoot["/K"])
    return found


def test_pdf_is_tagged_titled_and_in_english(pdf: pikepdf.Pdf) -> None:
    assert str(pdf.Root.Lang) == "en-GB"
    assert bool(pdf.Root.MarkInfo.Marked)
    assert re.sub("[’']", "'", str(pdf.docinfo["/Title"])) == "Europe's Defence Alliances"
    assert "/Outlines" in pdf.Root
    assert b"pdfuaid" in pdf.Root.Metadata.read_bytes()
    assert str(pdf.docinfo["/CreationDate"]).startswith("D:20250731")


def test_pdf_figures_have_text_and_headings_do_not_skip(pdf: pikepdf.Pdf) -> None:
    structure = tags(pdf)
    alternatives = [str(node.get("/Alt", "")) for kind, node in structure if kind == "/Figure"]
    assert len(alternatives) == 2
    assert all(text.endswith("has most.") for text in alternatives)
    levels = [int(kind[2:]) for kind, _ in structure if re.fullmatch(r"/H\d", kind)]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert sum(kind == "/TH" for kind, _ in structure) == 6


def test_pdf_pages_carry_head_and_number(pages: list[str]) -> None:
    assert "Based on 5 texts published 5 March 2025 to 31 July 2025" in pages[0]
    assert "Version 0.1.0" in pages[0]
    assert "1 of" not in pages[0].split("Version")[0]
    for number, text in enumerate(pages[1:], start=2):
        assert "State of knowledge: 31 July 2025" in text
        assert f"{number} of {len(pages)}" in text
    assert "Contents" in pages[1]


def test_pdf_chapters_open_on_a_page_of_their_own(pages: list[str]) -> None:
    for chapter in ("Joint Expeditionary Force", "Coalition of the Willing", "Key terms", "Evidence"):
        opening = [text for text in pages[2:] if re.match(rf".{{0,70}}(\d )?{chapter}", text)]
        assert opening, chapter


def test_pdf_long_tables_repeat_their_head(pages: list[str]) -> None:
    assert sum("Country Position Evidence" in text for text in pages) == 2


def test_pdf_reads_like_the_page(page: Page, pages: list[str]) -> None:
    text = " ".join(pages)
    for words in page.words("a.xref"):
        assert words in text
    for label in ("Figure 1: Northern states", "Table 1: Troops", "Figure 2: Most talks", "Table 2: Positions"):
        assert label in text
    for citation in page.words(".citation"):
        assert citation in text


def test_pdf_embeds_only_the_two_families(pdf: pikepdf.Pdf) -> None:
    names = {
        str(font["/BaseFont"]).split("+")[-1]
        for sheet in pdf.pages
        for font in sheet.Resources.get("/Font", pikepdf.Dictionary()).values()
    }
    assert names
    assert all(name.startswith(("SourceSansPro", "SourceSerifPro")) for name in names), names


def test_pdf_links_lead_to_places_in_the_document(pdf: pikepdf.Pdf) -> None:
    links = [note for sheet in pdf.pages for note in sheet.get("/Annots", []) if note["/Subtype"] == "/Link"]
    assert len(links) > 100
    assert all("/Dest" in link or "/D" in link.get("/A", {}) for link in links)


# ---------------------------------------------------------------- faults are named, and nothing is written


@pytest.mark.parametrize("kind", ["html", "pdf"])
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("See @fig-nowhere and @sec-nowhere.", "@fig-nowhere, @sec-nowhere"),
        ("See @sec-terms.", "@sec-terms"),  # a heading without a number cannot be referred to by one
        ("See [@nobody-2020].", "nobody-2020"),
        ("See [it](#ev-nowhere).", "#ev-nowhere"),
        ("[twice]{#ev-cow-thirty}", "given twice: #ev-cow-thirty"),
        ("![C.](figures/nowhere.svg){#fig-n fig-alt='x'}", "nowhere.svg"),
        ("![C.](figures/fig-talks.svg){#fig-n}", "alt"),
        ("::: {#tbl-n}\n\n| A |\n|---|\n| 1 |\n:::", "tbl-n has no caption"),
    ],
)
def test_faults_are_named(project_root: Path, tmp_path: Path, kind: str, fault: str, message: str) -> None:
    stage = make_stage(project_root, tmp_path / "stage", fault)
    log = tmp_path / "publish.log"
    with pytest.raises(PublishError, match=re.escape(message)) as caught:
        publish(stage, tmp_path / "out", formats=[kind], engine="embedded", log=log)
    assert str(log) in str(caught.value)
    assert log.is_file()
    assert list((tmp_path / "out").glob("*")) == []


def test_a_failure_leaves_what_was_there(project_root: Path, tmp_path: Path) -> None:
    stage = make_stage(project_root, tmp_path / "stage", "See @fig-nowhere.")
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("earlier")
    with pytest.raises(PublishError):
        publish(stage, out, engine="embedded")
    assert [path.name for path in out.iterdir()] == ["report.html"]
    assert (out / "report.html").read_text() == "earlier"


def test_one_failing_format_writes_neither(stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PublishError("The PDF failed.")

    monkeypatch.setattr(embedded, "render_pdf", fail)
    with pytest.raises(PublishError, match="The PDF failed"):
        publish(stage, tmp_path / "out", engine="embedded")
    assert list((tmp_path / "out").glob("*")) == []


def test_arguments_are_checked(stage: Path, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"no engine “word”; choose one of auto, quarto, embedded"):
        publish(stage, tmp_path / "out", engine="word")
    with pytest.raises(PublishError, match=r"format 'docx'; allowed are html and pdf"):
        publish(stage, tmp_path / "out", formats=["docx"], engine="embedded")
    (stage / "references.json").unlink()
    with pytest.raises(PublishError, match=r"references\.json is missing"):
        publish(stage, tmp_path / "out", engine="embedded")
    assert not (tmp_path / "out").exists()


def test_edition_without_date(stage: Path, tmp_path: Path) -> None:
    edition = stage / "edition.yml"
    edition.write_text(edition.read_text("utf-8").replace('"2025-07-31"', "July"), "utf-8")
    with pytest.raises(PublishError, match="date-iso is 'July'"):
        publish(stage, tmp_path / "out", engine="embedded")


# ---------------------------------------------------------------- Quarto: found, failing, missing


def fake_quarto(folder: Path, version: str = "1.9.38", body: str = "sys.exit(1)") -> Path:
    """Write a `quarto` that gives a version and otherwise does as `body` says."""
    if os.name == "nt":
        pytest.skip("needs a script with a shebang")
    path = folder / "quarto"
    path.write_text(
        f"#!{PYTHON}\nimport sys, pathlib\n"
        f"if '--version' in sys.argv:\n    print({version!r})\n    sys.exit(0)\n"
        f"print('Quarto speaking')\n{body}\n",
        "utf-8",
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_find_quarto_looks_at_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake_quarto(tmp_path)
    monkeypatch.setenv("ALLIANCES_QUARTO", str(path))
    assert find_quarto() == Quarto(path, "1.9.38")
    monkeypatch.setenv("ALLIANCES_QUARTO", "")
    assert find_quarto() is None
    monkeypatch.setenv("ALLIANCES_QUARTO", str(tmp_path / "nowhere"))
    assert find_quarto() is None


def test_find_quarto_looks_on_the_path_and_passes_over_an_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALLIANCES_QUARTO", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-venv" / "python"))
    for name, version in (("old", "1.8.25"), ("new", "1.10.18")):
        (tmp_path / name).mkdir()
        fake_quarto(tmp_path / name, version)
        monkeypatch.setenv("PATH", f"{tmp_path / name}{os.pathsep}{os.defpath}")
        found = find_quarto()
        assert (found.version if found else None) == (version if name == "new" else None)


def test_auto_without_quarto_is_silent(stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCES_QUARTO", "")
    published = publish(stage, tmp_path / "out", formats=["html"], engine="auto")
    assert (published.engine, published.notice) == ("embedded", None)


def test_quarto_asked_for_and_not_found(stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCES_QUARTO", "")
    with pytest.raises(PublishError, match=r"Quarto 1\.9 or newer was not found"):
        publish(stage, tmp_path / "out", engine="quarto")
    assert not (tmp_path / "out").exists()


def test_auto_goes_on_when_quarto_fails(stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCES_QUARTO", str(fake_quarto(tmp_path)))
    log = tmp_path / "publish.log"
    published = publish(stage, tmp_path / "out", engine="auto", log=log)
    assert published.engine == "embedded"
    assert published.notice is not None
    assert "Quarto 1.9.38 failed" in published.notice
    assert str(log) in published.notice
    assert "\n" not in published.notice
    assert "Quarto speaking" in log.read_text("utf-8")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.html", "report.pdf"]


def test_quarto_asked_for_and_failing(stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCES_QUARTO", str(fake_quarto(tmp_path)))
    with pytest.raises(PublishError, match=r"Quarto 1\.9\.38 could not render"):
        publish(stage, tmp_path / "out", engine="quarto")
    assert list((tmp_path / "out").glob("*")) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("WARNING: Unable to resolve crossref @fig-nowhere", "fig-nowhere"),
        ("[WARNING] Citeproc: citation nobody-2020 not found", "nobody-2020"),
        ("warning: unknown font family: source sans pro", "source sans pro"),
        ("alliances: links to anchors that do not exist: #ev-nowhere", "#ev-nowhere"),
    ],
)
def test_quarto_going_on_after_a_fault_is_a_failure(
    stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, message: str
) -> None:
    body = f"print({words!r})\npathlib.Path('report.html').write_text('<html></html>')"
    monkeypatch.setenv("ALLIANCES_QUARTO", str(fake_quarto(tmp_path, body=body)))
    with pytest.raises(PublishError, match=re.escape(message)):
        publish(stage, tmp_path / "out", formats=["html"], engine="quarto")


@pytest.mark.skipif(REAL_QUARTO is None, reason="Quarto 1.9 or newer is not installed")
def test_both_engines_give_the_same_document(publication: Publication, page: Page, stage: Path, tmp_path: Path) -> None:
    published = publish(stage, tmp_path / "out", engine="quarto", log=tmp_path / "log")
    assert published.engine == "quarto"
    other = Page(published.files["html"].read_text("utf-8"))

    def body(of: Page) -> str:
        assert of.soup.body is not None
        for number in of.soup.select("#TOC span"):  # Pandoc and Quarto name this class differently
            del number["class"]
        for script in of.soup.select("script"):
            script.extract()
        return of.soup.body.prettify()

    assert body(Page(other.text)) == body(Page(page.text))

    def words(path: Path) -> list[str]:
        text = " ".join(sheet.extract_text() for sheet in pypdf.PdfReader(path).pages)
        return sorted(text.split())

    assert words(published.files["pdf"]) == words(publication.files["pdf"])
    with pikepdf.open(published.files["pdf"]) as theirs, pikepdf.open(publication.files["pdf"]) as ours:
        interesting = re.compile(r"/(H\d|Figure|Table|TH|TD|Caption|Link)")
        structures = [
            [(kind, str(node.get("/Alt", ""))) for kind, node in tags(pdf) if interesting.fullmatch(kind)]
            for pdf in (theirs, ours)
        ]
        assert structures[0] == structures[1]


# ---------------------------------------------------------------- the project


def test_both_engines_read_the_same_settings(project_root: Path) -> None:
    settings = yaml.safe_load((project_root / "report" / "_quarto.yml").read_text("utf-8"))
    options = {*embedded._COMMON, *embedded._CITEPROC, *embedded._PAGE}
    assert f"--toc-depth={settings['toc-depth']}" in options
    assert f"--csl={settings['csl']}" in options
    assert f"--bibliography={settings['bibliography']}" in options
    assert settings["number-sections"] is True
    assert "--number-sections" in options
    assert settings["citeproc"] is True
    assert "--citeproc" in options
    assert settings["filters"] == ["quarto", "filters/finish.lua"]
    assert settings["format"]["typst"]["pdf-standard"] == "ua-1"


def test_copy_project_leaves_steps_of_a_render_by_hand_out(project_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(project_root / "report", root / "report", ignore=shutil.ignore_patterns("_output", ".quarto"))
    settings = yaml.safe_load((root / "report" / "_quarto.yml").read_text("utf-8"))
    settings["project"] |= {"pre-render": "prepare.py", "output-dir": "_output", "render": ["report.qmd"]}
    (root / "report" / "_quarto.yml").write_text(yaml.safe_dump(settings), "utf-8")
    copy_project(root, tmp_path / "stage")
    copied = yaml.safe_load((tmp_path / "stage" / "_quarto.yml").read_text("utf-8"))
    assert not {"pre-render", "post-render", "output-dir", "render"} & set(copied["project"])
    assert copied["format"] == settings["format"]
    assert (tmp_path / "stage" / "theme" / "fonts.css").is_file()


def test_copy_project_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"_quarto\.yml is missing"):
        copy_project(tmp_path, tmp_path / "stage")


# ---------------------------------------------------------------- HTML checks


def test_finish_refuses_what_would_be_fetched() -> None:
    for fault in (
        '<script src="https://cdn.example/x.js"></script>',
        '<img src="figures/x.png">',
        '<link rel="stylesheet" href="https://fonts.example/x.css">',
        "<style>@import url(//fonts.example/x.css);</style>",
    ):
        with pytest.raises(PublishError, match="not self-contained"):
            html.finish(f'<html><head><meta charset="utf-8">{fault}</head></html>')


def test_finish_names_references_that_lead_nowhere() -> None:
    with pytest.raises(PublishError, match=r"lead nowhere: fig-x"):
        html.finish("<head></head><p>See <strong>?@fig-x</strong></p>")
    with pytest.raises(PublishError, match=r"do not exist: #ev-x"):
        html.finish('<head></head><p><a href="#ev-x">10</a></p>')


def test_finish_forbids_scripts_where_there_are_none() -> None:
    assert "script-src 'none'" in html.finish("<head></head><p>Words</p>")


# ---------------------------------------------------------------- chapter by chapter


def test_what_is_kept_gives_the_same_bytes(publication: Publication, stage: Path, tmp_path: Path) -> None:
    """A changed chapter is written again, the others are taken as they were; nothing differs from a first render."""
    cache = Cache(tmp_path)
    cache.folder = tmp_path / "cache"
    first = publish(stage, tmp_path / "first", engine="embedded", cache=cache)
    for kind, path in publication.files.items():
        assert first.files[kind].read_bytes() == path.read_bytes(), kind
    report = stage / "report.md"
    report.write_text(
        report.read_text("utf-8").replace("# Coalition of", "# New chapter\n\nNew.\n\n# Coalition of"), "utf-8"
    )
    with Typesetter() as typesetter:
        typesetter.prepare(stage / "report.typ", stage / "theme" / "fonts")
        again = publish(stage, tmp_path / "again", engine="embedded", cache=cache, typesetter=typesetter)
    fresh = publish(stage, tmp_path / "fresh", engine="embedded")
    for kind, path in fresh.files.items():
        assert again.files[kind].read_bytes() == path.read_bytes(), kind
    assert "4 Coalition of the Willing" in Page(fresh.files["html"].read_text("utf-8")).words("#TOC a")


def test_a_changed_entry_has_only_its_run_written_again(stage: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.folder = tmp_path / "cache"
    publish(stage, tmp_path / "first", engine="embedded", cache=cache)
    before = set((cache.folder / "pieces").rglob("*"))
    report = stage / "report.md"
    report.write_text(report.read_text("utf-8").replace("[**2 March 2025**]", "[**On 2 March 2025**]"), "utf-8")
    again = publish(stage, tmp_path / "again", engine="embedded", cache=cache)
    written = [path.read_text("utf-8") for path in {*(cache.folder / "pieces").rglob("*")} - before if path.is_file()]
    assert len(written) == len(again.files)
    assert all("On 2 March 2025" in text and text.count("“") < 40 for text in written)
    fresh = publish(stage, tmp_path / "fresh", engine="embedded")
    for kind, path in fresh.files.items():
        assert again.files[kind].read_bytes() == path.read_bytes(), kind


ENTRIES = st.lists(st.from_regex(r"ev-[a-z]{1,8}", fullmatch=True), min_size=1, max_size=40, unique=True)


@given(names=ENTRIES, data=st.data())
def test_a_list_of_entries_comes_apart_the_same_whatever_stands_beside(names: list[str], data: st.DataObject) -> None:
    def annex(names: list[str]) -> str:
        listed = "\n\n".join(f"[**10**]{{#{name}}} “Ten” [@opinion-2025-07]." for name in names)
        return f"# Evidence {{#sec-e}}\n\nWords.\n\n::: {{.evidence}}\n\n{listed}\n\n:::\n\nMore.\n"

    whole = take_apart(annex(names))
    assert "".join(whole.runs).count("[**10**]") == len(names)
    assert [name for run in whole.runs for name in re.findall(r"#(ev-\w+)", run)] == names
    assert whole.text == take_apart(annex(["ev-another"])).text
    gone = data.draw(st.sampled_from(names))
    rest = [name for name in names if name != gone]
    if rest:
        # The run that the entry stood in is another one, and so is the next where the entry ended its own.
        assert len(set(take_apart(annex(rest)).runs) - set(whole.runs)) <= 1


def test_a_chapter_with_other_things_in_its_list_stays_whole() -> None:
    text = "# Evidence {#sec-e}\n\n::: {.evidence}\n\n[**10**]{#ev-a} Ten.\n\n## A heading\n\n:::\n"
    assert take_apart(text) == Chapter("sec-e", text, [])
    assert take_apart(text.replace(" {#sec-e}", "")).runs == []


def test_footnotes_keep_their_numbers(stage: Path, tmp_path: Path) -> None:
    report = stage / "report.md"
    report.write_text(
        report.read_text("utf-8").replace("A framework of", "A note^[One.] and another^[Two.], a framework of"), "utf-8"
    )
    published = publish(stage, tmp_path / "out", formats=["html"], engine="embedded")
    page = Page(published.files["html"].read_text("utf-8"))
    assert page.words(".footnote-ref") == ["1", "2"]
    assert page.words("#TOC > ul > li > a")[:2] == ["1 Overview", "2 Joint Expeditionary Force"]


def test_typesetter_that_dies_says_so(stage: Path, tmp_path: Path) -> None:
    with Typesetter() as typesetter:
        typesetter.prepare(stage / "nowhere.typ", stage / "theme" / "fonts")
        process = typesetter._process
        assert process is not None
        process.kill()
        with pytest.raises(PublishError, match="its process ended"):
            publish(stage, tmp_path / "out", formats=["pdf"], engine="embedded", typesetter=typesetter)
        published = publish(stage, tmp_path / "out", formats=["pdf"], engine="embedded", typesetter=typesetter)
    assert published.files["pdf"].is_file()


# ---------------------------------------------------------------- fonts


def test_typst_finds_both_families(tmp_path: Path) -> None:
    fonts.install(tmp_path)
    families = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[tmp_path])
    assert sorted(families.families()) == [fonts.SANS, fonts.SERIF]
    assert not list(tmp_path.glob("*.otf"))


def test_font_directories_exist() -> None:
    for folder in fonts.font_directories():
        assert list(folder.glob("*-Regular.ttf"))


def test_charts_do_without_a_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (kept,) = fonts.chart_directories()
    assert kept.is_relative_to(tmp_path)
    assert {path.suffix for path in kept.iterdir()} == {".ttf"}
    assert (kept / "SourceSansPro-Regular.ttf").is_file()
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert fonts.chart_directories() == fonts.font_directories()


def test_stylesheet_is_the_same_with_and_without_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = fonts.stylesheet()
    assert list((tmp_path / "cache" / "alliances").glob("fonts-*.css"))
    assert fonts.stylesheet() == first
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert fonts.stylesheet() == first
    assert "font-weight:600" in first
    assert len(first) < 250_000
