"""Microsoft's own Python SDK on the simulated tenant, set up as the page of the tenant shows it.

The SDK is of the extra `dev`, and nothing of the product's. What it sends and understands was written by Microsoft's
generators from the description of Graph: a third reading of the protocol beside the client's and the tenant's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any

import pytest

from sspr.simulated.behaviour import Behaviour
from sspr.simulated.faults import Fault
from sspr.simulated.methods import EMAIL_ID, PHONE_IDS
from sspr.simulated.samples import administrators
from tests.docs.pages import blocks
from tests.simulated.conftest import ADMIN, Start, Tenant

MISSING = [name for name in ("msgraph", "msgraph_core", "azure", "deprecated") if find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(
        bool(MISSING),
        reason=f"NOTHING was tried with Microsoft's SDK: {', '.join(MISSING)} of the extra `dev` is not installed",
    ),
    # Its own modules use what its own modules call deprecated.
    pytest.mark.filterwarnings(r"ignore::DeprecationWarning:(kiota_abstractions|msgraph)\."),
]
Work = Callable[[Any], Awaitable[None]]


def on(tenant: Tenant, work: Work) -> None:
    """Runs `work(client)` with a client that is set up by the example of the tenant's page."""
    (example,) = [block for block in blocks("python") if "msgraph" in block.text]
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example.text, example.page.name, "exec"), names)
    table = {
        "tenant_id": tenant.server.tenant_id,
        "client_id": tenant.server.client_id,
        "graph_url": tenant.server.graph_url,
        "login_url": tenant.server.login_url,
        "ca_file": str(tenant.server.ca_file),
    }

    async def run() -> None:
        async with names["connect"](table, tenant.server.secret) as client:
            await work(client)

    asyncio.run(run())


def asking(builder: Any, name: str, **options: Any) -> Any:
    """A request's configuration with query options."""
    from kiota_abstractions.base_request_configuration import RequestConfiguration

    return RequestConfiguration(query_parameters=getattr(builder, f"{name}GetQueryParameters")(**options))


def test_a_user_is_read_and_updated(start: Start) -> None:
    from msgraph.generated.models.user import User
    from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder

    tenant = start()

    async def work(client: Any) -> None:
        admin = client.users.by_user_id(ADMIN)
        await admin.patch(User(other_mails=["kim@fabrikam.com"], mobile_phone="+1 4257380001"))
        user = await admin.get(
            asking(UserItemRequestBuilder, "UserItemRequestBuilder", select=["id", "otherMails", "userType"])
        )
        assert (user.other_mails, user.user_type, user.mobile_phone) == (["kim@fabrikam.com"], "Member", None)
        assert (await admin.get()).mobile_phone == "+1 4257380001"

    on(tenant, work)
    account = tenant.server.state.account(ADMIN)
    assert account is not None
    assert (account.other_mails, account.mobile_phone) == (("kim@fabrikam.com",), "+1 4257380001")


def test_methods_are_registered_and_listed(start: Start) -> None:
    from msgraph.generated.models.authentication_phone_type import AuthenticationPhoneType
    from msgraph.generated.models.email_authentication_method import EmailAuthenticationMethod
    from msgraph.generated.models.phone_authentication_method import PhoneAuthenticationMethod

    async def work(client: Any) -> None:
        methods = client.users.by_user_id(ADMIN).authentication
        email = await methods.email_methods.post(EmailAuthenticationMethod(email_address="kim@fabrikam.com"))
        phone = await methods.phone_methods.post(
            PhoneAuthenticationMethod(phone_number="+1 4257380001", phone_type=AuthenticationPhoneType.Mobile)
        )
        assert (email.id, phone.id) == (EMAIL_ID, PHONE_IDS["mobile"])
        mobile = methods.phone_methods.by_phone_authentication_method_id(PHONE_IDS["mobile"])
        await mobile.patch(PhoneAuthenticationMethod(phone_number="+1 4257380002"))
        assert [each.phone_number for each in (await methods.phone_methods.get()).value] == ["+1 4257380002"]
        assert [each.email_address for each in (await methods.email_methods.get()).value] == [
            "kim@fabrikam.com"
        ]
        assert {type(each).__name__ for each in (await methods.methods.get()).value} == {
            "PasswordAuthenticationMethod",
            "PhoneAuthenticationMethod",
            "EmailAuthenticationMethod",
        }
        await mobile.delete()
        assert (await methods.phone_methods.get()).value == []

    on(start(), work)


