"""The rows that an edition knows, as a file beside its report: what two editions are compared by.

``facts.json`` lists what an edition prints; this lists what it knows, whether printed or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, Field

from alliances.analysis.positions import ATTRIBUTION_LABELS, POSITION_LABELS, TOPIC_LABELS, position_frame
from alliances.analysis.standing import SHOWN, current_positions
from alliances.dataset import FACT_TABLES, Dataset, Row
from alliances.errors import NarrativeError
from alliances.prose.narrative import sentence
from alliances.prose.values import date_text, quantity_text, typographic

__all__ = ["FILE_NAME", "KnownRow", "KnownRows", "edition_rows"]

#: Name of the file in an edition's folder.
FILE_NAME = "rows.json"
_LINK = re.compile(r'\[((?:\\.|[^\]\\])*)\]\(#[\w-]+(?: "[^"]*")?\)')


class KnownRow(BaseModel, frozen=True):
    """One row of the dataset as an edition knows it."""

    row_id: str
    source_id: str = Field(default="", description="The text that says so; empty where the row is our own.")
    text: str = Field(description="The row as a phrase for people.")
    says: str = Field(default="", description="The role of a membership, the position of a position.")
    current: bool = Field(default=True, description="Whether it counts now: newer texts go before older ones.")
    values: dict[str, str | float | bool] = Field(default={}, description="The cells that are not empty.")


class KnownRows(BaseModel, frozen=True):
    """All rows that an edition knows, by table, with the names that their ids stand for."""

    actors: dict[str, str] = {}
    alliances: dict[str, str] = {}
    tables: dict[str, tuple[KnownRow, ...]] = {}


def edition_rows(dataset: Dataset) -> dict[str, Any]:
    """List the known rows of an edition.

    Parameters
    ----------
    dataset : Dataset
        The dataset, cut to the edition.

    Returns
    -------
    dict
        JSON-ready: ``actors`` and ``alliances`` (names by id) and ``tables``, for each table a list of rows with
        ``row_id``, ``source_id``, ``text``, ``says``, ``current`` and ``values``; what is empty is left out.
    """
    rows = {table: _fact_rows(dataset, table) for table in FACT_TABLES}
    listed = {row.values["alliance_id"] for found in rows.values() for row in found if row.values.get("alliance_id")}
    actors = {row.values["actor_id"] for found in rows.values() for row in found if row.values.get("actor_id")}
    tables = {
        "sources": [_source(dataset, source_id) for source_id in dataset["sources"]["source_id"]],
        "memberships": _marked(rows["memberships"], _current_members(dataset)),
        "positions": _marked(rows["positions"], _current_positions(dataset)),
        **{table: found for table, found in rows.items() if table not in ("memberships", "positions")},
        "disagreements": [_disagreement(record) for record in _records(dataset, "disagreements")],
        "judgements": [_judgement(dataset, record) for record in _records(dataset, "judgements")],
    }
    known = KnownRows(
        actors={actor: dataset.names[actor] for actor in sorted(map(str, actors))},
        alliances={alliance: dataset.alliance_names[alliance] for alliance in sorted(map(str, listed))},
        tables={table: tuple(found) for table, found in tables.items()},
    )
    return known.model_dump(exclude_defaults=True)


def _fact_rows(dataset: Dataset, table: str) -> list[KnownRow]:
    rows = (dataset.row(row_id) for row_id in dataset[table][FACT_TABLES[table]])
    return [
        KnownRow(
            row_id=row.row_id,
            source_id=row.source_id,
            text=typographic(_phrase(dataset, row)),
            says=_says(row),
            values=_filled(row.values, leave=(FACT_TABLES[table], "source_id")),
        )
        for row in rows
    ]


def _says(row: Row) -> str:
    if row.table == "memberships":
        return str(row["role"]).replace("_", " ")
    return POSITION_LABELS.get(row["position"], row["position"]) if row.table == "positions" else ""


def _phrase(dataset: Dataset, row: Row) -> str:
    """Say in a phrase what a row holds; names stand for ids, and the printed form for values and dates."""

    def name(column: str) -> str:
        return dataset.names.get(row[column], str(row[column])) if row[column] else ""

    alliance = dataset.alliance_names.get(row["alliance_id"], "") if row["alliance_id"] else ""
    parts: list[str]
    match row.table:
        case "memberships":
            parts = [f"{name('actor_id')}: {_says(row)} of {alliance}"]
            parts += [f"{word} {date_text(row[f'{end}_date'])}" for word, end in (("from", "entry"), ("to", "exit"))
                      if row[f"{end}_date"]]  # fmt: skip
        case "positions":
            topic = TOPIC_LABELS.get(row["topic"], row["topic"])
            about = f"{name('actor_id')} on {alliance}" if alliance else name("actor_id")
            parts = [f"{about}: {topic.lower()}, {_says(row)}", row["condition"]]
            parts += [ATTRIBUTION_LABELS.get(row["attribution"], row["attribution"])]
        case "observations":
            labels = dict(zip(dataset["indicators"]["indicator"], dataset["indicators"]["label"], strict=True))
            parts = [f"{labels.get(row['indicator'], row['indicator'])}: {quantity_text(row.values)}"]
            parts += [alliance, name("actor_id"), row["obs_status"].replace("_", " ")]
        case "event_accounts":
            titles = dict(zip(dataset["events"]["event_id"], dataset["events"]["title"], strict=True))
            parts = [titles.get(row["event_id"], row["event_id"]), row["status"].replace("_", " ")]
        case "capabilities":
            parts = [f"{name('holder') or alliance} {row['relation'].replace('_', ' ')}: {row['capability']}".strip()]
        case _:
            about = f"{alliance}, {row['aspect'].replace('_', ' ')}" if row.table == "characteristics" else alliance
            parts = [f"{about}: {row['summary']}" if about else row["summary"]]
    parts += [date_text(row["date"])] if row.values.get("date") else []
    *first, last = [part for part in parts if part]
    return ", ".join([*(part.removesuffix(".") for part in first), last])


def _current_members(dataset: Dataset) -> set[str]:
    """List the memberships that count now: for each member of a format, those of the newest texts."""
    rows = [dataset.row(row_id) for row_id in dataset["memberships"]["membership_id"]]
    newest: dict[tuple[str, str], str] = {}
    published = {row.row_id: dataset.source(row.source_id).published.isoformat() for row in rows}
    for row in rows:
        member = (row["alliance_id"], row["actor_id"])
        newest[member] = max(newest.get(member, ""), published[row.row_id])
    return {row.row_id for row in rows if published[row.row_id] == newest[row["alliance_id"], row["actor_id"]]}


def _current_positions(dataset: Dataset) -> set[str]:
    """List the positions that count now, format by format; a wish only where the texts have nothing else."""
    current: set[str] = set()
    for alliance_id in dict.fromkeys(dataset["positions"]["alliance_id"]):
        frame = position_frame(dataset, [alliance_id])
        shown = frame[frame["attribution"].isin(SHOWN)]
        told = set(zip(shown["actor_id"], shown["topic"], strict=True))
        only_wished = [subject not in told for subject in zip(frame["actor_id"], frame["topic"], strict=True)]
        current.update(current_positions(shown)["row_id"], frame.loc[only_wished, "row_id"])
    return current


def _marked(rows: Iterable[KnownRow], current: set[str]) -> list[KnownRow]:
    return [row.model_copy(update={"current": row.row_id in current}) for row in rows]


def _source(dataset: Dataset, source_id: str) -> KnownRow:
    source = dataset.source(source_id)
    values = {
        name: str(getattr(source, name))
        for name in ("title", "publisher", "genre", "published", "published_from", "published_to", "sha256")
    }
    return KnownRow(row_id=source_id, text=source.descriptor, values=_filled(values))


def _disagreement(record: Mapping[str, Any]) -> KnownRow:
    return KnownRow(
        row_id=record["disagreement_id"],
        text=typographic(f"{record['point']}: {record['explanation']}"),
        values=_filled(record, leave=("disagreement_id",)),
    )


def _judgement(dataset: Dataset, record: Mapping[str, Any]) -> KnownRow:
    template = str(record["statement"])
    try:
        told = sentence(dataset, typographic(template), {"likelihood": record["likelihood"].replace("_", " ")}).text
    except NarrativeError:
        told = template  # it names a derived figure, which only its notebook can give
    return KnownRow(
        row_id=record["judgement_id"],
        text=re.sub(r"\\(.)", r"\1", _LINK.sub(r"\1", told)),
        values=_filled(record, leave=("judgement_id",)),
    )


def _records(dataset: Dataset, table: str) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in record.items()} for record in dataset[table].to_dict("records")]


def _filled(values: Mapping[str, Any], leave: Iterable[str] = ()) -> dict[str, str | float | bool]:
    """Keep the cells that say something; a missing number is not equal to itself."""
    kept = {key: value for key, value in values.items() if key not in leave and value == value}
    return {key: value for key, value in kept.items() if value is not None and value != ""}
