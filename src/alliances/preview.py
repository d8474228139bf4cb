"""``alliances preview``: a chapter as it looks in the report, in a browser, a moment after each save."""

from __future__ import annotations

import json
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from alliances.build import checked_parameters, notebook_names
from alliances.dataset import Dataset
from alliances.errors import AlliancesError, ExecutionError
from alliances.parameters import Parameters
from alliances.paths import find_root
from alliances.publish import publish
from alliances.run.cache import Cache, digest, files_digest
from alliances.run.execute import run_notebooks
from alliances.run.notebooks import check_defaults
from alliances.stage import stage

_SHELL = Path(__file__).with_name("preview.html")


class Preview:
    """Renders the notebook that was saved last, keeps the last good page, and says why there is no newer one.

    Parameters
    ----------
    name : str
        The chapter to begin with; "" takes the notebook saved last.
    values : mapping of str to object
        Parameters as the user gave them.

    Raises
    ------
    ExecutionError
        If there is no such notebook in the report.
    """

    def __init__(self, root: Path, name: str = "", values: Mapping[str, Any] | None = None) -> None:
        self.root, self.names, self.values = root, notebook_names(root), dict(values or {})
        if name and name not in self.names:
            raise ExecutionError(f"There is no notebook {name} in the report; choose one of {', '.join(self.names)}.")
        self.saved = self._saved()
        self.page, self.state = b"", {"name": name or max(self.saved, key=lambda one: self.saved[one][0]), "error": ""}
        self._data, self._dataset = "", Dataset.load(root)
        self._parameters: list[Parameters] = []

    def serve(self, port: int = 0, browser: bool = False, say: Callable[[str], None] = print) -> None:
        """Serve the page on this machine alone, and follow each save, until interrupted."""
        server = self.listen(port)
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        say(f"The preview follows each save: {address} (Ctrl-C ends it)")
        if browser:
            webbrowser.open(address)
        self.follow()

    def listen(self, port: int = 0) -> ThreadingHTTPServer:
        """Start to serve, in threads that end with this process."""
        server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"preview": self}))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def follow(self) -> None:
        """Render, and render again whenever a notebook or a table is saved."""
        seen: tuple[Any, str] | None = None
        while True:
            saved, data = self._saved(), self._stamp("data")
            changed = [name for name in saved if saved[name] != self.saved.get(name)]
            self.saved = saved
            name = max(changed, key=lambda one: saved[one]) if changed else self.state["name"]
            if changed or (name, data) != seen:
                seen = name, data
                self.render(name)
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
        data = files_digest((self.root / "data").iterdir(), self.root)
        if data != self._data:
            self._dataset = Dataset.load(self.root, validate=bool(self._data))
            _, *self._parameters = checked_parameters(self.root, self._dataset, self.values)  # it reads all notebooks
            self._data = data
        cache, (defaults, parameters) = Cache(self.root), self._parameters
        check_defaults(self.root, [name], defaults.as_dict())
        uncoded, known = self._dataset.uncoded, self._dataset.known(parameters.day, parameters.exclude_sources)
        executed = run_notebooks(self.root, [name], parameters.as_dict(), cache=cache, uncoded=uncoded)
        with tempfile.TemporaryDirectory(prefix="preview-") as folder:
            staged = stage(self.root, known, parameters, defaults, executed, Path(folder), cache, only=name)
            if staged.problems:
                raise ExecutionError(staged.problems[0])
            if not staged.chapters:
                raise ExecutionError(f"{name}.ipynb tells nothing in this edition; set parameters with -p.")
            return publish(Path(folder), ["html"], root=self.root, engine="embedded").files[0].read_bytes()

    def _saved(self) -> dict[str, tuple[int, int]]:
        paths = {name: self.root / "notebooks" / f"{name}.ipynb" for name in self.names}
        found = {name: path.stat() for name, path in paths.items() if path.exists()}
        return {name: (stat.st_mtime_ns, stat.st_size) for name, stat in found.items()}

    def _stamp(self, folder: str) -> str:
        return digest(sorted((path.name, path.stat().st_mtime_ns) for path in (self.root / folder).glob("*.*")))


class _Handler(BaseHTTPRequestHandler):
    """Serves the shell, the page in it, and the state by which the shell knows that there is a newer page."""

    preview: Preview

    def do_GET(self) -> None:
        kind, body = "text/html; charset=utf-8", b""
        if self.path == "/":
            body = _SHELL.read_bytes()
        elif self.path.startswith("/page"):
            body = self.preview.page
        elif self.path == "/state":
            kind, body = "application/json", json.dumps(self.preview.state).encode()
        self.send_response(200 if body else 404)
        for name, value in {"Content-Type": kind, "Content-Length": len(body), "Cache-Control": "no-store"}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing of each request."""


def show(name: str = "", height: int = 640, **values: Any) -> Any:
    """Return, for the last line of a cell, a preview that follows each save as long as the kernel runs."""
    from IPython.display import IFrame

    preview = Preview(find_root(), name, values)
    server = preview.listen()
    threading.Thread(target=preview.follow, daemon=True).start()
    return IFrame(f"http://127.0.0.1:{server.server_address[1]}/", "100%", height)
