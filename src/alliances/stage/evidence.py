"""Writes the evidence at the report's end: the words by source and paragraph, sums and inferences, public record."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from alliances.dataset import Dataset, Row, Source
from alliances.parameters import Parameters
from alliances.stage.chapters import form
from alliances.stage.rows import reading
from alliances.text.dates import date_text
from alliances.text.markdown import MARK, capital, escape, join_and, slug
from alliances.text.numbers import claims, number_text

_SIGNS = {"ev-f-": "=", "ev-r-": "r", "ev-i-": "i"}
_ON = ("rows", "records", "against")  # what a record rests on, in rows


class Ledger:
    """What the body cites: what each anchor stands for, a formula with all its `values`; labels in their order."""

    def __init__(self, dataset: Dataset, parameters: Parameters) -> None:
        self.dataset, self.parameters = dataset, parameters
        self.records: dict[str, dict[str, Any]] = {}
        self.labels: dict[str, str] = {}

    def add(self, evidence: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Take in the evidence of an output; name formulas that clash with another one's."""
        clashes = []
        for anchor, record in evidence.items():
            known = self.records.setdefault(anchor, {"rows": [], **record, "values": []})
            if record["kind"] == "formula":
                parts = ("rows", "records", "formulas", "parameters")
                if any({*known.get(part, ())} != {*record.get(part, ())} for part in parts):
                    clashes.append(f"Two formulas are called “{record['what']}” (#{anchor}): name one of them anew.")
                known["values"] = list(dict.fromkeys([*known["values"], record["value"]]))
            elif record["kind"] == "parameter":
                value = self.parameters.as_dict().get(record["parameters"][0])
                known["values"] = [number_text(value) if isinstance(value, (int, float)) else str(value)]
            elif record["kind"] == "rows":
                known["rows"] = list(dict.fromkeys([*known["rows"], *record["rows"]]))
        return clashes

    def label(self, anchor: str) -> str:
        """Return the label of an anchor: that of its paragraph, or the next number of its kind."""
        sign = _SIGNS.get(anchor[:5])
        if sign and anchor not in self.labels:
            self.labels[anchor] = f"{sign}{sum(label[0] == sign for label in self.labels.values()) + 1}"
        return self.labels.get(anchor, anchor.removeprefix("ev-"))

    def number(self, markdown: str) -> str:
        """Write the marks of staged Markdown in Pandoc's form, numbered through the report; +n leads to the first."""

        def mark(found: re.Match[str]) -> str:
            label, anchor, title = found["label"], found["anchor"], found["title"]
            if label.startswith("+"):
                hidden = self.records.get(anchor, {}).get("anchors", [anchor])[-int(label) :]
                anchor, title = hidden[0], f"also {', '.join(map(self.label, hidden))}"
                anchor, title = (anchor, title) if anchor in self.records else ("evidence", "more evidence")
            else:
                label = self.label(anchor)
            return f'[^{escape(label)}^](#{anchor} "{title}")'

        return re.sub(r"(?<=\"\))(?=\[\^)", " ", MARK.sub(mark, markdown))

    def close(self) -> None:
        """Give numbers to what no mark shows, but a formula or an inference rests on."""
        for anchor, record in self.records.items():
            for one in (anchor, *(f"ev-{row}" for part in _ON[1:] for row in record.get(part, ()))):
                self.label(one)

    def anchor(self, row: str) -> str:
        """Return the anchor of a row's evidence."""
        return f"ev-{row if row.startswith('r-') else self.dataset.mark(row)}"

    def links(self, lead: str, rows: Iterable[str], formulas: Iterable[str] = ()) -> str:
        """List the marks of rows and formulas as links, each once; "" where there are none."""
        anchors = dict.fromkeys([*(self.anchor(row) for row in rows if row in self.dataset), *formulas])
        links = join_and([f"[{escape(self.label(anchor))}](#{anchor})" for anchor in anchors])
        return f" {lead}\u00a0{links}." if links else ""


