"""A batch on a Dask cluster that is there already; its workers share no disk with this machine or each other.

The project goes to the workers once, as bytes; the files of an edition come back likewise and are put in place here.
"""

from __future__ import annotations

import hashlib
import io
import logging
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alliances.batch.run import Outcome, Task, build_one, fill
from alliances.errors import ClusterError
from alliances.run.cache import library_digest, versions

if TYPE_CHECKING:
    from distributed import Client

_PATIENCE = 10  # seconds for a scheduler to answer, and for a first worker to be there
_LOST = "the same command goes on from here"


def build_there(tasks: list[Task], address: str) -> Iterator[tuple[Task, Outcome]]:
    """Build editions on a cluster, and yield each outcome as it comes.

    Raises
    ------
    ClusterError
        If `distributed` is not installed, no scheduler or worker answers, a worker is not like this machine, or the
        cluster goes away.
    """
    from alliances.build import input_files  # here: batch stands below it

    with _connected(address) as client:
        _compare(client, address)
        root = tasks[0].root
        project = client.scatter(pack(root, input_files(root)), broadcast=True, hash=False)
        pool = client.get_executor(pure=False, retries=2)

        def submit(task: Task) -> Future[Any]:
            if client.status != "running":
                raise OSError("the scheduler has gone")
            submitted: Future[Any] = pool.submit(
                _on_worker, replace(task, root=Path(), folder=Path(task.name)), project
            )
            return submitted

        try:
            for task, result in fill(submit, [(task, 1) for task in tasks], sum(client.nthreads().values()) + 2):
                yield task, result if isinstance(result, Outcome) else _received(task, *result)
        except (CancelledError, OSError) as error:  # what Dask raises when its scheduler has gone
            raise ClusterError(f"The connection to the Dask scheduler at {address} was lost; {_LOST}.") from error


@contextmanager
def _connected(address: str) -> Iterator[Client]:
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
    from alliances.build import PACKAGES

    return {**versions(*PACKAGES, "distributed", "cloudpickle"), "library": library_digest()}


def _compare(client: Client, address: str) -> None:
    """Compare every worker with this machine before any work."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError as error:
        raise ClusterError(
            f"The Dask scheduler at {address} has no workers; start one with `dask worker {address}`."
        ) from error
    here = description()
    for worker, there in sorted(client.run(description, on_error="return").items()):
        if not isinstance(there, dict):
            raise ClusterError(f"Worker {worker} cannot build editions ({there}); install this project on it.")
        for name in (name for name in here if there.get(name) != here[name]):
            raise ClusterError(
                f"Worker {worker} has {name} {there.get(name) or 'missing'} and this machine {here[name] or 'none'}; "
                "install the same version on it."
            )


def _on_worker(task: Task, project: bytes) -> tuple[Outcome, bytes, str]:
    """Build an edition there; return how it went, its files, and its log."""
    from distributed import get_worker

    own = Path(get_worker().local_directory)
    root = own / f"project-{hashlib.sha256(project).hexdigest()[:16]}"  # all editions there share its cache
    with tempfile.TemporaryDirectory(prefix="edition-", dir=own, ignore_cleanup_errors=True) as place:
        if not root.is_dir():
            unpack(project, Path(place, "project"))
            with suppress(OSError):  # another thread was faster
                Path(place, "project").rename(root)
        folder = Path(place, task.name)
        there = replace(task, root=root, folder=folder)
        outcome = build_one(there)
        log = there.log.read_text(encoding="utf-8") if there.log.exists() else ""
        message = outcome.message.replace(str(there.log), "{log}")
        return replace(outcome, message=message), pack(folder, folder.rglob("*")), log


def _received(task: Task, outcome: Outcome, files: bytes, log: str) -> Outcome:
    if outcome.status == "failed":
        task.log.write_text(log, encoding="utf-8")
        return replace(outcome, message=outcome.message.replace("{log}", str(task.log)))
    from alliances.place import is_whole, put_in_place, read_manifest, recover

    with tempfile.TemporaryDirectory(prefix="edition-", ignore_cleanup_errors=True) as place:
        unpack(files, done := Path(place, "edition"))
        recover(task.folder)
        manifest, there = read_manifest(done), read_manifest(task.folder).get("parameters")
        if not is_whole(done, manifest) or there not in (None, manifest["parameters"]):
            what = "holds another edition; choose another folder" if there else "came damaged; run the batch again"
            return replace(outcome, status="failed", message=f"{task.folder} {what}.")
        put_in_place(done, task.folder)
    return outcome


def pack(base: Path, files: Iterable[Path]) -> bytes:
    """Pack files below a folder; the same ones give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in files if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(base).as_posix())
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Unpack into a folder."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)  # it keeps every file inside the folder
