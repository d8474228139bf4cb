"""The embedded engine: Pandoc and Typst from PyPI, for machines where Quarto cannot be had.

It renders the staged Markdown and nothing more: Pandoc with our two filters writes HTML or Typst, Typst
sets the PDF (PDF/UA-1) with the same theme that Quarto uses.
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
from pathlib import Path

import pypandoc

from alliances.errors import PublishError
from alliances.publishing import html
from alliances.publishing.log import Log
from alliances.publishing.typesetting import TypesettingError, typeset

__all__ = ["render_html", "render_pdf", "version"]

# What both formats are written with; the Quarto project says the same in _quarto.yml.
_COMMON = (
    "report.md",
    "--from=markdown",
    "--metadata-file=edition.yml",
    "--standalone",
    "--toc",
    "--toc-depth=2",
    "--number-sections",
    "--wrap=none",
    "--lua-filter=filters/crossref.lua",
    "--lua-filter=filters/finish.lua",
    "--citeproc",
    "--bibliography=references.json",
    "--csl=theme/alliances.csl",
    "--metadata=link-citations:true",
)


def version() -> str:
    """Return the engine's version as `Pandoc 3.9, Typst 0.15.0`."""
    return f"Pandoc {pypandoc.get_pandoc_version()}, Typst {importlib.metadata.version('typst')}"


def render_html(stage: Path, target: Path, log: Log) -> None:
    """Write the staged report as one self-contained HTML file.

    Parameters
    ----------
    stage : Path
        Folder with report.md, edition.yml, references.json, figures/, theme/ and filters/.
    target : Path
        File to write.
    log : Log
        Takes what Pandoc says.

    Raises
    ------
    PublishError
        If Pandoc fails or a reference, link or citation leads nowhere.
    """
    page = _pandoc(
        stage,
        log,
        "--to=html5",
        "--section-divs",
        "--mathml",
        "--template=theme/template.html",
        "--css=theme/fonts.css",
        "--css=theme/report.css",
        "--output=-",
    )
    target.write_text(html.inline(page.decode("utf-8"), stage), encoding="utf-8", newline="\n")


def render_pdf(stage: Path, target: Path, log: Log, timestamp: int) -> None:
    """Write the staged report as a PDF/UA-1 file.

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

    Raises
    ------
    PublishError
        If Pandoc or Typst fails, which includes a breach of PDF/UA-1.
    """
    source = _pandoc(stage, log, "--to=typst", "--template=theme/embedded.typ", "--output=-")
    document = stage / "report.typ"
    document.write_bytes(source)
    try:
        warnings = typeset(document, target, stage / "theme" / "fonts", timestamp)
    except TypesettingError as error:
        log.write(error.diagnostic)
        raise PublishError(f"Typst could not set the PDF: {error.message}; see {log.path}.") from error
    for warning in warnings:
        log.write(warning)
        if "unknown font family" in warning:
            target.unlink()
            raise PublishError(f"A font of the report is missing ({warning}); see {log.path}.")


def _pandoc(stage: Path, log: Log, *arguments: str) -> bytes:
    command = [pypandoc.get_pandoc_path(), *_COMMON, *arguments]
    log.write(" ".join(command))
    done = subprocess.run(command, cwd=stage, capture_output=True, check=False)
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
    return done.stdout


def _reason(messages: str) -> str:
    """Take the sentence out of a filter's or Pandoc's message."""
    ours = re.search(r"^alliances: (.+)$", messages, re.MULTILINE)
    if ours:
        return ours.group(1).strip().rstrip(".")
    lines = [line for line in messages.splitlines() if line.strip()]
    return lines[-1].strip().rstrip(".") if lines else "it gave no reason"
