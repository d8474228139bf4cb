"""What the page gets after either engine has written it: live charts and a policy that lets nothing else run."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vl_convert

from alliances.errors import PublishError
from alliances.run.cache import Cache

__all__ = ["finish", "vega_bundle"]

_VEGALITE = "5.20"
_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL | re.IGNORECASE)
# An address in an attribute that makes the browser fetch; links (`<a href>`) fetch nothing.
_FETCH = re.compile(
    r"<(?:script|img|iframe|audio|video|source|embed|object|link|image|use)\b[^>]*?"
    r"\b(?:src|href|data|srcset)=[\"'](?!data:|#)([^\"']+)",
    re.IGNORECASE,
)
_LINKED = re.compile(r'<link rel="stylesheet" href="([^":]+)"[^>]*>|<script src="([^":]+)"[^>]*></script>')
_FONT = re.compile(r'url\("(.+?)"\)')
_IMPORT = re.compile(r"(?:@import\s+|url\(\s*)[\"']?((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)
_LICENCE = """/* Vega, Vega-Lite and Vega-Embed: Copyright (c) University of Washington Interactive Data Lab and
contributors, BSD-3-Clause, https://github.com/vega/vega/blob/main/LICENSE. With D3: Copyright Mike Bostock, ISC,
https://github.com/d3/d3/blob/main/LICENSE. Bundled by vl-convert. */"""


def finish(document: str, folder: Path, cache: Cache | None = None, policy: bool = True) -> str:
    """Make a rendered page live and give it its policy.

    Parameters
    ----------
    document : str
        The HTML as an engine wrote it.
    folder : Path
        The staged folder with the extension: ``vega/<id>.json`` and ``figures/<id>.csv`` of each chart.
    cache : Cache, optional
        In which Vega's script is kept.
    policy : bool
        Left out for ``quarto preview``, whose own script reloads the page.

    Returns
    -------
    str
        The page with its style, script and fonts, the charts' specifications and data, Vega, and a
        Content-Security-Policy: no source but the page itself, inline scripts by their hash.

    Raises
    ------
    PublishError
        If the page would fetch something, or a chart's files cannot be read.
    """
    document = _LINKED.sub(lambda found: _embedded(found, folder), document)
    visible = _SCRIPT.sub("", document)
    addresses = {*_FETCH.findall(visible), *_IMPORT.findall(visible)}
    for attributes, _ in _SCRIPT.findall(document):
        addresses |= set(re.findall(r"\bsrc=[\"'](?!data:)([^\"']+)", attributes))
    if fetched := sorted(addresses):
        raise PublishError(f"The page would fetch {', '.join(fetched[:8])}; it must hold all that it shows.")
    live = _with_charts(document, folder, cache)
    return _with_policy(live) if policy else live


def _embedded(found: re.Match[str], folder: Path) -> str:
    """Return the style or script that a page names, with its fonts; Quarto embeds them itself, Pandoc is slow at it."""
    path = folder / (found[1] or found[2])

    def font(face: re.Match[str]) -> str:
        return f'url("data:font/woff2;base64,{base64.b64encode((path.parent / face[1]).read_bytes()).decode("ascii")}")'

    try:
        text = path.read_text(encoding="utf-8")
        return f"<style>{_FONT.sub(font, text)}</style>" if found[1] else f"<script>{text}</script>"
    except OSError as error:
        raise PublishError(f"{path} cannot be read ({error}); it is part of the format extension.") from error


def _with_charts(document: str, folder: Path, cache: Cache | None) -> str:
    def read(path: Path) -> Any:
        try:
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            return json.loads(text or "null") if path.suffix == ".json" else text
        except (OSError, ValueError) as error:
            raise PublishError(f"{path} cannot be read ({error}); stage the report again.") from error

    charts = {}
    for name in dict.fromkeys(re.findall(r'data-figure="([^"]+)"', document)):
        if compiled := read(folder / "vega" / f"{name}.json"):
            narrow, csv = read(folder / "vega" / f"{name}-narrow.json"), read(folder / "figures" / f"{name}.csv")
            charts[name] = {"vega": compiled, "narrow": narrow, "csv": csv}
    if not charts:
        return document
    data = json.dumps(charts, ensure_ascii=False, separators=(",", ":"))
    data = data.replace("</", "<\\/").replace("<!", "\\u003c!")  # nothing in it may end its element
    # Neither block runs as it is read: the script starts the second one when a chart comes near.
    added = (
        f'<script type="application/json" id="chart-data">{data}</script>\n'
        f'<script type="text/plain" id="vega-bundle">{vega_bundle(cache)}</script>\n'
    )
    head, end, tail = document.rpartition("</body>")
    return f"{head}{added}{end}{tail}"


@functools.cache
def vega_bundle(cache: Cache | None = None) -> str:
    """Return Vega as one script that defines ``vegaEmbed`` and nothing else, some 0.9 MB; it takes seconds to make."""
    key = [_VEGALITE, version("vl-convert-python"), _LICENCE]
    return (cache.kept("vega", key, _bundle) if cache else _bundle()).decode()


def _bundle() -> bytes:
    code: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=_VEGALITE)
    # The bundle owns every short name; a function keeps them to itself.
    return f"{_LICENCE}\n(() => {{\n{code.strip()}\n}})();\n".encode()


def _with_policy(document: str) -> str:
    hashes = []
    for attributes, body in _SCRIPT.findall(document):
        if not re.search(r"\btype=[\"']?application/json", attributes):  # data, not code
            digest = base64.b64encode(hashlib.sha256(body.encode("utf-8")).digest())
            hashes.append(f"'sha256-{digest.decode('ascii')}'")
    allowed = " ".join(dict.fromkeys(hashes)) or "'none'"
    policy = (
        "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; "
        f"script-src {allowed}; base-uri 'none'; form-action 'none'"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    # Right after the encoding, before anything that the policy is about.
    head, found, rest = re.split(r'(<meta charset="utf-8"\s*/?>)', document, maxsplit=1)
    return f"{head}{found}\n{meta}{rest}"
