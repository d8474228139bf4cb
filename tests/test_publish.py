"""From a staged folder to report.html and report.pdf: what both engines must give, on the sample in tests/stage."""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pikepdf
import pypdf
import pytest
from bs4 import BeautifulSoup, Tag

from alliances.errors import PublishError
from alliances.publish import engine_version, publish
from alliances.publish.page import finish
from alliances.publish.quarto import find_quarto
from alliances.quarto_steps import bring_up_to_date
from alliances.text.markdown import typeset
from helpers import long

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "stage"
WANTED_QUARTO = os.environ.get("ALLIANCES_QUARTO")
NNBSP = "\u202f"
needs_poppler = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="no pdftotext (apt-get install poppler-utils)"
)


def words(text: str) -> str:
    return " ".join(text.replace(NNBSP, " ").split())


@dataclass(frozen=True)
class Edition:
    """What one engine made of the sample."""

    folder: Path

    @cached_property
    def html(self) -> str:
        return (self.folder / "report.html").read_text("utf-8")

    @cached_property
    def page(self) -> BeautifulSoup:
        return BeautifulSoup(self.html, "html.parser")

    @cached_property
    def pdf(self) -> pikepdf.Pdf:
        return pikepdf.open(self.folder / "report.pdf")

    @cached_property
    def pages(self) -> list[str]:
        return [words(page.extract_text()) for page in pypdf.PdfReader(self.folder / "report.pdf").pages]

    @cached_property
    def tags(self) -> list[tuple[str, Any]]:
        """The tags of the PDF in reading order."""
        found: list[tuple[str, Any]] = []

        def walk(node: Any) -> None:
            if isinstance(node, pikepdf.Array):
                for kid in node:  # type: ignore[attr-defined]
                    walk(kid)
            elif isinstance(node, pikepdf.Dictionary):
                if "/S" in node:
                    found.append((str(node["/S"])[1:], node))
                if "/K" in node:
                    walk(node["/K"])

        walk(self.pdf.Root.StructTreeRoot.K)
        return found


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "stage"))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    folder = Path(shutil.copytree(SAMPLE, tmp_path_factory.mktemp("embedded") / "stage"))
    made = publish(folder, root=ROOT, engine="embedded")
    assert made.files == [folder / "report.html", folder / "report.pdf"]
    assert made.notice == ""
    return Edition(folder)


