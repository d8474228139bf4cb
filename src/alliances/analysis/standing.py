"""Where countries stand now and stood before: their positions in order of time, and what changed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from alliances.analysis.derived import Derived, Input
from alliances.analysis.frames import records
from alliances.analysis.positions import ATTRIBUTION_LABELS, KNOWN, POSITION_LABELS, position_frame
from alliances.dataset import Dataset
from alliances.prose.values import date_text

SHOWN = (*KNOWN, "author_expectation")  # a wish of an author is never shown as a country's position
PARTIES = ("RUS", "UKR")  # the parties to the war, told apart from those who decide whether to help
OFFERS = ("coalition", "troops", "peacekeeping", "deterrent_force", "air_patrol", "other_support")
FIRM = ("leads", "ready")
OPEN = ("open", "interested", "conditional")
HOLDING_BACK = ("mixed", "hesitant", "premature", "unclear", "ruled_out", "opposed", "could_veto")


def country_positions(
    dataset: Dataset, topics: Sequence[str] = OFFERS, attributions: Sequence[str] = SHOWN
) -> pd.DataFrame:
    """Return the positions of countries on all formats, the parties to the war left aside.

    Returns
    -------
    DataFrame
        As :func:`alliances.analysis.positions.position_frame`.
    """
    frame = position_frame(dataset, list(dataset["alliances"]["alliance_id"]), attributions)
    codes = set(dataset["countries"]["iso3"]) - set(PARTIES)
    return frame[frame["actor_id"].isin(codes) & frame["topic"].isin(topics)].reset_index(drop=True)


def current_positions(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep of each actor's positions on a topic those that count now.

    What is stated or reported goes before what an author expects. Of that, the texts published last count, with
    all that they say (a government may be hesitant and its outgoing head have ruled something out); where such a
    text dates a change, what it tells of earlier gives way.

    Parameters
    ----------
    frame : DataFrame
        As :func:`country_positions` returns it.
    """
    firm = frame["attribution"].isin(KNOWN)
    weight = pd.Series([f"{int(f)} {p}" for f, p in zip(firm, frame["published"], strict=True)], index=frame.index)
    keys = [frame["actor_id"], frame["topic"]]
    newest = frame[weight == weight.groupby(keys).transform("max")]
    latest = newest.groupby(["actor_id", "topic"])["date"].transform("max")
    return newest[(newest["date"] == "") | (newest["date"] == latest)]


def moments(frame: pd.DataFrame) -> pd.DataFrame:
    """Say of each position when it was held: on the day that the text gives, or by the text's publication.

    Parameters
    ----------
    frame : DataFrame
        With the columns ``date`` and ``published``.

    Returns
    -------
    DataFrame
        The frame with two more columns, in order of time: ``moment`` as printed (``10 April 2025``, ``in 2024``,
        ``by March 2025`` where the text gives no date) and ``since``, an ISO day to sort by.
    """
    pairs = list(zip(frame["date"], frame["published"], strict=True))
    return frame.assign(
        moment=[moment_text(held, published) for held, published in pairs],
        since=[f"{held}-01-01"[:10] if held else published for held, published in pairs],
    ).sort_values(["since", "name", "topic"], kind="stable")


def moment_text(held: str, published: str) -> str:
    """Print when a position was held: its date, or the month by which it was published."""
    if not held:
        return f"by {date_text(published[:7])}"
    return date_text(held) if len(held) == 10 else f"in {date_text(held)}"


def weakest_kind(part: pd.DataFrame) -> str:
    """Name how the positions of a cell are known: by the weakest of the ways."""
    return ATTRIBUTION_LABELS[max(part["attribution"], key=list(ATTRIBUTION_LABELS).index)]


def position_words(part: pd.DataFrame) -> str:
    """List the positions of a cell, each once."""
    return ", ".join(dict.fromkeys(part["position"].map(POSITION_LABELS)))


def dated_marks(dataset: Dataset) -> pd.DataFrame:
    """Return the positions on joining and on troops of the countries that are told of at more than one moment.

    Returns
    -------
    DataFrame
        Columns ``row_id, actor_id, line, column, kind, text, source, position, known``: a line a country and
        moment. Where a text tells of troops, that goes before what it tells of joining.
    """
    frame = moments(country_positions(dataset, ("troops", "coalition")))
    marks = []
    for (code, moment), told in frame.groupby(["actor_id", "moment"], sort=False):
        troops = told[told["topic"] == "troops"]
        part = troops if len(troops) else told
        joining = troops.empty and set(part["position"]) != {"leads"}
        marks.append(
            {
                "row_id": "; ".join(part["row_id"]),
                "actor_id": code,
                "line": part["name"].iloc[0],
                "column": moment,
                "kind": weakest_kind(part),
                "text": f"{position_words(part)}{' (join)' if joining else ''}",
                "source": "; ".join(dict.fromkeys(dataset.source(s).descriptor for s in part["source_id"])),
                "firm": bool(part["position"].isin(FIRM).all()),
                "known": bool(part["attribution"].isin(KNOWN).all()),
            }
        )
    if not marks:
        return pd.DataFrame(columns=["row_id", "actor_id", "line", "column", "kind", "text", "source"])
    every = pd.DataFrame(marks)
    often = every.groupby("actor_id")["column"].transform("nunique") > 1
    return every[often].reset_index(drop=True)


def borne_out(marks: pd.DataFrame) -> list[str]:
    """List the countries of which a text expects readiness that another later states or reports, by alpha-3."""
    found = []
    for code, part in marks.groupby("actor_id", sort=False):
        first, last = part.iloc[0], part.iloc[-1]
        if not first["known"] and first["firm"] and last["known"] and last["firm"]:
            found.append(str(code))
    return found


def one_each(frame: pd.DataFrame, positions: Sequence[str]) -> pd.DataFrame:
    """Keep the countries of which every position in the frame is one of some positions, one line a country."""
    if frame.empty:
        return frame
    fits = frame["position"].isin(positions)
    everywhere = fits.groupby(frame["actor_id"]).transform("all")
    return frame[everywhere].drop_duplicates("actor_id", keep="last")


def count_countries(frame: pd.DataFrame, calc_id: str, label: str, formula: str) -> Derived:
    """Count the countries of a frame of positions, each linked to the row that counts it.

    Parameters
    ----------
    frame : DataFrame
        As :func:`country_positions` returns it.
    calc_id, label, formula : str
        As in :class:`alliances.analysis.derived.Derived`.
    """
    each = frame.drop_duplicates("actor_id", keep="last").sort_values("name", kind="stable")
    return Derived(
        id=calc_id,
        text=str(len(each)),
        value=float(len(each)),
        label=label,
        formula=formula,
        inputs=tuple(Input(record.name, record.row_id) for record in records(each)),
        unit="countries",
    )
