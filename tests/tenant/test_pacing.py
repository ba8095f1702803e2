from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.tenant.errors import Interrupted, TenantUnavailable
from sspr.tenant.health import LONGEST_WAIT
from sspr.tenant.pacing import LIMITS, MARGIN, Limit, MemoryBuckets, Pacer, Quota
from sspr.tenant.waiting import Pause
from tests.tenant.scripted import FakeClock

# learn.microsoft.com, graph/throttling-limits: units in so many seconds, for the smallest tenants.
PUBLISHED = {Quota.WRITES: (3000, 150.0), Quota.UNITS: (3500, 10.0)}
PATCHES = {Quota.WRITES: 20, Quota.UNITS: 20}


def pacer_on(
    clock: FakeClock, buckets: MemoryBuckets | None = None, limits: dict[Quota, Limit] | None = None
) -> Pacer:
    return Pacer(
        buckets or MemoryBuckets(), "contoso/app", Pause(clock, clock.sleep), limits=limits or LIMITS
    )


@pytest.mark.parametrize("quota", PUBLISHED)
def test_burst_and_rate_stay_within_what_is_published(quota: Quota) -> None:
    amount, seconds = PUBLISHED[quota]
    assert LIMITS[quota].at_most(seconds) == amount


def test_a_full_bucket_goes_at_once_and_then_the_steady_rate_holds() -> None:
    clock = FakeClock()
    pacer = pacer_on(clock)
    began = clock()
    sent = []
    for _ in range(130):
        assert pacer.acquire(PATCHES)
        sent.append(clock() - began)
    assert sent[29] == 0.0  # 600 writes
    assert sent[129] == pytest.approx(100 * 20 / 16, abs=1e-3)  # 2,000 more at 16 a second


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 20)),
        st.tuples(st.just("rest"), st.floats(0, 30)),
        st.tuples(st.just("hold"), st.floats(0, 30)),
        st.tuples(st.just("other"), st.integers(1, 20)),
    ),
    max_size=120,
)


@given(STEPS, st.integers(1, 60), st.floats(1, 60), st.floats(1, 200))
def test_no_window_ever_holds_more_than_the_limit_and_no_hold_is_broken(
    steps: list[tuple[str, float]], rate: int, extra: float, window: float
) -> None:
    """Two processes share the buckets; whatever they do, the sum in any window keeps the limit."""
    clock = FakeClock()
    buckets = MemoryBuckets()
    limit = Limit(rate=float(rate), burst=20 + extra)
    limits = {**LIMITS, Quota.WRITES: limit}
    pacers = {"send": pacer_on(clock, buckets, limits), "other": pacer_on(clock, buckets, limits)}
    sent: list[tuple[float, float]] = []
    held_until = 0.0
    for what, amount in steps:
        if what == "rest":
            clock.sleep(amount)
        elif what == "hold":
            pacers["other"].hold(frozenset({Quota.WRITES}), amount, "429")
            held_until = max(held_until, clock() + amount)
        else:
            pacers[what].acquire({Quota.WRITES: int(amount)})
            assert clock() >= held_until
            sent.append((clock(), amount))
    for first, (start, _) in enumerate(sent):
        in_window = sum(amount for at, amount in sent[first:] if at <= start + window)
        assert in_window <= limit.at_most(window) + 1e-3 * rate


def test_a_hold_that_comes_while_we_sleep_is_kept() -> None:
    clock = FakeClock()
    buckets = MemoryBuckets()
    sleeper = pacer_on(clock, buckets)
    for _ in range(30):
        sleeper.acquire(PATCHES)
    began = clock()

    def sleep_and_be_told(seconds: float) -> None:
        clock.sleep(seconds)
        if clock() - began < 0.5:
            pacer_on(clock, buckets).hold(frozenset({Quota.WRITES}), 40, "429")

    waiting = Pacer(buckets, "contoso/app", Pause(clock, sleep_and_be_told))
    assert waiting.acquire(PATCHES)
    assert clock() - began >= 40 + MARGIN


def test_a_hold_on_writes_leaves_reads_and_methods_alone() -> None:
    clock = FakeClock()
    pacer = pacer_on(clock)
    began = clock()
    pacer.hold(frozenset({Quota.WRITES}), 60, "429")
    for cost in ({Quota.UNITS: 20}, {Quota.METHOD_READS: 20}, {Quota.METHOD_WRITES: 20}):
        pacer.acquire(cost)
    assert clock() == began
    pacer.acquire(PATCHES)
    assert clock() >= began + 60


@pytest.mark.parametrize("quota", [Quota.METHOD_READS, Quota.METHOD_WRITES])
def test_a_hold_on_one_side_of_methods_is_a_hold_on_both(quota: Quota) -> None:
    clock = FakeClock()
    began = clock()
    pacer = pacer_on(clock)
    pacer.hold(frozenset({quota}), 10, "429")
    pacer.acquire({Quota.METHOD_READS: 1})
    pacer.acquire({Quota.METHOD_WRITES: 1})
    assert clock() >= began + 10


def test_other_applications_are_not_held() -> None:
    clock = FakeClock()
    buckets = MemoryBuckets()
    began = clock()
    pacer_on(clock, buckets).hold(frozenset({Quota.WRITES}), 60, "429")
    Pacer(buckets, "fabrikam/app", Pause(clock, clock.sleep)).acquire(PATCHES)
    assert clock() == began


def test_a_hold_is_never_made_shorter() -> None:
    clock = FakeClock()
    pacer = pacer_on(clock)
    began = clock()
    pacer.hold(frozenset({Quota.WRITES}), 60, "429")
    pacer.hold(frozenset({Quota.WRITES}), 5, "429")
    pacer.acquire(PATCHES)
    assert clock() >= began + 60


def test_a_wait_that_nobody_sits_out_stops_the_run() -> None:
    clock = FakeClock()
    pacer = pacer_on(clock)
    pacer.hold(frozenset({Quota.WRITES}), LONGEST_WAIT + 60, "429")
    with pytest.raises(TenantUnavailable, match="asks to wait"):
        pacer.acquire(PATCHES)


def test_a_wait_is_told_once_for_all_that_are_told_it_together() -> None:
    clock = FakeClock()
    told: list[tuple[float, str]] = []
    pacer = Pacer(MemoryBuckets(), "s", Pause(clock, clock.sleep), on_wait=lambda *wait: told.append(wait))
    for _ in range(4):
        pacer.hold(frozenset({Quota.WRITES}), 30, "HTTP 429")
    clock.sleep(40)
    pacer.hold(frozenset({Quota.WRITES}), 10, "HTTP 429")
    assert told == [(30, "HTTP 429"), (10, "HTTP 429")]


def test_a_cancelled_wait_ends_at_once() -> None:
    clock = FakeClock()
    cancelled = threading.Event()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        cancelled.set()

    pacer = Pacer(MemoryBuckets(), "s", Pause(clock, sleep, cancelled))
    pacer.hold(frozenset({Quota.WRITES}), 600, "429")
    began = clock()
    with pytest.raises(Interrupted):
        pacer.acquire(PATCHES)
    assert clock() - began < 1


def test_leave_that_is_no_longer_wanted_is_not_waited_for() -> None:
    clock = FakeClock()
    pacer = pacer_on(clock)
    pacer.hold(frozenset({Quota.WRITES}), 600, "429")
    began = clock()
    assert not pacer.acquire(PATCHES, unless=lambda: clock() - began > 3)
    assert clock() - began < 4
