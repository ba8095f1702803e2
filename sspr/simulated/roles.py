"""Who is an administrator: role assignments and definitions, activated directory roles, PIM instances, group members.

learn.microsoft.com, "List unifiedRoleAssignments", "List members of a directory role", "PIM for Microsoft Entra roles".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sspr.simulated import odata, permissions, tenant
from sspr.simulated.builtin_roles import BUILT_IN
from sspr.simulated.errors import GraphError, Json, bad_request, not_found, not_simulated, unsupported_query
from sspr.simulated.filters import prop
from sspr.simulated.state import App, Assignment, Eligibility, Group, State
from sspr.simulated.store import Store
from sspr.simulated.users import DEFAULT, KNOWN, View, visible
from sspr.simulated.wire import Answer, Call

_BY_PRINCIPAL = {
    "principalId": prop("eq in"),
    "roleDefinitionId": prop("eq in"),
    "directoryScopeId": prop("eq in"),
    "id": prop("eq in"),
}
_BY_ROLE = {
    "id": prop("eq in"),
    "templateId": prop("eq in"),
    "displayName": prop("eq in startswith"),
    "isBuiltIn": prop("eq", kind=bool),
    "isEnabled": prop("eq", kind=bool),
}
_BY_TEMPLATE = {"roleTemplateId": prop("eq"), "displayName": prop("eq")}
_ASSIGNMENT = (
    "id",
    "principalId",
    "roleDefinitionId",
    "directoryScopeId",
    "appScopeId",
    "principalOrganizationId",
    "condition",
)
_INSTANCE = (
    "id",
    "principalId",
    "roleDefinitionId",
    "directoryScopeId",
    "appScopeId",
    "memberType",
    "startDateTime",
    "endDateTime",
)
_Held = Assignment | Eligibility
_SINCE = "2024-01-15T08:00:00Z"


def role_assignments(state: State) -> list[Assignment]:
    """All assignments, those of the applications' service principals included."""
    own = [
        Assignment(f"{app.object_id}-{role}", app.object_id, role)
        for app in state.apps
        for role in app.directory_roles
    ]
    return [*state.assignments, *own]


def list_assignments(call: Call, store: Store) -> Answer:
    """GET /roleManagement/directory/roleAssignments."""

    def row(each: _Held) -> Json:
        return {
            "id": each.id,
            "principalId": each.principal_id,
            "roleDefinitionId": each.role_id,
            "directoryScopeId": each.scope,
            "appScopeId": None,
            "principalOrganizationId": store.state.tenant_id,
            "condition": None,
        }

    held = role_assignments(store.state)
    context = "roleManagement/directory/roleAssignments"
    return _rows(call, store, held, row, _ASSIGNMENT, context, "unifiedRoleAssignment")


def list_assignment_instances(call: Call, store: Store) -> Answer:
    """GET /roleManagement/directory/roleAssignmentScheduleInstances: active assignments as PIM sees them."""
    _needs_p2(store.state)

    def row(each: _Held) -> Json:
        return {
            **_instance(each),
            "assignmentType": "Assigned",
            "roleAssignmentOriginId": each.id,
            "roleAssignmentScheduleId": each.id,
        }

    known = (*_INSTANCE, "assignmentType", "roleAssignmentOriginId", "roleAssignmentScheduleId")
    held = role_assignments(store.state)
    return _instances(call, store, held, row, known, "roleAssignmentScheduleInstances")


def list_eligibility_instances(call: Call, store: Store) -> Answer:
    """GET /roleManagement/directory/roleEligibilityScheduleInstances."""
    _needs_p2(store.state)

    def row(each: _Held) -> Json:
        return {**_instance(each), "roleEligibilityScheduleId": each.id}

    known = (*_INSTANCE, "roleEligibilityScheduleId")
    held = store.state.eligibilities
    return _instances(call, store, held, row, known, "roleEligibilityScheduleInstances")


def list_definitions(call: Call, store: Store) -> Answer:
    """GET /roleManagement/directory/roleDefinitions: the built-in roles and the tenant's own."""
    call.only("select", "filter", "top", "skip", "skiptoken", "count")
    rows = [_definition(key, name, built_in=True) for key, name in BUILT_IN.items()]
    rows += [_definition(role.id, role.display_name, built_in=False) for role in store.state.custom_roles]
    names = odata.selected(call, rows[0], "unifiedRoleDefinition")
    chosen = odata.read_filter(call, _BY_ROLE, "unifiedRoleDefinition")
    return Answer(
        200,
        odata.page(
            call,
            [row for row in rows if chosen is None or chosen.test(row)],
            names=names,
            context="roleManagement/directory/roleDefinitions",
            size=999,
        ),
    )


