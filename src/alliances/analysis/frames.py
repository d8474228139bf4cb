"""Reading frames row by row, and not more often than needed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import pandas as pd

from alliances.dataset import Dataset

_P = ParamSpec("_P")
_T = TypeVar("_T")


def once(function: Callable[Concatenate[Dataset, _P], _T]) -> Callable[Concatenate[Dataset, _P], _T]:
    """Have a function of a dataset work out each result once; nobody may change what it returns."""
    known: WeakKeyDictionary[Dataset, dict[Any, _T]] = WeakKeyDictionary()

    @functools.wraps(function)
    def again(dataset: Dataset, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        results = known.setdefault(dataset, {})
        key = (args, tuple(sorted(kwargs.items())))
        if key not in results:
            results[key] = function(dataset, *args, **kwargs)
        return results[key]

    return again


def records(frame: pd.DataFrame) -> Iterator[Any]:
    """Iterate over the rows of a frame as tuples with the columns as attributes.

    The type of a cell depends on the column, which no annotation can say; hence ``Any``.
    """
    return iter(frame.itertuples(index=False))
