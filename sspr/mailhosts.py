"""Which mail domains take mail, asked of the DNS. Nothing but the domain leaves this machine.

The rules: a domain takes mail where it has MX records, or an address of its own where it has none (RFC 5321, section
5.1); a single MX that names the root says that it takes none (RFC 7505); a name that does not exist takes none
(RFC 8020). Whatever else happens, the answer is that nothing is known.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dns.resolver import Resolver

THREADS = 16
SECONDS_EACH = 3.0  # for one question
SECONDS_ALL = 30.0  # for all questions of one call
MOST_DOMAINS = 5_000  # that one call asks about

# Every resolver that sees the public DNS knows it. One that does not must not be believed that a name does not exist.
_KNOWN_TO_ALL = "com"


class Verdict(StrEnum):
    """What the DNS says of a domain."""

    TAKES_MAIL = "takes mail"
    NO_MAIL = "no mail"
    UNKNOWN = "unknown"


# What was found out, for the life of the process; what is unknown is asked again.
_found: dict[str, Verdict] = {}


def look_up(
    domains: Iterable[str],
    *,
    resolver: Resolver | None = None,
    seconds_each: float = SECONDS_EACH,
    seconds_all: float = SECONDS_ALL,
    most: int = MOST_DOMAINS,
) -> dict[str, Verdict]:
    """The verdict on each domain (lower-case ASCII), in the order given. Never raises for want of a network.

    `resolver`: whom to ask, by default those of the system; what another says is not kept for later calls. After
    `seconds_all` and beyond the first `most` domains that are not known yet, the verdict is `UNKNOWN`.
    """
    wanted = list(dict.fromkeys(domains))
    known = _found if resolver is None else {}
    unasked = [domain for domain in wanted if domain not in known][:most]
    if unasked:
        found = _ask(unasked, resolver or _of_the_system(), seconds_each, seconds_all)
        known.update((domain, verdict) for domain, verdict in found if verdict is not Verdict.UNKNOWN)
    return {domain: known.get(domain, Verdict.UNKNOWN) for domain in wanted}


def _of_the_system() -> Resolver | None:
    from dns.exception import DNSException
    from dns.resolver import Resolver

    try:
        return Resolver()
    except (DNSException, OSError):  # no resolver is configured
        return None


def _ask(
    domains: list[str], resolver: Resolver | None, seconds_each: float, seconds_all: float
) -> list[tuple[str, Verdict]]:
    if resolver is None:
        return []
    questions = _Questions(resolver, seconds_each, monotonic() + seconds_all)
    if not questions.sees_the_public_dns():
        return []
    with ThreadPoolExecutor(min(THREADS, len(domains)), thread_name_prefix="mail-hosts") as threads:
        try:
            return list(zip(domains, threads.map(questions.verdict, domains), strict=True))
        except BaseException:
            questions.stop()  # what waits in the queue is not asked any more
            raise


class _NoSuchNameError(Exception):
    """The DNS has no such name."""


class _Questions:
    """Questions to one resolver, from several threads, until the time is up or it no longer answers."""

    def __init__(self, resolver: Resolver, seconds_each: float, until: float) -> None:
        self._resolver, self._seconds_each, self._until = resolver, seconds_each, until
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._unanswered = 0  # one after another

    def stop(self) -> None:
        self._stopped.set()

    def sees_the_public_dns(self) -> bool:
        try:
            return bool(self._records(_KNOWN_TO_ALL, "NS"))
        except _NoSuchNameError:
            return False

    def verdict(self, domain: str) -> Verdict:
        """What the answers come to; a question is asked only where the one before leaves it open."""
        try:
            hosts = self._records(domain, "MX")
            if hosts is None:
                return Verdict.UNKNOWN
            if hosts:
                takes = any(not host.endswith(" .") for host in hosts)  # `0 .` is the MX that says: none
                return Verdict.TAKES_MAIL if takes else Verdict.NO_MAIL
            known = True
            for kind in ("A", "AAAA"):
                addresses = self._records(domain, kind)
                if addresses:
                    return Verdict.TAKES_MAIL
                known = known and addresses is not None
        except _NoSuchNameError:
            return Verdict.NO_MAIL
        return Verdict.NO_MAIL if known else Verdict.UNKNOWN

    def _records(self, domain: str, kind: str) -> list[str] | None:
        """The records of a name as texts; empty where it has none of the kind, None where that is not known.

        Raises `_NoSuchNameError`.
        """
        from dns.exception import DNSException, Timeout
        from dns.resolver import NXDOMAIN, NoAnswer

        seconds = min(self._seconds_each, self._until - monotonic())
        if seconds <= 0 or self._stopped.is_set():
            return None
        try:
            records = [str(record) for record in self._resolver.resolve(f"{domain}.", kind, lifetime=seconds)]
        except Timeout:
            self._count(answered=False)
            return None
        except NXDOMAIN:
            self._count(answered=True)
            raise _NoSuchNameError from None
        except NoAnswer:
            records = []
        except (DNSException, OSError):  # the resolver fails or refuses, or the name is none
            return None
        self._count(answered=True)
        return records

    def _count(self, *, answered: bool) -> None:
        with self._lock:
            self._unanswered = 0 if answered else self._unanswered + 1
            if self._unanswered >= THREADS:
                self.stop()
