"""Who is an administrator: role assignments → ids of users. Pure.

learn.microsoft.com, graph/api/rbacapplication-list-roleassignments: a role at any scope counts, and a principal may be
a user, a group whose members hold the role, or an application.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sspr.tenant.odata import query, segment
from sspr.tenant.parse import text

# $expand tells users from groups. A nested $select is ignored here and refused on schedule instances.
ASSIGNMENTS = query("/roleManagement/directory/roleAssignments", expand="principal")
ELIGIBLE = query("/roleManagement/directory/roleEligibilityScheduleInstances", expand="principal")

_USER = "#microsoft.graph.user"
_GROUP = "#microsoft.graph.group"


@dataclass(frozen=True, slots=True)
class Principals:
    """The users and the groups among those that hold a role."""

    users: frozenset[str]
    groups: frozenset[str]


def principals(assignments: Iterable[Mapping[str, object]]) -> Principals:
    """Users and groups of role assignments; a principal of unknown kind counts as a user."""
    users: set[str] = set()
    groups: set[str] = set()
    for assignment in assignments:
        principal = assignment.get("principal")
        kind = text(principal.get("@odata.type")) if isinstance(principal, Mapping) else ""
        holder = text(assignment.get("principalId"))
        if kind == _GROUP:
            groups.add(holder)
        elif kind in {"", _USER}:
            users.add(holder)
    return Principals(frozenset(users - {""}), frozenset(groups - {""}))


def members_path(group: str) -> str:
    """The address of all members of a group, those of groups within it included, in pages as large as allowed."""
    return query(f"/groups/{segment(group)}/transitiveMembers", select="id", top=999)


def users_among(members: Iterable[Mapping[str, object]]) -> frozenset[str]:
    """The ids of the users among directory objects."""
    return frozenset(
        text(item.get("id")) for item in members if text(item.get("@odata.type")) in {"", _USER}
    ) - {""}
