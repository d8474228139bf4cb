"""The source texts as received: quotations are found in them as W3C TextQuoteSelectors are, and paragraphs counted."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from pathlib import Path

from alliances.errors import DataError


def count_words(text: str) -> int:
    """Count words as the ceiling for quotations does: runs without white space with a letter or digit."""
    return sum(any(c.isalnum() for c in word) for word in text.split())


class SourceText:
    """A source text in which quotations can be found; `text` is its content as in the file."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(m.end() for m in re.finditer("\n", text))]
        self._paragraphs: list[int] = []  # of each line the number of non-empty lines up to it
        for line in text.split("\n"):
            self._paragraphs.append((self._paragraphs[-1] if self._paragraphs else 0) + bool(line.strip()))

    def line(self, position: int) -> int:
        """Return the line (from 1) that holds a position."""
        return bisect_right(self._starts, position)

    def paragraph(self, position: int) -> int:
        """Return the paragraph (from 1) that holds a position: lines count that hold more than white space."""
        return self._paragraphs[self.line(position) - 1]

    def around(self, start: int, end: int, words: int) -> tuple[str, str]:
        """Return at most so many words before and after a stretch, within its own paragraph."""
        last = self.text.find("\n", end)
        before = self.text[self._starts[self.line(start) - 1] : start].split()
        after = self.text[end : last if last >= 0 else None].split()
        return " ".join(before[max(0, len(before) - words) :]), " ".join(after[:words])

    def locate(self, exact: str, prefix: str = "", suffix: str = "") -> list[tuple[int, int]]:
        """Find every place of a quotation: its start and end (exclusive).

        `exact` is verbatim; in `prefix` and `suffix`, the words right before and after, any run of white
        space counts as one space.
        """
        before, after = " ".join(prefix.split()), " ".join(suffix.split())
        places: list[tuple[int, int]] = []
        start = self.text.find(exact) if exact else -1
        while start >= 0:
            end = start + len(exact)
            if (not before or " ".join(self.text[:start].split()).endswith(before)) and (
                not after or " ".join(self.text[end:].split()).startswith(after)
            ):
                places.append((start, end))
            start = self.text.find(exact, start + 1)
        return places


def read_bytes(root: Path, file: str) -> bytes:
    """Read the file of a source text; DataError if it is not a text file that stands in `seeds/`."""
    if not file.endswith(".txt") or Path(file).name != file:
        raise DataError(f"data/sources.csv names {file!r}: only a *.txt file that stands in seeds/ is read.")
    try:
        return (root / "seeds" / file).read_bytes()
    except OSError:
        raise DataError(
            f"seeds/{file} cannot be read, but data/sources.csv names it: restore the file in seeds/."
        ) from None


def sha256(root: Path, file: str) -> str:
    """Return the SHA-256 of a source text, in hexadecimal digits; DataError as in `read_bytes`."""
    return hashlib.sha256(read_bytes(root, file)).hexdigest()


def read_text(root: Path, file: str) -> SourceText:
    """Read one source text, line ends untouched; DataError if it cannot be read or is not UTF-8."""
    try:
        return SourceText(read_bytes(root, file).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"seeds/{file} is not UTF-8 (byte {error.start}): restore the file as it was received."
        ) from None


def read_texts(root: Path, sources: Iterable[Mapping[str, str]]) -> dict[str, SourceText]:
    """Read the source texts named in rows of `sources`, by `source_id`."""
    return {row["source_id"]: read_text(root, row["file"]) for row in sources}
