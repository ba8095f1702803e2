"""Who is an administrator: role assignments → ids of users. Pure.

learn.microsoft.com, graph/api/rbacapplication-list-roleassignments: a role at any scope counts, and a principal may be
a user, a group whose members hold the role, or an application. The id of a built-in role's definition is that of its
template, the same in every tenant (entra/identity/role-based-access-control/permissions-reference).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sspr.model import Roster
from sspr.tenant.odata import query, segment
from sspr.tenant.parse import text

# $expand tells users from groups. A nested $select is ignored here and refused on schedule instances.
ASSIGNMENTS = query("/roleManagement/directory/roleAssignments", expand="principal")
ELIGIBLE = query("/roleManagement/directory/roleEligibilityScheduleInstances", expand="principal")

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
_WHOLE_TENANT = "/"
_USER = "#microsoft.graph.user"
_GROUP = "#microsoft.graph.group"


@dataclass(frozen=True, slots=True)
class Principals:
    """The users and the groups among those that hold a role; `global_…`: Global Administrator of the whole tenant."""

    users: frozenset[str]
    groups: frozenset[str]
    global_users: frozenset[str]
    global_groups: frozenset[str]


def principals(assignments: Iterable[Mapping[str, object]]) -> Principals:
    """Users and groups of role assignments; a principal of unknown kind counts as a user."""
    found: dict[tuple[bool, bool], set[str]] = defaultdict(set)  # by: is a group, holds Global Administrator
    for assignment in assignments:
        principal = assignment.get("principal")
        kind = text(principal.get("@odata.type")) if isinstance(principal, Mapping) else ""
        holder = text(assignment.get("principalId"))
        if holder and kind in {"", _USER, _GROUP}:
            found[kind == _GROUP, False].add(holder)
            if _is_global(assignment):
                found[kind == _GROUP, True].add(holder)
    return Principals(
        users=frozenset(found[False, False]),
        groups=frozenset(found[True, False]),
        global_users=frozenset(found[False, True]),
        global_groups=frozenset(found[True, True]),
    )


def _is_global(assignment: Mapping[str, object]) -> bool:
    role = text(assignment.get("roleDefinitionId")).lower()
    return role == GLOBAL_ADMINISTRATOR and text(assignment.get("directoryScopeId")) == _WHOLE_TENANT


def roster(holders: Principals, members: Mapping[str, Iterable[Mapping[str, object]]]) -> Roster:
    """Who holds a role, directly or through a group; `members`: group → its members, those of groups within it too."""
    users = {group: users_among(listed) for group, listed in members.items()}
    return Roster(
        administrators=holders.users.union(*users.values()),
        global_administrators=holders.global_users.union(*(users[group] for group in holders.global_groups)),
    )


def members_path(group: str) -> str:
    """The address of all members of a group, those of groups within it included, in pages as large as allowed."""
    return query(f"/groups/{segment(group)}/transitiveMembers", select="id", top=999)


def users_among(members: Iterable[Mapping[str, object]]) -> frozenset[str]:
    """The ids of the users among directory objects."""
    return frozenset(
        text(item.get("id")) for item in members if text(item.get("@odata.type")) in {"", _USER}
    ) - {""}
