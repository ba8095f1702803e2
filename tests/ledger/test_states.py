"""From where to where rows and writes may move: the tables themselves, and that the door keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from sspr.ledger import ChangeState, Compared, Finished, Ledger, MovedWronglyError, RowState, status_of
from sspr.ledger.states import CHANGE_MOVES, FINAL, MOVES
from sspr.model import Account, Answer, Change, ChangeKind, Fate, Status, Write
from tests.fakes.runs import new_run

CHANGE = Change(ChangeKind.CONTACT, {"mobilePhone": None}, {"mobilePhone": "+1 2065550100"})
ACCOUNT = Account("id-1", "admin1@contoso.com")


@pytest.mark.parametrize(("moves", "first"), [(MOVES, RowState.READ), (CHANGE_MOVES, ChangeState.PLANNED)])
def test_every_state_can_be_reached_and_left_or_is_an_end(
    moves: Mapping[StrEnum, frozenset[StrEnum]], first: StrEnum
) -> None:
    reached, todo = {first}, [first]
    while todo:
        new = moves[todo.pop()] - reached
        reached |= new
        todo += new
    born = {RowState.REJECTED} if first is RowState.READ else set()
    assert reached | born == set(moves)


def test_final_rows_never_move_and_have_a_status_of_their_own() -> None:
    assert all(not MOVES[state] for state in FINAL)
    assert {status_of(state, "run") for state in FINAL} == {
        Status.UPDATED,
        Status.UNCHANGED,
        Status.REJECTED,
        Status.FAILED,
    }


@pytest.mark.parametrize(
    ("state", "command", "status"),
    [
        (RowState.READ, "check", Status.VALID),
        (RowState.READ, "plan", Status.PENDING),
        (RowState.READ, "run", Status.PENDING),
        (RowState.PLANNED, "plan", Status.PLANNED),
        (RowState.PLANNED, "apply", Status.PENDING),
        (RowState.WRITING, "run", Status.PENDING),
    ],
)
def test_a_row_that_has_not_ended_is_told_by_the_command(
    state: RowState, command: str, status: Status
) -> None:
    assert status_of(state, command) is status


def test_the_door_refuses_a_move_that_the_table_does_not_know(ledger: Ledger, tmp_path: Path) -> None:
    run = new_run(ledger, tmp_path, rows=1)
    run.record_compared([Compared(1, RowState.UNCHANGED, ACCOUNT)], now=1.0)
    with pytest.raises(MovedWronglyError):
        run.record_compared([Compared(1, RowState.PLANNED, ACCOUNT, changes=(CHANGE,))], now=2.0)
    assert run.counts() == {RowState.UNCHANGED: 1}


def test_a_refused_move_leaves_the_other_rows_of_its_transaction_where_they_were(
    ledger: Ledger, tmp_path: Path
) -> None:
    run = new_run(ledger, tmp_path, rows=2)
    run.record_compared([Compared(2, RowState.UNCHANGED, ACCOUNT)], now=1.0)
    both = [Compared(seq, RowState.PLANNED, ACCOUNT, changes=(CHANGE,)) for seq in (1, 2)]
    with pytest.raises(MovedWronglyError):
        run.record_compared(both, now=2.0)
    assert run.counts() == {RowState.READ: 1, RowState.UNCHANGED: 1}


@pytest.mark.parametrize(
    ("fate", "state"),
    [
        (Fate.ACCEPTED, ChangeState.ACCEPTED),
        (Fate.REFUSED, ChangeState.REFUSED),
        (Fate.UNKNOWN, ChangeState.SENT),
        (Fate.NOT_SENT, ChangeState.PLANNED),
    ],
)
def test_an_answer_decides_where_the_write_stands(
    ledger: Ledger, tmp_path: Path, fate: Fate, state: ChangeState
) -> None:
    run = new_run(ledger, tmp_path, rows=1)
    run.record_compared([Compared(1, RowState.PLANNED, ACCOUNT, changes=(CHANGE,))], now=1.0)
    run.record_sent([Write((1, "contact"), "id-1", CHANGE)], now=2.0)
    assert run.counts() == {RowState.WRITING: 1}
    run.record_answers([Answer((1, "contact"), fate)], now=3.0)
    [record] = run.changes(1, 1)
    assert (record.state, record.attempts, record.sent_at) == (state, 1, 2.0)


def test_what_was_there_before_survives_the_end_of_the_row(ledger: Ledger, tmp_path: Path) -> None:
    run = new_run(ledger, tmp_path, rows=1)
    before = Account("id-1", "admin1@contoso.com", other_mails=("old@adatum.com",))
    after = Account("id-1", "admin1@contoso.com", other_mails=("new@adatum.com", "old@adatum.com"))
    run.record_compared([Compared(1, RowState.PLANNED, before, changes=(CHANGE,))], now=1.0)
    run.record_sent([Write((1, "contact"), "id-1", CHANGE)], now=2.0)
    run.record_look([], [Finished(1, RowState.UPDATED, after)])
    [row] = run.rows()
    assert (row.state, row.before, row.now) == (RowState.UPDATED, before, after)
