"""Splits a source text into sentences, with their place in the file.

Every line of a file is a block of its own: a heading, a bullet and a menu entry end where their line
ends. Inside a line a sentence ends at a full stop, question or exclamation mark (and the closing
quotation marks after it) that white space and a capital, a digit or an opening mark follow, unless
the stop belongs to an abbreviation.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_BULLET = re.compile(r"\s*(?:[-*•–—]\s+|\d{1,2}[.)]\s+)?")
_STOP = re.compile(r"[.!?…]+[”’\"')\]»]*(?=\s)")
_LAST_WORD = re.compile(r"[^\s“‘\"'(\[]+$")
_NEXT_WORD = re.compile(r"\s+[“‘\"'(\[«—–-]*\s?(\w+)")
_INITIALS = re.compile(r"(?:[A-Za-z]\.)+$")
_ABBREVIATIONS = frozenset(
    "adm. approx. art. capt. cf. co. col. corp. dr. ed. esp. est. etc. ft. fig. gen. gov. hon. inc. jr. lt. ltd. "
    "maj. mr. mrs. ms. no. nos. op. p. pp. prof. rep. rev. sec. sen. sgt. sr. st. tel. viz. vol. vs.".split()
)
_BEFORE_A_NUMBER = frozenset("no. nos. p. pp. art. fig. vol. approx.".split())
# After initials such as "U.S." only a word that usually opens a sentence shows that the stop ends one.
_OPENERS = frozenset(
    "A After Although An And Another As At Because Before Both But By Despite During Each Even For From He Her Here "
    "His How However I If In Instead It Its Many Meanwhile Moreover Most No Nor Not Of On Only Or Our Several She "
    "Since So Some Still Such That The Their Then There These They This Those Though Through Thus To Today Under "
    "Until We What When Where While Who Why With Within Without Yet You".split()
)


class Sentence(NamedTuple):
    """A sentence verbatim, without the bullet before it; `end` is exclusive, `line` its line in the file, from 1."""

    text: str
    start: int
    end: int
    line: int


def split_sentences(text: str) -> list[Sentence]:
    """Split a text into sentences, in its order; lines without a letter or digit give none."""
    found: list[Sentence] = []
    offset = 0
    for number, line in enumerate(text.split("\n"), start=1):
        found += [Sentence(line[a:b], offset + a, offset + b, number) for a, b in _spans(line)]
        offset += len(line) + 1
    return [sentence for sentence in found if any(c.isalnum() for c in sentence.text)]


def _spans(line: str) -> Iterator[tuple[int, int]]:
    bullet = _BULLET.match(line)
    start = bullet.end() if bullet else 0
    for stop in _STOP.finditer(line, start):
        if stop.start() >= start and _ends_sentence(line, start, stop.start(), stop.end()):
            yield start, stop.end()
            start = stop.end() + len(line[stop.end() :]) - len(line[stop.end() :].lstrip())
    if start < len(line.rstrip()):
        yield start, len(line.rstrip())


def _ends_sentence(line: str, start: int, stop: int, end: int) -> bool:
    following = _NEXT_WORD.match(line, end)
    if following is None:
        return True
    word = following.group(1)
    if word[0].islower():
        return False
    if line[stop] != "." or line[stop : stop + 2] == "..":
        return True
    before = _LAST_WORD.search(line[start : stop + 1])
    # "U.S.-led" has its stop inside; only what follows the last hyphen can be initials.
    token = before.group().rsplit("-", 1)[-1] if before else ""
    if _INITIALS.fullmatch(token):
        return word in _OPENERS
    if token.lower() in _BEFORE_A_NUMBER:
        return not word[0].isdigit()
    return token.lower() not in _ABBREVIATIONS
