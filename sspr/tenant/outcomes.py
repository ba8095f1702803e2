"""What an answer means, as a table over status and code. Pure.

Sources: learn.microsoft.com, graph/errors, graph/throttling, graph/best-practices-concept.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from sspr.tenant.batch import Reply
from sspr.tenant.parse import error_codes


class Outcome(Enum):
    """What is known of a request after an answer to it, or after none."""

    OK = auto()
    REFUSED = auto()  # the service read it and said no: saying it again changes nothing
    THROTTLED = auto()  # certainly not applied: too many requests
    BUSY = auto()  # certainly not applied: another change was in the way
    UNAUTHORIZED = auto()  # certainly not applied: the token is not valid (any more)
    UNREACHED = auto()  # certainly not applied: no connection
    BROKEN = auto()  # whether it was applied is not known


_MEANINGS = {
    401: Outcome.UNAUTHORIZED,
    429: Outcome.THROTTLED,
    # Neither of these two says whether the request was carried out before it was given up.
    408: Outcome.BROKEN,
    424: Outcome.BROKEN,
    # "A precondition provided in the request … does not match the resource's current state" (learn.microsoft.com,
    # graph/errors), and then it was not carried out (RFC 9110, 15.5.13). No request of ours has a condition, so it is
    # one of the service's own: the object changed under its hands, as with a 409 of a concurrent change.
    412: Outcome.BUSY,
}


def outcome(reply: Reply | None) -> Outcome:
    """The outcome that an answer tells; None is an item that is missing from an answer."""
    if reply is None:
        return Outcome.BROKEN
    status = reply.status
    if status == 200 and not isinstance(reply.body, Mapping):
        # Graph's 200 holds a JSON object, whatever was asked; what is none came from a gateway or a portal on the way.
        return Outcome.BROKEN
    if 200 <= status < 300:
        return Outcome.OK
    if status == 409 and "Directory_ConcurrencyViolation" in error_codes(reply.body):
        return Outcome.BUSY
    return _MEANINGS.get(status, Outcome.REFUSED if 400 <= status < 500 else Outcome.BROKEN)
