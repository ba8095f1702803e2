"""Clocks that tests set."""

from __future__ import annotations

import threading
import time

from sspr.job import Host


class FastClock:
    """Runs `factor` times as fast as the real one, `ahead` seconds before it; its pauses are as much shorter."""

    def __init__(self, factor: float, ahead: float = 0.0) -> None:
        self._factor, self._began = factor, time.time()
        self._start = self._began + ahead

    def __call__(self) -> float:
        return self._start + (time.time() - self._began) * self._factor

    def sleep(self, seconds: float) -> None:
        """Pauses for so many of its own seconds."""
        time.sleep(max(0.0, seconds) / self._factor)

    def host(self) -> Host:
        """A host that lives by this clock."""
        return Host(clock=self, sleep=self.sleep, cancelled=threading.Event())
