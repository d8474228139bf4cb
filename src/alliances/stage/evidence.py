"""The evidence: what each mark stands for, the part at the report's end, and the check of every number against it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from alliances.analysis.facts import fact, texts_of
from alliances.dataset import Dataset, Row
from alliances.narrative.citing import SIGNS, Marks
from alliances.parameters import Parameters
from alliances.stage.chapters import Block, Chapter, form, line_text
from alliances.text.dates import date_text
from alliances.text.markdown import MARK, capital, escape, join_and, plain, slug
from alliances.text.numbers import claims, find_numbers, mask, number_text

_ON = ("rows", "records", "against")  # what a record rests on, in rows
_OF_WHAT = ("event_id", "actor_id", "holder", "indicator", "topic", "aspect", "alliance_id", "ref_area")
_SAID = ("capability", "position", "value", "participants", "place")
_TOLD = ("condition", "status", "obs_status", "attribution", "date", "date_end", "time_period", "entry_date")
_SIGN = "\ue000"  # stands where a mark stands
_SOURCE = re.compile(r"\[Source.*\]\{\.source\}")  # names the texts of a figure, with their marks
_REFERENCE = re.compile(r"(?<![\w\\])@(?:fig|tbl|sec)-[\w-]+")
_NOT_READ = re.compile(  # fences, signs of headings, lists and tables, images, attributes, references
    r"^:::.*$|^(?:#+|:(?= )|-(?= )|\d+\.(?= ))|(?<!\\)\||!\[[^\]]*\]\([^)]*\)|(?<!\\)\{[^}]*\}|" + _REFERENCE.pattern,
    re.MULTILINE,
)
_SPAN = re.compile(r"(?<!\\)\[([^\[\]]*)\](?=\{\.)")


class Ledger(Marks):
    """What the body cites: what each anchor stands for, its label, and whether it gives what is printed beside it."""

    def __init__(self, dataset: Dataset, parameters: Parameters) -> None:
        super().__init__(dataset)
        self.parameters, self.source = parameters, cache(self._source)
        self.records: dict[str, dict[str, Any]] = {}  # by anchor; a formula with all its values
        self.clashes: dict[str, None] = {}

    def add(self, evidence: Mapping[str, Mapping[str, Any]]) -> None:
        """Take in the evidence of an output."""
        for anchor, record in evidence.items():
            known = self.records.setdefault(anchor, {"rows": [], **record, "values": []})
            if record["kind"] == "formula":
                parts = ("rows", "records", "formulas", "parameters")
                if any({*known.get(part, ())} != {*record.get(part, ())} for part in parts):
                    told = f"Two formulas are called “{record['what']}” (#{anchor}): name one of them anew."
                    self.clashes[told] = None
                known["values"] = list(dict.fromkeys([*known["values"], record["value"]]))
            elif record["kind"] == "parameter":
                known["values"] = [number_text(self.parameters.as_dict()[record["parameters"][0]])]
            elif record["kind"] == "rows":
                known["rows"] = list(dict.fromkeys([*known["rows"], *record["rows"]]))

    def number(self, markdown: str) -> str:
        """Write the marks of staged Markdown in Pandoc's form, numbered through the report; +n leads to the first."""

        def mark(found: re.Match[str]) -> str:
            label, anchor, title = found["label"], found["anchor"], found["title"]
            if label.startswith("+"):
                hidden = self.records[anchor]["anchors"][-int(label) :]
                anchor, title = hidden[0], f"also {', '.join(map(self.label, hidden))}"
            else:
                label = self.label(anchor)
            return f'[^{escape(label)}^](#{anchor} "{title}")'

        numbered = MARK.sub(mark, markdown)
        for anchor, record in self.records.items():  # what no mark shows, but a formula or an inference rests on
            for one in (anchor, *(f"ev-{row}" for part in _ON[1:] for row in record.get(part, ()))):
                self.label(one)
        return numbered

    def links(self, anchors: Iterable[str]) -> str:
        """List the marks of anchors and of rows that are known as links, each once."""
        known = dict.fromkeys(self.anchor(one) for one in anchors if one.startswith("ev-") or one in self.dataset)
        return join_and([f"[{escape(self.label(anchor))}](#{anchor})" for anchor in known])

    def rests_on(self, anchor: str) -> list[str]:
        """List what a formula or an inference rests on: rows, formulas, and the parameters that are set here."""
        record = self.records[anchor]
        parts = [*record["rows"], *record.get("records", ()), *record.get("formulas", ())]
        set_here = [f"ev-f-p-{slug(name)}" for name in record.get("parameters", ())]
        return parts + [one for one in set_here if one in self.records and one != anchor]

    def problems(self, chapters: Iterable[Chapter]) -> Iterator[str]:
        """Yield what is wrong with the numbers and marks of chapters, a sentence each."""
        yield from self.clashes
        for chapter in chapters:
            if not chapter.title:
                yield f"Notebook {chapter.name}.ipynb has no title in this edition; give it one that always stands."
            for block in chapter.blocks:
                for problem in self._block(block):
                    yield f"In {chapter.name}, {block.output.get('id', block.output['kind'])}: {problem}"

    def _block(self, block: Block) -> Iterator[str]:
        output, kind, staged = block.output, block.output["kind"], block.markdown
        said, alt = _SOURCE.sub("", staged), " ".join(output.get("alt", "").split())
        text = _NOT_READ.sub(" ", _SPAN.sub(r"\1", MARK.sub(_SIGN, said)))  # as a reader sees it, a sign for a mark
        text, marks = " ".join([*plain(text).replace("\\", "").split(), alt]), MARK.findall(said)
        places = [found.start() - number for number, found in enumerate(re.finditer(_SIGN, text))]
        text, judged = text.replace(_SIGN, ""), self.dataset.rows_of("judgements")
        ids = {one.get("judgement") for one in (output, *output.get("items", ()))} & judged.keys()
        ours = [output.get("yardstick", ""), *(str(cell) for one in ids for cell in judged[one].values.values())]
        own = {*claims(" ; ".join(ours), parts=True)}  # a judgement's horizon, its reasons
        unmarked = {alt, *(line_text(output.get(part, "")) for part in ("title", "subtitle"))}
        # Rows of a table and lines of a judgement show once what several of their cells or sentences rest on.
        below = MARK.findall(staged if kind in ("table", "judgement") else "".join(_SOURCE.findall(staged)))
        for sentence in block.sentences:
            told = " ".join(_REFERENCE.sub(" ", sentence["text"]).replace("\\", "").split())
            start = text.find(told)
            if start < 0:
                yield f"the text does not hold the sentence “{told}”, which the notebook wrote."
                continue
            text = f"{text[:start]}{'·' * len(told)}{text[start + len(told) :]}"
            if told not in unmarked and staged[0] != "#" and kind != "judgements":  # of which each shows two
                shown = [mark for place, mark in zip(places, marks, strict=True) if start < place <= start + len(told)]
                labels = {anchor: label for label, anchor, _ in (*below, *shown)}
                hidden = [anchor for anchor in sentence["marks"] if anchor not in labels]
                if len(hidden) > sum(int(label) for label in labels.values() if label[0] == "+"):
                    yield f"“{sentence['text']}” does not show the mark of #{hidden[0]}."
            yield from self._sentence(sentence, own, kind == "table")
        for number in find_numbers(mask(text, self.dataset.numbered_names)):
            if claims(number).keys() - own:
                yield f"the number “{number}” stands in no sentence that the notebook wrote from the data."

    def _sentence(self, sentence: Mapping[str, Any], own: set[str], is_cell: bool) -> Iterator[str]:
        text, marks, names = sentence["text"], set(sentence["marks"]), self.dataset.numbered_names
        for number in find_numbers(mask(text, [*names, *(printed for printed, _ in sentence["printed"])])):
            if claims(number).keys() - own:
                yield f"the number “{number}” in “{text}” comes from no row, formula or parameter."
        for printed, origin in sentence["printed"]:
            anchors, borne = self.source(origin)
            if borne is None:
                yield f"“{printed}” in “{text}” comes from {origin}, which this edition does not know."
                continue
            if anchors and not anchors & marks:
                yield f"“{printed}” in “{text}” comes from {origin}, whose mark does not stand there."
            allowed = own.union(borne, *(self.source(mark)[1] or () for mark in marks if is_cell))
            sums = {origin, *marks} if origin.startswith("ev-f-") else ()
            values = claims(" ; ".join(v for one in sums for v in self.records.get(one, {}).get("values", ())))
            figures = {float(number) for number in values if re.fullmatch(r"\d+(\.\d+)?", number)}
            # Formulas bear out together: “three of the five”, per cent, one in so many, “all but two”.
            made = [(n, n * 100, 1 / n, *(abs(n - other) for other in figures)) for n in figures - {0.0}]
            allowed |= {*claims(" ; ".join(number_text(round(number, 6)) for each in made for number in each))}
            if wrong := claims(mask(printed, names)).keys() - allowed:
                yield f"“{printed}” in “{text}” is not what {origin} gives: {', '.join(sorted(wrong))}."

    def _source(self, origin: str) -> tuple[set[str], set[str] | None]:
        """Return the anchors of which one stands beside a value, and the numbers borne out; None if it is unknown."""
        if origin in ("words", "date:as_of"):
            return set(), {*claims(date_text(str(self.parameters.as_of)) if origin != "words" else "", parts=True)}
        record = self.records.get(origin, {})
        if record.get("values"):
            return {origin}, {*claims(" ; ".join(record["values"]), parts=True)}
        rows = record.get("rows", [origin])
        if not all(row in self.dataset for row in rows):
            return set(), None
        anchors = {origin} if record else {self.anchor(origin), *map("ev-{}".format, self.dataset.marks(origin))}
        return anchors, {*claims(" ; ".join(text for row in rows for text in texts_of(self.dataset, row)), parts=True)}


