"""Evidence marks: small raised links from a sentence to the words that support it."""

import re

#: A mark in a notebook's output: label, anchor, title.
MARK = re.compile(r'<sup>\[(?P<label>[^\]]+)\]\(#(?P<anchor>[^ )]+) "(?P<title>[^"]*)"\)</sup>')
_WIDTH = 140
_INNER = str.maketrans({"“": "‘", "”": "’", '"': "’"})


def link(label: str, anchor: str, title: str) -> str:
    """Write a mark as JupyterLab, GitHub and nbconvert show it: raised, with its words on hover."""
    return f'<sup>[{label}](#{anchor} "{short_words(title)}")</sup>'


def to_pandoc(markdown: str) -> str:
    """Write marks in the one form that both engines keep as raised links in page and PDF."""
    return MARK.sub(lambda m: f'[^{m["label"]}^](#{m["anchor"]} "{m["title"]}")', markdown)


def quoted(words: str) -> str:
    """Set words in quotation marks, on one line; marks inside them become single ones."""
    inner = " ".join(words.split()).translate(_INNER)
    return f"“{inner}”"


def short_words(text: str, width: int = _WIDTH) -> str:
    """Put words on one line for a title: cut at a word, without straight quotes, backslashes or brackets."""
    line = " ".join(text.split()).replace('"', "”").translate({ord(c): None for c in "\\<>"})
    return line if len(line) <= width else line[:width].rsplit(" ", 1)[0] + " …"
