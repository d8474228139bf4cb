"""Proves that nothing was left out: which sentences of the sources no row and no exclusion accounts for.

A sentence is accounted for when every number, date, sum and name in it (`alliances.dataset.tokens`)
lies inside a quotation that a row uses, or inside an exclusion. A sentence without any of these needs
one such quotation or exclusion that overlaps it. An exclusion whose `exact` begins where a sentence
begins excludes that whole sentence (and all else that `exact` spans); any other excludes its span only.

    python -m alliances.dataset.coverage [--root DIR] [--source SOURCE_ID]
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alliances.dataset.quotes import SourceText
from alliances.dataset.seeds import read_seeds
from alliances.dataset.sentences import Sentence, split_sentences, words
from alliances.dataset.tables import iter_facts, read_tables, split_list
from alliances.dataset.tokens import NameFinder, Token, find_quantities, longest_first
from alliances.errors import AlliancesError, DataError

__all__ = ["Coverage", "Gap", "SourceCoverage", "coverage", "format_coverage"]

_Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Gap:
    """A sentence that is not accounted for.

    Attributes
    ----------
    source_id, file : str
        The text and its file in `seeds/`.
    sentence : Sentence
        The sentence.
    missing : tuple of Token
        What lies in no used quotation and in no exclusion; empty: the sentence has no such token, and
        nothing at all touches it.
    """

    source_id: str
    file: str
    sentence: Sentence
    missing: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class SourceCoverage:
    """How far one text is accounted for.

    Attributes
    ----------
    source_id, file : str
        The text and its file in `seeds/`.
    sentences : int
        Sentences in it.
    gaps : tuple of Gap
        Those not accounted for.
    words, words_quoted : int
        Words of the text, and those that quotations used by rows reproduce.
    exclusions : mapping of str to int
        Exclusions by reason.
    excluded_yet_quoted : tuple of Sentence
        Sentences that an exclusion leaves out whole although a row quotes them: often an oversight.
    """

    source_id: str
    file: str
    sentences: int
    gaps: tuple[Gap, ...]
    words: int
    words_quoted: int
    exclusions: Mapping[str, int]
    excluded_yet_quoted: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far the texts are accounted for.

    Attributes
    ----------
    sources : tuple of SourceCoverage
        One for each text.
    not_located : tuple of str
        Quotations and exclusions that were left aside because they do not occur exactly once.
    """

    sources: tuple[SourceCoverage, ...]
    not_located: tuple[str, ...] = field(default=())

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """All sentences that are not accounted for."""
        return tuple(gap for source in self.sources for gap in source.gaps)


