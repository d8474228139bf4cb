"""The index page of a batch: all editions, and those that failed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment

if TYPE_CHECKING:
    from alliances.batch.run import Outcome

_PAGE = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Editions</title><style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; } .scroll { overflow-x: auto; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid; vertical-align: top; }
</style></head><body><main><h1>Editions</h1>
<p>{{ good|length }} of {{ (good + bad)|length }} editions are here.</p>
{% for heading, rows in (("Failures", bad), ("Reports", good)) if rows %}<h2>{{ heading }}</h2>
<div class="scroll" tabindex="0" role="region" aria-label="{{ heading }}"><table><thead><tr><th scope="col">Edition</th>
{% for name in shown %}<th scope="col">{{ name }}</th>{% endfor %}<th scope="col">
{{- "Report" if rows == good else "What went wrong" }}</th></tr></thead><tbody>
{% for row in rows %}<tr><th scope="row">{{ row.name }}</th>
{% for name in shown %}<td>{{ row.values[name] or "" }}</td>{% endfor %}<td>{% if row.status == "failed" %}
{{- row.message }}{% else %}{% for kind in formats %}<a href="{{ row.name }}/report.{{ kind }}"
 aria-label="{{ row.name }}, {{ kind.upper() }}">{{ kind.upper() }}</a> {% endfor %}{% endif %}</td></tr>
{% endfor %}</tbody></table></div>
{% endfor %}</main></body></html>
"""


def write_index(folder: Path, outcomes: Sequence[Outcome], formats: Sequence[str]) -> Path:
    """Write ``index.html`` into the batch's folder; only parameters that differ between the editions have a column."""
    names = outcomes[0].values
    shown = [name for name in names if len({str(outcome.values[name]) for outcome in outcomes}) > 1]
    good = [outcome for outcome in outcomes if outcome.status != "failed"]
    bad = [outcome for outcome in outcomes if outcome.status == "failed"]
    template = Environment(autoescape=True).from_string(_PAGE)
    path = folder / "index.html"
    path.write_text(template.render(good=good, bad=bad, shown=shown, formats=formats), encoding="utf-8")
    return path