def evidence(ledger: Ledger, cited_only: bool = False) -> str:
    """Write the whole part, or what the marks lead to alone; "" where the edition knows no text."""
    dataset, records = ledger.dataset, ledger.records
    rows = {row for record in records.values() for part in _ON for row in record.get(part, ())}
    cited = rows | {*records, *(ledger.anchor(row) for row in rows if row in dataset)}
    texts, using = [], defaultdict[str, list[Row]](list)  # by quotation
    for each in map(dataset.row, dataset.row_ids):
        for quote_id in each.quote_ids:
            using[quote_id].append(each)
    for source_id in dataset["sources"].sort_values("published", kind="stable")["source_id"]:
        source, quotes = dataset.source(source_id), dataset["quotes"].query("source_id == @source_id")["quote_id"]
        marks = sorted({*map(dataset.mark_of_quote, quotes)}, key=lambda mark: int(mark.removeprefix(source.mark)))
        shown = [mark for mark in marks if f"ev-{mark}" in cited or not cited_only]
        texts.append((source, [_paragraph(dataset, mark, cited, using) for mark in shown]))
    of_sign = {sign: [a for a, label in ledger.labels.items() if label[0] == sign] for sign in SIGNS.values()}
    public = [(anchor, dataset.row(anchor.removeprefix("ev-"))) for anchor in of_sign["r"]]
    return form("evidence", ledger, texts, [*of_sign["="], *of_sign["i"]], public)


