"""The dataset as everything above it reads it: tables, rows, quotations, and the cut to a day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from alliances.dataset import trace
from alliances.dataset.problems import nearest
from alliances.dataset.tables import FACT_TABLES, ROW_PREFIXES, Raw, read_descriptor, read_tables, split_list
from alliances.errors import DataError, ParameterError
from alliances.paths import find_root

__all__ = ["Dataset", "Quote", "Row", "Source"]


@dataclass(frozen=True, slots=True)
class Quote:
    """A quotation.

    Attributes
    ----------
    quote_id, source_id : str
        Its id and its text.
    exact, prefix, suffix : str
        As in `data/quotes.csv`.
    """

    quote_id: str
    source_id: str
    exact: str
    prefix: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Source:
    """A source text.

    Attributes
    ----------
    source_id, file, title, publisher, genre, published_basis, descriptor, sha256 : str
        As in `data/sources.csv`.
    authors : tuple of str
        Authors as printed; empty: not known.
    published, published_from, published_to : date
        Best estimate of the day of publication, and the window it lies in.
    """

    source_id: str
    file: str
    title: str
    publisher: str
    authors: tuple[str, ...]
    genre: str
    published: date
    published_from: date
    published_to: date
    published_basis: str
    descriptor: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table of facts, or of `disagreements`.

    Attributes
    ----------
    table : str
        Table it stands in.
    row_id : str
        Its id.
    source_id : str
        The text that says so; "" for a disagreement.
    values : mapping of str to object
        Cells by column: strings ("" for missing), floats (NaN for missing) in `number` columns,
        True, False or None in `boolean` columns.
    quote_ids : tuple of str
        Quotations, the main one first; empty for a disagreement.
    """

    table: str
    row_id: str
    source_id: str
    values: Mapping[str, Any]
    quote_ids: tuple[str, ...]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]


