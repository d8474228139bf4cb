"""Everything that can be said about the data by machine, in one report."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from alliances.dataset.coverage import Coverage, coverage, format_coverage
from alliances.dataset.problems import Problem
from alliances.dataset.rules import check_rules, check_schema, unlabelled
from alliances.dataset.tables import FACT_TABLES, Raw, meanings, read_descriptor, read_files, split_list
from alliances.dataset.texts import SourceText, check_quotes, check_sources
from alliances.text.dates import overlap

#: Of each table the columns of the point (the last one is never empty), of what is said of it, of what that holds for.
_POINTS = {
    "observations": (("alliance_id", "indicator"), ("value_low", "value_high", "currency"),
                     ("actor_id", "ref_area", "scenario_id", "duration", "time_period")),
    "positions": (("actor_id", "alliance_id", "topic"), ("position",), ("date",)),
    "characteristics": (("alliance_id", "aspect"), ("value",), ("date",)),
    "event_accounts": (("event_id",), ("date",), ()),
    "memberships": (("alliance_id", "actor_id"), ("entry_date",), ()),
}  # fmt: skip


class CheckReport(NamedTuple):
    """All that can be said of the data: `problems` make them invalid, `notices` do not.

    `open_points` say on what rows differ and no disagreement names them, `coverage` how far each text is accounted for:
    nothing where a file cannot be read, and `tables` are none.
    """

    problems: Sequence[Problem]
    notices: Sequence[Problem]
    tables: Raw
    texts: Mapping[str, SourceText]
    open_points: Sequence[str]

    @property
    def coverage(self) -> list[Coverage]:
        """How far each text is accounted for: to find that takes as long as all checks."""
        return coverage(self.tables, self.texts) if self.tables else []

    @property
    def ok(self) -> bool:
        """Whether there is no problem and every sentence of the texts is accounted for."""
        return not self.problems and not any(text.gaps for text in self.coverage)

    def format(self) -> str:
        """Write the report as text, what needs attention first."""
        lines = [*map(str, self.problems), *(f"notice: {notice}" for notice in self.notices)]
        found = f"{len(self.problems)} problems" if self.problems else "no problem"
        lines.append(f"Tables, keys, terms, dates, values, quotations: {found}.")
        if not self.tables:
            return "\n".join([*lines, "Coverage and disagreements wait until the files can be read."])
        lines += ["", format_coverage(self.coverage), ""]
        if self.open_points:
            lines.append("Rows that differ on one point, and that no row of data/disagreements.csv names together:")
        lines += [*(f"  {point}" for point in self.open_points), f"{len(self.open_points)} undeclared disagreements."]
        return "\n".join(lines)


def check(root: Path) -> CheckReport:
    """Check files, schema, rows and quotations of the data in `root`; DataError if its package cannot be read."""
    resources = read_descriptor(root)["resources"]
    stray = {path.name for path in (root / "data").glob("[!.]*.*")} - {f"{name}.csv" for name in resources}
    what = ("the file is in no entry of data/datapackage.json", "nothing reads it", "take it out of data/, or list it")
    notices = [Problem(f"data/{name}", None, "", *what) for name in sorted(stray - {"datapackage.json", "README.md"})]
    tables, problems = read_files(root, resources)
    if problems:
        return CheckReport(problems, notices, {}, {}, [])
    texts: dict[str, SourceText] = {}
    problems += [*check_schema(resources, tables), *check_rules(tables), *check_sources(tables, root, texts)]
    problems += check_quotes(tables, texts)
    notices += unlabelled(resources, tables)
    return CheckReport(problems, notices, tables, texts, open_points(tables))


def open_points(tables: Raw) -> list[str]:
    """List as text the points on which rows differ that hold for the same, and no disagreement names both rows.

    Of an aspect only what `labels` calls single or dated counts; of what is dated the date is part of what is said.
    """
    groups = (split_list(row["row_ids"]) for row in tables["disagreements"])
    declared = {frozenset(pair) for row_ids in groups for pair in combinations(row_ids, 2)}
    means, points = meanings(tables), list[str]()
    for table, (columns, said, scope) in _POINTS.items():
        found = defaultdict[tuple[str, ...], list[dict[str, str]]](list)
        for row in tables[table]:
            # The same sum in a second currency is no second value, and what an author wishes no position of the actor.
            if not row.get("same_as") and not means("attribution", row.get("attribution", ""), "wish"):
                found[tuple(row[column] for column in columns)].append(row)
        for key, rows in found.items():
            is_dated, differing = means("aspect", key[-1], "dated"), dict[str, str]()
            if not key[-1] or (table == "characteristics" and not is_dated and not means("aspect", key[-1], "single")):
                continue
            compared, alike = ((*said, *scope), ()) if is_dated else (said, scope)
            for pair in combinations(rows, 2):
                ids = [row[FACT_TABLES[table]] for row in pair]
                if _agree(*pair, alike) and not _agree(*pair, compared) and frozenset(ids) not in declared:
                    for row_id, row in zip(ids, pair, strict=True):
                        shown = " ".join(row[column] for column in (*said, *scope) if row[column])
                        differing[row_id] = f"{row_id} ({row['source_id']}: {shown})"
            if differing:
                points.append(f"{', '.join(filter(None, (table, *key)))}: {'; '.join(differing.values())}")
    return points


def _agree(one: Mapping[str, str], other: Mapping[str, str], columns: Iterable[str]) -> bool:
    """Whether rows say the same; what one leaves open, the other may fill, and “this and that” is “that and this”."""
    return all(overlap(*(" ".join(sorted(row[c].casefold().split())) for row in (one, other))) for c in columns)
