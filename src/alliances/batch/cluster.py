"""A batch on a Dask cluster that is there already; its workers share no disk with this machine or each other.

The project goes to each worker once, as bytes; the files of an edition come back likewise and are put in place here.
"""

import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alliances.batch.run import Task, build_one
from alliances.errors import AlliancesError, ClusterError
from alliances.manifest import PACKAGES, input_files, read_manifest
from alliances.place import put_in_place, recover, refuse_foreign
from alliances.run.cache import files_digest, library_digest, versions
from alliances.run.stopping import as_done

if TYPE_CHECKING:
    from distributed import Client

_PATIENCE = 10  # seconds for a scheduler to answer, and for a first worker to be there


def build_there(tasks: list[Task], address: str) -> Iterator[Task]:
    """Build editions on a cluster, and yield each as it comes.

    ClusterError if `distributed` is not installed, nobody answers, a worker is not like this machine, or all go away.
    """
    client = _connected(address)
    try:
        _compare(client, address)
        project = _send(client, tasks[0].root)
        pool = client.get_executor(pure=False, retries=2)
        for task, future in as_done({pool.submit(_on_worker, task, project): task for task in tasks}):
            try:
                yield _received(task, *future.result())
            except CancelledError as error:  # what Dask raises when its scheduler has gone
                told = f"The connection to the Dask scheduler at {address} was lost"
                raise ClusterError(f"{told}; the same command goes on from here.") from error
            except Exception as error:  # the worker is gone for good, or the edition cannot be put in place
                told = str(error) if isinstance(error, AlliancesError) else f"{type(error).__name__}: {error}"
                yield replace(task, status="failed", message=f"It did not come from its worker ({told}).")
    finally:
        with suppress(Exception):  # the scheduler may be gone
            client.close(timeout=_PATIENCE)


def _connected(address: str) -> "Client":
    try:
        from distributed import Client
    except ImportError as error:
        raise ClusterError(
            "--scheduler needs Dask, which is not installed; install the extra “cluster” with "
            "`pip install 'alliances[cluster]'`, or in the project's folder with `uv sync --inexact --extra cluster`."
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)  # what matters of it is said in a sentence
    try:
        return Client(address, timeout=_PATIENCE, set_as_default=False)
    except Exception as error:  # whatever listens there, it is no scheduler
        raise ClusterError(
            f"No Dask scheduler answers at “{address}” within {_PATIENCE} seconds; give --scheduler an address such as "
            "tcp://10.0.0.1:8786, or start one with `dask scheduler`."
        ) from error


def _description() -> dict[str, str]:  # of what decides the bytes of an edition, apart from the project's files
    return {**versions(*PACKAGES, "distributed", "cloudpickle"), "library": library_digest()}


def _compare(client: "Client", address: str) -> None:
    """Compare every worker with this machine before any work."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError as error:
        told = f"The Dask scheduler at {address} has no workers; start one with `dask worker {address}`."
        raise ClusterError(told) from error
    here = _description()
    for worker, there in sorted(client.run(_description, on_error="return").items()):
        if not isinstance(there, dict):
            raise ClusterError(f"Worker {worker} cannot build editions ({there}); install this project on it.")
        for name in (name for name in here if there.get(name) != here[name]):
            has = f"has {name} {there.get(name, 'missing')} and this machine {here[name]}"
            raise ClusterError(f"Worker {worker} {has}; install the same version on it.")


def _send(client: "Client", root: Path) -> str:
    """Send the project to every worker, those that come later included, and return its name in their folders."""
    from distributed import WorkerPlugin

    inputs = input_files(root)
    files, name = pack(root, inputs), f"project-{files_digest(inputs, root)[:16]}"  # all editions share its cache

    class Project(WorkerPlugin):
        def setup(self, worker: Any) -> None:
            unpack(files, Path(worker.local_directory, name))

    client.register_plugin(Project(), name=name)
    return name


def _on_worker(task: Task, project: str) -> tuple[Task, dict[str, bytes]]:
    """Build an edition there; return how it went, and its files with its log."""
    from distributed import get_worker

    own = Path(get_worker().local_directory)
    with tempfile.TemporaryDirectory(prefix="edition-", dir=own, ignore_cleanup_errors=True) as place:
        done = build_one(replace(task, root=own / project, folder=Path(place, task.name)))
        return done, pack(Path(place), Path(place).rglob("*"))


def _received(task: Task, done: Task, files: Mapping[str, bytes]) -> Task:
    """Put an edition in place that has come, or its log."""
    if done.status == "failed":
        task.log.write_bytes(files.get(task.log.name, b""))
    else:
        with tempfile.TemporaryDirectory(prefix="edition-", ignore_cleanup_errors=True) as place:
            unpack(files, Path(place))
            manifest = read_manifest(Path(place, task.name))
            recover(task.folder)
            refuse_foreign(task.folder, manifest["parameters"], manifest["defaults"])
            put_in_place(Path(place, task.name), task.folder)
    return replace(done, root=task.root, folder=task.folder, message=done.message.replace(str(done.log), str(task.log)))


def pack(base: Path, files: Iterable[Path]) -> dict[str, bytes]:
    """Take the contents of files by their paths below a folder."""
    return {path.relative_to(base).as_posix(): path.read_bytes() for path in files if path.is_file()}


def unpack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
