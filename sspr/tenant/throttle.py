"""What the answers of one exchange tell of the quotas: which refused, for how long, how much of them is spent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sspr.tenant.batch import Reply
from sspr.tenant.outcomes import Outcome
from sspr.tenant.pacing import Leave, Pacer
from sspr.tenant.quotas import Cost, Quota

# learn.microsoft.com, graph/throttling-limits: `x-ms-throttle-information` says which limit was exceeded, and
# `x-ms-throttle-scope` begins with whose it is.
_INFORMATION = {"WriteLimitExceeded": Quota.WRITES, "ResourceUnitLimitExceeded": Quota.UNITS}
_WRITES_OF = {"Tenant": Quota.TENANT_WRITES, "Application": Quota.APPLICATION_WRITES}
# What certainly drew on nothing: it was refused before, or never arrived.
_DREW_NOTHING = frozenset({Outcome.THROTTLED, Outcome.UNREACHED, Outcome.UNAUTHORIZED})


def total(costs: Iterable[Cost]) -> Counter[Quota]:
    """What several requests cost together."""
    together: Counter[Quota] = Counter()
    for cost in costs:
        together.update(cost)
    return together


def refused_quotas(cost: Cost, reply: Reply) -> frozenset[Quota]:
    """The quotas that a refusal for throttling is about: the one that it names, else all that the request draws on.

    A write of a method that is refused as one of the directory draws on that quota, although nobody documents it.
    """
    named = _INFORMATION.get(reply.headers.get("x-ms-throttle-information", ""))
    if named is Quota.WRITES:
        named = _WRITES_OF.get(reply.headers.get("x-ms-throttle-scope", "").partition("/")[0], Quota.WRITES)
    if named is not None and (named in cost or (named is Quota.WRITES and Quota.METHOD_WRITES in cost)):
        return frozenset({named})
    return frozenset(cost)


def share_spent(reply: Reply | None) -> float | None:
    """`x-ms-throttle-limit-percentage`: the share of the limit that is spent, told from 0.8 on; 1.0 is all of it."""
    try:
        share = float(reply.headers.get("x-ms-throttle-limit-percentage", "")) if reply else math.nan
    except ValueError:
        return None
    return share if 0 < share < math.inf else None


@dataclass(slots=True)
class _Refusal:
    cost: Counter[Quota] = field(default_factory=Counter)
    asked: float | None = None
    wait: float = 0.0


class Tally:
    """Gathers what the items of one exchange say, and tells the pacer once."""

    def __init__(self) -> None:
        self._refusals: dict[frozenset[Quota], _Refusal] = {}
        self._holds: dict[frozenset[Quota], float] = {}
        self._drew: list[Cost] = []
        self._shares: list[float] = []

    def answered(self, cost: Cost, meaning: Outcome, reply: Reply | None) -> None:
        """An item of this cost came to this."""
        if meaning in _DREW_NOTHING:
            return
        self._drew.append(cost)
        share = share_spent(reply)
        if share is not None:
            self._shares.append(share)

    def throttled(self, cost: Cost, reply: Reply, asked: float | None, wait: float) -> None:
        """An item was refused for throttling. `asked`: seconds that it says, `wait`: seconds that it waits."""
        quotas = refused_quotas(cost, reply)
        refusal = self._refusals.setdefault(quotas, _Refusal())
        refusal.cost.update({quota: cost.get(quota, 1) for quota in quotas})
        refusal.asked = max(asked or 0.0, refusal.asked or 0.0) if asked is not None else refusal.asked
        refusal.wait = max(wait, refusal.wait)

    def unavailable(self, cost: Cost, wait: float) -> None:
        """An item was answered 503 with a wait: no limit, but nothing of the kind goes meanwhile."""
        quotas = frozenset(cost)
        self._holds[quotas] = max(wait, self._holds.get(quotas, 0.0))

    def tell(self, pacer: Pacer, leave: Leave) -> None:
        """What was let through, what was refused and what is held back."""
        for refusal in self._refusals.values():
            why = "Microsoft Graph answered HTTP 429 and asks to wait"
            pacer.refused(leave, refusal.cost, refusal.asked, refusal.wait, why)
        for quotas, wait in self._holds.items():
            pacer.hold(quotas, wait, "Microsoft Graph answered HTTP 503 and asks to wait")
        spent = 1.0 if self._refusals else max(self._shares, default=None)
        pacer.passed(leave, total(self._drew), spent)
