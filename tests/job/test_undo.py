"""A run and its undo against the simulated tenant: what the tenant held before, it holds again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
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
from sspr.simulated.samples import administrators
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import Account, Phone, Policy, State
from sspr.stages.context import Options
from tests.fakes.clocks import FastClock
from tests.fakes.killed_run import WINDOWS
from tests.fakes.tenants import double_writes, read_results, settings_for, wanted, write_input
from tests.job.conftest import Serve

EMAIL, PHONE = wanted(1)
OTHER, MINE, THEIRS = "+44 7400999999", "mine@adatum.com", "+44 7400123456"
LATER = Host(clock=lambda: time.time() + 3600)

Told = tuple[dict[str, Any], list[dict[str, str]]]


class Runs:
    """Runs and undos on one tenant, each in a folder of its own."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.folder = ledger, folder

    def settings(self, server: SimulatedTenant) -> Settings:
        return settings_for(server, self.folder)

    def run(self, server: SimulatedTenant, target: Target | None = None, **options: Any) -> str:
        """A run over all accounts; its id."""
        file = write_input(self.folder / "in.csv", [each.upn for each in server.state.accounts.values()])
        request = JobRequest(
            "run", (str(file),), "simulated", target, Options(**options), self.folder / "run"
        )
        job = Job.begin(self.ledger, self.settings(server), request, Host())
        job.carry_out()
        job.close()
        return job.id

    def undo(
        self,
        server: SimulatedTenant,
        run_id: str,
        host: Host | None = None,
        out: str = "undo",
        approve: Callable[[], bool] | None = None,
    ) -> Told:
        """Undoes a run: the report and the results of the undo."""
        settings = self.settings(server)
        request = Job.load(self.ledger, settings, run_id, Host()).undoing(None, self.folder / out)
        return self.finish(Job.begin(self.ledger, settings, request, host or Host()), approve)

    def resume(self, server: SimulatedTenant, run_id: str) -> Told:
        return self.finish(Job.load(self.ledger, self.settings(server), run_id, LATER))

    def finish(self, job: Job, approve: Callable[[], bool] | None = None) -> Told:
        error: SsprError | None = None
        try:
            job.carry_out(approve=approve)
        except SsprError as stopped:
            error = stopped
        return dict(job.close(error)), read_results(job.folder)


@pytest.fixture
def runs(ledger: Ledger, tmp_path: Path) -> Runs:
    return Runs(ledger, tmp_path)


def change(state: State, number: int, **changes: Any) -> None:
    """Changes the account of that number, as if somebody else had."""
    state.put(replace(account(state, number), **changes))


def account(state: State, number: int) -> Account:
    return list(state.accounts.values())[number - 1]


def one(**changes: Any) -> State:
    state = administrators(1)
    change(state, 1, **changes)
    return state


def mobile(number: str, sms_sign_in: Any = "notAllowedByPolicy") -> dict[str, Any]:
    return {"phones": (Phone("mobile", number, sms_sign_in),)}


# What an administrator may hold before a run.
HELD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "other addresses, in their order": {"other_mails": ("Old@adatum.com", "older@adatum.com", "a@adatum.com")},
    "another mobile phone": {"mobile_phone": "(0)7400 123456 ext. 12"},
    "all of it already": {
        "other_mails": (EMAIL,), "mobile_phone": PHONE, "email_method": EMAIL, **mobile(PHONE),
    },
    "the address among others": {"other_mails": ("old@adatum.com", EMAIL)},
    "methods of their own": {"email_method": MINE, **mobile(f"{THEIRS}x12")},
    "other phones": {"phones": (Phone("office", "+1 4257380002"), Phone("mobile", THEIRS))},
    "an authenticator app": {"authenticators": ("Phone",)},
    "synced": {"synced": True, "mobile_phone": THEIRS},
    "synced and locked": {"synced": True, "other_mails_locked": True, "other_mails": ("old@adatum.com",)},
    "disabled": {"enabled": False},
    "a guest": {"guest": True},
    "SMS sign-in allowed": {"sms_sign_in_allowed": True},
    "SMS sign-in on": {"sms_sign_in_allowed": True, **mobile(THEIRS, "ready")},
    "SMS sign-in off": {"sms_sign_in_allowed": True, **mobile(OTHER, "notEnabled")},
}  # fmt: skip


