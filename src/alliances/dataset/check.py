"""Everything that can be said about the data by machine, in one report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alliances.dataset.consistency import OpenPoint, open_points
from alliances.dataset.coverage import Coverage, coverage, format_coverage
from alliances.dataset.problems import Problem
from alliances.dataset.quote_rules import check_quotes
from alliances.dataset.quotes import SourceText
from alliances.dataset.rules import check_rules
from alliances.dataset.schema import check_files, check_schema
from alliances.dataset.seeds import read_seed
from alliances.dataset.tables import Raw, read_descriptor, read_tables
from alliances.errors import DataError
from alliances.paths import find_root

__all__ = ["CheckReport", "Validated", "check", "validate"]


@dataclass(frozen=True, slots=True)
class Validated:
    """What validation found and, where the files could be read, the tables.

    Attributes
    ----------
    root : Path
        Folder that holds `data/` and `seeds/`.
    problems : tuple of Problem
        Empty: the data are valid.
    tables : dict or None
        Raw tables; None where a file cannot be read as its table.
    texts : mapping of str to SourceText
        Those source texts that can be read, by `source_id`.
    """

    root: Path
    problems: tuple[Problem, ...]
    tables: Raw | None
    texts: Mapping[str, SourceText] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All that `alliances check` says of the data.

    Attributes
    ----------
    problems : tuple of Problem
        What is wrong.
    coverage : Coverage or None
        How far the texts are accounted for; None where the tables cannot be read.
    open_points : tuple of OpenPoint
        Points on which rows differ and no disagreement names both: for people to judge, not errors.
    counts : mapping of str to int
        Rows of each table.
    """

    problems: tuple[Problem, ...]
    coverage: Coverage | None
    open_points: tuple[OpenPoint, ...]
    counts: Mapping[str, int]

    @property
    def ok(self) -> bool:
        """Whether there is no problem and every sentence of the texts is accounted for."""
        return not self.problems and self.coverage is not None and not self.coverage.gaps

    def format(self) -> str:
        """Write the report as text, what needs attention first."""
        lines = [str(problem) for problem in self.problems]
        if self.problems:
            kinds = Counter(problem.file for problem in self.problems)
            lines += ["", "Problems: " + ", ".join(f"{file} {n}" for file, n in kinds.items()) + "."]
        else:
            lines.append("Tables, keys, vocabularies, dates, values and quotations: no problem.")
        if self.coverage is None:
            lines.append("Coverage and disagreements wait until the files can be read.")
            return "\n".join(lines)
        lines += ["", format_coverage(self.coverage)]
        single = [point for point in self.open_points if point.single]
        several = [point for point in self.open_points if not point.single]
        if single:
            lines += [
                "",
                "Rows that differ on one point, and that no row of data/disagreements.csv names together:",
            ]
            lines += [_point(point) for point in single]
        if several:
            lines += [
                "",
                "Rows that differ and may stand side by side (several tasks, dates, scenarios, areas):",
            ]
            lines += [_point(point) for point in several]
        lines += [
            "",
            f"{len(single)} undeclared disagreements, {len(several)} points with several values.",
            "Rows: " + ", ".join(f"{table} {n}" for table, n in self.counts.items()) + ".",
        ]
        return "\n".join(lines)


def _point(point: OpenPoint) -> str:
    rows = "; ".join(f"{row_id} ({source}: {value})" for row_id, source, value in point.rows)
    return f"  {point.table}, {point.subject}: {rows}"


def validate(root: Path | str | None = None) -> Validated:
    """Validate the data: files, schema, rules of the rows, quotations.

    Parameters
    ----------
    root : Path or str, optional
        Folder that holds `data/` and `seeds/`; found by `alliances.paths.find_root` by default.

    Returns
    -------
    Validated

    Raises
    ------
    DataError
        If there is no such folder or `data/datapackage.json` cannot be read.
    """
    folder = Path(root) if root is not None else find_root()
    descriptor: dict[str, Any] = read_descriptor(folder)
    problems = check_files(folder, descriptor)
    if problems:
        return Validated(folder, tuple(problems), None)
    tables = read_tables(folder)
    texts: dict[str, SourceText] = {}
    for row in tables["sources"]:
        try:
            texts[row["source_id"]] = SourceText(read_seed(folder, row["file"]))
        except DataError:
            continue  # told by the rules, with row and column
    problems = [
        *check_schema(folder, descriptor, tables),
        *check_rules(tables, folder),
        *check_quotes(tables, texts),
    ]
    return Validated(folder, tuple(problems), tables, texts)


def check(root: Path | str | None = None) -> CheckReport:
    """Check everything: validity, coverage of the source texts, undeclared disagreements.

    Parameters
    ----------
    root : Path or str, optional
        Folder that holds `data/` and `seeds/`.

    Returns
    -------
    CheckReport

    Raises
    ------
    DataError
        If there is no such folder or `data/datapackage.json` cannot be read.
    """
    validated = validate(root)
    tables = validated.tables
    if tables is None:
        return CheckReport(validated.problems, None, (), {})
    readable = {**tables, "sources": [s for s in tables["sources"] if s["source_id"] in validated.texts]}
    return CheckReport(
        problems=validated.problems,
        coverage=coverage(readable, validated.texts),
        open_points=tuple(open_points(tables)),
        counts={table: len(rows) for table, rows in tables.items()},
    )
