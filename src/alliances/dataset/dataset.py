"""The dataset as everything above it reads it: tables, rows, quotations, labels, marks, and the cut to a day."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import pandas as pd

from alliances.dataset import tables as files
from alliances.dataset import trace
from alliances.dataset.problems import nearest
from alliances.dataset.records import Label, Quote, Row, Scenario, Source, record
from alliances.dataset.tables import FACT_TABLES, ROW_PREFIXES, ROW_TABLES, Raw, split_list
from alliances.dataset.texts import SourceText, read_text
from alliances.errors import DataError, ParameterError
from alliances.paths import find_root

#: Environment variable in which a build tells its kernels which texts do not count yet.
UNCODED = "ALLIANCES_UNCODED"


class Dataset:
    """The dataset, whole or cut to a state of knowledge: use `Dataset.load` and `known`; it is never changed.

    `root` holds `data/` and `seeds/`; `as_of` is None before a cut, `excluded` are the sources left out, and
    `complete` is the uncut dataset.
    """

    def __init__(
        self, root: Path, tables: Raw, descriptor: Mapping[str, Any], *,
        as_of: date | None = None, excluded: tuple[str, ...] = (), complete: Dataset | None = None,
    ) -> None:  # fmt: skip
        self.root = root
        self.as_of = as_of
        self.excluded = excluded
        self.complete: Dataset = complete if complete is not None else self
        self._raw = tables
        self._descriptor = descriptor
        self._resources = {resource["name"]: resource for resource in descriptor["resources"]}
        self._frames: dict[str, pd.DataFrame] = {}
        self._texts: dict[str, SourceText] = {}

    @classmethod
    def load(cls, root: Path | str | None = None, validate: bool = True) -> Dataset:
        """Load the dataset in `root`, which `find_root` finds by default; a kernel trusts its build and validates not.

        Raises
        ------
        DataError
            If the data are not valid; the message is the first problem's sentence.
        """
        folder = Path(root) if root is not None else find_root()
        descriptor = files.read_descriptor(folder)
        if not validate:
            return cls(folder, files.read_tables(folder), descriptor)
        # Imported here because a dataset that is not validated needs none of it.
        from alliances.dataset.check import validate as validate_data

        validated = validate_data(folder)
        if validated.problems or validated.tables is None:
            more = len(validated.problems) - 1
            rest = f" {more} more: run `alliances check` to see all." if more else ""
            raise DataError(f"{validated.problems[0]}{rest}")
        return cls(folder, validated.tables, descriptor)

    @property
    def package(self) -> Mapping[str, Any]:
        """What `data/datapackage.json` says of the whole: title, description, licence, contact."""
        return MappingProxyType({k: v for k, v in self._descriptor.items() if k != "resources"})

    # Tables

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables, in the order of the data package."""
        return tuple(self._resources)

    def __getitem__(self, table: str) -> pd.DataFrame:
        """Return a table as a new DataFrame: the columns of the data package, then any that only the file has.

        Strings have "" for missing, `number` columns are float64 with NaN, `integer` ones Int64, `boolean` ones
        nullable, dates ISO strings. Tables of facts have one more column, `source_id`, from their quotations.
        """
        trace.note(table, *_CUT_BY.get(table, ()))
        if table not in self._frames:
            self._frames[table] = self._frame(table)
        return self._frames[table].copy()

    def _frame(self, table: str) -> pd.DataFrame:
        if table not in self._resources:
            raise KeyError(f"There is no table {table!r}; the tables are {', '.join(self._resources)}.")
        rows, types = self._raw[table], self._types[table]
        frame = pd.DataFrame(rows, columns=list(types), dtype="str")
        for column, kind in types.items():
            if dtype := {"number": "float64", "integer": "Int64"}.get(kind):
                frame[column] = pd.to_numeric(frame[column].replace("", None)).astype(dtype)  # type: ignore[call-overload]
            elif kind == "boolean":
                frame[column] = pd.Series([_truth(row[column]) for row in rows], dtype="boolean")
        if table in FACT_TABLES:
            frame["source_id"] = pd.Series([self._source_of(row) for row in rows], dtype="str")
        return frame

    def vocabularies(self, table: str) -> Mapping[str, str]:
        """Name the vocabulary of each column of a table that has one, for `label`."""
        return files.coded(self._resources[table])

    # Rows, quotations, sources

    def __contains__(self, row_id: object) -> bool:
        _note_row(str(row_id))
        return row_id in self._rows

    def row(self, row_id: str) -> Row:
        """Return a fact, a public record or a disagreement by its id; KeyError if it is not known here."""
        _note_row(row_id)
        return self._rows.get(row_id) or self._refuse("row", row_id, "_rows")

    @property
    def row_ids(self) -> tuple[str, ...]:
        """Ids of all rows that are known here, in the order of the tables."""
        return tuple(self._rows)

    def quote(self, quote_id: str) -> Quote:
        """Return a quotation by its id; KeyError if it is not known here."""
        trace.note("quotes")
        return self._quotes.get(quote_id) or self._refuse("quotation", quote_id, "_quotes")

    def source(self, source_id: str) -> Source:
        """Return a source text by its id; KeyError if it is not known here."""
        trace.note("sources")
        return self._sources.get(source_id) or self._refuse("source", source_id, "_sources")

    def rows_using(self, quote_id: str) -> tuple[Row, ...]:
        """Return the facts that rest on a quotation, in the order of the tables."""
        trace.note("quotes", *FACT_TABLES)
        return self._users.get(quote_id, ())

    def _refuse(self, what: str, found: str, index: str) -> NoReturn:
        if found in getattr(self.complete, index):
            left_out = f", without {', '.join(self.excluded)}" if self.excluded else ""
            raise KeyError(f"The {what} {found!r} is not known in this edition (as of {self.as_of}{left_out}).")
        near = nearest(found, getattr(self, index))
        raise KeyError(f"There is no {what} {found!r}" + (f"; the nearest is {near!r}." if near else "."))

    # Names and labels

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
        return {row["source_id"]: row["published"] for row in self._raw["sources"]}

    def label(self, vocabulary: str, term: str) -> Label:
        """Say how a term is printed; a term without a label as it stands, with spaces for underscores.

        A country in `area`, and an id in `actor` or `alliance`, have their name; an `indicator` has its label, an
        `event` its title.
        """
        trace.note("labels", "actors", "alliances")
        return self._label(vocabulary, term)

    def terms(self, vocabulary: str) -> list[Label]:
        """List the labels of a vocabulary in printing order."""
        trace.note("labels", "actors", "alliances")
        return [self._label(*key) for key in self._labels if key[0] == vocabulary]

    def name(self, entity_id: str, article: bool = True) -> str:
        """Return the name of an actor or a format as in a sentence: `the United Kingdom`; KeyError if there is none."""
        label = self.label("actor" if entity_id in self._names else "alliance", entity_id)
        if not label.known:
            self._refuse("actor or format", entity_id, "_all_names")
        return f"{label.article} {label.label}" if article and label.article else label.label

    def _label(self, vocabulary: str, term: str) -> Label:
        row = self._labels.get((vocabulary, term))
        named = {
            "actor": self._names, "alliance": self._alliance_names, "area": self._names,
            "indicator": self._titles[0], "event": self._titles[1],
        }.get(vocabulary, {})  # fmt: skip
        if row is None and vocabulary == "area":
            row = self._labels.get(("actor", term))
        cells = {c: row[c] if row else "" for c in ("label", "plural", "article", "meaning")}
        label = cells.pop("label") or named.get(term) or term.replace("_", " ")
        cells["plural"] = cells["plural"] or label
        return Label(term, label, **cells, known=row is not None or term in named)

    @property
    def scenario(self) -> tuple[Scenario, ...]:
        """The scenario parameters, in the order of their table."""
        trace.note("parameters")
        return tuple(record(Scenario, row) for row in self._raw.get("parameters", ()))

    # Evidence marks

    def mark_of_quote(self, quote_id: str) -> str:
        """Return the evidence mark of a quotation: the letter of its text and the number of its paragraph."""
        quote = self.quote(quote_id)
        start, _ = self._place(quote)
        return f"{self.source(quote.source_id).mark}{self._text(quote.source_id).paragraph(start)}"

    def mark(self, row_id: str) -> str:
        """Return a row's evidence mark: that of its first quotation; `r` for the public record."""
        return next(iter(self.marks(row_id)), "")

    def marks(self, row_id: str) -> tuple[str, ...]:
        """Return the evidence marks of all quotations of a row, each once, that of the main one first."""
        row = self.row(row_id)
        if row.table == "public_record":
            return ("r",)
        return tuple(dict.fromkeys(self.mark_of_quote(quote_id) for quote_id in row.quote_ids))

    def paragraph(self, mark: str) -> tuple[str, ...]:
        """Return the quotations that stand in a paragraph, by its mark, in the order of the text."""
        trace.note("quotes", "sources")
        return self._paragraphs.get(mark, ())

    def context(self, quote_id: str, words: int = 12) -> tuple[str, str]:
        """Return at most so many words before and after a quotation, within its paragraph."""
        quote = self.quote(quote_id)
        return self._text(quote.source_id).around(*self._place(quote), words)

    def _text(self, source_id: str) -> SourceText:
        texts = self.complete._texts
        if source_id not in texts:
            texts[source_id] = read_text(self.root, self.source(source_id).file)
        return texts[source_id]

    def _place(self, quote: Quote) -> tuple[int, int]:
        places = self._text(quote.source_id).locate(quote.exact, quote.prefix, quote.suffix)
        if not places:
            raise DataError(
                f"data/quotes.csv: the words of {quote.quote_id} do not stand in {quote.source_id}: "
                "run `alliances check` to see where they differ."
            )
        return places[0]

    @cached_property
    def _paragraphs(self) -> dict[str, tuple[str, ...]]:
        placed = sorted((self._place(quote), quote_id) for quote_id, quote in self._quotes.items())
        found: dict[str, tuple[str, ...]] = {}
        for _, quote_id in placed:
            mark = self.mark_of_quote(quote_id)
            found[mark] = (*found.get(mark, ()), quote_id)
        return found

    # Cut

    @cached_property
    def unreviewed(self) -> frozenset[str]:
        """The texts that came after the last review: their marks follow the `reviewed` one of the package."""
        last = str(self._descriptor.get("reviewed", ""))
        marks = {row["source_id"]: row["mark"] for row in self.complete._raw["sources"]}
        return frozenset(s for s, mark in marks.items() if last and (len(mark), mark) > (len(last), last))

    @cached_property
    def uncoded(self) -> frozenset[str]:
        """Those of them of which a sentence is not accounted for: no edition knows them yet."""
        if (told := os.environ.get(UNCODED)) is not None:
            return frozenset(told.split())
        from alliances.dataset.coverage import coverage

        rows = [row for row in self.complete._raw["sources"] if row["source_id"] in self.unreviewed]
        texts = {row["source_id"]: read_text(self.root, row["file"]) for row in rows}
        return frozenset(gap.source_id for gap in coverage({**self.complete._raw, "sources": rows}, texts).gaps)

    def default_as_of(self, exclude_sources: Collection[str] = ()) -> date:
        """Return the latest publication date of the texts that count and are not left out; DataError if there is none.

        Where none is left, it is the latest of all.
        """
        trace.note("sources")
        if not self.complete._sources:
            raise DataError("data/sources.csv has no row: add at least one source.")
        days = {source_id: source.published for source_id, source in self.complete._sources.items()}
        left_out = {*self.complete.uncoded, *exclude_sources}
        return max([day for source_id, day in days.items() if source_id not in left_out] or days.values())

    def known(self, as_of: date, exclude_sources: Collection[str] = ()) -> Dataset:
        """Cut to what was known on a day, without some sources; a dataset that is cut already is cut by both.

        A row is known when its source is, on its `published` day; a public record from its entry, and its
        later exit is emptied. An event stays if an account of it is known, a disagreement if all its rows are;
        of a judgement the latest version that was valid by then and whose required rows are all known.
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
        tables = _cut(whole, day.isoformat(), set(excluded))
        return Dataset(whole.root, tables, whole._descriptor, as_of=day, excluded=excluded, complete=whole)

    # Indexes, each built once

    @cached_property
    def _types(self) -> dict[str, dict[str, str]]:
        return {
            name: files.field_types(resource)
            # A column that only the file has is kept as text.
            | {c: "string" for row in self._raw[name][:1] for c in row if c not in files.field_types(resource)}
            for name, resource in self._resources.items()
        }

    @cached_property
    def _labels(self) -> dict[tuple[str, str], dict[str, str]]:
        return {(row["vocabulary"], row["term"]): row for row in self._raw.get("labels", ())}

    @cached_property
    def _names(self) -> dict[str, str]:
        return {row["actor_id"]: row["name"] for row in self._raw["actors"]}

    @cached_property
    def _alliance_names(self) -> dict[str, str]:
        return {row["alliance_id"]: row["short_name"] for row in self._raw["alliances"]}

    @cached_property
    def _titles(self) -> tuple[dict[str, str], dict[str, str]]:
        """Labels of indicators and titles of events, cut or not."""
        raw = self.complete._raw
        return (
            {row["indicator"]: row["label"] for row in raw.get("indicators", ())},
            {row["event_id"]: row["title"] for row in raw.get("events", ())},
        )

    @cached_property
    def _all_names(self) -> dict[str, str]:
        return self._alliance_names | self._names

    @cached_property
    def _sources(self) -> dict[str, Source]:
        return {row["source_id"]: record(Source, row) for row in self._raw["sources"]}

    @cached_property
    def _quotes(self) -> dict[str, Quote]:
        return {row["quote_id"]: record(Quote, row) for row in self._raw["quotes"]}

    @cached_property
    def _rows(self) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        for table, key in ROW_TABLES.items():
            if table == "judgements":
                continue  # an id has several versions
            for raw in self._raw.get(table, ()):
                values: dict[str, Any] = {c: _value(raw[c], kind) for c, kind in self._types[table].items()}
                source_id, quote_ids = "", list[str]()
                if table in FACT_TABLES:
                    source_id = values["source_id"] = self._source_of(raw)
                    quote_ids = split_list(raw["quote_ids"])
                rows[raw[key]] = Row(table, raw[key], source_id, values, tuple(quote_ids))
        return rows

    @cached_property
    def _users(self) -> dict[str, tuple[Row, ...]]:
        users: dict[str, tuple[Row, ...]] = {}
        for row in self._rows.values():
            for quote_id in row.quote_ids:
                users[quote_id] = (*users.get(quote_id, ()), row)
        return users

    def _source_of(self, row: Mapping[str, str]) -> str:
        quote = self._quotes.get(next(iter(split_list(row["quote_ids"])), ""))
        return quote.source_id if quote else ""


#: Tables on which the cut of a table depends, besides `sources`.
_CUT_BY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(FACT_TABLES, ("quotes",)),
    "events": ("event_accounts", "quotes"),
    "disagreements": (*FACT_TABLES, "public_record", "quotes"),
    "judgements": (*FACT_TABLES, "public_record", "quotes"),
}
_TABLE_OF_PREFIX = {prefix: table for table, prefix in ROW_PREFIXES.items()}


def _note_row(row_id: str) -> None:
    table = _TABLE_OF_PREFIX.get(row_id[: row_id.find("-") + 1])
    if table:
        trace.note(table, *_CUT_BY.get(table, ()))


def _truth(cell: str) -> bool | None:
    return {"true": True, "false": False}.get(cell)


def _value(cell: str, kind: str) -> Any:
    if kind == "number":
        return float(cell or "nan")
    return _truth(cell) if kind == "boolean" else cell


def _cut(whole: Dataset, day: str, excluded: set[str]) -> Raw:
    raw = whole._raw
    known = {s for s, published in whole.published.items() if published <= day and s not in excluded} - whole.uncoded
    tables: Raw = dict(raw)
    for table in ("sources", "quotes", "exclusions"):
        tables[table] = [row for row in raw[table] if row["source_id"] in known]
    tables["public_record"] = [
        {**row, "exit_date": row["exit_date"] if row["exit_date"] <= day else ""}
        for row in raw.get("public_record", ())
        if row["entry_date"] <= day
    ]
    rows = {row["record_id"] for row in tables["public_record"]}
    for table, key in FACT_TABLES.items():
        tables[table] = [row for row in raw[table] if whole._source_of(row) in known]
        rows.update(row[key] for row in tables[table])
    events = {row["event_id"] for row in tables["event_accounts"]}
    tables["events"] = [
        {**row, "probably_same_as": row["probably_same_as"] if row["probably_same_as"] in events else ""}
        for row in raw["events"]
        if row["event_id"] in events
    ]
    tables["disagreements"] = [row for row in raw["disagreements"] if rows.issuperset(split_list(row["row_ids"]))]
    latest: dict[str, dict[str, str]] = {}
    for row in sorted(raw["judgements"], key=lambda row: row["valid_from"]):
        if row["valid_from"] <= day and rows.issuperset(split_list(row["requires"])):
            latest[row["judgement_id"]] = row
    tables["judgements"] = [row for row in raw["judgements"] if latest.get(row["judgement_id"]) is row]
    return tables
