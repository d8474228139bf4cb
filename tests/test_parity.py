"""Both engines give the same document; where Quarto is missing, the stage at least uses only what both read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf
import pypandoc
import pypdf
import pytest
import yaml
from bs4 import BeautifulSoup, Tag

from alliances.build import stage_edition
from alliances.prerender import bring_up_to_date, place_holders
from alliances.publishing import Publication, copy_project, find_quarto, publish
from helpers import Edition, run_cli, words

# What our stages hold and both engines are known to set alike. Before a kind is added here, look at it in both.
BLOCKS = {"Header", "Para", "Plain", "BulletList", "OrderedList", "BlockQuote", "Table", "Figure", "Div"}
INLINES = {
    "Str", "Space", "SoftBreak", "LineBreak", "Emph", "Strong", "Quoted", "Code", "Cite", "Link", "Image", "Span",
    "Superscript", "Subscript",
}  # fmt: skip
CLASSES = {"evidence", "value"}
ATTRIBUTES = {"fig-alt"}
REFERENCES = re.compile(r"(fig|tbl|sec)-.")
RESERVED = {
    "author", "bibliography", "book", "crossref", "csl", "engine", "execute", "filters", "format", "header-includes",
    "include-after-body", "include-before-body", "include-in-header", "jupyter", "knitr", "params", "project", "toc",
    "website",
}  # fmt: skip


@pytest.fixture(scope="module")
def stage(default_edition: Edition, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stage of the default edition; its notebooks need not run again."""
    staged = stage_edition(default_edition.root, {}, tmp_path_factory.mktemp("staged"))
    assert staged.report.problems == []
    copy_project(default_edition.root, staged.report.folder)
    return staged.report.folder


# ---------------------------------------------------------------- the contract


@pytest.fixture(scope="module")
def tree(stage: Path) -> list[Any]:
    """The blocks of the staged report as Pandoc reads them."""
    command = [pypandoc.get_pandoc_path(), "report.md", "--from=markdown", "--to=json"]
    read = json.loads(subprocess.run(command, cwd=stage, capture_output=True, check=True).stdout)
    assert read["meta"] == {}, "report.md has a title block; it belongs into edition.yml"
    return list(read["blocks"])


