"""Approval in Prefect, over its API: a suspended plan is approved, refused, asked about again, or out of date."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest

from sspr.simulated.samples import administrators
from sspr.simulated.server import SimulatedTenant
from tests.e2e.stack import PATIENCE, Stack
from tests.fakes.tenants import wanted, write_input

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

ADMINS = 6
HELD = "+44 7400123456"


@pytest.fixture
def plain(stack: Stack, tmp_path: Path) -> Any:
    """A tenant of six administrators, of whom the first holds a number that makes way."""
    state = administrators(ADMINS)
    first = next(iter(state.accounts.values()))
    state.put(replace(first, mobile_phone=HELD))
    with SimulatedTenant(state, folder=tmp_path / "tenant") as server:
        stack.configure(server)
        yield server


def input_for(server: SimulatedTenant, folder: Path) -> Path:
    return write_input(folder / "in.csv", [account.upn for account in server.state.accounts.values()])


def suspended(stack: Stack, flow_run: FlowRun) -> FlowRun:
    """The flow run, once it waits for an answer."""
    until = time.monotonic() + PATIENCE
    while True:
        seen = stack.prefect.client.read_flow_run(flow_run.id)
        if seen.state_name == "Suspended":
            return seen
        assert seen.state is not None
        assert not seen.state.is_final(), seen.state.message
        assert time.monotonic() < until, seen.state_name
        time.sleep(0.25)


def asked(stack: Stack, server: SimulatedTenant, folder: Path, **parameters: Any) -> FlowRun:
    """A flow run that has come to its question."""
    words = {"files": [str(input_for(server, folder))], "out": str(folder / "out"), "approval": "required"}
    return suspended(stack, stack.prefect.create_run("onboard/onboard", {**words, **parameters}))


def answer(stack: Stack, flow_run: FlowRun, **answers: Any) -> str:
    """What the form sends; the status of the reply. A server on SQLite answers 503 at times: it is asked again."""
    url = f"{stack.prefect.api}/flow_runs/{flow_run.id}/resume"
    for pause in (0.5, 1.0, 2.0, 4.0, 8.0):
        reply = httpx.post(url, json={"run_input": answers}, trust_env=False, timeout=30.0)
        if reply.status_code < 500:
            return str(reply.json()["status"])
        time.sleep(pause)
    raise AssertionError(reply.text)


def ended(stack: Stack, flow_run: FlowRun) -> tuple[str, str, str]:
    """Type, name and message of the flow run's last state."""
    state = stack.prefect.wait(flow_run, PATIENCE).state
    assert state is not None
    return state.type.value, state.name or "", state.message or ""


def question(stack: Stack, flow_run: FlowRun) -> str:
    """The text over the form."""
    seen = stack.prefect.client.read_flow_run(flow_run.id)
    assert seen.state is not None
    keys = seen.state.state_details.run_input_keyset
    assert keys is not None
    url = f"{stack.prefect.api}/flow_runs/{flow_run.id}/input/{keys['description']}"
    return str(httpx.get(url, trust_env=False).json())


def statuses(folder: Path) -> set[str]:
    with (folder / "results.csv").open(newline="", encoding="utf-8-sig") as file:
        return {row["status"] for row in csv.DictReader(file)}


def run_id(folder: Path) -> str:
    return str(json.loads((folder / "report.json").read_text(encoding="utf-8"))["run_id"])


def artifacts(stack: Stack, flow_run: FlowRun) -> dict[str, Any]:
    """Key → data of the artifacts of a flow run."""
    query = {"artifacts": {"flow_run_id": {"any_": [str(flow_run.id)]}}}
    found = httpx.post(f"{stack.prefect.api}/artifacts/filter", json=query, trust_env=False).json()
    return {each["key"] or each["type"]: each["data"] for each in found}


def test_what_is_approved_is_written_and_the_question_shows_the_plan_without_contact_data(
    stack: Stack, plain: SimulatedTenant, tmp_path: Path
) -> None:
    waiting = asked(stack, plain, tmp_path)
    text = question(stack, waiting)
    assert f"Plan: {ADMINS} to change, 0 unchanged, 0 rejected." in text
    assert "1 × mobile phone" in text
    assert "~ mobile phone: +44 •••• 3456 → +1 •••• 0001" in text
    assert str(tmp_path / "out" / "results.csv") in text
    values = [value for number in range(1, ADMINS + 1) for value in wanted(number)]
    accounts = [account.upn for account in plain.state.accounts.values()]
    assert [each for each in (*values, *accounts, HELD) if each in text] == []
    assert plain.journal.writes() == []

    # A wrong type, a missing choice, a name of nothing: the form says so, and the run waits on.
    for wrong in ({"approve": "perhaps", "approver": "Ada"}, {"approver": "Ada"}, {"approve": True}, {}):
        assert answer(stack, waiting, **wrong) == "REJECT"
    assert answer(stack, waiting, approve=True, approver=" ") == "REJECT"
    assert answer(stack, waiting, approve=True, approver="Ada Approver") == "ACCEPT"
    assert answer(stack, waiting, approve=False, approver="Too Late") != "ACCEPT"

    kind, name, message = ended(stack, waiting)
    assert (kind, name, message) == (
        "COMPLETED",
        "Completed",
        f"{ADMINS} updated, 0 unchanged, 0 rejected, 0 failed; flag on",
    )
    assert statuses(tmp_path / "out") == {"updated"}
    shown = artifacts(stack, waiting)
    run = run_id(tmp_path / "out")
    assert {f"sspr-{run}", f"sspr-{run}-plan", f"sspr-{run}-report"} <= set(shown)
    assert (tmp_path / "out" / "report.html").as_uri() in str(shown[f"sspr-{run}-report"])
    told = stack.sspr("runs", "show", run, "--json", PREFECT_API_URL="")
    assert told.code == 0, told.said


