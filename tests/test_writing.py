"""What a notebook writes: which sentences stand, what they print, their marks, and what is refused in the cell."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from alliances.errors import NarrativeError
from alliances.text.markdown import MARK
from cells import PROJECT, Cells, at, edition_of, some

#: In May 2019 the first of three texts is known: rows that end in -report.
MAY = "2019-05-20"
KNOWN, ALSO, UNKNOWN, LATER = "{obs-members-report}", "{obs-barges-report}", "{obs-barges-brief}", "{obs-farms-column}"


@pytest.fixture(scope="module")
def prepared() -> dict[str, Any]:
    made = Cells()
    made.run("""
memberships = edition.frame("memberships")
members = memberships.query("alliance_id == 'commission'")
n = edition.count(members, "actor_id", "members")
founders = edition.count(memberships.query("alliance_id == 'compact'"), "actor_id", "founders")
one = edition.count(memberships.query("actor_id == 'XEV' and alliance_id == 'flood-fund'"), "actor_id", "payers")
names = edition.names(memberships.query("alliance_id == 'compact'"), "actor_id")
record = edition.frame("public_record")
nobody = edition.none(record.query("actor_id == 'XCS'"), "entries of Cestria", among=record)
share = edition["obs-cost-sharers-brief"] / edition["obs-members-report"]
""")
    return made.names


@pytest.fixture
def cells(prepared: dict[str, Any]) -> Cells:
    """Return a notebook that has set no mark yet."""
    made = Cells()
    made.names = {**prepared, **made.names}
    return made


@pytest.fixture(scope="module")
def may() -> Cells:
    return Cells(as_of=MAY)


# ---------------------------------------------------------------- which sentences stand


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"Known {KNOWN}.\nUnknown {UNKNOWN}.", "Known five.[A3]"),
        (f"Over\nthree {KNOWN}\nlines?".replace("three", "some"), "Over some five lines?[A3]"),
        (f"Unknown {UNKNOWN}.\nelse: Known {ALSO}.", "Known 40.[A4]"),
        (f"Unknown {UNKNOWN}.\nelse: Unknown {LATER}.\nelse: Nothing is known.", "Nothing is known."),
        (f"Unknown {UNKNOWN}.\nelse:\nKnown {KNOWN}.\nKnown {ALSO}.", "Known five.[A3] Known 40.[A4]"),
        (f"Unknown {UNKNOWN}.\n\nelse:\nKnown {KNOWN}.", "Known five.[A3]"),
        (f"Known {KNOWN}.\nelse:\nKnown {ALSO}.", "Known five.[A3]"),
        (f"- Known {KNOWN}.\n\nelse:\n- Known {ALSO}.\n- Known {ALSO}.", "- Known five.[A3]"),
        (f"Unknown {UNKNOWN}.\nthen: But known {KNOWN}.", ""),
        (f"Known {ALSO}.\nthen: It has {KNOWN}.", "Known 40.[A4] It has five.[A3]"),
        (f"Unknown {UNKNOWN}.\n\nthen: It has {KNOWN}.", ""),
        (f"Known {KNOWN}.\nPlain.\nUnknown {UNKNOWN}.\nPlain too.", "Known five.[A3] Plain."),
        (f"Plain.\nUnknown {UNKNOWN}.", ""),
        (f"Plain.\nKnown {KNOWN}.", "Plain. Known five.[A3]"),
        (f"Unknown {UNKNOWN}.\nopens: Plain.\nKnown {KNOWN}.", "Plain. Known five.[A3]"),
        (f"Known {KNOWN}.\nopens: Plain.\nUnknown {UNKNOWN}.", "Known five.[A3]"),
        (f"Unknown {UNKNOWN}.\nthen: Plain.\nAlso plain.\nKnown {KNOWN}.", "Known five.[A3]"),
        (f"opens: Known {KNOWN}.\nUnknown {UNKNOWN}.\nKnown {ALSO}.", "Known 40.[A4]"),
        (f"opens: Known {KNOWN}.\nAlso {ALSO}.", "Known five.[A3] Also 40.[A4]"),
        (f"Who pays:\nknown {KNOWN}.", "Who pays: known five.[A3]"),
        (f"Who pays:\nunknown {UNKNOWN}.", ""),
        (f"Known {KNOWN}:\n- Known {ALSO}.\n- Unknown {UNKNOWN}.", "Known five:[A3]\n\n- Known 40.[A4]"),
        (f"Of {KNOWN}:\n\n- Known {ALSO}.", "Of five:[A3]\n\n- Known 40.[A4]"),
        (f"## Head\n\nWho pays:\n- Unknown {UNKNOWN}.", ""),
        (f"Known {KNOWN}.\nWho pays:\n\n1. Unknown {UNKNOWN}.", "Known five.[A3]"),
        (f"Unknown {UNKNOWN}:\nelse: Known {KNOWN}:\n- Known {ALSO}.", "Known five:[A3]\n\n- Known 40.[A4]"),
        (f"- Unknown {UNKNOWN}.\nelse: Known - {KNOWN}.", "- Known - five.[A3]"),
        ("Plain words stand alone.", "Plain words stand alone."),
        (f"## Head\n\nUnknown {UNKNOWN}.", ""),
        (f"## Head\n\nUnknown {UNKNOWN}.\n\n## Next\n\nKnown {KNOWN}.", "## Next\n\nKnown five.[A3]"),
        (f"# Title\n\n## Head\n\nKnown {KNOWN}.", "# Title\n\n## Head\n\nKnown five.[A3]"),
        ("# Title", "# Title"),
        (f"# Title\nKnown {KNOWN}.", "# Title\n\nKnown five.[A3]"),
        ("# The {flood-fund.fund_size:fund}\nelse: No fund yet", "# No fund yet"),
        (f"# The {{flood-fund.fund_size:fund}}\n\nKnown {KNOWN}.", "Known five.[A3]"),
        (f"* Unknown {UNKNOWN}.\n* Known {KNOWN}.", "- Known five.[A3]"),
        (f"7. Unknown {UNKNOWN}.\n9. Known {KNOWN}.\n9. Known {ALSO}.", "1. Known five.[A3]\n2. Known 40.[A4]"),
        (f"Known {KNOWN} [@cha-commission-founding-brief].", ""),
        ("{flood-fund.fund_size} and {XDN.dam:Dunmere}.", ""),
        (f"ours: Inferred from {UNKNOWN}.", ""),
        ("", ""),
    ],
)
def test_a_sentence_stands_with_its_evidence(may: Cells, text: str, told: str) -> None:
    assert may.write(text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{commission.members} belong to it.", "Five belong to it.[A3]"),
        ("{obs-members-report:All five} belong to it.", "All five belong to it.[A3]"),
        ("“{n|member belongs|members belong}” to it.", "“Five members belong” to it.[=1]"),
        ("{one|member belongs|members belong}.", "One member belongs.[=1]"),
        ("{names|founds|found} it.", "Arven, Belmora and Cestria found it.[A3]"),
        ("{founders.of(n):members} founded it.", "Three of the five members founded it.[=1][=2]"),
        ("{one.of(n)|pays|pay:members}.", "One of the five members pays.[=1][=2]"),
        ("{nobody:No entry} is known.", "No entry is known.[=1]"),
        ("{acc-session-report:In March 2019} some met.", "In March 2019 some met.[A4]"),
        ("{sta-belmora-season-brief:Belmora opens in April}.", "Belmora opens in April.[B5]"),
        ("{share.percent} pay.", "80% pay.[=1]"),
        ("{share.times} as many pay.\nelse: {share.percent} pay.", "80% pay.[=1]"),
        ("then: They met {acc-session-report.when}.", "They met on 12 March 2019.[A4]"),
        ("{acc-session-report.day}, {acc-session-report.month}, {acc-session-report.month_year}.",
         "12 March 2019, March 2019, March 2019.[A4]"),  # the river's texts are of several years
        ("A flood came {acc-flood-brief.date.when}, told {acc-flood-brief.published.when}.",
         "A flood came on 3 December 2019, told about 20 January 2020.[B7]"),
        ("{obs-fund-size-brief.source} has {obs-fund-size-brief}.", "The January brief has mk12 million.[B3]"),
        ("{r-xev-league.actor} entered {r-xev-league.when}.", "Estovia entered on 1 January 2021.[r1]"),
        ("Plain words [@obs-members-report; @obs-barges-report].", "Plain words.[A3][A4]"),
        ("Arven pays [@obs-barges-report]; {n} belong [@acc-flood-brief].", "Arven pays;[A4] five belong.[B7][=1]"),
        ("The Compact of 1931 and the june column.", "The Compact of 1931 and the june column."),
        ("May one say so?", "May one say so?"),
        ("ours: {n} suffice.", "Five suffice.[=1][i1]"),
        ("Here are {n}.\nours: Enough [-@obs-barges-brief].", "Here are five.[=1] Enough.[i1]"),
        ("{sta-draft-column}.", "Dunmere and Estovia drafted the treaty.[C2]"),
        ("See @fig-map5 and [a page](https://example.org/2019/5).", "See @fig-map5 and [a page](https://example.org/2019/5)."),
    ],
)  # fmt: skip
def test_what_placeholders_print(cells: Cells, text: str, told: str) -> None:
    assert cells.write(text) == told


def test_marks_stand_once_collapse_and_never_hide_an_inference(cells: Cells) -> None:
    three = "All {obs-members-report}, {obs-arven-flow-report}, {n}, {obs-survey-length-report}, {obs-members-report}."
    assert cells.write(three).endswith("[A3][A4][=1]")  # formulas last
    many = three.replace("All", "All {obs-cost-sharers-brief}, {r-xav-league},")
    assert cells.write(many).endswith("[B2][A3][A4][+2]")
    sentence = cells.shown[0][1]["sentences"][0]
    assert sentence["marks"] == ["ev-B2", "ev-A3", "ev-A4", "ev-r-xav-league", "ev-f-members"]
    assert cells.write(f"ours: {many}").endswith("[B2][A3][A4][+2][i1]")
    data, seen = cells.shown[0]
    anchors = [mark["anchor"] for mark in MARK.finditer(data["text/markdown"])]
    assert set(anchors) <= set(seen["evidence"])
    assert seen["evidence"][anchors[3]]["anchors"] == sentence["marks"]
    assert seen["sentences"][0]["ours"]
    inference = seen["evidence"][anchors[-1]]
    assert {"obs-cost-sharers-brief", "r-xav-league", "mem-commission-arven-report"} <= set(inference["rows"])


def test_each_printed_value_is_noted_with_its_origin(cells: Cells) -> None:
    cells.write(
        "{obs-members-report} met {acc-session-report.when}, {n:all five}, by {today}.", today=edition_of().as_of
    )
    assert cells.shown[0][1]["sentences"][0]["printed"] == [
        ["five", "obs-members-report"], ["on 12 March 2019", "acc-session-report"],
        ["all five", "ev-f-members"], ["15 June 2021", "date:as_of"],
    ]  # fmt: skip
    record = cells.shown[0][1]["evidence"]["ev-f-members"]
    assert (record["value"], record["formula"]) == ("5", "each counted once, over 5 rows")
    assert [*record["rows"]] == [*cells.names["members"]["row_id"]]


def test_a_mark_shows_the_words_of_its_own_row_on_hover(cells: Cells) -> None:
    cells.write("Length {obs-survey-length-report}.\n\nBarges {obs-barges-report}.")
    titles = [mark["title"] for mark in MARK.finditer(cells.shown[0][0]["text/markdown"])]
    assert [title.split("”")[0] for title in titles] == [
        "“agreed to survey 1,200 kilometres of the river", "“Arven promised 40 barges for the survey",
    ]  # fmt: skip
    assert cells.write("Barges {obs-barges-report}.") == "Barges 40.[A4]"


def test_the_list_at_the_end_has_what_was_shown(cells: Cells) -> None:
    cells.write("{obs-members-report}.\n{obs-barges-brief}.\nours: {n} suffice.\nelse: {obs-lives-brief}.")
    listed = cells.run("edition.evidence()")[0][0]["text/markdown"]
    assert re.findall(r'<a id="(ev-[^"]+)"', listed)[:2] == ["ev-A3", "ev-B4"]
    assert "ev-f-members" in listed
    assert "ev-B7" not in listed


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Arven has 5 barges.", "“5”"),
        ("Arven has five barges.", "“five”"),
        ("Arven has *fi*ve barges.", "“five”"),
        ("Arven has -5, or ½.", "“-5”"),
        ("A third of them met.", "“third of”"),
        ("Arven met in mid-April.", "“April”"),
        ("# In 2019", "“2019”"),
        ("- One\n- Ten.", "“Ten”"),
        ("ours: Ten suffice.", "“Ten”"),
        ("{obs-barges-brief}.\nelse: Ten.", "“Ten”"),
        ("{obs-members-report:six states}.", "“six”"),
        ("{n|member of ten|members of ten}.", "“ten”"),
        ("{obs-barges-report:12 barges}.", "“12”"),
        ("{acc-session-report:met in March 2020}.", "“March 2020”"),
        ("{sta-belmora-season-brief:opens from May}.", "“May”"),
        ("{obs-members-report:5%}.", "“%”"),
        ("{obs-barges-report:-40}.", "“-40”"),
        ("{obs-fund-size-brief:mk99 million}.", "“99”"),
        ("{n}{n}.", "changes what a placeholder prints"),
        ("{n}% pay.", "changes"),
        ("The {n}th.", "changes"),
        ("The -{n}.", "changes"),
        ("The {n}.5.", "“.5”"),
        ("The {n},{n}.", "changes"),
        ("{obs-member-report}.", "the nearest is “obs-members-report”"),
        ("Arven [@obs-member-report].", "the nearest is “obs-members-report”"),
        ("ours: {n} [-@obs-member-report].", "the nearest is “obs-members-report”"),
        ("{founder}.", "the nearest is “founders”"),
        ("{commission.nothing}.", "no row or subject"),
        ("{commission.gauges}.", "two different values"),
        ("{dis-founding}.", "disagreement"),
        ("Arven [@dis-founding].", "disagreement"),
        ("Arven [@].", "no row"),
        ("Arven [@obs-members-report; obs-barges-report].", "names no row"),
        ("{n.nothing}.", ".nothing"),
        ("{names.of(n)}.", ".of()"),
        ("{n.percent}.", "measured in"),
        ("{n:}.", "no words"),
        ("{n|one}.", "placeholder"),
        ("{n}}.", "placeholder"),
        ("{}.", "placeholder"),
        ("{n n}.", "placeholder"),
        ("{n.of(}.", "placeholder"),
        ("{nobody|is|are}.", "between one and many"),
        ("{five}.", "bare value"),
        ("{text}.", "“5”"),
        ("{pd}.", "bare value"),
        ("So it ends", "does not end"),
        ("So it ends. And again.", "two sentences"),
        ("Here are {n}. Here too.", "two sentences"),
        ("Here are {n}? Yes.", "two sentences"),
        ("ours:{n} suffice.", "label"),
        ("Then: {n} suffice.", "label"),
        ("**{n}**{n}.", "changes"),
        ('Five<sup>[A9](#ev-A9 "x")</sup>.', "“<sup>”"),
        ("But so.", "then:"),
        ("It is so.", "then:"),
        ("else: So.", "no sentence above"),
        ("# Title\n\nelse:\nSo.", "no paragraph above"),
        ("then:", "no sentence"),
        ("{n}, {same}.", "called “members”"),
    ],
)
def test_what_nothing_supports_is_refused(cells: Cells, text: str, why: str) -> None:
    same = cells.names["edition"].count(cells.names["record"], "actor_id", "members")
    assert why in cells.refuses_text(text, five=5, text="5 barges", same=same)


def test_a_cell_that_is_edited_and_run_again_takes_its_new_value(cells: Cells) -> None:
    assert cells.write("{n} met.") == "Five met.[=1]"
    cells.run('n = edition.count(members.head(3), "actor_id", "members")')
    assert cells.write("{n} met.") == "Three met.[=1]"
    assert cells.shown[0][1]["evidence"]["ev-f-members"]["value"] == "3"


def test_a_cell_that_runs_again_after_later_ones_shows_and_carries_the_same(cells: Cells) -> None:
    source = 'edition.write("The {obs-members-report} members met, {n} in all.")'
    first = cells.run(source)
    assert '</sup><sup> [=1](#ev-f-members "' in first[0][0]["text/markdown"], "Marks stand apart."
    cells.run('edition.write("Delegates met in a town [@cha-commission-seat-report].")')
    assert cells.run(source) == first


def test_a_sentence_that_falls_although_its_rows_are_known_is_noted(cells: Cells) -> None:
    cells.run('empty = edition.count(members.head(0), "actor_id", "members that left")')
    cells.write("{n} met.\n{empty} of them left [@obs-members-report].\n{empty} stayed.\nelse: {n} stayed.")
    assert cells.shown[0][1]["fallen"] == ["{empty} of them left [@obs-members-report]."]
    cells.write("{n} met.")
    assert "fallen" not in cells.shown[0][1]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('x = n\nedition.write("""\n# Title\n\n{n} met.\n\nThen ten\nleft.\n""")', 7),
        ('edition.write(\n    "{n} met.\\n"\n    "Ten left."\n)', 3),
        ('edition.figure(bars, "fig-x",\n  title="{n}", alt="Bars of {n}.",\n  caption="""Plain.\nTen.""")', 4),
        ('edition.figure(bars, "fig-x",\n  title="Bars",\n  alt="{nix}")', 3),
        ('edition.figure(bars.encode(x="nix:Q"), "x",\n  title="Bars", alt="Bars")', 1),
        ('edition.table(members, "tbl-x",\n  caption="Ten",\n  columns={"actor": "Who"})', 2),
        ('edition.facts("x", """\nMembers | {n}\nSince | 1967\n""")', 3),
        ('edition.pull("{n}",\n  "of ten")', 2),
        ('edition.pull("{n}", "barges\\nelse: none")', 1),
        ('edition.judgement("jud-dam",\n  because="So.",\n  but="Ten.")', 3),
        ('\n\nedition.cover("Ten.")', 3),
        ("\nedition.write(5)", 2),
    ],
)
def test_an_error_names_the_line_of_the_cell(cells: Cells, source: str, line: int) -> None:
    cells.run(BARS)
    assert cells.refuses(source).startswith(f"Line {line} of the cell: ")


