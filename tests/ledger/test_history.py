"""Forgetting contact data: really gone, only of runs that have ended, and all the rest kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sspr.ledger import ChangeMove, ChangeState, Compared, Finished, Ledger, RowState, RunLedger
from sspr.model import Account, Answer, Change, ChangeKind, Fate, Fault, Finding, Methods, Write
from tests.fakes.runs import new_run

# Each in a place of its own in the ledger, in none of which it may be found again.
SECRETS = {
    "the row's cells": "admin1@contoso.com",
    "the email": "a1@fabrikam.com",
    "the phone": "+1 2065550001",
    "before": "before.address@adatum.com",
    "now": "now.address@adatum.com",
    "a change": "written.address@adatum.com",
    "a method": "+44 7400123456",
    "a message": "message.address@adatum.com",
    "a fault": "fault.address@adatum.com",
    "a reason's detail": "lookalike-of.example",
}


def eventful(ledger: Ledger, folder: Path, rows: int = 1) -> RunLedger:
    """A run that has all of them in it, and was compared twice, so that the database has freed some already."""
    run = new_run(ledger, folder, rows)
    change = Change(
        ChangeKind.CONTACT,
        {"otherMails": [SECRETS["before"]]},
        {"otherMails": [SECRETS["a change"], SECRETS["before"]]},
    )
    before = Account(
        "id-1",
        SECRETS["the row's cells"],
        other_mails=(SECRETS["before"],),
        methods=Methods(mobile_phone=SECRETS["a method"]),
    )
    warnings = (Finding("email_lookalike", SECRETS["a reason's detail"]),)
    for moment in (1.0, 2.0):
        compared = Compared(1, RowState.PLANNED, before, warnings=warnings, changes=(change,))
        run.record_compared([compared], now=moment)
    run.record_sent([Write((1, "contact"), "id-1", change)], now=3.0)
    fault = Fault(400, "Request_BadRequest", SECRETS["a fault"], "request-1")
    run.record_answers([Answer((1, "contact"), Fate.REFUSED, fault)], now=4.0)
    after = Account("id-1", SECRETS["the row's cells"], other_mails=(SECRETS["now"],))
    run.record_look(
        [ChangeMove(1, ChangeKind.CONTACT, ChangeState.LOST)],
        [Finished(1, RowState.FAILED, after, (Finding("tenant_rejected"),), message=SECRETS["a message"])],
    )
    return run


def found_in(home: Path) -> set[str]:
    """Which of the secrets are in the bytes of the ledger's files."""
    content = b"".join(path.read_bytes() for path in home.glob("ledger.sqlite*"))
    return {where for where, secret in SECRETS.items() if secret.encode() in content}


@pytest.mark.parametrize("rows", [1, 300], ids=["in one page", "over many pages"])
def test_what_is_forgotten_is_in_no_byte_of_the_files(rows: int, tmp_path: Path) -> None:
    with closing(Ledger.open(None, tmp_path)) as ledger:
        run = eventful(ledger, tmp_path, rows)
        run.update(ended=True, finished_at=10.0)
        assert found_in(tmp_path) == set(SECRETS)
        assert ledger.history.forget(run.run_id, 20.0) == rows
        assert ledger.history.shred()
        assert found_in(tmp_path) == set(), "while it is open"
    assert found_in(tmp_path) == set(), "and once it is closed"


def test_all_the_rest_is_kept(ledger: Ledger, tmp_path: Path) -> None:
    run = eventful(ledger, tmp_path)
    run.update(ended=True, finished_at=10.0, counts={"failed": 1})
    kept = (run.counts(), run.codes(), run.trail.attempts(), run.trail.faults(), run.sources())
    ledger.history.forget(run.run_id, 20.0)
    assert (run.counts(), run.codes(), run.trail.attempts(), run.trail.faults(), run.sources()) == kept
    assert (run.record().pruned_at, run.record().counts) == (20.0, {"failed": 1})
    [row] = run.rows()
    assert (row.account_id, row.line, row.upn, row.before, row.now) == ("id-1", 2, "", None, None)
    [change] = run.changes(1, 1)
    assert change.fault is not None
    assert (change.state, change.fault.code, change.fault.request_id) == (
        ChangeState.LOST, "Request_BadRequest", "request-1",
    )  # fmt: skip


def test_only_runs_that_ended_before_are_forgotten_and_only_once(ledger: Ledger, tmp_path: Path) -> None:
    old, new, unended = (new_run(ledger, tmp_path / name, rows=1) for name in ("old", "new", "unended"))
    old.update(ended=True, finished_at=10.0)
    new.update(ended=True, finished_at=30.0)
    unended.update(finished_at=10.0, exit_code=3)
    history = ledger.history
    assert [record.id for record in history.ended_before(20.0)] == [old.run_id]
    assert [record.id for record in history.open_since_before(20.0)] == [unended.run_id]
    assert history.forget(unended.run_id, 40.0) is None
    assert unended.rows()[0].upn
    history.forget(old.run_id, 40.0)
    assert history.ended_before(20.0) == []


def test_a_run_that_is_being_undone_is_not_forgotten(ledger: Ledger, tmp_path: Path) -> None:
    origin, undo = (new_run(ledger, tmp_path / name, rows=1) for name in ("origin", "undo"))
    origin.update(ended=True, finished_at=10.0)
    undo.update(options={"undoes": origin.run_id})
    assert ledger.history.undone_by(origin.run_id) == [undo.run_id]
    assert ledger.history.ended_before(20.0) == []
    assert ledger.history.forget(origin.run_id, 20.0) is None
    undo.update(ended=True, finished_at=11.0)
    assert ledger.history.forget(origin.run_id, 20.0) == 1


def test_while_another_process_reads_it_is_said_that_the_values_are_still_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sspr.ledger.engine.BUSY_SECONDS", 0)
    with closing(Ledger.open(None, tmp_path)) as ledger:
        run = eventful(ledger, tmp_path)
        run.update(ended=True, finished_at=10.0)
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM row").fetchone()
            ledger.history.forget(run.run_id, 20.0)
            assert not ledger.history.shred()
        assert ledger.history.shred()
        assert found_in(tmp_path) == set()
