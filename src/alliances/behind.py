"""Where the report is behind the data: what rests only on rows that newer rows have overtaken."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from math import log, sqrt
from pathlib import Path
from typing import Any, NamedTuple

from nbformat import NotebookNode

from alliances.dataset import Dataset, Row, split_list
from alliances.dataset.problems import shorten
from alliances.dataset.tables import split_aside
from alliances.run import notebooks
from alliances.stage.evidence import reading
from alliances.text.dates import overlap

#: Of each table the columns that make its subject, what is told of it last, and those of what a row says of it.
_SUBJECTS = {
    "observations": (("alliance_id", "actor_id", "ref_area", "scenario_id", "indicator"),
                     ("value_low", "value_high", "currency")),
    "characteristics": (("alliance_id", "aspect"), ("value", "status")),
    "positions": (("alliance_id", "actor_id", "topic"), ("position",)),
    "memberships": (("alliance_id", "actor_id"), ("role", "entry_date", "exit_date")),
    "event_accounts": (("event_id",), ("date", "status")),
    "capabilities": (("alliance_id", "holder", "domain"), ("capability", "relation")),
}  # fmt: skip
#: What whatever is new on a format may end: that something is not so, and that it is open.
_ABSENCE = re.compile(
    r"(No|Nobody|None|Nothing|Neither)\b|(\w+ )?[Ww]hether\b|[^.]*\b(not|never|no \w+) (is |are |was |were )?reported\b"
)
_WORD = re.compile(r"[^\W\d_]{4,}|[A-Z]{2,}|\d[\d,.]*\d|\d")
#: How near in words a place is that is listed; what a format or actor in common adds, and a question left open; and of
#: how many rows, at the most, it may be those that rest on one.
_NEAR, _KIN, _OPEN, _MOST = 0.14, 0.03, 0.06, 5


class Nearest:
    """Finds which of many texts are near another one: in words, names and numbers that they share, rare ones above all.

    `texts` are given by keys of any kind.
    """

    def __init__(self, texts: Mapping[Any, str]) -> None:
        self._holding: dict[str, list[Any]] = defaultdict(list)
        for key, text in texts.items():
            for stem in _stems(text):
                self._holding[stem].append(key)
        self._rare = {stem: log((len(texts) + 1) / (len(keys) + 1)) ** 2 for stem, keys in self._holding.items()}
        self._size = {key: sqrt(sum(map(self._rare.__getitem__, _stems(text)))) for key, text in texts.items()}
        self._rarest = log(len(texts) + 1) ** 2

    def to(self, text: str) -> dict[Any, float]:
        """Return those that share a word with a text, and how near they are, from 0 to 1."""
        near: dict[Any, float] = defaultdict(float)
        stems = _stems(text)
        size = sqrt(sum(self._rare.get(stem, self._rarest) for stem in stems))
        for stem in stems & self._holding.keys():
            for key in self._holding[stem]:
                near[key] += self._rare[stem] / size / (self._size[key] + 8)  # short ones are near by accident
        return near


def _stems(text: str) -> set[str]:
    return {word[:6].casefold() for word in _WORD.findall(text)}


class Late(NamedTuple):
    """An entry of the list: what it says, in lines, and how many places of the report it is about."""

    text: str
    places: int = 1


class _Told(NamedTuple):
    """A sentence or chart of a committed notebook: where it stands, and on which rows it rests."""

    name: str
    cell: int
    place: str
    text: str
    words: str
    rows: tuple[str, ...]
    beside: set[str]  # those of its neighbours and those reviewed
    once: str  # what is listed once a cell: all of a table
    is_chart: bool
    is_open: bool


def behind_of(root: Path, dataset: Dataset, names: Iterable[str]) -> list[Late]:
    """List what of the notebooks named, as committed, and of the judgements is behind the whole dataset.

    Returns
    -------
    list of Late
        Judgements; sentences that fell; then for each newer row the sentences and charts that it overtakes, with file,
        cell and line, in the order of the report; then by chapter the rows that none uses. Each says what to do.
    """
    rows = _Rows(dataset.known(dataset.default_as_of()))
    outputs = [each for name in names for each in _outputs(name, notebooks.read(root, name))]
    told, found = [each for output in outputs for each in _told(*output)], dict[tuple[object, ...], _Told]()
    known, is_due = list[set[str]](), list[bool]()
    for each in told:
        newer = [*rows.newer(each.rows, wide=each.is_open), *(rows.left_out(each.rows) if each.is_chart else ())]
        known.append({*newer, *each.rows, *each.beside})
        due = tuple(i for i in dict.fromkeys(newer) if i not in each.beside)
        is_due.append(bool(due))
        if due:
            found.setdefault((each.name, each.cell, each.once, due), each)
    return [*rows.clashes(), *rows.judgements(), *(late for output in outputs for late in _fallen(*output)),
            *_by_row(rows, [(each, due) for (*_, due), each in found.items()]),
            *_nearest(rows, told, known, is_due), *_unused(rows, told)]  # fmt: skip


def _by_row(rows: "_Rows", found: Sequence[tuple[_Told, Any]]) -> Iterator[Late]:
    """Yield the places under the newer row that most of them share; what such a row says is written once."""
    count = Counter(row_id for _, due in found for row_id in due)
    grouped: dict[str, list[str]] = defaultdict(list)
    for each, due in found:
        lead = max(due, key=count.__getitem__)
        rest = [i for i in due if i != lead]
        others = f" (newer, too: {_some(rest, 4)})" if rest else ""
        grouped[lead].append(f"\n  {each.place}: {each.text}{' does not draw it' * each.is_chart}{others}")
    for lead, places in grouped.items():
        many = f"{len(places)} places do" if places[1:] else "one place does"
        yield Late(
            f"{rows.listed([lead])}: {many} not know it; bring that up to date, or name the row with a reason in the "
            f"cell's metadata, “reviewed”.{''.join(places)}", len(places),
        )  # fmt: skip


def _nearest(rows: "_Rows", told: Sequence[_Told], known: Sequence[set[str]], is_due: Sequence[bool]) -> Iterator[Late]:
    """Yield the places near in words to a quotation of a new text, by their own words or by those of a row of theirs.

    However its facts were coded. `known` are the rows that each place has or is listed for; one that `is_due` for
    another row waits, and each is listed once, under the quotation to which it is nearest.
    """
    own = Nearest({n: each.words for n, each in enumerate(told)})
    older = Nearest({row_id: rows.says([row_id]) for each in told for row_id in each.rows})
    quoted = [{quote_id for row in rows.known(ids) for quote_id in row.quote_ids} for ids in known]
    sources = [{row.source_id for row in rows.known(each.rows)} for each in told]
    groups, found = defaultdict[tuple[str, str], list[str]](list), list[tuple[float, int, str, tuple[str, str]]]()
    for row in filter(rows.is_news, rows.fresh):
        groups[row.source_id, row.quote_ids[0]].append(row.row_id)
    for key, ids in groups.items():
        words, near, about = own.to(text := rows.says(ids)), older.to(text), rows.about(ids)
        near |= {i: near[i] + _KIN * len(about & rows.about([i])) for i in list(near)}
        for n, each in enumerate(told):
            lead = max(each.rows, key=lambda i: near.get(i, 0), default="")
            score = words.get(n, 0) + near.get(lead, 0) + _OPEN * each.is_open
            if score > _NEAR and not (is_due[n] or key[1] in quoted[n] or sources[n] == {key[0]}):
                found.append((score, n, lead, key))
    placed, leads = dict[int, tuple[str, str]](), defaultdict[tuple[str, str], set[str]](set)
    for _, n, lead, key in sorted(found, reverse=True):
        if n not in placed and (lead in leads[key] or len(leads[key]) < _MOST):
            placed[n] = key
            leads[key].add(lead)
    for key, ids in groups.items():
        lines = dict.fromkeys(f"\n  {each.place}: {each.text}" for n, each in enumerate(told) if placed.get(n) == key)
        if lines:
            yield Late(
                f"{rows.listed(ids)}: read these beside it, which are near in words: do they still hold? Bring up to "
                f"date what does not; the rest goes once the text is reviewed.{''.join(lines)}", len(lines),
            )  # fmt: skip


def _unused(rows: "_Rows", told: Sequence[_Told]) -> Iterator[Late]:
    """Yield the new rows that nothing uses, with what they say, by the chapter of which most is on their format."""
    used, whole = {i for each in told for i in each.rows} | rows.weighed, Counter(each.name for each in told)
    on = Counter((about, each.name) for each in told for about in {rows.format_of(i) for i in each.rows})
    unused: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows.fresh:
        if row.row_id not in used and rows.is_news(row):
            about = rows.format_of(row.row_id)
            near = max(whole, key=lambda name: on[about, name] / whole[name]) if about else ""
            where = f"nearest chapter {near}" if near and on[about, near] else "no chapter tells its format"
            unused[row.source_id, where].append(f"\n  {rows.listed([row.row_id])}")
    for (source_id, where), lines in sorted(unused.items()):
        yield Late(
            f"{source_id}, {where}: no chapter uses {len(lines)} of its rows; use what bears on the report, and when "
            f"you have read each set “reviewed” in data/datapackage.json to the mark of this text.{''.join(lines)}"
        )


class _Rows:
    """The known rows by their subject, and what is newer than others; `fresh` are those of texts not yet reviewed."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset, self._new, self.weighed = dataset, dataset.unreviewed, set[str]()
        self._by: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        self._first: dict[tuple[str, ...], str] = {}  # when something was said first, in these very words
        parents = dict(dataset["alliances"][["alliance_id", "parent_id"]].to_numpy().tolist())
        self._family = {each: _root(each, parents) for each in parents}
        self._single, self._kindred, ended, self._given_up, apart, changed = (
            {term.term for term in dataset.terms(vocabulary) if word in term.meaning.split()}
            for vocabulary, word in (("aspect", "single"), ("topic", "offer"), ("status", "ended"),
                                     ("obs_status", "ended"), ("disagreement_kind", "apart"),
                                     ("disagreement_kind", "changed"))
        )  # fmt: skip
        declared = dataset["disagreements"]
        self._changes = {each["disagreement_id"]: split_list(each["row_ids"])
                         for each in declared[declared["kind"].isin(changed)].to_dict("records")}  # fmt: skip
        rows = [row for row in map(dataset.row, dataset.row_ids) if row.source_id]
        self.fresh = [row for row in rows if row.source_id in self._new]
        for row in rows:
            self._first[_said(row)] = min(self._first.get(_said(row), "9999"), self._day(row))
            for subject in self._subjects(row):
                if subject[-1] != "!" or row.values.get("status") in ended:
                    self._by[subject].append(row)
        self._apart = {frozenset(pair): each["disagreement_id"]
                       for each in declared[declared["kind"].isin(apart)].to_dict("records")
                       for pair in combinations(split_list(each["row_ids"]), 2)}  # fmt: skip

    def _day(self, row: Row) -> str:
        return self._dataset.column("sources", "published")[row.source_id]

    def known(self, ids: Iterable[str]) -> list[Row]:
        """Return the rows of texts among these, as far as they are known."""
        return [row for row in (self._dataset.row(i) for i in ids if i in self._dataset) if row.source_id]

    def is_news(self, row: Row) -> bool:
        """Whether no earlier text says the same in the same words."""
        return self._first[_said(row)] == self._day(row)

    def format_of(self, row_id: str) -> str:
        """Return the format that a row is about; "" if none, or not known here."""
        return next((str(row.values.get("alliance_id", "")) for row in self.known([row_id])), "")

    def says(self, ids: Iterable[str]) -> str:
        """Return what rows say, in our words and in their own."""
        texts = (
            [reading(self._dataset, r), *(self._dataset.quote(q).exact for q in r.quote_ids)] for r in self.known(ids)
        )
        return " ".join(text for each in texts for text in each)

    def about(self, ids: Iterable[str]) -> set[str]:
        """Return the formats, each by the head of its family, and the actors of rows."""
        cells = (str(row.values.get(c, "")) for row in self.known(ids) for c in ("alliance_id", "actor_id", "holder"))
        return {self._family.get(cell, cell) for cell in cells} - {""}

    def clashes(self) -> Iterator[Late]:
        """Say which rows are declared to have changed, and to speak of different things as well."""
        for name, ids in self._changes.items():
            for pair in combinations(ids, 2):
                if other := self._apart.get(frozenset(pair), ""):
                    yield Late(
                        f"data/disagreements.csv: {name} says that {' and '.join(pair)} changed over time, {other} "
                        "that they do not speak of the same thing; name the two in one of them only."
                    )

    def newer(self, ids: Sequence[str], *, since: str = "", wide: bool = False) -> list[str]:
        """List the rows that say otherwise of a subject than these, in a later text or one later than `since`.

        Of what may stand side by side (tasks, conditions), of an actor's answers to kindred questions, of parent, child
        and sibling formats, and of whatever there is on a format where something is absent or open (`wide`), only those
        of texts that are not yet reviewed. A format that ended overtakes all its rows.
        """
        own: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in self.known(ids):
            for subject in self._subjects(row):
                if wide or subject[-1] not in "*?":
                    own[subject].append(row)
        found: dict[str, None] = {}
        for subject, mine in own.items():
            day = since or max(map(self._day, mine))
            later = (row for row in self._by[subject] if self._day(row) > day)
            found |= {row.row_id: None for row in later if self._counts(row, mine, subject[-1])}
        return [i for i in found if i not in ids]

    def _counts(self, row: Row, mine: Sequence[Row], kind: str) -> bool:
        if kind == "~":
            return True
        is_single = row.table != "capabilities" and kind not in "*+?"
        if is_single and row.table == "characteristics":
            is_single = self.is_news(row) if kind == "!" else row["aspect"] in self._single
        if not (is_single or (row.source_id in self._new and self.is_news(row))):
            return False
        differs = kind in "*!?" or row.values.get("obs_status") in self._given_up  # whatever it says
        return all((differs or _differ(row, m)) and frozenset((row.row_id, m.row_id)) not in self._apart for m in mine)

    def _subjects(self, row: Row) -> list[tuple[str, ...]]:
        """Return what a row is about, and last what ends all that is told of its format (“!”).

        Where it compares, between them the same of whatever actor, area and scenario (“*”), and what it shares with
        those on kin formats, an answer with those to kindred questions (“+”). What is declared to have changed over
        time is one subject (“~”), and whatever is told of a format and its kin (“?”).
        """
        cells = tuple(str(row[column]) for column in _SUBJECTS.get(row.table, ((),))[0])
        found: list[tuple[str, ...]] = []
        if cells and cells[-1] and not row.values.get("same_as"):
            found = [(row.table, *cells), (row.table, cells[0], cells[-1], "*")]
            found += [(row.table, cells[1], "+")] if row.values.get("topic") in self._kindred else []
            found += [(row.table, *(self._family.get(cell, cell) for cell in cells), "+")]
        found += [(change, "~") for change, ids in self._changes.items() if row.row_id in ids]
        about = str(row.values.get("alliance_id", ""))
        return [*found, *([(self._family[about], "?")] if about in self._family else []), (about, "!")]

    def left_out(self, drawn: Sequence[str]) -> list[str]:
        """List the rows of the indicators of a chart, of the same formats, that it does not draw."""
        subjects = [s for row in self.known(drawn) if row.table == "observations" for s in self._subjects(row)]
        wide = dict.fromkeys(subject for subject in subjects if subject[-1] == "*")
        return [row.row_id for subject in wide for row in self._by[subject] if row.row_id not in set(drawn)]

    def listed(self, ids: Sequence[str]) -> str:
        """Write rows with what they say; of many the newest."""
        newest = sorted(self.known(ids), key=self._day, reverse=True)
        return _some([f"{row.row_id} ({shorten(reading(self._dataset, row), 90)})" for row in newest])

    def judgements(self) -> Iterator[Late]:
        """Say which judgements do not weigh a row that is newer than their version, on a subject that they weigh.

        Of those whose format a new text touches, too, with what would prove them wrong.
        """
        standing = self._dataset["judgements"][["judgement_id", "valid_from"]].to_numpy().tolist()
        for number, row in enumerate(self._dataset.complete["judgements"].to_dict("records"), start=2):
            if [row["judgement_id"], row["valid_from"]] not in standing:
                continue
            own = [*split_list(row["requires"]), *split_list(row["against"])]
            self.weighed |= {*own, *split_aside(row["aside"])}
            aside = {*split_aside(row["aside"]), *split_aside(str(row.get("reviewed", "")))}
            due = [i for i in self.newer(own, since=row["valid_from"]) if i not in aside]
            touching = (r for r in self.fresh if r.values.get("alliance_id") == row["alliance_id"] and self.is_news(r))
            late = sorted((r for r in touching if self._day(r) > row["valid_from"]), key=self._day, reverse=True)
            near = [r.row_id for r in late if r.row_id not in {*own, *aside, *due}]
            if due or near:
                weigh = f" does not weigh {self.listed(due)};" if due else ""
                beside = f" is older than {_some(near)}, on its format;" if near else ""
                yield Late(
                    f"data/judgements.csv, row {number}, {row['judgement_id']}: its version of {row['valid_from']}"
                    f"{weigh}{' and' * bool(due and near)}{beside} wrong if: “{row['wrong_if']}” Write a new version, "
                    "or name the rows with a reason in its column reviewed."
                )


