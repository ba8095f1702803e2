"""Counts what a run asked of Graph, from several threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sspr.model import Traffic
from sspr.tenant.waiting import Clock


class Meter:
    """The one place that counts. `seconds`: time in which at least one thread waited, not the sum over threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._traffic = Traffic()
        self._waiting = 0
        self._since = 0.0

    def snapshot(self) -> Traffic:
        """The counts so far."""
        with self._lock:
            open_time = max(0.0, self._clock() - self._since) if self._waiting else 0.0
            return replace(self._traffic, seconds=self._traffic.seconds + open_time)

    def count(
        self, *, requests: int = 0, batches: int = 0, writes: int = 0, throttled: int = 0, retried: int = 0
    ) -> None:
        """Adds to the counts; see `sspr.model.Traffic`."""
        with self._lock:
            self._traffic.requests += requests
            self._traffic.batches += batches
            self._traffic.writes += writes
            self._traffic.throttled += throttled
            self._traffic.retried += retried

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While it lasts, this thread waits for an answer or for leave to send."""
        with self._lock:
            if self._waiting == 0:
                self._since = self._clock()
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                if self._waiting == 0:
                    self._traffic.seconds += max(0.0, self._clock() - self._since)
