"""Editions of nothing but a town: what tests of batches build, light to import in a worker."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from alliances.errors import ExecutionError, ParameterError
from alliances.place import made_of


def check(values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Parameters as this test has them: a town and a day."""
    for name in values:
        if name not in ("day", "town"):
            raise ParameterError(f"There is no parameter “{name}”.")
    if values["town"] == "XYZ":
        raise ParameterError("There is no town “XYZ”.")
    return f"{values['day']}_{values['town']}", {"day": values["day"], "town": values["town"]}


def build(root: Path, values: Mapping[str, Any], *, output: Path, formats: tuple[str, ...], **more: Any) -> Any:
    """Write an edition; what a town does stands in a file of the project."""
    town = values["town"]
    mood = mood_of(root, town)
    if mood == "fails":
        more["log"].write_text("traceback")
        raise ExecutionError("The <b>bridge</b> is out.")
    if mood == "slow":
        time.sleep(8)
    if mood == "breaks":
        raise ZeroDivisionError("nothing")
    died = Path(mood.partition(": ")[2] or root, "died")  # on a cluster each worker has a project of its own
    if mood.startswith("dies once") and not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if mood == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    output.mkdir(parents=True, exist_ok=True)
    outputs = {}
    for kind in formats:
        (output / f"report.{kind}").write_text(town)
        outputs[f"report.{kind}"] = hashlib.sha256(town.encode()).hexdigest()
    manifest = {"parameters": dict(values), "defaults": {}, "formats": formats, "engine": more["engine"]}
    text = json.dumps({**manifest, **made_of(root), "outputs": outputs})
    (output / "manifest.json").write_text(text)
    return SimpleNamespace(notice="")


def mood_of(root: Path, town: str) -> str:
    """Return what a town does: a file of the project says it."""
    file = root / "data" / f"{town}.csv"
    return file.read_text() if file.exists() else ""
