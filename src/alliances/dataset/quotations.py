"""Checks that the source texts are as received, and that each quotation and exclusion stands in one, word for word."""

import difflib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from alliances.dataset.problems import Problem, first_difference, shorten
from alliances.dataset.tables import Raw, data_path
from alliances.dataset.texts import SourceText, count_words, read_text
from alliances.errors import DataError
from alliances.text.reading import is_stray

#: A quotation has this many words at the most.
WORD_CEILING = 25
#: Looking for the place that was meant takes time; after so many failures the message goes without.
_SEARCHES = 25


def check_sources(tables: Raw, root: Path, texts: dict[str, SourceText]) -> Iterator[Problem]:
    """Check the texts against `sources`, and add those that can be read to `texts`, by source."""
    for number, row in enumerate(tables["sources"], start=2):
        try:
            text = texts[row["source_id"]] = read_text(root, row["file"])
        except DataError as error:
            yield Problem(data_path("sources"), number, "file", str(error).rstrip("."),
                          "every source has its text in seeds/", "restore the file, or correct its name")  # fmt: skip
            continue
        if row["sha256"] != (found := hashlib.sha256(text.text.encode()).hexdigest()):
            yield Problem(data_path("sources"), number, "sha256", f"seeds/{row['file']} has another SHA-256, {found}",
                          "a source text is kept byte for byte as it was received",
                          "restore the file; write this sum only if the text was replaced on purpose")  # fmt: skip
    there = {path.name for path in (root / "seeds").glob("*.txt") if not is_stray(path)}
    for name in sorted(there - {row["file"] for row in tables["sources"]}):
        yield Problem(f"seeds/{name}", None, "", "the text is in no row of data/sources.csv",
                      "every *.txt in seeds/ is a source",
                      "add its row there, or take the file out of seeds/")  # fmt: skip


def check_quotes(tables: Raw, texts: Mapping[str, SourceText]) -> Iterator[Problem]:
    """Check `quotes` and `exclusions` against those source texts that can be read."""
    searches = 0
    for table, number, row in ((t, n, row) for t in ("quotes", "exclusions") for n, row in enumerate(tables[t], 2)):
        text = texts.get(row["source_id"])
        if text is None or not row["exact"]:
            continue
        places = text.locate(row["exact"], row["prefix"], row["suffix"])
        if len(places) != 1:
            searches += 1
            column, found, remedy = _misplaced(row, places, text, texts if searches <= _SEARCHES else {})
            yield Problem(data_path(table), number, column, f"“{shorten(row['exact'])}” {found}",
                          "it must occur exactly once, with its prefix and suffix", remedy)  # fmt: skip
        if table == "quotes" and (count := count_words(row["exact"])) > WORD_CEILING:
            yield Problem(data_path(table), number, "exact", f"the quotation has {count} words",
                          f"the ceiling is {WORD_CEILING}",
                          "split it into shorter quotations of the words that matter")  # fmt: skip


def _misplaced(
    row: Mapping[str, str], places: list[tuple[int, int]], text: SourceText, texts: Mapping[str, SourceText]
) -> tuple[str, str, str]:
    source = row["source_id"]
    if places:
        lines = ", ".join(str(text.line(start)) for start, _ in places[:8])
        remedy = "add the words just before to prefix or those just after to suffix"
        return "exact", f"occurs {len(places)} times in {source} (lines {lines})", remedy
    if alone := text.locate(row["exact"]):
        column = "prefix" if row["prefix"] and not text.locate(row["exact"], row["prefix"]) else "suffix"
        start, end = alone[0]
        beside = text.text[max(0, start - 40) : start] if column == "prefix" else text.text[end : end + 40]
        remedy = f"correct the {column}; on line {text.line(start)} it reads “{' '.join(beside.split())}”"
        return column, f"stands in {source}, but not with the {column} “{shorten(row[column])}”", remedy
    if elsewhere := [other for other, it in texts.items() if other != source and it.locate(row["exact"])]:
        remedy = f"it stands in {elsewhere[0]}: correct source_id or the words"
    else:
        remedy = _nearest_place(text, row["exact"]) if texts else ""
    return "exact", f"occurs 0 times in {source}", remedy or "copy the words from the text, character by character"


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
