"""Evidence marks of one notebook: labels, titles on hover, and the records that travel in its outputs."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alliances.analysis.evidence import Evidence, Formula
from alliances.dataset import Dataset
from alliances.errors import NarrativeError
from alliances.text import marks
from alliances.text.dates import date_text
from alliances.text.names import slug

__all__ = ["Citing"]

#: So many marks stand side by side; more collapse to two and “+n”.
LIMIT = 3
_RESTS_ON = ("rows", "records", "formulas", "parameters")


class Citing:
    """Gives each piece of evidence its mark, in the order in which a notebook's sentences need it.

    A cell that runs again gives the same marks, since labels are kept by anchor.

    Parameters
    ----------
    dataset : Dataset
        The dataset, cut to the edition.
    assumptions : Mapping of str to str
        What each scenario parameter is set to, as a sentence, by name.

    Attributes
    ----------
    records : dict of str to dict
        What each anchor stands for, JSON-ready.
    shown : set of str
        The anchors of what was displayed; alternatives that were only read are not among them.
    """

    def __init__(self, dataset: Dataset, assumptions: Mapping[str, str]) -> None:
        self._dataset = dataset
        self._assumptions = assumptions
        self._labels: dict[str, str] = {}
        self._meant: dict[str, str] = {}
        self._fresh: set[str] = set()
        self.records: dict[str, dict[str, Any]] = {}
        self.shown: set[str] = set()

    def begin(self) -> None:
        """Begin a call: what it names may replace what an earlier call, or an earlier run of its cell, named."""
        self._fresh.clear()

    def anchors(self, evidence: Evidence) -> list[str]:
        """Return the anchors of evidence, rows first, formulas last, and note what they stand for."""
        found: dict[str, None] = {}
        public = [row for row in evidence.rows if self._dataset.row(row).table == "public_record"]
        for row_id in [*(r for r in evidence.rows if r not in public), *public]:
            anchor = self._row(row_id, row_id in public)
            if anchor not in found:
                self._meant[anchor] = row_id  # whose words show on hover: those of this sentence
            found[anchor] = None
        for formula in evidence.formulas:
            found[self._formula(formula)] = None
        for name in evidence.parameters:
            anchor = f"ev-f-p-{slug(name)}"
            statement = self._assumptions.get(name, "")
            self.records.setdefault(anchor, {"kind": "parameter", "parameters": [name], "statement": statement})
            found[anchor] = None
        return list(found)

    def _row(self, row_id: str, public: bool) -> str:
        if public:
            anchor = f"ev-{row_id}"
            self.records[anchor] = {"kind": "record", "rows": [row_id]}
            return anchor
        anchor = f"ev-{self._dataset.mark(row_id)}"
        rows = self.records.setdefault(anchor, {"kind": "rows", "rows": []})["rows"]
        if row_id not in rows:
            rows.append(row_id)
        return anchor

    def _formula(self, formula: Formula) -> str:
        """Note a formula; a cell that is run again with another one of that name replaces it."""
        anchor, record = formula.anchor, formula.record()
        known = self.records.get(anchor)
        if known is None or any(known[part] != record[part] for part in _RESTS_ON):
            if known and anchor in self._fresh:
                raise NarrativeError(
                    f"two values are called “{record['what']}” and rest on different rows; give one of them another "
                    "name: the words of edition.count, or .named(…)"
                )
            self._fresh.add(anchor)
            self.records[anchor] = record
            self.anchors(formula.evidence)  # what it is made from comes into the list with it
        return anchor

    def inference(self, statement: str, rests_on: Evidence, against: Iterable[str]) -> str:
        """Note an inference of the report: the rows that it rests on and those that speak against it."""
        anchor = f"ev-i-{slug(statement, 40)}-{hashlib.sha256(statement.encode()).hexdigest()[:4]}"
        against = list(against)
        self.anchors(Evidence.of_rows([*rests_on.all_rows, *against]))
        self.records[anchor] = {
            "kind": "inference", "statement": statement, "rows": list(rests_on.all_rows),
            "formulas": [formula.anchor for formula in rests_on.formulas], "against": against,
        }  # fmt: skip
        return anchor

    def label(self, anchor: str) -> str:
        """Return the label of an anchor: ``E13``; ``=1``, ``r1``, ``i1`` are numbered as they come."""
        if anchor not in self._labels:
            kind = self.records[anchor]["kind"]
            sign = {"formula": "=", "parameter": "=", "record": "r", "inference": "i"}.get(kind, "")
            number = sum(label.startswith(sign) for label in self._labels.values()) + 1 if sign else 0
            self._labels[anchor] = f"{sign}{number}" if sign else anchor.removeprefix("ev-")
        return self._labels[anchor]

    def title(self, anchor: str) -> str:
        """Say on hover what an anchor stands for: the words and whose they are, or the formula."""
        record = self.records[anchor]
        match record["kind"]:
            case "rows":
                row_id = self._meant.get(anchor, record["rows"][0])
                quote = self._dataset.quote(self._dataset.row(row_id).quote_ids[0])
                source = self._dataset.source(quote.source_id)
                words = marks.quoted(marks.short_words(quote.exact, 90))
                return f"{words}, {source.descriptor or source.short_name}"
            case "record":
                row = self._dataset.row(record["rows"][0])
                names = f"{self._dataset.name(row['actor_id'])} in {self._dataset.name(row['body_id'])}"
                return f"Public record: {names} since {date_text(row['entry_date'])}"
            case "formula":
                return f"{record['what']}: {record['value']} = {record['formula']}"
            case "parameter":
                return str(record["statement"])
            case "inference":
                return "Inference of this report"
            case _:
                return ", ".join(self.label(part) for part in record["anchors"])

    def write(self, anchors: Sequence[str]) -> str:
        """Write the marks of a sentence: each once, at most three; of more, two and “+n”, which leads to all."""
        shown = list(dict.fromkeys(anchors))
        inferences = [a for a in shown if a.startswith("ev-i-")]
        rest = [a for a in shown if a not in inferences]
        if len(shown) > LIMIT:
            hidden = rest[2:]
            rest = rest[:2] + ([self._group(rest, len(hidden))] if hidden else [])
        return "".join(
            marks.link(self.label(anchor), anchor, self.title(anchor)) for anchor in [*rest, *inferences]
        )  # fmt: skip

    def _group(self, anchors: Sequence[str], hidden: int) -> str:
        anchor = f"ev-g-{hashlib.sha256(' '.join(anchors).encode()).hexdigest()[:8]}"
        self.records[anchor] = {"kind": "group", "anchors": list(anchors)}
        self._labels[anchor] = f"+{hidden}"
        return anchor

    def carried(self, anchors: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the records of anchors and of all that these rest on, for an output's metadata."""
        found: dict[str, dict[str, Any]] = {}
        pending = list(anchors)
        while pending:
            anchor = pending.pop(0)
            if anchor in found:
                continue
            record = found[anchor] = copy.deepcopy(self.records[anchor])
            pending += [*record.get("formulas", ()), *record.get("anchors", ())]
            rows = [*record.get("rows", ()), *record.get("records", ()), *record.get("against", ())]
            if record["kind"] != "rows":
                pending += self.anchors(Evidence.of_rows(rows))
            pending += [f"ev-f-p-{slug(name)}" for name in record.get("parameters", ()) if record["kind"] == "formula"]
        self.shown.update(found)
        return found
