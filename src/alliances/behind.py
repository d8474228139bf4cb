"""Where the report is behind the data: what rests only on rows that newer rows have overtaken."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations
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
_UNTOLD = ("source_id", "quote_ids", "same_as")  # of a row: not what it says
#: What whatever is new on a format may end: that something is not so, and that it is open.
_ABSENCE = re.compile(
    r"(No|Nobody|None|Nothing|Neither)\b|(\w+ )?[Ww]hether\b|[^.]*\b(not|never|no \w+) (is |are |was |were )?reported\b"
)
_WORD = re.compile(r"[^\W\d_]{4,}|[A-Z]{2,}|\d[\d,.]*\d|\d")
#: The columns that say of whom a row is.
ABOUT = ("alliance_id", "actor_id", "holder")
#: How near in words a place is that is listed; what a format or actor in common adds, and a question left open; and of
#: how many rows, at the most, it may be those that rest on one.
_NEAR, _KIN, _OPEN, _MOST = 0.14, 0.03, 0.06, 5


def nearest(texts: Mapping[Any, str]) -> Callable[[str], dict[Any, float]]:
    """Return a function that says which of many texts share words and numbers with another one, by their keys.

    And how near they are, from 0 to 1; rare words count above all.
    """
    stems_of = {key: _stems(text) for key, text in texts.items()}
    count = Counter(stem for stems in stems_of.values() for stem in stems)

    def weight(stems: set[str]) -> float:
        return sum(log((len(texts) + 1) / (count[stem] + 1)) ** 2 for stem in stems)

    least = {key: sqrt(weight(stems)) + 8 for key, stems in stems_of.items()}  # short ones are near by accident

    def near(text: str) -> dict[Any, float]:
        stems = _stems(text)
        size = sqrt(weight(stems))
        return {key: weight(stems & own) / size / least[key] for key, own in stems_of.items() if stems & own}

    return near


def _stems(text: str) -> set[str]:
    return {word[:6].casefold() for word in _WORD.findall(text)}


class _Told(NamedTuple):
    """A sentence or chart of a committed notebook: where it stands, on which rows it rests, and what is newer."""

    name: str
    place: str
    text: str
    words: str  # none of a chart
    rows: tuple[str, ...]
    due: tuple[str, ...]  # what is newer and not beside it
    known: set[str]
    once: tuple[str, str]  # what is listed once: of a table the cell
    is_open: bool


def behind_of(root: Path, dataset: Dataset, names: Iterable[str]) -> dict[str, int]:
    """List what of the notebooks named, as committed, and of the judgements is behind the whole dataset.

    Returns entries of lines that say what to do, each with the number of places of the report that it is about:
    judgements; sentences that fell; for each newer row those that it overtakes; what is near in words; unused rows.
    """
    rows, told, fallen = _Rows(dataset.known(dataset.default_as_of())), list[_Told](), dict[str, int]()
    for name in names:
        for number, cell in enumerate(notebooks.read(root, name).cells, start=1):
            place = f"notebooks/{name}.ipynb, cell {number}"
            for meta in filter(None, (out.get("metadata", {}).get("alliances") for out in cell.get("outputs", ()))):
                told += _told(rows, name, place, cell, meta)
                for text in meta.get("fallen", ()):
                    where = f"{place}, line {_line(cell.source, text)}: “{shorten(text, 60)}”"
                    why = "although its rows are known: a value made of them is not; look at the frame"
                    fallen[f"{where} is not told, {why}, or write an else: beneath."] = 1
    lists = _overtaken(rows, told), _nearest(rows, told), _unused(rows, told)
    return dict(chain(rows.declared(), fallen.items(), *lists))


def _told(rows: "_Rows", name: str, place: str, cell: NotebookNode, meta: Any) -> Iterator[_Told]:
    """Yield what an output tells, each with its place and what is newer."""
    silenced = {i for key in cell.metadata.get("reviewed", {}) for i in split_list(key)}
    kind, sentences = meta["kind"], meta.get("sentences", ())
    on = [tuple(sentence.get("rows", ())) for sentence in sentences]
    for at, sentence in enumerate(sentences):
        words = sentence["text"]
        is_judged = kind == "judgements" or (kind == "judgement" and not at)
        if not on[at] or is_judged or not (words or kind == "figure"):
            continue
        near = {"table": on, "facts": on, "figure": ()}.get(kind, on[max(0, at - 1) : at + 2])
        beside = silenced.union(*near)
        none = any("none among" in meta["evidence"].get(a, {}).get("formula", "") for a in sentence["marks"])
        is_open = none or bool(_ABSENCE.match(words))
        newer = [*rows.newer(on[at], wide=is_open), *(() if words else rows.left_out(on[at]))]
        text = f"“{shorten(words, 60)}”" if words else f"the chart {meta['id']} does not draw it"
        yield _Told(
            name, f"{place}, line {_line(cell.source, words or meta['id'])}", text, words, on[at],
            tuple(i for i in dict.fromkeys(newer) if i not in beside), {*newer, *on[at], *beside},
            (place, "" if kind == "table" else text), is_open,
        )  # fmt: skip


def _line(source: str, text: str) -> int:
    """Find the line of a cell whose words are most like those of a sentence, or that holds the id of a chart."""
    wanted = set(_WORD.findall(text))
    lines = [len(wanted & set(_WORD.findall(line))) for line in source.splitlines()] or [0]
    return lines.index(max(lines)) + 1


def _overtaken(rows: "_Rows", told: Sequence[_Told]) -> Iterator[tuple[str, int]]:
    """Yield the places under the newer row that most of them share; what such a row says is written once."""
    found: dict[object, _Told] = {}
    for each in (each for each in told if each.due):
        found.setdefault((each.once, each.due), each)
    count = Counter(row_id for each in found.values() for row_id in each.due)
    grouped: dict[str, list[str]] = defaultdict(list)
    for each in found.values():
        lead = max(each.due, key=count.__getitem__)
        rest = [i for i in each.due if i != lead]
        others = f" (newer, too: {_some(rest, 4)})" if rest else ""
        grouped[lead].append(f"\n  {each.place}: {each.text}{others}")
    for lead, places in grouped.items():
        what = "these do not know it; bring them up to date, or name it with a reason in their cell's “reviewed”."
        yield f"{rows.listed([lead])}: {what}{''.join(places)}", len(places)


def _nearest(rows: "_Rows", told: Sequence[_Told]) -> Iterator[tuple[str, int]]:
    """Yield the places near in words to a quotation of a new text, by their own words or by those of a row of theirs.

    This finds them whatever format or table its facts were given. A place that a row has overtaken waits until that is
    mended; each is listed once, under the quotation to which it is nearest.
    """
    own = nearest({n: each.words for n, each in enumerate(told)})
    older = nearest({row_id: rows.says([row_id]) for each in told for row_id in each.rows})
    texts = [{row.source_id for row in rows.known(each.rows)} for each in told]
    groups, found = defaultdict[str, list[str]](list), list[tuple[float, int, str, str]]()
    for row in rows.fresh.values():
        groups[row.quote_ids[0]].append(row.row_id)
    for quote, ids in groups.items():
        words, near = own(text := rows.says(ids)), older(text)
        about = set[str]().union(*(rows.about[i] for i in ids))
        near |= {i: near[i] + _KIN * len(about & rows.about[i]) for i in near}
        using, own_text = {i for i, row in rows.rows.items() if quote in row.quote_ids}, {rows.rows[ids[0]].source_id}
        for n, each in enumerate(told):
            lead = max(each.rows, key=lambda i: near.get(i, 0))
            score = words.get(n, 0) + near.get(lead, 0) + _OPEN * each.is_open
            if score > _NEAR and not (each.due or using & each.known or own_text <= texts[n]):
                found.append((score, n, lead, quote))
    placed, leads = dict[int, str](), defaultdict[str, set[str]](set)
    for _, n, lead, quote in sorted(found, reverse=True):
        if n not in placed and len(leads[quote] | {lead}) <= _MOST:
            placed[n] = quote
            leads[quote].add(lead)
    for quote, ids in groups.items():
        if lines := dict.fromkeys(f"\n  {told[n].place}: {told[n].text}" for n in sorted(placed) if placed[n] == quote):
            what = "read these beside it, which are near in words: do they still hold? Bring up to date what does not."
            yield f"{rows.listed(ids)}: {what}{''.join(lines)}", len(lines)


def _unused(rows: "_Rows", told: Sequence[_Told]) -> Iterator[tuple[str, int]]:
    """Yield the new rows that nothing uses, with what they say, by the chapter of which most is on their format."""
    used, whole = {i for each in told for i in each.rows} | rows.weighed, Counter(each.name for each in told)
    on = Counter((about, each.name) for each in told for about in {rows.format.get(i, "") for i in each.rows})
    unused: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows.fresh.values():
        if row.row_id not in used:
            about = rows.format[row.row_id]
            near = max(whole, key=lambda name: on[about, name] / whole[name]) if about else ""
            where = f"nearest chapter {near}" if on[about, near] else "no chapter tells its format"
            unused[row.source_id, where].append(f"\n  {rows.listed([row.row_id])}")
    for (source_id, where), lines in sorted(unused.items()):
        what = "use what bears on the report, then set “reviewed” in data/datapackage.json to the mark of this text."
        yield f"{source_id}, {where}: no chapter uses {len(lines)} of its rows; {what}{''.join(lines)}", 1


class _Rows:
    """The known rows and what is newer than others; `fresh` are those of texts not yet reviewed that say a new thing.

    A subject is what a row is about, after a sign: “=” the very same, “*” the same of whatever actor, area and
    scenario, “+” that of a kin format or a kindred question, “?” whatever is told of a format and its kin, “~” what is
    declared to have changed over time, “!” the end of all that is told of a format.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset, self.weighed = dataset, set[str]()
        parents = {one: parent or one for one, parent in dataset["alliances"][["alliance_id", "parent_id"]].to_numpy()}
        self._family = {one: parents.get(parent, parent) for one, parent in parents.items()}
        pairs = [(frozenset(pair), each["disagreement_id"], dataset.label("disagreement_kind", each["kind"]).meaning)
                 for each in dataset["disagreements"].to_dict("records")
                 for pair in combinations(split_list(each["row_ids"]), 2)]  # fmt: skip
        self._changed = {pair: name for pair, name, meaning in pairs if "changed" in meaning.split()}
        self._apart = {pair: name for pair, name, meaning in pairs if "apart" in meaning.split()}
        self.rows = {row.row_id: row for row in map(dataset.row, dataset.row_ids) if row.source_id}
        self.about = {row_id: {self._family.get(cell, cell) for column in ABOUT if (cell := row.values.get(column))}
                      for row_id, row in self.rows.items()}  # fmt: skip
        self.format = {row_id: str(row.values.get("alliance_id", "")) for row_id, row in self.rows.items()}
        said = {row_id: str([row.table, *((c, cell) for c, cell in [*row.values.items()][1:] if c not in _UNTOLD)])
                for row_id, row in self.rows.items()}  # fmt: skip
        # When a thing was said first, in these very words: of the same ones the earliest day is the last.
        first = dict(sorted(((said[row_id], self._day(row)) for row_id, row in self.rows.items()), reverse=True))
        news = {row_id: row for row_id, row in self.rows.items() if first[said[row_id]] == self._day(row)}
        self.fresh = {row_id: row for row_id, row in news.items() if row.source_id in dataset.unreviewed}
        self._subjects = {row_id: self._subjects_of(row) for row_id, row in self.rows.items()}
        self._overtaking: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row_id, row in self.rows.items():
            is_single = {"capabilities": False, "characteristics": self._means(row, "aspect", "single")}
            overtakes = {"=": is_single.get(row.table, True), "~": True,
                         "!": row_id in news and self._means(row, "status", "ended")}  # fmt: skip
            for subject in self._subjects[row_id]:
                if overtakes.get(subject[0]) or (row_id in self.fresh and subject[0] != "!"):
                    self._overtaking[subject].append(row)

    def _subjects_of(self, row: Row) -> list[tuple[str, ...]]:
        cells, about = [str(row[column]) for column in _SUBJECTS.get(row.table, ((),))[0]], self.format[row.row_id]
        found: list[tuple[str, ...]] = []
        if cells and cells[-1] and not row.values.get("same_as"):
            found = [("=", row.table, *cells), ("*", row.table, cells[0], cells[-1])]
            found += [("+", row.table, cells[1])] if self._means(row, "topic", "offer") else []
            found += [("+", row.table, *(self._family.get(cell, cell) for cell in cells))]
        found += [("~", change) for pair, change in self._changed.items() if row.row_id in pair]
        return [*found, *([("?", self._family[about])] if about in self._family else []), ("!", about)]

    def _means(self, row: Row, column: str, word: str) -> bool:
        return word in self._dataset.label(column, str(row.values.get(column, ""))).meaning.split()

    def _day(self, row: Row) -> str:
        return self._dataset.column("sources", "published")[row.source_id]

    def known(self, ids: Iterable[str]) -> list[Row]:
        """Return the rows of texts among these, as far as they are known."""
        return [self.rows[i] for i in ids if i in self.rows]

    def says(self, ids: Iterable[str]) -> str:
        """Return what rows say, in our words and in their own."""
        rows = self.known(ids)
        quotes = (self._dataset.quote(quote_id).exact for row in rows for quote_id in row.quote_ids)
        return " ".join([*(reading(self._dataset, row) for row in rows), *quotes])

    def newer(self, ids: Sequence[str], *, since: str = "", wide: bool = False) -> list[str]:
        """List the rows that say otherwise of a subject than these, in a later text or one later than `since`.

        Of what may stand side by side (tasks, conditions), of an actor's answers to kindred questions, of parent, child
        and sibling formats, and of whatever there is on a format where something is absent or open (`wide`), only those
        of texts that are not yet reviewed. A format that ended overtakes all its rows.
        """
        own: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in self.known(ids):
            for subject in (each for each in self._subjects[row.row_id] if wide or each[0] not in "*?"):
                own[subject].append(row)
        found: dict[str, None] = {}
        for subject, mine in own.items():
            day = since or max(map(self._day, mine))
            later = (row for row in self._overtaking[subject] if self._day(row) > day and row.row_id not in ids)
            found |= {row.row_id: None for row in later if all(self._is_otherwise(row, m, subject[0]) for m in mine)}
        return list(found)

    def _is_otherwise(self, row: Row, mine: Row, sign: str) -> bool:
        """Whether a later row says another thing, as with some signs it does whatever it says."""
        if frozenset((row.row_id, mine.row_id)) in self._apart:
            return False
        cells = [(column, str(row.values.get(column, "")).casefold(), str(mine.values.get(column, "")).casefold())
                 for column in _SUBJECTS.get(row.table, ((), ()))[1]]  # fmt: skip
        filled = [each for each in cells if not {"", "nan"} & {*each}]  # what one leaves open, the other may fill
        differ = any(one != other and not (c.endswith("date") and overlap(one, other)) for c, one, other in filled)
        return differ or sign not in "=+" or self._means(row, "obs_status", "ended")

    def left_out(self, drawn: Sequence[str]) -> list[str]:
        """List the rows of the indicators of a chart, of the same formats, that it does not draw."""
        subjects = dict.fromkeys(subject for row in self.known(drawn) for subject in self._subjects[row.row_id])
        wide = (subject for subject in subjects if subject[:2] == ("*", "observations"))
        return [i for subject in wide for i, own in self._subjects.items() if subject in own and i not in drawn]

    def listed(self, ids: Sequence[str]) -> str:
        """Write rows with what they say; of many the newest."""
        newest = sorted(self.known(ids), key=self._day, reverse=True)
        return _some([f"{row.row_id} ({shorten(reading(self._dataset, row), 90)})" for row in newest])

    def declared(self) -> Iterator[tuple[str, int]]:
        """Say which rows are declared to have changed and to be apart, and which judgements newer rows have overtaken.

        Those that do not weigh one on a subject that they weigh, and those whose format a new text touches.
        """
        for pair, name in ((pair, name) for pair, name in self._changed.items() if pair in self._apart):
            apart = f"{self._apart[pair]} that they do not speak of the same thing; name the two in one of them only."
            yield f"data/disagreements.csv: {name} says that {' and '.join(sorted(pair))} changed over time, {apart}", 1
        whole, version = self._dataset.complete["judgements"], ["judgement_id", "valid_from"]
        standing = whole.reset_index(names="number").merge(self._dataset["judgements"][version])
        for row in standing.to_dict("records"):
            own = [*split_list(row["requires"]), *split_list(row["against"])]
            self.weighed |= {*own, *split_aside(row["aside"])}
            aside = {*split_aside(row["aside"]), *split_aside(str(row.get("reviewed", "")))}
            due = [i for i in self.newer(own, since=row["valid_from"]) if i not in aside]
            late = [r for i, r in self.fresh.items() if self.format[i] == row["alliance_id"]
                    and self._day(r) > row["valid_from"] and i not in {*own, *aside, *due}]  # fmt: skip
            near = [r.row_id for r in sorted(late, key=self._day, reverse=True)]
            if due or near:
                place = f"data/judgements.csv, row {row['number'] + 2}, {row['judgement_id']}"
                weigh = [f"does not weigh {self.listed(due)}"] * bool(due)
                what = " and ".join([*weigh, *[f"is older than {_some(near)}, on its format"] * bool(near)])
                rest = f"wrong if: “{row['wrong_if']}” Write a new version, or name the rows in its “reviewed”."
                yield f"{place}: its version of {row['valid_from']} {what}; {rest}", 1


def _some(parts: Sequence[str], most: int = 5) -> str:
    """List the first of many."""
    return ", ".join(parts[:most]) + (f", and {len(parts) - most} more" if parts[most:] else "")
