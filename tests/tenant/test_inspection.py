"""What the application may do, as it is found out, against the simulated tenant over its real wire protocol."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from sspr.model import Fault
from sspr.settings import TenantSettings
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.builtin_roles import (
    AUTHENTICATION,
    DIRECTORY_READERS,
    GLOBAL,
    GLOBAL_READER,
    HELPDESK,
    PASSWORD,
    PRIVILEGED_AUTHENTICATION,
    USER,
)
from sspr.simulated.permissions import USUAL
from sspr.simulated.samples import administrators, application
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import Assignment, CustomRole, State
from sspr.tenant import inspection
from sspr.tenant.directory_roles import LESSER, STRONGEST, Reach
from sspr.tenant.graph import Tenant
from sspr.tenant.identity import Identity, identity
from sspr.tenant.inspection import Seen
from sspr.tenant.pacing import MemoryStandings
from sspr.tenant.permissions import needed
from tests.protocol import Protocol

SECRET_ENV = "CONTOSO_CLIENT_SECRET"
CUSTOM = "0f0f0f0f-0000-4000-8000-000000000001"
UNIT = "/administrativeUnits/11111111-2222-3333-4444-555555555555"


def plain(**changes: Any) -> State:
    """Administrators, none of them through a group, and an application that may do all, unless told otherwise."""
    state = administrators(3, app=application(**changes))
    state.assignments = tuple(each for each in state.assignments if each.principal_id in state.accounts)
    return state


def without(*names: str) -> tuple[str, ...]:
    return tuple(name for name in USUAL if name not in names)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedTenant]:
    protocol = Protocol()
    folder = tmp_path_factory.mktemp("tenant")
    with SimulatedTenant(plain(), Behaviour(quotas=None), folder=folder, on_exchange=protocol) as started:
        yield started
    assert protocol.request_faults == []
    assert protocol.answer_faults == []


@pytest.fixture
def connect(server: SimulatedTenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[State], Tenant]]:
    """Signs in anew to the tenant, which is as told from here on."""
    with ExitStack() as opened:

        def start(state: State) -> Tenant:
            for name in ("apps", "groups", "assignments", "custom_roles", "license"):
                setattr(server.state, name, getattr(state, name))
            monkeypatch.setenv(SECRET_ENV, server.secret)
            settings = TenantSettings(
                tenant_id=server.tenant_id, client_id=server.client_id, credential="secret", secret_env=SECRET_ENV,
                graph_url=server.graph_url, login_url=server.login_url, ca_file=server.ca_file,
            )  # fmt: skip
            return opened.enter_context(Tenant.connect(settings, MemoryStandings()))

        yield start


# -- who is signed in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, Identity()),
        ({"appid": "a", "oid": "o", "roles": ["X"], "wids": ["w"]},
         Identity("a", "o", frozenset({"X"}), frozenset({"w"}))),
        ({"azp": "a", "roles": "X", "wids": 3}, Identity("a")),
        ({"idtyp": "app"}, Identity(permissions=frozenset())),
        ({"idtyp": "user", "scp": "User.Read.All Policy.Read.All"},
         Identity(permissions=frozenset({"User.Read.All", "Policy.Read.All"}), person=True)),
        ({"xms_mirid": "/subscriptions/x"}, Identity(managed=True)),
    ],
)  # fmt: skip
def test_what_a_token_says_of_itself(claims: dict[str, object], expected: Identity) -> None:
    assert identity(claims) == expected


def test_the_application_is_known_by_its_token(connect: Callable[[State], Tenant]) -> None:
    state = plain()
    who = connect(state).identity
    assert (who.client_id, who.object_id) == (state.apps[0].client_id, state.apps[0].object_id)
    assert who.permissions == frozenset(USUAL)


# -- what was granted -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permissions", "known"),
    [(USUAL, True), (("Application.Read.All",), True), (without("Application.Read.All"), False)],
)
def test_grants_are_read_where_that_is_allowed(
    permissions: tuple[str, ...], known: bool, connect: Callable[[State], Tenant], server: SimulatedTenant
) -> None:
    tenant = connect(plain(permissions=permissions))
    assert inspection.grants(tenant, server.client_id) == (frozenset(permissions) if known else None)
    shown = inspection.object_id(tenant, server.client_id)
    assert shown == (server.state.apps[0].object_id if known else "")


def test_without_the_id_of_the_application_nothing_is_asked(
    connect: Callable[[State], Tenant], server: SimulatedTenant
) -> None:
    tenant = connect(plain())
    before = len(server.journal.calls())
    assert (inspection.grants(tenant, ""), inspection.object_id(tenant, "")) == (None, "")
    assert len(server.journal.calls()) == before


def test_a_permission_that_the_token_does_not_name_yet_is_told_apart(
    connect: Callable[[State], Tenant], server: SimulatedTenant
) -> None:
    tenant = connect(plain(permissions=without("User-Phone.ReadWrite.All", "User-Mail.ReadWrite.All")))
    app = server.state.apps[0]
    server.state.apps = (replace(app, permissions=(*app.permissions, "User-Phone.ReadWrite.All")),)
    missing = inspection.missing(tenant, needed("run"))
    assert [lack.permission for lack in missing.lacks] == [
        "User-Mail.ReadWrite.All", "User-Phone.ReadWrite.All",
    ]  # fmt: skip
    assert missing.waiting == {"User-Phone.ReadWrite.All"}


# -- directory roles ------------------------------------------------------------------------------------------------


def scoped(*roles: str) -> State:
    """Roles of the application for an administrative unit only."""
    state = plain(directory_roles=())
    own = state.apps[0].object_id
    state.assignments += tuple(Assignment(f"scoped-{role}", own, role, UNIT) for role in roles)
    return state


def custom() -> State:
    state = plain(directory_roles=(CUSTOM,))
    state.custom_roles = (CustomRole(CUSTOM, "Contact keeper"),)
    state.apps = (
        replace(state.apps[0], directory_roles=()),
    )  # not in the token: `wids` names built-in roles
    state.assignments += (Assignment("custom", state.apps[0].object_id, CUSTOM),)
    return state


STANDINGS: dict[str, tuple[Callable[[], State], Reach]] = {
    "the role": (lambda: plain(directory_roles=(PRIVILEGED_AUTHENTICATION,)), Reach.ALL),
    "global": (lambda: plain(directory_roles=(GLOBAL,)), Reach.ALL),
    "user": (lambda: plain(directory_roles=(USER,)), Reach.SOME),
    "authentication": (lambda: plain(directory_roles=(AUTHENTICATION, GLOBAL_READER)), Reach.SOME),
    "of which Microsoft says yes and no": (lambda: plain(directory_roles=(HELPDESK, PASSWORD)), Reach.SOME),
    "the role, in a unit": (lambda: scoped(PRIVILEGED_AUTHENTICATION), Reach.SOME),
    "a custom role": (custom, Reach.UNKNOWN),
    "none, but a group has one": (lambda: administrators(3, app=application(directory_roles=())), Reach.UNKNOWN),
    "none, and who has is not shown": (
        lambda: plain(directory_roles=(), permissions=without("RoleManagement.Read.Directory")),
        Reach.UNKNOWN,
    ),
    "none": (lambda: plain(directory_roles=()), Reach.NONE),
    "others only": (lambda: plain(directory_roles=(GLOBAL_READER, DIRECTORY_READERS)), Reach.NONE),
}  # fmt: skip


@pytest.mark.parametrize("look", [False, True])
@pytest.mark.parametrize("name", STANDINGS)
def test_whom_the_application_reaches_and_none_only_where_that_is_sure(
    name: str, look: bool, connect: Callable[[State], Tenant]
) -> None:
    state, expected = STANDINGS[name]
    tenant = connect(state())
    assert inspection.directory_roles(tenant, tenant.identity, look=look).reach is expected


def test_a_role_that_the_token_names_costs_no_request(
    connect: Callable[[State], Tenant], server: SimulatedTenant
) -> None:
    tenant = connect(plain())
    before = len(server.journal.calls())
    assert inspection.directory_roles(tenant, tenant.identity).reach is Reach.ALL
    assert len(server.journal.calls()) == before


@pytest.mark.parametrize(("assigned", "fresh"), [((PRIVILEGED_AUTHENTICATION,), True), ((), False)])
def test_a_role_that_was_assigned_after_the_sign_in_is_told_apart(
    assigned: tuple[str, ...], fresh: bool, connect: Callable[[State], Tenant], server: SimulatedTenant
) -> None:
    tenant = connect(plain(directory_roles=()))
    server.state.apps = (replace(server.state.apps[0], directory_roles=assigned),)
    found = inspection.directory_roles(tenant, tenant.identity)
    assert (found.fresh, found.reach) == (fresh, Reach.ALL if fresh else Reach.NONE)


def test_the_table_of_roles_is_that_of_the_other_reading() -> None:
    assert set(STRONGEST) == {PRIVILEGED_AUTHENTICATION, GLOBAL}
    assert set(LESSER) == {AUTHENTICATION, USER, HELPDESK, PASSWORD}


# -- one read of everything -----------------------------------------------------------------------------------------

READS = {
    "organization": ("Organization.Read.All", "User.Read.All"),
    "users": ("User.Read.All",),
    "authentication methods": ("UserAuthenticationMethod.ReadWrite.All",),
    "authorization policy": ("Policy.Read.All", "Policy.ReadWrite.Authorization"),
    "role assignments": ("RoleManagement.Read.Directory",),
    "role eligibility": ("RoleManagement.Read.Directory",),
    "group members": ("GroupMember.Read.All",),
    "registration report": ("AuditLog.Read.All",),
}


def reads(tenant: Tenant) -> dict[str, Seen]:
    return {read.name: read.seen for read in inspection.inspect(tenant).reads}


def test_every_kind_is_read_once_and_nothing_is_written(
    connect: Callable[[State], Tenant], server: SimulatedTenant
) -> None:
    tenant = connect(administrators(3))
    before = len(server.journal.calls())
    found = inspection.inspect(tenant)
    assert {read.name: read.seen for read in found.reads} == dict.fromkeys(READS, Seen.OK)
    assert found.organization is not None
    assert found.flag is True
    assert len(server.journal.calls()) - before == len(READS)
    assert server.journal.writes() == []


@pytest.mark.parametrize("name", READS)
def test_a_read_that_is_not_allowed_is_told(name: str, connect: Callable[[State], Tenant]) -> None:
    found = reads(connect(administrators(3, app=application(permissions=without(*READS[name])))))
    assert found[name] in {Seen.FORBIDDEN, Seen.LIMITED}
    also = {each for each, needs in READS.items() if set(needs) <= set(READS[name])}
    denied = {each for each, seen in found.items() if seen in {Seen.FORBIDDEN, Seen.LIMITED}}
    assert denied - {"email methods", "phone methods"} == also


def test_users_shown_without_their_properties_are_limited_and_not_empty(
    connect: Callable[[State], Tenant],
) -> None:
    permissions = (*without("User.Read.All"), "User.ReadBasic.All")
    assert reads(connect(plain(permissions=permissions)))["users"] is Seen.LIMITED


@pytest.mark.parametrize(
    ("licence", "expected"),
    [("P2", {Seen.OK}), ("P1", {Seen.OK, Seen.NO_LICENCE}), ("free", {Seen.NO_LICENCE})],
)
def test_a_licence_that_is_not_there_is_no_fault(
    licence: Any, expected: Collection[Seen], connect: Callable[[State], Tenant]
) -> None:
    state = plain()
    state.license = licence
    found = reads(connect(state))
    assert {found["role eligibility"], found["registration report"]} == expected


def test_narrow_permissions_read_the_kinds_of_methods_they_are_for(
    connect: Callable[[State], Tenant],
) -> None:
    permissions = (*without("UserAuthenticationMethod.ReadWrite.All"), "UserAuthMethod-Email.ReadWrite.All")
    found = reads(connect(plain(permissions=permissions)))
    assert (found["authentication methods"], found["email methods"], found["phone methods"]) == (
        Seen.FORBIDDEN, Seen.OK, Seen.FORBIDDEN,
    )  # fmt: skip


def test_no_group_with_a_role_and_nobody_to_ask_for_are_skipped_not_faults(
    connect: Callable[[State], Tenant],
) -> None:
    found = reads(connect(plain(permissions=without("User.Read.All", "RoleManagement.Read.Directory"))))
    assert (found["group members"], found["authentication methods"]) == (Seen.SKIPPED, Seen.SKIPPED)


def test_a_user_who_is_gone_is_no_missing_permission(connect: Callable[[State], Tenant]) -> None:
    state = plain()
    gone = Assignment("gone", "00000000-0000-4000-8000-000000000000", GLOBAL)
    state.assignments = (gone,)
    (read,) = (
        read for read in inspection.inspect(connect(state)).reads if read.name == "authentication methods"
    )
    assert (read.seen, read.denied) == (Seen.NOT_FOUND, False)


class Scripted:
    """A tenant whose answers are written down, for what the simulated one does not do."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)

    def look(self, _path: str, _cost: object) -> object:
        return self._answers.pop(0)


