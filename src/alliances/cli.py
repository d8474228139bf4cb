"""The command line: a function for each command; what one needs is imported when it is given."""

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from alliances import __version__, find_root
from alliances.errors import AlliancesError, DataError, ParameterError, sentence_of
from alliances.place import FORMATS, OUTPUT, is_unchanged, read_manifest
from alliances.run import TIME_LIMIT
from alliances.run.stopping import scratch, stoppable
from alliances.text.reading import read_utf8, read_yaml


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, with the exit code of all user errors."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{self.prog}: {message}; see `{self.prog} --help`.\n")
        raise SystemExit(AlliancesError.exit_code)

    def format_help(self) -> str:
        """Add the parameters to the help of ``build``; only here, since they come from the data."""
        with suppress(AlliancesError):
            if self.prog.endswith(" build"):
                from alliances.dataset import Dataset
                from alliances.parameters import described

                self.epilog, self.formatter_class = "parameters:", argparse.RawDescriptionHelpFormatter
                for name, kind, _, meaning, example in described(Dataset.load(find_root(), validate=False)):
                    self.epilog += f"\n  {name:<22} {kind}. {meaning} Example: {example}"
        return super().format_help()


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    top = _Parser(prog="alliances", description="Build the report, check it, find rows in its data, compare editions.")
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    add = top.add_subparsers(dest="command", required=True, metavar="COMMAND").add_parser
    build = add("build", help="execute the notebooks and write report.html and report.pdf")
    build.add_argument("-f", dest="file", type=Path, metavar="PARAMS.yaml", help="read parameters from a YAML file")
    build.add_argument("--to", dest="formats", choices=FORMATS, action="append", help="write this format only")
    _common(build, "notebooks at a time (default: two more than processors)", "folder for the edition")
    build.add_argument("--force", action="store_true", help="replace another edition that stands in --output")
    build.add_argument("--explain", action="store_true", help="say for each notebook why it runs or does not")
    batch = add("batch", help="build the editions of a matrix file, here or on a Dask cluster")
    batch.add_argument("matrix", type=Path, metavar="MATRIX.yaml", help="file with matrix, include, exclude")
    batch.add_argument("--scheduler", metavar="ADDRESS", help="address of a running Dask scheduler (extra: cluster)")
    _common(batch, "workers (default: one a processor)", "folder of the editions (default: report/_output/editions)")
    diff = add("diff", help="say what changed between two editions; exit code 1 where they differ")
    for one in ("old", "new"):
        diff.add_argument(one, type=Path, metavar=one.upper(), help=f"folder of the {one} edition")
    diff.add_argument("--json", metavar="FILE", help="write all changes as JSON; - for standard output")
    diff.add_argument("--html", type=Path, metavar="FILE", help="write all changes as a page that needs no network")
    add("verify", help="rebuild an edition from its manifest and compare every byte").add_argument("folder", type=Path)
    add("check", help="check data, evidence, coverage of the seeds, and notebooks")
    refresh = add("refresh", help="execute the committed notebooks in place at their defaults")
    refresh.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="notebooks to refresh (default: all)")
    preview = add("preview", help="show a chapter as it will look, and follow each save of a notebook")
    preview.add_argument("notebook", nargs="?", default="", metavar="NOTEBOOK", help="default: the one saved last")
    for command in (build, preview):
        command.add_argument("-p", dest="parameters", nargs=2, metavar=("NAME", "VALUE"), action="append", default=[],
                             help="set a parameter (may be repeated; goes before a file)")  # fmt: skip
    for command in (preview, add("lab", help="open the notebooks in JupyterLab")):
        port = _within(int, 1024, 65535, "a port")
        command.add_argument("--port", type=port, default=0, metavar="N", help="its port (default: one that is free)")
        command.add_argument("--no-browser", action="store_true", help="open no browser; print the address")
    add("find", help="find rows by id, mark, value, words, country or format").add_argument("words")
    add("quote", help="find words in the seeds and print the row for data/quotes.csv").add_argument("words")
    new = add("new", help="add a text, a format, a chapter or a judgement, ready to fill in")
    new.add_argument("kind", choices=("source", "alliance", "chapter", "judgement"), help="what to add")
    new.add_argument("what", help="the file of a text; the id or name of anything else")
    new.add_argument("--called", default="", metavar="WORDS", help="genre of a text, name of a format, title")
    return top


