"""What a tenant is made of: accounts, roles, groups, applications, the policy. Plain values, kept as JSON.

Everything but :class:`State` is frozen: a write replaces a value, so an older one can still be shown by a lagging
replica. Contact data and secrets never show in a ``repr``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from pydantic import ConfigDict, TypeAdapter

PhoneKind = Literal["mobile", "alternateMobile", "office"]
SmsSignIn = Literal[
    "notSupported", "notAllowedByPolicy", "notEnabled", "phoneNumberNotUnique", "ready", "notConfigured"
]
Cloud = Literal["global", "usgov", "usgov-dod", "china"]
License = Literal["free", "P1", "P2"]

GRAPH_HOSTS: dict[Cloud, str] = {
    "global": "graph.microsoft.com",
    "usgov": "graph.microsoft.us",
    "usgov-dod": "dod-graph.microsoft.us",
    "china": "microsoftgraph.chinacloudapi.cn",
}
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Phone:
    """A registered phone method. ``number`` is ``+{country code} {number}[x{extension}]``."""

    kind: PhoneKind
    number: str = field(repr=False)
    sms_sign_in: SmsSignIn = "notAllowedByPolicy"


@dataclass(frozen=True, slots=True)
class Account:
    """A user object with its registered authentication methods.

    ``synced``: True = mastered on premises now, False = formerly, None = never (onPremisesSyncEnabled).
    ``other_mails_locked``: this synced account refuses otherMails as well (Microsoft documents the lock for
    the phone properties only, so the default is open). ``authenticators``: names of devices with Microsoft
    Authenticator. ``restricted``: member of a restricted management administrative unit. ``sms_sign_in_allowed``: by
    the authentication methods policy the user may sign in by text message, so that registering a mobile number also
    tries to make it a sign-in name.
    """

    id: str
    upn: str
    display_name: str | None = None
    given_name: str | None = None
    surname: str | None = None
    mail: str | None = field(default=None, repr=False)
    mobile_phone: str | None = field(default=None, repr=False)
    other_mails: tuple[str, ...] = field(default=(), repr=False)
    business_phones: tuple[str, ...] = field(default=(), repr=False)
    proxy_addresses: tuple[str, ...] = field(default=(), repr=False)
    usage_location: str | None = None
    job_title: str | None = None
    office_location: str | None = None
    preferred_language: str | None = None
    department: str | None = None
    employee_id: str | None = None
    created: str = "2024-01-15T08:00:00Z"
    enabled: bool = True
    guest: bool = False
    synced: bool | None = None
    other_mails_locked: bool = False
    restricted: bool = False
    phones: tuple[Phone, ...] = field(default=(), repr=False)
    email_method: str | None = field(default=None, repr=False)
    authenticators: tuple[str, ...] = ()
    sms_sign_in_allowed: bool = False

    def phone(self, kind: PhoneKind) -> Phone | None:
        """The registered phone method of that type, or None."""
        return next((phone for phone in self.phones if phone.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Group:
    """A group; ``members`` are ids of accounts and of other groups."""

    id: str
    display_name: str
    members: tuple[str, ...] = ()
    role_assignable: bool = True


@dataclass(frozen=True, slots=True)
class CustomRole:
    """A role that the tenant defined itself, beside the built-in ones."""

    id: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """An active role assignment. ``principal_id``: an account, a group or an application's service principal."""

    id: str
    principal_id: str
    role_id: str
    scope: str = "/"


@dataclass(frozen=True, slots=True)
class Eligibility:
    """A role that Privileged Identity Management lets the principal activate; not active by itself."""

    id: str
    principal_id: str
    role_id: str
    scope: str = "/"


@dataclass(frozen=True, slots=True)
class Federated:
    """A federated credential of an app registration: tokens of ``issuer`` about ``subject`` prove the application.

    ``key``: the issuer's public key, PEM; the real service fetches it from the issuer.
    """

    issuer: str
    subject: str
    key: str
    audience: str = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True)
