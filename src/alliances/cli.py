"""The command line: ``alliances build``, ``batch``, ``diff``, ``check``, ``refresh`` and ``quote``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml

from alliances import __version__, freshness, plain_yaml
from alliances.comparison.model import PARTS, Comparison
from alliances.errors import AlliancesError, ParameterError, sentence_of
from alliances.paths import find_root
from alliances.progress import shown
from alliances.stopping import Stopped, signals_stop

ENGINES = ("auto", "quarto", "embedded")
FORMATS = ("html", "pdf")
_LONGEST = 86_400  # seconds for a notebook


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, with the exit code of all user errors."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{self.prog}: {message}; see `{self.prog} --help`.\n")
        raise SystemExit(AlliancesError.exit_code)

    def format_help(self) -> str:
        """Add the parameters to the help of ``build``; only here, since their model takes a moment to import."""
        if self.prog.endswith(" build"):
            self.epilog = _parameters_help()
        return super().format_help()


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    top = _Parser(prog="alliances", description="Europe's Defence Alliances: a reproducible report.")
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)

    build = commands.add_parser(
        "build",
        help="execute the notebooks and write report.html and report.pdf",
        description="Execute the notebooks with papermill and stitch them into a report.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    build.add_argument(
        "-p",
        dest="parameters",
        nargs=2,
        metavar=("NAME", "VALUE"),
        action="append",
        default=[],
        help="set a parameter (may be repeated; goes before -f)",
    )
    build.add_argument("-f", dest="file", type=Path, metavar="PARAMS.yaml", help="read parameters from a YAML file")
    build.add_argument(
        "--to",
        dest="formats",
        choices=FORMATS,
        action="append",
        help="write this format only (may be repeated; default: both)",
    )
    build.add_argument(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="auto takes Quarto 1.9 or newer where it is found, else the embedded engine (default: auto)",
    )
    build.add_argument(
        "--jobs", type=_jobs, default=0, metavar="N", help="notebooks at a time (default: two more than processors)"
    )
    build.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for the edition (default: report/_output, or report/_output/editions/NAME for other parameters)",
    )
    build.add_argument(
        "--force", action="store_true", help="replace what stands in --output even if it is another edition"
    )

    build.add_argument("--explain", action="store_true", help="say for each notebook why it runs or does not")
    _add_patience(build)

    batch = commands.add_parser("batch", help="build the editions of a matrix file, here or on a Dask cluster")
    batch.add_argument(
        "matrix", type=Path, metavar="MATRIX.yaml", help="file with matrix, include, exclude, parameters, to"
    )
    batch.add_argument("--scheduler", metavar="ADDRESS", help="address of a running Dask scheduler (extra: cluster)")
    batch.add_argument(
        "--output", type=Path, metavar="DIR", help="folder of the editions (default: report/_output/editions)"
    )
    batch.add_argument("--engine", choices=ENGINES, default="auto", help="as for build (default: auto)")
    batch.add_argument("--jobs", type=_jobs, default=0, metavar="N", help="workers (default: one a processor)")
    _add_patience(batch)

    diff = commands.add_parser(
        "diff",
        help="say what changed between two editions",
        description="Say what changed between two editions. Exit code 0: the same; 1: different; 2: an error.",
    )
    diff.add_argument("old", type=Path, metavar="OLD", help="folder of the old edition")
    diff.add_argument("new", type=Path, metavar="NEW", help="folder of the new edition")
    diff.add_argument(
        "--only",
        choices=tuple(PARTS),
        action="append",
        default=[],
        metavar="PART",
        help=f"compare this part only (may be repeated): {', '.join(PARTS)}",
    )
    diff.add_argument("--all", action="store_true", help="show every change, not the first ten of each group")
    diff.add_argument("--json", metavar="FILE", help="write all changes as JSON; - for standard output")
    diff.add_argument("--html", type=Path, metavar="FILE", help="write all changes as a page that needs no network")

    commands.add_parser("check", help="check data, evidence, coverage of the seeds, and notebooks")
    refresh = commands.add_parser("refresh", help="execute the committed notebooks in place at their defaults")
    refresh.add_argument(
        "notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="notebooks to refresh (default: all)"
    )
    quote = commands.add_parser("quote", help="find words in the seeds and print the row for data/quotes.csv")
    quote.add_argument("words", help="the words as they stand in the text")
    return top


def _parameters_help() -> str:
    from alliances.parameters import NAMES, Parameters, type_name

    lines = ["parameters:"]
    for name in NAMES:
        field = Parameters.model_fields[name]
        lines.append(f"  {name:<22} {type_name(name)}. {field.description} Example: {(field.examples or [''])[0]}")
    return "\n".join(lines)


def _add_patience(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--timeout",
        type=_seconds,
        default=300.0,
        metavar="SECONDS",
        help="longest time for a notebook, after which the build stops (default: 300)",
    )
    command.add_argument("--quiet", action="store_true", help="say nothing unless something is wrong")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if 0 < seconds <= _LONGEST:
        return seconds
    raise argparse.ArgumentTypeError(f"“{text}” is not a number of seconds above 0 and up to {_LONGEST}")


def _jobs(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= 64:
        return int(text)
    raise argparse.ArgumentTypeError(f"“{text}” is not a whole number from 1 to 64")


def read_parameters(pairs: Sequence[Sequence[str]], file: Path | None) -> dict[str, Any]:
    """Collect the parameters of a command: ``-p`` goes before ``-f``; ``exclude_sources`` may be repeated.

    Raises
    ------
    ParameterError
        If the file cannot be read as a mapping.
    """
    values: dict[str, Any] = {}
    if file:
        try:
            loaded = plain_yaml.load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ParameterError(
                f"The parameter file {file} cannot be read ({error}); name another with -f."
            ) from error
        except yaml.YAMLError as error:
            where = str(error).splitlines()[-1].strip()
            raise ParameterError(
                f"The parameter file {file} is not YAML ({where}); write lines such as “as_of: 2025-03-20”."
            ) from error
        if not isinstance(loaded, dict):
            raise ParameterError(
                f"The parameter file {file} holds no mapping; write lines such as “as_of: 2025-03-20”."
            )
        values.update({str(name): value for name, value in loaded.items()})
    excluded: list[str] = []
    for name, value in pairs:
        if name == "exclude_sources":
            excluded += value.split(",")
            values[name] = excluded
        else:
            values[name] = value
    return values


def run_build(arguments: argparse.Namespace) -> int:
    """Build an edition and say where it stands."""
    values = read_parameters(arguments.parameters, arguments.file)
    root = find_root()
    formats = tuple(dict.fromkeys(arguments.formats or FORMATS))
    output = arguments.output.resolve() if arguments.output else None
    key = freshness.request_key(root, values, formats, arguments.engine, output)
    there = None if arguments.force else freshness.find(root, key)
    if there:
        if not arguments.quiet:
            print(f"Nothing has changed; published earlier with {there['engine']}:")
            _list(Path(path) for path in there["files"])
        return 0
    from alliances.execution.warm_process import WarmKernels
    from alliances.scratch import scratch_folder

    with scratch_folder(), shown(arguments.quiet) as reporter, WarmKernels() as warm:  # it warms up while we import
        from alliances.build import build_edition

        built = build_edition(
            root,
            values,
            formats=formats,
            engine=arguments.engine,
            jobs=arguments.jobs,
            output=output,
            force=arguments.force,
            say=reporter.say,
            step=reporter.step,
            explain=_explain if arguments.explain else None,
            timeout=arguments.timeout,
            warm=warm,
        )
    if not built.notice:  # a build that Quarto failed is tried again
        freshness.note(root, key, built.folder, built.files, built.engine)
    elif arguments.quiet:
        print(built.notice, file=sys.stderr)
    if not arguments.quiet:
        print(f"Published with {built.engine}:")
        _list(built.files)
    return 0


def _list(files: Iterable[Path]) -> None:
    for path in files:
        print(f"  {_short(path)}")


def run_batch(arguments: argparse.Namespace) -> int:
    """Build the editions of a matrix, and write their index page."""
    root = find_root()
    folder = arguments.output.resolve() if arguments.output else root / "report" / "_output" / "editions"
    from alliances.scratch import scratch_folder

    with scratch_folder(), shown(arguments.quiet) as reporter:
        from alliances.batch.run import run_matrix

        outcomes = run_matrix(
            root,
            arguments.matrix,
            folder,
            engine=arguments.engine,
            workers=arguments.jobs,
            scheduler=arguments.scheduler,
            say=reporter.say,
            step=reporter.step,
            timeout=arguments.timeout,
        )
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed or not arguments.quiet:
        built = len(outcomes) - len(failed)
        print(f"{built} of {len(outcomes)} editions are in {_short(folder)}; see index.html there.")
    for outcome in failed:
        print(f"  {outcome.name}: {outcome.message}")
    return AlliancesError.exit_code if failed else 0


def _explain(name: str, runs: bool, reason: str) -> None:
    print(f"  {name}: {'runs' if runs else 'kept'}; {reason}", file=sys.stderr, flush=True)


def run_diff(arguments: argparse.Namespace) -> int:
    """Say what changed between two editions: as text, or into the files that are asked for."""
    from alliances.comparison.compare import compare

    found = compare(arguments.old, arguments.new, arguments.only)
    if arguments.html:
        from alliances.comparison.page import as_html

        arguments.html.write_text(as_html(found, find_root()), encoding="utf-8")
        print(f"Written: {_short(arguments.html)}", file=sys.stderr)
    if arguments.json:
        text = json.dumps(found.as_dict(), ensure_ascii=False, indent=1) + "\n"
        if arguments.json == "-":
            sys.stdout.write(text)
        else:
            Path(arguments.json).write_text(text, encoding="utf-8")
            print(f"Written: {_short(Path(arguments.json))}", file=sys.stderr)
    if not (arguments.html or arguments.json):
        _print_comparison(found, everything=arguments.all)
    return 0 if found.same else 1


def _print_comparison(found: Comparison, *, everything: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    from alliances.comparison.terminal import LIMIT, as_lines

    console = Console(highlight=False, soft_wrap=True)  # plain where standard output is no terminal
    width = min(console.width, 120) if console.is_terminal else 100
    for line, style in as_lines(found, width=width, limit=None if everything else LIMIT):
        console.print(Text(line, style))


def run_check(_: argparse.Namespace) -> int:
    """Check data, evidence, coverage and notebooks."""
    root = find_root()
    from alliances.check import check_project

    report = check_project(root)
    print(report.text)
    return 0 if report.ok else AlliancesError.exit_code


def run_refresh(arguments: argparse.Namespace) -> int:
    """Renew the committed outputs of notebooks."""
    root = find_root()
    from alliances.dataset import Dataset
    from alliances.errors import ExecutionError
    from alliances.execution.refresh import refresh
    from alliances.staging.report import notebook_names

    everything = [root / "notebooks" / f"{name}.ipynb" for name in notebook_names(root / "report" / "report.qmd")]
    chosen = [path.resolve() for path in arguments.notebooks] or everything
    strange = [path for path in chosen if path.suffix != ".ipynb"]
    if strange:
        raise ExecutionError(f"{strange[0]} is not a notebook; name files that end in .ipynb.")
    Dataset.load(root)
    refresh(
        chosen,
        root,
        progress=lambda name, seconds: print(f"  refreshed {name} in {seconds:.1f} s", file=sys.stderr),
    )
    return 0


def run_quote(arguments: argparse.Namespace) -> int:
    """Find words in the seeds."""
    root = find_root()
    from alliances.check import find_quote

    print(find_quote(root, arguments.words))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; user errors are one sentence on standard error and exit code 2."""
    arguments = parser().parse_args(argv)
    commands = {
        "batch": run_batch,
        "build": run_build,
        "check": run_check,
        "diff": run_diff,
        "refresh": run_refresh,
        "quote": run_quote,
    }
    try:
        with signals_stop():
            return commands[arguments.command](arguments)
    except AlliancesError as error:
        sentence = " ".join(str(error).split())  # on one line, whatever the value that it repeats
        print(f"alliances {arguments.command}: {sentence}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as error:
        what = "the same command goes on from here" if arguments.command == "batch" else "nothing was changed"
        print(f"alliances {arguments.command}: interrupted; {what}.", file=sys.stderr)
        return error.exit_code if isinstance(error, Stopped) else 130
    except OSError as error:
        print(f"alliances {arguments.command}: {sentence_of(error)}", file=sys.stderr)
        return AlliancesError.exit_code
    except Exception:
        log = _crash_log()
        print(
            f"alliances {arguments.command}: an error of the program itself; please report it with {log}.",
            file=sys.stderr,
        )
        return AlliancesError.exit_code if arguments.command == "diff" else 1  # where 1 says that editions differ


def _crash_log() -> Path:
    import tempfile

    descriptor, name = tempfile.mkstemp(prefix="alliances-", suffix=".log")
    os.close(descriptor)
    path = Path(name)
    path.write_text(traceback.format_exc(), encoding="utf-8")
    return path


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    raise SystemExit(main())
