"""Evidence marks of one notebook: labels, titles on hover, and the records that travel in its outputs."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from operator import methodcaller
from typing import Any

from alliances.analysis.values import Evidence
from alliances.dataset import Dataset
from alliances.errors import refuse
from alliances.text.dates import date_text
from alliances.text.markdown import escape, link, quoted, short_words, slug

#: So many marks stand side by side; more collapse to three and “+n”.
LIMIT = 4
#: What the labels of formulas, records and inferences begin with, by their anchors; a row's label is its mark.
SIGNS = {"ev-f-": "=", "ev-r-": "r", "ev-i-": "i"}
_is_public = methodcaller("startswith", "r-")


class Marks:
    """Anchors of evidence, and the labels of those that were asked for."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.labels: dict[str, str] = {}  # by anchor, in their order

    def anchor(self, row: str) -> str:
        """Return the anchor of a row's evidence; an anchor is its own."""
        return row if row.startswith("ev-") else f"ev-{row if _is_public(row) else self.dataset.mark(row)}"

    def label(self, anchor: str) -> str:
        """Return the label of an anchor: ``E13``; ``=1``, ``r1``, ``i1`` are numbered as they come."""
        sign = SIGNS.get(anchor[:5])
        if sign and anchor not in self.labels:
            self.labels[anchor] = f"{sign}{sum(label[0] == sign for label in self.labels.values()) + 1}"
        return self.labels.get(anchor, anchor.removeprefix("ev-"))


