"""Every number of the report is a link: find the links, and find what is not one.

The staged Markdown is read with Pandoc, so that what is checked is what is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import islice
from typing import Any

from alliances import pandoc
from alliances.dataset import Dataset, Row
from alliances.execution.cache import Cache, kept_json, key_of
from alliances.execution.digests import library_digest
from alliances.parts import take_apart
from alliances.prose.values import MONTHS, date_text, number_text, quantity_text

NUMBER_WORDS = (
    (
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand "
        "thousands million millions billion billions half dozen dozens decade decades twice both"
    )
    .replace(" both", "")
    .split()
)
NAMES_WITH_DIGITS = ("Altius 600m", "Altius 700m", "PDF/UA-1", "WCAG 2.2")
EXEMPT_SECTIONS = (
    "sec-annex-parameters",
    "sec-annex-evidence",
    "sec-annex-derived",
    "sec-annex-reference",
    "sec-annex-sources",
)

_ANCHORS = ("Header", "Div", "Span", "Figure", "Table", "Image", "Link")
_EVIDENCE = re.compile(r"#(ev|calc|ref)-")
_MONTH = "|".join(MONTHS)
_DATE = re.compile(rf"(?:(?P<day>\d{{1,2}}) )?(?P<month>{_MONTH}) (?P<year>\d{{4}})")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?: (?:trillion|billion|million))?%?")
_WORD = re.compile(rf"\b(?:{'|'.join(NUMBER_WORDS)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Link:
    """A printed value and where its link leads.

    Parameters
    ----------
    text : str
        The value as printed.
    target : str
        Anchor, ``ev-…``, ``calc-…`` or ``ref-…``.
    section : str
        Label of the chapter in which it stands.
    """

    text: str
    target: str
    section: str


@dataclass(frozen=True)
class Loose:
    """A number that is not linked.

    Parameters
    ----------
    token : str
        The number or number word.
    context : str
        The words around it.
    section : str
        Label of the chapter in which it stands.
    """

    token: str
    context: str
    section: str


@dataclass(frozen=True)
class Walk:
    """What a walk over the staged Markdown found.

    Parameters
    ----------
    links : list of Link
        Links to evidence, formulas and reference facts in reading order.
    loose : list of Loose
        Numbers outside links, outside the exempt sections.
    anchors : set of str
        All anchors that the document defines.
    """

    links: list[Link]
    loose: list[Loose]
    anchors: set[str]


def walk(markdown: str, cache: Cache | None = None) -> Walk:
    """Read a staged chapter; as :func:`walk_all` for one."""
    return walk_all([markdown], cache)[0]


def walk_all(chapters: Sequence[str], cache: Cache | None = None) -> list[Walk]:
    """Read staged chapters, what has not been read before, and list their links, loose numbers and anchors."""
    divided = [take_apart(chapter) for chapter in chapters]
    parts = [(text, chapter.label) for chapter in divided for text in (chapter.text, *chapter.runs)]

    def read(places: list[int]) -> list[dict[str, list[Any]]]:
        documents = pandoc.parse_all([parts[place][0] for place in places], cache)
        walks = [_walk(document, parts[place][1]) for place, document in zip(places, documents, strict=True)]
        return [
            {
                "links": [astuple(link) for link in found.links],
                "loose": [astuple(loose) for loose in found.loose],
                "anchors": sorted(found.anchors),
            }
            for found in walks
        ]

    # What counts as a number is said here, and in the modules that this one stands on.
    keys = [key_of(pandoc.text_key(text), label, library_digest()) for text, label in parts]
    found = iter(kept_json(cache, "walks", keys, read))
    return [join(_restored(lists) for lists in islice(found, 1 + len(chapter.runs))) for chapter in divided]


def _restored(lists: dict[str, list[Any]]) -> Walk:
    return Walk(
        [Link(*link) for link in lists["links"]], [Loose(*loose) for loose in lists["loose"]], set(lists["anchors"])
    )


def _walk(document: pandoc.Document, section: str) -> Walk:
    found = Walk([], [], set())
    for block in document["blocks"]:
        if block["t"] == "Header" and block["c"][0] == 1:
            section = block["c"][1][0]
        named = (pandoc.label(element) for element in pandoc.elements(block) if element["t"] in _ANCHORS)
        found.anchors.update(filter(None, named))
        _read(block, section, found)
    return found


def join(walks: Iterable[Walk]) -> Walk:
    """Join the walks over parts of a report, in their order."""
    whole = Walk([], [], set())
    for part in walks:
        whole.links.extend(part.links)
        whole.loose.extend(part.loose)
        whole.anchors.update(part.anchors)
    return whole


def plain(inlines: Any) -> str:
    """Return the text of Pandoc inlines; links and citations leave a mark that is no number."""
    return "".join(_plain(inlines, links=True))


def _plain(node: Any, *, links: bool) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _plain(item, links=links)
    elif isinstance(node, dict):
        kind: str = node.get("t", "")
        content: Any = node.get("c")
        if kind == "Str":
            yield str(content)
        elif kind in ("Space", "SoftBreak", "LineBreak"):
            yield " "
        elif kind == "Link":
            evidence = _EVIDENCE.match(content[2][0]) and not links
            yield from iter("\N{OBJECT REPLACEMENT CHARACTER}") if evidence else _plain(content[1], links=links)
        elif kind in ("Cite", "Code", "RawInline", "Math"):
            yield "\N{OBJECT REPLACEMENT CHARACTER}"
        elif kind == "Note":
            for run in _inline_runs(content):
                yield from (" ", *_plain(run, links=links))
        elif kind == "Quoted":
            yield from ("“", *_plain(content[1], links=links), "”")
        elif kind in ("Span", "Image"):
            yield from _plain(content[1], links=links)
        elif kind in ("Emph", "Strong", "Underline", "Strikeout", "Superscript", "Subscript", "SmallCaps"):
            yield from _plain(content, links=links)


def _read(block: dict[str, Any], section: str, found: Walk) -> None:
    for inlines in _inline_runs(block):
        for node in _links_in(inlines):
            target = node["c"][2][0]
            if _EVIDENCE.match(target):
                found.links.append(Link(plain(node["c"][1]), target[1:], section))
        if section in EXEMPT_SECTIONS:
            continue
        text = "".join(_plain(inlines, links=False))
        for name in NAMES_WITH_DIGITS:
            text = text.replace(name, "")
        for pattern in (_NUMBER, _WORD):
            for match in pattern.finditer(text):
                context = text[max(0, match.start() - 40) : match.end() + 40].strip()
                found.loose.append(Loose(match.group(), context, section))


def _inline_runs(node: Any) -> Iterator[list[Any]]:
    """Yield each run of inlines (a paragraph, a heading, a cell, a caption) once."""
    if isinstance(node, dict):
        kind: str = node.get("t", "")
        content: Any = node.get("c")
        if kind in ("Para", "Plain"):
            yield content
        elif kind == "Header":
            yield content[2]
        elif kind in ("CodeBlock", "RawBlock"):
            return
        elif kind == "Figure":
            yield from _inline_runs(content[1])  # its image holds the caption once more
        elif kind == "LineBlock":
            yield from content
        elif kind == "DefinitionList":
            for term, definitions in content:
                yield term
                yield from _inline_runs(definitions)
        elif content is not None:
            yield from _inline_runs(content)
    elif isinstance(node, list):
        for item in node:
            yield from _inline_runs(item)


def _links_in(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("t") == "Link":
            yield node
        elif "c" in node:
            yield from _links_in(node["c"])
    elif isinstance(node, list):
        for item in node:
            yield from _links_in(item)


def tokens(text: str) -> set[str]:
    """Split a printed text into its dates (ISO), numbers and number words."""
    found: set[str] = set()

    def take(match: re.Match[str]) -> str:
        month = f"{MONTHS.index(match['month']) + 1:02d}"
        day = f"-{int(match['day']):02d}" if match["day"] else ""
        found.add(f"{match['year']}-{month}{day}")
        return " "

    rest = _DATE.sub(take, text)
    for shared in re.finditer(r"(\d[\d,.]*)–(?:\d[\d,.]*)( (?:trillion|billion|million))", rest):
        found.add(shared.group(1) + shared.group(2))
    rest = re.sub(r"(\d[\d,.]*)–(?=\d[\d,.]* (?:trillion|billion|million))", " ", rest)
    found |= {match.group() for match in _NUMBER.finditer(rest)}
    return found | {match.group().lower() for match in _WORD.finditer(rest)}


def allowed_tokens(dataset: Dataset, quote_id: str) -> set[str]:
    """List what a link to a quotation may print: values, bounds and dates of the rows that use it."""
    allowed: set[str] = set()
    source = dataset.source(dataset.quote(quote_id).source_id)
    allowed |= tokens(source.descriptor)
    for row in dataset.rows_using(quote_id):
        allowed |= _row_tokens(row)
    return allowed


def _row_tokens(row: Row) -> set[str]:
    allowed: set[str] = set()
    for column, value in row.values.items():
        if column in ("value_low", "value_high") and value == value and value is not None:
            allowed |= tokens(number_text(value)) | {f"{int(value)}"}
        elif isinstance(value, str) and value:
            if re.fullmatch(r"\d{4}(-\d{2}){0,2}", value):
                allowed |= {value, value[:7], value[:4]} | tokens(date_text(value))
            elif column == "duration":
                allowed |= set(re.findall(r"\d+", value))
            elif column not in ("quote_ids", "source_id"):
                allowed |= tokens(value)
    if row.table == "observations":
        allowed |= tokens(quantity_text(row.values))
    return allowed


def wrong_values(dataset: Dataset, links: list[Link], figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Compare each printed value with the rows, formula or reference fact that its link names.

    Parameters
    ----------
    dataset : Dataset
        The dataset of the edition.
    links : list of Link
        Links as :func:`walk` finds them.
    figures : Mapping of str to Mapping
        Derived figures and reference facts by anchor.

    Returns
    -------
    list of str
        One sentence for each printed value that its target does not bear out.
    """
    problems = []
    cache: dict[str, set[str]] = {}
    known_quotes = set(dataset["quotes"]["quote_id"])
    for link in links:
        kind, _, name = link.target.partition("-")
        if link.target not in cache:
            if kind == "ev" and name in known_quotes:
                cache[link.target] = allowed_tokens(dataset, name)
            elif link.target in figures:
                figure = figures[link.target]
                cache[link.target] = tokens(f"{figure['text']} ; {figure.get('statement', '')}")
            elif name.startswith("source-") and name.removeprefix("source-") in set(dataset["sources"]["source_id"]):
                source = dataset.source(name.removeprefix("source-"))
                days = (source.published, source.published_from, source.published_to)
                cache[link.target] = tokens(source.descriptor).union(*(tokens(date_text(day)) for day in days))
            else:
                continue  # a dead link, which the check of the anchors names
        wrong = tokens(link.text) - cache[link.target]
        if wrong:
            problems.append(
                f"In {link.section} the printed value “{link.text}” is not one of #{link.target}: "
                f"{', '.join(sorted(wrong))} is in no row, formula or fact behind it."
            )
    return problems
