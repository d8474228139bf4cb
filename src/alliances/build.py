"""Build an edition: check, execute, stage, publish, and put the result in place as a whole."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from nbformat import NotebookNode

from alliances import __version__, place
from alliances.behind import behind_of
from alliances.dataset import Dataset
from alliances.diff import told
from alliances.errors import PublishError
from alliances.parameters import Parameters, check_parameters
from alliances.publish import Published, engine_version, publish
from alliances.run import notebooks
from alliances.run.cache import Cache, digest, files_digest, library_digest
from alliances.run.execute import run_notebooks
from alliances.run.stopping import alone, finish, raise_if_told
from alliances.stage import Staged, stage
from alliances.stage.chapters import read_template
from alliances.stage.figures import Drawer


class Build(NamedTuple):
    """A finished edition: its folder, and whether it stood there already."""

    folder: Path
    notice: str = ""  # a sentence where Quarto failed and the embedded engine finished
    is_kept: bool = False


class Plan(NamedTuple):
    """An edition that is to be built, checked: the project, its data, its notebooks in their order, the parameters."""

    root: Path
    made_of: dict[str, Any]  # taken before anything runs: what is edited meanwhile counts as a change
    dataset: Dataset
    names: list[str]
    defaults: Parameters
    parameters: Parameters


class Edition(NamedTuple):
    """An edition that is executed and staged, and not yet published."""

    planned: Plan
    staged: Staged
    executed: dict[str, NotebookNode]
    log: Path

    def check(self) -> None:
        """PublishError with the first number or mark of the report that is not borne out; all go into the log."""
        if problems := self.staged.problems:
            self.log.write_text("\n".join(problems) + "\n", encoding="utf-8")
            more = f" ({len(problems)} such problems; all are in {self.log})" if len(problems) > 1 else ""
            raise PublishError(problems[0] + more)


def notebook_names(root: Path) -> list[str]:
    """Return the notebooks of the report in the order of the include lines of ``report/report.qmd``."""
    return [value for kind, value, _ in read_template(root / "report" / "report.qmd")[1] if kind == "include"]


def valid_data(root: Path) -> Dataset:
    """Load the data, and check them unless the same files have passed before the same checks; DataError if not."""
    files = [*(root / "data").glob("*"), *(root / "seeds").glob("*.txt")]
    cache, key = Cache(root), digest(files_digest(files, root), library_digest("dataset"))
    dataset = Dataset.load(root, validate=cache.get("validated", key) is None)
    cache.put("validated", key, b"")
    return dataset


@contextmanager
def checking_data(root: Path) -> Iterator[Future[Dataset]]:
    """Check the data beside what is done with them: what is wrong there is told before whatever it led to."""
    with ThreadPoolExecutor(1) as pool:
        valid = pool.submit(valid_data, root)
        try:
            yield valid
        except Exception:
            valid.result()
            raise


def plan(root: Path, values: Mapping[str, Any], dataset: Dataset | None = None) -> Plan:
    """Check data, unless a `dataset` is given, notebooks and parameters; AlliancesError for whatever is wrong."""
    made_of, dataset = place.made_of(root), dataset or valid_data(root)
    place.check_files(root)
    defaults, parameters = check_parameters({}, dataset), check_parameters(values, dataset)
    names, unset, asked = notebook_names(root), defaults.as_dict(), parameters.as_dict()
    declared = {one for name in names for one in notebooks.check_defaults(root, name, unset)}
    check_parameters({name: values[name] for name in values if asked[name] != unset[name]}, dataset, declared)
    return Plan(root, made_of, dataset, names, defaults, parameters)


def named(planned: Plan, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Check the parameters of one of many editions, of which the default one is planned, and name it."""
    asked = check_parameters(values, planned.dataset).as_dict()
    return place.slug(asked, planned.defaults.as_dict()) or f"{asked['as_of']}_default", asked


def stage_edition(
    planned: Plan, folder: Path, drawer: Drawer, *, log: Path | None = None,
    say: Callable[[str], None] = lambda line: None, **running: Any,
) -> Edition:  # fmt: skip
    """Execute the notebooks of an edition and stage its report into a folder, with what its PDF carries.

    The figures are there once the `drawer` has finished; its cache holds results. `log` takes tracebacks and problems,
    by default ``report/_output/build.log``; `say` receives progress, a line at a time; `running` are ``jobs``,
    ``explain``, ``timeout``, ``beside`` as in `alliances.run.execute.run_notebooks`. AlliancesError if a notebook
    fails. What it says is not checked yet.
    """
    root, parameters = planned.root, planned.parameters
    log = log or root / place.OUTPUT / "build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    say(f"{len(planned.names)} notebooks, texts published by {parameters.as_of}")
    running |= {"cache": drawer.cache, "say": say, "log": log, "uncoded": planned.dataset.uncoded}
    executed = run_notebooks(root, planned.names, parameters.as_dict(), done=drawer.draw_ahead, **running)
    known = planned.dataset.known(parameters.as_of, parameters.exclude_sources)
    staged = stage(root, known, parameters, planned.defaults, executed, folder, drawer)
    (folder / "attached").mkdir(exist_ok=True)
    shutil.copy(folder / "facts.json", folder / "attached")
    return Edition(planned, staged, executed, log)


