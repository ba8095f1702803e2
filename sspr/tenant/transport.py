"""HTTP to Microsoft: the only module that knows httpx. One verb for Graph, and a plain client for msal.

A connection carries one request at a time and is kept alive. One that broke, on which 503 was answered, or that was
idle for a while, is not used again: learn.microsoft.com, graph/best-practices-concept, asks for a new connection
after 503; and after a machine was asleep the other end is gone, which is learned only when no answer comes.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, LifoQueue
from urllib.parse import urlsplit

import certifi
import httpx

import sspr
from sspr.errors import CannotStart
from sspr.tenant.batch import Reply, lower, retry_after
from sspr.tenant.errors import (
    CertificateUntrusted,
    HostUnreachable,
    NoAnswerError,
    NotSentError,
    SendError,
    SignInFailingError,
)
from sspr.tenant.traffic import Meter
from sspr.tenant.waiting import Clock

log = logging.getLogger("sspr.tenant")
# httpx writes each address at INFO, httpcore each header at DEBUG: names of accounts, and the token.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

# Connecting is quick or never. An answer may take its time: calls for authentication methods are given up by the
# service itself after 60 s (learn.microsoft.com, graph/api/resources/authenticationmethods-overview), so wait longer.
TIMEOUT = httpx.Timeout(connect=5.0, read=75.0, write=30.0, pool=5.0)
SIGN_IN_TIMEOUT = httpx.Timeout(connect=5.0, read=20.0, write=10.0, pool=5.0)
IDLE = 60.0  # seconds after which a connection is not used again, by the clock on the wall
# On first contact a wrong name or a closed port is said soon: two tries, the second only if the first was quick.
FIRST_TRIES = 2
QUICK = 6.0

# httpx's errors → ours, the first class that fits. What is not here is an error of this program.
ERRORS: tuple[tuple[type[Exception], type[SendError], str], ...] = (
    (httpx.ConnectTimeout, NotSentError, "no connection within the time allowed"),
    (httpx.ConnectError, NotSentError, "no connection"),
    (httpx.PoolTimeout, NotSentError, "no free connection"),
    (httpx.ProxyError, NotSentError, "the proxy refused the connection"),
    (httpx.UnsupportedProtocol, NotSentError, "the address is not one of HTTPS"),
    (httpx.ReadTimeout, NoAnswerError, "no answer within the time allowed"),
    (httpx.WriteTimeout, NoAnswerError, "the request could not be sent within the time allowed"),
    (httpx.NetworkError, NoAnswerError, "the connection broke"),
    (httpx.RemoteProtocolError, NoAnswerError, "the answer broke off"),
    (httpx.DecodingError, NoAnswerError, "the answer could not be decoded"),
    (httpx.TransportError, NoAnswerError, "the transfer failed"),
    (httpx.TooManyRedirects, NoAnswerError, "the answer was one redirection after another"),
)


def trust(ca_file: Path | None = None) -> ssl.SSLContext:
    """A TLS context that trusts the machine's authorities, Mozilla's, and the one in `ca_file` as well.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured, as OpenSSL does.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            why = error.strerror if isinstance(error, FileNotFoundError) else "it holds no PEM certificate"
            raise CannotStart(f"The ca_file {ca_file} cannot be used: {why}.") from None
    return context


def https_client(context: ssl.SSLContext) -> httpx.Client:
    """A client that keeps one connection alive. Redirections are not followed: a token goes nowhere else."""
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE)
    agent = f"sspr-onboarding/{sspr.__version__}"
    return httpx.Client(verify=context, timeout=TIMEOUT, limits=limits, headers={"User-Agent": agent})


ClientMaker = Callable[[], httpx.Client]


class Connections:
    """Lends clients, each with one connection, to as many threads as ask."""

    def __init__(self, make: ClientMaker, clock: Clock = time.time) -> None:
        self._make = make
        self._clock = clock
        self._idle: LifoQueue[tuple[float, httpx.Client]] = LifoQueue()

    @contextmanager
    def lend(self) -> Iterator[httpx.Client]:
        """A client for one request. It comes back for the next one unless the block raised or closed it."""
        client = self._fresh() or self._make()
        try:
            yield client
        except BaseException:
            client.close()
            raise
        if not client.is_closed:
            self._idle.put((self._clock(), client))

    def _fresh(self) -> httpx.Client | None:
        """The client that was used last, where that was not long ago. All that are older are closed."""
        while True:
            try:
                used, client = self._idle.get_nowait()
            except Empty:
                return None
            if self._clock() - used <= IDLE:
                return client
            client.close()

    def close(self) -> None:
        """Closes the idle ones."""
        while True:
            try:
                self._idle.get_nowait()[1].close()
            except Empty:
                return

    def send(self, method: str, url: str, headers: Mapping[str, str], *, timeout: httpx.Timeout | None = None,
             json: object = None, form: Mapping[str, str] | None = None,
             params: Mapping[str, str] | None = None) -> httpx.Response:  # fmt: skip
        """One request, one answer, read to its end. Raises `NotSentError`, `NoAnswerError`, `CertificateUntrusted`."""
        with self.lend() as client:
            try:
                response = client.request(method, url, headers=headers, json=json, data=form, params=params,
                                          timeout=timeout or TIMEOUT)  # fmt: skip
            except (httpx.TransportError, httpx.DecodingError, httpx.TooManyRedirects) as error:
                raise _typed(error, url) from None
            if response.status_code == 503:
                client.close()
            return response