BARS = """
observations = edition.spread(edition.frame("observations"))
bars = alt.Chart(observations).mark_bar().encode(x="value_high:Q", y="row_id:N")
def words(chart_words):
    return alt.Chart(observations.assign(words=chart_words)).mark_text().encode(x="value_high:Q", text="words:N")
def figure(chart=bars, id="fig-x", title="Bars", alt="Bars", **more):
    edition.figure(chart, id, title=title, alt=alt, **more)
def table(frame, caption="Members", **columns):
    edition.table(frame, "tbl-x", caption=caption, columns=columns or {"actor": "Who", "role_label": "Role"})
"""


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ('figure(title="Ten bars")', "“Ten”"),
        ('figure(alt="Bars of May 2019")', "“May”"),
        ('figure(subtitle="In 2019")', "“2019”"),
        ('figure(caption="Ten.")', "“Ten”"),
        ('figure(note="Ten.")', "“Ten”"),
        ('figure(alt="Bars" * 70)', "280 characters"),
        ('figure(title=5)', "no text"),
        ('figure(id="bars")', "fig-"),
        ('figure(chart=observations)', "Altair"),
        ('figure(words("eleven nations"))', "“eleven”"),
        ('figure(bars.encode(x=alt.X("value_high:Q", title="in 2019")))', "“2019”"),
        ('figure(alt.Chart(observations.assign(row_id="obs-nix")).mark_bar().encode(x="value_high:Q"))', "obs-nix"),
        ('figure(alt.Chart(observations.drop(columns="row_id")).mark_bar().encode(x="value_high:Q"))', "row_id"),
        ('figure(bars.properties(data=observations.merge(record[["actor_id"]], on="actor_id")))', "row_id"),
        ('table(members, caption="Ten members")', "“Ten”"),
        ('table(members, actor="Who in 2019")', "“2019”"),
        ('table(members, nix="Who")', "no column “nix”"),
        ('table(members.assign(k=3), actor="Who", k="Number")', "bare number"),
        ('table(members.assign(k="three"), actor="Who", k="Number")', "“three”"),
        ('table(members.drop(columns="row_id").reset_index(drop=True))', "row_id"),
        ('table(members.merge(record[["actor_id"]], on="actor_id"))', "row_id"),
        ('edition.table(members, "members", caption="Members", columns={"actor": "Who"})', "tbl-"),
        ('edition.table(members, "tbl-x", caption="Members", columns=["actor"])', "mapping"),
        ('edition.facts("x", "Since 1967 | {n}")', "“1967”"),
        ('edition.facts("x", "Members {n}")', " | "),
        ('edition.facts("x", "Members | {n}\\nMore | else: {n}")', "a fact box has no else:"),
        ('edition.figure(bars, "fig-x", title="Bars", alt="Bars. " * 50)', "250 are the most: for a list write"),
        ('edition.judgement("jud-dams")', "jud-dam"),
    ],
)  # fmt: skip
def test_exhibits_refuse_what_nothing_supports(cells: Cells, call: str, why: str) -> None:
    cells.run(BARS)
    assert why in cells.refuses(call)


