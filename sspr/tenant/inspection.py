"""Looks at what the signed-in application may do: its grants, its directory roles, and one harmless read of everything
that is used. Nothing here raises because something is forbidden: a refusal is the answer.

Every function may raise what `Tenant.look` raises where Microsoft cannot be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sspr.model import Fault, Organization
from sspr.tenant import odata, parse, roster
from sspr.tenant.directory_roles import LESSER, STRONGEST, DirectoryRoles, Held, group_among, held_of
from sspr.tenant.granting import Missing, waiting
from sspr.tenant.graph import Tenant
from sspr.tenant.identity import Identity
from sspr.tenant.permissions import APP_ROLE_IDS, Need, lacking
from sspr.tenant.quotas import Cost, Quota

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
_ASSIGNMENTS = "/roleManagement/directory/roleAssignments"
_REPORT = "/reports/authenticationMethods/userRegistrationDetails"
# learn.microsoft.com, entra/identity/authentication/howto-authentication-methods-activity, and the licence that
# Privileged Identity Management takes: without them there is nothing to read, which is no fault.
_NO_LICENCE = frozenset(
    {"Authentication_RequestFromNonPremiumTenantOrB2CTenant", "AadPremiumLicenseRequired"}
)
_ONE: Cost = {Quota.UNITS: 1}
_TWO: Cost = {Quota.UNITS: 2}
_MEMBERS: Cost = {Quota.UNITS: 5}
_METHODS: Cost = {Quota.METHOD_READS: 1}


class Seen(StrEnum):
    """How a read ended, in a word."""

    OK = "ok"
    FORBIDDEN = "forbidden"
    LIMITED = "limited"  # answered with nulls for what the application may not see: forbidden, said softly
    NO_LICENCE = "no licence"
    NOT_FOUND = "not found"
    REFUSED = "refused"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Read:
    """One read of a kind, and how it ended. `detail` holds no contact data."""

    name: str
    seen: Seen
    detail: str = ""

    @property
    def denied(self) -> bool:
        """Whether a permission is missing for it."""
        return self.seen in {Seen.FORBIDDEN, Seen.LIMITED}


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the reads told: the tenant, the flag (None: not known), and every read in the order in which it was made."""

    organization: Organization | None
    flag: bool | None
    reads: tuple[Read, ...]


# --- what was granted ------------------------------------------------------------------------------------------------


def grants(tenant: Tenant, client_id: str) -> frozenset[str] | None:
    """The application permissions of Graph that stand in the directory, by name; None where that may not be read.

    A grant of the last minutes may be missing (learn.microsoft.com, graph/api/
    serviceprincipal-list-approleassignments).
    """
    if not client_id:
        return None
    own = f"/servicePrincipals(appId='{odata.segment(client_id)}')/appRoleAssignments"
    granted = _whole(tenant, own, _TWO)
    graph = tenant.look(f"/servicePrincipals(appId='{GRAPH_APP_ID}')?$select=id,appRoles", _ONE)
    if isinstance(granted, Fault):
        return None
    names = {role: name for name, role in APP_ROLE_IDS.items()}
    resource = ""
    if isinstance(graph, Mapping):
        resource = parse.text(graph.get("id"))
        roles = parse.objects(graph.get("appRoles"))
        names |= {parse.text(role.get("id")): parse.text(role.get("value")) for role in roles}
    found = (each for each in granted if not resource or parse.text(each.get("resourceId")) == resource)
    return frozenset(names.get(parse.text(each.get("appRoleId")), "") for each in found) - {""}


def missing(tenant: Tenant, wanted: Iterable[Need]) -> Missing:
    """The permissions that the token does not name. Where some are, whether the directory has them already."""
    lacks = lacking(tenant.permission_hint(), wanted)
    granted = grants(tenant, tenant.identity.client_id) if lacks else None
    return Missing(lacks, waiting=waiting(lacks, granted))


def object_id(tenant: Tenant, client_id: str) -> str:
    """The object id of the application's service principal, empty where that may not be read."""
    if not client_id:
        return ""
    shown = tenant.look(f"/servicePrincipals(appId='{odata.segment(client_id)}')?$select=id", _ONE)
    return parse.text(shown.get("id")) if isinstance(shown, Mapping) else ""


def directory_roles(tenant: Tenant, who: Identity, *, look: bool = False) -> DirectoryRoles:
    """The directory roles of whoever is signed in. Asks Graph only where the token names none that is sure to do, or
    where `look` wants to know them all.
    """
    named = who.roles
    if named is not None and not named.isdisjoint(STRONGEST) and not look:
        return DirectoryRoles(named=named)
    held = _held(tenant, who.object_id)
    found = DirectoryRoles(held, named)
    enough = {*STRONGEST, *LESSER}
    if held is None or any(each.id in enough for each in held) or not enough.isdisjoint(named or ()):
        return found
    return DirectoryRoles(held, named, _held_by_a_group(tenant))


