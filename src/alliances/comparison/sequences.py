"""Which of two lists' items belong together; swapping the lists gives the mirror image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

__all__ = ["Step", "align", "alike", "pair_up", "word_steps"]

Item = TypeVar("Item")
#: Items only the old list has, and items only the new one has, at one place; or the same items twice.
Step = tuple[list[str], list[str]]


def align(old: Sequence[str], new: Sequence[str]) -> list[Step]:
    """Cut two lists into runs that are equal and runs that differ.

    Returns
    -------
    list of Step
        In order; a run is equal where both its lists are.
    """
    if tuple(old) > tuple(new):
        # difflib may align (a, b) and (b, a) differently; what changed must not depend on the direction.
        return [(before, after) for after, before in align(new, old)]
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(list(old[a:b]), list(new[c:d])) for _, a, b, c, d in codes]


def alike(old: str, new: str) -> float:
    """Measure how many words two texts share: 0 for none, 1 for all (Dice's coefficient)."""
    before, after = Counter(old.split()), Counter(new.split())
    total = before.total() + after.total()
    return 2 * (before & after).total() / total if total else 1.0


def pair_up(
    old: Sequence[Item], new: Sequence[Item], likeness: Callable[[Item, Item], float], name: Callable[[Item], str]
) -> dict[int, int]:
    """Pair the items of two lists, the most alike first.

    Parameters
    ----------
    old, new : sequence
        The items.
    likeness : callable
        Symmetric; 0 or less where two items do not belong together.
    name : callable
        Tells items apart, for the order among pairs that are equally alike.

    Returns
    -------
    dict of int to int
        For each new item that is paired, by index, the index of its old one.
    """
    candidates = []
    for i, before in enumerate(old):
        for j, after in enumerate(new):
            score = likeness(before, after)
            if score > 0:
                candidates.append((-score, sorted((name(before), name(after))), i, j))
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in sorted(candidates):
        if i not in taken and j not in pairs:
            taken.add(i)
            pairs[j] = i
    return pairs


def word_steps(old: str, new: str) -> list[tuple[str, str]]:
    """Cut two sentences into runs of words that are equal and runs that differ."""
    return [(" ".join(before), " ".join(after)) for before, after in align(old.split(), new.split())]
