"""Everything that can be said about the data by machine, in one report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alliances.dataset.consistency import OpenPoint, open_points
from alliances.dataset.coverage import Coverage, coverage, format_coverage
from alliances.dataset.files import check_files, stray_files
from alliances.dataset.problems import Problem
from alliances.dataset.quote_rules import check_quotes
from alliances.dataset.rules import check_rules, unlabelled
from alliances.dataset.schema import check_schema
from alliances.dataset.tables import Raw, read_descriptor, read_tables
from alliances.dataset.texts import SourceText, read_text
from alliances.errors import DataError
from alliances.paths import find_root


@dataclass(frozen=True, slots=True)
class Validated:
    """What validation found and, where the files could be read, the tables (else None) and texts.

    `problems` make the data invalid; `notices` (a term without a label, a stray file) do not.
    """

    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...] = ()
    tables: Raw | None = None
    texts: Mapping[str, SourceText] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All that `alliances check` says of the data.

    `coverage` is None where the tables cannot be read; `open_points` are points on which rows differ and no
    disagreement names both, for people to judge; `counts` are the rows of each table.
    """

    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...] = ()
    coverage: Coverage | None = None
    open_points: tuple[OpenPoint, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is no problem and every sentence of the texts is accounted for."""
        return not self.problems and self.coverage is not None and not self.coverage.gaps

    def format(self) -> str:
        """Write the report as text, what needs attention first."""
        lines = [*map(str, self.problems), *(f"notice: {notice}" for notice in self.notices)]
        files = Counter(problem.file for problem in self.problems)
        told = "Problems: " + ", ".join(f"{file} {n}" for file, n in files.items()) + "."
        lines.append(told if files else "Tables, keys, vocabularies, dates, values and quotations: no problem.")
        if self.coverage is None:
            return "\n".join([*lines, "Coverage and disagreements wait until the files can be read."])
        lines += ["", format_coverage(self.coverage)]
        alone, several = ([str(p) for p in self.open_points if p.single == single] for single in (True, False))
        for points, heading in (
            (alone, "Rows that differ on one point, and that no row of data/disagreements.csv names together:"),
            (several, "Rows that differ and may stand side by side (several tasks, dates, scenarios, areas):"),
        ):
            lines += ["", heading, *points] if points else []
        lines += ["", f"{len(alone)} undeclared disagreements, {len(several)} points with several values."]
        return "\n".join([*lines, "Rows: " + ", ".join(f"{table} {n}" for table, n in self.counts.items()) + "."])


def validate(root: Path | str | None = None) -> Validated:
    """Validate the data in `root`, which `find_root` finds by default: files, schema, rules of the rows, quotations.

    Raises
    ------
    DataError
        If there is no such folder or `data/datapackage.json` cannot be read.
    """
    folder = Path(root) if root is not None else find_root()
    descriptor = read_descriptor(folder)
    stray = stray_files(folder, descriptor)
    if problems := check_files(folder, descriptor):
        return Validated(tuple(problems), tuple(stray))
    tables = read_tables(folder)
    texts: dict[str, SourceText] = {}
    for row in tables["sources"]:
        try:
            texts[row["source_id"]] = read_text(folder, row["file"])
        except DataError:
            continue  # told by the rules, with row and column
    problems = [*check_schema(descriptor, tables), *check_rules(tables, folder), *check_quotes(tables, texts)]
    return Validated(tuple(problems), (*stray, *unlabelled(descriptor, tables)), tables, texts)


def check(root: Path | str | None = None) -> CheckReport:
    """Check everything: validity, coverage of the source texts, undeclared disagreements; raises as `validate`."""
    validated = validate(root)
    tables = validated.tables
    if tables is None:
        return CheckReport(validated.problems, validated.notices)
    counts = {table: len(rows) for table, rows in tables.items()}
    covered, points = coverage(tables, validated.texts), tuple(open_points(tables))
    return CheckReport(validated.problems, validated.notices, covered, points, counts)
