"""A judgement in lines: proposition with horizon, for, against, confidence, what would prove it wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from alliances.analysis.evidence import Evidence
from alliances.dataset import split_list
from alliances.dataset.problems import nearest_words
from alliances.errors import NarrativeError
from alliances.narrative.sentences import Rendered, Teller
from alliances.narrative.templates import Alternative
from alliances.narrative.writing import Written
from alliances.text.markdown import curly

__all__ = ["compose_judgement", "list_judgements"]


def compose_judgement(teller: Teller, id: str, because: Written, but: Written) -> Written:
    """Compose the version of a judgement that is valid in this edition; nothing where none is.

    Raises
    ------
    NarrativeError
        If there is no such judgement.
    """
    ids = list(teller.dataset.complete["judgements"]["judgement_id"])
    if id not in ids:
        raise NarrativeError(f"There is no judgement “{id}”{nearest_words(id, ids)}")
    for row, proposition, more in _standing(teller, id):
        confidence = teller.dataset.label("confidence", row["confidence"]).label.capitalize()
        told = {
            "For": _weighed(teller, because, split_list(row["requires"])),
            "Against": _weighed(teller, but, split_list(row["against"])),
            "Confidence": Rendered(f"{confidence}. {curly(row['confidence_reason'])}", ""),
            "Wrong if": Rendered(curly(row["wrong_if"]), ""),
        }
        lines = [[name, sentence.markdown] for name, sentence in told.items() if sentence.markdown]
        listed = "\n".join(f"- **{name}:** {words}" for name, words in lines)
        return Written(f"{proposition.markdown}\n\n{listed}", [proposition, *told.values()], {**more, "lines": lines})
    return Written()


def list_judgements(teller: Teller) -> Written:
    """List the ranked judgements that stand in this edition, the leading one first."""
    items: list[dict[str, Any]] = []
    written = Written()
    ranked = [judgement for judgement in _standing(teller) if judgement[2]["rank"]]
    for row, told, more in sorted(ranked, key=lambda judgement: int(judgement[2]["rank"])):
        anchors = teller.citing.anchors(_known(teller, split_list(row["requires"])))
        confidence = teller.dataset.label("confidence", row["confidence"]).label
        items.append({**more, "marks": teller.citing.write(anchors[:2]), "confidence_label": confidence})
        written.sentences.append(Rendered(told.markdown, told.plain, anchors, told.printed))
    lines = [
        f"{number}. {item['proposition']}{item['marks']} *Confidence: {item['confidence_label']}.*"
        for number, item in enumerate(items, 1)
    ]
    scale = [f"{term.label} {term.meaning}" for term in teller.dataset.terms("likelihood")]
    yardstick = f"Likelihood in the words of the PHIA probability yardstick: {', '.join(scale)}." if items else ""
    written.markdown = "\n".join([*lines, "", yardstick]).strip()
    written.more = {"items": items, "yardstick": yardstick}
    return written


def _standing(teller: Teller, id: str = "") -> Iterator[tuple[dict[Any, Any], Rendered, dict[str, Any]]]:
    """Yield the judgements of this edition, or one of them: row, proposition, and what staging needs.

    A judgement's horizon and the year in it are ours, so numbers in its statement are not refused.
    """
    frame = teller.dataset["judgements"].sort_values("valid_from", kind="stable")
    if id:
        frame = frame[frame["judgement_id"] == id]
    for row in frame.drop_duplicates("judgement_id", keep="last").to_dict("records"):
        likelihood = teller.dataset.label("likelihood", row["likelihood"]).label
        stated = Alternative(row["statement"].replace("{likelihood}", f"**{likelihood}**"))
        rank = row["rank"]
        if told := teller.tell(stated, {}, marked=False, refused=False):
            more = {
                "judgement": row["judgement_id"],
                "rank": None if pd.isna(rank) or not rank else int(rank),
                **{column: row[column] for column in ("likelihood", "confidence", "chapter")},
                "proposition": told.markdown,
            }
            yield row, told, more


def _known(teller: Teller, ids: list[str]) -> Evidence:
    return Evidence.of_rows(i for i in ids if i in teller.dataset)


def _weighed(teller: Teller, words: Written, ids: list[str]) -> Rendered:
    """Join what the notebook says to the marks of the rows that the judgement names and the words do not cite."""
    rest = _known(teller, ids)
    cited = list(dict.fromkeys(anchor for sentence in words.sentences for anchor in sentence.anchors))
    anchors = [anchor for anchor in teller.citing.anchors(rest) if anchor not in cited]
    printed = [pair for sentence in words.sentences for pair in sentence.printed]
    return Rendered(words.markdown + teller.citing.write(anchors), words.plain, [*cited, *anchors], printed, rest)
