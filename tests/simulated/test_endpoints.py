"""Every endpoint answers as Microsoft's OpenAPI description says, and the judge of that is not asleep."""

from __future__ import annotations

from typing import Any

import pytest

from sspr.simulated import routes
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.methods import EMAIL_ID, PHONE_IDS
from sspr.simulated.samples import MIXED, administrators
from sspr.simulated.tenant import GRAPH_APP_ID
from tests.protocol import Protocol, document, path_of, properties
from tests.simulated.conftest import ADMIN, Start

AUTH = f"/users/{ADMIN}/authentication"
MOBILE = PHONE_IDS["mobile"]


def test_each_route_is_called_once_and_judged(start: Start) -> None:
    tenant = start(administrators(40, seed=3, variety=MIXED))
    state = tenant.server.state
    client = tenant.client()
    group, principal = state.groups[0].id, state.apps[0].object_id
    account = state.account(ADMIN)
    assert account is not None
    state.put(type(account)(id=account.id, upn=account.upn, sms_sign_in_allowed=True))
    role = client.get("/directoryRoles").json()["value"][0]["id"]
    calls: list[tuple[str, str, Any, int]] = [
        ("GET", "/users", None, 200),
        ("GET", "/users?$filter=accountEnabled eq true&$select=id,otherMails&$top=5", None, 200),
        ("GET", f"/users/{ADMIN}", None, 200),
        (
            "GET",
            f"/users/{ADMIN}?$select=id,otherMails,accountEnabled,userType,proxyAddresses,city",
            None,
            200,
        ),
        ("PATCH", f"/users/{ADMIN}", {"otherMails": ["a@fabrikam.com"], "mobilePhone": "+1 4257380001"}, 204),
        ("POST", f"{AUTH}/phoneMethods", {"phoneNumber": "+1 4257380001", "phoneType": "mobile"}, 201),
        ("GET", f"{AUTH}/phoneMethods", None, 200),
        ("GET", f"{AUTH}/phoneMethods/{MOBILE}", None, 200),
        ("PATCH", f"{AUTH}/phoneMethods/{MOBILE}", {"phoneNumber": "+1 4257380002"}, 204),
        ("POST", f"{AUTH}/phoneMethods/{MOBILE}/disableSmsSignIn", None, 204),
        ("POST", f"{AUTH}/phoneMethods/{MOBILE}/enableSmsSignIn", None, 204),
        ("POST", f"{AUTH}/emailMethods", {"emailAddress": "a@fabrikam.com"}, 201),
        ("GET", f"{AUTH}/emailMethods", None, 200),
        ("GET", f"{AUTH}/emailMethods/{EMAIL_ID}", None, 200),
        ("PATCH", f"{AUTH}/emailMethods/{EMAIL_ID}", {"emailAddress": "b@fabrikam.com"}, 204),
        ("GET", f"{AUTH}/methods", None, 200),
        ("DELETE", f"{AUTH}/emailMethods/{EMAIL_ID}", None, 204),
        ("DELETE", f"{AUTH}/phoneMethods/{MOBILE}", None, 204),
        ("GET", "/policies/authorizationPolicy", None, 200),
        ("PATCH", "/policies/authorizationPolicy", {"allowedToUseSSPR": False}, 204),
        ("GET", "/roleManagement/directory/roleAssignments", None, 200),
        ("GET", "/roleManagement/directory/roleAssignments?$expand=principal,roleDefinition", None, 200),
        ("GET", "/roleManagement/directory/roleDefinitions", None, 200),
        ("GET", "/roleManagement/directory/roleAssignmentScheduleInstances?$expand=principal", None, 200),
        ("GET", "/roleManagement/directory/roleEligibilityScheduleInstances", None, 200),
        ("GET", f"/directoryRoles/{role}/members", None, 200),
        ("GET", f"/groups/{group}/transitiveMembers", None, 200),
        ("GET", f"/groups/{group}/transitiveMembers/microsoft.graph.user?$count=true", None, 200),
        ("GET", "/organization", None, 200),
        ("GET", "/domains", None, 200),
        ("GET", "/servicePrincipals", None, 200),
        ("GET", f"/servicePrincipals/{principal}", None, 200),
        ("GET", f"/servicePrincipals(appId='{GRAPH_APP_ID}')", None, 200),
        ("GET", f"/servicePrincipals/{principal}/appRoleAssignments", None, 200),
        ("GET", f"/servicePrincipals(appId='{tenant.server.client_id}')/appRoleAssignments", None, 200),
        ("GET", "/reports/authenticationMethods/userRegistrationDetails", None, 200),
        ("GET", f"/reports/authenticationMethods/userRegistrationDetails/{account.id}", None, 200),
    ]
    for method, url, body, status in calls:
        answer = client.request(method, url, json=body, headers={"ConsistencyLevel": "eventual"})
        assert (url, answer.status_code) == (url, status), answer.text

    assert tenant.protocol.request_faults == []
    asked = {(method, template) for method, template, status in tenant.protocol.seen if status < 300}
    described = {
        (method.upper(), path)
        for path, operations in document()["paths"].items()
        for method in operations
        if path != "/$batch"
    }
    assert described <= asked
    assert len(routes.ROUTES) == len(described) - 2  # two shapes of a service principal's key each


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("users", "user"),
        (f"users/{ADMIN}", "user"),
        ("organization", "organization"),
        ("domains", "domain"),
        ("servicePrincipals", "servicePrincipal"),
        ("policies/authorizationPolicy", "authorizationPolicy"),
        ("directoryRoles", "directoryRole"),
        ("roleManagement/directory/roleDefinitions", "unifiedRoleDefinition"),
        ("reports/authenticationMethods/userRegistrationDetails", "userRegistrationDetails"),
    ],
)
def test_a_property_that_graph_has_is_shown_or_said_to_be_missing_here(
    start: Start, path: str, schema: str
) -> None:
    """Never refused as if Graph had none of that name."""
    tenant = start(behaviour=Behaviour(quotas=None))
    known = properties({"$ref": f"#/components/schemas/microsoft.graph.{schema}"})
    names = [name for name in known if not name.startswith("@")]
    answers = {name: tenant.client().get(f"/{path}?$select={name}").status_code for name in names}
    assert len(names) > 4
    assert {name: status for name, status in answers.items() if status not in (200, 501)} == {}
    assert 200 in answers.values()


