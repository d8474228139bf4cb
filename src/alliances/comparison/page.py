"""A comparison as one HTML page in the report's look: no network, no script."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path

from alliances import __version__, fonts
from alliances.comparison.model import KINDS, Change, Comparison, Detail, Group, Kind, Part, Side
from alliances.comparison.sequences import alike, word_steps
from alliances.comparison.words import alike_changes, day_text, told_counts
from alliances.errors import PublishError
from alliances.publishing.html import finish

__all__ = ["as_html"]

_TITLE = "What changed between two editions"
_WORDS: dict[Kind, str] = {"added": "Added", "removed": "Removed", "changed": "Changed"}
_BY_WORDS = 0.4  # share of words from which two long values are shown as one with marked words


def as_html(comparison: Comparison, root: Path) -> str:
    """Write a comparison as a self-contained HTML page.

    Parameters
    ----------
    comparison : Comparison
        What changed.
    root : Path
        Project folder; its ``report/theme/report.css`` gives the page the report's look.

    Raises
    ------
    PublishError
        If the style sheet is missing.
    """
    theme = root / "report" / "theme" / "report.css"
    try:
        look = theme.read_text(encoding="utf-8")
    except OSError as error:
        raise PublishError(f"{theme} is missing: the page cannot be written without the report's look.") from error
    own = (files("alliances.comparison") / "page.css").read_text(encoding="utf-8")
    styles = "".join(f"<style>\n{css.rstrip()}\n</style>\n" for css in (fonts.stylesheet(), look, own))
    told = [part for part in comparison.parts if part.groups or part.note]
    document = f"""<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="alliances {__version__}">
<title>{_TITLE}: Europe’s Defence Alliances</title>
{styles}</head>
<body class="comparison">
<a class="skip" href="#main">Skip to the changes</a>
<header class="cover">
<div class="cover-title">
<h1 class="title">{_TITLE}</h1>
<p class="subtitle">Europe’s Defence Alliances: a reproducible report</p>
</div>
<div class="cover-facts">
<p class="state-of-knowledge">{escape(_headline(comparison))}</p>
<dl class="imprint">
{_side("Old", comparison.old)}{_side("New", comparison.new)}</dl>
</div>
</header>
<div class="columns">
<nav id="TOC" aria-labelledby="toc-title">
<p id="toc-title">Contents</p>
<ul>
<li><a href="#summary">Summary</a></li>
{"".join(f'<li><a href="#{part.name}">{part.title}</a></li>' + chr(10) for part in told)}</ul>
</nav>
<main id="main">
{_summary(comparison, told)}
{"".join(map(_part, told))}</main>
</div>
<footer class="foot"><p>{_footer(comparison)}</p></footer>
</body>
</html>
"""
    return finish(document)


def _headline(comparison: Comparison) -> str:
    if comparison.same:
        return "The editions are the same in all that was compared."
    old, new = day_text(comparison.old.as_of), day_text(comparison.new.as_of)
    if old == new:
        return f"State of knowledge: {new} in both editions."
    return f"State of knowledge: {old} in the old edition, {new} in the new one."


def _footer(comparison: Comparison) -> str:
    return escape(f"Written by alliances diff {comparison.old.folder} {comparison.new.folder}, version {__version__}.")


def _side(name: str, side: Side) -> str:
    facts = [f"state of knowledge {day_text(side.as_of)}", *side.lines, *([side.engine] if side.engine else [])]
    return f"<dt>{name}</dt><dd><code>{escape(side.folder)}</code>: {escape(', '.join(facts))}</dd>\n"


def _summary(comparison: Comparison, told: list[Part]) -> str:
    linked = {part.name for part in told}
    head = "".join(f'<th scope="col" class="number">{_WORDS[kind]}</th>' for kind in KINDS)
    rows = []
    for part in comparison.parts:
        title = f'<a href="#{part.name}">{part.title}</a>' if part.name in linked else part.title
        cells = "".join(f'<td class="number">{part.count(kind)}</td>' for kind in KINDS)
        rows.append(f'<tr><th scope="row">{title}</th>{cells}</tr>\n')
    return (
        '<section id="summary" aria-labelledby="summary-title">\n<h2 class="part" id="summary-title">Summary</h2>\n'
        '<div class="table-box" role="group" tabindex="0" aria-labelledby="summary-title">\n<table>\n'
        f'<thead><tr><th scope="col">Part</th>{head}</tr></thead>\n<tbody>\n{"".join(rows)}</tbody>\n</table>\n</div>\n'
        "</section>"
    )


def _part(part: Part) -> str:
    note = f'<p class="note">{escape(part.note)}</p>\n' if part.note else ""
    counts = f'<p class="counts">{told_counts(part)}</p>\n' if part.groups else ""
    return (
        f'<section id="{part.name}" aria-labelledby="{part.name}-title">\n'
        f'<h2 class="part" id="{part.name}-title">{part.title}</h2>\n{counts}{note}'
        f"{''.join(map(_group, part.groups))}</section>\n"
    )


def _group(group: Group) -> str:
    heading = f"<h3>{escape(group.title)}</h3>\n" if group.title else ""
    return f'{heading}<ul class="changes">\n{"".join(map(_change, alike_changes(group.changes)))}</ul>\n'


def _change(change: Change) -> str:
    label = change.label or ("" if change.old or change.new else change.key)
    words = [f'<span class="what">{escape(label)}</span>'] if label else []
    if change.kind == "added":
        words += [f"<ins>{escape(change.new)}</ins>"] if change.new else []
    elif change.kind == "removed":
        words += [f"<del>{escape(change.old)}</del>"] if change.old else []
    elif change.old or change.new:
        words.append(_difference(change.old, change.new))
    details = "".join(_detail(detail) for detail in change.details)
    listed = f'<dl class="details">\n{details}</dl>' if details else ""
    key = f' <code class="key">{escape(change.key)}</code>' if change.key and change.key not in label else ""
    return (
        f'<li class="{change.kind}"><span class="kind">{_WORDS[change.kind]}</span> '
        f'<div class="body">{" ".join(words)}{key}{listed}</div></li>\n'
    )


def _detail(detail: Detail) -> str:
    return f"<dt>{escape(detail.name)}</dt><dd>{_difference(detail.old, detail.new)}</dd>\n"


def _difference(old: str, new: str) -> str:
    """Mark what changed between two values: words in a long text that is much the same, else the values as a whole."""
    if old and new and " " in old and " " in new and alike(old, new) >= _BY_WORDS:
        return "".join(_steps(old, new)).strip()
    parts = [f"<del>{escape(old)}</del>"] if old else []
    parts += [f"<ins>{escape(new)}</ins>"] if new else []
    return ' <span aria-hidden="true">→</span> '.join(parts)


def _steps(old: str, new: str) -> Iterator[str]:
    for before, after in word_steps(old, new):
        if before == after:
            yield f"{escape(before)} "
            continue
        if before:
            yield f"<del>{escape(before)}</del> "
        if after:
            yield f"<ins>{escape(after)}</ins> "
