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


@cache
def _look(root: Path) -> Any:
    text = (files("alliances.charts") / "theme.yml").read_text(encoding="utf-8")
    text = re.sub(r"\$([\w-]+)", lambda found: f'"{_palette(root)[found[1]]}"', text)
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@alt.theme.register("alliances", enable=True)
def _theme() -> alt.theme.ThemeConfig:
    return {"config": _look(find_root())}


alt.renderers.enable("mimetype")
alt.data_transformers.register("alliances", _plain)
alt.data_transformers.enable("alliances")
