"""Evidence marks of one notebook: labels, titles on hover, and the records that travel in its outputs."""

import copy
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alliances.analysis.values import Evidence
from alliances.dataset import Dataset
from alliances.narrative.templates import refuse
from alliances.text.dates import date_text
from alliances.text.markdown import escape, link, quoted, short_words, slug

#: So many marks stand side by side; more collapse to three and “+n”.
LIMIT = 4
#: What labels of a kind begin with; a row's label is its mark.
_SIGNS = {"formula": "=", "parameter": "=", "record": "r", "inference": "i"}


class Citing:
    """Gives each piece of evidence its mark, in the order in which a notebook's sentences need it.

    A cell that runs again gives the same marks, since labels are kept by anchor. `assumptions` say as a sentence, by
    name, what each scenario parameter is set to.
    """

    def __init__(self, dataset: Dataset, assumptions: Mapping[str, str]) -> None:
        self._dataset, self._assumptions = dataset, assumptions
        self._labels: dict[str, str] = {}
        self._meant: dict[str, str] = {}
        self._fresh: set[str] = set()  # formulas that the call at hand has named
        self._shown: set[str] = set()  # alternatives that were only read are not among them
        self._records: dict[str, dict[str, Any]] = {}  # what each anchor stands for, JSON-ready
        self._named: dict[str, list[str]] = {}  # the rows that the call at hand names, by anchor

    def begin(self) -> None:
        """Begin a call: what it names may replace what an earlier call, or an earlier run of its cell, named."""
        self._fresh.clear()
        self._named.clear()

    def anchors(self, evidence: Evidence) -> list[str]:
        """Return the anchors of evidence, rows first, formulas last, and note what they stand for."""
        found: dict[str, str] = {}
        public = {row for row in evidence.rows if self._dataset.row(row).table == "public_record"}
        for row_id in sorted(evidence.rows, key=public.__contains__):
            anchor = f"ev-{row_id if row_id in public else self._dataset.mark(row_id)}"
            record = self._records.setdefault(anchor, {"kind": "record" if row_id in public else "rows", "rows": []})
            for rows in (record["rows"], self._named.setdefault(anchor, [])):
                rows += [row_id] if row_id not in rows else []
            found.setdefault(anchor, row_id)
        meant = dict(found)  # whose words show on hover: those of this sentence, not those of its formulas
        for formula in evidence.formulas:  # a cell that is run again with another one of that name replaces it
            anchor, noted = formula.anchor, formula.record()
            known = self._records.get(anchor, {})
            if any(known.get(part) != noted[part] for part in ("rows", "records", "formulas", "parameters")):
                why = f"two values are called “{formula.what}” and rest on different rows; give one another name"
                refuse(anchor in self._fresh, f"{why}: the words of edition.count, or .named(…)")
                self._fresh.add(anchor)
                self._records[anchor] = noted
            self.anchors(formula.evidence)  # what it is made from comes into the list with it
            found[anchor] = ""
        for name in evidence.parameters:
            anchor, statement = f"ev-f-p-{slug(name)}", self._assumptions.get(name, "")
            self._records.setdefault(anchor, {"kind": "parameter", "parameters": [name], "statement": statement})
            found[anchor] = ""
        self._meant |= meant
        return list(found)

    def inference(self, statement: str, rests_on: Evidence, against: Sequence[str]) -> str:
        """Note an inference of the report: the rows that it rests on and those that speak against it."""
        anchor = f"ev-i-{slug(statement, 40)}-{hashlib.sha256(statement.encode()).hexdigest()[:4]}"
        self.anchors(Evidence.of_rows([*rests_on.all_rows, *against]))
        self._records[anchor] = {
            "kind": "inference", "statement": statement, "rows": list(rests_on.all_rows),
            "formulas": [formula.anchor for formula in rests_on.formulas], "against": list(against),
        }  # fmt: skip
        return anchor

    def _label(self, anchor: str) -> str:
        """Return the label of an anchor: ``E13``; ``=1``, ``r1``, ``i1`` are numbered as they come."""
        if anchor not in self._labels:
            sign = _SIGNS.get(self._records[anchor]["kind"], "")
            number = sum(label.startswith(sign) for label in self._labels.values()) + 1
            self._labels[anchor] = f"{sign}{number}" if sign else anchor.removeprefix("ev-")
        return self._labels[anchor]

    def _title(self, anchor: str) -> str:
        """Say on hover what an anchor stands for: the words and whose they are, or the formula."""
        record = self._records[anchor]
        match record["kind"]:
            case "rows":
                quote = self._dataset.quote(self._dataset.row(self._meant[anchor]).quote_ids[0])
                source = self._dataset.source(quote.source_id)
                words = quoted(short_words(quote.exact, 90))
                return f"{words}, {source.descriptor or source.short_name}"
            case "record":
                row = self._dataset.row(record["rows"][0])
                names = f"{self._dataset.name(row['actor_id'])} in {self._dataset.name(row['body_id'])}"
                return f"Public record: {names} since {date_text(row['entry_date'])}"
            case "formula":
                return f"{record['what']}: {record['value']} = {record['formula']}"
            case "group":
                return ", ".join(map(self._label, record["anchors"]))
            case "inference":
                return "Inference of this report"
        return str(record["statement"])

    def write(self, anchors: Sequence[str]) -> str:
        """Write the marks of a sentence: each once, at most four; of more, three and “+n”, which leads to all."""
        shown = list(dict.fromkeys(anchors))
        inferences = [a for a in shown if a.startswith("ev-i-")]
        rest = [a for a in shown if a not in inferences]
        if len(rest) > LIMIT:
            group = f"ev-g-{hashlib.sha256(' '.join(rest).encode()).hexdigest()[:8]}"
            self._records[group] = {"kind": "group", "anchors": rest}
            self._labels[group] = f"+{len(rest) - LIMIT + 1}"
            rest = [*rest[: LIMIT - 1], group]
        return "".join(link(self._label(a), a, self._title(a)) for a in [*rest, *inferences])

    def carried(self, anchors: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the records of anchors and of all that these rest on, for an output's metadata.

        Of a paragraph only the rows that this call names: a cell that runs again, after later ones, writes the same.
        """
        found: dict[str, dict[str, Any]] = {}
        pending = list(anchors)
        while pending:
            anchor = pending.pop(0)
            if anchor in found:
                continue
            record = found[anchor] = copy.deepcopy(self._records[anchor])
            pending += [*record.get("formulas", ()), *record.get("anchors", ())]
            record |= {"rows": list(self._named[anchor])} if record["kind"] == "rows" else {}
            rows = [*record.get("rows", ()), *record.get("records", ()), *record.get("against", ())]
            if record["kind"] != "rows":
                pending += self.anchors(Evidence.of_rows(rows))
            pending += [f"ev-f-p-{slug(name)}" for name in record.get("parameters", ()) if record["kind"] == "formula"]
        self._shown.update(found)
        return found

    def listing(self) -> str:
        """List as Markdown the evidence of each mark shown so far: rows by source and paragraph, then the rest."""
        entries: list[tuple[tuple[int, str, int], str]] = []
        for anchor, record in ((one, self._records[one]) for one in self._records if one in self._shown):
            label, key = self._label(anchor), (99, record["kind"], len(entries))
            words = escape(record["statement"] if record["kind"] == "inference" else self._title(anchor))
            if record["kind"] == "rows":
                quotes = dict.fromkeys(q for row in record["rows"] for q in self._dataset.row(row).quote_ids)
                words = " · ".join(escape(quoted(self._dataset.quote(q).exact)) for q in quotes)
                letters = label.rstrip("0123456789")
                key = (len(letters), letters, int(label.removeprefix(letters) or 0))
            entries.append((key, f'- <a id="{anchor}"></a>**{label}** {words}'))
        listed = "\n".join(entry for _, entry in sorted(entries))
        return f"## Evidence\n\n{listed}" if listed else ""
