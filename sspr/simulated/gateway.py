"""Graph's front door as an ASGI application: token, quotas, faults, permissions, then the area behind the route."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from sspr.simulated import batch, routes
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.errors import GraphError, bad_request, denied, plain, retry_after, unauthenticated
from sspr.simulated.faults import Fault, FaultPlan, On
from sspr.simulated.journal import Journal, Record
from sspr.simulated.quotas import Throttle
from sspr.simulated.signin import LIFETIME, REVOKED, SignIn, claims_challenge
from sspr.simulated.store import Store
from sspr.simulated.wire import NO_BODY, Answer, Call, Caller

OnExchange = Callable[[str, str, Mapping[str, str], Any, int, Mapping[str, str], Any], None]
JSON_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
)
VERSION = "/v1.0"
# What stands between a client and Graph answers for it, in its own words.
PAGE = "<html><head><title>Gateway</title></head><body><h1>Our services aren't available right now</h1></body></html>"
_NOBODY = Caller("", "", frozenset(), frozenset(), 0.0)


class Gateway:
    """Answers requests below ``/v1.0``. ``abort(scope)`` resets the TCP connection of a request; ``go(seconds)``
    refuses every connection for so long.
    """

    def __init__(
        self,
        store: Store,
        signin: SignIn,
        clock: Callable[[], float],
        journal: Journal,
        abort: Callable[[Scope], None],
        go: Callable[[float], None],
        on_exchange: OnExchange | None,
    ) -> None:
        self.store, self._signin, self._clock, self._journal = store, signin, clock, journal
        self._abort, self._go, self._on_exchange = abort, go, on_exchange
        self._numbers = 0
        self.failure: Exception | None = None
        """The first error of the tenant itself, or of the callback: never the client's fault."""
        self.configure(store.behaviour(), None)

    def configure(self, behaviour: Behaviour, before: Behaviour | None) -> None:
        """Takes on another behaviour. Quotas and fault counters start afresh only where they changed."""
        if before is None or behaviour.quotas != before.quotas:
            self._throttle = Throttle(behaviour.quotas, len(self.store.state.accounts))
        if before is None or behaviour.faults != before.faults or behaviour.seed != before.seed:
            self._faults = FaultPlan(behaviour.faults, behaviour.seed)
        if before is None or behaviour.seed != before.seed:
            self._chance = random.Random(behaviour.seed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request (ASGI)."""
        arrived = self._clock()
        request = Request(scope, receive)
        try:
            raw = await request.body()
        except ClientDisconnect:
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        latency = self.store.behaviour().latency
        delay = max(0.0, latency.mean + self._chance.uniform(-1, 1) * latency.jitter)
        # Half of the way there, half of the way back: a write is carried out before its answer arrives.
        await asyncio.sleep(delay / 2)
        path, base = scope["raw_path"].decode("latin-1"), f"https://{headers.get('host', '')}"
        request_id = str(uuid.uuid4())
        call = Call(
            scope["method"],
            path.removeprefix(VERSION) or "/",
            scope["query_string"].decode("latin-1"),
            headers,
            NO_BODY,
            _NOBODY,
            base + VERSION,
            request_id,
            headers.get("client-request-id", request_id),
            arrived,
            limited=self.store.behaviour().limited,
        )
        answer, sent = self._request(call, raw)
        await self.store.saved()
        await asyncio.sleep(delay / 2)
        self._exchanged(call, sent, answer, batch=None, item=None)
        await self.deliver(
            scope, send, answer, {"request-id": request_id, "client-request-id": call.client_request_id}
        )

    def _request(self, call: Call, raw: bytes) -> tuple[Answer, Any]:
        """The answer to an HTTP request, and its body as JSON."""
        fault = call.fault = self.strike("request", call.method, call.path)
        if fault is not None and fault.effect == "limited":
            call.limited, fault = frozenset({"*"}), None
        if fault is not None and not fault.after_write:
            return self.faulty(fault, call), _parsed(raw)
        try:
            call.caller = self._signin.caller(call.headers.get("authorization"))
            call.body = _read_body(call, raw)
            whole = call.path.rstrip("/") == "/$batch"
            answer = self._batch(call) if whole else self._perform(call, None, None)
        except GraphError as error:
            answer = self._refusal(error, call)
        if fault is not None:
            answer = self.faulty(fault, call)
        return answer, None if call.body is NO_BODY else call.body

    def _batch(self, call: Call) -> Answer:
        if call.method != "POST":
            raise GraphError(
                405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."
            )
        items = batch.read(call.body)
        self._numbers += 1
        number = self._numbers
        calls = {item.id: self._item_call(item, call) for item in items}
        answers = batch.run(
            items,
            lambda item: self._perform(calls[item.id], number, item.id),
            lambda item, error: self._refusal(error, calls[item.id]),
            self._chance,
        )
        responses = []
        envelope = Answer(200)
        for key, answer in answers.items():
            if answer.effect == "omit":
                continue
            if answer.effect != "status":
                envelope.effect, envelope.stall = answer.effect, max(envelope.stall, answer.stall)
            response: dict[str, Any] = {
                "id": key,
                "status": answer.status,
                "headers": self._item_headers(answer),
            }
            if answer.body is not None:
                response["body"] = answer.body
            responses.append(response)
        envelope.body = {"responses": responses}
        return envelope

    def _item_call(self, item: batch.Item, call: Call) -> Call:
        url, _, _ = item.url.partition("#")
        path, _, query = url.partition("?")
        request_id = str(uuid.uuid4())
        return Call(
            item.method,
            path if path.startswith("/") else f"/{path}",
            query,
            item.headers,
            item.body,
            call.caller,
            call.root,
            request_id,
            item.headers.get("client-request-id", call.client_request_id),
            call.arrived,
            limited=call.limited,
        )

    def _item_headers(self, answer: Answer) -> dict[str, str]:
        headers = dict(answer.headers)
        if answer.body is not None:
            headers["Content-Type"] = "text/html" if answer.html else JSON_TYPE
        # Seen from Graph: names of an item's headers in any case.
        return (
            headers
            if self._chance.random() < 0.5
            else {name.lower(): value for name, value in headers.items()}
        )

    def _perform(self, call: Call, number: int | None, item: str | None) -> Answer:
        """One call through quotas, faults, permissions and its handler; kept in the journal where it is an item."""
        applied, extra = False, dict[str, str]()
        try:
            if number is not None and call.body is not NO_BODY:
                _check_type(call.headers)
            route = routes.find(call)
            charge = self._throttle.charge(route, call, self.store.state.tenant_id, call.arrived)
            call.early, extra = charge.early, charge.headers
            if charge.refused is not None:
                raise charge.refused
            fault = self.strike("call", call.method, call.path)
            call.fault = fault or call.fault
            if fault is not None and fault.effect == "limited":
                call.limited, fault = frozenset({"*"}), None
            if fault is None or fault.after_write:
                answer = self._handle(route, call)
                applied = route.writes and answer.status < 300
            if fault is not None:
                answer = self.faulty(fault, call)
        except GraphError as error:
            answer = self._refusal(error, call)
        answer.applied = applied
        answer.headers = {**extra, **answer.headers}
        if number is not None:
            body = None if call.body is NO_BODY else call.body
            self._exchanged(call, body, answer, batch=number, item=item)
        return answer

    def _handle(self, route: routes.Route, call: Call) -> Answer:
        if not call.caller.may(*route.needs):
            return self._refusal(denied(), call)
        try:
            return route.handler(call, self.store)
        except GraphError as error:
            return self._refusal(error, call)
        except Exception as failure:  # noqa: BLE001 - shown by stop(), answered as 500
            self.failure = self.failure or failure
            return self._refusal(plain(500), call)

    def _refusal(self, error: GraphError, call: Call) -> Answer:
        return Answer.refusal(error, self._clock(), call.request_id, call.client_request_id)

    def strike(self, on: On, method: str, path: str) -> Fault | None:
        """The fault that the plan has for this call or request, if any."""
        return self._faults.strike(on, f"{method} {unquote(path)}")

    def faulty(self, fault: Fault, call: Call) -> Answer:
        """The answer that a fault makes."""
        if fault.effect == "challenge":
            return self._refusal(claims_challenge(self._clock()), call)
        if fault.effect == "expire":
            self._signin.expire()
            return self._refusal(unauthenticated(LIFETIME), call)
        if fault.effect == "revoke":
            self._signin.revoke()
            capable = call.caller.accepts_challenges
            return self._refusal(
                claims_challenge(self._clock()) if capable else unauthenticated(REVOKED), call
            )
        if fault.effect == "gone":
            self._go(fault.seconds)
        error = plain(fault.status, fault.code, fault.message, details=fault.details, nested=fault.nested)
        if fault.retry_after is not None:
            error.headers |= retry_after(fault.retry_after, fault.retry_after_form, self._clock())
        answer = self._refusal(error, call)
        answer.effect, answer.stall = "reset" if fault.effect == "gone" else fault.effect, fault.seconds
        if fault.html:
            answer.body, answer.html = PAGE, True
        return answer

    def _exchanged(
        self, call: Call, sent: Any, answer: Answer, *, batch: int | None, item: str | None
    ) -> None:
        url = f"{call.root}{call.path}{'?' if call.query else ''}{call.query}"
        number = self._numbers if batch is None and call.path == "/$batch" else batch or 0
        gone = answer.effect in ("reset", "omit")
        self._journal.add(
            Record(
                number=number,
                time=call.arrived,
                method=call.method,
                url=url,
                status=0 if gone else answer.status,
                batch=batch,
                item=item,
                request_body=sent,
                response_body=answer.body,
                account=call.account,
                applied=answer.applied,
                early=call.early,
                fault=None if call.fault is None else call.fault.name,
            )
        )
        if not gone:
            self.exchanged(call.method, url, call.headers, sent, answer)

    def exchanged(self, method: str, url: str, headers: Mapping[str, str], sent: Any, answer: Answer) -> None:
        """Shows an exchange to whoever listens. What the listener raises is kept for :meth:`SimulatedTenant.stop`."""
        if self._on_exchange is None:
            return
        try:
            self._on_exchange(method, url, headers, sent, answer.status, answer.headers, answer.body)
        except Exception as failure:  # noqa: BLE001 - shown by stop(), answered as 500
            self.failure = self.failure or failure

    async def deliver(self, scope: Scope, send: Send, answer: Answer, extra: Mapping[str, str]) -> None:
        """Sends the answer, or what the fault left of it."""
        if answer.effect == "stall":
            await asyncio.sleep(answer.stall)
        if answer.effect == "reset":
            self._abort(scope)
            return
        date = format_datetime(datetime.fromtimestamp(self._clock(), UTC), usegmt=True)
        content, kind = _written(answer)
        headers = {"Cache-Control": "no-cache", "Date": date, **extra, **answer.headers}
        if content:
            headers.setdefault("Content-Type", kind)
        if answer.status != 204:
            headers["Content-Length"] = str(len(content))
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [
                    (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
                ],
            }
        )
        if answer.effect == "truncate":
            await send(
                {"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True}
            )
            self._abort(scope)
            return
        await send({"type": "http.response.body", "body": content})


def _written(answer: Answer) -> tuple[bytes, str]:
    """An answer's body as bytes, and their content type."""
    if answer.html:
        return str(answer.body).encode(), "text/html; charset=utf-8"
    if answer.body is None:
        return b"", JSON_TYPE
    return json.dumps(answer.body, ensure_ascii=False, separators=(",", ":")).encode(), JSON_TYPE


def _check_type(headers: Mapping[str, str]) -> None:
    kind = headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise GraphError(
            415,
            "UnsupportedMediaType",
            "A supported MIME type could not be found that matches the "
            f"content type of the request. The content type '{kind}' is not supported.",
        )


def _read_body(call: Call, raw: bytes) -> Any:
    if not raw or call.method in ("GET", "DELETE"):
        return NO_BODY
    _check_type(call.headers)
    try:
        return json.loads(raw)
    except ValueError:
        raise bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is "
            "of valid JSON format.",
            "BadRequest",
        ) from None


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None
