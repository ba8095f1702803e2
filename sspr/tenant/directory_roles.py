"""Which administrators the directory roles of an application let it change. Pure.

learn.microsoft.com, graph/api/resources/users, "Who can perform sensitive actions" (otherMails and mobilePhone are
among them): it depends on what the target holds. Built-in roles are known by their template ids, which are the ids of
their definitions in every tenant (entra/identity/role-based-access-control/permissions-reference).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sspr.tenant.parse import text
from sspr.tenant.permissions import ROLE

ROLE_ID = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
# Every administrator, whatever he holds.
STRONGEST = {ROLE_ID: ROLE, "62e90394-69f5-4237-9190-012177145e10": "Global Administrator"}
# Administrators with certain lesser roles, and users. Of the last two that page says both yes, in its table on the
# reset of passwords, and no.
LESSER = {
    "c4e39bd9-1100-46d3-8c65-fb160da0071f": "Authentication Administrator",
    "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8": "Helpdesk Administrator",
    "966707d0-3269-4727-9be2-8c3a10f19b9d": "Password Administrator",
}
WHOLE_TENANT = "/"
_GROUP = "#microsoft.graph.group"


class Reach(StrEnum):
    """Whose contact properties the application may change, beside the permission."""

    ALL = "every administrator"
    SOME = "some administrators"
    NONE = "no administrator"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Held:
    """A role that the application holds. `scope`: `/` is the whole tenant. `built_in`: None where that was not told."""

    id: str
    name: str
    scope: str = WHOLE_TENANT
    built_in: bool | None = None


@dataclass(frozen=True, slots=True)
class DirectoryRoles:
    """What is known of the application's roles. `held`: None where its assignments could not be read; `named`: what
    its token names, None where it names none; `by_group`: a group holds a role that would do, and who is in a group
    is not told of applications (graph/known-issues: v1.0 lists no service principals among members), None where
    nobody looked.
    """

    held: tuple[Held, ...] | None = None
    named: frozenset[str] | None = None
    by_group: bool | None = None

    @property
    def reach(self) -> Reach:
        """Whom the application may change. `NONE` only where that is sure."""
        named = self.named or frozenset()
        whole = {each.id for each in self.held or () if each.scope == WHOLE_TENANT} | named
        if not whole.isdisjoint(STRONGEST):
            return Reach.ALL
        anywhere = {each.id for each in self.held or ()} | named
        if not anywhere.isdisjoint((*STRONGEST, *LESSER)):
            return Reach.SOME
        # A role of the tenant's own making may allow anything; a built-in one that is not in the table, nothing.
        unknown = self.held is None or any(each.built_in is not True for each in self.held)
        return Reach.UNKNOWN if unknown or self.by_group is not False else Reach.NONE

    @property
    def fresh(self) -> bool:
        """Whether a role is assigned that the token, issued before, does not name yet: it acts in minutes."""
        return self.named is not None and any(
            each.id in STRONGEST and each.scope == WHOLE_TENANT and each.id not in self.named
            for each in self.held or ()
        )


def held_of(assignments: Iterable[Mapping[str, object]]) -> tuple[Held, ...]:
    """The roles of assignments of one principal, read with their definitions."""
    return tuple(_held(each) for each in assignments)


def _held(assignment: Mapping[str, object]) -> Held:
    definition = assignment.get("roleDefinition")
    shown = definition if isinstance(definition, Mapping) else {}
    role = text(assignment.get("roleDefinitionId")).lower()
    built_in = shown.get("isBuiltIn")
    return Held(
        id=role,
        name=text(shown.get("displayName")) or {**STRONGEST, **LESSER}.get(role, role),
        scope=text(assignment.get("directoryScopeId")),
        built_in=built_in if isinstance(built_in, bool) else None,
    )


def names(roles: Collection[str]) -> str:
    """Those of the table among role ids, as a person reads them."""
    return ", ".join(name for role, name in {**STRONGEST, **LESSER}.items() if role in roles)


def group_among(assignments: Iterable[Mapping[str, object]]) -> bool:
    """Whether a group is among the holders, or somebody of whom it is not told what it is."""
    return any(_may_be_group(each.get("principal")) for each in assignments)


def _may_be_group(principal: object) -> bool:
    kind = text(principal.get("@odata.type")) if isinstance(principal, Mapping) else ""
    return kind in {"", _GROUP}
