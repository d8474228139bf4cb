"""The source texts as received: quotations are found in them as W3C TextQuoteSelectors are, and paragraphs counted."""

from pathlib import Path

from alliances.errors import DataError


def count_words(text: str) -> int:
    """Count words as the ceiling for quotations does: runs without white space with a letter or digit."""
    return sum(any(c.isalnum() for c in word) for word in text.split())


class SourceText:
    """A source text in which quotations can be found; `text` is its content as in the file."""

    def __init__(self, text: str) -> None:
        self.text = text

    def line(self, position: int) -> int:
        """Return the line (from 1) that holds a position."""
        return self.text.count("\n", 0, position) + 1

    def paragraph(self, position: int) -> int:
        """Return the paragraph (from 1) that holds a position: lines count that hold more than white space."""
        return sum(bool(line.strip()) for line in self.text.split("\n")[: self.line(position)])

    def around(self, start: int, end: int, words: int) -> tuple[str, str]:
        """Return at most so many words before and after a stretch, within its own paragraph."""
        before = self.text[:start].rpartition("\n")[2].split()
        after = self.text[end:].partition("\n")[0].split()
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


def read_text(root: Path, file: str) -> SourceText:
    """Read a text in `seeds/`, line ends untouched; DataError if it is no *.txt there or no UTF-8."""
    if not file.endswith(".txt") or Path(file).name != file:
        raise DataError(f"data/sources.csv names {file!r}: only a *.txt file that stands in seeds/ is read.")
    try:
        return SourceText((root / "seeds" / file).read_bytes().decode("utf-8"))
    except OSError:
        raise DataError(
            f"seeds/{file} cannot be read, but data/sources.csv names it: restore the file in seeds/."
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"seeds/{file} is not UTF-8 (byte {error.start}): restore the file as it was received."
        ) from None
