"""JSON batches: what an envelope may hold, how its items run, and what may be relied on."""

from __future__ import annotations

from typing import Any

import pytest

from sspr.simulated.samples import administrators
from tests.simulated.conftest import ADMIN, Start, Tenant, batch, code, patch

GET = {"method": "GET", "url": f"/users/{ADMIN}"}


@pytest.mark.parametrize(
    ("envelope", "words"),
    [
        ({}, "Invalid batch payload format."),
        ({"requests": []}, "Invalid batch payload format."),
        (batch(*[GET] * 21), "maximum value of 20"),
        (batch({**GET, "id": "a"}, {**GET, "id": "A"}), "unique"),
        (batch({**GET, "id": 1}), "Invalid batch payload format."),
        (batch({**GET, "method": "HEAD"}), "Invalid batch payload format."),
        (batch({"method": "GET"}), "Invalid batch payload format."),
        (batch({**GET, "method": "PATCH", "body": {}}), "Write request id : 1 does not contain Content-Type"),
        (batch(patch("/users/x", {}), {**GET, "method": "POST", "headers": {"Content-Type": "x"}}), "id : 2"),
        (batch(GET, {**GET, "dependsOn": ["7"]}), "dependsOn"),
        (batch(GET, GET, {**GET, "dependsOn": ["1"]}), "dependsOn"),
        (batch(GET, {**GET, "dependsOn": ["1"]}, {**GET, "dependsOn": ["2", "1"]}), "Invalid batch"),
    ],
)
def test_a_bad_envelope_fails_whole(shared: Tenant, envelope: Any, words: str) -> None:
    answer = shared.client().post("/$batch", json=envelope)
    assert code(answer) == (400, "BadRequest")
    assert words in answer.json()["error"]["message"]


def _run(tenant: Tenant, *items: dict[str, Any]) -> list[dict[str, Any]]:
    answer = tenant.client().post("/$batch", json=batch(*items))
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["responses"]
    return found


@pytest.mark.parametrize(
    ("item", "status", "error"),
    [
        ({**GET, "url": f"https://graph.microsoft.com/v1.0/users/{ADMIN}"}, 400, "BadRequest"),
        ({**GET, "url": f"/v1.0/users/{ADMIN}"}, 400, "BadRequest"),
        ({**GET, "url": "/users/nobody"}, 404, "Request_ResourceNotFound"),
        ({**GET, "url": "/$batch", "method": "POST", "headers": {"Content-Type": "application/json"}, "body": {}}, 400, "BadRequest"),  # noqa: E501
        (patch("/users/x", {}, headers={"content-type": "text/plain"}), 415, "UnsupportedMediaType"),
        (patch(f"/users/{ADMIN}", {"mobilePhone": ""}), 400, "Request_BadRequest"),
        ({**GET, "method": "DELETE"}, 405, "Request_BadRequest"),
    ],
)  # fmt: skip
def test_a_bad_item_fails_alone(shared: Tenant, item: dict[str, Any], status: int, error: str) -> None:
    answers = {each["id"]: each for each in _run(shared, item, {**GET, "url": f"users/{ADMIN}?$select=id"})}
    assert (answers["1"]["status"], answers["1"]["body"]["error"]["code"]) == (status, error)
    assert answers["2"]["status"] == 200


def test_twenty_writes_land_and_answers_come_in_any_order(start: Start) -> None:
    tenant = start(administrators(20))
    upns = [account.upn for account in tenant.server.state.accounts.values()]
    answers = _run(
        tenant, *(patch(f"/users/{upn}", {"otherMails": [f"{n}@fabrikam.com"]}) for n, upn in enumerate(upns))
    )
    ids = [each["id"] for each in answers]
    assert ids != sorted(ids, key=int)
    assert sorted(ids, key=int) == [str(number) for number in range(1, 21)]
    assert all(each["status"] == 204 and "body" not in each for each in answers)
    assert [account.other_mails for account in tenant.server.state.accounts.values()] == [
        (f"{number}@fabrikam.com",) for number in range(20)
    ]
    assert {record.item for record in tenant.server.journal.writes()} == set(ids)
    assert [len(tenant.server.journal.requests()), len(tenant.server.journal.calls())] == [1, 20]


@pytest.mark.parametrize("same", [True, False], ids=["all on one", "in a row"])
def test_what_depends_on_a_failure_is_not_run(start: Start, *, same: bool) -> None:
    tenant = start()
    parents = ["1", "1"] if same else ["1", "2"]
    answers = _run(
        tenant,
        patch("/users/nobody", {"otherMails": []}),
        *({**patch(f"/users/{ADMIN}", {"otherMails": []}), "dependsOn": [parent]} for parent in parents),
    )
    assert {each["id"]: each["status"] for each in answers} == {"1": 404, "2": 424, "3": 424}
    assert tenant.server.journal.writes() == []


def test_items_in_a_row_run_in_order(start: Start) -> None:
    tenant = start()
    items = [patch(f"/users/{ADMIN}", {"mobilePhone": f"+1 425738000{n}"}) for n in range(5)]
    for number, item in enumerate(items[1:], 1):
        item["dependsOn"] = [str(number)]
    assert {each["status"] for each in _run(tenant, *items)} == {204}
    account = tenant.server.state.account(ADMIN)
    assert account is not None
    assert account.mobile_phone == "+1 4257380004"
    assert [record.item for record in tenant.server.journal.writes()] == ["1", "2", "3", "4", "5"]


def test_an_item_may_have_its_own_client_request_id(shared: Tenant) -> None:
    item = {**GET, "url": "/users/nobody", "headers": {"client-request-id": "own"}}
    bodies = [each["body"]["error"]["innerError"] for each in _run(shared, item)]
    assert [each["client-request-id"] for each in bodies] == ["own"]