def _held(tenant: Tenant, holder: str) -> tuple[Held, ...] | None:
    if not holder:
        return None
    path = odata.query(
        _ASSIGNMENTS, filter=f"principalId eq {odata.literal(holder)}", expand="roleDefinition"
    )
    listed = _whole(tenant, path, _TWO)
    return None if isinstance(listed, Fault) else held_of(listed)


def _held_by_a_group(tenant: Tenant) -> bool | None:
    roles = ",".join(odata.literal(role) for role in (*STRONGEST, *LESSER))
    path = odata.query(_ASSIGNMENTS, filter=f"roleDefinitionId in ({roles})", expand="principal")
    listed = _whole(tenant, path, _TWO)
    return None if isinstance(listed, Fault) else group_among(listed)


# --- one read of everything ------------------------------------------------------------------------------------------


def inspect(tenant: Tenant) -> Inspection:
    """One harmless read of each kind that is used."""
    organization = tenant.look(
        "/organization?$select=id,displayName,verifiedDomains,onPremisesSyncEnabled,createdDateTime", _ONE
    )
    policy = tenant.look("/policies/authorizationPolicy", _TWO)
    flag = policy.get("allowedToUseSSPR") if isinstance(policy, Mapping) else None
    users = tenant.look(odata.query("/users", select=parse.ACCOUNT_SELECT, top=1), _ONE)
    assignments = tenant.look(roster.ASSIGNMENTS, _TWO)
    eligible = tenant.look(roster.ELIGIBLE, _TWO)
    shown = None if isinstance(organization, Fault) else parse.organization(organization)
    reads = (
        _read("organization", organization, lambda _: shown is not None and bool(shown.domains)),
        _read("users", users, lambda body: _all(body, lambda user: parse.account(user) is not None)),
        *_method_reads(tenant, _somebody(assignments, users)),
        _read("authorization policy", policy, lambda _: isinstance(flag, bool)),
        _read("role assignments", assignments),
        _read("role eligibility", eligible, detail="Microsoft Entra ID P2: nobody is eligible without it"),
        _group_read(tenant, assignments),
        _read(
            "registration report",
            tenant.look(f"{_REPORT}?$top=1", _ONE),
            detail="Microsoft Entra ID P1 or P2",
        ),
    )
    return Inspection(shown, flag if isinstance(flag, bool) else None, reads)


def _read(
    name: str, body: object, shown: Callable[[object], bool] = lambda _: True, *, detail: str = ""
) -> Read:
    """How the read ended. `shown`: whether a success shows what it should; `detail`: which licence it may lack."""
    if not isinstance(body, Fault):
        return Read(name, Seen.OK) if shown(body) else Read(name, Seen.LIMITED, "properties are withheld")
    if body.code in _NO_LICENCE:
        return Read(name, Seen.NO_LICENCE, detail)
    said = f"{body.code}{f', request id {body.request_id}' if body.request_id else ''}"
    if body.status == 403 and body.code != "Authorization_IdentityNotFound":
        return Read(name, Seen.FORBIDDEN, said)
    return Read(name, Seen.NOT_FOUND if body.status == 404 else Seen.REFUSED, said)


def _all(body: object, shown: Callable[[Mapping[str, object]], bool]) -> bool:
    return all(shown(each) for each in parse.objects(body))


def _somebody(assignments: object, users: object) -> str:
    """The id of an administrator, or of any user, so that there is one whose methods can be asked for."""
    holders = [] if isinstance(assignments, Fault) else roster.principals(parse.objects(assignments)).users
    anybody = (parse.text(user.get("id")) for user in parse.objects(users))
    return next(iter(sorted(holders)), "") or next(anybody, "")


def _method_reads(tenant: Tenant, somebody: str) -> Iterator[Read]:
    """All kinds at once; where that is forbidden, the two kinds that are written."""
    if not somebody:
        yield Read("authentication methods", Seen.SKIPPED, "no user is known to ask for")
        return
    methods = f"{odata.user(somebody)}/authentication"
    every = _read("authentication methods", tenant.look(f"{methods}/methods", _METHODS))
    yield every
    if every.denied:
        yield _read("email methods", tenant.look(f"{methods}/emailMethods", _METHODS))
        yield _read("phone methods", tenant.look(f"{methods}/phoneMethods", _METHODS))


def _group_read(tenant: Tenant, assignments: object) -> Read:
    groups = () if isinstance(assignments, Fault) else roster.principals(parse.objects(assignments)).groups
    if not groups:
        return Read("group members", Seen.SKIPPED, "no group is known that holds a role")
    path = odata.query(f"/groups/{odata.segment(min(groups))}/transitiveMembers", select="id", top=1)
    return _read("group members", tenant.look(path, _MEMBERS))


def _whole(tenant: Tenant, path: str, cost: Cost) -> list[Mapping[str, object]] | Fault:
    """A collection, its pages followed to the end."""
    found: list[Mapping[str, object]] = []
    while path:
        body = tenant.look(path, cost)
        if isinstance(body, Fault):
            return body
        found.extend(parse.objects(body))
        link = parse.text(body.get("@odata.nextLink")) if isinstance(body, Mapping) else ""
        path = odata.relative(link) if link else ""
    return found
