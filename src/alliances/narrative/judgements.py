"""A judgement in lines: proposition with horizon, for, against, confidence, what would prove it wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from alliances.analysis.evidence import Evidence
from alliances.dataset import split_list
from alliances.dataset.problems import nearest
from alliances.errors import NarrativeError
from alliances.narrative.sentences import Rendered, Teller
from alliances.narrative.templates import Alternative
from alliances.narrative.writing import Written
from alliances.text.markdown import curly

__all__ = ["Judgement", "compose_judgement", "list_judgements"]


@dataclass
class Judgement:
    """A judgement ready to be shown.

    Attributes
    ----------
    markdown : str
        For JupyterLab.
    sentences : list of Rendered
        Its lines.
    more : dict
        What staging needs besides.
    """

    markdown: str
    sentences: list[Rendered]
    more: dict[str, Any] = field(default_factory=dict)


def compose_judgement(teller: Teller, id: str, because: Written, but: Written) -> Judgement | None:
    """Compose the version of a judgement that is valid in this edition; None where none is.

    Raises
    ------
    NarrativeError
        If there is no such judgement.
    """
    whole = teller.dataset.complete["judgements"]
    if id not in set(whole["judgement_id"]):
        near = nearest(id, whole["judgement_id"])
        raise NarrativeError(f"There is no judgement “{id}”" + (f"; the nearest is “{near}”" if near else ""))
    row = next((row for row in _valid(teller) if row["judgement_id"] == id), None)
    proposition = _proposition(teller, row) if row else None
    if not row or not proposition:
        return None
    confidence = teller.dataset.label("confidence", row["confidence"]).label.capitalize()
    told = {
        "For": _weighed(teller, because, split_list(row["requires"])),
        "Against": _weighed(teller, but, split_list(row["against"])),
        "Confidence": Rendered(f"{confidence}. {curly(row['confidence_reason'])}", ""),
        "Wrong if": Rendered(curly(row["wrong_if"]), ""),
    }
    lines = [[name, sentence.markdown] for name, sentence in told.items() if sentence.markdown]
    markdown = f"{proposition.markdown}\n\n" + "\n".join(f"- **{name}:** {words}" for name, words in lines)
    return Judgement(markdown, [proposition, *told.values()], {**_record(row, proposition), "lines": lines})


def list_judgements(teller: Teller) -> Judgement:
    """List the ranked judgements that stand in this edition, the leading one first."""
    rows = sorted((row for row in _valid(teller) if _rank(row)), key=_rank)
    items: list[dict[str, Any]] = []
    sentences: list[Rendered] = []
    for row in rows:
        proposition = _proposition(teller, row)
        if not proposition:
            continue
        anchors = teller.citing.anchors(_known(teller, split_list(row["requires"])))
        confidence = teller.dataset.label("confidence", row["confidence"]).label
        items.append({**_record(row, proposition), "marks": teller.citing.write(anchors[:2])})
        sentences.append(Rendered(proposition.markdown, proposition.plain, anchors, proposition.printed))
        items[-1]["confidence_label"] = confidence
    lines = [
        f"{number}. {item['proposition']}{item['marks']} *Confidence: {item['confidence_label']}.*"
        for number, item in enumerate(items, 1)
    ]
    scale = [f"{term.label} {term.meaning}" for term in teller.dataset.terms("likelihood")]
    yardstick = f"Likelihood in the words of the PHIA probability yardstick: {', '.join(scale)}." if items else ""
    return Judgement("\n".join([*lines, "", yardstick]).strip(), sentences, {"items": items, "yardstick": yardstick})


def _valid(teller: Teller) -> list[dict[str, Any]]:
    frame = teller.dataset["judgements"].sort_values("valid_from", kind="stable")
    return [dict(row) for _, row in frame.drop_duplicates("judgement_id", keep="last").iterrows()]


def _rank(row: dict[str, Any]) -> int:
    """Return a judgement's rank; 0 where it has none and stands in its chapter only."""
    rank = row["rank"]
    return 0 if rank is pd.NA or rank != rank or rank in ("", None) else int(rank)


def _proposition(teller: Teller, row: dict[str, Any]) -> Rendered | None:
    """Fill a judgement's statement; its horizon and the year in it are ours, so numbers are not refused here."""
    likelihood = teller.dataset.label("likelihood", row["likelihood"]).label
    stated = Alternative(row["statement"].replace("{likelihood}", f"**{likelihood}**"), 0)
    return teller.tell(stated, {}, marked=False, refused=False)


def _record(row: dict[str, Any], proposition: Rendered) -> dict[str, Any]:
    return {
        "judgement": row["judgement_id"], "rank": _rank(row) or None,
        "likelihood": row["likelihood"], "confidence": row["confidence"], "chapter": row["chapter"],
        "proposition": proposition.markdown,
    }  # fmt: skip


def _known(teller: Teller, ids: list[str]) -> Evidence:
    return Evidence.of_rows(i for i in ids if i in teller.dataset)


def _weighed(teller: Teller, words: Written, ids: list[str]) -> Rendered:
    """Join what the notebook says to the marks of the rows that the judgement names and the words do not cite."""
    rest = _known(teller, ids)
    anchors = [a for a in teller.citing.anchors(rest) if a not in words.anchors]
    markdown = words.markdown + (teller.citing.write(anchors) if anchors else "")
    printed = [pair for sentence in words.sentences for pair in sentence.printed]
    plain = " ".join(sentence.plain for sentence in words.sentences)
    said = Evidence.union([sentence.evidence for sentence in words.sentences])
    return Rendered(markdown, plain, [*words.anchors, *anchors], printed, said)
