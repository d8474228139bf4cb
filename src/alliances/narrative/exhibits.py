"""The calls that put something into the report: sentences, charts, tables, boxes, judgements."""

import linecache
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Number
from typing import Any

import pandas as pd
from IPython.display import display

from alliances.analysis.frames import LOST, REMEDY, distinct, row_ids
from alliances.analysis.quantities import Quantity
from alliances.analysis.values import NOTHING, UNKNOWN, Evidence, Value
from alliances.charts import figure as charts
from alliances.charts.drawing import datasets
from alliances.dataset import Dataset, split_list
from alliances.dataset.problems import nearest_words
from alliances.errors import NarrativeError, refuse
from alliances.narrative.citing import Citing
from alliances.narrative.writing import Alternative, Rendered, Writer
from alliances.text.dates import date_text, is_date
from alliances.text.markdown import capital, curly, escape, for_notebook, plain


class Exhibits:
    """What a notebook says of a dataset that is cut to an edition; each call displays, and returns nothing."""

    def __init__(self, dataset: Dataset, assumptions: Mapping[str, str]) -> None:
        self.dataset = dataset
        self._citing = Citing(dataset, assumptions)
        self._teller = Writer(dataset, self._citing)
        self._line = self._teller.line

    @contextmanager
    def _cell(self, **variables: Any) -> Iterator[None]:
        """Begin a call with the variables of its cell, and name the line of the cell that an error is about."""
        self._citing.begin()
        caller = sys._getframe(3)  # below are this, its context manager and the call
        self._teller.variables, self._teller.at = {**caller.f_globals, **caller.f_locals, **variables}, ""
        try:
            yield
        except NarrativeError as error:
            place, typed = caller.f_lineno, self._teller.at
            source = linecache.getlines(caller.f_code.co_filename)
            lines = [n for n, words in enumerate(source, 1) if n >= place and typed and typed in words]
            raise NarrativeError(f"Line {[*lines, place][0]} of the cell: {str(error).rstrip('.')}.") from None

    def _show(self, kind: str, markdown: str, sentences: Sequence[Rendered] = (), **more: Any) -> None:
        """Display Markdown, if any, or a chart, its `spec`, with its kind, sentences and evidence in the metadata."""
        bundle = {"text/markdown": for_notebook(markdown), "text/plain": plain(markdown)}
        # What “+n” leads to is no sentence's own evidence, and is found where it is set.
        groups = re.findall(r"#(ev-g-[0-9a-f]+)", " ".join([bundle["text/markdown"], *map(str, more.values())]))
        if spec := more.pop("spec", None):
            bundle = {"application/vnd.vegalite.v5+json": spec, "text/plain": more["alt"]}
        told = [{"text": s.plain, "marks": [*s.anchors], "rows": [*s.evidence.all_rows], "printed": s.printed,
                 "ours": s.is_ours} for s in sentences]  # fmt: skip
        evidence = self._citing.carried([*(anchor for s in sentences for anchor in s.anchors), *groups])
        metadata = {"kind": kind, **more, "sentences": told, "evidence": evidence}
        if spec or markdown:
            display(bundle, metadata={"alliances": metadata}, raw=True)  # by which staging finds what it is

    def write(self, markdown: str, *, box: str = "", **variables: Any) -> None:
        """Write sentences; each stands only where its evidence is known.

        One sentence a line, ending in a full stop; it may run over several lines, and from a colon into a list. It may
        hold, as notebooks/README.md shows,

        - ``{obs-jef-members-opinion}`` a row, ``{jef.members}`` a subject's newest value, ``{n}`` a variable
        - ``{row:these words}`` words that the row supports, ``{row.date.when}`` “on 9 May 2025”, ``{row.date.month}``
          “May”, with its year in an edition of several years (``.day``, ``.month_year``), ``{ratio.percent}``,
          ``{ratio.times}``, ``{part.of(whole)|is|are:members}``, ``{n|member belongs|members belong}``
        - ``[@row_id]`` at the end sets evidence for plain words, ``[-@row_id]`` names what speaks against an inference

        Before a sentence: ``else:`` an alternative to the one above where that is not known (alone on its line: to the
        paragraph); ``then:`` falls with the one before; ``opens:`` goes with the one after; ``ours:`` an inference of
        this report. A number that is typed is refused. `variables` come to those of the notebook; `box` is the class of
        what stands under its headings, on the first pages: ``bottom-line``, ``so-what``, ``watch``.

        >>> edition.write("{of_them.of(n):members} are in the alliance.")  # doctest: +SKIP
        """
        with self._cell(**variables):
            told, sentences, fallen = self._teller.write(markdown)
            more = {"fallen": fallen, "class": box}
            self._show("prose", told, sentences, **{name: value for name, value in more.items() if value})

    def figure(
        self, chart: Any, id: str, *, title: str, alt: str, subtitle: str = "", caption: str = "", note: str = "",
        width: int = 112, narrow: Any = None, reference: str = "", assumption: str = "", at_least: int = 3,
    ) -> None:  # fmt: skip
        """Put an Altair chart into the report as ``fig-…``; its data carry ``row_id`` in each layer with a number.

        Templates as in `write` are `title` (the finding), `subtitle` (measure and unit), `caption`, `note`, and `alt`,
        the alternative text, a sentence of 250 characters at most. The figure falls with its title, and where it has
        not `at_least` so many rows. `width` is 47, 112 or 166 millimetres: side column, text column, page; `narrow` the
        chart for a phone. `reference` or `assumption` says whose the data are where no row gives them.
        """
        with self._cell():
            refuse(not hasattr(chart, "properties"), f"a figure is an Altair chart, and not a {type(chart).__name__}")
            refuse(not id.startswith("fig-"), f"the id “{id}” does not begin with fig-, so nothing could refer to it")
            texts, sentences = {"title": title, "subtitle": subtitle, "caption": caption, "alt": alt, "note": note}, []
            for name, text in texts.items():
                texts[name], told = self._line(text, name in ("caption", "note"))
                sentences += told
            words, texts["alt"] = [plain(text) for text in texts.values()], (alt := plain(texts["alt"]))
            if not texts["title"] or not alt:
                return
            refuse(len(alt) > 250, f"alt has {len(alt)} characters; 250 are the most: for a list write its count")
            own = reference or assumption
            spec = charts.prepare(chart, width_mm=width, title=words[0], subtitle=texts["subtitle"], alt=alt)
            slim = charts.prepare(chart if narrow is None else narrow, width_mm="narrow", alt=alt)
            self._refuse_chart(spec, own, words)
            self._refuse_chart(slim, own, words)
            if max(map(len, datasets(spec).values()), default=0) >= at_least:
                source = self._source_line(charts.row_ids(spec), own)
                more = {**texts, "source": source.markdown, "width": width, "narrow": slim, "spec": spec, "id": id}
                below = " ".join(filter(None, (texts["caption"], texts["note"], source.markdown)))
                self._show("figure", below, [*sentences, source], **more)
                self._show("figure-text", below)

    def _refuse_chart(self, spec: dict[str, Any], own: str, printed: list[str]) -> None:
        """Refuse what has lost its ids, and a number in words that neither their rows nor the figure's words give."""
        problems = charts.check_layers(spec, allowed=bool(own))
        refuse(problems, "".join(problems[:1]))
        for row_id in charts.row_ids(spec):
            refuse(row_id in LOST, f"{LOST.get(row_id)}; {REMEDY}")
            refuse(self._teller.row(row_id) is UNKNOWN, f"“{row_id}” in the chart is no row that this edition knows")
        for text, rows in () if own else charts.words(spec):
            wrong = self._teller.wrong(text, Evidence.of_rows(rows), *printed)
            refuse(wrong, f"the words “{text[:60]}” in the chart hold “{wrong}”, which no row of theirs gives")

    def _source_line(self, ids: list[str], own: str) -> Rendered:
        """Write where a chart's data come from: each text with its marks, and what is nobody's but ours."""
        texts = {row_id: self.dataset.row(row_id).source_id for row_id in ids}
        known = filter(None, dict.fromkeys(texts.values()))
        newest = sorted(known, key=self.dataset.column("sources", "published").__getitem__, reverse=True)
        older = newest[3:] if len(newest) > 5 else []  # five texts are named, and of more the newest three
        groups: dict[str, list[str]] = {}
        for row_id, text in sorted(texts.items(), key=lambda item: item[1] in older):
            name = self.dataset.source(text).short_name if text else "public record"
            groups.setdefault(f"{len(older)} older texts" if text in older else name, []).append(row_id)
        marked = {name: self._citing.anchors(Evidence.of_rows(rows)) for name, rows in groups.items()}
        parts = [*(name + self._citing.write(anchors) for name, anchors in marked.items()), *filter(None, [own])]
        line, evidence = f"Source: {'; '.join(parts)}." if parts else "", Evidence.of_rows(ids)
        return Rendered(line, "", self._citing.anchors(evidence), [], evidence)

    def table(
        self, frame: pd.DataFrame, id: str, *, caption: str, columns: Mapping[str, str], group: str = "",
        at_least: int = 2,
    ) -> None:  # fmt: skip
        """Put a frame into the report as ``tbl-…``: its `columns` with their heads, of which the first heads the rows.

        It falls with its `caption`, a template as in `write`, and where it has not `at_least` so many rows. The words
        of the column `group` stand above the rows that share them.
        """
        with self._cell():
            told, sentences = self._line(caption)
            refuse(not id.startswith("tbl-"), f"the id “{id}” does not begin with tbl-, so nothing could refer to it")
            body, cells = self._pipe_table(frame, columns, group)
            if told and len(frame) >= at_least:
                more = {"id": id, "caption": told, "body": body, "source": ""}
                self._show("table", f"{body}\n\n*{told}*", [*sentences, *cells], **more)

    def _pipe_table(self, frame: pd.DataFrame, columns: Mapping[str, str], group: str) -> tuple[str, list[Rendered]]:
        """Lay out a frame as Markdown, and return its cells as sentences for the check too."""
        ids = row_ids(frame, self.dataset, "edition.table")
        refuse(not isinstance(columns, Mapping), "columns is a mapping, of columns to heads: {'actor': 'Member'}")
        filled = {c: distinct(frame, c, "edition.table") for c in (*columns, *filter(None, [group]))}
        shown = [c for c in columns if filled[c] or not len(frame)]  # a column of dashes goes
        right = [c for c in shown if {type(v) for v in frame[c] if str(v) in filled[c]} == {Quantity}]
        lines = [f"| {' | '.join(self._words(columns[c], NOTHING, c) for c in shown)} |"]
        lines += [f"|{'|'.join('--:' if c in right else '---' for c in shown)}|"]
        sentences, before = list[Rendered](), ""
        for (_, row), of_row in zip(frame.iterrows(), ids, strict=True):
            known = Evidence.of_rows(of_row)
            if group and (head := str(row[group])) != before:
                # A row of which only the first cell is filled heads a group, in page and PDF.
                lines.append(f"| **{self._words(head, known, group)}** |{' |' * (len(shown) - 1)}")
                before = head
            cells = self._row(row[shown], known)
            sentences += cells
            lines.append(f"| {' | '.join(cell.markdown for cell in cells)} |")
        return "\n".join(lines), sentences

    def _row(self, row: "pd.Series[Any]", known: Evidence) -> list[Rendered]:
        cells: list[Rendered] = []
        due, citing = known, self._citing
        for column, value in row.items():
            own = value.evidence if isinstance(value, Value) else NOTHING
            # The row's marks stand once, in its first cell with words; a sum or another row's value has its own there.
            is_others = own.formulas or own.parameters or not set(own.rows) <= set(known.rows)
            extra = due | own if is_others else due
            text = self._words(value, known, str(column))
            anchors = citing.anchors(extra)
            origins = own.rows or (*citing.anchors(own),) or known.rows
            printed = [[text, origins[0]]] if text and origins else []
            markdown = text + (citing.write(anchors) if text else "")
            cells.append(Rendered(markdown, text, anchors or citing.anchors(known), printed, extra or known))
            due = NOTHING if text else due
        refuse(not any(cell.anchors for cell in cells), f"the row “{row.iloc[0]}” of the table has no row id; {REMEDY}")
        return cells

    def _words(self, value: Any, known: Evidence, column: str) -> str:
        """Print a cell, or the head of its column."""
        if isinstance(value, Value):
            return capital(escape(value.text) if type(value) is Value else value.text)
        if value is None or value is pd.NA or value != value:
            return ""
        why = "that nothing supports; show a Quantity, from the column value or edition.count"
        refuse(isinstance(value, Number), f"the column “{column}” holds the bare number {value}, {why}")
        text = date_text(value) if isinstance(value, str) and is_date(value) else str(value)
        wrong = self._teller.wrong(text, known)
        refuse(wrong, f"the cell “{text[:60]}” of the column “{column}” holds “{wrong}”, which nothing gives")
        return capital(escape(curly(text)))

    def facts(self, id: str, text: str) -> None:
        """Put a fact box beside the opening: a line an entry, ``Label | words``, each falling like a sentence.

        A box of which a single entry is left falls whole.
        """
        entries, sentences = list[list[str]](), list[Rendered]()
        with self._cell():
            for raw in filter(None, map(str.strip, str(text).splitlines())):
                label, bar, words = raw.partition(" | ")
                self._teller.at = raw
                refuse(not bar, f"“{raw[:60]}” in a fact box has no “ | ” between label and words")
                (head, _), (told, its) = self._line(label, marked=False), self._line(words)
                if head and told:
                    entries.append([head, told])
                    sentences += its
            if len(entries) > 1:
                listed = "\n".join(f"- **{label}** {words}" for label, words in entries)
                self._show("facts", listed, sentences, id=id, entries=entries)

    def pull(self, value: str, words: str) -> None:
        """Put one figure and a few words into the side column; both are templates as in `write`, without `else:`."""
        with self._cell():
            refuse("else:" in value + words, "edition.pull takes one line; leave out “else:” and what follows it")
            figure, _ = self._line(value, marked=False)
            _, (told, sentences) = self._line(words), self._line(f"{value} {words}")
            if told and figure:
                rest = told.removeprefix(figure).strip()
                self._show("side", f"**{figure}** {rest}", sentences, value=figure, text=rest)

    def judgement(self, id: str, because: str = "", but: str = "") -> None:
        """Print a row of ``data/judgements.csv``: proposition, for, against, confidence, what would prove it wrong.

        Nothing where what it requires is not known. `because` and `but` are templates as in `write`: what speaks for it
        and against it, after which the marks of its rows follow in any case.
        """
        with self._cell():
            reasons = {"For": ("requires", self._line(because)), "Against": ("against", self._line(but))}
            ids = list(self.dataset.complete["judgements"]["judgement_id"])
            refuse(id not in ids, f"There is no judgement “{id}”{nearest_words(id, ids)}")
            for row, proposition, more in self._standing(id):
                told = {name: self._weighed(row[column], *said) for name, (column, said) in reasons.items()}
                confidence = self.dataset.label("confidence", row["confidence"]).label.capitalize()
                told["Confidence"] = Rendered(f"{confidence}. {escape(curly(row['confidence_reason']))}", "")
                told["Wrong if"] = Rendered(escape(curly(row["wrong_if"])), "")
                lines = [[name, sentence.markdown] for name, sentence in told.items() if sentence.markdown]
                listed = "\n".join([f"{proposition.markdown}\n", *(f"- **{name}:** {words}" for name, words in lines)])
                self._show("judgement", listed, [proposition, *told.values()], **more, id=id, lines=lines)

    def judgements(self) -> None:
        """List the ranked judgements that stand in this edition: likelihood, proposition, two marks, confidence."""
        with self._cell():
            items, sentences, lines = list[dict[str, Any]](), list[Rendered](), list[str]()
            ranked = [judgement for judgement in self._standing() if judgement[2]["rank"]]
            for row, told, more in sorted(ranked, key=lambda judgement: judgement[2]["rank"]):
                anchors = self._citing.anchors(self._known(row["requires"]))
                marks = self._citing.write(dict(list(anchors.items())[:2]))
                sure = self.dataset.label("confidence", row["confidence"]).label
                items.append({**more, "marks": marks, "confidence_label": sure})
                lines.append(f"{len(items)}. {told.markdown}{marks} *Confidence: {sure}.*")
                sentences.append(Rendered(told.markdown, told.plain, anchors, told.printed))
            scale = ", ".join(f"{term.label} {term.meaning}" for term in self.dataset.terms("likelihood"))
            yardstick = f"Likelihood in the words of the PHIA probability yardstick: {scale}." if items else ""
            markdown = "\n".join([*lines, "", yardstick]).strip()
            self._show("judgements", markdown, sentences, items=items, yardstick=yardstick)

    def _standing(self, id: str = "") -> Iterator[tuple[dict[Any, Any], Rendered, dict[str, Any]]]:
        """Yield the judgements of this edition, or one of them: row, proposition, and what staging needs."""
        frame = self.dataset["judgements"].sort_values("valid_from", kind="stable")
        frame = frame[frame["judgement_id"] == id] if id else frame
        for row in frame.drop_duplicates("judgement_id", keep="last").to_dict("records"):
            likelihood = self.dataset.label("likelihood", row["likelihood"]).label
            stated = Alternative(row["statement"].replace("{likelihood}", f"**{likelihood}**"))
            if told := self._teller.tell(stated, marked=False, refused=False):  # its horizon is ours
                rank = None if pd.isna(row["rank"]) else int(row["rank"])
                more = {column: row[column] for column in ("likelihood", "confidence", "chapter")} | {"rank": rank}
                yield row, told, {**more, "judgement": row["judgement_id"], "proposition": told.markdown}

    def _known(self, ids: str) -> Evidence:
        return Evidence.of_rows(i for i in split_list(ids) if i in self.dataset)

    def _weighed(self, ids: str, markdown: str, sentences: Sequence[Rendered]) -> Rendered:
        """Say what the notebook says, and then mark the rows that the judgement names and the words do not cite."""
        cited = {anchor: row for sentence in sentences for anchor, row in sentence.anchors.items()}
        more = {a: row for a, row in self._citing.anchors(self._known(ids)).items() if a not in cited}
        printed = [pair for sentence in sentences for pair in sentence.printed]
        said = Evidence.union(sentence.evidence for sentence in sentences)
        also = f" Also weighed:{self._citing.write(more)}" if more else ""
        return Rendered(markdown + also, plain(markdown), cited | more, printed, said)

    def cover(self, finding: str, figure: str = "") -> None:
        """Set the finding that stands on the cover, and the figure that shows it."""
        with self._cell():
            told, sentences = self._line(finding, marked=False)
            self._show("cover", told, sentences, finding=told, figure=figure)

    def evidence(self) -> None:
        """List the evidence of this notebook, so that its marks lead somewhere; the report has a list of its own."""
        self._show("evidence", self._citing.listing())