def _typed(error: Exception, url: str) -> Exception:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateUntrusted(urlsplit(url).netloc, cause.verify_message or "it does not verify")
    for known, ours, why in ERRORS:
        if isinstance(error, known):
            reasons = (cause.strerror for cause in _causes(error) if isinstance(cause, OSError))
            reason = next((text for text in reasons if text), "")
            return ours(f"{why} ({reason})" if reason else why)
    return error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


class FirstContact:
    """Tells a host that was never reached from one that is gone for a while."""

    def __init__(self, host: str, clock: Clock) -> None:
        self.host = host
        self._clock = clock
        self._lock = threading.Lock()
        self._reached = False
        self._failures = 0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Around one request: `NotSentError` becomes `HostUnreachable` on a host that was not reached in two tries."""
        began = self._clock()
        try:
            yield
        except NotSentError as error:
            with self._lock:
                self._failures += 1
                slow = self._clock() - began > QUICK
                final = not self._reached and (slow or self._failures >= FIRST_TRIES)
            if final:
                raise HostUnreachable(self.host, str(error)) from None
            raise
        except NoAnswerError:
            self._reach()  # it took the connection
            raise
        self._reach()

    def _reach(self) -> None:
        with self._lock:
            self._reached = True


class Transport:
    """Requests to one root (`https://graph.microsoft.com/v1.0`). `bearer` gives the token of the moment."""

    def __init__(
        self, connections: Connections, root: str, bearer: Callable[[], str], meter: Meter, clock: Clock
    ) -> None:
        self._connections = connections
        self._root = root
        self._bearer = bearer
        self._meter = meter
        self._contact = FirstContact(urlsplit(root).netloc, clock)

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Reply:
        """One HTTP request; an answer of any status is a `Reply`. `path` begins with `/`, percent-encoded.

        Raises what `Connections.send` and the sign-in raise, and `HostUnreachable` on first contact.
        """
        bearer = self._bearer()
        # Asked for by learn.microsoft.com, graph/best-practices-concept: Microsoft finds the request by it.
        request_id = str(uuid.uuid4())
        headers = {
            "Authorization": f"Bearer {bearer}",
            "client-request-id": request_id,
            "Accept": "application/json",
        }
        self._meter.count(requests=1)
        with self._meter.waiting(), self._contact.attempt():
            response = self._connections.send(method, self._root + path, headers, json=body)
        log.debug("%s answered %d, client-request-id %s", method, response.status_code, request_id)
        return Reply(response.status_code, lower(response.headers), _json(response), bearer)


def _json(response: httpx.Response) -> object:
    """The parsed body; None where there is none, or where it is not JSON (a gateway's page)."""
    try:
        return response.json()
    except ValueError:
        return None


@dataclass(frozen=True)
class MsalResponse:
    """What msal wants of an answer (`msal.oauth2cli.http.Response`)."""

    status_code: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    def raise_for_status(self) -> None:
        """What msal calls for 5xx; they never come so far, for `MsalClient` raises first."""


class MsalClient:
    """An HTTP client for msal (its argument `http_client`), over the same trust, timeouts and errors as Graph.

    msal's own, on requests, would have no timeout and one silent retry. An answer of 429 or 5xx is raised as
    `SignInFailingError`: msal would remember it and replay it, and would drop its `Retry-After`.
    """

    def __init__(self, connections: Connections, host: str, clock: Clock) -> None:
        self._connections = connections
        self._clock = clock
        self._contact = FirstContact(host, clock)

    def post(self, url: str, params: Mapping[str, str] | None = None, data: Mapping[str, object] | None = None,
             headers: Mapping[str, str] | None = None, **_: object) -> MsalResponse:  # fmt: skip
        """A form, url-encoded. msal gives a signed assertion as bytes, which httpx would write as their repr."""
        form = {
            key: value.decode() if isinstance(value, bytes) else str(value)
            for key, value in (data or {}).items()
        }
        return self._send("POST", url, params, form, headers)

    def get(self, url: str, params: Mapping[str, str] | None = None,
            headers: Mapping[str, str] | None = None, **_: object) -> MsalResponse:  # fmt: skip
        """A document."""
        return self._send("GET", url, params, None, headers)

    def close(self) -> None:
        """The connections belong to their maker."""

    def _send(self, method: str, url: str, params: Mapping[str, str] | None, data: Mapping[str, str] | None,
              headers: Mapping[str, str] | None) -> MsalResponse:  # fmt: skip
        with self._contact.attempt():
            response = self._connections.send(method, url, headers or {}, form=data, params=params,
                                              timeout=SIGN_IN_TIMEOUT)  # fmt: skip
        if response.status_code == 429 or response.status_code >= 500:
            raise SignInFailingError(
                response.status_code, retry_after(lower(response.headers), self._clock())
            )
        return MsalResponse(response.status_code, response.text, dict(response.headers))


def direct_for(ca_file: Path | None) -> ClientMaker:
    """The maker of clients for an endpoint of this machine: past every proxy. Asked seldom, so nothing is kept."""
    return lambda: httpx.Client(verify=trust(ca_file), trust_env=False)


def tls_for(ca_file: Path | None) -> ClientMaker:
    """The maker of clients that `Connections` wants; the context is made once, its authorities read once."""
    context = trust(ca_file)
    return lambda: https_client(context)