class Dataset:
    """The dataset, whole or cut to a state of knowledge.

    Use `Dataset.load` and `known`; a dataset is never changed.

    Attributes
    ----------
    root : Path
        Folder that holds `data/` and `seeds/`.
    as_of : date or None
        State of knowledge; None before a cut.
    excluded : tuple of str
        Sources left out.
    complete : Dataset
        The uncut dataset; itself if uncut.
    """

    def __init__(
        self, root: Path, tables: Raw, types: Mapping[str, Mapping[str, str]], *,
        as_of: date | None = None, excluded: tuple[str, ...] = (), complete: Dataset | None = None,
    ) -> None:  # fmt: skip
        self.root = root
        self.as_of = as_of
        self.excluded = excluded
        self.complete: Dataset = complete if complete is not None else self
        self._raw = tables
        self._types = types
        self._frames: dict[str, pd.DataFrame] = {}

    @classmethod
    def load(cls, root: Path | str | None = None, validate: bool = True) -> Dataset:
        """Load the dataset.

        Parameters
        ----------
        root : Path or str, optional
            Folder that holds `data/` and `seeds/`; found by `alliances.paths.find_root` by default.
        validate : bool
            Whether to validate; a kernel trusts the build that started it and does not.

        Returns
        -------
        Dataset

        Raises
        ------
        DataError
            If the data are not valid; the message is the first problem's sentence.
        """
        folder = Path(root) if root is not None else find_root()
        if validate:
            # Imported here because a dataset that is not validated needs none of it.
            from alliances.dataset.check import validate as validate_data

            validated = validate_data(folder)
            if validated.problems or validated.tables is None:
                more = len(validated.problems) - 1
                rest = f" {more} more: run `alliances check` to see all." if more else ""
                raise DataError(f"{validated.problems[0]}{rest}")
            tables = validated.tables
        else:
            tables = read_tables(folder)
        types = {
            resource["name"]: {f["name"]: f["type"] for f in resource["schema"]["fields"]}
            for resource in read_descriptor(folder)["resources"]
        }
        return cls(folder, tables, types)

    # Tables

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables, in the order of the data package."""
        return tuple(self._types)

    def __getitem__(self, table: str) -> pd.DataFrame:
        """Return a table as a new DataFrame.

        Parameters
        ----------
        table : str
            Name of a table.

        Returns
        -------
        pandas.DataFrame
            The columns of the data package in file order: strings with "" for missing, `number` columns
            as float64 with NaN, `integer` columns as Int64, `boolean` columns as nullable boolean, dates
            as ISO strings. Tables of facts have one more column, `source_id`, from their quotations.

        Raises
        ------
        KeyError
            If there is no such table.
        """
        trace.note(table, *_CUT_BY.get(table, ()))
        if table not in self._frames:
            self._frames[table] = self._frame(table)
        return self._frames[table].copy()

    def _frame(self, table: str) -> pd.DataFrame:
        if table not in self._types:
            raise KeyError(f"There is no table {table!r}; the tables are {', '.join(self._types)}.")
        rows = self._raw[table]
        frame = pd.DataFrame(index=range(len(rows)))
        for column, kind in self._types[table].items():
            cells = [row[column] for row in rows]
            if kind in ("number", "integer"):
                numbers = pd.to_numeric(pd.Series(cells, dtype="str").replace("", None))
                frame[column] = numbers.astype("float64" if kind == "number" else "Int64")
            elif kind == "boolean":
                frame[column] = pd.Series([_truth(c) for c in cells], dtype="boolean")
            else:
                frame[column] = pd.Series(cells, dtype="str")
        if table in FACT_TABLES:
            frame["source_id"] = pd.Series([self._source_of(row) for row in rows], dtype="str")
        return frame

    # Rows, quotations, sources

    def __contains__(self, row_id: object) -> bool:
        _note_row(str(row_id))
        return row_id in self._rows

    def row(self, row_id: str) -> Row:
        """Return a fact or a disagreement by its id.

        Raises
        ------
        KeyError
            If it is not known here.
        """
        _note_row(row_id)
        try:
            return self._rows[row_id]
        except KeyError:
            raise KeyError(self._unknown("row", row_id, row_id in self.complete, self._rows)) from None

    def quote(self, quote_id: str) -> Quote:
        """Return a quotation by its id.

        Raises
        ------
        KeyError
            If it is not known here.
        """
        trace.note("quotes")
        try:
            return self._quotes[quote_id]
        except KeyError:
            later = quote_id in self.complete._quotes
            raise KeyError(self._unknown("quotation", quote_id, later, self._quotes)) from None

    def rows_using(self, quote_id: str) -> tuple[Row, ...]:
        """Return the facts that rest on a quotation, in the order of the tables."""
        trace.note("quotes", *FACT_TABLES)
        return self._users.get(quote_id, ())

    def source(self, source_id: str) -> Source:
        """Return a source text by its id.

        Raises
        ------
        KeyError
            If it is not known here.
        """
        trace.note("sources")
        try:
            return self._sources[source_id]
        except KeyError:
            later = source_id in self.complete._sources
            raise KeyError(self._unknown("source", source_id, later, self._sources)) from None

    @property
    def names(self) -> Mapping[str, str]:
        """Name of each actor, by `actor_id`."""
        trace.note("actors")
        return self._names

    @property
    def alliance_names(self) -> Mapping[str, str]:
        """Short name of each format, by `alliance_id`."""
        trace.note("alliances")
        return self._alliance_names

    @property
    def published(self) -> Mapping[str, str]:
        """Day of publication of each source as an ISO date, by `source_id`."""
        trace.note("sources")
        return self._published

    @cached_property
    def _published(self) -> dict[str, str]:
        return {row["source_id"]: row["published"] for row in self._raw["sources"]}

    @cached_property
    def _names(self) -> dict[str, str]:
        return {row["actor_id"]: row["name"] for row in self._raw["actors"]}

    @cached_property
    def _alliance_names(self) -> dict[str, str]:
        return {row["alliance_id"]: row["short_name"] for row in self._raw["alliances"]}

    def default_as_of(self) -> date:
        """Return the latest publication date in `sources`, cut or not.

        Raises
        ------
        DataError
            If there is no source.
        """
        trace.note("sources")
        days = [source.published for source in self.complete._sources.values()]
        if not days:
            raise DataError("data/sources.csv has no row: add at least one source.")
        return max(days)

    # Cut

    def known(self, as_of: date, exclude_sources: Collection[str] = ()) -> Dataset:
        """Cut to what was known on a day, without some sources.

        A row is known when its source is, on its `published` day. Accession dates after the day are
        emptied; an event stays if an account of it is known, a disagreement if all its rows are; of a
        judgement the latest version that was valid by then and whose rows are all known stays. Actors,
        alliances and indicators stay whole.

        Parameters
        ----------
        as_of : date
            State of knowledge.
        exclude_sources : collection of str
            Sources left out.

        Returns
        -------
        Dataset
            From a dataset that is cut already, one that is cut by both.

        Raises
        ------
        ParameterError
            If a source to be left out does not exist.
        """
        whole = self.complete
        trace.note("sources")
        for source_id in exclude_sources:
            if source_id not in whole._sources:
                near = nearest(source_id, whole._sources)
                raise ParameterError(
                    f"exclude_sources names “{source_id}”, which is no source"
                    + (f" (the nearest is “{near}”)" if near else "")
                    + f": choose from {', '.join(whole._sources)}."
                )
        day = as_of if self.as_of is None else min(as_of, self.as_of)
        excluded = tuple(sorted({*self.excluded, *exclude_sources}))
        tables = _cut(whole, day, set(excluded))
        return Dataset(whole.root, tables, whole._types, as_of=day, excluded=excluded, complete=whole)

    # Indexes, each built once

    @cached_property
    def _sources(self) -> dict[str, Source]:
        return {row["source_id"]: _source(row) for row in self._raw["sources"]}

    @cached_property
    def _quotes(self) -> dict[str, Quote]:
        return {row["quote_id"]: Quote(**row) for row in self._raw["quotes"]}

    @cached_property
    def _rows(self) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        for table, key in (*FACT_TABLES.items(), ("disagreements", "disagreement_id")):
            types = self._types[table]
            for raw in self._raw[table]:
                values: dict[str, Any] = {c: _value(raw[c], kind) for c, kind in types.items()}
                source_id = ""
                quote_ids: tuple[str, ...] = ()
                if table in FACT_TABLES:
                    source_id = values["source_id"] = self._source_of(raw)
                    quote_ids = tuple(split_list(raw["quote_ids"]))
                rows[raw[key]] = Row(table, raw[key], source_id, values, quote_ids)
        return rows

    @cached_property
    def _users(self) -> dict[str, tuple[Row, ...]]:
        users: dict[str, list[Row]] = {}
        for row in self._rows.values():
            for quote_id in row.quote_ids:
                users.setdefault(quote_id, []).append(row)
        return {quote_id: tuple(rows) for quote_id, rows in users.items()}

    def _source_of(self, row: Mapping[str, str]) -> str:
        quote_id = next(iter(split_list(row["quote_ids"])), "")
        quote = self._quotes.get(quote_id)
        return quote.source_id if quote else ""

    def _unknown(self, what: str, found: str, exists: bool, known: Iterable[str]) -> str:
        if exists:
            left_out = f", without {', '.join(self.excluded)}" if self.excluded else ""
            return f"The {what} {found!r} is not known in this edition (as of {self.as_of}{left_out})."
        near = nearest(found, known)
        return f"There is no {what} {found!r}" + (f"; the nearest is {near!r}." if near else ".")


#: Tables on which the cut of a table depends, besides `sources`.
_CUT_BY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(FACT_TABLES, ("quotes",)),
    "events": ("event_accounts", "quotes"),
    "disagreements": (*FACT_TABLES, "quotes"),
    "judgements": (*FACT_TABLES, "quotes"),
}
_TABLE_OF_PREFIX = {prefix: table for table, prefix in ROW_PREFIXES.items()}


def _note_row(row_id: str) -> None:
    table = _TABLE_OF_PREFIX.get(row_id[:4])
    if table:
        trace.note(table, *_CUT_BY.get(table, ()))


def _truth(cell: str) -> bool | None:
    return {"true": True, "false": False}.get(cell)


def _value(cell: str, kind: str) -> Any:
    if kind == "number":
        return float(cell) if cell else float("nan")
    if kind == "boolean":
        return _truth(cell)
    return cell


def _source(row: Mapping[str, str]) -> Source:
    values: dict[str, Any] = dict(row)
    values["authors"] = tuple(split_list(row["authors"]))
    for column in ("published", "published_from", "published_to"):
        try:
            values[column] = date.fromisoformat(row[column])
        except ValueError:
            raise DataError(
                f"data/sources.csv, {row['source_id']}, column {column}: “{row[column]}” is not an ISO date; "
                "write year, month and day, e.g. 2025-03-20."
            ) from None
    return Source(**values)


def _cut(whole: Dataset, day: date, excluded: set[str]) -> Raw:
    raw = whole._raw
    known = {s.source_id for s in whole._sources.values() if s.published <= day and s.source_id not in excluded}
    tables: Raw = dict(raw)
    for table in ("sources", "quotes", "exclusions"):
        tables[table] = [row for row in raw[table] if row["source_id"] in known]
    rows: set[str] = set()
    for table, key in FACT_TABLES.items():
        tables[table] = [row for row in raw[table] if whole._source_of(row) in known]
        rows.update(row[key] for row in tables[table])
    events = {row["event_id"] for row in tables["event_accounts"]}
    tables["events"] = [
        {**row, "probably_same_as": row["probably_same_as"] if row["probably_same_as"] in events else ""}
        for row in raw["events"]
        if row["event_id"] in events
    ]
    tables["countries"] = [
        {**row, **{c: "" for c in ("nato_entry", "eu_entry") if row[c] > day.isoformat()}} for row in raw["countries"]
    ]
    tables["disagreements"] = [row for row in raw["disagreements"] if rows.issuperset(split_list(row["row_ids"]))]
    tables["judgements"] = _valid_judgements(raw["judgements"], day, rows)
    return tables


def _valid_judgements(judgements: list[dict[str, str]], day: date, rows: set[str]) -> list[dict[str, str]]:
    latest: dict[str, dict[str, str]] = {}
    for row in judgements:
        if row["valid_from"] <= day.isoformat() and rows.issuperset(split_list(row["requires"])):
            before = latest.get(row["judgement_id"])
            if before is None or before["valid_from"] < row["valid_from"]:
                latest[row["judgement_id"]] = row
    return [row for row in judgements if latest.get(row["judgement_id"]) is row]
