"""What passes between the routes and the areas behind them: a call and its answer, free of HTTP's machinery."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from sspr.simulated.errors import GraphError, Json, bad_request, not_simulated
from sspr.simulated.faults import Effect, Fault

NO_BODY: Final = object()
_KEYED = re.compile(r"(?P<name>[\w.$]+)\((?P<key>[^()]*)\)")
_OPTIONS = {"select", "filter", "expand", "orderby", "top", "skip", "search", "count", "skiptoken", "format"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds a token: claims that decide what it may do. ``expires``: epoch seconds."""

    client_id: str
    object_id: str
    permissions: frozenset[str]
    directory_roles: frozenset[str]
    expires: float
    accepts_challenges: bool = False

    def may(self, *permissions: str) -> bool:
        """Whether one of these permissions was granted when the token was issued."""
        return not self.permissions.isdisjoint(permissions)


@dataclass(slots=True)
class Call:
    """One request to Graph, alone or an item of a batch. ``path``: raw, without the version, leading slash.
    ``root``: ``https://host:port/v1.0``. ``headers``: names in lower case.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any
    caller: Caller
    root: str
    request_id: str
    client_request_id: str
    arrived: float
    params: dict[str, str] = field(default_factory=dict)
    # Notes for the journal: the account concerned, the fault that struck, whether a Retry-After had not passed yet.
    account: str | None = None
    fault: Fault | None = None
    early: bool = False
    # Ids of accounts that this call may see the id of only; "*" = of all.
    limited: frozenset[str] = frozenset()
    _options: dict[str, str] | None = None

    @property
    def options(self) -> dict[str, str]:
        """Query options by lower-case name without ``$`` (v1.0 takes them with or without it)."""
        if self._options is None:
            self._options = {}
            for name, value in parse_qsl(self.query, keep_blank_values=True):
                plain = name.removeprefix("$").lower()
                if plain not in _OPTIONS:
                    if name.startswith("$"):
                        raise bad_request(f"The query parameter '{name}' is not supported.", "BadRequest")
                    continue
                if plain in self._options:
                    raise bad_request(
                        f"Query option '{name}' was specified more than once, but it must be "
                        "specified at most once.",
                        "BadRequest",
                    )
                self._options[plain] = value
        return self._options

    @property
    def advanced(self) -> bool:
        """Whether the two switches of an advanced directory query are both set."""
        return (
            self.headers.get("consistencylevel", "").lower() == "eventual"
            and self.options.get("count", "").lower() == "true"
        )

    def only(self, *names: str) -> None:
        """Refuses query options that this endpoint is not simulated with."""
        for name in self.options:
            if name not in names:
                raise not_simulated(f"${name} on {self.path}")

    def json_object(self) -> Json:
        """The body as a JSON object. Raises 400 where there is none or it is something else."""
        if self.body is NO_BODY:
            raise bad_request("Empty Payload. JSON content expected.", "BadRequest")
        if not isinstance(self.body, dict):
            raise bad_request(
                "An unexpected node was found when reading from the JSON reader. A 'StartObject' node "
                "was expected.",
                "BadRequest",
            )
        return self.body


@dataclass(slots=True)
class Answer:
    """Status, JSON body (None = no body) and headers of an answer. ``effect``: what befalls it on the way; ``html``:
    the body is a page and no JSON.
    """

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    effect: Effect = "status"
    stall: float = 0.0
    applied: bool = False
    html: bool = False

    @classmethod
    def refusal(cls, error: GraphError, now: float, request_id: str, client_request_id: str) -> Answer:
        """The answer that carries an error."""
        return cls(error.status, error.body(now, request_id, client_request_id), dict(error.headers))


def segments(path: str) -> list[str]:
    """The path's segments, decoded; ``users('x')`` becomes two, ``users`` and ``x`` (a doubled quote is one);
    a named key such as ``servicePrincipals(appId='x')`` becomes ``servicePrincipals`` and ``appId=x``.
    """
    parts: list[str] = []
    for raw in path.strip("/").split("/"):
        part = unquote(raw)
        keyed = _KEYED.fullmatch(part)
        if keyed is None:
            parts.append(part)
            continue
        name, quote, value = keyed["key"].partition("=")
        if not quote or name.startswith("'"):
            name, value = "", keyed["key"]
        parts += [keyed["name"], (f"{name}=" if name else "") + _unquoted(value)]
    return parts


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    return value