def test_what_is_refused_is_kept_and_asked_about_again_or_applied_at_a_terminal(
    stack: Stack, plain: SimulatedTenant, tmp_path: Path
) -> None:
    waiting = asked(stack, plain, tmp_path)
    assert answer(stack, waiting, approve=False, approver="Ada Approver") == "ACCEPT"
    kind, name, message = ended(stack, waiting)
    assert (kind, name) == ("COMPLETED", "Refused")
    run = run_id(tmp_path / "out")
    assert f"`sspr apply {run}` carries the plan out. Refused by Ada Approver." in message
    assert statuses(tmp_path / "out") == {"planned"}

    # A retry asks anew: the answer was for that question, and is used up.
    from prefect.states import AwaitingRetry

    stack.prefect.client.set_flow_run_state(waiting.id, AwaitingRetry(), force=True)
    again = suspended(stack, waiting)
    assert answer(stack, again, approve=False, approver="Ada Approver") == "ACCEPT"
    assert ended(stack, again)[1] == "Refused"
    assert plain.journal.writes() == []

    applied = stack.sspr("apply", "--yes", run, PREFECT_API_URL="")
    assert applied.code == 0, applied.said
    assert statuses(tmp_path / "out") == {"updated"}


def test_what_moves_while_the_question_is_open_is_left_alone(
    stack: Stack, plain: SimulatedTenant, tmp_path: Path
) -> None:
    waiting = asked(stack, plain, tmp_path)
    moved = list(plain.state.accounts.values())[2]
    plain.state.put(replace(moved, mobile_phone="+44 7400999999"))
    assert answer(stack, waiting, approve=True, approver="Ada Approver") == "ACCEPT"
    kind, name, message = ended(stack, waiting)
    assert (kind, name) == ("COMPLETED", "NeedsPeople")
    assert message.startswith(f"{ADMINS - 1} updated, 0 unchanged, 0 rejected, 1 failed")
    assert moved.id not in {record.account for record in plain.journal.writes()}


def test_a_run_that_failed_after_its_approval_is_retried_without_another_question(
    stack: Stack, plain: SimulatedTenant, tmp_path: Path
) -> None:
    waiting = asked(stack, plain, tmp_path)
    plain.stop()
    assert answer(stack, waiting, approve=True, approver="Ada Approver") == "ACCEPT"
    kind, _, message = ended(stack, waiting)
    assert kind == "FAILED"
    assert "exit code 3" in message
    assert f"{ADMINS} pending" in message
    assert f"sspr-{run_id(tmp_path / 'out')}" in artifacts(stack, waiting)
    with SimulatedTenant(plain.state, folder=tmp_path / "tenant") as back:
        stack.configure(back)
        retried = stack.again(waiting)
    assert retried.state is not None
    assert (retried.state.type.value, retried.state.name) == ("COMPLETED", "Completed")


def test_many_administrators_are_asked_about_where_the_policy_says_so(
    stack: Stack, plain: SimulatedTenant, tmp_path: Path
) -> None:
    settings = stack.config.read_text(encoding="utf-8")
    stack.config.write_text(f"{settings}\napproval_above = {ADMINS - 1}\n", encoding="utf-8")
    waiting = asked(stack, plain, tmp_path, approval="policy")
    assert f"More than {ADMINS - 1} administrators would be written." in question(stack, waiting)
    # Cancelled while it waits, and started anew: nothing was written, and nothing stands in the way.
    assert answer(stack, waiting, approve=False, approver="Ada Approver") == "ACCEPT"
    ended(stack, waiting)
    stack.config.write_text(f"{settings}\napproval_above = {ADMINS}\n", encoding="utf-8")
    free = stack.run({"files": [str(input_for(plain, tmp_path))], "out": str(tmp_path / "free")})
    assert free.state_name == "Completed"


def test_the_flag_is_looked_at_and_turned(stack: Stack, plain: SimulatedTenant) -> None:
    def flag(action: str) -> tuple[str, str, str]:
        return ended(stack, stack.prefect.create_run("feature/feature", {"action": action}))

    assert flag("disable") == ("COMPLETED", "Completed", "flag off")
    assert plain.state.policy.sspr is False
    assert flag("status") == ("COMPLETED", "NeedsPeople", "flag off")
    plain.stop()
    kind, _, message = flag("status")
    assert kind == "FAILED"
    assert "exit code 3" in message


def test_the_automation_is_one_that_the_server_takes(stack: Stack, project: Path) -> None:
    command = ["automation", "create", "--from-file", str(project / "flows" / "automation.yaml")]
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *command],
        env=stack.prefect.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = httpx.post(f"{stack.prefect.api}/automations/filter", json={}, trust_env=False).json()
    try:
        (zombies,) = (each for each in made if each["name"].startswith("sspr"))
        assert (zombies["enabled"], zombies["trigger"]["within"]) == (True, 90.0)
    finally:
        for each in made:
            httpx.delete(f"{stack.prefect.api}/automations/{UUID(each['id'])}", trust_env=False)
