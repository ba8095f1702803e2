from __future__ import annotations

import pytest

from sspr.tenant.directory_roles import ROLE_ID, DirectoryRoles, Held
from sspr.tenant.granting import Missing, caution, how_to_grant, missing_lines, refusal, waiting
from sspr.tenant.identity import Identity
from sspr.tenant.permissions import APP_ROLE_IDS, ROLE, lacking, needed

APP = Identity("client", "object")
LEAST = {need.permissions[0] for need in needed("run")}
PHONE = lacking(LEAST - {"User-Phone.ReadWrite.All"}, needed("run"))
EMAIL = lacking(LEAST - {"UserAuthMethod-Email.ReadWrite.All"}, needed("run"))


UNIT = "/administrativeUnits/1"


@pytest.mark.parametrize(
    ("missing", "who", "said", "unsaid"),
    [
        (Missing(PHONE), APP,
         ["Application permissions > User-Phone.ReadWrite.All", "client > API permissions",
          f"-PrincipalId object -ResourceId $graph.Id -AppRoleId {APP_ROLE_IDS['User-Phone.ReadWrite.All']}"],
         [ROLE, "Get-MgServicePrincipal -Filter \"appId eq 'client'", "24 hours"]),
        (Missing(EMAIL), APP, ['Where-Object Value -eq "UserAuthMethod-Email.ReadWrite.All"'], [ROLE]),
        (Missing((), role=True), APP,
         [f"-PrincipalId object -RoleDefinitionId {ROLE_ID} -DirectoryScopeId", "active, not eligible"],
         ["New-MgServicePrincipalAppRoleAssignment", "$graph", "API permissions"]),
        (Missing((), role=True), Identity("client"), ["appId eq 'client'", "-PrincipalId $($app.Id) "], ["$graph"]),
        (Missing(PHONE), Identity("client", "object", managed=True), ["New-Mg", "24 hours"], ["API permissions"]),
        (Missing(PHONE), Identity("client", "object", person=True), ["Delegated permissions"], ["New-Mg"]),
        (Missing(PHONE, waiting=frozenset({"User-Phone.ReadWrite.All"})), APP, ["new token"], ["New-Mg", "Grant"]),
    ],
)  # fmt: skip
def test_the_place_and_the_command(
    missing: Missing, who: Identity, said: list[str], unsaid: list[str]
) -> None:
    told = "\n".join(how_to_grant(missing, who))
    assert [each for each in said if each not in told] == []
    assert [each for each in unsaid if each in told] == []


def test_where_nothing_is_missing_nothing_is_said() -> None:
    assert (missing_lines(Missing(())), how_to_grant(Missing(()), APP)) == ([], [])
    assert not Missing(())


def test_a_refusal_is_one_sentence_that_names_everything_and_then_the_lines() -> None:
    missing = Missing((*PHONE, *EMAIL), role=True)
    first, *rest = refusal(missing, APP).splitlines()
    assert all(
        name in first for name in ("User-Phone.ReadWrite.All", "UserAuthMethod-Email.ReadWrite.All", ROLE)
    )
    assert rest == [*missing_lines(missing), *how_to_grant(missing, APP)]


@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        (None, frozenset()),
        ((), frozenset()),
        (("User-Phone.ReadWrite.All",), frozenset({"User-Phone.ReadWrite.All"})),
        (("User.ReadWrite.All",), frozenset({"User-Phone.ReadWrite.All"})),
    ],
)
def test_what_the_directory_has_already_is_only_waited_for(
    granted: tuple[str, ...] | None, expected: frozenset[str]
) -> None:
    assert waiting(PHONE, granted) == expected


USER = Held("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator", built_in=True)
NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        (DirectoryRoles(named=frozenset({ROLE_ID})), ""),
        (DirectoryRoles((), NONE, by_group=False), ""),
        (DirectoryRoles((), None, by_group=None), ""),
        (DirectoryRoles((Held(ROLE_ID, ROLE),), NONE), "short while ago"),
        (DirectoryRoles((USER,), frozenset({USER.id})), "(User Administrator) reach only some"),
        (DirectoryRoles(None, frozenset({USER.id})), "(User Administrator) reach only some"),
        (DirectoryRoles((Held(ROLE_ID, ROLE, UNIT),), NONE), f"at {UNIT}) reach only"),
        (DirectoryRoles(None, NONE), "RoleManagement.Read.Directory"),
        (DirectoryRoles((), NONE, by_group=True), "a group has"),
        (DirectoryRoles((Held("1", "Contact keeper", built_in=False),), NONE), "(Contact keeper)"),
    ],
)  # fmt: skip
def test_what_is_said_of_roles_although_a_run_goes_on(roles: DirectoryRoles, said: str) -> None:
    told = caution(roles)
    assert said in told
    assert bool(told) is bool(said)
