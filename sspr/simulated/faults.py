"""Faults to order: which calls, how often, what goes wrong, before or after the write was carried out."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

RetryAfterForm = Literal["seconds", "fraction", "date", "absent"]
Effect = Literal["status", "reset", "stall", "truncate", "omit", "challenge"]

_WORD = re.compile(
    r"(?P<what>\d{3}|reset|stall|truncate|omit|challenge)(?P<after>:after)?"
    r"(?:@(?P<match>[^=]+))?=(?P<share>\d+(?:\.\d+)?)%"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule.

    ``match``: shell pattern on ``"METHOD /path"`` without the version, such as ``"PATCH /users/*"``,
    ``"POST /$batch"``, ``"POST */token"``. ``on``: "call" = a single request or one item of a batch, "request" =
    a whole HTTP request, be it a batch. ``nth``: hit these matching calls only (1-based); otherwise each with
    ``probability``, at most ``times`` times. ``effect``: answer ``status``; "reset" the TCP connection; "stall"
    = answer only after ``seconds``; "truncate" = half an answer, then the end of the connection; "omit" =
    leave the item out of the batch's answer; "challenge" = 401 with a claims challenge.
    ``after_write``: the call is carried out first. ``retry_after``: seconds, None = no such header.
    ``nested``: the error body stands twice inside itself, as seen from Graph.
    """

    match: str = "*"
    status: int = 503
    effect: Effect = "status"
    on: Literal["call", "request"] = "call"
    probability: float = 1.0
    nth: tuple[int, ...] = ()
    times: int | None = None
    after_write: bool = False
    retry_after: float | None = None
    retry_after_form: RetryAfterForm = "seconds"
    seconds: float = 60.0
    code: str | None = None
    message: str | None = None
    nested: bool = False

    @property
    def name(self) -> str:
        """What goes wrong, in one word: the status, or the effect."""
        return str(self.status) if self.effect == "status" else self.effect

    @classmethod
    def parse(cls, text: str) -> Fault:
        """``503=2%``, ``reset:after=1%``, ``429@PATCH /users/*=5%`` as a fault. Raises ValueError on others."""
        found = _WORD.fullmatch(text.strip())
        if found is None:
            raise ValueError(
                f"not a fault: {text!r}; write it as 503=2%, reset:after=1% or 429@PATCH /users/*=5%"
            )
        what, share = found["what"], float(found["share"]) / 100
        if share > 1:
            raise ValueError(f"not a fault: {text!r}; a share is at most 100%")
        options = {"match": found["match"] or "*", "probability": share, "after_write": bool(found["after"])}
        if what.isdigit():
            if not 400 <= int(what) <= 599:
                raise ValueError(f"not a fault: {text!r}; a status is 400 to 599")
            return cls(status=int(what), **options)  # type: ignore[arg-type]
        return cls(effect=what, **options)  # type: ignore[arg-type]


class FaultPlan:
    """The rules with their counters; chance is seeded per rule, so that one rule does not disturb another."""

    def __init__(self, rules: Iterable[Fault], seed: int) -> None:
        self._rules = [(rule, random.Random(f"{seed}:{n}"), _Count()) for n, rule in enumerate(rules)]

    def strike(self, on: Literal["call", "request"], name: str) -> Fault | None:
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