def test_exhibits_carry_their_evidence(cells: Cells) -> None:
    cells.run(BARS)
    cells.run(
        'figure(words(observations["value_text"]), title="{n} members", caption="{obs-members-report} met.\\nPlain.")'
    )
    (data, figure), (_, text) = cells.shown
    assert (figure["title"], text["kind"], figure["width"]) == ("Five members", "figure-text", 112)
    rows = {row for record in figure["evidence"].values() for row in record.get("rows", ())}
    assert rows >= set(cells.names["observations"]["row_id"])
    assert "May report" in figure["source"]
    assert "application/vnd.vegalite.v5+json" in data
    cells.run(
        'table(members.assign(k="", day="2019-03-12", row_id="acc-session-report"), k="", actor="Who", day="When")'
    )
    assert "| Arven[A4] | 12 March 2019 |" in MARK.sub(lambda m: f"[{m['label']}]", cells.shown[0][1]["body"])
    cells.run('edition.facts("x", "Members | {n}\\nNamely | {names}")')
    assert cells.shown[0][1]["entries"][0][1].startswith("Five<sup>")
    cells.run('edition.pull("{obs-barges-report}", "barges of {names}")')
    assert (cells.shown[0][1]["value"], cells.shown[0][1]["text"][:16]) == ("40", "barges of Arven,")
    cells.run('edition.judgement("jud-dam", because="Dunmere {pos-dunmere-dam-column:wants it}.")')
    lines = dict(cells.shown[0][1]["lines"])
    assert lines["Against"].count("<sup>") == 2
    assert lines["Confidence"].startswith("Moderate. ")


