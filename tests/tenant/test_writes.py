from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sspr.model import Answer, Change, ChangeKind, Fate, Write
from sspr.tenant.batch import Request
from sspr.tenant.errors import SignInRefused, TenantRefused, TenantUnavailable
from sspr.tenant.graph import Tenant
from sspr.tenant.pacing import MARGIN, MemoryStandings
from sspr.tenant.quotas import WRITE, Quota, Scope
from sspr.tenant.writes import request
from tests.tenant.scripted import (
    GRAPH,
    TENANT_ID,
    FakeClock,
    Item,
    ScriptedMicrosoft,
    answer,
    error,
    error_body,
    refusal,
)

MOBILE_ID = "3179e48a-750b-4051-897c-87b9720928f7"


def write_of(number: int, kind: ChangeKind = ChangeKind.CONTACT, **after: Any) -> Write:
    values = after or {"otherMails": [f"private{number}@fabrikam.com"]}
    return Write((number, kind), f"id-{number}", Change(kind, {}, values))


def contacts(count: int) -> list[Write]:
    return [write_of(number) for number in range(count)]


class Job:
    """The caller's side: what it was told before a batch went out, and of every fate."""

    def __init__(self, microsoft: ScriptedMicrosoft) -> None:
        self.microsoft = microsoft
        self.announced: list[list[str]] = []
        self.answers: dict[int, Answer] = {}
        self.inside = threading.Lock()

    def before_send(self, items: Sequence[Write]) -> None:
        with self.alone():
            self.announced.append([item.account_id for item in items])

    def on_answers(self, answers: Sequence[Answer]) -> None:
        with self.alone():
            for one in answers:
                assert one.key[0] not in self.answers, "told twice"
                self.answers[one.key[0]] = one

    def alone(self) -> threading.Lock:
        assert not self.inside.locked(), "two callbacks at once"
        return self.inside

    def fates(self) -> Counter[Fate]:
        return Counter(one.fate for one in self.answers.values())


@pytest.fixture
def job(microsoft: ScriptedMicrosoft) -> Job:
    return Job(microsoft)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change(ChangeKind.CONTACT, {}, {"otherMails": ("a@x.org", "b@x.org"), "mobilePhone": "+1 2065550100"}),
         Request("PATCH", "/users/id", {"otherMails": ["a@x.org", "b@x.org"], "mobilePhone": "+1 2065550100"})),
        (Change(ChangeKind.CONTACT, {}, {"otherMails": None, "mobilePhone": None}),
         Request("PATCH", "/users/id", {"otherMails": [], "mobilePhone": None})),
        (Change(ChangeKind.CONTACT, {}, {"mobilePhone": ""}), Request("PATCH", "/users/id", {"mobilePhone": None})),
        (Change(ChangeKind.EMAIL_METHOD, {}, {"emailAddress": "a@fabrikam.com"}),
         Request("POST", "/users/id/authentication/emailMethods", {"emailAddress": "a@fabrikam.com"})),
        (Change(ChangeKind.EMAIL_METHOD, {}, {"emailAddress": "a@fabrikam.com"}, "e"),
         Request("PATCH", "/users/id/authentication/emailMethods/e", {"emailAddress": "a@fabrikam.com"})),
        (Change(ChangeKind.EMAIL_METHOD, {}, {"emailAddress": None}, "e"),
         Request("DELETE", "/users/id/authentication/emailMethods/e")),
        (Change(ChangeKind.PHONE_METHOD, {}, {"phoneNumber": "+1 2065550100"}),
         Request("POST", "/users/id/authentication/phoneMethods",
                 {"phoneNumber": "+1 2065550100", "phoneType": "mobile"})),
        (Change(ChangeKind.PHONE_METHOD, {}, {"phoneNumber": "+1 2065550100"}, MOBILE_ID),
         Request("PATCH", f"/users/id/authentication/phoneMethods/{MOBILE_ID}",
                 {"phoneNumber": "+1 2065550100", "phoneType": "mobile"})),
        (Change(ChangeKind.SMS_SIGN_IN, {"smsSignInState": "ready"}, {"smsSignInState": "notEnabled"}, MOBILE_ID),
         Request("POST", f"/users/id/authentication/phoneMethods/{MOBILE_ID}/disableSmsSignIn", {})),
    ],
)  # fmt: skip
def test_the_request_of_a_change(change: Change, expected: Request) -> None:
    assert request(Write((1, "x"), "id", change)) == expected


