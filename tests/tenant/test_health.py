from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.tenant.errors import TenantUnavailable
from sspr.tenant.health import BUSY, FAILURE, PATIENCE, THROTTLE, Health, back_off
from tests.tenant.scripted import FakeClock


@given(st.integers(1, 10_000), st.sampled_from([FAILURE, THROTTLE, BUSY]), st.floats(0, 1))
def test_back_off_stays_between_half_of_the_first_pause_and_the_longest(
    attempt: int, bounds: tuple[float, float], chance: float
) -> None:
    assert bounds[0] / 2 <= back_off(attempt, bounds, lambda: chance) <= bounds[1]


def test_back_off_doubles() -> None:
    assert [back_off(n, THROTTLE, lambda: 1.0) for n in range(1, 8)] == [10, 20, 40, 80, 160, 300, 300]


def test_patience_ends_without_any_success() -> None:
    clock = FakeClock()
    health = Health(clock, lambda: 1.0)
    began = clock()

    def fail_for_ever() -> None:
        while True:
            clock.sleep(health.failed("HTTP 503"))

    with pytest.raises(TenantUnavailable, match="HTTP 503"):
        fail_for_ever()
    assert PATIENCE < clock() - began < PATIENCE + 40


def test_one_success_renews_patience() -> None:
    clock = FakeClock()
    health = Health(clock, lambda: 1.0)
    for _ in range(100):
        clock.sleep(health.failed("HTTP 503"))
        health.good()
    assert health.resume_at == 0
    assert health.good_answers == 100


def test_a_wait_that_was_asked_for_is_not_taken_from_patience() -> None:
    clock = FakeClock()
    health = Health(clock, lambda: 1.0)
    health.failed("HTTP 503")
    health.asked_to_wait(600)
    clock.sleep(600)
    assert health.failed("HTTP 503") == 1.0


def test_the_time_that_the_machine_was_asleep_is_not_taken_from_patience() -> None:
    clock = FakeClock()
    health = Health(clock, lambda: 1.0)
    health.failed("no connection")
    clock.sleep(3600)
    for _ in range(9):  # the network comes back a minute after the machine
        clock.sleep(health.failed("no connection"))
    health.good()
    assert health.resume_at == 0
