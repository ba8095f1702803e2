"""The knobs: how the tenant behaves, apart from what it holds. One frozen value; change it by ``replace``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sspr.simulated.faults import Fault, RetryAfterForm


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from a request's arrival to its answer: uniform in ``mean`` ± ``jitter``, never below 0."""

    mean: float = 0.0
    jitter: float = 0.0


@dataclass(frozen=True, slots=True)
class Limit:
    """``amount`` units in ``seconds``: the bucket's size, and (divided) its refill; or the window's."""

    amount: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Quotas:
    """Service limits; None switches one off. Defaults: learn.microsoft.com, "Microsoft Graph service-specific
    throttling limits" (identity and access): a token bucket per application and tenant.

    ``resource_units``: None = off, "documented" = 3,500, 5,000 or 8,000 in 10 s by the number of accounts.
    ``methods``: limit of authentication method calls. Microsoft publishes none, so None by default.
    ``sliding``: count a sliding window instead of a token bucket. ``count_refused``: refused requests are
    charged as well ("all requests accrue against your usage limits").
    ``retry_after_form``: how the wait is told; "absent" leaves the header out.
    """

    writes: Limit | None = Limit(3_000, 150)
    tenant_writes: Limit | None = Limit(18_000, 300)
    resource_units: Limit | Literal["documented"] | None = "documented"
    methods: Limit | None = None
    reports: Limit | None = Limit(5, 10)
    sliding: bool = False
    count_refused: bool = False
    retry_after_form: RetryAfterForm = "seconds"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the tenant answers.

    ``seed`` of all chance (latency, order of batch answers, faults, token lifetimes). ``quotas`` None = no
    throttling. ``read_lag``: seconds for which reads of users, methods and the policy still show what was
    before a write, each with the chance ``stale_share``: below 1 as if replicas disagreed. ``limited``: ids of
    accounts of which reads show the id only, as of what an application may not see; "*" = of all.
    ``token_lifetime``: seconds; None = 60 to 90 minutes as Entra ID does. ``page_size``:
    items per page where $top is absent. ``empty_pages``: put an empty page with a nextLink before each paged
    answer, which Graph may do. ``methods_need_role``: writing an administrator's methods also needs
    a directory role (not documented for applications, so off). ``report_lag``: seconds by which
    userRegistrationDetails may be behind.
    """

    seed: int = 0
    latency: Latency = Latency()
    quotas: Quotas | None = Quotas()
    read_lag: float = 0.0
    stale_share: float = 1.0
    limited: frozenset[str] = frozenset()
    faults: tuple[Fault, ...] = ()
    token_lifetime: int | None = None
    page_size: int = 100
    empty_pages: bool = False
    methods_need_role: bool = False
    report_lag: float = 3_600.0