def test_users_come_page_by_page(start: Start) -> None:
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder
    from msgraph_core.tasks.page_iterator import PageIterator

    tenant = start(administrators(25))

    async def work(client: Any) -> None:
        first = await client.users.get(
            asking(UsersRequestBuilder, "UsersRequestBuilder", top=10, select=["id"])
        )
        seen: list[str] = []

        def note(user: Any) -> bool:
            seen.append(user.id)
            return True

        await PageIterator(first, client.request_adapter).iterate(note)
        assert sorted(seen) == sorted(tenant.server.state.accounts)

    on(tenant, work)
    assert len(tenant.server.journal.requests()) == 3


def test_a_batch_is_run(start: Start) -> None:
    from msgraph.generated.models.user import User
    from msgraph_core.requests.batch_request_content import BatchRequestContent
    from msgraph_core.requests.batch_request_item import BatchRequestItem

    tenant = start(administrators(25))
    upns = [account.upn for account in tenant.server.state.accounts.values()][:18]

    async def work(client: Any) -> None:
        root = client.request_adapter.base_url
        users = [client.users.by_user_id(upn) for upn in (*upns, "nobody@contoso.com")]
        asked = [
            *(user.to_patch_request_information(User(mobile_phone="+1 4257380001")) for user in users),
            users[0].to_get_request_information(),
        ]
        batch = BatchRequestContent()
        for number, request in enumerate(asked):
            item = BatchRequestItem(request, id=str(number))
            item.url = item.url.removeprefix(root)  # relative, as Graph asks; the SDK leaves it whole
            batch.add_request(None, item)
        answers = await client.batch.post(batch)
        statuses = answers.get_response_status_codes()
        assert [statuses[str(number)] for number in range(20)] == [*[204] * 18, 404, 200]

    on(tenant, work)
    assert {account.upn for account in tenant.server.state.accounts.values() if account.mobile_phone} == set(
        upns
    )


def test_the_policy_is_read_and_changed(start: Start) -> None:
    from msgraph.generated.models.authorization_policy import AuthorizationPolicy

    tenant = start()

    async def work(client: Any) -> None:
        policy = client.policies.authorization_policy
        assert (await policy.get()).allowed_to_use_s_s_p_r is True
        await policy.patch(AuthorizationPolicy(allowed_to_use_s_s_p_r=False))
        assert (await policy.get()).allowed_to_use_s_s_p_r is False

    on(tenant, work)
    assert tenant.server.state.policy.sspr is False


def test_an_error_is_understood_with_its_code_and_its_ids(start: Start) -> None:
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError

    async def work(client: Any) -> None:
        with pytest.raises(ODataError) as caught:
            await client.users.by_user_id("nobody@contoso.com").get()
        error = caught.value.error
        assert (caught.value.response_status_code, error.code) == (404, "Request_ResourceNotFound")
        assert error.inner_error.request_id == caught.value.response_headers["request-id"]

    on(start(), work)


@pytest.mark.parametrize("status", [429, 503])
def test_what_is_refused_for_now_is_repeated(start: Start, status: int) -> None:
    from msgraph.generated.models.user import User

    tenant = start(behaviour=Behaviour(faults=(Fault("PATCH *", status, nth=(1,), retry_after=1),)))

    async def work(client: Any) -> None:
        await client.users.by_user_id(ADMIN).patch(User(mobile_phone="+1 4257380001"))

    on(tenant, work)
    assert [record.status for record in tenant.server.journal.calls()] == [status, 204]
