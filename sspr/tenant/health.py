"""Is the service there at all? Back-off between failures, and the end of our patience. Thread-safe."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sspr.tenant.errors import TenantUnavailable
from sspr.tenant.waiting import Clock

# Without any success for so long, a run stops; `sspr resume` goes on. Waits that Microsoft asked for do not count.
PATIENCE = 180.0
# Time of which nothing was heard for longer than the longest pause and the longest wait for an answer do together, this
# machine was asleep, and it says nothing about the service.
ASLEEP = 150.0
# A wait that Microsoft asks for beyond this is not sat out: the run stops and says so.
LONGEST_WAIT = 900.0

# Without Retry-After: exponential back-off (learn.microsoft.com, graph/throttling and graph/best-practices-concept).
FAILURE = (0.5, 20.0)  # 5xx, broken connections: first pause and the longest one, in seconds
THROTTLE = (10.0, 300.0)  # 429: asking early counts against the limit, so a slower start
BUSY = (1.0, 30.0)  # 409 of concurrent changes: "please wait briefly and retry"


def back_off(attempt: int, bounds: tuple[float, float], chance: Callable[[], float]) -> float:
    """Seconds to wait before the attempt after the `attempt`-th (counted from 1): doubling, bounded, with jitter.

    `chance` gives numbers from 0 to 1; the pause lies between half of its nominal length and all of it.
    """
    first, longest = bounds
    return float(min(longest, first * 2 ** min(attempt - 1, 30))) * (0.5 + chance() / 2)


class Health:
    """What the last answers say of the service; one per connection to a tenant."""

    def __init__(self, clock: Clock, chance: Callable[[], float]) -> None:
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._failing_since: float | None = None
        self._last_failure = 0.0
        self._streak = 0
        self._good = 0
        self._resume_at = 0.0

    @property
    def resume_at(self) -> float:
        """Before this moment nothing should be sent: the service just failed."""
        with self._lock:
            return self._resume_at

    @property
    def good_answers(self) -> int:
        """How many requests had a conclusive answer so far: by it a caller sees that only its own item fails."""
        with self._lock:
            return self._good

    def good(self, answers: int = 1) -> None:
        """The service answered so many requests, whatever it said."""
        with self._lock:
            self._good += answers
            self._failing_since = None
            self._streak = 0
            self._resume_at = 0.0

    def asked_to_wait(self, seconds: float) -> None:
        """The service asked for a pause: that is no failure, and the pause is not taken from our patience."""
        with self._lock:
            if self._failing_since is not None:
                self._failing_since += seconds

    def failed(self, why: str) -> float:
        """A whole request failed: how many seconds to send nothing. `TenantUnavailable` at the end of our patience."""
        with self._lock:
            now = self._clock()
            if self._failing_since is None:
                self._failing_since = now
            elif now - self._last_failure > ASLEEP:
                self._failing_since += now - self._last_failure
            self._last_failure = now
            self._streak += 1
            seconds = back_off(self._streak, FAILURE, self._chance)
            self._resume_at = now + seconds
            exhausted = now - self._failing_since > PATIENCE
        if exhausted:
            raise TenantUnavailable(why)
        return seconds