@pytest.mark.parametrize(
    "call",
    [
        'figure(title="{flood-fund.fund_size:The fund}")',
        'figure(alt.Chart(observations.head(2)).mark_bar().encode(x="value_high:Q", y="row_id:N"))',
        'figure(alt.Chart(observations.head(0)).mark_bar().encode(x="value_high:Q", y="row_id:N"))',
        'table(edition.frame("memberships"), caption="{flood-fund.fund_size:The fund}")',
        'table(edition.frame("memberships").head(1))',
        'edition.facts("x", "Fund | {flood-fund.fund_size}\\nBarges | {obs-barges-report}")',  # one entry is no box
        'edition.pull("{flood-fund.fund_size}", "marks")',
        'edition.cover("{flood-fund.fund_size}.")',
    ],
)
def test_exhibits_fall_with_their_words_or_rows(call: str) -> None:
    cells = Cells(as_of=MAY)
    cells.run(BARS)
    assert not cells.run(call)


def test_an_edition_without_texts_shows_nothing_and_does_not_stop() -> None:
    cells = Cells(as_of="2019-05-19")
    cells.run(BARS)
    cells.run("""
frame = edition.frame("memberships")
n, m = edition.count(frame, "actor_id", "members"), edition.count(frame, "role", "roles")
names = edition.names(frame, "actor_id")
last = edition.value(frame, lambda f: f["entry_date"].max(), how="last")
none = edition.none(frame, "members", among=frame)
share = edition["obs-members-report"] / edition["obs-cost-sharers-brief"]
edition.write("# Title {n}\\n\\n{n.of(m):members}, {names}.\\n{none:Nobody}, {last.when}.\\n{share.percent}.")
figure(bars, title="Bars of {n}")
table(frame, caption="Members of {n}")
edition.judgement("jud-dam")
edition.judgements()
edition.evidence()
""")
    assert not cells.shown


