"""What an HTML report gets after either engine has written it: checks and a Content-Security-Policy."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path
from urllib.parse import unquote

from alliances.errors import PublishError
from alliances.publishing import live

__all__ = ["finish", "inline"]

_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL | re.IGNORECASE)
# An address in an attribute that makes the browser fetch; links (`<a href>`) fetch nothing.
_FETCH = re.compile(
    r"<(?:script|img|iframe|audio|video|source|embed|object|link|image|use)\b[^>]*?"
    r"\b(?:src|href|data|srcset)=[\"'](?!data:|#)([^\"']+)",
    re.IGNORECASE,
)
_IMPORT = re.compile(r"(?:@import\s+|url\(\s*)[\"']?((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)
_ID = re.compile(r"<[a-zA-Z][^>]*?\sid=[\"']([^\"']+)[\"']")
_INTERNAL = re.compile(r"<a\b[^>]*?\shref=[\"']#([^\"']+)[\"']", re.IGNORECASE)
_UNRESOLVED = re.compile(r"\?@([\w-]+)|quarto-unresolved-ref[^>]*>([^<]+)<")


def inline(document: str, folder: Path) -> str:
    """Put the style sheets and scripts that a page links to into the page.

    Pandoc's --embed-resources does the same, but reads and writes the whole page once more, which doubles
    the time of the render.

    Parameters
    ----------
    document : str
        The HTML.
    folder : Path
        Folder that the addresses start from.

    Returns
    -------
    str
        The HTML with `<style>` and `<script>` elements.
    """

    def style(found: re.Match[str]) -> str:
        return f"<style>\n{(folder / found[1]).read_text(encoding='utf-8')}</style>"

    def script(found: re.Match[str]) -> str:
        return f"<script>\n{(folder / found[1]).read_text(encoding='utf-8')}</script>"

    document = re.sub(r'<link rel="stylesheet" href="(theme/[\w./-]+\.css)"\s*/?>', style, document)
    return re.sub(r'<script src="(theme/[\w./-]+\.js)"></script>', script, document)


def finish(document: str, stage: Path | None = None) -> str:
    """Check a rendered page, make its charts live and give it a Content-Security-Policy.

    Parameters
    ----------
    document : str
        The HTML as the engine wrote it.
    stage : Path, optional
        Folder of the staged report, for the charts; without it they stay still.

    Returns
    -------
    str
        The same page with the policy: no source but the page itself, inline scripts by their hash.

    Raises
    ------
    PublishError
        If the page would fetch something, a link or a reference leads nowhere, or a chart's files cannot be read.
    """
    visible = _SCRIPT.sub("", document)
    fetched = sorted({*_FETCH.findall(visible), *_IMPORT.findall(visible), *_scripts_fetched(document)})
    if fetched:
        raise PublishError(f"The HTML report is not self-contained; it would fetch {_some(fetched)}.")
    unresolved = sorted({a or b for a, b in _UNRESOLVED.findall(visible)})
    if unresolved:
        raise PublishError(f"Cross-references that lead nowhere: {_some(unresolved)}.")
    ids = {html.unescape(found) for found in _ID.findall(visible)}
    targets = {html.unescape(unquote(found)) for found in _INTERNAL.findall(visible)}
    if missing := sorted(targets - ids):
        raise PublishError(f"Links to anchors that do not exist: {_some(['#' + m for m in missing])}.")
    return _with_policy(live.enliven(document, stage) if stage else document)


def _scripts_fetched(document: str) -> list[str]:
    return [
        address
        for attributes, _ in _SCRIPT.findall(document)
        for address in re.findall(r"\bsrc=[\"'](?!data:)([^\"']+)", attributes)
    ]


def _with_policy(document: str) -> str:
    hashes = []
    for attributes, body in _SCRIPT.findall(document):
        if re.search(r"\btype=[\"']application/(?:ld\+)?json", attributes):
            continue  # data, not code
        digest = hashlib.sha256(body.encode("utf-8")).digest()
        hashes.append(f"'sha256-{base64.b64encode(digest).decode('ascii')}'")
    policy = "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            "font-src data:",
            "style-src 'unsafe-inline'",
            f"script-src {' '.join(dict.fromkeys(hashes)) or chr(39) + 'none' + chr(39)}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    # Right after the encoding, before anything that the policy is about.
    head, found, rest = document.partition('<meta charset="utf-8">')
    if not found:
        head, found, rest = document.partition("<head>")
    return f"{head}{found}\n{meta}{rest}"


def _some(items: list[str], most: int = 8) -> str:
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"
