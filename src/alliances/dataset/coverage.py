"""Proves that nothing was left out: which sentences of the sources no row and no exclusion accounts for.

A sentence is accounted for when every number, date and name in it (`alliances.dataset.tokens`) lies
inside a quotation that a row uses, or inside an exclusion. A sentence without any of these needs one
such quotation or exclusion that overlaps it. An exclusion whose `exact` begins where a sentence begins
excludes that whole sentence (and all else that `exact` spans); any other excludes its span only.
"""

from __future__ import annotations

import re
import textwrap
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alliances.dataset.sentences import Sentence, split_sentences
from alliances.dataset.tables import Raw, iter_facts, split_list
from alliances.dataset.texts import SourceText
from alliances.dataset.tokens import NameFinder, Token, find_quantities, longest_first

_WORD = re.compile(r"\S*\w\S*")


@dataclass(frozen=True, slots=True)
class Gap:
    """A sentence that is not accounted for, and what of it; `missing` is empty where nothing touches it."""

    source_id: str
    file: str
    sentence: Sentence
    missing: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class SourceCoverage:
    """How far one text is accounted for.

    `words_quoted` counts words that quotations used by rows reproduce, `exclusions` the exclusions by reason;
    `excluded_yet_quoted` are sentences left out whole although a row quotes them: often an oversight.
    """

    source_id: str
    file: str
    sentences: int
    words: int
    words_quoted: int
    gaps: tuple[Gap, ...]
    exclusions: Mapping[str, int]
    excluded_yet_quoted: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far the texts are accounted for; quotations that do not occur exactly once are left aside."""

    sources: tuple[SourceCoverage, ...]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """All sentences that are not accounted for."""
        return tuple(gap for source in self.sources for gap in source.gaps)


class _Spans:
    """Stretches of a text, merged where they overlap, to ask whether they hold or touch a token."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._starts, self._ends = list[int](), list[int]()
        for start, end in sorted(spans):
            if self._ends and start < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def hold(self, start: int, end: int) -> bool:
        index = bisect_right(self._starts, start) - 1
        return index >= 0 and end <= self._ends[index]

    def touch(self, start: int, end: int) -> bool:
        index = bisect_left(self._starts, end) - 1
        return index >= 0 and self._ends[index] > start


def coverage(tables: Raw, texts: Mapping[str, SourceText]) -> Coverage:
    """Find the sentences that are not accounted for, in those sources whose text is given."""
    used = {q for _, _, row in iter_facts(tables) for q in split_list(row["quote_ids"])}
    quotes, excluded = [row for row in tables["quotes"] if row["quote_id"] in used], tables["exclusions"]
    names = NameFinder.from_rows(tables["actors"], tables["alliances"])
    found = []
    for source in tables["sources"]:
        if text := texts.get(source["source_id"]):
            own = [[row for row in rows if row["source_id"] == source["source_id"]] for rows in (quotes, excluded)]
            found.append(_cover(source, text, own[0], own[1], names))
    return Coverage(tuple(found))


def _cover(
    source: Mapping[str, str], text: SourceText, quotes: list[dict[str, str]], exclusions: list[dict[str, str]],
    names: NameFinder,
) -> SourceCoverage:  # fmt: skip
    sentences = split_sentences(text.text)
    quoted, excluded = _places(text, quotes), _places(text, exclusions)
    opened = [s for span in excluded if (s := _opened_by(text.text, sentences, span)) is not None]
    cover = _Spans([*quoted, *excluded, *((s.start, s.end) for s in opened)])
    spans = _Spans(quoted)
    gaps = []
    for sentence in sentences:
        tokens = longest_first([*find_quantities(sentence.text), *names.find(sentence.text)])
        missing = tuple(t for t in tokens if not cover.hold(sentence.start + t.start, sentence.start + t.end))
        if missing or (not tokens and not cover.touch(sentence.start, sentence.end)):
            gaps.append(Gap(source["source_id"], source["file"], sentence, missing))
    words = [match.span() for match in _WORD.finditer(text.text)]
    return SourceCoverage(
        source["source_id"], source["file"], len(sentences), len(words), sum(spans.touch(*span) for span in words),
        tuple(gaps), Counter(row["reason"] for row in exclusions),
        tuple(s for s in opened if spans.touch(s.start, s.end)),
    )  # fmt: skip


def _places(text: SourceText, rows: Iterable[Mapping[str, str]]) -> list[tuple[int, int]]:
    found = (text.locate(row["exact"], row["prefix"], row["suffix"]) for row in rows)
    return [places[0] for places in found if len(places) == 1]


def _opened_by(text: str, sentences: list[Sentence], span: tuple[int, int]) -> Sentence | None:
    first = next((at for at in range(*span) if text[at].isalnum()), span[1])
    opened = (s for s in sentences if s.start <= first < s.end)
    return next((s for s in opened if not any(c.isalnum() for c in text[s.start : first])), None)


def format_coverage(report: Coverage) -> str:
    """Write for each text the sentences that are not accounted for, then counts."""
    lines, counts = list[str](), ["", "text                 sentences  not accounted for  exclusions  words quoted"]
    for source in report.sources:
        lines += ["", f"{source.source_id} (seeds/{source.file}): not accounted for"] if source.gaps else []
        for gap in source.gaps:
            opening = f"  line {gap.sentence.line}: "
            lines += textwrap.wrap(gap.sentence.text, 118, initial_indent=opening, subsequent_indent="    ")
            told = "; ".join(f"{token.text} ({token.kind})" for token in gap.missing)
            lines.append(
                f"      missing: {told or 'no quotation that a row uses and no exclusion touches this sentence'}"
            )
        for one in source.excluded_yet_quoted:
            lines.append(f"note: {source.source_id} line {one.line} is excluded whole although a row quotes it: "
                         + textwrap.shorten(one.text, 80, placeholder=" …"))  # fmt: skip
        share = source.words_quoted / source.words if source.words else 0.0
        reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(source.exclusions.items()))
        counts.append(
            f"{source.source_id:<20} {source.sentences:>9}  {len(source.gaps):>17}  "
            f"{sum(source.exclusions.values()):>10}  {share:>11.0%}   {reasons}".rstrip()
        )
    return "\n".join([*lines, *counts, f"{len(report.gaps)} sentences are not accounted for."]).strip("\n")
