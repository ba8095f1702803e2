"""The one exception that leaves a task or a flow.

Prefect stores an exception's text in four tables of its database, and the traceback of a chained one in its log.
So what is raised towards Prefect is made here, of sentences and counts that hold no contact data, and never chained.
"""

from __future__ import annotations

from sspr.errors import SsprError
from sspr.masking import mask_text


class StageError(Exception):
    """Why a stage or a run ended before its end: the exit code that the command would give, a sentence, counts."""

    def __init__(self, exit_code: int, sentence: str, counts: str = "") -> None:
        self.exit_code = exit_code
        super().__init__(f"{mask_text(sentence)} (exit code {exit_code}{'; ' if counts else ''}{counts})")


def told(error: BaseException, counts: str = "") -> StageError:
    """The error as Prefect may see it. Of an unforeseen one only its type: its text may quote a cell."""
    if isinstance(error, StageError):
        return error
    if isinstance(error, SsprError):
        return StageError(error.exit_code, str(error), counts)
    return StageError(
        3, f"Unforeseen {type(error).__name__}; the worker's console has no more than this.", counts
    )