@pytest.fixture(scope="module")
def by_quarto(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    before = os.environ.get("ALLIANCES_QUARTO")
    if WANTED_QUARTO:
        os.environ["ALLIANCES_QUARTO"] = WANTED_QUARTO
    try:
        if find_quarto() is None:
            pytest.skip("no Quarto 1.9 or newer (set ALLIANCES_QUARTO)")
        folder = Path(shutil.copytree(SAMPLE, tmp_path_factory.mktemp("quarto") / "stage"))
        publish(folder, root=ROOT, engine="quarto")
    finally:
        os.environ.pop("ALLIANCES_QUARTO", None)
        if before is not None:
            os.environ["ALLIANCES_QUARTO"] = before
    return Edition(folder)


# ---------------------------------------------------------------- files


def test_the_folder_gets_the_two_files_and_nothing_else(embedded: Edition) -> None:
    new = {path.name for path in embedded.folder.iterdir()} - {path.name for path in SAMPLE.iterdir()}
    assert new == {"report.html", "report.pdf"}


def test_the_same_stage_gives_the_same_bytes(embedded: Edition, stage: Path) -> None:
    publish(stage, root=ROOT, engine="embedded")
    for name in ("report.html", "report.pdf"):
        assert (stage / name).read_bytes() == (embedded.folder / name).read_bytes()


def test_one_format_alone(stage: Path) -> None:
    assert publish(stage, ["pdf"], root=ROOT, engine="embedded").files == [stage / "report.pdf"]
    assert not (stage / "report.html").exists()


def test_the_version_names_both_programs() -> None:
    assert re.fullmatch(r"embedded \(Pandoc [\d.]+, Typst [\d.]+\)", engine_version("embedded"))


# ---------------------------------------------------------------- the page


def test_page_says_what_it_is(embedded: Edition) -> None:
    page = embedded.page
    assert page.html
    assert page.html["lang"] == "en-GB"
    assert page.title
    assert page.title.string == "Orrin’s Ferries"
    cover = words(page.select_one("header.cover").get_text(" "))  # type: ignore[union-attr]
    assert "Four districts would share a fleet." in cover
    assert "they know events to 12 May 2031 · Four texts of March to May 2031 · Without the harbour survey" in cover
    imprint = words(page.select_one("#imprint").get_text(" "))  # type: ignore[union-attr]
    for text in ("The Orrin project", "CC BY 4.0", "Cite as Orrin’s Ferries, version 0.1.0"):
        assert text in imprint


def headings(page: BeautifulSoup) -> list[tuple[str, str]]:
    return [(tag.name, words(tag.get_text())) for tag in page.find_all(re.compile(r"^h\d$"))]


def test_page_has_its_headings_in_order(embedded: Edition) -> None:
    assert headings(embedded.page)[:11] == [
        ("h1", "Orrin’s Ferries"),
        ("h2", "The bottom line"),
        ("h2", "Contents"),
        ("h2", "The lake"),
        ("h3", "Joint fleet"),
        ("h4", "What the fleet could do"),
        ("h4", "What to watch"),
        ("h3", "Six shores"),
        ("h2", "Questions"),
        ("h3", "Winter"),
        ("h2", "Evidence"),
    ]


def test_contents_hold_each_chapter_and_its_answer(embedded: Edition) -> None:
    links = embedded.page.select("nav#contents-bar a")
    assert [link.get_text() for link in links] == ["The bottom line", "Joint fleet", "Six shores", "Winter", "Evidence"]
    entry = embedded.page.select_one("ul.contents a[href='#sec-winter'] + span")
    assert entry
    assert entry.get_text() == "No plan on the table keeps the lake open when it freezes."


def test_what_is_to_come_stands_under_the_contents(stage: Path) -> None:
    text = (stage / "edition.yml").read_text("utf-8")
    (stage / "edition.yml").write_text(text.replace("coming: []", 'coming: ["Money", "Fares"]'), "utf-8")
    publish(stage, root=ROOT, engine="embedded")
    assert "Still to come: Money; Fares." in (stage / "report.html").read_text("utf-8")
    assert "Still to come: Money; Fares." in Edition(stage).pages[2]


def test_marks_are_superscript_links_with_a_name(embedded: Edition) -> None:
    marks = embedded.page.select("main sup.ev a")
    assert len(marks) > 90
    for mark in marks:
        target = embedded.page.find(id=str(mark["href"])[1:])
        assert isinstance(target, Tag)
        name = str(mark["aria-label"])
        assert mark.get_text() in name
        assert "Evidence " in name
        assert mark["title"]
        assert str(mark.parent.previous_sibling).endswith(NNBSP)  # type: ignore[union-attr]
    one = embedded.page.select_one("#sec-fleet .answer sup.ev a[href='#ev-C8']")
    assert one
    assert one["aria-label"] == "Evidence C8, the council memo"
    several = embedded.page.select_one("#fig-fleet a[href='#ev-B7']")
    assert several
    assert several.get_text() == "+2"


def test_anchors_are_unique_and_links_resolve(embedded: Edition) -> None:
    ids = [str(tag["id"]) for tag in embedded.page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    targets = {str(link["href"])[1:] for link in embedded.page.select("a[href^='#']")}
    assert targets <= set(ids)


def test_figures_are_inline_images_with_text(embedded: Edition) -> None:
    for name in ("fig-growth", "fig-fleet", "fig-shores"):
        figure = embedded.page.find(id=name)
        assert isinstance(figure, Tag)
        wide, narrow = figure.select("svg")
        assert wide["class"] == ["chart", "wide"]
        assert narrow["class"] == ["chart", "narrow"]
        for svg in (wide, narrow):
            assert svg["role"] == "img"
            assert len(str(svg["aria-label"])) > 40
            assert not svg.select("[role], [aria-label], [aria-hidden]")
        kinds = [str(button["data-save"]) for button in figure.select(".tools button")]
        assert kinds == ["svg", "png", "csv"]
    caption = embedded.page.select_one("#fig-fleet figcaption")
    assert words(caption.get_text(" ")).startswith("Figure 2. Fleets that are offered, compared and needed. Note: ")  # type: ignore[union-attr]
    references = embedded.page.select("main p > a[href^='#fig-'], main p > a[href^='#tbl-']")
    assert [words(link.get_text()) for link in references] == ["Figure 2", "Figure 3", "Table 1"]


def test_tables_have_heads_of_rows_columns_and_groups(embedded: Edition) -> None:
    table = embedded.page.select_one("#tbl-answers table")
    assert table
    assert [th.get_text() for th in table.select("th[scope=col]")] == ["District", "Answer", "Boats", "How we know"]
    assert [th.get_text() for th in table.select("th[scope=rowgroup]")] == [
        "Runs boats",
        "Would join",
        "Waits or refuses",
    ]
    assert [th.get_text() for th in table.select("th[scope=row]")][:2] == ["Ashby", "Brenn"]
    first = table.select("tbody tr:not(.group)")[0].select("td")
    assert [td["data-head"] for td in first] == ["Answer", "Boats", "How we know"]
    assert first[1]["class"] == ["number"]
    for each in embedded.page.select("table"):
        named = embedded.page.find(id=each.get("aria-labelledby", "none"))
        assert (named.get_text() if named else each["aria-label"]).strip()
    assert words(embedded.page.select_one("#tbl-answers figcaption").get_text(" ")).startswith("Table 1. Answers as of")  # type: ignore[union-attr]


def test_facts_judgements_and_side_notes(embedded: Edition) -> None:
    page = embedded.page
    facts = page.select_one("#sec-fleet > .facts")
    assert facts
    assert [dt.get_text() for dt in facts.select("dt")] == ["Since", "Led by", "Ready", "Organs", "Fares"]
    assert len(page.select("ol.judgements > li")) == 4
    where = page.select_one("ol.judgements li .confidence a.where")
    assert where
    assert where["href"] == "#sec-fleet"
    lines = page.select("#jud-fleet dt")
    assert [line.get_text() for line in lines] == ["For", "Against", "Confidence", "Wrong if"]
    assert [note.get_text() for note in page.select(".side-note .pull-value")] == ["14", "20–30"]
    quoted = page.select_one(".side-note blockquote")
    assert quoted
    assert quoted.get_text() == "“not one hull”"


def test_evidence_holds_words_context_readings_and_where_it_is_cited(embedded: Edition) -> None:
    entry = embedded.page.find(id="ev-A9")
    assert isinstance(entry, Tag)
    assert words(entry.select_one(".quoted").get_text()) == (  # type: ignore[union-attr]
        "A9 Before it: Its mayor said it “would rather lend a crew than a hull” After it: and has lent one since"
    )
    assert entry.select_one("#row-pos-corrow.needed")
    assert words(entry.select_one(".uses").get_text()) == "Cited in Six shores"  # type: ignore[union-attr]
    uncited = embedded.page.select(".entry.uncited")
    assert [str(each["id"]) for each in uncited] == ["ev-A4", "ev-D7", "ev-D9"]


def test_page_fetches_nothing_and_lets_only_its_own_script_run(embedded: Edition) -> None:
    policy = str(embedded.page.select_one("meta[http-equiv=Content-Security-Policy]")["content"])  # type: ignore[index]
    for script in embedded.page.find_all("script"):
        if script.get("type") == "application/json":
            continue
        digest = hashlib.sha256(script.string.encode()).digest()
        assert f"'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert policy.startswith(
        "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; script-src 'sha256-"
    )
    assert not re.search(r"<(?:link|img|iframe)\b", re.sub(r"<script.*?</script>", "", embedded.html, flags=re.DOTALL))
    assert embedded.html.count("data:font/woff2;base64,") + embedded.html.count("data:application/font-woff2") >= 6
    assert len(embedded.html) < 2_000_000


def test_finish_refuses_what_would_be_fetched(tmp_path: Path) -> None:
    for body in (
        '<img src="a.png">',
        '<script src="https://x.org/a.js"></script>',
        "<style>@import 'https://x.org';</style>",
    ):
        with pytest.raises(PublishError, match="would fetch"):
            finish(f'<head><meta charset="utf-8"></head><body>{body}</body>', tmp_path)


def test_broken_chart_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "vega").mkdir()
    (tmp_path / "vega" / "fig-a.json").write_text("{", "utf-8")
    with pytest.raises(PublishError, match=r"fig-a\.json cannot be read"):
        finish('<meta charset="utf-8"><body><div data-figure="fig-a"></div></body>', tmp_path)


