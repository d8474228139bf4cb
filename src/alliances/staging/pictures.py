"""Drawings to PNG, in a process of its own: ``python -m alliances.staging.pictures FOLDER DRAWING…``."""

from __future__ import annotations

import sys
from pathlib import Path

import vl_convert

from alliances.fonts import chart_directories

__all__ = ["picture", "register_fonts"]

_registered = False


def register_fonts() -> None:
    """Tell vl-convert of the report's fonts, once a process: without them it drops all text in silence."""
    global _registered
    if not _registered:
        for directory in chart_directories():
            vl_convert.register_font_directory(str(directory))
        _registered = True


def picture(drawing: Path) -> bytes:
    """Turn an SVG file into a PNG of twice its size; the fonts must have been registered."""
    return vl_convert.svg_to_png(drawing.read_text(encoding="utf-8"), scale=2)


if __name__ == "__main__":
    register_fonts()
    for name in sys.argv[2:]:
        (Path(sys.argv[1]) / f"{Path(name).stem}.png").write_bytes(picture(Path(name)))
