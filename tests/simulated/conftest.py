"""A running simulated tenant per test that asks for one, judged throughout by Microsoft's own description."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msal  # type: ignore[import-untyped]
import pytest

from sspr.simulated.behaviour import Behaviour
from sspr.simulated.samples import administrators
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import App, State
from tests.protocol import Protocol

SCOPE = "https://graph.microsoft.com/.default"
ADMIN = "admin0001@contoso.onmicrosoft.com"


@pytest.fixture(autouse=True)
def no_bundle_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set here, requests takes before the authority that msal was told to trust."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)


class Tenant:
    """A simulated tenant with an msal and an httpx client on it."""

    def __init__(self, server: SimulatedTenant, protocol: Protocol) -> None:
        self.server, self.protocol = server, protocol
        self._clients: list[httpx.Client] = []

    def sign_in(self, credential: Any = None, **options: Any) -> dict[str, Any]:
        """What msal gets for a credential; by default the app's secret."""
        app = msal.ConfidentialClientApplication(
            options.pop("client_id", self.server.client_id),
            credential or self.server.secret,
            authority=f"{self.server.login_url}/{options.pop('tenant', self.server.tenant_id)}",
            instance_discovery=False,
            verify=str(self.server.ca_file),
            **{name: value for name, value in options.items() if name != "scope"},
        )
        answer: dict[str, Any] = app.acquire_token_for_client([options.get("scope", SCOPE)])
        return answer

    def client(self, **headers: str) -> httpx.Client:
        """An httpx client below /v1.0, signed in unless an Authorization header is given."""
        if "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self.sign_in()['access_token']}"
        client = httpx.Client(
            base_url=f"{self.server.graph_url}/v1.0",
            headers={name: value for name, value in headers.items() if value},
            verify=ssl.create_default_context(cafile=str(self.server.ca_file)),
            timeout=10,
        )
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()


class SharedTenant(Tenant):
    """A tenant whose signed-in client is shared as well."""

    _signed_in: httpx.Client | None = None

    def client(self, **headers: str) -> httpx.Client:
        if headers:
            return super().client(**headers)
        if self._signed_in is None:
            self._signed_in = super().client()
        return self._signed_in


Start = Callable[..., Tenant]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """``start(state, behaviour, **options of SimulatedTenant)``: a running tenant, ended with the test.

    Whatever a test provokes, each answer must be one that Microsoft's description allows.
    """
    running: list[Tenant] = []

    def run(state: State | None = None, behaviour: Behaviour | None = None, **options: Any) -> Tenant:
        protocol = Protocol()
        server = SimulatedTenant(
            state or administrators(3),
            behaviour,
            folder=tmp_path / f"tenant{len(running)}",
            on_exchange=protocol,
            **options,
        )
        running.append(Tenant(server.start(), protocol))
        return running[-1]

    yield run
    for tenant in running:
        tenant.close()
        tenant.server.stop()
        assert tenant.protocol.answer_faults == []


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """One tenant of twelve plain administrators for a whole file: for tests that leave it as it was."""
    protocol = Protocol()
    server = SimulatedTenant(
        administrators(12), folder=tmp_path_factory.mktemp("shared"), on_exchange=protocol
    )
    tenant = SharedTenant(server.start(), protocol)
    yield tenant
    tenant.close()
    server.stop()
    assert protocol.answer_faults == []


@pytest.fixture
def as_app(shared: Tenant) -> Iterator[Callable[[App], Tenant]]:
    """``as_app(app)``: the shared tenant with this app registration in place of its own, until the test ends."""
    before = shared.server.state.apps
    tenant = Tenant(shared.server, shared.protocol)

    def take(app: App) -> Tenant:
        shared.server.state.apps = (app,)
        return tenant

    yield take
    tenant.close()
    shared.server.state.apps = before


AsApp = Callable[[App], Tenant]


def batch(*items: dict[str, Any]) -> dict[str, Any]:
    """An envelope of items; ids are counted where they are not given."""
    return {"requests": [{"id": str(number), **item} for number, item in enumerate(items, 1)]}


def patch(url: str, body: Any, **more: Any) -> dict[str, Any]:
    """A PATCH as an item of a batch."""
    return {
        "method": "PATCH",
        "url": url,
        "headers": {"Content-Type": "application/json"},
        "body": body,
        **more,
    }


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and Graph's error code."""
    return answer.status_code, answer.json()["error"]["code"]
