"""Every sentence stays true when a parameter changes: many editions, without a kernel for each."""

from __future__ import annotations

import json
import os
import re
from datetime import date
from functools import cache
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alliances.dataset import Dataset
from alliances.execution import notebooks
from alliances.execution.inline import run_inline
from alliances.parameters import check_parameters
from alliances.staging.chapters import Chapter, read_chapter
from alliances.staging.figures import data_csv
from alliances.staging.report import notebook_names, stage_text

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = int(os.environ.get("ALLIANCES_TEST_EXAMPLES", "12"))
LIKELIHOOD = re.compile(
    r"\b(?:highly )?(?:un)?likely\b|\brealistic possibility\b|\balmost certain|\bremote chance", re.I
)
# “1 states”: a count of one before a plural; verbs of the third person end likewise.
ONE_OF_MANY = re.compile(r"(?<![\d.,–])\[1\] (?!of\b)[a-z-]+s\b(?<!ss)(?<!is)(?<!was)(?<!belongs)(?<!says)(?<!names)")


@cache
def dataset() -> Dataset:
    return Dataset.load(ROOT)


@cache
def source_of(name: str) -> str:
    return (ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")


def chapters(values: dict[str, object]) -> list[Chapter]:
    parameters = check_parameters(values, dataset())
    given_values = parameters.as_notebook_values(type(parameters).model_fields)
    found = []
    for name in notebook_names(ROOT / "report" / "report.qmd"):
        path = ROOT / "notebooks" / f"{name}.ipynb"
        notebook = nbformat.reads(source_of(name), as_version=4)
        found.append(read_chapter(name, run_inline(path, dict(given_values), notebook)))
    return found


SOURCES = ("feature-2025-03", "explainer-2025-03", "analysis-2025-04", "commentary-2025-04", "opinion-2025-07")
editions = st.fixed_dictionaries(
    {"as_of": st.dates(date(2025, 2, 1), date(2026, 11, 20)).map(str)},
    optional={
        "focus": st.sampled_from(sorted(dataset()["countries"]["iso3"])),
        "exclude_sources": st.sets(st.sampled_from(SOURCES)).map(sorted),
        "troops": st.one_of(st.integers(1, 5_000_000), st.sampled_from([1, 2, 5_000_000])),
        "years": st.integers(1, 100),
        "front_km": st.floats(1, 20_000).map(lambda value: round(value, 1)),
        "cost_per_soldier_year": st.integers(1, 10_000_000),
        "rotation": st.integers(1, 10),
    },
)


@pytest.fixture(autouse=True)
def _validated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCES_VALIDATED", "1")
    monkeypatch.setenv("ALLIANCES_ROOT", str(ROOT))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(editions)
@example({"as_of": "2025-02-01"})
@example({"as_of": "2025-03-05", "focus": "ISL"})
@example({"as_of": "2025-03-20", "focus": "POL"})
@example({"as_of": "2025-04-20", "focus": "UKR", "exclude_sources": ["analysis-2025-04"]})
@example({"as_of": "2025-07-31", "exclude_sources": list(SOURCES)})
@example({"as_of": "2026-11-20", "focus": "USA", "troops": 1, "years": 1, "front_km": 1.0, "rotation": 1})
def test_any_edition_reads_well_and_knows_only_what_was_published(values: dict[str, object]) -> None:
    parameters = check_parameters(values, dataset())
    known = dataset().known(parameters.day, parameters.exclude_sources)
    written = chapters(values)
    text = stage_text(ROOT / "report" / "report.qmd", written, known, parameters, check_parameters({}, dataset()))
    assert text.problems == []

    known_sources = set(known["sources"]["source_id"])
    unknown_sources = set(SOURCES) - known_sources
    for name, markdown in text.chapters.items():
        visible = re.sub(r'\]\(#[^ )]+(?: "[^"]*")?\)', "]", markdown)
        visible = re.sub(r"fig-alt=\"[^\"]*\"", "", visible)
        assert not re.search(r"\bnan\b|\bNone\b(?! of)|\[\]|\bNaT\b|<NA>", visible), f"{name}: {visible}"
        assert not re.search(r"\s[,.;:](?:\s|$)|,,|\.\.(?!\.)|\(\)|“”", visible.replace("|", " ")), name
        assert not ONE_OF_MANY.search(visible), f"{name}: {visible}"
        for source in unknown_sources:
            assert f"@{source}" not in markdown, f"{name} cites {source}"
        if name not in ("judgements", "method", "annex-reference", "annex-evidence"):
            assert not LIKELIHOOD.search(re.sub(r"“[^”]*”", "", visible)), f"{name}: {LIKELIHOOD.search(visible)}"
    for chapter in written:
        for chart in chapter.charts:
            rows = [row for table in chart.spec.get("datasets", {}).values() for row in table]
            assert rows, f"{chart.label} is empty"
            tables = data_csv(chart.spec).split("\n\n")
            assert "\n" in tables[0], f"{chart.label} hands out no data"
            for table in tables:
                names = table.split("\n")[0].split(",")
                assert all(re.fullmatch(r"[A-Z][A-Za-z ]*", name) for name in names), f"{chart.label}: {names}"
            assert set(chart.spec["usermeta"]["sources"]) <= known_sources
            assert "nan" not in chart.description.split()


def outputs(name: str, values: dict[str, object]) -> str:
    notebook = nbformat.reads(source_of(name), as_version=4)
    run_inline(ROOT / "notebooks" / f"{name}.ipynb", values, notebook)
    return json.dumps([cell.outputs for cell in notebook.cells if cell.cell_type == "code"], default=str)


def telling(name: str, values: dict[str, object]) -> dict[str, object]:
    path = ROOT / "notebooks" / f"{name}.ipynb"
    return notebooks.telling_values(path, nbformat.reads(source_of(name), as_version=4), values)


@pytest.mark.parametrize("name", ["force", "jef", "reassurance-force"])
@settings(max_examples=EXAMPLES, deadline=None)
@given(focus=st.sampled_from(sorted(dataset()["countries"]["iso3"])), as_of=st.sampled_from(["", "2025-03-20"]))
def test_a_value_that_is_not_passed_makes_no_difference(name: str, focus: str, as_of: str) -> None:
    """A parameters cell may name the only countries for which its notebook has something of its own."""
    values: dict[str, object] = {"focus": focus, "as_of": as_of}
    if (passed := telling(name, values)) != values:
        assert passed == {**values, "focus": ""}
        assert outputs(name, values) == outputs(name, passed)


def test_values_that_are_named_are_passed() -> None:
    assert telling("reassurance-force", {"focus": "GBR"}) == {"focus": "GBR"}
    assert outputs("reassurance-force", {"focus": "GBR"}) != outputs("reassurance-force", {"focus": ""})
    assert telling("members", {"focus": "POL", "as_of": "2025-03-20"}) == {"focus": "POL", "as_of": "2025-03-20"}
