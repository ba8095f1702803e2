"""How near a paced client comes to what a service allows, and how rarely it is refused: whatever the service counts."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.tenant.quota import BATCH, Meter, Published, Standing, Unpublished
from tests.tenant.services import START, Bucket, Sending, Window, jittered

WRITES = Published(3_000, 150)
METHODS = Unpublished(100)
DOCUMENTED: dict[str, Callable[[], Bucket | Window]] = {
    "bucket": lambda: Bucket(3_000, 150),
    "window": lambda: Window(3_000, 150),
}


@pytest.mark.parametrize("clients", [1, 2])
@pytest.mark.parametrize("units", [5_000, 20_000])
@pytest.mark.parametrize("kind", DOCUMENTED)
def test_of_a_published_limit_97_percent_are_used_and_next_to_nothing_is_refused(
    kind: str, units: int, clients: int
) -> None:
    service = DOCUMENTED[kind]()
    sending = Sending(service, WRITES, units, clients=clients, latency=jittered(units)).run()
    assert len(sending.passed) == units
    assert service.shortest(units) / sending.seconds >= 0.97
    assert sending.refused / units < 0.01
    assert sending.early == 0


@pytest.mark.parametrize("latency", [0.02, 0.5])
@pytest.mark.parametrize("kind", DOCUMENTED)
def test_slow_and_quick_answers_change_nothing_of_that(kind: str, latency: float) -> None:
    service = DOCUMENTED[kind]()
    sending = Sending(service, WRITES, 20_000, latency=jittered(1, latency, latency / 2)).run()
    assert service.shortest(20_000) / sending.seconds >= 0.96
    assert sending.refused / 20_000 < 0.01


@pytest.mark.parametrize(("amount", "least"), [(1_500, 0.97), (600, 0.96), (2_400, 0.96)])
@pytest.mark.parametrize("kind", [Bucket, Window])
def test_a_limit_that_is_lower_than_published_is_found_out(
    kind: type[Bucket | Window], amount: int, least: float
) -> None:
    service = kind(amount, 150)
    sending = Sending(service, WRITES, 20_000, latency=jittered(2)).run()
    assert service.shortest(20_000) / sending.seconds >= least
    assert sending.refused / 20_000 < 0.02


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_refusals_that_do_not_say_how_long_teach_as_well(kind: str) -> None:
    service = DOCUMENTED[kind]()
    sending = Sending(service, WRITES, 20_000, tells_wait=False, latency=jittered(3)).run()
    assert service.shortest(20_000) / sending.seconds >= 0.97
    assert sending.refused / 20_000 < 0.01


@pytest.mark.parametrize(
    "service",
    [Bucket(300, 15), Bucket(100, 10), Bucket(1_000, 10), Window(300, 20), Window(100, 10)],
    ids=lambda each: f"{type(each).__name__} of {each.amount}",
)
def test_an_unpublished_limit_is_found_out(service: Bucket | Window) -> None:
    sending = Sending(service, METHODS, 9_000, latency=jittered(4)).run()
    assert service.shortest(9_000) / sending.seconds >= 0.9
    assert sending.refused / 9_000 < 0.015


def test_where_nobody_objects_an_unpublished_rate_is_doubled_until_answers_are_what_it_waits_for() -> None:
    sending = Sending(Bucket(1e9, 1), METHODS, 20_000).run()
    assert sending.refused == 0
    at_the_end = sum(moment > sending.passed[-1] - 2 for moment in sending.passed)
    assert at_the_end >= 0.9 * 2 * 4 * BATCH / 0.12


def test_what_somebody_else_takes_costs_no_more_than_what_they_take() -> None:
    """Another program draws 5 units a second on the same quota: of 20 a second 15 are left."""
    others = [START + number / 5 for number in range(20_000)]
    service = Bucket(3_000, 150)
    sending = Sending(service, WRITES, 12_000, others=others, latency=jittered(5)).run()
    assert (12_000 - 3_000) / 15 / sending.seconds >= 0.95
    assert sending.refused / 12_000 < 0.03


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("quota", [METHODS, WRITES])
def test_refusals_without_a_reason_cost_little_more_than_the_waits_they_ask_for(
    quota: Published | Unpublished, share: float
) -> None:
    chance = random.Random(9)
    sending = Sending(Bucket(1e9, 1), quota, 3_000, whims=lambda: chance.random() < share).run()
    assert len(sending.passed) == 3_000
    waits = sending.refused  # of a second each, and it holds all
    assert sending.seconds < 3_000 / 20 + 60 + 3 * waits


def test_two_clients_get_equal_shares() -> None:
    """First come, first served: whoever waits is next."""
    standing, taken = Standing(), {"a": 0, "b": 0}
    free_at = {"a": START, "b": START + 0.01}
    for _ in range(2_000):
        who = min(free_at, key=lambda each: free_at[each])
        meter = Meter(WRITES, standing)
        moment = meter.may_go(BATCH, free_at[who])
        meter.take(BATCH, moment, free_at[who])
        taken[who] += BATCH
        free_at[who] = moment + (0.10 if who == "a" else 0.14)
    assert taken["a"] == pytest.approx(taken["b"], rel=0.2)


def test_what_was_taken_by_one_who_died_is_back_when_its_moment_has_passed() -> None:
    standing = Standing()
    meter = Meter(WRITES, standing)
    while meter.may_go(BATCH, START) == START:
        meter.take(BATCH, START, START)
    before = meter.may_go(BATCH, START)
    meter.take(BATCH, before, START)  # and dies
    assert meter.may_go(BATCH, before) - before <= BATCH / 20 + 2.0


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("send"), st.integers(1, BATCH)),
            st.tuples(st.just("rest"), st.floats(0, 60)),
        ),
        max_size=200,
    ),
    st.booleans(),
)
def test_never_more_than_a_window_or_a_bucket_allows(steps: list[tuple[str, float]], sliding: bool) -> None:
    """Whatever the pauses: no span of time holds more than the amount and what comes in meanwhile."""
    published = Published(200, 50)
    standing = Standing(sliding=sliding, refused_at=START, bucket=not sliding)
    now, sent = START, list[tuple[float, float]]()
    for what, amount in steps:
        if what == "rest":
            now += amount
            continue
        meter = Meter(published, standing)
        now = meter.may_go(amount, now)
        meter.take(amount, now, now)
        sent.append((now, amount))
    for first, (start, _) in enumerate(sent):
        for end, _ in sent[first:]:
            inside = sum(amount for at, amount in sent if start <= at <= end)
            refill = 0 if sliding and end - start < 50 else (end - start) * 4
            assert inside <= 200 + refill + 1e-6


@given(st.lists(st.tuples(st.integers(1, BATCH), st.floats(0, 5)), min_size=1, max_size=80), st.booleans())
def test_what_was_given_back_is_as_if_it_had_never_been_taken(
    steps: list[tuple[int, float]], sliding: bool
) -> None:
    one = Standing(sliding=sliding, refused_at=START, bucket=not sliding)
    other = Standing(sliding=sliding, refused_at=START, bucket=not sliding)
    now = START
    for number, (units, pause) in enumerate(steps):
        now += pause
        kept, tried = Meter(WRITES, one), Meter(WRITES, other)
        if number % 3 == 0:
            moment = tried.may_go(units, now)
            tried.take(units, moment, now)
            tried.give_back(units, moment)
        else:
            for meter in (kept, tried):
                meter.take(units, meter.may_go(units, now), now)
    assert Meter(WRITES, other).may_go(BATCH, now) == pytest.approx(
        Meter(WRITES, one).may_go(BATCH, now), abs=1.0
    )


@pytest.mark.parametrize("share", [0.85, 0.95, 1.3])
def test_a_share_that_is_told_and_that_we_did_not_spend_is_somebody_elses(share: float) -> None:
    meter = Meter(WRITES, Standing())
    meter.take(BATCH, START, START)
    meter.nearly_spent(share, START)
    left = sum(1 for _ in _until_it_waits(meter))
    assert left * BATCH == pytest.approx((1 - min(share, 1.0)) * 3_000, abs=150)


def _until_it_waits(meter: Meter) -> list[int]:
    sent = []
    while meter.may_go(BATCH, START) == START:
        meter.take(BATCH, START, START)
        sent.append(BATCH)
    return sent


def test_a_share_that_is_our_own_changes_nothing() -> None:
    meter = Meter(WRITES, Standing())
    for _ in range(130):
        meter.take(BATCH, START, START)
    before = meter.standing.tat
    meter.nearly_spent(2_600 / 3_000, START)
    assert meter.standing.tat == before


def test_what_refusals_taught_is_forgotten_after_an_hour_of_quiet() -> None:
    service, standing = Bucket(600, 150), Standing()
    Sending(service, WRITES, 3_000, standing=standing, latency=jittered(6)).run()
    assert standing.learned
    later = START + 100_000.0
    meter = Meter(WRITES, standing)
    meter.take(BATCH, meter.may_go(BATCH, later), later)
    assert not standing.learned


def test_chance_changes_nothing() -> None:
    """Many services of any size and kind: all is let through in the end, and refusals stay few."""
    chance = random.Random(7)
    for _ in range(12):
        amount, seconds = chance.randint(200, 3_000), chance.choice([10, 60, 150])
        service = (Bucket if chance.random() < 0.5 else Window)(amount, seconds)
        sending = Sending(service, WRITES, 4_000, clients=chance.choice([1, 2]), latency=jittered(8)).run()
        assert len(sending.passed) == 4_000
        assert sending.refused < 400
