"""Requests → JSON batches, and answers back to their requests. Pure. Source: learn.microsoft.com, graph/json-batching.

At most 20 requests; ids unique; addresses relative to the version; `Content-Type` in the headers of an item that
has a body. Answers come in any order, each with a status and headers of its own; one may be missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

MAX_ITEMS = 20


@dataclass(frozen=True, slots=True)
class Request:
    """One request to Graph. `path` begins with `/`, follows the version and is percent-encoded."""

    method: str
    path: str = field(repr=False)  # a path may hold a userPrincipalName
    body: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, of an item or of a whole request. Header names are lower case; `body` is parsed JSON or None."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: object = field(default=None, repr=False)
    bearer: str = field(default="", repr=False)


def pack(requests: Sequence[Request]) -> dict[str, object]:
    """The body of a batch. The id of an item is its place, so that the answer finds its way back."""
    if len(requests) > MAX_ITEMS:
        raise ValueError(f"a batch takes {MAX_ITEMS} requests, not {len(requests)}")
    return {"requests": [_item(number, request) for number, request in enumerate(requests)]}


def _item(number: int, request: Request) -> dict[str, object]:
    item: dict[str, object] = {"id": str(number), "method": request.method, "url": request.path}
    if request.body is not None:
        item["headers"] = {"Content-Type": "application/json"}
        item["body"] = dict(request.body)
    return item


def unpack(body: object, count: int) -> list[Reply | None]:
    """The answers of a batch of `count` requests in the order of the requests; None where one is missing.

    An answer that was not asked for, or that has no status, is dropped. Of two with one id the first counts.
    """
    replies: list[Reply | None] = [None] * count
    for answer in _answers(body):
        number = str(answer.get("id", ""))
        status = answer.get("status")
        if not (number.isascii() and number.isdigit() and int(number) < count):
            continue
        if replies[int(number)] is None and isinstance(status, int) and not isinstance(status, bool):
            replies[int(number)] = Reply(status, lower(answer.get("headers")), answer.get("body"))
    return replies


def _answers(body: object) -> Iterator[Mapping[str, object]]:
    answers = body.get("responses") if isinstance(body, Mapping) else None
    if isinstance(answers, list):
        yield from (answer for answer in answers if isinstance(answer, Mapping))


def lower(headers: object) -> dict[str, str]:
    """Headers with names in lower case: their case varies inside batches. Anything else than an object: none."""
    if not isinstance(headers, Mapping):
        return {}
    return {str(name).lower(): str(value) for name, value in headers.items() if value is not None}


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """How many seconds `Retry-After` asks to wait, or None where it asks for no wait, or says nothing that can be read.

    Whole seconds, fractions (seen inside batches, rounded up) and HTTP dates (RFC 9110, 10.2.3). A date counts from
    the `Date` of the same answer, so that a clock that is wrong here does no harm; from `now`, seconds since the epoch,
    where the answer has none. A wait that is over already tells no more than none at all.
    """
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        until, told = _moment(text), _moment(headers.get("date", ""))
        seconds = math.nan if until is None else until - (now if told is None else told)
    return float(math.ceil(seconds)) if math.isfinite(seconds) and seconds > 0 else None


def _moment(date: str) -> float | None:
    """An HTTP date as seconds since the epoch; None for what is none."""
    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
