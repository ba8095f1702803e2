"""Faults to order: which calls, how often, what goes wrong, before or after the write was carried out."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Literal, cast

RetryAfterForm = Literal["seconds", "fraction", "date", "absent"]
Effect = Literal[
    "status", "reset", "stall", "truncate", "omit", "challenge", "expire", "revoke", "gone", "limited"
]
On = Literal["call", "request"]

_WORD = re.compile(
    r"(?P<what>\d{3}|reset|stall|truncate|omit|challenge|expire|revoke|gone|limited)"
    r"(?P<how>(?::(?:after|whole|nested|html|date|conflict|\d+(?:\.\d+)?s))*)"
    r"(?:@(?P<match>[^=]+))?=(?P<share>\d+(?:\.\d+)?)%"
)
_EXAMPLES = "503=2%, reset:after=1%, 429:7s=3% or 429@PATCH /users/*=5%"


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule.

    ``match``: shell pattern on ``"METHOD /path"`` without the version, such as ``"PATCH /users/*"``,
    ``"POST /$batch"``, ``"POST */token"``. ``on``: "call" = a single request or one item of a batch, "request" =
    a whole HTTP request, be it a batch. ``nth``: hit these matching calls only (1-based); otherwise each with
    ``probability``, at most ``times`` times.

    ``effect``: answer ``status``; "reset" the TCP connection; "stall" = answer only after ``seconds``; "truncate" =
    half an answer, then the end of the connection; "omit" = leave the item out of the batch's answer; "challenge" =
    401 with a claims challenge; "expire" and "revoke" = 401, and no token issued so far is good any more; "gone" =
    the connection is reset, and for ``seconds`` of the tenant's clock every new one is refused; "limited" = accounts
    are shown with their id only, as to an application that may not read them.

    ``after_write``: the call is carried out first. ``retry_after``: seconds, None = no such header; its form is
    ``retry_after_form``. ``details``: codes in the error's details. ``nested``: the error body stands twice inside
    itself, as seen from Graph. ``html``: the body is a gateway's page; with a status below 400 what was asked
    for never came. :meth:`parse` tells how a rule is written in a word.
    """

    match: str = "*"
    status: int = 503
    effect: Effect = "status"
    on: On = "call"
    probability: float = 1.0
    nth: tuple[int, ...] = ()
    times: int | None = None
    after_write: bool = False
    retry_after: float | None = None
    retry_after_form: RetryAfterForm = "seconds"
    seconds: float = 60.0
    code: str | None = None
    message: str | None = None
    details: tuple[str, ...] = ()
    nested: bool = False
    html: bool = False

    @property
    def name(self) -> str:
        """What goes wrong, in one word: the status, or the effect."""
        return str(self.status) if self.effect == "status" else self.effect

    @classmethod
    def parse(cls, text: str) -> Fault:
        """A fault from a word: ``WHAT[:HOW…][@MATCH]=SHARE%``. Raises ValueError on others.

        WHAT is a status or an effect. HOW: ``after`` = carried out first; ``whole`` = of whole requests, batches
        included; ``7s`` or ``0.25s`` = the Retry-After of a status, whole or as a fraction, and how long a stall or an
        absence lasts; ``date`` = Retry-After as an HTTP date; ``nested``, ``html`` = the form of the error's
        body; ``conflict`` = with the details of an ObjectConflict. So ``503=2%``, ``reset:after=1%``,
        ``429:whole:7s:date=1%``, ``502:html=1%``, ``409:conflict@PATCH /users/*=5%``, ``gone:60s=0.1%``.
        """
        found = _WORD.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"not a fault: {text!r}; write it as {_EXAMPLES}")
        share = float(found["share"]) / 100
        if share > 1:
            raise ValueError(f"not a fault: {text!r}; a share is at most 100%")
        fault = _how(cls(found["match"] or "*", probability=share), found["how"].split(":")[1:])
        what = found["what"]
        if not what.isdigit():
            return replace(fault, effect=cast(Effect, what))
        if not (400 <= int(what) <= 599 or (fault.html and what == "200")):
            raise ValueError(f"not a fault: {text!r}; a status is 400 to 599")
        return replace(fault, status=int(what))


def _how(fault: Fault, words: list[str]) -> Fault:
    """The fault with what the words of its word say."""
    for word in words:
        if word.endswith("s") and word[0].isdigit():
            form: RetryAfterForm = "fraction" if "." in word else "seconds"
            seconds = float(word[:-1])
            fault = replace(fault, seconds=seconds, retry_after=seconds, retry_after_form=form)
    changes: dict[str, dict[str, Any]] = {
        "after": {"after_write": True},
        "whole": {"on": "request"},
        "nested": {"nested": True},
        "html": {"html": True},
        "date": {"retry_after_form": "date"},
        "conflict": {"code": "Request_BadRequest", "details": ("ObjectConflict", "ConflictingObjects")},
    }
    for word in words:
        fault = replace(fault, **changes.get(word, {}))
    return fault


class FaultPlan:
    """The rules with their counters; chance is seeded per rule, so that one rule does not disturb another."""

    def __init__(self, rules: Iterable[Fault], seed: int) -> None:
        self._rules = [(rule, random.Random(f"{seed}:{n}"), _Count()) for n, rule in enumerate(rules)]

    def strike(self, on: On, name: str) -> Fault | None:
        """The first rule that hits this call (``name`` = ``"METHOD /path"``), counted; or None."""
        for rule, chance, count in self._rules:
            if rule.on != on or not fnmatchcase(name, rule.match):
                continue
            count.seen += 1
            if rule.times is not None and count.hit >= rule.times:
                continue
            if count.seen in rule.nth if rule.nth else chance.random() < rule.probability:
                count.hit += 1
                return rule
        return None


@dataclass(slots=True)
class _Count:
    seen: int = 0
    hit: int = 0
