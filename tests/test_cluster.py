"""A batch on a Dask cluster: a real scheduler and worker processes, which share no disk with the batch."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="the extra “cluster” is not installed")

from alliances import batch
from alliances.batch import run_matrix
from alliances.errors import ExecutionError
from alliances.place import is_whole, read_manifest
from helpers import long
from towns import build, check


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "m.yaml").write_text("matrix: {town: [Oslo, Riga, Bern]}\nparameters: {day: 2025-03-20}\nto: html\n")
    return tmp_path


def test_a_parcel_comes_out_as_it_went_in(tmp_path: Path) -> None:
    (tmp_path / "here" / "below").mkdir(parents=True)
    (tmp_path / "here" / "below" / "ä.txt").write_bytes(bytes(range(256)))
    files = list((tmp_path / "here").rglob("*"))
    packed = batch.pack(tmp_path / "here", files)
    assert packed == batch.pack(tmp_path / "here", reversed(files))
    batch.unpack(packed, tmp_path / "there")
    assert (tmp_path / "there" / "below" / "ä.txt").read_bytes() == bytes(range(256))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "foo://127.0.0.1:8786", "tcp://127.0.0.1:x"])
def test_an_address_where_nobody_answers(
    root: Path, address: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batch, "_PATIENCE", 1)
    with pytest.raises(ExecutionError, match="No Dask scheduler answers at") as caught:
        run_matrix(root, root / "m.yaml", root / "out", check, build, scheduler=address)
    assert "Traceback" not in "".join(capfd.readouterr())
    # A half-made client that is left open waits for ever if it is collected while another one starts.
    frames = [frame for frame, _ in traceback.walk_tb(getattr(caught.value.__cause__, "__traceback__", None))]
    assert {frame.f_locals["self"].status for frame in frames if frame.f_code.co_name == "start"} <= {"closed"}


def test_without_dask(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExecutionError, match="extra “cluster”"):
        run_matrix(root, root / "m.yaml", root / "out", check, build, scheduler="tcp://127.0.0.1:8786")


class Cluster:
    """A scheduler and workers, each a process of its own with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self.processes = [self._start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")]

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{time.monotonic()}.log").open("wb")
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "dask", *arguments]
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def add_worker(self) -> None:
        place = self.folder / f"worker-{len(self.processes)}"
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(place))
        self.processes.append(self._start("worker", self.address, "--host", "127.0.0.1", *options))

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            process.kill()
            process.wait()


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.stop()


@long
def test_a_batch_there(root: Path, dask: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is killed loses nothing; one edition fails, with its log; a worker that differs is refused."""
    monkeypatch.setattr(batch, "_PATIENCE", 30)
    for _ in range(2):
        dask.add_worker()
    from distributed import Client

    with Client(dask.address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    (root / "data" / "Riga.csv").write_text("fails")
    (root / "data" / "Bern.csv").write_text(f"dies once: {root}")
    outcomes = run_matrix(root, root / "m.yaml", root / "out", check, build, scheduler=dask.address)
    assert {one.values["town"]: one.status for one in outcomes} == {"Oslo": "built", "Riga": "failed", "Bern": "built"}
    assert (root / "out" / "2025-03-20_Riga.log").read_text() == "traceback"
    oslo = root / "out" / "2025-03-20_Oslo"
    assert is_whole(oslo, read_manifest(oslo))
    monkeypatch.setattr(batch, "versions", lambda *names: {"pandas": "0.1"})  # here; the workers have their own
    dask.add_worker()
    (root / "data" / "Riga.csv").write_text("")
    with pytest.raises(ExecutionError, match=r"has pandas .* and this machine 0\.1"):
        run_matrix(root, root / "m.yaml", root / "out", check, build, scheduler=dask.address)


@long
@pytest.mark.parametrize("goes", ["workers", "scheduler"])
def test_a_cluster_that_goes_away(root: Path, dask: Cluster, goes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if goes == "workers":
        with pytest.raises(ExecutionError, match="has no workers"):
            run_matrix(root, root / "m.yaml", root / "out", check, build, scheduler=dask.address)
        return
    monkeypatch.setattr(batch, "_PATIENCE", 30)
    dask.add_worker()

    for town in ("Riga", "Bern"):
        (root / "data" / f"{town}.csv").write_text("slow")

    def say(line: str) -> None:
        dask.processes[0].send_signal(signal.SIGKILL)

    outcomes = run_matrix(root, root / "m.yaml", root / "out", check, build, scheduler=dask.address, say=say)
    assert [one.status for one in outcomes].count("failed") == 2
    assert all("did not come from its worker" in one.message for one in outcomes if one.status == "failed")
