"""Quotas, faults, read lag and latency: each is ordered by a value, and does what it says."""

from __future__ import annotations

import contextlib
import ssl
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
PLAIN = Behaviour(quotas=None)


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
        ("429:7s=1%", Fault(status=429, probability=0.01, retry_after=7, seconds=7)),
        (
            "429:whole:0.25s=1%",
            Fault(
                status=429,
                on="request",
                probability=0.01,
                retry_after=0.25,
                retry_after_form="fraction",
                seconds=0.25,
            ),
        ),
        (
            "503:7s:date=1%",
            Fault(probability=0.01, retry_after=7, retry_after_form="date", seconds=7),
        ),
        ("504:after:nested=1%", Fault(status=504, probability=0.01, after_write=True, nested=True)),
        ("502:html=1%", Fault(status=502, probability=0.01, html=True)),
        ("200:whole:html@GET *=1%", Fault("GET *", 200, on="request", probability=0.01, html=True)),
        (
            "409:conflict=1%",
            Fault(
                status=409,
                probability=0.01,
                code="Request_BadRequest",
                details=("ObjectConflict", "ConflictingObjects"),
            ),
        ),
        ("stall:90s=1%", Fault(effect="stall", probability=0.01, seconds=90, retry_after=90)),
        ("gone:60s=1%", Fault(effect="gone", probability=0.01, seconds=60, retry_after=60)),
        ("expire:whole=1%", Fault(effect="expire", on="request", probability=0.01)),
        ("limited=1%", Fault(effect="limited", probability=0.01)),
        ("200:nested=1%", None),
        ("503:7=1%", None),
        ("503:later=1%", None),
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


def _after(tenant: Tenant, fault: Fault, url: str = f"/users/{ADMIN}") -> tuple[httpx.Client, httpx.Response]:
    """A signed-in client, and what it is answered once while the fault is in force."""
    client = tenant.client()
    tenant.server.behaviour = replace(tenant.server.behaviour, faults=(replace(fault, times=1),))
    return client, client.get(url)


@pytest.mark.parametrize("on", ["call", "request"])
@pytest.mark.parametrize("effect", ["expire", "revoke"])
def test_a_token_that_ended_is_refused_until_there_is_a_new_one(start: Start, effect: Any, on: Any) -> None:
    tenant = start()
    client, answer = _after(tenant, Fault(effect=effect, on=on))
    assert code(answer) == (401, "InvalidAuthenticationToken")
    assert client.get("/organization").status_code == 401
    assert tenant.client().get("/organization").status_code == 200


def test_a_page_of_a_gateway_is_no_json(shared: Tenant) -> None:
    client, normal = shared.client(), shared.server.behaviour
    page = Fault("* /users/*", 502, html=True)
    shared.server.behaviour = replace(normal, faults=(page,))
    try:
        [item] = client.post("/$batch", json=batch(patch(f"/users/{ADMIN}", MAIL))).json()["responses"]
        shared.server.behaviour = replace(normal, faults=(replace(page, match="*", status=200),))
        whole = client.get("/organization")
    finally:
        shared.server.behaviour = normal
        shared.protocol.answer_faults.clear()  # Microsoft's description knows no such answers
    assert (item["status"], _header(item, "content-type")) == (502, "text/html")
    assert item["body"].startswith("<html>")
    assert (whole.status_code, whole.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert whole.text == item["body"]


def test_details_say_which_objects_are_in_conflict(start: Start) -> None:
    _, answer = _after(start(), Fault.parse("409:conflict=100%"))
    assert code(answer) == (409, "Request_BadRequest")
    assert [each["code"] for each in answer.json()["error"]["details"]] == [
        "ObjectConflict",
        "ConflictingObjects",
    ]


def test_a_service_that_is_gone_refuses_connections_until_its_time_has_come(start: Start) -> None:
    clock = Clock()
    tenant = start(clock=clock)
    client = tenant.client()
    tenant.server.behaviour = replace(PLAIN, faults=(Fault(effect="gone", seconds=60, times=1),))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.get("/organization")
    for seconds in (0, 59):
        clock.now += seconds
        with pytest.raises(httpx.ConnectError):
            client.get("/organization")
    clock.now += 2
    assert _once_it_is_back(client).status_code == 200


def _once_it_is_back(client: httpx.Client) -> httpx.Response:
    """The first answer after an absence: the tenant looks at its clock every few milliseconds."""
    for _ in range(5_000):
        with contextlib.suppress(httpx.ConnectError):
            return client.get("/organization")
    raise AssertionError("it did not come back")


def test_a_tenant_that_is_gone_can_be_stopped(start: Start) -> None:
    tenant = start()
    tenant.server.go(3600)
    tenant.server.stop()


def test_replicas_may_disagree_until_the_lag_is_over(start: Start) -> None:
    clock = Clock()
    tenant = start(behaviour=replace(PLAIN, read_lag=60, stale_share=0.5), clock=clock)
    client = tenant.client()
    emails = f"/users/{ADMIN}/authentication/emailMethods"
    made = client.post(emails, json={"emailAddress": "a@fabrikam.com"}).json()["id"]
    seen = [client.get(f"{emails}/{made}").status_code for _ in range(30)]
    assert set(seen) == {200, 404}
    clock.now += 61
    assert {client.get(f"{emails}/{made}").status_code for _ in range(10)} == {200}


@pytest.mark.parametrize("how", ["one", "all", "by chance"])
def test_an_account_that_may_not_be_seen_shows_its_id_and_nothing_else(start: Start, how: str) -> None:
    state = administrators(2)
    first, second = state.accounts.values()
    limited = {"one": frozenset({first.id}), "all": frozenset({"*"})}.get(how, frozenset())
    fault = (Fault.parse("limited@GET /users*=100%"),) if how == "by chance" else ()
    tenant = start(state, replace(PLAIN, limited=limited, faults=fault))
    names = "id,userPrincipalName,otherMails,mobilePhone,accountEnabled"
    client = tenant.client()
    one = client.get(f"/users/{first.upn}?$select={names}").json()
    listed = {each["id"]: each for each in client.get(f"/users?$select={names}").json()["value"]}
    nothing: dict[str, Any] = {
        "@odata.type": "#microsoft.graph.user", "id": first.id, "userPrincipalName": None, "otherMails": [],
        "mobilePhone": None, "accountEnabled": None,
    }  # fmt: skip
    assert (
        {key: value for key, value in one.items() if key != "@odata.context"} == nothing == listed[first.id]
    )
    assert listed[second.id]["userPrincipalName"] == (second.upn if how == "one" else None)


def test_the_sign_in_service_fails_as_ordered(start: Start) -> None:
    clock = Clock()
    tenant = start(clock=clock)
    fault = Fault("POST */token", 503, on="request", nth=(1,), retry_after=7, retry_after_form="date")
    tenant.server.behaviour = replace(PLAIN, faults=(fault,))
    url = f"{tenant.server.login_url}/{tenant.server.tenant_id}/oauth2/v2.0/token"
    refused = httpx.post(url, verify=ssl.create_default_context(cafile=str(tenant.server.ca_file)))
    assert refused.status_code == 503
    assert parsedate_to_datetime(refused.headers["retry-after"]).timestamp() == clock.now + 8
    assert "access_token" in tenant.sign_in()
