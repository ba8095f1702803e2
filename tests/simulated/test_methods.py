"""Authentication methods: one of each kind, in the format that Microsoft takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sspr.simulated.behaviour import Behaviour
from sspr.simulated.methods import EMAIL_ID, PHONE_IDS
from sspr.simulated.samples import Variety, administrators, application
from sspr.simulated.state import Phone
from tests.simulated.conftest import ADMIN, Start, Tenant, code

AUTH = f"/users/{ADMIN}/authentication"
PHONES, EMAILS = f"{AUTH}/phoneMethods", f"{AUTH}/emailMethods"
NUMBER = "+44 7400123456"


@pytest.mark.parametrize(
    "number",
    [
        "+447400123456",
        "447400123456",
        "+44 7400 123456",
        "+44  7400123456",
        "+44 (0)7400123456",
        "+44 7400123456 x12",
        "+44 7400123456x",
        "+44 12345678901234",
        "+0 7400123456",
        "",
        None,
        7400123456,
    ],
)
def test_a_number_in_another_format_is_refused(shared: Tenant, number: Any) -> None:
    client = shared.client()
    body = {"phoneNumber": number, "phoneType": "mobile"}
    assert code(client.post(PHONES, json=body)) == (400, "badRequest")
    assert client.get(PHONES).json()["value"] == []


@pytest.mark.parametrize(
    ("method", "url", "body", "expected"),
    [
        ("POST", PHONES, {"phoneNumber": NUMBER}, (400, "badRequest")),
        ("POST", PHONES, {"phoneNumber": NUMBER, "phoneType": "cell"}, (400, "badRequest")),
        ("POST", PHONES, {"phoneNumber": NUMBER, "phoneType": "alternateMobile"}, (400, "badRequest")),
        ("POST", PHONES, {"phoneNumber": NUMBER, "phoneType": "mobile", "smsSignInState": "ready"}, (400, "badRequest")),  # noqa: E501
        ("PATCH", f"{PHONES}/{PHONE_IDS['mobile']}", {"phoneNumber": NUMBER}, (404, "resourceNotFound")),
        ("DELETE", f"{PHONES}/{PHONE_IDS['office']}", None, (404, "resourceNotFound")),
        ("GET", f"{PHONES}/{EMAIL_ID}", None, (404, "resourceNotFound")),
        ("POST", EMAILS, {"emailAddress": "jos\u00e9@fabrikam.com"}, (400, "badRequest")),
        ("POST", EMAILS, {}, (400, "badRequest")),
        ("PATCH", f"{EMAILS}/{EMAIL_ID}", {"emailAddress": "a@fabrikam.com"}, (404, "resourceNotFound")),
        ("DELETE", f"{EMAILS}/{EMAIL_ID}", None, (404, "resourceNotFound")),
        ("POST", "/users/nobody/authentication/emailMethods", {"emailAddress": "a@fabrikam.com"}, (404, "Request_ResourceNotFound")),  # noqa: E501
        ("PUT", f"{EMAILS}/{EMAIL_ID}", {"emailAddress": "a@fabrikam.com"}, (405, "Request_BadRequest")),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    shared: Tenant, method: str, url: str, body: Any, expected: tuple[int, str]
) -> None:
    assert code(shared.client().request(method, url, json=body)) == expected


def test_one_method_of_each_kind_and_its_type_stays(start: Start) -> None:
    client = start().client()
    for kind, number in (
        ("mobile", NUMBER),
        ("alternateMobile", "+1 4257380001"),
        ("office", "+1 4257380002x99"),
    ):
        body = {"phoneNumber": number, "phoneType": kind}
        answer = client.post(PHONES, json=body)
        assert (answer.status_code, answer.json()["id"]) == (201, PHONE_IDS[kind])  # type: ignore[index]
        assert code(client.post(PHONES, json=body)) == (400, "badRequest")
    mobile = f"{PHONES}/{PHONE_IDS['mobile']}"
    assert code(client.patch(mobile, json={"phoneNumber": NUMBER, "phoneType": "office"})) == (
        400,
        "badRequest",
    )
    assert (
        client.patch(mobile, json={"phoneNumber": "+1 4257380003", "phoneType": "mobile"}).status_code == 204
    )
    assert client.get(mobile).json()["phoneNumber"] == "+1 4257380003"
    assert client.post(EMAILS, json={"emailAddress": "a@fabrikam.com"}).status_code == 201
    assert code(client.post(EMAILS, json={"emailAddress": "b@fabrikam.com"})) == (400, "badRequest")
    kinds = [each["@odata.type"].rpartition(".")[2] for each in client.get(f"{AUTH}/methods").json()["value"]]
    assert kinds == [
        "passwordAuthenticationMethod",
        *["phoneAuthenticationMethod"] * 3,
        "emailAuthenticationMethod",
    ]


def test_a_number_becomes_a_sign_in_name_only_where_allowed_and_unique(start: Start) -> None:
    state = administrators(3)
    for account in list(state.accounts.values())[:2]:
        state.put(replace(account, sms_sign_in_allowed=True))
    client = start(state).client()
    states = []
    for number in (1, 2, 3):
        url = f"/users/admin000{number}@contoso.onmicrosoft.com/authentication/phoneMethods"
        states.append(
            client.post(url, json={"phoneNumber": NUMBER, "phoneType": "mobile"}).json()["smsSignInState"]
        )
    assert states == ["ready", "phoneNumberNotUnique", "notAllowedByPolicy"]
    mobile = f"{PHONES}/{PHONE_IDS['mobile']}"
    assert client.post(f"{mobile}/disableSmsSignIn").status_code == 204
    assert client.get(mobile).json()["smsSignInState"] == "notEnabled"


def test_a_number_is_free_again_once_its_owner_no_longer_signs_in_with_it(start: Start) -> None:
    state = administrators(2)
    first, second = state.accounts.values()
    state.put(replace(first, sms_sign_in_allowed=True, phones=(Phone("mobile", f"{NUMBER}x1", "ready"),)))
    state.put(replace(second, sms_sign_in_allowed=True, phones=(Phone("mobile", NUMBER, "notEnabled"),)))
    client = start(state).client()

    def mobile(upn: str) -> str:
        return f"/users/{upn}/authentication/phoneMethods/{PHONE_IDS['mobile']}"

    assert code(client.post(f"{mobile(second.upn)}/enableSmsSignIn")) == (400, "badRequest")
    assert client.patch(mobile(second.upn), json={"phoneNumber": NUMBER}).status_code == 204
    assert client.get(mobile(second.upn)).json()["smsSignInState"] == "phoneNumberNotUnique"
    assert client.post(f"{mobile(first.upn)}/disableSmsSignIn").status_code == 204
    assert client.post(f"{mobile(second.upn)}/enableSmsSignIn").status_code == 204
    assert client.get(mobile(second.upn)).json()["smsSignInState"] == "ready"


def test_a_share_of_administrators_signs_in_by_sms_and_all_else_is_as_without() -> None:
    plain = administrators(200, variety=Variety(methods=0.5))
    mixed = administrators(200, variety=Variety(methods=0.5, sms_sign_in=0.3))
    allowed = [account for account in mixed.accounts.values() if account.sms_sign_in_allowed]
    assert 30 < len(allowed) < 90
    assert all(phone.sms_sign_in == "ready" for account in allowed for phone in account.phones)
    assert mixed.assignments == plain.assignments
    assert {account.id: account.email_method for account in mixed.accounts.values()} == {
        account.id: account.email_method for account in plain.accounts.values()
    }


def test_no_email_method_in_the_cloud_of_21vianet(start: Start) -> None:
    state = administrators(1)
    state.cloud = "china"
    tenant = start(state)
    token = tenant.sign_in(scope="https://microsoftgraph.chinacloudapi.cn/.default")["access_token"]
    client = tenant.client(Authorization=f"Bearer {token}")
    assert code(client.post(EMAILS, json={"emailAddress": "a@fabrikam.com"})) == (403, "accessDenied")
    registered = client.post(PHONES, json={"phoneNumber": NUMBER, "phoneType": "mobile"})
    assert (registered.status_code, registered.json()["smsSignInState"]) == (201, "notAllowedByPolicy")
    for action in ("disableSmsSignIn", "enableSmsSignIn"):
        assert code(client.post(f"{PHONES}/{PHONE_IDS['mobile']}/{action}")) == (403, "accessDenied")


@pytest.mark.parametrize(("strict", "status"), [(False, 201), (True, 403)])
def test_methods_of_administrators_may_need_a_role(start: Start, *, strict: bool, status: int) -> None:
    state = administrators(1, app=application(directory_roles=()))
    client = start(state, Behaviour(methods_need_role=strict)).client()
    assert client.post(EMAILS, json={"emailAddress": "a@fabrikam.com"}).status_code == status


def test_the_report_counts_gates_and_is_behind(start: Start) -> None:
    state = administrators(1)
    account = state.account(ADMIN)
    assert account is not None
    state.put(replace(account, phones=(Phone("mobile", NUMBER),), email_method="a@fabrikam.com"))
    now = [1_900_000_000.0]
    tenant = start(state, Behaviour(report_lag=3600), clock=lambda: now[0])
    client = tenant.client()
    url = "/reports/authenticationMethods/userRegistrationDetails?$filter=isAdmin eq true"
    row = client.get(url).json()["value"][0]
    assert (row["isSsprRegistered"], row["isSsprCapable"]) == (True, True)
    assert row["methodsRegistered"] == ["mobilePhone", "email"]
    assert client.delete(f"{EMAILS}/{EMAIL_ID}").status_code == 204
    assert client.get(url).json()["value"][0]["isSsprRegistered"] is True
    now[0] += 3600
    row = tenant.client().get(url).json()["value"][0]
    assert (row["isSsprRegistered"], row["isSsprCapable"]) == (False, False)


@pytest.mark.parametrize(
    ("licence", "path", "expected"),
    [
        ("P1", "roleManagement/directory/roleEligibilityScheduleInstances", (400, "AadPremiumLicenseRequired")),
        ("P1", "roleManagement/directory/roleAssignmentScheduleInstances", (400, "AadPremiumLicenseRequired")),
        ("free", "reports/authenticationMethods/userRegistrationDetails", (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")),  # noqa: E501
    ],
)  # fmt: skip
def test_what_needs_a_licence_says_so(
    start: Start, licence: Any, path: str, expected: tuple[int, str]
) -> None:
    assert code(start(administrators(1, licence=licence)).client().get(path)) == expected


def test_expand_as_graph_has_it(start: Start) -> None:
    tenant = start()
    client = tenant.client()
    base = "/roleManagement/directory"
    rows = client.get(f"{base}/roleAssignments?$expand=principal($select=id)").json()["value"]
    assert {
        row["principal"]["userPrincipalName"] for row in rows if "userPrincipalName" in row["principal"]
    } == {account.upn for account in tenant.server.state.accounts.values()}
    answer = client.get(f"{base}/roleEligibilityScheduleInstances?$expand=principal($select=id)")
    assert (answer.status_code, answer.json()["error"]["error"]["code"]) == (400, "InvalidFilter")
    # The one answer that Microsoft's own description does not allow, as reported of the real service.
    assert [fault for fault in tenant.protocol.answer_faults if "breaks required" not in fault] == []
    tenant.protocol.answer_faults.clear()
