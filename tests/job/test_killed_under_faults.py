"""A run that is killed at any moment while every kind of fault befalls it: the small version of `bench/torture.py`."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

from bench.torture import Scene, carry_out, complaints, mixed_faults
from sspr.simulated.behaviour import Behaviour

ROWS = 30
SPEED = "30"  # the client's clock: what is waited for a minute passes in two seconds


def test_a_run_that_is_killed_under_faults_comes_to_the_same_end_and_writes_nothing_twice(
    tmp_path: Path,
) -> None:
    began = str(time.time())

    def hurried(scene: Scene, _again: bool) -> Sequence[str]:
        return ["-m", "bench.hurried", began, SPEED, *map(str, (scene.config, scene.out, scene.input))]

    chance = random.Random(5)
    plain = Behaviour(quotas=None)
    faulty = Behaviour(quotas=None, seed=5, faults=mixed_faults(30))
    calm = carry_out(Scene(tmp_path / "calm", ROWS, hurried), plain, 0, (0, 0), chance)
    wild = carry_out(Scene(tmp_path / "wild", ROWS, hurried), faulty, 3, (0.8, 1.6), chance)
    assert (calm.exit_code, calm.twice, calm.starts) == (0, 0, 1)
    assert wild.faults > ROWS
    assert wild.kills
    assert complaints(wild, calm) == []
