"""Who stands where: positions of countries, newest source first, with how we know them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from alliances.analysis.derived import Derived, Input
from alliances.analysis.frames import records
from alliances.dataset import Dataset
from alliances.prose.values import date_text

TOPIC_LABELS = {
    "coalition": "The coalition",
    "troops": "Sending troops",
    "peacekeeping": "Peacekeeping",
    "deterrent_force": "Deterrent force",
    "nato_mission": "NATO mission",
    "air_patrol": "Air patrol",
    "other_support": "Other support",
    "truce": "A truce",
}
POSITION_LABELS = {
    "leads": "leads",
    "ready": "ready",
    "open": "open",
    "interested": "interested",
    "conditional": "on conditions",
    "mixed": "mixed",
    "hesitant": "hesitant",
    "premature": "premature",
    "unclear": "unclear",
    "ruled_out": "ruled out",
    "opposed": "opposed",
    "could_veto": "could veto",
}
ATTRIBUTION_LABELS = {
    "stated": "stated by the country or its leader",
    "reported": "reported by the text",
    "author_expectation": "expected by the author",
    "author_wish": "wished by the author",
}
ORDER = tuple(POSITION_LABELS)
KNOWN = ("stated", "reported")
SHOWN = (*KNOWN, "author_expectation")  # a wish of an author is never shown as a country's position
PARTIES = ("RUS", "UKR")  # the parties to the war, told apart from those who decide whether to help
OFFERS = ("coalition", "troops", "peacekeeping", "deterrent_force", "air_patrol", "other_support")


def position_frame(
    dataset: Dataset, alliance_ids: Sequence[str], attributions: Sequence[str] = tuple(ATTRIBUTION_LABELS)
) -> pd.DataFrame:
    """Return the known positions on some formats.

    Returns
    -------
    DataFrame
        Columns ``row_id, actor_id, alliance_id, name, topic, position, attribution, date, source_id, published``,
        from the firmest position to the most opposed, then by country and publication.
    """
    frame = dataset["positions"]
    frame = frame[frame["alliance_id"].isin(alliance_ids) & frame["attribution"].isin(attributions)]
    published = dict(zip(dataset["sources"]["source_id"], dataset["sources"]["published"], strict=True))
    frame = frame.assign(
        row_id=frame["position_id"],
        name=frame["actor_id"].map(dataset.names),
        published=frame["source_id"].map(published),
        rank=frame["position"].map(ORDER.index),
    )
    best = frame.groupby("actor_id")["rank"].transform("min")
    frame = frame.assign(best=best).sort_values(["best", "name", "published", "topic"], kind="stable")
    columns = [
        "row_id",
        "actor_id",
        "alliance_id",
        "name",
        "topic",
        "position",
        "attribution",
        "date",
        "source_id",
        "published",
    ]
    return frame[columns].reset_index(drop=True)


def newest_positions(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep of each actor's positions on a topic those that count now.

    What is stated or reported goes before what an author expects or wishes. Of that, the texts published last
    count, with all that they say (a government may be hesitant and its outgoing head have ruled something out);
    where such a text dates a change, what it tells of earlier gives way.

    Parameters
    ----------
    frame : DataFrame
        As :func:`position_frame` returns it.
    """
    firm = frame["attribution"].isin(KNOWN)
    ranked = frame.assign(weight=[f"{int(f)} {p}" for f, p in zip(firm, frame["published"], strict=True)])
    best = ranked.groupby(["actor_id", "topic"])["weight"].transform("max")
    newest = frame[ranked["weight"] == best]
    latest = newest.groupby(["actor_id", "topic"])["date"].transform("max")
    return newest[(newest["date"] == "") | (newest["date"] == latest)]


def country_positions(
    dataset: Dataset, topics: Sequence[str] = OFFERS, attributions: Sequence[str] = SHOWN
) -> pd.DataFrame:
    """Return the positions of countries on all formats, the parties to the war left aside.

    Returns
    -------
    DataFrame
        As :func:`position_frame`.
    """
    frame = position_frame(dataset, list(dataset["alliances"]["alliance_id"]), attributions)
    codes = set(dataset["countries"]["iso3"]) - set(PARTIES)
    return frame[frame["actor_id"].isin(codes) & frame["topic"].isin(topics)].reset_index(drop=True)


def newest_country_positions(
    dataset: Dataset, topics: Sequence[str] = OFFERS, attributions: Sequence[str] = KNOWN
) -> pd.DataFrame:
    """Return the positions of countries that count now, by default those that a text states or reports."""
    return newest_positions(country_positions(dataset, topics, attributions))


def moments(dataset: Dataset, frame: pd.DataFrame) -> pd.DataFrame:
    """Say of each position when it was held: on the day that the text gives, or by its publication.

    Returns
    -------
    DataFrame
        The frame with two more columns, in order of time: ``moment`` as printed (``10 April 2025``, ``in 2024``,
        ``by March 2025`` where the text gives no date) and ``since``, an ISO day to sort by.
    """
    told = [date_text(d) if len(d) > 7 else f"in {date_text(d)}" if d else f"by {date_text(p[:7])}"
            for d, p in zip(frame["date"], frame["published"], strict=True)]  # fmt: skip
    since = [d + "-01-01"[len(d) - 4 :] if d else p for d, p in zip(frame["date"], frame["published"], strict=True)]
    return frame.assign(moment=told, since=since).sort_values(["since", "name", "topic"], kind="stable")


def count_countries(frame: pd.DataFrame, calc_id: str, label: str, formula: str) -> Derived:
    """Count the countries of a frame of positions, each linked to the row that counts it.

    Parameters
    ----------
    frame : DataFrame
        As :func:`position_frame` returns it.
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


def count(
    dataset: Dataset,
    alliance_id: str,
    topics: Sequence[str],
    positions: Sequence[str],
    label: str,
    calc_id: str,
    attributions: Sequence[str] = KNOWN,
) -> Derived | None:
    """Count the named countries that hold one of some positions on one of some topics.

    Returns
    -------
    Derived or None
        ``None`` where no such position is known.
    """
    frame = position_frame(dataset, [alliance_id], attributions)
    frame = frame[frame["topic"].isin(topics) & frame["position"].isin(positions)]
    frame = frame[frame["actor_id"].str.len() == 3].drop_duplicates("actor_id", keep="last")
    if frame.empty:
        return None
    return Derived(
        id=calc_id,
        text=str(len(frame)),
        value=float(len(frame)),
        label=label,
        formula="number of named countries whose position a text states or reports",
        inputs=tuple(Input(record.name, record.row_id) for record in records(frame)),
        unit="countries",
    )