# ---------------------------------------------------------------- the PDF


def test_pdf_is_accessible_archivable_and_dated(embedded: Edition) -> None:
    pdf = embedded.pdf
    assert str(pdf.Root.Lang) == "en-GB"
    assert bool(pdf.Root.MarkInfo.Marked)
    with pdf.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
        assert metadata["dc:title"] == "Orrin’s Ferries"
        assert metadata["xmp:CreateDate"].startswith("2031-05-31T00:00:00")


def test_pdf_carries_its_data(embedded: Edition) -> None:
    held = {name.rpartition("/")[2]: file.get_file().read_bytes() for name, file in embedded.pdf.attachments.items()}
    assert sorted(held) == ["facts.json", "public_record.csv"]
    assert held["facts.json"] == (SAMPLE / "attached" / "facts.json").read_bytes()


def outline(pdf: pikepdf.Pdf) -> list[str]:
    found: list[str] = []

    def walk(items: Any, depth: int) -> None:
        for item in items:
            found.append("  " * depth + item.title)
            walk(item.children, depth + 1)

    with pdf.open_outline() as whole:
        walk(whole.root, 0)
    return found


def test_pdf_has_bookmarks(embedded: Edition) -> None:
    assert outline(embedded.pdf)[:9] == [
        "The bottom line", "Contents", "The lake", "  Joint fleet", "    What the fleet could do", "    What to watch",
        "  Six shores", "Questions", "  Winter",
    ]  # fmt: skip


