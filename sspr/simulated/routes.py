"""Every path of Graph v1.0 that the tenant serves, with what opens it and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sspr.simulated import methods, permissions, policy, reports, roles, tenant, users
from sspr.simulated.errors import GraphError, bad_request, no_segment
from sspr.simulated.store import Store
from sspr.simulated.wire import Answer, Call, segments

Handler = Callable[[Call, Store], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. ``needs``: one of these permissions. ``units``: resource units without query options, None for
    services with quotas of their own. ``quota``: the quota that such a service draws on.
    """

    method: str
    template: tuple[str, ...]
    handler: Handler
    needs: tuple[str, ...]
    units: int | None
    quota: str

    @property
    def writes(self) -> bool:
        """Whether the operation changes the tenant."""
        return self.method != "GET"

    def cost(self, call: Call) -> int:
        """Resource units of a call: 1 less with $select and with $top below 20, 1 more with $expand, at least 1
        (learn.microsoft.com, throttling limits of the identity and access service).
        """
        units = self.units or 0
        options = call.options
        units -= "select" in options
        units += "expand" in options
        units -= options.get("top", "").isdecimal() and int(options["top"]) < 20
        return max(1, units)


def _route(
    method: str,
    path: str,
    handler: Handler,
    needs: tuple[str, ...],
    units: int | None = 1,
    quota: str = "directory",
) -> Route:
    return Route(method, tuple(path.split("/")), handler, needs, units, quota)


def _methods() -> list[Route]:
    base, one = "users/{user}/authentication", "{method}"
    table: list[tuple[str, str, Handler, tuple[str, ...]]] = [
        ("GET", "methods", methods.list_methods, permissions.METHODS_READ),
        ("GET", "phoneMethods", methods.list_phones, permissions.PHONES_READ),
        ("POST", "phoneMethods", methods.add_phone, permissions.PHONES_WRITE),
        ("GET", f"phoneMethods/{one}", methods.get_phone, permissions.PHONES_READ),
        ("PATCH", f"phoneMethods/{one}", methods.update_phone, permissions.PHONES_WRITE),
        ("DELETE", f"phoneMethods/{one}", methods.delete_phone, permissions.PHONES_WRITE),
        ("POST", f"phoneMethods/{one}/enableSmsSignIn", methods.enable_sms, permissions.PHONES_WRITE),
        ("POST", f"phoneMethods/{one}/disableSmsSignIn", methods.disable_sms, permissions.PHONES_WRITE),
        ("GET", "emailMethods", methods.list_emails, permissions.EMAILS_READ),
        ("POST", "emailMethods", methods.add_email, permissions.EMAILS_WRITE),
        ("GET", f"emailMethods/{one}", methods.get_email, permissions.EMAILS_READ),
        ("PATCH", f"emailMethods/{one}", methods.update_email, permissions.EMAILS_WRITE),
        ("DELETE", f"emailMethods/{one}", methods.delete_email, permissions.EMAILS_WRITE),
    ]
    return [
        _route(verb, f"{base}/{path}", handler, needs, None, "methods")
        for verb, path, handler, needs in table
    ]


_RM = "roleManagement/directory"
_REPORT = "reports/authenticationMethods/userRegistrationDetails"

ROUTES: tuple[Route, ...] = (
    _route("GET", "users", users.list_users, permissions.USERS_READ_BASIC, 2),
    _route("GET", "users/{user}", users.get_user, permissions.USERS_READ_BASIC, 1),
    _route("PATCH", "users/{user}", users.update_user, permissions.USERS_PATCH),
    *_methods(),
    _route("GET", "policies/authorizationPolicy", policy.get_policy, permissions.POLICY_READ),
    _route("PATCH", "policies/authorizationPolicy", policy.update_policy, permissions.POLICY_WRITE),
    _route("GET", f"{_RM}/roleAssignments", roles.list_assignments, permissions.ROLES_READ),
    _route("GET", f"{_RM}/roleDefinitions", roles.list_definitions, permissions.ROLE_DEFINITIONS_READ),
    _route(
        "GET",
        f"{_RM}/roleAssignmentScheduleInstances",
        roles.list_assignment_instances,
        permissions.ASSIGNMENT_SCHEDULES_READ,
    ),
    _route(
        "GET",
        f"{_RM}/roleEligibilityScheduleInstances",
        roles.list_eligibility_instances,
        permissions.ELIGIBILITY_READ,
    ),
    _route("GET", "directoryRoles", roles.list_directory_roles, permissions.ROLES_READ),
    _route("GET", "directoryRoles/{role}/members", roles.list_role_members, permissions.ROLES_READ, 3),
    _route(
        "GET", "groups/{group}/transitiveMembers", roles.list_transitive_members, permissions.MEMBERS_READ, 5
    ),
    _route(
        "GET",
        "groups/{group}/transitiveMembers/microsoft.graph.user",
        roles.list_transitive_users,
        permissions.MEMBERS_READ,
        5,
    ),
    _route("GET", "organization", tenant.get_organization, permissions.ORGANIZATION_READ),
    _route("GET", "domains", tenant.list_domains, permissions.DOMAINS_READ),
    _route("GET", "servicePrincipals", tenant.list_service_principals, permissions.APPS_READ),
    _route("GET", "servicePrincipals/{principal}", tenant.get_service_principal, permissions.APPS_READ),
    _route(
        "GET",
        "servicePrincipals/{principal}/appRoleAssignments",
        tenant.list_granted,
        permissions.APPS_READ,
        2,
    ),
    _route("GET", _REPORT, reports.list_registrations, permissions.REPORTS_READ, None, "reports"),
    _route("GET", f"{_REPORT}/{{user}}", reports.get_registration, permissions.REPORTS_READ, None, "reports"),
)

_SHAPES: dict[tuple[int, str], list[Route]] = {}
for _each in ROUTES:
    _SHAPES.setdefault((len(_each.template), _each.template[0].lower()), []).append(_each)
_KNOWN_SEGMENTS = {part.lower() for route in ROUTES for part in route.template if not part.startswith("{")}


def find(call: Call) -> Route:
    """The route of a call, its path parameters set on the call. Raises 400 for an unknown path, 405 for a method that
    the path does not take.
    """
    parts = segments(call.path)
    wrong_method = False
    for route in _SHAPES.get((len(parts), parts[0].lower()), ()):
        params = _match(route.template, parts)
        if params is None:
            continue
        if route.method == call.method:
            call.params = params
            return route
        wrong_method = True
    if wrong_method:
        raise GraphError(
            405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."
        )
    unknown = next((part for part in parts if part.lower() not in _KNOWN_SEGMENTS), parts[-1])
    raise (
        no_segment(unknown)
        if unknown
        else bad_request("Resource not found for the segment ''.", "BadRequest")
    )


def _match(template: tuple[str, ...], parts: list[str]) -> dict[str, str] | None:
    params = {}
    for wanted, part in zip(template, parts, strict=True):
        if wanted.startswith("{"):
            if not part:
                return None
            params[wanted[1:-1]] = part
        elif wanted.lower() != part.lower():
            return None
    return params
