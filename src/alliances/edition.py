"""What a notebook opens: an edition, its chapters, and the sentences and tables that every chapter has.

A notebook reads::

    from alliances import open_edition

    edition = open_edition(as_of=as_of, focus=focus, exclude_sources=exclude_sources)
    jef = edition.chapter("jef")
    jef.opening("The Joint Expeditionary Force is …")
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from alliances.analysis import knowledge
from alliances.analysis.derived import Reference
from alliances.dataset import Dataset
from alliances.parameters import Parameters, check_parameters
from alliances.prose.dating import dating_notes
from alliances.prose.links import escape, evidence_link
from alliances.prose.narrative import Figure, Narrative, paragraph
from alliances.prose.tables import Table, table

ASPECT_LABELS = {
    "name": "Name",
    "origin": "Origin",
    "begin": "Beginning",
    "lead": "Lead",
    "objective": "Objective",
    "priority": "Priority",
    "task": "Task",
    "mandate": "Mandate",
    "condition": "Condition",
    "area": "Area",
    "composition": "Composition",
    "command": "Command",
    "decision_rule": "Decisions",
    "readiness": "Readiness",
    "duration": "Duration",
    "funding": "Funding",
    "relation": "Relation to other formats",
    "risk": "Risk",
    "assessment": "Assessment",
}
STATUS_LABELS = {
    "in_force": "in force",
    "happened": "happened",
    "announced": "announced",
    "planned": "planned",
    "proposed": "proposed",
    "under_discussion": "under discussion",
    "failed": "failed",
}


@dataclass(frozen=True)
class Edition:
    """An edition: checked parameters and the dataset as it was known then.

    Parameters
    ----------
    parameters : Parameters
        The parameters, with ``as_of`` set.
    dataset : Dataset
        The dataset, cut to ``as_of`` and without the excluded sources.
    """

    parameters: Parameters
    dataset: Dataset

    @property
    def day(self) -> Reference:
        """The cut-off, to be printed as a linked date."""
        return knowledge.as_of_reference(self.dataset)

    def dating(self) -> Narrative:
        """Say which sources have an estimated date that the cut-off falls into."""
        return dating_notes(self.dataset)

    def tell(self, *sentences: str, otherwise: str = "", **figures: Figure | str | None) -> Narrative:
        """Write a paragraph of those sentences whose evidence is known in this edition."""
        return paragraph(self.dataset, sentences, figures, otherwise)

    def section(self, heading: str, *sentences: str, otherwise: str = "", **figures: Figure | str | None) -> Narrative:
        """Write a section with its heading; nothing at all where no sentence is known."""
        told = self.tell(*sentences, otherwise=otherwise, **figures)
        return Narrative(f"## {heading}\n\n{told.text}", told.figures) if told else told

    def draw(self, chart: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Draw a chart of ``alliances.charts`` from the edition's dataset, with its focus where the chart has one."""
        if "focus" in inspect.signature(chart).parameters:
            options.setdefault("focus", self.parameters.focus)
        return chart(self.dataset, *arguments, **options)

    def chapter(self, *alliance_ids: str) -> Chapter:
        """Open the chapter on one or several formats."""
        return Chapter(self, alliance_ids)