def elements(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "t" in node:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from elements(child)


def attributes(element: dict[str, Any]) -> tuple[str, list[str], dict[str, str]]:
    place = 1 if element["t"] == "Header" else 0
    identifier, classes, pairs = element["c"][place]
    return identifier, classes, dict(pairs)


def test_the_stage_holds_only_elements_that_both_engines_set_alike(tree: list[Any]) -> None:
    found = {element["t"] for element in elements(tree)}
    details = {name for name in found if re.match(r"(Align|ColWidth|.*Quote$|.*Citation$|AuthorInText)", name)}
    lists = {"Decimal", "Period", "DefaultStyle", "DefaultDelim"}
    assert found - details - lists <= BLOCKS | INLINES


def test_the_stage_uses_no_class_and_no_attribute_of_one_engine_alone(tree: list[Any]) -> None:
    classes, keys = set(), set()
    for element in elements(tree):
        if element["t"] in ("Div", "Span", "Header", "Link", "Image", "Code", "Figure", "Table"):
            _, given, pairs = attributes(element)
            classes |= set(given)
            keys |= set(pairs)
    assert classes <= CLASSES
    assert keys <= ATTRIBUTES


def test_the_stage_holds_no_shortcodes_cells_or_raw_code(stage: Path) -> None:
    text = (stage / "report.md").read_text("utf-8")
    for mark in (
        r"\{\{<",
        r"^```",
        r"^~~~",
        r"^#\|",
        r"\{=\w+\}",
        r"^:{3,}.*\.(callout|panel|column|content)",
        r"<!--",
    ):
        assert not re.search(mark, text, re.MULTILINE), mark


def test_headings_have_labels_and_skip_no_level(tree: list[Any]) -> None:
    headings = [element for element in elements(tree) if element["t"] == "Header"]
    assert all(attributes(heading)[0].startswith("sec-") for heading in headings)
    levels = [heading["c"][0] for heading in headings]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_figures_and_tables_are_of_the_two_agreed_shapes(tree: list[Any], stage: Path) -> None:
    figures = [element for element in elements(tree) if element["t"] == "Figure"]
    images = [element for element in elements(tree) if element["t"] == "Image"]
    assert len(figures) == len(images) > 0
    for figure, image in zip(figures, images, strict=True):
        label = attributes(figure)[0]
        assert REFERENCES.match(label)
        assert image["c"][2][0] == f"figures/{label}.svg"
        assert (stage / image["c"][2][0]).is_file()
        assert attributes(image)[2]["fig-alt"]
    floats = [element for element in elements(tree) if element["t"] == "Div" and attributes(element)[0] != "refs"]
    tables = [element for element in floats if "evidence" not in attributes(element)[1]]
    assert len(tables) == sum(element["t"] == "Table" for element in elements(tree)) > 0
    for table in tables:
        assert attributes(table)[0].startswith("tbl-")
        assert [block["t"] for block in table["c"][1]] == ["Table", "Para"]


def test_citations_and_references_have_targets(tree: list[Any], stage: Path) -> None:
    known = {item["id"] for item in json.loads((stage / "references.json").read_text("utf-8"))}
    labels = {attributes(e)[0] for e in elements(tree) if e["t"] in ("Header", "Figure", "Div")}
    for element in elements(tree):
        if element["t"] != "Cite":
            continue
        keys = [citation["citationId"] for citation in element["c"][0]]
        referred = [key for key in keys if REFERENCES.match(key)]
        assert referred in ([], keys), f"a reference and a citation in one bracket: {keys}"
        assert set(keys) <= (labels if referred else known)


def test_the_edition_file_leaves_the_settings_of_quarto_alone(stage: Path) -> None:
    settings = yaml.safe_load((stage / "edition.yml").read_text("utf-8"))
    assert not RESERVED & set(settings)
    assert settings["lang"] == "en-GB"


# ---------------------------------------------------------------- the real Quarto


@pytest.fixture(scope="module")
def both(stage: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Publication]:
    """The same stage, published by either engine."""
    if find_quarto() is None:
        pytest.skip("Quarto 1.9 or newer is not installed")
    folder = tmp_path_factory.mktemp("both")
    done = {
        engine: publish(stage, folder / engine, engine=engine, log=folder / f"{engine}.log")
        for engine in ("quarto", "embedded")
    }
    assert {name: publication.engine for name, publication in done.items()} == {name: name for name in done}
    return done


@pytest.fixture(scope="module")
def pages(both: dict[str, Publication]) -> tuple[BeautifulSoup, BeautifulSoup]:
    read = (
        BeautifulSoup(both[name].files["html"].read_text("utf-8"), "html.parser") for name in ("quarto", "embedded")
    )
    return next(read), next(read)


def told(page: BeautifulSoup, selector: str, *names: str) -> list[tuple[str, ...]]:
    """Text and attributes of the elements that a selector finds, in order."""

    def one(element: Tag) -> tuple[str, ...]:
        return (element.name, words(element.get_text()), *(str(element.get(name)) for name in names))

    return [one(element) for element in page.select(selector)]


@pytest.mark.parametrize(
    ("what", "selector", "names", "least"),
    [
        ("headings", "main :is(h1, h2, h3, h4)", ("id",), 40),
        ("sections", "main section", ("id",), 40),
        ("figures and tables", "main figure", ("id", "class"), 20),
        ("captions", "figcaption", ("id",), 20),
        ("cross-references", "a.xref", ("href",), 100),
        ("citations", ".citation a", ("href",), 100),
        ("references", "#refs .csl-entry", ("id",), 5),
        ("links", "main a", ("href", "title"), 500),
        ("evidence entries", ".evidence p", (), 200),
        ("anchors of evidence", ".evidence [id]", ("id",), 200),
        ("alternative texts", "svg.chart", ("aria-label", "data-figure"), 10),
        ("cells", "main :is(th, td)", ("scope",), 200),
        ("paragraphs", "main :is(p, li)", (), 300),
        ("contents", "#TOC a", ("href",), 40),
        ("cover", "#title-block-header", (), 1),
        ("tools under charts", ".chart-tools", ("aria-label", "data-chart"), 10),
        ("countries", "#country option", ("data-charts",), 5),
    ],
)
def test_the_pages_agree(
    pages: tuple[BeautifulSoup, BeautifulSoup], what: str, selector: str, names: tuple[str, ...], least: int
) -> None:
    theirs, ours = (told(page, selector, *names) for page in pages)
    assert theirs == ours, what
    assert len(ours) >= least, what


def test_the_pages_carry_the_same_scripts(pages: tuple[BeautifulSoup, BeautifulSoup]) -> None:
    for identifier in ("chart-data", "vega-bundle"):
        theirs, ours = (page.select(f"script#{identifier}") for page in pages)
        assert len(theirs) == len(ours) == 1
        assert theirs[0].string == ours[0].string
    theirs, ours = (words(str(page.select("script:not([id])")[0].string)) for page in pages)
    assert theirs == ours


def test_the_pdfs_say_the_same(both: dict[str, Publication]) -> None:
    def counted(name: str) -> Counter[str]:
        sheets = pypdf.PdfReader(both[name].files["pdf"]).pages
        text = " ".join(sheet.extract_text() for sheet in sheets)
        # Numbers of pages may differ where another version of Typst breaks them elsewhere.
        return Counter(words(re.sub(r"\b\d+ of \d+\b|\. ?\. ?[. ]*\d+|\d+\n", " ", text)).split())

    theirs, ours = counted("quarto"), counted("embedded")
    differing = (theirs - ours) + (ours - theirs)
    # Words that a page break or a line break cuts; a lost figure, table or entry would be many times this.
    assert sum(differing.values()) <= 0.002 * sum(ours.values()), differing.most_common(20)


def structure(path: Path) -> Iterator[tuple[str, str]]:
    """Kind and alternative text of the tags of a PDF, in reading order."""

    def walk(node: Any) -> Iterator[tuple[str, str]]:
        if isinstance(node, pikepdf.Array):
            for child in node:
                yield from walk(child)
        elif isinstance(node, pikepdf.Dictionary):
            if "/S" in node and "/K" in node:
                yield str(node["/S"]), str(node.get("/Alt", ""))
            if "/K" in node:
                yield from walk(node["/K"])

    with pikepdf.open(path) as pdf:
        yield from walk(pdf.Root.StructTreeRoot["/K"])


def test_the_pdfs_have_the_same_structure(both: dict[str, Publication]) -> None:
    kept = re.compile(r"/(H\d|Figure|Table|TH|TD|Caption)")
    theirs, ours = (
        [(kind, alt) for kind, alt in structure(both[name].files["pdf"]) if kept.fullmatch(kind)]
        for name in ("quarto", "embedded")
    )
    assert theirs == ours
    assert sum(kind == "/Figure" for kind, _ in ours) >= 10


def test_the_pdfs_have_the_same_bookmarks(both: dict[str, Publication]) -> None:
    def titles(outline: Any) -> list[Any]:
        return [titles(item) if isinstance(item, list) else words(str(item.title)) for item in outline]

    theirs, ours = (titles(pypdf.PdfReader(both[name].files["pdf"]).outline) for name in ("quarto", "embedded"))
    assert theirs == ours
    assert len(ours) >= 10


def test_the_pdfs_have_the_same_links(both: dict[str, Publication]) -> None:
    def links(name: str) -> Counter[str]:
        with pikepdf.open(both[name].files["pdf"]) as pdf:
            notes = [note for sheet in pdf.pages for note in sheet.get("/Annots", []) if note["/Subtype"] == "/Link"]
            # The page that a link leads to is named in it, and may be another one.
            return Counter(re.sub(r"\bpage \d+", "page", words(str(note.get("/Contents", "")))) for note in notes)

    theirs, ours = links("quarto"), links("embedded")
    # A link that a line break cuts in two counts twice.
    assert set(theirs) == set(ours)
    assert abs(sum(theirs.values()) - sum(ours.values())) <= 0.02 * sum(ours.values())


# ---------------------------------------------------------------- Quarto by hand


def test_the_steps_of_a_render_by_hand_exist(project_root: Path) -> None:
    settings = yaml.safe_load((project_root / "report" / "_quarto.yml").read_text("utf-8"))["project"]
    for step in ("pre-render", "post-render"):
        script, module = settings[step].split()
        assert (project_root / "report" / script).is_file()
        assert (project_root / "src" / "alliances" / f"{module}.py").is_file()


def test_bringing_up_to_date_writes_only_what_differs(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    for folder in (new, old):
        (folder / "inner").mkdir(parents=True)
        (folder / "inner" / "same").write_text("same", "utf-8")
    (new / "other").write_text("new", "utf-8")
    (old / "other").write_text("old", "utf-8")
    (old / "inner" / "gone").write_text("", "utf-8")
    (old / "old folder").mkdir()
    before = (old / "inner" / "same").stat().st_mtime_ns
    bring_up_to_date(old, new)
    assert {str(path.relative_to(old)) for path in old.rglob("*")} == {"inner", "inner/same", "other"}
    assert (old / "other").read_text("utf-8") == "new"
    assert (old / "inner" / "same").stat().st_mtime_ns == before


def test_a_render_by_hand_gives_the_same_page(probe_root: Path, tmp_path: Path) -> None:
    quarto = find_quarto()
    if quarto is None:
        pytest.skip("Quarto 1.9 or newer is not installed")
    done = run_cli(
        probe_root,
        "build",
        "--engine",
        "quarto",
        "--output",
        str(tmp_path / "built"),
        ALLIANCES_QUARTO=str(quarto.path),
    )
    assert done.returncode == 0, done.stderr
    place_holders(probe_root)  # as the set-up does
    environment = {**os.environ, "QUARTO_PYTHON": sys.executable}
    command = [str(quarto.path), "render", "report"]
    written = []
    for _ in range(2):  # the second time nothing that Quarto watches may be written again
        by_hand = subprocess.run(command, cwd=probe_root, env=environment, capture_output=True, text=True, check=False)
        assert by_hand.returncode == 0, by_hand.stderr
        output = probe_root / "report" / "_output"
        assert (output / "report.html").read_bytes() == (tmp_path / "built" / "report.html").read_bytes()
        sheets = [pypdf.PdfReader(folder / "report.pdf").pages for folder in (output, tmp_path / "built")]
        assert [sheet.extract_text() for sheet in sheets[0]] == [sheet.extract_text() for sheet in sheets[1]]
        names = ("chapters", "figures", "vega", "theme", "edition.yml", "references.json")
        staged = [probe_root / "report" / name for name in names]
        files = [file for path in staged for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
        written.append({str(file): file.stat().st_mtime_ns for file in files if file.is_file()})
    assert written[0] == written[1]