def _paragraph(dataset: Dataset, mark: str, cited: set[str], using: Mapping[str, list[Row]]) -> dict[str, Any]:
    """Give an entry's words, those of other paragraphs that its rows rest on too, some context, and the readings."""
    quotes, words = dataset.paragraph(mark), dataset.words(mark)
    rows = {row.row_id: row for quote in quotes for row in using[quote]}
    own = [row for row in rows.values() if dataset.mark(row.row_id) == mark]
    leading = [row for row in own if row.row_id in cited] or own
    others = {quote: dataset.mark_of_quote(quote) for row in leading for quote in row.quote_ids}
    around = ("before", dataset.context(quotes[0])[0]), ("after", dataset.context(quotes[-1])[1])
    told, readings = claims(words, parts=True).keys(), []
    for row in rows.values():
        text, name = reading(dataset, row), f" #row-{row.row_id}" if row in own else ""
        is_silent = name and row.row_id in cited and "value_low" in row.values and claims(text).keys() - told
        readings.append((text, f"{' .needed' if is_silent else ''}{name}"))
    return {
        "mark": mark, "is_cited": f"ev-{mark}" in cited, "words": words, "readings": readings,
        "further": [(at, dataset.quote(quote).exact) for quote, at in others.items() if at != mark],
        "around": [(side, text) for side, text in around if re.search(r"\w", text)],
    }  # fmt: skip


def reading(dataset: Dataset, row: Row) -> str:
    """Say in a line what is read from a quotation: of what, what, and with which status, voice and date."""
    value = fact(dataset, row)

    def cells(*columns: str) -> list[str]:
        fields = (value.fields.get(column.removesuffix("_id")) for column in columns)
        return list(dict.fromkeys(field.text for field in fields if field and field.text))

    if summary := cells("summary"):
        return capital("; ".join([summary[0].rstrip("."), *cells(*_TOLD[1:])]))
    said = cells(*_SAID)
    if "value_low" in row.values:
        unit, is_one = dataset.label("unit", row["unit"]), row["value_high"] == row["value_low"] == 1
        is_said = row["currency"] or unit.meaning == "share"  # by the sign of the number
        said = [f"{value.text} {'' if is_said else unit.label if is_one else unit.plural}".strip()]
    said = [" ".join([*cells("relation"), *said[:1]]), *said[1:]]
    said += cells("role") if "entry_date" in row.values else []
    parts = ", ".join(cells(*_OF_WHAT)), "; ".join(filter(None, said + cells(*_TOLD)))
    return capital(": ".join(filter(None, parts)))