def test_pdf_tags_headings_figures_lists_and_tables(embedded: Edition) -> None:
    kinds = [kind for kind, _ in embedded.tags]
    levels = [int(kind[1:]) for kind in kinds if re.fullmatch(r"H\d", kind)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert kinds.count("Table") == 2
    assert kinds.count("TH") == 4 + 3 + 2
    assert kinds.count("L") >= 7
    texts = [str(node["/Alt"]) for kind, node in embedded.tags if kind == "Figure" and "/Alt" in node]
    assert len(texts) == 4  # three figures and the cover's
    assert all(len(text) > 40 for text in texts)
    assert texts[0].startswith("Rows of boats")  # the picture; the finding stands beside it as text


def test_pdf_marks_are_links_with_a_name(embedded: Edition) -> None:
    names = [
        str(annotation.get("/Contents", ""))
        for page in embedded.pdf.pages
        for annotation in page.get("/Annots", [])  # type: ignore[attr-defined]
    ]
    assert len(names) > 150
    assert all(names)
    assert any(name.startswith("Evidence C8, the council memo") for name in names)


def test_pdf_pages_carry_head_foot_and_number(embedded: Edition) -> None:
    for number, text in enumerate(embedded.pages[1:], 2):
        assert f"State of knowledge: 12 May 2031 {number}" in text or f"12 May 2031{number}" in text.replace(" ", ""), (
            number
        )
    assert embedded.pages[4].startswith("Orrin’s Ferries Joint fleet")
    assert embedded.pages[5].startswith("Orrin’s Ferries Six shores")
    for opening in (1, 2, 3):
        assert not embedded.pages[opening].startswith("Orrin’s Ferries")


def test_pdf_cover_says_what_and_whose_it_is(embedded: Edition) -> None:
    cover = embedded.pages[0]
    for text in ("Four districts would share a fleet.", "they know events to 12 May", "The Orrin project", "CC BY 4.0",
                 "Cite as", "Without the harbour survey"):  # fmt: skip
        assert text in cover


def test_pdf_evidence_is_what_is_cited_with_its_pages(embedded: Edition) -> None:
    evidence = " ".join(embedded.pages[embedded_evidence(embedded) :])
    assert "Eskvale has not answered" in evidence
    assert "wreck of the Heron" not in evidence  # uncited
    assert "According to the wardens" not in evidence  # context
    assert "Corrow: open, on crews; reported" in evidence  # a reading that is needed
    assert "readiness: one day" not in evidence
    where = [number for number, text in enumerate(embedded.pages, 1) if re.search(r"\bA12\b", text)]
    assert f"p. {', '.join(map(str, where[:-1]))}" in evidence[evidence.index("Eskvale has not") :][:120]


def test_pdf_prints_what_a_printed_entry_leads_to(stage: Path) -> None:
    change("against it speaks", 'against it speaks [^D7^](#ev-D7 "…")')(stage)
    publish(stage, ["pdf"], root=ROOT, engine="embedded")
    evidence = " ".join(Edition(stage).pages)
    assert "wreck of the Heron" in evidence
    assert "Storms from the west close the south quay" not in evidence


def test_pdf_says_nothing_twice_in_the_evidence(stage: Path) -> None:
    words_of_d9 = "“Storms from the west close the south quay first”"
    head, entry = (stage / "report.md").read_text("utf-8").split("{#ev-B7 .entry ", 1)
    entry = entry.replace("]{.words}", f"]{{.words}}\n\n[With B4 “half of them able”; D9 {words_of_d9}]{{.further}}", 1)
    (stage / "report.md").write_text(head + "{#ev-B7 .entry " + entry, "utf-8")
    publish(stage, root=ROOT, engine="embedded")
    made = Edition(stage)
    evidence = " ".join(made.pages[embedded_evidence(made) :])
    assert f"With B4, D9 {words_of_d9}" in evidence  # B4 has an entry of its own in print
    assert "half of them able”" not in evidence
    assert re.search(r"i1 So the fleet .*? … It rests on B4 .*? p\. \d", evidence)
    further = made.page.select_one("#ev-B7 p.further")
    assert further
    assert "half of them able" in further.get_text()


def test_pdf_shows_the_bottom_line_on_one_page(embedded: Edition) -> None:
    front = embedded.pages[1]
    for part in ("The bottom line", "Whoever plans for the winter", "What we judge", "realistic possibility 40–50",
                 "What to watch", "A second harbour master"):  # fmt: skip
        assert part in front


@needs_poppler
def test_pdf_keeps_ranges_on_a_line(stage: Path) -> None:
    said = " ".join(f"{'So ' * (n % 5)}40,000–50,000 boats cost €800–€900 million." for n in range(1, 30))
    change("Geography explains most of it.", typeset(said))(stage)
    publish(stage, ["pdf"], root=ROOT, engine="embedded")
    told = subprocess.run(
        ["pdftotext", str(stage / "report.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout
    assert told.count("40,000–50,000") == told.count("€800–€900 million") == 29  # with its no-break space
    publish(stage, ["html"], root=ROOT, engine="embedded")
    assert len(Edition(stage).page.select(".unbroken")) > 57


@needs_poppler
def test_pdf_sets_what_to_watch_beside_the_judgement(stage: Path) -> None:
    change("## Six shores {", "**Watch** whether the herons come back.\n\n## Six shores {")(stage)
    publish(stage, ["pdf"], root=ROOT, engine="embedded")
    told = subprocess.run(
        ["pdftotext", "-bbox", str(stage / "report.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout
    left = re.search(r'xMin="([\d.]+)"[^>]*>herons<', told)
    assert left
    assert float(left[1]) > 390
    assert clashes(stage / "report.pdf") == []


@pytest.mark.parametrize("lines", [0, 9, 18, 27])
def test_pdf_finds_figures_a_place_in_their_chapter(stage: Path, lines: int) -> None:
    """Wherever a chapter begins on its page, its figure stands behind its opening, and no page stays half empty."""
    change("## Six shores {", "Boats and quays and boats. " * 3 * lines + "\n\n## Six shores {")(stage)
    publish(stage, ["pdf"], root=ROOT, engine="embedded")
    assert not (stage / "publish.log").exists()  # the layout has settled
    text = " ".join(Edition(stage).pages)
    answer, end = text.rindex("Two districts run boats, two would join"), text.rindex("No plan on the table keeps")
    assert answer < text.index("The north runs the boats, the west refuses") < end
    assert answer < text.index("Answers as of the newest text") < end


def embedded_evidence(edition: Edition) -> int:
    return next(number for number, text in enumerate(edition.pages) if text.startswith("Evidence"))


def test_pdf_embeds_the_two_families_alone(embedded: Edition) -> None:
    fonts = {
        str(font.BaseFont).partition("+")[2]
        for page in embedded.pdf.pages
        for font in page.resources.get("/Font", {}).values()  # type: ignore[attr-defined]
    }
    assert fonts
    assert all(name.startswith(("SourceSansPro", "SourceSerifPro")) for name in fonts)


def clashes(pdf: Path) -> list[Any]:
    """Words that lie over one another or off the page."""
    told = subprocess.run(["pdftotext", "-bbox", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    found: list[Any] = []
    word = re.compile(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</word>')
    for number, page in enumerate(told.split("<page ")[2:], 2):
        boxes = [(*map(float, box), text) for *box, text in word.findall(page)]
        for index, (left, top, right, bottom, text) in enumerate(boxes):
            if right > 540 or bottom > 812:
                found.append((number, "off the page", text))
            for other_left, other_top, other_right, other_bottom, other in boxes[index + 1 :]:
                across = min(right, other_right) - max(left, other_left)
                if across > 1.5 and min(bottom, other_bottom) - max(top, other_top) > 4.5:
                    found.append((number, text, other))
    return found


@needs_poppler
def test_pdf_has_nothing_over_anything_or_off_the_page(embedded: Edition) -> None:
    assert clashes(embedded.folder / "report.pdf") == []


@needs_poppler
@pytest.mark.parametrize("every", [pytest.param(1, marks=long), 2, pytest.param(3, marks=long)])
def test_a_crowded_side_column_keeps_clear(stage: Path, every: int) -> None:
    """Side notes behind many paragraphs: more than fit beside their text."""
    note = "\n\n::: {.side}\n[1,000–2,000]{.pull-value} a note about " + "boats and quays " * 6 + "\n:::\n"
    head, body = (stage / "report.md").read_text("utf-8").split("## Joint fleet", 1)
    body, evidence = body.split("# Evidence {", 1)
    parts = body.split("\n\n")
    plain = [n for n, part in enumerate(parts) if part[:1].isalpha() and "\n:" not in part and len(part) > 300]
    for n in plain[::every]:
        parts[n] += note
    (stage / "report.md").write_text(
        f"{head}## Joint fleet{chr(10).join([''])}" + "\n\n".join(parts) + f"# Evidence {{{evidence}", "utf-8"
    )
    publish(stage, ["pdf"], root=ROOT, engine="embedded")
    assert not (stage / "publish.log").exists()  # the layout has settled
    assert "".join(Edition(stage).pages).count("1,000–2,000") == len(plain[::every])
    assert clashes(stage / "report.pdf") == []


# ---------------------------------------------------------------- faults


def change(old: str, new: str, file: str = "report.md") -> Callable[[Path], None]:
    def apply(stage: Path) -> None:
        text = (stage / file).read_text("utf-8")
        assert old in text
        (stage / file).write_text(text.replace(old, new), "utf-8")

    return apply


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (change("(#ev-C8 ", "(#ev-C88 "), "leads to #ev-C88, which does not exist"),
        (change("](#fig-fleet)", "](#fig-none)"), "leads to #fig-none"),
        (change("{#sec-winter ", "{#sec-fleet "), "#sec-fleet is given twice"),
        (change("figures/fig-growth.svg", "figures/fig-no.svg"), r"figures/fig-no\.svg does not exist"),
        (change('{alt="Map of', '{title="Map of'), "no alternative text"),
    ],
)
def test_faults_are_named_and_what_was_there_stays(stage: Path, fault: Callable[[Path], None], message: str) -> None:
    (stage / "report.html").write_text("old", "utf-8")
    fault(stage)
    with pytest.raises(PublishError, match=message):
        publish(stage, root=ROOT, engine="embedded")
    assert (stage / "report.html").read_text("utf-8") == "old"
    assert not (stage / "report.pdf").exists()


def test_a_name_with_code_in_it_runs_nothing(stage: Path) -> None:
    for file, old in (("edition.yml", "The Orrin project"), ("report.md", "Geography explains most of it.")):
        change(old, "Evil`<script>alert(1)</script>`{=html} <script>alert(2)</script>", file)(stage)
    publish(stage, ["html"], root=ROOT, engine="embedded")
    scripts = Edition(stage).page.find_all("script")
    assert not any("alert(" in str(script) for script in scripts if not script.get("type"))
    assert "<script>alert" not in (stage / "report.html").read_text("utf-8")


# ---------------------------------------------------------------- Quarto


def fake_quarto(folder: Path, version: str, render: str = "exit 1") -> Path:
    program = folder / "quarto"
    program.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo {version}; exit 0; fi\n{render}\n', "utf-8")
    program.chmod(0o755)
    return program


def test_an_older_quarto_is_named(stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCES_QUARTO", str(fake_quarto(tmp_path, "1.8.27")))
    assert find_quarto() is None
    with pytest.raises(PublishError, match=r"only 1\.8\.27 was found at .*or use --engine embedded"):
        publish(stage, root=ROOT, engine="quarto")


def test_no_quarto_is_said_so(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCES_QUARTO", "")
    with pytest.raises(PublishError, match="none was found"):
        publish(stage, root=ROOT, engine="quarto")


def test_auto_goes_on_when_quarto_fails(stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCES_QUARTO", str(fake_quarto(tmp_path, "1.9.38", "echo no such luck; exit 1")))
    made = publish(stage, ["html"], root=ROOT, log=tmp_path / "a.log")
    assert made.engine.startswith("embedded")
    assert made.notice.startswith("Quarto 1.9.38 failed, so the embedded engine finished the report; see ")
    assert "no such luck" in (tmp_path / "a.log").read_text("utf-8")
    assert (stage / "report.html").exists()


@pytest.mark.parametrize(
    ("render", "message"),
    [
        ("exit 1", "could not render"),
        ("echo 'Unable to resolve crossref @fig-x'; touch report.html", "says: Unable to resolve crossref @fig-x"),
        ("echo 'warning: unknown font family: x'; touch report.html", "says: unknown font family: x"),
        ("echo 'alliances: a link leads to #x, which does not exist'; exit 1", "leads to #x"),
    ],
)
def test_quarto_asked_for_and_failing(
    stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, render: str, message: str
) -> None:
    monkeypatch.setenv("ALLIANCES_QUARTO", str(fake_quarto(tmp_path, "1.10.2", render)))
    with pytest.raises(PublishError, match=message):
        publish(stage, ["html"], root=ROOT, engine="quarto")


def structure(edition: Edition) -> list[str]:
    page = BeautifulSoup(edition.html, "html.parser")
    for tag in page.find_all(["style", "script"]):
        tag.decompose()
    return [line for line in page.prettify().splitlines() if line.strip()]


def test_both_engines_give_the_same_page(embedded: Edition, by_quarto: Edition) -> None:
    assert structure(by_quarto) == structure(embedded)
    scripts = [[s.string for s in edition.page.find_all("script")] for edition in (embedded, by_quarto)]
    assert scripts[0] == scripts[1]


def test_both_engines_give_the_same_pdf(embedded: Edition, by_quarto: Edition) -> None:
    assert outline(by_quarto.pdf) == outline(embedded.pdf)
    assert len(by_quarto.pages) == len(embedded.pages)
    for one, other in zip(embedded.pages, by_quarto.pages, strict=True):
        assert sorted(one.split()) == sorted(other.split())
    kinds = [
        sorted(k for k, _ in e.tags if k in ("H1", "H2", "H3", "Figure", "Table", "L", "LI", "Link"))
        for e in (embedded, by_quarto)
    ]
    assert kinds[0] == kinds[1]
    links = [
        [str(a.get("/Contents", "")) for p in e.pdf.pages for a in p.get("/Annots", [])] for e in (embedded, by_quarto)
    ]  # type: ignore[attr-defined]
    assert len(links[0]) == len(links[1])


# ---------------------------------------------------------------- a render by hand


def test_bringing_up_to_date_writes_only_what_differs(tmp_path: Path) -> None:
    source, target = tmp_path / "new", tmp_path / "old"
    for folder in (source, target):
        (folder / "figures").mkdir(parents=True)
        (folder / "figures" / "same.svg").write_text("same", "utf-8")
    (target / "figures" / "gone.svg").write_text("gone", "utf-8")
    (source / "report.md").write_text("new", "utf-8")
    before = (target / "figures" / "same.svg").stat().st_mtime_ns
    bring_up_to_date(target, source)
    assert sorted(path.name for path in target.rglob("*")) == ["figures", "report.md", "same.svg"]
    assert (target / "figures" / "same.svg").stat().st_mtime_ns == before
    bring_up_to_date(target / "report.md", source / "nothing")
    assert not (target / "report.md").exists()


def test_the_project_names_the_steps_and_the_formats() -> None:
    text = (ROOT / "report" / "_quarto.yml").read_text("utf-8")
    for line in ("pre-render: step.py pre", "post-render: step.py post", "alliances-html:", "alliances-typst:"):
        assert line in text
    assert 'quarto-required: ">=1.9' in (ROOT / "report" / "_extensions" / "alliances" / "_extension.yml").read_text(
        "utf-8"
    )
