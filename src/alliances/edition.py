"""What a notebook opens: an edition, its frames and values; `Exhibits` puts something of them into the report."""

import os
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pandas as pd

from alliances.analysis import frames
from alliances.analysis.facts import unit_of
from alliances.analysis.quantities import COUNT, Moment, Quantity
from alliances.analysis.values import UNKNOWN, Evidence, Names, Unknown, Value
from alliances.dataset import Dataset
from alliances.dataset.dataset import VALIDATED
from alliances.errors import refuse
from alliances.narrative.exhibits import Exhibits
from alliances.parameters import Parameters, check_parameters
from alliances.text.dates import is_date


class Edition(Exhibits):
    """An edition: the dataset as it was known on a day, and what a notebook says of it.

    `parameters` have `as_of` set; `dataset` is cut to them, and ``edition.dataset["memberships"]`` is a raw table.
    `as_of` is the edition's day, `focus` the country of the lens, as sentences print them; without one it is unknown.
    """

    def __init__(self, parameters: Parameters, dataset: Dataset) -> None:
        self.parameters, self.as_of = parameters, Moment(str(parameters.as_of))
        self.focus = Value(dataset.name(parameters.focus)) if parameters.focus else UNKNOWN
        whose = {True: "an assumption of this report", False: "set by the reader of this edition"}
        super().__init__(dataset, {
            one.name: f"{re.split('[.:]', one.meaning)[0]}: {value:,}, {whose[value == one.default]}"
            for one in dataset.scenario if (value := parameters.scenario.get(one.name)) is not None
        })  # fmt: skip

    def frame(self, table: str) -> pd.DataFrame:
        """Open a table, ``memberships`` for instance, as a pandas frame: one row a known row.

        To the table's columns come ``row_id`` (also the index), ``actor``, ``alliance``, ``…_label``, ``source``,
        ``published``, ``mark``, and ``value`` for observations. Keep ``row_id``: it is the evidence.
        """
        return frames.named_frame(self.dataset, table)

    spread = staticmethod(frames.spread)

    def __getitem__(self, name: str) -> Any:
        """Return a row (``edition["obs-…"]``) or a subject's newest value (``edition["format.aspect"]``).

        Unknown, hence falsy, where this edition does not know it; NarrativeError if there never was such a row.
        """
        return self._teller.look_up(str(name))

    def count(self, frame: pd.DataFrame, by: str, what: str) -> Quantity:
        """Count the distinct values of a column: ``edition.count(members, "actor_id", "members")``.

        Rows are what one source says, so a country may stand in several; `by` says what is counted.
        """
        call = f"edition.count({what!r})"
        evidence = frames.evidence_of(frame, self.dataset, call)
        return _counted(len(frames.distinct(frame, by, call)), what, "each counted once, over {}", frame, evidence)

    def names(self, frame: pd.DataFrame, by: str) -> Any:
        """List the distinct values of a column as a sentence does, names with their article."""
        call = f"edition.names({by!r})"
        evidence = frames.evidence_of(frame, self.dataset, call)
        known = {**self.dataset.column("actors", "name"), **self.dataset.column("alliances", "short_name")}
        values = [self.dataset.name(v) if v in known else v for v in frames.distinct(frame, by, call)]
        return self._supported(Names(values, evidence), call)

    def value(self, frame: pd.DataFrame, function: Callable[[pd.DataFrame], Any], *, how: str) -> Any:
        """Take one value out of a frame: ``edition.value(f, lambda f: f["entry_date"].max(), how="latest day …")``.

        `function` returns a Quantity, number, ISO date or text; `how`, the formula in Evidence, tells what is taken.
        """
        call = f"edition.value({how!r})"
        evidence = frames.evidence_of(frame, self.dataset, call)
        found = frames.taken(frame, function, call) if len(frame) else None
        if found is None or isinstance(found, Value):
            return UNKNOWN if found is None else found
        if isinstance(found, Fraction):
            return Quantity(found, found, (), name=how, made=how, basis=evidence)
        says_so = frame[(frame.astype("str") == found).any(axis=1)]
        if len(says_so):  # a date or a word that stands in a cell is carried by its rows alone
            evidence = frames.evidence_of(says_so, self.dataset, call)
        if is_date(found):
            return Moment(found, evidence, years=self.dataset.years)
        return self._supported(Value(found, evidence), call)

    def _supported(self, value: Value, call: str) -> Value:
        wrong = self._teller.wrong(value.text, value.evidence)
        refuse(wrong, f"{call} gives “{value.text[:60]}”, whose “{wrong}” no row of the frame gives")
        return value

    def none(self, frame: pd.DataFrame, what: str, *, among: pd.DataFrame) -> Value:
        """State an absence: true where the frame is empty though `among`, in which was searched, is not."""
        searched = frames.evidence_of(among, self.dataset, f"edition.none({what!r})")
        if len(frame) or not searched:
            return UNKNOWN
        return Value("none", _counted(0, what, "none among the {} searched", among, searched).evidence)

    def parameter(self, name: str, what: str, **units: int) -> Quantity | Unknown:
        """Take a row of ``data/parameters.csv`` as a quantity, printed as an assumption; unknown where it is not set.

        `what` it is, as formulas name it; units with their powers: ``USD=1, persons=-1``.
        """
        known = {one.name: one.unit for one in self.dataset.scenario}
        refuse(name not in known, f"“{name}” is not in data/parameters.csv, which has {', '.join(known) or 'none'}.")
        unit, value = known[name], self.parameters.scenario[name]
        measured = f"in {unit}; write {unit}=1 among its units" if unit else "in nothing; leave out its units"
        refuse(units.get(unit) != 1 if unit else units, f"The parameter “{name}” is measured {measured}.")
        if value is None:
            return UNKNOWN
        powers = tuple((unit_of(self.dataset, term)[0][0], power) for term, power in units.items())
        exact, basis = Fraction(str(value)), Evidence(parameters=(name,))
        return Quantity(exact, exact, powers, name=what, basis=basis)

    def find(self, text: str) -> pd.DataFrame:
        """Find rows by id, value, words, country, format or mark: ``edition.find("20,000")``."""
        return frames.find(self.dataset, text)


def _counted(number: int, what: str, made: str, frame: pd.DataFrame, evidence: Evidence) -> Quantity:
    made = made.format(f"{len(frame)} row{'s' * (len(frame) != 1)}")
    return Quantity(Fraction(number), Fraction(number), ((COUNT, 1),), name=what, made=made, basis=evidence)


def open_edition(**values: Any) -> Edition:
    """Check the parameters that a notebook declares, load the dataset and cut it to the edition.

    ParameterError if one is unknown or has a bad value, DataError if the dataset is not valid.
    """
    whole = Dataset.load(validate=not os.environ.get(VALIDATED))
    parameters = check_parameters(values, whole)
    return Edition(parameters, whole.known(parameters.as_of, parameters.exclude_sources))
