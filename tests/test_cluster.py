"""A batch on a Dask cluster: a real scheduler and worker processes, which share no disk with the batch."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from alliances import freshness
from alliances.batch import cluster, parcel
from alliances.errors import ClusterError
from alliances.freshness import is_whole
from helpers import MARK, copy_project, tree
from small import LONG, Bench, bench, write_chapter

pytest.importorskip("distributed", reason="the extra “cluster” is not installed")
long = pytest.mark.skipif(not LONG, reason="takes long; `make test-long` runs it")

# ---------------------------------------------------------------- what travels


def test_a_parcel_comes_out_as_it_went_in(tmp_path: Path, project_root: Path) -> None:
    files = freshness.input_files(project_root)
    packed = parcel.pack(project_root, files)
    assert packed == parcel.pack(project_root, reversed(files))
    root = parcel.unpack_once(packed, tmp_path / "there")
    assert {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()} == {
        path.relative_to(project_root): path.read_bytes() for path in files
    }
    (root / "mark").touch()
    assert (parcel.unpack_once(packed, root) / "mark").exists(), "It is unpacked once."
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_parcel_holds_all_that_a_build_reads(tmp_path: Path, project_root: Path) -> None:
    """What is not in the parcel is not on the worker: the report's own files among them."""
    copy = copy_project(project_root, tmp_path / "copy")
    packed = {path.relative_to(project_root).as_posix() for path in freshness.input_files(project_root)}
    theme = {path.relative_to(copy).as_posix() for path in (copy / "report" / "theme").rglob("*") if path.is_file()}
    assert theme <= packed


# ---------------------------------------------------------------- who may work


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ({"pandas": "2.0.0"}, "has pandas 2.0.0 and this machine"),
        ({"python": "3.9.1"}, "has python 3.9.1 and this machine"),
        ({"typst": ""}, "has typst missing and this machine"),
        ({"library": "another"}, "has other code of this library"),
        ({"Quarto": "1.9.38"}, "has Quarto 1.9.38 and this machine none"),
    ],
)
def test_a_worker_that_differs(there: dict[str, str], told: str) -> None:
    here = cluster.description(with_quarto=False)
    with pytest.raises(ClusterError) as raised:
        cluster._compare("tcp://10.0.0.7:4711", here, here | there)
    assert "Worker tcp://10.0.0.7:4711 " in str(raised.value)
    assert told in str(raised.value)
    cluster._compare("tcp://10.0.0.7:4711", here, dict(here))


def test_a_worker_without_the_library() -> None:
    with pytest.raises(ClusterError, match="install this project on it"):
        cluster._compare("tcp://10.0.0.7:4711", {}, "No module named 'alliances'")


@pytest.fixture(scope="module")
def small(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(project_root, tmp_path_factory.mktemp("cluster")) as made:
        yield made


def matrix_file(folder: Path, text: str = "matrix: {focus: [NOR, POL, ISL, EST]}\nto: html\n") -> str:
    (folder / "m.yaml").write_text(text)
    return str(folder / "m.yaml")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "foo://127.0.0.1:8786", "", "tcp://127.0.0.1:x"])
def test_an_address_where_nobody_answers(small: Bench, tmp_path: Path, address: str) -> None:
    started = time.monotonic()
    arguments = ("batch", matrix_file(tmp_path), "--engine", "embedded", "--output", str(tmp_path / "out"))
    sentence = small.refused(*arguments, f"--scheduler={address or ' '}")
    assert "No Dask scheduler answers at" in sentence
    assert time.monotonic() - started < 25
    assert small.left() == []


def test_without_dask(small: Bench, tmp_path: Path) -> None:
    (tmp_path / "distributed.py").write_text("raise ImportError('not here')")
    arguments = ("batch", matrix_file(tmp_path), "--engine", "embedded", "--output", str(tmp_path / "out"))
    sentence = small.refused(*arguments, "--scheduler", "tcp://127.0.0.1:8786", PYTHONPATH=path_with(tmp_path))
    assert "extra “cluster”" in sentence
    assert "alliances[cluster]" in sentence


def path_with(folder: Path) -> str:
    import os

    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


# ---------------------------------------------------------------- a cluster on this machine