class App:
    """An app registration with its service principal.

    ``permissions``: application permissions of Graph with admin consent, by name. ``directory_roles``: role
    ids assigned to the service principal at tenant scope. ``certificates``: registered ones, PEM.
    ``disabled``: sign-in answers AADSTS7000112. ``public_client``: people may sign in to it by a device code;
    ``delegated``: the permissions that they have there. ``managed``: it is a managed identity.
    """

    client_id: str
    object_id: str
    display_name: str = "sspr"
    secrets: tuple[str, ...] = field(default=(), repr=False)
    expired_secrets: tuple[str, ...] = field(default=(), repr=False)
    certificates: tuple[str, ...] = field(default=(), repr=False)
    permissions: tuple[str, ...] = ()
    directory_roles: tuple[str, ...] = ()
    disabled: bool = False
    federated: tuple[Federated, ...] = ()
    public_client: bool = False
    delegated: tuple[str, ...] = ()
    managed: Literal["", "system", "user"] = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """A verified domain of the tenant."""

    name: str
    is_default: bool = False
    is_initial: bool = False
    federated: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The authorization policy; ``sspr`` is allowedToUseSSPR, the tenant-wide flag for administrators."""

    sspr: bool = True


@dataclass
class State:
    """A whole tenant. Change accounts through :meth:`put`; ``absent`` are UPNs that must stay unknown."""

    __pydantic_config__ = _STRICT

    tenant_id: str
    display_name: str
    domains: tuple[Domain, ...]
    apps: tuple[App, ...]
    accounts: dict[str, Account] = field(default_factory=dict, repr=False)
    groups: tuple[Group, ...] = ()
    assignments: tuple[Assignment, ...] = field(default=(), repr=False)
    eligibilities: tuple[Eligibility, ...] = field(default=(), repr=False)
    custom_roles: tuple[CustomRole, ...] = ()
    policy: Policy = Policy()
    cloud: Cloud = "global"
    license: License = "P2"
    synced_from_on_premises: bool = False
    absent: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.absent = frozenset(upn.casefold() for upn in self.absent)
        self._by_upn = {account.upn.casefold(): account.id for account in self.accounts.values()}
        self._indexed: tuple[Assignment, ...] = ()
        self._roles: dict[str, set[str]] = {}

    def account(self, key: str) -> Account | None:
        """The account with this id or user principal name (case ignored), or None."""
        return self.accounts.get(key) or self.accounts.get(self._by_upn.get(key.casefold(), ""))

    def id_of(self, upn: str) -> str | None:
        """The id of the account with this user principal name (case ignored), or None."""
        return self._by_upn.get(upn.casefold())

    def put(self, account: Account) -> None:
        """Adds the account or takes the place of the one with the same id."""
        before = self.accounts.get(account.id)
        if before is not None and before.upn != account.upn:
            del self._by_upn[before.upn.casefold()]
        self.accounts[account.id] = account
        self._by_upn[account.upn.casefold()] = account.id

    def app(self, client_id: str) -> App | None:
        """The app registration with this client id, or None."""
        return next((app for app in self.apps if app.client_id.casefold() == client_id.casefold()), None)

    def group(self, group_id: str) -> Group | None:
        """The group with this id, or None."""
        return next((group for group in self.groups if group.id == group_id), None)

    def groups_of(self, member: str) -> set[str]:
        """Ids of the groups that hold this member, directly or through another group."""
        found: set[str] = set()
        fresh = {member}
        while fresh:
            fresh = {group.id for group in self.groups if not fresh.isdisjoint(group.members)} - found
            found |= fresh
        return found

    def roles_of(self, principal: str) -> frozenset[str]:
        """Ids of the active roles of a principal at any scope, those of its groups included."""
        if self._indexed is not self.assignments:
            self._indexed, self._roles = self.assignments, {}
            for assignment in self.assignments:
                self._roles.setdefault(assignment.principal_id, set()).add(assignment.role_id)
        holders = {principal, *self.groups_of(principal)}
        return frozenset(role for holder in holders for role in self._roles.get(holder, ()))

    def members_of(self, group: Group, *, nested: bool) -> Iterator[str]:
        """Ids of the members of a group, each once; with ``nested`` also those of the groups inside it."""
        seen, queue = {group.id}, list(group.members)
        while queue:
            member = queue.pop(0)
            if member in seen:
                continue
            seen.add(member)
            yield member
            inner = self.group(member) if nested else None
            queue.extend(inner.members if inner else ())

    def to_json(self) -> bytes:
        """The whole tenant as JSON, secrets and contact data included: keep it in a file of mode 0600."""
        return STATE.dump_json(self)

    @classmethod
    def from_json(cls, text: bytes | str) -> State:
        """The inverse of :meth:`to_json`. Raises pydantic's ValidationError (a ValueError) on anything else."""
        return STATE.validate_json(text)


STATE = TypeAdapter(State)
ACCOUNT = TypeAdapter(Account)