def evidence(ledger: Ledger, cited_only: bool = False) -> str:
    """Write the whole part, or what the marks lead to alone; "" where the edition knows no text."""
    dataset, records = ledger.dataset, ledger.records
    rows = {row for record in records.values() for part in _ON for row in record.get(part, ())}
    cited = rows | {*records, *(ledger.anchor(row) for row in rows if row in dataset)}
    sources = map(dataset.source, dataset["sources"].sort_values("published", kind="stable")["source_id"])
    texts = [_source(dataset, source, cited, cited_only) for source in sources]
    numbered = {sign: [a for a, label in ledger.labels.items() if label[0] == sign] for sign in _SIGNS.values()}
    sums = [_sum(ledger, anchor) for sign in "=i" for anchor in numbered[sign]]
    public = [(anchor, ledger.label(anchor), dataset.row(anchor.removeprefix("ev-"))) for anchor in numbered["r"]]
    basis = " ".join(dict.fromkeys(row["basis"] for *_, row in public))
    return form("evidence", texts, sums, basis, [(*named, _record(dataset, row)) for *named, row in public])


def _source(
    dataset: Dataset, source: Source, cited: set[str], cited_only: bool
) -> tuple[Source, str, list[dict[str, Any]]]:
    """Give a text, what is known of its origin, and its paragraphs; `cited` holds rows and anchors."""
    first, last, best = (date_text(day) for day in (source.published_from, source.published_to, source.published))
    dated = f"published on {best}" if first == last else f"published between {first} and {last}, about {best}"
    who = f"{source.publisher or 'publisher not known'}; {join_and(source.authors) or 'author not known'}; {dated}"
    quotes = dataset["quotes"].query("source_id == @source.source_id")["quote_id"]
    marks = sorted(set(map(dataset.mark_of_quote, quotes)), key=lambda mark: int(mark.removeprefix(source.mark)))
    shown = [mark for mark in marks if f"ev-{mark}" in cited or not cited_only]
    return source, who, [_paragraph(dataset, mark, cited) for mark in shown]


def _paragraph(dataset: Dataset, mark: str, cited: set[str]) -> dict[str, Any]:
    """Give an entry's words, those of other paragraphs that its rows rest on too, some context, and the readings."""
    quotes = dataset.paragraph(mark)
    words = dataset.words(mark)
    rows = {row.row_id: row for quote in quotes for row in dataset.rows_using(quote)}
    own = [row for row in rows.values() if dataset.mark(row.row_id) == mark]
    leading = [row for row in own if row.row_id in cited] or own
    others = {quote: dataset.mark_of_quote(quote) for row in leading for quote in row.quote_ids}
    around = ("before", dataset.context(quotes[0])[0]), ("after", dataset.context(quotes[-1])[1])
    told, readings = claims(words, parts=True).keys(), []
    for row in rows.values():
        text, name = reading(dataset, row), f" #row-{row.row_id}" if row in own else ""
        is_silent = row in own and row.row_id in cited and "value_low" in row.values and claims(text).keys() - told
        readings.append((text, f"{' .needed' if is_silent else ''}{name}"))
    return {
        "mark": mark, "is_cited": f"ev-{mark}" in cited, "words": words, "readings": readings,
        "further": [(at, dataset.quote(quote).exact) for quote, at in others.items() if at != mark],
        "around": [(side, text) for side, text in around if re.search(r"\w", text)],
    }  # fmt: skip


def _sum(ledger: Ledger, anchor: str) -> tuple[str, str, dict[str, Any], str, str]:
    """Give a formula, an assumption or an inference, with its label and links to what it rests on, and against it."""
    record = ledger.records[anchor]
    set_here = [name for name in (f"ev-f-p-{slug(name)}" for name in record.get("parameters", ())) if name != anchor]
    formulas = [*record.get("formulas", ()), *(name for name in set_here if name in ledger.records)]
    rests = ledger.links("From", [*record["rows"], *record.get("records", ())], formulas)
    return anchor, ledger.label(anchor), record, rests, ledger.links("Against it:", record.get("against", ()))


def _record(dataset: Dataset, row: Row) -> str:
    until = f" until {date_text(row['exit_date'])}" if row["exit_date"] else ""
    who, body = dataset.name(row["actor_id"]), dataset.name(row["body_id"])
    return f"{capital(who)}: member of {body} since {date_text(row['entry_date'])}{until}."
