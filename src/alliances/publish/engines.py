"""Two engines, one result: Quarto where 1.9 or newer is found, and otherwise Pandoc and Typst from PyPI.

Both render a copy of the staged folder with the format extension beside it; the page is then finished the same way.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pypandoc
import typst
import yaml

from alliances.errors import PublishError
from alliances.publish import quarto
from alliances.publish.fonts import install_fonts
from alliances.publish.page import finish

__all__ = ["ENGINES", "FORMATS", "Published", "engine_version", "prepare", "publish", "timestamp"]

ENGINES = ("auto", "quarto", "embedded")
FORMATS = ("html", "pdf")
_Standard = Literal["ua-1", "a-3a"]
_STANDARDS: tuple[list[_Standard], ...] = (["ua-1", "a-3a"], ["ua-1"])  # the first that the document allows
_EXTENSION = Path("_extensions") / "alliances"
_NEEDED = ("report.md", "edition.yml")
_PANDOC = ("--from=markdown", "--standalone", "--wrap=none", f"--lua-filter={_EXTENSION.as_posix()}/alliances.lua")
_TARGETS = {
    "html": ("--to=html5", "--embed-resources", f"--template={_EXTENSION.as_posix()}/template.html"),
    "pdf": ("--to=typst", f"--template={_EXTENSION.as_posix()}/template.typ"),
}


@dataclass(frozen=True)
class Published:
    """What was published, and with what.

    Attributes
    ----------
    engine : str
        Engine and version, such as ``quarto 1.9.38`` or ``embedded (Pandoc 3.9, Typst 0.15.0)``.
    files : list of Path
        report.html and report.pdf, as far as they were asked for.
    notice : str
        One sentence if Quarto was found but failed and the embedded engine stepped in; otherwise empty.
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
    found = _choose(engine)
    if found is not None:
        return f"quarto {found.version}"
    return f"embedded (Pandoc {pypandoc.get_pandoc_version()}, Typst {importlib.metadata.version('typst')})"


def publish(
    folder: Path, formats: Sequence[str] = FORMATS, *, root: Path, engine: str = "auto", log: Path | None = None
) -> Published:
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
    log : Path, optional
        File that takes what the engines say; by default publish.log in the folder, written only if they say something.

    Returns
    -------
    Published
        Engine, files, and the notice of a Quarto that failed.

    Raises
    ------
    PublishError
        If an argument is not allowed, a file is missing, Quarto is asked for and not found, or rendering fails.
    """
    wanted = [name for name in FORMATS if name in formats]
    if not wanted or set(formats) - set(FORMATS):
        raise PublishError(f"Unknown format in {', '.join(formats) or 'none'}; allowed are html and pdf.")
    for name in _NEEDED:
        if not (folder / name).is_file():
            raise PublishError(f"{folder / name} is missing: the report must be staged before it is published.")
    record = log or folder / "publish.log"
    found, notice = _choose(engine), ""
    with tempfile.TemporaryDirectory(prefix="alliances-publish-") as scratch:
        if found is not None:
            try:
                made = _render(folder, Path(scratch) / "quarto", root, wanted, record, found)
                return Published(f"quarto {found.version}", _deliver(made, folder))
            except PublishError as error:
                if engine == "quarto":
                    raise
                _write(record, str(error))
                notice = f"Quarto {found.version} failed, so the embedded engine finished the report; see {record}."
        made = _render(folder, Path(scratch) / "embedded", root, wanted, record, None)
        return Published(engine_version("embedded"), _deliver(made, folder), notice)


def prepare(folder: Path, root: Path, two_standards: bool = False) -> None:
    """Lay the format extension, the brand and the fonts beside a staged report, for both engines.

    With `two_standards` Quarto is told to make PDF/UA and PDF/A at once, which its Typst takes from 1.10 on.
    """
    report = root / "report"
    for path in (report / _EXTENSION, report / "_brand.yml", report / "_quarto.yml"):
        if not path.exists():
            raise PublishError(f"{path} is missing: the report cannot be published without it.")
    shutil.copytree(report / _EXTENSION, folder / _EXTENSION, dirs_exist_ok=True)
    shutil.copyfile(report / "_brand.yml", folder / "_brand.yml")
    settings = yaml.safe_load((report / "_quarto.yml").read_text(encoding="utf-8"))
    for step in ("pre-render", "post-render", "render", "output-dir"):  # for a render by hand
        settings.get("project", {}).pop(step, None)
    settings.pop("notebooks", None)
    if two_standards:
        settings["format"]["alliances-typst"]["pdf-standard"] = list(_STANDARDS[0])
    (folder / "_quarto.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    install_fonts(folder / "fonts")


def timestamp(folder: Path) -> int:
    """Return the start of the edition's day in seconds since 1970: the same edition gives the same bytes."""
    edition = yaml.safe_load((folder / "edition.yml").read_text(encoding="utf-8")) or {}
    try:
        day = dt.date.fromisoformat(str(edition.get("date")))
    except ValueError as error:
        raise PublishError(f"edition.yml: date is {edition.get('date')!r}; give a day such as 2025-07-31.") from error
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())


