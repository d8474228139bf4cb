"""Formats side by side: a table with a line for each format that a known text mentions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from alliances.analysis.knowledge import mentions
from alliances.dataset import Dataset
from alliances.prose.links import escape
from alliances.prose.narrative import Figure, row_ids_in, sentence
from alliances.prose.tables import Table, table
from alliances.prose.values import join_and

NOT_SAID = "the texts do not say"
_FIRST_LETTER = re.compile(r"^(\[?)([a-z])")


def profiles(
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
        Alliance id to its cells. A cell is a sequence of templates (see :mod:`alliances.prose.narrative`); those
        show whose evidence is known. Where none does, the cell says that the texts do not say it.
    label, caption : str
        As in :func:`alliances.prose.tables.table`.
    head : sequence of str
        Heads of the columns, that of the formats first.
    widths : sequence of int
        Relative widths of all columns.
    cite : bool
        Whether a column for the sources of each line is added.

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
        cited: list[str] = []
        for cell in cells:
            told = {template: sentence(dataset, template, {}) for template in cell}
            shown = {template: part for template, part in told.items() if part}
            line.append(_capital("; ".join(part.text for part in shown.values())) or NOT_SAID)
            figures += [figure for part in shown.values() for figure in part.figures]
            cited += [dataset.row(row_id).source_id for template in shown for row_id in row_ids_in(template)]
        if cite:
            line.append("; ".join(f"[@{source_id}]" for source_id in dict.fromkeys(cited)))
        lines.append(line)
    return table(label, caption, [*head, "Source"] if cite else head, lines, widths, list(dict.fromkeys(figures)))


def unmentioned(dataset: Dataset, formats: Mapping[str, str]) -> str:
    """Join the formats that no known text mentions, for a sentence that denies them.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    formats : Mapping of str to str
        Alliance id to the format's name as it stands within a sentence.

    Returns
    -------
    str
        For instance ``the Contact Group or the International Fund``; empty where every format is mentioned.
    """
    return join_and([name for alliance_id, name in formats.items() if not mentions(dataset, alliance_id)], last="or")


def _capital(text: str) -> str:
    return _FIRST_LETTER.sub(lambda match: match[1] + match[2].upper(), text)
