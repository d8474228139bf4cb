"""Words in Markdown and back: lists, capitals, and evidence marks, small raised links from a sentence to its words."""

import re
from collections.abc import Sequence

from alliances.text.dates import MONTHS

#: A mark in a notebook's output: label, anchor, title.
MARK = re.compile(r'<sup> ?\[(?P<label>[^\]]+)\]\(#(?P<anchor>[^ )]+) "(?P<title>[^"]*)"\)</sup>')
_SHOWN = (("</sup><sup>", "</sup><sup> "), ("\\$", "&#36;"), ("$", "&dollar;"))
_INNER = str.maketrans({"“": "‘", "”": "’", '"': "’"})
_UNITS = "million|billion|trillion|thousand|per|percent|%|km|kilometres|metres|miles|tonnes|days|weeks|months|years|"
_UNITS += "|".join(MONTHS)
_TOGETHER = re.compile(  # what is passed over, an attribute or a title; where no line ends; a range; a reference
    rf'"[^"\n]*"| (?:(?<=\d )(?=(?:{_UNITS})(?![A-Za-z%]))|(?<=\bCC )|(?<=\bBY ))'
    r"|(?P<range>\d[\d.,]*–[^\w\s]{0,3}\d(?:[\d.,]*\d)?%?)|@(?<![\w\\]@)(?P<to>(?:fig|tbl)-[\w-]*\w)"
)
_LINK = re.compile(r"(?<!\\)\[((?:\\.|[^\]\\])*)\]\([^)]*\)")


def escape(text: str) -> str:
    """Make plain text safe inside Markdown, on one line."""
    return re.sub(r"([\\`*_\[\]<>|$@#~^{}])", r"\\\1", " ".join(text.split()))


def plain(markdown: str) -> str:
    """Take marks, links, emphasis and escapes out of Markdown."""
    text = _LINK.sub(r"\1", re.sub(r"<sup>.*?</sup>|(?<!\\)\[\^.*?\^\]\([^)]*\)", "", markdown))
    text = re.sub(r"(?<!\\)[*_`]+(?=\S)|(?<=\S)(?<!\\)[*_`]+", "", text)
    return re.sub(r"\\([\\`*_\[\]<>|$@#~^{}])", r"\1", text)


def typeset(markdown: str) -> str:
    """Keep a number and its unit, a day and its month, and a range on one line; write `@fig-x` as a link.

    Its words, the figure's number, are the filter's.
    """

    def written(found: re.Match[str]) -> str:
        if found["range"]:
            return f"[{found[0]}]{{.unbroken}}"
        if found["to"]:
            return f"[](#{found['to']})"
        return found[0] if found[0] != " " else "\u00a0"

    return _TOGETHER.sub(written, markdown)


def curly(text: str) -> str:
    """Set straight apostrophes and quotation marks as a printer would."""
    text = re.sub(r"(^|[\s(\[])'", r"\1‘", text)
    text = re.sub(r'(^|[\s(\[])"', r"\1“", text)
    return text.replace("'", "’").replace('"', "”")


def join_and(items: Sequence[str], last: str = "and") -> str:
    """Join items as a sentence does: ``a, b and c``."""
    return f" {last} ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def capital(text: str) -> str:
    """Give a text a capital; what stands before its first letter, a quotation mark for instance, stays."""
    return re.sub(r"^[“‘*_(]*[^\W_]", lambda found: found[0].upper(), text)


def slug(text: str, length: int = 60) -> str:
    """Make an anchor of a text: ``Members of the force`` to ``members-of-the-force``."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:length].strip("-") or "x"


def link(label: str, anchor: str, title: str) -> str:
    """Write a mark as JupyterLab, GitHub and nbconvert show it: raised, with its words on hover."""
    return f'<sup>[{label}](#{anchor} "{short_words(title)}")</sup>'


def for_notebook(markdown: str) -> str:
    """Set marks that stand side by side apart, and write dollar signs so that none begins a formula."""
    for told, shown in _SHOWN:
        markdown = markdown.replace(told, shown)
    return markdown


def from_notebook(markdown: str) -> str:
    """Undo what `for_notebook` did."""
    for told, shown in reversed(_SHOWN):
        markdown = markdown.replace(shown, told)
    return markdown


def quoted(words: str) -> str:
    """Set words in quotation marks, on one line; marks inside them become single ones."""
    return f"“{' '.join(words.split()).translate(_INNER)}”"


def short_words(text: str, width: int = 140) -> str:
    """Put words on one line for a title: cut at a word, without straight quotes, backslashes or brackets."""
    line = " ".join(text.split()).replace('"', "”").translate({ord(c): None for c in "\\<>"})
    return line if len(line) <= width else line[:width].rsplit(" ", 1)[0] + " …"
