from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.model import ChangeKind, Target
from sspr.simulated.permissions import APP_ROLES
from sspr.tenant import permissions
from sspr.tenant.permissions import (
    APP_ROLE_IDS,
    COMMANDS,
    NEEDS,
    ROLE,
    Need,
    explain_403,
    lacking,
    needed,
    needs,
)

BEST = frozenset(
    {"User.Read.All", "Policy.Read.All", "User-Mail.ReadWrite.All", "User-Phone.ReadWrite.All",
     "UserAuthenticationMethod.ReadWrite.All"}
)  # fmt: skip
CONTACT = frozenset({"User-Mail.ReadWrite.All", "User-Phone.ReadWrite.All"})
ALL_METHODS = "UserAuthenticationMethod.ReadWrite.All"
EMAIL = "UserAuthMethod-Email.ReadWrite.All"
PHONE = "UserAuthMethod-Phone.ReadWrite.All"


@pytest.mark.parametrize(
    ("granted", "command", "target", "enable", "expected"),
    [
        (None, "run", Target.BOTH, True, []),
        (BEST, "run", Target.BOTH, False, []),
        (BEST, "run", Target.BOTH, True, [("Policy.ReadWrite.Authorization", "")]),
        (BEST - {"User-Phone.ReadWrite.All"}, "run", Target.METHODS, False, []),
        (BEST - CONTACT, "run", Target.CONTACT, False,
         [("User-Mail.ReadWrite.All", "User.ReadWrite.All"), ("User-Phone.ReadWrite.All", "User.ReadWrite.All")]),
        (BEST - CONTACT | {"User.ReadWrite.All"}, "run", Target.BOTH, False, []),
        (BEST - {ALL_METHODS}, "run", Target.CONTACT, False, []),
        (BEST - {ALL_METHODS} | {EMAIL}, "run", Target.BOTH, False, [(PHONE, ALL_METHODS)]),
        # One permission that meets two needs is named once; so is one that another need takes anyway.
        (BEST - {"User.Read.All"}, "run", Target.BOTH, False, [("User.Read.All", "Directory.Read.All")]),
        (BEST - {"Policy.Read.All"}, "run", Target.BOTH, True, [("Policy.ReadWrite.Authorization", "")]),
        (BEST - {"Policy.Read.All"}, "run", Target.BOTH, False,
         [("Policy.Read.All", "Policy.ReadWrite.Authorization")]),
        # Who plans only reads.
        ({"User.Read.All"}, "plan", Target.CONTACT, True, []),
        ({"User.Read.All", "UserAuthenticationMethod.Read.All"}, "plan", Target.BOTH, True, []),
        ({"User.Read.All"}, "plan", Target.METHODS, False,
         [("UserAuthMethod-Email.Read.All", "UserAuthenticationMethod.Read.All"),
          ("UserAuthMethod-Phone.Read.All", "UserAuthenticationMethod.Read.All")]),
        (frozenset(), "check", Target.BOTH, False, []),
        ({"Policy.Read.All"}, "feature status", Target.BOTH, False, []),
        ({"Policy.Read.All"}, "feature enable", Target.BOTH, False, [("Policy.ReadWrite.Authorization", "")]),
    ],
)  # fmt: skip
def test_what_is_lacking_is_named_the_least_first(
    granted: Collection[str] | None,
    command: str,
    target: Target,
    enable: bool,
    expected: list[tuple[str, str]],
) -> None:
    found = lacking(granted, needed(command, target, enable_feature=enable))
    assert [(lack.permission, lack.instead) for lack in found] == expected


ALL = sorted({name for command in COMMANDS for need in needs(command) for name in need.permissions})
WANTED = st.tuples(st.sampled_from(COMMANDS), st.sampled_from(Target), st.booleans())


