from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sspr.errors import CannotStart
from sspr.tenant.errors import HostUnreachable, NoAnswerError, NotSentError
from sspr.tenant.transport import ERRORS, IDLE, Connections, FirstContact, trust
from tests.tenant.scripted import FakeClock

URL = "https://graph.microsoft.com/v1.0/organization"


def all_below(kind: type[Exception]) -> Iterator[type[Exception]]:
    for below in kind.__subclasses__():
        yield below
        yield from all_below(below)


EXPECTED = {
    httpx.ConnectTimeout: NotSentError, httpx.ConnectError: NotSentError, httpx.PoolTimeout: NotSentError,
    httpx.ProxyError: NotSentError, httpx.UnsupportedProtocol: NotSentError, httpx.ReadTimeout: NoAnswerError,
    httpx.WriteTimeout: NoAnswerError, httpx.ReadError: NoAnswerError, httpx.WriteError: NoAnswerError,
    httpx.CloseError: NoAnswerError, httpx.NetworkError: NoAnswerError, httpx.TimeoutException: NoAnswerError,
    httpx.ProtocolError: NoAnswerError, httpx.LocalProtocolError: NoAnswerError,
    httpx.RemoteProtocolError: NoAnswerError, httpx.DecodingError: NoAnswerError,
    httpx.TooManyRedirects: NoAnswerError,
}  # fmt: skip


@pytest.mark.parametrize("kind", EXPECTED)
def test_every_error_of_httpx_has_its_place(kind: type[httpx.RequestError]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise kind("not for people", request=request)

    connections = Connections(lambda: httpx.Client(transport=httpx.MockTransport(fail)))
    with pytest.raises(EXPECTED[kind]) as caught:
        connections.send("GET", URL, {})
    assert "not for people" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_no_error_of_httpx_is_forgotten() -> None:
    """Fails when httpx grows one: decide what it means for a write before it meets one."""
    abstract = {httpx.TransportError, httpx.HTTPError}
    assert set(all_below(httpx.RequestError)) - abstract == set(EXPECTED)
    assert len({kind for kind, _, _ in ERRORS}) == len(ERRORS)


def test_a_connection_is_used_again_but_not_after_503_or_a_failure() -> None:
    statuses = [200, 200, 503, 200, 0, 200]
    made: list[httpx.Client] = []

    def reply(request: httpx.Request) -> httpx.Response:
        status = statuses.pop(0)
        if not status:
            raise httpx.ReadError("reset", request=request)
        return httpx.Response(status)

    def make() -> httpx.Client:
        made.append(httpx.Client(transport=httpx.MockTransport(reply)))
        return made[-1]

    connections = Connections(make)
    used = []
    for _ in range(6):
        try:
            connections.send("GET", URL, {})
        except NoAnswerError:
            pass
        used.append(len(made))
    assert used == [1, 1, 1, 2, 2, 3]
    assert [client.is_closed for client in made] == [True, True, False]
    connections.close()
    assert made[-1].is_closed


@pytest.mark.parametrize("reached", [False, True])
def test_a_host_that_took_a_connection_is_gone_for_a_while_and_not_unreachable(*, reached: bool) -> None:
    contact = FirstContact("graph.microsoft.com", FakeClock())

    def fail(error: Exception) -> None:
        with contact.attempt():
            raise error

    if reached:
        with pytest.raises(NoAnswerError):
            fail(NoAnswerError("the answer broke off"))
    for _ in range(1 if not reached else 5):
        with pytest.raises(NotSentError):
            fail(NotSentError("no connection"))
    if not reached:
        with pytest.raises(HostUnreachable):
            fail(NotSentError("no connection"))


def test_a_connection_that_was_idle_while_the_machine_slept_is_not_used_again() -> None:
    made: list[httpx.Client] = []

    def make() -> httpx.Client:
        made.append(httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))))
        return made[-1]

    clock = FakeClock()
    connections = Connections(make, clock)
    used = []
    for seconds in (0, IDLE, IDLE + 1, 0):
        clock.sleep(seconds)
        connections.send("GET", URL, {})
        used.append(len(made))
    connections.close()
    assert used == [1, 1, 2, 2]
    assert [client.is_closed for client in made] == [True, True]


def test_neither_addresses_nor_headers_reach_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answers = httpx.MockTransport(lambda _: httpx.Response(200))
        connections = Connections(lambda: httpx.Client(transport=answers))
        connections.send("GET", f"{URL}/ada@contoso.com", {"Authorization": "Bearer x"})
    connections.close()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("text", "said"), [(None, "No such file"), ("no certificate", "no PEM certificate"), ("", "PEM")]
)
def test_a_ca_file_that_cannot_be_used_is_named(text: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CannotStart, match=said) as caught:
        trust(path)
    assert str(path) in str(caught.value)
