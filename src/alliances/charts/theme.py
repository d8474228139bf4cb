"""The look of the charts: the brand's colours, type at printed size, and an Altair theme that is on once imported.

A notebook takes colours from here by what they stand for: ``from alliances.charts import READY, REFUSE``.
"""

import re
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import yaml

from alliances import find_root
from alliances.analysis.values import Value
from alliances.errors import DataError
from alliances.text.reading import read_utf8, read_yaml

#: Pixels of the layout's three printed widths in millimetres, and of a chart for a phone.
WIDTHS: dict[int | str, int] = {47: 178, 112: 423, 166: 627, "narrow": 320}
_SIZE = 11.5  # of a label, in pixels
_SHORT = {"PEACE": "peacekeepers", "OPEN": "undecided", "REFUSE": "refuses"}


def __getattr__(name: str) -> str:
    if name.isupper():
        return brand(_SHORT.get(name, name.lower()))  # read when asked for: importing this needs no project around it
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def brand(name: str) -> str:
    """Return a colour of ``report/_brand.yml`` as ``#RRGGBB``, ``brand("ready")``; DataError if it has none such."""
    palette = _palette(find_root())
    if name not in palette:
        raise DataError(f"report/_brand.yml has no colour “{name}”; it has {', '.join(palette)}.")
    return palette[name]


@cache
def _palette(root: Path) -> dict[str, str]:
    name, ours = "report/_brand.yml", Path(__file__).resolve().parents[3]
    folder = root if (root / name).is_file() else ours  # data without a look of their own have the report's
    return dict(read_yaml(read_utf8(folder / name, name, DataError), name, DataError)["color"]["palette"])


def text_width(text: str, size: float = _SIZE, weight: int = 400) -> float:
    """Estimate the width of a text in Source Sans Pro, in pixels; good to a few per cent."""
    widths = [("ijlI.,:;'’!|()f/-tr", 0.3), (" ", 0.2), ("mwMW%—", 0.8), ("ABCDEFGHKNOPQRSTUVXYZ", 0.6)]
    ems = sum(next((width for letters, width in widths if c in letters), 0.51) for c in text)
    return ems * size * (1.04 if weight > 400 else 1)


def wrapped(text: str, width: float, size: float = _SIZE, weight: int = 400) -> list[str]:
    """Break a text into lines that are no wider than `width` pixels; its own line breaks stay."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines.append("")
        for word in paragraph.split():
            longer = f"{lines[-1]} {word}".strip()
            fits = not lines[-1] or text_width(longer, size, weight) <= width
            lines[-1:] = [longer] if fits else [lines[-1], word]
    return lines


class Printed(str):
    """The words of an object with provenance: a chart can print them and draw nothing else."""


def _plain(data: Any) -> Any:
    """Make a chart's data plain JSON: days as ISO text, which browsers read as UTC, and quantities as their words."""
    if isinstance(data, pd.DataFrame):
        data = data.reset_index(drop=True)
        for name, cells in data.items():
            if pd.api.types.is_datetime64_any_dtype(cells):
                data[name] = cells.dt.strftime("%Y-%m-%dT%H:%M:%SZ").str.removesuffix("T00:00:00Z")
            elif cells.dtype == object:
                told = [cell.isoformat() if isinstance(cell, date) else cell for cell in cells]
                data[name] = pd.Series([Printed(one) if isinstance(one, Value) else one for one in told], dtype=object)
    made = alt.default_data_transformer(data)
    for row in made["values"] if isinstance(made.get("values"), list) else []:
        row.update({key: None for key, cell in row.items() if cell != cell})  # pandas 3 leaves NaN among texts
    return made


@alt.theme.register("alliances", enable=True)
def _theme() -> alt.theme.ThemeConfig:
    text = (files("alliances.charts") / "theme.yml").read_text(encoding="utf-8")
    return {"config": yaml.safe_load(re.sub(r"\$([\w-]+)", lambda found: f'"{brand(found[1])}"', text))}


alt.renderers.enable("mimetype")
alt.data_transformers.register("alliances", _plain)
alt.data_transformers.enable("alliances")
