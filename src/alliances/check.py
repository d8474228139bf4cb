"""``alliances check`` and ``alliances quote``: everything that a machine can say of the project before a build."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from alliances.dataset import Dataset
from alliances.dataset.check import check
from alliances.dataset.seeds import read_seeds
from alliances.dataset.tables import read_tables
from alliances.errors import AlliancesError, DataError
from alliances.execution import notebooks
from alliances.execution.refresh import stale
from alliances.execution.run import check_notebooks
from alliances.prose.narrative import row_ids_in
from alliances.staging.report import notebook_names


@dataclass(frozen=True)
class ProjectReport:
    """What ``alliances check`` found.

    Parameters
    ----------
    ok : bool
        Whether nothing has to be mended.
    text : str
        The report for the terminal.
    """

    ok: bool
    text: str


def check_project(root: Path) -> ProjectReport:
    """Check data, evidence, coverage of the seeds, and notebooks."""
    data = check(root)
    lines = [data.format()]
    template = root / "report" / "report.qmd"
    paths = [root / "notebooks" / f"{name}.ipynb" for name in notebook_names(template)]
    problems: list[str] = []
    try:
        check_notebooks(paths)
        problems += [
            f"notebooks/{path.name} has outputs that rest on other cells or other data; "
            f"run `alliances refresh notebooks/{path.name}`."
            for path in stale(paths, root)
        ]
        problems += unknown_rows(root, paths)
    except AlliancesError as error:
        problems.append(str(error))
    lines += [
        "",
        f"notebooks: {len(paths)} checked, {len(problems)} problems",
        *(f"  {line}" for line in problems),
    ]
    return ProjectReport(data.ok and not problems, "\n".join(lines))


def unknown_rows(root: Path, paths: list[Path]) -> list[str]:
    """Name the rows that a sentence in a notebook refers to and that the dataset does not have."""
    try:
        dataset = Dataset.load(root, validate=False)
    except DataError:
        return []  # said already, with file and row
    found = []
    for path in paths:
        for cell in notebooks.read(path).cells:
            for row_id in dict.fromkeys([*row_ids_in(cell.source), *_quoted_ids(cell.source)]):
                if row_id not in dataset:
                    found.append(f"notebooks/{path.name} refers to the row {row_id}, which the dataset does not have.")
    return found


def _quoted_ids(source: str) -> list[str]:
    return re.findall(r'"((?:cha|mem|pos|acc|obs|cap|sta)-[a-z0-9-]+)"', source)


def find_quote(root: Path, words: str) -> str:
    """Find words in the source texts and return rows for ``data/quotes.csv``.

    Where the words stand more than once, each row has the prefix and suffix that tell it apart.

    Raises
    ------
    DataError
        If the words stand in no text.
    """
    wanted = words.strip()
    if not wanted:
        raise DataError("No words were given; write the words as they stand in a text, in quotation marks.")
    pattern = re.compile(r"\s+".join(re.escape(part) for part in wanted.split()))
    loose = re.compile(r"\s+".join(re.escape(part) for part in wanted.split()), re.IGNORECASE)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["quote_id", "source_id", "exact", "prefix", "suffix"])
    count = 0
    for source_id, seed in read_seeds(root, read_tables(root)["sources"]).items():
        text = seed.text
        matches = list(pattern.finditer(text)) or list(loose.finditer(text))
        for match in matches:
            exact = match.group()
            once = text.count(exact) == 1
            before = "" if once else " ".join(text[: match.start()].split()[-5:])
            after = "" if once else " ".join(text[match.end() :].split()[:5])
            slug = "-".join(re.findall(r"[a-z0-9]+", exact.lower())[:5])
            writer.writerow([slug, source_id, exact, before, after])
            count += 1
    if not count:
        raise DataError(
            f"“{wanted}” stands in none of the source texts; check the spelling, curly quotation marks included."
        )
    return out.getvalue().rstrip("\n")