def of_all_kinds() -> State:
    state = administrators(len(HELD))
    for number, changes in enumerate(HELD.values(), 1):
        change(state, number, **changes)
    return state


@pytest.mark.parametrize("target", Target)
@pytest.mark.parametrize("replace_methods", [False, True])
def test_an_undo_restores_the_whole_tenant_exactly(
    target: Target, replace_methods: bool, serve: Serve, runs: Runs
) -> None:
    server = serve(of_all_kinds())
    before = server.state.to_json()
    run_id = runs.run(server, target, replace_methods=replace_methods)
    assert server.state.to_json() != before
    ran, writes = read_results(runs.folder / "run"), len(server.journal.writes())
    report, rows = runs.undo(server, run_id)
    assert server.state.to_json() == before
    assert report["exit_code"] == 0
    assert [row["status"] for row in rows] == [
        "updated" if row["status"] == "updated" else "unchanged" for row in ran
    ]
    assert [(row["file"], row["line"]) for row in rows] == [(row["file"], row["line"]) for row in ran]
    assert double_writes(server, since=writes) == []


def test_an_undo_is_undone_and_that_as_well(serve: Serve, runs: Runs) -> None:
    server = serve(of_all_kinds())
    before = server.state.to_json()
    run_id = runs.run(server, replace_methods=True)
    written = server.state.to_json()
    first, _ = runs.undo(server, run_id)
    second, rows = runs.undo(server, first["run_id"], out="again")
    assert _without_order_of_phones(server.state) == _without_order_of_phones(State.from_json(written))
    assert second["counts"]["updated"] == first["counts"]["updated"]
    third, _ = runs.undo(server, second["run_id"], out="once more")
    assert server.state.to_json() == before
    assert {row["reason"] for row in rows} == {""}
    assert (second["exit_code"], third["exit_code"]) == (0, 0)


def _without_order_of_phones(state: State) -> list[Account]:
    return [
        replace(each, phones=tuple(sorted(each.phones, key=lambda phone: phone.kind)))
        for each in state.accounts.values()
    ]


def test_a_second_undo_finds_everything_put_back_already(serve: Serve, runs: Runs) -> None:
    server = serve(admins=3)
    run_id = runs.run(server)
    runs.undo(server, run_id)
    report, rows = runs.undo(server, run_id, out="again")
    assert {row["status"] for row in rows} == {"unchanged"}
    assert (report["graph"]["writes"], report["exit_code"]) == (0, 0)


ADDED = {"other_mails": (EMAIL, "added@adatum.com")}
BOTH_METHODS = ("the email method", "the phone method")
EVERYTHING = ("the alternate email", "the mobile phone", *BOTH_METHODS)


@pytest.mark.parametrize(
    ("meanwhile", "status", "left"),
    [
        pytest.param(ADDED, "updated", ("the alternate email",), id="an-address-added"),
        pytest.param({"mobile_phone": OTHER}, "updated", ("the mobile phone",), id="another-mobile-phone"),
        pytest.param({"mobile_phone": f"{PHONE} x12"}, "updated", ("the mobile phone",), id="an-extension"),
        pytest.param({"email_method": MINE}, "updated", ("the email method",), id="their-own-email"),
        pytest.param(mobile(THEIRS), "updated", ("the phone method",), id="their-own-phone"),
        pytest.param(
            {**ADDED, "mobile_phone": OTHER, "email_method": MINE, **mobile(THEIRS)},
            "failed",
            EVERYTHING,
            id="everything",
        ),
        pytest.param(
            {"other_mails": (), "mobile_phone": None, "email_method": MINE, **mobile(THEIRS)},
            "failed",
            BOTH_METHODS,
            id="some-put-back-by-hand-the-rest-changed",
        ),
        pytest.param(
            {"other_mails": (), "mobile_phone": None, "email_method": None, "phones": ()},
            "unchanged",
            (),
            id="everything-put-back-by-hand",
        ),
    ],
)
def test_what_somebody_has_changed_since_is_left_and_reported(
    meanwhile: dict[str, Any], status: str, left: tuple[str, ...], serve: Serve, runs: Runs
) -> None:
    server = serve(admins=2)
    before = State.from_json(server.state.to_json())
    run_id = runs.run(server)
    change(server.state, 1, **meanwhile)
    report, [row, untouched] = runs.undo(server, run_id)
    assert account(server.state, 1) == replace(account(before, 1), **meanwhile)
    assert account(server.state, 2) == account(before, 2)
    assert (row["status"], untouched["status"]) == (status, "updated")
    said = row["reason"] if status == "failed" else row["warnings"]
    assert said == ("changed_since_plan" if left else "")
    assert f"({', '.join(left)})" in row["message"] if left else row["message"] == ""
    assert report["exit_code"] == (1 if status == "failed" else 0)


