"""Build an edition: check, execute, stage, publish, and put the result in place as a whole."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alliances import __version__, publishing
from alliances.dataset import Dataset
from alliances.errors import PublishError, StagingError
from alliances.execution.cache import Cache, key_of
from alliances.execution.digests import file_digest, library_digest, versions
from alliances.execution.notebooks import data_digest
from alliances.execution.run import Explain, check_notebooks, run_notebooks
from alliances.execution.warm import WarmKernels
from alliances.freshness import PACKAGES, input_files
from alliances.parameters import Parameters, check_parameters
from alliances.staging import chapters as staged_chapters
from alliances.staging.figures import draw_png
from alliances.staging.report import StagedReport, notebook_names, stage

OUTPUT = Path("report", "_output")
Say = Callable[[str], None]


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
    log, warm
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
    executed = run_notebooks(
        paths,
        parameters,
        scratch / "notebooks",
        root,
        jobs=jobs,
        log=log,
        progress=lambda notebook, seconds: say(f"  executed {notebook} in {seconds:.1f} s"),
        cache=cache,
        explain=explain,
        warm=warm,
    )
    chapters = [staged_chapters.read_chapter(key, notebook) for key, notebook in executed.items()]
    staged = stage(scratch / "stage", template, chapters, known, parameters, defaults, cache)
    if staged.problems:
        log.write_text("\n".join(staged.problems) + "\n", encoding="utf-8")
        more = f" ({len(staged.problems)} such problems; all are in {log})" if len(staged.problems) > 1 else ""
        raise StagingError(staged.problems[0] + more)
    say(f"  staged {len(executed)} chapters with {len(staged.charts)} figures")
    return StagedEdition(parameters, defaults, known, staged, scratch / "notebooks")


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
        Notebooks at a time; 0 chooses.
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

    Returns
    -------
    Build
        The finished edition.

    Raises
    ------
    AlliancesError
        Whatever is wrong; nothing is then written to the edition's folder.
    """
    if engine not in publishing.ENGINES:
        raise PublishError(f"There is no engine “{engine}”; choose one of {', '.join(publishing.ENGINES)}.")
    folder = root / OUTPUT

    def check_place(parameters: Parameters, defaults: Parameters) -> None:
        nonlocal folder
        name = slug(parameters, defaults)
        folder = output or (root / OUTPUT / "editions" / name if name else root / OUTPUT)
        _check_place(folder, parameters, force)

    with tempfile.TemporaryDirectory(prefix="alliances-") as elsewhere:
        scratch = Path(elsewhere)
        edition = stage_edition(
            root, values, scratch, jobs=jobs, check_place=check_place, say=say, explain=explain, log=log, warm=warm
        )
        stage_folder, done = edition.report.folder, scratch / "edition"
        shutil.copytree(edition.notebooks, done / "notebooks")
        publishing.copy_project(root, stage_folder)
        shutil.copytree(stage_folder / "figures", done / "figures")
        with ThreadPoolExecutor(1) as beside:
            pictures = beside.submit(draw_png, edition.report.charts, done / "figures", Cache(root))
            result = publishing.publish(stage_folder, done, formats, engine, log or log_path(root))
            pictures.result()
        if result.notice:
            say(result.notice)
        _write_json(done / "facts.json", facts(edition.report, edition.dataset))
        engine_used = f"{result.engine} {result.version}"
        _write_json(done / "manifest.json", describe(root, done, edition.parameters, engine_used))
        put_in_place(done, folder)
    Cache(root).prune()
    files = [folder / path.name for path in result.files.values()]
    return Build(folder, files, f"{result.engine} ({result.version})", result.notice or "")


def _check_place(folder: Path, parameters: Parameters, force: bool) -> None:
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
    """Put a finished edition into its folder; what stood there before goes only once the new one is complete.

    The files are first copied beside their place, since a temporary folder may be on another disk, and then
    renamed. The manifest goes first and comes last: an edition without it is not complete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        shutil.copytree(done, new / "edition")
        old = new / "replaced"
        old.mkdir()
        (folder / "manifest.json").unlink(missing_ok=True)
        for name in ("report.html", "report.pdf", "facts.json", "notebooks", "figures"):
            if (folder / name).exists():
                (folder / name).replace(old / name)
        for path in sorted((new / "edition").iterdir(), key=lambda path: path.name == "manifest.json"):
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(new, ignore_errors=True)


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


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
