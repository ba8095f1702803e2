"""Quotas, faults, read lag and latency: each is ordered by a value, and does what it says."""

from __future__ import annotations

import threading
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.simulated.behaviour import Behaviour, Latency, Limit, Quotas
from sspr.simulated.faults import Fault, FaultPlan
from sspr.simulated.quotas import Meter
from sspr.simulated.samples import administrators
from tests.simulated.conftest import ADMIN, Start, Tenant, batch, code, patch

NONE = Quotas(writes=None, tenant_writes=None, resource_units=None, reports=None)
MAIL = {"otherMails": ["a@fabrikam.com"]}


class Clock:
    def __init__(self) -> None:
        self.now = 1_900_000_000.0

    def __call__(self) -> float:
        return self.now


def _patches(tenant: Tenant, count: int) -> list[dict[str, Any]]:
    items = [patch(f"/users/{ADMIN}", MAIL) for _ in range(count)]
    responses: list[dict[str, Any]] = tenant.client().post("/$batch", json=batch(*items)).json()["responses"]
    return responses


def _header(answer: dict[str, Any], name: str) -> str | None:
    return next((value for key, value in answer["headers"].items() if key.lower() == name.lower()), None)


@pytest.mark.parametrize("sliding", [False, True])
def test_items_count_singly_and_what_exceeds_is_told_when_to_come_back(
    start: Start, *, sliding: bool
) -> None:
    clock = Clock()
    quotas = replace(NONE, writes=Limit(10, 100), sliding=sliding)
    tenant = start(behaviour=Behaviour(quotas=quotas), clock=clock)
    answers = _patches(tenant, 12)
    assert sorted(each["status"] for each in answers) == [204] * 10 + [429] * 2
    refused = [each for each in answers if each["status"] == 429]
    assert {each["body"]["error"]["code"] for each in refused} == {"TooManyRequests"}
    assert {_header(each, "retry-after") for each in refused} == {"100" if sliding else "10"}
    assert {_header(each, "x-ms-throttle-information") for each in refused} == {"WriteLimitExceeded"}
    assert len(tenant.server.journal.writes()) == 10
    clock.now += 9
    assert [each["status"] for each in _patches(tenant, 1)] == [429]
    assert len(tenant.server.journal.early()) == 1
    clock.now += 92 if sliding else 2
    assert sorted(each["status"] for each in _patches(tenant, 1)) == [204]


@given(
    costs=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 3)), max_size=60),
    sliding=st.booleans(),
)
def test_no_window_ever_holds_more_than_the_limit_allows(
    costs: list[tuple[float, int]], sliding: bool
) -> None:
    limit, now, taken = Limit(10, 20), 0.0, list[tuple[float, int]]()
    meter = Meter(limit, now, sliding=sliding, count_refused=False)
    for pause, cost in costs:
        now += pause
        wait = meter.wait(cost, now)
        if wait:
            assert meter.wait(cost, now + wait + 1e-6) == pytest.approx(0, abs=1e-6)
            meter = _replayed(limit, taken, sliding=sliding)
        else:
            meter.take(cost, now)
            taken.append((now, cost))
    # A bucket lets through at most its size and one refill in a window, a sliding window its size.
    most = limit.amount * (1 if sliding else 2)
    for start_, _ in taken:
        assert sum(cost for at, cost in taken if start_ <= at < start_ + limit.seconds) <= most + 1e-6


def _replayed(limit: Limit, taken: list[tuple[float, int]], *, sliding: bool) -> Meter:
    """The meter again as it was before it was asked about the future, which moves its clock."""
    again = Meter(limit, 0.0, sliding=sliding, count_refused=False)
    for at, cost in taken:
        assert again.wait(cost, at) == 0
        again.take(cost, at)
    return again


@pytest.mark.parametrize(
    ("url", "units"),
    [
        (f"/users/{ADMIN}", "1"),
        ("/users", "2"),
        ("/users?$select=id", "1"),
        ("/users?$top=5&$select=id", "1"),
        ("/roleManagement/directory/roleAssignments?$expand=principal", "2"),
        ("/groups/{group}/transitiveMembers", "5"),
    ],
)
def test_resource_units_follow_the_documented_costs(shared: Tenant, url: str, units: str) -> None:
    url = url.replace("{group}", shared.server.state.groups[0].id)
    assert shared.client().get(url).headers["x-ms-resource-unit"] == units


