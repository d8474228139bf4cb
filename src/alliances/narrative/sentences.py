"""One sentence: its placeholders filled, its numbers refused or certified, its marks set."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from alliances.analysis.evidence import NOTHING, Evidence
from alliances.analysis.facts import fact
from alliances.analysis.moments import Moment
from alliances.analysis.quantities import Quantity, Share
from alliances.analysis.subjects import is_subject, newest
from alliances.analysis.values import UNKNOWN, Names, Unknown, Value, Words
from alliances.dataset import Dataset
from alliances.dataset.problems import nearest
from alliances.errors import NarrativeError
from alliances.narrative.citing import Citing
from alliances.narrative.templates import PLACEHOLDER, Alternative
from alliances.text import numbers
from alliances.text.markdown import plain
from alliances.text.names import capital

__all__ = ["Rendered", "Teller"]

_EVIDENCE = re.compile(r"\s*\[(-?@[^\]]+)\]")
_CLAUSE = re.compile(r"\[-?@[^\]]+\](?P<after>[;,:])")
#: Signs that, set against a placeholder (here \x01), would make another number of it.
_GLUED = re.compile(r"\x01[.,]?\x01|[^\W_]\x01|[$€£%]\x01|(?<!\w)[-−]\x01|\x01(?:[^\W_]+|%|-fold)")
_UNSEEN = re.compile(r"[*_~`\u00ad\u200b-\u200f\u2060\ufeff]")
_CONTROL = re.compile(r"[\x00-\x1f]")
_PER_CENT = re.compile(r"per ?cent(?:age)?\b", re.IGNORECASE)
_FIGURE = re.compile(r"@((?:fig|tbl|sec)-[a-z0-9-]+)")
_PATH = re.compile(r"[A-Za-z0-9_-]+(?:\([A-Za-z0-9_.-]+\))?")


@dataclass
class Rendered:
    """A sentence as told in this edition.

    Attributes
    ----------
    markdown, plain : str
        With its marks, and without them.
    anchors : list of str
        Its evidence, those marks included that stand behind “+n”.
    printed : list of [str, str]
        What its placeholders printed, each with its origin.
    evidence : Evidence
        What it rests on.
    is_ours : bool
        Whether it is an inference of the report.
    has_own : bool
        Whether it has evidence of its own.
    """

    markdown: str
    plain: str
    anchors: list[str] = field(default_factory=list)
    printed: list[list[str]] = field(default_factory=list)
    evidence: Evidence = NOTHING
    is_ours: bool = False
    has_own: bool = False

    def record(self) -> dict[str, Any]:
        """Return it as JSON-ready values, for an output's metadata."""
        rows = list(self.evidence.all_rows)
        return {"text": self.plain, "marks": self.anchors, "rows": rows, "printed": self.printed, "ours": self.is_ours}


