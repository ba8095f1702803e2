"""What stands behind the comparison: rows that need no mending, a quota that is spent beforehand, lost updates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench import peers
from bench.table import Measure, frame, side_by_side
from sspr.contacts.judge import judge
from sspr.input.table import ReadOptions, open_table
from sspr.simulated.behaviour import Behaviour, Limit, Quotas
from sspr.simulated.samples import accounts_for
from sspr.simulated.server import SimulatedTenant


def test_the_rows_are_valid_as_they_stand(tmp_path: Path) -> None:
    rows = peers.rows_of(30)
    file = peers._write(tmp_path / "rows.csv", rows)
    contacts = [judge(row, None) for row in open_table(file, file.name, ReadOptions()).rows()]
    assert [contact.findings for contact in contacts] == [()] * 30
    told = [(each.user_principal_name, each.alternate_email, each.mobile_phone) for each in contacts]
    assert told == [(row.upn, row.email, row.phone) for row in rows]


def test_an_account_that_does_not_hold_both_values_is_a_lost_update(tmp_path: Path) -> None:
    rows = peers.rows_of(3)
    state = accounts_for(row.upn for row in rows)
    for row, phone in zip(rows, (rows[0].phone, None, rows[0].phone), strict=True):
        account = state.account(row.upn)
        assert account is not None
        state.put(replace(account, other_mails=(row.email,), mobile_phone=phone))
    assert peers._lost(SimulatedTenant(state, folder=tmp_path), rows) == 2


def test_what_is_spent_beforehand_is_missing_afterwards(tmp_path: Path) -> None:
    quotas = Quotas(writes=Limit(50, 1_000_000))
    with SimulatedTenant(accounts_for([peers._OTHER]), Behaviour(quotas=quotas), folder=tmp_path) as tenant:
        peers._spend(tenant, 45)
        assert len(tenant.journal.writes()) == 45
        with pytest.raises(RuntimeError, match="could be spent"):
            peers._spend(tenant, 6)


def test_ways_stand_side_by_side() -> None:
    measures = [
        Measure(way, what, "", [value])
        for way, values in (("b", (1.0, 2.0)), ("a", (3.0, 4000.0)))
        for what, value in zip(("time", "lost"), values, strict=True)
    ]
    lines = [line.split() for line in side_by_side(frame(measures)).splitlines()]
    assert lines == [["time", "lost"], ["b", "1", "2"], ["a", "3", "4,000"]]
