"""Checks that each quotation and exclusion stands in its text, once and word for word."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator, Mapping

from alliances.dataset.problems import Problem, shorten
from alliances.dataset.quotes import SourceText, count_words
from alliances.dataset.tables import Raw, data_path

__all__ = ["WORD_CEILING", "check_quotes"]

#: A quotation has this many words at the most.
WORD_CEILING = 25
#: Looking for the place that was meant takes time; after so many failures the message goes without.
_SEARCHES = 25


def check_quotes(tables: Raw, texts: Mapping[str, SourceText]) -> list[Problem]:
    """Check `quotes` and `exclusions` against the source texts.

    Parameters
    ----------
    tables : dict of str to list of dict
        Raw tables.
    texts : mapping of str to SourceText
        The texts by `source_id`; rows of other sources are passed over.

    Returns
    -------
    list of Problem
        A problem for each `exact` that does not occur exactly once with its prefix and suffix, and for
        each quotation above the ceiling of words.
    """
    problems: list[Problem] = []
    searches = 0
    for table in ("quotes", "exclusions"):
        for number, row in enumerate(tables[table], start=2):
            text = texts.get(row["source_id"])
            if text is None or not row["exact"]:
                continue
            places = text.locate(row["exact"], row["prefix"], row["suffix"])
            if len(places) != 1:
                searches += 1
                problems.append(_misplaced(table, number, row, places, text, texts if searches <= _SEARCHES else {}))
            if table == "quotes":
                problems += _too_long(number, row["exact"])
    return problems


def _too_long(number: int, exact: str) -> Iterator[Problem]:
    count = count_words(exact)
    if count > WORD_CEILING:
        yield Problem(
            data_path("quotes"), number, "exact", f"the quotation has {count} words",
            f"the ceiling is {WORD_CEILING}", "split it into shorter quotations of the words that matter",
        )  # fmt: skip


def _misplaced(
    table: str, number: int, row: Mapping[str, str], places: list[tuple[int, int]], text: SourceText,
    texts: Mapping[str, SourceText],
) -> Problem:  # fmt: skip
    file, source = data_path(table), row["source_id"]
    allowed = "it must occur exactly once, with its prefix and suffix"
    shown = f"“{shorten(row['exact'])}”"
    if places:
        lines = ", ".join(str(text.line(start)) for start, _ in places[:8])
        return Problem(
            file, number, "exact", f"{shown} occurs {len(places)} times in {source} (lines {lines})", allowed,
            "add the words just before to prefix or those just after to suffix",
        )  # fmt: skip
    alone = text.locate(row["exact"])
    if alone:
        column = "prefix" if row["prefix"] and not text.locate(row["exact"], row["prefix"]) else "suffix"
        start, end = alone[0]
        beside = text.text[max(0, start - 40) : start] if column == "prefix" else text.text[end : end + 40]
        return Problem(
            file, number, column,
            f"{shown} stands in {source}, but not with the {column} “{shorten(row[column])}”", allowed,
            f"correct the {column}; on line {text.line(start)} it reads “{' '.join(beside.split())}”",
        )  # fmt: skip
    found = f"{shown} occurs 0 times in {source}"
    for other, other_text in texts.items():
        if other != source and other_text.locate(row["exact"]):
            return Problem(
                file, number, "exact", found, allowed, f"it stands in {other}: correct source_id or the words"
            )
    near = _nearest_place(text, row["exact"]) if texts else None
    if near is None:
        return Problem(file, number, "exact", found, allowed, "copy the words from the text, character by character")
    line, difference, there = near
    return Problem(
        file, number, "exact", found, allowed,
        f"the nearest place is line {line}, “{shorten(there, 120)}” ({difference}): copy it from the text",
    )  # fmt: skip


def _nearest_place(text: SourceText, exact: str) -> tuple[int, str, str] | None:
    """Find where the text is most like `exact`: its line, the first difference, and the words there."""
    body = text.text
    matcher = difflib.SequenceMatcher(None, body, exact, autojunk=False)
    anchor = matcher.find_longest_match()
    if anchor.size < min(8, len(exact)):
        return None
    start = max(0, anchor.a - anchor.b)
    end = min(len(body), start + len(exact))
    while start > 0 and not body[start - 1].isspace() and body[start].isalnum():
        start -= 1
    while end < len(body) and not body[end].isspace() and body[end - 1].isalnum():
        end += 1
    there = body[start:end]
    local = difflib.SequenceMatcher(None, there, exact, autojunk=False)
    if local.ratio() < 0.6:
        return None
    for tag, a, b, c, d in local.get_opcodes():
        if tag != "equal":
            difference = f"there {_visible(there[a:b])}, here {_visible(exact[c:d])}"
            return text.line(start), difference, there
    return None


def _visible(piece: str) -> str:
    if not piece:
        return "nothing"
    # White space and the many kinds of dash and quotation mark look alike: name them.
    if len(piece) == 1 and not (piece.isascii() and piece.isprintable() and piece != " "):
        return f"“{piece}” (U+{ord(piece):04X} {unicodedata.name(piece, 'control character').lower()})"
    return "two spaces or more" if piece.isspace() and len(piece) > 1 else f"“{shorten(piece, 40)}”"