def build(
    root: Path, values: Mapping[str, Any], *, formats: Sequence[str] = place.FORMATS, engine: str = "auto",
    output: Path | None = None, force: bool = False, cache: Cache | None = None, log: Path | None = None,
    say: Callable[[str], None] = lambda line: None, **running: Any,
) -> Build:  # fmt: skip
    """Build one edition of the report, with the parameters `values` as the user gave them.

    `formats` are ``html``, ``pdf`` or both, `engine` is ``auto``, ``quarto`` or ``embedded``. `output` is the edition's
    folder, by default ``report/_output`` or one of its own below it; `force` builds anew, and replaces another edition
    there. The rest is as in `stage_edition`. AlliancesError for whatever is wrong; its folder is then as it was.
    """
    with checking_data(root) as valid:
        planned, cache = plan(root, values, Dataset.load(root, validate=False)), cache or Cache(root)
        asked, defaults = planned.parameters.as_dict(), planned.defaults.as_dict()
        name = place.slug(asked, defaults)
        folder = output or root / place.OUTPUT / (f"editions/{name}" if name else "")
        log = log or (None if os.access(root / "report", os.W_OK) else folder.with_name(f"{folder.name}.log"))
        if engine == "quarto":
            engine_version(engine)  # says so now if there is none
        # Two builds of one edition do not work side by side: the second finds what the first has made.
        with alone(folder, cache.folder / "locks", say), tempfile.TemporaryDirectory(prefix="edition-") as scratch:
            place.recover(folder)
            if not force:
                if place.is_unchanged(root, asked, formats, engine, folder):
                    return Build(folder, is_kept=True)
                place.refuse_foreign(folder, asked, defaults)
            running |= {"beside": valid, "log": log, "say": say}
            done, notice, late = _make(planned, Path(scratch), cache, formats, engine, **running)
            finish()
            place.put_in_place(done, folder)
    cache.prune()
    if name:
        folders = root / "notebooks", folder / "notebooks"
        say(differences(*([where / f"{each}.ipynb" for each in planned.names] for where in folders)))
    for line in late:
        say(line)
    return Build(folder, notice)


def _make(
    planned: Plan, scratch: Path, cache: Cache, formats: Sequence[str], engine: str, **running: Any
) -> tuple[Path, str, list[str]]:
    """Execute, stage and publish; return the folder of what was made, the notice, and what is to be said of data."""
    late = list[str]()
    with Drawer(cache) as drawer:
        edition = stage_edition(planned, scratch / "stage", drawer, **running)
        running["say"](f"  staged {len(edition.staged.chapters)} chapters")

        def ready(kind: str) -> None:
            if kind == "html":  # the PDF, which takes longest, is being made by now
                edition.check()
                late[:] = _late(planned)
            drawer.finish(kind)

        asked = {"root": planned.root, "engine": engine, "log": running["log"]}
        try:
            published = publish(scratch / "stage", formats, **asked, ready=ready)
            if "html" not in formats:
                ready("html")
        finally:
            raise_if_told()  # Ctrl-C reaches the engine as well, and may do so first
    collect(edition, scratch / "edition", published, formats)
    return scratch / "edition", published.notice, late


def _late(planned: Plan) -> Iterator[str]:
    """Say how much of the default edition is behind the data, and which texts do not count yet."""
    is_default = planned.parameters == planned.defaults
    if found := behind_of(planned.root, planned.dataset, planned.names) if is_default else {}:
        yield f"{sum(found.values())} places of the report are behind the data; `alliances check` lists them."
    for source_id in sorted(planned.dataset.uncoded):
        yield f"{source_id} does not count yet: `alliances check` lists its sentences that are not accounted for."


def collect(edition: Edition, done: Path, published: Published, formats: Sequence[str]) -> None:
    """Gather the parts of an edition in a folder, with its manifest."""
    planned, staged = edition.planned, edition.staged.folder
    (done / "notebooks").mkdir(parents=True)
    for name, notebook in edition.executed.items():
        (done / "notebooks" / f"{name}.ipynb").write_bytes(notebooks.dumps(notebook))
    for path in (*published.files, staged / "facts.json", staged / "figures"):
        shutil.move(path, done / path.name)
    place.write_manifest(done, [path.name for path in done.iterdir()], {
        "version": __version__, "parameters": planned.parameters.as_dict(), "defaults": planned.defaults.as_dict(),
        "formats": list(formats), "engine": published.engine, **planned.made_of,
    })  # fmt: skip


def differences(old: list[Path], new: list[Path]) -> str:
    """Say how many sentences, figures and judgements of some notebooks differ from those of others."""
    one, other = told(old), told(new)
    texts = [{(name, text) for name, texts in each["text"].items() for text in texts} for each in (one, other)]
    judged = dict(one["judgements"].items() ^ other["judgements"].items())
    counts = f"sentences {len(texts[0] ^ texts[1])}, figures {len(one['figures'].keys() ^ other['figures'].keys())}"
    return f"What differs from the default edition: {counts}, judgements {len(judged)}."
