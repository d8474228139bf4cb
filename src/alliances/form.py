"""The form of the start notebook: the parameters of an edition with their bounds, and a button that builds it."""

from __future__ import annotations

import os
import subprocess
import sys
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ipywidgets as widgets
from IPython.display import IFrame, Markdown, display

from alliances.build import notebook_names
from alliances.dataset import Dataset
from alliances.errors import ParameterError
from alliances.parameters import check_parameters, described
from alliances.paths import find_root

_WIDE = widgets.Layout(width="27em", flex="none")


class Form:
    """A field for each parameter, with what it means and allows and what is wrong with it; build, progress, result."""

    def __init__(self, root: Path) -> None:
        self.root, self.dataset = root, Dataset.load(root)
        self.fields: dict[str, Any] = {}
        self.faults: dict[str, Any] = {}
        rows = [self._row(*row) for row in described(self.dataset)]
        self.button = widgets.Button(description="Build the edition", button_style="primary")
        self.button.on_click(lambda _: self.build())
        self.progress = widgets.IntProgress(max=len(notebook_names(root)) + 2, layout=_WIDE)
        self.told, self.shown = widgets.HTML(), widgets.Output()
        last = widgets.HBox([self.button, self.progress, self.told])
        self.box = widgets.VBox([*rows, last, self.shown])

    def _row(self, name: str, kind: str, default: str, meaning: str, example: str) -> Any:
        bounds = {one.name: f" From {one.minimum:,} to {one.maximum:,}." for one in self.dataset.scenario}
        more: dict[str, Any] = {"description": name, "layout": _WIDE, "style": {"description_width": "11em"}}
        if name == "exclude_sources":
            sources = self.dataset["sources"]["source_id"]
            field: Any = widgets.SelectMultiple(options=list(sources), rows=len(sources), **more)
        else:
            hint = f"not set; such as {example}" if default == "not set" else default
            field = widgets.Text(placeholder=hint, continuous_update=False, **more)
        self.fields[name], self.faults[name] = field, widgets.HTML()
        field.observe(lambda _: self.check(), "value")
        words = widgets.HTML(f"{escape(meaning)} <small>{escape(kind)}.{bounds.get(name, '')}</small>")
        return widgets.HBox([field, widgets.VBox([words, self.faults[name]])])

    def check(self) -> bool:
        """Say beside each field what is wrong with it; return whether nothing is."""
        for name, field in self.fields.items():
            told = ""
            try:
                check_parameters({name: field.value}, self.dataset)
            except ParameterError as error:
                told = f'<b role="alert" style="color:#b00020">{escape(str(error))}</b>'
            self.faults[name].value = told
        self.button.disabled = any(fault.value for fault in self.faults.values())
        return not self.button.disabled

    def build(self) -> None:
        """Build the edition in a process of its own, count its notebooks, and show the page with its links."""
        if not self.check():
            return
        self.button.disabled, self.progress.value = True, 0
        self.shown.clear_output()
        command = [sys.executable, "-m", "alliances.cli", "build"]
        for name, field in self.fields.items():
            value = field.value if isinstance(field.value, str) else ",".join(field.value)
            command += ["-p", name, value] if value else []
        self.told.value = "Starting …"
        said, environment = list[str](), {**os.environ, "ALLIANCES_ROOT": str(self.root), "PYTHONUTF8": "1"}
        with subprocess.Popen(
            command, cwd=self.root, env=environment, encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as running:
            for line in running.stdout or ():
                said.append(line.strip())
                self.told.value = escape(said[-1])
                self.progress.value += line.startswith("  executed")
        self.button.disabled = False
        if running.returncode == 0:
            made = [line for line in said if line.endswith(("report.html", "report.pdf"))]
            self.progress.value = self.progress.max
            place = escape(str(Path(made[0]).parent))
            self.told.value = f"Ready, in {place}; in its page, Trust HTML gives marks their cards:"
            with self.shown:
                self._show(made)

    def _show(self, files: list[str]) -> None:
        display(Markdown(" · ".join(f"[{Path(file).name}](../{quote(file)})" for file in files)))
        if os.environ.get("ALLIANCES_LAB"):  # it serves files; other programs that show notebooks do not
            display(IFrame(f"/files/{quote(files[0])}", "100%", 640))


def form() -> Any:
    """Return the form, as the last line of a cell shows it."""
    return Form(find_root()).box