def test_a_hundred_writes_are_five_batches(tenant: Tenant, job: Job) -> None:
    tenant.write(contacts(100), job.before_send, job.on_answers)
    assert job.fates() == {Fate.ACCEPTED: 100}
    assert sorted(map(len, job.announced)) == [20] * 5
    traffic = tenant.traffic
    assert (traffic.requests, traffic.batches, traffic.writes, traffic.throttled, traffic.retried) == (
        5,
        5,
        100,
        0,
        0,
    )


def test_nothing_to_write_asks_nothing(microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job) -> None:
    tenant.write([], job.before_send, job.on_answers)
    assert microsoft.requests == []


def test_one_batch_holds_one_kind_of_quota(microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job) -> None:
    mixed = [
        write_of(number, ChangeKind.EMAIL_METHOD, emailAddress="a@fabrikam.com")
        if number % 2
        else write_of(number)
        for number in range(40)
    ]
    tenant.write(mixed, job.before_send, job.on_answers)
    kinds = {(item.envelope, item.method) for item in microsoft.items}
    assert sorted(method for _, method in kinds) == ["PATCH", "POST"]


def test_two_writes_to_one_account_are_refused_here(tenant: Tenant, job: Job) -> None:
    twice = [write_of(1), Write((2, "contact"), "id-1", write_of(1).change)]
    with pytest.raises(ValueError, match="two writes to one account"):
        tenant.write(twice, job.before_send, job.on_answers)


FATES: dict[str, tuple[dict[str, Any] | None, Fate]] = {
    "201": (answer(201, {}), Fate.ACCEPTED),
    "400": (error(400, "Request_BadRequest"), Fate.REFUSED),
    "403": (error(403, "Authorization_RequestDenied"), Fate.REFUSED),
    "404": (error(404, "Request_ResourceNotFound"), Fate.REFUSED),
    "409 of a conflict": (error(409, "Conflict"), Fate.REFUSED),
    "424": (error(424, "FailedDependency"), Fate.UNKNOWN),
    "500": (error(500, "InternalServerError"), Fate.UNKNOWN),
    "502": (error(502, "BadGateway"), Fate.UNKNOWN),
    "503 with Retry-After": (error(503, "serviceNotAvailable", Retry_After="9"), Fate.UNKNOWN),
    "504": (error(504, "UnknownError"), Fate.UNKNOWN),
    "missing": (None, Fate.UNKNOWN),
}


