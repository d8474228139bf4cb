"""The report's two font families, taken from PyPI packages: for charts, for Typst and for the page.

Charts (vl-convert) and Typst read TrueType files; the HTML report carries subset WOFF2 faces inside
itself, so that it looks the same on a machine without network and without the fonts.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import font_source_sans_pro
import font_source_serif_pro

from alliances.user_cache import folder as cache_folder
from alliances.user_cache import kept

__all__ = ["SANS", "SERIF", "Face", "chart_directories", "chart_fonts", "font_directories", "install", "stylesheet"]

SANS = "Source Sans Pro"
SERIF = "Source Serif Pro"

# Latin with all its accents, punctuation, currency, arrows and the few signs that a report uses.
_CHARACTERS = (
    *range(0x20, 0x7F),
    *range(0xA0, 0x250),
    *range(0x2010, 0x2028),
    *range(0x2030, 0x203B),
    0x20AC,
    0x2116,
    0x2122,
    *range(0x2190, 0x2194),
    0x2212,
    0x2248,
    0x2260,
    0x2264,
    0x2265,
    0x25CF,
    0xFB01,
    0xFB02,
)
_FEATURES = ("kern", "liga", "ccmp", "locl", "mark", "mkmk", "lnum", "pnum", "tnum")
# With the typographic family (16, 17) a renderer finds the semibold face, and does not take the bold one for it.
_NAMES = (0, 1, 2, 3, 4, 5, 6, 16, 17)


@dataclass(frozen=True)
class Face:
    """One face of a family.

    Attributes
    ----------
    family : str
        Name as used in CSS, Vega-Lite and Typst.
    weight : int
        CSS weight, 100 to 900.
    italic : bool
        Slanted or upright.
    path : Path
        TrueType file.
    """

    family: str
    weight: int
    italic: bool
    path: Path


def _faces() -> tuple[Face, ...]:
    styles = (
        ("Light", 300, False),
        ("LightIt", 300, True),
        ("Regular", 400, False),
        ("It", 400, True),
        ("Semibold", 600, False),
        ("SemiboldIt", 600, True),
        ("Bold", 700, False),
        ("BoldIt", 700, True),
    )
    families = (
        (SANS, "SourceSansPro", font_source_sans_pro.font_directory),
        (SERIF, "SourceSerifPro", font_source_serif_pro.font_directory),
    )
    return tuple(
        Face(family, weight, italic, Path(folder) / f"{stem}-{style}.ttf")
        for family, stem, folder in families
        for style, weight, italic in styles
    )


def font_directories() -> tuple[Path, Path]:
    """Return the folders that hold the TrueType files of the sans and of the serif family.

    Returns
    -------
    tuple of Path
        For `vl_convert.register_font_directory`. They hold OpenType twins as well.
    """
    return Path(font_source_sans_pro.font_directory), Path(font_source_serif_pro.font_directory)


@cache
def chart_fonts() -> str:
    """Return what a drawing depends on: a name for the fonts that charts take, with all that is done to them."""
    return _fingerprint(_chart_faces())


def _chart_faces() -> list[Face]:
    return [face for face in _faces() if face.family == SANS and face.weight in (400, 600, 700)]


def chart_directories() -> tuple[Path, ...]:
    """Return the folders from which charts take their fonts.

    vl-convert opens the faces that it is told of anew for each text that it measures; with subsets of the charts' own
    faces it draws in half the time. They are made once and kept in the user's cache folder.

    Returns
    -------
    tuple of Path
        The packages' own folders where that folder cannot be written.
    """
    faces = _chart_faces()
    folder = cache_folder() / f"chart-fonts-{chart_fonts()}"
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
        try:
            part.mkdir(parents=True, exist_ok=True)
            for face in faces:
                (part / face.path.name).write_bytes(_subset(face.path, flavour=None))
            part.rename(folder)
        except OSError:  # a read-only home, a full disk, or another build that was quicker
            shutil.rmtree(part, ignore_errors=True)
    return (folder,) if folder.is_dir() else font_directories()


def install(folder: Path) -> None:
    """Copy the TrueType faces that the PDF uses into `folder`, and nothing else.

    Typst takes folders, not files, and the packages' own hold every face twice (TrueType and OpenType).

    Parameters
    ----------
    folder : Path
        Created if it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for face in _faces():
        target = folder / face.path.name
        if not target.exists():
            shutil.copyfile(face.path, target)


def stylesheet() -> str:
    """Return `@font-face` rules with the faces that the page uses, subset and inlined as WOFF2.

    Subsetting takes about a second, so its result is kept in the user's cache folder, under a name that
    changes with the fonts, the characters and the version of fontTools.

    Returns
    -------
    str
        CSS, the same bytes each time.
    """
    used = [f for f in _faces() if (f.weight in (400, 600)) and not (f.italic and f.weight == 600)]
    return kept(f"fonts-{_fingerprint(used)}.css", lambda: "".join(_rule(face) for face in used))


def _rule(face: Face) -> str:
    data = base64.b64encode(_subset(face.path, "woff2")).decode("ascii")
    return (
        f'@font-face{{font-family:"{face.family}";font-style:{"italic" if face.italic else "normal"};'
        f"font-weight:{face.weight};font-display:block;"
        f'src:url("data:font/woff2;base64,{data}") format("woff2")}}\n'
    )


def _subset(path: Path, flavour: str | None) -> bytes:
    # Imported here: charts and notebooks use this module too and need no fontTools.
    from fontTools import subset

    options = subset.Options()
    options.flavor = flavour
    options.layout_features = list(_FEATURES)
    options.name_IDs = list(_NAMES)
    options.hinting = False
    options.recalc_timestamp = False
    font = subset.load_font(path, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=_CHARACTERS)
    subsetter.subset(font)
    buffer = BytesIO()
    subset.save_font(font, buffer, options)
    return buffer.getvalue()


def _fingerprint(faces: Iterable[Face]) -> str:
    digest = hashlib.sha256(repr((_CHARACTERS, _FEATURES, _NAMES)).encode())
    digest.update(importlib.metadata.version("fonttools").encode())
    for face in faces:
        digest.update(f"{face.path.name} {face.path.stat().st_size}".encode())
    return digest.hexdigest()[:16]
