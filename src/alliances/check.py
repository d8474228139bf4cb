"""``alliances check``, ``quote`` and ``find``: everything that a machine can say of the project before a build."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from alliances.analysis.frames import find
from alliances.analysis.subjects import is_subject, newest
from alliances.behind import behind_of
from alliances.build import checked_parameters, notebook_names
from alliances.dataset import Dataset
from alliances.dataset.check import check
from alliances.dataset.problems import nearest
from alliances.dataset.tables import read_tables
from alliances.dataset.texts import read_texts
from alliances.errors import AlliancesError, DataError, NarrativeError
from alliances.run import notebooks
from alliances.run.refresh import stale

__all__ = ["ProjectReport", "check_project", "find_quote", "find_rows"]

_ROW_ID = re.compile(r"(?<![\w-])((?:cha|mem|pos|acc|obs|cap|sta|r)-[a-z0-9]+(?:-[a-z0-9]+)+)(?![\w-])")

_SUBJECT = re.compile(r"""[{"']([A-Za-z0-9-]+\.[a-z_]+)""")


@dataclass(frozen=True)
class ProjectReport:
    """What ``alliances check`` found: whether nothing has to be mended, and the report for the terminal."""

    ok: bool
    text: str


def check_project(root: Path) -> ProjectReport:
    """Check data, evidence, coverage of the seeds, and notebooks."""
    data = check(root)
    problems: list[str] = []
    names: list[str] = []
    late: list[str] = []
    try:
        dataset = Dataset.load(root, validate=False)
        names = notebook_names(root)
        checked_parameters(root, dataset, {})
        problems += [
            f"notebooks/{name}.ipynb is behind its cells or data; run `alliances refresh {name}`."
            for name in stale(root, names)
        ]
        problems += unlisted(root, names)
        problems += unknown_rows(root, names, dataset)
        problems += two_values(root, names, dataset)
        late = behind_of(root, dataset, names)
    except DataError:
        pass  # said already, with file and row
    except AlliancesError as error:
        problems.append(str(error))
    lines = [data.format(), "", f"notebooks: {len(names)} checked, {len(problems)} problems"]
    lines += [f"  {problem}" for problem in problems]
    lines += ["", f"behind the data: {len(late)} places of the report", *(f"  {each}" for each in late)]
    return ProjectReport(data.ok and not problems and not late, "\n".join(lines))


def unlisted(root: Path, names: list[str]) -> list[str]:
    """Name the notebooks that no include line names."""
    found = sorted(path.stem for path in (root / "notebooks").glob("*.ipynb"))
    return [
        f"notebooks/{name}.ipynb is in no include line of report/report.qmd; add one, or move the notebook elsewhere."
        for name in found
        if name not in names
    ]


def unknown_rows(root: Path, names: list[str], dataset: Dataset) -> list[str]:
    """Name the rows that a cell refers to and that the dataset does not have."""
    found = []
    known = dataset.row_ids
    for name in names:
        for number, cell in enumerate(notebooks.read(root, name).cells, 1):
            for row_id in dict.fromkeys(_ROW_ID.findall(cell.source if cell.cell_type == "code" else "")):
                if row_id not in dataset:
                    near = nearest(row_id, known)
                    found.append(
                        f"notebooks/{name}.ipynb, cell {number}, names the row {row_id}, which is not in the dataset"
                        + (f"; the nearest is {near}." if near else ".")
                    )
    return found


def two_values(root: Path, names: list[str], dataset: Dataset) -> list[str]:
    """Name the subjects that a notebook prints and whose newest text gives two values, at the date of any source."""
    found: dict[str, None] = {}
    days = [date.fromisoformat(day) for day in sorted(set(dataset["sources"]["published"]))]
    for name in names:
        source = "\n".join(cell.source for cell in notebooks.read(root, name).cells)
        subjects = {subject for subject in _SUBJECT.findall(source) if is_subject(dataset, subject)}
        for known in (dataset.known(day) for day in days if subjects):
            for subject in sorted(subjects):
                try:
                    newest(known, subject)
                except NarrativeError as error:
                    found[f"notebooks/{name}.ipynb, texts published by {known.as_of}: {error}"] = None
    return list(found)


def find_rows(root: Path, text: str) -> str:
    """Find rows by id, mark, value, words, country or format, and lay them out for the terminal."""
    frame = find(Dataset.load(root, validate=False), text)
    if frame.empty:
        return f"No row holds “{text}”; `alliances quote` looks for words in the texts."
    return "\n".join(
        f"{mark:>4}  {row_id}  {' · '.join(part for part in says if part)}"
        for row_id, _, mark, _, *says in frame.itertuples(index=False, name=None)
    )


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
    pattern = r"\s+".join(re.escape(part) for part in wanted.split())
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["quote_id", "source_id", "exact", "prefix", "suffix"])
    count = 0
    for source_id, seed in read_texts(root, read_tables(root)["sources"]).items():
        text = seed.text
        for match in list(re.finditer(pattern, text)) or list(re.finditer(pattern, text, re.IGNORECASE)):
            exact = match.group()
            once = text.count(exact) == 1
            before = "" if once else " ".join(text[: match.start()].split()[-5:])
            after = "" if once else " ".join(text[match.end() :].split()[:5])
            quote_id = "-".join(re.findall(r"[a-z0-9]+", exact.lower())[:5])
            writer.writerow([quote_id, source_id, exact, before, after])
            count += 1
    if not count:
        raise DataError(
            f"“{wanted}” stands in none of the source texts; check the spelling, curly quotation marks included."
        )
    return out.getvalue().rstrip("\n")
