from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from sspr.model import Account, Fault, MethodKind, Methods, Roster
from sspr.tenant import roster
from sspr.tenant.errors import (
    Interrupted,
    PermissionMissing,
    TenantRefused,
    TenantUnavailable,
)
from sspr.tenant.graph import Tenant
from sspr.tenant.health import PATIENCE
from tests.tenant.scripted import (
    GRAPH,
    Item,
    ScriptedMicrosoft,
    answer,
    error,
    error_body,
    user,
)

FORBIDDEN = error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def names_in(item: Item) -> list[str]:
    """The names of an `in` filter."""
    text = parse_qs(urlsplit(item.url).query)["$filter"][0]
    return [name[1:-1].replace("''", "'") for name in text.split("(", 1)[1].removesuffix(")").split(",")]


def directory(*users: dict[str, Any]) -> Callable[[Item], dict[str, Any]]:
    """Answers filters and paths like Graph: unknown names are left out of a list, and 404 by path."""
    held = {str(one["userPrincipalName"]).lower(): one for one in users}
    held |= {one["id"]: one for one in users}

    def reply(item: Item) -> dict[str, Any]:
        if item.url.startswith("/users?"):
            found = [held[name.lower()] for name in names_in(item) if name.lower() in held]
            return answer(200, {"value": found})
        key = unquote(urlsplit(item.url).path.removeprefix("/users/"))
        one = held.get(key.lower())
        return (
            answer(200, one)
            if one
            else error(404, "Request_ResourceNotFound", f"Resource '{key}' does not exist")
        )

    return reply


def test_three_hundred_accounts_are_one_request(microsoft: ScriptedMicrosoft, tenant: Tenant) -> None:
    microsoft.on_item = directory(*(user(number) for number in range(300)))
    upns = [f"admin{number}@contoso.com" for number in range(300)]
    found = tenant.accounts_by_upn(upns)
    ids = [account.id for account in found.values() if isinstance(account, Account)]
    assert ids == [f"id-{number}" for number in range(300)]
    assert list(found) == upns
    assert (tenant.traffic.requests, tenant.traffic.batches, len(microsoft.items)) == (1, 1, 20)


