"""Plain text into Markdown and back."""

import re

_LINK = re.compile(r"(?<!\\)\[((?:\\.|[^\]\\])*)\]\([^)]*\)")


def escape(text: str) -> str:
    """Make plain text safe inside Markdown, on one line."""
    return re.sub(r"([\\`*_\[\]<>|$@#~^{}])", r"\\\1", " ".join(text.split()))


def plain(markdown: str) -> str:
    """Take marks, links, emphasis and escapes out of Markdown."""
    text = re.sub(r"<sup>.*?</sup>|(?<!\\)\[\^.*?\^\]\([^)]*\)", "", markdown)
    text = _LINK.sub(r"\1", text)
    text = re.sub(r"(?<!\\)[*_`]+(?=\S)|(?<=\S)(?<!\\)[*_`]+", "", text)
    return re.sub(r"\\([\\`*_\[\]<>|$@#~^{}])", r"\1", text)


def curly(text: str) -> str:
    """Set straight apostrophes and quotation marks as a printer would."""
    text = re.sub(r"(^|[\s(\[])'", r"\1‘", text)
    text = re.sub(r'(^|[\s(\[])"', r"\1“", text)
    return text.replace("'", "’").replace('"', "”")
