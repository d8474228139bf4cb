"""Errors that a user can act on: one sentence each, and the exit code of the command line."""

import errno
import shutil


class AlliancesError(Exception):
    """Something that the user can put right; its text is one sentence, `exit_code` that of the command line."""

    exit_code: int = 2

    def _render_traceback_(self) -> list[str]:
        """Show the sentence alone where a notebook's cell raises it: IPython asks for this."""
        return [str(self)]


class DataError(AlliancesError):
    """The dataset or a source text cannot be used as it is."""


class ParameterError(AlliancesError):
    """A parameter has a value that is not allowed."""


class NarrativeError(AlliancesError):
    """A sentence, chart or table asks for what is not there."""


def refuse(is_wrong: object, message: str) -> None:
    """Raise a `NarrativeError` where something is wrong."""
    if is_wrong:
        raise NarrativeError(message)


class ExecutionError(AlliancesError):
    """A notebook, or a batch on a cluster, could not be executed."""


class PublishError(AlliancesError):
    """The executed notebooks could not be made into a report, or the report into HTML or PDF."""


def sentence_of(error: OSError) -> str:
    """Say in one sentence what the operating system refused, and what to do about it where that is known."""
    place, reason = error.filename2 or error.filename, error.strerror or str(error)  # where to, not where from
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        _, place, reason = error.args[0][0]  # the first of the files that could not be copied
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if error.errno in full or any(f"[Errno {number}]" in str(reason) for number in full):
        where = f"at {place}" if place else "for the report or for temporary files"
        return f"There is no room left {where}; free some space on that disk, or choose another, and try again."
    return f"{reason} ({place or 'no file named'})."
