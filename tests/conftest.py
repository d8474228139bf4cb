"""Fixtures that several test modules share."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alliances.paths import find_root

Rows = dict[str, list[dict[str, str]]]
MakeRoot = Callable[..., Path]


@pytest.fixture(scope="session")
def project_root() -> Path:
    return find_root(Path(__file__).parent)


@pytest.fixture
def make_root(project_root: Path, tmp_path: Path) -> MakeRoot:
    """Build a folder with data/ and seeds/ of one's own, on the project's schema."""
    package: dict[str, Any] = json.loads((project_root / "data" / "datapackage.json").read_text("utf-8"))

    def make(texts: dict[str, tuple[str, str]], tables: Rows) -> Path:
        """Texts: for each source_id its day and its text; tables: rows, missing cells empty."""
        (tmp_path / "data").mkdir()
        (tmp_path / "seeds").mkdir()
        (tmp_path / "data" / "datapackage.json").write_text(json.dumps(package), "utf-8")
        sources = []
        for source_id, (day, text) in texts.items():
            file = tmp_path / "seeds" / f"{source_id}.txt"
            file.write_bytes(text.encode())
            sources.append(
                {"source_id": source_id, "file": file.name, "title": source_id.title(), "genre": "analysis",
                 "published": day, "published_from": day, "published_to": day, "published_basis": "printed",
                 "descriptor": f"Text {source_id}", "sha256": hashlib.sha256(text.encode()).hexdigest()}
            )  # fmt: skip
        for resource in package["resources"]:
            columns = [field["name"] for field in resource["schema"]["fields"]]
            rows = sources if resource["name"] == "sources" else tables.get(resource["name"], [])
            with (tmp_path / "data" / resource["path"]).open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        return tmp_path

    return make
