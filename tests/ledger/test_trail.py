"""Who had a run in hand, and every sending of every write, whatever became of it."""

from __future__ import annotations

from pathlib import Path

from sspr.ledger import ChangeMove, ChangeState, Compared, Finished, Ledger, RowState, RunLedger
from sspr.model import Account, Answer, Change, ChangeKind, Fate, Fault, Write
from tests.fakes.runs import new_run

CHANGE = Change(ChangeKind.CONTACT, {"mobilePhone": None}, {"mobilePhone": "+1 2065550100"})
THROTTLED = Fault(429, "TooManyRequests", "later", "request-1")


def planned(ledger: Ledger, folder: Path, rows: int = 1) -> RunLedger:
    run = new_run(ledger, folder, rows)
    run.record_compared(
        [
            Compared(
                seq, RowState.PLANNED, Account(f"id-{seq}", f"admin{seq}@contoso.com"), changes=(CHANGE,)
            )
            for seq in range(1, rows + 1)
        ],
        now=1.0,
    )
    return run


def write(seq: int) -> Write:
    return Write((seq, "contact"), f"id-{seq}", CHANGE)


def plan_again(run: RunLedger, seq: int) -> None:
    run.record_look([ChangeMove(seq, ChangeKind.CONTACT, ChangeState.PLANNED, CHANGE)], [])


def test_every_sending_is_kept_with_its_fate_and_its_fault(ledger: Ledger, tmp_path: Path) -> None:
    run = planned(ledger, tmp_path)
    run.record_sent([write(1)], now=2.0)
    run.record_sent([write(1)], now=3.0)  # Microsoft put the first one off
    run.record_answers([Answer((1, "contact"), Fate.NOT_SENT, THROTTLED)], now=4.0)
    run.record_sent([write(1)], now=5.0)
    run.record_answers([Answer((1, "contact"), Fate.UNKNOWN)], now=6.0)
    plan_again(run, 1)
    run.record_sent([write(1)], now=7.0)
    run.record_answers([Answer((1, "contact"), Fate.ACCEPTED)], now=8.0)
    told = [
        (each.number, each.sent_at, each.answered_at, each.fate, each.code) for each in run.trail.attempts()
    ]
    assert told == [
        (1, 2.0, None, "put_off", None),
        (2, 3.0, 4.0, "not_sent", "TooManyRequests"),
        (3, 5.0, 6.0, "unknown", None),
        (4, 7.0, 8.0, "accepted", None),
    ]
    [fault] = run.trail.faults()
    assert (fault.status, fault.times, fault.request_ids) == (429, 1, ("request-1",))


def test_a_sending_without_an_answer_is_told_while_it_stands_and_kept_when_it_is_sent_again(
    ledger: Ledger, tmp_path: Path
) -> None:
    run = planned(ledger, tmp_path, rows=2)
    run.record_sent([write(1), write(2)], now=2.0)
    after_a_kill = ledger.run(run.run_id)
    assert (after_a_kill.trail.attempts(), after_a_kill.trail.fates()) == ([], {"unanswered": 2})
    plan_again(after_a_kill, 1)
    after_a_kill.record_sent([write(1)], now=9.0)
    [attempt] = after_a_kill.trail.attempts()
    assert (attempt.seq, attempt.number, attempt.sent_at, attempt.fate) == (1, 1, 2.0, "unanswered")
    assert after_a_kill.trail.fates() == {"unanswered": 3}


def test_a_sending_without_an_answer_is_kept_when_a_look_shows_it(ledger: Ledger, tmp_path: Path) -> None:
    run = planned(ledger, tmp_path)
    run.record_sent([write(1)], now=2.0)
    confirmed = ChangeMove(1, ChangeKind.CONTACT, ChangeState.CONFIRMED)
    run.record_look([confirmed], [Finished(1, RowState.UPDATED, None)])
    assert [(each.number, each.fate) for each in run.trail.attempts()] == [(1, "unanswered")]
    assert run.trail.fates() == {"unanswered": 1}


def test_no_fault_that_microsoft_told_is_lost_and_its_words_are_not_kept(
    ledger: Ledger, tmp_path: Path
) -> None:
    run = planned(ledger, tmp_path, rows=3)
    run.record_sent([write(seq) for seq in (1, 2, 3)], now=2.0)
    refused = [Fault(403, "Authorization_RequestDenied", "ava@adatum.com", f"request-{n}") for n in (1, 2)]
    run.record_answers(
        [
            Answer((1, "contact"), Fate.REFUSED, refused[0]),
            Answer((2, "contact"), Fate.REFUSED, refused[1]),
            Answer((3, "contact"), Fate.ACCEPTED),
        ],
        now=3.0,
    )
    assert run.trail.fates() == {"accepted": 1, "refused": 2}
    [fault] = run.trail.faults()
    assert (fault.code, fault.times, fault.request_ids) == (
        "Authorization_RequestDenied", 2, ("request-1", "request-2"),
    )  # fmt: skip
    assert "adatum" not in repr(run.trail.attempts())


def test_the_sessions_of_a_run_are_kept_in_order(ledger: Ledger, tmp_path: Path) -> None:
    trail = new_run(ledger, tmp_path, rows=1).trail
    first = trail.begin_session("ava@one", "plan", 1.0)
    trail.end_session(first, 0, 2.0)
    trail.begin_session("bo@two", "apply", 3.0)
    told = [(each.who, each.command, each.ended_at, each.exit_code) for each in trail.sessions()]
    assert told == [("ava@one", "plan", 2.0, 0), ("bo@two", "apply", None, None)]
