"""Compares two editions: what came, what went, what changed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from alliances.diff.read import Edition, read_edition

__all__ = ["Change", "Comparison", "compare"]

#: Cells that say what a row is about: a row that went and one that came with the same are one change.
_SUBJECT = ("table", "alliance_id", "actor_id", "indicator", "aspect", "topic", "event_id", "capability", "body_id")
_SIMILAR = 0.5  # sentences more alike than this are one that changed


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes
    ----------
    part : str
        ``parameters``, ``rows``, ``text``, ``figures`` or ``judgements``.
    where : str
        Parameter, row id, chapter, figure or judgement.
    old, new : str
        What it was and is; "" for what came or went.
    """

    part: str
    where: str
    old: str
    new: str


@dataclass
class Comparison:
    """All differences between two editions, in the order of their parts."""

    changes: list[Change] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether there is none."""
        return not self.changes

    def as_dict(self) -> dict[str, Any]:
        """Return them as JSON-ready values."""
        return {"same": self.same, "changes": [asdict(change) for change in self.changes]}


def compare(old: Path, new: Path) -> Comparison:
    """Compare two editions' folders.

    Raises
    ------
    DataError
        If one of them holds no edition.
    """
    one, other = read_edition(old), read_edition(new)
    changes = [
        *_keyed("parameters", one.parameters, other.parameters),
        *_rows(one.rows, other.rows),
        *_text(one, other),
        *_keyed("figures", *({key: words for key, (words, _) in each.figures.items()} for each in (one, other))),
        *_drawn(one, other),
        *_keyed("judgements", one.judgements, other.judgements),
    ]
    return Comparison(changes)


def _keyed(part: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    return [
        Change(part, key, _words(old.get(key)), _words(new.get(key)))
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]


def _drawn(one: Edition, other: Edition) -> list[Change]:
    """List figures and tables that show other data under the same words."""
    both = [(key, *one.figures[key], *other.figures[key]) for key in one.figures if key in other.figures]
    return [
        Change("figures", key, "earlier data", f"other data under “{words}”")
        for key, was, drawn, words, now in both
        if was == words and drawn != now
    ]


def _words(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _rows(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> list[Change]:
    gone, came = [i for i in old if i not in new], [i for i in new if i not in old]
    changes = []
    for row_id in gone:
        twin = next((i for i in came if _subject(new[i]) == _subject(old[row_id])), "")
        if twin:
            came.remove(twin)
            changes.append(Change("rows", f"{row_id} → {twin}", _said(old[row_id]), _said(new[twin])))
        else:
            changes.append(Change("rows", row_id, _said(old[row_id]), ""))
    changes += [Change("rows", row_id, "", _said(new[row_id])) for row_id in came]
    for row_id in (i for i in old if i in new and old[i] != new[i]):
        cells = [c for c in {**old[row_id], **new[row_id]} if old[row_id].get(c) != new[row_id].get(c)]
        before, after = ("; ".join(f"{c}: {_words(rows[row_id].get(c))}" for c in cells) for rows in (old, new))
        changes.append(Change("rows", row_id, before, after))
    return changes


def _subject(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(column, "") for column in _SUBJECT)


def _said(row: Mapping[str, Any]) -> str:
    left_out = ("table", "mark", "quote_ids", "source_id", "date_precision", "year_inferred")
    cells = [_words(v) for k, v in row.items() if k not in left_out and not k.endswith("_id")]
    return f"{row.get('mark', '')} {' · '.join(cells)}".strip()


def _text(one: Edition, other: Edition) -> list[Change]:
    changes = []
    for chapter in dict.fromkeys([*one.chapters, *other.chapters]):
        old, new = one.chapters.get(chapter, []), other.chapters.get(chapter, [])
        matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
        for tag, i, j, k, m in matcher.get_opcodes():
            if tag != "equal":
                changes += [Change("text", chapter, *pair) for pair in _paired(old[i:j], new[k:m])]
    return changes


def _paired(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    """Pair sentences that are alike, in order; the others came or went."""
    pairs, left = [], list(new)
    for sentence in old:
        like = difflib.get_close_matches(sentence, left, n=1, cutoff=_SIMILAR)
        if like:
            left.remove(like[0])
        pairs.append((sentence, like[0] if like else ""))
    return pairs + [("", sentence) for sentence in left]
