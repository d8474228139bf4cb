"""What the page gets after either engine has written it: live charts and a policy that lets nothing else run."""

import base64
import hashlib
import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vl_convert

from alliances.charts.drawing import VEGALITE
from alliances.errors import PublishError
from alliances.run.cache import Cache, digest

_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL | re.IGNORECASE)
# An address in an attribute that makes the browser fetch (links, `<a href>`, fetch nothing), or in a style.
_FETCH = re.compile(
    r"<(?:script|img|iframe|audio|video|source|embed|object|link|image|use)\b[^>]*?"
    r"\b(?:src|href|data|srcset)=[\"'](?!data:|#)([^\"']+)"
    r"|(?:@import\s+|url\(\s*)[\"']?((?:https?:)?//[^\"')\s]+)",
    re.IGNORECASE,
)
_LINKED = re.compile(r'<link rel="stylesheet" href="([^":]+)"[^>]*>|<script src="([^":]+)"[^>]*></script>')
_FONT = re.compile(r'url\("(.+?)"\)')
_LICENCE = """/* Vega, Vega-Lite and Vega-Embed: Copyright (c) University of Washington Interactive Data Lab and
contributors, BSD-3-Clause, https://github.com/vega/vega/blob/main/LICENSE. With D3: Copyright Mike Bostock, ISC,
https://github.com/d3/d3/blob/main/LICENSE. Bundled by vl-convert. */"""


def finish(document: str, folder: Path, policy: bool = True) -> str:
    """Make a page that an engine rendered live, and give it its policy.

    It gets style, script, fonts and the charts' specifications and data from the staged `folder`, Vega, and a
    Content-Security-Policy: no source but the page itself, inline scripts by their hash; none for ``quarto preview``,
    whose script reloads the page. PublishError if the page would fetch something, or a chart's files cannot be read.
    """
    document = _LINKED.sub(lambda found: _embedded(found, folder), document)
    fetched = {first or second for first, second in _FETCH.findall(_SCRIPT.sub(r"<script\1>", document))}
    if fetched:
        raise PublishError(f"The page would fetch {', '.join(sorted(fetched)[:8])}; it must hold all that it shows.")
    live = _with_charts(document, folder)
    if not policy:
        return live
    codes = [body for attributes, body in _SCRIPT.findall(live) if "application/json" not in attributes]
    hashes = [base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in dict.fromkeys(codes)]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes) or "'none'"
    told = "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'"
    told += f"; script-src {allowed}; base-uri 'none'; form-action 'none'"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{told}">'  # before anything that it is about
    return re.sub(r'<meta charset="utf-8"\s*/?>', lambda found: f"{found[0]}\n{meta}", live, count=1)


def _embedded(found: re.Match[str], folder: Path) -> str:
    """Return the style or script that a page names, with its fonts; Quarto embeds them itself, Pandoc is slow at it."""
    path = folder / (found[1] or found[2])

    def font(face: re.Match[str]) -> str:
        return f'url("data:font/woff2;base64,{base64.b64encode((path.parent / face[1]).read_bytes()).decode("ascii")}")'

    text = path.read_text(encoding="utf-8")
    return f"<style>{_FONT.sub(font, text)}</style>" if found[1] else f"<script>{text}</script>"


def _with_charts(document: str, folder: Path) -> str:
    """Add the charts and Vega, of which nothing runs as it is read: the script starts Vega when a chart comes near."""

    def read(path: str) -> Any:
        try:
            text = (folder / path).read_text(encoding="utf-8")
            return json.loads(text) if path.endswith(".json") else text
        except (OSError, ValueError) as error:
            raise PublishError(f"{folder / path} cannot be read ({error}); stage the report again.") from error

    files = {"vega": "vega/{}.json", "narrow": "vega/{}-narrow.json", "csv": "figures/{}.csv"}
    names = dict.fromkeys(re.findall(r'data-figure="([^"]+)"', document))
    charts = {name: {part: read(file.format(name)) for part, file in files.items()} for name in names}
    if not charts:
        return document
    data = json.dumps(charts, ensure_ascii=False, separators=(",", ":"))
    data = data.replace("</", "<\\/").replace("<!", "\\u003c!")  # nothing in it may end its element
    added = f'<script type="application/json" id="chart-data">{data}</script>\n'
    added += f'<script type="text/plain" id="vega-bundle">{vega()}</script>\n'
    head, end, tail = document.rpartition("</body>")
    return f"{head}{added}{end}{tail}"


def vega() -> str:
    """Return Vega as one script, some 0.9 MB, which takes seconds: set-up makes it, and the environment keeps it."""
    kept = Cache(Path(), Path(sys.prefix, "share", "alliances"))
    key = digest(VEGALITE, version("vl-convert-python"), _LICENCE)
    if not (script := (kept.get("vega", key) or b"").decode()):
        code = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGALITE).strip()
        script = f"{_LICENCE}\n(() => {{\n{code}\n}})();\n"  # it owns every short name; a function keeps them
        kept.put("vega", key, script.encode())
    return script
