"""Two engines, one result: Quarto where 1.9 or newer is found, and otherwise Pandoc and Typst from PyPI.

Both render a copy of the staged folder with the format extension beside it; the page is then finished the same way.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import font_source_sans_pro
import font_source_serif_pro
import pypandoc
import typst
import yaml

from alliances.errors import PublishError
from alliances.publish import quarto
from alliances.publish.page import finish
from alliances.run.cache import Cache
from alliances.text.reading import read_utf8, read_yaml

__all__ = ["ENGINES", "FORMATS", "Published", "engine_version", "install_fonts", "publish"]

ENGINES = ("auto", "quarto", "embedded")
FORMATS = ("html", "pdf")
_STANDARDS = (["ua-1", "a-3a"], ["ua-1"])  # the first that the document allows
_EXTENSION = "_extensions/alliances"
# The quicker of Pandoc's readers by far; it gives what Quarto's gives but for references, which the filter reads.
_PANDOC = ("--from=commonmark_x-emoji", "--standalone", "--wrap=none", f"--lua-filter={_EXTENSION}/alliances.lua")
_TARGETS = {
    "html": ("--output=report.html", "--to=html5", f"--template={_EXTENSION}/template.html"),
    "pdf": ("--output=report.typ", "--to=typst", f"--template={_EXTENSION}/template.typ"),
}


@dataclass(frozen=True)
class Published:
    """What was published: the engine with its version, the files, a sentence if Quarto failed and the other stepped in.

    The engine is such as ``quarto 1.9.38`` or ``embedded (Pandoc 3.9, Typst 0.15.0)``.
    """

    engine: str
    files: list[Path]
    notice: str = ""


def engine_version(engine: str = "auto") -> str:
    """Return the engine that would publish, with its version.

    Raises
    ------
    PublishError
        If there is no such engine, or Quarto is asked for and not found.
    """
    if engine not in ENGINES:
        raise PublishError(f"There is no engine “{engine}”; choose one of {', '.join(ENGINES)}.")
    if engine != "embedded" and (found := quarto.find_quarto()):
        return f"quarto {found.version}"
    if engine == "quarto":
        raise PublishError(quarto.missing())
    return f"embedded (Pandoc {pypandoc.get_pandoc_version()}, Typst {importlib.metadata.version('typst')})"


def publish(
    folder: Path, formats: Sequence[str] = FORMATS, *, root: Path, engine: str = "auto", cache: Cache | None = None,
    log: Path | None = None,
) -> Published:  # fmt: skip
    """Render a staged folder to report.html and report.pdf.

    Parameters
    ----------
    folder : Path
        The staged folder: report.md, edition.yml, figures/, vega/, and attached/ with what the PDF is to carry.
        The results are written into it, complete and together or not at all.
    formats : sequence of str
        Any of `html`, `pdf`.
    root : Path
        The project, whose report/ holds the extension, _brand.yml and _quarto.yml.
    engine : str
        `quarto`, `embedded`, or `auto`: Quarto where 1.9 or newer is found, and the embedded engine where it is not
        or where it fails.
    cache : Cache, optional
        In which Vega's script is kept; by default the project's.
    log : Path, optional
        File that takes what the engines say; by default publish.log in the folder, written only if they say something.

    Raises
    ------
    PublishError
        If an argument is not allowed, a file is missing, Quarto is asked for and not found, or rendering fails.
    """
    wanted = [name for name in FORMATS if name in formats]
    if not wanted or set(formats) - set(FORMATS):
        raise PublishError(f"Unknown format in {', '.join(formats) or 'none'}; allowed are html and pdf.")
    for name in ("report.md", "edition.yml"):
        if not (folder / name).is_file():
            raise PublishError(f"{folder / name} is missing: the report must be staged before it is published.")
    record, chosen, notice = log or folder / "publish.log", engine_version(engine), ""
    cache = cache or Cache(root)
    if chosen.startswith("quarto") and (program := quarto.find_quarto()):
        try:
            return Published(chosen, _render(folder, root, wanted, record, cache, program))
        except PublishError as error:
            if engine == "quarto":
                raise
            _write(record, str(error))
            notice = f"Quarto {program.version} failed, so the embedded engine finished the report; see {record}."
    return Published(engine_version("embedded"), _render(folder, root, wanted, record, cache, None), notice)


def _render(
    folder: Path, root: Path, formats: Sequence[str], log: Path, cache: Cache, program: quarto.Quarto | None
) -> list[Path]:
    """Render each format in a copy of its own, since Quarto writes beside its input; put all in place, or none."""
    moment = _timestamp(folder)

    def one(kind: str) -> Path:
        own = Path(scratch) / kind
        shutil.copytree(folder, own, ignore=shutil.ignore_patterns("report.html", "report.pdf", "*.log"))
        _prepare(own, root, two_standards=program is not None and program.number >= (1, 10))
        _write(log, quarto.render(program, own, kind, moment) if program else _embedded(own, kind, moment))
        target = own / f"report.{kind}"
        if kind == "html":
            page = finish(target.read_text(encoding="utf-8"), own, cache)
            target.write_text(page, encoding="utf-8", newline="\n")
        return target

    with tempfile.TemporaryDirectory(prefix="alliances-publish-") as scratch, ThreadPoolExecutor(len(formats)) as pool:
        made = list(pool.map(one, formats))
        parts = [Path(shutil.copyfile(path, folder / f".{path.name}.part")) for path in made]
        return [part.replace(folder / path.name) for part, path in zip(parts, made, strict=True)]


def _prepare(folder: Path, root: Path, two_standards: bool) -> None:
    """Lay the format extension, the brand and the fonts beside a staged report, for both engines.

    With `two_standards` Quarto is told to make PDF/UA and PDF/A at once, which its Typst takes from 1.10 on.
    """
    report = root / "report"
    for path in (report / _EXTENSION, report / "_brand.yml", report / "_quarto.yml"):
        if not path.exists():
            raise PublishError(f"{path} is missing: the report cannot be published without it.")
    shutil.copytree(report / _EXTENSION, folder / _EXTENSION, dirs_exist_ok=True)
    shutil.copyfile(report / "_brand.yml", folder / "_brand.yml")
    name = "report/_quarto.yml"
    settings = read_yaml(read_utf8(root / name, name, PublishError), name, PublishError)
    if not isinstance(settings, dict) or "alliances-typst" not in str(settings.get("format")):
        raise PublishError(f"{name} holds no format alliances-typst; restore it.")
    settings["project"] = {"type": "default"}  # its steps and folders are for a render by hand
    settings.pop("notebooks", None)
    if two_standards:
        settings["format"]["alliances-typst"]["pdf-standard"] = list(_STANDARDS[0])
    (folder / "_quarto.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    install_fonts(folder / "fonts")


def install_fonts(folder: Path) -> None:
    """Copy the faces that the PDF uses into a folder: the packages' own hold each twice (TrueType and OpenType)."""
    folder.mkdir(parents=True, exist_ok=True)
    for package, stem in ((font_source_sans_pro, "SourceSansPro"), (font_source_serif_pro, "SourceSerifPro")):
        for style in ("Regular", "It", "Semibold", "SemiboldIt", "Bold"):
            target = folder / f"{stem}-{style}.ttf"
            if not target.exists():
                shutil.copyfile(Path(package.font_directory) / target.name, target)


