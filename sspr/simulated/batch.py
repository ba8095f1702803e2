"""POST /$batch: what an envelope may hold, and in which order its items run.

learn.microsoft.com, "Combine multiple HTTP requests using JSON batching", and its known issues on dependsOn.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sspr.simulated.errors import GraphError, bad_request
from sspr.simulated.wire import NO_BODY, Answer

MAX_ITEMS = 20
_METHODS = {"GET", "POST", "PATCH", "PUT", "DELETE"}


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a batch. ``headers``: names in lower case; ``after``: id of the item it depends on."""

    id: str
    method: str
    url: str
    headers: dict[str, str]
    body: Any
    after: str | None


def _malformed() -> GraphError:
    return bad_request("Invalid batch payload format.", "BadRequest")


def read(body: Any) -> list[Item]:
    """The items of an envelope. Raises 400 for the whole of it on bad form, more than 20 items, an id that stands
    twice (case ignored), a write without Content-Type or body, and dependencies that Graph does not take.
    """
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise _malformed()
    if len(requests) > MAX_ITEMS:
        raise bad_request(
            f"Number of batch request steps exceeds the maximum value of {MAX_ITEMS}.", "BadRequest"
        )
    items = [_item(each) for each in requests]
    ids = [item.id.casefold() for item in items]
    if len(set(ids)) != len(ids):
        raise bad_request("Request ids of a batch must be unique.", "BadRequest")
    _check_dependencies(items)
    return items


def _item(each: Any) -> Item:
    if not isinstance(each, dict):
        raise _malformed()
    key, method, url, headers = each.get("id"), each.get("method"), each.get("url"), each.get("headers") or {}
    if not (
        isinstance(key, str)
        and key
        and isinstance(url, str)
        and url
        and isinstance(headers, dict)
        and isinstance(method, str)
        and method.upper() in _METHODS
    ):
        raise _malformed()
    if not all(isinstance(value, str) for value in headers.values()):
        raise _malformed()
    headers = {name.lower(): value for name, value in headers.items()}
    payload = each.get("body", NO_BODY)
    if method.upper() in ("POST", "PATCH", "PUT") and ("content-type" not in headers or payload is NO_BODY):
        raise bad_request(
            f"Write request id : {key} does not contain Content-Type header or body.", "BadRequest"
        )
    after = each.get("dependsOn") or []
    if not isinstance(after, list) or len(after) > 1 or not all(isinstance(one, str) for one in after):
        raise _malformed()
    return Item(key, method.upper(), url, headers, payload, after[0] if after else None)


def _check_dependencies(items: list[Item]) -> None:
    """Only: none at all, each on the one before, or all on one and the same."""
    wanted = [item.after for item in items]
    if not any(wanted):
        return
    serial = wanted[0] is None and wanted[1:] == [item.id for item in items[:-1]]
    parents = {after for after in wanted if after}
    same = len(parents) == 1 and all(item.after or item.id in parents for item in items)
    if not (serial or (same and parents <= {item.id for item in items if not item.after})):
        raise bad_request(
            "The dependsOn values of the batch are not supported: none, each on the previous request, or "
            "all on the same request.",
            "BadRequest",
        )


def run(
    items: list[Item],
    perform: Callable[[Item], Answer],
    refuse: Callable[[Item, GraphError], Answer],
    chance: random.Random,
) -> dict[str, Answer]:
    """Runs the items and gives their answers by id, in any order: Graph promises none, so a client may rely on none.
    Items without dependencies run in any order too, as if in parallel. What depends on a failed item gets 424.
    """
    if any(item.after for item in items):
        parents = {item.after for item in items}
        order = sorted(items, key=lambda item: item.id not in parents) if len(parents) == 2 else items
    else:
        order = chance.sample(items, len(items))
    answers: dict[str, Answer] = {}
    for item in order:
        parent = answers[item.after] if item.after else None
        if parent is None or 200 <= parent.status < 300:
            answers[item.id] = perform(item)
        else:
            answers[item.id] = refuse(
                item,
                GraphError(
                    424, "FailedDependency", f"The request {item.after}, on which this one depends, failed."
                ),
            )
    return dict(chance.sample(list(answers.items()), len(answers)))
