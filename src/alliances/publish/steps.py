"""What Quarto runs before and after ``quarto render report``, typed by hand: stage the report; finish its page."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from alliances.errors import AlliancesError
from alliances.publish.engines import install_fonts
from alliances.publish.page import finish

__all__ = ["bring_up_to_date", "main", "post", "pre"]

STAGED = ("report.md", "edition.yml", "facts.json", "figures", "vega", "attached")


def pre(root: Path) -> None:
    """Execute the notebooks at the defaults and write the staged report into report/."""
    from alliances.build import stage_defaults  # here: the build is above this room

    with tempfile.TemporaryDirectory(prefix="alliances-stage-") as scratch:
        stage_defaults(root, Path(scratch))
        for name in STAGED:
            bring_up_to_date(root / "report" / name, Path(scratch) / name)
    install_fonts(root / "report" / "fonts")


def post(root: Path) -> None:
    """Finish the pages among the files that Quarto wrote, which it names a line each, relative to the project."""
    report, cache = root / "report", root / ".cache"
    policy = "QUARTO_PROJECT_SCRIPT_QUIET" not in os.environ  # set in a preview alone
    for name in os.environ.get("QUARTO_PROJECT_OUTPUT_FILES", "").splitlines():
        if name.endswith(".html"):
            page = report / name
            finished = finish(page.read_text(encoding="utf-8"), report, cache, policy)
            page.write_text(finished, encoding="utf-8", newline="\n")


def bring_up_to_date(target: Path, source: Path) -> None:
    """Make a file or folder the same as another one, writing only what differs: ``quarto preview`` watches them."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for path in target.iterdir():
            if not (source / path.name).exists():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in sorted(source.iterdir()):
            bring_up_to_date(target / path.name, path)
    elif source.is_file():
        if not (target.is_file() and target.read_bytes() == source.read_bytes()):
            shutil.copyfile(source, target)
    elif target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)


def main(arguments: list[str]) -> int:
    """Run a step; an error is one sentence and stops Quarto."""
    root = Path(os.environ.get("ALLIANCES_ROOT") or Path.cwd().parent)
    try:
        {"pre": pre, "post": post}[arguments[0]](root)
    except AlliancesError as error:
        print(f"alliances: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
