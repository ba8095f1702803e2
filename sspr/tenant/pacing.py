"""Leave to send: never above Graph's quotas, never before a `Retry-After` has passed.

What a request draws on, and where the quotas stand. Their arithmetic is `sspr.tenant.quota`; one atomic step takes
what a request needs of all its quotas, so that threads, and processes whose standings are in one database, share the
limits first come, first served. One that dies loses only what it had taken for a request that it did not send.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from sspr.tenant.errors import TenantUnavailable
from sspr.tenant.health import LONGEST_WAIT
from sspr.tenant.quota import LATENESS, Meter, Published, Standing, Unpublished
from sspr.tenant.quotas import (
    HELD_TOGETHER,
    LIMITS,
    METHODS,
    UNITS_OF_TENANTS,
    WRITE,
    Cost,
    Quota,
    Scope,
    count_together,
    drawn_on,
    join_writes,
    likely,
)
from sspr.tenant.turns import Turns
from sspr.tenant.waiting import Pause

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


OnWait = Callable[[float, str], None]


def nothing(seconds: float, why: str) -> None:
    """An `OnWait` that tells nobody."""
    del seconds, why


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave to send a request that draws on `cost`, taken for the moment `at`. `asked`: what it was asked for."""

    cost: Cost
    at: float
    asked: Cost


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
        self._turns = Turns(pause, dict.fromkeys(METHODS, 1))

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
        if not self._turns.take(cost, unless):
            return None
        leave = None
        try:
            leave = self._acquire(cost, unless)
        finally:
            if leave is None:
                self._turns.end(cost)
        return leave

    def done(self, leave: Leave) -> None:
        """The answer is there, or there will be none."""
        self._turns.end(leave.asked)

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
            drawn = drawn_on(cost, meters)
            at = max((meters[quota].may_go(n, now) for quota, n in drawn.items()), default=now)
            for quota, n in drawn.items():
                meters[quota].take(n, at, now)
            self._note_at_once(meters)
            return Leave(drawn, at, cost)

        return self._change(self._names(cost), step)

    def _note_at_once(self, meters: Mapping[Quota, Meter]) -> None:
        for quota in METHODS & meters.keys():
            self._turns.allow(quota, meters[quota].at_once)

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
                meters[likely(meters, leave.cost, now)].nearly_spent(spent, now)

        if spent is None and not late and not self._measured(leave.cost):
            return
        self._change(leave.cost, step)

    def _measured(self, cost: Cost) -> bool:
        return any(meter.measures for meter in self._meters(self._standings.read(self._named(cost))).values())

    def refused(self, leave: Leave, refused: Cost, asked: float | None, wait: float, why: str) -> None:
        """So much was refused for throttling: it teaches, and nothing that draws on it goes for `wait` seconds.

        `asked`: the seconds that the service asked for, None where it did not say.
        """
        now, total = self._pause.clock(), max(refused.values())

        def step(meters: Mapping[Quota, Meter]) -> Quota:
            if Quota.WRITES in refused and Quota.WRITES not in leave.cost:
                join_writes(meters)
            # Where it does not say which limit it was, it was the one of which most is spent.
            limit = count_together(meters, likely(meters, refused, now), now)
            meters[limit].refused(refused.get(limit, total), leave.at, asked, now)
            return limit

        limit = self._change(self._names(leave.cost), step)
        self.hold(frozenset(refused) | {limit}, wait, why)

    def hold(self, quotas: frozenset[Quota], seconds: float, why: str) -> None:
        """Nothing that draws on these quotas goes for so many seconds, in no thread and no process."""
        until = self._pause.clock() + seconds + MARGIN

        def step(meters: Mapping[Quota, Meter]) -> None:
            for meter in meters.values():
                meter.standing.held_until = max(meter.standing.held_until, until)

        self._change(frozenset().union(*(HELD_TOGETHER[quota] for quota in quotas)), step)
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
        drawn = drawn_on(cost, meters)
        return max((meters[quota].standing.held_until for quota in drawn), default=0.0)

    def _names(self, cost: Cost) -> frozenset[Quota]:
        """What a cost may draw on, and what may be counted together with it: writes and all that is of methods."""
        more = METHODS | WRITE.keys() if not (METHODS | {Quota.WRITES}).isdisjoint(cost) else frozenset()
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
