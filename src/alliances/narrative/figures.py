"""A chart with its words: what it rests on, its source line, and whether it stands in this edition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from altair import SchemaBase

from alliances.analysis.evidence import Evidence
from alliances.analysis.frames import row_ids as ids_of_rows
from alliances.analysis.values import UNKNOWN
from alliances.charts.figure import check_layers, data_frames, prepare, row_ids, words
from alliances.errors import NarrativeError
from alliances.narrative.sentences import Rendered, Teller
from alliances.narrative.writing import Written
from alliances.text import numbers
from alliances.text.names import capital

__all__ = ["Figure", "compose_figure", "source_line"]

_ALT_LENGTH = 250


@dataclass
class Figure:
    """A figure ready to be shown.

    Attributes
    ----------
    spec : dict
        Vega-Lite.
    markdown : str
        Caption, note and source, for JupyterLab.
    sentences : list of Rendered
        Its words.
    more : dict
        What staging needs besides.
    """

    spec: dict[str, Any]
    markdown: str
    sentences: list[Rendered]
    more: dict[str, Any] = field(default_factory=dict)


def compose_figure(
    teller: Teller, chart: Any, id: str, told: Mapping[str, Written], *, width: int, narrow: Any, own: str,
    at_least: int,
) -> Figure | None:  # fmt: skip
    """Check a chart and join it to its words; None where it does not stand in this edition.

    Raises
    ------
    NarrativeError
        If a layer has lost its evidence, a number in the chart has none, or the alternative text is too long.
    """
    if not hasattr(chart, "to_dict") or isinstance(chart, pd.DataFrame):
        raise NarrativeError(f"edition.figure takes an Altair chart, and not a {type(chart).__name__}")
    if not id.startswith("fig-"):
        raise NarrativeError(f"the figure’s id “{id}” does not begin with fig-, so that nothing could refer to it")
    title, alt = told["title"].markdown, told["alt"].sentences
    if not title or not alt:
        return None
    plain_alt = " ".join(sentence.plain for sentence in alt)
    if len(plain_alt) > _ALT_LENGTH:
        raise NarrativeError(f"the alternative text has {len(plain_alt)} characters; {_ALT_LENGTH} are the most")
    plain_title = " ".join(s.plain for s in told["title"].sentences)
    for frame in _frames(chart):
        ids_of_rows(frame, teller.dataset, f"edition.figure({id!r})")
    spec = prepare(chart, width_mm=width, title=plain_title, subtitle=told["subtitle"].markdown, alt=plain_alt)
    slim = prepare(narrow if narrow is not None else chart, width_mm="narrow", alt=plain_alt)
    ids = row_ids(spec)
    for one in (spec, slim):
        _refuse(teller, one, own, told)
    if max((len(frame) for frame in data_frames(spec).values()), default=0) < at_least:
        return None
    source, shown = source_line(teller, ids, own)
    sentences = [s for written in told.values() for s in written.sentences] + [shown]
    texts = {name: told[name].markdown for name in ("title", "subtitle", "caption", "note")}
    below = " ".join(part for part in (texts["caption"], texts["note"], source) if part)
    more = {**texts, "alt": plain_alt, "source": source, "width": width, "narrow": slim}
    return Figure(spec, below, sentences, more)


def _frames(chart: Any) -> Iterator[pd.DataFrame]:
    """Yield the frames of a chart and of its parts."""
    if isinstance(data := getattr(chart, "data", None), pd.DataFrame):
        yield data
    for part in ("layer", "hconcat", "vconcat", "concat", "spec"):
        inner = getattr(chart, "_kwds", {}).get(part)
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, SchemaBase):
                yield from _frames(one)


def _refuse(teller: Teller, spec: dict[str, Any], own: str, told: Mapping[str, Written]) -> None:
    problems = check_layers(spec, allowed=bool(own))
    if problems:
        raise NarrativeError(problems[0])
    for row_id in row_ids(spec):
        if teller.row(row_id) is UNKNOWN:
            raise NarrativeError(f"“{row_id}” in the row ids of the chart is no row that this edition knows")
    printed = {numbers.as_digits(n) for w in told.values() for s in w.sentences for n in numbers.find_numbers(s.plain)}
    for text, rows in words(spec):
        known = [teller.row(i) for i in rows if i in teller.dataset]
        allowed = printed | {numbers.as_digits(n) for value in known for n in teller.supported(value)}
        found = numbers.find_numbers(numbers.mask(text, teller.numbered_names))
        wrong = [n for n in found if numbers.as_digits(n) not in allowed]
        if wrong and not own:
            raise NarrativeError(
                f"the words “{text[:60]}” in the chart hold “{wrong[0]}”, which no row of theirs gives"
            )


def source_line(teller: Teller, ids: list[str], own: str) -> tuple[str, Rendered]:
    """Write where a chart's data come from: each text with its marks, and what is nobody's but ours."""
    known = [i for i in ids if i in teller.dataset]
    groups: dict[str, list[str]] = {}
    for row_id in known:
        groups.setdefault(teller.dataset.row(row_id).source_id, []).append(row_id)
    parts = []
    for source_id, rows in groups.items():
        name = teller.dataset.source(source_id).short_name if source_id else "public record"
        parts.append(name + teller.citing.write(teller.citing.anchors(Evidence.of_rows(rows))))
    parts += [own] if own else []
    evidence = Evidence.of_rows(known)
    text = f"Source: {'; '.join(parts)}." if parts else ""
    told = Rendered(capital(text), "", teller.citing.anchors(evidence), [], evidence)
    return told.markdown, told
