"""Shows what differs: as text for the terminal, as JSON, and as one page that needs no network."""

import difflib
import json
import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from jinja2 import Environment

from alliances.diff.compare import Change

_LIMIT = 10  # changes of a part that the terminal shows
_TITLES = {
    "parameters": "Parameters and engine", "rows": "What the texts say", "text": "Sentences",
    "figures": "Figures and tables", "judgements": "Judgements",
}  # fmt: skip


def as_text(changes: Iterable[Change]) -> str:
    """Lay out changes for the terminal, at most ten a part."""
    lines: list[str] = []
    for title, group in _parts(changes):
        lines += ["", f"{title}: {len(group)}"]
        for change in group[:_LIMIT]:
            lines.append(f"  {change.where}")
            lines += [f"    {sign} {words}" for sign, words in (("-", change.old), ("+", change.new)) if words]
        lines += [f"  … and {len(group) - _LIMIT} more; --html or --json has all"] if len(group) > _LIMIT else []
    return "\n".join(lines[1:]) or "The two editions are the same."


def as_json(changes: list[Change]) -> str:
    """Write changes as JSON."""
    found = {"same": not changes, "changes": [change._asdict() for change in changes]}
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def as_html(changes: Iterable[Change]) -> str:
    """Write changes as a page, in which the words that differ are marked."""
    page = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    return Environment(autoescape=True).from_string(page).render(parts=_parts(changes), pieces=_pieces)


def _parts(changes: Iterable[Change]) -> list[tuple[str, list[Change]]]:
    return [(_TITLES[part], list(group)) for part, group in groupby(changes, key=lambda change: change.part)]


def _pieces(change: Change) -> list[tuple[str, list[tuple[bool, str]]]]:
    """Cut the old and the new text into pieces; of each, whether it stands in the other as well."""
    old, new = (re.findall(r"\S+\s*", text) for text in (change.old, change.new))
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [
        ("del", [(tag == "equal", "".join(old[i:j])) for tag, i, j, _, _ in codes if i < j]),
        ("ins", [(tag == "equal", "".join(new[k:m])) for tag, _, _, k, m in codes if k < m]),
    ]
