"""Reads executed notebooks and report.qmd, and makes chapters: anchors, answer, boxes, figures and tables in divs."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path
from textwrap import shorten
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader

from alliances.errors import PublishError
from alliances.text.dates import date_text
from alliances.text.markdown import capital, escape, from_notebook, join_and, plain, quoted, slug
from alliances.text.reading import read_utf8, read_yaml

#: What one call of a notebook displayed: the metadata of `narrative.exhibits`, its `markdown` and its chart's `spec`.
Output = Mapping[str, Any]

#: Where contents and evidence stand in `report.qmd`.
CONTENTS, EVIDENCE = "{{< contents >}}", "{{< evidence >}}"
_VEGALITE = "application/vnd.vegalite.v5+json"
_EXHIBITS = ("figure", "table", "facts", "judgement", "judgements", "side")
_LINE = re.compile(r"\{\{< include chapters/([\w-]+)\.md >\}\}|# (.+?) *\{([^}]*\.(part|back)\b[^}]*)\}")
_FORMS = Environment("<%", "%>", "<<", ">>", "<#", "#>", trim_blocks=True, lstrip_blocks=True,
                     loader=FileSystemLoader(Path(__file__).parent))  # fmt: skip
_FORMS.filters.update(md=escape, capital=capital, quoted=quoted, date=date_text, listed=join_and,
                      yaml=partial(json.dumps, ensure_ascii=False))  # fmt: skip


def read_outputs(notebook: Any, licence: str) -> list[Output]:
    """List the outputs of a notebook that belong in the report, in their order, with the licence of its exhibits."""
    found: list[Output] = []
    for shown in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        if (meta := shown.get("metadata", {}).get("alliances")) and meta["kind"] in (*_EXHIBITS, "prose", "cover"):
            markdown, spec = from_notebook(shown.data.get("text/markdown", "")), shown.data.get(_VEGALITE, {})
            found.append({**meta, "markdown": markdown, "spec": spec, "licence": licence})
    return found


def read_template(path: Path) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """Read `report.qmd`: its front matter, and its lines as kind, value and attributes.

    Kinds are `include` (of which the value is the chapter), `part` and `back` (the title), `heading` and `text`.
    """
    text, lines = read_utf8(path, "report/report.qmd", PublishError), list[tuple[str, str, str]]()
    front, text = text[4:].split("\n---\n", 1) if text.startswith("---\n") else ("", text)
    for line in filter(None, map(str.strip, text.splitlines())):
        if found := _LINE.fullmatch(line):
            lines.append((found[4] or "include", found[1] or found[2], found[3] or ""))
        elif line.startswith("{{<") and line not in (CONTENTS, EVIDENCE):
            raise PublishError(f"report.qmd holds “{line}”; write {{{{< include chapters/NAME.md >}}}}, or drop it.")
        elif not line.startswith("```"):
            lines.append(("heading" if line.startswith("# ") else "text", line, ""))
    return read_yaml(front, "The front matter of report/report.qmd", PublishError) or {}, lines


class Block(NamedTuple):
    """A piece of the report, with the output from which it comes, and its sentences."""

    markdown: str  # of which marks are numbered later
    output: Output
    section: str  # the anchor of its section
    sentences: list[Any]
    rank: int  # in a chapter the opening (0) and fact boxes (1) go before the rest (2)


@dataclass
class Chapter:
    """What a notebook gives the report, its pieces in the notebook's order."""

    name: str
    zone: str  # front, chapter or back
    part: str  # the title of the part in which it stands
    title: str = ""
    anchor: str = ""
    answer: str = ""  # its first sentence
    blocks: list[Block] = field(default_factory=list)


def anchor_of(title: str) -> str:
    """Make an anchor of the title of a part or of a front section, without its article."""
    return slug(re.sub(r"^(The|A|An) ", "", title))


def line_text(markdown: str) -> str:
    """Return Markdown as plain text on one line, without marks."""
    return " ".join(plain(markdown).split())


def read_chapter(name: str, zone: str, part: str, outputs: Sequence[Output]) -> Chapter:
    """Make a chapter of a notebook's outputs, without pieces where this edition knows nothing of it.

    In a chapter the first paragraph becomes the answer, and fact boxes follow it wherever their cells stood.
    """
    chapter, section, is_open = Chapter(name, zone, part), f"sec-{name}", zone == "chapter"
    covers = [output.get("figure") or "none" for output in outputs if output["kind"] == "cover"]  # stand on the cover
    for output in (output for output in outputs if output.get("id") not in covers):
        is_prose, is_box = output["kind"] == "prose", output["kind"] == "facts" and zone == "chapter"
        for text, sentences in _pieces(output):
            is_open = is_open and (not is_prose or text[:2] != "##")
            rank = 0 if is_open and is_prose else 1 if is_box else 2
            if is_prose and text[0] == "#":
                text, section = _heading(chapter, text)
            elif is_prose:
                if is_open:
                    chapter.answer = sentences[0]["text"] if sentences else line_text(text)
                kind, is_open = "answer" if is_open else output.get("class"), False
                text = f"::: {{.{kind}}}\n{text.strip()}\n:::" if kind else text
            chapter.blocks.append(Block(text, output, section, sentences, rank))
    return chapter


def _pieces(output: Output) -> list[tuple[str, list[Any]]]:
    """List the headings and paragraphs of prose, or an exhibit, each with its sentences; a box is one paragraph."""
    texts = [form(output["kind"], output)] if output["kind"] in _EXHIBITS else []
    if output["kind"] == "prose":
        texts = [text for text in output["markdown"].split("\n\n") if text.strip()]
        if output.get("class"):
            heads = len([*takewhile(lambda text: text[0] == "#", texts)])
            texts[heads:] = filter(None, ["\n\n".join(texts[heads:])])
    pieces, lines, at = [(text, list[Any]()) for text in texts], list(map(line_text, texts)), 0
    for sentence in output.get("sentences", ()) if pieces else ():
        places = (*range(at, len(lines)), *range(at))  # in their order; what stands twice is taken once each
        at = next((place for place in places if sentence["text"] in lines[place]), at)
        pieces[at][1].append(sentence)
    return pieces


def _heading(chapter: Chapter, line: str) -> tuple[str, str]:
    """Write a heading with its anchor; the first of the first level is the chapter's title."""
    hashes, text = line.split(" ", 1)
    title, anchor, more, is_chapter = line_text(text), f"sec-{chapter.name}", "", chapter.zone == "chapter"
    if hashes == "#":
        anchor, more = anchor if is_chapter else anchor_of(title), f" .{chapter.zone}"
        chapter.title, chapter.anchor = chapter.title or title, chapter.anchor or anchor
    else:
        anchor += f"-{slug(title)}"
        while anchor in {block.section for block in chapter.blocks}:
            anchor += "-x"
    if is_chapter:
        short = shorten(title.split(":")[0], 30, placeholder="…")  # what a running head holds
        hashes, more = f"#{hashes}", more and f'{more} short="{short}"'
    return f"{hashes} {text} {{#{anchor}{more}}}", anchor


def form(kind: str, *values: Any) -> str:
    """Write a piece of the report by the macro of that name in `forms.md.j2`."""
    macro = getattr(_FORMS.get_template("forms.md.j2").module, kind)
    return re.sub(r"\n{3,}", "\n\n", macro(*values)).strip()
