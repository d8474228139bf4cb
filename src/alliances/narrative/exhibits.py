"""Charts, tables and judgements: what they rest on, and whether they stand in this edition."""

from collections.abc import Iterator, Mapping
from numbers import Number
from typing import Any

import pandas as pd

from alliances.analysis.frames import row_ids
from alliances.analysis.quantities import Quantity
from alliances.analysis.tracking import LOST, REMEDY
from alliances.analysis.values import NOTHING, UNKNOWN, Evidence, Value
from alliances.charts import figure as charts
from alliances.dataset import split_list
from alliances.dataset.problems import nearest_words
from alliances.errors import NarrativeError
from alliances.narrative.sentences import Rendered, Teller
from alliances.narrative.templates import Alternative, refuse
from alliances.narrative.writing import Written
from alliances.text.dates import date_text, is_date
from alliances.text.markdown import capital, curly, escape

# A chart with its words and its source line


def compose_figure(
    teller: Teller, chart: Any, id: str, told: Mapping[str, Written], *, width: int, narrow: Any, own: str,
    at_least: int,
) -> Written:  # fmt: skip
    """Check a chart and join it to its words; nothing where it does not stand in this edition.

    The Markdown is caption, note and source; `more` has the words, and Vega-Lite as ``spec`` and ``narrow``.
    NarrativeError if a layer has lost its evidence, or a number in the chart has none.
    """
    is_chart = hasattr(chart, "to_dict") and not isinstance(chart, pd.DataFrame)
    refuse(not is_chart, f"edition.figure takes an Altair chart, and not a {type(chart).__name__}")
    why = f"the figure’s id “{id}” does not begin with fig-, so that nothing could refer to it"
    refuse(not id.startswith("fig-"), why)
    texts = {name: written.markdown for name, written in told.items()}
    alt = told["alt"].plain
    if not texts["title"] or not alt:
        return Written()
    refuse(
        len(alt) > 250, f"the alternative text has {len(alt)} characters; 250 are the most: for a list write its count"
    )
    spec = charts.prepare(chart, width_mm=width, title=told["title"].plain, subtitle=texts["subtitle"], alt=alt)
    slim = charts.prepare(narrow if narrow is not None else chart, width_mm="narrow", alt=alt)
    for one in (spec, slim):
        _refuse(teller, one, own, [written.plain for written in told.values()])
    if max((len(frame) for frame in charts.data_frames(spec).values()), default=0) < at_least:
        return Written()
    source = _source_line(teller, charts.row_ids(spec), own)
    sentences = [*(s for written in told.values() for s in written.sentences), source]
    more = {**texts, "alt": alt, "source": source.markdown, "width": width, "narrow": slim, "spec": spec}
    below = " ".join(filter(None, (texts["caption"], texts["note"], source.markdown)))
    return Written(below, sentences, more)


def _refuse(teller: Teller, spec: dict[str, Any], own: str, printed: list[str]) -> None:
    """Refuse what has lost its ids, and a number in words that neither their rows nor the figure's words give."""
    for problem in charts.check_layers(spec, allowed=bool(own)):
        refuse(True, problem)
    for row_id in charts.row_ids(spec):
        why = f"“{row_id}” in the row ids of the chart is no row that this edition knows"
        refuse(row_id in LOST or teller.row(row_id) is UNKNOWN, f"{LOST[row_id]}; {REMEDY}" if row_id in LOST else why)
    for text, rows in () if own else charts.words(spec):
        wrong = teller.wrong(text, Evidence.of_rows(rows), *printed)
        refuse(bool(wrong), f"the words “{text[:60]}” in the chart hold “{wrong}”, which no row of theirs gives")


def _source_line(teller: Teller, ids: list[str], own: str) -> Rendered:
    """Write where a chart's data come from: each text with its marks, and what is nobody's but ours."""
    groups: dict[str, list[str]] = {}
    for row_id in ids:
        groups.setdefault(teller.dataset.row(row_id).source_id, []).append(row_id)
    parts = []
    for source_id, rows in groups.items():
        name = teller.dataset.source(source_id).short_name if source_id else "public record"
        parts.append(name + teller.citing.write(teller.citing.anchors(Evidence.of_rows(rows))))
    evidence = Evidence.of_rows(ids)
    text = f"Source: {'; '.join([*parts, *filter(None, [own])])}." if parts or own else ""
    return Rendered(text, "", teller.citing.anchors(evidence), [], evidence)


