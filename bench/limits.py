"""What quotas allow in the time that a run took for its writes."""

from __future__ import annotations

from collections.abc import Sequence

from sspr.tenant.quota import Published, Unpublished
from sspr.tenant.quotas import LIMITS, Quota

# learn.microsoft.com, graph/throttling-limits, "Identity and access", per application and tenant. Nothing is published
# for authentication methods, so that their rate is told without a reference.
DOCUMENTED: dict[str, Published | Unpublished] = {
    "contact": LIMITS[Quota.WRITES],
    "method": LIMITS[Quota.METHOD_WRITES],
}


def span(times: Sequence[float]) -> float:
    """Seconds from the first to the last of these moments."""
    return max(times) - min(times)


def rate(times: Sequence[float]) -> float:
    """So many in a second, over the time from the first to the last."""
    return len(times) / span(times)


def allowed_rate(limit: Published, seconds: float) -> float:
    """The most that a full bucket lets through in a second, over so many seconds."""
    return limit.at_most(seconds) / seconds