@pytest.mark.parametrize("name", FATES)
def test_the_fate_of_an_item_that_is_never_sent_again(
    name: str, microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    reply, fate = FATES[name]
    microsoft.on_item = lambda item: reply if item.url == "/users/id-7" else answer()
    tenant.write(contacts(20), job.before_send, job.on_answers)
    assert job.answers[7].fate is fate
    assert job.fates()[Fate.ACCEPTED] == (20 if fate is Fate.ACCEPTED else 19)
    assert len(microsoft.items) == 20
    fault = job.answers[7].fault
    if fate is not Fate.ACCEPTED:
        assert fault is not None
        assert fault.request_id == ("" if reply is None else "a-request-id")


AGAIN = {
    "429": error(429, "TooManyRequests", Retry_After="7"),
    "429 with a fraction": error(429, "TooManyRequests", retry_after="6.2"),
    "429 without Retry-After": error(429, "TooManyRequests"),
    "409": error(409, "Directory_ConcurrencyViolation", Retry_After="7"),
    "412": error(412, "PreconditionFailed", Retry_After="7"),
    "401": error(401, "InvalidAuthenticationToken"),
}


@pytest.mark.parametrize("name", AGAIN)
def test_an_item_that_was_certainly_not_applied_is_sent_again(
    name: str, microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    seen: Counter[str] = Counter()

    def once(item: Item) -> dict[str, Any]:
        seen[item.url] += 1
        return AGAIN[name] if item.url == "/users/id-7" and seen[item.url] == 1 else answer()

    microsoft.on_item = once
    tenant.write(contacts(20), job.before_send, job.on_answers)
    assert job.fates() == {Fate.ACCEPTED: 20}
    assert sorted(map(len, job.announced)) == [1, 20]
    tries = [item.at for item in microsoft.items if item.url == "/users/id-7"]
    assert len(tries) == 2
    if name != "401":
        assert tries[1] - tries[0] >= 7
    assert (tenant.traffic.writes, tenant.traffic.retried) == (21, 1)
    assert microsoft.tokens == (2 if name == "401" else 1)


def reset(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("reset")


def late(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("late")


REQUESTS: dict[str, tuple[Callable[[httpx.Request], httpx.Response], Fate]] = {
    "429": (lambda _: httpx.Response(429, headers={"Retry-After": "7"}, json=error_body("x")), Fate.ACCEPTED),
    "401": (lambda _: httpx.Response(401, json=error_body("InvalidAuthenticationToken")), Fate.ACCEPTED),
    "500": (lambda _: httpx.Response(500), Fate.UNKNOWN),
    "503": (lambda _: httpx.Response(503, headers={"Retry-After": "7"}), Fate.UNKNOWN),
    "504 of a gateway": (lambda _: httpx.Response(504, text="<html>"), Fate.UNKNOWN),
    "200 that is no JSON": (lambda _: httpx.Response(200, text="<html>"), Fate.UNKNOWN),
    "reset": (reset, Fate.UNKNOWN),
    "timeout": (late, Fate.UNKNOWN),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_the_fate_of_a_whole_batch(name: str, microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job) -> None:
    reply, fate = REQUESTS[name]
    microsoft.on_request = lambda request: reply(request) if len(microsoft.requests) == 1 else None
    tenant.write(contacts(20), job.before_send, job.on_answers)
    assert job.fates() == {fate: 20}
    assert len(microsoft.requests) == (2 if fate is Fate.ACCEPTED else 1)
    assert len(job.announced) == len(microsoft.requests)


def test_a_write_that_never_left_is_sent_again(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    tenant.set_feature(True)  # the host was reached

    def gone(_: httpx.Request) -> None:
        if len(microsoft.requests) < 5:
            raise httpx.ConnectError("no") from OSError(111, "Connection refused")

    microsoft.on_request = gone
    tenant.write(contacts(20), job.before_send, job.on_answers)
    assert job.fates() == {Fate.ACCEPTED: 20}
    assert len(microsoft.items) == 21


def test_a_network_that_stays_away_ends_with_not_sent(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    tenant.set_feature(True)

    def gone(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no") from OSError(111, "Connection refused")

    microsoft.on_request = gone
    with pytest.raises(TenantUnavailable, match="Connection refused"):
        tenant.write(contacts(200), job.before_send, job.on_answers)
    assert set(job.fates()) == {Fate.NOT_SENT}
    assert len(microsoft.requests) < 200 / 20 + 80


def test_throttling_without_end_is_not_sent_and_ends_the_run(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    microsoft.on_item = lambda _: error(429, "TooManyRequests", Retry_After="30")
    with pytest.raises(TenantUnavailable, match="HTTP 429"):
        tenant.write(contacts(20), job.before_send, job.on_answers)
    assert job.fates() == {Fate.NOT_SENT: 20}
    assert len(microsoft.requests) == 12


def test_one_account_throttled_without_end_is_its_own_matter(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    throttled = error(429, "TooManyRequests", Retry_After="1")
    microsoft.on_item = lambda item: throttled if item.url == "/users/id-7" else answer()
    tenant.write(contacts(40), job.before_send, job.on_answers)
    assert job.fates() == {Fate.ACCEPTED: 39, Fate.NOT_SENT: 1}


def test_an_outage_is_not_hammered_with_the_remaining_batches(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    microsoft.on_request = lambda _: httpx.Response(502)
    with pytest.raises(TenantUnavailable, match="HTTP 502"):
        tenant.write(contacts(4000), job.before_send, job.on_answers)
    assert set(job.fates()) == {Fate.UNKNOWN}
    assert len(microsoft.requests) < 60
    assert sum(map(len, job.announced)) == len(job.answers)


def test_a_retry_after_holds_back_every_write_that_follows(
    microsoft: ScriptedMicrosoft, tenant: Tenant, clock: FakeClock, job: Job
) -> None:
    """The item that was throttled, and all others of its quota; batches in flight at that moment are not to blame."""
    told_at: list[float] = []

    def throttle_once(item: Item) -> dict[str, Any]:
        if item.url == "/users/id-3" and not told_at:
            told_at.append(clock())
            return error(429, "TooManyRequests", Retry_After="20")
        return answer()

    microsoft.on_item = throttle_once
    tenant.write(contacts(2000), job.before_send, job.on_answers)
    assert job.fates() == {Fate.ACCEPTED: 2000}
    early = {item.envelope for item in microsoft.items if told_at[0] < item.at < told_at[0] + 20}
    assert early == set()
    at_once = {item.envelope for item in microsoft.items if item.at == told_at[0]}
    assert len(at_once) <= 149  # the burst, in the same instant of this clock
    assert min(item.at for item in microsoft.items if item.at > told_at[0]) >= told_at[0] + 20 + MARGIN


@pytest.mark.parametrize(
    ("header", "held"),
    [
        ({"x_ms_throttle_information": "WriteLimitExceeded"}, {Quota.WRITES}),
        ({"x_ms_throttle_information": "ResourceUnitLimitExceeded"}, {Quota.UNITS}),
        (
            {"x_ms_throttle_information": "WriteLimitExceeded", "x_ms_throttle_scope": "Tenant/Write/a/t"},
            {Quota.TENANT_WRITES},
        ),
        ({"x_ms_throttle_information": "CPULimitExceeded"}, set(WRITE)),
        ({}, set(WRITE)),
    ],
)
def test_a_limit_that_is_named_is_the_only_one_held(
    header: dict[str, str], held: set[Quota], microsoft: ScriptedMicrosoft, clock: FakeClock, job: Job
) -> None:
    standings = MemoryStandings()
    microsoft.on_item = lambda item: (
        error(429, "TooManyRequests", Retry_After="60", **header) if item.envelope == 1 else answer()
    )
    began = clock()
    with microsoft.connect(standings=standings) as tenant:
        tenant.write(contacts(1), job.before_send, job.on_answers)
    assert job.fates() == {Fate.ACCEPTED: 1}
    names = {Scope(GRAPH, TENANT_ID, "client").name(quota): quota for quota in Quota}
    texts = standings.read(list(names))
    until = {names[name]: json.loads(text or "{}").get("held_until", 0.0) for name, text in texts.items()}
    assert {quota for quota in Quota if until[quota] >= began + 60} == held


def test_every_batch_is_announced_before_it_goes_out(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    microsoft.on_item = lambda item: (
        answer() if any(item.url[7:] in ids for ids in job.announced) else answer(418)
    )
    tenant.write(contacts(300), job.before_send, job.on_answers)
    assert job.fates() == {Fate.ACCEPTED: 300}


class BrokenError(Exception):
    pass


def test_an_error_of_the_ledger_before_sending_stops_and_nothing_more_goes_out(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    def full_disk(items: Sequence[Write]) -> None:
        if len(job.announced) == 3:
            raise BrokenError
        job.before_send(items)

    with pytest.raises(BrokenError):
        tenant.write(contacts(1000), full_disk, job.on_answers)
    assert len(microsoft.requests) == 3
    assert job.fates() == {Fate.ACCEPTED: 60}


def test_an_error_of_the_ledger_after_an_answer_stops_too(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    told = []

    def full_disk(answers: Sequence[Answer]) -> None:
        told.append(len(answers))
        if len(told) == 1:
            raise BrokenError
        job.on_answers(answers)

    with pytest.raises(BrokenError):
        tenant.write(contacts(1000), job.before_send, full_disk)
    assert len(microsoft.requests) == len(told) <= 5


def test_a_secret_that_ends_mid_run_stops_it_and_the_answers_in_hand_are_told(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    def revoked(item: Item) -> dict[str, Any]:
        return error(401, "InvalidAuthenticationToken") if item.envelope == 2 else answer()

    microsoft.on_item = revoked
    microsoft.on_token = lambda _: refusal(7000222)
    with pytest.raises(SignInRefused, match="expired"):
        tenant.write(contacts(1000), job.before_send, job.on_answers)
    fates = job.fates()
    assert fates[Fate.NOT_SENT] == 20
    assert fates[Fate.ACCEPTED] == len(job.answers) - 20
    assert sum(map(len, job.announced)) == len(job.answers)


def test_a_token_refused_by_four_batches_at_once_is_renewed_once(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    first = microsoft.tokens
    together = threading.Barrier(4, timeout=10)

    def expired(request: httpx.Request) -> httpx.Response | None:
        if len(job.announced) <= 4 and request.headers["authorization"].endswith(stale):
            together.wait()
            return httpx.Response(401, json=error_body("InvalidAuthenticationToken"))
        return None

    stale = tenant._line.signin.token()
    microsoft.on_request = expired
    tenant.write(contacts(80), job.before_send, job.on_answers)
    assert job.fates() == {Fate.ACCEPTED: 80}
    assert microsoft.tokens == first + 1


def test_an_item_that_is_busy_for_ever_while_others_are_answered_is_refused(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    busy = error(409, "Directory_ConcurrencyViolation")
    microsoft.on_item = lambda item: busy if item.url == "/users/id-7" else answer()
    tenant.write(contacts(400), job.before_send, job.on_answers)
    assert job.fates() == {Fate.ACCEPTED: 399, Fate.REFUSED: 1}


def test_a_token_that_graph_never_takes_ends_the_run(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    microsoft.on_request = lambda _: httpx.Response(401, json=error_body("InvalidAuthenticationToken"))
    with pytest.raises(TenantRefused, match=r"token .HTTP 401 InvalidAuthenticationToken"):
        tenant.write(contacts(20), job.before_send, job.on_answers)
    assert job.fates() == {Fate.NOT_SENT: 20}
    assert len(microsoft.requests) == 3


def test_a_batch_that_graph_refuses_stops_the_run(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    microsoft.on_request = lambda _: httpx.Response(
        400, json=error_body("BadRequest", "Invalid batch payload format.")
    )
    with pytest.raises(TenantRefused, match="HTTP 400 BadRequest"):
        tenant.write(contacts(20), job.before_send, job.on_answers)


FAULT_NAMES = ["fine", *[name for name in FATES if name != "201"], *AGAIN]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(FAULT_NAMES), min_size=1, max_size=90), st.integers(1, 20))
def test_whatever_happens_every_write_has_one_fate_and_none_is_repeated_after_a_doubt(
    microsoft: ScriptedMicrosoft, names: list[str], batch_size: int
) -> None:
    """Per account one fault at its first try. Sent again exactly where it was certainly not applied."""
    microsoft.items.clear()
    seen: Counter[str] = Counter()
    lock = threading.Lock()

    def reply(item: Item) -> dict[str, Any] | None:
        with lock:
            seen[item.url] += 1
            again = seen[item.url] > 1
        name = names[int(item.url.rpartition("-")[2])]
        return answer() if again or name == "fine" else (FATES[name][0] if name in FATES else AGAIN[name])

    microsoft.on_item = reply
    job = Job(microsoft)
    with microsoft.connect(batch_size=batch_size) as tenant:
        tenant.write(contacts(len(names)), job.before_send, job.on_answers)
    expected = [FATES[name][1] if name in FATES else Fate.ACCEPTED for name in names]
    assert [job.answers[number].fate for number in range(len(names))] == expected
    assert {url: count for url, count in seen.items() if count > 1} == {
        f"/users/id-{number}": 2 for number, name in enumerate(names) if name in AGAIN
    }
    envelopes = Counter(item.envelope for item in microsoft.items)
    assert max(envelopes.values()) <= batch_size
    assert sum(map(len, job.announced)) == len(microsoft.items)


def test_the_published_limit_holds_for_a_long_run(
    microsoft: ScriptedMicrosoft, tenant: Tenant, job: Job
) -> None:
    """3,000 writes at once and 20 a second: nothing of it exceeded, next to nothing of it unused."""
    tenant.write(contacts(6000), job.before_send, job.on_answers)
    times = sorted(item.at for item in microsoft.items)
    for earliest in range(0, 6000, 100):
        for latest in range(earliest, 6000, 100):
            assert latest - earliest < 3000 + 20 * (times[latest] - times[earliest])
    assert times[-1] - times[0] == pytest.approx((6000 - 3000) / 20, rel=0.015)
