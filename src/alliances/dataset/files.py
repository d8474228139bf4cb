"""Checks that each table can be read at all: its file, encoding, separators, header and the cells of its rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from alliances.dataset.problems import Problem, shorten
from alliances.dataset.tables import decode, field_types

_CONFLICT = re.compile(r"^(<<<<<<< |=======$|>>>>>>> )", re.MULTILINE)


def check_files(root: Path, descriptor: Mapping[str, Any]) -> list[Problem]:
    """Check the files of a data package; as long as one cannot be read, the rows cannot be judged."""
    found: list[Problem] = []
    for resource in descriptor["resources"]:
        path, columns = root / "data" / resource["path"], list(field_types(resource))
        found += (Problem(f"data/{path.name}", *rest) for rest in _check_file(path, columns))
    return found


def stray_files(root: Path, descriptor: Mapping[str, Any]) -> Iterator[Problem]:
    """Name the files in `data/` that are no part of the package: nothing reads them."""
    listed = {resource["path"] for resource in descriptor["resources"]} | {"datapackage.json"}
    for path in sorted((root / "data").iterdir()):
        if path.is_file() and path.name not in listed and path.suffix != ".md" and not path.name.startswith("."):
            yield Problem(f"data/{path.name}", None, "", "the file is in no entry of data/datapackage.json",
                          "nothing reads it", "take it out of data/, or describe it there")  # fmt: skip


#: Row, column, what was found, what is allowed, what to do.
_Finding = tuple[int | None, str, str, str, str]


def _check_file(path: Path, columns: list[str]) -> Iterator[_Finding]:
    header = ",".join(columns)
    try:
        content = path.read_bytes()
        text = decode(content) if b"\0" not in content[:2000] else "\0"
    except OSError:
        yield (None, "", "the file is missing", "data/datapackage.json lists it",
               f"restore it, or create it with the header {header}")  # fmt: skip
        return
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        yield (row, "", f"byte 0x{content[error.start]:02x} is not UTF-8", "every table is UTF-8",
               "save the file again with the encoding UTF-8")  # fmt: skip
        return
    if not text.strip():
        yield (1, "", "the file is empty", "its first row must be the header",
               f"restore it, or begin it with {header}")  # fmt: skip
    elif "\0" in text:
        yield 1, "", "the file is UTF-16, or no text at all", "every table is UTF-8", "save it as “CSV UTF-8”"
    elif conflict := _CONFLICT.search(text):
        yield (text.count("\n", 0, conflict.start()) + 1, "",
               f"a mark of an unfinished merge, “{conflict[0].strip()}”", "a table holds rows only",
               "keep the rows that are right and delete the marks")  # fmt: skip
    else:
        yield from _check_shape(text, columns)


def _check_shape(text: str, columns: list[str]) -> Iterator[_Finding]:
    header: list[str] = []
    row = 0
    try:
        for row, cells in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), start=1):
            if row == 1:
                header = cells
                if problem := _check_header(header, columns):
                    yield problem
                    return
            elif not any(cells):
                yield row, "", "the row is empty", "every row holds data", "delete the row"
            elif len(cells) != len(header):
                # The first cell that is missing or too many shows where to look.
                column = header[len(cells)] if len(cells) < len(header) else header[-1]
                yield (row, column, f"the row has {len(cells)} cells", f"every row has {len(header)}, as the header",
                       "add or remove commas, put a cell that holds a comma in double quotes, and write decimals "
                       "after a point")  # fmt: skip
    except csv.Error as error:
        yield (row + 1, "", f"the row cannot be read ({error})",
               "a cell that holds a comma, a quotation mark or a line end stands in double quotes",
               'close the quotes and write " inside them twice')  # fmt: skip


def _check_header(found: list[str], columns: list[str]) -> _Finding | None:
    for name, separator in (("semicolons", ";"), ("tabs", "\t")):
        if len(found) == 1 and separator in found[0]:
            return (1, columns[0], f"the cells are separated by {name}", "every table has commas",
                    "save it again with commas between its cells (and decimals after a point)")  # fmt: skip
    missing = [c for c in columns if c not in found]
    twice = [c for c in found if found.count(c) > 1]
    if not missing and not twice:
        return None  # a column more, or another order, is welcome
    extra = [c for c in found if c not in columns]
    what = f"the header lacks {', '.join(missing)}" if missing else f"the header has {shorten(twice[0])} twice"
    what += f" and has {', '.join(map(shorten, extra))}" if missing and extra else ""
    return 1, (missing or twice)[0], what, f"it must have {','.join(columns)}", "put it right in the first row"
