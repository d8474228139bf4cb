"""The values that two editions print, by the evidence, formula or reference fact behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from alliances.comparison.model import Change, Detail, Group, Part
from alliances.comparison.reading import ANNEX, EditionFolder, Fact
from alliances.comparison.sequences import pair_up

__all__ = ["compare_facts"]

_SOURCE = "ref-source-"
_ANNEX_TITLES = {"sec-annex-derived": "Derived figures", "sec-annex-reference": "Reference facts"}


@dataclass(frozen=True)
class _Shown:
    """All that an edition prints with one link target."""

    target: str
    values: tuple[str, ...]
    section: str
    fact: Fact


def compare_facts(old: EditionFolder, new: EditionFolder) -> Part:
    """Compare the printed values of two editions.

    A fact is known by its target: a quotation, a formula or a reference fact. Where a quotation gives way to
    another one of the same row, that is one fact with other evidence. In which section, and how often, a value is
    printed is a matter of the text. Annexes count only for what no chapter prints.
    """
    told = {fact.target for side in (old, new) for fact in side.facts if not fact.section.startswith(ANNEX)}
    before, after = _by_target(old, told, (old, new)), _by_target(new, told, (old, new))
    gone = [shown for target, shown in before.items() if target not in after]
    come = [shown for target, shown in after.items() if target not in before]
    pairs = pair_up(gone, come, _shared_rows, lambda shown: shown.target)
    replaced = {come[j].target: gone[i] for j, i in pairs.items()}
    superseded = {shown.target for shown in replaced.values()}

    found: list[tuple[str, Change]] = []
    for target, shown in after.items():
        earlier = before.get(target) or replaced.get(target)
        if earlier is None:
            label = _label(shown.fact, new)
            found.append((shown.section, Change("added", target, label, new="; ".join(shown.values))))
        elif change := _change(earlier, shown, old, new):
            found.append((shown.section, change))
    for shown in gone:
        if shown.target not in superseded:
            label = _label(shown.fact, old)
            found.append((shown.section, Change("removed", shown.target, label, old="; ".join(shown.values))))
    return Part("facts", _groups(found, old, new))


def _by_target(side: EditionFolder, told: set[str], both: Sequence[EditionFolder]) -> dict[str, _Shown]:
    found: dict[str, _Shown] = {}
    for fact in side.facts:
        if fact.section.startswith(ANNEX) and fact.target in told:
            continue
        earlier = found.get(fact.target) or _Shown(fact.target, (), fact.section, fact)
        # The source line under a chart links to evidence too, but prints no value.
        is_value = fact.printed and fact.printed not in {edition.source_name(fact.source_id) for edition in both}
        if is_value and fact.printed not in earlier.values:
            earlier = replace(earlier, values=(*earlier.values, fact.printed))
        found[fact.target] = earlier
    return found


def _shared_rows(one: _Shown, two: _Shown) -> int:
    return len({*one.fact.row_ids} & {*two.fact.row_ids})


def _change(before: _Shown, after: _Shown, old: EditionFolder, new: EditionFolder) -> Change | None:
    lost = [value for value in before.values if value not in after.values]
    gained = [value for value in after.values if value not in before.values]
    details = _details(before.fact, after.fact, old, new)
    if not (lost or gained or details):
        return None
    if before.target == after.target:
        key = after.target
    else:
        key = min({*before.fact.row_ids} & {*after.fact.row_ids})
        details = (Detail("evidence", f"#{before.target}", f"#{after.target}"), *details)
    # A label that is itself what changed would only say the new half of it.
    label = f"#{after.target}" if before.fact.statement != after.fact.statement else _label(after.fact, new)
    return Change("changed", key, label, "; ".join(lost), "; ".join(gained), details)


def _details(one: Fact, two: Fact, old: EditionFolder, new: EditionFolder) -> tuple[Detail, ...]:
    getters: tuple[tuple[str, Callable[[Fact], str]], ...] = (
        ("quotation", lambda fact: fact.quotation),
        ("formula", lambda fact: fact.formula),
        ("statement", lambda fact: fact.statement),
        ("basis", lambda fact: fact.basis),
    )
    details = [Detail(name, get(one), get(two)) for name, get in getters if get(one) != get(two)]
    if one.source_id != two.source_id:
        details.append(Detail("source", old.source_name(one.source_id), new.source_name(two.source_id)))
    details += _listed("inputs", [_input(item) for item in one.inputs], [_input(item) for item in two.inputs])
    details += _listed("rows behind it", one.row_ids, two.row_ids)
    return tuple(details)


def _input(item: object) -> str:
    text, target, label = (getattr(item, name) for name in ("text", "target", "label"))
    return f"{text} ({label or target})"


def _listed(name: str, old: Sequence[str], new: Sequence[str]) -> list[Detail]:
    lost, gained = [item for item in old if item not in new], [item for item in new if item not in old]
    return [Detail(name, "; ".join(lost), "; ".join(gained))] if lost or gained else []


def _label(fact: Fact, side: EditionFolder) -> str:
    if fact.quotation:
        return f"“{' '.join(fact.quotation.split())}” ({side.source_name(fact.source_id)})"
    if fact.target.startswith(_SOURCE):
        return f"Publication of {side.source_name(fact.target.removeprefix(_SOURCE))}"
    return fact.formula or fact.statement.removesuffix(".") or fact.target


def _groups(found: list[tuple[str, Change]], old: EditionFolder, new: EditionFolder) -> tuple[Group, ...]:
    titles = _ANNEX_TITLES | old.chapter_titles | new.chapter_titles
    # Chapters in the new edition's order, then those that only the old one has, then annexes.
    sections = [fact.section for side in (new, old) for fact in side.facts]
    order = sorted(dict.fromkeys(sections), key=lambda section: section.startswith(ANNEX))
    changes = {section: tuple(change for where, change in found if where == section) for section in order}
    return tuple(Group(section, titles.get(section, section), group) for section, group in changes.items() if group)
