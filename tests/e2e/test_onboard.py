"""The flow `onboard` on a real Prefect server: deployed and served by a worker, and hosted by the command `sspr`."""

from __future__ import annotations

import csv
import json
import re
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.spellings import contents, found, values_of
from sspr.input import templates
from sspr.rehearsal import rehearsal_state
from sspr.simulated.behaviour import Latency
from sspr.simulated.server import SimulatedTenant
from tests.e2e.stack import Stack, ended

SAMPLE = templates.template_path("sample")
MESSAGE = re.compile(r"\d+ updated, \d+ unchanged, \d+ rejected, \d+ failed; flag (on|off)")


def results(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def report(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return content


def test_a_deployed_run_ends_in_the_same_results_as_one_without_prefect(
    stack: Stack, tenant: SimulatedTenant, tmp_path: Path
) -> None:
    through, without = tmp_path / "through", tmp_path / "without"
    flow_run = stack.run({"files": [str(SAMPLE)], "out": str(through)})
    tenant_after = accounts(tenant)
    with SimulatedTenant(rehearsal_state(None, ()), folder=tmp_path / "second") as second:
        stack.configure(second)
        done = stack.sspr("run", "--yes", "--out", str(without), str(SAMPLE), PREFECT_API_URL="")
        assert (done.code, accounts(second)) == (1, tenant_after)

    assert flow_run.state is not None
    assert (flow_run.state.type, flow_run.state.name) == ("COMPLETED", "NeedsPeople")
    assert MESSAGE.fullmatch(flow_run.state.message or "")
    assert results(through) == results(without)
    assert report(through)["counts"] == report(without)["counts"]


def test_the_servers_pages_ask_the_server_that_they_came_from(stack: Stack) -> None:
    settings = httpx.get(f"{stack.prefect.url}/ui-settings", trust_env=False).json()
    assert settings["api_url"] == stack.prefect.api


def accounts(tenant: SimulatedTenant) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(tenant.state.to_json())
    return {key: content[key] for key in ("accounts", "policy") if key in content}


def test_the_command_is_seen_at_a_configured_server(
    stack: Stack, tenant: SimulatedTenant, tmp_path: Path
) -> None:
    done = stack.sspr("run", "--yes", "--out", str(tmp_path / "out"), str(SAMPLE))
    assert done.code == 1, done.said
    assert done.said.startswith("run id: ")
    assert "Traceback" not in done.said

    (flow_run,) = [
        each for each in stack.flow_runs() if (each.parameters or {}).get("out") == str(tmp_path / "out")
    ]
    assert flow_run.state is not None
    assert (flow_run.state.type, flow_run.state.name) == ("COMPLETED", "NeedsPeople")
    assert [record for record in tenant.journal if record.applied]
    counts = report(tmp_path / "out")["counts"]
    assert (flow_run.state.message or "").startswith(
        f"{counts['updated']} updated, {counts['unchanged']} unchanged, "
    )


def test_a_run_whose_tenant_was_down_fails_and_a_retry_of_it_completes(
    stack: Stack, tenant: SimulatedTenant, tmp_path: Path
) -> None:
    tenant.stop()
    failed = stack.run({"files": [str(SAMPLE)], "out": str(tmp_path / "out")})
    assert failed.state is not None
    assert (failed.state.type, report(tmp_path / "out")["exit_code"]) == ("FAILED", 3)
    assert "exit code 3" in (failed.state.message or "")
    run_id = report(tmp_path / "out")["run_id"]

    with SimulatedTenant(rehearsal_state(None, ()), folder=tmp_path / "second") as back:
        stack.configure(back)
        retried = stack.again(failed)
    assert retried.id == failed.id
    assert retried.state is not None
    assert (retried.state.type, retried.state.name) == ("COMPLETED", "NeedsPeople")
    assert report(tmp_path / "out")["run_id"] == run_id


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: str(number.name))
def test_a_command_that_is_ended_stops_in_order_and_is_resumed(
    stack: Stack, tenant: SimulatedTenant, tmp_path: Path, number: signal.Signals
) -> None:
    tenant.behaviour = replace(tenant.behaviour, latency=Latency(mean=0.5))
    process = stack.start_sspr("run", "--yes", "--out", str(tmp_path / "out"), str(SAMPLE))
    while not any(record.applied for record in tenant.journal):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    stopped = ended(process)
    assert stopped.code == 3, stopped.said
    assert "Traceback" not in stopped.said
    assert report(tmp_path / "out")["exit_code"] == 3

    tenant.behaviour = replace(tenant.behaviour, latency=Latency())
    resumed = stack.sspr("resume", "--yes", report(tmp_path / "out")["run_id"], PREFECT_API_URL="")
    assert resumed.code == 1, resumed.said
    assert report(tmp_path / "out")["counts"]["pending"] == 0
    written = [(record.account, record.method, record.url) for record in tenant.journal if record.applied]
    assert len(written) == len(set(written))


def test_a_server_that_does_not_answer_ends_the_command_before_anything_is_touched(
    stack: Stack, tenant: SimulatedTenant, tmp_path: Path
) -> None:
    nowhere = "http://someone:hidden-word@127.0.0.1:9/api"
    done = stack.sspr("run", "--yes", "--out", str(tmp_path / "out"), str(SAMPLE), PREFECT_API_URL=nowhere)
    assert done.code == 2
    assert "PREFECT_API_URL" in done.said
    assert "hidden-word" not in done.said
    assert "Traceback" not in done.said
    assert not list(tenant.journal)


@pytest.mark.usefixtures("tenant")
def test_nothing_of_the_input_and_no_secret_is_in_prefects_files(stack: Stack, tmp_path: Path) -> None:
    """Searches the database, the logs and the stored results after a run that succeeded and one that failed."""
    headless = tmp_path / "headless.csv"
    rows = SAMPLE.read_text(encoding="utf-8").splitlines()
    headless.write_text("\n".join(rows[1:]), encoding="utf-8")
    done = stack.run({"files": [str(SAMPLE)], "out": str(tmp_path / "out")})
    failed = stack.run({"files": [str(headless)]})
    assert (done.state_type, failed.state_type) == ("COMPLETED", "FAILED")

    assert any(str(tmp_path / "out").encode() in content for _, content in contents(stack.prefect.folder))
    values = {*values_of(SAMPLE, tmp_path / "out" / "results.csv"), *stack.secrets.values()}
    assert len(values) > 200
    assert found(values, stack.prefect.folder) == []
