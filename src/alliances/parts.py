"""The parts of the staged Markdown: its chapters, and the entries of its annexes.

A part is read and written by itself, so that only what has changed is read and written again.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

__all__ = ["MARKS", "Chapter", "divide", "take_apart"]

#: By format, what stands in a chapter where its entries belong.
MARKS = {"html": "<!-- entries -->", "typst": "// entries"}
_MARKED = "\n\n".join(f"```{{={format_}}}\n{mark}\n```" for format_, mark in MARKS.items())
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_LABEL = re.compile(r"# [^\n]*\{#([^\s}]+)[^\n]*\}\n")
_ENTRIES = re.compile(r"(?<=^::: \{\.evidence\}\n\n).*?(?=\n\n:::$)", re.DOTALL | re.MULTILINE)
_ENTRY = re.compile(r"\[\*\*[^\n]*\*\*\]\{#([^\s}]+)\} [^\n]*")
_RUN = 6  # entries, on average


@dataclass(frozen=True)
class Chapter:
    """A chapter, apart from its entries.

    Parameters
    ----------
    label : str
        Label of its heading; empty where it has none.
    text : str
        Its Markdown, with a mark in the place of the entries that were taken.
    runs : list of str
        The entries, some at a time. Where a run ends depends on the entry it ends with and on nothing else: one that
        comes, goes or changes touches no run but its own.
    """

    label: str
    text: str
    runs: list[str]


def divide(markdown: str) -> list[str]:
    """Divide a report at its chapters."""
    parts: list[list[str]] = [[]]
    fence = ""
    for line in markdown.splitlines():
        mark = _FENCE.match(line)
        if mark and (not fence or (mark[1].startswith(fence) and line.strip() == mark[1])):
            fence = "" if fence else mark[1]
        if line.startswith("# ") and not fence:
            parts.append([])
        parts[-1].append(line)
    texts = ["\n".join(lines).strip("\n") + "\n" for lines in parts]
    return [text for text in texts if text.strip()]


def take_apart(chapter: str) -> Chapter:
    """Take the entries out of a chapter that has a list of them (``::: {.evidence}``) and a label."""
    opening = _LABEL.match(chapter)
    label = opening[1] if opening else ""
    lists = list(_ENTRIES.finditer(chapter))
    alone = len(lists) == 1 and "\n# " not in chapter
    entries = lists[0][0].split("\n\n") if alone else []
    named = [_ENTRY.fullmatch(entry) for entry in entries]
    if not label or not entries or not all(named):
        return Chapter(label, chapter, [])
    runs: list[list[str]] = [[]]
    for entry, name in zip(entries, named, strict=True):
        runs[-1].append(entry)
        if name and zlib.crc32(name[1].encode()) % _RUN == 0:
            runs.append([])
    text = f"{chapter[: lists[0].start()]}{_MARKED}{chapter[lists[0].end() :]}"
    return Chapter(label, text, ["\n\n".join(run) + "\n" for run in runs if run])
