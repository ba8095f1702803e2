"""What quotas allow in the time that a run took for its writes."""

from __future__ import annotations

from collections.abc import Sequence

from sspr.tenant.pacing import LIMITS, Limit, Quota

# learn.microsoft.com, graph/throttling-limits, "Identity and access": 3,000 writes in 150 s per application and tenant.
DOCUMENTED = Limit(rate=20.0, burst=3_000.0)
OWN = {"contact": LIMITS[Quota.WRITES], "method": LIMITS[Quota.METHOD_WRITES]}


def span(times: Sequence[float]) -> float:
    """Seconds from the first to the last of these moments."""
    return max(times) - min(times)


def rate(times: Sequence[float]) -> float:
    """So many in a second, over the time from the first to the last."""
    return len(times) / span(times)


def allowed_rate(limit: Limit, seconds: float) -> float:
    """The most that a full bucket lets through in a second, over so many seconds."""
    return limit.at_most(seconds) / seconds
