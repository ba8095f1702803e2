"""The words for what is missing, where it is granted, and by which command. Pure; the same for every verb.

learn.microsoft.com, entra/identity/enterprise-apps/grant-admin-consent and entra/identity/role-based-access-control/
manage-roles-portal: the way through the portal, and the two cmdlets of Microsoft Graph PowerShell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sspr.tenant.directory_roles import ROLE_ID, DirectoryRoles, Held, Reach, names
from sspr.tenant.identity import Identity
from sspr.tenant.permissions import APP_ROLE_IDS, ROLE, Lack

WAIT = (
    "A new permission or role may take minutes to act, and acts in a new token only: wait, then start the command "
    "again."
)
MANAGED_WAIT = (
    "The platform keeps the token of a managed identity for up to 24 hours: so long a change may take to act."
)


@dataclass(frozen=True, slots=True)
class Missing:
    """What stands between an application and a command. `waiting`: permissions among `lacks` that were granted, but
    that the token does not name yet. `role`: the directory role is missing as well.
    """

    lacks: tuple[Lack, ...]
    role: bool = False
    waiting: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.lacks) or self.role

    @property
    def named(self) -> str:
        """All of it in one line."""
        lacks = [f"the permission {lack.permission}" for lack in self.lacks]
        return "; ".join([*lacks, *([f"the directory role {ROLE}"] if self.role else [])])


def waiting(lacks: Iterable[Lack], granted: Collection[str] | None) -> frozenset[str]:
    """The permissions of `lacks` that stand in the directory; none where that is not known (`granted` None)."""
    return frozenset(
        lack.permission for lack in lacks if not {lack.permission, lack.instead}.isdisjoint(granted or ())
    )


def missing_lines(missing: Missing) -> list[str]:
    """A line for each thing that is missing."""
    lines = []
    for lack in missing.lacks:
        also = "; granted already, but this sign-in's token does not name it yet"
        lines.append(f"missing: the permission {lack}{also if lack.permission in missing.waiting else ''}")
    if missing.role:
        lines.append(
            f"missing: the directory role {ROLE} (or Global Administrator) for the whole directory, "
            "to change otherMails and mobilePhone of administrators"
        )
    return lines


def how_to_grant(missing: Missing, who: Identity) -> list[str]:
    """Where to click, and what to type instead; nothing where nothing is to be granted."""
    lacks = [lack for lack in missing.lacks if lack.permission not in missing.waiting]
    lines = []
    if lacks and not who.managed:
        lines.append(_permissions_in_the_portal(lacks, who))
    if missing.role:
        lines.append(_role_in_the_portal(who))
    if (lacks and not who.person) or missing.role:
        lines += ["Or in Microsoft Graph PowerShell, as a Privileged Role Administrator:",
                  *(f"    {line}" for line in _powershell(lacks, missing.role, who))]  # fmt: skip
    if missing:
        lines.append(f"{WAIT} {MANAGED_WAIT}" if who.managed else WAIT)
    return lines


def _permissions_in_the_portal(lacks: Sequence[Lack], who: Identity) -> str:
    kind = "Delegated" if who.person else "Application"
    asked = ", ".join(lack.permission for lack in lacks)
    return (
        f"Grant permissions in the Microsoft Entra admin center: Entra ID > App registrations > All applications > "
        f"{who.client_id or 'the application'} > API permissions > Add a permission > Microsoft Graph > "
        f"{kind} permissions > {asked} > Add permissions; then Grant admin consent."
    )


def _role_in_the_portal(who: Identity) -> str:
    whom = "the person who signs in" if who.person else who.client_id or "the application"
    return (
        f"Assign the role in the Microsoft Entra admin center: Entra ID > Roles & admins > {ROLE} > Add assignments > "
        f"{whom}; active, not eligible."
    )


def _powershell(lacks: Sequence[Lack], role: bool, who: Identity) -> list[str]:
    scopes = ['"Application.Read.All"']
    scopes += ['"AppRoleAssignment.ReadWrite.All"'] if lacks else []
    scopes += ['"RoleManagement.ReadWrite.Directory"'] if role else []
    lines = [f"Connect-MgGraph -Scopes {', '.join(scopes)}"]
    principal = who.object_id
    if not principal:
        client = who.client_id or "<application (client) id>"
        lines.append(f"$app = Get-MgServicePrincipal -Filter \"appId eq '{client}'\"")
        principal = "$($app.Id)"
    if lacks:
        lines.append(
            "$graph = Get-MgServicePrincipal -Filter \"appId eq '00000003-0000-0000-c000-000000000000'\""
        )
    lines += [
        f"New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId {principal} -PrincipalId {principal} "
        f"-ResourceId $graph.Id -AppRoleId {_role_id(lack.permission)}"
        for lack in lacks
    ]
    if role:
        lines.append(
            f"New-MgRoleManagementDirectoryRoleAssignment -PrincipalId {principal} "
            f'-RoleDefinitionId {ROLE_ID} -DirectoryScopeId "/"'
        )
    return lines


def _role_id(permission: str) -> str:
    known = APP_ROLE_IDS.get(permission)
    if known:
        return f"{known} # {permission}"
    return f'($graph.AppRoles | Where-Object Value -eq "{permission}").Id'


def refusal(missing: Missing, who: Identity) -> str:
    """Why a command does not start: one sentence, and the lines that `sspr doctor` has as well."""
    lines = [*missing_lines(missing), *how_to_grant(missing, who)]
    return "\n".join([f"The application lacks what this command needs: {missing.named}.", *lines])


def caution(roles: DirectoryRoles) -> str:
    """What a person should know of the directory roles although a run goes on; empty where nothing is to be said."""
    if roles.fresh:
        return (
            f"The directory role {ROLE} was assigned a short while ago: this sign-in's token does not name it yet. "
            "Where rows fail with permission_denied, wait some minutes and start the command again."
        )
    if roles.reach is Reach.SOME:
        held = _named(roles)
        return (
            f"The application's directory roles ({held}) reach only some administrators: rows of the others will fail "
            f"with permission_denied. {ROLE}, for the whole directory, reaches all."
        )
    if roles.reach is Reach.UNKNOWN and roles.named is not None:
        return f"Whether the application holds the directory role {ROLE} is not known: {_why_unknown(roles)}."
    return ""


def _named(roles: DirectoryRoles) -> str:
    held = [described(each) for each in roles.held or ()]
    return ", ".join(held) or names(roles.named or ())


def _why_unknown(roles: DirectoryRoles) -> str:
    if roles.held is None:
        return (
            "its token names none that would do, and RoleManagement.Read.Directory, to read them, is missing"
        )
    if any(each.built_in is not True for each in roles.held):
        return f"it holds a role of this tenant's own ({_named(roles)})"
    return (
        "it has none that would do itself, but a group has, and Graph does not tell of applications in groups"
    )


def described(role: Held) -> str:
    """A role and, where that is not the whole directory, its scope."""
    return role.name if role.scope == "/" else f"{role.name} at {role.scope}"
