"""Build an edition: check, execute, stage, publish, and put the result in place as a whole."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nbformat import NotebookNode

from alliances import __version__
from alliances.behind import behind_of
from alliances.dataset import Dataset
from alliances.diff import Edition as Told
from alliances.errors import StagingError
from alliances.manifest import OUTPUT, check_files, input_digests, is_unchanged, made_of, write_manifest
from alliances.parameters import Parameters, check_parameters
from alliances.parameters import names as parameter_names
from alliances.place import edition_folder, put_in_place, recover, refuse_foreign, slug
from alliances.publish import FORMATS, Published, engine_version, publish
from alliances.run import notebooks
from alliances.run.cache import Cache, digest, files_digest, library_digest
from alliances.run.execute import run_notebooks
from alliances.run.stopping import alone, finish, raise_if_told
from alliances.stage import Staged, stage
from alliances.stage.chapters import read_template

Say = Callable[[str], None]


class Build(NamedTuple):
    """A finished edition: its folder, and whether it stood there already."""

    folder: Path
    notice: str = ""  # a sentence where Quarto failed and the embedded engine finished
    is_kept: bool = False


class Plan(NamedTuple):
    """An edition that is to be built, checked: the project, its data, its notebooks in their order, the parameters."""

    root: Path
    inputs: dict[str, str]  # taken before anything runs: what is edited meanwhile counts as a change
    dataset: Dataset
    names: list[str]
    defaults: Parameters
    parameters: Parameters


class Edition(NamedTuple):
    """An edition that is executed and staged, and not yet published."""

    planned: Plan
    staged: Staged
    executed: dict[str, NotebookNode]


def notebook_names(root: Path) -> list[str]:
    """Return the notebooks of the report in the order of the include lines of ``report/report.qmd``."""
    return [value for kind, value, _ in read_template(root / "report" / "report.qmd")[1] if kind == "include"]


def load_validated(root: Path, cache: Cache) -> Dataset:
    """Load the dataset; it is validated unless the same files have passed before the same checks."""
    files = [*(root / "data").glob("*"), *(root / "seeds").glob("*.txt")]
    key = digest(files_digest(files, root), library_digest("dataset"))
    dataset = Dataset.load(root, validate=cache.get("validated", key) is None)
    cache.put("validated", key, b"")
    return dataset


def checked_parameters(
    root: Path, dataset: Dataset, values: Mapping[str, Any]
) -> tuple[list[str], Parameters, Parameters]:
    """Return the notebooks of the report, the default parameters and those asked for, all checked.

    AlliancesError if a notebook cannot be read or is not at its defaults, or a parameter is wrong, or read by none.
    """
    check_files(root)
    names, allowed = notebook_names(root), parameter_names(dataset)
    declared = {one for name in names for one in notebooks.declared(name, notebooks.read(root, name), allowed)}
    defaults, parameters = check_parameters({}, dataset), check_parameters(values, dataset)
    check_parameters({name: values[name] for name in values if parameters[name] != defaults[name]}, dataset, declared)
    notebooks.check_defaults(root, names, defaults.as_dict())
    return names, defaults, parameters


def plan(root: Path, values: Mapping[str, Any]) -> Plan:
    """Check data, notebooks and parameters; AlliancesError for whatever is wrong."""
    inputs, dataset = input_digests(root), load_validated(root, Cache(root))
    return Plan(root, inputs, dataset, *checked_parameters(root, dataset, values))


def naming(root: Path) -> Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]]]:
    """Return a function that checks the parameters of one of many editions, and names it."""
    planned = plan(root, {})

    def check(values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        parameters = check_parameters(values, planned.dataset)
        return slug(parameters, planned.defaults) or f"{parameters.as_of}_default", parameters.as_dict()

    return check


def stage_edition(
    planned: Plan, folder: Path, *, cache: Cache | None = None, log: Path | None = None,
    say: Say = lambda line: None, **running: Any,
) -> Edition:  # fmt: skip
    """Execute the notebooks of an edition and stage its report into a folder, with what its PDF carries.

    `log` takes tracebacks and problems, by default ``report/_output/build.log``; `say` receives progress, a line at a
    time; `cache` holds results, by default the project's; `running` are ``jobs``, ``explain``, ``timeout`` as in
    `alliances.run.execute.run_notebooks`. AlliancesError if a notebook fails, or a number has no evidence.
    """
    root, parameters, cache = planned.root, planned.parameters, cache or Cache(planned.root)
    log = log or root / OUTPUT / "build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    say(f"{len(planned.names)} notebooks, texts published by {parameters.as_of}")
    running |= {"cache": cache, "say": say, "log": log, "uncoded": planned.dataset.uncoded}
    executed = run_notebooks(root, planned.names, parameters.as_dict(), **running)
    known = planned.dataset.known(parameters.day, parameters.exclude_sources)
    staged = stage(root, known, parameters, planned.defaults, executed, folder, cache)
    if staged.problems:
        log.write_text("\n".join(staged.problems) + "\n", encoding="utf-8")
        more = f" ({len(staged.problems)} such problems; all are in {log})" if len(staged.problems) > 1 else ""
        raise StagingError(staged.problems[0] + more)
    (folder / "attached").mkdir(exist_ok=True)
    shutil.copy(folder / "facts.json", folder / "attached")
    return Edition(planned, staged, executed)


def build(
    root: Path, values: Mapping[str, Any], *, formats: Sequence[str] = FORMATS, engine: str = "auto",
    output: Path | None = None, force: bool = False, cache: Cache | None = None, log: Path | None = None,
    say: Say = lambda line: None, **running: Any,
) -> Build:  # fmt: skip
    """Build one edition of the report, with the parameters `values` as the user gave them.

    `formats` are ``html``, ``pdf`` or both, `engine` is ``auto``, ``quarto`` or ``embedded``. `output` is the edition's
    folder, by default ``report/_output`` or one of its own below it; `force` builds anew, and replaces another edition
    that stands there. The rest is as in `stage_edition`; `log` also takes what the engines say. AlliancesError for
    whatever is wrong; nothing is then written to the edition's folder.
    """
    cache, planned = cache or Cache(root), plan(root, values)
    asked, defaults = planned.parameters.as_dict(), planned.defaults.as_dict()
    folder = edition_folder(root, planned.parameters, planned.defaults, output)
    is_read_only = not os.access(root / "report", os.W_OK)
    log = log or (folder.with_name(f"{folder.name}.log") if is_read_only else root / OUTPUT / "build.log")
    if engine == "quarto":
        engine_version(engine)  # says so now if there is none
    # Two builds of one edition do not work side by side: the second finds what the first has made.
    with alone(folder, cache.folder / "locks", say), tempfile.TemporaryDirectory(prefix="edition-") as scratch:
        recover(folder)
        if not force:
            if is_unchanged(root, asked, formats, engine, folder):
                return Build(folder, is_kept=True)
            refuse_foreign(folder, asked, defaults)
        staged, done = Path(scratch, "stage"), Path(scratch, "edition")
        edition = stage_edition(planned, staged, cache=cache, log=log, say=say, **running)
        say(f"  staged {len(edition.staged.chapters)} chapters")
        try:
            published = publish(staged, formats, root=root, engine=engine, cache=cache, log=log)
        finally:
            raise_if_told()  # Ctrl-C reaches the engine as well, and may do so first
        if published.notice:
            say(published.notice)
        collect(edition, done, published, formats)
        finish()
        put_in_place(done, folder)
    cache.prune()
    if asked != defaults:
        say(differences(root, edition.executed))
    elif late := behind_of(root, planned.dataset, planned.names):
        places = sum(each.places for each in late)
        say(f"{places} places of the report are behind the data; `alliances check` lists them.")
    for source_id in sorted(planned.dataset.uncoded):
        say(f"{source_id} does not count yet: `alliances check` lists its sentences that are not accounted for.")
    return Build(folder, published.notice)


def collect(edition: Edition, done: Path, published: Published, formats: Sequence[str]) -> None:
    """Gather the parts of an edition in a folder, with its manifest."""
    planned, staged = edition.planned, edition.staged.folder
    (done / "notebooks").mkdir(parents=True)
    for name, notebook in edition.executed.items():
        (done / "notebooks" / f"{name}.ipynb").write_bytes(notebooks.dumps(notebook))
    for path in (*published.files, staged / "facts.json", staged / "figures"):
        shutil.move(path, done / path.name)
    write_manifest(done, [path.name for path in done.iterdir()], {
        "version": __version__, "parameters": planned.parameters.as_dict(), "defaults": planned.defaults.as_dict(),
        "formats": list(formats), "engine": published.engine, **made_of(planned.inputs),
    })  # fmt: skip


def differences(root: Path, executed: Mapping[str, NotebookNode]) -> str:
    """Say how many sentences, figures and judgements of an edition differ from the committed, default one."""
    default, here = Told(), Told()
    for name, notebook in executed.items():
        default.take(name, notebooks.read(root, name))
        here.take(name, notebook)
    texts = [{(name, text) for name in each.chapters for text in each.chapters[name]} for each in (default, here)]
    counts = f"sentences {len(texts[0] ^ texts[1])}, figures {len(default.figures.keys() ^ here.figures.keys())}"
    judged = dict(default.judgements.items() ^ here.judgements.items())
    return f"What differs from the default edition: {counts}, judgements {len(judged)}."
