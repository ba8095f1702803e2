from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.model import Account, Fault, MethodKind, Methods, Organization
from sspr.tenant import parse
from sspr.tenant.batch import Reply
from tests.tenant.scripted import user

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "userPrincipalName", "otherMails", "value", "error", "code", "details", "innerError",
                         "message", "verifiedDomains", "name", "@odata.type", "emailAddress", "phoneNumber"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def test_an_account_with_everything() -> None:
    body = user(
        1, mail="Admin1@contoso.com", proxyAddresses=["SMTP:Admin1@contoso.com", "smtp:a@contoso.com"],
        otherMails=["a@fabrikam.com", "b@fabrikam.com"], mobilePhone="+1 2065550100", accountEnabled=False,
        userType="Guest", onPremisesSyncEnabled=True,
    )  # fmt: skip
    assert parse.account(body) == Account(
        id="id-1", user_principal_name="admin1@contoso.com", mail="Admin1@contoso.com",
        proxy_addresses=("SMTP:Admin1@contoso.com", "smtp:a@contoso.com"),
        other_mails=("a@fabrikam.com", "b@fabrikam.com"), mobile_phone="+1 2065550100", enabled=False, guest=True,
        synced=True,
    )  # fmt: skip


def test_nulls_are_nothing() -> None:
    body = user(1, mail=None, mobilePhone=None, userType=None, onPremisesSyncEnabled=None)
    assert parse.account(body) == Account(id="id-1", user_principal_name="admin1@contoso.com", enabled=True)


@pytest.mark.parametrize(
    "body",
    [
        {"@odata.type": "#microsoft.graph.user", "id": "id-1"},
        user(1, otherMails=None),
        user(1, accountEnabled=None),
        user(1, userPrincipalName=None),
        user(1, id=None),
        None,
        [],
    ],
)
def test_what_was_withheld_is_not_taken_for_empty(body: object) -> None:
    assert parse.account(body) is None


def test_a_formerly_synced_account_is_not_synced() -> None:
    account = parse.account(user(1, onPremisesSyncEnabled=False))
    assert account is not None
    assert not account.synced


MOBILE = {"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": "3179e48a-750b-4051-897c-87b9720928f7",
          "phoneNumber": "+1 2065550100", "phoneType": "mobile"}  # fmt: skip
OFFICE = {
    **MOBILE,
    "id": "e37fc753-ff3b-4958-9484-eaa9425c82bc",
    "phoneNumber": "+1 2065550199",
    "phoneType": "office",
}
EMAIL = {"@odata.type": "#microsoft.graph.emailAuthenticationMethod", "id": "3ddfcfc8-9383-446f-83cc-3ab9be4be18f",
         "emailAddress": "a@fabrikam.com"}  # fmt: skip
