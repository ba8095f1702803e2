"""The whole job against the simulated tenant: what becomes of a row, told by results.csv and the tenant's state."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sspr.errors import CannotStart, SsprError
from sspr.job import Host, Job, JobRequest
from sspr.ledger import Ledger
from sspr.model import Target
from sspr.settings import Settings
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.faults import Fault
from sspr.simulated.samples import administrators, application
from sspr.simulated.state import Account, Phone
from sspr.stages.context import Options
from tests.fakes.clocks import FastClock
from tests.fakes.tenants import HEADER, double_writes, read_results, settings_for, wanted, write_input
from tests.job.conftest import Serve

EMAIL, PHONE = wanted(1)


def carry_out(
    ledger: Ledger,
    settings: Settings,
    file: Path,
    out: Path,
    command: str = "run",
    target: Target | None = None,
    host: Host | None = None,
    **options: Any,
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """One command from beginning to end: its report and its results."""
    job = Job.begin(
        ledger,
        settings,
        JobRequest(command, (str(file),), "simulated", target, Options(**options), out),
        host or Host(),
    )
    error: SsprError | None = None
    try:
        job.carry_out()
    except SsprError as stopped:
        error = stopped
    report: Mapping[str, Any] = job.close(error)
    return dict(report), read_results(out)


PLAIN = Account(
    "00000000-0000-0000-0000-000000000001", "jane@contoso.onmicrosoft.com", mail="jane@contoso.com"
)
HELD = replace(
    PLAIN,
    other_mails=(EMAIL,),
    mobile_phone=PHONE,
    email_method=EMAIL,
    phones=(Phone("mobile", PHONE),),
)


@pytest.mark.parametrize(
    ("account", "target", "expected"),
    [
        pytest.param(
            PLAIN, Target.BOTH, {"status": "updated", "warnings": "sms_ends", "ready": "yes"}, id="plain"
        ),
        pytest.param(
            PLAIN,
            Target.METHODS,
            {"status": "updated", "warnings": "sms_ends", "ready": "yes"},
            id="methods-open-the-door",
        ),
        pytest.param(
            PLAIN, Target.CONTACT, {"status": "updated", "ready": "no"}, id="properties-alone-do-not"
        ),
        pytest.param(
            HELD,
            Target.BOTH,
            {"status": "unchanged", "warnings": "sms_ends", "ready": "yes"},
            id="held-already",
        ),
        pytest.param(
            replace(PLAIN, authenticators=("Phone",)),
            Target.BOTH,
            {"status": "updated", "ready": "yes"},
            id="an-authenticator-app-outlives-the-texts",
        ),
        pytest.param(
            replace(PLAIN, enabled=False),
            Target.BOTH,
            {"status": "updated", "warnings": "user_disabled;sms_ends", "ready": "no"},
            id="disabled",
        ),
        pytest.param(
            replace(PLAIN, guest=True),
            Target.BOTH,
            {"status": "rejected", "reason": "user_is_guest"},
            id="guest",
        ),
        pytest.param(
            replace(PLAIN, synced=True),
            Target.BOTH,
            {"status": "updated", "warnings": "synced_from_on_premises;sms_ends", "ready": "yes"},
            id="synced",
        ),
        pytest.param(
            replace(PLAIN, synced=True, other_mails_locked=True),
            Target.BOTH,
            {"status": "updated", "warnings": "synced_from_on_premises;sms_ends", "ready": "yes"},
            id="synced-and-locked",
        ),
        pytest.param(
            replace(PLAIN, synced=True),
            Target.CONTACT,
            {"status": "rejected", "reason": "synced_from_on_premises", "ready": "no"},
            id="synced-contact-only",
        ),
        pytest.param(
            replace(PLAIN, other_mails=("old@adatum.com",), mobile_phone="+44 7400123456"),
            Target.BOTH,
            {
                "status": "updated",
                "warnings": "email_replaces;phone_replaces;sms_ends",
                "alternate_email_before": "old@adatum.com",
                "mobile_phone_before": "+44 7400123456",
            },
            id="other-values-held",
        ),
        pytest.param(
            replace(HELD, email_method="mine@adatum.com", phones=(Phone("mobile", "+44 7400123456"),)),
            Target.BOTH,
            {
                "status": "unchanged",
                "warnings": "email_method_differs;phone_method_differs;sms_ends",
                "email_method_before": "mine@adatum.com",
                "phone_method_before": "+44 7400123456",
                "ready": "yes",
            },
            id="registered-methods-are-kept",
        ),
        pytest.param(
            replace(PLAIN, authenticators=("Phone",), email_method="mine@adatum.com"),
            Target.CONTACT,
            {"status": "updated", "ready": "yes"},
            id="authenticator-and-email-are-two",
        ),
        pytest.param(
            replace(PLAIN, proxy_addresses=(f"smtp:{EMAIL}",)),
            Target.BOTH,
            {"status": "rejected", "reason": "email_same_account"},
            id="own-alias",
        ),
    ],
)
def test_what_becomes_of_a_row(
    account: Account, target: Target, expected: dict[str, str], serve: Serve, ledger: Ledger, tmp_path: Path
) -> None:
    state = administrators(1)
    [admin] = state.accounts.values()
    state.put(replace(account, id=admin.id, upn=admin.upn))
    server = serve(state)
    file = write_input(tmp_path / "in.csv", [admin.upn])
    _, [row] = carry_out(ledger, settings_for(server, tmp_path), file, tmp_path / "out", target=target)
    defaults = {"reason": "", "warnings": ""}
    assert {name: row[name] for name in defaults | expected} == defaults | expected
    assert double_writes(server) == []
    if row["status"] == "rejected":
        assert server.journal.writes() == []


def test_other_addresses_are_kept_behind_the_new_one(serve: Serve, ledger: Ledger, tmp_path: Path) -> None:
    state = administrators(1)
    [admin] = state.accounts.values()
    state.put(replace(admin, other_mails=("old@adatum.com", "older@adatum.com")))
    server = serve(state)
    carry_out(
        ledger,
        settings_for(server, tmp_path),
        write_input(tmp_path / "in.csv", [admin.upn]),
        tmp_path / "out",
    )
    [after] = server.state.accounts.values()
    assert after.other_mails == (EMAIL, "old@adatum.com", "older@adatum.com")


def test_methods_are_replaced_on_request(serve: Serve, ledger: Ledger, tmp_path: Path) -> None:
    state = administrators(1)
    [admin] = state.accounts.values()
    state.put(replace(admin, email_method="mine@adatum.com", phones=(Phone("mobile", "+44 7400123456"),)))
    server = serve(state)
    file = write_input(tmp_path / "in.csv", [admin.upn])
    settings = settings_for(server, tmp_path)
    _, [row] = carry_out(ledger, settings, file, tmp_path / "out", replace_methods=True)
    [after] = server.state.accounts.values()
    assert (after.email_method, after.phones[0].number) == (EMAIL, PHONE)
    assert (row["status"], row["email_method_before"]) == ("updated", "mine@adatum.com")


def test_every_row_has_one_line_in_input_order_whatever_it_is(
    serve: Serve, ledger: Ledger, tmp_path: Path
) -> None:
    server = serve(administrators(3))
    upns = [account.upn for account in server.state.accounts.values()]
    rows = [
        (upns[0], *wanted(1)),
        ("nobody@contoso.onmicrosoft.com", *wanted(2)),
        ("", "", ""),
        (upns[1], "", "12"),
        (upns[2].upper(), *wanted(3)),
        ("too", "short"),
        (upns[2], *wanted(4)),
    ]
    file = tmp_path / "in.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([HEADER, *rows])
    report, results = carry_out(ledger, settings_for(server, tmp_path), file, tmp_path / "out")
    assert [(row["line"], row["status"], row["reason"]) for row in results] == [
        ("2", "updated", ""),
        ("3", "rejected", "user_not_found"),
        ("5", "rejected", "email_missing;phone_region_unknown"),
        ("6", "rejected", "conflicting_rows"),
        ("7", "rejected", "row_malformed"),
        ("8", "rejected", "conflicting_rows"),
    ]
    assert (report["exit_code"], sum(report["counts"].values())) == (1, 6)


def test_a_second_run_of_the_same_file_writes_nothing(serve: Serve, ledger: Ledger, tmp_path: Path) -> None:
    server = serve(admins=30)
    settings = settings_for(server, tmp_path)
    file = write_input(tmp_path / "in.csv", [account.upn for account in server.state.accounts.values()])
    carry_out(ledger, settings, file, tmp_path / "first")
    server.journal.clear()
    report, results = carry_out(ledger, settings, file, tmp_path / "second")
    assert server.journal.writes() == []
    assert {row["status"] for row in results} == {"unchanged"}
    assert (report["exit_code"], report["graph"]["writes"]) == (0, 0)


def test_a_read_lag_is_waited_out_and_nothing_is_written_twice(
    serve: Serve, ledger: Ledger, tmp_path: Path
) -> None:
    server = serve(admins=25, behaviour=Behaviour(quotas=None, read_lag=2.0))
    file = write_input(tmp_path / "in.csv", [account.upn for account in server.state.accounts.values()])
    report, _ = carry_out(ledger, settings_for(server, tmp_path), file, tmp_path / "out")
    assert (report["counts"]["updated"], report["ready"]["yes"]) == (25, 25)
    assert double_writes(server) == []


def test_a_flag_that_is_off_makes_nobody_ready_and_can_be_turned_on(
    serve: Serve, ledger: Ledger, tmp_path: Path
) -> None:
    state = administrators(2)
    state.policy = replace(state.policy, sspr=False)
    server = serve(state)
    settings = settings_for(server, tmp_path)
    file = write_input(tmp_path / "in.csv", [account.upn for account in server.state.accounts.values()])
    off, results = carry_out(ledger, settings, file, tmp_path / "off")
    assert (off["exit_code"], off["feature"]["enabled_after"]) == (1, False)
    assert {row["ready"] for row in results} == {"no"}
    on, results = carry_out(ledger, settings, file, tmp_path / "on", enable_feature=True)
    assert on["exit_code"] == 0
    assert (on["feature"]["enabled_before"], on["feature"]["enabled_after"]) == (False, True)
    assert {(row["status"], row["ready"]) for row in results} == {("unchanged", "yes")}


def test_the_flag_is_turned_on_only_once_that_was_approved(
    serve: Serve, ledger: Ledger, tmp_path: Path
) -> None:
    state = administrators(2)
    state.policy = replace(state.policy, sspr=False)
    server = serve(state)
    file = write_input(tmp_path / "in.csv", ["nobody"])  # no row to write: the flag alone is to be approved
    request = JobRequest(
        "run", (str(file),), "simulated", None, Options(enable_feature=True), tmp_path / "out"
    )
    job = Job.begin(ledger, settings_for(server, tmp_path), request, Host())
    with pytest.raises(CannotStart, match="Not approved"):
        job.carry_out(approve=lambda: False)
    job.close()
    assert server.state.policy.sspr is False
    job = Job.begin(ledger, settings_for(server, tmp_path), request, Host())
    job.carry_out(approve=lambda: True)
    assert job.close()["feature"] == {"enabled_before": False, "enabled_after": True}
    assert server.state.policy.sspr is True


def test_a_plan_writes_nothing_and_is_carried_out_later(serve: Serve, ledger: Ledger, tmp_path: Path) -> None:
    server = serve(admins=3)
    settings = settings_for(server, tmp_path)
    upns = [account.upn for account in server.state.accounts.values()]
    file = write_input(tmp_path / "in.csv", upns)
    report, results = carry_out(ledger, settings, file, tmp_path / "out", command="plan")
    assert (report["exit_code"], {row["status"] for row in results}) == (0, {"planned"})
    assert server.journal.writes() == []
    moved = server.state.account(upns[1])
    assert moved is not None
    server.state.put(replace(moved, mobile_phone="+44 7400123456"))
    job = Job.load(ledger, settings, report["run_id"], Host())
    job.adopt("apply", approved=True)
    job.carry_out()
    job.close()
    results = read_results(tmp_path / "out")
    assert [(row["status"], row["reason"]) for row in results] == [
        ("updated", ""),
        ("failed", "changed_since_plan"),
        ("updated", ""),
    ]
    assert moved.id not in {record.account for record in server.journal.writes()}


@pytest.mark.parametrize(("answer", "statuses"), [(True, {"updated"}), (False, {"planned"})])
def test_what_is_not_approved_is_not_written_and_stays_a_plan(
    answer: bool, statuses: set[str], serve: Serve, ledger: Ledger, tmp_path: Path
) -> None:
    server = serve(admins=3)
    file = write_input(tmp_path / "in.csv", [account.upn for account in server.state.accounts.values()])
    request = JobRequest("run", (str(file),), "simulated", out=tmp_path / "out")
    job = Job.begin(ledger, settings_for(server, tmp_path), request, Host())
    error: SsprError | None = None
    try:
        job.carry_out(approve=lambda: answer)
    except CannotStart as refused:
        error = refused
    job.close(error)
    assert {row["status"] for row in read_results(tmp_path / "out")} == statuses
    assert bool(server.journal.writes()) is answer
    assert job.record.command == ("run" if answer else "plan")


# -- refusals and faults --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "missing", ["User-Phone.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All", "User.Read.All"]
)
def test_a_missing_permission_stops_before_anything_is_written(
    missing: str, serve: Serve, ledger: Ledger, tmp_path: Path
) -> None:
    app = application()
    state = administrators(
        5, app=replace(app, permissions=tuple(name for name in app.permissions if name != missing))
    )
    server = serve(state)
    file = write_input(tmp_path / "in.csv", [account.upn for account in state.accounts.values()])
    report, results = carry_out(ledger, settings_for(server, tmp_path), file, tmp_path / "out")
    assert server.journal.writes() == []
    assert report["exit_code"] in (2, 3)
    assert missing in report["stopped_because"]
    assert {row["status"] for row in results} == {"pending"}


def test_contact_properties_need_no_right_to_read_methods_but_then_nobody_is_known_to_be_ready(
    serve: Serve, ledger: Ledger, tmp_path: Path
) -> None:
    app = application()
    allowed = tuple(name for name in app.permissions if not name.startswith("UserAuth"))
    server = serve(administrators(5, app=replace(app, permissions=allowed)))
    file = write_input(tmp_path / "in.csv", [account.upn for account in server.state.accounts.values()])
    report, results = carry_out(
        ledger, settings_for(server, tmp_path), file, tmp_path / "out", target=Target.CONTACT
    )
    assert (report["exit_code"], {row["status"] for row in results}) == (0, {"updated"})
    assert {row["ready"] for row in results} == {""}


def test_a_missing_directory_role_stops_the_run_and_is_named(
    serve: Serve, ledger: Ledger, tmp_path: Path
) -> None:
    state = administrators(30, app=application(directory_roles=()))
    server = serve(state)
    settings = settings_for(server, tmp_path)
    file = write_input(tmp_path / "in.csv", [account.upn for account in state.accounts.values()])
    report, results = carry_out(ledger, settings, file, tmp_path / "out")
    assert report["exit_code"] == 3
    assert "Privileged Authentication Administrator" in report["stopped_because"]
    assert {row["status"] for row in results} == {"pending"}
    assert server.journal.writes() == []


def test_a_run_that_was_refused_goes_on_once_the_role_is_there(
    serve: Serve, ledger: Ledger, tmp_path: Path
) -> None:
    state = administrators(30, app=application(directory_roles=()))
    server = serve(state)
    settings = settings_for(server, tmp_path)
    file = write_input(tmp_path / "in.csv", [account.upn for account in state.accounts.values()])
    report, _ = carry_out(ledger, settings, file, tmp_path / "out")
    state.apps = (application(),)
    job = Job.load(ledger, settings, report["run_id"], Host())
    job.carry_out()
    assert job.close()["counts"]["updated"] == 30


FAULTS = {
    "429 of items": Fault(match="* /users/*", status=429, probability=0.1, retry_after=1),
    "409 of writes": Fault(
        match="PATCH *", status=409, code="Directory_ConcurrencyViolation", probability=0.2
    ),
    "503 of items": Fault(match="* /users/*", status=503, probability=0.1),
    "500 after the write": Fault(match="P* /users/*", status=500, probability=0.15, after_write=True),
    "504 before the write": Fault(match="P* /users/*", status=504, probability=0.1),
    "envelope 503": Fault(match="POST /$batch", status=503, on="request", nth=(4, 6, 9)),
    "reset before": Fault(match="POST /$batch", effect="reset", on="request", nth=(3, 7)),
    "reset after": Fault(match="POST /$batch", effect="reset", on="request", nth=(5, 8), after_write=True),
    "an item missing from the answer": Fault(
        match="P* /users/*", effect="omit", probability=0.1, after_write=True
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_cost_time_only(name: str, serve: Serve, ledger: Ledger, tmp_path: Path) -> None:
    server = serve(admins=45, behaviour=Behaviour(quotas=None, faults=(FAULTS[name],)))
    file = write_input(tmp_path / "in.csv", [account.upn for account in server.state.accounts.values()])
    # A clock that runs twelve times as fast: what a write of unknown fate is waited for passes in seconds.
    clock = FastClock(12.0)
    report, _ = carry_out(ledger, settings_for(server, tmp_path), file, tmp_path / "out", host=clock.host())
    assert any(record.fault for record in server.journal)
    assert (report["counts"]["updated"], report["ready"]["yes"]) == (45, 45)
    assert double_writes(server) == []


def test_a_tenant_that_goes_away_stops_the_run_and_a_resumed_one_ends_it(
    serve: Serve, ledger: Ledger, tmp_path: Path
) -> None:
    gone = Fault(match="POST /$batch", status=503, on="request", nth=tuple(range(8, 10_000)))
    server = serve(admins=45, behaviour=Behaviour(quotas=None, faults=(gone,)))
    settings = settings_for(server, tmp_path)
    file = write_input(tmp_path / "in.csv", [account.upn for account in server.state.accounts.values()])
    report, results = carry_out(ledger, settings, file, tmp_path / "out", host=FastClock(60.0).host())
    assert report["exit_code"] == 3
    assert {row["status"] for row in results} <= {"pending", "updated"}
    server.behaviour = Behaviour(quotas=None)
    job = Job.load(ledger, settings, report["run_id"], FastClock(12.0, ahead=3600.0).host())
    job.carry_out()
    assert job.close()["counts"]["updated"] == 45
    assert double_writes(server) == []


def test_settings_that_cannot_work_open_no_run(serve: Serve, ledger: Ledger, tmp_path: Path) -> None:
    server = serve(admins=1)
    settings = settings_for(server, tmp_path)
    request = JobRequest("run", (str(tmp_path / "nothing.csv"),), "simulated", out=tmp_path / "out")
    with pytest.raises(CannotStart):
        Job.begin(ledger, settings, request, Host())
    assert ledger.run_ids() == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("most", "code", "statuses"),
    [
        ("2", 3, {"failed", "pending", "updated"}),
        ("20%", 1, {"failed", "updated"}),
        (None, 1, {"failed", "updated"}),
    ],
)
def test_more_failures_than_are_allowed_stop_the_run_and_the_rest_stays_pending(
    most: str | None, code: int, statuses: set[str], serve: Serve, ledger: Ledger, tmp_path: Path
) -> None:
    state = administrators(150)
    for account in list(state.accounts.values())[10:15]:
        state.put(replace(account, restricted=True))  # one that the application's role does not reach
    server = serve(state)
    file = write_input(tmp_path / "in.csv", [account.upn for account in state.accounts.values()])
    report, results = carry_out(
        ledger,
        settings_for(server, tmp_path),
        file,
        tmp_path / "out",
        target=Target.CONTACT,
        max_failures=most,
    )
    assert report["exit_code"] == code
    assert {row["status"] for row in results} == statuses
    failed = [row for row in results if row["status"] == "failed"]
    assert {row["reason"] for row in failed} == {"permission_denied"}
    assert all(
        "Authorization_RequestDenied" in row["message"] and "request id" in row["message"] for row in failed
    )
