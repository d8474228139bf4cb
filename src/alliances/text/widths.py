"""Estimates how wide a text is in the charts' font, and breaks it into lines."""


def text_width(text: str, size: float = 11.5, weight: int = 400) -> float:
    """Estimate the width of a text in Source Sans Pro, in pixels; good to a few per cent."""
    widths = [("ijlI.,:;'’!|()f/-tr", 0.3), (" ", 0.2), ("mwMW%—", 0.8), ("ABCDEFGHKNOPQRSTUVXYZ", 0.6)]
    ems = sum(next((width for letters, width in widths if c in letters), 0.51) for c in text)
    return ems * size * (1.04 if weight > 400 else 1)


def wrapped(text: str, width: float, size: float = 11.5, weight: int = 400) -> list[str]:
    """Break a text into lines that are no wider than `width` pixels; its own line breaks stay."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines.append("")
        for word in paragraph.split():
            longer = f"{lines[-1]} {word}".strip()
            fits = not lines[-1] or text_width(longer, size, weight) <= width
            lines[-1:] = [longer] if fits else [lines[-1], word]
    return lines
