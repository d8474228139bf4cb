"""Draws prepared charts as wide as printed; as a program, one a line: who has drawn cannot be forked."""

import json
import re
import shutil
import sys
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alliances.errors import NarrativeError

Spec = dict[str, Any]
_SPOKEN = re.compile(r'\s(?:role|aria-[a-z]+)="[^"]*"')
_GEOMETRY = re.compile(r'(\s(?:d|transform|[xy][12]?)=")([^"]*)')
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
VEGALITE = "5.20"  # of vl-convert's versions, the one that Altair 5.5 writes


@cache
def _converter() -> tuple[Any, Any]:
    # Imported when first drawn with: it takes a second.
    import font_source_sans_pro
    import vl_convert

    # It opens each face that it knows for each text: with the two that charts use it draws in half the time.
    folder = TemporaryDirectory(prefix="alliances-fonts-")
    for face in ("Regular", "Semibold"):
        shutil.copy(Path(font_source_sans_pro.font_directory) / f"SourceSansPro-{face}.ttf", folder.name)
    vl_convert.register_font_directory(folder.name)
    return vl_convert, folder  # which goes with the process


def _drawn(spec: Spec) -> str:
    return str(_converter()[0].vegalite_to_svg(spec, vl_version=VEGALITE))


def fitted(spec: Spec) -> tuple[Spec, str]:
    """Make a prepared chart exactly as wide as printed; return it with its drawing, an SVG.

    NarrativeError if it cannot be that narrow.
    """
    spec = json.loads(json.dumps(spec))
    wanted = spec.pop("usermeta", {}).get("fit")
    if not wanted:
        return spec, _drawn(spec)
    width, asked, leaves = wanted["width"], wanted["asked"], panels(spec)
    growth, least = float((sum if "hconcat" in spec else max)(asked or [1])), 12 / min(asked or [1])
    scale, step, now = 0.7 * width / growth, 0.0, 0.0
    small, large = 0.0, 0.0  # scales that were too small, and too large
    for _ in range(14):
        for leaf, one in zip(leaves, asked, strict=True):
            leaf["width"] = round(one * scale, 1)
        drawing = _drawn(spec)
        found = re.findall(r'width="([\d.]+)"', drawing)[0]
        before, now = now, float(found)
        if 0 <= width - now < (2 if leaves else width):
            spec["padding"]["right"] += round(width - now, 1)  # which widens picture and ground, and moves nothing
            return spec, re.sub(rf'(width="|viewBox="0 0 ){found}(?=[" ])', rf"\g<1>{width}", drawing, count=3)
        small, large = (small, scale) if now > width else (scale, large)
        is_flat = (now - before) * step <= 0  # a title was the widest part, and the width did not move
        growth = growth if is_flat else (now - before) / step
        step = max((width - 0.4 - now) / growth, least - scale)
        if is_flat and small and large:
            step = (small + large) / 2 - scale
        scale += step
    raise NarrativeError(f"The chart does not fit into {width} pixels: shorten its labels or use fewer panels.")


def walk(node: Any) -> Iterator[Spec]:
    """Yield the objects of a specification, parents first, without data and configuration."""
    if isinstance(node, dict):
        yield node
        node = [value for key, value in node.items() if key not in ("datasets", "values", "config")]
    for child in node if isinstance(node, list) else []:
        yield from walk(child)


def datasets(spec: Spec) -> dict[str, list[Spec]]:
    """Return the data that a chart shows, by name, without shapes and drawing aids, whose names begin with ``_``."""
    named = spec["datasets"].items()
    return {name: rows for name, rows in named if isinstance(rows, list) and not name.startswith("_")}


def panels(node: Spec) -> list[Spec]:
    """Return the panels of a chart but maps, whose width is given: single charts and layers."""
    if "mark" in node or "layer" in node:
        return [node] if "projection" not in node else []
    children = [part for name in ("hconcat", "vconcat", "concat") for part in node.get(name, [])]
    return [leaf for child in (children or [node["spec"]]) for leaf in panels(child)]


def png(spec: Spec) -> bytes:
    """Draw a prepared chart as PNG, on white, twice as large; packed tightly, since git keeps each version."""
    packed, parts, at = bytes(_converter()[0].svg_to_png(fitted(spec)[1], scale=2)), dict[bytes, bytes](), 8
    while at < len(packed):
        size = int.from_bytes(packed[at : at + 4])
        kind, at = packed[at + 4 : at + 8], at + 12 + size
        parts[kind] = parts.get(kind, b"") + packed[at - 4 - size : at - 4]
    parts[b"IDAT"] = zlib.compress(zlib.decompress(parts[b"IDAT"]), 9)  # a third of what vl-convert makes of it
    chunks = ((kind + data, len(data).to_bytes(4)) for kind, data in parts.items())
    return packed[:8] + b"".join(size + chunk + zlib.crc32(chunk).to_bytes(4) for chunk, size in chunks)


def draw(spec: Spec) -> dict[str, Any]:
    """Draw one chart: as SVG with rounded coordinates and without its title, compiled to Vega, and as fitted."""
    try:
        fit, svg = fitted({key: value for key, value in spec.items() if key not in ("title", "description")})
        compiled = _converter()[0].vegalite_to_vega(fit, vl_version=VEGALITE)
    except (NarrativeError, ValueError) as error:  # what Vega-Lite refuses is a ValueError of vl-convert
        return {"error": str(error)}
    compiled.pop("$schema", None)  # the page carries a newer Vega than the schema's
    svg = _GEOMETRY.sub(
        lambda m: m[1] + _LONG_NUMBER.sub(lambda n: f"{round(float(n[0]), 2) + 0:g}", m[2]), _SPOKEN.sub("", svg)
    )
    titled = fit | {key: spec[key] for key in ("title", "description") if key in spec}
    return {"svg": svg, "vega": compiled, "spec": titled}


if __name__ == "__main__":
    _drawn({"mark": "point", "data": {"values": []}})  # starts the engine, before anything is asked
    for line in sys.stdin:
        print(json.dumps(draw(json.loads(line))), flush=True)
