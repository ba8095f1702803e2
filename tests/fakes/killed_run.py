"""A run that kills its own process (SIGKILL) in one of the crash windows. Run by tests as a program of its own:

`python -m tests.fakes.killed_run WINDOW NTH CONFIG OUT FILE` prints the run id, then dies at the NTH passage of WINDOW.
With `undo RUN_ID` in the place of FILE it undoes that run.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sspr.job import Host, Job, JobRequest
from sspr.ledger import Ledger, RunLedger
from sspr.settings import home, load_settings

# Window → the ledger's method around which it opens, and whether the kill comes after the method has done its work.
WINDOWS = {
    "taking in": ("take_in", False),
    "taken in": ("take_in", True),
    "compared, not recorded": ("record_compared", False),
    "compared and noted": ("record_compared", True),
    "about to be recorded": ("record_sent", False),
    "recorded, not sent": ("record_sent", True),
    "answered, not noted": ("record_answers", False),
    "noted, not read back": ("record_answers", True),
    "read back, not noted": ("record_look", False),
    "noted, not reported": ("record_look", True),
}


class MortalLedger(RunLedger):
    """A run's ledger that ends the process in its window."""

    window = ("", False)
    left = 0

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        method, after = type(self).window
        if name != method:
            return found

        def mortal(*arguments: Any, **words: Any) -> Any:
            MortalLedger.left -= 1
            if self.left == 0 and not after:
                _die()
            result = found(*arguments, **words)
            if self.left == 0:
                _die()
            return result

        return mortal


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: Sequence[str]) -> None:
    """Begins the run and carries it out until it dies; ends with 0 where it never did."""
    window, nth, config, out, *files = arguments
    settings = load_settings(Path(config))
    ledger, host = Ledger.open(None, home()), Host()
    request = JobRequest("run", tuple(files), "simulated", out=Path(out))
    if files[0] == "undo":
        request = Job.load(ledger, settings, files[1], host).undoing(None, Path(out))
    job = Job.begin(ledger, settings, request, host)
    print(job.id, flush=True)  # noqa: T201 - the test reads it
    MortalLedger.window, MortalLedger.left = WINDOWS[window], int(nth)
    mortal = Job(ledger, settings, MortalLedger(job.run._engine, job.id), host)
    mortal.carry_out()
    mortal.close()


if __name__ == "__main__":
    main(sys.argv[1:])