# ---------------------------------------------------------------- random templates

PIECES = [
    "{obs-members-report}", "{obs-barges-brief}", "{n}", "{n:five}", "{n:six}", "{n|is|are}", "{founders.of(n):states}",
    "{share.percent}", "{share.times}", "{commission.members}", "{acc-session-report.when}", "{nix}", "{obs-nix}", "{n",
    "}", "[@obs-staff-report]", "[-@obs-staff-report]", "[@nix]", "[@", "]", "; ", ", ", ": ", ". ", ".\n", "\n\n",
    "# ", "## ", "- ", "1. ", "else: ", "else:\n", "then: ", "ours: ", "opens: ", "Arven", "the", "five", "May", "in ",
    "17", "-", "%", "@fig-x", "**", "_", "[a](b)", "|", "\\", "<", "½", "é", " ",
]  # fmt: skip
template = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=14).map("".join)
ending = template.map(lambda text: f"Arven {text.replace('.', '')}.")


@pytest.fixture(scope="module")
def wild() -> Cells:
    made = Cells()
    made.run("""
members = edition.frame("memberships").query("alliance_id == 'commission'")
n, founders = edition.count(members, "actor_id", "members"), edition.count(members.head(3), "actor_id", "three")
share = edition["obs-cost-sharers-brief"] / edition["obs-members-report"]
""")
    return made


