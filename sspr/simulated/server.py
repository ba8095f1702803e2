"""The simulated tenant as a running server: TLS on loopback, a port of the system's choice, a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sspr.simulated import discovery, identities
from sspr.simulated.assertions import SignInError
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.certificates import loopback_tls
from sspr.simulated.errors import not_simulated, retry_after
from sspr.simulated.gateway import VERSION, Gateway, OnExchange
from sspr.simulated.journal import Journal, Record
from sspr.simulated.people import People
from sspr.simulated.signin import SignIn
from sspr.simulated.state import State
from sspr.simulated.store import Store
from sspr.simulated.wire import Answer

_READY_WITHIN = 30.0
_LOOK = 0.005  # seconds between looks at the clock while it is gone
HOST = "127.0.0.1"


class SimulatedTenant:
    """A tenant behind Microsoft's wire protocol on ``https://127.0.0.1:PORT``.

    ``state`` is used as it is and changes with what clients write. ``folder`` gets ``ca.pem``, the authority to
    trust. With ``state_file`` the state is kept there (mode 0600) and a write is in it before it is answered.
    ``on_exchange(method, url, request_headers, request_body, status, response_headers, response_body)`` is called on
    the server's thread for every request and every batch item; names of request headers are in lower case, bodies
    parsed JSON. ``port`` 0 = the system chooses; ``clock`` gives epoch seconds; ``journal``: one that keeps every
    record, where none is given.
    """

    def __init__(
        self,
        state: State,
        behaviour: Behaviour | None = None,
        *,
        folder: Path,
        state_file: Path | None = None,
        on_exchange: OnExchange | None = None,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        journal: Journal | None = None,
    ) -> None:
        self.state = state
        self.journal = Journal() if journal is None else journal
        self._behaviour = behaviour or Behaviour()
        self._folder, self._port, self._clock = folder, port, clock
        self._transports: dict[tuple[str, int], asyncio.Transport] = {}
        self._store = Store(state, lambda: self._behaviour, clock, state_file)
        self._signin = SignIn(state, lambda: self._behaviour, clock)
        self._gateway = Gateway(
            self._store, self._signin, clock, self.journal, self._abort, self.go, on_exchange
        )
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    # What a client needs to know ----------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Scheme, host and port. Known after :meth:`start`."""
        return f"https://{HOST}:{self._port}"

    graph_url = login_url = url

    @property
    def ca_file(self) -> Path:
        """The PEM file of the authority that signed the server's certificate."""
        return self._folder / "ca.pem"

    @property
    def tenant_id(self) -> str:
        """The tenant's GUID."""
        return self.state.tenant_id

    @property
    def client_id(self) -> str:
        """The first app registration's client id."""
        return self.state.apps[0].client_id

    @property
    def secret(self) -> str:
        """The first app registration's client secret."""
        return self.state.apps[0].secrets[0]

    @property
    def people(self) -> People:
        """Who is expected to sign in by a device code, and who has; see :class:`People`."""
        return self._signin.people

    @property
    def identity_environment(self) -> dict[str, str]:
        """The variables by which what runs on the simulated machine finds its managed identity."""
        return identities.environment(self.state, self.url)

    def tenants_toml(self, secret_env: str) -> str:
        """A ready ``[tenants.simulated]`` table; the secret is named by its environment variable."""
        ca_file = str(self.ca_file).replace("\\", "\\\\").replace('"', '\\"')
        return (
            f'[tenants.simulated]\ntenant_id = "{self.tenant_id}"\nclient_id = "{self.client_id}"\n'
            f'cloud = "{self.state.cloud}"\ncredential = "secret"\nsecret_env = "{secret_env}"\n'
            f'graph_url = "{self.graph_url}"\n'
            f'login_url = "{self.login_url}"\nca_file = "{ca_file}"\n'
        )

    # Knobs that move while it runs --------------------------------------------------------------------------------

    @property
    def behaviour(self) -> Behaviour:
        """How it behaves; may be set while it runs. Meters and fault counters start afresh only where they changed."""
        return self._behaviour

    @behaviour.setter
    def behaviour(self, value: Behaviour) -> None:
        before, self._behaviour = self._behaviour, value
        self._gateway.configure(value, before)

    def revoke_tokens(self) -> None:
        """Makes every token issued so far worthless: 401, with a claims challenge for clients that take one."""
        self._signin.revoke()

    def go(self, seconds: float) -> None:
        """Is gone for so many seconds of its clock: connections are reset, and every new one is refused."""
        if self._server is not None:
            until = self._clock() + seconds
            self._server.leave(lambda: self._clock() >= until, (HOST, self._port))

    # Running ------------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Binds the port and returns once requests are answered. Raises OSError where the port is taken."""
        self._folder.mkdir(parents=True, exist_ok=True)
        context = loopback_tls(self.ca_file)
        # With the protocol named, asyncio turns Nagle's algorithm off; without, each answer would wait 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, self._port))
        except OSError:
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._application(),
            http=_recording(self._transports),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,  # the gateway tells the time of the tenant's own clock
            timeout_keep_alive=120,
            timeout_graceful_shutdown=1,
            ssl_context_factory=lambda *_: context,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="simulated-tenant", daemon=True
        )
        self._thread.start()
        if not self._server.ready.wait(_READY_WITHIN):
            raise RuntimeError(f"The simulated tenant did not start within {_READY_WITHIN:.0f} seconds.")
        return self

    def stop(self) -> None:
        """Ends it; open connections are closed. Raises what went wrong inside the tenant or its callback, if it did."""
        if self._server is not None:
            self._server.end()
        self.wait()
        self._server = None
        if self._gateway.failure is not None:
            raise RuntimeError(
                "The simulated tenant failed while it served a request."
            ) from self._gateway.failure

    def wait(self) -> None:
        """Returns when it has ended. An interrupt (Ctrl-C) comes through."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(0.5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # HTTP ---------------------------------------------------------------------------------------------------------

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Mount(VERSION, app=self._gateway),
                Mount("/beta", app=self._beta),
                Route("/common/discovery/instance", self._discovery),
                Route("/{tenant}/v2.0/.well-known/openid-configuration", self._configuration),
                Route("/{tenant}/discovery/v2.0/keys", self._keys),
                Route("/{tenant}/oauth2/v2.0/token", self._token, methods=["POST"]),
                Route("/{tenant}/oauth2/v2.0/devicecode", self._device_code, methods=["POST"]),
                Route(identities.PATH, self._managed_identity),
            ]
        )

    async def _beta(self, scope: Scope, _receive: Receive, send: Send) -> None:
        error = not_simulated("the beta version of Graph")
        key = str(uuid.uuid4())
        await self._gateway.deliver(scope, send, Answer.refusal(error, self._clock(), key, key), {})

    async def _discovery(self, request: Request) -> JSONResponse:
        return self._login(
            request, lambda: discovery.instance_discovery(dict(request.query_params), self.url)
        )

    async def _configuration(self, request: Request) -> JSONResponse:
        return self._login(
            request, lambda: self._signin.openid_configuration(request.path_params["tenant"], self.url)
        )

    async def _keys(self, request: Request) -> JSONResponse:
        return self._login(request, self._signin.keys)

    async def _token(self, request: Request) -> JSONResponse | _Nothing:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        fault = self._gateway.strike("request", request.method, request.url.path)
        if fault is not None and fault.effect == "gone":
            self.go(fault.seconds)
        if fault is not None and fault.effect in ("reset", "truncate", "gone"):
            self._abort(request.scope)
            return _Nothing()
        if fault is not None and fault.effect == "stall":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.effect == "status":
            body = {
                "error": "temporarily_unavailable",
                "error_description": "AADSTS90033: A transient error has occurred. Please try again.",
                "error_codes": [90033],
            }
            wait = fault.retry_after
            headers = {} if wait is None else retry_after(wait, fault.retry_after_form, self._clock())
            return self._answered(request, fault.status, body, headers)
        return self._login(request, lambda: self._signin.token(request.path_params["tenant"], form, self.url))

    async def _device_code(self, request: Request) -> JSONResponse:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        tenant = request.path_params["tenant"]
        return self._login(request, lambda: self._signin.device_code(tenant, form, self.url))

    async def _managed_identity(self, request: Request) -> JSONResponse:
        status, body = identities.answer(
            self._signin, self.state, request.headers, dict(request.query_params), self.url
        )
        return self._answered(request, status, body, {})

    def _login(self, request: Request, make: Callable[[], object]) -> JSONResponse:
        correlation = request.headers.get("client-request-id", str(uuid.uuid4()))
        try:
            return self._answered(request, 200, make(), {})
        except SignInError as error:
            return self._answered(request, error.status, self._signin.error_body(error, correlation), {})

    def _answered(self, request: Request, status: int, body: object, headers: dict[str, str]) -> JSONResponse:
        url = f"{self.url}{request.url.path}"
        self.journal.add(Record(0, self._clock(), request.method, url, status))
        self._gateway.exchanged(
            request.method, url, dict(request.headers), None, Answer(status, body, headers)
        )
        return JSONResponse(body, status, {"Cache-Control": "no-store, no-cache", **headers})

    def _abort(self, scope: Scope) -> None:
        """Ends the TCP connection by a reset: no orderly end, so the client sees an error and no answer."""
        transport = self._transports.get(tuple(scope["client"]))
        if transport is not None:
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            transport.abort()


class _Nothing:
    """No answer: the connection is gone."""

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        return


class _Server(uvicorn.Server):
    """Says when it answers, and ends when told so from another thread, not at the next look at a flag."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._absence: asyncio.Future[None] | None = None

    def end(self) -> None:
        """Ends the server; may be called from any thread, once it is ready."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ended.set)

    def leave(self, over: Callable[[], bool], address: tuple[str, int]) -> None:
        """Resets every connection and takes none until ``over``; may be called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._leave, over, address)

    def _leave(self, over: Callable[[], bool], address: tuple[str, int]) -> None:
        if self._absence is None or self._absence.done():
            self._absence = asyncio.ensure_future(self._away(over, address))

    async def _away(self, over: Callable[[], bool], address: tuple[str, int]) -> None:
        for listener in self.servers:
            listener.close()
        # Bound and not listening: connections are refused, and nobody else takes the port meanwhile.
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        with held:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(address)
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            while not over():  # noqa: ASYNC110 - a clock tells, and it may be one that a test sets
                await asyncio.sleep(_LOOK)
            await super().startup([held.dup()])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % 864_000
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._absence is not None:
            self._absence.cancel()
        # An orderly end of TLS waits for the peer; a client that only keeps its connection warm need not be asked.
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is None or cycle.response_complete:
                connection.transport.abort()
        await super().shutdown(sockets)


def _recording(transports: dict[tuple[str, int], asyncio.Transport]) -> type[H11Protocol]:
    """The HTTP protocol of uvicorn that also knows the transport of each client, by address and port."""

    class Recording(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if self.client is not None:
                transports[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            if self.client is not None:
                transports.pop(self.client, None)
            super().connection_lost(exc)

    return Recording