def _choose(engine: str) -> quarto.Quarto | None:
    if engine not in ENGINES:
        raise PublishError(f"There is no engine “{engine}”; choose one of {', '.join(ENGINES)}.")
    found = None if engine == "embedded" else quarto.find_quarto()
    if engine == "quarto" and found is None:
        raise PublishError(quarto.missing())
    return found


def _render(
    folder: Path, scratch: Path, root: Path, formats: Sequence[str], log: Path, program: quarto.Quarto | None
) -> list[Path]:
    """Render each format in a copy of its own, since Quarto writes beside its input."""
    moment = timestamp(folder)

    def one(kind: str) -> Path:
        own = scratch / kind
        shutil.copytree(folder, own, ignore=shutil.ignore_patterns("report.html", "report.pdf", "*.log"))
        prepare(own, root, two_standards=program is not None and program.number >= (1, 10))
        target = own / f"report.{kind}"
        if program is not None:
            _write(log, quarto.render(program, own, kind, moment))
        else:
            _write(log, _embedded(own, kind, moment))
        if kind == "html":
            page = finish(target.read_text(encoding="utf-8"), own, root / ".cache")
            target.write_text(page, encoding="utf-8", newline="\n")
        return target

    with ThreadPoolExecutor(len(formats)) as pool:
        return list(pool.map(one, formats))


def _deliver(made: Sequence[Path], folder: Path) -> list[Path]:
    files = [folder / path.name for path in made]
    waiting = [path.with_name(f".{path.name}.part") for path in files]
    for source, part in zip(made, waiting, strict=True):
        shutil.copyfile(source, part)
    for part, file in zip(waiting, files, strict=True):
        part.replace(file)
    return files


def _write(log: Path, text: str) -> None:
    if text.strip():
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as stream:
            stream.write(text.rstrip() + "\n")


def _embedded(folder: Path, kind: str, moment: int) -> str:
    """Render with Pandoc, and for the PDF with Typst; return what they said."""
    output = "report.html" if kind == "html" else "report.typ"
    command = [str(pypandoc.get_pandoc_path()), "report.md", *_PANDOC, *_TARGETS[kind], f"--output={output}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    said = done.stderr.decode("utf-8", errors="replace").strip()
    if done.returncode:
        raise PublishError(f"The report could not be rendered: {said.removeprefix('alliances: ') or 'Pandoc failed'}.")
    return said if kind == "html" else "\n".join([said, *_typeset(folder, moment)])


def _typeset(folder: Path, moment: int) -> list[str]:
    failure = ""
    for standards in _STANDARDS:
        try:
            pdf, warnings = typst.compile_with_warnings(
                folder / "report.typ",
                root=folder,
                font_paths=[folder / "fonts"],
                ignore_system_fonts=True,
                format="pdf",
                pdf_standards=list[Any](standards),
                timestamp=moment,
            )
        except typst.TypstError as error:
            failure = failure or f"{error.message}\n{error.diagnostic}"
            continue
        (folder / "report.pdf").write_bytes(pdf)
        return [f"warning: {warning}" for warning in warnings] + ([failure] if failure else [])
    raise PublishError(f"The PDF could not be typeset: {failure}")
