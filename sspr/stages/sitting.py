"""A run found by what a person calls it, and who has it in hand, noted in its ledger from the first step on."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sspr.errors import CannotStart
from sspr.ledger import Ledger, RunLedger, RunRecord


class Sitting:
    """This process's session on a run. One that is killed leaves its session without an end."""

    def __init__(self, run: RunLedger, clock: Callable[[], float]) -> None:
        self._trail = run.trail
        self._clock = clock
        self._number = 0

    def begin(self, command: str) -> None:
        """A step of the run, which is one of `command`, is about to be taken."""
        if not self._number:
            self._number = self._trail.begin_session(who(), command, self._clock())

    def end(self, exit_code: int | None) -> None:
        """The run is let go of, if it was taken up."""
        if self._number:
            self._trail.end_session(self._number, exit_code, self._clock())
            self._number = 0


def who() -> str:
    """The person and the machine, as the operating system knows them."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        return f"unknown@{socket.gethostname()}"


def find(ledger: Ledger, named: str) -> RunLedger:
    """The run of that id, or of that output folder. Raises `CannotStart` where there is none."""
    with suppress(LookupError):
        return ledger.run(named)
    by_folder = ledger.run_by_folder(Path(named))
    if by_folder is None:
        raise CannotStart(f"There is no run {named!r} in the ledger. `sspr runs` lists them.")
    return ledger.run(by_folder)


def require_values(record: RunRecord) -> None:
    """Raises `CannotStart` where the run's contact data was forgotten: it can be told, and not be worked on."""
    if record.pruned:
        raise CannotStart(
            f"The contact data of run {record.id} was forgotten (`sspr runs prune`), so it can be shown, and not be "
            "resumed, applied or undone."
        )
