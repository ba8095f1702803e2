"""`sspr doctor`, and the runs that do not start, with one thing after the other taken away from the application."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sspr.cli.main import main
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.builtin_roles import GLOBAL_READER, PRIVILEGED_AUTHENTICATION, USER
from sspr.simulated.samples import MIXED, administrators, application
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import State
from sspr.tenant.permissions import ROLE
from tests.fakes.tenants import read_results, settings_for, write_input

# The least that a full run needs, none of them standing for another.
NEEDED = (
    "User.Read.All",
    "Policy.Read.All",
    "User-Mail.ReadWrite.All",
    "User-Phone.ReadWrite.All",
    "UserAuthMethod-Email.ReadWrite.All",
    "UserAuthMethod-Phone.ReadWrite.All",
)
WANTED = ("RoleManagement.Read.Directory", "UserAuthenticationMethod.Read.All", "GroupMember.Read.All")
CONTACT = ("User-Mail.ReadWrite.All", "User-Phone.ReadWrite.All")
METHODS = ("UserAuthMethod-Email.ReadWrite.All", "UserAuthMethod-Phone.ReadWrite.All")


def state_of(
    permissions: Sequence[str] = (*NEEDED, *WANTED),
    roles: Sequence[str] = (PRIVILEGED_AUTHENTICATION,),
    groups: bool = False,
) -> State:
    app = application(permissions=tuple(permissions), directory_roles=tuple(roles))
    state = administrators(8, app=app, variety=replace(MIXED, group_held=0.0))
    if not groups:
        state.assignments = tuple(each for each in state.assignments if each.principal_id in state.accounts)
    return state


def without(*names: str) -> tuple[str, ...]:
    return tuple(name for name in (*NEEDED, *WANTED) if name not in names)


class Surroundings:
    """A simulated tenant, its configuration, and the command."""

    def __init__(self, server: SimulatedTenant, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.server, self.folder, self._capsys = server, folder, capsys
        settings_for(server, folder)
        self.file = str(write_input(folder / "in.csv", [each.upn for each in server.state.accounts.values()]))

    def become(self, state: State) -> None:
        for name in ("apps", "groups", "assignments"):
            setattr(self.server.state, name, getattr(state, name))

    def sspr(self, *words: str) -> tuple[int, str, str]:
        code = main([*words, "--config", str(self.folder / "tenants.toml")])
        told = self._capsys.readouterr()
        return code, told.out, told.err

    def doctor(self) -> tuple[int, dict[str, Any]]:
        code, out, err = self.sspr("doctor", "--json")
        assert err == ""
        found: dict[str, Any] = json.loads(out)
        assert found["exit_code"] == code
        return code, found

    def run(self, command: str = "run", *words: str) -> tuple[int, str]:
        before = len(self.server.journal.writes())
        out = self.folder / f"out{len(list(self.folder.glob('out*')))}"
        code, _, err = self.sspr(command, self.file, "--yes", "--out", str(out), *words)
        if code == 2:
            assert len(self.server.journal.writes()) == before
            assert {row["status"] for row in read_results(out)} == {"pending"}
        return code, err


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedTenant]:
    folder = tmp_path_factory.mktemp("tenant")
    with SimulatedTenant(state_of(), Behaviour(quotas=None), folder=folder) as started:
        yield started


@pytest.fixture
def here(
    server: SimulatedTenant,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Surroundings:
    monkeypatch.chdir(tmp_path)
    return Surroundings(server, tmp_path, capsys)


def names_in(lines: str) -> set[str]:
    """The permissions and the role that stand in lines which say what is missing; not what would do instead."""
    told = re.findall(
        r"^(?:  )?missing: the (?:permission|directory role) ([\w. -]+?)(?= \(|,|$)", lines, re.MULTILINE
    )
    return set(told)


def lines_of(said: str) -> list[str]:
    """What follows the sentence with which a command ended."""
    return said.partition("\nsspr: ")[2].splitlines()[1:]


def test_a_full_set_is_all_that_a_full_run_needs(here: Surroundings) -> None:
    here.become(state_of())
    code, found = here.doctor()
    assert (code, found["missing"]) == (0, {"permissions": [], "directory_role": False})
    assert all(each["granted"] for each in found["commands"] if each["command"].startswith(("run", "plan")))
    assert here.run()[0] in {0, 1}


@pytest.mark.parametrize("taken", NEEDED)
def test_a_permission_taken_away_is_named_by_doctor_and_run_and_no_other(
    taken: str, here: Surroundings
) -> None:
    here.become(state_of(without(taken)))
    code, found = here.doctor()
    assert (code, [each["name"] for each in found["missing"]["permissions"]]) == (1, [taken])
    code, said = here.run()
    assert (code, names_in(said)) == (2, {taken})
    assert lines_of(said) == found["how"], "the same words"
    assert "New-MgServicePrincipalAppRoleAssignment" in said
    assert "new token" in said


@pytest.mark.parametrize("roles", [(), (GLOBAL_READER,)])
def test_the_directory_role_taken_away_is_named_by_doctor_and_run(
    roles: tuple[str, ...], here: Surroundings
) -> None:
    here.become(state_of(roles=roles))
    code, found = here.doctor()
    assert (code, found["missing"]) == (1, {"permissions": [], "directory_role": True})
    code, said = here.run()
    assert (code, names_in(said)) == (2, {ROLE})
    assert lines_of(said) == found["how"], "the same words"
    own = here.server.state.apps[0].object_id
    assert f"New-MgRoleManagementDirectoryRoleAssignment -PrincipalId {own} " in said


@pytest.mark.parametrize("taken", WANTED)
def test_what_a_run_can_do_without_is_told_and_does_not_stop_it(taken: str, here: Surroundings) -> None:
    here.become(state_of(without(taken)))
    code, found = here.doctor()
    assert code == 0
    (full,) = (
        each for each in found["commands"] if each["command"].startswith("run") and each["target"] == "both"
    )
    assert full["granted"] is True
    assert full["without"]
    assert here.run()[0] in {0, 1}


@pytest.mark.parametrize(
    ("command", "target", "taken", "starts"),
    [
        ("run", "methods", CONTACT, True),
        ("run", "contact", METHODS, True),
        ("run", "contact", CONTACT, False),
        ("run", "methods", METHODS, False),
        ("plan", "both", CONTACT, True),
        ("plan", "contact", ("Policy.Read.All", *METHODS, *CONTACT), True),
        ("plan", "methods", (*METHODS, "UserAuthenticationMethod.Read.All"), False),
        ("plan", "both", ("User.Read.All",), False),
    ],
)
def test_a_command_asks_for_what_it_does_and_no_more(
    command: str, target: str, taken: tuple[str, ...], starts: bool, here: Surroundings
) -> None:
    here.become(state_of(without(*taken)))
    code, said = here.run(command, "--target", target)
    assert (code in {0, 1}) is starts, said
    if not starts:
        assert code == 2


@pytest.mark.parametrize("roles", [(), (USER,)])
def test_only_what_writes_contact_properties_asks_for_the_role(
    roles: tuple[str, ...], here: Surroundings
) -> None:
    here.become(state_of(roles=roles))
    assert here.run("run", "--target", "methods")[0] in {0, 1}
    assert here.run("plan", "--target", "contact")[0] in {0, 1}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (state_of(roles=(USER,)), "reach only some administrators"),
        (state_of(roles=(), groups=True), "but a group has"),
        (state_of(without("RoleManagement.Read.Directory"), roles=()), "RoleManagement.Read.Directory"),
    ],
    ids=["a lesser role", "a group", "not shown"],
)
def test_a_role_in_doubt_is_told_and_does_not_stop_a_run_before_it_starts(
    state: State, said: str, here: Surroundings
) -> None:
    here.become(state)
    code, errors = here.run("run", "--target", "contact")
    assert code != 2
    assert said in errors
    code, found = here.doctor()
    assert (code, found["missing"]["directory_role"]) == (1, True)
    assert any(said in note for note in found["notes"])


def test_resume_and_apply_refuse_with_the_same_words(here: Surroundings) -> None:
    here.become(state_of())
    assert here.run("plan")[0] in {0, 1}
    here.become(state_of(without("User-Mail.ReadWrite.All")))
    code, _, said = here.sspr("apply", str(here.folder / "out0"), "--yes")
    assert (code, names_in(said)) == (2, {"User-Mail.ReadWrite.All"})
    assert here.run()[0] == 2
    code, _, said = here.sspr("resume", str(here.folder / "out1"), "--yes")
    assert (code, names_in(said)) == (2, {"User-Mail.ReadWrite.All"})
    here.become(state_of())
    assert here.sspr("resume", str(here.folder / "out1"), "--yes")[0] in {0, 1}


def test_the_diagnosis_is_on_standard_output_and_holds_no_contact_data(here: Surroundings) -> None:
    here.become(state_of(without("User-Phone.ReadWrite.All"), groups=True))
    code, out, err = here.sspr("doctor")
    assert code == 1
    assert "User-Phone.ReadWrite.All" in out
    assert ROLE in out
    assert "any member of the tenant" in err
    told = out + err + json.dumps(here.doctor()[1])
    held = [
        value
        for each in here.server.state.accounts.values()
        for value in (each.upn, each.mobile_phone, each.email_method, *each.other_mails)
        if value
    ]
    assert len(held) > 8
    assert [value for value in held if value in told] == []
    assert here.server.secret not in told


def test_a_permission_granted_after_the_sign_in_is_not_to_be_granted_again(
    here: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is older than the grant: that is told, and no command to grant it once more."""
    from sspr.tenant import inspection

    here.become(state_of((*without("User-Mail.ReadWrite.All"), "Application.Read.All")))
    monkeypatch.setattr(inspection, "grants", lambda *_: {*NEEDED, *WANTED})
    code, found = here.doctor()
    assert code == 1
    assert [each["waiting"] for each in found["missing"]["permissions"]] == [True]
    code, said = here.run()
    assert code == 2
    assert "granted already, but this sign-in's token does not name it yet" in said
    assert "New-Mg" not in said + "\n".join(found["how"])