class _Spans:
    """Stretches of a text, merged where one holds another's start, to ask whether they hold a token."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        merged: list[list[int]] = []
        for start, end in sorted(spans):
            if merged and start < merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([start, end])
        self._starts = [start for start, _ in merged]
        self._ends = [end for _, end in merged]

    def hold(self, start: int, end: int) -> bool:
        index = bisect_right(self._starts, start) - 1
        return index >= 0 and end <= self._ends[index]

    def touch(self, start: int, end: int) -> bool:
        index = bisect_left(self._starts, end) - 1
        return index >= 0 and self._ends[index] > start


def coverage(
    tables: Mapping[str, list[dict[str, str]]],
    texts: Mapping[str, SourceText],
    source_id: str | None = None,
) -> Coverage:
    """Find the sentences that are not accounted for.

    Parameters
    ----------
    tables : mapping of str to list of dict
        Raw tables: sources, quotes, exclusions, actors, alliances and the fact tables.
    texts : mapping of str to SourceText
        The source texts by `source_id`.
    source_id : str, optional
        One text only.

    Returns
    -------
    Coverage
    """
    used = {q for _, _, row in iter_facts(tables) for q in split_list(row["quote_ids"])}
    names = NameFinder.from_rows(tables["actors"], tables["alliances"])
    quotes: dict[str, list[Mapping[str, str]]] = {}
    for row in tables["quotes"]:
        if row["quote_id"] in used:
            quotes.setdefault(row["source_id"], []).append(row)
    exclusions: dict[str, list[Mapping[str, str]]] = {}
    for row in tables["exclusions"]:
        exclusions.setdefault(row["source_id"], []).append(row)

    lost: list[str] = []
    found = [
        _cover_source(
            source, texts[source["source_id"]], quotes.get(source["source_id"], []),
            exclusions.get(source["source_id"], []), names, lost,
        )
        for source in tables["sources"]
        if source_id is None or source["source_id"] == source_id
    ]  # fmt: skip
    return Coverage(tuple(found), tuple(lost))


def _cover_source(
    source: Mapping[str, str], text: SourceText, quotes: _Rows, exclusions: _Rows, names: NameFinder,
    lost: list[str],
) -> SourceCoverage:  # fmt: skip
    sentences = split_sentences(text.text)
    quoted = [span for row in quotes if (span := _place(text, row, f"quote {row['quote_id']}", lost)) is not None]
    starts = [s.start for s in sentences]
    excluded: list[tuple[int, int]] = []
    whole: list[Sentence] = []
    for row in exclusions:
        span = _place(text, row, f"exclusion in {row['source_id']}", lost)
        if span is None:
            continue
        excluded.append(span)
        opened = _sentence_opened_by(text.text, sentences, starts, span)
        if opened is not None:
            excluded.append((opened.start, opened.end))
            whole.append(opened)

    cover, quote_spans = _Spans([*quoted, *excluded]), _Spans(quoted)
    gaps = []
    for sentence in sentences:
        tokens = longest_first([*find_quantities(sentence.text), *names.find(sentence.text)])
        missing = tuple(t for t in tokens if not cover.hold(sentence.start + t.start, sentence.start + t.end))
        if missing or (not tokens and not cover.touch(sentence.start, sentence.end)):
            gaps.append(Gap(source["source_id"], source["file"], sentence, missing))

    all_words = words(text.text)
    return SourceCoverage(
        source_id=source["source_id"],
        file=source["file"],
        sentences=len(sentences),
        gaps=tuple(gaps),
        words=len(all_words),
        words_quoted=sum(quote_spans.touch(start, end) for start, end in all_words),
        exclusions=Counter(row["reason"] for row in exclusions),
        excluded_yet_quoted=tuple(s for s in whole if quote_spans.touch(s.start, s.end)),
    )


def _place(text: SourceText, row: Mapping[str, str], what: str, lost: list[str]) -> tuple[int, int] | None:
    places = text.locate(row["exact"], row["prefix"], row["suffix"])
    if len(places) == 1:
        return places[0]
    opening = textwrap.shorten(row["exact"], 60, placeholder=" …")
    lost.append(f"{what} occurs {len(places)} times, not once, and is left aside: “{opening}”")
    return None


def _sentence_opened_by(
    text: str, sentences: Sequence[Sentence], starts: Sequence[int], span: tuple[int, int]
) -> Sentence | None:
    # Bullets and opening quotation marks before the first letter do not matter.
    start, end = span
    while start < end and not text[start].isalnum():
        start += 1
    index = bisect_right(starts, start) - 1
    if index < 0 or start >= sentences[index].end:
        return None
    sentence = sentences[index]
    return None if any(c.isalnum() for c in text[sentence.start : start]) else sentence


def format_coverage(report: Coverage) -> str:
    """Write a coverage report as text.

    Parameters
    ----------
    report : Coverage
        What `coverage` returned.

    Returns
    -------
    str
        For each text the sentences that are not accounted for, then counts.
    """
    lines: list[str] = []
    for source in report.sources:
        if source.gaps:
            lines += ["", f"{source.source_id} (seeds/{source.file}): not accounted for"]
        for gap in source.gaps:
            opening = f"  line {gap.sentence.line}: "
            lines += textwrap.wrap(gap.sentence.text, 118, initial_indent=opening, subsequent_indent="    ")
            lines.append(f"      missing: {describe_missing(gap)}")
    for source in report.sources:
        for sentence in source.excluded_yet_quoted:
            opening = textwrap.shorten(sentence.text, 80, placeholder=" …")
            lines.append(
                f"note: {source.source_id} line {sentence.line} is excluded whole although a row quotes it: {opening}"
            )
    lines += ["", *(f"warning: {item}" for item in report.not_located)]
    lines += ["text                 sentences  not accounted for  exclusions  words quoted"]
    for source in report.sources:
        share = source.words_quoted / source.words if source.words else 0.0
        reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(source.exclusions.items()))
        lines.append(
            f"{source.source_id:<20} {source.sentences:>9}  {len(source.gaps):>17}  "
            f"{sum(source.exclusions.values()):>10}  {share:>11.0%}{'   ' + reasons if reasons else ''}"
        )
    totals = Counter[str]()
    for source in report.sources:
        totals.update(source.exclusions)
    if totals:
        lines.append("exclusions by reason: " + ", ".join(f"{r} {n}" for r, n in sorted(totals.items())))
    lines.append(f"{len(report.gaps)} sentences are not accounted for.")
    return "\n".join(lines).strip("\n")


def describe_missing(gap: Gap) -> str:
    """Say what of a sentence is not accounted for, in one line."""
    if not gap.missing:
        return "no quotation that a row uses and no exclusion touches this sentence"
    return "; ".join(f"{token.text} ({token.kind})" for token in gap.missing)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0 when every sentence is accounted for, 1 when not, 2 on an error."""
    parser = argparse.ArgumentParser(prog="python -m alliances.dataset.coverage", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="folder that holds data/ and seeds/")
    parser.add_argument("--source", help="one source_id only")
    options = parser.parse_args(arguments)
    try:
        tables = read_tables(options.root)
        known = [row["source_id"] for row in tables["sources"]]
        if options.source is not None and options.source not in known:
            raise DataError(f"--source {options.source} is not in data/sources.csv: choose one of {', '.join(known)}.")
        report = coverage(tables, read_seeds(options.root, tables["sources"]), options.source)
    except AlliancesError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(format_coverage(report))
    return 1 if report.gaps else 0


if __name__ == "__main__":
    sys.exit(main())
