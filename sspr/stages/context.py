"""What every stage needs: the run, the tenant, the rules, the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sspr.contacts.codes import Policy
from sspr.contacts.sms import Texting
from sspr.ledger import RunLedger
from sspr.model import Finding, Organization, Roster, Target
from sspr.settings import Cloud
from sspr.tenant.errors import PermissionMissing, TenantRefused

if TYPE_CHECKING:
    from sspr.ledger.claims import Claims
    from sspr.stages.limits import Limits
    from sspr.tenant.graph import Tenant

# A comparison older than this, or of another process, is made anew before its row is written.
STALE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the person asked for, beside the files and the tenant. Kept with the run; holds no contact data.

    `approved`: a person saw this very plan and said yes, so that what has moved since is not written; `digest`: that of
    the plan which was approved, or which they are asked about in Prefect; `approver`: who said yes; `question`: the id
    of the open question in Prefect. `undoes`: the id of the run that this one puts back; `disable_feature`: that run
    turned the flag on.
    """

    default_country: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    profile: str | None = None
    check_domains: bool = False
    replace_methods: bool = False
    enable_feature: bool = False
    max_failures: str | None = None
    batch_size: int = 20
    approved: bool = False
    digest: str = ""
    approver: str = ""
    question: str = ""
    undoes: str = ""
    disable_feature: bool = False

    @property
    def feature(self) -> bool | None:
        """What the flag is to be made, if it is not so yet; None: it is only looked at."""
        return True if self.enable_feature else False if self.disable_feature else None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows `first` to `last`, both included; `number` of `of`, for people."""

    first: int
    last: int
    number: int
    of: int


@dataclass(slots=True)
class Sight:
    """What this process has seen of the tenant's replication. Seconds; moments since the epoch.

    `lag`: the greatest age at which an accepted write was not yet shown by a read.
    `horizon`: the latest moment of sending among the writes that a read has shown.
    """

    lag: float = 0.0
    horizon: float = 0.0


@dataclass(slots=True)
class Context:
    """One process's hands on one run. `progress(done, total, what)` is called as rows move on. `origin`: of an undo,
    the run that it puts back. `claims`: what the run claims among the administrators, so that no other writes to them;
    `wait`: called where another does, and returns after a pause; None: the run ends instead of waiting.
    """

    run: RunLedger
    tenant: Tenant
    target: Target
    options: Options
    policy: Policy
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    progress: Callable[[str, int, int], None]
    cancelled: threading.Event
    sight: Sight = field(default_factory=Sight)
    limits: Limits | None = None
    origin: RunLedger | None = None
    claims: Claims | None = None
    wait: Callable[[str], None] | None = None
    began: float = field(init=False)
    _organization: Organization | None = None
    _administrators: Roster | None = None
    _asked: bool = False

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def fresh_since(self) -> float:
        """Comparisons made before this moment are to be made anew."""
        return max(self.began, self.clock() - STALE_SECONDS)

    @property
    def organization(self) -> Organization:
        """The tenant itself, asked for once, and noted in the run how many methods it asks administrators for; without
        domains where it may not be read (they only serve a warning).
        """
        if self._organization is None:
            try:
                self._organization = self.tenant.organization()
            except (PermissionMissing, TenantRefused):
                self._organization = Organization("", "")
            self.run.update(gates=self._organization.gates)
        return self._organization

    @property
    def texting(self) -> Texting:
        """What decides whether text messages still reach a number, by now and in this tenant."""
        settings = self.tenant.settings
        today = datetime.fromtimestamp(self.clock(), UTC).date()
        return Texting(today, settings.cloud is Cloud.GLOBAL, settings.telephony_provider)

    @property
    def administrators(self) -> Roster | None:
        """The ids of the accounts that hold a directory role, asked for once; None where that may not be read."""
        if not self._asked:
            self._administrators = self.tenant.administrators()
            self._asked = True
        return self._administrators

    def split(self, findings: tuple[Finding, ...]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        """Findings that stop the row, and findings that only warn, by the policy in force."""
        return self.policy.split(findings, self.target)
