"""What a notebook displays: one output a call, with what staging needs in its metadata."""

import json
import re
from typing import Any

from IPython.display import display

from alliances.narrative.citing import Citing
from alliances.narrative.writing import Written
from alliances.text.markdown import plain

#: Key of an output's metadata under which staging finds what it is.
KEY = "alliances"
_GROUP = re.compile(r"#(ev-g-[0-9a-f]+)")


def show(citing: Citing, kind: str, written: Written, **more: Any) -> None:
    """Display Markdown, with its kind, sentences and evidence in the metadata; nothing where it is empty.

    A chart, the ``spec`` of a figure, is displayed as Vega-Lite, which JupyterLab draws, and its Markdown beneath it.
    """
    more = {**written.more, **more}
    spec = more.pop("spec", None)
    markdown = "" if spec else written.markdown
    bundle = {"text/markdown": markdown, "text/plain": plain(markdown)}
    if spec:
        bundle = {"application/vnd.vegalite.v5+json": spec, "text/plain": more["alt"]}
    elif not markdown:
        return
    anchors = dict.fromkeys(anchor for sentence in written.sentences for anchor in sentence.anchors)
    # What “+n” leads to is no sentence's own evidence, and is found where it is set.
    anchors.update(dict.fromkeys(_GROUP.findall(json.dumps([markdown, *map(str, more.values())]))))
    told = [sentence.record() for sentence in written.sentences]
    metadata = {"kind": kind, **more, "sentences": told, "evidence": citing.carried(anchors)}
    display(bundle, metadata={KEY: metadata}, raw=True)
    if spec:
        show(citing, "figure-text", Written(written.markdown))
