"""Two engines, one result: Quarto where 1.9 or newer is found, and otherwise Pandoc and Typst from PyPI.

Both render a copy of the staged folder with the format extension beside it; the page is then finished the same way.
"""

import datetime as dt
import importlib.metadata
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import font_source_sans_pro
import font_source_serif_pro
import pypandoc
import typst
import yaml

from alliances.errors import PublishError
from alliances.place import FORMATS
from alliances.publish import quarto
from alliances.publish.page import finish

_EXTENSION, _PICTURES = "_extensions/alliances", ("figures", "vega")
_PANDOC = ("--standalone", "--wrap=none", f"--lua-filter={_EXTENSION}/alliances.lua")  # which reads report.md itself
_WRITERS = {"html": ("html5", "html"), "pdf": ("typst", "typ")}  # with the ending of template and output


class Published(NamedTuple):
    """What was published, with which engine."""

    engine: str  # and its version: “quarto 1.9.38”, “embedded (Pandoc 3.9, Typst 0.15.0)”
    files: list[Path]
    notice: str = ""  # a sentence where Quarto failed and the embedded engine finished


def engine_version(engine: str = "auto") -> str:
    """Return the engine that would publish, with its version; PublishError if Quarto is asked for and not found."""
    if engine != "embedded" and (found := quarto.find_quarto(needed=engine == "quarto")):
        return f"quarto {found.version}"
    return f"embedded (Pandoc {pypandoc.get_pandoc_version()}, Typst {importlib.metadata.version('typst')})"


def publish(
    folder: Path, formats: Sequence[str] = FORMATS, *, root: Path, engine: str = "auto",
    log: Path | None = None, ready: Callable[[str], object] = lambda kind: None,
) -> Published:  # fmt: skip
    """Render a staged folder to report.html and report.pdf, which are written into it together or not at all.

    `folder` holds report.md, edition.yml, figures/, vega/, and attached/ with what the PDF is to carry; `log` takes
    what the engines say, if anything, by default publish.log in the folder; `ready` waits until a format's figures are
    there. PublishError if Quarto is asked for and not found, or rendering fails: with the engine ``auto`` the embedded
    one then steps in, as where Quarto 1.9 or newer is not found.
    """
    log, chosen, notice = log or folder / "publish.log", engine_version(engine), ""
    given = folder, root, formats, log, ready
    if engine != "embedded" and (program := quarto.find_quarto()):
        try:
            return Published(chosen, _render(*given, program))
        except PublishError as error:
            if engine == "quarto":
                raise
            _write(log, str(error))
            notice = f"Quarto {program.version} failed, so the embedded engine finished the report; see {log}."
    return Published(engine_version("embedded"), _render(*given, None), notice)


def _render(
    folder: Path, root: Path, formats: Sequence[str], log: Path, ready: Callable[[str], object],
    program: quarto.Quarto | None,
) -> list[Path]:  # fmt: skip
    """Render each format in a copy of its own, since Quarto writes beside its input; put all in place, or none."""
    day = yaml.safe_load((folder / "edition.yml").read_text(encoding="utf-8"))["date"]
    moment = int(dt.datetime.fromisoformat(f"{day}T00:00+00:00").timestamp())  # the same edition gives the same bytes

    def one(kind: str, own: Path) -> Path:
        def draw() -> None:
            ready(kind)
            for part in _PICTURES:
                shutil.copytree(folder / part, own / part)

        if program or kind == "html":  # Typst alone needs the pictures, and Pandoc goes before it
            draw()
        _write(log, quarto.render(program, own, root, kind, moment) if program else _embedded(own, kind, moment, draw))
        target = own / f"report.{kind}"
        if kind == "html":
            page = finish(target.read_text(encoding="utf-8"), own)
            target.write_text(page, encoding="utf-8", newline="\n")
        return target

    with tempfile.TemporaryDirectory(prefix="alliances-publish-") as scratch, ThreadPoolExecutor(1) as pool:
        copies = {kind: Path(scratch) / kind for kind in sorted(formats, reverse=True)}
        for own in copies.values():
            shutil.copytree(
                folder, own, ignore=shutil.ignore_patterns("report.html", "report.pdf", *_PICTURES, "*.log")
            )
            shutil.copytree(root / "report" / _EXTENSION, own / _EXTENSION)
            shutil.copyfile(root / "report" / "_brand.yml", own / "_brand.yml")
            install_fonts(own / "fonts")
        (first, own), *rest = copies.items()  # the PDF, which takes longest, has a processor to itself
        made = pool.submit(one, first, own)
        return [Path(shutil.copy(path, folder)) for path in [*(one(*each) for each in rest), made.result()]]


def install_fonts(folder: Path) -> None:
    """Copy the faces that the PDF uses into a folder: the packages' own hold each twice (TrueType and OpenType)."""
    folder.mkdir(parents=True, exist_ok=True)
    for package, stem in ((font_source_sans_pro, "SourceSansPro"), (font_source_serif_pro, "SourceSerifPro")):
        for style in ("Regular", "It", "Semibold", "SemiboldIt", "Bold"):
            target = folder / f"{stem}-{style}.ttf"
            if not target.exists():
                shutil.copyfile(Path(package.font_directory) / target.name, target)


def _write(log: Path, text: str) -> None:
    if text.strip():
        with log.open("a", encoding="utf-8") as stream:
            stream.write(text.rstrip() + "\n")


def _embedded(folder: Path, kind: str, moment: int, draw: Callable[[], None]) -> str:
    """Render with Pandoc, and for the PDF with Typst; return what they said."""
    writer, ending = _WRITERS[kind]
    target = f"--to={writer}", f"--output=report.{ending}", f"--template={_EXTENSION}/template.{ending}"
    command = [str(pypandoc.get_pandoc_path()), *_PANDOC, *target]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    said = done.stderr.decode("utf-8", errors="replace").strip()
    if done.returncode:
        raise PublishError(f"The report could not be rendered: {said.removeprefix('alliances: ') or 'Pandoc failed'}.")
    if kind == "html":
        return said
    draw()
    return _typeset(folder, said, moment)


def _typeset(folder: Path, said: str, moment: int, lacking: str = "") -> str:
    """Make report.pdf of report.typ; what no font has is printed as □: both standards take only what can be shown."""
    source = folder / "report.typ"
    try:
        pdf, warnings = typst.compile_with_warnings(
            source, root=folder, font_paths=[folder / "fonts"], ignore_system_fonts=True,
            format="pdf", pdf_standards=["ua-1", "a-3a"], timestamp=moment,
        )  # fmt: skip
    except typst.TypstError as error:
        fault = f"{error.message}\n{error.diagnostic}"
        runs = "".join(re.findall(r"the text `\"(.*?)\"` could not", fault))
        runs = re.sub(r"\\u\{(\w+)\}", lambda found: chr(int(found[1], 16)), runs)
        if found := sorted({character for character in runs if not character.isascii()}.difference(lacking)):
            text = source.read_text(encoding="utf-8").translate(dict.fromkeys(map(ord, found), "□"))
            source.write_text(text, encoding="utf-8")
            return _typeset(folder, said, moment, "".join([lacking, *found]))
        raise PublishError(f"The PDF could not be typeset: {fault}") from error
    (folder / "report.pdf").write_bytes(pdf)
    boxes = [f"The PDF shows □ for {' '.join(sorted(lacking))}, which its fonts lack."] if lacking else []
    return "\n".join([said, *boxes, *(f"warning: {warning}" for warning in warnings)])