def test_a_number_that_somebody_made_a_sign_in_name_since_is_theirs(serve: Serve, runs: Runs) -> None:
    server = serve(one(sms_sign_in_allowed=True))
    run_id = runs.run(server, Target.METHODS)
    change(server.state, 1, **mobile(PHONE, "ready"))
    _, [row] = runs.undo(server, run_id)
    assert account(server.state, 1).phones == (Phone("mobile", PHONE, "ready"),)
    assert account(server.state, 1).email_method is None
    assert (row["status"], row["warnings"]) == ("updated", "changed_since_plan")


def test_sms_sign_in_that_somebody_turned_off_since_stays_off(serve: Serve, runs: Runs) -> None:
    server = serve(one(sms_sign_in_allowed=True, **mobile(THEIRS, "ready")))
    run_id = runs.run(server, Target.METHODS, replace_methods=True)
    assert account(server.state, 1).phones == (Phone("mobile", PHONE, "ready"),)
    change(server.state, 1, **mobile(PHONE, "notEnabled"))
    runs.undo(server, run_id)
    assert account(server.state, 1).phones == (Phone("mobile", THEIRS, "notEnabled"),)


def test_an_account_that_was_renamed_is_found_and_one_that_took_its_name_is_left(
    serve: Serve, runs: Runs
) -> None:
    server = serve(admins=1)
    run_id = runs.run(server)
    name = account(server.state, 1).upn
    change(server.state, 1, upn="renamed@contoso.com")
    stranger = replace(account(server.state, 1), id="00000000-0000-0000-0000-00000000aaaa", upn=name)
    server.state.put(stranger)
    _, [row] = runs.undo(server, run_id)
    assert account(server.state, 1).other_mails == ()
    assert server.state.accounts[stranger.id] == stranger
    assert row["status"] == "updated"


def test_an_account_that_is_gone_has_failed_and_is_no_row_to_mend(serve: Serve, runs: Runs) -> None:
    server = serve(admins=2)
    run_id = runs.run(server)
    gone = account(server.state, 1)
    server.state.accounts = {key: each for key, each in server.state.accounts.items() if key != gone.id}
    report, [row, _] = runs.undo(server, run_id)
    assert (row["status"], row["reason"], report["exit_code"]) == ("failed", "user_not_found", 1)
    assert not (runs.folder / "undo" / "rejected.csv").exists()


def test_a_phone_mastered_on_premises_by_now_is_left_and_the_rest_put_back(serve: Serve, runs: Runs) -> None:
    server = serve(admins=1)
    before = account(server.state, 1)
    run_id = runs.run(server)
    change(server.state, 1, synced=True)
    _, [row] = runs.undo(server, run_id)
    assert account(server.state, 1) == replace(before, synced=True, mobile_phone=PHONE)
    assert (row["status"], row["warnings"]) == ("updated", "synced_from_on_premises")


def test_a_property_that_is_refused_as_mastered_on_premises_needs_a_person(serve: Serve, runs: Runs) -> None:
    server = serve(admins=1)
    run_id = runs.run(server)
    change(server.state, 1, synced=True, other_mails_locked=True)
    report, [row] = runs.undo(server, run_id)
    assert (row["status"], row["reason"], report["exit_code"]) == ("failed", "synced_from_on_premises", 1)
    assert "email method: written and read back" in row["message"]


def test_a_method_that_microsoft_does_not_let_go_is_told_in_its_words(serve: Serve, runs: Runs) -> None:
    """The phone that is the default for multifactor authentication (graph/api/phoneauthenticationmethod-delete)."""
    server = serve(admins=1)
    run_id = runs.run(server)
    words = "Cannot delete default method."
    server.behaviour = Behaviour(
        quotas=None,
        faults=(Fault(match="DELETE */phoneMethods/*", status=400, code="badRequest", message=words),),
    )
    _, [row] = runs.undo(server, run_id)
    assert (row["status"], row["reason"]) == ("failed", "tenant_rejected")
    assert words in row["message"]
    assert account(server.state, 1).email_method is None


