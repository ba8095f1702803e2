"""What an answer means, as a table over status and code. Pure.

Sources: learn.microsoft.com, graph/errors, graph/throttling, graph/best-practices-concept.
"""

from __future__ import annotations

from enum import Enum, auto

from sspr.tenant.batch import Reply
from sspr.tenant.parse import error_codes


class Outcome(Enum):
    """What is known of a request after an answer to it, or after none."""

    OK = auto()
    REFUSED = auto()  # the service read it and said no: saying it again changes nothing
    THROTTLED = auto()  # certainly not applied: too many requests
    BUSY = auto()  # certainly not applied: another change of the directory was in the way
    UNAUTHORIZED = auto()  # certainly not applied: the token is not valid (any more)
    UNREACHED = auto()  # certainly not applied: no connection
    BROKEN = auto()  # whether it was applied is not known


# 408 and 424 are here because neither says whether the request was carried out before it was given up.
_BROKEN = frozenset({408, 424})


def outcome(reply: Reply | None) -> Outcome:
    """The outcome that an answer tells; None is an item that is missing from an answer."""
    if reply is None:
        return Outcome.BROKEN
    status = reply.status
    if 200 <= status < 300:
        return Outcome.OK
    if status == 401:
        return Outcome.UNAUTHORIZED
    if status == 429:
        return Outcome.THROTTLED
    if status == 409 and "Directory_ConcurrencyViolation" in error_codes(reply.body):
        return Outcome.BUSY
    if status in _BROKEN or not 400 <= status < 500:
        return Outcome.BROKEN
    return Outcome.REFUSED
