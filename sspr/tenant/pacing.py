"""Leave to send: never above Graph's quotas, never before a `Retry-After` has passed.

What a request draws on, and where the quotas stand. Their arithmetic is `sspr.tenant.quota`; one atomic step takes
what a request needs of all its quotas, so that threads, and processes whose standings are in one database, share the
limits first come, first served. One that dies loses only what it had taken for a request that it did not send.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeVar

import msgspec

from sspr.tenant.errors import TenantUnavailable
from sspr.tenant.health import LONGEST_WAIT
from sspr.tenant.quota import LATENESS, Meter, Published, Standing, Unpublished
from sspr.tenant.waiting import SLICE, Pause

# Added to every hold: clocks of two machines that agree to a few milliseconds, and the rounding of a database.
MARGIN = 0.05

T = TypeVar("T")
# What a step is given: the standing of each quota as text, empty where there is none yet. What it returns: those that
# it changed, and its result.
Step = Callable[[Mapping[str, str]], tuple[Mapping[str, str], T]]


class Standings(Protocol):
    """Where standings are kept. Names and texts are opaque."""

    def change(self, names: Sequence[str], step: Step[T]) -> T:
        """Carries out one atomic step over the standings of these names and returns its result."""
        ...

    def read(self, names: Sequence[str]) -> Mapping[str, str]:
        """The standings of these names."""
        ...


class MemoryStandings:
    """Standings of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}

    def change(self, names: Sequence[str], step: Step[T]) -> T:
        """See `Standings.change`."""
        with self._lock:
            changed, result = step({name: self._texts.get(name, "") for name in names})
            self._texts.update(changed)
            return result

    def read(self, names: Sequence[str]) -> Mapping[str, str]:
        """See `Standings.read`."""
        with self._lock:
            return {name: self._texts.get(name, "") for name in names}


class Quota(Enum):
    """What requests draw on. The value is the end of the standing's name."""

    UNITS = "units"
    WRITES = "writes"
    TENANT_WRITES = "tenant-writes"
    APPLICATION_WRITES = "application-writes"
    METHOD_READS = "method-reads"
    METHOD_WRITES = "method-writes"


# learn.microsoft.com, graph/throttling-limits, "Identity and access". Nothing is published for authentication methods,
# which are not on that list: a quota of their own, found out by and by.
LIMITS: Mapping[Quota, Published | Unpublished] = {
    Quota.UNITS: Published(3_500, 10),
    Quota.WRITES: Published(3_000, 150),
    Quota.TENANT_WRITES: Published(18_000, 300),
    Quota.APPLICATION_WRITES: Published(35_000, 300),
    Quota.METHOD_READS: Unpublished(200),
    Quota.METHOD_WRITES: Unpublished(100),
}
# Resource units in 10 s by the number of users in the tenant: fewer than 50, up to 500, more.
UNITS_OF_TENANTS = ((50, Published(3_500, 10)), (501, Published(5_000, 10)), (None, Published(8_000, 10)))

# Whether reads and writes of methods are counted together is not published: a hold on one is a hold on both.
_METHODS = frozenset({Quota.METHOD_READS, Quota.METHOD_WRITES})
_HELD_TOGETHER: Mapping[Quota, frozenset[Quota]] = {
    **{quota: frozenset({quota}) for quota in Quota},
    **dict.fromkeys(_METHODS, _METHODS),
}

Cost = Mapping[Quota, int]
# A change of the directory is one write and one resource unit, for the application in the tenant, the tenant and the
# application.
WRITE: Cost = {
    Quota.UNITS: 1,
    Quota.WRITES: 1,
    Quota.TENANT_WRITES: 1,
    Quota.APPLICATION_WRITES: 1,
}
OnWait = Callable[[float, str], None]


