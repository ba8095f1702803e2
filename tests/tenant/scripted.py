"""A clock that costs no time, and a Microsoft whose every answer a test writes down."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from sspr.settings import TenantSettings
from sspr.tenant.graph import Tenant
from sspr.tenant.pacing import MemoryStandings, OnWait, Standings, nothing

LOGIN = "https://login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com"
TENANT_ID = "11111111-2222-3333-4444-555555555555"
SECRET_ENV = "CONTOSO_CLIENT_SECRET"
SECRET = "s3cret~value-that-must-not-be-shown"
START = 1_800_000_000.0


class FakeClock:
    """`sleep` moves `now`; a slice of sleep in one thread is seen by all."""

    def __init__(self, now: float = START) -> None:
        self.now = now
        self.slept = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        with self._lock:
            self.now += seconds
            self.slept += seconds


@dataclass(frozen=True)
class Item:
    """One item of a batch as it arrived (or a single request): when, and in which HTTP request."""

    at: float
    envelope: int
    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(status: int = 204, body: object = None, **headers: str) -> dict[str, Any]:
    """An item's answer without its id; underscores of header names are hyphens."""
    told: dict[str, Any] = {"status": status}
    if headers:
        told["headers"] = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        told["body"] = body
    return told


def error(status: int, code: str, message: str = "It went wrong.", **headers: str) -> dict[str, Any]:
    """An item's answer with an error of Graph."""
    return answer(status, error_body(code, message), **headers)


def error_body(code: str, message: str = "It went wrong.") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "innerError": {"request-id": "a-request-id"}}}


def user(number: int, **changes: Any) -> dict[str, Any]:
    """An account as a read with $select shows it."""
    return {
        "id": f"id-{number}", "userPrincipalName": f"admin{number}@contoso.com", "mail": None, "proxyAddresses": [],
        "otherMails": [], "mobilePhone": None, "accountEnabled": True, "userType": "Member",
        "onPremisesSyncEnabled": None, **changes,
    }  # fmt: skip


def token(roles: Iterable[str] | None = None, number: int = 1) -> str:
    """A token in the form of a JWT; not signed."""
    claims: dict[str, Any] = {"number": number}
    if roles is not None:
        claims["roles"] = list(roles)
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({}, claims)
    ]
    return ".".join([*parts, "signature"])


OnItem = Callable[[Item], "dict[str, Any] | None"]
OnRequest = Callable[[httpx.Request], "httpx.Response | None"]


class ScriptedMicrosoft:
    """Sign-in and Graph behind `httpx.MockTransport`.

    `on_item` answers each item of a batch (None: the item is missing from the answer). `on_request` may answer, or
    raise for, a whole request to Graph first; None lets it pass. `on_login` does so for the
    sign-in service. `on_token` answers the token endpoint in place of a good token.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.on_item: OnItem = lambda _: answer()
        self.on_request: OnRequest = lambda _: None
        self.on_login: OnRequest = lambda _: None
        self.on_token: OnRequest = lambda _: None
        self.roles: list[str] | None = None
        self.token_life = 3600
        self.items: list[Item] = []
        self.requests: list[httpx.Request] = []
        self.tokens = 0
        self.token_forms: list[str] = []
        self.clients = 0
        self._lock = threading.Lock()

    def make_client(self) -> httpx.Client:
        self.clients += 1
        return httpx.Client(transport=httpx.MockTransport(self._handle))

    def connect(
        self,
        *,
        standings: Standings | None = None,
        cancelled: threading.Event | None = None,
        on_wait: OnWait = nothing,
        batch_size: int = 20,
        in_flight: int = 4,
        **settings: Any,
    ) -> Tenant:
        return Tenant.connect(
            settings_for(**settings),
            standings or MemoryStandings(),
            clock=self.clock,
            sleep=self.clock.sleep,
            cancelled=cancelled,
            on_wait=on_wait,
            batch_size=batch_size,
            in_flight=in_flight,
            chance=lambda: 1.0,
            make_client=self.make_client,
        )

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == httpx.URL(LOGIN).host:
            return self._sign_in(request)
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        whole = self.on_request(request)
        if whole is not None:
            return whole
        if request.url.path.endswith("/$batch"):
            return self._batch(request, number)
        body = json.loads(request.content) if request.content else None
        path = request.url.raw_path.decode().removeprefix("/v1.0")
        item = Item(self.clock(), number, request.method, path, body, request.headers)
        self.items.append(item)
        told = self.on_item(item) or answer(500)
        return httpx.Response(told["status"], headers=told.get("headers"), json=told.get("body"))

    def _batch(self, request: httpx.Request, number: int) -> httpx.Response:
        answers = []
        for one in json.loads(request.content)["requests"]:
            item = Item(
                self.clock(), number, one["method"], one["url"], one.get("body"), one.get("headers", {})
            )
            with self._lock:
                self.items.append(item)
            told = self.on_item(item)
            if told is not None:
                answers.append({"id": one["id"], **told})
        return httpx.Response(200, json={"responses": answers[::-1]})  # any order is allowed

    def _sign_in(self, request: httpx.Request) -> httpx.Response:
        early = self.on_login(request)
        if early is not None:
            return early
        root = f"{LOGIN}/{TENANT_ID}"
        if request.url.path.endswith("/openid-configuration"):
            return httpx.Response(
                200,
                json={
                    "issuer": f"{root}/v2.0",
                    "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{root}/oauth2/v2.0/token",
                },
            )
        with self._lock:
            self.tokens += 1
            self.token_forms.append(request.content.decode())
        told = self.on_token(request)
        if told is not None:
            return told
        body = {
            "token_type": "Bearer",
            "expires_in": self.token_life,
            "access_token": token(self.roles, self.tokens),
        }
        return httpx.Response(200, json=body)


def settings_for(**changes: Any) -> TenantSettings:
    """Settings with a secret; the test sets the environment variable `SECRET_ENV`."""
    options: dict[str, Any] = {
        "tenant_id": TENANT_ID, "client_id": "client", "credential": "secret", "secret_env": SECRET_ENV, **changes
    }  # fmt: skip
    return TenantSettings(**options)


def refusal(
    code: int, word: str = "invalid_client", description: str = "Told by Microsoft."
) -> httpx.Response:
    """An error answer of the token endpoint."""
    body = {"error": word, "error_description": f"AADSTS{code}: {description}\r\nTrace ID: t", "error_codes": [code],
            "trace_id": "a-trace-id"}  # fmt: skip
    return httpx.Response(401, json=body)
