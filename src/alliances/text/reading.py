"""Reads what people write: files that may be damaged, and numbers that may be read in two ways."""

import math
import re
from pathlib import Path
from typing import Any

from alliances.errors import AlliancesError

#: A number as the data and the parameters have it: no separators of thousands, no leading zeros, no exponent.
NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_MERGE = re.compile(rb"^(<<<<<<<|>>>>>>>) ", re.MULTILINE)


def number(cell: str) -> float:
    """Read a number; NaN if it is none."""
    return float(cell) if NUMBER.fullmatch(cell) else math.nan


def is_stray(path: Path) -> bool:
    """Whether a file is one that an editor, a spreadsheet or the system leaves beside the real ones."""
    return path.name.startswith((".", "~")) or path.name.endswith("~")


def merge_mark(content: bytes) -> tuple[int, str] | None:
    """Return line (from 1) and text of the first mark of a merge that git could not finish, or None."""
    found = _MERGE.search(content)
    return (content.count(b"\n", 0, found.start()) + 1, found[1].decode()) if found else None


def merge_told(content: bytes, named: str) -> str:
    """Say in one sentence that a file was left unmerged; "" where it was not."""
    mark = merge_mark(content)
    told = f"{named}, line {mark[0]}, holds a mark of an unfinished merge, “{mark[1]}”" if mark else ""
    return told and f"{told}; keep the lines that are right and delete the marks."


def read_utf8(path: Path, named: str, kind: type[AlliancesError], remedy: str = "restore it") -> str:
    """Read a text file without a byte order mark; an error of that `kind` in one sentence where it is none."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise kind(f"{named} cannot be read ({error.strerror}); {remedy}.") from None
    except UnicodeDecodeError as error:
        what = "is UTF-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else f"is not UTF-8 (byte {error.start})"
        raise kind(f"{named} cannot be read, since it {what}; save it again with the encoding UTF-8.") from None
    if told := merge_told(content, named):
        raise kind(told)
    return text.replace("\r\n", "\n")


def read_yaml(
    text: str, named: str, kind: type[AlliancesError], remedy: str = "correct it", *, typed: bool = True
) -> Any:
    """Read YAML; an error of that `kind` with the line. Numbers and dates stay as written unless they are `typed`."""
    import yaml  # here, since a command that has nothing to do does without

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [str(key.value) for key, _ in node.value]
            for twice in (key for key, _ in node.value if keys.count(str(key.value)) > 1):
                raise yaml.MarkedYAMLError(problem=f"“{twice.value}” stands twice", problem_mark=twice.start_mark)
            return super().construct_mapping(node, deep)

    if not typed:
        Loader.yaml_implicit_resolvers = {
            first: [(tag, form) for tag, form in rules if tag.rpartition(":")[2] in ("null", "bool", "merge")]
            for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }
    try:
        return yaml.load(text, Loader)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        line = mark.line if mark else text.count("\n", 0, getattr(error, "position", 0))
        raise kind(f"{named} is not YAML (line {line + 1}: {why}); {remedy}.") from None


def readings(text: str, whole: bool = False) -> tuple[str, ...]:
    """Return what a number may mean that is written differently in different countries; usually nothing.

    A `whole` number has commas between its thousands only.
    """
    if re.fullmatch(r"[+-]?[1-9][0-9]{0,2}([.,][0-9]{3})+", text):
        joined = re.sub("[.,]", "", text)
        if text.count(".") + text.count(",") == 1 and not (whole and "," in text):
            part = f"{float(text.replace(',', '.')):g}"
            return joined, f"{part}0" if re.search(r"\.\d{3}$", part) else part
        return () if "," in text and "." not in text else (joined,)
    return (text.replace(",", "."), text.replace(",", "")) if re.fullmatch(r"[0-9]+,[0-9]+", text) else ()