USER = "/v1.0/users/x"


@pytest.mark.parametrize(
    ("method", "url", "sent", "status", "answered", "fault"),
    [
        ("GET", USER, None, 200, {"id": "x", "otherMails": None}, "otherMails breaks type"),
        ("GET", USER, None, 200, {"id": "x", "alternateMail": []}, "unknown property .alternateMail"),
        ("GET", "/v1.0/users", None, 200, {"values": []}, "breaks required"),
        ("GET", USER, None, 404, {"error": "not found"}, "error breaks type"),
        ("PATCH", USER, {"mobilePhone": None}, 204, {}, "a body where there is none"),
        ("GET", "/v1.0/policies/authorizationPolicy", None, 200, {"allowedToUseSSPR": None}, "breaks type"),
        (
            "GET",
            USER + "/authentication/phoneMethods",
            None,
            200,
            {"value": [{"phoneType": "cell"}]},
            "breaks anyOf",
        ),
        ("POST", "/v1.0/$batch", {"requests": []}, 200, {"responses": [{"id": "1"}]}, "breaks required"),
    ],
)
def test_a_wrong_answer_is_caught(
    method: str, url: str, sent: Any, status: int, answered: Any, fault: str
) -> None:
    protocol = Protocol()
    protocol(method, f"https://127.0.0.1{url}", {}, sent, status, {}, answered)
    assert any(fault in found for found in protocol.answer_faults)
    assert protocol.request_faults == []


@pytest.mark.parametrize(
    ("method", "url", "sent", "fault"),
    [
        ("PATCH", USER, {"otherMails": "a@fabrikam.com"}, "otherMails breaks type"),
        ("PATCH", USER, {"othermails": []}, "unknown property .othermails"),
        ("PATCH", USER, None, "no body"),
        ("GET", f"{USER}?$select=id,otherMail", None, "$select names an unknown property"),
        ("GET", f"{USER}?$fields=id", None, "unknown query option $fields"),
        ("GET", "/v1.0/users?$top=all", None, "$top is no number"),
        ("GET", "/v1.0/people", None, "no such operation"),
        (
            "POST",
            "/v1.0/$batch",
            {"requests": [{"id": 1, "method": "GET", "url": "/users"}]},
            "id breaks type",
        ),
    ],
)
def test_a_wrong_request_is_caught(method: str, url: str, sent: Any, fault: str) -> None:
    protocol = Protocol()
    protocol(method, f"https://127.0.0.1{url}", {}, sent, 500, {}, {"error": {"code": "x", "message": "x"}})
    assert any(fault in found for found in protocol.request_faults)
    assert protocol.answer_faults == []


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/users/a%40b.c", "/users/{user-id}"),
        ("/users('$a@b.c')", "/users/{user-id}"),
        ("/servicePrincipals(appId='x')", "/servicePrincipals(appId='{appId}')"),
        ("/groups/x/transitiveMembers/microsoft.graph.user", None),
    ],
)
def test_a_path_finds_its_template(path: str, template: str | None) -> None:
    expected = template or "/groups/{group-id}/transitiveMembers/microsoft.graph.user"
    assert path_of(path) == expected
