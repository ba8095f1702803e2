"""The progress bar: it never goes back, and it never stands in the way of the rows."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sspr.stages.context import Chunk
from sspr.stages.steps import Stage, Step
from tasks.artifacts import SECONDS_AFTER_FAILURE, SECONDS_BETWEEN, Progress


class Bar:
    """What Prefect would show, and how often it was asked to; `broken`: the server is away."""

    def __init__(self) -> None:
        self.shown: list[float] = []
        self.asked = 0
        self.broken = False

    def __call__(self, percent: float, what: str) -> None:
        self.asked += 1
        if self.broken:
            raise ConnectionError(what)
        self.shown.append(percent)


class Clock:
    """A clock that is moved by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


steps = st.builds(
    lambda stage, number: Step(stage, Chunk(1, 300, number, 20)),
    st.sampled_from(list(Stage)),
    st.integers(1, 20),
)


@given(st.lists(st.tuples(steps, st.floats(0, 10)), max_size=40))
def test_it_never_goes_back_and_is_shown_no_more_often_than_every_two_seconds(
    passed: list[tuple[Step, float]],
) -> None:
    bar, clock = Bar(), Clock()
    progress = Progress(bar, clock)
    times: list[float] = []
    for step, pause in passed:
        clock.now += pause
        progress.passed(step)
        times += [clock.now] * (len(bar.shown) - len(times))
    assert bar.shown == sorted(bar.shown)
    assert all(0 <= percent <= 100 for percent in bar.shown)
    assert all(later - earlier >= SECONDS_BETWEEN for earlier, later in pairwise(times))


def test_a_server_that_is_away_is_left_alone_for_a_while() -> None:
    bar, clock = Bar(), Clock()
    progress = Progress(bar, clock)
    bar.broken = True
    for _ in range(10):
        progress.passed(Step(Stage.APPLY, Chunk(1, 300, 1, 2)))
        clock.now += SECONDS_BETWEEN
    assert bar.asked == 1
    bar.broken = False
    clock.now += SECONDS_AFTER_FAILURE
    progress.passed(Step(Stage.APPLY, Chunk(301, 600, 2, 2)))
    assert bar.shown == [95.0]


def test_the_last_word_is_a_full_bar() -> None:
    bar = Bar()
    Progress(bar, Clock()).end("done")
    assert bar.shown == [100.0]
