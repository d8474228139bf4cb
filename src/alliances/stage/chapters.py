"""Reads executed notebooks and report.qmd, and makes chapters: anchors, answer, boxes, figures and tables in divs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment

from alliances.errors import StagingError
from alliances.text.markdown import capital, escape, plain, slug
from alliances.text.reading import read_utf8, read_yaml

#: What one call of a notebook displayed: the metadata of `narrative.writing`, its `markdown` and its chart's `spec`.
Output = Mapping[str, Any]

#: Where contents and evidence stand in `report.qmd`.
CONTENTS, EVIDENCE = "{{< contents >}}", "{{< evidence >}}"
_VEGALITE = "application/vnd.vegalite.v5+json"
_FORMS = ("figure", "table", "facts", "judgement", "judgements", "side")
_LEFT_OUT = ("figure-text", "evidence")  # for JupyterLab, and for a notebook that is read alone
_INCLUDE = re.compile(r"\{\{< include chapters/(?P<name>[\w-]+)\.md >\}\}")
_SHORT = 30  # characters that a running head holds
_HEADING = re.compile(r"# (?P<title>.+?) *(?:\{(?P<attributes>[^}]*)\})?$")


def read_outputs(notebook: Any) -> list[Output]:
    """List the outputs of a notebook that belong in the report, in their order."""
    found: list[Output] = []
    for shown in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        meta, data = shown.get("metadata", {}).get("alliances"), shown.get("data", {})
        if meta and meta["kind"] not in _LEFT_OUT:
            found.append({**meta, "markdown": data.get("text/markdown", ""), "spec": data.get(_VEGALITE, {})})
    return found


def read_template(path: Path) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """Read `report.qmd`: its front matter, and its lines as kind, value and attributes.

    Kinds are `include` (a chapter), `part`, `back` (its heading), `heading` and `text`.
    """
    text = read_utf8(path, "report/report.qmd", StagingError)
    front, text = text[4:].split("\n---\n", 1) if text.startswith("---\n") else ("", text)
    told = read_yaml(front, "The front matter of report/report.qmd", StagingError) or {}
    return told, [_line(line.strip()) for line in text.splitlines() if line.strip() and line[:3] != "```"]


def _line(line: str) -> tuple[str, str, str]:
    if found := _INCLUDE.fullmatch(line):
        return "include", found["name"], ""
    if line.startswith("{{<") and line not in (CONTENTS, EVIDENCE):
        raise StagingError(f"report/report.qmd holds “{line}”; write {{{{< include chapters/NAME.md >}}}}, or drop it.")
    if found := _HEADING.fullmatch(line):
        attributes = found["attributes"] or ""
        kinds = [kind for kind in ("part", "back") if f".{kind}" in attributes.split()]
        return (*kinds, "heading")[0], found["title"], attributes
    return "text", line, ""


class Block(NamedTuple):
    """A piece of the report: Markdown, of which marks are numbered later, its output, and its section's anchor."""

    markdown: str
    output: Output
    section: str


@dataclass
class Chapter:
    """What a notebook gives the report: its pieces in their order, its title and its answer's first sentence as text.

    `zone` is `front`, `chapter` or `back`, `part` the title of the part in which it stands.
    """

    name: str
    zone: str
    part: str = ""
    title: str = ""
    answer: str = ""
    blocks: list[Block] = field(default_factory=list)

    def outputs(self) -> list[tuple[Output, list[Block]]]:
        """List the outputs that it is made of, each with its pieces."""
        outputs = {id(block.output): block.output for block in self.blocks}.values()
        return [(output, [block for block in self.blocks if block.output is output]) for output in outputs]

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
    covers = {output.get("figure", "") for output in outputs if output["kind"] == "cover"}  # these stand on the cover
    for output in outputs:
        if output["kind"] in _FORMS and output.get("id") not in covers:
            boxed = output["kind"] == "facts" and zone == "chapter"
            (boxes if boxed else rest).append(Block(form(output["kind"], output), output, section))
        for text in _paragraphs(output) if output["kind"] == "prose" else ():
            if text.startswith("#"):
                staged, section = _heading(chapter, text, output, [block.section for block in (*opening, *rest)])
                has_answer = has_answer or not text.startswith("# ")
                (rest if has_answer else opening).append(Block(staged, output, section))
            elif has_answer:
                rest.append(Block(_div(output["class"], text) if output.get("class") else text, output, section))
            else:
                opening.append(Block(_div("answer", text), output, section))
                starts = (s["text"] for s in output.get("sentences", ()) if s["text"] != chapter.title)
                whole, has_answer = line_text(text), True
                chapter.answer = next((start for start in starts if whole.startswith(start)), whole)
    chapter.blocks = [*opening, *boxes, *rest]
    return chapter if chapter.blocks else None


def _paragraphs(output: Output) -> list[str]:
    """List headings and paragraphs; what a `write` with a class of its own says under its headings stays together."""
    text = re.sub(r"(?m)^(#{1,3} .*)$", r"\n\1\n", output["markdown"])
    parts = [part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    if output.get("class"):
        first = next((n for n, part in enumerate(parts) if part[0] != "#"), len(parts))
        parts[first:] = filter(None, ["\n\n".join(parts[first:])])
    return parts


def _heading(chapter: Chapter, line: str, output: Output, taken: Sequence[str]) -> tuple[str, str]:
    """Write a heading with its anchor; the first of the first level is the chapter's title."""
    hashes, text = line.split(" ", 1)
    title = line_text(text)
    if hashes == "#" and chapter.zone == "chapter":
        head = title.split(":")[0]
        cut = head if len(head) <= _SHORT else head[: _SHORT - 1].rsplit(" ", 1)[0] + "…"
        chapter.title, short = title, output.get("short") or cut
        return f'## {text} {{#{chapter.anchor} .chapter short="{short}"}}', chapter.anchor
    chapter.title = chapter.title or (title if hashes == "#" else "")
    anchor = anchor_of(title) if hashes == "#" else f"sec-{chapter.name}-{slug(title)}"
    while anchor in taken:
        anchor += "-x"
    more = f" .{chapter.zone}" if hashes == "#" else ""
    return f"{hashes}{'#' if chapter.zone == 'chapter' else ''} {text} {{#{anchor}{more}}}", anchor


@cache
def _macros() -> Any:
    environment = Environment(
        "<%", "%>", "<<", ">>", "<#", "#>", trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.filters.update(md=escape, capital=capital, quoted=_quoted)
    return environment.from_string(Path(__file__).with_name("forms.md.j2").read_text(encoding="utf-8")).module


def form(kind: str, *values: Any) -> str:
    """Write a piece of the report by the macro of that name in `forms.md.j2`."""
    return re.sub(r"\n{3,}", "\n\n", getattr(_macros(), kind)(*values)).strip()


def _div(kind: str, text: str) -> str:
    return f"::: {{.{kind}}}\n{text.strip()}\n:::"


def _quoted(words: str) -> str:
    """Put words in quotation marks; those within become single."""
    return f"“{escape(re.sub('[“„]', '‘', words).replace('”', '’'))}”"
