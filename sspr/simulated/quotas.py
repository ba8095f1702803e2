"""Service limits: token buckets (or sliding windows) per application and tenant, and the headers that tell of them.

learn.microsoft.com, "Microsoft Graph service-specific throttling limits", identity and access service.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sspr.simulated.behaviour import Limit, Quotas
from sspr.simulated.errors import GraphError, plain, retry_after
from sspr.simulated.faults import RetryAfterForm
from sspr.simulated.routes import Route
from sspr.simulated.wire import Call

SHOWN_FROM = 0.8
HIGHEST_SHOWN = 1.8


class Meter:
    """One quota. ``take`` charges if there is room and otherwise says how many seconds until there is."""

    def __init__(self, limit: Limit, now: float, *, sliding: bool, count_refused: bool) -> None:
        self.limit, self._sliding, self._count_refused = limit, sliding, count_refused
        self._left, self._at = limit.amount, now
        self._window: deque[tuple[float, float]] = deque()
        self._spent = 0.0
        self.refused_until: tuple[float, float] | None = None
        """When the last refusal was given and until when it asked to wait."""

    def _advance(self, now: float) -> None:
        if self._sliding:
            while self._window and self._window[0][0] <= now - self.limit.seconds:
                self._spent -= self._window.popleft()[1]
            return
        refill = max(0.0, now - self._at) * self.limit.amount / self.limit.seconds
        self._left, self._at = min(self.limit.amount, self._left + refill), max(now, self._at)

    def wait(self, cost: float, now: float) -> float:
        """Seconds until ``cost`` fits; 0 = now."""
        self._advance(now)
        if not self._sliding:
            return max(0.0, cost - self._left) * self.limit.seconds / self.limit.amount
        over = self._spent + cost - self.limit.amount
        if over <= 0:
            return 0.0
        for at, amount in self._window:
            over -= amount
            if over <= 0:
                return at + self.limit.seconds - now
        return self.limit.seconds

    def take(self, cost: float, now: float) -> None:
        """Charges the cost."""
        self._advance(now)
        if self._sliding:
            self._window.append((now, cost))
            self._spent += cost
        else:
            self._left -= cost

    def refuse(self, cost: float, now: float) -> None:
        """Notes a refused call; it is charged too where refused calls count, at most down to one bucket of debt."""
        if self._count_refused and (self._sliding or self._left > -self.limit.amount):
            self.take(cost, now)

    def share(self, now: float) -> float:
        """How much of the limit is spent: 1.0 = all, more while in debt."""
        self._advance(now)
        spent = self._spent if self._sliding else self.limit.amount - self._left
        return spent / self.limit.amount


@dataclass(slots=True)
class Charge:
    """What a call costs: headers for its answer, the refusal if it was throttled, and whether it came before a
    Retry-After of the same quota had passed.
    """

    headers: dict[str, str] = field(default_factory=dict)
    refused: GraphError | None = None
    early: bool = False


class Throttle:
    """All quotas of the tenant. The application's own are kept by client id."""

    def __init__(self, quotas: Quotas | None, accounts: int) -> None:
        self._quotas, self._accounts = quotas, accounts
        self._form: RetryAfterForm = "seconds" if quotas is None else quotas.retry_after_form
        self._meters: dict[tuple[str, str], Meter] = {}

    def _limit(self, name: str) -> Limit | None:
        quotas = self._quotas
        if quotas is None:
            return None
        if name == "resource_units":
            if quotas.resource_units == "documented":
                small, middle = self._accounts < 50, self._accounts <= 500
                return Limit(3_500 if small else 5_000 if middle else 8_000, 10)
            return quotas.resource_units
        limits: dict[str, Limit | None] = {
            "writes": quotas.writes,
            "tenant_writes": quotas.tenant_writes,
            "methods": quotas.methods,
            "reports": quotas.reports,
        }
        return limits[name]

    def _meter(self, name: str, app: str, now: float) -> Meter | None:
        limit, quotas = self._limit(name), self._quotas
        if limit is None or quotas is None:
            return None
        key = (name, "" if name == "tenant_writes" else app)
        meter = self._meters.get(key)
        if meter is None:
            meter = self._meters[key] = Meter(
                limit, now, sliding=quotas.sliding, count_refused=quotas.count_refused
            )
        return meter

    def charge(self, route: Route, call: Call, tenant_id: str, now: float) -> Charge:
        """Charges a call to every quota it draws on, or refuses it and charges none."""
        app = call.caller.client_id
        if route.quota == "directory":
            units = route.cost(call)
            costs = {"resource_units": units, **({"writes": 1, "tenant_writes": 1} if route.writes else {})}
            charge = Charge({"x-ms-resource-unit": str(units)})
        else:
            costs, charge = {route.quota: 1}, Charge()
        drawn = [
            (name, meter, cost) for name, cost in costs.items() if (meter := self._meter(name, app, now))
        ]
        charge.early = any(
            meter.refused_until is not None and meter.refused_until[0] < call.arrived < meter.refused_until[1]
            for _, meter, _ in drawn
        )
        over = [(name, meter, meter.wait(cost, now), cost) for name, meter, cost in drawn]
        longest = max(over, key=lambda each: each[2], default=None)
        if longest is not None and longest[2] > 0:
            name, meter, wait, cost = longest
            meter.refuse(cost, now)
            return self._refuse(
                charge, name, meter, max(wait, meter.wait(cost, now)), app, tenant_id, route, now
            )
        for _, meter, cost in drawn:
            meter.take(cost, now)
        shares = [meter.share(now) for _, meter, _ in drawn]
        if shares and max(shares) >= SHOWN_FROM:
            charge.headers["x-ms-throttle-limit-percentage"] = f"{min(max(shares), HIGHEST_SHOWN):.2f}"
        return charge

    def _refuse(
        self,
        charge: Charge,
        name: str,
        meter: Meter,
        wait: float,
        app: str,
        tenant_id: str,
        route: Route,
        now: float,
    ) -> Charge:
        told = retry_after(wait, self._form, now)
        meter.refused_until = (now, now + wait) if told else None
        kind = "Write" if route.writes else "Read"
        reason = "ResourceUnitLimitExceeded" if name == "resource_units" else "WriteLimitExceeded"
        charge.headers |= {
            **told,
            "x-ms-throttle-limit-percentage": f"{min(max(meter.share(now), 1.0), HIGHEST_SHOWN):.2f}",
            "x-ms-throttle-scope": f"Tenant_Application/{kind}/{app}/{tenant_id}",
        }
        if route.quota == "directory":
            charge.headers["x-ms-throttle-information"] = reason
        charge.refused = plain(
            429,
            headers=charge.headers,
            inner={"code": "429", "message": "Please retry after", "status": "429"},
        )
        return charge
