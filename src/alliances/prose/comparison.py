"""Formats side by side: a table with a line for each format that a known text mentions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from alliances.analysis.knowledge import mentions
from alliances.dataset import Dataset
from alliances.prose.links import escape
from alliances.prose.narrative import Figure, Narrative, row_ids_in, sentence
from alliances.prose.tables import Table, table
from alliances.prose.values import join_and

NOT_SAID = "the texts do not say"
_FIRST_LETTER = re.compile(r"^(\[?)([a-z])")


def comparison(
    dataset: Dataset,
    formats: Mapping[str, Sequence[Sequence[str]]],
    *,
    label: str,
    caption: str,
    head: Sequence[str],
    widths: Sequence[int],
    cite: bool = True,
) -> Table:
    """Lay out formats side by side, in the narrator's templates.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    formats : Mapping of str to sequence of sequence of str
        Alliance id to its cells; a cell is a sequence of templates (see
        :mod:`alliances.prose.narrative`), of which those show whose evidence is known. An empty cell says
        that the texts do not say it.
    label, caption : str
        As in :func:`alliances.prose.tables.table`.
    head : sequence of str
        Heads of the columns, that of the formats first; the one for the sources is added.
    widths : sequence of int
        Relative widths of all columns.
    cite : bool
        Whether a last column names the sources of each line.

    Returns
    -------
    Table
        Empty where no known text mentions any of the formats.

    Raises
    ------
    NarrativeError
        If a template names a row that the dataset does not have.
    """
    short_names = dict(zip(dataset["alliances"]["alliance_id"], dataset["alliances"]["short_name"], strict=True))
    lines, figures = list[list[str]](), list[Figure]()
    for alliance_id, cells in formats.items():
        if not mentions(dataset, alliance_id):
            continue
        name = short_names[alliance_id]
        line = [f"**{escape(name[0].upper() + name[1:])}**"]
        for cell in cells:
            told = [part for part in (sentence(dataset, template, {}) for template in cell) if part]
            figures += [figure for part in told for figure in part.figures]
            line.append(_capital("; ".join(part.text for part in told)) or NOT_SAID)
        if cite:
            line.append(_sources(dataset, cells))
        lines.append(line)
    return table(label, caption, [*head, "Source"] if cite else head, lines, widths, list(dict.fromkeys(figures)))


def unmentioned(dataset: Dataset, formats: Mapping[str, str]) -> str:
    """Join the formats that no known text mentions, for a sentence that denies: ``a fund or a contact group``.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    formats : Mapping of str to str
        Alliance id to the format's name as it stands in a sentence.

    Returns
    -------
    str
        Empty where every format is mentioned, or none: the chapter's opening then says so.
    """
    missing = [name for alliance_id, name in formats.items() if not mentions(dataset, alliance_id)]
    return join_and(missing, last="or") if len(missing) < len(formats) else ""


def _sources(dataset: Dataset, cells: Sequence[Sequence[str]]) -> str:
    """Cite the sources of those templates of a line that show."""
    shown: list[Narrative] = []
    cited: dict[str, None] = {}
    for template in (template for cell in cells for template in cell):
        told = sentence(dataset, template, {})
        if told:
            shown.append(told)
            cited.update(dict.fromkeys(dataset.row(row_id).source_id for row_id in row_ids_in(template)))
    return f"[{'; '.join(f'@{source_id}' for source_id in cited)}]" if cited else ""


def _capital(text: str) -> str:
    return _FIRST_LETTER.sub(lambda match: match[1] + match[2].upper(), text)
