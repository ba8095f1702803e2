"""What an application must be allowed, as data: the permissions of every command, and which of them are missing. Pure.

Sources: learn.microsoft.com, graph/permissions-reference; the "Permissions" of each operation's page; graph/api/
resources/users, "Who can perform sensitive actions", for the directory role.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sspr.model import ChangeKind, Target

# The least role that may change sensitive properties of every administrator, whatever role the administrator holds.
ROLE = "Privileged Authentication Administrator"

# Each: the permissions any one of which allows it, the least first.
READ_USERS = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
READ_ORGANIZATION = (
    "Organization.Read.All",
    "User.Read.All",
    "Organization.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
READ_METHODS = ("UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All")
READ_EMAIL_METHODS = (
    "UserAuthMethod-Email.Read.All",
    "UserAuthenticationMethod.Read.All",
    "UserAuthMethod-Email.ReadWrite.All",
    "UserAuthenticationMethod.ReadWrite.All",
)
READ_PHONE_METHODS = (
    "UserAuthMethod-Phone.Read.All",
    "UserAuthenticationMethod.Read.All",
    "UserAuthMethod-Phone.ReadWrite.All",
    "UserAuthenticationMethod.ReadWrite.All",
)
READ_POLICY = ("Policy.Read.All", "Policy.ReadWrite.Authorization")
WRITE_POLICY = ("Policy.ReadWrite.Authorization",)
WRITE_OTHER_MAILS = ("User-Mail.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
WRITE_MOBILE_PHONE = ("User-Phone.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
WRITE_EMAIL_METHOD = ("UserAuthMethod-Email.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All")
WRITE_PHONE_METHOD = ("UserAuthMethod-Phone.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All")
READ_ROLES = (
    "RoleManagement.Read.Directory",
    "Directory.Read.All",
    "RoleManagement.ReadWrite.Directory",
    "Directory.ReadWrite.All",
)
READ_ELIGIBLE = (
    "RoleEligibilitySchedule.Read.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleEligibilitySchedule.ReadWrite.Directory",
    "RoleManagement.ReadWrite.Directory",
)
READ_MEMBERS = (
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Directory.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.ReadWrite.All",
)
READ_REPORTS = ("AuditLog.Read.All",)

# App role ids of Graph's own service principal, the same in every tenant (graph/permissions-reference). Of the others
# the name finds the id in the tenant.
APP_ROLE_IDS = {
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    "Domain.Read.All": "dbb9058a-0e50-45d7-ae91-66909b5d4664",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
    "Policy.ReadWrite.Authorization": "fb221be6-99f2-473f-bd32-01c6a0e9ca3b",
    "RoleAssignmentSchedule.Read.Directory": "d5fe8ce8-684c-4c83-a52c-46e882ce4be1",
    "RoleEligibilitySchedule.Read.Directory": "ff278e11-4a33-4d0c-83d2-d01dc58929a5",
    "RoleManagement.Read.Directory": "483bed4a-2ad3-4361-a73b-c83ccdbdc53c",
    "User-Mail.ReadWrite.All": "280d0935-0796-47d1-8d26-273470a3f17a",
    "User-Phone.ReadWrite.All": "86ceff06-c822-49ff-989a-d912845ffe69",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
    "UserAuthenticationMethod.Read.All": "38d9df27-64da-44fd-b7c5-a6fbac20248f",
    "UserAuthenticationMethod.ReadWrite.All": "50483e42-d915-4231-9639-7fdb7fd190e5",
}


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a command does, and the permissions any one of which allows it (least first).

    `without`: what a command that goes on without it does not know; empty where it cannot do without.
    """

    what: str
    permissions: tuple[str, ...]
    without: str = ""

    def met_by(self, granted: Collection[str]) -> bool:
        """Whether one of the permissions was granted."""
        return not set(granted).isdisjoint(self.permissions)


@dataclass(frozen=True, slots=True)
class Lack:
    """A permission to grant: the least that would do, another that would do as well, and what it is for."""

    permission: str
    instead: str
    what: tuple[str, ...]

    def __str__(self) -> str:
        instead = f" (or {self.instead})" if self.instead else ""
        return f"{self.permission}{instead}, to {' and '.join(self.what)}"


