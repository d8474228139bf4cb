"""A batch on a Dask cluster that is there already; its workers share no disk with this machine or each other.

The project goes to the workers once, as bytes. Each worker unpacks it into a folder of its own, builds editions
there, and returns their files as bytes, which are put in place here.
"""

from __future__ import annotations

import asyncio
import logging
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alliances import freshness
from alliances.batch import parcel, work
from alliances.batch.work import Outcome, Task
from alliances.build import put_in_place, recover, refuse_foreign
from alliances.dataset import Dataset
from alliances.errors import AlliancesError, ClusterError, sentence_of
from alliances.execution.cache import Cache
from alliances.execution.digests import library_digest, versions
from alliances.locks import locked
from alliances.parameters import check_parameters
from alliances.publishing import find_quarto

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECT = 5  # seconds for a scheduler to answer, and for a first worker to be there
_LOOK = 2  # seconds between two looks at whether anybody still works
_ALONE = 60  # seconds without any worker after which the batch gives up
_TRIES = 3
#: What has to be the same here and on each worker; Dask's own versions too, or objects cannot be read.
_PACKAGES = (*freshness.PACKAGES, "dask", "distributed", "cloudpickle")


def run(tasks: Sequence[Task], address: str, root: Path) -> Iterator[Outcome]:
    """Build editions on a cluster, and yield each outcome as it comes.

    Only so many editions are under way as the workers can take at once, and one more for each. An edition whose
    worker dies is built by another one.

    Parameters
    ----------
    tasks : sequence of Task
        Editions; their folders are on this machine.
    address : str
        Address of the scheduler, such as ``tcp://10.0.0.1:8786``.
    root : Path
        Project folder.

    Raises
    ------
    ClusterError
        If `distributed` is not installed, no scheduler or worker answers, a worker is not like this machine, or
        the cluster goes away.
    """
    with _connected(address) as client:
        _check_workers(client, address, needs_quarto=any(task.engine != "embedded" for task in tasks))
        yield from _Batch(client, address, root).run(tasks)


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    try:
        from distributed import Client
    except ImportError as error:
        raise ClusterError(
            "--scheduler needs Dask, which is not installed; install the extra “cluster” with "
            "`pip install 'alliances[cluster]'`, or in the project's folder with `uv sync --inexact --extra cluster`."
        ) from error
    loggers = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict) if name.startswith("distrib")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)  # what matters of it is said in a sentence
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asyncio.run(_knock(address))
            client = Client(address, timeout=_CONNECT, set_as_default=False)
            try:
                yield client
            finally:
                with suppress(Exception):  # the scheduler may be gone
                    client.close(timeout=_CONNECT)
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


async def _knock(address: str) -> None:
    """Try the address first: a client that finds nobody takes its time, and tells so in its own way."""
    from distributed.comm.addressing import normalize_address
    from distributed.comm.core import connect
    from distributed.security import Security

    try:
        arguments = Security().get_connection_args("client")
        comm = await connect(normalize_address(address), timeout=_CONNECT, **arguments)
        comm.abort()
    except Exception as error:  # whatever listens there, it is no scheduler
        raise ClusterError(
            f"No Dask scheduler answers at “{address}” within {_CONNECT} seconds; give --scheduler an address such as "
            "tcp://10.0.0.1:8786, or start one with `dask scheduler`."
        ) from error


def description(*, with_quarto: bool) -> dict[str, str]:
    """Describe what decides the bytes of an edition on this machine, apart from the project's files."""
    quarto = find_quarto() if with_quarto else None
    return {**versions(*_PACKAGES), "library": library_digest(), "Quarto": quarto.version if quarto else ""}


def _check_workers(client: Client, address: str, *, needs_quarto: bool) -> None:
    """Compare every worker with this machine before any work.

    Raises
    ------
    ClusterError
        Naming the worker and the difference.
    """
    try:
        client.wait_for_workers(1, timeout=_CONNECT)
    except TimeoutError as error:
        raise ClusterError(
            f"The Dask scheduler at {address} has no workers; start one with `dask worker {address}`."
        ) from error

    def describe() -> dict[str, str] | str:
        # A function in a function travels as it is, also to a worker that does not have this library.
        try:
            from alliances.batch.cluster import description
        except ImportError as error:
            return str(error)
        return description(with_quarto=needs_quarto)

    here = description(with_quarto=needs_quarto)
    for worker, there in sorted(client.run(describe, on_error="return").items()):
        _compare(worker, here, there)


def _compare(worker: str, here: dict[str, str], there: Any) -> None:
    if not isinstance(there, dict):
        raise ClusterError(f"Worker {worker} cannot build editions ({there}); install this project on it.")
    for name in here:
        if there.get(name) != here[name]:
            if name == "library":
                raise ClusterError(
                    f"Worker {worker} has other code of this library than this machine; install the same version on it."
                )
            raise ClusterError(
                f"Worker {worker} has {name} {there.get(name) or 'missing'} and this machine {here[name] or 'none'}; "
                "install the same version on it."
            )


