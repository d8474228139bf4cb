"""The language of `edition.write`: which sentences of a text stand, their placeholders filled, their marks set."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
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
_LABEL = re.compile(r"(then|opens|ours|else):(?:\s+|$)")
_MISTYPED = re.compile(r"(?:then|opens|ours|else)\s*:", re.IGNORECASE)
_END = re.compile(r"([.?!:])[”’\"')*_]*$")
_INNER_END = re.compile(r"(?<!\b[A-Z])(?<!\be\.g)(?<!\bi\.e)[.?!][”’\"')*_]*\s+(?=[“‘\"(*_]*[A-Z{])")
_LEAD = re.compile(r"^((?:(?:then|opens|ours|else):\s+)*)(#{1,3}|[-*]|\d+\.)\s+")
#: What only some of JupyterLab, page and PDF would show: HTML, pictures, code, quotations, tables, deep headings.
_FOREIGN = re.compile(r"(?<!\\)</?[A-Za-z!][^>]*>|!\[[^\]]*\]|(?<!\\)`+|^(?:>|\||~~~|:::|#{4,}|\$\$).*|\\$")
_HEADING, _BULLET = re.compile(r"#{1,3} "), re.compile(r"(?:[-*]|\d+\.)\s+")
#: A sentence that begins so needs the sentence before it.
_LEANING = re.compile(r"(?:But|So|Too|Its?|He|His|She|Her|The[ym]|Their|That|Th[eo]se|Therefore|Hence|Yet|This)\b")


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


#: A sentence, then what follows else: the first that is known is told.
Slot = list[Alternative]
#: A heading, paragraph or list: how it begins (#, ##, ###, -, * or a number with a point; "" for a paragraph), and its
#: sentences; after a bare `else:` line, those told where no sentence of the former is.
Block = tuple[str, list[list[Slot]]]


class Writer:
    """Tells sentences from an edition's rows and a notebook's variables, and remembers what stands of those before."""

    def __init__(self, dataset: Dataset, citing: Citing) -> None:
        self.dataset, self.citing = dataset, citing
        self.variables: Mapping[str, Any] = {}  # of the cell that is run
        self.at, self.before = "", NOTHING  # its line that is told, as typed; what the sentences before it rest on

    def write(self, text: str) -> tuple[str, list[Rendered], list[str]]:
        """Tell those sentences of a text, as `Exhibits.write` documents it, whose evidence this edition knows.

        Return the Markdown, its sentences, headings too, and what fell although its rows are known. NarrativeError
        where a sentence does not end, two stand in one, a label means nothing, or whatever `tell` refuses.
        """
        self._marked, self._last_stands, self.before, self._fallen = True, True, NOTHING, list[str]()
        blocks = [(kind, self._block(kind, ways)) for kind, ways in self._blocks(text)]
        for (kind, told), (below, listed) in pairwise(blocks):
            if below[:1] not in ("", "#") and not (kind or listed) and told and told[-1].plain.endswith(":"):
                told.pop()  # it goes on in a list of which nothing is known
        texts, sentences = list[str](), list[Rendered]()
        for number, (kind, told) in enumerate(blocks, 1):
            ends = [n for n, (below, _) in enumerate(blocks) if n >= number and 0 < below.count("#") <= len(kind)]
            body = [bool(each) for below, each in blocks[number : min(ends, default=None)] if below[:1] != "#"]
            if told and (kind[:1] != "#" or not body or any(body)):  # without a body, one may follow in another cell
                lead = "{}. " if kind[-1:] == "." else f"{kind.replace('*', '-')} ".lstrip()
                lines = [lead.format(at) + sentence.markdown for at, sentence in enumerate(told, 1)]
                texts.append(("\n" if kind else " ").join(lines))
                sentences += told
        return "\n\n".join(texts), sentences, self._fallen

    def line(self, text: str, marked: bool = True) -> tuple[str, list[Rendered]]:
        """Tell a short text, a title or a caption for instance, which need not end; a title carries no marks."""
        self._marked, self._last_stands, self.before, self._fallen = marked, True, NOTHING, []
        slots: list[Slot] = []
        for _, sentence in _sentences([line for line in self._lines(text) if line]):
            self._add(slots, sentence, " ".join(sentence))
        sentences, self.at = self._paragraph(slots), ""
        return " ".join(sentence.markdown for sentence in sentences), sentences

    def _blocks(self, text: str) -> list[Block]:
        """Split a text into blocks and sentences."""
        blocks: list[Block] = []
        for is_first, sentence in _sentences(self._lines(text)):
            words, self.at = " ".join(sentence), sentence[0]
            if is_first and (words != "else:" or not blocks):
                lead = _LEAD.match(words)
                blocks.append((lead[2] if lead else "", [[]]))
            kind, ways = blocks[-1]
            is_title = kind[:1] == "#"
            if words == "else:":
                refuse(is_title, "else: has no paragraph above it; write else: and another title on one line")
                ways.append([])
                continue
            refuse(not is_title and not _END.search(words), f"“{shorten(words)}” does not end; set a full stop")
            self._add(ways[-1], sentence, _LEAD.sub(r"\1", words) if kind else words, is_title)
        return blocks

    def _lines(self, text: str) -> list[str]:
        refuse(not isinstance(text, str), f"{text!r:.60} is no text; write a template in quotation marks")
        lines = [line.strip() for line in text.splitlines()]
        why = "is not the same in JupyterLab, page and PDF; write sentences, lists with - or 1. and *emphasis*"
        for line in lines:
            self.at, found = line, _FOREIGN.findall(line)
            refuse(found, f"“{shorten(''.join(found[:1]))}” {why}, and use edition.table")
        return lines

    def _add(self, slots: list[Slot], typed: list[str], text: str, is_title: bool = True) -> None:
        """Add a sentence behind its labels, or another way of saying the one above."""
        labels, self.at = set[str](), typed[0]
        while match := _LABEL.match(text):
            labels.add(match[1])
            text = text[match.end() :]
        said, bare = f"“{shorten(text)}”", PLACEHOLDER.sub("Xx", text)
        refuse(not text, f"the label {', '.join(sorted(labels))}: has no sentence; write one behind it")
        if not is_title:
            leans = not labels & {"then", "else"} and _LEANING.match(bare.lstrip("“‘*_("))
            refuse(_MISTYPED.match(text), f"{said} begins with no label; write it small and with a space, ours: …")
            refuse(_INNER_END.search(bare), f"{said} holds two sentences; give each its own line: each stands alone")
            refuse(leans, f"{said} leans on the sentence before it; write then: before it, so that both fall")
        if "else" not in labels:
            slots.append([])
        refuse(not slots, "else: has no sentence above it in its paragraph; a fact box has no else:")
        slots[-1].append(Alternative(text, typed[0], labels))

    def _block(self, kind: str, ways: list[list[Slot]]) -> list[Rendered]:
        """Tell a block, or the first of its alternatives of which something stands."""
        if kind[:1] == "#":
            return list(filter(None, [self._first(ways[0][0], marked=False)]))
        self.before = NOTHING
        return next(filter(None, map(self._paragraph, ways)), [])

    def _paragraph(self, slots: list[Slot]) -> list[Rendered]:
        """Tell the sentences of a paragraph that stand: on their own evidence, and with the one before or after."""
        told: list[Rendered | None] = []
        for slot in slots:
            told.append(one := self._first(slot, self._marked))
            self.before = self.before | (one.evidence if one else NOTHING)
            named = [word for word in re.findall(r"[\w-]+", slot[0].text) if word in self.dataset.complete]
            if not one and named and all(row_id in self.dataset for row_id in named):
                self._fallen.append(slot[0].text)  # unlike its rows, something that is made of them is not known
        bare = [one is not None and not (one.is_ours or one.evidence) for one in told]  # with no evidence of their own
        nexts, follows, found = list[bool](), True, list[Rendered]()
        for slot, one, is_plain in zip(reversed(slots), reversed(told), reversed(bare), strict=True):
            nexts.insert(0, follows)  # whether the next sentence with evidence of its own stands
            follows = follows if is_plain else one is not None and (follows or "opens" not in slot[0].labels)
        for number, (slot, one, is_plain, follows) in enumerate(zip(slots, told, bare, nexts, strict=True)):
            before, goes_on = self._last_stands, "opens" in slot[0].labels or (is_plain and not number)
            stands = follows if goes_on else before or not is_plain
            self._last_stands = one is not None and stands and (before or "then" not in slot[0].labels)
            found += [one] if one and self._last_stands else []
        return found

    def _first(self, slot: Slot, marked: bool) -> Rendered | None:
        """Return the first alternative that is known; the others are read too, so that a fault in them shows."""
        return next(filter(None, [self.tell(alternative, marked) for alternative in slot]), None)

    def look_up(self, path: str) -> Any:
        """Return what a placeholder's path names (rows and subjects first), or unknown; NarrativeError if nothing."""
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

        An inference with nothing of its own rests on what the sentences before it do. A title is not `marked`; numbers
        typed into a judgement are not `refused`. NarrativeError if it names nothing, or a number that nothing supports.
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


def _sentences(lines: list[str]) -> Iterator[tuple[bool, list[str]]]:
    """Group lines into sentences, and say which are the first of a block.

    A sentence ends in a full stop, before a label, and at a colon unless words follow it; a block ends at an empty
    line, before and after a heading, and where a list follows a sentence.
    """
    current, first, is_first = list[str](), "", True
    for line in [*lines, ""]:
        end = _END.search(current[-1]) if current and current != ["else:"] else None
        is_item = _BULLET.match(line)
        is_new = not line or _HEADING.match(line) or (is_item and end and not _BULLET.match(first))
        is_new = is_new or (_HEADING.match(first) and not line.startswith("else: "))
        is_over = is_new or current == ["else:"] or _LABEL.match(line) or (end and (end[1] != ":" or is_item))
        if current and is_over:
            yield is_first, current
            current, is_first = [], False
        is_first = is_first or bool(is_new)
        first = line if is_new or first in ("", "else:") else first
        current += [line] if line else []


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
