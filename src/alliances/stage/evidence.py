"""Writes the evidence at the report's end: the words by source and paragraph, sums and inferences, public record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alliances.dataset import Dataset, Source
from alliances.parameters import Parameters
from alliances.stage.chapters import div
from alliances.stage.rows import reading, tokens
from alliances.text.dates import date_text
from alliances.text.markdown import escape
from alliances.text.marks import MARK
from alliances.text.names import capital, join_and, slug
from alliances.text.numbers import number_text

_INTRO = (
    "The words behind each mark: a letter is a text, a number its paragraph. In quotation marks stand the text’s own "
    "words, with “…” where we left some out; after them what this report reads from them, where they need it."
)
_SIGNS = {"ev-f-": "=", "ev-r-": "r", "ev-i-": "i"}


@dataclass
class Ledger:
    """What the body cites, and the numbers that its formulas, records and inferences get.

    Attributes
    ----------
    dataset, parameters : Dataset, Parameters
        The edition's.
    records : dict of str to dict
        What each anchor stands for; a formula has all its printed `values`.
    labels : dict of str to str
        Labels of numbered anchors, in the order of the report.
    """

    dataset: Dataset
    parameters: Parameters
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

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
            for one in (anchor, *(f"ev-{row}" for row in (*record.get("records", ()), *record.get("against", ())))):
                self.label(one)

    def cited(self) -> tuple[set[str], set[str]]:
        """Return the rows that the body, its formulas and inferences rest on, and the anchors that they lead to."""
        parts = ("rows", "records", "against")
        rows = {row for record in self.records.values() for part in parts for row in record.get(part, ())}
        return rows, {*self.records, *(self.anchor(row) for row in rows if row in self.dataset)}

    def anchor(self, row: str) -> str:
        """Return the anchor of a row's evidence."""
        return f"ev-{row if row.startswith('r-') else self.dataset.mark(row)}"

    def links(self, lead: str, rows: Iterable[str], formulas: Iterable[str] = ()) -> str:
        """List the marks of rows and formulas as links, each once; "" where there are none."""
        anchors = dict.fromkeys([*(self.anchor(row) for row in rows if row in self.dataset), *formulas])
        links = join_and([f"[{escape(self.label(anchor))}](#{anchor})" for anchor in anchors])
        return f" {lead} {links}." if links else ""


def evidence(ledger: Ledger) -> str:
    """Write the whole part; "" where the edition knows no text."""
    dataset = ledger.dataset
    parts = [
        _source(ledger, dataset.source(source_id))
        for source_id in dataset["sources"].sort_values("published", kind="stable")["source_id"]
    ]
    numbered = {sign: [a for a, label in ledger.labels.items() if label[0] == sign] for sign in _SIGNS.values()}
    if numbered["="] or numbered["i"]:
        parts.append("## Sums and inferences {#sums}")
        parts += [_sum(ledger, anchor) for anchor in (*numbered["="], *numbered["i"])]
    if numbered["r"]:
        bases = dict.fromkeys(dataset.row(anchor.removeprefix("ev-"))["basis"] for anchor in numbered["r"])
        parts += ["## Public record {#public-record}", escape(" ".join(bases))]
        parts += [_record(ledger, anchor) for anchor in numbered["r"]]
    return "\n\n".join(["# Evidence {#evidence .evidence-part}", _INTRO, *parts]) if parts else ""


def _entry(ledger: Ledger, anchor: str, whose: str, *body: str, more: str = "") -> str:
    label = ledger.label(anchor)
    return div(f'#{anchor} .entry{more} mark="{label}" name="Evidence {label}, {whose.replace(chr(34), "”")}"', *body)


def _source(ledger: Ledger, source: Source) -> str:
    dataset, (rows, anchors) = ledger.dataset, ledger.cited()
    first, last, best = (date_text(day) for day in (source.published_from, source.published_to, source.published))
    dated = f"published on {best}" if first == last else f"published between {first} and {last}, about {best}"
    who = f"{source.publisher or 'publisher not known'}; {join_and(source.authors) or 'author not known'}; {dated}"
    quotes = dataset["quotes"].query("source_id == @source.source_id")["quote_id"]
    marks = {dataset.mark_of_quote(quote_id) for quote_id in quotes}
    unused = "" if any(f"ev-{mark}" in anchors for mark in marks) else " .uncited"
    lines = [
        f"## {source.mark} · {escape(capital(source.short_name))} {{#source-{source.mark}{unused}}}",
        f"*{escape(source.title)}*. {escape(capital(who))}. [{escape(source.published_basis)}]{{.basis}}",
    ]
    for mark in sorted(marks, key=lambda mark: int(mark.removeprefix(source.mark))):
        more = "" if f"ev-{mark}" in anchors else " .uncited"
        lines.append(_entry(ledger, f"ev-{mark}", source.short_name, *_paragraph(dataset, mark, rows), more=more))
    return "\n\n".join(lines)


