"""Subjects: the newest known value of what a format, aspect or actor has, as ``jef.members`` names it."""

from alliances.dataset import Dataset, Row
from alliances.errors import NarrativeError

#: Table, column of whose it is, column of what it is, columns that make two rows say the same.
_KINDS = (
    ("observations", "alliance_id", "indicator", ("value_low", "value_high", "comparator", "unit", "currency")),
    ("characteristics", "alliance_id", "aspect", ("value",)),
    ("positions", "actor_id", "topic", ("position",)),
)


def is_subject(dataset: Dataset, name: str) -> bool:
    """Whether a name is a subject of the dataset, known in this edition or not."""
    return "." in name and bool(_rows(dataset.complete, name))


def _rows(dataset: Dataset, name: str) -> list[tuple[Row, tuple[str, ...]]]:
    """List a subject's known rows and what each says; a sum told again in another currency is left out."""
    owner, _, what = name.partition(".")
    rows: list[tuple[Row, tuple[str, ...]]] = []
    for table, owner_column, what_column, says in _KINDS:
        frame = dataset[table]
        chosen = frame[(frame[owner_column] == owner) & (frame[what_column] == what)]
        found = [dataset.row(row_id) for row_id in chosen.iloc[:, 0]]
        rows += [(row, tuple(str(row[c]) for c in says)) for row in found if not row.values.get("same_as")]
    return rows


def newest(dataset: Dataset, name: str) -> Row | None:
    """Return the row that gives a subject's newest known value; None where no known text gives one.

    NarrativeError if the newest text gives two different values: the sentence must then name the row that it means.
    """
    texts = _by_text(dataset, name)
    if texts and (divided := _divided(dataset, name, texts[-1])):
        raise NarrativeError(divided)
    return texts[-1][0][0] if texts else None


def divided_at(dataset: Dataset, name: str) -> dict[str, str]:
    """Say why a subject has no newest value at the day of a text that gives two: day and sentence."""
    said = {pairs[0][0].source_id: _divided(dataset, name, pairs) for pairs in _by_text(dataset, name)}
    return {dataset.published[source_id]: sentence for source_id, sentence in said.items() if sentence}


def _by_text(dataset: Dataset, name: str) -> list[list[tuple[Row, tuple[str, ...]]]]:
    """Gather a subject's rows by the text that gives them, the oldest text first."""
    texts: dict[str, list[tuple[Row, tuple[str, ...]]]] = {}
    for pair in _rows(dataset, name):
        texts.setdefault(pair[0].source_id, []).append(pair)
    return sorted(texts.values(), key=lambda pairs: dataset.published[pairs[0][0].source_id])


def _divided(dataset: Dataset, name: str, pairs: list[tuple[Row, tuple[str, ...]]]) -> str:
    if len({says for _, says in pairs}) == 1:
        return ""
    ids = " and ".join(row.row_id for row, _ in pairs[:2])
    text = dataset.source(pairs[0][0].source_id).short_name
    return f"“{name}” has two different values in {text}, {ids}; name the row that is meant."
