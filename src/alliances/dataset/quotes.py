"""Finds quotations in the source texts, as W3C TextQuoteSelectors do."""

from __future__ import annotations

import re
from bisect import bisect_right

__all__ = ["SourceText", "count_words"]

_SPACE = re.compile(r"\s+")


def count_words(text: str) -> int:
    """Count words as the ceiling for quotations does: runs without white space with a letter or digit."""
    return sum(any(c.isalnum() for c in word) for word in text.split())


class SourceText:
    """A source text in which quotations can be found.

    Parameters
    ----------
    text : str
        The text, as in its file.

    Attributes
    ----------
    text : str
        Likewise.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        pieces: list[str] = []
        # For each run of white space: where it ends in the text, and how many characters are lost by then.
        self._ends: list[int] = []
        self._lost: list[int] = []
        position = lost = 0
        for run in _SPACE.finditer(text):
            pieces.append(text[position : run.start()])
            position = run.end()
            lost += run.end() - run.start() - 1
            self._ends.append(run.end())
            self._lost.append(lost)
        pieces.append(text[position:])
        self._collapsed = " ".join(pieces)
        self._line_ends = [m.start() for m in re.finditer("\n", text)]

    def line(self, position: int) -> int:
        """Return the line (from 1) that holds a position."""
        return bisect_right(self._line_ends, position - 1) + 1

    def locate(self, exact: str, prefix: str = "", suffix: str = "") -> list[tuple[int, int]]:
        """Find every place of a quotation.

        Parameters
        ----------
        exact : str
            The words, verbatim.
        prefix, suffix : str
            Words right before and after; any run of white space in them counts as one space.

        Returns
        -------
        list of (int, int)
            Start and end (exclusive) of each place.
        """
        if not exact:
            return []
        before, after = _SPACE.sub(" ", prefix).strip(), _SPACE.sub(" ", suffix).strip()
        places: list[tuple[int, int]] = []
        start = self.text.find(exact)
        while start >= 0:
            end = start + len(exact)
            if self._fits(start, end, before, after):
                places.append((start, end))
            start = self.text.find(exact, start + 1)
        return places

    def _fits(self, start: int, end: int, before: str, after: str) -> bool:
        if before:
            at = self._to_collapsed(start)
            if at and self._collapsed[at - 1] == " ":
                at -= 1
            if not self._collapsed.endswith(before, 0, at):
                return False
        if after:
            at = self._to_collapsed(end)
            if self._collapsed[at : at + 1] == " ":
                at += 1
            return self._collapsed.startswith(after, at)
        return True

    def _to_collapsed(self, position: int) -> int:
        index = bisect_right(self._ends, position) - 1
        mapped = position - (self._lost[index] if index >= 0 else 0)
        # A position inside a run of white space stands for that run's one space.
        if index + 1 < len(self._ends):
            run_end = self._ends[index + 1]
            previous = self._lost[index] if index >= 0 else 0
            run_start = run_end - (self._lost[index + 1] - previous) - 1
            if position > run_start:
                mapped = run_start - previous + 1
        return mapped
