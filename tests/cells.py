"""Runs cells as a kernel does, in one namespace and in this process, and keeps what they display."""

from __future__ import annotations

import itertools
import linecache
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

from alliances import open_edition
from alliances.edition import Edition
from alliances.errors import NarrativeError
from alliances.text.markdown import MARK, from_notebook
from river_data import RIVER

PROJECT = Path(__file__).parents[1]
#: As many examples as `make test-long` asks for, and few by default.
some = settings(
    max_examples=int(os.environ.get("ALLIANCES_TEST_EXAMPLES", "25")),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
_numbers = itertools.count(1)


@contextmanager
def at(root: Path = RIVER) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLIANCES_ROOT", str(root))
        patch.setenv("ALLIANCES_VALIDATED", "1")
        yield patch


@cache
def edition_of(root: Path = RIVER, **values: Any) -> Edition:
    """Return an edition that no test writes with, since an edition remembers its marks."""
    with at(root):
        return open_edition(**values)


class Cells:
    """A notebook whose cells are run one by one."""

    def __init__(self, root: Path = RIVER, **values: Any) -> None:
        self.root = root
        opened = edition_of(root, **values)
        self.names: dict[str, Any] = {"edition": Edition(opened.parameters, opened.dataset), "pd": pd, "alt": alt}
        self.shown: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def run(self, source: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Run a cell; return the data of each output and what staging reads of it."""
        name = f"<cell {next(_numbers)}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        self.shown = []
        with at(self.root) as patch:
            patch.setattr("alliances.narrative.exhibits.display", self._display)
            exec(compile(source, name, "exec"), self.names)
        return self.shown

    def _display(self, data: dict[str, Any], metadata: Any, raw: bool) -> None:
        self.shown.append((data, metadata["alliances"]))

    def write(self, text: str, **variables: Any) -> str:
        """Return what `edition.write` shows, marks as ``[label]`` without their titles."""
        self.names |= {"_text": text, **variables}
        shown = self.run("edition.write(_text)")
        return MARK.sub(lambda m: f"[{m['label']}]", from_notebook(shown[0][0]["text/markdown"])) if shown else ""

    def refuses(self, source: str) -> str:
        """Run a cell that must stop, and return its one sentence."""
        with pytest.raises(NarrativeError) as caught:
            self.run(source)
        sentence = str(caught.value)
        assert caught.value.__cause__ is None
        assert "\n" not in sentence
        return sentence

    def refuses_text(self, template: str, **variables: Any) -> str:
        self.names |= {"_text": template, **variables}
        return self.refuses("edition.write(_text)")
