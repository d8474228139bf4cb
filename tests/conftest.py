"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from alliances import find_root

#: A long run looks at many more examples: `make test-long` sets ALLIANCES_TEST_EXAMPLES.
settings.register_profile(
    "alliances",
    max_examples=int(os.environ.get("ALLIANCES_TEST_EXAMPLES", "25")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("alliances")

_VARIABLES = ("ALLIANCES_ROOT", "ALLIANCES_QUARTO", "ALLIANCES_VALIDATED", "ALLIANCES_CACHE", "ALLIANCES_FORK",
              "ALLIANCES_NETWORK")  # fmt: skip


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout that is tested."""
    return find_root(Path(__file__).parent)


@pytest.fixture(autouse=True)
def _same_environment() -> Iterator[None]:
    """No test may leave a root, a Quarto or a validated dataset behind for the next one."""
    before = {name: os.environ.get(name) for name in _VARIABLES}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture(scope="session")
def built_river(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The river as a project whose notebooks are refreshed and whose default edition is built; not to be changed."""
    from helpers import Command, once, river

    def make(folder: Path) -> None:
        command = Command(river(folder / "project"), folder / "tmp")
        command.done("refresh")
        command.done("build", "--engine", "embedded")

    base = tmp_path_factory.getbasetemp()
    return once((base if worker_id == "master" else base.parent) / "river", make) / "project"


@pytest.fixture
def river_root(built_river: Path, tmp_path: Path) -> Path:
    """A copy of it, edition and cache included, that a test may change."""
    return Path(shutil.copytree(built_river, tmp_path / "project"))
