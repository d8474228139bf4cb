"""Europe's Defence Alliances: a reproducible report.

A notebook needs one name from here, ``open_edition``; it is imported when first asked for, so that
the command line's help does not wait for pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alliances.edition import open_edition

__all__ = ["open_edition"]
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    if name == "open_edition":
        from alliances.edition import open_edition

        return open_edition
    raise AttributeError(f"module 'alliances' has no attribute {name!r}")