def test_methods_have_a_quota_of_their_own(start: Start) -> None:
    tenant = start(behaviour=Behaviour(quotas=replace(NONE, writes=Limit(1, 100), methods=Limit(2, 60))))
    client = tenant.client()
    url = f"/users/{ADMIN}/authentication/emailMethods"
    assert [client.get(url).status_code for _ in range(3)] == [200, 200, 429]
    assert client.patch(f"/users/{ADMIN}", json=MAIL).status_code == 204


@pytest.mark.parametrize("form", ["seconds", "fraction", "date", "absent"])
def test_retry_after_comes_in_every_form(start: Start, form: Any) -> None:
    clock = Clock()
    tenant = start(
        behaviour=Behaviour(quotas=replace(NONE, writes=Limit(1, 10), retry_after_form=form)), clock=clock
    )
    assert [each["status"] for each in _patches(tenant, 1)] == [204]
    clock.now += 0.75
    told = _header(_patches(tenant, 1)[0], "Retry-After")
    if form == "date":
        assert told is not None
        assert 9.25 <= parsedate_to_datetime(told).timestamp() - clock.now <= 12
    else:
        assert told == {"seconds": "10", "fraction": "9.250", "absent": None}[form]


def test_the_share_of_the_limit_shows_from_four_fifths(start: Start) -> None:
    tenant = start(behaviour=Behaviour(quotas=replace(NONE, writes=Limit(10, 1e9))), clock=Clock())
    client = tenant.client()
    shown = [
        client.patch(f"/users/{ADMIN}", json=MAIL).headers.get("x-ms-throttle-limit-percentage")
        for _ in range(11)
    ]
    assert shown == [None] * 7 + ["0.80", "0.90", "1.00", "1.00"]


@pytest.mark.parametrize(
    ("fault", "applied"),
    [(Fault(f"PATCH /users/{ADMIN}", 503), False), (Fault("PATCH *", 504, after_write=True), True)],
)
def test_a_fault_strikes_before_or_after_the_write(start: Start, fault: Fault, *, applied: bool) -> None:
    tenant = start(
        behaviour=Behaviour(faults=(replace(fault, nth=(2,), retry_after=0.25, retry_after_form="fraction"),))
    )
    answers = [_patches(tenant, 1)[0] for _ in range(3)]
    assert [each["status"] for each in answers] == [204, fault.status, 204]
    assert _header(answers[1], "Retry-After") == "0.250"
    assert [record.applied for record in tenant.server.journal.calls()] == [True, applied, True]
    assert [record.fault for record in tenant.server.journal.calls()] == [None, str(fault.status), None]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("on", ["call", "request"])
def test_a_reset_is_a_broken_connection_and_the_next_one_works(start: Start, on: Any, *, after: bool) -> None:
    match = "PATCH *" if on == "call" else "POST /$batch"
    fault = Fault(match, effect="reset", on=on, nth=(1,), after_write=after)
    tenant = start(behaviour=Behaviour(faults=(fault,)))
    client = tenant.client()
    envelope = batch(patch(f"/users/{ADMIN}", MAIL))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.post("/$batch", json=envelope)
    account = tenant.server.state.account(ADMIN)
    assert account is not None
    assert account.other_mails == (("a@fabrikam.com",) if after else ())
    assert client.post("/$batch", json=envelope).json()["responses"][0]["status"] == 204


def test_half_an_answer_is_an_error_of_the_connection(start: Start) -> None:
    tenant = start(behaviour=Behaviour(faults=(Fault("GET /users/*", effect="truncate", times=1),)))
    client = tenant.client()
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.get(f"/users/{ADMIN}")
    assert client.get(f"/users/{ADMIN}").status_code == 200


def test_an_item_may_be_missing_from_the_answer(start: Start) -> None:
    tenant = start(behaviour=Behaviour(faults=(Fault("PATCH *", effect="omit", nth=(2,), after_write=True),)))
    assert len(_patches(tenant, 3)) == 2
    assert len(tenant.server.journal.writes()) == 3