# -- the flag ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "enable", "meanwhile", "restored", "exit_code"),
    [
        pytest.param(False, True, None, False, 0, id="turned-on-by-the-run"),
        pytest.param(True, True, None, True, 0, id="was-on-before"),
        pytest.param(False, True, False, False, 0, id="off-again-already"),
        pytest.param(False, False, None, False, 0, id="left-off-by-the-run"),
        pytest.param(False, False, True, True, 0, id="turned-on-by-another"),
    ],
)
def test_the_flag_is_turned_off_again_where_the_run_turned_it_on(
    on: bool, enable: bool, meanwhile: bool | None, restored: bool, exit_code: int, serve: Serve, runs: Runs
) -> None:
    state = administrators(1)
    state.policy = Policy(sspr=on)
    server = serve(state)
    run_id = runs.run(server, enable_feature=enable)
    if meanwhile is not None:
        server.state.policy = Policy(sspr=meanwhile)
    report, _ = runs.undo(server, run_id)
    assert server.state.policy.sspr is restored
    assert report["feature"]["enabled_after"] is restored
    assert report["exit_code"] == exit_code


def test_a_flag_that_was_all_that_a_run_changed_is_put_back_and_forth(serve: Serve, runs: Runs) -> None:
    server = serve(admins=1)
    runs.run(server)
    server.state.policy = Policy(sspr=False)
    run_id = runs.run(server, enable_feature=True)
    first, _ = runs.undo(server, run_id)
    assert first["feature"] == {"enabled_before": True, "enabled_after": False}
    second, _ = runs.undo(server, first["run_id"], out="again")
    assert second["feature"] == {"enabled_before": False, "enabled_after": True}
    assert server.state.policy.sspr is True


# -- what cannot be undone --------------------------------------------------------------------------------------------


def test_a_run_that_wrote_nothing_is_not_undone(serve: Serve, runs: Runs) -> None:
    server = serve(admins=1)
    runs.run(server)
    again = runs.run(server)
    with pytest.raises(CannotStart, match="wrote nothing: there is nothing to undo"):
        runs.undo(server, again)


def test_a_run_that_has_not_ended_is_not_undone(serve: Serve, runs: Runs) -> None:
    server = serve(admins=1, behaviour=Behaviour(quotas=None))
    file = write_input(runs.folder / "in.csv", [account(server.state, 1).upn])
    request = JobRequest("run", (str(file),), "simulated", out=runs.folder / "run")
    job = Job.begin(runs.ledger, runs.settings(server), request, Host())
    with pytest.raises(CannotStart, match="has not come to its end"):
        runs.undo(server, job.id)


def test_values_that_were_there_before_the_write_came_are_not_taken_away(serve: Serve, runs: Runs) -> None:
    """Refused because the person registered the very same meanwhile: it is theirs, though a read showed it."""
    moved = False

    def on_exchange(method: str, url: str, *_: object) -> None:
        nonlocal moved
        if method == "GET" and url.endswith("/authentication/methods") and not moved:
            moved = True
            change(server.state, 1, email_method=EMAIL)

    server = serve(admins=1, on_exchange=on_exchange)
    run_id = runs.run(server, Target.METHODS)
    runs.undo(server, run_id)
    assert (account(server.state, 1).email_method, account(server.state, 1).phones) == (EMAIL, ())


# -- asked, interrupted, killed ---------------------------------------------------------------------------------------


def test_a_plan_that_is_refused_writes_nothing_and_can_be_carried_out_later(serve: Serve, runs: Runs) -> None:
    server = serve(admins=2)
    before = server.state.to_json()
    run_id = runs.run(server)
    written = server.state.to_json()
    report, rows = runs.undo(server, run_id, approve=lambda: False)
    assert server.state.to_json() == written
    assert (report["exit_code"], {row["status"] for row in rows}) == (2, {"planned"})
    job = Job.load(runs.ledger, runs.settings(server), report["run_id"], Host())
    job.adopt("apply", approved=True)
    report, rows = runs.finish(job)
    assert (report["command"], {row["status"] for row in rows}) == ("undo", {"updated"})
    assert server.state.to_json() == before


