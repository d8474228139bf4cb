"""``alliances lab``: JupyterLab on this project, which saves notebooks as they are committed."""

from __future__ import annotations

import json
import os
import posixpath
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from jupyterlab.labapp import LabApp

from alliances.errors import AlliancesError
from alliances.paths import ROOT_VARIABLE, find_root
from alliances.run import forks, notebooks
from alliances.run.refresh import settle

_SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {"codeCellConfig": {"lineWrap": True}},  # a sentence is a long line
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
# The charts' font, in which their text was measured; words that nobody sees fetch it before the first chart is drawn.
_STYLE = "\n".join(
    f"""@font-face {{ font-family: "Source Sans Pro"; font-weight: {weight}; src: url(SourceSansPro-{face}.woff2); }}
body::{place} {{ content: "a"; font: {weight} 1px "Source Sans Pro"; position: absolute; visibility: hidden; }}"""
    for face, weight, place in (("Regular", 400, "before"), ("Semibold", 600, "after"))
)


def lab(root: Path, port: int = 0, browser: bool = True) -> None:
    """Run JupyterLab on this machine alone, with its token, until it is stopped."""
    # Its kernels show what those of a build do; its terminals find `alliances`.
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    os.environ |= forks.SETTINGS | {ROOT_VARIABLE: str(root), "ALLIANCES_LAB": "1", "PATH": programs}
    start = f"notebooks/{notebooks.START}"
    page = f"/tree/{start}" if (root / start).exists() else ""
    with tempfile.TemporaryDirectory(prefix="lab-") as settings:
        Path(settings, "overrides.json").write_text(json.dumps(_SETTINGS), encoding="utf-8")
        Path(settings, "custom.css").write_text(_STYLE, encoding="utf-8")
        styles = {"static_custom_path": [settings, f"{root}/report/_extensions/alliances/fonts"]}
        LabApp.launch_instance([
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={root}", f"--LabServerApp.app_settings_dir={settings}",
            "--LabApp.extension_manager=readonly", "--LabApp.custom_css=True", f"--ServerApp.tornado_settings={styles}",
            f"--LabApp.default_url=/lab{page}", "--ServerApp.jpserver_extensions={'alliances.lab': True}",
            *([f"--ServerApp.port={port}"] if port else []), *([] if browser else ["--no-browser"]),
            *(["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []),
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