def test_names_match_whatever_their_case_and_come_back_as_given(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    microsoft.on_item = directory(user(1), user(2, userPrincipalName="O'Neil@contoso.com"))
    found = tenant.accounts_by_upn(
        ["ADMIN1@contoso.com", "admin1@CONTOSO.com", "o'neil@contoso.com", "no@contoso.com"]
    )
    assert {
        name: account and account.id for name, account in found.items() if not isinstance(account, Fault)
    } == {
        "ADMIN1@contoso.com": "id-1",
        "admin1@CONTOSO.com": "id-1",
        "o'neil@contoso.com": "id-2",
        "no@contoso.com": None,
    }
    assert len(microsoft.items) == 1


def test_a_name_too_long_for_a_filter_is_read_by_its_path(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    long = f"{'x' * 110}@contoso.com"
    microsoft.on_item = directory(user(1, userPrincipalName=long))
    found = tenant.accounts_by_upn([long])
    assert isinstance(found[long], Account)
    assert [urlsplit(item.url).path for item in microsoft.items] == [f"/users/{'x' * 110}%40contoso.com"]


def test_a_filter_that_graph_refuses_is_read_name_by_name(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    known = directory(user(1), user(2))

    def reply(item: Item) -> dict[str, Any]:
        if "bad" in item.url:
            return error(400, "Request_BadRequest", "Invalid filter clause")
        return known(item)

    microsoft.on_item = reply
    found = tenant.accounts_by_upn(["admin1@contoso.com", "bad@contoso.com", "admin2@contoso.com"])
    assert [type(account) for account in found.values()] == [Account, Fault, Account]


def test_pages_are_followed_to_the_end_even_when_one_is_empty(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    pages = {
        "/users?": answer(
            200, {"value": [user(1)], "@odata.nextLink": f"{GRAPH}/v1.0/users?$skiptoken=a%2Bb"}
        ),
        "/users?$skiptoken=a%2Bb": answer(
            200, {"value": [], "@odata.nextLink": f"{GRAPH}/v1.0/users?$skiptoken=c"}
        ),
        "/users?$skiptoken=c": answer(200, {"value": [user(2)]}),
    }
    microsoft.on_item = lambda item: pages.get(item.url) or pages["/users?"]
    found = tenant.accounts_by_upn(["admin1@contoso.com", "admin2@contoso.com"])
    assert [type(account) for account in found.values()] == [Account, Account]


def test_limited_information_is_a_fault_not_an_empty_account(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    """One object that only says that it exists: nobody knows which of the names not found it is."""
    seen = {"@odata.type": "#microsoft.graph.user", "id": "x", "userPrincipalName": None, "otherMails": None}
    microsoft.on_item = lambda _: answer(200, {"value": [user(1), seen]})
    found = tenant.accounts_by_upn(["admin1@contoso.com", "admin2@contoso.com"])
    assert isinstance(found["admin1@contoso.com"], Account)
    fault = found["admin2@contoso.com"]
    assert isinstance(fault, Fault)
    assert fault.code == "limited_information"


@pytest.mark.parametrize(
    "reply",
    [FORBIDDEN, answer(200, {"value": [{"id": "x", "userPrincipalName": None}]})],
    ids=["403", "limited"],
)
def test_a_first_read_that_is_denied_for_all_names_the_permission(
    reply: dict[str, Any], microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    microsoft.on_item = lambda _: reply
    with pytest.raises(
        PermissionMissing, match=r"read users.*User\.Read\.All or User\.ReadWrite\.All"
    ) as caught:
        tenant.accounts_by_upn(["admin1@contoso.com", "admin2@contoso.com"])
    assert caught.value.exit_code == 3


def test_a_403_on_one_account_is_its_own(microsoft: ScriptedMicrosoft, tenant: Tenant) -> None:
    known = directory(user(1), user(2))
    microsoft.on_item = lambda item: FORBIDDEN if "id-2" in item.url else known(item)
    found = tenant.accounts_by_id(["id-1", "id-2", "id-3"])
    assert [type(account) for account in found.values()] == [Account, Fault, type(None)]
    again = tenant.accounts_by_id(["id-2"])  # all of this call, but reading is allowed as such
    assert isinstance(again["id-2"], Fault)


def test_read_back_asks_by_id_without_the_lagging_index(microsoft: ScriptedMicrosoft, tenant: Tenant) -> None:
    microsoft.on_item = directory(*(user(number) for number in range(45)))
    tenant.accounts_by_id([f"id-{number}" for number in range(45)])
    assert tenant.traffic.requests == 3
    assert all(item.url.startswith("/users/id-") and "$select=id," in item.url for item in microsoft.items)
    assert not any("ConsistencyLevel" in item.headers for item in microsoft.items)


# --- faults ----------------------------------------------------------------------------------------------------------


def first(
    times: int, bad: dict[str, Any] | None, then: Callable[[Item], dict[str, Any]]
) -> Callable[[Item], Any]:
    """Each address is answered `bad` so many times, then as it should be."""
    seen: Counter[str] = Counter()

    def reply(item: Item) -> dict[str, Any] | None:
        seen[item.url] += 1
        return bad if seen[item.url] <= times else then(item)

    return reply


ITEM_FAULTS = {
    "429": error(429, "TooManyRequests", Retry_After="7"),
    "429 with a fraction": error(429, "TooManyRequests", retry_AFTER="6.2"),
    "429 without Retry-After": error(429, "TooManyRequests"),
    "500": error(500, "InternalServerError"),
    "503 with Retry-After": error(503, "serviceNotAvailable", Retry_After="7"),
    "504": error(504, "UnknownError"),
    "409": error(409, "Directory_ConcurrencyViolation"),
    "401": error(401, "InvalidAuthenticationToken"),
    "missing": None,
}


@pytest.mark.parametrize("name", ITEM_FAULTS)
def test_an_item_that_fails_once_is_asked_again_alone(
    name: str, microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    known = directory(*(user(number) for number in range(10)))
    failing = first(1, ITEM_FAULTS[name], known)
    microsoft.on_item = lambda item: failing(item) if "id-3?" in item.url else known(item)
    found = tenant.accounts_by_id([f"id-{number}" for number in range(10)])
    assert all(isinstance(account, Account) for account in found.values())
    tried = [item for item in microsoft.items if "id-3?" in item.url]
    assert len(tried) == 2
    assert len(microsoft.items) == 11
    if (ITEM_FAULTS[name] and "Retry" in str(ITEM_FAULTS[name])) or "fraction" in name:
        assert tried[1].at - tried[0].at >= 7
    assert tenant.traffic.retried == 1
    assert tenant.traffic.throttled == (1 if "429" in name else 0)
    assert microsoft.tokens == (2 if name == "401" else 1)


def reset(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("reset")


def cut_off(_: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


REQUEST_FAULTS: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    "429": lambda _: httpx.Response(429, headers={"Retry-After": "7"}, json=error_body("TooManyRequests")),
    "500": lambda _: httpx.Response(500, json=error_body("InternalServerError")),
    "502 of a gateway": lambda _: httpx.Response(502, text="<html>Bad gateway</html>"),
    "503 with Retry-After": lambda _: httpx.Response(503, headers={"Retry-After": "7"}),
    "401": lambda _: httpx.Response(401, json=error_body("InvalidAuthenticationToken")),
    "200 that is no JSON": lambda _: httpx.Response(200, text="<html>Log in to the network</html>"),
    "half an answer": cut_off,
    "reset": reset,
}


@pytest.mark.parametrize("name", REQUEST_FAULTS)
def test_a_whole_request_that_fails_once_is_sent_again(
    name: str, microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    microsoft.on_item = directory(*(user(number) for number in range(20)))
    microsoft.on_request = lambda request: (
        REQUEST_FAULTS[name](request) if len(microsoft.requests) == 1 else None
    )
    began = microsoft.clock.now
    found = tenant.accounts_by_id([f"id-{number}" for number in range(20)])
    assert all(isinstance(account, Account) for account in found.values())
    assert len(microsoft.requests) == 2
    if "429" in name or "Retry-After" in name:
        assert microsoft.clock.now - began >= 7


def test_a_minute_without_network_is_sat_out(microsoft: ScriptedMicrosoft, tenant: Tenant) -> None:
    microsoft.on_item = directory(user(1))
    tenant.accounts_by_id(["id-1"])
    back = microsoft.clock.now + 60

    def gone(_: httpx.Request) -> None:
        if microsoft.clock.now < back:
            raise httpx.ConnectError("no") from OSError(-3, "Temporary failure in name resolution")

    microsoft.on_request = gone
    assert isinstance(tenant.accounts_by_id(["id-1"])["id-1"], Account)
    assert len(microsoft.requests) < 12


@pytest.mark.parametrize("fault", [ITEM_FAULTS["500"], ITEM_FAULTS["missing"]], ids=["500", "missing"])
def test_a_service_that_stays_away_ends_the_read(
    fault: dict[str, Any] | None, microsoft: ScriptedMicrosoft
) -> None:
    microsoft.on_item = lambda _: fault
    began = microsoft.clock.now
    # One at once: the pauses of several threads would add up on the one clock, more or less by chance.
    with microsoft.connect(in_flight=1) as tenant, pytest.raises(TenantUnavailable):
        tenant.accounts_by_id([f"id-{number}" for number in range(100)])
    assert microsoft.clock.now - began < PATIENCE + 60
    assert len(microsoft.requests) < 60


def test_one_account_that_always_fails_is_a_fault_of_its_own(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    known = directory(*(user(number) for number in range(30)))
    microsoft.on_item = lambda item: ITEM_FAULTS["500"] if "id-7?" in item.url else known(item)
    found = tenant.accounts_by_id([f"id-{number}" for number in range(30)])
    assert [name for name, account in found.items() if isinstance(account, Fault)] == ["id-7"]


def test_an_hour_of_retry_after_stops_the_run_at_once(microsoft: ScriptedMicrosoft, tenant: Tenant) -> None:
    microsoft.on_item = lambda _: error(429, "TooManyRequests", Retry_After="3600")
    began = microsoft.clock.now
    with pytest.raises(TenantUnavailable, match="3600"):
        tenant.accounts_by_id(["id-1"])
    assert microsoft.clock.now - began < 60


def test_a_batch_that_graph_refuses_is_never_taken_for_absent_accounts(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    microsoft.on_request = lambda _: httpx.Response(404, json=error_body("ResourceNotFound"))
    with pytest.raises(TenantRefused, match="HTTP 404 ResourceNotFound"):
        tenant.accounts_by_upn(["admin1@contoso.com"])


def test_an_application_without_a_service_principal_is_told_so(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    microsoft.on_request = lambda _: httpx.Response(403, json=error_body("Authorization_IdentityNotFound"))
    with pytest.raises(TenantRefused, match="grant admin consent"):
        tenant.organization()


def test_a_cancelled_run_stops_waiting(microsoft: ScriptedMicrosoft) -> None:
    cancelled = threading.Event()

    def throttled(_: Item) -> dict[str, Any]:
        cancelled.set()
        return error(429, "TooManyRequests", Retry_After="600")

    microsoft.on_item = throttled
    with microsoft.connect(cancelled=cancelled) as tenant:
        began = microsoft.clock.now
        with pytest.raises(Interrupted, match="sspr resume"):
            tenant.accounts_by_id(["id-1"])
    assert microsoft.clock.now - began < 5


def test_a_wait_is_told(microsoft: ScriptedMicrosoft) -> None:
    told: list[tuple[float, str]] = []
    microsoft.on_item = first(1, ITEM_FAULTS["429"], directory(user(1)))
    with microsoft.connect(on_wait=lambda *wait: told.append(wait)) as tenant:
        tenant.accounts_by_id(["id-1"])
    assert told == [(7.0, "Microsoft Graph answered HTTP 429 and asks to wait")]


def test_no_log_line_holds_contact_data_or_the_token(
    microsoft: ScriptedMicrosoft, caplog: pytest.LogCaptureFixture
) -> None:
    microsoft.on_item = first(1, ITEM_FAULTS["500"], directory(user(1, otherMails=["ada@fabrikam.com"])))
    with caplog.at_level(logging.DEBUG), microsoft.connect() as tenant:
        tenant.accounts_by_upn(["admin1@contoso.com"])
    assert "@" not in caplog.text
    assert "Bearer" not in caplog.text
    assert "client-request-id" in caplog.text


# --- methods, administrators, policy ---------------------------------------------------------------------------------

EMAIL = {
    "@odata.type": "#microsoft.graph.emailAuthenticationMethod",
    "id": "e",
    "emailAddress": "a@fabrikam.com",
}
PHONE = {"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": "p", "phoneNumber": "+1 2065550100",
         "phoneType": "mobile"}  # fmt: skip


def test_methods_are_one_call_each(microsoft: ScriptedMicrosoft, tenant: Tenant) -> None:
    microsoft.on_item = lambda _: answer(200, {"value": [EMAIL, PHONE]})
    found = tenant.methods(["id-1", "id-2"])
    assert set(found) == {"id-1", "id-2"}
    assert all(isinstance(held, Methods) and held.complete for held in found.values())
    assert [item.url for item in microsoft.items] == [f"/users/id-{n}/authentication/methods" for n in (1, 2)]


def test_where_listing_is_forbidden_emails_and_phones_are_read_and_the_way_is_remembered(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    def reply(item: Item) -> dict[str, Any]:
        if item.url.endswith("/methods"):
            return FORBIDDEN
        email = item.url.endswith("/emailMethods")
        held = EMAIL if email else PHONE
        return answer(200, {"value": [{key: value for key, value in held.items() if key[0] != "@"}]})

    microsoft.on_item = reply
    held = tenant.methods(["id-1", "id-2"])["id-1"]
    assert isinstance(held, Methods)
    assert not held.complete
    assert (held.email_id, held.mobile_phone_id) == ("e", "p")
    assert held.kinds == {MethodKind.EMAIL, MethodKind.MOBILE_PHONE}
    tenant.methods(["id-3"])
    assert sum(item.url.endswith("/methods") for item in microsoft.items) == 2


def test_methods_that_may_not_be_read_at_all_name_the_permission(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    microsoft.on_item = lambda _: FORBIDDEN
    with pytest.raises(PermissionMissing, match=r"UserAuthMethod-Email\.Read\.All"):
        tenant.methods(["id-1", "id-2"])


def test_half_of_the_fallback_is_not_taken_for_no_phone(microsoft: ScriptedMicrosoft, tenant: Tenant) -> None:
    microsoft.on_item = lambda item: (
        answer(200, {"value": []}) if item.url.endswith("emailMethods") else FORBIDDEN
    )
    with pytest.raises(PermissionMissing, match=r"UserAuthMethod-Phone\.Read\.All"):
        tenant.methods(["id-1", "id-2"])


def assignment(principal: str, kind: str) -> dict[str, Any]:
    return {
        "principalId": principal,
        "principal": {"@odata.type": f"#microsoft.graph.{kind}", "id": principal},
    }


def test_administrators_are_direct_eligible_and_through_groups(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    def reply(item: Item) -> dict[str, Any]:
        if "roleAssignments" in item.url:
            if "skiptoken" in item.url:
                return answer(200, {"value": [assignment("u2", "user"), assignment("g", "group")]})
            more = f"{GRAPH}/v1.0/roleManagement/directory/roleAssignments?$skiptoken=2"
            page = [assignment("u1", "user"), assignment("app", "servicePrincipal")]
            return answer(200, {"value": page, "@odata.nextLink": more})
        if "Eligibility" in item.url:
            return answer(200, {"value": [assignment("u3", "user")]})
        kinds = {"u4": "user", "g2": "group"}
        members = [{"@odata.type": f"#microsoft.graph.{kind}", "id": key} for key, kind in kinds.items()]
        return answer(200, {"value": members})

    microsoft.on_item = reply
    assert tenant.administrators() == Roster(frozenset({"u1", "u2", "u3", "u4"}), frozenset())


def test_global_administrators_are_told_apart_at_the_same_cost(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    everywhere, unit = {"directoryScopeId": "/"}, {"directoryScopeId": "/administrativeUnits/1"}
    top, other = {"roleDefinitionId": roster.GLOBAL_ADMINISTRATOR.upper()}, {"roleDefinitionId": "x"}

    def reply(item: Item) -> dict[str, Any]:
        if "roleAssignments" in item.url:
            return answer(200, {"value": [
                assignment("direct", "user") | top | everywhere,
                assignment("another-role", "user") | other | everywhere,
                assignment("of-a-unit", "user") | top | unit,
                assignment("both", "user") | other | everywhere,
                assignment("both", "user") | top | everywhere,
                assignment("top", "group") | top | everywhere,
                assignment("low", "group") | other | everywhere,
            ]})  # fmt: skip
        if "Eligibility" in item.url:
            return answer(200, {"value": [assignment("eligible", "user") | top | everywhere]})
        name = "in-top" if "/groups/top/" in item.url else "in-low"
        return answer(200, {"value": [{"@odata.type": "#microsoft.graph.user", "id": name}]})

    microsoft.on_item = reply
    found = tenant.administrators()
    assert found is not None
    assert found.global_administrators == {"direct", "both", "eligible", "in-top"}
    assert found.administrators == found.global_administrators | {"another-role", "of-a-unit", "in-low"}
    assert len(microsoft.items) == 4


def test_without_the_licence_for_eligible_roles_the_others_are_told(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    unlicensed = {"error": error_body("AadPremiumLicenseRequired")}  # nested twice, as seen
    microsoft.on_item = lambda item: (
        answer(400, unlicensed)
        if "Eligibility" in item.url
        else answer(200, {"value": [assignment("u1", "user")]})
    )
    assert tenant.administrators() == Roster(frozenset({"u1"}), frozenset())


def test_administrators_that_may_not_be_read_are_unknown(
    microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    microsoft.on_item = lambda _: FORBIDDEN
    assert tenant.administrators() is None


def test_the_flag_is_read_and_set(microsoft: ScriptedMicrosoft, tenant: Tenant) -> None:
    microsoft.on_item = lambda item: (
        answer(200, {"allowedToUseSSPR": False}) if item.method == "GET" else answer(204)
    )
    assert tenant.feature() is False
    tenant.set_feature(True)
    asked = microsoft.items[-1]
    assert (asked.method, asked.url) == ("PATCH", "/policies/authorizationPolicy")
    assert asked.body == {"allowedToUseSSPR": True}
    assert (tenant.traffic.writes, tenant.traffic.batches) == (1, 0)


def test_a_flag_that_is_not_shown_is_not_taken_for_off(microsoft: ScriptedMicrosoft, tenant: Tenant) -> None:
    microsoft.on_item = lambda _: answer(200, {"allowedToUseSSPR": None})
    with pytest.raises(TenantRefused, match="allowedToUseSSPR"):
        tenant.feature()


@pytest.mark.parametrize(
    ("call", "permission"),
    [
        (Tenant.organization, "Organization.Read.All"),
        (Tenant.feature, "Policy.Read.All"),
        (lambda tenant: tenant.set_feature(True), "Policy.ReadWrite.Authorization"),
    ],
    ids=["organization", "feature", "set_feature"],
)
def test_a_forbidden_call_names_its_permission(
    call: Callable[[Tenant], object], permission: str, microsoft: ScriptedMicrosoft, tenant: Tenant
) -> None:
    microsoft.on_item = lambda _: FORBIDDEN
    with pytest.raises(PermissionMissing) as caught:
        call(tenant)
    assert permission in caught.value.permissions
    assert "a-request-id" in str(caught.value)
