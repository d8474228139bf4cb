"""Checks the staged report: every number comes from its evidence, whose mark stands there."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from alliances.stage.chapters import Block, Chapter, Output, line_text
from alliances.stage.evidence import Ledger, numbers
from alliances.text.dates import date_text
from alliances.text.markdown import MARK, plain
from alliances.text.numbers import claims, find_numbers, mask, number_text

_SIGN = "\ue000"  # stands where a mark stands
_SOURCE = re.compile(r"\[Source.*\]\{\.source\}")  # names the texts of a figure, with their marks
_REFERENCE = re.compile(r"(?<![\w\\])@(?:fig|tbl|sec)-[\w-]+")
_NOT_READ = re.compile(  # fences, signs of headings, lists and tables, images, attributes, references
    r"^:::.*$|^(?:#+|:(?= )|-(?= )|\d+\.(?= ))|(?<!\\)\||!\[[^\]]*\]\([^)]*\)|(?<!\\)\{[^}]*\}|" + _REFERENCE.pattern,
    re.MULTILINE,
)
_SPAN = re.compile(r"(?<!\\)\[([^\[\]]*)\](?=\{\.)")
#: Columns whose cells are names, in which a number is no number.
_NAMES = {"alliances": ["name", "short_name", "aliases"], "actors": ["name", "aliases"], "events": ["title"],
          "sources": ["short_name", "descriptor", "title", "publisher"], "labels": ["label", "plural"]}  # fmt: skip


class Checker:
    """Checks the numbers and marks of chapters against the edition, whose ledger holds dataset and parameters."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.dataset = ledger, ledger.dataset
        cells = {cell for table, columns in _NAMES.items() for cell in self.dataset[table][columns].to_numpy().ravel()}
        self.names = [name for cell in cells for name in cell.split("; ") if find_numbers(name)]
        self.source, self.judgements = cache(self._source), self.dataset["judgements"]

    def problems(self, chapter: Chapter) -> Iterator[str]:
        """Yield what is wrong with the numbers and marks of a chapter, a sentence each."""
        if not chapter.title:
            yield f"Notebook {chapter.name}.ipynb has no title in this edition; give it one that stands with all of it."
        for block in chapter.blocks:
            for problem in self._block(block):
                yield f"In {chapter.name}, {block.output.get('id', block.output['kind'])}: {problem}"

    def _block(self, block: Block) -> Iterator[str]:
        output, kind, staged = block.output, block.output["kind"], block.markdown
        said = _SOURCE.sub("", staged)
        text, marks = _read(said), MARK.findall(said)
        alt = " ".join(output.get("alt", "").split())
        if kind == "figure":
            text = f"{text} {alt}"
            if not 1 <= len(alt) <= 250:
                yield f"the alternative text has {len(alt)} characters; from 1 to 250 are allowed."
        places = [found.start() - number for number, found in enumerate(re.finditer(_SIGN, text))]
        text, own = text.replace(_SIGN, ""), self._own(output)
        unmarked = {alt, *(line_text(output.get(part, "")) for part in ("title", "subtitle"))}
        # Rows of a table and lines of a judgement show once what several of their cells or sentences rest on.
        below = MARK.findall(staged if kind in ("table", "judgement") else "".join(_SOURCE.findall(staged)))
        for sentence in block.sentences:
            told = " ".join(_REFERENCE.sub(" ", sentence["text"]).replace("\\", "").split())
            start = text.find(told)
            if start < 0:
                yield f"the text does not hold the sentence “{told}”, which the notebook wrote."
                continue
            end = start + len(told)
            text = f"{text[:start]}{'·' * len(told)}{text[end:]}"
            if told not in unmarked and staged[0] != "#" and kind != "judgements":  # of which each shows two
                shown = [mark for place, mark in zip(places, marks, strict=True) if start < place <= end]
                labels = {anchor: label for label, anchor, _ in (*below, *shown)}
                hidden = [anchor for anchor in sentence["marks"] if anchor not in labels]
                strange = [anchor for label, anchor, _ in shown if label[0] != "+" and anchor not in sentence["marks"]]
                if len(hidden) > sum(int(label) for label in labels.values() if label[0] == "+"):
                    yield f"“{sentence['text']}” does not show the mark of #{hidden[0]}."
                elif strange:
                    yield f"“{sentence['text']}” shows the mark of #{strange[0]}, which is not its own."
            yield from self._sentence(sentence, own, kind == "table")
        for number in find_numbers(mask(text, self.names)):
            if claims(number).keys() - own:
                yield f"the number “{number}” stands in no sentence that the notebook wrote from the data."

    def _own(self, output: Output) -> set[str]:
        """List the numbers that a judgement's own row holds, which are ours: its horizon, its reasons."""
        ids = [one.get("judgement") for one in (output, *output.get("items", ()))]
        own = self.judgements[self.judgements["judgement_id"].isin(ids)].to_numpy().ravel()
        return {*claims(" ; ".join(map(str, [*own, output.get("yardstick", "")])), parts=True)}

    def _sentence(self, sentence: Mapping[str, Any], own: set[str], is_cell: bool) -> Iterator[str]:
        text, marks = sentence["text"], set(sentence["marks"])
        for number in find_numbers(mask(text, [*self.names, *(printed for printed, _ in sentence["printed"])])):
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
            allowed |= _worked_out([v for one in sums for v in self.ledger.records.get(one, {}).get("values", ())])
            if wrong := claims(mask(printed, self.names)).keys() - allowed:
                yield f"“{printed}” in “{text}” is not what {origin} gives: {', '.join(sorted(wrong))}."

    def _source(self, origin: str) -> tuple[set[str], set[str] | None]:
        """Return the anchors of which one stands beside a value, and the numbers borne out; None if it is unknown."""
        if origin in ("words", "date:as_of"):
            return set(), {*claims(date_text(self.ledger.parameters.as_of) if origin != "words" else "", parts=True)}
        record = self.ledger.records.get(origin, {})
        if record.get("values"):
            return {origin}, {*claims(" ; ".join(record["values"]), parts=True)}
        rows = record.get("rows", [origin])
        if not all(row in self.dataset for row in rows):
            return set(), None
        anchors = {origin} if record else {self.ledger.anchor(origin), *map("ev-{}".format, self.dataset.marks(origin))}
        return anchors, set().union(*(numbers(self.dataset, self.dataset.row(row)) for row in rows))


def _read(staged: str) -> str:
    """Return the text of Markdown as a reader sees it, with a sign where a mark stands."""
    text = _NOT_READ.sub(" ", _SPAN.sub(r"\1", MARK.sub(_SIGN, staged)))
    return " ".join(plain(text).replace("\\", "").split())


def _worked_out(values: Sequence[str]) -> set[str]:
    """Return numbers that formulas bear out together: “three of the five”, per cent, one in so many, “all but two”."""
    figures = {float(number) for number in claims(" ; ".join(values)) if re.fullmatch(r"\d+(\.\d+)?", number)}
    made = {n for one in figures - {0.0} for n in (one, one * 100, 1 / one, *(abs(one - other) for other in figures))}
    return {*claims(" ; ".join(number_text(round(number, 6)) for number in made))}
