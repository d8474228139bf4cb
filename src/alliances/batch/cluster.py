"""A batch on a Dask cluster that is there already; its workers share no disk with this machine or each other.

The project goes to each worker once, as bytes; the files of an edition come back likewise and are put in place here.
"""

import hashlib
import io
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alliances.batch.run import Outcome, Task, build_one
from alliances.errors import AlliancesError, ClusterError
from alliances.manifest import PACKAGES, input_files, read_manifest
from alliances.place import put_in_place, recover, refuse_foreign
from alliances.run.cache import library_digest, versions
from alliances.run.stopping import as_done

if TYPE_CHECKING:
    from distributed import Client

_PATIENCE = 10  # seconds for a scheduler to answer, and for a first worker to be there


def build_there(tasks: list[Task], address: str) -> Iterator[Outcome]:
    """Build editions on a cluster, and yield each outcome as it comes.

    Raises
    ------
    ClusterError
        If `distributed` is not installed, no scheduler or worker answers, a worker is not like this machine, or the
        cluster goes away.
    """
    with _connected(address) as client:
        _compare(client, address)
        project = _send(client, tasks[0].root)
        pool = client.get_executor(pure=False, retries=2)
        for task, future in as_done({pool.submit(_on_worker, task, project): task for task in tasks}):
            try:
                yield _received(task, *future.result())
            except CancelledError as error:  # what Dask raises when its scheduler has gone
                told = (
                    f"The connection to the Dask scheduler at {address} was lost; the same command goes on from here."
                )
                raise ClusterError(told) from error
            except Exception as error:  # the worker is gone for good, or the edition cannot be put in place
                told = str(error) if isinstance(error, AlliancesError) else f"{type(error).__name__}: {error}"
                yield Outcome(task.name, task.values, "failed", f"It did not come from its worker ({told}).")


@contextmanager
def _connected(address: str) -> Iterator["Client"]:
    try:
        from distributed import Client
    except ImportError as error:
        raise ClusterError(
            "--scheduler needs Dask, which is not installed; install the extra “cluster” with "
            "`pip install 'alliances[cluster]'`, or in the project's folder with `uv sync --inexact --extra cluster`."
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)  # what matters of it is said in a sentence
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except Exception as error:  # whatever listens there, it is no scheduler
        raise ClusterError(
            f"No Dask scheduler answers at “{address}” within {_PATIENCE} seconds; give --scheduler an address such as "
            "tcp://10.0.0.1:8786, or start one with `dask scheduler`."
        ) from error
    try:
        yield client
    finally:
        with suppress(Exception):  # the scheduler may be gone
            client.close(timeout=_PATIENCE)


def description() -> dict[str, str]:
    """Describe what decides the bytes of an edition on this machine, apart from the project's files."""
    return {**versions(*PACKAGES, "distributed", "cloudpickle"), "library": library_digest()}


def _compare(client: "Client", address: str) -> None:
    """Compare every worker with this machine before any work."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError as error:
        told = f"The Dask scheduler at {address} has no workers; start one with `dask worker {address}`."
        raise ClusterError(told) from error
    here = description()
    for worker, there in sorted(client.run(description, on_error="return").items()):
        if not isinstance(there, dict):
            raise ClusterError(f"Worker {worker} cannot build editions ({there}); install this project on it.")
        for name in (name for name in here if there.get(name) != here[name]):
            has = f"has {name} {there.get(name) or 'missing'} and this machine {here[name] or 'none'}"
            raise ClusterError(f"Worker {worker} {has}; install the same version on it.")


def _send(client: "Client", root: Path) -> str:
    """Send the project to every worker, those that come later included, and return its name in their folders."""
    from distributed import WorkerPlugin

    content = pack(root, input_files(root))
    name = f"project-{hashlib.sha256(content).hexdigest()[:16]}"  # all editions there share its cache

    class Project(WorkerPlugin):
        def setup(self, worker: Any) -> None:
            unpack(content, Path(worker.local_directory, name))

    client.register_plugin(Project(), name=name)
    return name


def _on_worker(task: Task, project: str) -> tuple[Outcome, bytes]:
    """Build an edition there; return how it went, and its files with its log."""
    from distributed import get_worker

    own = Path(get_worker().local_directory)
    with tempfile.TemporaryDirectory(prefix="edition-", dir=own, ignore_cleanup_errors=True) as place:
        there = replace(task, root=own / project, folder=Path(place, task.name))
        outcome = build_one(there)
        files = pack(Path(place), Path(place).rglob("*"))
        return replace(outcome, message=outcome.message.replace(str(there.log), str(task.log))), files


def _received(task: Task, outcome: Outcome, files: bytes) -> Outcome:
    """Put an edition in place that has come, or its log."""
    with tempfile.TemporaryDirectory(prefix="edition-", ignore_cleanup_errors=True) as place:
        unpack(files, Path(place))
        if outcome.status == "failed":
            with suppress(FileNotFoundError):
                shutil.copy(Path(place, task.log.name), task.log)
            return outcome
        manifest = read_manifest(Path(place, task.name))
        recover(task.folder)
        refuse_foreign(task.folder, manifest["parameters"], manifest["defaults"])
        put_in_place(Path(place, task.name), task.folder)
    return outcome


def pack(base: Path, files: Iterable[Path]) -> bytes:
    """Pack files below a folder; the same ones give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for path in sorted(path for path in files if path.is_file()):
            archive.write(path, path.relative_to(base).as_posix())
    return out.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Unpack into a folder."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)  # it keeps every file inside the folder
