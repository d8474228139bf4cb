"""Headings of sections that may have no content in an edition."""

from __future__ import annotations

from typing import Any

from alliances.prose.narrative import Narrative


def headed(heading: str, *contents: Any) -> Narrative:
    """Head a section; nothing where none of its narratives, tables and charts has content.

    Parameters
    ----------
    heading : str
        The heading.
    *contents : Narrative, Table or chart
        What follows it in the notebook.
    """
    return Narrative(f"## {heading}") if any(bool(content) for content in contents) else Narrative("")
