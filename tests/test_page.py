"""The published page in a real browser: Chromium, headless, from disk and without a network."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alliances.charts import europe
from alliances.charts.figure import prepare
from alliances.charts.theme import brand
from alliances.publish import publish
from helpers import long

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "stage"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)")

DESK = {"width": 1280, "height": 900}
TABLET = {"width": 768, "height": 1024}
PHONE = {"width": 360, "height": 740}
MARK = "#sec-fleet p sup.ev a[href='#ev-B7']"
CARD = "#card"
Open = Callable[..., Any]

# Sums up what moves while nobody touches anything.
SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.shifts.push(entry.value);
    }).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = Path(shutil.copytree(SAMPLE, tmp_path_factory.mktemp("page") / "stage"))
    publish(folder, ["html"], root=ROOT, engine="embedded")
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def opened(chromium: Any, address: str) -> Iterator[Open]:
    """Open the page; what it asks for and what it complains about is kept in its `asked` and `said`."""
    contexts = []

    def open_page(viewport: dict[str, int] = DESK, fragment: str = "", **options: Any) -> Any:
        context = chromium.new_context(viewport=viewport, accept_downloads=True, **options)
        contexts.append(context)
        context.set_offline(True)
        context.add_init_script(SHIFTS)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.asked, page.said = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: page.said.append(f"error: {error}"))
        page.goto(address + fragment)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def live(opened: Open) -> Any:
    page = opened()
    come_alive(page)
    return page


@pytest.fixture
def desk(live: Any) -> Iterator[Any]:
    yield live
    live.keyboard.press("Escape")
    live.mouse.move(0, 0)
    live.evaluate("document.activeElement.blur()")


def scroll_to(page: Any, selector: str) -> None:
    page.eval_on_selector(selector, "node => node.scrollIntoView({ block: 'center' })")


def come_alive(page: Any) -> None:
    for name in page.eval_on_selector_all(".drawing", "all => all.map(each => each.dataset.figure)"):
        scroll_to(page, f"#{name} .drawing")
        page.wait_for_selector(f"#{name} svg[data-live]", state="attached")
    page.evaluate("scrollTo(0, 0)")


def box(page: Any, selector: str) -> dict[str, float]:
    return dict(page.locator(selector).first.bounding_box())


# ---------------------------------------------------------------- opening


def test_opens_from_disk_asks_for_nothing_and_complains_of_nothing(opened: Open, address: str) -> None:
    page = opened()
    come_alive(page)
    page.wait_for_timeout(200)
    assert page.asked == [address]
    assert page.said == []


def test_first_view_is_quick(opened: Open) -> None:
    page = opened()
    page.wait_for_timeout(300)
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert paint < 2000  # a second on a machine that does nothing else
    assert page.locator("#vega-bundle").count() == 1  # Vega has not held it up


def test_the_policy_lets_no_other_script_run(desk: Any) -> None:
    violations = desk.evaluate(
        """async () => {
          const found = [];
          addEventListener("securitypolicyviolation", (event) => found.push(event.effectiveDirective));
          document.body.append(Object.assign(document.createElement("script"), { textContent: "window.foreign = 1" }));
          await fetch("https://example.org/").catch(() => 0);
          await new Promise((done) => setTimeout(done, 50));
          return [...found, typeof window.foreign];
        }"""
    )
    assert violations == ["script-src-elem", "connect-src", "undefined"]
    desk.said.clear()


def test_reads_without_its_script(opened: Open) -> None:
    page = opened(java_script_enabled=False)
    assert page.locator("#fig-fleet svg.wide").is_visible()
    assert not page.locator("#fig-fleet .tools").is_visible()
    assert page.locator(MARK).get_attribute("title").startswith("“a core fleet of 12 to 14 boats")


# ---------------------------------------------------------------- three widths


def test_the_desk_has_three_columns(desk: Any) -> None:
    assert box(desk, "#contents-bar")["width"] == 208
    assert box(desk, "#sec-fleet > p")["width"] == pytest.approx(596, abs=1)
    assert box(desk, "#sec-fleet > .facts")["width"] == 260
    text, side = box(desk, "#sec-fleet > p"), box(desk, "#sec-fleet > .facts")
    assert side["x"] - (text["x"] + text["width"]) == pytest.approx(40, abs=1)
    assert box(desk, "figure.tbl")["width"] == pytest.approx(896, abs=1)
    narrow = box(desk, "#fig-fleet")  # it would wait long for the end of the side column, so it stands beside it
    assert narrow["width"] == pytest.approx(596, abs=1)
    desk.evaluate("document.querySelector('#fig-fleet').classList.remove('beside')")
    wide = box(desk, "#fig-fleet")
    assert wide["width"] == pytest.approx(896, abs=1)
    assert wide["y"] > narrow["y"] + 120  # the hole that it would leave
    desk.evaluate("document.querySelector('#fig-fleet').classList.add('beside')")


def test_contents_stay_and_follow_the_reader(desk: Any) -> None:
    desk.eval_on_selector("#sec-winter", "node => node.scrollIntoView()")
    desk.locator("#contents-bar a[aria-current][href='#sec-winter']").wait_for()
    assert 0 <= box(desk, "#contents-bar")["y"] < 60
    desk.evaluate("scrollTo(0, 0)")


def test_the_tablet_has_a_bar_and_wide_figures(opened: Open) -> None:
    page = opened(TABLET)
    assert box(page, "#sec-fleet > p")["width"] == pytest.approx(592, abs=1)
    assert box(page, "#fig-fleet")["width"] == pytest.approx(704, abs=1)
    assert not page.locator("#contents-bar").is_visible()
    page.eval_on_selector("#sec-shores > h3", "node => node.scrollIntoView()")
    bar = page.locator("#contents-bar button")
    bar.wait_for(state="visible")
    assert " ".join(bar.inner_text().split()) == "Contents Six shores"
    bar.click()
    page.locator("#contents-list a[href='#sec-winter']").click()
    assert bar.get_attribute("aria-expanded") == "false"
    assert page.evaluate("location.hash") == "#sec-winter"


@pytest.mark.parametrize("viewport", [DESK, TABLET, PHONE], ids=["1280", "768", "360"])
def test_nothing_scrolls_sideways_and_nothing_is_cut(opened: Open, viewport: dict[str, int]) -> None:
    page = opened(viewport)
    come_alive(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    cut = page.evaluate(
        """() => [...document.querySelectorAll("main *:not(svg *):not(thead *):not(.unseen)")].filter((node) => {
          const box = node.getBoundingClientRect();
          return box.width > 1 && (box.right > innerWidth + 1 || box.left < -1);
        }).map((node) => node.outerHTML.slice(0, 90))"""
    )
    assert cut == []
    words = page.evaluate(
        """() => [...document.querySelectorAll("svg.chart")].flatMap((chart) => {
          const frame = chart.getBoundingClientRect();
          const texts = [...chart.querySelectorAll("text")].filter((text) => frame.width && text.textContent);
          return texts.filter((text) => {
            const box = text.getBoundingClientRect();
            return box.right > frame.right + 2 || box.left < frame.left - 2;
          }).map((text) => text.textContent);
        })"""
    )
    assert words == []


def test_the_phone_has_the_bottom_line_first_and_charts_of_its_own(opened: Open) -> None:
    page = opened(PHONE)
    assert not page.locator("#contents-bar").is_visible()
    assert box(page, "#bottom-line")["y"] < box(page, "#contents")["y"]
    assert page.locator("#fig-fleet svg.narrow").is_visible()
    assert not page.locator("#fig-fleet svg.wide").is_visible()
    size = page.eval_on_selector("body", "node => getComputedStyle(node).fontSize")
    assert size == "17px"
    assert (
        page.evaluate(
            "parseFloat(getComputedStyle(document.querySelector('#fig-fleet .narrow text')).fontSize)"
            " * document.querySelector('#fig-fleet .narrow').getBoundingClientRect().width"
            " / document.querySelector('#fig-fleet .narrow').viewBox.baseVal.width"
        )
        >= 10.5
    )
    cells = page.locator("#tbl-answers tbody tr").nth(1)
    assert " ".join(cells.inner_text().split()).startswith("Ashby Runs nine boats")
    head = page.eval_on_selector("#tbl-answers td", "node => getComputedStyle(node, '::before').content")
    assert head == '"Answer" ": "' or "Answer" in head


# ---------------------------------------------------------------- the card of a mark


def test_the_card_opens_by_mouse_and_stays_as_long_as_needed(desk: Any) -> None:
    link, card = desk.locator(MARK), desk.locator(CARD)
    assert link.get_attribute("title") is None
    scroll_to(desk, MARK)
    assert not card.is_visible()
    link.hover()
    card.wait_for(state="visible")
    assert "Before it: The study recommends" in " ".join(card.inner_text().split())
    text = " ".join(card.inner_text().split()).replace("Before it: ", "").replace("After it: ", "")
    for part in (
        "B7 the timetable study",
        "The study recommends “a core fleet of 12 to 14 boats, shared by four districts” under one harbour master",
        "core fleet recommended: 12–14 boats",
        "A timetable for four districts. M. Tarn and L. Weir, study, 16 April 2031 (printed).",
        "In the Evidence",
    ):
        assert part in text
    assert link.get_attribute("aria-describedby") == "card-words"
    assert link.get_attribute("aria-label") == "Evidence B7, the timetable study"
    place = card.bounding_box()
    desk.mouse.move(place["x"] + 20, place["y"] + 10, steps=4)
    desk.wait_for_timeout(500)
    assert card.is_visible()
    desk.mouse.move(5, 5)
    card.wait_for(state="hidden")
    assert link.get_attribute("aria-describedby") is None


def test_the_card_waits_a_moment(desk: Any) -> None:
    scroll_to(desk, MARK)
    place = desk.locator(MARK).bounding_box()
    desk.mouse.move(place["x"] + 3, place["y"] + 3)
    desk.mouse.move(5, 5)
    desk.wait_for_timeout(250)
    assert not desk.locator(CARD).is_visible()


def test_the_card_opens_on_focus_and_escape_closes_it(desk: Any) -> None:
    desk.locator("#sec-fleet .answer sup.ev a").last.focus()
    desk.keyboard.press("ArrowRight")
    assert desk.evaluate("document.activeElement.matches('sup.ev a')")
    card = desk.locator(CARD)
    card.wait_for(state="visible")
    place = card.bounding_box()
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= DESK["width"]
    desk.keyboard.press("Escape")
    assert not card.is_visible()
    desk.keyboard.press("ArrowRight")
    card.wait_for(state="visible")
    assert desk.evaluate("document.activeElement.matches('sup.ev a, a')")  # the card is no stop


def test_a_section_is_one_tab_stop_and_the_arrows_reach_each_of_its_marks(desk: Any) -> None:
    stops = desk.evaluate(
        "[...document.querySelectorAll('#sec-fleet sup.ev a')].filter((a) => a.tabIndex === 0).length"
    )
    assert stops == desk.locator("#sec-fleet, #sec-fleet section").count()
    marks = desk.locator("#sec-fleet > :not(section) sup.ev a")
    marks.first.focus()
    for _ in range(marks.count() - 1):
        desk.keyboard.press("ArrowRight")
    assert marks.last.evaluate("(link) => link === document.activeElement && link.tabIndex === 0")


def test_every_mark_has_a_card(desk: Any) -> None:
    empty = desk.evaluate(
        """async () => {
          const empty = [];
          for (const link of document.querySelectorAll("sup.ev a")) {
            link.dispatchEvent(new PointerEvent("pointerover", { bubbles: true, pointerType: "mouse" }));
            await new Promise((done) => setTimeout(done, 140));
            const card = document.getElementById("card");
            const said = card.hidden ? "" : card.textContent;
            const name = link.getAttribute("aria-label").replace(/^.*Evidence (\\S+),.*$/, "$1");
            if (said.length < 40 || !said.startsWith(name)) empty.push([link.textContent, said]);
          }
          return empty;
        }"""
    )
    assert empty == []


def test_a_mark_leads_to_its_entry_and_back(desk: Any) -> None:
    scroll_to(desk, MARK)
    desk.locator(MARK).click()
    assert desk.evaluate("location.hash") == "#ev-B7"
    assert not desk.locator(CARD).is_visible()
    back = desk.locator("#ev-B7 .back")
    back.click()
    desk.locator(f"{MARK}:focus").wait_for()
    assert desk.locator(".back").count() == 0


def test_a_tap_opens_a_sheet_and_a_second_one_leads_on(opened: Open) -> None:
    page = opened(PHONE, has_touch=True, is_mobile=True)
    scroll_to(page, MARK)
    page.locator(MARK).tap()
    card = page.locator(CARD)
    card.wait_for(state="visible")
    place = card.bounding_box()
    assert place["y"] + place["height"] == pytest.approx(PHONE["height"], abs=2)
    assert place["width"] == PHONE["width"]
    assert page.evaluate("location.hash") == ""
    card.locator(".close").tap()
    assert not card.is_visible()
    page.locator(MARK).tap()
    card.get_by_text("In the Evidence").tap()
    page.locator("#ev-B7:target").wait_for()
    assert not card.is_visible()


# ---------------------------------------------------------------- charts

DRAWN = """(selector) => {
  const chart = document.querySelector(selector);
  const frame = chart.getBoundingClientRect();
  return [...chart.querySelectorAll("text")].filter((part) => part.textContent).map((part) => {
    const box = part.getBoundingClientRect();
    return [part.textContent, [box.left - frame.left, box.top - frame.top, frame.width, frame.height]];
  });
}"""


@pytest.mark.parametrize("name", ["fig-growth", pytest.param("fig-fleet", marks=long), "fig-shores"])
@pytest.mark.parametrize(("viewport", "form"), [(DESK, "wide"), (PHONE, "narrow")], ids=["1280", "360"])
def test_every_chart_comes_alive_in_its_place(opened: Open, name: str, viewport: dict[str, int], form: str) -> None:
    still, page = opened(viewport, java_script_enabled=False), opened(viewport)
    page.wait_for_load_state()
    page.evaluate("document.fonts.ready.then(() => { window.shifts.length = 0; })")
    selector = f"#{name} svg.{form}"
    # With the script a wide figure may stand beside the side column.
    placed = page.locator(f"#{name}").get_attribute("class")
    still.evaluate("([id, placed]) => document.getElementById(id).setAttribute('class', placed)", [name, placed])
    before = still.evaluate(DRAWN, selector)
    scroll_to(page, f"#{name}")
    page.wait_for_selector(f"{selector}[data-live]")
    after = page.evaluate(DRAWN, selector)
    assert [text for text, _ in after] == [text for text, _ in before]
    for (text, there), (_, here) in zip(before, after, strict=True):
        assert here == pytest.approx(there, abs=2), text
    assert page.evaluate("window.shifts") == []


def test_live_charts_stay_one_image_to_a_screen_reader(desk: Any) -> None:
    assert desk.locator("svg.wide[data-live][role='img'][aria-label]").count() == 3
    inside = "parts => parts.filter(part => part.getAttributeNames().some(name => /^(role$|aria-)/.test(name))).length"
    assert desk.eval_on_selector_all("svg.chart *", inside) == 0


def test_a_tooltip_appears_by_mouse_and_by_arrow_keys(desk: Any) -> None:
    drawing, card = desk.locator("#fig-fleet .drawing"), desk.locator(CARD)
    scroll_to(desk, "#fig-fleet .drawing")
    x, y = desk.evaluate(
        """() => {
          const marks = [...document.querySelectorAll("#fig-fleet svg.wide path")];
          const box = marks.filter((node) => node.__data__?.tooltip).at(-1).getBoundingClientRect();
          return [box.x + box.width / 2, box.y + box.height / 2];
        }"""
    )
    desk.mouse.move(x, y)
    card.wait_for(state="visible")
    assert " ".join(card.inner_text().split()) == "Plan All-year service Boats 20–30 boats Kind needed"
    desk.mouse.move(5, 5)
    card.wait_for(state="hidden")
    drawing.focus()
    desk.keyboard.press("ArrowRight")
    first = " ".join(card.inner_text().split())
    assert first == "Plan North quay, one boat Boats 4–6 boats Kind offered"
    assert (
        desk.locator("p.unseen[role=status]").inner_text()
        == "Plan: North quay, one boat; Boats: 4–6 boats; Kind: offered"
    )
    desk.keyboard.press("End")
    assert " ".join(card.inner_text().split()) == "Plan All-year service Boats 20–30 boats Kind needed"
    drawing.blur()
    assert not card.is_visible()


def test_each_figure_can_be_saved_with_its_source_and_licence(desk: Any, tmp_path: Path) -> None:
    for kind in ("svg", "csv", "png"):
        with desk.expect_download() as waiting:
            desk.locator(f"#fig-fleet button[data-save={kind}]").click()
        assert waiting.value.suggested_filename == f"fig-fleet.{kind}"
        waiting.value.save_as(tmp_path / kind)
    svg, csv = ((tmp_path / kind).read_text("utf-8") for kind in ("svg", "csv"))
    assert svg.count("<svg") == 1
    for text in (svg, csv):
        for part in ("Source: timetable study", "CC BY 4.0"):
            assert part in " ".join(text.replace("</text>", " ").split())
    assert csv.startswith((SAMPLE / "figures" / "fig-fleet.csv").read_text("utf-8"))
    head = (tmp_path / "png").read_bytes()[:24]
    width, height = struct.unpack(">II", head[16:24])
    assert width > 1000
    assert height > 300


def test_the_data_behind_a_chart_open_as_a_table(desk: Any) -> None:
    summary = desk.locator("#fig-fleet details.data summary")
    summary.click()
    rows = desk.locator("#fig-fleet details.data tr")
    rows.first.wait_for(state="visible")
    assert rows.count() == 6
    assert rows.nth(1).locator("td").first.inner_text() == "North quay, one boat"
    summary.click()


# ---------------------------------------------------------------- for everybody


def rgb(colour: str) -> str:
    return f"rgb({int(colour[1:3], 16)}, {int(colour[3:5], 16)}, {int(colour[5:7], 16)})"


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("viewport", "scheme"),
    [
        pytest.param(PHONE, "light", id="360-light"),
        pytest.param(DESK, "dark", id="1280-dark"),
        pytest.param(PHONE, "dark", id="360-dark", marks=long),
        pytest.param(DESK, "light", id="1280-light", marks=long),
    ],
)
def test_axe_finds_nothing(opened: Open, scheme: str, viewport: dict[str, int]) -> None:
    page = opened(viewport, color_scheme=scheme)
    come_alive(page)
    page.locator(MARK).focus()
    found = axe.Axe().run(page)
    assert [(each["id"], each["nodes"][0]["html"][:120]) for each in found.response["violations"]] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_in_charts_can_be_read_on_their_ground(opened: Open, scheme: str) -> None:
    page = opened(color_scheme=scheme)
    ground = luminance(page.eval_on_selector("body", "node => getComputedStyle(node).backgroundColor"))
    fills = page.eval_on_selector_all(
        "#fig-fleet svg.wide text, #fig-growth svg.wide text", "all => all.map(each => getComputedStyle(each).fill)"
    )
    for fill in set(fills):
        light, dark = sorted((luminance(fill), ground), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 4.5, fill


@pytest.mark.parametrize("ground", ["", "-dark"], ids=["light", "dark"])
def test_names_on_coloured_countries_can_be_read(ground: str) -> None:
    names = ["ready", "peacekeepers", "undecided", "refuses"]
    frame = pd.DataFrame({"actor_id": ["USA", "CAN", "AUS", "JPN"], "answer": names, "row_id": names})
    chart = europe(frame, "answer", domain=names, range=[brand(name) for name in names])
    rows = prepare(chart, width_mm=112)["datasets"]["_beyond"]
    told = {brand(name): brand(name + ground) for name in (*names, "ink", "paper")}
    assert len(rows) == 4
    for row in rows:
        shades = sorted(luminance(rgb(told[row[part]])) for part in ("fill", "ink"))
        assert (shades[1] + 0.05) / (shades[0] + 0.05) > 4.5, row["fill"]


def test_the_fact_box_stands_beside_the_answer_or_below_it(opened: Open) -> None:
    for viewport, beside in ((DESK, True), (PHONE, False)):
        page = opened(viewport)
        answer, facts = box(page, "#sec-fleet > .answer"), box(page, "#sec-fleet > .facts")
        assert (abs(facts["y"] - answer["y"]) < 8) is beside
        assert (facts["y"] >= answer["y"] + answer["height"]) is not beside


def test_marks_stand_at_even_distances(desk: Any) -> None:
    gaps = "all => all.map(each => getComputedStyle(each).marginLeft + getComputedStyle(each).fontSize)"
    assert len(set(desk.eval_on_selector_all("#sec-fleet > p sup.ev", gaps))) == 1


def test_paper_gets_what_is_printed(opened: Open) -> None:
    page = opened()
    page.emulate_media(media="print")
    for selector in ("#contents-bar", ".tools", "#ev-D7", "#ev-A9 .before"):
        assert not page.locator(selector).first.is_visible(), selector
    assert page.locator("#ev-A9").is_visible()
    assert page.locator("#row-pos-corrow").is_visible()
