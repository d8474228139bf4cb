"""Keeps the list of exclusions in ``data/README.md`` in step: ``python tests/guide.py`` rewrites it."""

import re
from pathlib import Path

from alliances import find_root
from alliances.dataset.tables import meanings, read_tables
from alliances.errors import DataError

_MARKS = ("<!-- exclusions: written by `python tests/guide.py` -->", "<!-- end of exclusions -->")


def with_list(root: Path) -> str:
    """Return the guide of `data/` with those exclusions listed, by source, whose reason needs a note."""
    tables, guide = read_tables(root), (root / "data" / "README.md").read_text(encoding="utf-8")
    lines, means = list[str](), meanings(tables)
    noted = [row for row in tables["exclusions"] if means("reason", row["reason"], "note")]
    for source in tables["sources"]:
        rows = [row for row in noted if row["source_id"] == source["source_id"]]
        lines += ["", f"**{source['source_id']}**", ""] if rows else []
        lines += [f"- {r['reason']}, “{' '.join(r['exact'].split()[:6])} …”: {r['reason_note']}" for r in rows]
    parts = re.split("|".join(map(re.escape, _MARKS)), guide)
    if len(parts) != 3:
        raise DataError(f"data/README.md does not hold the marks “{'” and “'.join(_MARKS)}” once each; restore them.")
    return "\n".join([parts[0] + _MARKS[0], *lines, "", _MARKS[1] + parts[2]])


if __name__ == "__main__":
    (find_root() / "data" / "README.md").write_text(with_list(find_root()), encoding="utf-8")
