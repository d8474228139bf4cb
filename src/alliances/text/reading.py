"""Reads what people write: files that may be damaged, and numbers that may be read in two ways."""

import math
import re
from pathlib import Path
from typing import Any

from alliances.errors import AlliancesError

#: A number as the data and the parameters have it: no separators of thousands, no leading zeros, no exponent.
NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_MERGE = re.compile("^(<<<<<<<|>>>>>>>) ", re.MULTILINE)


def number(cell: str) -> float:
    """Read a number; NaN if it is none."""
    return float(cell) if NUMBER.fullmatch(cell) else math.nan


def is_stray(path: Path) -> bool:
    """Whether a file is one that an editor, a spreadsheet or the system leaves beside the real ones."""
    return path.name.startswith((".", "~")) or path.name.endswith("~")


def unmerged(text: str) -> tuple[int, str, str] | None:
    """Say where (a line from 1), as what and with what remedy a text shows that git could not finish a merge."""
    if not (found := _MERGE.search(text)):
        return None
    what = f"there is a mark of an unfinished merge, “{found[1]}”"
    return text.count("\n", 0, found.start()) + 1, what, "keep the lines that are right and delete the marks"


def damage(content: bytes) -> tuple[int, str, str] | None:
    """Say likewise why a file cannot be read as text."""
    try:
        return unmerged(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line, what = content.count(b"\n", 0, error.start) + 1, f"byte 0x{content[error.start]:02x} is not UTF-8"
        return line, what, "save the file again with the encoding UTF-8"


def read_utf8(path: Path, named: str, kind: type[AlliancesError], remedy: str = "restore it") -> str:
    """Read a text file without a byte order mark; an error of that `kind` in one sentence where it is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise kind(f"{named} cannot be read ({error.strerror}); {remedy}.") from None
    if found := damage(content):
        raise kind(f"{named}, line {found[0]}: {found[1]}; {found[2]}.")
    return content.decode("utf-8-sig").replace("\r\n", "\n")


def read_yaml(
    text: str, named: str, kind: type[AlliancesError], remedy: str = "correct it", *, typed: bool = True
) -> Any:
    """Read YAML; an error of that `kind` with the line. Numbers, dates and yes or NO stay as written unless `typed`."""
    import yaml  # here, since a command that has nothing to do does without

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [str(key.value) for key, _ in node.value]
            for twice in (key for key, _ in node.value if keys.count(str(key.value)) > 1):
                raise yaml.MarkedYAMLError(problem=f"“{twice.value}” stands twice", problem_mark=twice.start_mark)
            return super().construct_mapping(node, deep)

    if not typed:
        Loader.yaml_implicit_resolvers = {
            first: [(tag, form) for tag, form in rules if tag.rpartition(":")[2] in ("null", "merge")]
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
    """Return what a number may mean, where countries differ; a `whole` number has commas between its thousands only."""
    if re.fullmatch(r"[+-]?[1-9][0-9]{0,2}([.,][0-9]{3})+", text):
        joined = re.sub("[.,]", "", text)
        if text.count(".") + text.count(",") == 1 and not (whole and "," in text):
            part = f"{float(text.replace(',', '.')):g}"
            return joined, f"{part}0" if re.search(r"\.\d{3}$", part) else part
        return () if "," in text and "." not in text else (joined,)
    return (text.replace(",", "."), text.replace(",", "")) if re.fullmatch(r"[0-9]+,[0-9]+", text) else ()
