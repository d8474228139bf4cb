"""Draws the charts that it is told on standard input, in a process of its own: who has drawn cannot be forked."""

from __future__ import annotations

import json
import sys
from typing import Any

from alliances.charts.figure import fitted, svg, vega
from alliances.errors import NarrativeError

__all__ = ["draw"]


def draw(spec: dict[str, Any]) -> dict[str, Any]:
    """Draw one chart: as SVG without and with its title, compiled to Vega, and the specification as fitted.

    The report sets title and alternative text as words; the download needs them in the picture.
    """
    bare = {key: value for key, value in spec.items() if key not in ("title", "description")}
    try:
        fit = fitted(bare)
        titled = fit | {key: spec[key] for key in ("title", "description") if key in spec}
        return {"svg": svg(fit), "download": svg(titled), "vega": vega(fit), "spec": titled}
    except NarrativeError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    json.dump([draw(spec) for spec in json.loads(sys.stdin.buffer.read())], sys.stdout)
