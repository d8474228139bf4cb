"""Proves that nothing was left out: which sentences of the sources no row and no exclusion accounts for.

A sentence is accounted for when every number, date and name in it lies inside quotations that rows use, or inside
exclusions; one without any needs one of these that overlaps it. An exclusion that begins where a sentence begins
excludes that whole sentence (and all else that it spans); any other excludes its span only.
"""

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from alliances.dataset.sentences import NameFinder, Sentence, Token, split_sentences
from alliances.dataset.tables import FACT_TABLES, Raw, split_list
from alliances.dataset.texts import SourceText


class Coverage(NamedTuple):
    """How far one text is accounted for: `quoted` is the share of its words that quotations used by rows reproduce.

    `gaps` are the sentences that are not, each with what is missing, empty where nothing touches it; `exclusions`
    counts by reason; `excluded_yet_quoted` are sentences left out whole although a row quotes them.
    """

    source_id: str
    file: str
    sentences: int
    quoted: float
    gaps: list[tuple[Sentence, list[Token]]]
    exclusions: Mapping[str, int]
    excluded_yet_quoted: tuple[Sentence, ...]


def coverage(tables: Raw, texts: Mapping[str, SourceText]) -> list[Coverage]:
    """Find the sentences of `texts` that are not accounted for; quotations that do not occur once are left aside."""
    used = {quote_id for table in FACT_TABLES for row in tables[table] for quote_id in split_list(row["quote_ids"])}
    quotes, names = [row for row in tables["quotes"] if row["quote_id"] in used], name_finder(tables)
    return [
        _cover(source, texts[source["source_id"]], quotes, tables["exclusions"], names)
        for source in tables["sources"]
        if source["source_id"] in texts
    ]


def name_finder(tables: Raw) -> NameFinder:
    """Return what finds the names of actors and formats in a text."""
    named = [(row, (row["name"], *split_list(row["aliases"]))) for row in tables["actors"]]
    formats = {n for row in tables["alliances"] for n in (row["name"], row["short_name"], *split_list(row["aliases"]))}
    bare = {name for row, own in named for name in own if row["kind"] in ("country", "person")}
    return NameFinder(formats.union(*(own for _, own in named)), bare)


def _cover(
    source: Mapping[str, str], text: SourceText, quotes: list[dict[str, str]], exclusions: list[dict[str, str]],
    names: NameFinder,
) -> Coverage:  # fmt: skip
    quotes, exclusions = ([r for r in rows if r["source_id"] == source["source_id"]] for rows in (quotes, exclusions))
    sentences, excluded = split_sentences(text), _places(text, exclusions)
    begins = {_first(text, *span) for span in excluded}
    opened = [s for s in sentences if _first(text, s.start, s.end) in begins]
    quoted = {at for span in _places(text, quotes) for at in range(*span)}
    covered = quoted.union(*(range(*span) for span in (*excluded, *((s.start, s.end) for s in opened))))
    gaps: list[tuple[Sentence, list[Token]]] = []
    for s in sentences:
        tokens = names.tokens(s.text)
        missing = [t for t in tokens if not covered.issuperset(range(s.start + t.start, s.start + t.end))]
        if missing or not (tokens or covered.intersection(range(s.start, s.end))):
            gaps.append((s, missing))
    words = [not quoted.isdisjoint(range(*match.span())) for match in re.finditer(r"\S*\w\S*", text)]
    return Coverage(
        source["source_id"], source["file"], len(sentences), sum(words) / (len(words) or 1), gaps,
        Counter(row["reason"] for row in exclusions),
        tuple(s for s in opened if not quoted.isdisjoint(range(s.start, s.end))),
    )  # fmt: skip


def _places(text: SourceText, rows: Iterable[Mapping[str, str]]) -> list[tuple[int, int]]:
    found = (text.locate(row["exact"], row["prefix"], row["suffix"]) for row in rows)
    return [places[0] for places in found if len(places) == 1]


def _first(text: str, start: int, end: int) -> int:
    return next((at for at in range(start, end) if text[at].isalnum()), -1)


def format_coverage(report: Sequence[Coverage]) -> str:
    """Write for each text the sentences that are not accounted for, then counts."""
    lines, counts = list[str](), ["", "text                 sentences  not accounted for  exclusions  words quoted"]
    for source in report:
        lines += ["", f"{source.source_id} (seeds/{source.file}): not accounted for"] if source.gaps else []
        for sentence, missing in source.gaps:
            opening = f"  line {sentence.line}: "
            lines += textwrap.wrap(sentence.text, 118, initial_indent=opening, subsequent_indent="    ")
            told = "; ".join(f"{token.text} ({token.kind})" for token in missing)
            nothing = "no quotation that a row uses and no exclusion touches this sentence"
            lines.append(f"      missing: {told or nothing}")
        for one in source.excluded_yet_quoted:
            lines.append(f"note: {source.source_id} line {one.line} is excluded whole although a row quotes it: "
                         + textwrap.shorten(one.text, 80, placeholder=" …"))  # fmt: skip
        reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(source.exclusions.items()))
        counts.append(
            f"{source.source_id:<20} {source.sentences:>9}  {len(source.gaps):>17}  "
            f"{sum(source.exclusions.values()):>10}  {source.quoted:>11.0%}   {reasons}".rstrip()
        )
    counts.append(f"{sum(len(source.gaps) for source in report)} sentences are not accounted for.")
    return "\n".join([*lines, *counts]).strip("\n")
