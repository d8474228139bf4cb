"""The dataset as everything above it reads it: tables, rows, quotations, labels, marks, and the cut to a day."""

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Self

import pandas as pd

from alliances import find_root
from alliances.dataset import tables as files
from alliances.dataset.coverage import coverage
from alliances.dataset.problems import nearest
from alliances.dataset.tables import FACT_TABLES, Label, Quote, Raw, Row, Scenario, Source, split_list
from alliances.dataset.texts import SourceText, read_text
from alliances.errors import DataError
from alliances.text.numbers import find_numbers

# Environment variables in which a build tells its kernels where to note the tables that they read, which texts do not
# count yet, and that the dataset is valid.
TRACE_VARIABLE, UNCODED, VALIDATED = "ALLIANCES_TRACE", "ALLIANCES_UNCODED", "ALLIANCES_VALIDATED"
_ROWS = tuple(map("data/{}.csv:ids".format, FACT_TABLES))
#: On what the cut of a table depends, besides `sources`: on all of another table, or on which rows it has.
_CUT_BY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(FACT_TABLES, ("data/quotes.csv",)),
    "events": ("data/event_accounts.csv", "data/quotes.csv"),
    **dict.fromkeys(("disagreements", "judgements"), ("data/public_record.csv", "data/quotes.csv", *_ROWS)),
}
#: Vocabularies whose terms have their names in a table of their own.
_NAMED = {
    "actor": ("actors", "name"), "area": ("actors", "name"), "alliance": ("alliances", "short_name"),
    "indicator": ("indicators", "label"), "event": ("events", "title"),
}  # fmt: skip
_NAMES = ("name", "short_name", "aliases", "descriptor", "title", "publisher")  # columns of those tables
_TABLE_OF_PREFIX = {prefix: table for table, prefix in files.ROW_PREFIXES.items() if table != "judgements"}


