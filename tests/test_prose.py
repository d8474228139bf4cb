"""How values are printed, how sentences follow the data, and that no number escapes its evidence."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pypandoc
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alliances.analysis import knowledge, memberships
from alliances.analysis.country import find_country, naming_rows
from alliances.analysis.derived import Derived, Reference
from alliances.dataset import FACT_TABLES, Dataset, Row
from alliances.errors import AlliancesError, NarrativeError
from alliances.parameters import check_parameters
from alliances.paths import find_root
from alliances.prose.dating import dating_notes, uncertain_sources
from alliances.prose.differences import all_points, where_they_differ
from alliances.prose.links import cell_text, escape, evidence_link, short_quotation
from alliances.prose.narrative import Narrative, paragraph, row_ids_in, sentence
from alliances.prose.tables import table
from alliances.prose.values import (
    MONTHS,
    date_text,
    in_sentence,
    join_and,
    money_text,
    number_text,
    quantity_text,
    range_text,
    typographic,
)
from alliances.staging.chapters import Chapter
from alliances.staging.provenance import tokens, walk
from alliances.staging.report import stage_text
from helpers import words

EXAMPLES = int(os.environ.get("ALLIANCES_TEST_EXAMPLES", "100"))
DATASET = Dataset.load(find_root(Path(__file__).parent), validate=False)
DEFAULTS = check_parameters({}, DATASET)
WHOLE = DATASET.known(DEFAULTS.day)
SOURCES = sorted(
    (DATASET.source(one) for one in DATASET["sources"]["source_id"]), key=lambda one: (one.published, one.source_id)
)
EARLY = DATASET.known(SOURCES[-1].published - timedelta(days=1))


def rows_of(table_name: str) -> list[Row]:
    return [DATASET.row(row_id) for row_id in DATASET[table_name][FACT_TABLES[table_name]]]


#: An observation with one plain number, from the oldest source, and one from the newest.
OBSERVATIONS = [row for row in rows_of("observations") if row["comparator"] == "eq" and not row["currency"]]
OLD = next(row for row in OBSERVATIONS if row.row_id in EARLY)
NEW = next(row for row in OBSERVATIONS if row.row_id not in EARLY)
DATED = next(row for row in rows_of("event_accounts") if re.fullmatch(r"\d{4}-\d\d-\d\d", row["date"]))


# ---------------------------------------------------------------- numbers and dates, printed and read again


SCALES = {"million": 10**6, "billion": 10**9, "trillion": 10**12}


def read_number(text: str) -> Fraction:
    """Read a printed number, without the library."""
    found = re.fullmatch(r"(-?)(\d{1,3}(?:,\d{3})*|\d+)(\.\d+)?(?: (million|billion|trillion))?", text)
    assert found is not None, text
    number = Fraction(found[2].replace(",", "") + (found[3] or "")) * SCALES.get(found[4] or "", 1)
    return -number if found[1] else number


@given(st.integers(0, 10**16))
@settings(max_examples=EXAMPLES * 3)
def test_whole_numbers_are_printed_exactly(value: int) -> None:
    assume(value == int(float(value)))
    assert read_number(number_text(float(value))) == value


@given(st.decimals(0, 10**9, places=4, allow_nan=False))
@settings(max_examples=EXAMPLES * 3)
def test_decimals_are_printed_exactly(value: Any) -> None:
    assert float(read_number(number_text(float(value)))) == float(value)


@given(st.integers(1, 10**15))
def test_long_numbers_are_scaled_and_never_rounded(value: int) -> None:
    text = number_text(value)
    decimals = re.search(r"\.(\d+) (million|billion|trillion)", text)
    assert decimals is None or len(decimals[1]) <= 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (10, "10"), (999, "999"), (1050, "1,050"), (12000, "12,000"), (1_500_000, "1.5 million"),
        (1_050_000, "1.05 million"), (1_234_567, "1,234,567"), (40e9, "40 billion"), (1.6e9, "1.6 billion"),
        (2e12, "2 trillion"), (0.5, "0.5"), (1100.5, "1,100.5"), (1_000_000, "1 million"), (999_999, "999,999"),
        (-20000, "-20,000"),
    ],
)  # fmt: skip
def test_numbers_read_as_in_print(value: float, text: str) -> None:
    assert number_text(value) == text


@given(st.integers(1, 10**12), st.sampled_from(["USD", "EUR", "GBP"]))
def test_money_keeps_its_sign_and_its_value(value: int, currency: str) -> None:
    text = money_text(value, currency)
    assert text[0] == {"USD": "$", "EUR": "€", "GBP": "£"}[currency]
    assert read_number(text[1:]) == value


@given(st.dates())
@settings(max_examples=EXAMPLES * 3)
def test_dates_are_printed_and_read_again(day: date) -> None:
    iso = day.isoformat()
    text = date_text(day)
    number, month, year = text.split(" ")
    assert date(int(year), MONTHS.index(month) + 1, int(number)) == day
    assert not number.startswith("0")
    assert date_text(iso) == text
    if day.year >= 1000:
        for precision in (iso, iso[:7]):
            assert tokens(date_text(precision)) == {precision}
        assert tokens(date_text(iso[:4])) == {iso[:4]}


def test_dates_read_as_in_print() -> None:
    assert [date_text(iso) for iso in ("2025-04-10", "2025-04-01", "2025-04", "2025")] == [
        "10 April 2025", "1 April 2025", "April 2025", "2025",
    ]  # fmt: skip


@given(st.integers(1, 10**10), st.integers(1, 10**10), st.sampled_from(["", "USD"]))
@settings(max_examples=EXAMPLES * 2)
def test_the_check_reads_every_bound_that_is_printed(low: int, high: int, currency: str) -> None:
    assume(low < high)
    assume((" " in number_text(low)) == (" " in number_text(high)))  # the next test has those that differ
    row = {"value_low": low, "value_high": high, "comparator": "between", "unit": "x", "currency": currency}
    found = tokens(quantity_text(row))
    assert tokens(number_text(low)) <= found
    assert tokens(number_text(high)) <= found


def test_a_range_does_not_change_its_low_bound() -> None:
    """“1–156.25 million” would read as one million to 156.25 million."""
    row = {"value_low": 1, "value_high": 156_250_000, "comparator": "between", "unit": "x", "currency": ""}
    assert tokens("1") <= tokens(quantity_text(row))


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        ("20,000", "30,000", "20,000–30,000"),
        ("$40 billion", "$60 billion", "$40–60 billion"),
        ("$900 million", "$1.2 billion", "$900 million–1.2 billion"),
        ("5%", "6%", "5%–6%"),
    ],
)
def test_ranges(low: str, high: str, text: str) -> None:
    assert range_text(low, high) == text


@pytest.mark.parametrize(
    ("comparator", "text"),
    [
        ("eq", "1,050"), ("about", "about 1,050"), ("nearly", "nearly 1,050"), ("at_least", "at least 1,050"),
        ("more_than", "more than 1,050"), ("at_most", "up to 2,000"), ("between", "1,050–2,000"),
    ],
)  # fmt: skip
def test_comparators(comparator: str, text: str) -> None:
    row = {"value_low": 1050, "value_high": 2000, "comparator": comparator, "unit": "troops", "currency": ""}
    assert quantity_text(row) == text


def test_every_observation_can_be_printed_and_shows_its_bounds() -> None:
    for row in rows_of("observations"):
        text = quantity_text(row.values)
        assert "nan" not in text, row.row_id
        assert tokens(text), row.row_id
        bounds = [b for b in (row["value_low"], row["value_high"]) if b == b]
        if row["unit"] == "share":
            bounds = [bound * 100 for bound in bounds]
        digits = [token for token in tokens(text) if token[0].isdigit()]
        printed = {math.floor(float(one.replace(",", "").split(" ")[0].rstrip("%"))) for one in digits}
        scaled = {math.floor(bound / scale) for bound in bounds for scale in (1, *SCALES.values())}
        assert printed <= scaled, (row.row_id, text)


def test_lists_names_and_apostrophes() -> None:
    assert [join_and(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert in_sentence("United Kingdom") == "the United Kingdom"
    assert in_sentence("Norway") == "Norway"
    assert typographic("the UK's 'best' (or 'worst')") == "the UK’s ‘best’ (or ‘worst’)"


# ---------------------------------------------------------------- plain text stays plain in Markdown


def rendered(markdown: str) -> str:
    document = json.loads(pypandoc.convert_text(markdown, "json", format="markdown"))
    assert [block["t"] for block in document["blocks"]] == ["Para"], markdown
    return words(str(pypandoc.convert_text(markdown, "plain", format="markdown", extra_args=["--wrap=none"])))


@pytest.mark.parametrize(
    "text",
    ["a*b*c", "_x_ y_z", "[10](#a)", "a | b", "$5 and $6", "<b>", "`x`", "H~2~O x^2^", "@me", "# no", "a\\b", "[^1]"],
)
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    assert rendered(f"Words {escape(text)}") == f"Words {text}"


def test_every_quotation_is_shown_as_it_stands() -> None:
    exact = [words(quote) for quote in WHOLE["quotes"]["exact"]]
    shown = pypandoc.convert_text(
        "\n\n".join(f"“{escape(quote)}”" for quote in exact), "plain", format="markdown", extra_args=["--wrap=none"]
    )
    lines = [words(line) for line in str(shown).split("\n\n")]
    wrong = [(line, quote) for line, quote in zip(lines, exact, strict=True) if line != f"“{quote}”"]
    assert wrong == []


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
@settings(max_examples=EXAMPLES)
def test_a_title_fits_its_link(text: str) -> None:
    short = short_quotation(text)
    assert '"' not in short
    assert "\n" not in short
    assert len(short) <= 142


# ---------------------------------------------------------------- placeholders


def test_a_placeholder_prints_its_value_and_links_to_the_quotation() -> None:
    told = sentence(WHOLE, f"There are {{{OLD.row_id}}} of them.", {})
    link = re.fullmatch(r'There are \[(.+)\]\(#ev-([a-z0-9-]+) "(.+)"\) of them\.', told.text)
    assert link is not None, told.text
    assert link[1] == quantity_text(OLD.values)
    assert link[2] == OLD.quote_ids[0]
    assert link[3].startswith(WHOLE.source(OLD.source_id).descriptor)


def test_a_column_a_source_a_date_and_words() -> None:
    row = DATED.row_id
    source = WHOLE.source(DATED.source_id)
    told = sentence(WHOLE, f"{{{row}.date}} / {{{row}:these words}} / {{{row}.source}} / {{{row}.published}}", {})
    texts = re.findall(r"\[([^]]+)\]\(#([a-z]+)-", told.text)
    assert texts == [
        (date_text(DATED["date"]), "ev"),
        ("these words", "ev"),
        (source.descriptor, "ev"),
        (date_text(source.published.isoformat()[:7]), "ref"),
    ]


def test_a_date_links_to_the_quotation_that_shows_it() -> None:
    for row in rows_of("event_accounts"):
        if row["date"].count("-") != 2:
            continue
        day = str(int(row["date"][-2:]))
        showing = [q for q in row.quote_ids if re.search(rf"(?<!\d){day}(?!\d)", DATASET.quote(q).exact)]
        target = re.search(r"#ev-([a-z0-9-]+)", evidence_link(DATASET, row, column="date"))
        assert target is not None
        assert target[1] == (showing or row.quote_ids)[0]


def test_a_sentence_does_not_outlive_its_evidence() -> None:
    template = f"From {{{OLD.row_id}}} to {{{NEW.row_id}}}."
    assert sentence(WHOLE, template, {})
    assert not sentence(EARLY, template, {})
    assert sentence(EARLY, f"From {{{OLD.row_id}}}.", {})
    told = paragraph(EARLY, [f"A {{{NEW.row_id}}}.", f"B {{{OLD.row_id}}}.", "C."], {}, otherwise="D.")
    assert re.sub(r"\[.*?\)", "x", told.text) == "B x. C."
    assert paragraph(EARLY, [f"A {{{NEW.row_id}}}."], {}, otherwise="D.").text == "D."
    assert paragraph(EARLY, [f"A {{{NEW.row_id}}}."], {}).text == ""


def test_a_sentence_without_a_figure_is_left_out() -> None:
    for nothing in (None, ""):
        assert not sentence(WHOLE, "It is {figure}.", {"figure": nothing})
    assert sentence(WHOLE, "It is {figure}.", {"figure": "so"}).text == "It is so."


def test_an_empty_column_leaves_the_sentence_out() -> None:
    row = next(row for row in rows_of("event_accounts") if not row["date"])
    assert not sentence(WHOLE, f"On {{{row.row_id}.date}}.", {})
    assert sentence(WHOLE, f"On {{{row.row_id}:a day}}.", {})


@pytest.mark.parametrize("name", ["obs-nobody-ever-counted", "typo", "day"])
def test_a_name_that_is_nowhere_is_an_error(name: str) -> None:
    for dataset in (WHOLE, EARLY):
        with pytest.raises(NarrativeError, match=f"names “{name}”"):
            sentence(dataset, f"There are {{{name}}}.", {})


def test_a_figure_travels_with_the_sentence_that_prints_it() -> None:
    figure = knowledge.source_count(WHOLE)
    told = paragraph(WHOLE, ["There are {n}.", "Again {n}.", f"Not {{{NEW.row_id}}}."], {"n": figure})
    assert told.figures == (figure,)
    data, metadata = told._repr_mimebundle_()
    assert data["text/markdown"] == data["text/plain"] == told.text
    assert metadata["text/markdown"]["alliances"][0]["kind"] == "derived"
    assert metadata["text/markdown"]["alliances"][0]["formula"] == figure.formula
    assert json.dumps(metadata)


def counted(value: float) -> Derived:
    return Derived("n", number_text(value), value, "Texts", "number of texts", ())


@pytest.mark.parametrize(
    ("value", "text"), [(0, "[0] texts"), (1, "[1] text"), (1.5, "[1.5] texts"), (2, "[2] texts"), (21, "[21] texts")]
)
def test_plural(value: float, text: str) -> None:
    told = sentence(WHOLE, "{n|text|texts}", {"n": counted(value)})
    assert re.sub(r"\]\(.*?\)", "]", told.text) == text


def test_plural_of_a_row() -> None:
    for row in OBSERVATIONS:
        told = sentence(WHOLE, f"{{{row.row_id}|thing|things}}", {})
        assert told.text.endswith(" thing" if row["value_high"] == 1 else " things")


def test_row_ids_of_a_template() -> None:
    template = "{obs-a-b} {cha-c:words} {figure} {n|text|texts} {mem-d.entry_date} {day} obs-e"
    assert row_ids_in(template) == ["obs-a-b", "cha-c", "mem-d"]


def test_narratives_add_up() -> None:
    one, two = Narrative("One.", (counted(1),)), Narrative("Two.", (counted(2),))
    assert (one + two).text == "One.\n\nTwo."
    assert (one + two).figures == one.figures + two.figures
    assert (one + Narrative("")).text == "One."
    assert not Narrative("")


def test_tables() -> None:
    made = table("tbl-x", "Caption.", ["A", "B"], [["1\n2", "b"]], [10, 20])
    assert made.body.splitlines() == ["| A | B |", "|----------|--------------------|", "| 1 2 | b |"]
    assert made._repr_mimebundle_()[1]["text/markdown"]["alliances_table"]["label"] == "tbl-x"
    assert not table("tbl-x", "Caption.", ["A"], [], [10])


def test_every_row_can_be_printed_in_every_table() -> None:
    for name in FACT_TABLES:
        for row in rows_of(name):
            text = cell_text(DATASET, row)
            assert "nan" not in text.split(), row.row_id
            assert "None" not in text, row.row_id


# ---------------------------------------------------------------- sources whose date is estimated


def test_an_estimated_date_is_told_and_a_later_source_not_named() -> None:
    estimated = [source for source in SOURCES if source.published_from < source.published_to]
    assert estimated
    for source in estimated:
        for day in (source.published_from, source.published - timedelta(days=1), source.published):
            if not source.published_from <= day < source.published_to:
                continue
            dataset = DATASET.known(day)
            assert source.source_id in {one.source_id for one in uncertain_sources(dataset)}
            told = dating_notes(dataset)
            assert date_text(source.published_from) in told.text
            if source.published > day:
                assert "a further text" in told.text
                everything = told.text + json.dumps([figure.as_dict() for figure in told.figures])
                assert source.descriptor.split(",")[0] not in everything
                assert source.source_id not in everything
        assert source.source_id not in {
            one.source_id for one in uncertain_sources(DATASET.known(source.published_from - timedelta(days=1)))
        }


def test_a_source_left_out_is_not_spoken_of() -> None:
    source = next(source for source in SOURCES if source.published_from < source.published_to)
    assert uncertain_sources(DATASET.known(source.published_from, [source.source_id])) == []


def test_a_judgement_names_every_row_that_it_rests_on() -> None:
    every = DATASET.complete["judgements"]
    for judgement, statement, requires in zip(
        every["judgement_id"], every["statement"], every["requires"], strict=True
    ):
        assert set(row_ids_in(statement)) == set(requires.split("; ")), judgement


def test_differing_points_are_links_to_where_they_are_told() -> None:
    told = all_points(WHOLE).text
    for alliance_id in DATASET["alliances"]["alliance_id"]:
        section = where_they_differ(WHOLE, [alliance_id]).text
        linked = re.findall(r"\]\(#([a-z0-9-]+)\)", section)
        assert all(f"{{#{point}}}" in told for point in linked)
        assert bool(linked) != ("no point is known" in section), alliance_id
    assert not where_they_differ(DATASET.known(date(2025, 2, 1)), ["jef"])


def test_a_country_that_a_text_leaves_out_is_not_named_by_it() -> None:
    turkey, sweden, iceland = (find_country(WHOLE, code) for code in ("TUR", "SWE", "ISL"))
    assert "excluding Turkey" in WHOLE.quote("europe-1-5-million").exact
    assert not naming_rows(WHOLE, turkey, "observations")
    areas = {row.row_id for c in (sweden, iceland) for row in naming_rows(WHOLE, c, "characteristics")}
    assert areas
    assert "cha-jef-reach-opinion" not in areas


def test_the_count_of_texts_follows_the_cut() -> None:
    for source in SOURCES:
        known = DATASET.known(source.published)
        assert knowledge.source_count(known).value == sum(one.published <= source.published for one in SOURCES)
    assert knowledge.source_count(DATASET.known(date(2020, 1, 1))).text == "0"


def test_members_by_the_public_record_follow_the_cut() -> None:
    counts = [memberships.reference_list(DATASET.known(date(year, 1, 1)), "nato") for year in (2020, 2024, 2025)]
    assert [count.text for count in counts if count] == ["29", "31", "32"]  # before Finland, before Sweden, with both


# ---------------------------------------------------------------- no number without evidence


EVIDENCE = evidence_link(WHOLE, OLD)
VALUE = quantity_text(OLD.values)
TARGET = f"#ev-{OLD.quote_ids[0]}"
DAY = Reference("as-of", "31 July 2025", "Known by 31 July 2025.", "The parameter as_of.")


def problems(tmp_path: Path, markdown: str, *figures: Derived | Reference) -> list[str]:
    """What the check says of a report of one chapter."""
    template = tmp_path / "report.qmd"
    names = ("probe", "annex-parameters", "annex-sources", "annex-derived", "annex-reference", "annex-evidence")
    template.write_text("\n\n".join(f"{{{{< include chapters/{name}.md >}}}}" for name in names) + "\n", "utf-8")
    carried = {f.anchor: {"kind": type(f).__name__.lower(), **f.as_dict()} for f in figures}
    chapter = Chapter("probe", f"# Probe {{#sec-probe}}\n\n{markdown}\n", [], carried)
    return stage_text(template, [chapter], WHOLE, DEFAULTS, DEFAULTS).problems


@pytest.mark.parametrize(
    "markdown",
    [
        f"There are {EVIDENCE} of them.",
        f"- a {EVIDENCE}\n- b",
        f"| A | B |\n|---|---|\n| {EVIDENCE} | x |",
        f"Of {EVIDENCE} “words” [@{OLD.source_id}], see @sec-probe and @sec-annex-evidence.",
        f"[Words of the source]({TARGET}) and the Altius 600m.",
        "No number, one word, and someone else’s often.",
        "Done on [31 July 2025](#ref-as-of).",
        f"A text of [{date_text(SOURCES[0].published)}](#ref-source-{SOURCES[0].source_id}).",
        "There are [7](#calc-n) of them.",
    ],
)
def test_what_is_linked_passes(tmp_path: Path, markdown: str) -> None:
    assert problems(tmp_path, markdown, DAY, counted(7)) == []


@pytest.mark.parametrize(
    ("markdown", "token"),
    [
        ("There are 17 of them.", "17"),
        ("There are seventeen of them.", "seventeen"),
        ("Seventeen came.", "Seventeen"),
        ("About half of them.", "half"),
        ("A decade later.", "decade"),
        ("Dozens came.", "Dozens"),
        ("Twice as many.", "Twice"),
        ("In 2014 it began.", "2014"),
        ("On 10 April 2025.", "10"),
        ("It costs $1.5 million.", "1.5 million"),
        ("A share of 20%.", "20%"),
        ("The 21st of them.", "21"),
        ("An F-16 and a T72.", "16"),
        ("A **17** in bold.", "17"),
        ("A 1*7* in two parts.", "17"),
        ("“There are 17.”", "17"),
        ("## The 17 of them", "17"),
        ("- a\n- 17 of them", "17"),
        ("> 17 of them", "17"),
        ("| A | B |\n|---|---|\n| 17 | x |", "17"),
        ("| 17 | B |\n|---|---|\n| a | x |", "17"),
        ("::: {#tbl-x}\n\n| A |\n|---|\n| a |\n\nThe 17 of them\n:::", "17"),
        ('![The 17 of them](figures/x.svg){#fig-x fig-alt="Words."}', "17"),
        (f"{EVIDENCE} of 99 others.", "99"),
        (f"[{VALUE}]({TARGET})99", "99"),
    ],
)
def test_a_number_that_is_not_linked_is_found(tmp_path: Path, markdown: str, token: str) -> None:
    found = problems(tmp_path, markdown)
    assert any(f"“{token}” is not linked" in problem and "sec-probe" in problem for problem in found), found


@pytest.mark.parametrize(
    "markdown",
    [
        pytest.param("There are [17](#sec-probe) of them.", id="a link to a section"),
        pytest.param("There are [17](https://example.org) of them.", id="a link to elsewhere"),
        pytest.param("Words.[^a]\n\n[^a]: There are 17 of them.", id="a footnote"),
        pytest.param("| There are 17\n| of them", id="a line block"),
        pytest.param("17 of them\n:   Words.", id="a term"),
    ],
)
def test_a_number_in_a_corner_is_found(tmp_path: Path, markdown: str) -> None:
    assert any("17" in problem for problem in problems(tmp_path, markdown))


@pytest.mark.parametrize("wrong", ["999", "$999", "999 million", "1 January 1901", "1901", "seventeen", "about 999"])
def test_a_value_that_its_evidence_does_not_bear_out_is_found(tmp_path: Path, wrong: str) -> None:
    for target, figures in (
        (TARGET, ()),
        ("#calc-n", (counted(7),)),
        ("#ref-as-of", (DAY,)),
        (f"#ref-source-{SOURCES[0].source_id}", ()),
    ):
        found = problems(tmp_path, f"There are [{wrong}]({target}) of them.", *figures)
        assert any(f"the printed value “{wrong}” is not one of {target}" in problem for problem in found), found


def test_a_value_of_another_row_is_found(tmp_path: Path) -> None:
    """Every observation, printed on the evidence of another one whose values differ."""
    checked = 0
    for first, second in pairwise(OBSERVATIONS):
        printed = quantity_text(first.values)
        told = " ".join(str(row.values) for row in WHOLE.rows_using(second.quote_ids[0]))
        if any(token.replace(",", "") in told or token in told for token in tokens(printed)):
            continue
        found = problems(tmp_path, f"There are [{printed}](#ev-{second.quote_ids[0]}).")
        assert found, (first.row_id, second.row_id)
        checked += 1
        if checked == 8:
            break
    assert checked >= 3


@pytest.mark.parametrize("shift", [1, -1, 10])
@pytest.mark.parametrize("row", OBSERVATIONS[:6], ids=lambda row: row.row_id)
def test_a_value_a_little_off_is_found(tmp_path: Path, row: Row, shift: int) -> None:
    wrong = number_text(row["value_low"] + shift)
    behind = " ".join(str(one.values) for one in WHOLE.rows_using(row.quote_ids[0]))
    if re.search(rf"(?<!\d){re.escape(wrong)}(?!\d)", behind):
        pytest.skip("another row behind the same quotation has this value")
    assert problems(tmp_path, f"There are [{wrong}](#ev-{row.quote_ids[0]}).")


@pytest.mark.parametrize(
    "target",
    [
        "#calc-nowhere",
        "#ref-nowhere",
        "#ev-nowhere",
        "#ref-source-nowhere",
    ],
)
def test_a_dead_link_is_found(tmp_path: Path, target: str) -> None:
    try:
        found = problems(tmp_path, f"See [this]({target}) and [7](#calc-n).", counted(7))
    except AlliancesError as error:
        found = [str(error)]
    assert any(target in problem for problem in found), found


def test_each_link_is_listed_once() -> None:
    """A figure's caption stands twice in what Pandoc reads: as caption and as the text of the image."""
    caption = f'![Words. Source: [Text]({TARGET})](figures/x.svg){{#fig-x fig-alt="Words."}}'
    for markdown in (caption, f"Words [x]({TARGET}).", f"::: {{#tbl-x}}\n\n| A |\n|---|\n| a |\n\n[x]({TARGET})\n:::"):
        assert [link.target for link in walk(f"# P {{#sec-p}}\n\n{markdown}\n").links] == [TARGET[1:]], markdown


