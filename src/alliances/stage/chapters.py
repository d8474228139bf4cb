"""Reads executed notebooks and report.qmd, and makes chapters: anchors, answer, boxes, figures and tables in divs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from alliances.errors import StagingError
from alliances.text.markdown import plain
from alliances.text.names import slug

_VEGALITE = "application/vnd.vegalite.v5+json"
_LEFT_OUT = ("figure-text", "evidence")  # for JupyterLab, and for a notebook that is read alone
_INCLUDE = re.compile(r"\{\{< include chapters/(?P<name>[\w-]+)\.md >\}\}")
_SHORT = 30  # characters that a running head holds
_HEADING = re.compile(r"# (?P<title>.+?) *(?:\{(?P<attributes>[^}]*)\})?$")


@dataclass(frozen=True)
class Output:
    """What one call of a notebook displayed: its kind, metadata, Markdown and, for a figure, specification."""

    kind: str
    meta: Mapping[str, Any]
    markdown: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict)


def read_outputs(notebook: Any) -> list[Output]:
    """List the outputs of a notebook that belong in the report, in their order."""
    found = []
    for shown in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        meta, data = shown.get("metadata", {}).get("alliances"), shown.get("data", {})
        if meta and meta["kind"] not in _LEFT_OUT:
            found.append(Output(meta["kind"], meta, data.get("text/markdown", ""), data.get(_VEGALITE, {})))
    return found


def read_template(path: Path) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """Read `report.qmd`: its front matter, and its lines as kind, value and attributes.

    Kinds are `include` (a chapter), `contents`, `evidence`, `part`, `back` (its heading), `heading` and `text`.
    """
    text = path.read_text(encoding="utf-8")
    front, text = text[4:].split("\n---\n", 1) if text.startswith("---\n") else ("", text)
    return yaml.safe_load(front) or {}, [_line(line.strip()) for line in text.splitlines() if line.strip()]


def _line(line: str) -> tuple[str, str, str]:
    if found := _INCLUDE.fullmatch(line):
        return "include", found["name"], ""
    if line in ("{{< contents >}}", "{{< evidence >}}"):
        return line.split()[1], "", ""
    if line.startswith("{{<"):
        raise StagingError(f"report/report.qmd holds “{line}”; write {{{{< include chapters/NAME.md >}}}}, or drop it.")
    if found := _HEADING.fullmatch(line):
        classes = (found["attributes"] or "").split()
        kind = "part" if ".part" in classes else "back" if ".back" in classes else "heading"
        return kind, found["title"], found["attributes"] or ""
    return "text", line, ""


@dataclass(frozen=True)
class Block:
    """A piece of the report: Markdown, of which marks are numbered later, its output, and its section's anchor."""

    markdown: str
    output: Output
    section: str


@dataclass
class Chapter:
    """What a notebook gives the report.

    Attributes
    ----------
    name, zone : str
        Name of the notebook; `front`, `chapter` or `back`.
    part : str
        Title of the part in which it stands.
    title, short, answer : str
        Plain text: its title, that of its running heads, and the answer's first sentence.
    blocks : list of Block
        Its pieces in the order of the report.
    """

    name: str
    zone: str
    part: str = ""
    title: str = ""
    short: str = ""
    answer: str = ""
    blocks: list[Block] = field(default_factory=list)

    @property
    def outputs(self) -> list[Output]:
        """The outputs that it is made of."""
        return list({id(block.output): block.output for block in self.blocks}.values())

    @property
    def anchor(self) -> str:
        """Anchor of its title."""
        return f"sec-{self.name}" if self.zone == "chapter" else anchor_of(self.title)


def anchor_of(title: str) -> str:
    """Make an anchor of the title of a part or of a front section, without its article."""
    return slug(re.sub(r"^(The|A|An) ", "", title))


def line_text(markdown: str) -> str:
    """Return Markdown as plain text on one line, without marks."""
    return " ".join(plain(markdown).split())


def read_chapter(name: str, zone: str, part: str, outputs: Sequence[Output]) -> Chapter | None:
    """Make a chapter of a notebook's outputs; None where this edition knows nothing of it.

    In a chapter the first paragraph becomes the answer, and fact boxes follow it wherever their cells stood.
    """
    chapter = Chapter(name, zone, part)
    opening, boxes, rest = list[Block](), list[Block](), list[Block]()
    section, has_answer = f"sec-{name}", zone != "chapter"
    covers = {output.meta.get("figure") for output in outputs if output.kind == "cover"}
    for output in outputs:
        if output.meta.get("id") in covers:
            continue  # it stands on the cover
        if output.kind in _DIVS:
            boxed = output.kind == "facts" and zone == "chapter"
            (boxes if boxed else rest).append(Block(_DIVS[output.kind](output), output, section))
        for text in _paragraphs(output) if output.kind == "prose" else ():
            if text.startswith("#"):
                staged, section = _heading(chapter, text, output, [block.section for block in (*opening, *rest)])
                has_answer = has_answer or not text.startswith("# ")
                (rest if has_answer else opening).append(Block(staged, output, section))
            elif not has_answer:
                opening.append(Block(f"::: {{.answer}}\n{text}\n:::", output, section))
                starts = (s["text"] for s in output.meta.get("sentences", ()) if s["text"] != chapter.title)
                whole, has_answer = line_text(text), True
                chapter.answer = next((start for start in starts if whole.startswith(start)), whole)
            else:
                kind = output.meta.get("class", "")
                rest.append(Block(f"::: {{.{kind}}}\n{text}\n:::" if kind else text, output, section))
    chapter.blocks = [*opening, *boxes, *rest]
    return chapter if chapter.blocks else None


