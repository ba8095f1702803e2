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
        self.sentence = sentence
        super().__init__(f"{mask_text(sentence)} (exit code {exit_code}{'; ' if counts else ''}{counts})")


def told(error: BaseException, counts: str = "") -> StageError:
    """The error as Prefect may see it. Of an unforeseen one only its type and place: its text may quote a cell."""
    if isinstance(error, StageError):
        return StageError(error.exit_code, error.sentence, counts) if counts else error
    if isinstance(error, SsprError):
        return StageError(error.exit_code, str(error), counts)
    fault = f"A fault in sspr itself: {type(error).__name__} at {_place(error)}. Please report this line."
    return StageError(3, fault, counts)


def _place(error: BaseException) -> str:
    """Module and line of the innermost frame that is ours."""
    place, trace = "unknown", error.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        if name.split(".", maxsplit=1)[0] in {"sspr", "tasks", "flows"}:
            place = f"{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
