"""Fixtures that several test modules share."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alliances.paths import find_root
from helpers import ALLIANCES_VARIABLES, Edition, copy_project, make_probe, once, run_cli, tree

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


# ---------------------------------------------------------------- editions that several tests read


@pytest.fixture(autouse=True)
def _same_environment() -> Iterator[None]:
    """No test may leave a root, a Quarto or a validated dataset behind for the next one."""
    before = {name: os.environ.get(name) for name in ALLIANCES_VARIABLES}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def default_edition(project_root: Path, shared_folder: Path) -> Edition:
    """The whole report at its defaults, built once a test run by the embedded engine."""

    def build(folder: Path) -> None:
        copy_project(project_root, folder / "project")
        (folder / "tree").write_text(json.dumps(tree(folder / "project")), "utf-8")
        done = run_cli(folder / "project", "build", "--engine", "embedded", mark=str(folder))
        (folder / "stdout").write_text(done.stdout, "utf-8")
        (folder / "stderr").write_text(done.stderr, "utf-8")
        if done.returncode:
            raise AssertionError(f"The default build failed with exit code {done.returncode}: {done.stderr}")

    folder = once(shared_folder / "default-edition", build)
    return Edition(folder / "project", folder / "project" / "report" / "_output")


@pytest.fixture
def probe_root(project_root: Path, tmp_path: Path) -> Path:
    """A copy of the project whose report has one small chapter: builds that are not about the report start here."""
    return make_probe(project_root, tmp_path / "project")
