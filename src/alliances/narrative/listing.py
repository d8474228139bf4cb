"""The list of evidence at a notebook's own end, so that its marks lead somewhere where it is read alone."""

from __future__ import annotations

from alliances.dataset import Dataset
from alliances.narrative.citing import Citing
from alliances.text.markdown import escape
from alliances.text.marks import quoted

__all__ = ["evidence_list"]


def evidence_list(dataset: Dataset, citing: Citing) -> str:
    """Write an entry for each mark that the notebook has set so far; "" where there is none.

    Parameters
    ----------
    dataset : Dataset
        The dataset, cut to the edition.
    citing : Citing
        Holds the notebook's evidence.

    Returns
    -------
    str
        Markdown: rows by source and paragraph, then formulas, the public record and inferences.
    """
    entries: list[tuple[tuple[int, str, int], str]] = []
    for anchor, record in citing.records.items():
        if anchor not in citing.shown:
            continue
        label = citing.label(anchor)
        if record["kind"] == "rows":
            quotes = dict.fromkeys(q for row in record["rows"] for q in dataset.row(row).quote_ids)
            words = " · ".join(escape(quoted(dataset.quote(q).exact)) for q in quotes)
            letters = label.rstrip("0123456789")
            key = (len(letters), letters, int(label.removeprefix(letters) or 0))
        else:
            words = escape(citing.title(anchor) if record["kind"] != "inference" else record["statement"])
            key = (99, record["kind"], len(entries))
        entries.append((key, f'- <a id="{anchor}"></a>**{label}** {words}'))
    listed = "\n".join(entry for _, entry in sorted(entries))
    return f"## Evidence\n\n{listed}" if listed else ""
