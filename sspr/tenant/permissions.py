"""What the application must be allowed, as data, and the words for it when it is not.

Sources: learn.microsoft.com, graph/permissions-reference; the "Permissions" of each operation's page; graph/api/
resources/users, "Who can perform sensitive actions", for the directory role.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sspr.model import ChangeKind, Target

# The least role that may change sensitive properties of every administrator, whatever role the administrator holds.
ROLE = "Privileged Authentication Administrator"

READ_USERS = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
READ_ORGANIZATION = (
    "Organization.Read.All",
    "User.Read.All",
    "Organization.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
READ_METHODS = ("UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All")
READ_EMAIL_METHODS = ("UserAuthMethod-Email.Read.All", "UserAuthMethod-Email.ReadWrite.All", *READ_METHODS)
READ_PHONE_METHODS = ("UserAuthMethod-Phone.Read.All", "UserAuthMethod-Phone.ReadWrite.All", *READ_METHODS)
READ_POLICY = ("Policy.Read.All", "Policy.ReadWrite.Authorization")
WRITE_POLICY = ("Policy.ReadWrite.Authorization",)
WRITE_OTHER_MAILS = ("User-Mail.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
WRITE_MOBILE_PHONE = ("User-Phone.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
WRITE_EMAIL_METHOD = ("UserAuthMethod-Email.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All")
WRITE_PHONE_METHOD = ("UserAuthMethod-Phone.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All")


@dataclass(frozen=True, slots=True)
class Need:
    """One thing a run does, the permissions any one of which allows it (least first), and when a run does it."""

    what: str
    permissions: tuple[str, ...]
    when: Callable[[Target, bool], bool]


def _always(target: Target, enable_feature: bool) -> bool:
    del target, enable_feature
    return True


def _contact(target: Target, enable_feature: bool) -> bool:
    del enable_feature
    return target.contact


def _methods(target: Target, enable_feature: bool) -> bool:
    del enable_feature
    return target.methods


def _enabling(target: Target, enable_feature: bool) -> bool:
    del target
    return enable_feature


# Reading the role assignments (RoleManagement.Read.Directory) is not among them: without it a run goes on and does not
# know who is an administrator.
NEEDS = (
    Need("read users", READ_USERS, _always),
    Need("read the organization and its domains", READ_ORGANIZATION, _always),
    Need("read the self-service flag", READ_POLICY, _always),
    Need("change the self-service flag", WRITE_POLICY, _enabling),
    Need("change otherMails", WRITE_OTHER_MAILS, _contact),
    Need("change mobilePhone", WRITE_MOBILE_PHONE, _contact),
    Need("register the email method", WRITE_EMAIL_METHOD, _methods),
    Need("register the mobile phone method", WRITE_PHONE_METHOD, _methods),
)


def missing(granted: frozenset[str] | None, target: Target, enable_feature: bool) -> tuple[str, ...]:
    """The needs of a run that nothing granted meets, each as readable alternatives; () where `granted` is unknown."""
    if granted is None:
        return ()
    lacking = (
        need.permissions
        for need in NEEDS
        if need.when(target, enable_feature) and not granted & set(need.permissions)
    )
    return tuple(dict.fromkeys(alternatives(permissions) for permissions in lacking))


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
}


def explain_403(kind: ChangeKind) -> str:
    """The sentence for a write that was answered 403: Graph says the same whether permission or role is missing."""
    what, permissions = _EXPLAINED[kind]
    return (
        f"To {what} of an administrator the application needs the permission {permissions} with admin consent, and "
        f"the directory role {ROLE} (a role assignment works after some minutes)."
    )
