"""Services that count requests, and clients that pace themselves by a meter, all in virtual time."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count

from sspr.tenant.quota import BATCH, LATENESS, Meter, Published, Standing, Unpublished

START = 1_000_000.0  # the moment at which all begins, like any other


class Bucket:
    """A token bucket."""

    def __init__(self, amount: float, seconds: float) -> None:
        self.amount, self.rate, self._left, self._at = amount, amount / seconds, amount, START

    def wait(self, now: float) -> float:
        """Seconds until one more unit fits; it is taken where that is 0."""
        self._left = min(self.amount, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self.rate

    def spent(self, now: float) -> float:
        """The share of the limit that is spent."""
        self._left = min(self.amount, self._left + (now - self._at) * self.rate)
        self._at = now
        return 1 - self._left / self.amount

    def shortest(self, units: float) -> float:
        """The least seconds in which so many units go through."""
        return max(0.0, units - self.amount) / self.rate


class Window:
    """A sliding window."""

    def __init__(self, amount: float, seconds: float) -> None:
        self.amount, self.seconds = amount, seconds
        self._taken: deque[float] = deque()

    def wait(self, now: float) -> float:
        """See `Bucket.wait`."""
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        if len(self._taken) < self.amount:
            self._taken.append(now)
            return 0.0
        return self._taken[0] + self.seconds - now

    def spent(self, now: float) -> float:
        """See `Bucket.spent`."""
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        return len(self._taken) / self.amount

    def shortest(self, units: float) -> float:
        """See `Bucket.shortest`."""
        return (math.ceil(units / self.amount) - 1) * self.seconds


@dataclass(frozen=True, slots=True)
class _Batch:
    taken_for: float
    units: int
    refused: int = 0
    asked: float | None = None
    share: float | None = None


@dataclass
class Sending:
    """So many units, sent in batches by `clients` that share one standing, each with `in_flight` at once.

    `latency` gives the seconds of one exchange; `tells_wait`: whether refusals have a `Retry-After` (whole
    seconds); `tells_share`: whether answers tell how much of the limit is spent, from 0.8 on; `others`: moments at
    which somebody else takes a unit; `whims`: whether a unit is refused for no reason.

    What came of it: the moments at which units were let through, how many were refused, and how many were sent before a
    wait that had been told was over.
    """

    service: Bucket | Window
    published: Published | Unpublished
    units: int
    in_flight: int = 4
    clients: int = 1
    latency: Callable[[], float] = lambda: 0.12
    tells_wait: bool = True
    tells_share: bool = False
    others: Iterable[float] = ()
    whims: Callable[[], bool] = lambda: False
    standing: Standing = field(default_factory=Standing)
    passed: list[float] = field(default_factory=list)
    refused: int = 0
    early: int = 0

    def run(self) -> Sending:
        """Carries it out; returns itself."""
        self._left, self._idle, self._under_way = self.units, 0, 0
        self._told: tuple[float, float] = (0.0, 0.0)
        self._others = deque(sorted(self.others))
        self._events: list[tuple[float, int, Callable[[float, _Batch], None], _Batch]] = []
        self._order = count()
        for _ in range(self.in_flight * self.clients):
            self._at(START, self._is_free)
        while self._events:
            now, _, what, batch = heapq.heappop(self._events)
            what(now, batch)
        return self

    @property
    def seconds(self) -> float:
        """From the first unit to the last."""
        return self.passed[-1] - self.passed[0]

    def _at(
        self, moment: float, what: Callable[[float, _Batch], None], batch: _Batch = _Batch(0.0, 0)
    ) -> None:
        heapq.heappush(self._events, (moment, next(self._order), what, batch))

    def _is_free(self, now: float, _: _Batch) -> None:
        units = min(BATCH, self._left)
        meter = Meter(self.published, self.standing)
        if not units or (meter.at_once is not None and self._under_way >= meter.at_once):
            self._idle += 1
            return
        self._left -= units
        self._under_way += 1
        moment = meter.may_go(units, now)
        meter.take(units, moment, now)
        self._at(moment, self._goes, _Batch(moment, units))

    def _goes(self, now: float, batch: _Batch) -> None:
        if self.standing.held_until <= now:
            self._at(now + self.latency() / 2, self._arrives, batch)
            return
        Meter(self.published, self.standing).give_back(batch.units, batch.taken_for)
        self._under_way -= 1
        self._left += batch.units
        self._at(self.standing.held_until, self._is_free)

    def _arrives(self, now: float, batch: _Batch) -> None:
        while self._others and self._others[0] <= now:
            self.service.wait(self._others.popleft())
        self.early += batch.units if self._told[0] < now < self._told[1] else 0
        waits = [1.0 if self.whims() else self.service.wait(now) for _ in range(batch.units)]
        refused = sum(wait > 0 for wait in waits)
        asked = float(math.ceil(max(waits))) if refused else None
        self.passed += [now] * (batch.units - refused)
        self.refused += refused
        share = self.service.spent(now)
        told = share if self.tells_share and share >= 0.8 else None
        answer = _Batch(batch.taken_for, batch.units, refused, asked, told)
        self._at(now + self.latency() / 2, self._is_answered, answer)

    def _is_answered(self, now: float, batch: _Batch) -> None:
        meter = Meter(self.published, self.standing)
        self._under_way -= 1
        if meter.measures:
            meter.passed(batch.units - batch.refused)
        if batch.share is not None and not batch.refused:
            meter.nearly_spent(batch.share, now)
        if self.standing.sliding and now - batch.taken_for > LATENESS:
            meter.late(batch.units, batch.taken_for, now)
        if batch.refused:
            asked = batch.asked if self.tells_wait else None
            if batch.asked and self.tells_wait:
                self._told = (now + self.latency(), now + batch.asked)  # what is under way is not to blame
            meter.refused(batch.refused, batch.taken_for, asked, now)
            self.standing.held_until = max(self.standing.held_until, now + (asked or 10.0) + 0.05)
            self._left += batch.refused
        self._at(now, self._is_free)
        if self._left and self._idle:  # a worker that had found nothing left looks again
            self._idle -= 1
            self._at(now, self._is_free)


def jittered(seed: int, mean: float = 0.12, jitter: float = 0.06) -> Callable[[], float]:
    """Exchanges that take `mean` ± `jitter` seconds."""
    chance = random.Random(seed)
    return lambda: mean + chance.uniform(-jitter, jitter)
