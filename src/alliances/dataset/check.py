"""Everything that can be said about the data by machine, in one report."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from alliances.dataset.consistency import OpenPoint, open_points
from alliances.dataset.coverage import Coverage, coverage, format_coverage
from alliances.dataset.problems import Problem
from alliances.dataset.rules import check_rules
from alliances.dataset.schema import check_schema, unlabelled
from alliances.dataset.tables import Raw, data_path, read_descriptor, read_files
from alliances.dataset.texts import SourceText, check_quotes, check_sources
from alliances.paths import find_root


@dataclass(frozen=True)
class CheckReport:
    """All that can be said of the data: `problems` make them invalid, `notices` do not.

    `tables` are None where a file cannot be read; `texts` holds the source texts that can.
    """

    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...]
    tables: Raw | None = None
    texts: Mapping[str, SourceText] = field(default_factory=dict)

    @cached_property
    def coverage(self) -> list[Coverage]:
        """How far each text is accounted for; empty where the tables cannot be read."""
        return [] if self.tables is None else coverage(self.tables, self.texts)

    @cached_property
    def open_points(self) -> list[OpenPoint]:
        """Points on which rows differ and no disagreement names both, for people to judge."""
        return [] if self.tables is None else open_points(self.tables)

    @property
    def ok(self) -> bool:
        """Whether there is no problem and every sentence of the texts is accounted for."""
        return not self.problems and not any(text.gaps for text in self.coverage)

    def format(self) -> str:
        """Write the report as text, what needs attention first."""
        lines = [*map(str, self.problems), *(f"notice: {notice}" for notice in self.notices)]
        files = Counter(problem.file for problem in self.problems)
        told = "Problems: " + ", ".join(f"{file} {n}" for file, n in files.items()) + "."
        lines.append(told if files else "Tables, keys, vocabularies, dates, values and quotations: no problem.")
        if self.tables is None:
            return "\n".join([*lines, "Coverage and disagreements wait until the files can be read."])
        lines += ["", format_coverage(self.coverage)]
        if self.open_points:
            lines += ["", "Rows that differ on one point, and that no row of data/disagreements.csv names together:"]
        lines += [*map(str, self.open_points), "", f"{len(self.open_points)} undeclared disagreements."]
        counts = ", ".join(f"{table} {len(rows)}" for table, rows in self.tables.items())
        return "\n".join([*lines, f"Rows: {counts}."])


def check(root: Path | str | None = None) -> CheckReport:
    """Check files, schema, rows and quotations of the data in `root`; DataError if its package cannot be read."""
    folder = Path(root) if root is not None else find_root()
    resources = read_descriptor(folder)["resources"]
    stray = _stray_files(folder, resources)
    tables, problems = read_files(folder, resources)
    if problems:
        return CheckReport(tuple(problems), tuple(stray))
    texts: dict[str, SourceText] = {}
    problems += [*check_schema(resources, tables), *check_rules(tables), *check_sources(tables, folder, texts)]
    problems += check_quotes(tables, texts)
    return CheckReport(tuple(problems), (*stray, *unlabelled(resources, tables)), tables, texts)


def _stray_files(root: Path, resources: Mapping[str, Any]) -> Iterator[Problem]:
    listed = {data_path(name) for name in resources} | {"data/datapackage.json"}
    for path in sorted((root / "data").iterdir()):
        name = f"data/{path.name}"
        if path.is_file() and name not in listed and path.suffix != ".md" and not path.name.startswith("."):
            yield Problem(name, None, "", "the file is in no entry of data/datapackage.json", "nothing reads it",
                          "take it out of data/, or describe it there")  # fmt: skip
