"""What Quarto runs at ``quarto render``, typed by hand: stage the report, finish its page, read a notebook alone."""

import json
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from filecmp import cmp
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat.v4 import new_markdown_cell, new_raw_cell

from alliances.build import collect, plan, stage_edition
from alliances.errors import AlliancesError, PublishError
from alliances.place import FORMATS, read_manifest, refuse_foreign, slug, write_manifest
from alliances.publish.engines import Published, install_fonts
from alliances.publish.page import finish
from alliances.run.cache import Cache
from alliances.run.refresh import CHART, settle
from alliances.stage.figures import Drawer

#: Where what makes an edition of Quarto's output waits while it renders.
ASIDE = Path("report", ".quarto", "alliances")
_PARAMETERS = {"-P", "--execute-param", "--execute-params"}


def pre(root: Path, output: Path) -> None:
    """Execute the notebooks, with the ``params`` of Quarto's profiles, and write the staged report into report/.

    PublishError if Quarto was given ``-P``, which it keeps to itself, or a format that the report has not, or would
    write over another edition, which it would do without a word.
    """
    typed = _typed()
    if {"-t", "--to"} & typed and not any(word.startswith("alliances-") for word in typed):
        raise PublishError("The report has no such format; give `--to` alliances-html or alliances-typst, or neither.")
    if _PARAMETERS & typed:
        told = "Quarto does not hand -P to the notebooks of a project; write `params:` into report/_quarto-NAME.yml"
        raise PublishError(f"{told} and give `--profile NAME`, or use `alliances build -p`.")
    _say("Executing notebooks for the report; those that did not change since the last time take no time.")
    values: dict[str, Any] = {}  # of the project and of its profiles, of which the first goes before the others
    for profile in ("", *(f"-{name.strip()}" for name in os.environ.get("QUARTO_PROFILE", "").split(",")[::-1])):
        for path in (root / "report").glob(f"_quarto{profile}.y*ml"):
            values |= (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("params") or {}
    planned = plan(root, values)
    asked, defaults = planned.parameters.as_dict(), planned.defaults.as_dict()
    try:
        refuse_foreign(output, asked, defaults)
    except PublishError as error:
        place = f"write “project: {{output-dir: _output/editions/{slug(asked, defaults) or 'NAME'}}}” into the profile"
        raise PublishError(f"{str(error).split(';')[0]}; {place}, or remove that one.") from None
    with tempfile.TemporaryDirectory(prefix="alliances-stage-") as scratch:
        with Drawer(Cache(root)) as drawer:
            edition = stage_edition(planned, Path(scratch), drawer, say=_say)
            edition.check()
            drawer.finish()
        for name in ("report.md", "edition.yml", "facts.json", "figures", "vega", "attached"):
            bring_up_to_date(root / "report" / name, Path(scratch) / name)
        install_fonts(root / "report" / "fonts")
        shutil.rmtree(root / ASIDE, ignore_errors=True)
        collect(edition, root / ASIDE, Published("quarto, by hand", []), ())


def post(root: Path, output: Path) -> None:
    """Finish the pages among the files that Quarto wrote, and make an edition of its folder.

    What is not of this edition goes: the other format, and what describes an earlier one. A preview, whose pages have
    no policy since a script of Quarto's reloads them, is an edition without formats, so that a build replaces it.
    """
    is_preview = "preview" in _typed() or os.environ.get("QUARTO_PROJECT_SCRIPT_QUIET") == "1"
    written = [root / "report" / name for name in os.environ.get("QUARTO_PROJECT_OUTPUT_FILES", "").splitlines()]
    for page in [path for path in written if path.suffix == ".html"]:
        finished = finish(page.read_text(encoding="utf-8"), root / "report", not is_preview)
        page.write_text(finished, encoding="utf-8", newline="\n")
    parts = ["facts.json", "notebooks", "figures"]
    for name in parts:
        bring_up_to_date(output / name, root / ASIDE / name)
    made = [] if is_preview else [kind for kind in FORMATS if output / f"report.{kind}" in written]
    for kind in {*FORMATS}.difference(made or FORMATS):
        (output / f"report.{kind}").unlink(missing_ok=True)
    entries = read_manifest(root / ASIDE) | {"formats": made}
    write_manifest(output, [*(f"report.{kind}" for kind in made), *parts], entries)


def before_alone(*_: Path) -> None:
    """Say what Quarto does with a notebook's parameters, and to the notebook, where it says nothing of it."""
    typed = _typed()
    if "--execute" in typed:
        _say("Quarto writes what it executes into the notebook itself, with -P; `make notebooks` puts it right.")
    elif _PARAMETERS & typed:
        told = "Nothing was rendered: Quarto passes over -P unless it executes the notebook"
        raise PublishError(f"{told}; add `--execute`, or use `alliances preview CHAPTER -p NAME VALUE`.")


def alone(*_: Path) -> None:
    """Leave of a notebook what it tells, with the pictures of its charts: code and frames are for JupyterLab."""
    notebook, pieces = nbformat.read(sys.stdin, as_version=4), list[str]()
    settle(notebook, notebook)  # what Quarto has executed comes without pictures
    for shown in (out for cell in notebook.cells for out in cell.get("outputs", [])):
        if told := shown.get("metadata", {}).get("alliances"):
            alt = json.dumps(told.get("alt", ""), ensure_ascii=False)
            drawn = f"![](data:image/png;base64,{''.join(shown.data.get('image/png', '').split())}){{fig-alt={alt}}}"
            pieces.append(drawn if CHART in shown.data else shown.data.get("text/markdown", ""))
    title = next((piece.partition("\n")[0] for piece in pieces if piece.startswith("# ")), "")
    front = f"---\ntitle: {json.dumps(title.removeprefix('# '), ensure_ascii=False)}\n---"
    notebook.cells = [new_raw_cell(front), *(new_markdown_cell(piece.removeprefix(title)) for piece in pieces)]
    nbformat.write(notebook, sys.stdout)


def _typed() -> set[str]:
    """Return the words of the command by which Quarto was called, where the system tells: on Linux."""
    words, process = set[str](), os.getppid()
    with suppress(OSError, ValueError):
        for _ in range(2):  # this one's caller is step.py, whose caller is Quarto
            words |= {word.split(":")[0] for word in Path(f"/proc/{process}/cmdline").read_text("utf-8").split("\0")}
            process = int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    return words


def bring_up_to_date(target: Path, source: Path) -> None:
    """Make a file or folder the same as another one, writing only what differs: ``quarto preview`` watches them."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for name in {path.name for folder in (source, target) for path in folder.iterdir()}:
            bring_up_to_date(target / name, source / name)
    elif not source.exists():
        shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    elif not (target.is_file() and cmp(target, source, shallow=False)):
        shutil.copyfile(source, target)


def _say(line: str) -> None:
    print(f"alliances: {line.strip()}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Run a step; an error is one sentence and stops Quarto."""
    steps: dict[str, Any] = {"pre": pre, "post": post, "before-alone": before_alone, "alone": alone}
    root = Path(os.environ.get("ALLIANCES_ROOT") or Path.cwd().parent)
    try:
        steps[arguments[0]](root, Path(root, "report", os.environ.get("QUARTO_PROJECT_OUTPUT_DIR") or "_output"))
    except AlliancesError as error:
        _say(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
