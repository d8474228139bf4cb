"""Compares two editions: what came, what went, what changed."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from alliances.diff.read import read_edition

#: Cells that say what a row is about: a row that went and one that came with the same are one change.
_SUBJECT = ("table", "alliance_id", "actor_id", "indicator", "aspect", "topic", "event_id", "capability", "body_id")
_SIMILAR = 0.5  # sentences more alike than this are one that changed


class Change(NamedTuple):
    """One difference; `old` is "" for what came, `new` for what went."""

    part: str  # parameters, rows, text, figures or judgements
    where: str  # parameter, row id, chapter, figure or judgement
    old: str
    new: str


def compare(old: Path, new: Path) -> list[Change]:
    """Return all differences between two editions' folders, by parts; DataError if one holds no edition."""
    one, other = read_edition(old), read_edition(new)
    return [
        *_keyed("parameters", one.parameters, other.parameters),
        *_rows(one.rows, other.rows),
        *_text(one.chapters, other.chapters),
        *_keyed("figures", *({key: words for key, (words, _) in each.figures.items()} for each in (one, other))),
        *_drawn(one.figures, other.figures),
        *_keyed("judgements", one.judgements, other.judgements),
    ]


def _keyed(part: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return [Change(part, key, _words(old.get(key)), _words(new.get(key))) for key in keys]


def _drawn(old: Mapping[str, tuple[str, str]], new: Mapping[str, tuple[str, str]]) -> list[Change]:
    """List figures and tables that show other data under the same words."""
    both = [(key, *old[key], *new[key]) for key in old if key in new]
    same = [(key, words) for key, was, drawn, words, now in both if was == words and drawn != now]
    return [Change("figures", key, "earlier data", f"other data under “{words}”") for key, words in same]


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else "" if value is None else str(value)


def _rows(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> list[Change]:
    came, changes = [i for i in new if i not in old], []
    for row_id in (i for i in old if i not in new):
        twin = next((i for i in came if all(new[i].get(c) == old[row_id].get(c) for c in _SUBJECT)), "")
        if twin:
            came.remove(twin)
        where = f"{row_id} → {twin}" if twin else row_id
        changes.append(Change("rows", where, _said(old[row_id]), _said(new[twin]) if twin else ""))
    changes += [Change("rows", row_id, "", _said(new[row_id])) for row_id in came]
    for row_id in (i for i in old if i in new and old[i] != new[i]):
        cells = [change[1:] for change in _keyed("", old[row_id], new[row_id])]
        before, after = ("; ".join(f"{cell[0]}: {cell[side]}" for cell in cells) for side in (1, 2))
        changes.append(Change("rows", row_id, before, after))
    return changes


def _said(row: Mapping[str, Any]) -> str:
    left_out = ("table", "mark", "quote_ids", "source_id", "date_precision", "year_inferred")
    cells = [_words(v) for k, v in row.items() if k not in left_out and not k.endswith("_id")]
    return f"{row.get('mark', '')} {' · '.join(cells)}".strip()


def _text(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> list[Change]:
    changes = []
    for chapter in {**one, **other}:
        old, new = one.get(chapter, []), other.get(chapter, [])
        for tag, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
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
