"""Proves that nothing was left out: which sentences of the sources no row and no exclusion accounts for.

Every line of a file is a block of its own. In it a sentence ends at a full stop, question or exclamation mark (and the
closing quotation marks after it) that white space and a capital, a digit or an opening mark follow, unless the stop
belongs to an abbreviation. A sentence is accounted for when every number, date and name in it lies inside quotations
that rows use, or inside exclusions; one without any needs one of these that overlaps it. An exclusion that begins where
a sentence begins excludes that whole sentence (and all else that it spans); any other excludes its span only.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from alliances.dataset.tables import FACT_TABLES, Raw, split_list
from alliances.dataset.texts import SourceText
from alliances.text.numbers import DATE, FIGURE

_BULLET = re.compile(r"\s*(?:[-*•–—]\s+|\d{1,2}[.)]\s+)?")
_STOP = re.compile(r"[.!?…]+[”’\"')\]»]*(?=\s)")
_BEFORE_WORD = re.compile(r"[\s“‘\"'(\[-]")  # a hyphen, too: "U.S.-led" has its stop inside
_NEXT_WORD = re.compile(r"\s+[“‘\"'(\[«—–-]*\s?(\w+)")
_INITIALS = re.compile(r"(?:[A-Za-z]\.)+$")
_ABBREVIATIONS = frozenset(
    "adm. approx. art. capt. cf. co. col. corp. dr. ed. esp. est. etc. ft. fig. gen. gov. hon. inc. jr. lt. ltd. "
    "maj. mr. mrs. ms. no. nos. op. p. pp. prof. rep. rev. sec. sen. sgt. sr. st. tel. viz. vol. vs.".split()
)
# After initials such as "U.S." only a word that usually opens a sentence shows that the stop ends one.
_OPENERS = frozenset(
    "A After Although An And Another As At Because Before Both But By Despite During Each Even For From He Her Here "
    "His How However I If In Instead It Its Many Meanwhile Moreover Most No Nor Not Of On Only Or Our Several She "
    "Since So Some Still Such That The Their Then There These They This Those Though Through Thus To Today Under "
    "Until We What When Where While Who Why With Within Without Yet You".split()
)
_AMOUNT = re.compile(rf"(?:{FIGURE.pattern})(?: (?:million|billion|trillion)\b)?")
_ADDRESS = re.compile(r"(?:https?://|\bwww\.)\S+")
#: Dates that a report never prints, but a text may.
_OTHER_DATE = re.compile(r"\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|decades?|\d{1,2}/\d{1,2}/\d{2,4})\b")


class Sentence(NamedTuple):
    """A sentence verbatim, without the bullet before it; `end` is exclusive, `line` its line in the file, from 1."""

    text: str
    start: int
    end: int
    line: int


def split_sentences(text: str) -> list[Sentence]:
    """Split a text into sentences, in its order; lines without a letter or digit give none."""
    found, offset = list[Sentence](), 0
    for number, line in enumerate(text.split("\n"), start=1):
        start = len(line) - len(_BULLET.sub("", line, count=1))
        for end in (*(stop.end() for stop in _STOP.finditer(line, start) if _ends_sentence(line, stop)), len(line)):
            words = line[start:end].strip()
            at = offset + line.index(words, start)
            if any(c.isalnum() for c in words):
                found.append(Sentence(words, at, at + len(words), number))
            start = end
        offset += len(line) + 1
    return found


def _ends_sentence(line: str, stop: re.Match[str]) -> bool:
    following, at = _NEXT_WORD.match(line, stop.end()), stop.start()
    if following is None:
        return True
    word = following[1]
    if word[0].islower():
        return False
    if line[at] != "." or line[at : at + 2] == "..":
        return True
    token = _BEFORE_WORD.split(line[: at + 1])[-1]
    return word in _OPENERS if _INITIALS.fullmatch(token) else token.lower() not in _ABBREVIATIONS


class Token(NamedTuple):
    """A number, date or name (`kind`) in a text, and where it stands (`end` is exclusive)."""

    text: str
    start: int
    end: int
    kind: str


def find_tokens(text: str, names: re.Pattern[str] | None = None) -> list[Token]:
    """Find numbers, dates and `names` in a sentence, no web address; where they overlap, the first, then longest."""
    text = _ADDRESS.sub(lambda address: "_" * len(address[0]), text)
    patterns = ((DATE, "date"), (_OTHER_DATE, "date"), (_AMOUNT, "number"), *([(names, "name")] if names else []))
    found = [Token(match[0], *match.span(), kind) for pattern, kind in patterns for match in pattern.finditer(text)]
    kept = list[Token]()
    for token in sorted(found, key=lambda t: (t.start, -t.end)):
        is_verb = token.text == "May" and not re.search(r"\w", text[: token.start])  # unless a number is beside it
        if not is_verb and (not kept or token.start >= kept[-1].end):
            kept.append(token)
    return kept


def name_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds names, the longest first.

    One of a single word matches in its own case ("US", not "us"), or with either first letter where it is written small
    ("experts"); one of several words in any case.
    """
    patterns = ["(?!)"]
    for name in sorted({*names} - {""}, key=lambda n: (-len(n), n)):
        first, *more = (re.sub("['’]", "['’]", re.escape(word)) for word in name.split())
        body = f"[{first[0].upper()}{first[0]}]{first[1:]}" if first[0].islower() else first
        patterns.append("(?i:" + r"\s+".join([first, *more]) + ")" if more else body)
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)")


