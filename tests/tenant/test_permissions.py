from __future__ import annotations

import json
from pathlib import Path

import pytest

from sspr.model import ChangeKind, Target
from sspr.tenant import permissions
from sspr.tenant.permissions import NEEDS, ROLE, explain_403, missing

BEST = frozenset(
    {"User.Read.All", "Policy.Read.All", "User-Mail.ReadWrite.All", "User-Phone.ReadWrite.All",
     "UserAuthenticationMethod.ReadWrite.All"}
)  # fmt: skip
CONTACT = frozenset({"User-Mail.ReadWrite.All", "User-Phone.ReadWrite.All"})


@pytest.mark.parametrize(
    ("granted", "target", "enable", "expected"),
    [
        (None, Target.BOTH, True, ()),
        (BEST, Target.BOTH, False, ()),
        (BEST, Target.BOTH, True, ("Policy.ReadWrite.Authorization",)),
        (BEST - {"User-Phone.ReadWrite.All"}, Target.METHODS, False, ()),
        (BEST - CONTACT, Target.CONTACT, False,
         ("User-Mail.ReadWrite.All or User.ReadWrite.All", "User-Phone.ReadWrite.All or User.ReadWrite.All")),
        (BEST - CONTACT | {"User.ReadWrite.All"}, Target.BOTH, False, ()),
        (BEST - {"UserAuthenticationMethod.ReadWrite.All"}, Target.CONTACT, False, ()),
        (BEST - {"UserAuthenticationMethod.ReadWrite.All"} | {"UserAuthMethod-Email.ReadWrite.All"}, Target.BOTH, False,
         ("UserAuthMethod-Phone.ReadWrite.All or UserAuthenticationMethod.ReadWrite.All",)),
        (BEST - {"User.Read.All"}, Target.BOTH, False,
         ("User.Read.All or User.ReadWrite.All", "Organization.Read.All or User.Read.All")),
    ],
)  # fmt: skip
def test_missing(
    granted: frozenset[str] | None, target: Target, enable: bool, expected: tuple[str, ...]
) -> None:
    assert missing(granted, target, enable) == expected


def test_every_need_of_a_token_without_permissions_is_named() -> None:
    assert len(missing(frozenset(), Target.BOTH, True)) == len(NEEDS)


@pytest.mark.parametrize("kind", ChangeKind)
def test_a_403_names_the_permission_and_the_directory_role(kind: ChangeKind) -> None:
    told = explain_403(kind)
    assert "ReadWrite.All" in told
    assert ROLE in told


OPERATIONS = {
    permissions.READ_USERS: ("/users", "get"),
    permissions.READ_ORGANIZATION: ("/organization", "get"),
    permissions.READ_METHODS: ("/users/{user-id}/authentication/methods", "get"),
    permissions.READ_EMAIL_METHODS: ("/users/{user-id}/authentication/emailMethods", "get"),
    permissions.READ_PHONE_METHODS: ("/users/{user-id}/authentication/phoneMethods", "get"),
    permissions.READ_POLICY: ("/policies/authorizationPolicy", "get"),
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
