"""What Quarto runs after ``quarto render report``: give its page live charts and a Content-Security-Policy.

`alliances build` does the same to the page of either engine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from alliances.errors import AlliancesError
from alliances.paths import find_root
from alliances.publishing import html

#: Where Quarto names what it has written: paths from the project's folder, a line each.
OUTPUT_VARIABLE = "QUARTO_PROJECT_OUTPUT_FILES"


def postrender(report: Path, written: Iterable[str]) -> list[Path]:
    """Finish the pages among the files that Quarto wrote.

    Parameters
    ----------
    report : Path
        The Quarto project, with what the pre-render step wrote into it.
    written : iterable of str
        Files, relative to `report`.

    Returns
    -------
    list of Path
        The pages.

    Raises
    ------
    PublishError
        If a page would fetch something or a link leads nowhere; the page then stays as Quarto wrote it.
    """
    pages = [report / name for name in written if name.endswith(".html")]
    for page in pages:
        finished = html.finish(page.read_text(encoding="utf-8"), report)
        page.write_text(finished, encoding="utf-8", newline="\n")
    return pages


def main() -> int:
    """Run the step; an error is one sentence and stops Quarto."""
    try:
        postrender(find_root() / "report", os.environ.get(OUTPUT_VARIABLE, "").splitlines())
    except AlliancesError as error:
        print(f"alliances: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
