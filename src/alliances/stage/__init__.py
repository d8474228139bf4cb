"""From executed notebooks to one Markdown report with its evidence, figures, and the check of its numbers."""

from alliances.stage.report import Staged, stage

__all__ = ["Staged", "stage"]
