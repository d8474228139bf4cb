"""A problem in the data: where it is, what was found, what is allowed, what to do."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: Beyond so many allowed values the search for the nearest would take too long.
_MANY = 5000
# Letters of other scripts that look like Latin ones, and the Latin ones.
_LOOK_ALIKES = str.maketrans("АВЕЅІЈКМНОРСТХаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΧνο", "ABESIJKMHOPCTXaesijopcyxABEZHIKMNOPTXvo")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in the data, or worth a notice; ``str()`` gives it as one sentence.

    `file` is a path below the root, `row` counts as a spreadsheet does (the header is row 1; None: the
    whole file), `column` is "" where no single one is wrong; `remedy` says what to do.
    """

    file: str
    row: int | None
    column: str
    found: str
    allowed: str
    remedy: str

    def __str__(self) -> str:
        row = f", row {self.row}" if self.row is not None else ""
        column = f", column {self.column}" if self.column else ""
        return f"{self.file}{row}{column}: {self.found}; {self.allowed}; {self.remedy}."


def nearest(found: str, allowed: Iterable[str]) -> str:
    """Name the allowed value that is most like what was found, or "" where none is."""
    options = list(allowed)
    if len(options) > _MANY:
        return ""
    folded = {fold(option): option for option in reversed(options)}
    matches = difflib.get_close_matches(found, options, n=1, cutoff=0.6)
    return folded.get(fold(found)) or (matches[0] if matches else "")


def nearest_words(found: str, allowed: Iterable[str]) -> str:
    """Say which allowed value is nearest, as the end of a clause; with the character at fault if they look alike."""
    near = nearest(found, allowed)
    seen = f" ({first_difference(near, found)})" if fold(near) == fold(found) else ""
    return f", the nearest is “{near}”{seen}" if near else ""


def fold(text: str) -> str:
    """Reduce a text to what a reader sees: no case, no white space, no invisible or look-alike characters."""
    plain = unicodedata.normalize("NFKC", text).translate(_LOOK_ALIKES)
    return "".join(c for c in plain if not c.isspace() and unicodedata.category(c) != "Cf").casefold()


def is_slip(found: str, near: str) -> bool:
    """Whether a text is an allowed one but for its looks or one letter added, left out or changed."""
    changed = [max(b - a, d - c) for tag, a, b, c, d in _steps(found, near) if tag != "equal"]
    return bool(near) and (fold(found) == fold(near) or (len(found) > 3 and sum(changed) == 1))


def first_difference(there: str, here: str) -> str:
    """Say where two texts first differ, invisible characters by their name."""
    differences = (step for step in _steps(there, here) if step[0] != "equal")
    _, a, b, c, d = next(differences, ("", 0, 0, 0, 0))
    return f"there {_visible(there[a:b])}, here {_visible(here[c:d])}"


def _visible(piece: str) -> str:
    """Show a few characters so that white space, dashes and look-alikes can be told apart."""
    if len(piece) == 1 and not (piece.isascii() and piece.isprintable() and piece != " "):
        return f"“{piece}” (U+{ord(piece):04X} {unicodedata.name(piece, 'control character').lower()})"
    if not piece.strip():
        return "two spaces or more" if piece else "nothing"
    return f"“{shorten(piece, 40)}”"


def shorten(text: str, width: int = 70) -> str:
    """Cut a text for a message, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 2].rstrip() + " …"


def _steps(one: str, other: str) -> Sequence[tuple[str, int, int, int, int]]:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