def test_an_answer_may_stall_until_the_client_gives_up(start: Start) -> None:
    tenant = start(
        behaviour=Behaviour(
            faults=(Fault("PATCH *", effect="stall", seconds=600, nth=(1,), after_write=True),)
        )
    )
    with pytest.raises(httpx.ReadTimeout):
        tenant.client().patch(f"/users/{ADMIN}", json=MAIL, timeout=0.3)
    assert len(tenant.server.state.account(ADMIN).other_mails) == 1  # type: ignore[union-attr]


def test_an_outage_can_be_switched_on_and_off(start: Start) -> None:
    tenant = start()
    client = tenant.client()
    normal = tenant.server.behaviour
    tenant.server.behaviour = replace(normal, faults=(Fault(on="request", status=502),))
    assert code(client.get("/users")) == (502, "BadGateway")
    tenant.server.behaviour = normal
    assert client.get("/users").status_code == 200


def test_the_same_seed_strikes_the_same_calls() -> None:
    rules = (Fault("PATCH *", probability=0.3), Fault("*", status=500, probability=0.1))
    plans = [FaultPlan(rules, seed) for seed in (1, 1, 2)]
    struck = [[plan.strike("call", "PATCH /users/x") for _ in range(200)] for plan in plans]
    assert struck[0] == struck[1] != struck[2]
    assert 40 < sum(each is not None and each.status == 503 for each in struck[0]) < 80


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("503=2%", Fault(status=503, probability=0.02)),
        ("reset:after=0.5%", Fault(effect="reset", probability=0.005, after_write=True)),
        ("429@PATCH /users/*=5%", Fault("PATCH /users/*", 429, probability=0.05)),
        ("503", None),
        ("200=1%", None),
        ("503=101%", None),
        ("slow=1%", None),
    ],
)
def test_a_fault_can_be_written_in_a_word(text: str, fault: Fault | None) -> None:
    if fault is None:
        with pytest.raises(ValueError, match="not a fault"):
            Fault.parse(text)
    else:
        assert Fault.parse(text) == fault


def test_reads_lag_behind_writes_of_users_methods_and_policy(start: Start) -> None:
    clock = Clock()
    tenant = start(behaviour=Behaviour(read_lag=5), clock=clock)
    client = tenant.client()
    emails = f"/users/{ADMIN}/authentication/emailMethods"
    policy = "/policies/authorizationPolicy"

    def shown() -> tuple[Any, ...]:
        by_name = client.get(f"/users?$select=otherMails&$filter=userPrincipalName eq '{ADMIN}'").json()[
            "value"
        ]
        return (
            client.get(f"/users/{ADMIN}?$select=otherMails").json()["otherMails"],
            by_name[0]["otherMails"],
            [each["emailAddress"] for each in client.get(emails).json()["value"]],
            client.get(policy).json()["allowedToUseSSPR"],
        )

    before: tuple[Any, ...] = ([], [], [], True)
    after: tuple[Any, ...] = (*(["a@fabrikam.com"],) * 3, False)
    assert client.patch(f"/users/{ADMIN}", json=MAIL).status_code == 204
    assert client.post(emails, json={"emailAddress": "a@fabrikam.com"}).status_code == 201
    assert client.patch(policy, json={"allowedToUseSSPR": False}).status_code == 204
    assert shown() == before
    # A write meets the truth, not the replica.
    assert client.post(emails, json={"emailAddress": "b@fabrikam.com"}).status_code == 400
    clock.now += 4.9
    assert shown() == before
    clock.now += 0.2
    assert shown() == after


def test_waiting_for_one_answer_keeps_no_other_waiting(start: Start) -> None:
    tenant = start(behaviour=Behaviour(latency=Latency(1.0)))
    clients = [tenant.client() for _ in range(6)]
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda client=client: results.append(client.get("/organization").status_code))
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [200] * 6
    arrivals = [record.time for record in tenant.server.journal.requests()]
    assert max(arrivals) - min(arrivals) < 1.0  # the last came before the first was answered


def test_connections_are_kept_alive(start: Start) -> None:
    tenant = start(administrators(1))
    client = tenant.client()
    streams = set()
    for _ in range(3):
        with client.stream("GET", "/organization") as answer:
            streams.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
            answer.read()
    assert len(streams) == 1
