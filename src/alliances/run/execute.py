"""Run notebooks with papermill, several at a time, each in a kernel of its own; what has not changed does not run."""

import logging
import os
import re
import tempfile
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from alliances.dataset.dataset import UNCODED, VALIDATED
from alliances.errors import AlliancesError, ExecutionError
from alliances.run import TIME_LIMIT, forks, notebooks, warm
from alliances.run.cache import Cache, digest, files_digest, ids_digest, library_digest, versions
from alliances.run.stopping import as_done

#: Parts of the library on which notebooks stand; what lies above them cannot change their outputs.
LIBRARY = ("text", "dataset", "analysis", "charts", "narrative", "__init__.py", "edition.py", "errors.py",
           "parameters.py")  # fmt: skip
PACKAGES = ("altair", "ipykernel", "ipython", "nbclient", "numpy", "pandas", "papermill")
# papermill makes the text of a notebook even where, as here, there is no file for it.
_write = papermill.execute.write_ipynb
papermill.execute.write_ipynb = lambda notebook, path: _write(notebook, path) if path else None
_ALWAYS = ("data/datapackage.json", "report/_brand.yml", "notebooks/*.py")


class _Job(NamedTuple):
    """A notebook with what it is passed; the files of its run begin with `base`, once it runs."""

    name: str
    notebook: NotebookNode
    values: dict[str, Any] | None
    root: Path
    base: Path
    timeout: float
    log: Path | None
    uncoded: str

    def inputs(self) -> dict[str, Any]:
        """Return what outputs depend on, tables apart, by names that `--explain` gives as reasons."""
        book = self.notebook
        cells = [(cell.get("id"), cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in book.cells]
        return (
            {"its cells": digest(cells), "the library": library_digest(*LIBRARY)}
            | {f"parameter {name}": value for name, value in (self.values or {}).items()}
            | {f"the version of {name}": number for name, number in versions(*PACKAGES).items()}
            | {"the settings of kernels": digest(forks.SETTINGS, warm.flags(), self.values is None)}
            | ({"the texts that do not count yet": self.uncoded} if self.uncoded else {})
            | self.files(_ALWAYS)
        )

    def files(self, names: Collection[str]) -> dict[str, str]:
        """Return digests of files of the project, of a table followed by “:ids” one of which rows it has."""
        whole = {name: files_digest(self.root.glob(name), self.root) for name in names if not name.endswith(":ids")}
        return whole | {name: ids_digest(self.root / name[:-4]) for name in names if name not in whole}


def run_notebooks(
    root: Path, names: Sequence[str], values: Mapping[str, Any] | None, *, cache: Cache | None = None, jobs: int = 0,
    say: Callable[[str], None] = lambda line: None,
    explain: Callable[[str, bool, str], None] = lambda name, runs, reason: None,
    done: Callable[[NotebookNode], None] = lambda notebook: None,
    timeout: float = TIME_LIMIT, log: Path | None = None, uncoded: Iterable[str] = (),
    failed: list[str] | None = None, beside: Future[Any] | None = None,
) -> dict[str, NotebookNode]:  # fmt: skip
    """Execute notebooks of ``root/notebooks/`` with papermill and return them, tidied, in the order of their names.

    Each is passed those of the parameters `values` that it declares; with ``None`` it runs as it stands. One whose
    result the `cache` holds does not run. `jobs` run at a time; 0 takes two more than the processors, since a kernel
    mostly waits while it starts. `say` receives progress, `explain` a name, whether that notebook runs, and why, `done`
    a notebook that has run; `timeout` is for one, in seconds; `log` is a file for tracebacks, `uncoded` names texts, by
    `source_id`, that no edition knows yet. With a list `failed` the others go on where one fails, and its sentence is
    added there; what goes on `beside` is waited for, and ends all if it fails.

    ExecutionError if a notebook cannot be read or raises, takes too long or prints too much, or its kernel dies.
    """
    executed, todo = dict[str, NotebookNode](), list[_Job]()
    is_long = len(tempfile.gettempdir()) > 50 and Path("/tmp").is_dir()  # a Unix socket's path has 100 characters
    with tempfile.TemporaryDirectory(prefix="k", dir="/tmp" if is_long else None, ignore_cleanup_errors=True) as place:
        for name, book in [(name, notebooks.read(root, name)) for name in names]:
            given = None if values is None else {one: values[one] for one in notebooks.declared(name, book, values)}
            job = _Job(name, book, given, root, Path(place, str(len(todo))), timeout, log, " ".join(sorted(uncoded)))
            found, reason = _find(job, cache)
            explain(name, found is None, reason)
            if found is None:
                todo.append(job)
            else:
                executed[name] = found
        with ThreadPoolExecutor(min(jobs or (os.cpu_count() or 1) + 2, len(todo)) or 1) as pool:
            todo.sort(key=lambda job: -len(str(job.notebook)))  # the largest first: the end has work for all processors
            running = {pool.submit(_run, job, cache): job for job in todo}
            try:
                for of, future in as_done({**running, **({beside: None} if beside else {})}):
                    if failed is not None and isinstance(error := future.exception(), ExecutionError):
                        failed.append(str(error))
                    elif (result := future.result()) and of:
                        executed[of.name], seconds = result
                        say(f"  executed {of.name} in {seconds:.1f} s")
                        done(executed[of.name])
            except BaseException:
                waiting = {future for future in running if not future.cancel()}
                while waiting:  # a kernel that starts meanwhile goes as well
                    warm.end_kernels(Path(place))
                    waiting = wait(waiting, timeout=0.1).not_done
                raise
    return {name: executed[name] for name in names if name in executed}


def _find(job: _Job, cache: Cache | None) -> tuple[NotebookNode | None, str]:
    """Return a result where nothing has changed, and in a few words what was found, or what has changed.

    Which tables a notebook reads is noted as it runs, so that a changed row costs its readers only.
    """
    if cache is None:
        return None, "there is no cache"
    now, last = job.inputs(), cache.get_json("last", digest(job.name))
    kept = cache.get_json("notebooks", digest(now))
    if kept and kept["tables"] == job.files(kept["tables"]):
        cache.put_json("last", digest(job.name), now | kept["tables"])
        return nbformat.from_dict(kept["result"]), "nothing it depends on has changed"
    if last is None:
        return None, "it has not run yet"
    now |= job.files([part for part in last if part.startswith("data/")])
    changed = [part for part in dict.fromkeys([*last, *now]) if last.get(part) != now.get(part)]
    return None, f"changed: {', '.join(changed)}" if changed else "its result is no longer in the cache"


def _run(job: _Job, cache: Cache | None) -> tuple[NotebookNode, float]:
    """Run a notebook and keep it; return it with its seconds."""
    start = time.monotonic()
    for noisy in ("papermill", "asyncio", "traitlets"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)  # what fails is told below
    try:
        executed: NotebookNode = _execute(job)
    except PapermillExecutionError as error:
        raise ExecutionError(_sentence(job, error)) from None
    except CellTimeoutError:
        told = f"Notebook {job.name}.ipynb did not end within {job.timeout:g} seconds"
        raise ExecutionError(f"{told}; mend it, or allow more with --timeout.") from None
    except RuntimeError:
        told = f"The kernel of {job.name}.ipynb died before the notebook ended"
        raise ExecutionError(f"{told}; it was killed, or the memory ran out.") from None
    result, noted = notebooks.tidy(executed, is_committed=job.values is None), Path(f"{job.base}.tables")
    if cache:
        read = sorted(set(noted.read_text(encoding="utf-8").split())) if noted.exists() else []
        inputs, tables = job.inputs(), job.files(read)
        cache.put_json("notebooks", digest(inputs), {"tables": tables, "result": result})
        cache.put_json("last", digest(job.name), inputs | tables)
    return result, time.monotonic() - start


def _execute(job: _Job, **more: str) -> Any:
    end = time.monotonic() + job.timeout
    environment = {
        "ALLIANCES_ROOT": str(job.root),
        "ALLIANCES_TRACE": f"{job.base}.tables",
        VALIDATED: "1",
        UNCODED: job.uncoded,
        "IPYTHONDIR": f"{job.base}.ipython",  # a clean profile, whatever the user has set
    }
    for cell in (each for each in job.notebook.cells if each.cell_type == "code"):
        cell.outputs = []  # papermill copies them, three times, before it clears them
    manager: Any = type("Own", (warm.Manager,), {"base": job.base, "environment": environment | more})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return papermill.execute_notebook(
                job.notebook, None, job.values, kernel_name="python3", language="python",
                progress_bar=False, request_save_on_cell_execute=False, autosave_cell_every=0,
                # papermill's own cwd= changes the directory of the whole process, which threads share
                resources={"metadata": {"path": str(job.root / "notebooks")}},
                kernel_manager_class=manager,
                timeout_func=lambda cell: max(end - time.monotonic(), 0.01),  # what is left of the notebook's time
                shutdown_kernel="immediate",  # a kernel that has answered has nothing left to save
            )  # fmt: skip
    except Exception as error:
        if manager.is_flooding:
            told = f"Notebook {job.name}.ipynb puts out more than {warm.LARGEST} MB; print less."
            raise ExecutionError(told) from error
        if more or isinstance(error, DeadKernelError) or not isinstance(error, RuntimeError):
            raise
        return _execute(job, ALLIANCES_FORK="0")  # it died as it started


def _sentence(job: _Job, error: PapermillExecutionError) -> str:
    """Say in one sentence where a notebook stopped, and why; the traceback goes to the log."""
    if job.log:
        with suppress(OSError), job.log.open("a", encoding="utf-8") as handle:
            handle.write(f"{job.name}.ipynb{error}\n")
    line = re.search(r"Cell In\[\d+\], line (\d+)", re.sub(r"\x1b\[[\d;]*m", "", "\n".join(error.traceback)))
    number = (error.exec_count or 0) - bool(job.values)  # without the cell that papermill injects
    where = f"cell [{number}]" + (f", line {line[1]}" if line else "")
    words = [*error.evalue.strip().splitlines(), "no message"][0].rstrip(".")
    if error.ename in {kind.__name__ for kind in AlliancesError.__subclasses__()}:  # it is a sentence already
        return f"Notebook {job.name}.ipynb, {where}: {words}."
    log = f"; the traceback is in {job.log}" if job.log else ""
    return f"Notebook {job.name}.ipynb stopped in {where}, with {error.ename}: {words}{log}."
