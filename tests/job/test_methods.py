"""Registered methods in full, against the simulated tenant: what is written, what is left, and what is said of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sspr.errors import SsprError
from sspr.job import Host, Job, JobRequest
from sspr.ledger import Ledger
from sspr.model import Target
from sspr.settings import Settings
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.builtin_roles import GLOBAL, HELPDESK
from sspr.simulated.faults import Fault
from sspr.simulated.samples import administrators, application
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import Account, Assignment, Domain, Eligibility, Group, Phone, SmsSignIn, State
from sspr.stages.context import Options
from tests.fakes.tenants import double_writes, read_results, settings_for, wanted, write_input
from tests.job.conftest import Serve

EMAIL, PHONE = wanted(1)
THEIRS = "+44 7400123456"
MOBILE = "3179e48a-750b-4051-897c-87b9720928f7"


@pytest.fixture
def carry_out(ledger: Ledger, tmp_path: Path) -> Carry:
    """One run over all accounts of a tenant: the report and the results."""

    def carry(
        server: SimulatedTenant,
        target: Target | None = None,
        host: Host | None = None,
        settings: Settings | None = None,
        out: str = "out",
        **options: Any,
    ) -> tuple[dict[str, Any], list[dict[str, str]]]:
        upns = [account.upn for account in server.state.accounts.values()]
        file = write_input(tmp_path / "in.csv", upns)
        folder = tmp_path / out
        request = JobRequest("run", (str(file),), "simulated", target, Options(**options), folder)
        job = Job.begin(ledger, settings or settings_for(server, tmp_path), request, host or Host())
        error: SsprError | None = None
        try:
            job.carry_out()
        except SsprError as stopped:
            error = stopped
        return dict(job.close(error)), read_results(folder)

    return carry


Carry = Callable[..., tuple[dict[str, Any], list[dict[str, str]]]]


def one(**changes: Any) -> State:
    """A tenant of one administrator."""
    state = administrators(1)
    [admin] = state.accounts.values()
    state.put(replace(admin, **changes))
    return state


def of(server: SimulatedTenant) -> Account:
    [account] = server.state.accounts.values()
    return account


def writes(server: SimulatedTenant) -> list[str]:
    """Method and last part of the address of each write, in order."""
    return [f"{record.method} {record.url.rpartition('/')[2]}" for record in server.journal.writes()]


# -- mastered on premises -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locked", "target", "other_mails", "said"),
    [
        (False, Target.BOTH, (EMAIL,), "its property mobilePhone is left as it is"),
        (True, Target.BOTH, (), "Left as mastered on premises: otherMails."),
        (True, Target.METHODS, (), "only its methods are written"),
    ],
)
def test_an_account_mastered_on_premises_gets_its_methods(
    locked: bool, target: Target, other_mails: tuple[str, ...], said: str, serve: Serve, carry_out: Carry
) -> None:
    server = serve(one(synced=True, other_mails_locked=locked, mobile_phone=THEIRS))
    report, [row] = carry_out(server, target)
    account = of(server)
    assert (row["status"], row["reason"], row["ready"]) == ("updated", "", "yes")
    assert "synced_from_on_premises" in row["warnings"]
    assert said in row["message"]
    assert (account.email_method, account.phones) == (EMAIL, (Phone("mobile", PHONE),))
    assert (account.other_mails, account.mobile_phone) == (other_mails, THEIRS)
    assert report["exit_code"] == 0
    # A property that is refused may refuse the whole PATCH: mobilePhone is not even tried.
    patches = [record.request_body for record in server.journal.calls() if record.method == "PATCH"]
    assert patches == ([] if target is Target.METHODS else [{"otherMails": [EMAIL]}])


def test_an_account_whose_methods_are_held_is_unchanged_though_its_property_is_refused(
    serve: Serve, carry_out: Carry
) -> None:
    held = {"email_method": EMAIL, "phones": (Phone("mobile", PHONE),)}
    server = serve(one(synced=True, other_mails_locked=True, **held))
    _, [row] = carry_out(server)
    assert (row["status"], row["reason"], writes(server)) == ("unchanged", "", [])
    assert "Left as mastered on premises: otherMails." in row["message"]


# -- replacing, and methods that come and go --------------------------------------------------------------------------


def test_a_replaced_number_keeps_the_other_phones_and_the_row_tells_what_was_there(
    serve: Serve, carry_out: Carry
) -> None:
    others = (Phone("alternateMobile", "+1 4257380001"), Phone("office", "+1 4257380002x99"))
    server = serve(one(email_method="mine@adatum.com", phones=(Phone("mobile", THEIRS), *others)))
    _, [row] = carry_out(server, Target.METHODS, replace_methods=True)
    account = of(server)
    assert (account.email_method, account.phones) == (EMAIL, (Phone("mobile", PHONE), *others))
    assert row["status"] == "updated"
    assert (row["email_method_before"], row["phone_method_before"]) == ("mine@adatum.com", THEIRS)
    assert row["warnings"].startswith("email_method_differs;phone_method_differs")
    assert row["message"].count("(replaced)") == 2
    assert [line.partition(" ")[0] for line in writes(server)] == ["PATCH", "PATCH"]


def test_an_office_phone_alone_is_no_mobile_phone(serve: Serve, carry_out: Carry) -> None:
    office = Phone("office", "+1 4257380002")
    server = serve(one(phones=(office,)))
    _, [row] = carry_out(server, Target.METHODS)
    assert set(of(server).phones) == {office, Phone("mobile", PHONE)}
    assert (row["status"], row["phone_method_before"]) == ("updated", "")


def moving(serve: Serve, state: State, changes: dict[str, Any]) -> SimulatedTenant:
    """A tenant whose account changes right after the plan has read its methods."""
    moved = False

    def on_exchange(method: str, url: str, *_: object) -> None:
        nonlocal moved
        if method == "GET" and url.endswith("/authentication/methods") and not moved:
            moved = True
            server.state.put(replace(of(server), **changes))

    server: SimulatedTenant = serve(state, on_exchange=on_exchange)
    return server


BOTH_DIFFER = "email_method_differs;phone_method_differs"


def holding(
    email: str | None, number: str | None, sms_sign_in: SmsSignIn = "notAllowedByPolicy"
) -> dict[str, Any]:
    """The registered methods of an account."""
    return {"email_method": email, "phones": (Phone("mobile", number, sms_sign_in),) if number else ()}


NONE, MINE, WANTED = holding(None, None), holding("mine@adatum.com", THEIRS), holding(EMAIL, PHONE)
ANOTHER = holding("other@adatum.com", "+44 7400999999")


@pytest.mark.parametrize(
    ("before", "meanwhile", "replaces", "after", "status", "warnings"),
    [
        pytest.param(NONE, MINE, False, MINE, "unchanged", BOTH_DIFFER, id="appeared-and-is-kept"),
        pytest.param(NONE, MINE, True, WANTED, "updated", BOTH_DIFFER, id="appeared-and-is-replaced"),
        pytest.param(NONE, WANTED, False, WANTED, "updated", "", id="appeared-as-wanted"),
        pytest.param(MINE, NONE, True, WANTED, "updated", BOTH_DIFFER, id="vanished-and-is-registered"),
        pytest.param(MINE, ANOTHER, True, WANTED, "updated", BOTH_DIFFER, id="became-another"),
    ],
)
def test_a_method_that_came_or_went_after_the_plan_is_judged_by_what_is_there(
    before: dict[str, Any],
    meanwhile: dict[str, Any],
    replaces: bool,
    after: dict[str, Any],
    status: str,
    warnings: str,
    serve: Serve,
    carry_out: Carry,
) -> None:
    server = moving(serve, one(**before), meanwhile)
    _, [row] = carry_out(server, Target.METHODS, replace_methods=replaces)
    account = of(server)
    assert {"email_method": account.email_method, "phones": account.phones} == after
    said = ";".join(code for code in row["warnings"].split(";") if code != "sms_ends")
    assert (row["status"], row["reason"], said) == (status, "", warnings)
    assert double_writes(server) == []


def test_a_method_that_appeared_and_was_replaced_is_told_as_what_was_there(
    serve: Serve, carry_out: Carry
) -> None:
    server = moving(serve, one(**NONE), MINE)
    _, [row] = carry_out(server, Target.METHODS, replace_methods=True)
    assert (row["email_method_before"], row["phone_method_before"]) == ("mine@adatum.com", THEIRS)


@pytest.mark.parametrize(
    ("meanwhile", "replaces"),
    [(holding(None, PHONE, "ready"), False), (holding(None, THEIRS, "ready"), True)],
    ids=["the-very-number", "another-number-replaced"],
)
def test_sms_sign_in_that_the_person_turned_on_meanwhile_stays_on(
    meanwhile: dict[str, Any], replaces: bool, serve: Serve, carry_out: Carry
) -> None:
    server = moving(serve, one(sms_sign_in_allowed=True), meanwhile)
    _, [row] = carry_out(server, Target.METHODS, replace_methods=replaces)
    assert of(server).phones == (Phone("mobile", PHONE, "ready"),)
    assert (row["status"], "POST disableSmsSignIn" in writes(server)) == ("updated", False)


def test_a_number_that_microsoft_refuses_fails_its_row_and_the_email_is_told_as_written(
    serve: Serve, carry_out: Carry
) -> None:
    refusal = Fault(match="POST */phoneMethods", status=400, code="badRequest")
    server = serve(one(), Behaviour(quotas=None, faults=(refusal,)))
    _, [row] = carry_out(server, Target.METHODS)
    assert (row["status"], row["reason"]) == ("failed", "tenant_rejected")
    assert "email method: written and read back; phone method: not written" in row["message"]
    assert of(server).email_method == EMAIL


# -- SMS sign-in ------------------------------------------------------------------------------------------------------


def test_sms_sign_in_that_registering_the_number_turned_on_is_turned_off_again(
    serve: Serve, carry_out: Carry
) -> None:
    server = serve(one(sms_sign_in_allowed=True))
    report, [row] = carry_out(server)
    assert writes(server)[-1] == "POST disableSmsSignIn"
    assert of(server).phones == (Phone("mobile", PHONE, "notEnabled"),)
    assert (row["status"], row["ready"]) == ("updated", "yes")
    assert "sms_sign_in" in row["warnings"]
    assert "the run turned it off again" in row["message"]
    assert (report["graph"]["writes"], report["exit_code"]) == (4, 0)


@pytest.mark.parametrize(
    ("held", "replace_methods", "after", "said"),
    [
        pytest.param("ready", True, "ready", "it was on and is left on", id="was-on"),
        pytest.param("notEnabled", True, "notEnabled", "turned it off again", id="was-off"),
        pytest.param("ready", False, "ready", "", id="kept"),
    ],
)
def test_sms_sign_in_is_left_as_it_was_where_a_number_was_registered(
    held: SmsSignIn, replace_methods: bool, after: SmsSignIn, said: str, serve: Serve, carry_out: Carry
) -> None:
    server = serve(one(sms_sign_in_allowed=True, phones=(Phone("mobile", THEIRS, held),)))
    _, [row] = carry_out(server, Target.METHODS, replace_methods=replace_methods)
    [phone] = of(server).phones
    assert phone == Phone("mobile", PHONE if replace_methods else THEIRS, after)
    assert ("sms_sign_in" in row["warnings"]) is bool(said)
    assert said in row["message"]
    assert ("POST disableSmsSignIn" in writes(server)) is (after == "notEnabled")


def test_a_number_that_another_account_signs_in_with_is_told_and_is_no_error(
    serve: Serve, carry_out: Carry
) -> None:
    state = administrators(2)
    first, second = state.accounts.values()
    state.put(replace(first, sms_sign_in_allowed=True))
    state.put(replace(second, sms_sign_in_allowed=True, phones=(Phone("mobile", PHONE, "ready"),)))
    server = serve(state)
    _, [row, _] = carry_out(server, Target.METHODS)
    assert row["status"] == "updated"
    assert "the number is not unique: another account signs in with it" in row["message"]
    assert "POST disableSmsSignIn" not in writes(server)
    # The same is said the next time, when nothing is left to be written.
    _, [row, _] = carry_out(server, Target.METHODS, out="again")
    assert (row["status"], "sms_sign_in" in row["warnings"]) == ("unchanged", True)


def test_a_policy_may_keep_silent_about_sms(serve: Serve, carry_out: Carry, tmp_path: Path) -> None:
    server = serve(one(sms_sign_in_allowed=True))
    quiet = settings_for(server, tmp_path, '[policy]\nsms_sign_in = "ignore"\nsms_ends = "ignore"\n')
    _, [row] = carry_out(server, settings=quiet)
    assert (row["status"], row["warnings"]) == ("updated", "")
    assert of(server).phones == (Phone("mobile", PHONE, "notEnabled"),)


def test_sms_sign_in_that_cannot_be_turned_off_again_needs_a_person(serve: Serve, carry_out: Carry) -> None:
    refusal = Fault(match="POST */disableSmsSignIn", status=400, code="badRequest")
    server = serve(one(sms_sign_in_allowed=True), Behaviour(quotas=None, faults=(refusal,)))
    report, [row] = carry_out(server)
    assert (row["status"], row["reason"], report["exit_code"]) == ("failed", "tenant_rejected", 1)
    assert "phone method: written and read back; sms sign in: not written" in row["message"]


@pytest.mark.parametrize("after_write", [False, True])
def test_a_run_that_stops_before_sms_sign_in_is_off_again_is_resumed_to_the_same_end(
    after_write: bool, serve: Serve, carry_out: Carry, ledger: Ledger, tmp_path: Path
) -> None:
    throttled = Fault(match="POST */disableSmsSignIn", status=429, retry_after=3600)
    broken = Fault(match="POST */disableSmsSignIn", status=504, after_write=True, times=1)
    state = administrators(3)
    for account in list(state.accounts.values()):
        state.put(replace(account, sms_sign_in_allowed=True))
    server = serve(state, Behaviour(quotas=None, faults=(broken if after_write else throttled,)))
    settings = settings_for(server, tmp_path)
    report, rows = carry_out(server, settings=settings)
    if not after_write:
        assert report["exit_code"] == 3
        assert {row["status"] for row in rows} == {"pending"}
        server.behaviour = Behaviour(quotas=None)
        later = Host(clock=lambda: datetime.now(UTC).timestamp() + 7200)
        job = Job.load(ledger, settings, report["run_id"], later)
        job.carry_out()
        report = dict(job.close())
        rows = read_results(tmp_path / "out")
    assert report["counts"]["updated"] == 3
    assert {account.phones[0].sms_sign_in for account in server.state.accounts.values()} == {"notEnabled"}
    assert all("turned it off again" in row["message"] for row in rows)
    assert double_writes(server) == []


# The run looks twice: the values are there and SMS sign-in is on; SMS sign-in is off. Each write is a batch.
@pytest.mark.parametrize(
    ("window", "nth"),
    [
        ("noted, not read back", 3),
        ("read back, not noted", 1),
        ("noted, not reported", 1),
        ("about to be recorded", 4),
        ("recorded, not sent", 4),
        ("answered, not noted", 4),
        ("read back, not noted", 2),
    ],
)
def test_a_run_killed_round_sms_sign_in_is_resumed_to_the_same_end(
    window: str, nth: int, serve: Serve, ledger: Ledger, tmp_path: Path, project: Path
) -> None:
    server = serve(one(sms_sign_in_allowed=True))
    settings = settings_for(server, tmp_path)
    file = write_input(tmp_path / "in.csv", [of(server).upn])
    command = [sys.executable, "-m", "tests.fakes.killed_run", window, str(nth)]
    killed = subprocess.run(
        [*command, str(tmp_path / "tenants.toml"), str(tmp_path / "out"), str(file)],
        check=False, cwd=project, env={**os.environ, "PYTHONPATH": str(project)}, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    later = Host(clock=lambda: datetime.now(UTC).timestamp() + 3600)
    job = Job.load(ledger, settings, killed.stdout.strip(), later)
    job.carry_out()
    job.close()
    [row] = read_results(tmp_path / "out")
    assert of(server).phones == (Phone("mobile", PHONE, "notEnabled"),)
    assert row["status"] == "updated"
    assert "turned it off again" in row["message"]
    assert double_writes(server) == []


def test_a_lagging_read_turns_nothing_off_twice(serve: Serve, carry_out: Carry) -> None:
    server = serve(one(sms_sign_in_allowed=True), Behaviour(quotas=None, read_lag=1.0))
    _, [row] = carry_out(server)
    assert (row["status"], of(server).phones[0].sms_sign_in) == ("updated", "notEnabled")
    assert writes(server).count("POST disableSmsSignIn") == 1


# -- the end of text messages -----------------------------------------------------------------------------------------

NOVEMBER = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
MARCH = datetime(2027, 3, 1, 12, tzinfo=UTC).timestamp()


def at(moment: float) -> Host:
    """A host whose clock begins there."""
    ahead = moment - datetime.now(UTC).timestamp()
    return Host(clock=lambda: datetime.now(UTC).timestamp() + ahead)


@pytest.mark.parametrize(
    ("moment", "helpdesk", "top"),
    [
        (NOVEMBER, "they end on 1 February 2027", "they end on 1 July 2027, the date for Global"),
        (MARCH, "they ended on 1 February 2027", "they end on 1 July 2027, the date for Global"),
    ],
)
def test_the_end_of_texts_is_told_by_role_and_day(
    moment: float, helpdesk: str, top: str, serve: Serve, carry_out: Carry
) -> None:
    state = administrators(4)
    low, direct, eligible, grouped = state.accounts
    state.assignments = (
        Assignment("a1", low, HELPDESK),
        Assignment("a2", direct, GLOBAL),
        Assignment("a3", "g", GLOBAL),
    )
    state.eligibilities = (Eligibility("e1", eligible, GLOBAL),)
    state.groups = (Group("g", "Top", (grouped,)),)
    report, rows = carry_out(serve(state), Target.METHODS, host=at(moment))
    assert helpdesk in rows[0]["message"]
    assert [top in row["message"] for row in rows] == [False, True, True, True]
    assert report["warnings"] == {"sms_ends": 4}


def test_where_roles_may_not_be_read_the_earlier_date_is_told(serve: Serve, carry_out: Carry) -> None:
    app = application()
    allowed = tuple(name for name in app.permissions if not name.startswith("Role"))
    server = serve(administrators(1, app=replace(app, permissions=allowed)))
    _, [row] = carry_out(server, host=at(NOVEMBER))
    assert "they end on 1 February 2027" in row["message"]


def test_a_telephony_provider_of_the_tenants_own_keeps_the_texts(
    serve: Serve, carry_out: Carry, tmp_path: Path
) -> None:
    server = serve(one())
    _, [row] = carry_out(server, settings=settings_for(server, tmp_path, "telephony_provider = true"))
    assert (row["status"], row["warnings"]) == ("updated", "")


# -- one gate or two --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own_domain", "synced", "gates"), [(False, False, 1), (True, False, 2), (False, True, 2)]
)
def test_the_report_tells_how_many_methods_a_reset_asks_for(
    own_domain: bool, synced: bool, gates: int, serve: Serve, carry_out: Carry, tmp_path: Path
) -> None:
    state = one()
    state.synced_from_on_premises = synced
    if own_domain:
        state.domains = (*state.domains, Domain("contoso.com"))
    report, [row] = carry_out(serve(state), Target.METHODS)
    assert (report["gates"], row["ready"]) == (gates, "yes")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert ("one gate" in page, "two gates" in page) == (gates == 1, gates == 2)


def test_one_method_makes_nobody_ready_even_where_one_would_do(serve: Serve, carry_out: Carry) -> None:
    report, [row] = carry_out(serve(one(email_method=EMAIL)), Target.CONTACT)
    assert (report["gates"], row["ready"]) == (1, "no")
