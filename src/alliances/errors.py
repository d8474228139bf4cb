"""Errors that a user can act on: one sentence each, and the exit code of the command line."""

from __future__ import annotations

__all__ = [
    "AlliancesError",
    "DataError",
    "ExecutionError",
    "NarrativeError",
    "ParameterError",
    "PublishError",
    "StagingError",
]


class AlliancesError(Exception):
    """Something that the user can put right; its text is one sentence for people.

    Attributes
    ----------
    exit_code : int
        What the command line exits with.
    """

    exit_code: int = 2


class DataError(AlliancesError):
    """The dataset or a source text cannot be used as it is."""


class ParameterError(AlliancesError):
    """A parameter has a value that is not allowed."""


class NarrativeError(AlliancesError):
    """A sentence names a row or figure that does not exist."""


class StagingError(AlliancesError):
    """The executed notebooks cannot be made into a report."""


class ExecutionError(AlliancesError):
    """A notebook could not be executed."""


class PublishError(AlliancesError):
    """The staged report could not be turned into HTML or PDF."""