class Teller:
    """Fills sentences from the rows of an edition and the variables of a notebook.

    Parameters
    ----------
    dataset : Dataset
        The dataset, cut to the edition.
    citing : Citing
        Gives out the marks.
    """

    def __init__(self, dataset: Dataset, citing: Citing) -> None:
        self.dataset = dataset
        self.citing = citing

    @cached_property
    def numbered_names(self) -> list[str]:
        """Names of actors, formats and sources that hold a number, a number word or a month."""
        whole = self.dataset.complete
        names: list[str] = []
        for table, columns in (
            ("actors", ("name", "aliases")),
            ("alliances", ("name", "short_name", "aliases")),
            ("sources", ("short_name", "descriptor", "title", "publisher")),
        ):
            for column in columns:
                names += [part.strip() for cell in whole[table][column] for part in str(cell).split(";")]
        return [name for name in dict.fromkeys(names) if name and numbers.find_numbers(name)]

    # What a placeholder names

    def look_up(self, path: str, variables: Mapping[str, Any]) -> Value:
        """Return the value that a placeholder's path names; unknown where this edition does not know it.

        Rows and subjects go before variables.

        Raises
        ------
        NarrativeError
            If it names nothing; the message has the nearest id.
        """
        parts = _PATH.findall(path)
        if not parts or ".".join(parts) != path:
            raise NarrativeError(
                f"“{{{path}}}” is no placeholder; write a row id, a subject such as format.aspect or a variable"
            )
        value, rest = self._start(parts, variables)
        for part in rest:
            name, _, argument = part.partition("(")
            if name == "of":
                value = _part(value, self.look_up(argument.rstrip(")"), variables), path)
            else:
                value = value.attribute(name)
        return value

    def _start(self, parts: list[str], variables: Mapping[str, Any]) -> tuple[Value, list[str]]:
        first = parts[0]
        if first in self.dataset.complete:
            return self.row(first), parts[1:]
        subject = ".".join(parts[:2])
        if is_subject(self.dataset, subject):
            row = newest(self.dataset, subject)
            return (fact(self.dataset, row) if row else UNKNOWN), parts[2:]
        if first in variables:
            return _variable(first, variables[first]), parts[1:]
        if first in self.dataset.complete.names or first in self.dataset.complete.alliance_names:
            raise NarrativeError(
                f"no text of the dataset gives “{subject}”; edition.find({first!r}) lists what they give"
            )
        near = nearest(first, [*self.dataset.complete.row_ids, *(n for n in variables if not n.startswith("_"))])
        raise NarrativeError(
            f"“{{{first}}}” is neither a row of the dataset nor a variable of the notebook"
            + (f"; the nearest is “{near}”" if near else "")
        )

    def row(self, row_id: str) -> Value:
        """Return a row as a value; unknown where this edition does not know it.

        Raises
        ------
        NarrativeError
            If there is no such row.
        """
        whole = self.dataset.complete
        if row_id in whole and whole.row(row_id).table == "disagreements":
            ids = whole.row(row_id)["row_ids"]
            raise NarrativeError(
                f"“{row_id}” is a disagreement, which says nothing itself; name one of its rows, {ids}"
            )
        if row_id in self.dataset:
            return fact(self.dataset, self.dataset.row(row_id))
        if row_id in whole:
            return UNKNOWN
        near = nearest(row_id, self.dataset.complete.row_ids)
        raise NarrativeError(
            f"There is no row “{row_id}” in the dataset" + (f"; the nearest is “{near}”" if near else "")
        )

    # A sentence

    def tell(
        self, alternative: Alternative, variables: Mapping[str, Any], before: Evidence = NOTHING,
        marked: bool = True, refused: bool = True,
    ) -> Rendered | None:  # fmt: skip
        """Fill one alternative; None where its evidence is not known in this edition.

        Parameters
        ----------
        alternative : Alternative
            The template.
        variables : Mapping of str to object
            The notebook's variables.
        before : Evidence
            What the sentences before it rest on, for an inference that has nothing of its own.
        marked : bool
            Whether to set marks; a title carries none.
        refused : bool
            Whether a typed number is refused; a judgement's horizon is ours.

        Raises
        ------
        NarrativeError
            If it names nothing, or holds a number that nothing supports.
        """
        template = _FIGURE.sub(lambda m: f"\x00{m[1]}\x00", _CONTROL.sub("", alternative.text))
        bare = PLACEHOLDER.sub("·", _EVIDENCE.sub("", template))
        _refuse_signs(bare, template, alternative)
        for row_id in self._named(template, "-@"):
            self.row(row_id)
        if refused:
            self._refuse_numbers(bare, alternative.text)
        told = Rendered("", "", is_ours=alternative.is_ours)
        missing = False
        pieces: list[str] = []
        for clause in _clauses(template):
            filled = self._clause(clause, variables, told, marked and not alternative.is_ours)
            missing = missing or filled is None
            pieces.append(filled or "")
        if missing or (alternative.is_ours and not told.evidence and not before):
            return None
        return self._finish(told, "".join(pieces), alternative, before, marked)

    def _finish(
        self, told: Rendered, text: str, alternative: Alternative, before: Evidence, marked: bool
    ) -> Rendered:  # fmt: skip
        told.has_own = bool(told.evidence)
        if alternative.is_ours and marked:
            against = [i for i in self._named(alternative.text, "-@") if i in self.dataset]
            rests_on = told.evidence or before
            anchors = self.citing.anchors(told.evidence)
            anchors.append(self.citing.inference(plain(_clean(text)), rests_on, against))
            told.anchors += [a for a in anchors if a not in told.anchors]
            text += self.citing.write(anchors)
        told.markdown = capital(_FIGURE_BACK.sub(r"@\1", " ".join(text.split(" ")).strip()))
        told.plain = plain(told.markdown)
        return told

    def _clause(self, clause: str, variables: Mapping[str, Any], told: Rendered, marked: bool) -> str | None:
        """Fill a clause and set its marks behind it; None where something in it is unknown."""
        evidence: list[Evidence] = []
        known = True

        def fill(match: re.Match[str]) -> str:
            nonlocal known
            value = self.look_up(match["path"].strip(), variables)
            for typed in (match["one"], match["many"]):
                self._refuse_numbers(typed or "", match[0])
            printed = _printed(value, match)
            if not value or not printed:
                known = False
                return ""
            if match["words"] and not isinstance(value, Unknown):
                self._refuse_words(match["words"], value)
            evidence.append(value.evidence)
            told.printed.append([plain(printed), _origin(value, self.citing)])
            return printed

        text = PLACEHOLDER.sub(fill, clause)
        for row_id in self._named(clause, "@"):
            value = self.row(row_id)
            known = known and value is not UNKNOWN
            evidence.append(value.evidence)
        if not known:
            return None
        text = re.sub(r" {2,}", " ", _EVIDENCE.sub("", text))
        text = re.sub(r"(?<!\.)\.\.(?!\.)", ".", text)  # where a placeholder prints a whole sentence
        joined = Evidence.union(evidence)
        told.evidence = told.evidence | joined
        anchors = self.citing.anchors(joined)
        told.anchors += [a for a in anchors if a not in told.anchors]
        return text + (self.citing.write(anchors) if marked else "")

    def _named(self, text: str, sign: str) -> list[str]:
        """List the row ids of `[@row]`, or of `[-@row]`, which speak against."""
        parts = [part.strip() for group in _EVIDENCE.findall(text) for part in group.split(";")]
        return [part.removeprefix(sign) for part in parts if part.startswith(sign)]

    # Numbers

    def _refuse_numbers(self, bare: str, template: str) -> None:
        text = plain(re.sub("\x00[^\x00]*\x00", "", bare))
        found = numbers.find_numbers(numbers.mask(text, self.numbered_names))
        if found:
            raise NarrativeError(
                f"“{found[0]}” in “{_short(template)}” is typed and not taken from the data; "
                "write a placeholder such as {row_id}, {row_id.date.when} or a variable made with edition.count"
            )

    def _refuse_words(self, words: str, value: Value) -> None:
        if wrong := self._wrong(words, [value.text, value.words, *self._told(value.evidence)]):
            raise NarrativeError(
                f"“{wrong}” in the words “{words}” is not in what they point at ({value.text[:60] or 'no number'})"
            )

    def check_words(self, words: str, evidence: Evidence, call: str) -> None:
        """Refuse words that a notebook made, where they hold a number that no row of theirs gives.

        Raises
        ------
        NarrativeError
            If there is such a number.
        """
        if wrong := self.wrong(words, evidence):
            raise NarrativeError(f"{call} gives “{words[:60]}”, whose “{wrong}” no row of the frame gives")

    def wrong(self, words: str, evidence: Evidence) -> str:
        """Return the first number in words that no row of the evidence gives; "" if there is none."""
        return self._wrong(words, self._told(evidence))

    def check_typed(self, text: str) -> None:
        """Refuse a number in a text that is printed as it stands, the head of a column for instance."""
        _refuse_signs(text, text, Alternative(text, 0))
        self._refuse_numbers(text, text)

    def _wrong(self, words: str, texts: Sequence[str]) -> str:
        """Return the first number, or sign of a unit, of words that these texts do not hold; "" if there is none."""
        bare = numbers.mask(words, self.numbered_names)
        found = numbers.claims(bare)
        if "May" not in numbers.find_numbers(bare):
            found.pop("may", None)
        allowed = {claim for text in texts for claim in numbers.claims(text, parts=True)}
        wrong = [said for claim, said in found.items() if claim not in allowed]
        said = _PER_CENT.sub("%", " ".join(texts))
        return next(iter([*wrong, *(sign for sign in "%$€£" if found and sign in words and sign not in said)]), "")

    def _told(self, evidence: Evidence) -> list[str]:
        """List the texts of what values rest on: their rows' cells and quotations."""
        texts: list[str] = []
        for row_id in evidence.all_rows:
            row = self.dataset.row(row_id)
            known = fact(self.dataset, row)
            texts += [self.dataset.quote(q).exact for q in row.quote_ids]
            texts += [str(known), known.words, *(f.text for f in known.fields.values())]
            texts += [f.iso for f in (known, *known.fields.values()) if isinstance(f, Moment)]
        return texts

    def supported(self, value: Value) -> list[str]:
        """List the numbers that a value's own text, rows and quotations hold."""
        texts = [value.text, value.words, *self._told(value.evidence)]
        return [number for text in texts for number in numbers.find_numbers(text)]


