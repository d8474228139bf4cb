"""One sentence: its placeholders filled, its numbers refused or certified, its marks set."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from alliances.analysis.facts import by_text, fact, newest, texts_of
from alliances.analysis.quantities import Moment, Quantity, Share
from alliances.analysis.values import NOTHING, UNKNOWN, Evidence, Names, Unknown, Value
from alliances.dataset import Dataset
from alliances.dataset.problems import nearest_words, shorten
from alliances.errors import NarrativeError, refuse
from alliances.narrative.citing import Citing
from alliances.text import numbers
from alliances.text.markdown import capital, escape, plain

PLACEHOLDER = re.compile(r"\{(?P<path>[^{}:|]+)(?:\|(?P<one>[^{}|]*)\|(?P<many>[^{}|:]*))?(?::(?P<words>[^{}]*))?\}")
_EVIDENCE = re.compile(r"\s*\[(-?@[^\]]*)\]")
#: Where evidence stands before a semicolon, comma or colon, its marks are set there.
_CLAUSE = re.compile(r".*?\[-?@[^\]]+\][;,:]|.+", re.DOTALL)
#: Signs that, set against a placeholder (here \x01), would make another number of it.
_GLUED = re.compile(r"\x01[.,]?\x01|[^\W_]\x01|[$€£%]\x01|(?<!\w)[-−]\x01|\x01(?:[^\W_]+|%|-fold)")
_UNSEEN = re.compile(r"[*_~`\u00ad\u200b-\u200f\u2060\ufeff]")
#: A reference to an exhibit, in which a digit is no number.
_REFERENCE = re.compile(r"@(?:fig|tbl|sec)-[a-z0-9-]+")
_PATH = re.compile(r"[A-Za-z0-9_-]+(?:\([A-Za-z0-9_.-]+\))?")


class Alternative(NamedTuple):
    """One way of saying a sentence: its template on one line, its first line as typed, its labels without colons."""

    text: str
    line: str = ""
    labels: Collection[str] = ()


@dataclass
class Rendered:
    """A sentence as told in this edition."""

    markdown: str  # with its marks
    plain: str  # without them
    anchors: dict[str, str] = field(default_factory=dict)  # of its evidence, those included that stand behind “+n”
    printed: list[list[str]] = field(default_factory=list)  # what its placeholders printed, each with its origin
    evidence: Evidence = NOTHING
    is_ours: bool = False  # whether it is an inference of the report


class Teller:
    """Fills sentences from the rows of a dataset, which is cut to the edition, and the variables of a notebook."""

    def __init__(self, dataset: Dataset, citing: Citing) -> None:
        self.dataset, self.citing = dataset, citing
        self.variables: Mapping[str, Any] = {}  # of the cell that is run
        self.at, self.before = "", NOTHING  # its line that is told, as typed; what the sentences before it rest on

    def look_up(self, path: str) -> Any:
        """Return the value that a placeholder's path names; unknown where this edition does not know it.

        Rows and subjects go before variables. NarrativeError, with the nearest id, if it names nothing.
        """
        parts = _PATH.findall(path)
        why = f"“{{{path}}}” is no placeholder; write a row id, a subject such as format.aspect or a variable"
        refuse(not parts or ".".join(parts) != path, why)
        subject, rest = ".".join(parts[:2]), parts[1:]
        if parts[0] not in self.dataset.complete and by_text(self.dataset.complete, subject):
            row, rest = newest(self.dataset, subject), parts[2:]
            value: Any = fact(self.dataset, row) if row else UNKNOWN
        else:
            value = self.row(parts[0], subject)
        for name, _, argument in (part.partition("(") for part in rest):
            if name == "of":
                whole = self.look_up(argument.rstrip(")"))
                refuse({type(value), type(whole)} - {Quantity, Unknown}, f"“{{{path}}}”: .of() needs two counts")
            value = value.of(whole) if name == "of" else value.attribute(name)
        return value

    def row(self, name: str, subject: str = "") -> Value:
        """Return a row, or the variable with which a `subject` begins; NarrativeError, with the nearest, if neither."""
        whole, variables = self.dataset.complete, self.variables if subject else {}
        if name in whole:
            refuse(whole.row(name).table == "disagreements", f"“{name}” is a disagreement; name a row that it tells of")
            return fact(self.dataset, self.dataset.row(name)) if name in self.dataset else UNKNOWN
        if name not in variables:
            near = nearest_words(name, [*whole.row_ids, *(n for n in variables if not n.startswith("_"))])
            what = "is no row or subject of the dataset and no variable of the notebook"
            raise NarrativeError(f"“{{{subject or name}}}” {what}{near}")
        value = UNKNOWN if variables[name] is None else variables[name]
        if isinstance(value, Value):
            return value
        bare = numbers.find_numbers(value) if isinstance(value, str) else [shorten(repr(value), 60)]
        why = "a bare value that nothing supports; take it from a frame with edition.count, .names or .value"
        refuse(bare, f"The variable {name} holds “{', '.join(bare)}”, {why}, or write edition[row_id]")
        return Value(value)

    def tell(self, alternative: Alternative, marked: bool = True, refused: bool = True) -> Rendered | None:
        """Fill one alternative; None where its evidence is not known in this edition.

        An inference that has nothing of its own rests on what the sentences before it do. A title is not `marked`; in
        a judgement, whose horizon is ours, typed numbers are not `refused`. NarrativeError if it names nothing, or a
        number that nothing supports.
        """
        template, self.at = alternative.text, alternative.line
        bare = PLACEHOLDER.sub(r"· \g<one> · \g<many> ·", _EVIDENCE.sub("", _REFERENCE.sub("", template)))
        glued = _GLUED.search(_UNSEEN.sub("", PLACEHOLDER.sub("\x01", _EVIDENCE.sub("", template))))
        typed = numbers.find_numbers(numbers.mask(plain(bare), self.dataset.complete.numbered_names)) if refused else []
        for found, why in (
            ([glued[0].replace("\x01", "{…}")] if glued else [], "changes what a placeholder prints; set a space"),
            (re.findall(r"[{}]", bare), "belongs to no placeholder; write {name}, {name:words} or {name|one|many}"),
            ([one for one in _named(template) if one.lstrip("-")[:1] != "@"], "names no row; write [@row_id; @row_id]"),
            (typed, "is typed and not taken from the data; write {row_id}, {row_id.date.when} or an edition.count"),
        ):
            refuse(found, f"“{''.join(found[:1])}” in “{shorten(template, 80)}” {why}")
        against = [row_id for row_id in _named(template, "-@") if self.row(row_id) is not UNKNOWN]
        told = Rendered("", "", is_ours="ours" in alternative.labels)
        filled = [self._clause(clause, told, marked and not told.is_ours) for clause in _CLAUSE.findall(template)]
        if None in filled or (told.is_ours and not told.evidence and not self.before):
            return None
        text = "".join(filter(None, filled))
        if told.is_ours and marked:
            statement = plain(_REFERENCE.sub("", text))
            told.anchors[self.citing.inference(statement, told.evidence or self.before, against)] = ""
            text += self.citing.write(told.anchors)
        told.markdown = capital(text.strip())
        told.plain = plain(told.markdown)
        return told

    def _clause(self, clause: str, told: Rendered, marked: bool) -> str | None:
        """Fill a clause and set its marks behind it; None where something in it is unknown."""
        values: list[Value] = []

        def fill(match: re.Match[str]) -> str:
            value = self.look_up(match["path"].strip())
            printed = _printed(value, match)
            values.append(value if value and printed else UNKNOWN)
            if values[-1] is not UNKNOWN:
                words, at = match["words"] or "", value.text[:60] or "no number"
                wrong = self.wrong(words, value.evidence, value.text, value.words)
                refuse(wrong, f"“{wrong}” in the words “{words}” is not in what they point at ({at})")
                origins = [*value.evidence.rows]
                if len(origins) != 1 or value.evidence.formulas:
                    origins = ["date:as_of" if isinstance(value, Moment) else "words"]
                    origins += self.citing.anchors(value.evidence)
                told.printed.append([plain(printed), origins[-1]])
            return printed

        text = PLACEHOLDER.sub(fill, clause)
        values += map(self.row, _named(clause, "@"))
        if UNKNOWN in values:
            return None
        text = re.sub(r" {2,}", " ", _EVIDENCE.sub("", text))
        text = re.sub(r"(?<!\.)\.\.(?!\.)", ".", text)  # where a placeholder prints a whole sentence
        evidence = Evidence.union(value.evidence for value in values)
        told.evidence = told.evidence | evidence
        anchors = self.citing.anchors(evidence)
        told.anchors |= anchors
        return text + (self.citing.write(anchors) if marked else "")

    def wrong(self, words: str, evidence: Evidence, *texts: str) -> str:
        """Return the first number, or sign of a unit, in words that neither evidence nor texts give; "" if none."""
        bare = numbers.mask(words, self.dataset.complete.numbered_names)
        is_month = "May" in numbers.find_numbers(bare)
        found = {claim: word for claim, word in numbers.claims(bare).items() if is_month or claim != "may"}
        if not found:
            return ""
        told = [*texts, *(text for row_id in evidence.all_rows for text in texts_of(self.dataset, row_id))]
        allowed = {claim for text in told for claim in numbers.claims(text, parts=True)}
        said = re.sub(r"(?i)per ?cent(?:age)?\b", "%", " ".join(told))
        wrong = [number for claim, number in found.items() if claim not in allowed]
        wrong += [sign for sign in "%$€£" if sign in words and sign not in said]
        return next(iter(wrong), "")


def _named(text: str, sign: str = "") -> list[str]:
    """List the row ids of `[@row]`, or of `[-@row]`, which speak against, or whatever stands there."""
    parts = (part.strip() for group in _EVIDENCE.findall(text) for part in group.split(";"))
    return [part.removeprefix(sign) for part in parts if part.startswith(sign)]


def _printed(value: Value, match: re.Match[str]) -> str:
    """Print a value as its placeholder asks for: its own words or others, and what agrees with one or many."""
    words = match["words"]
    refuse(words is not None and not words.strip(), f"“{match[0]}” has no words after its colon; write them")
    is_text = type(value) in (Value, Names)  # from a cell, which is no Markdown; numbers and dates need no escape
    printed, count = words or (escape(value.words) if is_text else value.words), value
    if isinstance(value, Share):
        printed, count = value.phrase(words or ""), value.part
    if match["many"] is None or isinstance(value, Unknown):
        return printed
    number: Any = len(count) if isinstance(count, Names) else count
    refuse(not isinstance(number, (int, Quantity)), f"“{match[0]}” chooses between one and many by no number or list")
    return f"{printed} {match['one'] if number == 1 else match['many']}"
