"""Charts are plain Altair in the notebooks; here are their theme, the map of Europe and what makes them ready."""

from __future__ import annotations

from alliances.charts import theme
from alliances.charts.europe import europe
from alliances.charts.figure import check_layers, data_frames, fitted, png, prepare, row_ids, svg, words
from alliances.charts.theme import WIDTHS, brand, halo

__all__ = [
    "WIDTHS", "brand", "check_layers", "data_frames", "europe", "fitted", "halo", "png", "prepare", "row_ids", "svg",
    "words",
]  # fmt: skip


def __getattr__(name: str) -> str:
    return getattr(theme, name)  # type: ignore[no-any-return]  # the colours: INK, READY …