@dataclass(eq=False)
class Dataset:
    """The dataset, whole or cut to a state of knowledge: use `Dataset.load` and `known`; it is never changed.

    `root` holds `data/` and `seeds/`; `tables` are as read, every cell a string; `package` is what `datapackage.json`
    says of the whole (title, licence …); `as_of` is None before a cut, and `excluded` are the sources left out.
    """

    root: Path
    tables: Raw
    package: Mapping[str, Any]
    _resources: Mapping[str, Any]
    as_of: date | None = None
    excluded: tuple[str, ...] = ()
    _whole: Self | None = None
    _frames: dict[str, pd.DataFrame] = field(init=False, default_factory=dict)
    _rows_by_key: dict[str, dict[str, dict[str, str]]] = field(init=False, default_factory=dict)
    _known_rows: dict[str, dict[str, Row]] = field(init=False, default_factory=dict)
    _marks: dict[str, str] = field(init=False, default_factory=dict)
    facts: dict[str, Any] = field(init=False, default_factory=dict)  # what `analysis.facts` has made of rows

    @property
    def complete(self) -> Self:
        """The uncut dataset."""
        return self._whole or self

    @classmethod
    def load(cls, root: Path | str | None = None, validate: bool = True) -> Self:
        """Load the dataset in `root`, which `find_root` finds by default; a kernel trusts its build and validates not.

        DataError if the data are not valid, with the first problem's sentence.
        """
        folder = Path(root) if root is not None else find_root()
        if validate:
            from alliances.dataset.check import check  # here, since a kernel needs none of it

            if problems := check(folder).problems:
                rest = f" {len(problems) - 1} more: run `alliances check` to see all." if problems[1:] else ""
                raise DataError(f"{problems[0]}{rest}")
        package = files.read_descriptor(folder)
        return cls(folder, files.read_tables(folder), package, package.pop("resources"))

    def __getitem__(self, table: str) -> pd.DataFrame:
        """Return a table as a new DataFrame: the columns of the data package, then any that only the file has.

        Strings have "" for missing, `number` columns are float64 with NaN, `integer` ones Int64, `boolean` ones
        nullable, dates ISO strings. Tables of facts have one more column, `source_id`, from their quotations.
        """
        if table not in self.tables:
            raise KeyError(f"There is no table {table!r}; the tables are {', '.join(self.tables)}.")
        if table not in self._frames:  # a subject is looked up in three of them
            rows, types = self._read(table), {"number": "float64", "integer": "Int64", "boolean": "boolean"}
            self._frames[table] = pd.DataFrame({
                column: pd.Series(files.cells(rows, column, kind), dtype=types.get(kind, "str"))
                for column, kind in self._types(table).items()
            })  # fmt: skip
        return self._frames[table].copy()

    def vocabularies(self, table: str) -> Mapping[str, str]:
        """Name the vocabulary of each column of a table that has one, for `label`."""
        return files.coded(self._resources[table])

    def __contains__(self, row_id: object) -> bool:
        return row_id in self._rows_beside(str(row_id))

    def row(self, row_id: str) -> Row:
        """Return a fact, a public record or a disagreement by its id; KeyError if it is not known here."""
        return self._rows_beside(row_id).get(row_id) or self._refuse("row", row_id, lambda d: d._rows)

    @property
    def row_ids(self) -> tuple[str, ...]:
        """Ids of all rows that are known here, in the order of the tables."""
        return tuple(self._rows)

    def quote(self, quote_id: str) -> Quote:
        """Return a quotation by its id; KeyError if it is not known here."""
        return self._quotes.get(quote_id) or self._refuse("quotation", quote_id, lambda d: d._quotes)

    def source(self, source_id: str) -> Source:
        """Return a source text by its id; KeyError if it is not known here."""
        return self._sources.get(source_id) or self._refuse("source", source_id, lambda d: d._sources)

    def _refuse(self, what: str, found: str, known: Callable[[Self], Collection[str]]) -> NoReturn:
        if found in known(self.complete):
            left_out = f", without {', '.join(self.excluded)}" if self.excluded else ""
            raise KeyError(f"The {what} {found!r} is not known in this edition (as of {self.as_of}{left_out}).")
        near = nearest(found, known(self))
        raise KeyError(f"There is no {what} {found!r}" + (f"; the nearest is {near!r}." if near else "."))

    def column(self, table: str, column: str) -> Mapping[str, str]:
        """Return a column by the first one of its table, cells as read: the `name` of each actor by its `actor_id`."""
        return {key: row[column] for key, row in self._keyed(table).items()}

    def label(self, vocabulary: str, term: str) -> Label:
        """Say how a term is printed, and an id of `actor`, `alliance`, `indicator`, `event` or (a country) `area`."""
        table, column = _NAMED.get(vocabulary, ("", ""))
        name = self.complete._keyed(table).get(term, {}).get(column, "") if table else ""
        country = ("actor" if vocabulary == "area" else "", term)
        cells = self._labels.get((vocabulary, term)) or self._labels.get(country, {})
        label = cells.get("label") or name or term.replace("_", " ")
        rest = (cells.get("plural") or label, cells.get("article", ""), cells.get("meaning", ""))
        return Label(term, label, *rest, known=bool(cells or name))

    def terms(self, vocabulary: str) -> list[Label]:
        """List the labels of a vocabulary in printing order."""
        return [self.label(*key) for key in self._labels if key[0] == vocabulary]

    def name(self, entity_id: str, article: bool = True) -> str:
        """Return the name of an actor or a format as in a sentence: `the United Kingdom`; KeyError if there is none."""
        label = self.label("actor" if entity_id in self._keyed("actors") else "alliance", entity_id)
        if not label.known:
            self._refuse("actor or format", entity_id, lambda d: [*d._keyed("alliances"), *d._keyed("actors")])
        return f"{label.article} {label.label}" if article and label.article else label.label

    @cached_property
    def scenario(self) -> tuple[Scenario, ...]:
        """The scenario parameters, in the order of their table."""
        return tuple(files.record(Scenario, row) for row in self._read("parameters"))

    @cached_property
    def numbered_names(self) -> list[str]:
        """Names of actors, formats and texts that hold a number, a number word or a month."""
        rows = [row for table in ("actors", "alliances", "sources") for row in self._read(table)]
        names = {name for row in rows for column in _NAMES for name in split_list(row.get(column, ""))}
        return sorted(filter(find_numbers, names))

    @cached_property
    def years(self) -> list[str]:
        """The years of which there are texts."""
        return sorted({row["published"][:4] for row in self._read("sources")})

    def mark_of_quote(self, quote_id: str) -> str:
        """Return the evidence mark of a quotation: the letter of its text and the number of its paragraph."""
        if quote_id not in self._marks:
            text, start, _ = self._place(quote_id)
            self._marks[quote_id] = f"{self.source(self.quote(quote_id).source_id).mark}{text.paragraph(start)}"
        return self._marks[quote_id]

    def mark(self, row_id: str) -> str:
        """Return a row's evidence mark: that of its first quotation; `r` for the public record."""
        return next(iter(self.marks(row_id)), "r" if self.row(row_id).table == "public_record" else "")

    def marks(self, row_id: str) -> tuple[str, ...]:
        """Return the evidence marks of all quotations of a row, each once, that of the main one first."""
        return tuple(dict.fromkeys(map(self.mark_of_quote, self.row(row_id).quote_ids)))

    def paragraph(self, mark: str) -> tuple[str, ...]:
        """Return the quotations that stand in a paragraph, by its mark, in the order of the text."""
        return tuple(self._paragraphs.get(mark, ()))

    @cached_property
    def _paragraphs(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for quote_id in sorted(self._keyed("quotes"), key=lambda quote_id: (self._place(quote_id)[1:], quote_id)):
            found.setdefault(self.mark_of_quote(quote_id), []).append(quote_id)
        return found

    def words(self, mark: str) -> str:
        """Return what is quoted of a paragraph, on one line, with “…” where words between are left out."""
        spans: list[list[int]] = []
        for quote_id in self.paragraph(mark):
            text, start, end = self._place(quote_id)
            if spans and not re.search(r"\w", text[spans[-1][1] : start]):
                spans[-1][1] = max(end, spans[-1][1])
            else:
                spans.append([start, end])
        return " … ".join(" ".join(text[start:end].split()) for start, end in spans)

    def context(self, quote_id: str, words: int = 12) -> tuple[str, str]:
        """Return at most so many words before and after a quotation, within its paragraph."""
        text, start, end = self._place(quote_id)
        return text.around(start, end, words)

    def _place(self, quote_id: str) -> tuple[SourceText, int, int]:
        quote = self.quote(quote_id)
        text = self.complete._texts[quote.source_id]
        for place in text.locate(quote.exact, quote.prefix, quote.suffix):
            return text, *place
        raise DataError(f"{quote_id} does not stand in {quote.source_id}: run `alliances check` to see how it differs.")

    @cached_property
    def unreviewed(self) -> frozenset[str]:
        """The texts that came after the last review: their marks follow the `reviewed` one of the package."""
        last, rows = str(self.package.get("reviewed", "")), self.complete.tables["sources"]
        new = (row["source_id"] for row in rows if (len(row["mark"]), row["mark"]) > (len(last), last))
        return frozenset(new if last else ())

    @cached_property
    def uncoded(self) -> frozenset[str]:
        """Those of them of which a sentence is not accounted for: no edition knows them yet."""
        if (told := os.environ.get(UNCODED)) is not None:
            return frozenset(told.split())
        texts = {source_id: self.complete._texts[source_id] for source_id in self.unreviewed}
        return frozenset(each.source_id for each in coverage(self.complete.tables, texts) if each.gaps)

    def default_as_of(self, exclude_sources: Collection[str] = ()) -> date:
        """Return the last day of publication of the texts that count, or of all; DataError if there is none."""
        days, left_out = self.complete.column("sources", "published"), {*self.complete.uncoded, *exclude_sources}
        if not days:
            raise DataError("data/sources.csv has no row: add at least one source.")
        return date.fromisoformat(max([day for s, day in days.items() if s not in left_out] or days.values()))

    def known(self, as_of: date, exclude_sources: Collection[str] = ()) -> Self:
        """Cut to what was known on a day, without some sources, KeyError if one is none; a cut one is cut by both.

        A row is known when its source is, on its `published` day; a public record from its entry, and its
        later exit is emptied. An event stays if an account of it is known, a disagreement if all its rows are;
        of a judgement the latest version that was valid by then and whose required rows are all known.
        """
        whole = self.complete
        for source_id in exclude_sources:
            whole.source(source_id)
        day = as_of if self.as_of is None else min(as_of, self.as_of)
        excluded = tuple(sorted({*self.excluded, *exclude_sources}))
        tables = _cut(whole.tables, day.isoformat(), {*excluded, *whole.uncoded})
        return replace(whole, tables=tables, as_of=day, excluded=excluded, _whole=whole)

    def _read(self, table: str) -> list[dict[str, str]]:
        """Return the rows of a table, and note that it is read: its notebook runs again only when one changes."""
        if file := os.environ.get(TRACE_VARIABLE):
            with Path(file).open("a", encoding="utf-8") as handle:  # at once: a kernel ends without warning
                handle.writelines(f"{name}\n" for name in (f"data/{table}.csv", *_CUT_BY.get(table, ())))
        return self.tables[table]

    def _types(self, table: str) -> dict[str, str]:
        """Return the type of each column; one that only the file has is kept as text."""
        declared = {each["name"]: each.get("type", "string") for each in self._resources[table]["schema"]["fields"]}
        others = [*next(iter(self.tables[table]), ()), *(["source_id"] if table in FACT_TABLES else [])]
        return dict.fromkeys([*declared, *others], "string") | declared

    def _keyed(self, table: str) -> dict[str, dict[str, str]]:
        if table not in self._rows_by_key:
            self._rows_by_key[table] = {next(iter(row.values())): row for row in self._read(table)}
        return self._rows_by_key[table]

    def rows_of(self, table: str) -> dict[str, Row]:
        """Return the rows of a table that are known here, by their ids."""
        if table not in self._known_rows:
            types, found, rows = self._types(table), self._known_rows.setdefault(table, {}), self._keyed(table)
            typed = zip(*(files.cells(rows.values(), column, kind) for column, kind in types.items()), strict=True)
            for (row_id, row), values in zip(rows.items(), typed, strict=True):
                quote_ids = tuple(split_list(row.get("quote_ids", "")))
                given = dict(zip(types, values, strict=True))
                found[row_id] = Row(table, row_id, row.get("source_id", ""), given, quote_ids)
        return self._known_rows[table]

    def _rows_beside(self, row_id: str) -> dict[str, Row]:
        table = _TABLE_OF_PREFIX.get(row_id[: row_id.find("-") + 1])
        return self.rows_of(table) if table else {}

    @cached_property
    def _quotes(self) -> dict[str, Quote]:
        return {key: files.record(Quote, row) for key, row in self._keyed("quotes").items()}

    @cached_property
    def _sources(self) -> dict[str, Source]:
        return {key: files.record(Source, row) for key, row in self._keyed("sources").items()}

    @cached_property
    def _rows(self) -> dict[str, Row]:
        return {row_id: row for table in _TABLE_OF_PREFIX.values() for row_id, row in self.rows_of(table).items()}

    @cached_property
    def _labels(self) -> dict[tuple[str, str], dict[str, str]]:
        return {(row["vocabulary"], row["term"]): row for row in self._read("labels")}

    @cached_property
    def _texts(self) -> dict[str, SourceText]:
        return {source_id: read_text(self.root, row["file"]) for source_id, row in self._keyed("sources").items()}


def _cut(raw: Raw, day: str, excluded: Collection[str]) -> Raw:
    known = {row["source_id"] for row in raw["sources"] if row["published"] <= day} - {*excluded}
    tables: Raw = dict(raw)
    for table in ("sources", "quotes", "exclusions", *FACT_TABLES):
        tables[table] = [row for row in raw[table] if row["source_id"] in known]
    tables["public_record"] = [
        row if row["exit_date"] <= day else row | {"exit_date": ""}
        for row in raw["public_record"]
        if row["entry_date"] <= day
    ]
    rows = {row[files.ROW_TABLES[table]] for table in files.EVIDENCE for row in tables[table]}
    events = {row["event_id"] for row in tables["event_accounts"]}
    tables["events"] = [
        row if row["probably_same_as"] in events else row | {"probably_same_as": ""}
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