# A table, each row with its marks


def pipe_table(
    teller: Teller, frame: pd.DataFrame, columns: Mapping[str, str], group: str = ""
) -> tuple[str, list[Rendered]]:
    """Lay out a frame, the columns with their heads, as Markdown, and return its cells as sentences for the check too.

    The first column heads its row and carries the row's marks; the words of `group` head the rows that share them.
    NarrativeError if a column is not there, or a cell holds a number that the row's evidence does not give.
    """
    ids = row_ids(frame, teller.dataset, "edition.table")
    why = "edition.table takes columns as a mapping of columns to heads, {'actor': 'Member'}"
    refuse(not isinstance(columns, Mapping) or not columns, why)
    if wrong := [name for name in (*columns, *filter(None, [group])) if list(frame.columns).count(name) != 1]:
        has = "two columns" if wrong[0] in frame else "no column"
        raise NarrativeError(f"the frame has {has} “{wrong[0]}”; it has {', '.join(map(str, frame.columns))}")
    for head in columns.values():
        teller.check_typed(head)
    filled = {c: [v for v in frame[c] if isinstance(v, Value) or not (pd.isna(v) or v == "")] for c in columns}
    shown = [c for c in columns if filled[c] or not len(frame)]  # a column of dashes goes
    right = [c for c in shown if filled[c] and all(isinstance(v, Quantity) for v in filled[c])]
    heads, signs = (columns[c] for c in shown), ("--:" if c in right else "---" for c in shown)
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join(signs)}|"]
    sentences: list[Rendered] = []
    before = ""
    for (_, row), of_row in zip(frame.iterrows(), ids, strict=True):
        known = Evidence.of_rows(of_row)
        if group and (head := str(row[group])) != before:
            # A row of which only the first cell is filled heads a group, in page and PDF.
            lines.append(f"| **{_cell(teller, head, known, group)}** |{' |' * (len(shown) - 1)}")
            before = head
        cells = _row(teller, row[shown], known)
        sentences += cells
        lines.append(f"| {' | '.join(cell.markdown for cell in cells)} |")
    return "\n".join(lines), sentences


def _row(teller: Teller, row: "pd.Series[Any]", known: Evidence) -> list[Rendered]:
    if not known and not any(isinstance(value, Value) and value.evidence for value in row):
        raise NarrativeError(
            f"edition.table: the row “{row.iloc[0]}” has no row id; keep the column row_id (groupby: "
            '.agg(row_id=("row_id", " ".join), …)), or show a Quantity, which carries its own'
        )
    cells: list[Rendered] = []
    due = known
    for column, value in row.items():
        own = value.evidence if isinstance(value, Value) else NOTHING
        # The row's marks stand once, in its first cell with words; a sum or another row's value has its own beside it.
        is_others = own.formulas or own.parameters or not set(own.rows) <= set(known.rows)
        extra = due | own if is_others else due
        text = _cell(teller, value, known, str(column))
        anchors = teller.citing.anchors(extra)
        origins = own.rows or teller.citing.anchors(own) or known.rows
        printed = [[text, origins[0]]] if text and origins else []
        markdown = text + (teller.citing.write(anchors) if text else "")
        cells.append(Rendered(markdown, text, anchors or teller.citing.anchors(known), printed, extra or known))
        due = NOTHING if text else due
    return cells


def _cell(teller: Teller, value: Any, known: Evidence, column: str) -> str:
    if isinstance(value, Value):
        return capital(escape(value.text) if type(value) is Value else value.text)
    if value is None or value is pd.NA or value != value:
        return ""
    if isinstance(value, Number):
        raise NarrativeError(
            f"the column “{column}” holds the bare number {value}, which nothing supports; keep the Quantity of "
            "the column value, or make the number with edition.count or edition.value"
        )
    text = date_text(value) if isinstance(value, str) and is_date(value) else str(value)
    wrong = teller.wrong(text, known)
    refuse(bool(wrong), f"the cell “{text[:60]}” of the column “{column}” holds “{wrong}”, which its row does not give")
    return capital(escape(curly(text)))


# A judgement in lines


