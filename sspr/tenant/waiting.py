"""Waiting that can be interrupted. Clock and sleep are arguments, so that tests have no time to lose."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from sspr.tenant.errors import Interrupted

Clock = Callable[[], float]  # seconds since the epoch: what processes and restarts have in common
Sleep = Callable[[float], None]

# A pause is slept in slices, so that a cancelled run ends soon and a machine that was asleep notices the clock.
SLICE = 0.25


@dataclass(frozen=True)
class Pause:
    """Sleeps until a moment of its clock. `cancelled`: raise `Interrupted` as soon as it is set."""

    clock: Clock
    sleep: Sleep
    cancelled: threading.Event | None = None

    def check(self) -> None:
        """Raises `Interrupted` where the run was cancelled."""
        if self.cancelled is not None and self.cancelled.is_set():
            raise Interrupted

    def until(self, moment: float, unless: Callable[[], bool] = lambda: False) -> bool:
        """Sleeps until `moment`; returns False as soon as `unless` holds, True otherwise."""
        while True:
            self.check()
            if unless():
                return False
            left = moment - self.clock()
            if left <= 0:
                return True
            self.sleep(min(SLICE, left))
