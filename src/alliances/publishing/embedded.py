"""The embedded engine: Pandoc and Typst from PyPI, for machines where Quarto cannot be had.

It renders the staged Markdown and nothing more: Pandoc with our two filters writes HTML or Typst, chapter by chapter
(see pieces.py), and Typst sets the PDF (PDF/UA-1) with the same theme that Quarto uses.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alliances import pandoc
from alliances.errors import PublishError
from alliances.execution.cache import Cache, key_of
from alliances.execution.digests import file_digest, library_digest
from alliances.pandoc import Document
from alliances.parts import MARKS
from alliances.publishing import html
from alliances.publishing.citations import made_out
from alliances.publishing.log import Log
from alliances.publishing.pieces import Piece, cited, number, render, split
from alliances.publishing.typesetting import Typesetter, TypesettingError

__all__ = ["pieces", "render_html", "render_pdf", "version"]

# What both formats are written with; the Quarto project says the same in _quarto.yml.
_COMMON = ("--lua-filter=filters/crossref.lua", "--lua-filter=filters/finish.lua", "--wrap=none", "--number-sections")
_CITEPROC = (
    "--citeproc",
    "--bibliography=references.json",
    "--csl=theme/alliances.csl",
    "--metadata=link-citations:true",
)
_PAGE = ("--metadata-file=edition.yml", "--standalone", "--toc", "--toc-depth=2", "--number-sections", "--wrap=none")
_FORMATS = {"html": ("--to=html5", "--section-divs", "--mathml"), "pdf": ("--to=typst-citations",)}
_MAIN = re.compile(r'(?<=<main id="main">\n).*(?=</main>)', re.DOTALL)
_HERE = "// Here the chapters follow."


def version() -> str:
    """Return the engine's version as `Pandoc 3.9, Typst 0.15.0`."""
    return f"Pandoc {pandoc.version()}, Typst {importlib.metadata.version('typst')}"


def pieces(stage: Path, cache: Cache | None = None) -> list[Piece]:
    """Read the staged report, chapter by chapter.

    Parameters
    ----------
    stage : Path
        Folder with report.md.
    cache : Cache, optional
        Where what Pandoc has read and written is kept.

    Raises
    ------
    PublishError
        If a reference or link leads nowhere.
    """
    found = split((stage / "report.md").read_text(encoding="utf-8"), cache)
    number(found)
    return found


def render_html(stage: Path, target: Path, log: Log, report: Sequence[Piece], cache: Cache | None = None) -> None:
    """Write the staged report as one self-contained HTML file.

    Parameters
    ----------
    stage : Path
        Folder with report.md, edition.yml, references.json, figures/, theme/ and filters/.
    target : Path
        File to write.
    log : Log
        Takes what Pandoc says.
    report : sequence of Piece
        The report as :func:`pieces` reads it.
    cache : Cache, optional
        Where what Pandoc has written is kept.

    Raises
    ------
    PublishError
        If Pandoc fails or a citation leads nowhere.
    """

    def starts(label: str) -> str:
        return f'<(?:section|p><span) id="{re.escape(label)}"'

    chapters = _written(stage, log, report, starts, "html", cache)
    numbered = [
        {"t": "Header", "c": [level, [label, classes, [*pairs, ["number", found]] if found else pairs], words]}
        for piece in report
        for level, (label, classes, pairs), words in piece.outline.headings
        for found in [piece.headings.get(label)]
    ]
    page = _pandoc(
        stage,
        log,
        pandoc.document(numbered),
        *_PAGE,
        *_FORMATS["html"],
        "--template=theme/template.html",
        "--css=theme/fonts.css",
        "--css=theme/report.css",
    )
    page = _MAIN.sub(lambda _: "\n".join(text.rstrip("\n") for text in chapters) + "\n", page)
    target.write_text(html.inline(page, stage), encoding="utf-8", newline="\n")


