"""``alliances preview``: a chapter as it looks in the report, in a browser, a moment after each save."""

import json
import os
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from IPython.display import IFrame

from alliances import find_root
from alliances.build import notebook_names, plan
from alliances.dataset.dataset import VALIDATED
from alliances.errors import AlliancesError, ExecutionError
from alliances.publish import publish
from alliances.run.cache import Cache, digest, files_digest
from alliances.run.execute import run_notebooks
from alliances.run.notebooks import check_defaults
from alliances.stage import stage
from alliances.stage.figures import Drawer

_SHELL = Path(__file__).with_name("preview.html")


class Preview:
    """Renders the notebook that was saved last, keeps the last good page, and says why there is no newer one.

    `name` is the chapter to begin with, by default the one saved last; `values` are parameters as the user gave them.
    ExecutionError if the report has no such notebook.
    """

    def __init__(self, root: Path, name: str = "", values: Mapping[str, Any] | None = None) -> None:
        self.root, self.names, self.values = root, notebook_names(root), dict(values or {})
        if name and name not in self.names:
            raise ExecutionError(f"There is no notebook {name} in the report; choose one of {', '.join(self.names)}.")
        self.saved = self._saved()
        self.page, self.state = b"", {"name": name or max(self.saved, key=self.saved.__getitem__), "error": ""}
        self._data, self._planned = "", tuple[Any, ...]()

    def listen(self, port: int = 0) -> ThreadingHTTPServer:
        """Start to serve the page on this machine alone, in threads that end with this process."""
        handler = type("Handler", (_Handler,), {"preview": self, "log_message": lambda *_: None})
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def serve(self, port: int = 0, browser: bool = False, say: Callable[[str], None] = print) -> None:
        """Serve the page, and follow each save, until interrupted."""
        address = f"http://127.0.0.1:{self.listen(port).server_address[1]}/"
        say(f"The preview follows each save: {address} (Ctrl-C ends it)")
        if browser:
            webbrowser.open(address)
        self.follow()

    def follow(self) -> None:
        """Render, and render again whenever a notebook or a table is saved."""
        seen: Any = None
        while True:
            saved = self._saved()
            now = saved, sorted((path.name, path.stat().st_mtime_ns) for path in (self.root / "data").glob("*.*"))
            if now != seen and all(size for _, size in saved.values()):  # JupyterLab empties a file before it writes it
                changed = [name for name in saved if saved[name] != self.saved.get(name)]
                self.saved, seen = saved, now
                self.render(max(changed, key=saved.__getitem__) if changed else self.state["name"])
            time.sleep(0.05)

    def render(self, name: str) -> None:
        """Make the page of a chapter; where that fails, the last good one stays and the error is told."""
        error = ""
        try:
            self.page = self._render(name)
        except (AlliancesError, OSError) as failure:
            error = " ".join(str(failure).split())
        self.state = {"name": name, "error": error, "version": digest(self.page.decode(), name, error)}

    def _render(self, name: str) -> bytes:
        cache, data = Cache(self.root), files_digest((self.root / "data").iterdir(), self.root)
        if data != self._data:
            self._planned, self._data = plan(self.root, self.values), data  # it reads all notebooks
        _, _, dataset, _, defaults, parameters = self._planned
        check_defaults(self.root, name, defaults.as_dict())
        uncoded, known = dataset.uncoded, dataset.known(parameters.as_of, parameters.exclude_sources)
        executed = run_notebooks(self.root, [name], parameters.as_dict(), cache=cache, uncoded=uncoded)
        with tempfile.TemporaryDirectory(prefix="preview-") as folder:
            with Drawer(cache) as drawer:
                staged = stage(self.root, known, parameters, defaults, executed, Path(folder), drawer, only=name)
                drawer.finish()
            if staged.problems:
                raise ExecutionError(staged.problems[0])
            if not staged.chapters:
                raise ExecutionError(f"{name}.ipynb tells nothing in this edition; set parameters with -p.")
            return publish(Path(folder), ["html"], root=self.root, engine="embedded").files[0].read_bytes()

    def _saved(self) -> dict[str, tuple[int, int]]:
        """Return when each notebook was saved, and its size."""
        paths = {name: self.root / "notebooks" / f"{name}.ipynb" for name in self.names}
        found = {name: path.stat() for name, path in paths.items() if path.exists()}
        return {name: (each.st_mtime_ns, each.st_size) for name, each in found.items()}


class _Handler(BaseHTTPRequestHandler):
    """Serves the shell, the page in it, and the state by which the shell knows that there is a newer page."""

    preview: Preview

    def do_GET(self) -> None:
        shown, state = self.preview.page, json.dumps(self.preview.state).encode()
        body = {"/": _SHELL.read_bytes(), "/page": shown, "/state": state}.get(self.path.partition("?")[0])
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body or b"")


def show(name: str = "", height: int = 640, **values: Any) -> Any:
    """Return, for the last line of a cell, a preview that follows each save as long as the kernel runs."""
    if os.environ.get(VALIDATED):
        return None  # a chapter with this cell in it, which a preview or a build executes
    preview = Preview(find_root(), name, values)
    port = preview.listen().server_address[1]
    threading.Thread(target=preview.follow, daemon=True).start()
    return IFrame(f"http://127.0.0.1:{port}/", "100%", height)
