"""Tables as Markdown that Quarto, Pandoc and JupyterLab all read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alliances.prose.narrative import MEDIA_TYPE, Figure, Narrative

TABLE_KEY = "alliances_table"


@dataclass(frozen=True)
class Table:
    """A table for a notebook's output: JupyterLab shows it with its caption beneath.

    Staging takes label and caption from the output's metadata and makes a numbered table of it.
    """

    label: str
    caption: str
    body: str
    figures: tuple[Figure, ...] = ()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        text = f"{self.body}\n\n*{self.caption}*" if self.body else ""
        if not self.body:
            return {MEDIA_TYPE: "", "text/plain": ""}, {}
        carried = {TABLE_KEY: {"label": self.label, "caption": self.caption, "body": self.body}}
        _, figures = Narrative("", self.figures)._repr_mimebundle_()
        carried.update(figures.get(MEDIA_TYPE, {}))
        return {MEDIA_TYPE: text, "text/plain": text}, {MEDIA_TYPE: carried}

    def __bool__(self) -> bool:
        return bool(self.body)


def table(
    label: str,
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    figures: Sequence[Figure] = (),
) -> Table:
    """Lay out a table with a caption.

    Parameters
    ----------
    label : str
        Cross-reference label, ``tbl-…``.
    caption : str
        Caption, Markdown.
    head : sequence of str
        Column heads.
    rows : sequence of sequence of str
        Cells, Markdown.
    widths : sequence of int
        Relative widths of the columns: Pandoc sizes the columns of a wide pipe table by the dashes
        under its heads.
    figures : sequence of Derived or Reference
        Figures that cells or caption print.

    Returns
    -------
    Table
        Empty where there is no row.
    """
    if not rows:
        return Table(label, caption, "")
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join('-' * max(3, width) for width in widths)}|"]
    lines += [f"| {' | '.join(' '.join(cell.split()) for cell in row)} |" for row in rows]
    return Table(label, caption, "\n".join(lines), tuple(figures))
