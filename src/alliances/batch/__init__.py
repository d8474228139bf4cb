"""Many editions in one go: a matrix of parameters, as CI services have it, built here or on a Dask cluster."""

import itertools
import logging
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment

from alliances import place
from alliances.errors import AlliancesError, ExecutionError, ParameterError, sentence_of
from alliances.run import TIME_LIMIT, forks
from alliances.run.cache import files_digest, library_digest, versions, write_whole
from alliances.run.stopping import as_done
from alliances.text.reading import read_utf8, read_yaml

_KEYS = ("matrix", "include", "exclude", "parameters", "to")
_PATIENCE = 10  # seconds for a scheduler to answer, and for a first worker to be there


@dataclass(frozen=True)
class Task:
    """An edition of a batch: where, how and with which function it is built, and how it went."""

    name: str
    values: dict[str, Any]  # checked
    root: Path
    folder: Path
    make: Callable[..., Any]
    how: dict[str, Any]  # formats, engine, timeout
    status: str = ""  # built, kept (it stood there already) or failed
    message: str = ""  # of a failure, of which `log` tells more
    seconds: float = 0.0

    log = property(lambda self: self.folder.with_name(f"{self.name}.log"))


def run_matrix(
    root: Path, file: Path, folder: Path, check: Callable[..., tuple[str, dict[str, Any]]], make: Callable[..., Any], *,
    engine: str = "auto", workers: int = 0, scheduler: str | None = None, timeout: float = TIME_LIMIT,
    say: Callable[[str], None] = lambda line: None,
) -> list[Task]:  # fmt: skip
    """Build all editions of a matrix file; those that stand in the folder already, with the same inputs, are kept.

    `check` checks an edition's parameters and returns its name and values, `make` builds it: `alliances.build` has
    both. `workers` are processes, 0 for one a processor; those of a Dask `scheduler`, named by its address, go before.
    ParameterError if the file or one of its editions is wrong; nothing is built then.
    """
    rows, formats = read_matrix(file)
    tasks, how = dict[str, Task](), {"formats": formats, "engine": engine, "timeout": timeout}
    for number, row in enumerate(rows, 1):
        try:
            name, values = check(row)
        except ParameterError as error:
            raise ParameterError(f"Edition {number} of the matrix: {error}") from error
        tasks[name] = Task(name, values, root, folder / name, make, how)
    if not tasks:
        raise ParameterError("The matrix names no edition; give at least one list of values of a parameter.")
    folder.mkdir(parents=True, exist_ok=True)
    missing = [one for one in tasks.values() if not place.is_unchanged(root, one.values, formats, engine, one.folder)]
    kept = [replace(one, status="kept") for one in tasks.values() if one not in missing]
    for number, one in enumerate(itertools.chain(kept, _built(missing, workers, scheduler)), 1):
        tasks[one.name] = one
        if one.status == "built":
            one.log.unlink(missing_ok=True)
        told = f"{one.name} {one.status} in {one.seconds:.1f} s{': ' * bool(one.message)}{one.message}"
        say(f"  {number} of {len(tasks)}: {told}")
    ordered = list(tasks.values())
    good, bad = ([one for one in ordered if (one.status == "failed") == is_bad] for is_bad in (False, True))
    shown = [name for name in ordered[0].values if len({str(one.values[name]) for one in ordered}) > 1]
    page = Environment(autoescape=True).from_string(Path(__file__).with_name("index.html").read_text(encoding="utf-8"))
    page.stream(good=good, bad=bad, shown=shown, formats=formats).dump(str(folder / "index.html"), encoding="utf-8")
    return ordered


