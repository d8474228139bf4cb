"""What a notebook displays: one output a call, with what staging needs in its metadata."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from IPython.display import display

from alliances.narrative.citing import Citing
from alliances.narrative.sentences import Rendered
from alliances.text.markdown import plain

__all__ = ["KEY", "show", "show_chart"]

#: Key of an output's metadata under which staging finds what it is.
KEY = "alliances"
_GROUP = re.compile(r"#(ev-g-[0-9a-f]+)")


def _metadata(
    citing: Citing, kind: str, markdown: str, sentences: Sequence[Rendered], more: Mapping[str, Any]
) -> dict[str, Any]:
    anchors = dict.fromkeys(anchor for sentence in sentences for anchor in sentence.anchors)
    # What “+n” leads to is no sentence's own evidence, and is found where it is set.
    anchors.update(dict.fromkeys(_GROUP.findall(json.dumps([markdown, *map(str, more.values())]))))
    return {
        "kind": kind, **more,
        "sentences": [sentence.record() for sentence in sentences], "evidence": citing.carried(anchors),
    }  # fmt: skip


def show(citing: Citing, kind: str, markdown: str, sentences: Sequence[Rendered], **more: Any) -> None:
    """Display Markdown, with its kind, sentences and evidence in the metadata; nothing where it is empty."""
    if markdown:
        bundle = {"text/markdown": markdown, "text/plain": plain(markdown)}
        display(bundle, metadata={KEY: _metadata(citing, kind, markdown, sentences, more)}, raw=True)


def show_chart(
    citing: Citing, spec: dict[str, Any], markdown: str, sentences: Sequence[Rendered], **more: Any
) -> None:  # fmt: skip
    """Display a chart as Vega-Lite, which JupyterLab draws, and beneath it its caption and source as Markdown."""
    bundle = {"application/vnd.vegalite.v5+json": spec, "text/plain": more["alt"]}
    display(bundle, metadata={KEY: _metadata(citing, "figure", "", sentences, more)}, raw=True)
    show(citing, "figure-text", markdown, [])