_FIGURE_BACK = re.compile("\x00([^\x00]*)\x00")


def _clauses(template: str) -> list[str]:
    """Split a sentence where `[@row]` stands before a semicolon, comma or colon: marks are set there."""
    parts, start = [], 0
    for match in _CLAUSE.finditer(template):
        parts.append(template[start : match.end()])
        start = match.end()
    return [*parts, template[start:]]


def _refuse_signs(bare: str, template: str, alternative: Alternative) -> None:
    """Refuse what is no complete placeholder or mark of evidence, and what would make another number of one."""
    if "#ev-" in bare:
        raise NarrativeError(f"“{_short(alternative.text)}” sets a mark by hand; write [@row_id], which sets its own")
    if glued := _GLUED.search(_UNSEEN.sub("", PLACEHOLDER.sub("\x01", _EVIDENCE.sub("", template)))):
        sign = glued[0].replace("\x01", "{…}")
        raise NarrativeError(f"“{sign}” in “{_short(alternative.text)}” changes what a placeholder prints; set a space")
    if found := re.search(r"[{}]", bare):
        raise NarrativeError(
            f"“{found[0]}” in “{_short(alternative.text)}” belongs to no placeholder; "
            "write {name}, {name:words} or {name|one|many}"
        )
    ids = [part.strip() for group in _EVIDENCE.findall(template) for part in group.split(";")]
    if wrong := [part for part in ids if not part.lstrip("-").startswith("@")] + re.findall(r"\[-?@\s*\]", bare):
        raise NarrativeError(
            f"“{wrong[0]}” in “{_short(alternative.text)}” names no row; write [@row_id] or [@row_id; @row_id]"
        )
    if not alternative.is_ours and any(part.startswith("-@") for part in ids):
        raise NarrativeError(
            f"“{_short(alternative.text)}” names with [-@…] what speaks against it; that is for an inference, ours:"
        )