def read_matrix(path: Path) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Read a matrix file; return the parameters of each edition, and the formats: both where it says nothing.

    Numbers and dates stay as written. ParameterError if it cannot be read, or has a key or a shape that is not allowed.
    """
    named = f"The matrix file {path}"
    spec = read_yaml(read_utf8(path, named, ParameterError, "name another"), named, ParameterError, typed=False)
    if not isinstance(spec, dict):
        raise ParameterError(f"{named} holds no mapping; its keys are {', '.join(_KEYS)}; see README.")
    for key in [key for key in spec if key not in _KEYS]:
        raise ParameterError(f"{named} has the key “{key}”; allowed are {', '.join(_KEYS)}.")
    told = spec.get("to", list(place.FORMATS))
    asked = told if isinstance(told, list) else [told]
    if wrong := [item for item in asked or [asked] if item not in place.FORMATS]:
        raise ParameterError(f"to: “{wrong[0]}” is no format; allowed are {' and '.join(place.FORMATS)}.")
    return combinations(spec), tuple(name for name in place.FORMATS if name in asked)


def combinations(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Expand a matrix into sets of parameters; ParameterError if a part has the wrong shape.

    ``matrix`` gives every combination of its lists; ``exclude`` removes those that agree with one of its entries in
    all that the entry names; an entry of ``include`` is added to each combination whose matrix values it does not
    change, and stands on its own where there is none. ``parameters`` hold for all, and give way to the rest.
    """
    matrix, common = (_shaped(spec.get(name), name, dict) for name in ("matrix", "parameters"))
    exclude, include = (
        [_shaped(entry, name, dict) for entry in _shaped(spec.get(name), name, list)] for name in ("exclude", "include")
    )
    for name, values in matrix.items():
        if not isinstance(values, list) or not values:
            raise ParameterError(f"matrix: {name} is “{values}”; write a list of at least one value.")
    rows = [dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())] if matrix else []
    for entry in exclude:
        if not entry or entry.keys() - matrix.keys():
            may = f"it may name only lists of the matrix, {', '.join(map(str, matrix)) or 'which has none'}"
            raise ParameterError(f"An entry of exclude is “{entry}”; {may}.")
        rows = [row for row in rows if not entry.items() <= row.items()]
    original = [dict(row) for row in rows]
    for entry in include:
        fits = [row for row, was in zip(rows, original, strict=False) if was | entry == entry | was]
        for row in fits:
            row.update(entry)
        rows += [] if fits else [entry]
    return [{**common, **row} for row in rows]


def _shaped(value: Any, name: str, kind: type[Any]) -> Any:
    """Return a part of a matrix file; an empty one where there is none."""
    if not isinstance(value or kind(), kind):
        wanted = "names of parameters with their values" if kind is dict else "a list of entries"
        raise ParameterError(f"{name} is “{value}”; write {wanted}.")
    return value or kind()


def build_one(task: Task) -> Task:
    """Build an edition; a failure is an outcome and stops nothing else."""
    start, status = time.monotonic(), "failed"
    try:
        message = task.make(task.root, task.values, output=task.folder, jobs=1, log=task.log, **task.how).notice
        status = "built"
    except (AlliancesError, OSError) as error:
        message = sentence_of(error) if isinstance(error, OSError) else str(error)
    except Exception as error:  # whatever it is, the other editions go on
        message = f"An error of the program itself ({type(error).__name__}: {error})."
    return replace(task, status=status, message=message, seconds=time.monotonic() - start)


def _built(tasks: list[Task], workers: int, scheduler: str | None) -> Iterator[Task]:
    if scheduler and tasks:
        yield from _build_there(tasks, scheduler)
        return
    left, deadly, count = {task.name: task for task in tasks}, "", min(workers or os.cpu_count() or 1, len(tasks))
    while left:
        with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _start) as pool:
            try:
                for task, future in as_done({pool.submit(build_one, task): task for task in left.values()}):
                    yield future.result()
                    del left[task.name]
            except BrokenProcessPool:  # of too little memory, most likely: one process shows which edition it is
                first = next(iter(left.values()))
                if first.name == deadly:
                    yield replace(left.pop(deadly), status="failed", message="Its worker died twice.")
                deadly, count = first.name if count == 1 else "", 1
            except BaseException:
                for worker in multiprocessing.active_children():
                    worker.kill()  # its kernels see that and go
                raise


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    if parent := multiprocessing.parent_process():
        forks.end_with(parent.sentinel, lambda: os._exit(1))
    forks.start()


