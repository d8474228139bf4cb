"""Checks that each quotation and exclusion stands in its text, once and word for word."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from alliances.dataset.problems import Problem, first_difference, shorten
from alliances.dataset.tables import Raw, data_path
from alliances.dataset.texts import SourceText, count_words

#: A quotation has this many words at the most.
WORD_CEILING = 25
#: Looking for the place that was meant takes time; after so many failures the message goes without.
_SEARCHES = 25
_ALLOWED = "it must occur exactly once, with its prefix and suffix"


def check_quotes(tables: Raw, texts: Mapping[str, SourceText]) -> Iterator[Problem]:
    """Check `quotes` and `exclusions` against those source texts that can be read."""
    searches = 0
    for table in ("quotes", "exclusions"):
        for number, row in enumerate(tables[table], start=2):
            text = texts.get(row["source_id"])
            if text is None or not row["exact"]:
                continue
            places = text.locate(row["exact"], row["prefix"], row["suffix"])
            if len(places) != 1:
                searches += 1
                column, found, remedy = _misplaced(row, places, text, texts if searches <= _SEARCHES else {})
                yield Problem(data_path(table), number, column, found, _ALLOWED, remedy)
            if table == "quotes" and (count := count_words(row["exact"])) > WORD_CEILING:
                yield Problem(data_path(table), number, "exact", f"the quotation has {count} words",
                              f"the ceiling is {WORD_CEILING}",
                              "split it into shorter quotations of the words that matter")  # fmt: skip


def _misplaced(
    row: Mapping[str, str], places: list[tuple[int, int]], text: SourceText, texts: Mapping[str, SourceText]
) -> tuple[str, str, str]:
    shown, source = f"“{shorten(row['exact'])}”", row["source_id"]
    if places:
        lines = ", ".join(str(text.line(start)) for start, _ in places[:8])
        found = f"{shown} occurs {len(places)} times in {source} (lines {lines})"
        return "exact", found, "add the words just before to prefix or those just after to suffix"
    if alone := text.locate(row["exact"]):
        column = "prefix" if row["prefix"] and not text.locate(row["exact"], row["prefix"]) else "suffix"
        start, end = alone[0]
        beside = text.text[max(0, start - 40) : start] if column == "prefix" else text.text[end : end + 40]
        found = f"{shown} stands in {source}, but not with the {column} “{shorten(row[column])}”"
        return column, found, f"correct the {column}; on line {text.line(start)} it reads “{' '.join(beside.split())}”"
    found = f"{shown} occurs 0 times in {source}"
    if elsewhere := [other for other, it in texts.items() if other != source and it.locate(row["exact"])]:
        return "exact", found, f"it stands in {elsewhere[0]}: correct source_id or the words"
    near = _nearest_place(text, row["exact"]) if texts else ""
    return "exact", found, near or "copy the words from the text, character by character"


def _nearest_place(text: SourceText, exact: str) -> str:
    """Say where the text is most like `exact`, with the first difference; "" where it is nowhere like it."""
    body = text.text
    anchor = difflib.SequenceMatcher(None, body, exact, autojunk=False).find_longest_match()
    start = max(0, anchor.a - anchor.b)
    end = min(len(body), start + len(exact))
    while start > 0 and not body[start - 1].isspace() and body[start].isalnum():
        start -= 1
    while end < len(body) and not body[end].isspace() and body[end - 1].isalnum():
        end += 1
    there = body[start:end]
    if difflib.SequenceMatcher(None, there, exact, autojunk=False).ratio() < 0.6:
        return ""
    place = f"the nearest place is line {text.line(start)}, “{shorten(there, 120)}”"
    return f"{place} ({first_difference(there, exact)}): copy it from the text"