class Citing(Marks):
    """Gives each piece of evidence its mark, in the order in which a notebook's sentences need it.

    A cell that runs again, after later ones too, writes the same: labels are kept by anchor, records during a call.
    `assumptions` say as a sentence, by name, what each scenario parameter is set to.
    """

    def __init__(self, dataset: Dataset, assumptions: Mapping[str, str]) -> None:
        super().__init__(dataset)
        self._assumptions = assumptions
        self._records: dict[str, dict[str, Any]] = {}  # what each anchor of the call at hand stands for, JSON-ready
        self._noted: dict[str, dict[str, Any]] = {}  # and of those before it
        self._shown: set[str] = set()  # alternatives that were only read are not among them

    def begin(self) -> None:
        """Begin a call."""
        for anchor, record in self._records.items():
            earlier = self._noted[anchor]["rows"] if record["kind"] == "rows" and anchor in self._noted else ()
            self._noted[anchor] = {**record, "rows": list(dict.fromkeys([*earlier, *record.get("rows", ())]))}
        self._records = {}

    def anchors(self, evidence: Evidence) -> dict[str, str]:
        """Note what evidence stands for; return its anchors, rows first, each with the row whose words it shows."""
        found: dict[str, str] = {}
        for row_id in sorted(evidence.rows, key=_is_public):
            anchor, kind = self.anchor(row_id), "record" if _is_public(row_id) else "rows"
            rows = self._records.setdefault(anchor, {"kind": kind, "rows": []})["rows"]
            rows += [row_id] if row_id not in rows else []
            found.setdefault(anchor, row_id)
        for formula in evidence.formulas:
            anchor, noted = formula.anchor, formula.record()
            known = self._records.get(anchor) or self._noted.get(anchor, noted)
            is_other = any(known[part] != noted[part] for part in ("rows", "records", "formulas", "parameters"))
            why = f"two values are called “{formula.what}” and rest on different rows; give one another name: the words"
            refuse(is_other and anchor in self._records, f"{why} of edition.count, or .named(…)")
            self._records[anchor] = noted if is_other else known
            self.anchors(formula.evidence)  # what it is made from comes into the list with it
            found[anchor] = ""
        for name in evidence.parameters:
            anchor, statement = f"ev-f-p-{slug(name)}", self._assumptions.get(name, "")
            self._records[anchor] = {"kind": "parameter", "parameters": [name], "statement": statement}
            found[anchor] = ""
        return found

    def inference(self, statement: str, rests_on: Evidence, against: Sequence[str]) -> str:
        """Note an inference of the report: the rows that it rests on and those that speak against it."""
        anchor = f"ev-i-{slug(statement, 40)}-{hashlib.sha256(statement.encode()).hexdigest()[:4]}"
        self.anchors(Evidence.of_rows([*rests_on.all_rows, *against]))
        self._records[anchor] = {
            "kind": "inference", "statement": statement, "rows": list(rests_on.all_rows),
            "formulas": [formula.anchor for formula in rests_on.formulas], "against": list(against),
        }  # fmt: skip
        return anchor

    def _title(self, record: Mapping[str, Any], row_id: str = "") -> str:
        """Say on hover what a mark stands for: the words of a row and whose they are, or the formula."""
        match record["kind"]:
            case "rows":
                quote = self.dataset.quote(self.dataset.row(row_id).quote_ids[0])
                source = self.dataset.source(quote.source_id)
                return f"{quoted(short_words(quote.exact, 90))}, {source.descriptor or source.short_name}"
            case "record":
                row = self.dataset.row(record["rows"][0])
                names = f"{self.dataset.name(row['actor_id'])} in {self.dataset.name(row['body_id'])}"
                return f"Public record: {names} since {date_text(row['entry_date'])}"
            case "formula":
                return f"{record['what']}: {record['value']} = {record['formula']}"
            case "group":
                return ", ".join(map(self.label, record["anchors"]))
            case "inference":
                return "Inference of this report"
        return str(record["statement"])

    def write(self, anchors: Mapping[str, str]) -> str:
        """Write marks with their titles, at most four; of more, three and “+n”, which leads to all."""
        inferences = [anchor for anchor in anchors if anchor.startswith("ev-i-")]
        rest = [anchor for anchor in anchors if anchor not in inferences]
        if len(rest) > LIMIT:
            group = f"ev-g-{hashlib.sha256(' '.join(rest).encode()).hexdigest()[:8]}"
            self._records[group] = {"kind": "group", "anchors": rest}
            self.labels[group] = f"+{len(rest) - LIMIT + 1}"
            rest = [*rest[: LIMIT - 1], group]
        titles = {one: self._title(self._records[one], anchors.get(one, "")) for one in (*rest, *inferences)}
        return "".join(link(self.label(anchor), anchor, title) for anchor, title in titles.items())

    def carried(self, anchors: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the records of anchors of this call, and of all that these rest on, for an output's metadata."""
        found, pending = dict[str, dict[str, Any]](), list(anchors)
        for anchor in pending:  # which grows as they are found
            if anchor in found:
                continue
            record = found[anchor] = self._records[anchor]
            rows = [row for part in ("rows", "records", "against") for row in record.get(part, ())]
            pending += [*record.get("formulas", ()), *record.get("anchors", ())]
            pending += map(self.anchor, sorted(rows, key=_is_public))
            pending += [f"ev-f-p-{slug(name)}" for name in record.get("parameters", ())]
        self._shown.update(found)
        return found

    def listing(self) -> str:
        """List as Markdown the evidence of each mark shown so far: rows by source and paragraph, then the rest."""
        self.begin()
        entries: list[tuple[tuple[int, str, int], str]] = []
        for anchor, record in ((one, each) for one, each in self._noted.items() if one in self._shown):
            label, key = self.label(anchor), (99, record["kind"], len(entries))
            if record["kind"] == "rows":
                quotes = dict.fromkeys(q for row in record["rows"] for q in self.dataset.row(row).quote_ids)
                words = " · ".join(escape(quoted(self.dataset.quote(q).exact)) for q in quotes)
                letters = label.rstrip("0123456789")
                key = (len(letters), letters, int(label.removeprefix(letters) or 0))
            else:
                words = escape(record["statement"] if record["kind"] == "inference" else self._title(record))
            entries.append((key, f'- <a id="{anchor}"></a>**{label}** {words}'))
        listed = "\n".join(entry for _, entry in sorted(entries))
        return f"## Evidence\n\n{listed}" if listed else ""
