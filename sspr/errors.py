"""What can stop a command. Each error is one or two plain sentences for a person and an exit code.

    SsprError
    ├── CannotStart    nothing was touched                                  exit code 2
    │   └── Busy       another process is at it                             exit code 2, or 3 where it had begun
    └── Stopped        stopped before the end; `sspr resume` goes on        exit code 3

Messages never hold contact data or secrets: they reach terminals, logs and Prefect's database.
"""

from __future__ import annotations


class SsprError(Exception):
    """A sentence for a person. `exit_code` is what the command ends with."""

    exit_code = 3


class CannotStart(SsprError):  # noqa: N818 - said of the command, not of the class
    """Bad arguments, unreadable input or bad configuration: nothing was touched."""

    exit_code = 2


class Stopped(SsprError):  # noqa: N818 - the same
    """The run ended before its last row, and can be resumed."""

    exit_code = 3


class Busy(CannotStart):
    """Another process works on the run, or on administrators of it: `what`. None of them was touched here."""

    def __init__(self, what: str, advice: str) -> None:
        self.what = what
        super().__init__(f"{what} {advice}")