def _paragraph(dataset: Dataset, mark: str, cited: set[str]) -> list[str]:
    """Write an entry's words, those of other paragraphs that its rows rest on too, some context, and the readings."""
    quote_ids = dataset.paragraph(mark)
    words = _joined([" ".join(dataset.quote(quote_id).exact.split()) for quote_id in quote_ids])
    rows = {row.row_id: row for quote_id in quote_ids for row in dataset.rows_using(quote_id)}
    own = [row for row in rows.values() if dataset.mark(row.row_id) == mark]
    further = dict.fromkeys(
        quote_id
        for row in ([row for row in own if row.row_id in cited] or own)
        for quote_id in row.quote_ids
        if dataset.mark_of_quote(quote_id) != mark
    )
    others = [f"{dataset.mark_of_quote(q)} {_quoted(' '.join(dataset.quote(q).exact.split()))}" for q in further]
    around = (dataset.context(quote_ids[0])[0], dataset.context(quote_ids[-1])[1])
    context = [
        f"[{escape(text)}]{{.{side}}}" if re.search(r"\w", text) else ""
        for side, text in zip(("before", "after"), around, strict=True)
    ]
    readings = []
    for row in rows.values():
        text, name = reading(dataset, row), f" #row-{row.row_id}" if row in own else ""
        silent = row.row_id in cited and "value_low" in row.values and not tokens(text) <= tokens(words, in_parts=True)
        readings.append(f"- [{escape(text)}]{{.reading{' .needed' if silent else ''}{name}}}")
    more = f"[With {'; '.join(others)}]{{.further}}" if others else ""
    return [f"[{_quoted(words)}]{{.words}}", more, " ".join(filter(None, context)), "\n".join(readings)]


def _quoted(words: str) -> str:
    """Put words in quotation marks; those within become single."""
    return f"“{escape(re.sub('[“„]', '‘', words).replace('”', '’'))}”"


def _joined(quotes: Sequence[str]) -> str:
    """Join the quotations of a paragraph in their order; what two of them share is said once."""
    kept: list[str] = []
    for quote in dict.fromkeys(quotes):
        if any(quote in other for other in quotes if other != quote):
            continue
        last = kept[-1] if kept else ""
        shared = next((n for n in range(min(len(quote), len(last)), 7, -1) if last.endswith(quote[:n])), 0)
        kept[-1:] = [last + quote[shared:]] if shared else [*kept[-1:], quote]
    return " … ".join(kept)


def _sum(ledger: Ledger, anchor: str) -> str:
    record = ledger.records[anchor]
    set_here = [name for name in (f"ev-f-p-{slug(name)}" for name in record.get("parameters", ())) if name != anchor]
    formulas = [*record.get("formulas", ()), *(name for name in set_here if name in ledger.records)]
    rests = ledger.links("From", [*record["rows"], *record.get("records", ())], formulas)
    if record["kind"] == "inference":
        against = ledger.links("Against it:", record["against"])
        text = f"{escape(capital(record['statement']))} [Inference of this report.]{{.ours}}{rests}{against}"
        return _entry(ledger, anchor, "inference of this report", text)
    if record["kind"] == "parameter":
        return _entry(ledger, anchor, "an assumption", f"{escape(record['statement']).rstrip('.')}.")
    text = f"**{escape(' · '.join(record['values']))}** {escape(record['what'])}: {escape(record['formula'])}.{rests}"
    return _entry(ledger, anchor, record["what"], text)


def _record(ledger: Ledger, anchor: str) -> str:
    dataset = ledger.dataset
    row = dataset.row(anchor.removeprefix("ev-"))
    until = f" until {date_text(row['exit_date'])}" if row["exit_date"] else ""
    who, body = dataset.name(row["actor_id"]), dataset.name(row["body_id"])
    text = f"{capital(who)}: member of {body} since {date_text(row['entry_date'])}{until}."
    return _entry(ledger, anchor, "the public record", escape(text))