def _common(command: argparse.ArgumentParser, jobs: str, output: str) -> None:
    """Add what `build` and `batch` share."""
    engine, longest = "auto takes Quarto where it finds 1.9 or newer", "longest time for a notebook"
    command.add_argument("--engine", choices=("auto", "quarto", "embedded"), default="auto", help=engine)
    command.add_argument("--jobs", type=_within(int, 1, 64, "a whole number"), default=0, metavar="N", help=jobs)
    command.add_argument("--output", type=Path, metavar="DIR", help=output)
    seconds = _within(float, 0.01, 86_400, "a number of seconds")
    command.add_argument("--timeout", type=seconds, default=TIME_LIMIT, metavar="SECONDS", help=longest)
    command.add_argument("--quiet", action="store_true", help="say nothing unless something is wrong")


def _within(kind: Callable[[str], float], low: float, high: float, what: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        with suppress(ValueError):
            if low <= kind(text) <= high:
                return kind(text)
        raise argparse.ArgumentTypeError(f"“{text}” is not {what} from {low} to {high}")

    return read


def read_parameters(pairs: Sequence[tuple[str, str]], file: Path | None) -> dict[str, Any]:
    """Collect the parameters of a command, of ``-p`` before ``-f``; ParameterError if the file holds no mapping."""
    values: Any = {}
    if file:
        text = read_utf8(file, f"The parameter file {file}", ParameterError, "name another with -f")
        values = read_yaml(text, f"The parameter file {file}", ParameterError, typed=False)
    if not isinstance(values, dict):
        raise ParameterError(f"The parameter file {file} holds no mapping; write lines such as “as_of: 2025-03-20”.")
    excluded = [source for name, value in pairs if name == "exclude_sources" for source in value.split(",")]
    return {**values, **dict(pairs), **({"exclude_sources": excluded} if excluded else {})}


def _build(given: argparse.Namespace) -> None:
    from alliances.run import forks

    values, root = read_parameters(given.parameters, given.file), find_root()
    formats, output = tuple(dict.fromkeys(given.formats or FORMATS)), given.output and given.output.resolve()
    folder = output or root / OUTPUT
    is_plain = not given.force and (output or not values)  # the folder of other editions is named by the data
    is_kept = is_plain and is_unchanged(root, values, formats, given.engine, folder)  # before pandas is imported
    if not is_kept:
        forks.start()  # kernels warm up while this process imports what it needs itself
        from alliances.build import build

        told: dict[str, Any] = {} if given.quiet else {"say": _say}
        if given.explain:
            told["explain"] = lambda name, runs, why: _say(f"  {name}: {'runs' if runs else 'kept'}; {why}")
        folder, notice, is_kept = build(
            root, values, formats=formats, engine=given.engine, jobs=given.jobs, output=output, force=given.force,
            timeout=given.timeout, **told,
        )  # fmt: skip
        if notice:
            _say(notice)
    if not given.quiet:
        what = "Nothing has changed; published earlier" if is_kept else "Published"
        files = [f"  {_short(folder / f'report.{name}')}" for name in formats]
        print(f"{what} with {read_manifest(folder)['engine']}:", *files, sep="\n")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _batch(given: argparse.Namespace) -> int:
    from alliances.batch import run_matrix
    from alliances.build import build, named, plan

    root = find_root()
    folder = (given.output or root / OUTPUT / "editions").resolve()
    outcomes = run_matrix(
        root, given.matrix, folder, partial(named, plan(root, {})), build, engine=given.engine, workers=given.jobs,
        scheduler=given.scheduler, timeout=given.timeout, **({} if given.quiet else {"say": _say}),
    )  # fmt: skip
    failed = [f"  {outcome.name}: {outcome.message}" for outcome in outcomes if outcome.status == "failed"]
    if failed or not given.quiet:
        built = f"{len(outcomes) - len(failed)} of {len(outcomes)}"
        print(f"{built} editions are in {_short(folder)}; see index.html there.", *failed, sep="\n")
    return AlliancesError.exit_code if failed else 0


def _diff(given: argparse.Namespace) -> bool:
    from alliances.diff import as_html, as_json, as_text, compare

    found = compare(given.old, given.new)
    if given.html:
        given.html.write_text(as_html(found), encoding="utf-8")
    if given.json == "-":
        sys.stdout.write(as_json(found))
    elif given.json:
        Path(given.json).write_text(as_json(found), encoding="utf-8")
    elif not given.html:
        print(as_text(found))
    return bool(found)


def _verify(given: argparse.Namespace) -> bool:
    from alliances.check import verify

    problems = verify(find_root(), given.folder.resolve(), say=_say)
    print("\n".join(problems) if problems else f"{_short(given.folder)} was rebuilt: every byte is the same.")
    return bool(problems)


def _check(_: argparse.Namespace) -> int:
    from alliances.check import check_project

    ok, text = check_project(find_root())
    print(text)
    return 0 if ok else AlliancesError.exit_code


def _refresh(given: argparse.Namespace) -> None:
    from alliances.build import notebook_names
    from alliances.dataset import Dataset
    from alliances.parameters import check_parameters
    from alliances.run.refresh import refresh

    chapters = notebook_names(root := find_root())
    names = [Path(name).stem for name in given.notebooks] or chapters
    if strange := [name for name in names if name not in chapters]:
        told = f"{strange[0]}.ipynb is none of the report’s notebooks, and is not refreshed"
        raise DataError(f"{told}; those that report/report.qmd includes are {', '.join(chapters)}.")
    dataset = Dataset.load(root)
    refresh(root, names, check_parameters({}, dataset).as_dict(), uncoded=dataset.uncoded, say=_say)


def _lab(given: argparse.Namespace) -> None:
    from alliances.lab import lab

    lab(find_root(), given.port, not given.no_browser)


def _preview(given: argparse.Namespace) -> None:
    from alliances.run import forks

    root, values = find_root(), read_parameters(given.parameters, None)
    forks.start()
    from alliances.preview import Preview

    Preview(root, Path(given.notebook).stem, values).serve(given.port, browser=not given.no_browser, say=_say)


def _find(given: argparse.Namespace) -> None:
    from alliances.check import find_quote, find_rows

    print((find_rows if given.command == "find" else find_quote)(find_root(), given.words))


_quote = _find


def _new(given: argparse.Namespace) -> None:
    from alliances import new

    what: Any = Path(given.what) if given.kind == "source" else given.what
    more = () if given.kind == "judgement" else (given.called,)
    print(getattr(new, f"new_{given.kind}")(find_root(), what, *more))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; user errors are one sentence on standard error and exit code 2."""
    given = parser().parse_args(argv)
    name = given.command
    try:
        with stoppable(), scratch():
            return int(globals()[f"_{name}"](given) or 0)
    except AlliancesError as error:
        told, code = " ".join(str(error).split()), error.exit_code  # on one line, whatever the value that it repeats
    except KeyboardInterrupt as error:
        what = "the same command goes on from here" if name == "batch" else "nothing was changed"
        told, code = f"interrupted; {what}.", getattr(error, "exit_code", 130)
    except OSError as error:
        told, code = sentence_of(error), AlliancesError.exit_code
    except Exception:
        number, log = tempfile.mkstemp(prefix="alliances-", suffix=".log")
        os.write(number, traceback.format_exc().encode())
        told = f"an error of the program itself; please report it with {log}."
        code = AlliancesError.exit_code if name in ("diff", "verify") else 1  # where 1 says that editions differ
    print(f"alliances {name}: {told}", file=sys.stderr)
    return code


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    raise SystemExit(main())
