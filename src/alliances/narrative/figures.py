"""A chart with its words: what it rests on, its source line, and whether it stands in this edition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

__all__ = ["compose_figure"]

_ALT_LENGTH = 250


def compose_figure(
    teller: Teller, chart: Any, id: str, told: Mapping[str, Written], *, width: int, narrow: Any, own: str,
    at_least: int,
) -> Written:  # fmt: skip
    """Check a chart and join it to its words; nothing where it does not stand in this edition.

    Returns
    -------
    Written
        Caption, note and source as Markdown; in `more` the words, and Vega-Lite as ``spec`` and ``narrow``.

    Raises
    ------
    NarrativeError
        If a layer has lost its evidence, a number in the chart has none, or the alternative text is too long.
    """
    if not hasattr(chart, "to_dict") or isinstance(chart, pd.DataFrame):
        raise NarrativeError(f"edition.figure takes an Altair chart, and not a {type(chart).__name__}")
    if not id.startswith("fig-"):
        raise NarrativeError(f"the figure’s id “{id}” does not begin with fig-, so that nothing could refer to it")
    texts = {name: written.markdown for name, written in told.items()}
    alt = told["alt"].plain
    if not texts["title"] or not alt:
        return Written()
    if len(alt) > _ALT_LENGTH:
        raise NarrativeError(f"the alternative text has {len(alt)} characters; {_ALT_LENGTH} are the most")
    for frame in _frames(chart):
        ids_of_rows(frame, teller.dataset, f"edition.figure({id!r})")
    spec = prepare(chart, width_mm=width, title=told["title"].plain, subtitle=texts["subtitle"], alt=alt)
    slim = prepare(narrow if narrow is not None else chart, width_mm="narrow", alt=alt)
    for one in (spec, slim):
        _refuse(teller, one, own, [written.plain for written in told.values()])
    if max((len(frame) for frame in data_frames(spec).values()), default=0) < at_least:
        return Written()
    source = _source_line(teller, row_ids(spec), own)
    sentences = [*(s for written in told.values() for s in written.sentences), source]
    more = {**texts, "alt": alt, "source": source.markdown, "width": width, "narrow": slim, "spec": spec}
    below = " ".join(filter(None, (texts["caption"], texts["note"], source.markdown)))
    return Written(below, sentences, more)


def _frames(chart: Any) -> Iterator[pd.DataFrame]:
    """Yield the frames of a chart and of its parts."""
    if isinstance(data := getattr(chart, "data", None), pd.DataFrame):
        yield data
    for part in ("layer", "hconcat", "vconcat", "concat", "spec"):
        inner = getattr(chart, "_kwds", {}).get(part)
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, SchemaBase):
                yield from _frames(one)


def _refuse(teller: Teller, spec: dict[str, Any], own: str, printed: list[str]) -> None:
    """Refuse what has lost its ids, and a number in words that neither their rows nor the figure's words give."""
    for problem in check_layers(spec, allowed=bool(own)):
        raise NarrativeError(problem)
    for row_id in row_ids(spec):
        if teller.row(row_id) is UNKNOWN:
            raise NarrativeError(f"“{row_id}” in the row ids of the chart is no row that this edition knows")
    for text, rows in () if own else words(spec):
        if wrong := teller.wrong(text, Evidence.of_rows(rows), *printed):
            raise NarrativeError(f"the words “{text[:60]}” in the chart hold “{wrong}”, which no row of theirs gives")


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
