"""The faces that the PDF uses, from PyPI packages; the page carries subsets of its own in the extension."""

from __future__ import annotations

import shutil
from pathlib import Path

import font_source_sans_pro
import font_source_serif_pro

__all__ = ["install_fonts"]

_STYLES = ("Regular", "It", "Semibold", "SemiboldIt", "Bold")


def install_fonts(folder: Path) -> None:
    """Copy the TrueType faces into a folder.

    Typst takes folders, not files, and the packages' own hold every face twice (TrueType and OpenType).
    """
    folder.mkdir(parents=True, exist_ok=True)
    for package, stem in ((font_source_sans_pro, "SourceSansPro"), (font_source_serif_pro, "SourceSerifPro")):
        for style in _STYLES:
            target = folder / f"{stem}-{style}.ttf"
            if not target.exists():
                shutil.copyfile(Path(package.font_directory) / target.name, target)
