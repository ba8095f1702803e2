"""A deployment with a schedule: Prefect's scheduler makes the flow run, and the worker carries it out."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sspr.input import templates
from sspr.simulated.server import SimulatedTenant
from tests.e2e.stack import PATIENCE, Stack

SAMPLE = templates.template_path("sample")


@contextmanager
def every_minute(stack: Stack, parameters: dict[str, Any]) -> Iterator[None]:
    """The deployment's schedule; taken away afterwards, with the flow runs that it still has before it."""
    client = stack.prefect.client  # it asks again where a server on SQLite answers 503
    deployment = client.read_deployment_by_name("onboard/onboard")
    wanted = {"active": True, "schedule": {"interval": 60}, "parameters": parameters}
    [made] = client.request(
        "POST", "/deployments/{id}/schedules", path_params={"id": deployment.id}, json=[wanted]
    ).json()
    try:
        yield
    finally:
        which = {"id": deployment.id, "schedule_id": made["id"]}
        client.request("DELETE", "/deployments/{id}/schedules/{schedule_id}", path_params=which)


def test_a_scheduled_run_is_made_and_carried_out(
    stack: Stack, tenant: SimulatedTenant, tmp_path: Path
) -> None:
    known = {each.id for each in stack.flow_runs()}
    out = tmp_path / "out"
    with every_minute(stack, {"files": [str(SAMPLE)], "out": str(out)}):
        until = time.monotonic() + 2 * PATIENCE
        ended: list[Any] = []
        while not ended and time.monotonic() < until:
            ours = [each for each in stack.flow_runs() if each.id not in known and each.auto_scheduled]
            ended = [each for each in ours if each.state is not None and each.state.is_final()]
            time.sleep(0.5)
    assert [each.state.name for each in ended[:1]] == ["NeedsPeople"]
    with (out / "results.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert {row["status"] for row in rows} == {"updated", "unchanged", "rejected"}
    assert tenant.journal.writes()