@given(st.sets(st.sampled_from(ALL)), WANTED)
def test_granting_what_is_lacking_leaves_nothing_lacking_and_each_of_it_counts(
    granted: set[str], wanted: tuple[str, Target, bool]
) -> None:
    command, target, enable = wanted
    must = needs(command, target, enable_feature=enable)
    lacks = [lack.permission for lack in lacking(granted, must)]
    assert lacking({*granted, *lacks}, must) == ()
    assert granted.isdisjoint(lacks)
    assert len(set(lacks)) == len(lacks)
    for one in lacks:
        assert lacking({*granted, *lacks} - {one}, must), "one of those named could be left out"


@given(st.sets(st.sampled_from(ALL)), WANTED)
def test_what_may_stand_instead_does_as_well(granted: set[str], wanted: tuple[str, Target, bool]) -> None:
    command, target, enable = wanted
    must = needed(command, target, enable_feature=enable)
    lacks = lacking(granted, must)
    assert lacking({*granted, *(lack.instead or lack.permission for lack in lacks)}, must) == ()


def test_every_need_of_a_run_is_named_where_nothing_was_granted() -> None:
    told = [what for lack in lacking((), NEEDS) for what in lack.what]
    assert sorted(told) == sorted(need.what for need in NEEDS)


@pytest.mark.parametrize("kind", ChangeKind)
def test_a_403_names_the_permission_and_the_directory_role(kind: ChangeKind) -> None:
    told = explain_403(kind)
    assert "ReadWrite.All" in told
    assert ROLE in told


def test_the_ids_are_those_of_the_other_reading_of_the_reference() -> None:
    assert {name: APP_ROLES[name] for name in APP_ROLE_IDS} == APP_ROLE_IDS


OPERATIONS = {
    permissions.READ_USERS: ("/users", "get"),
    permissions.READ_ORGANIZATION: ("/organization", "get"),
    permissions.READ_METHODS: ("/users/{user-id}/authentication/methods", "get"),
    permissions.READ_EMAIL_METHODS: ("/users/{user-id}/authentication/emailMethods", "get"),
    permissions.READ_PHONE_METHODS: ("/users/{user-id}/authentication/phoneMethods", "get"),
    permissions.READ_POLICY: ("/policies/authorizationPolicy", "get"),
    permissions.READ_ROLES: ("/roleManagement/directory/roleAssignments", "get"),
    permissions.READ_ELIGIBLE: ("/roleManagement/directory/roleEligibilityScheduleInstances", "get"),
    permissions.READ_MEMBERS: ("/groups/{group-id}/transitiveMembers", "get"),
    permissions.READ_REPORTS: ("/reports/authenticationMethods/userRegistrationDetails", "get"),
    permissions.WRITE_POLICY: ("/policies/authorizationPolicy", "patch"),
    permissions.WRITE_OTHER_MAILS: ("/users/{user-id}", "patch"),
    permissions.WRITE_MOBILE_PHONE: ("/users/{user-id}", "patch"),
    permissions.WRITE_EMAIL_METHOD: ("/users/{user-id}/authentication/emailMethods", "post"),
    permissions.WRITE_PHONE_METHOD: ("/users/{user-id}/authentication/phoneMethods", "post"),
}


@pytest.mark.parametrize(("listed", "operation"), OPERATIONS.items(), ids=lambda value: str(value[-1]))
def test_every_permission_we_name_is_one_that_microsoft_lists_for_the_operation(
    listed: tuple[str, ...], operation: tuple[str, str], project: Path
) -> None:
    paths = json.loads((project / "tests/data/openapi.json").read_text(encoding="utf-8"))["paths"]
    told = paths[operation[0]][operation[1]]["x-permissions"]["application"]
    assert set(listed) <= {*told["markedLeast"], *told["other"]}


def test_every_list_of_permissions_that_a_command_needs_is_held_against_microsofts() -> None:
    used = {need.permissions for command in COMMANDS for need in needs(command)}
    assert used <= set(OPERATIONS)


def test_a_need_is_met_by_any_of_its_permissions() -> None:
    need = Need("read", ("A", "B"))
    assert [need.met_by(granted) for granted in (["A"], ["B", "C"], ["C"], [])] == [True, True, False, False]
