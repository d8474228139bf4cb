"""Europe's Defence Alliances: a reproducible report; a notebook needs one name from here, ``open_edition``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alliances.edition import open_edition

__all__ = ["open_edition"]
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    if name != "open_edition":
        raise AttributeError(f"module 'alliances' has no attribute {name!r}")
    from alliances.edition import open_edition  # when first asked for: the command line's help waits for no pandas

    return open_edition