class Cluster:
    """A scheduler and workers, each a process of its own with a folder of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{arguments[0]}-{len(self.processes)}.log").open("wb")
        command = [sys.executable, "-m", "dask", *arguments]
        process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def add_worker(self) -> None:
        place = self.folder / f"worker-{len(self.workers)}"
        place.mkdir()
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(place))
        self.workers.append(self._start("worker", self.address, "--host", "127.0.0.1", *options))

    def wait_for(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            process.kill()
            process.wait()


@pytest.fixture
def dask(small: Bench, tmp_path: Path) -> Iterator[Cluster]:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    made = Cluster(tmp_path, small.environment() | {MARK: str(tmp_path), "TMPDIR": str(temporary)})
    try:
        yield made
    finally:
        made.stop()


def marked(mark: str, word: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark and word in " ".join(process.cmdline()):
                found.append(process)
    return found


def test_a_scheduler_without_workers(small: Bench, dask: Cluster, tmp_path: Path) -> None:
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", dask.port)):
            break
        time.sleep(0.1)
    arguments = ("batch", matrix_file(tmp_path), "--engine", "embedded", "--output", str(tmp_path / "out"))
    sentence = small.refused(*arguments, "--scheduler", dask.address)
    assert "has no workers" in sentence


def test_a_batch_of_which_a_worker_is_killed_midway(
    small: Bench, dask: Cluster, tmp_path: Path, project_root: Path
) -> None:
    """All editions are there, whole and the same as built here; the worker's edition is built by the other one."""
    root = small.root
    write_chapter(root, "second", "time.sleep(1.5)\nif focus == 'EST': raise ValueError('no bridge')")
    for _ in range(2):
        dask.add_worker()
    dask.wait_for(2)
    folder = tmp_path / "out"
    arguments = ("batch", matrix_file(tmp_path), "--engine", "embedded", "--output", str(folder))
    process = small.start(*arguments, "--scheduler", dask.address)
    victim = dask.workers[0]
    while not any(child.pid for child in psutil.Process(victim.pid).children(recursive=True)[1:]):
        assert process.poll() is None
        time.sleep(0.05)  # until a kernel of its first edition runs
    victim.kill()
    victim.wait()
    out, told = process.communicate(timeout=200)
    assert process.returncode == 2, told
    assert "Traceback" not in told
    assert "3 of 4 editions are in" in out
    assert "no bridge" in out
    for focus in ("NOR", "POL", "ISL"):
        edition = folder / f"2025-07-31_{focus}"
        assert is_whole(edition)
        assert json.loads((edition / "manifest.json").read_text("utf-8"))["parameters"]["focus"] == focus
    (failed,) = folder.glob("*_EST*")
    assert failed.name == "2025-07-31_EST.log"
    assert str(failed) in out
    assert "no bridge" in failed.read_text("utf-8")
    assert small.left() == []

    # The same edition, built here, has the same bytes; and a second run finds nothing to do but the failure.
    again = small.run("build", "-p", "focus", "ISL", "--engine", "embedded", "--to", "html")
    assert again.returncode == 0, again.stderr
    here = root / "report" / "_output" / "editions" / "2025-07-31_ISL"
    assert tree(here) == tree(folder / "2025-07-31_ISL")
    write_matrix = matrix_file(tmp_path, "matrix: {focus: [NOR, POL, ISL]}\nto: html\n")
    resumed = small.run("batch", write_matrix, *arguments[2:], "--scheduler", dask.address)
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stderr.count(" kept in ") == 3
    dask.stop()
    deadline = time.monotonic() + 10
    while marked(str(tmp_path), "") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert marked(str(tmp_path), "") == []
    shutil.rmtree(root / "report" / "_output")


@long
def test_a_scheduler_that_goes_away(small: Bench, dask: Cluster, tmp_path: Path) -> None:
    write_chapter(small.root, "second", "time.sleep(5)")
    dask.add_worker()
    dask.wait_for(1)
    arguments = ("batch", matrix_file(tmp_path), "--engine", "embedded", "--output", str(tmp_path / "out"))
    process = small.start(*arguments, "--scheduler", dask.address)
    while not psutil.Process(dask.workers[0].pid).children(recursive=True)[1:]:
        time.sleep(0.05)
    dask.processes[0].kill()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 2, told
    assert "the same command goes on from here" in told.splitlines()[-1]
    assert small.left() == []