@pytest.mark.parametrize(
    ("permissions", "missing", "known"),
    [
        ((*NEEDED, *WANTED), [], False),
        (without("User.Read.All"), ["User.Read.All"], False),
        (without("Policy.Read.All", "User-Mail.ReadWrite.All"), ["Policy.Read.All"], False),
        ((*without("User-Mail.ReadWrite.All"), "Application.Read.All"), ["User-Mail.ReadWrite.All"], True),
    ],
)
def test_where_the_token_tells_nothing_the_directory_and_the_reads_do(
    permissions: tuple[str, ...],
    missing: list[str],
    known: bool,
    here: Surroundings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sspr.tenant.signin.SignIn.claims", lambda _: {})
    here.become(state_of(permissions))
    code, found = here.doctor()
    assert [each["name"] for each in found["missing"]["permissions"]] == missing
    assert (code, found["permissions"] is not None) == (int(bool(missing)), known)
    assert any("is not known" in note for note in found["notes"]) is not known
    assert here.run()[0] != 2, "a run does not refuse on a guess"


def test_the_built_in_tenant_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--tenant", "simulated"]) == 0
    assert "Everything that a full run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"), [(["--tenant", "nowhere"], "nowhere"), (["--config", "no.toml"], "no.toml")]
)
def test_what_cannot_start(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_tenant_that_is_not_there_ends_with_3(here: Surroundings) -> None:
    toml = (here.folder / "tenants.toml").read_text(encoding="utf-8")
    gone = re.sub(r"https://127\.0\.0\.1:\d+", "https://127.0.0.1:1", toml)
    (here.folder / "tenants.toml").write_text(gone, encoding="utf-8")
    code, out, err = here.sspr("doctor")
    assert (code, out) == (3, "")
    assert "cannot be reached" in err