def names_of(tables: Raw) -> dict[str, str]:
    """Return the names and aliases of actors and formats, each with the id of whom it names."""
    rows = [(next(iter(row.values())), row) for row in (*tables["actors"], *tables["alliances"])]
    names = ((key, (row["name"], row.get("short_name", ""), *split_list(row["aliases"]))) for key, row in rows)
    return {name: key for key, own in names for name in own}


class Coverage(NamedTuple):
    """How far one text is accounted for: `quoted` is the share of its words that quotations used by rows reproduce.

    `gaps` are the sentences that are not, each with what is missing, empty where nothing touches it.
    """

    source_id: str
    sentences: int
    quoted: float
    gaps: list[tuple[Sentence, list[Token]]]
    exclusions: int


def coverage(tables: Raw, texts: Mapping[str, SourceText]) -> list[Coverage]:
    """Find the sentences of `texts` that are not accounted for; quotations that do not occur once are left aside."""
    used = {quote_id for table in FACT_TABLES for row in tables[table] for quote_id in split_list(row["quote_ids"])}
    quotes, names = [row for row in tables["quotes"] if row["quote_id"] in used], name_pattern(names_of(tables))
    report = list[Coverage]()
    for source_id, text in texts.items():
        own = ([row for row in rows if row["source_id"] == source_id] for rows in (quotes, tables["exclusions"]))
        found = ([text.locate(row["exact"], row["prefix"], row["suffix"]) for row in rows] for rows in own)
        quoted, excluded = ([places[0] for places in each if len(places) == 1] for each in found)
        sentences, begins, count = split_sentences(text), {start for start, _ in excluded}, len(excluded)
        excluded += [(s.start, s.end) for s in sentences if s.start in begins]
        repeated = {at for span in quoted for at in range(*span)}
        covered = repeated.union(*(range(*span) for span in excluded))
        gaps = list[tuple[Sentence, list[Token]]]()
        for s in sentences:
            tokens = find_tokens(s.text, names)
            missing = [t for t in tokens if not covered.issuperset(range(s.start + t.start, s.start + t.end))]
            if missing or not (tokens or covered.intersection(range(s.start, s.end))):
                gaps.append((s, missing))
        words = [not repeated.isdisjoint(range(*match.span())) for match in re.finditer(r"\S*\w\S*", text)]
        report.append(Coverage(source_id, len(sentences), sum(words) / (len(words) or 1), gaps, count))
    return report


def format_coverage(report: Sequence[Coverage]) -> str:
    """Write for each text the sentences that are not accounted for, then counts."""
    lines, counts = list[str](), ["", "text                 sentences  not accounted for  exclusions  words quoted"]
    for source_id, sentences, quoted, gaps, exclusions in report:
        lines += ["", f"{source_id}: not accounted for"] if gaps else []
        for sentence, missing in gaps:
            told = "; ".join(f"{token.text} ({token.kind})" for token in missing)
            nothing = "no quotation that a row uses and no exclusion touches this sentence"
            lines += [f"  line {sentence.line}: {sentence.text}", f"      missing: {told or nothing}"]
        counts.append(f"{source_id:<20} {sentences:>9}  {len(gaps):>17}  {exclusions:>10}  {quoted:>12.0%}")
    counts.append(f"{sum(len(source.gaps) for source in report)} sentences are not accounted for.")
    return "\n".join([*lines, *counts]).strip("\n")
