"""Makes the files of each figure: drawing, download with title and source, data, specification, compiled chart."""

import json
import os
import re
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any, ClassVar, Self
from xml.sax.saxutils import escape, quoteattr

import pandas as pd
from nbformat import NotebookNode

from alliances.charts.drawing import datasets, walk
from alliances.errors import PublishError
from alliances.run.cache import Cache, digest, library_digest, versions
from alliances.stage.chapters import Output, line_text, read_outputs
from alliances.text.widths import wrapped

_SIZE = re.compile(r' width="([\d.]+)" height="([\d.]+)" viewBox="[^"]*"([^>]*)>')


class Drawer:
    """Draws charts that the cache does not hold, in another process, while notebooks run and the text is made.

    That process takes as long to start as to draw five charts: it serves all editions of a command, and ends with it.
    """

    _process: ClassVar[Any] = None
    _place: ClassVar[str] = ""  # its temporary folder, where its fonts lie
    _one_at_a_time: ClassVar[Any] = threading.Lock()

    def __init__(self, cache: Cache) -> None:
        self.cache, self.pool, self.asked = cache, ThreadPoolExecutor(1), dict[str, Future[Any]]()
        self.writer, self.written = ThreadPoolExecutor(1), list[Future[None]]()

    def __enter__(self) -> Self:
        if not (self.cache.folder / "charts").is_dir():
            with self._one_at_a_time:
                self._running()
        return self

    def __exit__(self, *_: object) -> None:
        for pool in (self.pool, self.writer):
            pool.shutdown(cancel_futures=True)

    def draw_ahead(self, notebook: NotebookNode) -> None:
        """Ask for the charts of an executed notebook, while others run; narrow ones are drawn last."""
        for output in read_outputs(notebook, ""):
            if output["kind"] == "figure":
                self.ask(output["spec"])

    def write(self, outputs: Sequence[Output], licence: str, folder: Path) -> None:
        """Begin to write the files of figures, what is printed first, and then what the page has beside it."""
        for part in ("figures", "vega"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        figures = [output for output in outputs if output["kind"] == "figure"]
        kinds = {"": "spec", "-narrow": "narrow"}
        asked = {end: [(one, self.ask(one[kind])) for one in figures] for end, kind in kinds.items()}
        self.written = [self.writer.submit(_write, *each, licence, folder) for each in asked.items()]

    def finish(self, kind: str = "html") -> None:
        """Wait until what a format shows is there; PublishError if a chart cannot be drawn."""
        for future in self.written[: 1 if kind == "pdf" else 2]:
            future.result()

    def ask(self, spec: Mapping[str, Any]) -> Future[Any]:
        """Ask for a chart, as `alliances.charts.drawing.draw` gives it; PublishError if the process has ended."""
        key = digest(spec, library_digest("charts/drawing.py"), versions("vl-convert-python"))
        if key not in self.asked:
            self.asked[key] = self.pool.submit(self._draw, key, spec)
        return self.asked[key]

    def _draw(self, key: str, spec: Mapping[str, Any]) -> Any:
        if found := self.cache.get_json("charts", key):
            return found
        line = ""
        with self._one_at_a_time, suppress(OSError):
            process = self._running()
            print(json.dumps(spec), file=process.stdin, flush=True)
            line = process.stdout.readline()
        if not line:
            raise PublishError("The charts could not be drawn: the process that draws has ended; build again.")
        if "error" not in (drawn := json.loads(line)):
            self.cache.put_json("charts", key, drawn)
        return drawn

    @classmethod
    def _running(cls) -> Any:
        if cls._process is None or cls._process.poll() is not None or cls._place != tempfile.gettempdir():
            script, environment = [sys.executable, "-m", "alliances.charts.drawing"], {**os.environ, "TZ": "UTC"}
            cls._process = Popen(script, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment, encoding="utf-8")
            cls._place = tempfile.gettempdir()
        return cls._process


def _write(end: str, asked: Sequence[tuple[Output, Future[Any]]], licence: str, folder: Path) -> None:
    for output, drawing in sorted(asked, key=lambda one: not one[1].done()):  # written while the rest is drawn
        one, source = f"{output['id']}{end}", line_text(output["source"]).removeprefix("Source:").strip()
        if "error" in (drawn := drawing.result()):
            raise PublishError(f"The figure {one}: {drawn['error']}")
        told = {**drawn["spec"], "usermeta": {"source": source, "licence": licence}}
        files = {
            f"figures/{one}.json": json.dumps(told, ensure_ascii=False, sort_keys=True, indent=1) + "\n",
            f"figures/{one}.svg": _named(drawn["svg"], one, output["alt"]),
            f"vega/{one}.json": json.dumps(drawn["vega"], ensure_ascii=False, separators=(",", ":")),
        }
        if not end:
            foot = f"{'Source: ' if source else ''}{source} {licence}".strip()
            download = _named(drawn["svg"], f"{one}-download", output["alt"])
            files[f"figures/{one}-download.svg"] = _signed(download, drawn["spec"], foot)
            files[f"figures/{one}.csv"] = f"\ufeff{_table(output['spec'], foot)}"
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8", newline="")


def _named(svg: str, name: str, alt: str) -> str:
    """Make of a drawing one image with one text, with ids of its own."""
    ids: dict[str, str] = {}
    svg = re.sub(r"\bclip\d+\b", lambda m: ids.setdefault(m[0], f"{name}-clip{len(ids)}"), svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label={quoteattr(" ".join(alt.split()))} ', 1)


def _signed(svg: str, spec: Mapping[str, Any], foot: str) -> str:
    """Set a drawing on white ground, below its title and above source and licence."""
    before, width, high, more, after = _SIZE.split(svg, maxsplit=1)
    title, wide, y = spec["title"], float(width), 0
    rows = [(line, 0, 18, f'size="14.67" font-weight="600" fill="{title["color"]}"') for line in title["text"]]
    rows += [(line, 0, 15, f'size="12" fill="{title["subtitleColor"]}"') for line in title["subtitle"]]
    top = sum(step for _, _, step, _ in rows) + 8
    feet = [(line, 4, 14, 'size="11"') for line in wrapped(foot, wide - 8, 11)]
    rows += [("", 0, int(float(high)) + 8, ""), *feet]
    texts = ""
    for line, x, step, look in rows:
        y += step
        texts += f'<text x="{x}" y="{y - 3}" font-{look}>{escape(line)}</text>' if line else ""
    size = f'width="{wide:g}" height="{y + 8}" viewBox="0 0 {wide:g} {y + 8}"{more}'
    drawing = f'<rect width="100%" height="100%" fill="#fff"/><g transform="translate(0,{top})">{after[:-6]}</g>'
    return f'{before} {size}>{drawing}<g font-family="Source Sans Pro, sans-serif">{texts}</g></svg>\n'


def _table(spec: Mapping[str, Any], foot: str) -> str:
    """Return what a chart says as one table, then source and licence; no cell is read as a formula.

    Columns stand under their titles. What only places a mark is left out, and a row that another one says with more.
    """
    titles, columns = _told(spec), dict[str, None]()
    rows: dict[frozenset[tuple[str, Any]], None] = {}
    for frame in map(pd.DataFrame, datasets(dict(spec)).values()):
        told = [column for column in map(str, frame) if column in titles]
        columns |= dict.fromkeys(told)
        for row in frame[told].map(_cell).to_dict("records"):
            rows[frozenset((str(name), cell) for name, cell in row.items() if pd.notna(cell) and cell != "")] = None
    table = pd.DataFrame([dict(row) for row in rows if not any(row < other for other in rows)])
    named = table.reindex(columns=[name for name in columns if name in table]).rename(columns=titles)
    parts = [named] * bool(len(named)) + [pd.DataFrame(columns=[_cell(foot)])]
    return "\r\n".join(part.to_csv(index=False, lineterminator="\r\n") for part in parts)


def _told(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns that a chart tells a reader and their titles: not those of places without an axis."""
    titles: dict[str, str] = {}
    for encoding in (part["encoding"] for part in walk(dict(spec)) if isinstance(part.get("encoding"), Mapping)):
        for channel, encoded in encoding.items():
            place = encoding.get(channel.rstrip("2"), encoded)
            bare = isinstance(place, Mapping) and "axis" in place and place["axis"] is None
            if channel.startswith(("lat", "lon")) or (bare and place.get("type") == "quantitative"):
                continue
            for one in encoded if isinstance(encoded, list) else [encoded]:
                one = {**one, **one["condition"]} if isinstance(one.get("condition"), Mapping) else one
                name = one.get("field")
                if isinstance(name, str) and not name.startswith(("row_id", "_")):
                    titles.setdefault(name, _cell(name.replace("_", " ").capitalize()))
                    for holder in (one.get("legend"), one.get("axis"), one):  # its own title goes before these
                        if isinstance(holder, Mapping) and isinstance(holder.get("title"), str) and holder["title"]:
                            titles[name] = _cell(holder["title"])
    return titles


def _cell(value: Any) -> Any:
    text = " ".join(value.split()) if isinstance(value, str) else value
    return f"'{text}" if isinstance(text, str) and text[:1] in ("=", "+", "-", "@") else text
