"""The source texts as received: quotations are found in them as W3C TextQuoteSelectors are, and paragraphs counted."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from alliances.dataset.problems import Problem, first_difference, shorten
from alliances.dataset.tables import Raw
from alliances.errors import DataError
from alliances.text.reading import is_stray

#: A quotation has this many words at the most.
WORD_CEILING = 25


def count_words(text: str) -> int:
    """Count words as the ceiling for quotations does: runs without white space with a letter or digit."""
    return sum(any(c.isalnum() for c in word) for word in text.split())


class SourceText(str):
    """A source text as in its file, in which quotations can be found."""

    def line(self, position: int) -> int:
        """Return the line (from 1) that holds a position."""
        return self.count("\n", 0, position) + 1

    def paragraph(self, position: int) -> int:
        """Return the paragraph (from 1) that holds a position: lines count that hold more than white space."""
        return sum(bool(line.strip()) for line in self.split("\n")[: self.line(position)])

    def around(self, start: int, end: int, words: int) -> tuple[str, str]:
        """Return at most so many words before and after a stretch, in its own paragraph, with “…” where it goes on."""
        before, after = self[:start].rpartition("\n")[2].split(), self[end:].partition("\n")[0].split()
        cut = (["…"] if len(before) > words else [], ["…"] if len(after) > words else [])
        return " ".join(cut[0] + before[max(0, len(before) - words) :]), " ".join(after[:words] + cut[1])

    def locate(self, exact: str, prefix: str = "", suffix: str = "") -> list[tuple[int, int]]:
        """Find where `exact` stands, its start and end (exclusive); in what is around, white space is one space."""
        before, after = " ".join(prefix.split()), " ".join(suffix.split())
        places, start = list[tuple[int, int]](), self.find(exact) if exact else -1
        while start >= 0:
            end = start + len(exact)
            is_led = not before or " ".join(self[:start].split()).endswith(before)
            if is_led and (not after or " ".join(self[end:].split()).startswith(after)):
                places.append((start, end))
            start = self.find(exact, start + 1)
        return places


def read_text(root: Path, file: str) -> SourceText:
    """Read a text in `seeds/`, line ends untouched; DataError if it is no *.txt there or no UTF-8."""
    if not file.endswith(".txt") or Path(file).name != file:
        raise DataError(f"data/sources.csv names {file!r}: only a *.txt file that stands in seeds/ is read.")
    try:
        return SourceText((root / "seeds" / file).read_bytes().decode("utf-8"))
    except OSError:
        raise DataError(f"seeds/{file} cannot be read, but data/sources.csv names it: restore the file.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"seeds/{file} is not UTF-8 (byte {error.start}): restore it as it was received.") from None


def check_sources(tables: Raw, root: Path, texts: dict[str, SourceText]) -> Iterator[Problem]:
    """Check the texts against `sources`, and add those that can be read to `texts`, by source."""
    for number, row in enumerate(tables["sources"], start=2):
        try:
            text = texts[row["source_id"]] = read_text(root, row["file"])
        except DataError as error:
            yield Problem("data/sources.csv", number, "file", str(error).rstrip("."),
                          "every source has its text in seeds/", "restore the file, or correct its name")  # fmt: skip
            continue
        if row["sha256"] != (found := hashlib.sha256(text.encode()).hexdigest()):
            yield Problem("data/sources.csv", number, "sha256", f"seeds/{row['file']} has another SHA-256, {found}",
                          "a source text is kept byte for byte as it was received",
                          "restore the file; write this sum only if the text was replaced on purpose")  # fmt: skip
    there = {path.name for path in (root / "seeds").glob("*.txt") if not is_stray(path)}
    for name in sorted(there - {row["file"] for row in tables["sources"]}):
        yield Problem(f"seeds/{name}", None, "", "the text is in no row of data/sources.csv",
                      "every *.txt in seeds/ is a source",
                      "add its row there, or take the file out of seeds/")  # fmt: skip


def check_quotes(tables: Raw, texts: Mapping[str, SourceText]) -> Iterator[Problem]:
    """Check `quotes` and `exclusions` against those source texts that can be read."""
    for table, number, row in ((t, n, row) for t in ("quotes", "exclusions") for n, row in enumerate(tables[t], 2)):
        text = texts.get(row["source_id"])
        if text is None or not row["exact"]:
            continue
        places = text.locate(row["exact"], row["prefix"], row["suffix"])
        if len(places) != 1:
            found, remedy = _misplaced(row, places, texts)
            yield Problem(f"data/{table}.csv", number, "exact", f"“{shorten(row['exact'])}” {found}",
                          "it must occur exactly once, with its prefix and suffix", remedy)  # fmt: skip
        if table == "quotes" and (count := count_words(row["exact"])) > WORD_CEILING:
            yield Problem(f"data/{table}.csv", number, "exact", f"the quotation has {count} words",
                          f"the ceiling is {WORD_CEILING}",
                          "split it into shorter quotations of the words that matter")  # fmt: skip


def _misplaced(row: dict[str, str], places: list[tuple[int, int]], texts: Mapping[str, SourceText]) -> tuple[str, str]:
    """Say what was found, and what to do."""
    source, exact, text = row["source_id"], row["exact"], texts[row["source_id"]]
    if places:
        lines = ", ".join(str(text.line(start)) for start, _ in places[:8])
        remedy = "add the words just before to prefix or those just after to suffix"
        return f"occurs {len(places)} times in {source} (lines {lines})", remedy
    for start, end in text.locate(exact):
        before, after = text.around(start, end, 8)
        remedy = f"correct these; on line {text.line(start)} it stands between “{before}” and “{after}”"
        return f"stands in {source}, but not with its prefix and suffix", remedy
    remedy = "copy the words from the text, character by character"
    alike = next((exact[:n] for n in range(len(exact) - 1, 9, -1) if exact[:n] in text), "")
    if elsewhere := [other for other, it in texts.items() if exact in it]:
        remedy = f"it stands in {elsewhere[0]}: correct source_id or the words"
    elif alike:
        start, rest = text.index(alike), len(alike)
        differs = first_difference(text[start + rest :], exact[rest:])
        remedy += f"; on line {text.line(start)} it begins alike to “{shorten(alike[-40:])}” ({differs})"
    return f"occurs 0 times in {source}", remedy