@dataclass(frozen=True)
class Chapter:
    """The chapter on one or several formats: what every such chapter has in common.

    Parameters
    ----------
    edition : Edition
        The edition.
    alliance_ids : tuple of str
        The formats, the chapter's main one first.
    """

    edition: Edition
    alliance_ids: tuple[str, ...]

    @cached_property
    def known(self) -> bool:
        """Whether any text of this edition says anything of the chapter's formats."""
        return any(knowledge.mentioned(self.edition.dataset, alliance) for alliance in self.alliance_ids)

    def rows(self, table_name: str) -> pd.DataFrame:
        """Return the known rows of a table on the chapter's formats."""
        frame = self.edition.dataset[table_name]
        return frame[frame["alliance_id"].isin(self.alliance_ids)]

    def opening(self, *sentences: str, **figures: Figure | str | None) -> Narrative:
        """Open the chapter with its point; one sentence where no known text mentions the format."""
        if not self.known:
            name = self.edition.dataset.alliance_names[self.alliance_ids[0]]
            day = knowledge.as_of_reference(self.edition.dataset)
            return self.edition.tell(
                "No text of this edition, which ends on {day}, mentions {name}.",
                day=day,
                name="the formats of this chapter" if len(self.alliance_ids) > 1 else _with_article(name),
            )
        return self.edition.tell(*sentences, otherwise="", **figures)

    def tell(self, *sentences: str, otherwise: str = "", **figures: Figure | str | None) -> Narrative:
        """Write a paragraph; nothing where no known text mentions the format."""
        return self.edition.tell(*sentences, otherwise=otherwise, **figures) if self.known else Narrative("")

    def section(self, heading: str, *sentences: str, otherwise: str = "", **figures: Figure | str | None) -> Narrative:
        """Write a section; nothing where no known text mentions the format."""
        if not self.known:
            return Narrative("")
        return self.edition.section(heading, *sentences, otherwise=otherwise, **figures)

    def fact_box(self, *aspects: str) -> Table:
        """Lay out what the sources say of the format, one line an aspect and source.

        Parameters
        ----------
        *aspects : str
            Aspects of ``characteristics`` to show, in this order; all where none is named.
        """
        dataset = self.edition.dataset
        order = aspects or tuple(ASPECT_LABELS)
        frame = self.rows("characteristics")
        frame = frame[frame["aspect"].isin(order)]
        ranked = frame.assign(rank=[order.index(a) for a in frame["aspect"]]).sort_values("rank", kind="stable")
        lines: list[list[str]] = []
        before = ""
        for row_id in ranked["characteristic_id"]:
            row = dataset.row(row_id)
            aspect = ASPECT_LABELS[row["aspect"]]
            lines.append(
                [
                    "" if aspect == before else aspect,
                    evidence_link(dataset, row, escape(row["value"][0].upper() + row["value"][1:])),
                    STATUS_LABELS[row["status"]],
                    f"[@{row.source_id}]",
                ]
            )
            before = aspect
        name = dataset.alliance_names[self.alliance_ids[0]]
        return table(
            f"tbl-{self.alliance_ids[0]}-facts",
            f"{name[0].upper() + name[1:]}: what the texts say, with the status that each gives it.",
            ["Aspect", "What the text says", "Status", "Source"],
            lines,
            [14, 44, 14, 28],
        )

    def outlook(self, *points: str) -> Narrative:
        """List what to watch: a bullet for each point whose evidence is known."""
        if not self.known:
            return Narrative("")
        told = [self.edition.tell(point) for point in points]
        items = [f"- {point.text}" for point in told if point]
        figures = tuple(figure for point in told for figure in point.figures)
        return Narrative("## What to watch\n\n" + "\n".join(items), figures) if items else Narrative("")


_WITHOUT_ARTICLE = ("NATO", "SkyShield", "EUMAM UA", "ASAP", "EDIRPA", "UK bilateral support", "EU missions")


def _with_article(name: str) -> str:
    return name if name in _WITHOUT_ARTICLE else f"the {name}"


def open_edition(**values: Any) -> Edition:
    """Check the parameters, load the dataset and cut it to the edition.

    Parameters
    ----------
    **values : object
        Any of the parameters of :class:`alliances.parameters.Parameters`.

    Raises
    ------
    ParameterError
        If a parameter is unknown or has a bad value.
    DataError
        If the dataset is not valid.
    """
    complete = Dataset.load(validate=not knowledge.validated_by_parent())
    parameters = check_parameters(values, complete)
    return Edition(parameters, complete.known(parameters.day, parameters.exclude_sources))
