"""Sentences that follow the data: templates that show only where their evidence is known.

A template is an ordinary sentence with placeholders in braces:

=============================  ==========================================================
``{obs-jef-members-opinion}``  the row's main value, linked to its evidence
``{row.date}``                 another column of the row; ``row.source`` names the source
``{row.published}``            the month in which the row's source was published
``{row:these words}``          these words, linked to the row's evidence
``{figure}``                   a derived figure or reference fact passed by keyword
``{figure|state|states}``      the value, followed by the singular or the plural
=============================  ==========================================================

A sentence is left out where one of its rows is not known in the edition, or where a figure passed
by keyword is ``None``. So no sentence can outlive its evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alliances.analysis.derived import Derived, Reference, carried
from alliances.dataset import Dataset
from alliances.errors import NarrativeError
from alliances.prose.links import cell_text, derived_link, evidence_link, published_link

Figure = Derived | Reference
MEDIA_TYPE = "text/markdown"
METADATA_KEY = "alliances"

_PLACEHOLDER = re.compile(
    r"\{(?P<name>[A-Za-z0-9_-]+)(?:\.(?P<column>[a-z_]+))?"
    r"(?:\|(?P<one>[^|{}]*)\|(?P<many>[^|{}]*))?(?::(?P<words>[^{}]*))?\}"
)
_ROW_ID = re.compile(r"^(cha|mem|pos|acc|obs|cap|sta)-")


@dataclass(frozen=True)
class Narrative:
    """Markdown for a notebook's output, with the derived figures that it prints.

    Jupyter shows it as Markdown; staging finds the figures in the output's metadata.
    """

    text: str
    figures: tuple[Figure, ...] = field(default=())

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        bundle = {MEDIA_TYPE: self.text, "text/plain": self.text}
        found = carried(self.figures)
        return bundle, ({MEDIA_TYPE: {METADATA_KEY: found}} if found else {})

    def __add__(self, other: Narrative) -> Narrative:
        text = "\n\n".join(part for part in (self.text, other.text) if part)
        return Narrative(text, self.figures + other.figures)

    def __bool__(self) -> bool:
        return bool(self.text)


def row_ids_in(template: str) -> list[str]:
    """List the rows that a template refers to, in order of appearance."""
    names = (match["name"] for match in _PLACEHOLDER.finditer(template))
    return [name for name in names if _ROW_ID.match(name)]


def sentence(dataset: Dataset, template: str, figures: Mapping[str, Figure | str | None]) -> Narrative:
    """Fill one template; empty where its evidence is not known in this edition.

    Parameters
    ----------
    dataset : Dataset
        The dataset, cut to the edition.
    template : str
        A sentence with placeholders (see the module's text).
    figures : Mapping of str to Derived, Reference, str or None
        What else the placeholders may name. A plain string is printed as it is.

    Raises
    ------
    NarrativeError
        If a placeholder names neither a row of the dataset nor a keyword.
    """
    used: list[Figure] = []
    known = True

    def fill(match: re.Match[str]) -> str:
        nonlocal known
        name, column, words = match["name"], match["column"] or "", match["words"]
        if name in figures:
            figure = figures[name]
            if figure is None or figure == "":
                known = False
                return ""
            if isinstance(figure, str):
                return figure
            used.append(figure)
            printed = derived_link(figure, words or "")
            value = figure.value if isinstance(figure, Derived) else None
        elif name in dataset.complete:
            if name not in dataset:
                known = False
                return ""
            row = dataset.row(name)
            value = row.values.get("value_high")
            if column == "published":
                printed = published_link(dataset, row.source_id)
            else:
                printed = evidence_link(dataset, row, words or "", column)
                known = known and bool(words or cell_text(dataset, row, column))
        else:
            raise NarrativeError(
                f"The sentence “{template.strip()[:80]}” names “{name}”, which is neither a row of the dataset "
                "nor a figure passed to the call; check the id with `alliances check`."
            )
        if match["many"] is None:
            return printed
        return f"{printed} {match['one'] if value == 1 else match['many']}"

    text = _PLACEHOLDER.sub(fill, template)
    if not known:
        return Narrative("")
    return Narrative(" ".join(text.split()), tuple(used))


def paragraph(
    dataset: Dataset,
    templates: Sequence[str],
    figures: Mapping[str, Figure | str | None],
    otherwise: str = "",
) -> Narrative:
    """Join the sentences whose evidence is known; ``otherwise`` where none is."""
    told = [part for part in (sentence(dataset, t, figures) for t in templates) if part]
    if not told and otherwise:
        told = [sentence(dataset, otherwise, figures)]
    carried = dict.fromkeys(figure for part in told for figure in part.figures)
    return Narrative(" ".join(part.text for part in told), tuple(carried))
