"""Mail domains looked up at a small name server on loopback; no other network is asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from sspr import mailhosts
from sspr.mailhosts import Verdict, look_up

TAKES, NONE, UNKNOWN = Verdict.TAKES_MAIL, Verdict.NO_MAIL, Verdict.UNKNOWN
Zone = Mapping[tuple[str, str], str | dns.rcode.Rcode | None]
PUBLIC: Zone = {("com.", "NS"): "a.gtld-servers.net."}


class NameServer:
    """Answers from a zone: records as text, a failure by its code, or (None) nothing at all. A name that is in the zone
    has no records of other kinds; one that is not does not exist.
    """

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.asked: list[tuple[str, str]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = self._socket.getsockname()[1]
        return resolver

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            packet, sender = self._socket.recvfrom(4096)
            if not packet:
                return
            answer = self._answer(dns.message.from_wire(packet))
            if answer is not None:
                self._socket.sendto(answer.to_wire(), sender)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        (question,) = query.question
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        held = self.zone.get((name, kind), "")
        if held is None:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if isinstance(held, dns.rcode.Rcode):
            answer.set_rcode(held)
        elif held:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *held.split("; ")))
        elif not any(known == name for known, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@pytest.fixture
def server() -> Iterator[NameServer]:
    server = NameServer(PUBLIC)
    yield server
    server.close()


@pytest.mark.parametrize(
    ("zone", "verdict"),
    [
        ({("fabrikam.com.", "MX"): "10 mail.fabrikam.com."}, TAKES),
        ({("fabrikam.com.", "MX"): "10 mail.fabrikam.com.; 20 mail.example.org."}, TAKES),
        ({("fabrikam.com.", "MX"): "0 ."}, NONE),
        ({("fabrikam.com.", "MX"): "0 .; 10 mail.fabrikam.com."}, TAKES),
        ({("fabrikam.com.", "A"): "192.0.2.1"}, TAKES),
        ({("fabrikam.com.", "AAAA"): "2001:db8::1"}, TAKES),
        ({("fabrikam.com.", "TXT"): "nothing"}, NONE),
        ({}, NONE),
        ({("fabrikam.com.", "MX"): dns.rcode.SERVFAIL}, UNKNOWN),
        ({("fabrikam.com.", "MX"): dns.rcode.REFUSED}, UNKNOWN),
        ({("fabrikam.com.", "A"): dns.rcode.SERVFAIL}, UNKNOWN),
        ({("fabrikam.com.", "A"): dns.rcode.SERVFAIL, ("fabrikam.com.", "AAAA"): "2001:db8::1"}, TAKES),
        ({("fabrikam.com.", "MX"): None}, UNKNOWN),
    ],
)
def test_what_the_records_say(server: NameServer, zone: Zone, verdict: Verdict) -> None:
    server.zone = {**PUBLIC, **zone}
    assert look_up(["fabrikam.com"], resolver=server.resolver, seconds_each=0.3) == {"fabrikam.com": verdict}


def test_each_domain_is_asked_once_and_told_in_the_order_given(server: NameServer) -> None:
    server.zone = {**PUBLIC, ("b.com.", "MX"): "10 mx.b.com.", ("a.com.", "MX"): "0 ."}
    found = look_up(["b.com", "a.com", "b.com", "c.com"], resolver=server.resolver)
    assert list(found.items()) == [("b.com", TAKES), ("a.com", NONE), ("c.com", NONE)]
    assert sorted(server.asked) == [("a.com.", "MX"), ("b.com.", "MX"), ("c.com.", "MX"), ("com.", "NS")]


def test_more_domains_than_threads_are_all_asked(server: NameServer) -> None:
    domains = [f"fabrikam{number}.com" for number in range(5 * mailhosts.THREADS)]
    assert set(look_up(domains, resolver=server.resolver).values()) == {NONE}


@pytest.mark.parametrize("answer", [dns.rcode.NXDOMAIN, dns.rcode.SERVFAIL, None])
def test_a_resolver_that_does_not_see_the_public_dns_is_not_believed(
    server: NameServer, answer: dns.rcode.Rcode | None
) -> None:
    server.zone = {("com.", "NS"): answer}
    found = look_up(["a.com", "b.com"], resolver=server.resolver, seconds_each=0.3)
    assert found == {"a.com": UNKNOWN, "b.com": UNKNOWN}
    assert set(server.asked) == {("com.", "NS")}


def test_it_stops_asking_when_nothing_answers_any_more(server: NameServer) -> None:
    domains = [f"fabrikam{number}.com" for number in range(10 * mailhosts.THREADS)]
    server.zone = {**PUBLIC, **{(f"{domain}.", "MX"): None for domain in domains}}
    assert set(look_up(domains, resolver=server.resolver, seconds_each=0.3).values()) == {UNKNOWN}
    assert len({name for name, _ in server.asked}) < 4 * mailhosts.THREADS


def test_what_is_beyond_the_bounds_is_unknown_and_not_asked(server: NameServer) -> None:
    assert look_up(["a.com", "b.com"], resolver=server.resolver, most=1) == {"a.com": NONE, "b.com": UNKNOWN}
    assert ("b.com.", "MX") not in server.asked
    assert look_up(["a.com"], resolver=server.resolver, seconds_all=0) == {"a.com": UNKNOWN}


@pytest.mark.parametrize("domain", ["a..com", "a" * 64 + ".com", ".com", "a." * 130 + "com"])
def test_what_is_no_name_is_unknown(server: NameServer, domain: str) -> None:
    assert look_up([domain], resolver=server.resolver) == {domain: UNKNOWN}


def test_nothing_is_asked_for_no_domain(server: NameServer) -> None:
    assert look_up([], resolver=server.resolver) == {}
    assert server.asked == []


def test_what_the_resolver_of_the_system_said_is_kept_and_what_is_unknown_is_asked_again(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailhosts, "_found", {})
    resolver = server.resolver
    monkeypatch.setattr(dns.resolver, "Resolver", lambda: resolver)
    server.zone = {**PUBLIC, ("a.com.", "MX"): "10 mx.a.com.", ("b.com.", "MX"): dns.rcode.SERVFAIL}
    assert look_up(["a.com", "b.com"]) == {"a.com": TAKES, "b.com": UNKNOWN}
    server.zone = PUBLIC
    assert look_up(["a.com", "b.com"]) == {"a.com": TAKES, "b.com": NONE}
    assert server.asked.count(("a.com.", "MX")) == 1


def test_without_a_resolver_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconfigured() -> dns.resolver.Resolver:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(mailhosts, "_found", {})
    monkeypatch.setattr(dns.resolver, "Resolver", unconfigured)
    assert look_up(["a.com"]) == {"a.com": UNKNOWN}
