"""Shows a comparison: as text for the terminal, and as one page that needs no network."""

from __future__ import annotations

import difflib
import html
import re
from itertools import groupby
from pathlib import Path
from string import Template

from alliances.diff.compare import Change, Comparison

__all__ = ["as_html", "as_text"]

_PAGE = Path(__file__).with_name("page.html")
_LIMIT = 10  # changes of a part that the terminal shows
_TITLES = {
    "parameters": "Parameters and engine",
    "rows": "What the texts say",
    "text": "Sentences",
    "figures": "Figures and tables",
    "judgements": "Judgements",
}


def as_text(found: Comparison) -> str:
    """Lay out a comparison for the terminal, at most ten changes a part."""
    if found.same:
        return "The two editions are the same."
    lines: list[str] = []
    for part, group in groupby(found.changes, key=lambda change: change.part):
        changes = list(group)
        lines += ["", f"{_TITLES[part]}: {len(changes)}"]
        for change in changes[:_LIMIT]:
            lines.append(f"  {change.where}")
            lines += [f"    - {change.old}"] if change.old else []
            lines += [f"    + {change.new}"] if change.new else []
        lines += [f"  … and {len(changes) - _LIMIT} more; --html or --json has all"] if len(changes) > _LIMIT else []
    return "\n".join(lines[1:])


def as_html(found: Comparison) -> str:
    """Write a comparison as a page."""
    parts = []
    for part, group in groupby(found.changes, key=lambda change: change.part):
        rows = "\n".join(_row(change) for change in group)
        parts.append(
            f'<h2>{_TITLES[part]}</h2>\n<table><thead><tr><th scope="col">Where</th><th scope="col">Old</th>'
            f'<th scope="col">New</th></tr></thead>\n<tbody>{rows}</tbody></table>'
        )
    body = "\n".join(parts) or "<p>The two editions are the same.</p>"
    return Template(_PAGE.read_text(encoding="utf-8")).substitute(body=body)


def _row(change: Change) -> str:
    old, new = _marked(change.old, change.new)
    return f'<tr><th scope="row">{html.escape(change.where)}</th><td>{old}</td><td>{new}</td></tr>'


def _marked(old: str, new: str) -> tuple[str, str]:
    """Mark the words that differ; a text that came or went is marked as a whole."""
    one, other = re.findall(r"\S+\s*", old), re.findall(r"\S+\s*", new)
    left, right = [], []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        before, after = html.escape("".join(one[i:j])), html.escape("".join(other[k:m]))
        left.append(before if tag == "equal" or not before else f"<del>{before}</del>")
        right.append(after if tag == "equal" or not after else f"<ins>{after}</ins>")
    return "".join(left), "".join(right)
