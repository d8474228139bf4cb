"""Charts are plain Altair in the notebooks; here are their theme, the map of Europe and what makes them ready."""

from alliances.charts.europe import europe
from alliances.charts.theme import WIDTHS, __getattr__, brand

__all__ = ["WIDTHS", "__getattr__", "brand", "europe"]
