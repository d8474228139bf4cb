"""Typst in a process of its own: what it keeps of a document (some hundred megabytes) goes when the process ends.

While it runs, it sets again only what has changed since it set a report last. Run as ``python typesetting.py``, it
reads requests, a JSON object a line, and answers each with a JSON object on a line and, behind it, the PDF, of the size
told there.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

__all__ = ["Typesetter", "TypesettingError"]

# Between two reports Typst frees some hundred megabytes, which it needs again at once: with the GNU C library this
# process keeps them, and asks for more in large parts. It takes a tenth of the time; elsewhere it means nothing.
_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(4 << 30), "MALLOC_TOP_PAD_": str(64 << 20)}


class TypesettingError(Exception):
    """Typst refused the document.

    Parameters
    ----------
    message : str
        Typst's message.
    diagnostic : str
        The same with the place in the document.
    """

    def __init__(self, message: str, diagnostic: str) -> None:
        super().__init__(message)
        self.message = message
        self.diagnostic = diagnostic


class Typesetter:
    """A process that sets documents, as a context; it ends with the context, and starts when it is needed.

    Parameters
    ----------
    threads : int
        Processors that it may use at a time; 0 takes all.
    """

    def __init__(self, threads: int = 0) -> None:
        self._environment = {**_MEMORY, **os.environ, **({"RAYON_NUM_THREADS": str(threads)} if threads else {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._lock = threading.Lock()
        self._unread = 0

    @staticmethod
    @contextlib.contextmanager
    def or_own(running: Typesetter | None) -> Iterator[Typesetter]:
        """Use a process that is running, or else one of one's own for this once."""
        if running is not None:
            yield running
            return
        with Typesetter() as own:
            yield own

    def __enter__(self) -> Typesetter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # _end closes it
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for the build, which then ends us
            )
        return self._process

    def _end(self) -> str:
        """End the process and return what it said."""
        process, errors, self._process, self._errors, self._unread = self._process, self._errors, None, None, 0
        if process is None or errors is None:
            return ""
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
        with errors:
            errors.seek(0)
            return errors.read().decode("utf-8", errors="replace")

    def prepare(self, document: Path, fonts: Path) -> None:
        """Have a document set whose PDF nobody needs, and go on at once: one like it is then set much faster."""
        with self._lock, contextlib.suppress(OSError):
            self._ask(document, fonts, 0)
            self._unread += 1

    def typeset(self, document: Path, target: Path, fonts: Path, timestamp: int) -> list[str]:
        """Set a document as a PDF/UA-1 file.

        Parameters
        ----------
        document : Path
            Typst source; all that it uses stands in its folder.
        target : Path
            PDF to write.
        fonts : Path
            Folder of the fonts; no others are used.
        timestamp : int
            Creation date in seconds since 1970.

        Returns
        -------
        list of str
            Typst's warnings.

        Raises
        ------
        TypesettingError
            If Typst refuses the document, or its process fails.
        OSError
            If the file cannot be written.
        """
        with self._lock:
            try:
                while self._unread:
                    self._answer()
                    self._unread -= 1
                self._ask(document, fonts, timestamp)
                answer, pdf = self._answer()
            except OSError as error:
                raise TypesettingError("its process ended", self._end()) from error
            except BaseException:
                self._end()  # an answer that nobody has read would be taken for the next one
                raise
        if "error" in answer:
            raise TypesettingError(answer["error"], answer["diagnostic"])
        target.write_bytes(pdf)
        return [str(warning) for warning in answer["warnings"]]

    def _ask(self, document: Path, fonts: Path, timestamp: int) -> None:
        stdin = self._started().stdin
        assert stdin is not None  # it is a pipe
        request = {"document": str(document), "fonts": str(fonts), "timestamp": timestamp}
        stdin.write(json.dumps(request).encode() + b"\n")
        stdin.flush()

    def _answer(self) -> tuple[dict[str, Any], bytes]:
        stdout = self._started().stdout
        assert stdout is not None  # it is a pipe
        line = stdout.readline()
        if not line:
            raise OSError("the process has gone")
        answer: dict[str, Any] = json.loads(line)
        pdf = stdout.read(answer["size"])
        if len(pdf) < answer["size"]:
            raise OSError("the process has gone")
        return answer, pdf


def _set(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    import typst

    document = Path(request["document"])
    try:
        pdf, warnings = typst.compile_with_warnings(
            document,
            root=document.parent,
            font_paths=[request["fonts"]],
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards="ua-1",
            timestamp=request["timestamp"],
        )
    except typst.TypstError as error:
        return {"error": error.message, "diagnostic": error.diagnostic, "size": 0}, b""
    return {"warnings": [str(warning) for warning in warnings], "size": len(pdf)}, pdf


def _main() -> None:
    for line in sys.stdin.buffer:
        answer, pdf = _set(json.loads(line))
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + pdf)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
