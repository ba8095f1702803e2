"""A run in a process whose clock runs faster: `python -m bench.hurried BEGAN FACTOR CONFIG OUT FILE`

Begins the run of which OUT is the output folder, or takes it up where there is one. BEGAN: the moment (epoch seconds)
from which time runs FACTOR times as fast, the same for every process of the run. Ends with the run's exit code.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path

from sspr.errors import CannotStart, SsprError
from sspr.job import Host, Job, JobRequest
from sspr.ledger import Ledger
from sspr.settings import home, load_settings


def main() -> int:
    """Carries the run out, as far as it comes."""
    began, factor, config, out, file = sys.argv[1:]

    def clock() -> float:
        return float(began) + (time.time() - float(began)) * float(factor)

    def sleep(seconds: float) -> None:
        time.sleep(max(0.0, seconds) / float(factor))

    settings, host = load_settings(Path(config)), Host(clock=clock, sleep=sleep)
    with closing(Ledger.open(settings.ledger.url, home())) as ledger:
        try:
            job = Job.load(ledger, settings, out, host)
        except CannotStart:
            request = JobRequest("run", (file,), "simulated", out=Path(out))
            job = Job.begin(ledger, settings, request, host)
        error: SsprError | None = None
        try:
            job.carry_out()
        except SsprError as stopped:
            error = stopped
        return int(job.close(error)["exit_code"])


if __name__ == "__main__":
    sys.exit(main())
