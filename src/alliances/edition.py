"""What a notebook opens: an edition, its frames and values, and the calls that put something into the report."""

import linecache
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import cached_property
from typing import Any

import pandas as pd

from alliances.analysis import frames
from alliances.analysis.facts import unit_of
from alliances.analysis.quantities import COUNT, Moment, Quantity
from alliances.analysis.values import UNKNOWN, Evidence, Names, Unknown, Value
from alliances.dataset import Dataset
from alliances.errors import NarrativeError
from alliances.narrative.citing import Citing
from alliances.narrative.exhibits import compose_figure, compose_judgement, list_judgements, pipe_table
from alliances.narrative.sentences import Teller
from alliances.narrative.templates import refuse
from alliances.narrative.writing import Written, line, show, write
from alliances.parameters import Parameters, check_parameters
from alliances.text.dates import is_date

#: Set by a build for its kernels: the parent has validated the data.
VALIDATED = "ALLIANCES_VALIDATED"


class Edition:
    """An edition: the dataset as it was known on a day, and what a notebook says of it.

    `parameters` have `as_of` set; `dataset` is cut to them, and ``edition.dataset["memberships"]`` is a raw table.
    """

    def __init__(self, parameters: Parameters, dataset: Dataset) -> None:
        self.parameters = parameters
        self.dataset = dataset
        self._citing = Citing(dataset, dict(self._assumptions()))
        self._teller = Teller(dataset, self._citing)

    def _assumptions(self) -> Iterator[tuple[str, str]]:
        for one in self.dataset.scenario:
            value = self.parameters.scenario.get(one.name)
            if value is not None:
                whose = "an assumption of this report" if value == one.default else "set by the reader of this edition"
                yield one.name, f"{one.meaning.split('.')[0].split(':')[0]}: {value:,}, {whose}"

    @cached_property
    def as_of(self) -> Moment:
        """The day of the edition: texts published by then are known."""
        return Moment(self.parameters.as_of)

    @cached_property
    def focus(self) -> Value:
        """The country of the lens, as a sentence names it; unknown, hence falsy, without one."""
        code = self.parameters.focus
        return Value(self.dataset.name(code)) if code else UNKNOWN

    # From the data to frames and values

    def frame(self, table: str) -> pd.DataFrame:
        """Open a table, ``memberships`` for instance, as a pandas frame: one row a known row.

        To the table's columns come ``row_id`` (also the index), ``actor``, ``alliance``, ``…_label``, ``source``,
        ``published``, ``mark``, and ``value`` for observations. Keep ``row_id``: it is the evidence.
        """
        return frames.named_frame(self.dataset, table)

    def spread(self, frame: pd.DataFrame, column: str = "value") -> pd.DataFrame:
        """Add ``value_low``, ``value_high``, ``value_text``, ``value_bound`` to a frame of quantities, for a chart."""
        return frames.spread(frame, column)

    def __getitem__(self, name: str) -> Any:
        """Return a row (``edition["obs-…"]``) or a subject's newest value (``edition["format.aspect"]``).

        Unknown, hence falsy, where this edition does not know it; NarrativeError if there never was such a row.
        """
        if not isinstance(name, str):
            raise NarrativeError(f"edition[{name!r}] is no row; write an id or a subject in quotation marks.")
        return self._teller.look_up(name, {})

    def count(self, frame: pd.DataFrame, by: str, what: str) -> Quantity:
        """Count the distinct values of a column: ``edition.count(members, "actor_id", "members")``.

        Rows are what one source says, so a country may stand in several; `by` says what is counted.
        """
        call = f"edition.count({what!r})"
        evidence = frames.evidence_of(frame, self.dataset, call)
        number = len(frames.distinct(frame, by, call))
        return _counted(number, what, f"each counted once, over {_rows(frame)}", evidence)

    def names(self, frame: pd.DataFrame, by: str) -> Names:
        """List the distinct values of a column as a sentence does, names with their article."""
        call = f"edition.names({by!r})"
        evidence = frames.evidence_of(frame, self.dataset, call)
        known = {**self.dataset.names, **self.dataset.alliance_names}
        values = [self.dataset.name(v) if v in known else v for v in frames.distinct(frame, by, call)]
        for value in values:
            self._refuse_number(value, evidence, call)
        return Names(values, evidence)

    def value(self, frame: pd.DataFrame, function: Callable[[pd.DataFrame], Any], *, how: str) -> Any:
        """Take one value out of a frame: ``edition.value(f, lambda f: f["entry_date"].max(), how="latest day …")``.

        The function returns a Quantity, a number, an ISO date or a text; `how` says in words what is taken, and is the
        formula that Evidence prints.
        """
        call = f"edition.value({how!r})"
        if not callable(function):
            raise NarrativeError(f"{call} takes a function of the frame, never a bare value; write lambda f: …")
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
            return Moment(found, evidence, name=how)
        self._refuse_number(found, evidence, call)
        return Value(found, evidence)

    def _refuse_number(self, words: str, evidence: Evidence, call: str) -> None:
        if wrong := self._teller.wrong(words, evidence):
            raise NarrativeError(f"{call} gives “{words[:60]}”, whose “{wrong}” no row of the frame gives")

    def none(self, frame: pd.DataFrame, what: str, *, among: pd.DataFrame) -> Value:
        """State an absence: true where the frame is empty though `among`, in which was searched, is not."""
        searched = frames.evidence_of(among, self.dataset, f"edition.none({what!r})")
        if len(frame) or not searched:
            return UNKNOWN
        return Value("none", _counted(0, what, f"none among the {_rows(among)} searched", searched).evidence)

    def parameter(self, name: str, what: str, **units: int) -> Quantity | Unknown:
        """Take a row of ``data/parameters.csv`` as a quantity, printed as an assumption; unknown where it is not set.

        `what` it is, as formulas name it; units with their powers: ``USD=1, persons=-1``.
        """
        if name not in self.parameters.scenario:
            known = ", ".join(self.parameters.scenario)
            raise NarrativeError(f"There is no scenario parameter “{name}”; data/parameters.csv has {known or 'none'}.")
        unit = next((one.unit for one in self.dataset.scenario if one.name == name), "")
        if units.get(unit) != 1 if unit else units:
            measured = f"in {unit}; write {unit}=1 among its units" if unit else "in nothing; leave out its units"
            raise NarrativeError(f"The parameter “{name}” is measured {measured}.")
        value = self.parameters.scenario[name]
        if value is None:
            return UNKNOWN
        exact = Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
        powers = tuple((unit_of(self.dataset, term)[0][0], power) for term, power in units.items())
        return Quantity(exact, exact, powers, name=what, basis=Evidence(parameters=(name,)))

    def find(self, text: str) -> pd.DataFrame:
        """Find rows by id, value, words, country, format or mark: ``edition.find("20,000")``."""
        return frames.find(self.dataset, text)

    # Into the report

    @contextmanager
    def _cell(self) -> Iterator[dict[str, Any]]:
        """Begin a call: give the variables of its cell, and name the line of the cell that an error is about."""
        self._citing.begin()
        caller = sys._getframe(3)  # below are this, its context manager and the call
        try:
            yield {**caller.f_globals, **caller.f_locals}
        except NarrativeError as error:
            place, typed = caller.f_lineno, error.line
            source = linecache.getlines(caller.f_code.co_filename)
            lines = [n for n, words in enumerate(source, 1) if n >= place and typed and typed in words]
            raise NarrativeError(f"Line {[*lines, place][0]} of the cell: {str(error).rstrip('.')}.") from None

    def write(self, markdown: str, *, box: str = "", **variables: Any) -> None:
        """Write sentences; each stands only where its evidence is known.

        One sentence a line, ending in a full stop; it may run over several lines, and from a colon into a list.
        Placeholders:

        - ``{obs-jef-members-opinion}`` a row, ``{jef.members}`` a subject's newest value, ``{n}`` a variable
        - ``{row:these words}`` words that the row supports, ``{row.date.when}`` “on 9 May 2025”,
          ``{ratio.percent}``, ``{ratio.times}``, ``{part.of(whole):members}``, ``{n|member belongs|members belong}``,
          ``{part.of(whole)|is|are:members}``
        - ``[@row_id]`` at the end sets evidence for plain words, ``[-@row_id]`` names what speaks against an inference

        Before a sentence: ``else:`` an alternative to the one above where that is not known (alone on its line: to the
        paragraph); ``then:`` falls with the one before; ``opens:`` goes with the one after; ``ours:`` an inference of
        this report. A number that is typed is refused.

        Parameters
        ----------
        markdown : str
            Headings, paragraphs and lists.
        box : str
            Class of what stands under its headings, on the first pages: ``bottom-line``, ``so-what``, ``watch``.
        **variables : object
            More variables; those of the notebook are known.

        Examples
        --------
        >>> edition.write('''
        ... ## Members
        ...
        ... {of_them.of(n):members} are in the alliance.
        ... then: {outside} stays outside.
        ... ''')  # doctest: +SKIP
        """
        with self._cell() as known:
            written = write(self._teller, markdown, {**known, **variables})
            show(self._citing, "prose", written, **({"class": box} if box else {}))

    def figure(
        self, chart: Any, id: str, *, title: str, alt: str, subtitle: str = "", caption: str = "", note: str = "",
        width: int = 112, narrow: Any = None, reference: str = "", assumption: str = "", at_least: int = 3,
    ) -> None:  # fmt: skip
        """Put an Altair chart into the report.

        Parameters
        ----------
        chart : altair chart
            Its data carry ``row_id`` in each layer with a number; the source line comes from them.
        id : str
            ``fig-…``, for references ``@fig-…`` and links.
        title, subtitle, caption, alt, note : str
            Templates as in `write`: the finding; measure and unit; what else to know; the alternative text (one
            sentence, 250 characters at most). The figure falls with its title.
        width : {47, 112, 166}
            Printed width in millimetres: side column, text column, page.
        narrow : altair chart, optional
            The chart for a phone; without it only the width changes.
        reference, assumption : str
            Whose the data are where no row gives them; said under the figure.
        at_least : int
            Fewer rows than this make no figure.
        """
        texts = {"title": title, "subtitle": subtitle, "caption": caption, "alt": alt, "note": note}
        with self._cell() as known:
            told = {name: line(self._teller, text, known, name in ("caption", "note")) for name, text in texts.items()}
            figure = compose_figure(
                self._teller, chart, id, told, width=width, narrow=narrow, own=reference or assumption,
                at_least=at_least,
            )  # fmt: skip
            show(self._citing, "figure", figure, id=id)

    def table(
        self, frame: pd.DataFrame, id: str, *, caption: str, columns: Mapping[str, str], group: str = "",
        at_least: int = 2,
    ) -> None:  # fmt: skip
        """Put a frame into the report as a table ``tbl-…``; its first column heads the rows and carries their marks.

        Parameters
        ----------
        caption : str
            Template as in `write`; the table falls with it.
        columns : Mapping of str to str
            Columns to show and their heads.
        group : str
            Column whose words stand above the rows that share them.
        at_least : int
            Fewer rows than this make no table.
        """
        with self._cell() as known:
            told = line(self._teller, caption, known)
            refuse(not id.startswith("tbl-"), f"the table’s id “{id}” does not begin with tbl-, so that nothing could "
                   "refer to it")  # fmt: skip
            body, cells = pipe_table(self._teller, frame, columns, group)
            if told.markdown and len(frame) >= at_least:
                more = {"id": id, "caption": told.markdown, "body": body, "source": ""}
                show(self._citing, "table", Written(f"{body}\n\n*{told.markdown}*", [*told.sentences, *cells], more))

    def facts(self, id: str, text: str) -> None:
        """Put a fact box beside the opening: a line an entry, ``Label | words``, each falling like a sentence.

        A box of which a single entry is left falls whole.
        """
        box = Written(more={"id": id, "entries": []})
        with self._cell() as known:
            for raw in filter(None, map(str.strip, str(text).splitlines())):
                label, bar, words = raw.partition(" | ")
                refuse(not bar, f"“{raw[:60]}” in a fact box has no “ | ” between label and words", raw)
                head, told = line(self._teller, label, known, marked=False), line(self._teller, words, known)
                if head.markdown and told.markdown:
                    box.more["entries"].append([head.markdown, told.markdown])
                    box.sentences += told.sentences
            if len(box.more["entries"]) < 2:
                box = Written(more={"id": id, "entries": []})
            box.markdown = "\n".join(f"- **{label}** {words}" for label, words in box.more["entries"])
            show(self._citing, "facts", box)

    def pull(self, value: str, words: str) -> None:
        """Put one figure and a few words into the side column; both are templates as in `write`."""
        with self._cell() as known:
            figure = line(self._teller, value, known, marked=False).markdown
            line(self._teller, words, known)
            told = line(self._teller, f"{value} {words}", known)
            if told.markdown and figure:
                rest = told.markdown.removeprefix(figure).strip()
                more = {"value": figure, "text": rest}
                show(self._citing, "side", Written(f"**{figure}** {rest}", told.sentences, more))

    def judgement(self, id: str, because: str = "", but: str = "") -> None:
        """Print a row of ``data/judgements.csv``: proposition, for, against, confidence, what would prove it wrong.

        Nothing where what it requires is not known. `because` and `but` are templates as in `write`: what speaks for it
        and against it, after which the marks of its rows follow in any case.
        """
        with self._cell() as known:
            reasons = [line(self._teller, text, known) for text in (because, but)]
            show(self._citing, "judgement", compose_judgement(self._teller, id, *reasons), id=id)

    def judgements(self) -> None:
        """List the ranked judgements that stand in this edition: likelihood, proposition, two marks, confidence."""
        show(self._citing, "judgements", list_judgements(self._teller))

    def cover(self, finding: str, figure: str = "") -> None:
        """Set the finding that stands on the cover, and the figure that shows it."""
        with self._cell() as known:
            told = line(self._teller, finding, known, marked=False)
            show(self._citing, "cover", told, finding=told.markdown, figure=figure)

    def evidence(self) -> None:
        """List the evidence of this notebook, so that its marks lead somewhere; the report has a list of its own."""
        show(self._citing, "evidence", Written(self._citing.listing()))


def _rows(frame: pd.DataFrame) -> str:
    return f"{len(frame)} row{'s' * (len(frame) != 1)}"


def _counted(number: int, what: str, made: str, evidence: Evidence) -> Quantity:
    return Quantity(Fraction(number), Fraction(number), ((COUNT, 1),), name=what, made=made, basis=evidence)


def open_edition(**values: Any) -> Edition:
    """Check the parameters that a notebook declares, load the dataset and cut it to the edition.

    ParameterError if one is unknown or has a bad value, DataError if the dataset is not valid.
    """
    whole = Dataset.load(validate=not os.environ.get(VALIDATED))
    parameters = check_parameters(values, whole)
    return Edition(parameters, whole.known(parameters.day, parameters.exclude_sources))