def _build_there(tasks: list[Task], address: str) -> Iterator[Task]:
    """Yield editions as a cluster builds them; ExecutionError if it cannot be used, or is not like this machine."""
    # Its workers share no disk: the project goes to each once, as bytes, and so come the files of an edition back.
    inputs, root = place.input_files(tasks[0].root), tasks[0].root
    files, project = pack(root, inputs), f"project-{files_digest(inputs, root)[:16]}"  # all editions share its cache
    client = _connected(address)
    from distributed import WorkerPlugin

    class Project(WorkerPlugin):  # goes to workers that come later, too
        def setup(self, worker: Any) -> None:
            unpack(files, Path(worker.local_directory, project))

    try:
        _compare(client, address)
        client.register_plugin(Project(), name=project)
        pool = client.get_executor(pure=False, retries=2)
        for task, future in as_done({pool.submit(_on_worker, task, project): task for task in tasks}):
            try:
                yield _received(task, *future.result())
            except Exception as error:  # worker or scheduler is gone for good, or it cannot be put in place
                told = str(error) if isinstance(error, AlliancesError) else f"{type(error).__name__}: {error}"
                yield replace(task, status="failed", message=f"It did not come from its worker ({told}).")
    finally:
        with suppress(Exception):  # the scheduler may be gone
            client.close(timeout=_PATIENCE)


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        told = "--scheduler needs Dask, which is not installed; install the extra “cluster”"
        raise ExecutionError(f"{told} with `pip install 'alliances[cluster]'`.") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)  # what matters of it is said in a sentence
    client = Client.__new__(Client)
    try:
        Client.__init__(client, address, timeout=_PATIENCE, set_as_default=False)
        return client
    except Exception as error:  # whatever listens there, it is no scheduler
        with suppress(Exception):  # else garbage collection closes it later, and waits for ever if another one starts
            client.close(timeout=_PATIENCE)
        told = f"No Dask scheduler answers at “{address}” within {_PATIENCE} seconds; give an address such as"
        raise ExecutionError(f"{told} tcp://10.0.0.1:8786, or start one with `dask scheduler`.") from error


def _description() -> dict[str, str]:  # of what decides the bytes of an edition, apart from the project's files
    return {**versions(*place.PACKAGES, "distributed", "cloudpickle"), "library": library_digest()}


def _compare(client: Any, address: str) -> None:
    """Compare every worker with this machine before any work."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError as error:
        told = f"The Dask scheduler at {address} has no workers; start one with `dask worker {address}`."
        raise ExecutionError(told) from error
    here = _description()
    for worker, answer in sorted(client.run(_description, on_error="return").items()):
        there = answer if isinstance(answer, dict) else {}  # an error, where this project is not installed
        if name := next((name for name in here if there.get(name) != here[name]), None):
            has = f"has {name} {there.get(name, 'missing')} and this machine {here[name]}"
            raise ExecutionError(f"Worker {worker} {has}; install the same version on it.")


def _on_worker(task: Task, project: str) -> tuple[Task, dict[str, bytes]]:
    """Build an edition there; return how it went, and its files with its log."""
    from distributed import get_worker

    local = Path(get_worker().local_directory)
    with tempfile.TemporaryDirectory(prefix="edition-", dir=local, ignore_cleanup_errors=True) as own:
        done = build_one(replace(task, root=local / project, folder=Path(own, task.name)))
        return done, pack(Path(own), Path(own).rglob("*"))


def _received(task: Task, done: Task, files: Mapping[str, bytes]) -> Task:
    """Put an edition in place that has come, or its log."""
    if done.status == "failed":
        task.log.write_bytes(files.get(task.log.name, b""))
    else:
        with tempfile.TemporaryDirectory(prefix="edition-", ignore_cleanup_errors=True) as own:
            unpack(files, Path(own))
            manifest = place.read_manifest(Path(own, task.name))
            place.recover(task.folder)
            place.refuse_foreign(task.folder, manifest["parameters"], manifest["defaults"])
            place.put_in_place(Path(own, task.name), task.folder)
    return replace(done, root=task.root, folder=task.folder, message=done.message.replace(str(done.log), str(task.log)))


def pack(base: Path, files: Iterable[Path]) -> dict[str, bytes]:
    """Take the contents of files by their paths below a folder."""
    return {path.relative_to(base).as_posix(): path.read_bytes() for path in files if path.is_file()}


def unpack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a folder."""
    for name, content in files.items():
        write_whole(folder / name, content)
