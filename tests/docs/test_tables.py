"""The tables that are told from the code are what the code says."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from enum import StrEnum

import pytest

from sspr.ledger.states import CHANGE_MOVES, MOVES
from sspr.model import CANONICAL_COLUMNS, NEEDED_COLUMNS, Status
from sspr.report.content import Report
from sspr.report.tables import RESULT_COLUMNS
from sspr.settings import GRAPH_URLS, LOGIN_URLS, Cloud, TenantSettings
from sspr.simulated.builtin_roles import BUILT_IN
from sspr.simulated.permissions import APP_ROLES
from sspr.tenant.permissions import NEEDS, ROLE
from sspr.tenant.quota import Published
from sspr.tenant.quotas import LIMITS, UNITS_OF_TENANTS, Quota
from sspr.tenant.refusals import ADVICE
from tests.docs.pages import PROJECT, page, table


def bare(cell: str) -> str:
    return cell.strip("`")


def moves(told: Mapping[StrEnum, frozenset[StrEnum]]) -> list[list[str]]:
    """The table of moves as the page has it."""
    return [
        [f"`{state}`", ", ".join(f"`{each}`" for each in type(state) if each in after) or "final"]
        for state, after in told.items()
    ]


@pytest.mark.parametrize(("first", "told"), [("row", MOVES), ("write", CHANGE_MOVES)])
def test_the_moves_of_the_ledger(first: str, told: Mapping[StrEnum, frozenset[StrEnum]]) -> None:
    assert table(page("docs/how-it-works.md"), first) == moves(told)


def test_the_crash_windows_are_those_listed_where_the_code_is() -> None:
    listed = importlib.import_module("sspr.ledger.states").__doc__ or ""
    windows = re.findall(r"^\d\. (.+?)  ", listed, flags=re.MULTILINE)
    assert len(windows) == 6
    assert [row[0] for row in table(page("docs/how-it-works.md"), "window")] == windows


def test_the_numbers() -> None:
    rows = table(page("docs/how-it-works.md"), "number")
    assert len(rows) > 8
    for name, told, _ in rows:
        module, _, constant = bare(name).rpartition(".")
        value = getattr(importlib.import_module(module), constant)
        values = value if isinstance(value, tuple) else (value,)
        assert told == ", ".join(f"{each:g}" for each in values), name


def test_the_limits_of_the_pacer() -> None:
    told = {bare(row[0]): row[1] for row in table(page("docs/how-it-works.md"), "quota")}
    assert list(told) == [quota.value for quota in Quota]
    for quota, limit in LIMITS.items():
        amounts = (
            f"{limit.amount:,.0f}.* in {limit.seconds:g} s"
            if isinstance(limit, Published)
            else "not published"
        )
        assert re.match(amounts, told[quota.value])
    assert [f"{units.amount:,.0f}" for _, units in UNITS_OF_TENANTS] == re.findall(r"\d,\d{3}", told["units"])


def test_every_room_that_is_named_is_there_and_every_room_is_named() -> None:
    named = {
        room
        for row in table(page("docs/how-it-works.md"), "room")
        for room in re.findall(r"`([^`]+)`", row[0])
    }
    assert [room for room in sorted(named) if not (PROJECT / room).exists()] == []
    rooms = {
        f"sspr/{path.name}/" for path in (PROJECT / "sspr").iterdir() if (path / "__init__.py").is_file()
    }
    assert rooms <= named


def test_the_columns_of_the_input() -> None:
    told = [row for row in table(page("docs/formats.md"), "column") if bare(row[0]) in CANONICAL_COLUMNS]
    inputs = told[: len(CANONICAL_COLUMNS)]
    assert [bare(row[0]) for row in inputs] == list(CANONICAL_COLUMNS)
    assert [bare(row[0]) for row in inputs if row[1].startswith("needed")] == list(NEEDED_COLUMNS)


def test_the_columns_of_the_results() -> None:
    told = [bare(row[0]) for row in table(page("docs/formats.md"), "column")]
    assert told[len(CANONICAL_COLUMNS) :] == list(RESULT_COLUMNS)


def test_every_status() -> None:
    assert [bare(row[0]) for row in table(page("docs/formats.md"), "status")] == list(Status)


def test_every_key_of_the_report() -> None:
    assert [bare(row[0]) for row in table(page("docs/formats.md"), "key")] == list(Report.__annotations__)


def test_every_key_of_a_tenant() -> None:
    rows = table(page("docs/set-up.md"), "key")
    assert [bare(row[0]) for row in rows] == list(TenantSettings.__struct_fields__)
    defaults = dict(zip(TenantSettings.__struct_fields__, TenantSettings.__struct_defaults__, strict=True))
    needed = [name for name, value in defaults.items() if value == ""]  # by all credentials but two
    assert [bare(row[0]) for row in rows if row[1] == "needed"] == needed
    told = {bare(row[0]): bare(row[1]) for row in rows if row[1].startswith("`")}
    assert told == {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in defaults.items()
        if value not in (None, "")
    }


def test_every_cloud() -> None:
    told = [[bare(cell) for cell in row] for row in table(page("docs/set-up.md"), "`cloud`")]
    assert told == [[cloud.value, LOGIN_URLS[cloud], GRAPH_URLS[cloud]] for cloud in Cloud]


def test_every_code_of_the_sign_in_service_that_has_an_advice() -> None:
    told = {
        int(code)
        for row in table(page("docs/troubleshooting.md"), "code")
        for code in re.findall(r"\d+", row[0])
    }
    assert told == set(ADVICE)


def test_the_permissions_meet_every_need_of_a_run_and_bear_their_ids() -> None:
    rows = table(page("README.md"), "so that the run can")
    named = {bare(row[1]): bare(row[2]) for row in rows}
    assert [need.what for need in NEEDS if not named.keys() & set(need.permissions)] == []
    assert named == {name: APP_ROLES[name] for name in named}


def test_the_directory_role_is_the_one_that_messages_name() -> None:
    assert f"**{ROLE}**" in page("README.md")
    (role_id,) = re.findall(r'-RoleDefinitionId "([0-9a-f-]{36})"', page("docs/set-up.md"))
    assert BUILT_IN[role_id] == ROLE
