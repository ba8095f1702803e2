"""Query options on collections and entities: $select, $filter, $top, $orderby, $count and pages with nextLink."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from sspr.simulated import filters
from sspr.simulated.errors import Json, bad_request, not_simulated, unsupported_query
from sspr.simulated.wire import Call

T = TypeVar("T")
MAX_TOP = 999
MAX_ADVANCED_URL = 2_048


def selected(call: Call, known: Iterable[str], kind: str, beyond: Collection[str] = ()) -> list[str] | None:
    """The properties that $select names, None where it is absent. Raises 400 on one that ``kind`` does not have, and
    501 on one that only Graph has (``beyond``).
    """
    text = call.options.get("select")
    if text is None:
        return None
    by_name = {name.lower(): name for name in known}
    names: list[str] = []
    for word in text.split(","):
        name = by_name.get(word.strip().lower())
        if word.strip() in beyond:
            raise not_simulated(f"the property {word.strip()}")
        if name is None:
            raise bad_request(
                f"Parsing OData Select and Expand failed: Could not find a property named "
                f"'{word.strip()}' on type 'microsoft.graph.{kind}'.",
                "BadRequest",
            )
        names.append(name)
    return names


def pick(item: Json, names: Sequence[str] | None) -> Json:
    """The item cut to these properties (annotations stay), whole where ``names`` is None."""
    if names is None:
        return item
    return {key: value for key, value in item.items() if key in names or key.startswith("@")}


def read_filter(
    call: Call, properties: Mapping[str, filters.Property], resource: str, beyond: Collection[str] = ()
) -> filters.Filter | None:
    """The call's $filter, None where it is absent. An advanced query's URL may have 2,048 characters. Raises 501 on
    properties that Graph may filter by and this tenant does not (``beyond``).
    """
    text = call.options.get("filter")
    if text is None:
        return None
    if call.advanced and len(call.root) + len(call.path) + len(call.query) + 1 > MAX_ADVANCED_URL:
        raise unsupported_query(f"The URL of an advanced query is longer than {MAX_ADVANCED_URL} characters.")
    return filters.parse(text, properties, resource, advanced=call.advanced, beyond=beyond)


def page(
    call: Call,
    items: Sequence[Any],
    *,
    context: str,
    size: int,
    empty_first: bool = False,
    names: Sequence[str] | None = None,
    shape: Callable[[Any], Json] | None = None,
) -> Json:
    """One page of the filtered ``items`` as a collection, with a nextLink where more follow. ``shape`` makes the JSON
    of an item, for those of the page only: a directory has twenty thousand and a page a hundred.

    The skip token is opaque and bound to the rest of the query: changed or used with another query it is refused.
    """
    top = _top(call)
    start, first = 0, True
    if "skiptoken" in call.options:
        start, first = _start(call), False
    if call.options.get("search"):
        if call.headers.get("consistencylevel", "").lower() == "eventual":
            raise not_simulated("$search")
        raise bad_request(
            "Request with $search query parameter only works through MSGraph with a special request "
            "header: 'ConsistencyLevel: eventual'"
        )
    if "skip" in call.options:
        raise bad_request("'$skip' is not supported by the service.")
    body: Json = {"@odata.context": f"{call.root}/$metadata#{context}{_columns(names)}"}
    if first and call.advanced:
        body["@odata.count"] = len(items)
    stop = start if first and empty_first and items else start + (top or size)
    if stop < len(items):
        body["@odata.nextLink"] = _next_link(call, stop)
    shown = items[start:stop] if shape is None else map(shape, items[start:stop])
    body["value"] = [pick(item, names) for item in shown]
    return body


def whole(call: Call, items: Iterable[Json], *, context: str, names: Sequence[str] | None = None) -> Json:
    """A collection that Graph never pages."""
    return {
        "@odata.context": f"{call.root}/$metadata#{context}{_columns(names)}",
        "value": [pick(item, names) for item in items],
    }


def entity(call: Call, item: Json, *, context: str, names: Sequence[str] | None = None) -> Json:
    """One object with its context."""
    return {
        "@odata.context": f"{call.root}/$metadata#{context}{_columns(names)}/$entity",
        **pick(item, names),
    }


def ordered(
    call: Call, items: list[T], allowed: Iterable[str], view: Callable[[T], Mapping[str, Any]]
) -> list[T]:
    """The items in the order that $orderby asks, by what ``view`` shows. With a $filter that is an advanced query."""
    text = call.options.get("orderby")
    if text is None:
        return items
    name, _, direction = text.strip().partition(" ")
    if name not in allowed or direction.strip() not in ("", "asc", "desc"):
        raise unsupported_query("Sort not supported for current query.")
    if "filter" in call.options and not call.advanced:
        raise unsupported_query("Sorting not supported for current query.")
    return sorted(
        items,
        key=lambda item: str(view(item).get(name) or "").casefold(),
        reverse=direction.strip() == "desc",
    )


def _columns(names: Sequence[str] | None) -> str:
    return f"({','.join(names)})" if names else ""


def _top(call: Call) -> int | None:
    text = call.options.get("top")
    if text is None:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= MAX_TOP:
        raise bad_request(
            f"Invalid page size specified: '{text}'. Must be between 1 and {MAX_TOP} inclusive."
        )
    return int(text)


def _bound(call: Call) -> str:
    rest = sorted((name, value) for name, value in call.options.items() if name != "skiptoken")
    return hashlib.sha256(f"{unquote(call.path)}{rest}".encode()).hexdigest()[:16]


def _next_link(call: Call, start: int) -> str:
    token = base64.urlsafe_b64encode(f"{start}:{_bound(call)}".encode()).decode().rstrip("=")
    rest = [f"${name}={quote(value, safe='')}" for name, value in call.options.items() if name != "skiptoken"]
    return f"{call.root}{call.path}?{'&'.join([*rest, f'$skiptoken={token}'])}"


def _start(call: Call) -> int:
    token = call.options["skiptoken"]
    try:
        start, _, bound = (
            base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii").partition(":")
        )
        at = int(start)
    except ValueError:
        at, bound = 0, ""
    if bound != _bound(call):
        raise bad_request("Skip token is invalid.", "Directory_ExpiredPageToken")
    return at


def null_like(names: Iterable[str], collections: Iterable[str]) -> dict[str, Any]:
    """Null for each property, [] for the collections: how Graph shows what an object does not hold."""
    many = set(collections)
    return {name: [] if name in many else None for name in names}
