"""Approval: when a person is asked, what they are shown, and what becomes of a plan that the tenant has moved under."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sspr.errors import SsprError, Stopped
from sspr.job import Host, Job, JobRequest
from sspr.ledger import Ledger
from sspr.model import Write
from sspr.settings import Settings, TenantSettings
from sspr.simulated.builtin_roles import GLOBAL, HELPDESK
from sspr.simulated.samples import administrators
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import Account, Assignment, Phone, State
from sspr.stages.approval import Rules, page, rules_for, why_asked
from sspr.stages.context import Options
from sspr.stages.planned import Plan, change_lines, planned_rows, replacements, survey, totals
from tests.fakes.tenants import read_results, settings_for, wanted, write_input
from tests.job.conftest import Serve


def upns(server: SimulatedTenant) -> list[str]:
    return [account.upn for account in server.state.accounts.values()]


def account_of(server: SimulatedTenant, upn: str) -> Account:
    found = server.state.account(upn)
    assert found is not None
    return found


Planner = Callable[..., Job]


@pytest.fixture
def planned_by(ledger: Ledger) -> Iterator[Planner]:
    """Makes runs that have come as far as their plan; all are closed after the test."""
    jobs: list[Job] = []

    def plan(settings: Settings, file: Path, out: Path, command: str = "plan", **options: Any) -> Job:
        request = JobRequest(command, (str(file),), "simulated", None, Options(**options), out)
        jobs.append(Job.begin(ledger, settings, request, Host()))
        for step in jobs[-1].planning():
            jobs[-1].take(step)
        return jobs[-1]

    yield plan
    for job in jobs:
        job.close()


def applied(ledger: Ledger, settings: Settings, run_id: str) -> dict[str, Any]:
    """The report of the plan, carried out by somebody else another day."""
    job = Job.load(ledger, settings, run_id, Host())
    job.adopt("apply", approved=True)
    error: SsprError | None = None
    try:
        job.carry_out(approve=lambda: True)
    except SsprError as stopped:
        error = stopped
    return dict(job.close(error))


# -- what has moved between plan and writing ------------------------------------------------------------------------


def test_of_500_planned_the_480_that_others_left_alone_are_written_and_the_20_are_named(
    serve: Serve, planned_by: Planner, ledger: Ledger, tmp_path: Path
) -> None:
    server = serve(admins=500)
    settings = settings_for(server, tmp_path)
    file = write_input(tmp_path / "in.csv", upns(server))
    plan = planned_by(settings, file, tmp_path / "out")
    assert plan.close()["counts"]["planned"] == 500
    assert server.journal.writes() == []

    moved = {upn for number, upn in enumerate(upns(server)) if number % 25 == 7}
    assert len(moved) == 20
    for number, upn in enumerate(sorted(moved)):
        account = account_of(server, upn)
        by_others: dict[str, Any] = (
            {"mobile_phone": "+44 7400123456"} if number % 2 else {"other_mails": ("other@adatum.com",)}
        )
        server.state.put(replace(account, **by_others))
    report = applied(ledger, settings, plan.id)

    results = read_results(tmp_path / "out")
    named = {row["user_principal_name"] for row in results if row["reason"] == "changed_since_plan"}
    assert named == moved
    assert (report["counts"]["updated"], report["counts"]["failed"], report["exit_code"]) == (480, 20, 1)
    written = {record.account for record in server.journal.writes()}
    assert written == {account_of(server, upn).id for upn in upns(server)} - {
        account_of(server, upn).id for upn in moved
    }
    assert len(written) == 480


# What others do to an account between plan and apply, and how its row ends.
MOVES: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "its planned value was replaced": ({"mobile_phone": "+44 7400123456"}, ("failed", "changed_since_plan")),
    "a value that needed no change was replaced": (
        {"email_method": "other@adatum.com"},
        ("failed", "changed_since_plan"),
    ),
    "somebody did it already": (
        {"mobile_phone": wanted(1)[1], "other_mails": (wanted(1)[0],)},
        ("unchanged", ""),
    ),
    "somebody did a part of it": ({"mobile_phone": wanted(1)[1]}, ("failed", "changed_since_plan")),
    "it is as it was": ({}, ("updated", "")),
}


@pytest.mark.parametrize(("by_others", "ends"), MOVES.values(), ids=MOVES.keys())
def test_what_was_not_shown_is_not_written(
    by_others: dict[str, Any],
    ends: tuple[str, str],
    serve: Serve,
    planned_by: Planner,
    ledger: Ledger,
    tmp_path: Path,
) -> None:
    """The account holds the wanted email method, so that the plan is for its other values alone."""
    server = serve(admins=1)
    (upn,) = upns(server)
    server.state.put(replace(account_of(server, upn), email_method=wanted(1)[0]))
    server.state.put(replace(account_of(server, upn), phones=(Phone("mobile", wanted(1)[1]),)))
    settings = settings_for(server, tmp_path)
    file = write_input(tmp_path / "in.csv", [upn])
    plan = planned_by(settings, file, tmp_path / "out", replace_methods=True)
    plan.close()
    server.state.put(replace(account_of(server, upn), **by_others))
    applied(ledger, settings, plan.id)
    (row,) = read_results(tmp_path / "out")
    assert (row["status"], row["reason"]) == ends
    if ends[0] == "failed":
        assert server.journal.writes() == []


def test_a_name_that_has_passed_on_to_another_account_is_not_written(
    serve: Serve, planned_by: Planner, ledger: Ledger, tmp_path: Path
) -> None:
    server = serve(admins=1)
    (upn,) = upns(server)
    settings = settings_for(server, tmp_path)
    plan = planned_by(settings, write_input(tmp_path / "in.csv", [upn]), tmp_path / "out")
    plan.close()
    first = account_of(server, upn)
    server.state.put(replace(first, upn="gone@contoso.onmicrosoft.com", mail=None, proxy_addresses=()))
    server.state.put(replace(first, id="00000000-0000-0000-0000-00000000000a"))
    applied(ledger, settings, plan.id)
    (row,) = read_results(tmp_path / "out")
    assert (row["status"], row["reason"]) == ("failed", "changed_since_plan")
    assert server.journal.writes() == []


# -- what is approved -----------------------------------------------------------------------------------------------


def test_the_approver_and_the_digest_of_the_plan_are_kept_with_the_run(
    serve: Serve, planned_by: Planner, ledger: Ledger, tmp_path: Path
) -> None:
    server = serve(admins=3)
    settings = settings_for(server, tmp_path)
    job = planned_by(
        settings, write_input(tmp_path / "in.csv", upns(server)), tmp_path / "out", command="run"
    )
    digest = survey(job.run).digest

    def approve() -> bool:
        job.approver = "Ada Approver"
        return True

    job.carry_out(approve=approve)
    job.close()
    options = ledger.run(job.id).record().options
    assert (options["approved"], options["digest"], options["approver"]) == (True, digest, "Ada Approver")


def test_the_digest_is_of_every_value_and_of_what_it_replaces(
    serve: Serve, planned_by: Planner, tmp_path: Path
) -> None:
    server = serve(admins=3)
    settings = settings_for(server, tmp_path)
    file = write_input(tmp_path / "in.csv", upns(server))
    digests = [survey(planned_by(settings, file, tmp_path / name).run).digest for name in ("one", "two")]
    assert digests[0] == digests[1]
    server.state.put(replace(account_of(server, upns(server)[1]), mobile_phone="+44 7400123456"))
    digests.append(survey(planned_by(settings, file, tmp_path / "three").run).digest)
    other = write_input(tmp_path / "other.csv", [*upns(server)[:2], "nobody@contoso.onmicrosoft.com"])
    digests.append(survey(planned_by(settings, other, tmp_path / "four").run).digest)
    digests.append(survey(planned_by(settings, file, tmp_path / "five", enable_feature=True).run).digest)
    assert len(set(digests[1:])) == 4


def test_who_says_no_to_the_rest_of_a_run_is_told_that_some_is_written(
    serve: Serve, planned_by: Planner, tmp_path: Path
) -> None:
    server = serve(admins=2)
    settings = settings_for(server, tmp_path)
    job = planned_by(
        settings, write_input(tmp_path / "in.csv", upns(server)), tmp_path / "out", command="run"
    )
    first = next(planned_rows(job.run))
    write = Write((first.row.seq, first.changes[0].kind.value), first.row.account_id, first.changes[0])
    job.run.record_sent([write], 0.0)
    with pytest.raises(Stopped, match="nothing more was written"):
        job.carry_out(approve=lambda: False)
    assert (job.record.command, job.options.approved) == ("run", False)
    assert server.journal.writes() == []


# -- when a person is asked -----------------------------------------------------------------------------------------


def tenant(**keys: Any) -> TenantSettings:
    return TenantSettings(tenant_id="contoso.onmicrosoft.com", client_id="1", **keys)


POLICY = Rules(above=500, global_administrators=True)


@pytest.mark.parametrize(
    ("wanted", "settings", "rules"),
    [
        ("policy", tenant(), POLICY),
        ("policy", tenant(approval="required"), Rules(always=True)),
        ("policy", tenant(approval="none"), Rules()),
        ("policy", None, Rules()),
        ("required", None, Rules(always=True)),
        ("required", tenant(approval="none"), Rules(always=True)),
        ("none", tenant(), Rules()),
        ("none", tenant(approval="required"), Rules(always=True)),
        ("policy", tenant(approval_above=0), replace(POLICY, above=0)),
        (
            "policy",
            tenant(approval_global_administrators=False),
            replace(POLICY, global_administrators=False),
        ),
    ],
)
def test_the_run_may_ask_for_more_approval_than_the_tenant_and_not_for_less_than_it_requires(
    wanted: str, settings: TenantSettings | None, rules: Rules
) -> None:
    assert rules_for(wanted, settings) == rules


def held(role: str, number: int = 3, **values: Any) -> State:
    """A tenant of so many administrators, of whom the first holds `values` and has `role`."""
    state = administrators(number)
    first = next(iter(state.accounts.values()))
    state.put(replace(first, **values))
    others = tuple(each for each in state.assignments if each.principal_id != first.id)
    roles = tuple(replace(each, role_id=HELPDESK) for each in others)
    own = Assignment("00000000-0000-0000-0000-0000000000ff", first.id, role)
    state.assignments = (*roles, own)
    return state


PHONE: dict[str, Any]
PHONE, MAIL, METHOD = (
    {"mobile_phone": "+44 7400123456"},
    {"other_mails": ("old@adatum.com",)},
    {"email_method": "old@adatum.com"},
)


@pytest.mark.parametrize(
    ("role", "values", "options", "rules", "said"),
    [
        (GLOBAL, PHONE, {}, POLICY, "a Global Administrator"),
        (GLOBAL, MAIL, {}, POLICY, "a Global Administrator"),
        (GLOBAL, METHOD, {"replace_methods": True}, POLICY, "a Global Administrator"),
        (GLOBAL, METHOD, {}, POLICY, ""),  # kept: theirs
        (GLOBAL, {}, {}, POLICY, ""),
        (HELPDESK, PHONE, {}, POLICY, ""),
        (GLOBAL, PHONE, {}, replace(POLICY, global_administrators=False), ""),
        (HELPDESK, {}, {}, replace(POLICY, above=2), "More than 2"),
        (HELPDESK, {}, {}, replace(POLICY, above=3), ""),
        (HELPDESK, {}, {}, Rules(always=True), "ask for approval"),
        (GLOBAL, PHONE, {}, Rules(), ""),
    ],
)
def test_a_person_is_asked_for_many_and_where_a_global_administrators_value_makes_way(
    role: str,
    values: dict[str, Any],
    options: dict[str, Any],
    rules: Rules,
    said: str,
    serve: Serve,
    planned_by: Planner,
    tmp_path: Path,
) -> None:
    server = serve(held(role, **values))
    file = write_input(tmp_path / "in.csv", upns(server))
    job = planned_by(settings_for(server, tmp_path), file, tmp_path / "out", **options)
    plan = survey(job.run)
    assert plan.administrators == 3
    why = why_asked(rules, plan)
    assert said in why
    assert bool(said) is bool(why)


def test_who_may_be_a_global_administrator_counts_as_one_where_that_cannot_be_read(
    serve: Serve, planned_by: Planner, tmp_path: Path
) -> None:
    state = held(HELPDESK, **PHONE)
    (app,) = state.apps
    lesser = tuple(
        name for name in app.permissions if not name.startswith(("RoleManagement", "Directory.Read"))
    )
    state.apps = (replace(app, permissions=lesser),)
    server = serve(state)
    file = write_input(tmp_path / "in.csv", upns(server))
    job = planned_by(settings_for(server, tmp_path), file, tmp_path / "out")
    assert "could not be read" in why_asked(POLICY, survey(job.run))


# -- what a person is shown -----------------------------------------------------------------------------------------


@pytest.fixture
def shown(serve: Serve, planned_by: Planner, tmp_path: Path) -> tuple[Job, Plan]:
    """A plan for eight administrators, of whom one has the wanted values and one a value that makes way."""
    state = held(GLOBAL, 8, **PHONE, **MAIL)
    second = list(state.accounts.values())[1]
    mail, number = wanted(2)
    state.put(
        replace(
            second,
            other_mails=(mail,),
            mobile_phone=number,
            email_method=mail,
            phones=(Phone("mobile", number),),
        )
    )
    server = serve(state)
    file = write_input(tmp_path / "in.csv", [*upns(server), "nobody@contoso.onmicrosoft.com"])
    job = planned_by(settings_for(server, tmp_path), file, tmp_path / "out")
    return job, survey(job.run)


def test_the_totals_are_told_in_one_line(shown: tuple[Job, Plan]) -> None:
    _, plan = shown
    assert totals(plan) == "Plan: 7 to change, 1 unchanged, 1 rejected."
    assert replacements(plan) == (
        "Replaced: 1 × alternate email (what was there is kept behind it), 1 × mobile phone."
    )


def test_a_value_is_added_or_takes_the_place_of_another_and_is_masked(shown: tuple[Job, Plan]) -> None:
    job, _ = shown
    first = next(planned_rows(job.run))
    assert [line for change in first.changes for line in change_lines(change)] == [
        "~ alternate email: o•••@adatum.com → p•••@fabrikam.com, o•••@adatum.com",
        "~ mobile phone: +44 •••• 3456 → +1 •••• 0001",
        "+ email method: nothing → p•••@fabrikam.com",
        "+ phone method: nothing → +1 •••• 0001",
    ]


def test_the_page_shows_what_is_replaced_first_and_no_contact_data(shown: tuple[Job, Plan]) -> None:
    job, plan = shown
    text = page(plan, "Run x.", job.folder, {0: "in.csv"})
    assert "**Plan: 7 to change" in text
    assert str(job.folder / "results.csv") in text
    assert text.index("~ mobile phone") < text.index("… and 2 more")
    secret = {*(each.upn for each in job.run.rows()), *(value for n in range(1, 9) for value in wanted(n))}
    assert [each for each in (*secret, "+44 7400123456", "old@adatum.com") if each in text] == []
