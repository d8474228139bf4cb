"""A problem in the data: where it is, what was found, what is allowed, what to do."""

import difflib
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

# Letters of other scripts that look like Latin ones, and the Latin ones.
_LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТХаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΧνο‐‑‒–−", "ABESIJKMHOPCTXaesijopcyxABEZHIKMNOPTXvo-----"
)


class Problem(NamedTuple):
    """One thing that is wrong in the data, or worth a notice; ``str()`` gives it as one sentence.

    `row` counts as a spreadsheet does (the header is row 1; None: the whole file); `column` may be "".
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


def nearest(found: str, allowed: Iterable[str], cutoff: float = 0.6) -> str:
    """Name the allowed value that is most like what was found, or "" where none is so much alike."""
    options = list(allowed)
    folded = {fold(option): option for option in reversed(options)}
    matches = difflib.get_close_matches(found, options, n=1, cutoff=cutoff)
    return folded.get(fold(found)) or (matches[0] if matches else "")


def nearest_words(found: str, allowed: Iterable[str], cutoff: float = 0.6) -> str:
    """Say which allowed value is nearest, as the end of a clause; with the character at fault if they look alike."""
    near = nearest(found, allowed, cutoff)
    alike = f" ({first_difference(near, found)})" if near != found and fold(near) == fold(found) else ""
    return f", the nearest is “{near}”{alike}" if near else ""


def fold(text: str) -> str:
    """Reduce a text to what a reader sees: no case, no white space, no invisible or look-alike characters."""
    plain = unicodedata.normalize("NFKC", text).translate(_LOOK_ALIKES)
    return "".join(c for c in plain if not c.isspace() and unicodedata.category(c) != "Cf").casefold()


def first_difference(there: str, here: str) -> str:
    """Say where two texts first differ, invisible characters by their name."""
    differing = (n for n, (a, b) in enumerate(zip(there, here, strict=False)) if a != b)
    at = next(differing, min(len(there), len(here)))
    return f"there {visible(there[at : at + 1])}, here {visible(here[at : at + 1])}"


def visible(character: str) -> str:
    """Put a character in quotation marks; one that is hard to see with its name, "" as “nothing”."""
    if not character or (character.isascii() and character.isalnum()):
        return f"“{character}”" if character else "nothing"
    shown = f"“{character}” " if character.isprintable() else ""
    return f"{shown}(U+{ord(character):04X} {unicodedata.name(character, 'control character').lower()})"


def shorten(text: str, width: int = 70) -> str:
    """Cut a text for a message, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 2].rstrip() + " …"