def render_pdf(
    stage: Path,
    target: Path,
    log: Log,
    timestamp: int,
    report: Sequence[Piece],
    cache: Cache | None = None,
    typesetter: Typesetter | None = None,
) -> None:
    """Write the staged report as a PDF/UA-1 file.

    Each chapter becomes a file of its own, so that Typst, which keeps what it has set, sees which are the same.

    Parameters
    ----------
    stage : Path
        As in `render_html`; theme/fonts holds the TrueType faces.
    target : Path
        File to write.
    log : Log
        Takes what Pandoc and Typst say.
    timestamp : int
        Creation date in seconds since 1970, so that the same edition gives the same bytes.
    report : sequence of Piece
        The report as :func:`pieces` reads it.
    cache : Cache, optional
        Where what Pandoc has written is kept.
    typesetter : Typesetter, optional
        A process that is running already and goes on afterwards.

    Raises
    ------
    PublishError
        If Pandoc or Typst fails, which includes a breach of PDF/UA-1.
    """

    def starts(label: str) -> str:
        # A chapter, whose heading is a call of a function where it has no number, or an entry.
        return rf"(?m)^(?:(?:= |#heading\().*\n<{re.escape(label)}>$|#strong\[.*\]<{re.escape(label)}>)"

    chapters = _written(stage, log, report, starts, "pdf", cache)
    page = _pandoc(stage, log, pandoc.document([]), *_PAGE, "--to=typst", "--template=theme/embedded.typ")
    definitions, show, rest = page.partition("#show: report.with(")
    (stage / "definitions.typ").write_text(definitions, encoding="utf-8")
    lines = ['#import "definitions.typ": *', f"{show}{rest}".rstrip()]
    for piece, chapter in zip(report, chapters, strict=True):
        name = f"{piece.outline.first or 'opening'}.typ"
        (stage / name).write_text(f'#import "definitions.typ": *\n{chapter.strip()}\n', encoding="utf-8")
        lines.append(f'#include "{name}"')
    document = stage / "report.typ"
    document.write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        with Typesetter.or_own(typesetter) as running:
            warnings = running.typeset(document, target, stage / "theme" / "fonts", timestamp)
    except TypesettingError as error:
        log.write(error.diagnostic)
        raise PublishError(f"Typst could not set the PDF: {error.message}; see {log.path}.") from error
    for warning in warnings:
        log.write(warning)
        if "unknown font family" in warning:
            target.unlink()
            raise PublishError(f"A font of the report is missing ({warning}); see {log.path}.")


def _written(
    stage: Path, log: Log, report: Sequence[Piece], starts: Callable[[str], str], kind: str, cache: Cache | None
) -> list[str]:
    options = (*_COMMON, *_FORMATS[kind])
    files = (*(stage / "filters").glob("*.lua"), *_reference_files(stage))
    digests = [file_digest(path) for path in sorted(files)]

    def how(piece: Piece) -> list[str]:
        drawings = piece.outline.drawings if kind == "html" else []  # Typst opens them itself
        return [*options, *digests, *(file_digest(stage / name) for name in drawings)]

    def write(document: Document, cites: bool) -> str:
        if cites:
            return _pandoc(stage, log, document, *options, *_CITEPROC)
        short = _short_citations(stage, log, cited(report), cache)
        return _pandoc(stage, log, {**document, "meta": {**document["meta"], **short}}, *options)

    mark, between = (MARKS["html"], "\n") if kind == "html" else (MARKS["typst"], "\n\n")
    return render(report, write, starts, how, mark, between, cache)


def _short_citations(stage: Path, log: Log, labels: Sequence[str], cache: Cache | None) -> dict[str, Any]:
    """Return metadata with the short citations of sources."""
    key = key_of(pandoc.version(), library_digest(), labels, *map(file_digest, _reference_files(stage)))
    return made_out(labels, lambda document: _pandoc(stage, log, document, *_CITEPROC, "--to=json"), key, cache)


def _reference_files(stage: Path) -> tuple[Path, Path]:
    return stage / "references.json", stage / "theme" / "alliances.csl"


def _pandoc(stage: Path, log: Log, document: Document, *options: str) -> str:
    log.write(" ".join(["pandoc", "--from=json", *options]))
    done = pandoc.run(["--from=json", *options], json.dumps(document), stage)
    messages = done.stderr.decode("utf-8", errors="replace")
    log.write(messages)
    unknown = re.findall(r"[Cc]itation (\S+) not found", messages)
    if unknown:
        raise PublishError(
            f"report.md cites sources that references.json does not have: {', '.join(sorted(set(unknown)))}; "
            f"see {log.path}."
        )
    if done.returncode != 0:
        raise PublishError(f"Pandoc could not render report.md: {_reason(messages)}; see {log.path}.")
    return done.stdout.decode("utf-8")


def _reason(messages: str) -> str:
    """Take the sentence out of a filter's or Pandoc's message."""
    ours = re.search(r"^alliances: (.+)$", messages, re.MULTILINE)
    if ours:
        return ours.group(1).strip().rstrip(".")
    lines = [line for line in messages.splitlines() if line.strip()]
    return lines[-1].strip().rstrip(".") if lines else "it gave no reason"
