"""What requests draw on: the quotas, whose they are, and which of them the service may count together.

learn.microsoft.com, graph/throttling-limits, "Identity and access".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from sspr.tenant.quota import Meter, Published, Unpublished


class Quota(Enum):
    """What requests draw on. The value is the end of the standing's name."""

    UNITS = "units"
    WRITES = "writes"
    TENANT_WRITES = "tenant-writes"
    APPLICATION_WRITES = "application-writes"
    METHOD_READS = "method-reads"
    METHOD_WRITES = "method-writes"


# learn.microsoft.com, graph/throttling-limits, "Identity and access". Nothing is published for authentication methods,
# which are not on that list: a quota of their own, found out by and by.
LIMITS: Mapping[Quota, Published | Unpublished] = {
    Quota.UNITS: Published(3_500, 10),
    Quota.WRITES: Published(3_000, 150),
    Quota.TENANT_WRITES: Published(18_000, 300),
    Quota.APPLICATION_WRITES: Published(35_000, 300),
    Quota.METHOD_READS: Unpublished(rate=200, at_once=2),
    Quota.METHOD_WRITES: Unpublished(rate=100, at_once=1),
}
# Resource units in 10 s by the number of users in the tenant: fewer than 50, up to 500, more.
UNITS_OF_TENANTS = ((50, Published(3_500, 10)), (501, Published(5_000, 10)), (None, Published(8_000, 10)))

# Whether reads and writes of methods are counted together is not published: a hold on one is a hold on both.
METHODS = frozenset({Quota.METHOD_READS, Quota.METHOD_WRITES})
HELD_TOGETHER: Mapping[Quota, frozenset[Quota]] = {
    **{quota: frozenset({quota}) for quota in Quota},
    **dict.fromkeys(METHODS, METHODS),
}

Cost = Mapping[Quota, int]
# A change of the directory is one write and one resource unit, for the application in the tenant, the tenant and the
# application.
WRITE: Cost = {
    Quota.UNITS: 1,
    Quota.WRITES: 1,
    Quota.TENANT_WRITES: 1,
    Quota.APPLICATION_WRITES: 1,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose quotas: the API's address (the same ids at another address are another tenant), tenant and application."""

    root: str
    tenant: str
    application: str

    def name(self, quota: Quota) -> str:
        """The name of a standing."""
        tenant = "" if quota is Quota.APPLICATION_WRITES else self.tenant
        application = "" if quota is Quota.TENANT_WRITES else self.application
        return f"{self.root}/{tenant}/{application}/{quota.value}".lower()


def likely(meters: Mapping[Quota, Meter], quotas: Iterable[Quota], now: float) -> Quota:
    """Which limit an answer is about that does not say so: the one of which most is spent."""
    return max(quotas, key=lambda quota: meters[quota].share(now))


# So much of the amount, of both together, makes it no chance that the limit of writes is reached just then.
_SURELY = 0.95


def count_together(meters: Mapping[Quota, Meter], refused: Quota, now: float) -> Quota:
    """Which limit was reached when `refused` was: Microsoft does not publish what is counted together, but it shows.

    Writes of the directory and of methods that have just spent, together and neither alone, what writes may: they
    count as one. Reads of methods that are refused while their writes are known to be at a limit, or the other way
    round: they count as one too.
    """
    if (
        refused in {Quota.WRITES, Quota.METHOD_WRITES}
        and not meters[Quota.METHOD_WRITES].standing.with_writes
    ):
        writes, methods = meters[Quota.WRITES], meters[Quota.METHOD_WRITES]
        alone = max(writes.spent(now), methods.spent(now))
        enough = _SURELY * writes.amount
        if alone < enough <= writes.spent(now) + methods.spent(now):
            join_writes(meters)
            return Quota.WRITES
    if refused in METHODS:
        _join_reads(meters, refused, now)
    return refused


def join_writes(meters: Mapping[Quota, Meter]) -> None:
    """Writes of methods count as writes of the directory, those so far as well."""
    meters[Quota.METHOD_WRITES].standing.with_writes = True
    meters[Quota.WRITES].absorb(meters[Quota.METHOD_WRITES])


def _join_reads(meters: Mapping[Quota, Meter], refused: Quota, now: float) -> None:
    [other] = METHODS - {refused}
    reads, writes = meters[Quota.METHOD_READS].standing, meters[Quota.METHOD_WRITES].standing
    if reads.with_writes or not meters[other].standing.measured or not meters[other].is_empty(now):
        return
    reads.with_writes = True
    # Together they are measured from where the one was that is known.
    known = meters[other].standing
    writes.learned, writes.learned_at, writes.measured = known.learned, known.learned_at, True
    writes.measured_from, writes.passed = known.measured_from, reads.passed + writes.passed


def drawn_on(cost: Cost, meters: Mapping[Quota, Meter]) -> Cost:
    """What is drawn on, where the service counts reads of methods with their writes, and these as writes of the
    directory.
    """
    drawn = dict(cost)
    if Quota.METHOD_READS in drawn and meters[Quota.METHOD_READS].standing.with_writes:
        drawn[Quota.METHOD_WRITES] = drawn[Quota.METHOD_READS]
    if Quota.METHOD_WRITES in cost and meters[Quota.METHOD_WRITES].standing.with_writes:
        drawn.update(dict.fromkeys(WRITE, cost[Quota.METHOD_WRITES]))
    return drawn