def _printed(value: Any) -> list[str]:
    return re.findall(r"\d+", " ".join(map(str, value)))


@some
@given(st.one_of(template, ending))
def test_no_template_stops_with_another_error_or_prints_an_unknown_digit(wild: Cells, text: str) -> None:
    for call in ("edition.write(_text)", "edition.pull('{n}', _text)", "edition.facts('x', 'Label | ' + _text)"):
        wild.names["_text"] = text
        try:
            shown = wild.run(call)
        except NarrativeError as error:
            assert str(error).startswith("Line ")  # noqa: PT017
            continue
        for _, seen in shown:
            for sentence in seen["sentences"]:
                free = re.sub(r"@(?:fig|tbl|sec)-[a-z0-9-]+|[A-Z]-?\d+", "", sentence["text"])
                assert set(re.findall(r"\d+", free)) <= set(_printed(pair[0] for pair in sentence["printed"]))
                assert "{" not in sentence["text"]
                assert not sentence["printed"] or sentence["marks"]


# ---------------------------------------------------------------- a kernel, and the guide


def test_a_kernel_shows_the_sentence_alone() -> None:
    source = (
        'from alliances import open_edition\nedition = open_edition()\nedition.write("""\nArven has ten barges.\n""")'
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    with at(), pytest.raises(CellExecutionError):
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    traceback = next(output for output in notebook.cells[0].outputs if output.output_type == "error")["traceback"]
    shown = "\n".join(traceback).strip()
    assert shown.startswith("Line 4 of the cell: “ten” in “Arven has ten barges.” is typed")
    assert "\n" not in shown


def test_the_examples_of_the_guide_run() -> None:
    guide = (PROJECT / "notebooks" / "README.md").read_text("utf-8")
    cells = Cells(PROJECT)
    shown: list[str] = []
    stops = 0
    for block, after in re.findall(r"```python\n(.*?)```\n\n([^\n]*)", guide, re.DOTALL):
        if "stops with a sentence" in after:
            stops += 1
            assert "“{k}”" in cells.refuses(block)
        else:
            shown += [seen["kind"] for _, seen in cells.run(block)]
    assert stops == 1
    calls = [name for name in dir(type(cells.names["edition"])) if not name.startswith("_")]
    assert not [name for name in calls if f"edition.{name}" not in guide]
    assert set(shown) >= {"prose", "figure", "table", "facts", "side", "judgement", "judgements", "cover", "evidence"}
    assert len(guide.splitlines()) < 115