def list_directory_roles(call: Call, store: Store) -> Answer:
    """GET /directoryRoles: only built-in roles that were activated, that is assigned once; never paged."""
    call.only("select", "filter")
    rows = [_directory_role(store.state, role) for role in _activated(store.state)]
    names = odata.selected(
        call, ("id", "deletedDateTime", "description", "displayName", "roleTemplateId"), "directoryRole"
    )
    chosen = odata.read_filter(call, _BY_TEMPLATE, "DirectoryRole")
    return Answer(
        200,
        odata.whole(
            call,
            [row for row in rows if chosen is None or chosen.test(row)],
            context="directoryRoles",
            names=names,
        ),
    )


def list_role_members(call: Call, store: Store) -> Answer:
    """GET /directoryRoles/{id}/members: direct members at tenant scope, never paged."""
    call.only("select")
    key = call.params["role"]
    if key.startswith("roleTemplateId="):
        template = key.removeprefix("roleTemplateId=").strip("'")
        role = template if template in _activated(store.state) else None
    else:
        role = next(
            (each for each in _activated(store.state) if _role_object(store.state, each) == key), None
        )
    if role is None:
        raise not_found(key)
    ids = [
        each.principal_id
        for each in role_assignments(store.state)
        if each.role_id == role and each.scope == "/"
    ]
    return Answer(
        200, odata.whole(call, _objects(call, store, dict.fromkeys(ids)), context="directoryObjects")
    )


def list_transitive_members(call: Call, store: Store) -> Answer:
    """GET /groups/{id}/transitiveMembers: accounts and groups, paged."""
    call.only("select", "top", "skip", "skiptoken", "count")
    rows = _objects(call, store, _members(call, store))
    return Answer(200, odata.page(call, rows, context="directoryObjects", size=store.behaviour().page_size))


def list_transitive_users(call: Call, store: Store) -> Answer:
    """GET /groups/{id}/transitiveMembers/microsoft.graph.user: a cast, so an advanced query only."""
    call.only("select", "top", "skip", "skiptoken", "count")
    if not call.advanced:
        raise unsupported_query("The query requires ConsistencyLevel: eventual and $count=true.")
    ids = (member for member in _members(call, store) if member in store.state.accounts)
    rows = [
        {key: value for key, value in row.items() if key != "@odata.type"}
        for row in _objects(call, store, ids)
    ]
    return Answer(200, odata.page(call, rows, context="users", size=store.behaviour().page_size))


def _members(call: Call, store: Store) -> Iterable[str]:
    group = store.state.group(call.params["group"])
    if group is None:
        raise not_found(call.params["group"])
    return store.state.members_of(group, nested=True)


def _objects(call: Call, store: Store, ids: Iterable[str]) -> list[Json]:
    """Directory objects of mixed types. What the caller may not read comes with its type and id alone, rest null."""
    text = call.options.get("select")
    names = None if text is None else [word.strip() for word in text.split(",")]
    found = (_object(call, store, key, names) for key in ids)
    return [row for row in found if row is not None]


def _object(call: Call, store: Store, key: str, names: list[str] | None) -> Json | None:
    account = store.state.accounts.get(key)
    if account is not None:
        wanted = [name for name in names if name in KNOWN] if names else list(DEFAULT)
        shown = store.shown(account)
        readable = call.caller.may(*permissions.USERS_READ_BASIC)
        row = visible(call, View(shown), wanted) if readable else dict.fromkeys(wanted)
        return {"@odata.type": "#microsoft.graph.user", **row, "id": key}
    holder: Group | App | None = store.state.group(key)
    kind = "group"
    needs: tuple[str, ...] = permissions.MEMBERS_READ
    if holder is None:
        holder = next((app for app in store.state.apps if app.object_id == key), None)
        kind, needs = "servicePrincipal", permissions.APPS_READ
    if holder is None:
        return None
    extra: Json = {"displayName": holder.display_name if call.caller.may(*needs) else None}
    if isinstance(holder, App):
        extra["appId"] = holder.client_id if call.caller.may(*needs) else None
    else:
        extra["isAssignableToRole"] = holder.role_assignable if call.caller.may(*needs) else None
    return {
        "@odata.type": f"#microsoft.graph.{kind}",
        "id": key,
        **{name: value for name, value in extra.items() if names is None or name in names},
    }


