"""How big a force: charts from the model of ``alliances.analysis.forces``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from alliances.analysis.derived import Derived, Reference
from alliances.analysis.forces import KILOMETRES, SOLDIERS, Model
from alliances.analysis.frames import records
from alliances.analysis.quantities import Quantity, counted
from alliances.charts.theme import BLUE, GREY, INK, PLUM, STATUS_STYLES, TEAL, WIDTH, finish, fit, styled
from alliances.dataset import Dataset, Row
from alliances.prose.links import derived_link
from alliances.prose.narrative import Narrative
from alliances.prose.values import date_text, join_and

COLUMNS = ["row_id", "what", "line", "low", "high", "text", "kind", "source"]
NEEDED = "needed with rotation"
OURS = "derived by this report"
ARMIES = {"RUS": "Russia’s troops in Ukraine", "UKR": "Ukraine’s Defence Forces"}  # by country in focus
LIT = "#fbe7c6"  # the colour in which all charts highlight a country
_CHARACTER, _MARGIN = 5.9, 24  # pixels: mean width of a character at 12 px, and space around marks and labels
_FRONT_STYLES = (("circle", BLUE, False), ("square", TEAL, False), ("diamond", PLUM, False))


def density_chart(dataset: Dataset, model: Model) -> Any:
    """Draw the soldiers per kilometre of front of each contingent, for each length of the front.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where fewer than two contingents or no length of the front is known.
    """
    if len(model.contingents) < 2 or not model.fronts:
        return Narrative("")
    kinds = [f"front of {counted(length.text, KILOMETRES)}" for length in model.fronts]
    lines = [
        {**_line(density, contingent.label, density.text, kinds[number], OURS), **({"line": ""} if number else {})}
        for contingent in model.contingents
        for number, density in enumerate(contingent.densities)
        if density
    ]
    rows = [part.row for c in model.contingents for part in (c.size, *model.fronts) if part.row]
    return _chart(
        dataset,
        lines,
        styles=dict(zip(kinds, _FRONT_STYLES, strict=False)),
        rows=rows,
        figures=model.figures,
        label="fig-force-density",
        headline=[_density_headline(model)],
        subtitle="Soldiers per kilometre of front if the contingent stood along it, by length of the front"
        f"{_period(dataset, rows)}",
        caption=f"{_whose(model, 'front_km')}Soldiers per kilometre of front: contingent divided by front.",
        unit="soldiers per kilometre",
        describe="soldiers per kilometre of front",
        note="The density is a yardstick of this report; no text proposes to string the contingent along the front.",
    )


def _density_headline(model: Model) -> str:
    densities = [part for part in model.modelled.densities if part] if model.modelled else []
    if model.modelled is None or not densities:
        return "How thin a force would be along the front"
    most = max(densities, key=lambda part: part.high)
    fewer = len({part.text for part in densities}) > 1 and not most.bound
    return (
        f"{counted(model.modelled.size.text, SOLDIERS)} would be {most.text}"
        f"{' or fewer' if fewer else ''} for each kilometre of front"
    )


def rotation_chart(dataset: Dataset, model: Model) -> Any:
    """Draw the soldiers of each contingent that are deployed, and those that are needed with rotation.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where fewer than two contingents are known, or where no rotation is assumed.
    """
    if len(model.contingents) < 2 or model.rotation.low == 1:
        return Narrative("")
    lines = []
    for contingent in model.contingents:
        size, pool, share = contingent.size, contingent.pool, contingent.share
        kind = contingent.kind.replace("_", " ")
        lines.append(_line(size, contingent.label, size.text, kind, _source(dataset, size)))
        part = f" ({share.figure.text})" if share and share.figure else ""
        lines.append({**_line(pool, contingent.label, f"{pool.text}{part}", NEEDED, OURS), "line": NEEDED})
    share_known = model.armies is not None
    in_brackets = ";\nin brackets the share of the European armies on paper" if share_known else ""
    deterrent = next((c for c in model.contingents if _same(c.size, model.deterrent)), None)
    headline = ["Soldiers deployed are a part of the soldiers needed"]
    if deterrent and deterrent.share and deterrent.share.figure:
        bound = deterrent.share.figure.text + (" of" if deterrent.share.text.endswith("%") else "")
        headline = [
            f"With {counted(model.rotation.text, SOLDIERS)} in all for each one deployed, a force thought to deter",
            f"would bind {bound} Europe’s soldiers on paper",
        ]
    rows = [part.row for c in model.contingents for part in (c.size, model.armies) if part and part.row]
    return _chart(
        dataset,
        lines,
        styles={**STATUS_STYLES, NEEDED: ("square", GREY, False)},
        rows=rows,
        figures=model.figures,
        label="fig-force-rotation",
        headline=headline,
        subtitle=f"Soldiers deployed, and needed with {model.rotation.text} in all for each one deployed{in_brackets}",
        caption=f"{_whose(model, 'troops')}Soldiers deployed, and soldiers needed to keep them deployed.",
        unit="soldiers",
        describe="soldiers deployed and needed with rotation",
        note="The rotation is an assumption, not a text’s figure.",
    )


def armies_chart(dataset: Dataset, model: Model, *, focus: str = "") -> Any:
    """Draw the modelled contingent beside the force thought needed to deter and the armies in the field.

    Parameters
    ----------
    dataset : Dataset
        The edition's dataset.
    model : Model
        The contingents of the edition.
    focus : str
        Alpha-3 of a country whose army is highlighted.

    Returns
    -------
    altair.LayerChart or Narrative
        An empty narrative where no contingent is modelled or fewer than two armies are known.
    """
    own = model.modelled
    armies = {
        "Force thought needed to deter": model.deterrent,
        ARMIES["RUS"]: model.russia,
        ARMIES["UKR"]: model.ukraine,
        "European armies on paper, without Turkey": model.armies,
    }
    known = {label: part for label, part in armies.items() if part and part.row}
    if own is None or len(known) < 2:
        return Narrative("")
    lines = [_line(own.size, own.label, own.size.text, own.kind, _source(dataset, own.size))]
    lines += [
        _line(part, label, part.text, part.row["obs_status"].replace("_", " "), _source(dataset, part))
        for label, part in known.items()
        if part.row
    ]
    against = model.against("russia")
    size = counted(own.size.text, SOLDIERS)
    headline = "The contingent beside the armies"
    if against and against.figure:
        joint = " of" if against.text.endswith("%") else ""
        headline = f"{size} would be {against.figure.text}{joint} Russia’s troops in Ukraine"
    rows = [part.row for part in (own.size, *known.values()) if part.row]
    figures = [*own.size.figures, *(against.figures if against else ())]
    return _chart(
        dataset,
        lines,
        styles=STATUS_STYLES,
        rows=rows,
        figures=figures,
        label="fig-force-armies",
        headline=[headline],
        subtitle=f"Soldiers, by what each figure stands for{_period(dataset, rows)}",
        caption=f"{_whose(model, 'troops')}The contingent beside the armies.",
        unit="soldiers",
        describe="soldiers of the contingent and of the armies",
        stems=True,
        focus_line=ARMIES.get(focus, ""),
        note="Ukraine’s figure counts all agencies that fight, not the army alone.",
    )


def _whose(model: Model, parameter: str) -> str:
    """Say in a caption which of its values the edition sets."""
    values = {"front_km": model.fronts[0] if model.fronts else None, "troops": model.modelled and model.modelled.size}
    names = {"front_km": "length of the front", "troops": "size of the first contingent"}
    wanted = ("front_km", "troops") if parameter == "front_km" else ("troops",)
    told = [
        f"{names[name]}: {derived_link(value.figure)}"
        for name in wanted
        if (value := values[name]) and isinstance(value.figure, Reference)
    ]
    return f"Set for this edition: {'; '.join(told)}. " if told else ""


def _period(dataset: Dataset, rows: Sequence[Row]) -> str:
    """Say from when the figures are: the months of the texts that give them."""
    months = sorted({dataset.source(row.source_id).published.isoformat()[:7] for row in rows})
    return f", {join_and([date_text(month) for month in months])}" if months else ""


def _same(size: Quantity, other: Quantity | None) -> bool:
    return bool(other and other.row and size.row and other.row.row_id == size.row.row_id)


def _source(dataset: Dataset, quantity: Quantity) -> str:
    return dataset.source(quantity.row.source_id).descriptor if quantity.row else "set for this edition"


def _line(quantity: Quantity, label: str, text: str, kind: str, source: str) -> dict[str, Any]:
    return {
        "row_id": quantity.origin.target,
        "what": label,
        "line": label,
        "low": float(quantity.low),
        "high": float(quantity.high),
        "text": text,
        "kind": kind,
        "source": source,
    }


def _chart(
    dataset: Dataset, lines: Sequence[Mapping[str, Any]], *, styles: Mapping[str, tuple[str, str, bool]],
    rows: Sequence[Row], figures: Sequence[Derived | Reference], label: str, headline: Sequence[str], subtitle: str,
    caption: str, unit: str, describe: str, note: str, stems: bool = False,
    focus_line: str = "",
) -> Any:  # fmt: skip
    """Draw lines of quantities on one axis: a point for a value, a band for a range, words beside each.

    A line whose label is not what it is about belongs to the one above it.
    """
    frame = pd.DataFrame(lines, columns=COLUMNS)
    frame["first"] = frame["line"] == frame["what"]
    frame["line"] = [f"{number:02d}{line}" for number, line in enumerate(frame["line"])]  # labels may repeat
    kinds = [kind for kind in styles if kind in set(frame["kind"])]
    y = alt.Y(
        "line:N",
        sort=list(frame["line"]),
        title=None,
        axis=alt.Axis(labelExpr="slice(datum.label, 2)", labelLimit=300, labelPadding=12),
    )
    axis = alt.Axis(labelExpr="format(datum.value, ',')", tickCount=5)
    x = alt.X("low:Q", title=unit, scale=alt.Scale(domain=[0, _top(frame)], nice=False), axis=axis)
    tooltip = [
        alt.Tooltip("what:N", title="What"),
        alt.Tooltip("text:N", title="Value"),
        alt.Tooltip("kind:N", title="Kind"),
        alt.Tooltip("source:N", title="Source"),
    ]
    base = alt.Chart(frame)
    step = 21 if not frame["first"].all() else 27
    layers = []
    frame["focus"] = frame["what"] == focus_line
    if frame["focus"].any():
        lit = base.mark_bar(color=LIT, height=alt.RelativeBandSize(0.9)).encode(y=y).transform_filter("datum.focus")
        layers.append(lit)
    if not frame["first"].all():
        rule = base.mark_rule(color="#e6eaed", yOffset=-step / 2).encode(y=y).transform_filter("datum.first")
        layers.append(rule)
    if stems:
        layers.append(base.mark_bar(height=3, color=GREY, opacity=0.5).encode(x=alt.X("zero:Q"), x2="low:Q", y=y))
        frame["zero"] = 0
    layers.append(base.mark_bar(height=8, color=GREY, opacity=0.35).encode(x=x, x2="high:Q", y=y, tooltip=tooltip))
    layers += [
        base.mark_point(size=85, strokeWidth=2, opacity=1).encode(
            x=alt.X(f"{column}:Q"), y=y, tooltip=tooltip, **styled("kind", kinds, styles)
        )
        for column in ("low", "high")
    ]
    layers.append(
        base.mark_text(align="left", dx=11, color=INK, fontSize=12, fontWeight=600).encode(
            x="high:Q", y=y, text="text:N"
        )
    )
    listed = join_and([f"{line.what}: {line.text} ({line.kind})" for line in records(frame)])
    return finish(
        fit(alt.layer(*layers), step),
        dataset=dataset,
        label=label,
        headline=headline,
        subtitle=subtitle,
        caption=caption,
        description=f"Dot and band chart of {describe}, where the message is “{' '.join(headline)}”: {listed}.",
        rows=rows,
        figures=figures,
        note=note,
        table={
            "row_id": "Row", "what": "What", "low": "From", "high": "To", "text": "In words", "kind": "Kind",
            "source": "Source",
        },
    )  # fmt: skip


def _top(frame: pd.DataFrame) -> float:
    """Choose the end of the axis so that the words beside each mark find room within the chart."""
    plot = WIDTH - _CHARACTER * max(len(line) - 2 for line in frame["line"]) - _MARGIN
    tops = [line.high / max(1 - (_CHARACTER * len(line.text) + _MARGIN) / plot, 0.2) for line in records(frame)]
    return float(max(tops))
