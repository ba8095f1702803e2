from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sspr.errors import CannotStart
from sspr.tenant.errors import NoAnswerError, NotSentError
from sspr.tenant.transport import ERRORS, Connections, trust

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
