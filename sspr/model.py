"""The values that the stages hand on: rows, contacts, accounts, changes. Frozen, typed, without I/O.

`repr` of each shows no contact data, so that a traceback or a log line cannot leak it. Those that are made for every
row of a file are structs: they are made in a third of the time that a dataclass takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

CANONICAL_COLUMNS = (
    "user_principal_name",
    "alternate_email",
    "mobile_phone",
    "country",
    "display_name",
    "employee_id",
    "note",
)
NEEDED_COLUMNS = CANONICAL_COLUMNS[:3]


class Target(StrEnum):
    """Which of the two places a run writes: the user's contact properties, the registered methods, or both."""

    BOTH = "both"
    CONTACT = "contact"
    METHODS = "methods"

    @property
    def contact(self) -> bool:
        """Whether `otherMails` and `mobilePhone` are written."""
        return self is not Target.METHODS

    @property
    def methods(self) -> bool:
        """Whether the email method and the mobile phone method are registered."""
        return self is not Target.CONTACT


class Status(StrEnum):
    """What the person reads of a row in `results.csv`."""

    UPDATED = "updated"
    UNCHANGED = "unchanged"
    PLANNED = "planned"
    VALID = "valid"
    REJECTED = "rejected"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Source:
    """One input file as it was read. `columns`: canonical column → index in `header`; `profile`: the name of the input
    template whose headers it has; `notes`: what a person should know of the reading, in sentences.
    """

    name: str
    sha256: str
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    columns: Mapping[str, int]
    notes: tuple[str, ...] = ()
    profile: str = ""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One data row as it came. `line`: 1-based physical line on which it starts.

    `cells` are the original cells under `Source.header` (as many as came, if the row is malformed);
    `fields` the canonical columns' texts; `malformed` says why the row does not fit its header.
    """

    line: int
    cells: tuple[str, ...]
    fields: Mapping[str, str]
    malformed: str | None = None

    def __repr__(self) -> str:
        return f"Row(line={self.line}, malformed={self.malformed!r})"


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason code said of a row, with a detail that holds no contact data (`line 14`, `GB`, a type)."""

    code: str
    detail: str = ""


class Contact(msgspec.Struct, frozen=True, gc=False):
    """What the row asks for, normalised. A value that was refused is the empty string; findings say why.

    `user_principal_name` as written, trimmed; `alternate_email` normalised; `mobile_phone` as
    `+CC national`: country code, one space, national number.
    """

    user_principal_name: str
    alternate_email: str = ""
    mobile_phone: str = ""
    findings: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        return f"Contact(findings={self.findings!r})"


class MethodKind(StrEnum):
    """The registered methods that the administrators' reset policy accepts."""

    EMAIL = "email"
    MOBILE_PHONE = "mobile_phone"
    AUTHENTICATOR_APP = "authenticator_app"


@dataclass(frozen=True, slots=True)
class Methods:
    """The registered authentication methods of an account. Empty string: none registered.

    `complete` is False where the application may only list some kinds, so that an
    authenticator app may exist unseen. `sms_sign_in`: the state of SMS sign-in with the mobile phone, in
    Microsoft's words (learn.microsoft.com, graph/api/resources/phoneauthenticationmethod).
    """

    email: str = field(repr=False, default="")
    email_id: str = ""
    mobile_phone: str = field(repr=False, default="")
    mobile_phone_id: str = ""
    authenticator_app: bool = False
    complete: bool = True
    sms_sign_in: str = ""

    @property
    def kinds(self) -> frozenset[MethodKind]:
        """The accepted kinds that are registered."""
        held = {
            MethodKind.EMAIL: bool(self.email),
            MethodKind.MOBILE_PHONE: bool(self.mobile_phone),
            MethodKind.AUTHENTICATOR_APP: self.authenticator_app,
        }
        return frozenset(kind for kind, is_held in held.items() if is_held)


@dataclass(frozen=True, slots=True)
class Account:
    """What the tenant holds of one user. `methods` is None where they were not, or could not be, read;
    `administrator` (any role) and `global_administrator` where it is not known who holds a role.
    """

    id: str
    user_principal_name: str = field(repr=False)
    mail: str = field(repr=False, default="")
    proxy_addresses: tuple[str, ...] = field(repr=False, default=())
    other_mails: tuple[str, ...] = field(repr=False, default=())
    mobile_phone: str = field(repr=False, default="")
    enabled: bool | None = None
    guest: bool = False
    synced: bool = False
    administrator: bool | None = None
    methods: Methods | None = field(repr=False, default=None)
    global_administrator: bool | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """The ids of the users that hold a directory role, and of those among them that hold Global Administrator."""

    administrators: frozenset[str]
    global_administrators: frozenset[str]


