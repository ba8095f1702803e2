"""One quota: how much of it is spent, when more may go, and what the service's refusals teach about it. Pure.

A published quota is so many units in so many seconds. Whether the service counts them in a token bucket (as Microsoft
documents) or in a sliding window, nobody can tell before it refuses: both let the full amount through at once, and
then the bucket refills steadily while the window stays shut until its oldest units are out of it. So the bucket is
believed until a refusal asks for a wait that no bucket would ask for.

Of an unpublished quota only a rate is kept: a calm start, doubled until the service objects. From then on it is
measured: between two refusals the service has let through just what it allows.

Units are taken first come, first served, for a moment that may lie ahead; whoever took them and dies loses them only.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

# So much of a published amount is left alone: what is under way at once may arrive closer together than it was sent.
SLACK = 0.01
# Seconds between the moment of sending and that at which a sliding window is taken to count it; an answer that took
# longer moves it (`Meter.late`).
LATENESS = 0.25
# A wait longer than this, and than a bucket of that rate needs for a batch, is that of a window.
LONG_WAIT = 5.0
BATCH = 20
MUCH = 3 * BATCH
# Before it is known that the service counts a bucket, what a window would refuse goes a batch at a time, so far apart.
TRIAL = 2.0
# What was learned from refusals is forgotten after so many seconds: others may have drawn on the quota then.
FORGET, FORGET_WINDOW = 3600.0, 86_400.0
# A learned amount or rate creeps up again each so many seconds in which it was what held us back: by this share at
# first, by twice as much each minute without a refusal, and at most by the last.
CREEP_SECONDS, CREEP, MOST_CREEP = 10.0, 0.005, 0.25
# Unpublished quotas: how soon their rate is doubled, how many seconds' worth may go at once.
DOUBLE_SECONDS, AT_ONCE = 3.0, 3.0
# A rate is never believed to be less than this share of what it was at first.
LOWEST = 0.05
# Units without an objection after which one batch more may be under way.
CALM = 2500.0
LONGEST_WINDOW = 150.0
# A measured rate is used so far: to run into the limit again and again would be refused again and again.
TRUST = 0.98
CAREFUL = 4.0  # by so much less is sent where nothing is measured yet
ALMOST = 0.995  # the same, where less was sent than was measured, and yet too much
# Units let through since a refusal from which on the older ones count less and less.
ENOUGH = 400.0


@dataclass(frozen=True, slots=True)
class Published:
    """`amount` units in `seconds`."""

    amount: float
    seconds: float

    @property
    def rate(self) -> float:
        """Units a second in the long run."""
        return self.amount / self.seconds

    def at_most(self, seconds: float) -> float:
        """The most units that a full bucket lets through in so many seconds."""
        return self.amount + self.rate * seconds


@dataclass(frozen=True, slots=True)
class Unpublished:
    """Nothing is known; `rate` units a second, and `at_once` batches under way, to begin with."""

    rate: float
    at_once: int = 1


class Standing(msgspec.Struct, omit_defaults=True):
    """Where one quota stands. Moments are seconds since the epoch.

    `tat`: the theoretical arrival time of the generic cell rate algorithm (ITU-T I.371): the bucket is full again
    then. `empty_until`: after a refusal, until when nothing comes in. `held_until`: nothing goes before.
    `log`: moments, and the units that count from them on. `began_at`: the first of all.
    `sliding`: the service counts a window. `doubted_at`, `tried_at`: when more than a window would let through was
    first and last sent; `bucket`: that nobody objected.
    `learned`: an amount (windows and published quotas) or a rate (others) that refusals taught, 0 for none;
    `learned_at`: when it last changed; `seconds`: the window of an unpublished quota.
    `refused_at`: the last refusal; `measured_from`, `passed`: an earlier one, and the units let through since;
    `measured`: they were enough to tell a rate.
    `with_writes`: of writes of methods, the service counts them as writes of the directory; of reads of methods, it
    counts them with their writes.
    """

    tat: float = 0.0
    empty_until: float = 0.0
    held_until: float = 0.0
    log: list[tuple[float, float]] = []
    sliding: bool = False
    bucket: bool = False
    doubted_at: float = 0.0
    tried_at: float = 0.0
    learned: float = 0.0
    learned_at: float = 0.0
    seconds: float = 0.0
    began_at: float = 0.0
    refused_at: float = 0.0
    measured_from: float = 0.0
    passed: float = 0.0
    measured: bool = False
    with_writes: bool = False


class Meter:
    """A quota's arithmetic over its standing, which it changes."""

    def __init__(self, quota: Published | Unpublished, standing: Standing) -> None:
        self._given = quota
        self.standing = standing

    @property
    def _published(self) -> Published | None:
        """What is published, or a window that refusals have shown."""
        standing = self.standing
        if isinstance(self._given, Published):
            return self._given
        return Published(standing.learned, standing.seconds) if standing.seconds else None

    # -- taking -----------------------------------------------------------------------------------

    def may_go(self, n: float, now: float) -> float:
        """The earliest moment at which `n` units may go, were they taken now."""
        standing = self.standing
        now = max(now, standing.held_until)
        if not standing.sliding:
            at = max(now, max(standing.tat, now) + n / self._rate - self._burst / self._rate)
            return max(at, standing.tried_at + TRIAL) if self._is_trial(n, at) else at
        left, at = self.spent(now) + n - self._burst, now
        for moment, units in standing.log:
            if left <= 0:
                break
            if moment > now - self._seconds:
                left -= units
                at = max(at, moment + self._seconds)
        return at

    def take(self, n: float, at: float, now: float) -> None:
        """Takes `n` units `now` for the moment `at`, which is no earlier than `may_go` said."""
        standing = self.standing
        self._creep(now)
        if self._is_trial(n, at):
            if not 0 <= at - standing.doubted_at < self._seconds:
                standing.doubted_at = at
            standing.bucket = now - standing.doubted_at > TRIAL / 2
            standing.tried_at = at
        standing.tat = max(standing.tat, at) + n / self._rate
        standing.began_at = standing.began_at or at
        self._note(at + (LATENESS if standing.sliding else 0.0), n)

    def _is_trial(self, n: float, at: float) -> bool:
        """Whether a window would refuse so many, and nothing yet shows that the service counts a bucket."""
        standing = self.standing
        if self._published is None or standing.bucket or standing.sliding:
            return False
        return self.spent(at) + n > self.amount

    def give_back(self, n: float, at: float) -> None:
        """Units that were taken for `at` and were not sent."""
        standing = self.standing
        if at >= standing.empty_until:  # what was taken before that is in it
            standing.tat = max(standing.empty_until + self._burst / self._rate, standing.tat - n / self._rate)
        self._unnote(at, n)

    def passed(self, n: float) -> None:
        """`n` units were let through. Wanted only where `measures`: it is what a rate is measured by."""
        self.standing.passed += n

    @property
    def measures(self) -> bool:
        """Whether what is let through teaches anything: of unpublished quotas, and where a refusal was a surprise."""
        return isinstance(self._given, Unpublished) or bool(self.standing.refused_at)

    @property
    def at_once(self) -> int | None:
        """How many batches may be under way at once, so that a first refusal is one of few; None: any number."""
        if isinstance(self._given, Published) or self.standing.measured_from:
            return None
        return self._given.at_once + int(self.standing.passed // CALM)

    def late(self, n: float, at: float, now: float) -> None:
        """The answer to what was taken for `at` came only `now`: a window may count it from any moment between."""
        self._unnote(at, n)
        self._note(now, n)

    def absorb(self, other: Meter) -> None:
        """What was taken of the other quota counts here as well."""
        for moment, units in other.standing.log:
            self._note(moment, units)

    # -- learning ---------------------------------------------------------------------------------

    def refused(self, n: float, sent_at: float, wait: float | None, now: float) -> None:
        """`n` units sent at `sent_at` were refused. `wait`: seconds that the service asked for, None: it did not."""
        standing = self.standing
        self._unnote(sent_at, n)
        if sent_at <= standing.refused_at:
            # Under way together with what was refused before: nothing new, but that it was not let through either.
            if standing.sliding and standing.learned and standing.learned_at == standing.refused_at:
                standing.learned = max(float(BATCH), standing.learned - n)
            return
        published = self._published
        if published is not None:
            self._learn_of_published(published, wait, now)
        elif wait is not None and wait > LONG_WAIT and now - standing.began_at < FORGET:
            # What was let through until now fills a window, which opens when the first of it is out of it.
            standing.learned = max(float(BATCH), self.spent(now))
            standing.seconds, standing.sliding = now + wait - standing.began_at, True
        else:
            self._measure(now)
        self._empty(now)

    def _empty(self, now: float) -> None:
        """Nothing is left `now`; half a batch less than that, for batches arrive closer together at times than they
        were sent.
        """
        standing = self.standing
        standing.empty_until = now + BATCH / 2 / self._rate
        standing.tat = max(standing.tat, standing.empty_until + self._burst / self._rate)
        standing.refused_at, standing.doubted_at = now, 0.0
        since = now - standing.measured_from
        if since > FORGET:
            standing.measured_from, standing.passed = now, 0.0
        elif standing.passed >= ENOUGH:  # the older half counts less and less
            standing.measured_from, standing.passed = now - since / 2, standing.passed / 2

    def nearly_spent(self, share: float, now: float) -> None:
        """An answer told how much of the limit is spent (`x-ms-throttle-limit-percentage`: from 0.8, 1.0 is all)."""
        standing = self.standing
        if self._published is None:
            return  # what is let through between refusals tells more
        # More than we know of: another program draws on the same quota, or it is smaller than published.
        strange = min(share, 1.0) - self.share(now) - 0.03
        if strange <= 0:
            return
        units = strange * self.amount
        if standing.sliding:
            self._note(now, units)
        else:
            standing.tat = max(standing.tat, now) + units / self._rate

    def _learn_of_published(self, published: Published, wait: float | None, now: float) -> None:
        standing = self.standing
        spent = self.spent(now)
        again = now - standing.refused_at < published.seconds
        if not standing.sliding and (
            again if wait is None else wait > max(LONG_WAIT, 4 * BATCH / self._rate)
        ):
            standing.sliding, standing.bucket = True, False
            standing.learned, standing.learned_at = 0.0, now
            if spent < 0.9 * published.amount:
                self._believe(max(spent, BATCH), now)
        elif standing.sliding:
            self._believe(max(float(BATCH), TRUST * min(spent, self.amount)), now)
        elif again and self.is_empty(now):
            self._believe_rate(now, published.seconds)

    def _measure(self, now: float) -> None:
        """An unpublished rate: at the first refusal a part of what was tried, then what was let through since."""
        if now - self.standing.measured_from > FORGET:
            self._believe(self._rate / CAREFUL, now)
        elif self.is_empty(now):
            self._believe_rate(now, 1.0)

    def is_empty(self, now: float) -> bool:
        """Whether next to nothing should be left: a refusal although much is left has another cause than our rate."""
        return self._burst - (self.standing.tat - now) * self._rate < MUCH

    def _believe_rate(self, now: float, seconds: float) -> None:
        """What was let through since an earlier refusal, as units in so many seconds, if it is less than believed; a
        part of that, where it was too little to be measured.
        """
        standing = self.standing
        measured = TRUST * standing.passed / max(0.1, now - standing.measured_from)
        standing.measured = standing.passed >= BATCH
        believed = min(measured, ALMOST * self._rate) if standing.measured else self._rate / CAREFUL
        self._believe(max(LOWEST * self._given.rate, believed) * seconds, now)

    def _believe(self, learned: float, now: float) -> None:
        self.standing.learned, self.standing.learned_at = learned, now

    def _creep(self, now: float) -> None:
        """What was learned grows slowly, or is forgotten; an unpublished rate that is not measured yet is doubled."""
        standing = self.standing
        if standing.learned and now - max(standing.learned_at, standing.refused_at) > FORGET:
            standing.learned = 0.0
            if isinstance(self._given, Unpublished):
                standing.sliding, standing.seconds = False, 0.0
                standing.refused_at = standing.measured_from = standing.passed = 0.0
                standing.measured = False
        if standing.sliding and now - standing.refused_at > FORGET_WINDOW:
            standing.sliding, standing.tried_at = False, 0.0
        if not standing.learned_at:
            standing.learned_at = now
        since = now - standing.learned_at
        if standing.sliding or standing.tat - self._burst / self._rate <= now - 1.0:
            return  # it is not what holds us back
        if self._published is None and not standing.measured:
            if since >= DOUBLE_SECONDS:
                self._believe(2 * self._rate, now)
        elif standing.learned and since >= CREEP_SECONDS:
            calm = (now - standing.refused_at) // 60
            self._believe((1 + min(MOST_CREEP, CREEP * 2 ** min(calm, 10))) * standing.learned, now)

    # -- figures ----------------------------------------------------------------------------------

    @property
    def _seconds(self) -> float:
        return self._published.seconds if self._published else LONGEST_WINDOW

    @property
    def amount(self) -> float:
        """The units that go at once."""
        published = self._published
        if published is None:
            return self._burst
        learned = self.standing.learned
        return min(learned, published.amount) if learned else published.amount

    @property
    def _rate(self) -> float:
        if self._published is None:
            return self.standing.learned or self._given.rate
        return self.amount / self._published.seconds

    @property
    def _burst(self) -> float:
        if self._published is None:
            return max(float(BATCH), AT_ONCE * self._rate)
        # What a refusal has counted needs no slack.
        return max(
            float(BATCH), (1 - SLACK) * self.amount if isinstance(self._given, Published) else self.amount
        )

    def share(self, now: float) -> float:
        """How much of the amount we know to be spent, from 0 to 1."""
        if self.standing.sliding:
            return self.spent(now) / self.amount
        return min(1.0, max(0.0, self.standing.tat - now) * self._rate / self.amount)

    def spent(self, now: float) -> float:
        """The units that a window which ends `now` or later still holds."""
        return sum(units for moment, units in self.standing.log if moment > now - self._seconds)

    def _note(self, moment: float, n: float) -> None:
        """Adds to the log, in order, old entries left out; near ones share an entry, at the later of their moments."""
        width = LATENESS if self.standing.sliding else max(LATENESS, self._seconds / 150)
        log = [entry for entry in self.standing.log if entry[0] > moment - self._seconds - 1.0]
        near = next((entry for entry in reversed(log) if entry[0] // width == moment // width), None)
        if near is not None:
            log.remove(near)
            moment, n = max(moment, near[0]), n + near[1]
        log.append((moment, n))
        self.standing.log = sorted(log)

    def _unnote(self, at: float, n: float) -> None:
        """Takes units out of the log again that were noted for `at`, or for a little later."""
        log = []
        for moment, units in self.standing.log:
            less = min(n, units) if moment >= at else 0.0
            n -= less
            if units > less:
                log.append((moment, units - less))
        self.standing.log = log
