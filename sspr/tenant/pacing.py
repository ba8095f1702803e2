"""Leave to send: never above Graph's quotas, never before a `Retry-After` has passed.

Each quota is a bucket kept as one number, the theoretical arrival time (`tat`) of the generic cell rate algorithm
(ITU-T I.371): `tat = max(tat, now) + n / rate`, and what was reserved may go at `tat - burst / rate`. So a full
bucket is spent at once, then the steady rate holds; in any window of W seconds at most `burst + rate × W` units go.
One atomic step reserves, so that threads, and processes whose buckets are in one database, share the limit first
come, first served, and one that dies loses only what it had reserved.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from sspr.tenant.errors import TenantUnavailable
from sspr.tenant.health import LONGEST_WAIT
from sspr.tenant.waiting import Pause

# Added to every hold: clocks of two machines that agree to a few milliseconds, and the rounding of a database.
MARGIN = 0.05


class Buckets(Protocol):
    """Where buckets stand. Names are opaque; times are seconds since the epoch."""

    def reserve(self, name: str, n: float, rate: float, now: float) -> float:
        """Takes `n` units in one atomic step and returns the new `tat`: they may go at `tat - burst / rate`."""
        ...

    def hold(self, name: str, until: float) -> None:
        """Nothing may go before `until`. A hold is only ever made longer."""
        ...

    def held_until(self, name: str) -> float:
        """The end of the hold; 0 or a past moment where there is none."""
        ...


class MemoryBuckets:
    """Buckets of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tat: dict[str, float] = {}
        self._held: dict[str, float] = {}

    def reserve(self, name: str, n: float, rate: float, now: float) -> float:
        """See `Buckets.reserve`."""
        with self._lock:
            tat = max(self._tat.get(name, now), now) + n / rate
            self._tat[name] = tat
            return tat

    def hold(self, name: str, until: float) -> None:
        """See `Buckets.hold`."""
        with self._lock:
            self._held[name] = max(self._held.get(name, 0.0), until)

    def held_until(self, name: str) -> float:
        """See `Buckets.held_until`."""
        with self._lock:
            return self._held.get(name, 0.0)


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` units at once, `rate` units a second."""

    rate: float
    burst: float

    def at_most(self, seconds: float) -> float:
        """The most units that go in any window of so many seconds."""
        return self.burst + self.rate * seconds


class Quota(Enum):
    """What requests draw on. The value is the name of the bucket, after that of the tenant and application."""

    UNITS = "units"
    WRITES = "writes"
    METHOD_READS = "method-reads"
    METHOD_WRITES = "method-writes"


# Per application and tenant: learn.microsoft.com, graph/throttling-limits, "Identity and access". Burst and rate are
# split so that the limit holds whether the service counts a token bucket or a sliding window:
#   UNITS         3,500 resource units in 10 s (the smallest tenants; others have more)   700 + 10 × 280 = 3,500
#   WRITES        3,000 in 150 s                                                          600 + 150 × 16 = 3,000
#   METHOD_…      not published, and not on that list, so a quota of its own: a calm start; Retry-After leads.
LIMITS: Mapping[Quota, Limit] = {
    Quota.UNITS: Limit(rate=280.0, burst=700.0),
    Quota.WRITES: Limit(rate=16.0, burst=600.0),
    Quota.METHOD_READS: Limit(rate=60.0, burst=300.0),
    Quota.METHOD_WRITES: Limit(rate=20.0, burst=300.0),
}

# Whether reads and writes of methods are counted together is not published: a hold on one is a hold on both.
_HELD_TOGETHER: Mapping[Quota, frozenset[Quota]] = {
    Quota.UNITS: frozenset({Quota.UNITS}),
    Quota.WRITES: frozenset({Quota.WRITES}),
    Quota.METHOD_READS: frozenset({Quota.METHOD_READS, Quota.METHOD_WRITES}),
    Quota.METHOD_WRITES: frozenset({Quota.METHOD_READS, Quota.METHOD_WRITES}),
}

Cost = Mapping[Quota, int]
OnWait = Callable[[float, str], None]


def nothing(seconds: float, why: str) -> None:
    """An `OnWait` that tells nobody."""
    del seconds, why


class Pacer:
    """Gives leave to send, for one application in one tenant (`scope` names the pair in the buckets)."""

    def __init__(
        self,
        buckets: Buckets,
        scope: str,
        pause: Pause,
        *,
        limits: Mapping[Quota, Limit] = LIMITS,
        on_wait: OnWait = nothing,
    ) -> None:
        self._buckets = buckets
        self._scope = scope
        self._pause = pause
        self._limits = limits
        self._on_wait = on_wait
        self._lock = threading.Lock()
        self._told_until = 0.0

    def _name(self, quota: Quota) -> str:
        return f"{self._scope}/{quota.value}"

    def acquire(self, cost: Cost, unless: Callable[[], bool] = lambda: False) -> bool:
        """Waits until a request of this cost may go. False, with nothing sent, as soon as `unless` holds.

        Raises `TenantUnavailable` where Microsoft asked for a longer wait than we sit out.

        A reservation that a hold made wait is taken anew afterwards: what was reserved before a hold would
        otherwise go on top of the burst that fills up meanwhile, and break the limit of a sliding window.
        """
        while True:
            held = self._held_until(cost)
            if held - self._pause.clock() > LONGEST_WAIT:
                raise TenantUnavailable(f"it asks to wait for {held - self._pause.clock():.0f} s")
            if not self._pause.until(held, unless):
                return False
            # One after the other, the scarcest first: it is the one worth waiting for, and what is reserved after
            # that wait is fresh when it is used.
            for quota in sorted(cost, key=lambda quota: self._limits[quota].rate / cost[quota]):
                if not self._pause.until(self._reserve(quota, cost[quota]), unless):
                    return False
            if self._held_until(cost) <= self._pause.clock():  # a 429 may have come while we slept
                return True

    def _reserve(self, quota: Quota, n: int) -> float:
        limit = self._limits[quota]
        now = self._pause.clock()
        tat = self._buckets.reserve(self._name(quota), n, limit.rate, now)
        return tat - limit.burst / limit.rate

    def _held_until(self, cost: Cost) -> float:
        return max((self._buckets.held_until(self._name(quota)) for quota in cost), default=0.0)

    def hold(self, quotas: frozenset[Quota], seconds: float, why: str) -> None:
        """Nothing that draws on these quotas goes for so many seconds, in no thread and no process."""
        until = self._pause.clock() + seconds + MARGIN
        for quota in frozenset().union(*(_HELD_TOGETHER[quota] for quota in quotas)):
            self._buckets.hold(self._name(quota), until)
        self.tell(seconds, why)

    def tell(self, seconds: float, why: str) -> None:
        """Says once that and why nothing is sent for a while: what is in flight together is told the same."""
        until = self._pause.clock() + seconds
        with self._lock:
            news = until > self._told_until + 1
            if news:
                self._told_until = until
        if news:
            self._on_wait(seconds, why)