@given(st.integers(10, 10**9), st.sampled_from(["There are {} of them.", "- {}", "**{}**", "| A |\n|---|\n| {} |"]))
@settings(max_examples=min(EXAMPLES, 200) // 10 + 5, deadline=None)
def test_any_unlinked_number_is_found(value: int, template: str) -> None:
    found = walk(f"# P {{#sec-p}}\n\n{template.format(number_text(value))}\n")
    assert [loose.token for loose in found.loose if loose.token[0].isdigit()] == [number_text(value)]


def test_every_row_is_borne_out_by_its_own_evidence(tmp_path: Path) -> None:
    """The check must not cry wolf: what the library prints of any row passes."""
    columns: dict[str, Callable[[Row], list[str]]] = {
        "observations": lambda row: [""],
        "event_accounts": lambda row: [column for column in ("date", "date_end") if row[column]],
        "memberships": lambda row: [column for column in ("entry_date", "exit_date") if row[column]],
        "characteristics": lambda row: ["value"],
    }
    lines = [
        f"{evidence_link(WHOLE, row, column=column)} [@{row.source_id}]."
        for name, chosen in columns.items()
        for row in rows_of(name)
        for column in chosen(row)
    ]
    assert len(lines) > 100
    assert problems(tmp_path, "\n\n".join(lines)) == []