APP = {"@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "id": "x"}
PASSWORD = {"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": "28c10230"}


@pytest.mark.parametrize(
    ("listed", "kinds"),
    [
        ([], set()),
        ([PASSWORD], set()),
        ([OFFICE], set()),
        ([MOBILE, OFFICE, PASSWORD], {MethodKind.MOBILE_PHONE}),
        ([OFFICE, MOBILE], {MethodKind.MOBILE_PHONE}),
        ([EMAIL, APP], {MethodKind.EMAIL, MethodKind.AUTHENTICATOR_APP}),
        ([{"id": EMAIL["id"], "emailAddress": "a@fabrikam.com"}], {MethodKind.EMAIL}),
        ([{key: MOBILE[key] for key in ("id", "phoneNumber", "phoneType")}], {MethodKind.MOBILE_PHONE}),
    ],
)
def test_the_kinds_of_methods(listed: list[dict[str, Any]], kinds: set[MethodKind]) -> None:
    assert parse.methods({"value": listed}).kinds == kinds


def test_methods_keep_value_and_id() -> None:
    assert parse.methods({"value": [EMAIL, OFFICE, MOBILE]}) == Methods(
        email="a@fabrikam.com",
        email_id=EMAIL["id"],
        mobile_phone="+1 2065550100",
        mobile_phone_id=MOBILE["id"],
    )


def test_the_organization_with_its_domains_in_lower_case() -> None:
    domains = [{"name": "Contoso.com"}, {"name": None}]
    body = {"value": [{"id": "t", "displayName": "Contoso", "verifiedDomains": domains}]}
    assert parse.organization(body) == Organization("t", "Contoso", frozenset({"contoso.com"}), gates=2)
    assert parse.organization({"value": []}) is None


@pytest.mark.parametrize(
    ("domains", "synced", "created", "gates"),
    [
        (["contoso.onmicrosoft.com"], None, "2019-05-02T09:00:00Z", 1),
        (["contoso.onmicrosoft.com"], False, "2019-05-02T09:00:00Z", 1),
        (["Contoso.OnMicrosoft.com", "contoso.mail.onmicrosoft.com"], None, "2019-05-02T09:00:00Z", 1),
        (["contoso.onmicrosoft.com", "contoso.com"], None, "2019-05-02T09:00:00Z", 2),
        (["contoso.onmicrosoft.com"], True, "2019-05-02T09:00:00Z", 2),
        (["contoso.onmicrosoft.com"], None, None, 2),
        (["contoso.onmicrosoft.us"], None, "2019-05-02T09:00:00Z", 1),
        ([], None, "2019-05-02T09:00:00Z", 2),
    ],
    ids=[
        "alone",
        "formerly-synced",
        "hybrid-routing",
        "own-domain",
        "synced",
        "withheld",
        "usgov",
        "no-domains",
    ],
)
def test_one_gate_only_where_it_is_certain(
    domains: list[str], synced: bool | None, created: str | None, gates: int
) -> None:
    item = {
        "id": "t",
        "verifiedDomains": [{"name": name} for name in domains],
        "onPremisesSyncEnabled": synced,
        "createdDateTime": created,
    }
    organization = parse.organization({"value": [item]})
    assert organization is not None
    assert organization.gates == gates


def test_the_sms_sign_in_state_is_that_of_the_mobile_phone() -> None:
    listed = [{**OFFICE, "smsSignInState": "notSupported"}, {**MOBILE, "smsSignInState": "ready"}]
    for order in (listed, listed[::-1]):
        assert parse.methods({"value": order}).sms_sign_in == "ready"
    emails, phones = parse.methods({"value": [EMAIL]}), parse.methods({"value": listed})
    assert parse.merged(emails, phones) == Methods(
        email="a@fabrikam.com",
        email_id=EMAIL["id"],
        mobile_phone="+1 2065550100",
        mobile_phone_id=MOBILE["id"],
        complete=False,
        sms_sign_in="ready",
    )


ERROR = {
    "code": "Request_BadRequest",
    "message": "Invalid value\n specified.",
    "innerError": {"request-id": "r"},
}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"error": ERROR}, Fault(400, "Request_BadRequest", "Invalid value specified.", "r")),
        ({"error": {"error": ERROR}}, Fault(400, "Request_BadRequest", "Invalid value specified.", "r")),
        ({"error": {"code": "", "innererror": {"code": "429"}}}, Fault(400, "429", "", "from-header")),
        (
            {"error": {"code": None, "details": [{"code": "ObjectConflict"}]}},
            Fault(400, "ObjectConflict", "", "from-header"),
        ),
        (None, Fault(400, "http_400", "", "from-header")),
        ({"error": "text"}, Fault(400, "http_400", "", "from-header")),
    ],
)
def test_faults(body: object, fault: Fault) -> None:
    assert parse.fault(Reply(400, {"request-id": "from-header"}, body)) == fault


def test_a_fault_shows_no_contact_data() -> None:
    message = "Resource 'ada.lovelace@contoso.com' does not exist, nor +1 2065550100 or 2065550100."
    told = str(
        parse.fault(Reply(404, {}, {"error": {"code": "Request_ResourceNotFound", "message": message}}))
    )
    assert "lovelace" not in told
    assert "206555" not in told


@given(JSON)
def test_any_json_can_be_parsed(body: Any) -> None:
    parse.account(body)
    parse.methods(body)
    parse.organization(body)
    assert parse.fault(Reply(400, {}, body)).code
