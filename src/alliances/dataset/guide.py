"""Keeps the list of exclusions in ``data/README.md`` in step with ``data/exclusions.csv``.

Run ``python -m alliances.dataset.guide`` after a change of exclusions; a test fails where the guide is behind.
"""

from __future__ import annotations

from pathlib import Path

from alliances.dataset.tables import read_tables
from alliances.errors import DataError
from alliances.paths import find_root

__all__ = ["exclusions_list", "main", "with_list"]

BEGIN = "<!-- exclusions: written by `python -m alliances.dataset.guide` -->"
END = "<!-- end of exclusions -->"
_REASONS = ("rhetoric", "speculation", "context")


def exclusions_list(root: Path) -> str:
    """List the sentences that are excluded as rhetoric, speculation or context, with what each asserts.

    Parameters
    ----------
    root : Path
        Folder that holds `data/`.

    Returns
    -------
    str
        Markdown, grouped by source.
    """
    tables = read_tables(root)
    lines: list[str] = []
    for source in tables["sources"]:
        rows = [
            row for row in tables["exclusions"] if row["source_id"] == source["source_id"] and row["reason"] in _REASONS
        ]
        if not rows:
            continue
        lines += ["", f"**{source['source_id']}**", ""]
        for row in rows:
            opening = " ".join(row["exact"].split()[:6])
            lines.append(f"- {row['reason']}, “{opening} …”: {row['reason_note']}")
    return "\n".join([*lines, ""])


def with_list(guide: str, listed: str) -> str:
    """Return the guide with its list of exclusions replaced.

    Raises
    ------
    DataError
        If the marks between which the list stands are missing.
    """
    if guide.count(BEGIN) != 1 or guide.count(END) != 1:
        raise DataError(f"data/README.md does not hold the marks “{BEGIN}” and “{END}” once each; restore them.")
    head, rest = guide.split(BEGIN)
    return f"{head}{BEGIN}\n{listed}\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Rewrite the list in ``data/README.md``."""
    root = find_root()
    path = root / "data" / "README.md"
    path.write_text(with_list(path.read_text(encoding="utf-8"), exclusions_list(root)), encoding="utf-8")


if __name__ == "__main__":
    main()
