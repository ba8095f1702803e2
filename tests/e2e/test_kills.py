"""A run whose processes are killed one after the other: the small version of `bench/kills.py`."""

from __future__ import annotations

from collections import deque
from functools import partial
from pathlib import Path

from bench import inputs
from bench.kills import Kind, Strike, carry_through, complaints
from bench.spellings import found, values_of
from bench.torture import tenant_of, values_written
from sspr.simulated.behaviour import Behaviour, Latency
from sspr.simulated.server import SimulatedTenant
from tests.e2e.stack import Stack

ROWS = 200
# What is killed once so many values are written.
MOMENTS: tuple[tuple[int, Kind], ...] = (
    (1, "flow"),
    (200, "server"),
    (300, "worker"),
    (450, "worker and flow"),
)


def test_a_run_whose_processes_are_killed_one_after_the_other_loses_nothing_and_writes_nothing_twice(
    stack: Stack, tmp_path: Path
) -> None:
    from prefect.states import Crashed

    file, out = inputs.write(tmp_path / "admins.csv", 1, ROWS), tmp_path / "out"
    slow = Behaviour(latency=Latency(0.5))
    with SimulatedTenant(tenant_of(ROWS), slow, folder=tmp_path / "tls") as tenant:
        stack.configure(tenant)

        def written(count: int) -> bool:
            return values_written(tenant.journal).total() >= count

        strikes = deque(Strike(kind, partial(written, count)) for count, kind in MOMENTS)
        parameters = {"files": [str(file)], "out": str(out), "approval": "none"}
        flow_run = stack.prefect.create_run("onboard/onboard", parameters)
        course = carry_through(stack.prefect, flow_run, strikes, to_the_end=False)
        assert course.kills == {kind: 1 for _, kind in MOMENTS}
        # Nobody is left to say how the last one ended. After a while the automation does, with just this.
        stack.prefect.client.set_flow_run_state(flow_run.id, Crashed())
        carry_through(stack.prefect, flow_run, strikes)
        assert complaints(tenant, ROWS, out) == []
    assert found(values_of(file, out / "results.csv"), stack.prefect.folder) == []
