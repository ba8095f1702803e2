"""What people do in Prefect's UI, done by a browser there, and what it comes to in the tenant."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bench import inputs
from bench.kills import complaints
from bench.spellings import found, spellings, values_of
from bench.torture import tenant_of, values_written
from sspr.simulated.faults import Fault
from sspr.simulated.server import SimulatedTenant
from tests.e2e.browser import SCREENSHOTS, Ui, opened
from tests.e2e.stack import Stack

ROWS = 60  # of five accounts one holds other contact properties, and one has registered a number itself


@pytest.fixture
def ui(stack: Stack, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ui]:
    pictures = [tmp_path / "screenshots", *([SCREENSHOTS / request.node.name] if SCREENSHOTS else [])]
    with opened(stack.prefect.url, pictures) as browser:
        yield browser


@dataclass
class Outage:
    """With the first write of a run Microsoft's sign-in goes down, and takes the tokens that it gave with it."""

    tenant: SimulatedTenant | None = None
    begun: bool = False

    def __call__(self, method: str, url: str, *_exchange: Any) -> None:
        if self.tenant is None or self.begun or method == "GET" or "/users/" not in url:
            return
        self.begun = True
        down = Fault("POST */token", status=503, on="request", retry_after=3_600.0)
        self.tenant.behaviour = replace(self.tenant.behaviour, faults=(down,))
        self.tenant.revoke_tokens()

    def end(self, tenant: SimulatedTenant) -> None:
        tenant.behaviour = replace(tenant.behaviour, faults=())


@dataclass(frozen=True)
class Place:
    """The tenant of one test, the file whose rows it knows, and where the run is to leave its report."""

    tenant: SimulatedTenant
    file: Path
    out: Path

    @property
    def form(self) -> dict[str, str]:
        return {"Input files": str(self.file), "Output folder": str(self.out)}

    def results(self) -> list[dict[str, str]]:
        with (self.out / "results.csv").open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))


Here = Callable[..., Place]


@pytest.fixture
def here(stack: Stack, tmp_path: Path) -> Iterator[Here]:
    tenants: list[SimulatedTenant] = []

    def start(outage: Outage | None = None) -> Place:
        tenant = SimulatedTenant(tenant_of(ROWS), folder=tmp_path / "tls", on_exchange=outage)
        tenants.append(tenant.start())
        stack.configure(tenant)
        return Place(tenant, inputs.write(tmp_path / "admins.csv", 1, ROWS), tmp_path / "out")

    yield start
    for tenant in tenants:
        tenant.stop()


def test_a_bad_value_is_refused_in_the_form_with_a_sentence(stack: Stack, here: Here, ui: Ui) -> None:
    place, before = here(), len(stack.flow_runs())
    ui.open_form("onboard")
    ui.fill_in({**place.form, "Failures at most": "many", "Default country": "Utopia"})
    ui.submit()
    ui.wait_for_text("'many'", ui.field("Failures at most"))
    ui.wait_for_text("'Utopia'", ui.field("Default country"))
    ui.picture("refused")
    assert len(stack.flow_runs()) == before


def test_a_run_that_an_outage_stops_half_way_is_retried_in_the_ui_and_writes_every_value_once(
    here: Here, ui: Ui
) -> None:
    outage = Outage()
    place = here(outage)
    outage.tenant = place.tenant
    ui.open_form("onboard")
    ui.fill_in({**place.form, "Approval": "none"})
    ui.picture("form")
    ui.start_the_run()
    ui.wait_for_state("Failed")
    ui.picture("failed")
    assert 0 < len({account for account, *_ in values_written(place.tenant.journal)}) < ROWS
    assert {row["status"] for row in place.results()} == {"pending"}

    outage.end(place.tenant)
    ui.retry()
    ui.wait_for_state("Completed")
    ui.picture("completed")
    ui.tab("Details")
    ui.wait_for_text(f"{ROWS} updated, 0 unchanged, 0 rejected, 0 failed; flag on")
    ui.picture("details")
    ui.tab("Artifacts")
    ui.wait_for_text("What became of the rows")
    ui.picture("artifacts")
    assert complaints(place.tenant, ROWS, place.out) == []


def test_a_plan_is_read_and_approved_in_the_ui_and_then_written(here: Here, ui: Ui) -> None:
    place = here()
    ui.open_form("onboard")
    ui.fill_in({**place.form, "Approval": "required"})
    ui.start_the_run()
    ui.wait_for_state("Suspended")
    before = place.tenant.state.to_json()
    ui.picture("suspended")
    ui.open_question()
    asked = ui.question()
    assert f"Plan: {ROWS} to change" in asked
    assert f"Replaced: {ROWS // 5} × alternate email" in asked
    assert str(place.out / "results.csv") in asked
    assert [each for value in values_of(place.file) for each in spellings(value) if each in asked] == []
    ui.picture("question")

    ui.answer(approve=True, approver=" ")
    ui.wait_for_text("does not match")
    ui.picture("nameless")
    assert place.tenant.state.to_json() == before
    ui.answer(approve=True, approver="Ada Approver")
    ui.wait_for_state("Completed")
    ui.picture("completed")
    assert complaints(place.tenant, ROWS, place.out) == []


def test_a_plan_that_is_refused_in_the_ui_is_not_written(here: Here, ui: Ui) -> None:
    place = here()
    before = place.tenant.state.to_json()
    ui.open_form("onboard")
    ui.fill_in({**place.form, "Approval": "required"})
    ui.start_the_run()
    ui.wait_for_state("Suspended")
    ui.open_question()
    ui.answer(approve=False, approver="Ada Approver")
    ui.wait_for_state("Refused")
    ui.tab("Details")
    ui.wait_for_text("Not approved: nothing was written.")
    ui.picture("refused")
    assert list(place.tenant.journal.writes()) == []
    assert place.tenant.state.to_json() == before
    assert {row["status"] for row in place.results()} == {"planned"}


@pytest.mark.usefixtures("ui")  # without a browser the tests before it have left nothing
def test_after_all_that_prefect_knows_no_value_of_the_input(stack: Stack, tmp_path: Path) -> None:
    """The tests before this one have left a failed, a retried, an approved and a refused run behind."""
    ended = {flow_run.state_name for flow_run in stack.flow_runs()}
    assert ended >= {"Completed", "Refused"}
    held = [
        value
        for account in tenant_of(ROWS).accounts.values()
        for value in (*account.other_mails, account.mobile_phone, *(phone.number for phone in account.phones))
        if value
    ]
    values = {*values_of(inputs.write(tmp_path / "admins.csv", 1, ROWS)), *held, *stack.secrets.values()}
    assert len(values) > 3 * ROWS
    assert found(values, stack.prefect.folder) == []
