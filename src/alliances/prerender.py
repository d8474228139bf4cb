"""What Quarto runs before ``quarto render report``: execute the notebooks and write the chapters it includes.

The parameters are the defaults, or those of the YAML file that the environment variable
``ALLIANCES_PARAMETERS`` names.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from alliances import publishing
from alliances.build import stage_edition
from alliances.cli import read_parameters
from alliances.errors import AlliancesError
from alliances.paths import find_root
from alliances.staging.figures import COMPILED
from alliances.staging.report import chapter_order

FILE_VARIABLE = "ALLIANCES_PARAMETERS"
_STAGED = ("chapters", "figures", COMPILED, "references.json", "edition.yml")


def prerender(root: Path) -> None:
    """Write chapters, figures, ``vega/``, ``references.json``, ``edition.yml`` and the fonts into ``report/``.

    Files that are as they should be are left alone: ``quarto preview`` watches them, and renders again whenever one
    is written.

    Raises
    ------
    AlliancesError
        Whatever is wrong; what an earlier run wrote then stays.
    """
    named = os.environ.get(FILE_VARIABLE)
    values = read_parameters([], Path(named) if named else None)
    report = root / "report"
    with tempfile.TemporaryDirectory() as scratch:
        staged = stage_edition(root, values, Path(scratch), say=lambda line: print(line, file=sys.stderr, flush=True))
        for name in _STAGED:
            bring_up_to_date(report / name, staged.report.folder / name)
        theme = Path(scratch) / "theme"
        theme.mkdir()
        publishing.add_fonts(theme)
        for path in sorted(theme.iterdir()):
            bring_up_to_date(report / "theme" / path.name, path)


def bring_up_to_date(target: Path, source: Path) -> None:
    """Make a file or folder the same as another one, writing only what differs."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        wanted = {path.name for path in source.iterdir()}
        for path in target.iterdir():
            if path.name not in wanted:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name in sorted(wanted):
            bring_up_to_date(target / name, source / name)
    elif not (target.is_file() and target.read_bytes() == source.read_bytes()):
        shutil.copyfile(source, target)


def place_holders(root: Path) -> None:
    """Write the chapters that are not there yet as empty files.

    Quarto reads the included files before it runs this step, and gives up where one is missing.
    """
    folder = root / "report" / "chapters"
    folder.mkdir(exist_ok=True)
    for name in chapter_order(root / "report" / "report.qmd"):
        path = folder / f"{name}.md"
        if not path.exists():
            path.write_text("", encoding="utf-8")


def main(argv: Sequence[str]) -> int:
    """Run the step; a user error is one sentence and stops Quarto. ``--place-holders`` does only that."""
    try:
        root = find_root()
        place_holders(root)
        if "--place-holders" not in argv:
            prerender(root)
    except AlliancesError as error:
        print(f"alliances: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
