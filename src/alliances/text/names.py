"""Prints lists of names, and capitals at the beginning of a sentence."""

import re
from collections.abc import Sequence


def join_and(items: Sequence[str], last: str = "and") -> str:
    """Join items as a sentence does: ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def capital(text: str) -> str:
    """Give a text a capital; what stands before its first letter, a quotation mark for instance, stays."""
    for index, character in enumerate(text):
        if character.isalnum():
            return text[:index] + character.upper() + text[index + 1 :]
        if character not in "“‘*_(":
            break
    return text


def slug(text: str, length: int = 60) -> str:
    """Make an anchor of a text: ``Members of the force`` to ``members-of-the-force``."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:length].strip("-") or "x"
