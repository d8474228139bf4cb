"""The sources of the report that was typeset last, kept so that Typst can set them again while notebooks still run.

What it then has to set of the new report is what differs from the last one.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from alliances import fonts
from alliances.execution.cache import Cache, key_of
from alliances.publishing.typesetting import Typesetter

__all__ = ["keep", "prepare"]

_KEY = key_of("the sources that were typeset last")
_MAIN = "report.typ"


def keep(stage: Path, cache: Cache) -> None:
    """Keep the sources of a report that the embedded engine has just typeset."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in (*sorted(stage.glob("*.typ")), *sorted((stage / "figures").glob("*.svg"))):
            archive.write(path, path.relative_to(stage))
    cache.put("typeset", _KEY, packed.getvalue())


def prepare(typesetter: Typesetter, folder: Path, cache: Cache) -> None:
    """Have the sources of the last report set once more, in a folder of their own, without waiting for it."""
    packed = cache.get("typeset", _KEY)
    if packed is None:
        return
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(folder)
    if (folder / _MAIN).exists():
        fonts.install(folder / "fonts")
        typesetter.prepare(folder / _MAIN, folder / "fonts")