def _timestamp(folder: Path) -> int:
    """Return the start of the edition's day in seconds since 1970: the same edition gives the same bytes."""
    edition = yaml.safe_load((folder / "edition.yml").read_text(encoding="utf-8")) or {}
    try:
        return int(dt.datetime.fromisoformat(f"{edition.get('date')}T00:00+00:00").timestamp())
    except ValueError as error:
        raise PublishError(f"edition.yml: date is {edition.get('date')!r}; give a day such as 2025-07-31.") from error


def _write(log: Path, text: str) -> None:
    if text.strip():
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as stream:
            stream.write(text.rstrip() + "\n")


def _embedded(folder: Path, kind: str, moment: int) -> str:
    """Render with Pandoc, and for the PDF with Typst; return what they said."""
    command = [str(pypandoc.get_pandoc_path()), "report.md", *_PANDOC, *_TARGETS[kind]]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    said = done.stderr.decode("utf-8", errors="replace").strip()
    if done.returncode:
        raise PublishError(f"The report could not be rendered: {said.removeprefix('alliances: ') or 'Pandoc failed'}.")
    return _typeset(folder, said, moment) if kind == "pdf" else said


def _typeset(folder: Path, said: str, moment: int) -> str:
    """Make report.pdf of report.typ; what no font has is printed as □, since PDF/A takes only what can be shown."""
    source, standards, failures, lacking = folder / "report.typ", [*_STANDARDS], list[str](), set[str]()
    while standards:
        try:
            pdf, warnings = typst.compile_with_warnings(
                source, root=folder, font_paths=[folder / "fonts"], ignore_system_fonts=True,
                format="pdf", pdf_standards=list[Any](standards[0]), timestamp=moment,
            )  # fmt: skip
        except typst.TypstError as error:
            runs = "".join(re.findall(r"the text `\"(.*?)\"` could not", f"{error.message}\n{error.diagnostic}"))
            runs = re.sub(r"\\u\{(\w+)\}", lambda found: chr(int(found[1], 16)), runs)
            if found := {character for character in runs if not character.isascii()} - lacking:
                lacking |= found
                text = source.read_text(encoding="utf-8").translate(dict.fromkeys(map(ord, found), "□"))
                source.write_text(text, encoding="utf-8")
                continue
            failures.append(f"{error.message}\n{error.diagnostic}")
            standards.pop(0)
            continue
        (folder / "report.pdf").write_bytes(pdf)
        boxes = [f"The PDF shows □ for {' '.join(sorted(lacking))}, which its fonts lack."] if lacking else []
        return "\n".join([said, *boxes, *(f"warning: {warning}" for warning in warnings), *failures[:1]])
    raise PublishError(f"The PDF could not be typeset: {failures[0]}")
