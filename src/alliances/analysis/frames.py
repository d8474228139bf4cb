"""Reading frames row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd


def records(frame: pd.DataFrame) -> Iterator[Any]:
    """Iterate over the rows of a frame as tuples with the columns as attributes.

    The type of a cell depends on the column, which no annotation can say; hence ``Any``.
    """
    return iter(frame.itertuples(index=False))