def test_only_what_was_approved_is_put_back(serve: Serve, runs: Runs) -> None:
    server = serve(admins=3)
    before = State.from_json(server.state.to_json())
    run_id = runs.run(server)
    written = account(server.state, 2)
    change(server.state, 2, mobile_phone=OTHER)
    ahead = 0.0

    def approve() -> bool:
        nonlocal ahead
        ahead = 600.0  # so long that the plan is looked at again before it is carried out
        change(server.state, 1, email_method=MINE)  # less than was shown can be put back
        change(server.state, 2, mobile_phone=wanted(2)[1])  # and more than was shown
        return True

    host = Host(clock=lambda: time.time() + ahead)
    _, rows = runs.undo(server, run_id, approve=approve, host=host)
    assert [row["status"] for row in rows] == ["updated", "failed", "updated"]
    assert account(server.state, 1) == replace(account(before, 1), email_method=MINE)
    assert account(server.state, 2) == written
    assert account(server.state, 3) == account(before, 3)


@pytest.mark.parametrize("seconds", [0.5, 3.0])
def test_reads_that_lag_leave_nothing_behind(seconds: float, serve: Serve, runs: Runs) -> None:
    server = serve(of_all_kinds(), Behaviour(quotas=None, read_lag=seconds))
    before = server.state.to_json()
    run_id = runs.run(server, replace_methods=True)
    writes = len(server.journal.writes())
    report, _ = runs.undo(server, run_id)
    assert server.state.to_json() == before
    assert report["exit_code"] == 0
    assert double_writes(server, since=writes) == []


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("what", ["PATCH */users/*", "DELETE */emailMethods/*", "DELETE */phoneMethods/*"])
def test_a_write_of_unknown_fate_is_not_made_twice(
    what: str, applied: bool, serve: Serve, runs: Runs
) -> None:
    server = serve(admins=3)
    before = server.state.to_json()
    run_id = runs.run(server)
    broken = Fault(match=what, status=504, after_write=applied, times=1)
    server.behaviour = Behaviour(quotas=None, faults=(broken,))
    writes = len(server.journal.writes())
    report, _ = runs.undo(server, run_id, host=FastClock(60.0).host())
    assert server.state.to_json() == before
    assert (report["exit_code"], report["counts"]["updated"]) == (0, 3)
    assert double_writes(server, since=writes) == []


def test_what_somebody_changes_while_the_fate_of_a_write_is_unknown_is_left(serve: Serve, runs: Runs) -> None:
    server: SimulatedTenant

    def on_exchange(method: str, url: str, *_: object) -> None:
        if method == "DELETE" and url.endswith("/emailMethods/3ddfcfc8-9383-446f-83cc-3ab9be4be18f"):
            change(server.state, 1, email_method=MINE)

    server = serve(admins=1, on_exchange=on_exchange)
    run_id = runs.run(server)
    broken = Fault(match="DELETE */emailMethods/*", status=504, times=1)
    server.behaviour = Behaviour(quotas=None, faults=(broken,))
    _, [row] = runs.undo(server, run_id, host=FastClock(60.0).host())
    assert account(server.state, 1).email_method == MINE
    assert (row["status"], row["reason"]) == ("failed", "changed_since_plan")
    assert "contact: written and read back" in row["message"]


ADMINS = 25


@pytest.mark.parametrize(
    ("window", "nth"),
    [*((window, 1) for window in WINDOWS), ("recorded, not sent", 4), ("answered, not noted", 5)],
)
def test_an_undo_killed_in_a_window_is_resumed_to_the_same_end(
    window: str, nth: int, serve: Serve, runs: Runs, project: Path
) -> None:
    server = serve(admins=ADMINS)
    before = server.state.to_json()
    run_id = runs.run(server)
    command = [
        sys.executable,
        "-m",
        "tests.fakes.killed_run",
        window,
        str(nth),
        str(runs.folder / "tenants.toml"),
    ]
    killed = subprocess.run(
        [*command, str(runs.folder / "undo"), "undo", run_id],
        check=False, cwd=project, env={**os.environ, "PYTHONPATH": str(project)}, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    report, rows = runs.resume(server, killed.stdout.strip())
    assert server.state.to_json() == before
    assert report["exit_code"] == 0
    assert [row["status"] for row in rows] == ["updated"] * ADMINS
    assert double_writes(server) == []