def _paragraphs(output: Output) -> list[str]:
    """List headings and paragraphs; what a `write` with a class of its own says under its headings stays together."""
    text = re.sub(r"(?m)^(#{1,3} .*)$", r"\n\1\n", output.markdown)
    parts = [part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    if output.meta.get("class"):
        first = next((n for n, part in enumerate(parts) if part[0] != "#"), len(parts))
        parts[first:] = filter(None, ["\n\n".join(parts[first:])])
    return parts


def _heading(chapter: Chapter, line: str, output: Output, taken: Sequence[str]) -> tuple[str, str]:
    hashes, text = line.split(" ", 1)
    title = line_text(text)
    if hashes == "#" and chapter.zone == "chapter":
        head = title.split(":")[0]
        cut = head if len(head) <= _SHORT else head[: _SHORT - 1].rsplit(" ", 1)[0] + "…"
        chapter.title, chapter.short = title, output.meta.get("short") or cut
        return f'## {text} {{#{chapter.anchor} .chapter short="{chapter.short}"}}', chapter.anchor
    chapter.title = chapter.title or (title if hashes == "#" else "")
    anchor = anchor_of(title) if hashes == "#" else f"sec-{chapter.name}-{slug(title)}"
    while anchor in taken:
        anchor += "-x"
    more = f" .{chapter.zone}" if hashes == "#" else ""
    return f"{hashes}{'#' if chapter.zone == 'chapter' else ''} {text} {{#{anchor}{more}}}", anchor


def div(attributes: str, *parts: str) -> str:
    """Write a fenced div; empty parts fall away."""
    return f"::: {{{attributes}}}\n" + "\n\n".join(part.strip() for part in parts if part.strip()) + "\n:::"


def _span(text: str, kind: str, lead: str = "") -> str:
    return f"[{'' if text.startswith(lead) else lead}{text}]{{.{kind}}}" if text else ""


def _entries(entries: Sequence[Sequence[str]]) -> str:
    return "\n\n".join(f"{label}\n:   {' '.join(text.split())}" for label, text in entries)


def _figure(output: Output) -> str:
    meta = output.meta
    alt = " ".join(meta["alt"].split()).replace("\\", "").replace('"', "”")
    return div(
        f"#{meta['id']} .fig .w{meta['width']}",
        _span(meta["title"], "headline"),
        _span(meta.get("subtitle", ""), "subtitle"),
        f'![](figures/{meta["id"]}.svg){{alt="{alt}"}}',
        f"{meta['caption']} {_span(meta.get('note', ''), 'note', 'Note: ')} {_foot(output)}",
    )


def _foot(output: Output) -> str:
    source = output.meta.get("source", "")
    licence = f" {output.meta['licence']}" if source and output.meta.get("licence") else ""
    return _span(f"{source}{licence}", "source", "Source: ")


def _judgements(output: Output) -> str:
    items = (
        f"{number}. {item['proposition']}{item['marks']} [Confidence: {item['confidence_label']}.]{{.confidence}} "
        f"[](#sec-{item['chapter']}){{.where}}"
        for number, item in enumerate(output.meta["items"], 1)
    )
    listed = div(".judgements", "\n".join(items))
    return f"{listed}\n\n{div('.yardstick', output.meta['yardstick'])}" if output.meta.get("yardstick") else listed


_DIVS: dict[str, Callable[[Output], str]] = {
    "figure": _figure,
    "table": lambda o: div(f"#{o.meta['id']} .tbl", o.meta["body"], f"{o.meta['caption']} {_foot(o)}"),
    "facts": lambda o: div(".facts", _entries(o.meta["entries"])),
    "judgement": lambda o: div(
        f".judgement #{o.meta.get('id') or o.meta['judgement']}",
        f"**{o.meta['proposition'].replace('**', '')}**",
        _entries(o.meta["lines"]),
    ),
    "judgements": _judgements,
    "side": lambda o: div(".side", f"{_span(o.meta.get('value', ''), 'pull-value')} {o.meta.get('text', '')}"),
}
