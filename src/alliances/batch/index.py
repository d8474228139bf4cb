"""The index page of a batch: all editions, and those that failed."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path

from alliances.batch.work import Outcome
from alliances.parameters import NAMES

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --paper: #fff; --line: #c5ccd3; --link: #1d4e89; --bad: #9b1c1c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaed; --paper: #14191f; --line: #46515c; --link: #8ab8ea; --bad: #f3a6a6; }
}
body { font: 1rem/1.5 "Source Sans Pro", system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
a { color: var(--link); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
.scroll { overflow-x: auto; }
.failed { color: var(--bad); font-weight: 600; }
"""


def write_index(folder: Path, outcomes: Sequence[Outcome], formats: Sequence[str]) -> Path:
    """Write ``index.html`` into the batch's folder: a table of the editions, and one of the failures.

    Only those parameters have a column that differ between the editions.
    """
    shown = [
        name for name in NAMES if name == "as_of" or len({str(outcome.values.get(name)) for outcome in outcomes}) > 1
    ]
    good = [outcome for outcome in outcomes if outcome.status != "failed"]
    bad = [outcome for outcome in outcomes if outcome.status == "failed"]
    parts = [
        "<!doctype html>",
        '<html lang="en-GB"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>Europe’s Defence Alliances: editions</title><style>{_STYLE}</style></head><body><main>",
        "<h1>Europe’s Defence Alliances: editions</h1>",
        f"<p>{len(good)} of {len(outcomes)} editions are here.</p>",
    ]
    if bad:
        parts += ["<h2>Failures</h2>", _table(bad, shown, ("What went wrong",), lambda o: (html.escape(o.message),))]
    if good:
        parts += ["<h2>Editions</h2>", _table(good, shown, ("Report",), lambda o: (_links(o, formats),))]
    parts.append("</main></body></html>\n")
    path = folder / "index.html"
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


def _links(outcome: Outcome, formats: Sequence[str]) -> str:
    name = html.escape(outcome.name)
    return " · ".join(
        f'<a href="{name}/report.{kind}" aria-label="{name}, {kind.upper()}">{kind.upper()}</a>' for kind in formats
    )


def _table(
    outcomes: Sequence[Outcome], shown: Sequence[str], more: Sequence[str], cells: Callable[[Outcome], Sequence[str]]
) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in ("Edition", *shown, *more))
    rows = []
    for outcome in outcomes:
        values = []
        for name in shown:
            value = outcome.values.get(name)
            text = ", ".join(value) if isinstance(value, (list, tuple)) else "" if value is None else str(value)
            values.append(f"<td>{html.escape(text)}</td>")
        last = "".join(f"<td>{cell}</td>" for cell in cells(outcome))
        mark = ' class="failed"' if outcome.status == "failed" else ""
        rows.append(f'<tr><th scope="row"{mark}>{html.escape(outcome.name)}</th>{"".join(values)}{last}</tr>')
    body = "".join(rows)
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Table of editions">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