def _part(value: Value, whole: Value, path: str) -> Value:
    """Set a value beside the whole that it is part of."""
    if isinstance(value, Unknown) or isinstance(whole, Unknown):
        return UNKNOWN
    if not isinstance(value, Quantity) or not isinstance(whole, Quantity):
        raise NarrativeError(
            f"“{{{path}}}” sets beside each other what is no number; .of() needs a count on both sides"
        )
    return value.of(whole)


def _clean(markdown: str) -> str:
    return _FIGURE_BACK.sub("", markdown)


def _variable(name: str, value: Any) -> Value:
    if isinstance(value, Value):
        return value
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        found = numbers.find_numbers(value)
        if not found:
            return Words(value)
        raise NarrativeError(f"The variable {name} is the text “{value[:60]}”, whose “{found[0]}” nothing supports")
    raise NarrativeError(
        f"The variable {name} is {' '.join(repr(value).split())[:60]}, a bare value that nothing supports; "
        "take it from a frame with edition.count, edition.names or edition.value, or from edition[row_id]"
    )


def _printed(value: Value, match: re.Match[str]) -> str:
    words = match["words"]
    if words is not None and not words.strip():
        raise NarrativeError(f"“{match[0]}” has no words after its colon; write {{{match['path']}}} to print the value")
    count = value.part if isinstance(value, Share) else value
    printed = words if words is not None else value.words
    printed = value.phrase(words or "") if isinstance(value, Share) else printed
    if match["many"] is None or isinstance(value, Unknown):
        return printed
    if isinstance(count, Names):
        is_one = len(count) == 1
    elif isinstance(count, Quantity):
        is_one = count.low == count.high == 1 and not count.bound
    else:
        raise NarrativeError(f"“{match[0]}” chooses between one and many, and {value.text[:60]!r} is no number or list")
    return f"{printed} {match['one'] if is_one else match['many']}"


def _origin(value: Value, citing: Citing) -> str:
    evidence = value.evidence
    if len(evidence.rows) == 1 and not evidence.formulas:
        return evidence.rows[0]
    anchors: list[str] = citing.anchors(evidence)
    if isinstance(value, Moment) and not anchors:
        return "date:as_of"
    return anchors[-1] if anchors else "words"


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:78].rstrip()} …"
