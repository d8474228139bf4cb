"""What a worker does: build one edition, and say how it went."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from alliances import freshness
from alliances.build import build_edition
from alliances.errors import AlliancesError, sentence_of
from alliances.execution.run import TIME_LIMIT
from alliances.execution.warm_process import WarmKernels
from alliances.publishing import Typesetter

_warm: WarmKernels | None = None
_typesetter: Typesetter | None = None
_starting = threading.Lock()


@dataclass(frozen=True)
class Task:
    """An edition to build.

    Parameters
    ----------
    name : str
        Its slug.
    values : dict
        Its parameters, checked.
    root, folder : str
        Project folder, and the edition's folder.
    formats : tuple of str
        ``html``, ``pdf`` or both.
    engine : str
        ``auto``, ``quarto`` or ``embedded``.
    timeout : float
        Longest time for a notebook, in seconds.
    """

    name: str
    values: dict[str, Any]
    root: str
    folder: str
    formats: tuple[str, ...]
    engine: str
    timeout: float = TIME_LIMIT


@dataclass(frozen=True)
class Outcome:
    """How an edition went: ``built``, ``kept`` (it stood there already) or ``failed``, with a sentence."""

    name: str
    values: dict[str, Any]
    status: str
    message: str
    seconds: float
    engine: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON-ready values."""
        return asdict(self)


def start_worker() -> None:
    """Start the processes of this worker, once: all its editions fork their kernels from one, and one sets the PDFs.

    Editions have most chapters in common, and Typst sets again only what differs from the edition before. A worker
    takes one processor and no more, since it is the workers that share the machine.
    """
    global _warm, _typesetter
    with _starting:
        if _warm is None:
            _warm = WarmKernels()
            _warm.__enter__()
        if _typesetter is None:
            _typesetter = Typesetter(threads=1)
            _typesetter.__enter__()


def stop_worker() -> None:
    """End the processes of this worker."""
    global _warm, _typesetter
    with _starting:
        if _warm is not None:
            _warm.__exit__(None, None, None)
            _warm = None
        if _typesetter is not None:
            _typesetter.__exit__(None, None, None)
            _typesetter = None


def key(task: Task) -> str:
    """Return the key of an edition and of all that it rests on."""
    return freshness.request_key(Path(task.root), task.values, task.formats, task.engine, Path(task.folder))


def standing(task: Task) -> Outcome | None:
    """Return the outcome of an edition that stands in its folder already, with nothing changed since."""
    start = time.perf_counter()
    there = freshness.find(Path(task.root), key(task))
    if there is None:
        return None
    return Outcome(task.name, task.values, "kept", "", time.perf_counter() - start, there["engine"])


def build(task: Task, scratch: Path | None = None) -> Outcome:
    """Build an edition unless it stands there already; a failure is an outcome and stops nothing else."""
    start = time.perf_counter()
    there = standing(task)
    if there:
        return there
    root, folder = Path(task.root), Path(task.folder)
    try:
        built = build_edition(
            root,
            task.values,
            formats=task.formats,
            engine=task.engine,
            jobs=1,
            output=folder,
            log=folder.parent / f"{task.name}.log",
            warm=_warm,
            typesetter=_typesetter,
            timeout=task.timeout,
            scratch=scratch,
        )
    except AlliancesError as error:
        return Outcome(task.name, task.values, "failed", str(error), time.perf_counter() - start)
    except OSError as error:
        return Outcome(task.name, task.values, "failed", sentence_of(error), time.perf_counter() - start)
    except Exception as error:  # whatever it is, the other editions go on
        message = f"An error of the program itself ({type(error).__name__}: {error})."
        return Outcome(task.name, task.values, "failed", message, time.perf_counter() - start)
    if not built.notice:
        freshness.note(root, key(task), built.folder, built.files, built.engine)
    (folder.parent / f"{task.name}.log").unlink(missing_ok=True)
    return Outcome(task.name, task.values, "built", built.notice, time.perf_counter() - start, built.engine)
