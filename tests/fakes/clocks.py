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


class SteppedClock:
    """Moves only when somebody sleeps, and lets the other threads run meanwhile: a wait of a minute takes no minute,
    and time does not pass because the machine is busy. For a client and the tenant that it talks to.
    """

    def __init__(self) -> None:
        self._now = time.time()
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        """Moves on by so much, and gives way."""
        self.jump(max(0.0, seconds))
        time.sleep(0.0005)

    def jump(self, seconds: float) -> None:
        """Moves on by so much at once, as the clock of a machine that was asleep."""
        with self._lock:
            self._now += seconds

    def host(self) -> Host:
        """A host that lives by this clock."""
        return Host(clock=self, sleep=self.sleep, cancelled=threading.Event())
