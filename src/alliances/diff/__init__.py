"""What differs between two editions: rows, sentences, figures, judgements; as text, as JSON, and as one page."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment

from alliances.errors import DataError
from alliances.place import read_manifest
from alliances.text.markdown import plain

_UNSAID = ("table", "mark", "quote_ids", "source_id", "date_precision", "year_inferred")
_LIMIT = 10  # changes of a part that the terminal shows
_TITLES = {"parameters": "Parameters and engine", "rows": "What the texts say", "text": "Sentences",
           "figures": "Figures and tables", "judgements": "Judgements"}  # fmt: skip


class Change(NamedTuple):
    """One difference; `old` is "" for what came, `new` for what went."""

    part: str  # parameters, rows, text, figures or judgements
    where: str  # parameter, row id, chapter, figure or judgement
    old: str
    new: str


def compare(old: Path, new: Path) -> list[Change]:
    """Return all differences between two editions' folders, by parts; DataError if one holds no edition."""
    one, other = _read(old), _read(new)
    same = [key for key, words in one["figures"].items() if words == other["figures"].get(key)]
    return [
        *_keyed("parameters", one["parameters"], other["parameters"]),
        *_rows(one["rows"], other["rows"]),
        *_text(one["text"], other["text"]),
        *_keyed("figures", one["figures"], other["figures"]),
        *(Change("figures", key, "earlier data", f"other data under “{one['figures'][key]}”")
          for key in same if one["drawn"][key] != other["drawn"][key]),
        *_keyed("judgements", one["judgements"], other["judgements"]),
    ]  # fmt: skip


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    manifest = read_manifest(folder)
    if not manifest.get("outputs"):
        raise DataError(f"{folder} holds no edition; name a folder that `alliances build` has written.")
    parameters = {**manifest.get("parameters", {}), "engine": manifest.get("engine", "")}
    try:
        rows = json.loads((folder / "facts.json").read_text(encoding="utf-8"))["rows"]
        return {"parameters": parameters, "rows": rows, **told(sorted((folder / "notebooks").glob("*.ipynb")))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:  # whatever its JSON holds instead
        raise DataError(f"The edition in {folder} is damaged ({error}); build it again.") from error


def told(paths: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Read what executed notebooks tell: words and drawing of figures by id, sentences by chapter, judgements."""
    found = {part: dict[str, Any]() for part in ("text", "figures", "drawn", "judgements")}
    for path in paths:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for output in (output for cell in cells for output in cell.get("outputs", ())):
            meta, data = output.get("metadata", {}).get("alliances", {}), output.get("data", {})
            kind = meta.get("kind")
            if kind in ("figure", "table"):
                words = (plain(meta[k]) for k in ("title", "subtitle", "caption", "note", "alt") if meta.get(k))
                found["figures"][meta["id"]] = " · ".join(words)
                found["drawn"][meta["id"]] = meta.get("body"), *(v for k, v in data.items() if "vegalite" in k)
            elif kind == "judgement":
                lines = [f"{name}: {plain(words).strip()}" for name, words in meta["lines"]]
                found["judgements"][meta["id"]] = " · ".join([plain(meta["proposition"]), *lines])
            elif kind in ("cover", "prose", "facts", "side"):
                texts = [sentence["text"] for sentence in meta.get("sentences", ()) if sentence["text"]]
                found["text"].setdefault(path.stem, []).extend(texts)
    return found


def _keyed(part: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return [Change(part, key, _words(old.get(key)), _words(new.get(key))) for key in keys]


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else "" if value is None else str(value)


def _rows(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> list[Change]:
    changes = []
    for row_id in {**old, **new}:
        one, other = old.get(row_id, {}), new.get(row_id, {})
        cells = _keyed("", one, other) if one and other else []
        before, after = ("; ".join(f"{cell.where}: {cell[side]}" for cell in cells) for side in (2, 3))
        changes += [Change("rows", row_id, before or _said(one), after or _said(other))] if one != other else []
    return changes


def _said(row: Mapping[str, Any]) -> str:
    cells = [_words(v) for k, v in row.items() if k not in _UNSAID and not k.endswith("_id")]
    return f"{row.get('mark', '')} {' · '.join(cells)}".strip()


def _text(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> list[Change]:
    changes = []
    for chapter in {**one, **other}:
        old, new = one.get(chapter, []), other.get(chapter, [])
        for tag, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            left = new[k:m] if tag != "equal" else []
            for sentence in old[i:j] if tag != "equal" else []:  # those that are alike are pairs, in order
                like = difflib.get_close_matches(sentence, left, n=1, cutoff=0.5)
                changes.append(Change("text", chapter, sentence, left.pop(left.index(like[0])) if like else ""))
            changes += [Change("text", chapter, "", sentence) for sentence in left]
    return changes


def as_text(changes: Iterable[Change]) -> str:
    """Lay out changes for the terminal, at most ten a part."""
    lines: list[str] = []
    for title, group in _parts(changes):
        lines += ["", f"{title}: {len(group)}"]
        for change in group[:_LIMIT]:
            lines.append(f"  {change.where}")
            lines += [f"    {sign} {words}" for sign, words in (("-", change.old), ("+", change.new)) if words]
        lines += [f"  … and {len(group) - _LIMIT} more; --html or --json has all"] if len(group) > _LIMIT else []
    return "\n".join(lines[1:]) or "The two editions are the same."


def as_json(changes: list[Change]) -> str:
    """Write changes as JSON."""
    found = [change._asdict() for change in changes]
    return json.dumps({"same": not found, "changes": found}, ensure_ascii=False, indent=1) + "\n"


def as_html(changes: Iterable[Change]) -> str:
    """Write changes as a page, in which the words that differ are marked."""
    page = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    return Environment(autoescape=True).from_string(page).render(parts=_parts(changes), pieces=_pieces)


def _parts(changes: Iterable[Change]) -> list[tuple[str, list[Change]]]:
    return [(_TITLES[part], list(group)) for part, group in groupby(changes, key=lambda change: change.part)]


def _pieces(change: Change) -> list[tuple[str, list[tuple[bool, str]]]]:
    """Cut the old and the new text into pieces; of each, whether it stands in the other as well."""
    old, new = (re.findall(r"\S+\s*", text) for text in (change.old, change.new))
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    gone = [(tag == "equal", "".join(old[i:j])) for tag, i, j, _, _ in codes if i < j]
    come = [(tag == "equal", "".join(new[k:m])) for tag, _, _, k, m in codes if k < m]
    return [("del", gone), ("ins", come)]
