"""The rows that two editions know: sources, memberships, positions, judgements and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alliances.analysis.judgements import YARDSTICK
from alliances.analysis.positions import TOPIC_LABELS
from alliances.comparison.model import Change, Detail, Group, Part
from alliances.comparison.reading import EditionFolder, value_text
from alliances.dataset import split_list
from alliances.known_rows import FILE_NAME, KnownRow, KnownRows

__all__ = [
    "compare_disagreements",
    "compare_judgements",
    "compare_memberships",
    "compare_other_rows",
    "compare_positions",
    "compare_sources",
]

_PREFIXES = {"memberships": "mem-", "positions": "pos-"}
_OTHER = {
    "characteristics": "Features",
    "event_accounts": "Events",
    "observations": "Observations",
    "capabilities": "Capabilities",
    "statements": "Statements",
}
_LIKELIHOOD = tuple(YARDSTICK)
_CONFIDENCE = ("low", "moderate", "high")


def compare_sources(old: EditionFolder, new: EditionFolder) -> Part:
    """Compare the source texts that two editions rest on."""
    if old.rows and new.rows:
        changes = _rows(old.rows.tables.get("sources", ()), new.rows.tables.get("sources", ()))
        return Part("sources", _one_group("sources", changes))
    before, after = ({f.source_id for f in side.facts if f.source_id} for side in (old, new))
    found = [Change("added", source, new.source_name(source)) for source in sorted(after - before)]
    found += [Change("removed", source, old.source_name(source)) for source in sorted(before - after)]
    return Part("sources", _one_group("sources", found), _as_far_as(old, new, "quotations"))


def compare_memberships(old: EditionFolder, new: EditionFolder) -> Part:
    """Compare who belongs to which format: for each member its role by the newest text, and the rows behind it."""
    return _compare_subjects("memberships", old, new, ("alliance_id", "actor_id"))


def compare_positions(old: EditionFolder, new: EditionFolder) -> Part:
    """Compare who stands where: for each actor and topic the position by the newest text, and the rows behind it."""
    return _compare_subjects("positions", old, new, ("alliance_id", "actor_id", "topic"))


def compare_judgements(old: EditionFolder, new: EditionFolder) -> Part:
    """Compare our own judgements: likelihood, confidence, statement, and what they rest on."""
    if not (old.rows and new.rows):
        return Part("judgements", (), _not_compared(old, new))
    before, after = (_by_id(side.tables.get("judgements", ())) for side in (old.rows, new.rows))
    changes = []
    for row_id in dict.fromkeys((*after, *before)):
        one, two = before.get(row_id), after.get(row_id)
        if one is None or two is None:
            changes += _only_one(one, two)
        elif change := _judgement_change(one, two):
            changes.append(change)
    return Part("judgements", _one_group("judgements", changes))


def compare_disagreements(old: EditionFolder, new: EditionFolder) -> Part:
    """Compare the points on which sources differ."""
    if not (old.rows and new.rows):
        return Part("disagreements", (), _not_compared(old, new))
    tables = (side.tables.get("disagreements", ()) for side in (old.rows, new.rows))
    return Part("disagreements", _one_group("disagreements", _rows(*tables)))


def compare_other_rows(old: EditionFolder, new: EditionFolder) -> Part:
    """Compare the other rows that two editions know, whether they are printed or not."""
    if not (old.rows and new.rows):
        return Part("rows", (), _not_compared(old, new))
    groups = []
    for table, title in _OTHER.items():
        changes = _rows(old.rows.tables.get(table, ()), new.rows.tables.get(table, ()))
        groups.append(Group(table, title, tuple(changes)))
    return Part("rows", tuple(group for group in groups if group.changes))


# ---- Rows one by one


def _rows(old: Iterable[KnownRow], new: Iterable[KnownRow]) -> list[Change]:
    before, after = _by_id(old), _by_id(new)
    changes = []
    for row_id in dict.fromkeys((*after, *before)):
        one, two = before.get(row_id), after.get(row_id)
        if one is None or two is None:
            changes += _only_one(one, two)
        elif details := _value_details(one, two):
            changes.append(Change("changed", row_id, two.text, details=details))
    return changes


def _only_one(old: KnownRow | None, new: KnownRow | None) -> list[Change]:
    if new:
        return [Change("added", new.row_id, new=new.text)]
    return [Change("removed", old.row_id, old=old.text)] if old else []


def _by_id(rows: Iterable[KnownRow]) -> dict[str, KnownRow]:
    return {row.row_id: row for row in rows}


def _value_details(old: KnownRow, new: KnownRow, prefix: str = "") -> tuple[Detail, ...]:
    columns = dict.fromkeys((*new.values, *old.values))
    return tuple(
        Detail(prefix + column.replace("_", " "), _cell(old, column), _cell(new, column))
        for column in columns
        if old.values.get(column) != new.values.get(column)
    )


def _cell(row: KnownRow, column: str) -> str:
    value = row.values.get(column, "")
    return value if isinstance(value, str) else value_text(value)


def _judgement_change(old: KnownRow, new: KnownRow) -> Change | None:
    details = []
    for detail in _value_details(old, new):
        scale = {"likelihood": _LIKELIHOOD, "confidence": _CONFIDENCE}.get(detail.name, ())
        if detail.name == "statement":
            continue  # a template; its words follow, as printed
        if detail.old in scale and detail.new in scale:
            way = "higher" if scale.index(detail.new) > scale.index(detail.old) else "lower"
            detail = Detail(detail.name, _spaced(detail.old), f"{_spaced(detail.new)} ({way})")
        elif detail.name == "requires":
            before, after = split_list(detail.old), split_list(detail.new)
            lost, gained = [r for r in before if r not in after], [r for r in after if r not in before]
            detail = Detail("rests on", "; ".join(lost), "; ".join(gained))
        details.append(detail)
    details.sort(key=lambda detail: detail.name not in ("likelihood", "confidence"))
    if _without_likelihood(old) != _without_likelihood(new):
        return Change("changed", new.row_id, new.row_id, old.text, new.text, tuple(details))
    return Change("changed", new.row_id, new.text, details=tuple(details)) if details else None


def _spaced(word: str) -> str:
    return word.replace("_", " ")


def _without_likelihood(row: KnownRow) -> str:
    word = _spaced(_cell(row, "likelihood"))
    return row.text.replace(word, "…") if word else row.text


# ---- Members and positions: what the newest text says, and what it rests on


def _compare_subjects(table: str, old: EditionFolder, new: EditionFolder, key: tuple[str, ...]) -> Part:
    if not (old.rows and new.rows):
        changes = _referred(_PREFIXES[table], old, new)
        return Part(table, _one_group(table, changes), _as_far_as(old, new, "facts and charts"))
    before, after = _subjects(old.rows, table, key), _subjects(new.rows, table, key)
    names = _Names(old.rows, new.rows)
    found: dict[str, list[Change]] = {}
    for subject in sorted({*before, *after}, key=names.order):
        change = _subject_change(subject, before.get(subject, []), after.get(subject, []), old, new, names)
        if change:
            found.setdefault(subject[0], []).append(change)
    return Part(table, tuple(Group(a, names.alliance(a), tuple(changes)) for a, changes in found.items()))


def _subjects(known: KnownRows, table: str, key: tuple[str, ...]) -> dict[tuple[str, ...], list[KnownRow]]:
    found: dict[tuple[str, ...], list[KnownRow]] = {}
    for row in known.tables.get(table, ()):
        found.setdefault(tuple(_cell(row, column) for column in key), []).append(row)
    return found


class _Names:
    """Names of actors, formats and topics in either edition."""

    def __init__(self, old: KnownRows, new: KnownRows) -> None:
        self._actors = {**old.actors, **new.actors}
        self._alliances = {**old.alliances, **new.alliances}

    def alliance(self, alliance_id: str) -> str:
        return self._alliances.get(alliance_id, alliance_id) or "No format in particular"

    def subject(self, subject: tuple[str, ...]) -> str:
        _, actor, *topic = subject
        return ", ".join((self._actors.get(actor, actor), *(TOPIC_LABELS.get(t, t).lower() for t in topic)))

    def order(self, subject: tuple[str, ...]) -> tuple[str, ...]:
        return (self.alliance(subject[0]), self.subject(subject), *subject)


def _subject_change(
    subject: tuple[str, ...],
    old_rows: list[KnownRow],
    new_rows: list[KnownRow],
    old: EditionFolder,
    new: EditionFolder,
    names: _Names,
) -> Change | None:
    key, label = " ".join(part for part in subject if part), names.subject(subject)
    before, after = _standing(old_rows, old), _standing(new_rows, new)
    if not old_rows:
        return Change("added", key, label, new=after, details=_evidence([], _superseded(new_rows), old, new))
    if not new_rows:
        return Change("removed", key, label, old=before, details=_evidence(_superseded(old_rows), [], old, new))
    details = _evidence(old_rows, new_rows, old, new)
    says = {row.says for row in old_rows if row.current}, {row.says for row in new_rows if row.current}
    if says[0] != says[1]:
        return Change("changed", key, label, before, after, details)
    return Change("changed", key, f"{label}: {after}", details=details) if details else None


def _standing(rows: Iterable[KnownRow], side: EditionFolder) -> str:
    told: dict[str, list[str]] = {}
    for row in rows:
        if row.current:
            told.setdefault(row.says, []).append(_origin(row, side))
    return "; ".join(f"{says} ({'; '.join(dict.fromkeys(told[says]))})" for says in sorted(told))


def _superseded(rows: Iterable[KnownRow]) -> list[KnownRow]:
    return [row for row in rows if not row.current]


def _origin(row: KnownRow, side: EditionFolder) -> str:
    source = side.source_name(row.source_id)
    attribution = _cell(row, "attribution")
    return f"{source}, {attribution.replace('_', '’s ')}" if attribution.startswith("author_") else source


def _evidence(
    old_rows: list[KnownRow], new_rows: list[KnownRow], old: EditionFolder, new: EditionFolder
) -> tuple[Detail, ...]:
    before, after = _by_id(old_rows), _by_id(new_rows)
    details: list[Detail] = []
    for row_id in sorted({*before, *after}):
        one, two = before.get(row_id), after.get(row_id)
        if one and two:
            details += _value_details(one, two, f"{row_id}, ")
        else:
            details.append(
                Detail("evidence", f"{one.text} ({old.source_name(one.source_id)})" if one else "",
                       f"{two.text} ({new.source_name(two.source_id)})" if two else "")
            )  # fmt: skip
    return tuple(details)


# ---- Where a folder does not list its rows


def _referred(prefix: str, old: EditionFolder, new: EditionFolder) -> list[Change]:
    """Compare the rows of a table to which facts and charts refer."""
    before, after = _referred_rows(prefix, old), _referred_rows(prefix, new)
    changes = [Change("added", row_id, new=after[row_id]) for row_id in sorted({*after} - {*before})]
    return changes + [Change("removed", row_id, old=before[row_id]) for row_id in sorted({*before} - {*after})]


def _referred_rows(prefix: str, side: EditionFolder) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for figure in side.figures.values():
        for row in figure.rows:
            row_id = str(row.get("row_id", ""))
            words = [value for name, value in row.items() if name != "row_id" and isinstance(value, str) and value]
            if row_id.startswith(prefix):
                found.setdefault(row_id, ", ".join(dict.fromkeys(words)))
    for fact in side.facts:
        for row_id in fact.row_ids:
            if row_id.startswith(prefix):
                found.setdefault(row_id, f"“{fact.quotation}” ({side.source_name(fact.source_id)})")
    return found


def _missing(old: EditionFolder, new: EditionFolder) -> str:
    return " and ".join(side.name for side in (old, new) if side.rows is None)


def _not_compared(old: EditionFolder, new: EditionFolder) -> str:
    return f"Not compared: {_missing(old, new)} holds no {FILE_NAME}; build the edition again."


def _as_far_as(old: EditionFolder, new: EditionFolder, what: str) -> str:
    return f"Compared as far as {what} show: {_missing(old, new)} holds no {FILE_NAME}; build the edition again."


def _one_group(key: str, changes: list[Change]) -> tuple[Group, ...]:
    return (Group(key, "", tuple(changes)),) if changes else ()