class ChangeKind(StrEnum):
    """The up to three writes of a row, and a fourth that puts back what the third brought about; sent in this order."""

    CONTACT = "contact"
    EMAIL_METHOD = "email_method"
    PHONE_METHOD = "phone_method"
    SMS_SIGN_IN = "sms_sign_in"


@dataclass(frozen=True, slots=True)
class Change:
    """One write, both sides of it. A value is a property's name → what it holds (None: nothing there).

    CONTACT: `otherMails` (list) and/or `mobilePhone` (str), only those that differ.
    EMAIL_METHOD: `emailAddress`. PHONE_METHOD: `phoneNumber`, before also `smsSignInState`. `method_id` is set
    where an existing method is replaced (PATCH), empty where it is registered anew (POST). SMS_SIGN_IN:
    `smsSignInState` of the mobile phone whose id is `method_id`, turned off again; planned only once a read has
    shown that registering the number turned it on.
    """

    kind: ChangeKind
    before: Mapping[str, object] = field(repr=False)
    after: Mapping[str, object] = field(repr=False)
    method_id: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """One change addressed to an account; `key` is the caller's own and comes back with the answer."""

    key: tuple[int, str]
    account_id: str
    change: Change


class Fate(StrEnum):
    """What is known of a write that was sent."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # sent, but whether the tenant applied it is not known: read before writing again
    NOT_SENT = "not_sent"  # certainly not applied (throttled to the end of our patience)


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as Graph told it: `message` masked; `request_id` is what Microsoft's support asks for."""

    status: int
    code: str
    message: str
    request_id: str = ""

    def __str__(self) -> str:
        where = f", request id {self.request_id}" if self.request_id else ""
        return f"HTTP {self.status} {self.code}: {self.message}{where}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one write."""

    key: tuple[int, str]
    fate: Fate
    fault: Fault | None = None


# The domains that Microsoft gives: contoso.onmicrosoft.com, in a hybrid organization contoso.mail.onmicrosoft.com.
INITIAL_DOMAIN = re.compile(r"\.(?:onmicrosoft\.(?:com|us|de)|partner\.onmschina\.cn)$")


@dataclass(frozen=True, slots=True)
class Organization:
    """The tenant itself: id, display name, its verified domains in lower case, and how many methods Microsoft asks
    its administrators for at a reset (None: not known).
    """

    id: str
    display_name: str
    domains: frozenset[str] = frozenset()
    gates: int | None = None


@dataclass(slots=True)
class Traffic:
    """What a run asked of Graph: HTTP requests, JSON batches, writes sent, items throttled, items sent again,
    seconds spent waiting for answers or for leave to send.
    """

    requests: int = 0
    batches: int = 0
    writes: int = 0
    throttled: int = 0
    retried: int = 0
    seconds: float = 0.0


class ResultRow(msgspec.Struct, frozen=True, gc=False):
    """One row of a run as a report shows it. `source`: index of its file; `ready`: `yes`, `no` or empty."""

    source: int
    line: int
    cells: tuple[str, ...]
    user_principal_name: str
    status: Status
    reasons: tuple[str, ...]
    message: str
    warnings: tuple[str, ...]
    alternate_email: str = ""
    mobile_phone: str = ""
    alternate_email_before: str = ""
    mobile_phone_before: str = ""
    email_method_before: str = ""
    phone_method_before: str = ""
    ready: str = ""

    def __repr__(self) -> str:
        return f"ResultRow(source={self.source}, line={self.line}, status={self.status.value!r})"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run as a report's head tells it. Times are ISO 8601 in UTC; `rows` per source, in order.

    `stopped_because` is the sentence why the run ended before its last row, empty where it did not. `gates`: see
    `Organization`. `undoes`: of an undo, the id of the run that it puts back.
    """

    run_id: str
    command: str
    tenant: str
    target: Target
    started_at: str
    finished_at: str
    exit_code: int
    sources: tuple[Source, ...]
    rows: tuple[int, ...]
    feature_before: bool | None
    feature_after: bool | None
    traffic: Traffic
    stopped_because: str = ""
    gates: int | None = None
    undoes: str = ""
