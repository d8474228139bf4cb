"""From the stage to report.html and report.pdf, with Quarto or with the embedded engine."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from alliances import fonts
from alliances.errors import PublishError
from alliances.execution.cache import Cache
from alliances.publishing import embedded, html, quarto
from alliances.publishing.log import Log
from alliances.publishing.quarto import find_quarto
from alliances.publishing.typesetting import Typesetter

__all__ = ["ENGINES", "FORMATS", "Publication", "Typesetter", "choose", "copy_project", "find_quarto", "publish"]

ENGINES = ("auto", "quarto", "embedded")
FORMATS = ("html", "pdf")
_PROJECT = ("_quarto.yml", "theme", "filters")
_NEEDED = ("report.md", "edition.yml", "references.json", *_PROJECT)


@dataclass(frozen=True)
class Publication:
    """What was published, and with what.

    Attributes
    ----------
    files : dict
        Format (`html`, `pdf`) to the file written.
    engine : str
        `quarto` or `embedded`.
    version : str
        Version of the engine, such as `1.9.38` or `Pandoc 3.9, Typst 0.15.0`.
    notice : str or None
        One sentence if Quarto was found but failed and the embedded engine stepped in.
    """

    files: dict[str, Path]
    engine: str
    version: str
    notice: str | None = None


def choose(engine: str) -> quarto.Quarto | None:
    """Return the Quarto that will publish, or ``None`` where the embedded engine will.

    Raises
    ------
    PublishError
        If there is no such engine, or Quarto is asked for and not found.
    """
    if engine not in ENGINES:
        raise PublishError(f"There is no engine “{engine}”; choose one of {', '.join(ENGINES)}.")
    found = None if engine == "embedded" else find_quarto()
    if engine == "quarto" and found is None:
        raise PublishError(
            "Quarto 1.9 or newer was not found; install it, point ALLIANCES_QUARTO at it, or use --engine embedded."
        )
    return found


def copy_project(root: Path, stage: Path) -> None:
    """Copy the Quarto project (_quarto.yml, theme/, filters/) from `root`/report into the stage.

    The fonts are added to its theme: TrueType faces for Typst, subset ones for the page. The steps that
    Quarto runs before and after a render by hand are left out, since here staging has been done.

    Parameters
    ----------
    root : Path
        The checkout or project folder.
    stage : Path
        Folder of the staged report; created if it is missing.

    Raises
    ------
    PublishError
        If the project is incomplete.
    """
    source = root / "report"
    stage.mkdir(parents=True, exist_ok=True)
    for name in _PROJECT:
        if not (source / name).exists():
            raise PublishError(f"{source / name} is missing: the report cannot be published without it.")
    for name in ("theme", "filters"):
        shutil.copytree(source / name, stage / name, dirs_exist_ok=True)
    settings = yaml.safe_load((source / "_quarto.yml").read_text(encoding="utf-8"))
    for step in ("pre-render", "post-render", "render", "output-dir"):
        settings.get("project", {}).pop(step, None)
    (stage / "_quarto.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    add_fonts(stage / "theme")


def add_fonts(theme: Path) -> None:
    """Write the fonts of the PDF (fonts/*.ttf) and of the page (fonts.css) into a theme folder."""
    fonts.install(theme / "fonts")
    (theme / "fonts.css").write_text(fonts.stylesheet(), encoding="ascii")


def publish(
    stage: Path,
    destination: Path,
    formats: Sequence[str] = FORMATS,
    engine: str = "auto",
    log: Path | None = None,
    cache: Cache | None = None,
    typesetter: Typesetter | None = None,
    jobs: int = 0,
) -> Publication:
    """Render the staged report to HTML and PDF.

    Parameters
    ----------
    stage : Path
        Folder with report.md, edition.yml, references.json, figures/ and the project (see `copy_project`).
    destination : Path
        Folder for report.html and report.pdf. They appear complete, together, or not at all.
    formats : sequence of str
        Any of `html`, `pdf`.
    engine : str
        `quarto`, `embedded`, or `auto`: Quarto where 1.9 or newer is found, and the embedded engine where
        it is not or where it fails.
    log : Path, optional
        File for what the engines say; by default publish.log in the stage.
    cache : Cache, optional
        Where the embedded engine keeps what Pandoc has written, chapter by chapter.
    typesetter : Typesetter, optional
        The embedded engine's Typst, where it is running already and goes on afterwards.
    jobs : int
        Formats at a time; 0 takes all.

    Returns
    -------
    Publication
        Files, engine and version, and the notice of a failed Quarto.

    Raises
    ------
    PublishError
        If an argument is not allowed, Quarto is asked for and not found, or the report cannot be rendered.
    """
    wanted = _check(stage, formats)
    record = Log(log or stage / "publish.log")
    timestamp = _timestamp(stage)
    found = choose(engine)
    notice = None
    if found is not None:
        try:
            files = _with_quarto(found, stage, destination, wanted, record, timestamp, jobs)
            return Publication(files, "quarto", found.version)
        except PublishError as error:
            if engine == "quarto":
                raise
            record.write(str(error))
            notice = (
                f"Quarto {found.version} failed, so the embedded engine finished the report; "
                f"Quarto's messages are in {record.path}."
            )
    files = _with_embedded(stage, destination, wanted, record, timestamp, cache, typesetter, jobs)
    return Publication(files, "embedded", embedded.version(), notice)


def _check(stage: Path, formats: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise PublishError(f"Unknown format {', '.join(map(repr, unknown)) or 'none'}; allowed are html and pdf.")
    for name in _NEEDED:
        if not (stage / name).exists():
            raise PublishError(f"{stage / name} is missing: staging must write it before the report is published.")
    return tuple(name for name in FORMATS if name in formats)


def _timestamp(stage: Path) -> int:
    """Seconds since 1970 at the start of the edition's day: the same edition gives the same bytes."""
    settings = yaml.safe_load((stage / "edition.yml").read_text(encoding="utf-8"))
    day = settings.get("date-iso")
    try:
        date = dt.date.fromisoformat(str(day))
    except ValueError as error:
        raise PublishError(f"edition.yml: date-iso is {day!r}; give a date such as 2025-07-31.") from error
    return int(dt.datetime(date.year, date.month, date.day, tzinfo=dt.UTC).timestamp())


def _with_quarto(
    program: quarto.Quarto,
    stage: Path,
    destination: Path,
    formats: tuple[str, ...],
    log: Log,
    timestamp: int,
    jobs: int,
) -> dict[str, Path]:
    def one(kind: str, target: Path) -> None:
        # Quarto writes beside its input and into .quarto/: each render gets a copy of its own.
        with tempfile.TemporaryDirectory(prefix="alliances-quarto-") as folder:
            own = Path(folder) / "stage"
            shutil.copytree(stage, own)
            quarto.render(program, own, kind, target, log, timestamp)

    return _render(one, stage, destination, formats, log, jobs)


def _with_embedded(
    stage: Path,
    destination: Path,
    formats: tuple[str, ...],
    log: Log,
    timestamp: int,
    cache: Cache | None,
    typesetter: Typesetter | None,
    jobs: int,
) -> dict[str, Path]:
    try:
        report = embedded.pieces(stage, cache)
    except PublishError as error:
        log.write(str(error))
        raise PublishError(f"{str(error).rstrip('.')}; see {log.path}.") from error

    def one(kind: str, target: Path) -> None:
        if kind == "html":
            embedded.render_html(stage, target, log, report, cache)
        else:
            embedded.render_pdf(stage, target, log, timestamp, report, cache, typesetter)

    return _render(one, stage, destination, formats, log, jobs)


def _render(
    one: Callable[[str, Path], None], stage: Path, destination: Path, formats: tuple[str, ...], log: Log, jobs: int
) -> dict[str, Path]:
    """Render side by side into a folder on the destination's disk, then move all at once."""
    destination.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".publish-", dir=destination) as folder:

        def complete(kind: str) -> Path:
            target = (Path(folder) / f"report.{kind}").absolute()
            one(kind, target)
            if kind == "html":
                _finish_html(target, stage, log)
            return target

        with ThreadPoolExecutor(jobs or len(formats)) as pool:
            rendered = list(pool.map(complete, formats))
        files = {}
        for kind, target in zip(formats, rendered, strict=True):
            files[kind] = destination / target.name
            target.replace(files[kind])
    return files


def _finish_html(target: Path, stage: Path, log: Log) -> None:
    try:
        finished = html.finish(target.read_text(encoding="utf-8"), stage)
    except PublishError as error:
        log.write(str(error))
        raise PublishError(f"{str(error).rstrip('.')}; see {log.path}.") from error
    target.write_text(finished, encoding="utf-8", newline="\n")
