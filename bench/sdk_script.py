"""What people do today, a script with Microsoft's SDK: `python bench/sdk_script.py WAY ROWS.csv TENANTS.toml`

It sets otherMails and mobilePhone of each row, and prints of how many rows it was told that they were not written.
The SDK is as it comes: its retry handler repeats a request that is answered 429, 503 or 504 up to three times, after
the Retry-After; the items inside a batch it leaves to the caller.
"""

from __future__ import annotations

import asyncio
import csv
import os
import ssl
import sys
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from azure.identity import ClientSecretCredential
from kiota_abstractions.api_error import APIError
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.user import User
from msgraph_core import GraphClientFactory
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem

SCOPES = ["https://graph.microsoft.com/.default"]
BATCH = 20
Row = dict[str, str]


@asynccontextmanager
async def connect(tenant: dict[str, Any], secret: str) -> AsyncIterator[Any]:
    """A client on one table of tenants.toml, with the SDK's own timeouts and HTTP/2."""
    trusted = ssl.create_default_context(cafile=tenant["ca_file"])
    login = ClientSecretCredential(
        tenant["tenant_id"],
        tenant["client_id"],
        secret,
        authority=tenant["login_url"],
        disable_instance_discovery=True,
        connection_verify=tenant["ca_file"],
    )
    async with httpx.AsyncHTTPTransport(verify=trusted, http2=True) as transport:
        http = httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(100, connect=30))
        adapter = GraphRequestAdapter(
            AzureIdentityAuthenticationProvider(login, scopes=SCOPES),
            GraphClientFactory.create_with_default_middleware(client=http),
        )
        adapter.base_url = f"{tenant['graph_url']}/v1.0"
        with login:
            yield GraphServiceClient(request_adapter=adapter)


def _body(row: Row) -> Any:
    return User(other_mails=[row["alternate_email"]], mobile_phone=row["mobile_phone"])


async def _written(client: Any, row: Row) -> bool:
    try:
        await client.users.by_user_id(row["user_principal_name"]).patch(_body(row))
    except APIError:
        return False
    return True


async def one_by_one(client: Any, rows: Sequence[Row]) -> int:
    """One request after the other. Gives how many were refused."""
    return sum([not await _written(client, row) for row in rows])


async def ten_at_once(client: Any, rows: Sequence[Row]) -> int:
    """Ten requests at any time. Gives how many were refused."""
    room = asyncio.Semaphore(10)

    async def write(row: Row) -> bool:
        async with room:
            return await _written(client, row)

    return (await asyncio.gather(*map(write, rows))).count(False)


async def in_batches(client: Any, rows: Sequence[Row]) -> int:
    """Batches of 20, one after the other. Gives how many of their items were refused."""
    root, refused = client.request_adapter.base_url, 0
    for start in range(0, len(rows), BATCH):
        batch = BatchRequestContent()
        for row in rows[start : start + BATCH]:
            user = client.users.by_user_id(row["user_principal_name"])
            item = BatchRequestItem(user.to_patch_request_information(_body(row)))
            item.url = item.url.removeprefix(root)  # the SDK leaves it whole, and Graph wants it relative
            batch.add_request(None, item)
        answers = await client.batch.post(batch)
        refused += sum(status >= 300 for status in answers.get_response_status_codes().values())
    return refused


WAYS: dict[str, Callable[[Any, Sequence[Row]], Awaitable[int]]] = {
    "one": one_by_one,
    "ten": ten_at_once,
    "batches": in_batches,
}


async def _write_all(way: str, rows: Sequence[Row], tenant: dict[str, Any]) -> int:
    async with connect(tenant, os.environ[tenant["secret_env"]]) as client:
        return await WAYS[way](client, rows)


def main() -> None:
    """Writes the rows of the file in the way that is named first."""
    way, file, config = sys.argv[1:]
    with Path(file).open(newline="", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    tenant = tomllib.loads(Path(config).read_text(encoding="utf-8"))["tenants"]["simulated"]
    print(asyncio.run(_write_all(way, rows, tenant)))


if __name__ == "__main__":
    main()