class _Batch:
    """The editions of one batch that are under way on a cluster."""

    def __init__(self, client: Client, address: str, root: Path) -> None:
        self.client = client
        self.address = address
        self.root = root
        self.dataset = Dataset.load(root, validate=False)  # the batch has validated it
        self.project = parcel.pack(root, freshness.input_files(root))
        self.sent = self._send()

    def _send(self) -> Future[Any]:
        sent: Future[Any] = self.client.scatter(self.project, broadcast=True, hash=False)
        return sent

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        waiting = [(task, 1) for task in reversed(tasks)]
        running: dict[Future[Any], tuple[Task, int]] = {}
        last_seen = time.monotonic()
        try:
            while waiting or running:
                threads = self.client.nthreads()
                if threads:
                    last_seen = time.monotonic()
                elif time.monotonic() - last_seen > _ALONE:
                    raise ClusterError(
                        f"The cluster at {self.address} has had no worker for {_ALONE} seconds; start some, and the "
                        "same command goes on from here."
                    )
                while waiting and len(running) < sum(threads.values()) + len(threads):
                    task, tries = waiting.pop()
                    running[self._submit(task)] = (task, tries)
                for future in self._finished(running):
                    task, tries = running.pop(future)
                    outcome = self._received(future, task, tries)
                    if outcome is None:
                        waiting.append((task, tries + 1))
                    else:
                        yield outcome
        except (OSError, RuntimeError) as error:  # what Dask raises when its scheduler has gone
            raise ClusterError(
                f"The connection to the Dask scheduler at {self.address} was lost ({type(error).__name__}); the same "
                "command goes on from here."
            ) from error
        finally:
            with suppress(Exception):
                self.client.cancel(list(running), force=True)

    def _submit(self, task: Task) -> Future[Any]:
        there = replace(task, root="", folder="")
        return self.client.submit(build_there, there, self.sent, parcel.digest(self.project), pure=False, retries=0)

    def _finished(self, running: dict[Future[Any], tuple[Task, int]]) -> list[Future[Any]]:
        from distributed import CancelledError, wait

        if running:
            with suppress(TimeoutError, CancelledError), self.client.as_current():
                wait(list(running), timeout=_LOOK, return_when="FIRST_COMPLETED")
        else:
            time.sleep(_LOOK)
        return [future for future in running if future.done()]

    def _received(self, future: Future[Any], task: Task, tries: int) -> Outcome | None:
        """Put a finished edition in place; ``None`` where it has to be tried again."""
        from distributed import CancelledError, KilledWorker

        try:
            built: tuple[Outcome, bytes, str] = future.result()
        except (KilledWorker, CancelledError) as error:
            if self.client.status != "running":
                raise ClusterError(
                    f"The Dask scheduler at {self.address} has gone; the same command goes on from here."
                ) from error
            if tries < _TRIES:
                self.sent = self._send()  # the workers that had the project may be gone
                return None
            return Outcome(task.name, task.values, "failed", f"Its worker died {_TRIES} times.", 0.0)
        except AlliancesError as error:
            return Outcome(task.name, task.values, "failed", str(error), 0.0)
        except Exception as error:  # raised on the worker by what is no edition's fault; the others go on
            message = f"Its worker failed ({type(error).__name__}: {error})."
            return Outcome(task.name, task.values, "failed", message, 0.0)
        outcome, files, log = built
        place = Path(task.folder)
        if outcome.status == "failed":
            place.with_name(f"{task.name}.log").write_text(log, encoding="utf-8")
            return replace(outcome, message=outcome.message.replace(_LOG, str(place.with_name(f"{task.name}.log"))))
        try:
            self._put(task, files, outcome)
        except AlliancesError as error:
            return replace(outcome, status="failed", message=str(error))
        except OSError as error:
            return replace(outcome, status="failed", message=sentence_of(error))
        return outcome

    def _put(self, task: Task, files: bytes, outcome: Outcome) -> None:
        place = Path(task.folder)
        with (
            parcel.unpacked(files) as arrived,
            locked(place, Cache(self.root).folder / "locks", lambda line: None),
        ):
            if not freshness.is_whole(arrived):
                raise ClusterError(f"Edition {task.name} arrived damaged from its worker; run the batch again.")
            recover(place)
            refuse_foreign(place, check_parameters(task.values, self.dataset), force=False)
            put_in_place(arrived, place)
        if not outcome.message:
            reports = [place / f"report.{kind}" for kind in task.formats]
            freshness.note(self.root, work.key(task), place, reports, outcome.engine)


# ---------------------------------------------------------------- on the worker

_LOG = "{log}"  # stands in a message for the log's place, which is another one here


def build_there(task: Task, project: bytes, digest: str) -> tuple[Outcome, bytes, str]:
    """Build an edition on a worker.

    Returns
    -------
    tuple of (Outcome, bytes, str)
        How it went, its files, and its log where it failed.
    """
    from distributed import get_worker

    own = Path(get_worker().local_directory)
    root = parcel.unpack_once(project, own / f"project-{digest[:16]}")
    work.start_worker()
    with parcel.folder_in(own) as scratch:
        place, log = scratch / "edition", scratch / f"{task.name}.log"
        outcome = work.build(replace(task, root=str(root), folder=str(place)), scratch)
        if outcome.status == "failed":
            text = log.read_text(encoding="utf-8") if log.exists() else ""
            return replace(outcome, message=outcome.message.replace(str(log), _LOG)), b"", text
        return outcome, parcel.pack(place, place.rglob("*")), ""