def compose_judgement(teller: Teller, id: str, because: Written, but: Written) -> Written:
    """Compose the version of a judgement that is valid in this edition; nothing where none is."""
    ids = list(teller.dataset.complete["judgements"]["judgement_id"])
    refuse(id not in ids, f"There is no judgement “{id}”{nearest_words(id, ids)}")
    for row, proposition, more in _standing(teller, id):
        confidence = teller.dataset.label("confidence", row["confidence"]).label.capitalize()
        told = {
            "For": _weighed(teller, because, split_list(row["requires"])),
            "Against": _weighed(teller, but, split_list(row["against"])),
            "Confidence": Rendered(f"{confidence}. {escape(curly(row['confidence_reason']))}", ""),
            "Wrong if": Rendered(escape(curly(row["wrong_if"])), ""),
        }
        lines = [[name, sentence.markdown] for name, sentence in told.items() if sentence.markdown]
        listed = "\n".join(f"- **{name}:** {words}" for name, words in lines)
        return Written(f"{proposition.markdown}\n\n{listed}", [proposition, *told.values()], {**more, "lines": lines})
    return Written()


def list_judgements(teller: Teller) -> Written:
    """List the ranked judgements that stand in this edition, the leading one first."""
    items: list[dict[str, Any]] = []
    written = Written()
    ranked = [judgement for judgement in _standing(teller) if judgement[2]["rank"]]
    for row, told, more in sorted(ranked, key=lambda judgement: int(judgement[2]["rank"])):
        anchors = teller.citing.anchors(_known(teller, split_list(row["requires"])))
        confidence = teller.dataset.label("confidence", row["confidence"]).label
        items.append({**more, "marks": teller.citing.write(anchors[:2]), "confidence_label": confidence})
        written.sentences.append(Rendered(told.markdown, told.plain, anchors, told.printed))
    lines = [
        f"{number}. {item['proposition']}{item['marks']} *Confidence: {item['confidence_label']}.*"
        for number, item in enumerate(items, 1)
    ]
    scale = [f"{term.label} {term.meaning}" for term in teller.dataset.terms("likelihood")]
    yardstick = f"Likelihood in the words of the PHIA probability yardstick: {', '.join(scale)}." if items else ""
    written.markdown = "\n".join([*lines, "", yardstick]).strip()
    written.more = {"items": items, "yardstick": yardstick}
    return written


def _standing(teller: Teller, id: str = "") -> Iterator[tuple[dict[Any, Any], Rendered, dict[str, Any]]]:
    """Yield the judgements of this edition, or one of them: row, proposition, and what staging needs.

    A judgement's horizon and the year in it are ours, so numbers in its statement are not refused.
    """
    frame = teller.dataset["judgements"].sort_values("valid_from", kind="stable")
    if id:
        frame = frame[frame["judgement_id"] == id]
    for row in frame.drop_duplicates("judgement_id", keep="last").to_dict("records"):
        likelihood = teller.dataset.label("likelihood", row["likelihood"]).label
        stated = Alternative(row["statement"].replace("{likelihood}", f"**{likelihood}**"))
        rank = row["rank"]
        if told := teller.tell(stated, {}, marked=False, refused=False):
            more = {
                "judgement": row["judgement_id"],
                "rank": None if pd.isna(rank) or not rank else int(rank),
                **{column: row[column] for column in ("likelihood", "confidence", "chapter")},
                "proposition": told.markdown,
            }
            yield row, told, more


def _known(teller: Teller, ids: list[str]) -> Evidence:
    return Evidence.of_rows(i for i in ids if i in teller.dataset)


def _weighed(teller: Teller, words: Written, ids: list[str]) -> Rendered:
    """Say what the notebook says, and then mark the rows that the judgement names and the words do not cite."""
    rest = _known(teller, ids)
    cited = list(dict.fromkeys(anchor for sentence in words.sentences for anchor in sentence.anchors))
    anchors = [anchor for anchor in teller.citing.anchors(rest) if anchor not in cited]
    printed = [pair for sentence in words.sentences for pair in sentence.printed]
    said = Evidence.union(sentence.evidence for sentence in words.sentences)
    also = f" Also weighed:{teller.citing.write(anchors)}" if anchors else ""
    return Rendered(words.markdown + also, words.plain, [*cited, *anchors], printed, said)