def _rows(
    call: Call,
    store: Store,
    held: Sequence[_Held],
    row: Callable[[_Held], Json],
    known: Iterable[str],
    context: str,
    kind: str,
) -> Answer:
    call.only("select", "filter", "expand", "top", "skip", "skiptoken", "count")
    names = odata.selected(call, known, kind)
    chosen = odata.read_filter(call, _BY_PRINCIPAL, kind)
    if chosen is not None:
        principals = chosen.keys.get("principalId")
        if principals is not None:
            held = [each for each in held if each.principal_id.casefold() in principals]
        held = [each for each in held if chosen.test(row(each))]
    expand = _expanded(call)
    if names is not None:
        names = [*names, *expand]

    def shape(each: _Held) -> Json:
        shown = row(each)
        return {**shown, **{name: _expand(call, store, shown, name) for name in expand}}

    behaviour = store.behaviour()
    return Answer(
        200,
        odata.page(
            call,
            held,
            context=context,
            size=behaviour.page_size,
            names=names,
            empty_first=behaviour.empty_pages,
            shape=shape,
        ),
    )


def _instances(
    call: Call,
    store: Store,
    held: Sequence[_Held],
    row: Callable[[_Held], Json],
    known: Iterable[str],
    name: str,
) -> Answer:
    if "(" in call.options.get("expand", ""):
        # As reported: on schedule instances a nested $select is refused, and the error stands twice inside itself.
        raise GraphError(400, "InvalidFilter", "The expand clause is invalid.", nested=True)
    kind = f"unified{name[0].upper()}{name[1:].removesuffix('s')}"
    return _rows(call, store, held, row, known, f"roleManagement/directory/{name}", kind)


def _expanded(call: Call) -> list[str]:
    """The navigation properties to expand; options nested in them are ignored here, as Graph does."""
    text, depth, plain = call.options.get("expand", ""), 0, ""
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        plain += letter if depth == 0 and letter != ")" else ""
    names = [name.strip() for name in plain.split(",") if name.strip()]
    for name in names:
        if name not in ("principal", "roleDefinition", "directoryScope"):
            raise bad_request(
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}'.",
                "BadRequest",
            )
    return names


def _expand(call: Call, store: Store, row: Json, name: str) -> Any:
    if name == "principal":
        account = store.state.accounts.get(row["principalId"])
        if account is not None and call.caller.may(*permissions.USERS_READ):
            return {"@odata.type": "#microsoft.graph.user", **View(store.shown(account))}
        return _object(call, store, row["principalId"], None)
    if name == "roleDefinition":
        key = row["roleDefinitionId"]
        custom = next((role.display_name for role in store.state.custom_roles if role.id == key), None)
        return _definition(key, BUILT_IN.get(key) or custom or key, built_in=key in BUILT_IN)
    if row["directoryScopeId"] == "/":
        return None
    raise not_simulated("directoryScope of an administrative unit")


def _definition(key: str, name: str, *, built_in: bool) -> Json:
    return {
        "id": key,
        "templateId": key,
        "displayName": name,
        "description": name,
        "isBuiltIn": built_in,
        "isEnabled": True,
        "resourceScopes": ["/"],
        "version": "1",
        "rolePermissions": [],
    }


def _activated(state: State) -> list[str]:
    return [
        role for role in dict.fromkeys(each.role_id for each in role_assignments(state)) if role in BUILT_IN
    ]


def _role_object(state: State, role: str) -> str:
    """The object id of an activated role: the tenant's own, unlike the template id."""
    return tenant.object_id(state, f"directoryRole:{role}")


def _directory_role(state: State, role: str) -> Json:
    return {
        "id": _role_object(state, role),
        "deletedDateTime": None,
        "description": BUILT_IN[role],
        "displayName": BUILT_IN[role],
        "roleTemplateId": role,
    }


def _instance(each: _Held) -> Json:
    return {
        "id": each.id,
        "principalId": each.principal_id,
        "roleDefinitionId": each.role_id,
        "directoryScopeId": each.scope,
        "appScopeId": None,
        "memberType": "Direct",
        "startDateTime": _SINCE,
        "endDateTime": None,
    }


def _needs_p2(state: State) -> None:
    if state.license != "P2":
        raise bad_request(
            "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
            "AadPremiumLicenseRequired",
        )