def test_grants_for_other_resources_do_not_count_and_pages_are_followed_to_the_end() -> None:
    role, other = "df021288-bdef-4463-88db-98f22de89214", "246dd0d5-5bd0-4def-940b-0421030a5b68"
    first = {
        "value": [{"appRoleId": role, "resourceId": "graph"}],
        "@odata.nextLink": "https://graph.microsoft.com/v1.0/servicePrincipals/x/appRoleAssignments?$skiptoken=y",
    }
    second = {
        "value": [{"appRoleId": other, "resourceId": "exchange"}, {"appRoleId": "1", "resourceId": "graph"}]
    }
    shown = {"id": "graph", "appRoles": [{"id": "1", "value": "UserAuthMethod-Email.ReadWrite.All"}]}
    found = inspection.grants(Scripted(first, second, shown), "app")  # type: ignore[arg-type]
    assert found == frozenset({"User.Read.All", "UserAuthMethod-Email.ReadWrite.All"})


def test_known_ids_name_what_was_granted_where_the_names_may_not_be_read() -> None:
    granted = {"value": [{"appRoleId": "df021288-bdef-4463-88db-98f22de89214", "resourceId": "graph"}]}
    refused = Fault(403, "Authorization_RequestDenied", "no")
    found = inspection.grants(Scripted(granted, refused), "app")  # type: ignore[arg-type]
    assert found == frozenset({"User.Read.All"})
