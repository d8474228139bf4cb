"""Typst in a process of its own: what it keeps of a document (some hundred megabytes) goes when it is done.

Run as ``python typesetting.py``, with a request as JSON on standard input; the answer is JSON on standard output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["TypesettingError", "typeset"]


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


def typeset(document: Path, target: Path, fonts: Path, timestamp: int) -> list[str]:
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
    request = {"document": str(document), "fonts": str(fonts), "timestamp": timestamp}
    done = subprocess.run(
        [sys.executable, "-P", __file__], input=json.dumps(request).encode(), capture_output=True, check=False
    )
    head, _, pdf = done.stdout.partition(b"\n")
    if done.returncode != 0 or not head:
        text = done.stderr.decode("utf-8", errors="replace")
        raise TypesettingError(f"its process ended with {done.returncode}", text)
    answer = json.loads(head)
    if "error" in answer:
        raise TypesettingError(answer["error"], answer["diagnostic"])
    target.write_bytes(pdf)
    return [str(warning) for warning in answer["warnings"]]


def _main() -> None:
    import typst

    request = json.load(sys.stdin)
    document = Path(request["document"])
    pdf = b""
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
        answer: dict[str, Any] = {"warnings": [str(warning) for warning in warnings]}
    except typst.TypstError as error:
        answer = {"error": error.message, "diagnostic": error.diagnostic}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + pdf)


if __name__ == "__main__":
    _main()