_USERS = Need("read users", READ_USERS)
_ORGANIZATION = Need("read the organization and its domains", READ_ORGANIZATION)
_FLAG = Need("read the self-service flag", READ_POLICY)
_SET_FLAG = Need("change the self-service flag", WRITE_POLICY)
_EMAIL_METHOD = Need("register the email method", WRITE_EMAIL_METHOD)
_PHONE_METHOD = Need("register the mobile phone method", WRITE_PHONE_METHOD)
_CONTACT = (Need("change otherMails", WRITE_OTHER_MAILS), Need("change mobilePhone", WRITE_MOBILE_PHONE))
_READ_METHODS = (
    Need("read email methods", READ_EMAIL_METHODS),
    Need("read phone methods", READ_PHONE_METHODS),
)
_APP_METHODS = Need(
    "read all kinds of methods", READ_METHODS, "no authenticator app is seen: `ready` may be blank"
)
_WHO = (
    Need("read who holds a directory role", READ_ROLES, "nobody is warned of as not_an_administrator"),
    Need("read who is eligible for a role", READ_ELIGIBLE, "nobody is warned of as not_an_administrator"),
    Need("read the members of groups with a role", READ_MEMBERS, "the same, where a group holds a role"),
)
_REPORT = Need("read the registration report", READ_REPORTS, "when methods were registered is not known")
_UNKNOWN_FLAG = Need(_FLAG.what, READ_POLICY, "the flag is not known: `ready` may be blank")

WRITING = ("run", "apply", "resume", "undo")
COMMANDS = (
    "check",
    "plan",
    *WRITING,
    "feature status",
    "feature enable",
    "feature disable",
    "audit",
    "explain",
)


def needs(command: str, target: Target = Target.BOTH, *, enable_feature: bool = False) -> tuple[Need, ...]:
    """What a command does of which Graph wants to know whether it is allowed. `target` is of those that write rows."""
    if command == "check":
        return ()
    if command == "feature status":
        return (_FLAG,)
    if command.startswith("feature"):
        return (_FLAG, _SET_FLAG)
    if command in {"audit", "explain"}:
        must = (*_WHO[:1], *_READ_METHODS)
        return (_USERS, _ORGANIZATION, _FLAG, *(Need(need.what, need.permissions) for need in must),
                _APP_METHODS, *_WHO[1:], _REPORT)  # fmt: skip
    if command == "plan":
        return (
            _USERS,
            _ORGANIZATION,
            *(_READ_METHODS if target.methods else ()),
            _UNKNOWN_FLAG,
            _APP_METHODS,
            *_WHO,
        )
    return (
        _USERS,
        _ORGANIZATION,
        _FLAG,
        *((_SET_FLAG,) if enable_feature else ()),
        *(_CONTACT if target.contact else ()),
        *((_EMAIL_METHOD, _PHONE_METHOD) if target.methods else ()),
        _APP_METHODS,
        *_WHO,
    )


# What a run cannot do without, whatever its options.
NEEDS = tuple(need for need in needs("run", enable_feature=True) if not need.without)


def needed(command: str, target: Target = Target.BOTH, *, enable_feature: bool = False) -> tuple[Need, ...]:
    """Those of `needs` that the command cannot do without."""
    return tuple(need for need in needs(command, target, enable_feature=enable_feature) if not need.without)


def lacking(granted: Collection[str] | None, wanted: Iterable[Need]) -> tuple[Lack, ...]:
    """The permissions to grant, so that all of `wanted` is met; () where what was granted is not known.

    Each need by the least permission that allows it; where that of another need allows it too, by that one alone.
    """
    if granted is None:
        return ()
    unmet = [need for need in wanted if not need.met_by(granted)]
    by_permission: dict[str, list[Need]] = {}
    for need in unmet:
        least = need.permissions[0]
        wider = (other.permissions[0] for other in unmet if least not in other.permissions)
        chosen = next((permission for permission in wider if permission in need.permissions), least)
        by_permission.setdefault(chosen, []).append(need)
    return tuple(_lack(permission, group) for permission, group in by_permission.items())


def _lack(permission: str, group: list[Need]) -> Lack:
    others = (
        other
        for other in group[0].permissions
        if other != permission and all(other in need.permissions for need in group)
    )
    return Lack(permission, next(others, ""), tuple(need.what for need in group))


def alternatives(permissions: tuple[str, ...]) -> str:
    """The two that one would choose: the least, and the next."""
    return " or ".join(permissions[:2])


_EXPLAINED = {
    ChangeKind.CONTACT: (
        "change otherMails and mobilePhone",
        f"{WRITE_OTHER_MAILS[0]} and {WRITE_MOBILE_PHONE[0]} (or {WRITE_OTHER_MAILS[1]})",
    ),
    ChangeKind.EMAIL_METHOD: ("register an email method", alternatives(WRITE_EMAIL_METHOD)),
    ChangeKind.PHONE_METHOD: ("register a phone method", alternatives(WRITE_PHONE_METHOD)),
    ChangeKind.SMS_SIGN_IN: ("turn off SMS sign-in with the phone", alternatives(WRITE_PHONE_METHOD)),
}


def explain_403(kind: ChangeKind) -> str:
    """The sentence for a write that was answered 403: Graph says the same whether permission or role is missing."""
    what, permissions = _EXPLAINED[kind]
    return (
        f"To {what} of an administrator the application needs the permission {permissions} with admin consent, and "
        f"the directory role {ROLE} (a role assignment works after some minutes)."
    )
