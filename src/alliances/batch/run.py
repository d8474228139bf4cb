"""Run a matrix: check every edition first, build them, and end with an index page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from alliances.batch import local, matrix
from alliances.batch.index import write_index
from alliances.batch.work import Outcome, Task, standing
from alliances.build import Step, load_validated, no_step, slug
from alliances.execution.cache import Cache
from alliances.execution.run import TIME_LIMIT
from alliances.parameters import check_parameters


def run_matrix(
    root: Path,
    file: Path,
    folder: Path,
    *,
    engine: str = "auto",
    workers: int = 0,
    scheduler: str | None = None,
    say: Callable[[str], None] = lambda line: None,
    step: Step = no_step,
    timeout: float = TIME_LIMIT,
) -> list[Outcome]:
    """Build all editions of a matrix file.

    An edition that stands in the folder already, complete and with the same inputs, is kept: an interrupted batch
    goes on where it stopped.

    Parameters
    ----------
    root : Path
        Project folder.
    file : Path
        The matrix file.
    folder : Path
        Folder of the editions, each in one of its own.
    engine : str
        ``auto``, ``quarto`` or ``embedded``.
    workers : int
        Worker processes; 0 takes one a processor.
    scheduler : str, optional
        Address of a Dask scheduler; the editions are then built by its workers.
    say : callable
        Receives progress, a line at a time.
    step : callable
        Receives progress in numbers, as in :func:`alliances.build.build_edition`.
    timeout : float
        Longest time for a notebook, in seconds.

    Returns
    -------
    list of Outcome
        In the order of the matrix.

    Raises
    ------
    ParameterError
        If the file or one of its editions is wrong; nothing is built then.
    """
    spec = matrix.read_matrix(file)
    formats = matrix.formats(spec)
    dataset = load_validated(root, Cache(root))
    defaults = check_parameters({}, dataset)
    tasks = []
    for parameters in matrix.checked(spec, dataset):
        name = slug(parameters, defaults) or f"{parameters.as_of}_default"
        values = {**parameters.model_dump(), "exclude_sources": list(parameters.exclude_sources)}
        tasks.append(Task(name, values, str(root), str(folder / name), formats, engine, timeout))
    folder.mkdir(parents=True, exist_ok=True)
    say(f"{len(tasks)} editions")
    step("editions", 0, len(tasks))
    outcomes: dict[str, Outcome] = {}
    for outcome in _outcomes(tasks, scheduler, root, workers):
        outcomes[outcome.name] = outcome
        step("editions", len(outcomes), len(tasks))
        detail = f": {outcome.message}" if outcome.message else ""
        say(f"  {len(outcomes)} of {len(tasks)}: {outcome.name} {outcome.status} in {outcome.seconds:.1f} s{detail}")
    ordered = [outcomes[task.name] for task in tasks]
    write_index(folder, ordered, formats)
    return ordered


def _outcomes(tasks: Sequence[Task], scheduler: str | None, root: Path, workers: int) -> Iterator[Outcome]:
    """Yield the outcomes of editions that stand there already, and then of those that have to be built."""
    missing = []
    for task in tasks:
        there = standing(task)
        if there:
            yield there
        else:
            missing.append(task)
    if missing and scheduler:
        from alliances.batch import cluster

        yield from cluster.run(missing, scheduler, root)
    elif missing:
        yield from local.run(missing, workers)
