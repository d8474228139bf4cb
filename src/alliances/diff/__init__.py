"""What differs between two editions: rows, sentences, figures, judgements."""

from alliances.diff.compare import Comparison, compare
from alliances.diff.show import as_html, as_text

__all__ = ["Comparison", "as_html", "as_text", "compare"]
