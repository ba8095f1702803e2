"""Leave to send: what is held back and what is not, what a wait does, what a refusal teaches, and which quota."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping

import pytest

from sspr.tenant.errors import Interrupted, TenantUnavailable
from sspr.tenant.health import LONGEST_WAIT
from sspr.tenant.pacing import MARGIN, Leave, MemoryStandings, Pacer
from sspr.tenant.quota import Published, Unpublished
from sspr.tenant.quotas import LIMITS, UNITS_OF_TENANTS, WRITE, Cost, Quota, Scope
from sspr.tenant.waiting import Pause
from tests.tenant.scripted import FakeClock

CONTOSO = Scope("https://graph.example", "contoso", "app")
PATCHES = dict.fromkeys(WRITE, 20)


def pacer_on(
    clock: FakeClock,
    standings: MemoryStandings | None = None,
    scope: Scope = CONTOSO,
    limits: Mapping[Quota, Published | Unpublished] = LIMITS,
) -> Pacer:
    return Pacer(standings or MemoryStandings(), scope, Pause(clock, clock.sleep), limits=limits)


def test_the_published_amount_goes_at_once_and_then_the_steady_rate_holds() -> None:
    clock = FakeClock()
    pacer = pacer_on(clock, limits={**LIMITS, Quota.UNITS: Published(8_000, 10)})
    began = clock()
    sent = []
    for _ in range(250):
        assert pacer.acquire(PATCHES)
        sent.append(clock() - began)
    assert sent[147] == 0.0  # 2,960 writes; one in a hundred is left alone
    assert sent[249] == pytest.approx((5_000 - 2_970) / 20, abs=0.1)


@pytest.mark.parametrize(
    ("users", "units"), [(0, 3_500), (49, 3_500), (50, 5_000), (500, 5_000), (501, 8_000)]
)
def test_resource_units_are_those_of_a_tenant_of_that_size(users: int, units: int) -> None:
    clock = FakeClock()
    pacer = pacer_on(clock)
    pacer.know_users(users)
    pacer.know_users(1)  # what is known later of fewer changes nothing
    began = clock()
    taken = 0
    while True:
        pacer.acquire({Quota.UNITS: 10})
        if clock() > began:
            break
        taken += 10
    assert taken == pytest.approx(units * 0.99, abs=10)
    assert [limit.amount for _, limit in UNITS_OF_TENANTS] == [3_500, 5_000, 8_000]


def test_writes_of_one_application_in_many_tenants_share_what_the_application_may() -> None:
    clock = FakeClock()
    standings = MemoryStandings()
    began = clock()
    sent = 0
    for number in range(14):
        pacer = pacer_on(clock, standings, Scope("https://graph.example", f"tenant-{number}", "app"))
        for _ in range(148):
            pacer.acquire(PATCHES)
            sent += 20 if clock() == began else 0
    assert 30_000 < sent <= 35_000


def test_a_hold_that_comes_while_we_sleep_is_kept() -> None:
    clock = FakeClock()
    standings = MemoryStandings()
    sleeper = pacer_on(clock, standings)
    for _ in range(148):
        sleeper.acquire(PATCHES)
    began = clock()

    def sleep_and_be_told(seconds: float) -> None:
        clock.sleep(seconds)
        if clock() - began < 0.5:
            pacer_on(clock, standings).hold(frozenset({Quota.WRITES}), 40, "429")

    waiting = Pacer(standings, CONTOSO, Pause(clock, sleep_and_be_told))
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
    standings = MemoryStandings()
    began = clock()
    pacer_on(clock, standings).hold(frozenset({Quota.WRITES}), 60, "429")
    pacer_on(clock, standings, Scope("https://graph.example", "contoso", "other")).acquire(PATCHES)
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
    pacer = Pacer(
        MemoryStandings(), CONTOSO, Pause(clock, clock.sleep), on_wait=lambda *wait: told.append(wait)
    )
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

    pacer = Pacer(MemoryStandings(), CONTOSO, Pause(clock, sleep, cancelled))
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


# -- what refusals teach ------------------------------------------------------------------------------------------


def standing(standings: MemoryStandings, quota: Quota) -> dict[str, object]:
    text = standings.read([CONTOSO.name(quota)])[CONTOSO.name(quota)]
    known: dict[str, object] = json.loads(text or "{}")
    return known


@pytest.mark.parametrize(
    ("refused", "held"),
    [
        ({Quota.WRITES: 20}, {Quota.WRITES}),
        ({Quota.UNITS: 20}, {Quota.UNITS}),
        (PATCHES, set(WRITE)),
    ],
)
def test_a_refusal_holds_what_it_is_about(refused: Cost, held: set[Quota]) -> None:
    clock = FakeClock()
    standings = MemoryStandings()
    pacer = pacer_on(clock, standings)
    leave = pacer.acquire(PATCHES)
    assert leave is not None
    pacer.refused(leave, refused, 30.0, 30.0, "429")
    assert {quota for quota in Quota if standing(standings, quota).get("held_until")} == held


def test_a_refusal_that_does_not_say_which_limit_teaches_the_one_of_which_most_is_spent() -> None:
    clock = FakeClock()
    standings = MemoryStandings()
    pacer = pacer_on(clock, standings)
    leave = None
    for _ in range(150):
        leave = pacer.acquire(PATCHES)
    assert leave is not None
    pacer.refused(leave, PATCHES, 140.0, 140.0, "429")
    assert [quota for quota in Quota if standing(standings, quota).get("sliding")] == [Quota.WRITES]


def test_writes_of_methods_that_are_refused_as_writes_of_the_directory_draw_on_them_from_then_on() -> None:
    clock = FakeClock()
    standings = MemoryStandings()
    pacer = pacer_on(clock, standings)
    methods = {Quota.METHOD_WRITES: 20}
    leave = pacer.acquire(methods)
    assert leave is not None
    pacer.refused(leave, {Quota.WRITES: 20}, 1.0, 1.0, "429")
    pacer.done(leave)
    clock.sleep(10)
    leave = pacer.acquire(methods)
    assert leave is not None
    assert set(leave.cost) == {Quota.METHOD_WRITES, *WRITE}


def take(pacer: Pacer, cost: Cost, times: int) -> Leave:
    """So many requests of this cost, each answered; the last leave."""
    leave = None
    for _ in range(times):
        leave = pacer.acquire(cost)
        assert leave is not None
        pacer.passed(leave, leave.cost, None)
        pacer.done(leave)
    assert leave is not None
    return leave


@pytest.mark.parametrize("refused", [Quota.WRITES, Quota.METHOD_WRITES])
def test_writes_of_both_kinds_that_together_spend_what_writes_may_count_as_one(refused: Quota) -> None:
    """Whichever is refused first, and although no answer says so."""
    clock = FakeClock()
    standings = MemoryStandings()
    pacer = pacer_on(clock, standings)
    leaves = {Quota.WRITES: take(pacer, PATCHES, 75)}
    leaves[Quota.METHOD_WRITES] = take(pacer, {Quota.METHOD_WRITES: 20}, 73)
    pacer.refused(leaves[refused], {refused: 20}, 1.0, 1.0, "429")
    assert standing(standings, Quota.METHOD_WRITES).get("with_writes")
    began = clock()
    pacer.acquire({Quota.METHOD_WRITES: 20})
    assert clock() >= began + 1


def test_reads_of_methods_that_are_refused_while_their_writes_are_at_a_limit_count_with_them() -> None:
    clock = FakeClock()
    standings = MemoryStandings()
    pacer = pacer_on(clock, standings)
    writes, reads = {Quota.METHOD_WRITES: 20}, {Quota.METHOD_READS: 20}
    for _ in range(3):
        pacer.refused(take(pacer, writes, 5), writes, 1.0, 1.0, "429")
        clock.sleep(1.1)
    leave = take(pacer, writes, 3)
    assert not standing(standings, Quota.METHOD_READS).get("with_writes")
    pacer.refused(take(pacer, reads, 1), reads, 1.0, 1.0, "429")
    assert leave.at <= clock()
    assert standing(standings, Quota.METHOD_READS).get("with_writes")


def test_two_processes_share_what_was_learned() -> None:
    clock = FakeClock()
    standings = MemoryStandings()
    first, second = pacer_on(clock, standings), pacer_on(clock, standings)
    for _ in range(148):
        first.acquire(PATCHES)
    leave = first.acquire(PATCHES)
    assert leave is not None
    began = leave.at
    first.refused(leave, {Quota.WRITES: 20}, 100.0, 100.0, "429")
    assert second.acquire(PATCHES)
    assert clock() >= began + 100


def test_leave_that_was_not_used_is_given_back() -> None:
    clock = FakeClock()
    standings = MemoryStandings()
    pacer = pacer_on(clock, standings)
    for _ in range(148):
        pacer.acquire(PATCHES)
    began = clock()
    for _ in range(50):
        assert pacer.acquire(PATCHES, unless=lambda: True) is None
    assert pacer.acquire(PATCHES)
    assert clock() - began < 3
