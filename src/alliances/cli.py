"""The command line: one function a command; what a command needs is imported when it is given."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from alliances import __version__
from alliances.errors import AlliancesError, DataError, sentence_of
from alliances.paths import find_root

FORMATS = ("html", "pdf")
_LONGEST = 86_400  # seconds for a notebook


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, with the exit code of all user errors."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{self.prog}: {message}; see `{self.prog} --help`.\n")
        raise SystemExit(AlliancesError.exit_code)

    def format_help(self) -> str:
        """Add the parameters to the help of ``build``; only here, since they come from the data."""
        if self.prog.endswith(" build"):
            self.epilog = _parameters_help()
        return super().format_help()


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    top = _Parser(prog="alliances", description="Build the report, check it, find rows in its data, compare editions.")
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)

    build = commands.add_parser("build", help="execute the notebooks and write report.html and report.pdf")
    build.formatter_class = argparse.RawDescriptionHelpFormatter
    pair: Any = {"nargs": 2, "metavar": ("NAME", "VALUE"), "action": "append", "default": []}
    build.add_argument("-p", dest="parameters", help="set a parameter (may be repeated; goes before -f)", **pair)
    build.add_argument("-f", dest="file", type=Path, metavar="PARAMS.yaml", help="read parameters from a YAML file")
    build.add_argument("--to", dest="formats", choices=FORMATS, action="append", help="write this format only")
    _common(build, "notebooks at a time (default: two more than processors)", "folder for the edition")
    build.add_argument("--force", action="store_true", help="replace another edition that stands in --output")
    build.add_argument("--explain", action="store_true", help="say for each notebook why it runs or does not")

    batch = commands.add_parser("batch", help="build the editions of a matrix file, here or on a Dask cluster")
    batch.add_argument("matrix", type=Path, metavar="MATRIX.yaml", help="file with matrix, include, exclude")
    batch.add_argument("--scheduler", metavar="ADDRESS", help="address of a running Dask scheduler (extra: cluster)")
    _common(batch, "workers (default: one a processor)", "folder of the editions (default: report/_output/editions)")

    diff = commands.add_parser("diff", help="say what changed between two editions; exit code 1 where they differ")
    diff.add_argument("old", type=Path, metavar="OLD", help="folder of the old edition")
    diff.add_argument("new", type=Path, metavar="NEW", help="folder of the new edition")
    diff.add_argument("--json", metavar="FILE", help="write all changes as JSON; - for standard output")
    diff.add_argument("--html", type=Path, metavar="FILE", help="write all changes as a page that needs no network")

    verify = commands.add_parser("verify", help="rebuild an edition from its manifest and compare every byte")
    verify.add_argument("folder", type=Path, metavar="DIR", help="folder of the edition")
    commands.add_parser("check", help="check data, evidence, coverage of the seeds, and notebooks")
    refresh = commands.add_parser("refresh", help="execute the committed notebooks in place at their defaults")
    refresh.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="notebooks to refresh (default: all)")
    preview = commands.add_parser("preview", help="show a chapter as it will look, and follow each save of a notebook")
    preview.add_argument("notebook", nargs="?", default="", metavar="NOTEBOOK", help="default: the one saved last")
    preview.add_argument("-p", dest="parameters", help="set a parameter (may be repeated)", **pair)
    for command in (preview, commands.add_parser("lab", help="open the notebooks in JupyterLab")):
        command.add_argument("--port", type=_port, default=0, metavar="N", help="its port (default: one that is free)")
        command.add_argument("--no-browser", action="store_true", help="open no browser; print the address")
    find = commands.add_parser("find", help="find rows by id, mark, value, words, country or format")
    find.add_argument("text", help="for instance 20,000 or Poland")
    new = commands.add_parser("new", help="add a text, a format, a chapter or a judgement, ready to fill in")
    new.add_argument("kind", choices=("source", "alliance", "chapter", "judgement"), help="what to add")
    new.add_argument("what", help="the file of a text; the id or name of anything else")
    new.add_argument("--called", default="", metavar="WORDS", help="genre of a text, name of a format, title")
    quote = commands.add_parser("quote", help="find words in the seeds and print the row for data/quotes.csv")
    quote.add_argument("words", help="the words as they stand in the text")
    return top


def _common(command: argparse.ArgumentParser, jobs: str, output: str) -> None:
    engine = "auto takes Quarto where it finds 1.9 or newer"
    command.add_argument("--engine", choices=("auto", "quarto", "embedded"), default="auto", help=engine)
    command.add_argument("--jobs", type=_jobs, default=0, metavar="N", help=jobs)
    command.add_argument("--output", type=Path, metavar="DIR", help=output)
    longest = "longest time for a notebook"
    command.add_argument("--timeout", type=_seconds, default=300.0, metavar="SECONDS", help=longest)
    command.add_argument("--quiet", action="store_true", help="say nothing unless something is wrong")


def _parameters_help() -> str:
    from alliances.dataset import Dataset
    from alliances.parameters import described

    with suppress(AlliancesError):
        rows = described(Dataset.load(find_root(), validate=False))
        listed = (f"  {name:<22} {kind}. {meaning} Example: {example}" for name, kind, _, meaning, example in rows)
        return "\n".join(["parameters:", *listed])
    return ""


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) <= _LONGEST:
            return float(text)
    raise argparse.ArgumentTypeError(f"“{text}” is not a number of seconds above 0 and up to {_LONGEST}")


def _jobs(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= 64:
        return int(text)
    raise argparse.ArgumentTypeError(f"“{text}” is not a whole number from 1 to 64")


def _port(text: str) -> int:
    if text.isdigit() and 1024 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"“{text}” is not a port from 1024 to 65535")


def read_parameters(pairs: Sequence[Sequence[str]], file: Path | None) -> dict[str, Any]:
    """Collect the parameters of a command: ``-p`` goes before ``-f``; ``exclude_sources`` may be repeated.

    Raises
    ------
    ParameterError
        If the file cannot be read as a mapping.
    """
    values: dict[str, Any] = {}
    if file:
        from alliances.batch.matrix import read_mapping

        example = "write lines such as “as_of: 2025-03-20”"
        values = read_mapping(file, "parameter", example, "name another with -f")
    excluded: list[str] = []
    for name, value in pairs:
        if name == "exclude_sources":
            excluded += value.split(",")
        values[name] = excluded if name == "exclude_sources" else value
    return values


def _build(arguments: argparse.Namespace) -> int:
    values = read_parameters(arguments.parameters, arguments.file)
    root, output = find_root(), arguments.output.resolve() if arguments.output else None
    formats, engine = tuple(dict.fromkeys(arguments.formats or FORMATS)), arguments.engine
    from alliances.manifest import OUTPUT, is_unchanged, read_manifest

    folder = output or root / OUTPUT
    is_plain = not arguments.force and (output or not values)  # the folder of other editions is named by the data
    is_kept = is_plain and is_unchanged(root, values, formats, engine, folder)  # before anything heavy is imported
    if not is_kept:
        from alliances.run import forks

        forks.start()  # kernels warm up while this process imports what it needs itself
        from alliances.build import build

        built = build(
            root, values, formats=formats, engine=engine, jobs=arguments.jobs, output=output, force=arguments.force,
            timeout=arguments.timeout, say=_say(arguments.quiet), explain=_explain if arguments.explain else _nothing,
        )  # fmt: skip
        if arguments.quiet and built.notice:
            print(built.notice, file=sys.stderr)
        folder, is_kept = built.folder, built.is_kept
    if not arguments.quiet:
        engine = read_manifest(folder)["engine"]
        print(f"{'Nothing has changed; published earlier' if is_kept else 'Published'} with {engine}:")
        print("\n".join(f"  {_short(folder / f'report.{name}')}" for name in formats))
    return 0


def _say(quiet: bool) -> Any:
    return _nothing if quiet else lambda line: print(line, file=sys.stderr, flush=True)


def _nothing(*_: object) -> None:
    pass


def _batch(arguments: argparse.Namespace) -> int:
    root = find_root()
    folder = arguments.output.resolve() if arguments.output else root / "report" / "_output" / "editions"
    from alliances.batch.run import run_matrix
    from alliances.build import build, naming

    outcomes = run_matrix(
        root, arguments.matrix, folder, naming(root), build, engine=arguments.engine, workers=arguments.jobs,
        scheduler=arguments.scheduler, say=_say(arguments.quiet), timeout=arguments.timeout,
    )  # fmt: skip
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed or not arguments.quiet:
        built = len(outcomes) - len(failed)
        print(f"{built} of {len(outcomes)} editions are in {_short(folder)}; see index.html there.")
    for outcome in failed:
        print(f"  {outcome.name}: {outcome.message}")
    return AlliancesError.exit_code if failed else 0


def _explain(name: str, runs: bool, reason: str) -> None:
    print(f"  {name}: {'runs' if runs else 'kept'}; {reason}", file=sys.stderr, flush=True)


def _diff(arguments: argparse.Namespace) -> int:
    from alliances.diff import as_html, as_json, as_text, compare

    found = compare(arguments.old, arguments.new)
    if arguments.html:
        arguments.html.write_text(as_html(found), encoding="utf-8")
    if arguments.json == "-":
        sys.stdout.write(as_json(found))
    elif arguments.json:
        Path(arguments.json).write_text(as_json(found), encoding="utf-8")
    if not (arguments.html or arguments.json):
        print(as_text(found))
    return 1 if found else 0


def _verify(arguments: argparse.Namespace) -> int:
    from alliances.verify import verify

    problems = verify(find_root(), arguments.folder.resolve(), say=_say(False))
    print("\n".join(problems) if problems else f"{_short(arguments.folder)} was rebuilt: every byte is the same.")
    return 1 if problems else 0


def _check(_: argparse.Namespace) -> int:
    from alliances.check import check_project

    report = check_project(find_root())
    print(report.text)
    return 0 if report.ok else AlliancesError.exit_code


def _refresh(arguments: argparse.Namespace) -> int:
    root = find_root()
    from alliances.build import notebook_names
    from alliances.dataset import Dataset
    from alliances.parameters import check_parameters
    from alliances.run.refresh import refresh

    chapters = notebook_names(root)
    names = [Path(name).stem for name in arguments.notebooks] or chapters
    if strange := [name for name in names if name not in chapters]:
        told = f"{strange[0]}.ipynb is none of the report’s notebooks, and is not refreshed"
        raise DataError(f"{told}; those that report/report.qmd includes are {', '.join(chapters)}.")
    dataset = Dataset.load(root)
    defaults = check_parameters({}, dataset).as_dict()
    refresh(root, names, defaults, uncoded=dataset.uncoded, say=_say(False))
    return 0


def _lab(arguments: argparse.Namespace) -> int:
    from alliances.lab import lab

    lab(find_root(), arguments.port, not arguments.no_browser)
    return 0


def _preview(arguments: argparse.Namespace) -> int:
    root, values = find_root(), read_parameters(arguments.parameters, None)
    from alliances.run import forks

    forks.start()
    from alliances.preview import Preview

    name = Path(arguments.notebook).stem
    Preview(root, name, values).serve(arguments.port, browser=not arguments.no_browser, say=_say(False))
    return 0


def _find(arguments: argparse.Namespace) -> int:
    from alliances.check import find_rows

    print(find_rows(find_root(), arguments.text))
    return 0


def _new(arguments: argparse.Namespace) -> int:
    from alliances import new

    what: Any = Path(arguments.what) if arguments.kind == "source" else arguments.what
    more = () if arguments.kind == "judgement" else (arguments.called,)
    print(getattr(new, f"new_{arguments.kind}")(find_root(), what, *more))
    return 0


def _quote(arguments: argparse.Namespace) -> int:
    from alliances.check import find_quote

    print(find_quote(find_root(), arguments.words))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; user errors are one sentence on standard error and exit code 2."""
    arguments = parser().parse_args(argv)
    name = arguments.command
    from alliances.run.stopping import scratch, stoppable

    try:
        with stoppable(), scratch():
            return int(globals()[f"_{name}"](arguments))
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