def _root(alliance_id: str, parents: Mapping[str, str]) -> str:
    """Return the format at the head of a family of them."""
    seen = [alliance_id]
    while (parent := parents.get(seen[-1])) and parent not in seen:
        seen.append(parent)
    return seen[-1]


def _some(parts: Sequence[str], most: int = 5) -> str:
    """List the first of many."""
    return ", ".join(parts[:most]) + (f", and {len(parts) - most} more" if parts[most:] else "")


def _said(row: Row) -> tuple[str, ...]:
    """Return all that a row says, without its id and its words."""
    cells = [str(cell) for name, cell in row.values.items() if name not in ("source_id", "quote_ids", "same_as")]
    return (row.table, *cells[1:])


def _differ(one: Row, other: Row) -> bool:
    """Whether two rows say different things; what one leaves open, the other may fill."""
    pairs = [(column, str(one[column]), str(other[column])) for column in _SUBJECTS[one.table][1]]
    filled = [(column, a, b) for column, a, b in pairs if a not in ("", "nan") and b not in ("", "nan")]
    return any(a.casefold() != b.casefold() and not (c.endswith("date") and overlap(a, b)) for c, a, b in filled)


def _outputs(name: str, notebook: NotebookNode) -> Iterator[tuple[str, int, NotebookNode, Any]]:
    """Yield what a notebook put into the report: its name, the cell's number, the cell, and what is noted of it."""
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", ()):
            if meta := output.get("metadata", {}).get("alliances"):
                yield name, number, cell, meta


