"""What differs between two editions: rows, sentences, figures, judgements."""

from alliances.diff.compare import Change, compare
from alliances.diff.show import as_html, as_json, as_text

__all__ = ["Change", "as_html", "as_json", "as_text", "compare"]
