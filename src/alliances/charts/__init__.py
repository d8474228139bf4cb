"""Charts are plain Altair in the notebooks; here are their theme, the map of Europe and what makes them ready."""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    # Imported when first asked for: a process that draws, or puts drawings in place, waits for no Altair.
    return getattr(import_module(f"alliances.charts.{'map' if name == 'europe' else 'theme'}"), name)
