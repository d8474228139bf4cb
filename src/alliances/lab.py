"""``alliances lab``: JupyterLab on this project, which saves notebooks as committed; and the form of its start page."""

import os
import posixpath
import subprocess
import sys
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ipywidgets as widgets
import nbformat
from IPython.display import IFrame, Markdown, display

from alliances import find_root
from alliances.dataset import Dataset
from alliances.errors import AlliancesError, ParameterError
from alliances.parameters import check_parameters, described
from alliances.run import forks, notebooks
from alliances.run.refresh import settle

#: Its settings, and the charts' font.
_LOOK = Path(__file__).with_name("jupyterlab")


def lab(root: Path, port: int = 0, browser: bool = True) -> None:
    """Run JupyterLab on this machine alone, with its token, until it is stopped."""
    from jupyterlab.labapp import LabApp  # which a kernel that shows the form does without

    # Its kernels show what those of a build do; its terminals find `alliances`.
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    os.environ |= forks.SETTINGS | {"ALLIANCES_ROOT": str(root), "ALLIANCES_LAB": "1", "PATH": programs}
    start = f"notebooks/{notebooks.START}"
    page = f"/tree/{start}" if (root / start).exists() else ""
    styles = {"static_custom_path": [str(_LOOK), f"{root}/report/_extensions/alliances/fonts"]}
    LabApp.launch_instance([
        "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={root}", f"--LabServerApp.app_settings_dir={_LOOK}",
        "--LabApp.extension_manager=readonly", "--LabApp.custom_css=True", f"--ServerApp.tornado_settings={styles}",
        f"--LabApp.default_url=/lab{page}", "--ServerApp.jpserver_extensions={'alliances.lab': True}",
        "--allow-root", *([f"--ServerApp.port={port}"] if port else []), *([] if browser else ["--no-browser"]),
    ])  # fmt: skip


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "alliances.lab"}]


def _load_jupyter_server_extension(server: Any) -> None:
    server.contents_manager.register_pre_save_hook(before_saving)


def before_saving(*, model: dict[str, Any], path: str, **_: Any) -> None:
    """Let JupyterLab save a notebook of this project as `refresh` writes it."""
    folder, name = posixpath.split(path)
    if model["type"] != "notebook" or folder != "notebooks":
        return
    notebook: Any = nbformat.from_dict(model["content"])
    committed = None
    with suppress(AlliancesError):
        committed = notebooks.read(find_root(), name.removesuffix(".ipynb"))
    settle(notebook, committed)
    for cell in notebook.cells if name == notebooks.START else ():
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    model["content"] = notebook


class Form(widgets.VBox):  # type: ignore[misc]  # the package has no types
    """A field for each parameter, with what it means and allows and what is wrong with it; a button that builds."""

    def __init__(self) -> None:
        self.root = find_root()
        self.dataset = Dataset.load(self.root)
        self.fields, self.faults = dict[str, Any](), dict[str, Any]()
        rows = [self._row(*row) for row in described(self.dataset)]
        self.button = widgets.Button(description="Build the edition", button_style="primary")
        self.button.on_click(lambda _: self.build())
        self.told, self.shown = widgets.HTML(), widgets.Output()
        super().__init__([*rows, widgets.HBox([self.button, self.told]), self.shown])

    def _row(self, name: str, kind: str, default: str, meaning: str, example: str) -> Any:
        allowed = {one.name: f"From {one.minimum:,} to {one.maximum:,}." for one in self.dataset.scenario}
        allowed["exclude_sources"] = f"Of {', '.join(self.dataset['sources']['source_id'])}; commas between them."
        hint = f"not set; such as {example}" if default == "not set" else default
        layout = widgets.Layout(width="27em", flex="none")
        field = widgets.Text(description=name, placeholder=hint, continuous_update=False, layout=layout)
        field.style.description_width = "11em"
        field.observe(lambda _: self.check(), "value")
        self.fields[name], self.faults[name] = field, widgets.HTML()
        words = widgets.HTML(f"{escape(meaning)} <small>{escape(kind)}. {escape(allowed.get(name, ''))}</small>")
        return widgets.HBox([field, widgets.VBox([words, self.faults[name]])])

    def check(self) -> None:
        """Say beside each field what is wrong with it; nothing is built while something is."""
        for name, field in self.fields.items():
            told = ""
            try:
                check_parameters({name: field.value}, self.dataset)
            except ParameterError as error:
                told = f'<b role="alert" style="color:#b00020">{escape(str(error))}</b>'
            self.faults[name].value = told
        self.button.disabled = any(fault.value for fault in self.faults.values())

    def build(self) -> None:
        """Build the edition in a process of its own, tell what that says, and show the page with its links."""
        self.button.disabled, self.told.value = True, "Starting …"
        self.shown.clear_output()
        values = [word for name, field in self.fields.items() if field.value for word in ("-p", name, field.value)]
        command = [sys.executable, "-m", "alliances.cli", "build", *values]
        said, environment = list[str](), {**os.environ, "ALLIANCES_ROOT": str(self.root), "PYTHONUTF8": "1"}
        with subprocess.Popen(
            command, cwd=self.root, env=environment, encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as running:
            for line in running.stdout or ():
                said.append(line.strip())
                self.told.value = escape(said[-1])
        self.button.disabled = False
        if running.returncode == 0:
            made = [line for line in said if line.endswith(("report.html", "report.pdf"))]
            place = escape(str(Path(made[0]).parent))
            self.told.value = f"Ready, in {place}; in its page, Trust HTML gives marks their cards:"
            with self.shown:
                display(Markdown(" · ".join(f"[{Path(file).name}](../{quote(file)})" for file in made)))
                if os.environ.get("ALLIANCES_LAB"):  # it serves files; other programs that show notebooks do not
                    display(IFrame(f"/files/{quote(made[0])}", "100%", 640))
