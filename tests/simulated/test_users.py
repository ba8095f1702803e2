"""Users: what Graph shows, finds and refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from sspr.simulated.behaviour import Behaviour
from sspr.simulated.builtin_roles import (
    AUTHENTICATION,
    GLOBAL,
    GLOBAL_READER,
    HELPDESK,
    PASSWORD,
    PRIVILEGED_AUTHENTICATION,
    PRIVILEGED_ROLE,
    USER,
    may_change_contacts,
)
from sspr.simulated.permissions import USUAL
from sspr.simulated.samples import Variety, accounts_for, administrators, application
from sspr.simulated.state import Assignment, Group
from tests.simulated.conftest import ADMIN, AsApp, Start, Tenant, code

PHONE = {"mobilePhone": "+1 4257380001"}


def test_without_select_only_the_default_properties_are_shown(shared: Tenant) -> None:
    body = shared.client().get(f"/users/{ADMIN}").json()
    assert sorted(name for name in body if "@" not in name) == sorted(
        [
            "businessPhones",
            "displayName",
            "givenName",
            "id",
            "jobTitle",
            "mail",
            "mobilePhone",
            "officeLocation",
            "preferredLanguage",
            "surname",
            "userPrincipalName",
        ]
    )


def test_an_account_is_found_by_id_and_by_name_in_any_case(start: Start) -> None:
    state = accounts_for(["o'neil@contoso.com", "$cash@contoso.com", "kim_fabrikam.com#EXT#@contoso.com"])
    tenant = start(state)
    client = tenant.client()
    for key, upn in [
        ("o'neil@contoso.com", "o'neil@contoso.com"),
        ("O'NEIL@contoso.com", "o'neil@contoso.com"),
        ("kim_fabrikam.com%23EXT%23@contoso.com", "kim_fabrikam.com#EXT#@contoso.com"),
        (str(state.id_of("o'neil@contoso.com")), "o'neil@contoso.com"),
    ]:
        assert client.get(f"/users/{key}").json()["userPrincipalName"] == upn
    assert client.get("/users('o''neil@contoso.com')").json()["userPrincipalName"] == "o'neil@contoso.com"
    assert client.get("/users('$cash@contoso.com')").status_code == 200
    assert code(client.get("/users/$cash@contoso.com")) == (400, "BadRequest")
    assert code(client.get("/users/nobody@contoso.com")) == (404, "Request_ResourceNotFound")


REFUSED: list[tuple[Any, int, str]] = [
    ({"mobilePhone": ""}, 400, "Request_BadRequest"),
    ({"mobilePhone": "1" * 65}, 400, "Request_BadRequest"),
    ({"mobilePhone": 14257380001}, 400, "Request_BadRequest"),
    ({"otherMails": None}, 400, "Request_BadRequest"),
    ({"otherMails": "a@fabrikam.com"}, 400, "Request_BadRequest"),
    ({"otherMails": [""]}, 400, "Request_BadRequest"),
    ({"otherMails": ["not an address"]}, 400, "Request_BadRequest"),
    ({"otherMails": ["jos\u00e9@fabrikam.com"]}, 400, "Request_BadRequest"),
    ({"otherMails": ["a@" + "b" * 246 + ".com"]}, 400, "Request_BadRequest"),
    ({"otherMails": [f"a{n}@fabrikam.com" for n in range(251)]}, 400, "Request_BadRequest"),
    ({"otherMails": ["a@fabrikam.com"], "mobilePhone": ""}, 400, "Request_BadRequest"),
    ({"alternateMail": "a@fabrikam.com"}, 400, "Request_BadRequest"),
    ({"proxyAddresses": []}, 400, "Request_BadRequest"),
    ([], 400, "BadRequest"),
]


@pytest.mark.parametrize(("body", "status", "error"), REFUSED)
def test_a_refused_update_changes_nothing(shared: Tenant, body: Any, status: int, error: str) -> None:
    tenant = shared
    before = tenant.server.state.account(ADMIN)
    assert code(tenant.client().patch(f"/users/{ADMIN}", json=body)) == (status, error)
    assert tenant.server.state.account(ADMIN) == before
    assert tenant.server.journal.writes() == []


def test_an_update_replaces_collections_whole_and_null_clears(start: Start) -> None:
    tenant = start()
    client = tenant.client()
    bodies: tuple[dict[str, Any], ...] = (
        {"otherMails": ["a@fabrikam.com", "b@fabrikam.com"], **PHONE},
        {"otherMails": ["c@fabrikam.com"]},
        {"mobilePhone": None},
        {"otherMails": []},
    )
    for body in bodies:
        answer = client.patch(f"/users/{ADMIN}", json=body)
        assert (answer.status_code, answer.content) == (204, b"")
        shown = client.get(f"/users/{ADMIN}?$select=otherMails,mobilePhone").json()
        assert {name: shown[name] for name in body} == body
    assert [record.request_body for record in tenant.server.journal.writes()][-1] == {"otherMails": []}


@pytest.mark.parametrize(
    ("locked", "body", "status"),
    [
        (False, PHONE, 400),
        (False, {"otherMails": []}, 204),
        (False, {"otherMails": [], **PHONE}, 400),
        (True, {"otherMails": []}, 400),
    ],
)
def test_properties_mastered_on_premises_are_read_only(
    start: Start, locked: bool, body: dict[str, Any], status: int
) -> None:
    state = administrators(1)
    account = state.account(ADMIN)
    assert account is not None
    state.put(replace(account, synced=True, other_mails_locked=locked))
    answer = start(state).client().patch(f"/users/{ADMIN}", json=body)
    assert answer.status_code == status
    assert status == 204 or "on-premises mastered" in answer.json()["error"]["message"]


def _without(*names: str) -> tuple[str, ...]:
    return tuple(name for name in USUAL if name not in names)


@pytest.mark.parametrize(
    ("permissions", "roles", "body", "status"),
    [
        (USUAL, (PRIVILEGED_AUTHENTICATION,), {"otherMails": [], **PHONE}, 204),
        (USUAL, (), PHONE, 403),
        (USUAL, (AUTHENTICATION,), PHONE, 403),
        (_without("User-Phone.ReadWrite.All"), (GLOBAL,), PHONE, 403),
        (_without("User-Phone.ReadWrite.All"), (GLOBAL,), {"otherMails": []}, 204),
        (_without("User-Mail.ReadWrite.All"), (GLOBAL,), {"otherMails": [], **PHONE}, 403),
        (("User.ReadWrite.All",), (GLOBAL,), {"otherMails": [], **PHONE}, 204),
        (("User.Read.All",), (GLOBAL,), PHONE, 403),
    ],
)
def test_an_administrator_s_contacts_need_permission_and_role(
    start: Start, permissions: tuple[str, ...], roles: tuple[str, ...], body: dict[str, Any], status: int
) -> None:
    state = administrators(1, app=application(permissions=permissions, directory_roles=roles))
    account = state.account(ADMIN)
    assert account is not None
    state.assignments = (Assignment("x", account.id, GLOBAL),)
    answer = start(state).client().patch(f"/users/{ADMIN}", json=body)
    assert answer.status_code == status
    assert status == 204 or code(answer) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        (set(), {USER, AUTHENTICATION, PRIVILEGED_AUTHENTICATION, GLOBAL, HELPDESK}),
        ({PASSWORD}, {USER, AUTHENTICATION, PRIVILEGED_AUTHENTICATION, GLOBAL}),
        ({AUTHENTICATION}, {AUTHENTICATION, PRIVILEGED_AUTHENTICATION, GLOBAL}),
        ({HELPDESK}, {USER, PRIVILEGED_AUTHENTICATION, GLOBAL}),
        ({HELPDESK, AUTHENTICATION}, {PRIVILEGED_AUTHENTICATION, GLOBAL}),
        ({PRIVILEGED_ROLE}, {PRIVILEGED_AUTHENTICATION, GLOBAL}),
        ({GLOBAL_READER}, {PRIVILEGED_AUTHENTICATION, GLOBAL}),
    ],
)
def test_who_may_change_whose_contacts(target: set[str], allowed: set[str]) -> None:
    callers = {USER, AUTHENTICATION, PRIVILEGED_AUTHENTICATION, GLOBAL, HELPDESK}
    assert {caller for caller in callers if may_change_contacts({caller}, target)} == allowed


def test_who_is_in_a_group_that_could_be_given_a_role_is_protected_like_an_administrator(
    start: Start,
) -> None:
    app = application(permissions=USUAL, directory_roles=(USER,))
    state = administrators(2, app=app, variety=Variety(non_admins=1.0))
    member, plain = state.accounts.values()
    state.groups = (Group("g", "Could be given a role", (member.id,)),)
    state.assignments = ()
    client = start(state).client()
    assert code(client.patch(f"/users/{member.id}", json=PHONE)) == (403, "Authorization_RequestDenied")
    assert client.patch(f"/users/{plain.id}", json=PHONE).status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("GET", "users", "User.Read.All"),
        ("GET", f"users/{ADMIN}/authentication/methods", "UserAuthenticationMethod.ReadWrite.All"),
        ("POST", f"users/{ADMIN}/authentication/emailMethods", "UserAuthenticationMethod.ReadWrite.All"),
        ("PATCH", "policies/authorizationPolicy", "Policy.ReadWrite.Authorization"),
        ("GET", "roleManagement/directory/roleAssignments", "RoleManagement.Read.Directory"),
        ("GET", "groups/x/transitiveMembers", "GroupMember.Read.All"),
        ("GET", "domains", "Domain.Read.All"),
        ("GET", "servicePrincipals", "Application.Read.All"),
        ("GET", "reports/authenticationMethods/userRegistrationDetails", "AuditLog.Read.All"),
    ],
)
def test_every_door_needs_its_permission(as_app: AsApp, method: str, path: str, permission: str) -> None:
    body: Any = {"allowedToUseSSPR": True} if method == "PATCH" else {} if method == "POST" else None
    tenant = as_app(application(permissions=_without(permission)))
    answer = tenant.client().request(method, path, json=body)
    assert code(answer) == (403, "Authorization_RequestDenied")


def test_what_the_app_may_not_see_is_null_and_not_empty(as_app: AsApp) -> None:
    tenant = as_app(application(permissions=("User.ReadBasic.All",)))
    body = tenant.client().get(f"/users/{ADMIN}?$select=userPrincipalName,accountEnabled,mobilePhone").json()
    assert (body["userPrincipalName"], body["accountEnabled"], body["mobilePhone"]) == (ADMIN, None, None)


def test_members_that_the_app_may_not_read_come_with_type_and_id_alone(start: Start) -> None:
    state = administrators(1, app=application(permissions=("RoleManagement.Read.Directory",)))
    state.assignments = (Assignment("x", str(state.id_of(ADMIN)), GLOBAL),)
    members = start(state).client().get(f"/directoryRoles/roleTemplateId={GLOBAL}/members").json()["value"]
    assert [(each["@odata.type"], each["id"]) for each in members] == [
        ("#microsoft.graph.user", state.id_of(ADMIN))
    ]
    assert set(members[0].values()) == {"#microsoft.graph.user", state.id_of(ADMIN), None}


def _upns(*numbers: int) -> str:
    return ",".join(f"'admin{number:04d}@contoso.onmicrosoft.com'" for number in numbers)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (f"$filter=userPrincipalName in ({_upns(2, 9, 1)})", [1, 2, 9]),
        ("$filter=userPrincipalName eq 'ADMIN0003@contoso.onmicrosoft.com'", [3]),
        (f"$filter=userPrincipalName in ({_upns(*range(1, 16))})", list(range(1, 13))),
        ("$filter=startsWith(userPrincipalName,'admin001')", [10, 11, 12]),
        (f"$filter=userPrincipalName in ({_upns(2, 3)}) and accountEnabled eq true", [2, 3]),
        ("$filter=accountEnabled eq false", []),
        (f"$filter=userPrincipalName eq {_upns(4)} or userPrincipalName eq {_upns(7)}", [4, 7]),
        (f"$filter=(userPrincipalName eq {_upns(4)} or mail eq {_upns(5)}) and userType eq 'Member'", [4, 5]),
        ("$filter=otherMails/any(m:m eq 'A@fabrikam.com')", [6]),
        ("$filter=mobilePhone eq '%2B1 4257380001'", [6]),
    ],
)
def test_a_filter_finds(shared: Tenant, query: str, numbers: list[int]) -> None:
    state = shared.server.state
    account = state.account("admin0006@contoso.onmicrosoft.com")
    assert account is not None
    state.put(replace(account, other_mails=("a@fabrikam.com",), mobile_phone="+1 4257380001"))
    found = shared.client().get(f"/users?{query}").json()["value"]
    assert sorted(int(each["userPrincipalName"][5:9]) for each in found) == numbers


def test_accounts_are_found_by_their_ids_fifteen_at_once(shared: Tenant) -> None:
    ids = [*shared.server.state.accounts, *(f"00000000-0000-0000-0000-{n:012d}" for n in range(4))]

    def ask(number: int) -> httpx.Response:
        wanted = ",".join(f"'{key.upper()}'" for key in ids[:number])
        return shared.client().get(f"/users?$select=id&$filter=id in ({wanted})")

    assert [each["id"] for each in ask(15).json()["value"]] == sorted(shared.server.state.accounts)
    assert code(ask(16)) == (400, "Request_UnsupportedQuery")


@pytest.mark.parametrize(
    ("query", "error", "words"),
    [
        (
            f"$filter=userPrincipalName in ({_upns(*range(1, 17))})",
            "Request_UnsupportedQuery",
            "Too many child clauses specified in search filter expression containing 'OR' operators: 16. Max allowed: 15.",  # noqa: E501
        ),
        (f"$filter={' or '.join(['id eq %27x%27'] * 16)}", "Request_UnsupportedQuery", "operators: 16."),
        ("$filter=userPrincipalName ne 'x'", "Request_UnsupportedQuery", "ConsistencyLevel"),
        ("$filter=endsWith(mail,'x')", "Request_UnsupportedQuery", "ConsistencyLevel"),
        ("$filter=not accountEnabled eq true", "Request_UnsupportedQuery", "not"),
        ("$filter=shoeSize eq '44'", "Request_UnsupportedQuery", "shoeSize"),
        (f"$filter=userPrincipalName eq '{'x' * 121}'", "Request_UnsupportedQuery", "120"),
        ("$filter=userPrincipalName eq 'o'neil@contoso.com'", "BadRequest", "Syntax error"),
        ("$filter=userPrincipalName eq", "BadRequest", "Syntax error"),
        ("$filter=accountEnabled eq 'true'", "BadRequest", "incompatible types"),
        ("$filter=", "BadRequest", "Syntax error"),
        ("$top=1000", "Request_BadRequest", "1 and 999"),
        ("$top=0", "Request_BadRequest", "1 and 999"),
        ("$skip=5", "Request_BadRequest", "$skip"),
        ("$select=id,otherMail", "BadRequest", "otherMail"),
        ("$skiptoken=abc", "Directory_ExpiredPageToken", "Skip token"),
        ("$select=id&$select=mail", "BadRequest", "more than once"),
    ],
)
def test_what_the_directory_does_not_support_is_refused(
    shared: Tenant, query: str, error: str, words: str
) -> None:
    answer = shared.client().get(f"/users?{query}")
    assert code(answer) == (400, error)
    assert words in answer.json()["error"]["message"]


def test_advanced_queries_take_more(start: Start) -> None:
    client = start(administrators(30)).client()
    headers = {"ConsistencyLevel": "eventual"}
    query = f"/users?$count=true&$select=id&$filter=userPrincipalName in ({_upns(*range(1, 21))})"
    body = client.get(query, headers=headers).json()
    assert (body["@odata.count"], len(body["value"])) == (20, 20)
    assert (
        client.get("/users?$count=true&$filter=userPrincipalName ne 'x'", headers=headers).status_code == 200
    )
    long = f"/users?$count=true&$filter=userPrincipalName in ({_upns(*range(1, 60))})"
    assert code(client.get(long, headers=headers)) == (400, "Request_UnsupportedQuery")


@pytest.mark.parametrize("empty", [False, True])
def test_pages_are_followed_by_their_links(start: Start, *, empty: bool) -> None:
    tenant = start(administrators(25), Behaviour(page_size=10, empty_pages=empty))
    client = tenant.client()
    url, sizes, seen = "/users?$select=id&$filter=startsWith(userPrincipalName,'admin')", [], set()
    while url:
        body = client.get(url).json()
        sizes.append(len(body["value"]))
        seen |= {each["id"] for each in body["value"]}
        url = body.get("@odata.nextLink", "")
        assert not url or url.startswith(tenant.server.graph_url)
    assert sizes == ([0] if empty else []) + [10, 10, 5]
    assert seen == set(tenant.server.state.accounts)


def test_a_page_token_belongs_to_its_query(start: Start) -> None:
    client = start(administrators(5)).client()
    link = client.get("/users?$top=2").json()["@odata.nextLink"]
    assert code(client.get(link.replace("$top=2", "$top=3"))) == (400, "Directory_ExpiredPageToken")


@pytest.mark.parametrize(
    ("method", "path", "sent", "expected"),
    [
        ("GET", "/user", {}, (400, "BadRequest")),
        ("GET", "/users/x/manager", {}, (400, "BadRequest")),
        ("DELETE", f"/users/{ADMIN}", {}, (405, "Request_BadRequest")),
        ("GET", "/$batch", {}, (405, "Request_BadRequest")),
        ("PATCH", f"/users/{ADMIN}", {"content": b"{", "headers": {"Content-Type": "application/json"}}, (400, "BadRequest")),  # noqa: E501
        ("PATCH", f"/users/{ADMIN}", {"content": b"x=1", "headers": {"Content-Type": "text/plain"}}, (415, "UnsupportedMediaType")),  # noqa: E501
        ("PATCH", f"/users/{ADMIN}", {}, (400, "BadRequest")),
        ("GET", f"/users?{quote('$fields')}=id", {}, (400, "BadRequest")),
        ("GET", f"/users/{ADMIN}?$expand=manager", {}, (501, "NotSimulated")),
        ("GET", "/users?$search=\"mail:a\"", {}, (400, "Request_BadRequest")),
        ("GET", "/users?$search=\"mail:a\"", {"headers": {"ConsistencyLevel": "eventual"}}, (501, "NotSimulated")),
        ("GET", "/users?$filter=city eq 'Oslo'", {}, (501, "NotSimulated")),
        ("GET", "/users?$filter=signInActivity/lastSignInDateTime le 'x'", {}, (501, "NotSimulated")),
        ("GET", "/users/$count", {}, (501, "NotSimulated")),
        ("GET", "/users/delta", {}, (501, "NotSimulated")),
        ("PATCH", f"/users/{ADMIN}", {"json": {"mail": "a@fabrikam.com"}}, (501, "NotSimulated")),
        ("PATCH", f"/users/{ADMIN}", {"json": {"passwordProfile": {}}}, (501, "NotSimulated")),
    ],
)  # fmt: skip
def test_a_request_that_makes_no_sense_is_refused(
    shared: Tenant, method: str, path: str, sent: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert code(shared.client().request(method, path, **sent)) == expected


def test_errors_carry_the_ids_of_the_request(shared: Tenant) -> None:
    answer = shared.client().get(
        "/users/nobody", headers={"client-request-id": "11111111-2222-3333-4444-555555555555"}
    )
    inner = answer.json()["error"]["innerError"]
    assert (
        inner["client-request-id"]
        == answer.headers["client-request-id"]
        == "11111111-2222-3333-4444-555555555555"
    )
    assert inner["request-id"] == answer.headers["request-id"]