def nothing(seconds: float, why: str) -> None:
    """An `OnWait` that tells nobody."""
    del seconds, why


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose quotas: the API's address (the same ids at another address are another tenant), tenant and application."""

    root: str
    tenant: str
    application: str

    def name(self, quota: Quota) -> str:
        """The name of a standing."""
        tenant = "" if quota is Quota.APPLICATION_WRITES else self.tenant
        application = "" if quota is Quota.TENANT_WRITES else self.application
        return f"{self.root}/{tenant}/{application}/{quota.value}".lower()


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave to send a request of this cost, taken for the moment `at`."""

    cost: Cost
    at: float


class Pacer:
    """Gives leave to send, for one application in one tenant."""

    def __init__(
        self,
        standings: Standings,
        scope: Scope,
        pause: Pause,
        *,
        limits: Mapping[Quota, Published | Unpublished] = LIMITS,
        on_wait: OnWait = nothing,
    ) -> None:
        self._standings = standings
        self._scope = scope
        self._pause = pause
        self._limits = dict(limits)
        self._on_wait = on_wait
        self._lock = threading.Lock()
        self._told_until = 0.0
        self._turn = threading.Condition()
        self._under_way = 0
        self._at_once: int | None = 1

    def know_users(self, at_least: int) -> None:
        """The tenant has at least so many users: its quota of resource units depends on it."""
        published = next(units for most, units in UNITS_OF_TENANTS if most is None or at_least < most)
        known = self._limits[Quota.UNITS]
        if isinstance(known, Published) and known.amount < published.amount:
            self._limits[Quota.UNITS] = published

    def acquire(self, cost: Cost, unless: Callable[[], bool] = lambda: False) -> Leave | None:
        """Waits until a request of this cost may go. None, with nothing taken, as soon as `unless` holds.

        Whoever has leave says `done` in the end. Raises `TenantUnavailable` where Microsoft asked for a longer wait
        than we sit out.
        """
        if not self._take_turn(cost, unless):
            return None
        leave = None
        try:
            leave = self._acquire(cost, unless)
        finally:
            if leave is None:
                self._end_turn(cost)
        return leave

    def done(self, leave: Leave) -> None:
        """The answer is there, or there will be none."""
        self._end_turn(leave.cost)

    def _take_turn(self, cost: Cost, unless: Callable[[], bool]) -> bool:
        """Writes of methods, of whose limit nothing is known yet, go one batch after the other at first."""
        if Quota.METHOD_WRITES not in cost:
            return True
        with self._turn:
            while self._at_once is not None and self._under_way >= self._at_once:
                self._pause.check()
                if unless():
                    return False
                self._turn.wait(SLICE)
            self._under_way += 1
        return True

    def _end_turn(self, cost: Cost) -> None:
        if Quota.METHOD_WRITES in cost:
            with self._turn:
                self._under_way -= 1
                self._turn.notify_all()

    def _acquire(self, cost: Cost, unless: Callable[[], bool]) -> Leave | None:
        while True:
            held = self._held_until(cost)
            if held - self._pause.clock() > LONGEST_WAIT:
                raise TenantUnavailable(f"it asks to wait for {held - self._pause.clock():.0f} s")
            if not self._pause.until(held, unless):
                return None
            leave = self._take(cost)
            try:
                wanted = self._pause.until(leave.at, unless)
            except BaseException:
                self.give_back(leave)
                raise
            if wanted and not self.is_held(cost):
                return leave
            self.give_back(leave)  # a refusal came while we slept, or nothing is to be sent any more
            if not wanted:
                return None

    def _take(self, cost: Cost) -> Leave:
        now = self._pause.clock()

        def step(meters: Mapping[Quota, Meter]) -> Leave:
            drawn = _drawn(cost, meters)
            at = max((meters[quota].may_go(n, now) for quota, n in drawn.items()), default=now)
            for quota, n in drawn.items():
                meters[quota].take(n, at, now)
            self._note_at_once(meters)
            return Leave(drawn, at)

        return self._change(self._names(cost), step)

    def _note_at_once(self, meters: Mapping[Quota, Meter]) -> None:
        if Quota.METHOD_WRITES in meters:
            self._at_once = meters[Quota.METHOD_WRITES].at_once

    def give_back(self, leave: Leave) -> None:
        """What was taken was not sent."""

        def step(meters: Mapping[Quota, Meter]) -> None:
            for quota, n in leave.cost.items():
                meters[quota].give_back(n, leave.at)

        self._change(leave.cost, step)

    def passed(self, leave: Leave, let_through: Cost, spent: float | None) -> None:
        """An answer: what it let through, and the share of the limit that it tells to be spent, if it tells one."""
        now = self._pause.clock()
        late = now - leave.at > LATENESS

        def step(meters: Mapping[Quota, Meter]) -> None:
            for quota, meter in meters.items():
                if meter.measures:
                    meter.passed(let_through.get(quota, 0))
                if late and meter.standing.sliding:
                    meter.late(leave.cost[quota], leave.at, now)
            self._note_at_once(meters)
            if spent is not None:
                meters[_likely(meters, leave.cost, now)].nearly_spent(spent, now)

        if spent is None and not late and not self._measured(leave.cost):
            return
        self._change(leave.cost, step)

    def _measured(self, cost: Cost) -> bool:
        return any(meter.measures for meter in self._meters(self._standings.read(self._named(cost))).values())

    def refused(self, leave: Leave, refused: Cost, asked: float | None, wait: float, why: str) -> None:
        """So much was refused for throttling: it teaches, and nothing that draws on it goes for `wait` seconds.

        `asked`: the seconds that the service asked for, None where it did not say.
        """
        now = self._pause.clock()

        def step(meters: Mapping[Quota, Meter]) -> None:
            if Quota.WRITES in refused and Quota.WRITES not in leave.cost:
                # It counts writes of methods as writes of the directory: those so far as well.
                meters[Quota.METHOD_WRITES].standing.with_writes = True
                meters[Quota.WRITES].absorb(meters[Quota.METHOD_WRITES])
            # Where it does not say which limit it was, it was the one of which most is spent.
            likely = _likely(meters, refused, now)
            if likely in _METHODS:
                _count_together(meters, likely, now)
            meters[likely].refused(refused[likely], leave.at, asked, now)

        self._change(self._names(leave.cost), step)
        self.hold(frozenset(refused), wait, why)

    def hold(self, quotas: frozenset[Quota], seconds: float, why: str) -> None:
        """Nothing that draws on these quotas goes for so many seconds, in no thread and no process."""
        until = self._pause.clock() + seconds + MARGIN

        def step(meters: Mapping[Quota, Meter]) -> None:
            for meter in meters.values():
                meter.standing.held_until = max(meter.standing.held_until, until)

        self._change(frozenset().union(*(_HELD_TOGETHER[quota] for quota in quotas)), step)
        self.tell(seconds, why)

    def is_held(self, cost: Cost) -> bool:
        """Whether something that a request of this cost draws on is held back."""
        return self._held_until(cost) > self._pause.clock()

    def tell(self, seconds: float, why: str) -> None:
        """Says once that and why nothing is sent for a while: what is in flight together is told the same."""
        until = self._pause.clock() + seconds
        with self._lock:
            news = until > self._told_until + 1
            if news:
                self._told_until = until
        if news:
            self._on_wait(seconds, why)

    # -- standings --------------------------------------------------------------------------------

    def _held_until(self, cost: Cost) -> float:
        meters = self._meters(self._standings.read(self._named(self._names(cost))))
        drawn = _drawn(cost, meters)
        return max((meters[quota].standing.held_until for quota in drawn), default=0.0)

    def _names(self, cost: Cost) -> frozenset[Quota]:
        """What a cost may draw on: of methods perhaps on both kinds, and on writes of the directory as well."""
        more = _METHODS | frozenset(WRITE) if not _METHODS.isdisjoint(cost) else frozenset()
        return frozenset(cost) | more

    def _named(self, quotas: Iterable[Quota]) -> list[str]:
        return [self._scope.name(quota) for quota in quotas]

    def _meters(self, texts: Mapping[str, str]) -> dict[Quota, Meter]:
        names = {self._scope.name(quota): quota for quota in Quota}
        return {
            names[name]: Meter(self._limits[names[name]], _DECODER.decode(text) if text else Standing())
            for name, text in texts.items()
        }

    def _change(self, quotas: Iterable[Quota], step: Callable[[Mapping[Quota, Meter]], T]) -> T:
        def over_texts(texts: Mapping[str, str]) -> tuple[Mapping[str, str], T]:
            meters = self._meters(texts)
            result = step(meters)
            changed = {
                self._scope.name(quota): msgspec.json.encode(meter.standing).decode()
                for quota, meter in meters.items()
            }
            return {name: text for name, text in changed.items() if text != texts[name]}, result

        return self._standings.change(self._named(quotas), over_texts)


_DECODER = msgspec.json.Decoder(Standing)


def _likely(meters: Mapping[Quota, Meter], quotas: Iterable[Quota], now: float) -> Quota:
    """Which limit an answer is about that does not say so: the one of which most is spent."""
    return max(quotas, key=lambda quota: meters[quota].share(now))


def _count_together(meters: Mapping[Quota, Meter], refused: Quota, now: float) -> None:
    """Reads of methods that are refused while their writes are known to be at a limit, or the other way round: the
    service counts them together, and from now on reads draw on what is known of the writes.
    """
    [other] = _METHODS - {refused}
    reads, writes = meters[Quota.METHOD_READS].standing, meters[Quota.METHOD_WRITES].standing
    if reads.with_writes or not meters[other].standing.measured or not meters[other].is_empty(now):
        return
    reads.with_writes = True
    if not writes.measured:
        writes.learned, writes.measured, writes.learned_at = reads.learned, True, now


def _drawn(cost: Cost, meters: Mapping[Quota, Meter]) -> Cost:
    """What is drawn on, where the service counts reads of methods with their writes, and these as writes of the
    directory.
    """
    drawn = dict(cost)
    if Quota.METHOD_READS in drawn and meters[Quota.METHOD_READS].standing.with_writes:
        drawn[Quota.METHOD_WRITES] = drawn[Quota.METHOD_READS]
    if Quota.METHOD_WRITES in cost and meters[Quota.METHOD_WRITES].standing.with_writes:
        drawn.update(dict.fromkeys(WRITE, cost[Quota.METHOD_WRITES]))
    return drawn
