"""Build an edition: check, execute, stage, publish, and put the result in place as a whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from alliances import __version__, known_rows, plain_json, publishing
from alliances.dataset import Dataset
from alliances.errors import PublishError, StagingError
from alliances.execution.cache import Cache, key_of
from alliances.execution.digests import file_digest, library_digest, versions
from alliances.execution.notebooks import data_digest
from alliances.execution.run import TIME_LIMIT, Explain, check_notebooks, run_notebooks
from alliances.execution.warm_process import WarmKernels
from alliances.freshness import PACKAGES, input_files
from alliances.locks import locked
from alliances.parameters import Parameters, check_parameters
from alliances.publishing import typeset_before
from alliances.publishing.pieces import Piece
from alliances.staging import chapters as staged_chapters
from alliances.staging.figures import draw_ahead, draw_png
from alliances.staging.provenance import walk
from alliances.staging.report import StagedReport, chapter_text, notebook_names, stage, stage_text
from alliances.stopping import finish

OUTPUT = Path("report", "_output")
Say = Callable[[str], None]
#: Called with a stage of a build (``notebooks``, ``figures``, ``stitching``), the steps done in it, and all of them.
Step = Callable[[str, int, int], None]
_EDITION = ("report.html", "report.pdf", "facts.json", "rows.json", "notebooks", "figures", "manifest.json")
_NEW = ".new-"
_EMPTIED = "emptied"


def no_step(stage: str, done: int, total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class Build:
    """A finished edition.

    Parameters
    ----------
    folder : Path
        Where it stands.
    files : list of Path
        The report's files in it.
    engine : str
        The engine that published it, with its version.
    notice : str
        One sentence where Quarto failed and the embedded engine finished; else empty.
    """

    folder: Path
    files: list[Path]
    engine: str
    notice: str


def slug(parameters: Parameters, defaults: Parameters) -> str:
    """Name an edition: cut-off and focus, and a short hash of what these do not show; empty for the default one."""
    if parameters == defaults:
        return ""
    name = parameters.as_of + (f"_{parameters.focus}" if parameters.focus else "")
    rest = {
        key: value
        for key, value in parameters.model_dump().items()
        if key not in ("as_of", "focus") and value != getattr(defaults, key)
    }
    if rest:
        name += "_" + hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:6]
    return name


@dataclass(frozen=True)
class StagedEdition:
    """An edition that is staged and not yet published.

    Parameters
    ----------
    parameters, defaults : Parameters
        Its parameters and those of the default edition.
    dataset : Dataset
        The dataset, cut to it.
    report : StagedReport
        The staged report.
    notebooks : Path
        Folder of the executed notebooks.
    """

    parameters: Parameters
    defaults: Parameters
    dataset: Dataset
    report: StagedReport
    notebooks: Path


def load_validated(root: Path, cache: Cache) -> Dataset:
    """Load the dataset; it is validated unless the same files have passed before the same checks."""
    key = key_of(
        data_digest(root), library_digest(), [file_digest(path) for path in sorted((root / "seeds").glob("*.txt"))]
    )
    passed = cache.get("validated", key) is not None
    dataset = Dataset.load(root, validate=not passed)
    if not passed:
        cache.put("validated", key, b"")
    return dataset


def log_path(root: Path) -> Path:
    """Return where the log of a build stands."""
    return root / OUTPUT / "build.log"


def stage_edition(
    root: Path,
    values: Mapping[str, Any],
    scratch: Path,
    *,
    jobs: int = 0,
    check_place: Callable[[Parameters, Parameters], None] = lambda parameters, defaults: None,
    say: Say = lambda line: None,
    explain: Explain | None = None,
    log: Path | None = None,
    warm: WarmKernels | None = None,
    timeout: float = TIME_LIMIT,
    step: Step = no_step,
) -> StagedEdition:
    """Check everything, execute the notebooks and stage the report.

    Parameters
    ----------
    root : Path
        Project folder.
    values : Mapping of str to object
        Parameters as the user gave them.
    scratch : Path
        Folder that receives ``notebooks/`` and ``stage/``.
    jobs : int
        Notebooks at a time; 0 chooses.
    check_place : callable
        Called with the checked parameters before anything is executed.
    say : callable
        Receives progress, a line at a time.
    explain : callable, optional
        Called with each notebook's name, whether it runs, and why.
    log, warm, timeout, step
        As in :func:`build_edition`.

    Raises
    ------
    AlliancesError
        Whatever is wrong.
    """
    cache = Cache(root)
    dataset = load_validated(root, cache)
    defaults = check_parameters({}, dataset)
    parameters = check_parameters(values, dataset)
    known = dataset.known(parameters.day, parameters.exclude_sources)
    template = root / "report" / "report.qmd"
    paths = [root / "notebooks" / f"{name}.ipynb" for name in notebook_names(template)]
    check_notebooks(paths)
    check_place(parameters, defaults)
    log = log or log_path(root)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    say(f"{len(paths)} notebooks, state of knowledge {parameters.as_of}")
    done = 0
    step("notebooks", done, len(paths))

    def executed_one(notebook: str, seconds: float) -> None:
        nonlocal done
        done += 1
        say(f"  executed {notebook} in {seconds:.1f} s")
        step("notebooks", done, len(paths))

    staging = threading.Event()
    with ThreadPoolExecutor(1) as ahead:

        def work_ahead(name: str, notebook: NotebookNode) -> None:
            if jobs != 1:  # on one processor it costs what it saves
                ahead.submit(_work_ahead, name, notebook, cache, staging)

        try:
            executed = run_notebooks(
                paths,
                parameters,
                scratch / "notebooks",
                root,
                jobs=jobs,
                log=log,
                progress=executed_one,
                finished=work_ahead,
                cache=cache,
                explain=explain,
                warm=warm,
                timeout=timeout,
            )
            staging.set()
            step("notebooks", len(paths), len(paths))  # those that were kept, too
            chapters = [staged_chapters.read_chapter(key, notebook) for key, notebook in executed.items()]
            step("figures", 0, 1)
            text = stage_text(template, chapters, known, parameters, defaults, cache)
        except BaseException:
            ahead.shutdown(cancel_futures=True)
            raise
    charts = [chart for chapter in chapters for chart in chapter.charts]
    staged = stage(scratch / "stage", text, charts, known, parameters, defaults, cache)
    step("figures", 1, 1)
    if staged.problems:
        log.write_text("\n".join(staged.problems) + "\n", encoding="utf-8")
        more = f" ({len(staged.problems)} such problems; all are in {log})" if len(staged.problems) > 1 else ""
        raise StagingError(staged.problems[0] + more)
    say(f"  staged {len(executed)} chapters with {len(staged.charts)} figures")
    return StagedEdition(parameters, defaults, known, staged, scratch / "notebooks")


def _work_ahead(name: str, notebook: NotebookNode, cache: Cache, staging: threading.Event) -> None:
    """Put into the cache what staging and publishing will look for, while other notebooks still run."""
    with suppress(Exception):  # what is wrong with a chapter or a chart is told when the report is staged
        chapter = staged_chapters.read_chapter(name, notebook)
        draw_ahead(chapter.charts, cache)
        if not staging.is_set():  # or else the text is being read already
            text = chapter_text(chapter.markdown)
            walk(text, cache)
            Piece.of(text, cache)


def build_edition(
    root: Path,
    values: Mapping[str, Any],
    *,
    formats: Sequence[str] = publishing.FORMATS,
    engine: str = "auto",
    jobs: int = 0,
    output: Path | None = None,
    force: bool = False,
    say: Say = lambda line: None,
    explain: Explain | None = None,
    log: Path | None = None,
    warm: WarmKernels | None = None,
    timeout: float = TIME_LIMIT,
    step: Step = no_step,
    scratch: Path | None = None,
    typesetter: publishing.Typesetter | None = None,
) -> Build:
    """Build one edition of the report.

    Parameters
    ----------
    root : Path
        Project folder.
    values : Mapping of str to object
        Parameters as the user gave them.
    formats : sequence of str
        ``html``, ``pdf`` or both.
    engine : str
        ``auto``, ``quarto`` or ``embedded``.
    jobs : int
        Notebooks, and then formats, at a time; 0 chooses.
    output : Path, optional
        Folder for the edition; by default ``report/_output``, or a folder of its own below it.
    force : bool
        Replace another edition that stands in ``output``.
    say : callable
        Receives progress, a line at a time.
    explain : callable, optional
        Called with each notebook's name, whether it runs, and why.
    log : Path, optional
        File for tracebacks and what the engines say; by default ``report/_output/build.log``.
    warm : WarmKernels, optional
        A warmed process that outlives this build.
    timeout : float
        Longest time for a notebook, in seconds.
    step : callable
        Receives progress in numbers: a stage, the steps done in it, and all of them.
    scratch : Path, optional
        Place for temporary files; by default the system's.
    typesetter : Typesetter, optional
        A Typst that outlives this build.

    Returns
    -------
    Build
        The finished edition.

    Raises
    ------
    AlliancesError
        Whatever is wrong; nothing is then written to the edition's folder.
    """
    sets_pdf = publishing.choose(engine) is None and "pdf" in formats
    folder = root / OUTPUT
    with ExitStack() as until_done:

        def check_place(parameters: Parameters, defaults: Parameters) -> None:
            nonlocal folder
            name = slug(parameters, defaults)
            folder = output or (root / OUTPUT / "editions" / name if name else root / OUTPUT)
            # Two builds of one edition do not work side by side: the second finds the results of the first.
            until_done.enter_context(locked(folder, Cache(root).folder / "locks", say))
            recover(folder)
            refuse_foreign(folder, parameters, force=force)
            if sets_pdf and typesetter is None:
                typeset_before.prepare(running, own / "before", Cache(root))

        own = Path(until_done.enter_context(tempfile.TemporaryDirectory(prefix="edition-", dir=scratch)))
        running = typesetter or until_done.enter_context(publishing.Typesetter())
        edition = stage_edition(
            root,
            values,
            own,
            jobs=jobs,
            check_place=check_place,
            say=say,
            explain=explain,
            log=log,
            warm=warm,
            timeout=timeout,
            step=step,
        )
        result = _publish(root, edition, own / "edition", formats, engine, log or log_path(root), step, running, jobs)
        if sets_pdf and typesetter is None:
            typeset_before.keep(edition.report.folder, Cache(root))
        if result.notice:
            say(result.notice)
        finish()
        put_in_place(own / "edition", folder)
    Cache(root).prune()
    files = [folder / path.name for path in result.files.values()]
    return Build(folder, files, f"{result.engine} ({result.version})", result.notice or "")


def _publish(
    root: Path,
    edition: StagedEdition,
    done: Path,
    formats: Sequence[str],
    engine: str,
    log: Path,
    step: Step,
    typesetter: publishing.Typesetter,
    jobs: int,
) -> publishing.Publication:
    """Write all files of a staged edition into the folder ``done``."""
    stage_folder = edition.report.folder
    step("stitching", 0, len(formats))
    shutil.copytree(edition.notebooks, done / "notebooks", copy_function=_link)
    publishing.copy_project(root, stage_folder)
    shutil.copytree(stage_folder / "figures", done / "figures", copy_function=_link)
    with ThreadPoolExecutor(1) as beside:
        pictures = beside.submit(draw_png, edition.report.charts, done / "figures", Cache(root), beside=jobs != 1)
        if jobs == 1:
            pictures.result()
        result = publishing.publish(stage_folder, done, formats, engine, log, Cache(root), typesetter, jobs)
        pictures.result()
    _write_json(done / "facts.json", facts(edition.report, edition.dataset))
    _write_json(done / known_rows.FILE_NAME, known_rows.edition_rows(edition.dataset))
    engine_used = f"{result.engine} {result.version}"
    _write_json(done / "manifest.json", describe(root, done, edition.parameters, engine_used))
    step("stitching", len(formats), len(formats))
    return result


def refuse_foreign(folder: Path, parameters: Parameters, *, force: bool) -> None:
    """Refuse a folder that holds something else than this edition, unless it is to be replaced.

    Raises
    ------
    PublishError
        Saying what stands there.
    """
    manifest = folder / "manifest.json"
    if folder.exists() and not folder.is_dir():
        raise PublishError(f"{folder} is a file; name a folder for the edition with --output.")
    if not folder.exists() or force:
        return
    if manifest.is_file():
        try:
            there = json.loads(manifest.read_text(encoding="utf-8"))["parameters"]
        except (ValueError, KeyError):
            there = None
        if there != json.loads(parameters.model_dump_json()):
            raise PublishError(f"{folder} holds another edition; choose another folder, or replace it with --force.")
    elif any(path.name not in ("editions", "build.log") and not path.name.startswith(".") for path in folder.iterdir()):
        raise PublishError(f"{folder} holds files that are no edition; choose another folder, or use --force.")


def put_in_place(done: Path, folder: Path) -> None:
    """Put a finished edition into its folder, whole or not at all; what stood there before goes only then.

    The files are first moved beside their place, or copied where that is on another disk, and then renamed. The
    manifest goes first and comes last: an edition without it is not complete, and
    :func:`recover` puts back what it replaced.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        new = Path(tempfile.mkdtemp(prefix=_NEW, dir=folder))
        try:
            shutil.move(done, new / "edition")
            (new / "replaced").mkdir()
            for name in reversed(_EDITION):
                if (folder / name).exists():
                    (folder / name).replace(new / "replaced" / name)
            (new / _EMPTIED).touch()
            for name in _EDITION:
                if (new / "edition" / name).exists():
                    (new / "edition" / name).replace(folder / name)
        finally:
            recover(folder)
    except BaseException:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise


def recover(folder: Path) -> None:
    """Undo a replacement that was cut short, and remove what it left; the folder's lock must be held."""
    for new in folder.glob(f"{_NEW}*"):
        if not (folder / "manifest.json").exists() and (new / "replaced").is_dir():
            for name in _EDITION:
                if (new / _EMPTIED).exists() and not (new / "edition" / name).exists():
                    _remove(folder / name)  # it came from the new edition, if it is there at all
                if (new / "replaced" / name).exists():
                    (new / "replaced" / name).replace(folder / name)
        shutil.rmtree(new, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def facts(staged: StagedReport, dataset: Dataset) -> list[dict[str, Any]]:
    """List every number that the report shows, with its evidence."""
    shown = []
    for link in staged.walk.links:
        fact: dict[str, Any] = {"section": link.section, "printed": link.text, "target": link.target}
        kind, _, name = link.target.partition("-")
        if kind == "ev":
            quote = dataset.quote(name)
            fact |= {
                "source_id": quote.source_id,
                "quotation": quote.exact,
                "row_ids": [row.row_id for row in dataset.rows_using(name)],
            }
        elif link.target in staged.figures:
            figure = staged.figures[link.target]
            fact |= {key: figure[key] for key in ("formula", "inputs", "statement", "basis") if key in figure}
        shown.append(fact)
    return shown


def describe(root: Path, done: Path, parameters: Parameters, engine: str) -> dict[str, Any]:
    """Describe an edition so that it can be made again: parameters, engine, versions, checksums."""
    inputs = input_files(root)
    outputs = sorted(path for path in done.rglob("*") if path.is_file())
    return {
        "title": "Europe’s Defence Alliances: a reproducible report",
        "version": __version__,
        "parameters": json.loads(parameters.model_dump_json()),
        "engine": engine,
        "versions": versions(*PACKAGES),
        "inputs": {path.relative_to(root).as_posix(): file_digest(path) for path in inputs},
        "outputs": {path.relative_to(done).as_posix(): file_digest(path) for path in outputs},
    }


def _link(source: str, target: str) -> None:
    """Give a file that nobody changes a second name; a copy where the disk has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(plain_json.dumps(value, 2) + "\n", encoding="utf-8")
