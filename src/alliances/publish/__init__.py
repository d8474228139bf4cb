"""From the staged folder to report.html and report.pdf, with Quarto or with the embedded engine."""

from alliances.publish.engines import Published, engine_version, publish

__all__ = ["Published", "engine_version", "publish"]