def _told(name: str, number: int, cell: NotebookNode, meta: Any) -> Iterator[_Told]:
    """Yield what an output tells, each with its place."""
    silenced = {i for key in cell.metadata.get("reviewed", {}) for i in split_list(key)}
    sentences = meta.get("sentences", ())
    rows = [tuple(sentence.get("rows", ())) for sentence in sentences]
    for at, sentence in enumerate(sentences):
        words, kind = sentence["text"], meta["kind"]
        is_chart = kind == "figure" and not words
        is_judged = kind == "judgements" or (kind == "judgement" and not at)
        if not rows[at] or is_judged or not (words or is_chart):
            continue
        near = {"table": rows, "facts": rows, "figure": ()}.get(kind, rows[max(0, at - 1) : at + 2])
        none = any("none among" in meta["evidence"].get(a, {}).get("formula", "") for a in sentence["marks"])
        text = f"the chart {meta['id']}" if is_chart else f"“{shorten(words, 60)}”"
        yield _Told(
            name, number, f"notebooks/{name}.ipynb, cell {number}, line {_line(cell.source, words or meta['id'])}",
            text, words, rows[at], {i for each in near for i in each} | silenced, "" if kind == "table" else text,
            is_chart, none or bool(_ABSENCE.match(words)),
        )  # fmt: skip


def _fallen(name: str, number: int, cell: NotebookNode, meta: Any) -> Iterator[Late]:
    """Yield the sentences that are not told, although their rows are known."""
    for text in meta.get("fallen", ()):
        yield Late(
            f"notebooks/{name}.ipynb, cell {number}, line {_line(cell.source, text)}: “{shorten(text, 60)}” is not "
            "told, although its rows are known: a value made of them is not, such as a count of no rows; look at the "
            "frame, or write an else: beneath."
        )


def _line(source: str, text: str) -> int:
    """Find the line of a cell whose words are most like those of a sentence, or that holds the id of a chart."""
    wanted = set(_WORD.findall(text))
    lines = [len(wanted & set(_WORD.findall(line))) for line in source.splitlines()] or [0]
    return lines.index(max(lines)) + 1
