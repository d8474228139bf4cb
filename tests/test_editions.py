"""The report's own notebooks in many editions: executed without an error, staged without a fault, cut to their day.

Nothing is published, so that an edition takes seconds. `make test` looks at a few, ALLIANCES_LONG=1 at all.
"""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from alliances.build import Edition, notebook_names, plan, stage_edition
from alliances.run.cache import Cache
from alliances.stage.figures import Drawer
from helpers import LONG, PROJECT, outputs


def read(table: str) -> list[dict[str, str]]:
    with (PROJECT / "data" / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


SOURCES = sorted(read("sources"), key=lambda row: row["published"])
DAYS = sorted({row["published"] for row in SOURCES})
BEFORE = str(date.fromisoformat(DAYS[0]) - timedelta(days=1))
COUNTRIES = [row["iso3"] for row in read("countries")]
EXTREMES = [(row["name"], row[end]) for row in read("parameters") for end in ("minimum", "maximum")]
ALL = [row["source_id"] for row in SOURCES]
SHORT: list[dict[str, Any]] = [{}, {"as_of": BEFORE}, {"exclude_sources": ALL}]
EDITIONS = [
    *SHORT,
    {"focus": "POL", **dict(EXTREMES[::2])},
    *({"as_of": day} for day in DAYS[:-1]),
    *({"as_of": row[end]} for row in SOURCES for end in ("published_from", "published_to") if row[end] not in DAYS),
    *({"exclude_sources": one} for one in ALL),
    *({"exclude_sources": [other for other in ALL if other != one]} for one in ALL),
    *({"focus": code} for code in COUNTRIES),
    *({"focus": code, "as_of": day} for code in ("GBR", "TUR", "UKR") for day in DAYS[:-1]),
    *({name: value} for name, value in EXTREMES),
    *({"as_of": DAYS[0], name: value} for name, value in EXTREMES),
    dict(EXTREMES[1::2]),
]


def name_of(values: dict[str, Any]) -> str:
    parts = (",".join(value) if isinstance(value, list) else str(value) for value in values.values())
    return "-".join(parts) or "default"


def staged(root: Path, values: dict[str, Any], folder: Path) -> Edition:
    with Drawer(Cache(root)) as drawer:
        edition = stage_edition(plan(root, values), folder / "stage", drawer, log=folder / "build.log")
        drawer.finish()
    edition.check()
    return edition


def texts_of(edition: Edition) -> list[str]:
    """All that a reader may see of an edition, code and injected parameters aside."""
    shown = [json.dumps(outputs(notebook), ensure_ascii=False) for notebook in edition.executed.values()]
    return shown + [p.read_text("utf-8") for p in sorted(edition.staged.folder.rglob("*")) if p.is_file()]


@pytest.mark.parametrize("values", EDITIONS if LONG else SHORT, ids=name_of)
def test_an_edition(values: dict[str, Any], tmp_path: Path) -> None:
    edition = staged(PROJECT, values, tmp_path)
    day, left_out = edition.planned.parameters.as_of, edition.planned.parameters.exclude_sources
    known = [row for row in SOURCES if row["published"] <= str(day) and row["source_id"] not in left_out]
    chapters = [chapter for chapter in edition.staged.chapters if chapter.zone == "chapter"]
    if not values:
        named = [name for name in notebook_names(PROJECT) if name != "country"]  # it needs a focus
        assert [chapter.name for chapter in edition.staged.chapters] == named
    assert all(chapter.title and chapter.answer for chapter in chapters)
    assert bool(chapters) == bool(known)
    marks = {row["mark"] for row in known}
    facts = json.loads((edition.staged.folder / "facts.json").read_text("utf-8"))["facts"]
    cited = {one["mark"].rstrip("0123456789") for one in facts if one["mark"][:1].isupper()}
    assert cited <= marks
    assert len(values) or cited == marks


def test_nothing_of_a_later_text_shows(tmp_path: Path) -> None:
    source = {row["quote_id"]: row["source_id"] for row in read("quotes")}
    later = {row["source_id"]: row for row in SOURCES if row["published"] > DAYS[1]}
    secrets = [row["exact"] for row in read("quotes") if row["source_id"] in later and len(row["exact"].split()) > 4]
    secrets += [text for row in later.values() for text in (row["source_id"], row["short_name"], row["descriptor"])]
    for path in (PROJECT / "data").glob("*.csv"):
        rows = [row for row in read(path.stem) if source.get(row.get("quote_ids", "").split("; ")[0]) in later]
        secrets += [next(iter(row.values())) for row in rows]
    texts = texts_of(staged(PROJECT, {"as_of": DAYS[1]}, tmp_path))
    assert [secret for secret in secrets if any(f'"{secret}' in text or f" {secret}" in text for text in texts)] == []
    whole = texts_of(staged(PROJECT, {}, tmp_path / "default"))
    assert len([secret for secret in secrets if any(secret in text for text in whole)]) > 100, "The test can fail."
