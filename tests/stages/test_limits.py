"""When a run stops by itself, told by the answers to its writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from sspr.contacts.codes import Policy
from sspr.errors import CannotStart, Stopped
from sspr.ledger import Compared, Ledger, RowState, RunLedger
from sspr.model import Account, Answer, Change, ChangeKind, Fate, Fault, Target, Write
from sspr.stages.context import Context, Options
from sspr.stages.limits import Limits, TooManyFailures, parse_max_failures
from sspr.tenant.graph import Tenant
from tests.fakes.runs import new_run

BOTH = Change(ChangeKind.CONTACT, {}, {"otherMails": ["a@fabrikam.com"], "mobilePhone": "+1 2065550100"})
MAILS = Change(ChangeKind.CONTACT, {}, {"otherMails": ["a@fabrikam.com"]})
FORBIDDEN = Fault(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
INVALID = Fault(400, "Request_BadRequest", "Invalid value specified for property.")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunLedger]:
    with closing(Ledger.open(None, tmp_path)) as ledger:
        yield new_run(ledger, tmp_path, rows=60)


def limits_of(run: RunLedger, max_failures: str | None = None) -> Limits:
    options = Options(max_failures=max_failures)
    nobody = cast("Tenant", None)  # limits ask the ledger only
    context = Context(
        run, nobody, Target.BOTH, options, Policy(), time.time, time.sleep, lambda *_: None, threading.Event()
    )
    return Limits(context)


def send(run: RunLedger, limits: Limits, sent: Sequence[tuple[Change, Fault | None]], first: int = 1) -> None:
    """Plans, sends and answers one write a row, from row `first` on, all in one batch."""
    changes = list(enumerate((change for change, _ in sent), first))
    account = Account("id", "admin@contoso.com")
    run.record_compared(
        [Compared(seq, RowState.PLANNED, account, changes=(change,)) for seq, change in changes], 0.0
    )
    writes = [Write((seq, change.kind.value), f"id-{seq}", change) for seq, change in changes]
    answers = [
        Answer(write.key, Fate.REFUSED if fault else Fate.ACCEPTED, fault)
        for write, (_, fault) in zip(writes, sent, strict=True)
    ]
    limits.expect(writes)
    run.record_sent(writes, 0.0)
    run.record_answers(answers, 0.0)
    limits.after(answers)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([(BOTH, FORBIDDEN)] * 2, id="all-of-a-few"),
        pytest.param([(BOTH, FORBIDDEN)] * 20, id="twenty"),
        pytest.param([(MAILS, None), *[(BOTH, FORBIDDEN)] * 5], id="another-permission-was-enough-for-some"),
    ],
)
def test_a_permission_that_is_missing_stops_and_the_rows_are_open_again(
    sent: list[tuple[Change, Fault | None]], run: RunLedger
) -> None:
    with pytest.raises(Stopped, match="Privileged Authentication Administrator"):
        send(run, limits_of(run), sent)
    assert run.refused_rows() == 0


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([(BOTH, FORBIDDEN)], id="a-single-account"),
        pytest.param([(BOTH, None), *[(BOTH, FORBIDDEN)] * 19], id="one-was-let-in"),
        pytest.param([(BOTH, INVALID)] * 20, id="refused-for-another-reason"),
    ],
)
def test_protected_accounts_among_others_stop_nothing(
    sent: list[tuple[Change, Fault | None]], run: RunLedger
) -> None:
    send(run, limits_of(run), sent)
    assert run.refused_rows() == sum(fault is not None for _, fault in sent)


def test_what_an_earlier_run_left_may_be_the_protected_accounts(run: RunLedger) -> None:
    account = Account("id", "admin@contoso.com")
    run.record_compared([Compared(seq, RowState.UNCHANGED, account) for seq in range(31, 61)], 0.0)
    send(run, limits_of(run), [(BOTH, FORBIDDEN)] * 25)
    assert run.refused_rows() == 25


def test_a_resumed_run_is_allowed_as_many_failures_again(run: RunLedger) -> None:
    with pytest.raises(TooManyFailures, match="2 rows failed"):
        send(run, limits_of(run, "1"), [(BOTH, INVALID)] * 2)
    resumed = limits_of(run, "1")
    send(run, resumed, [(BOTH, INVALID)], first=3)
    with pytest.raises(TooManyFailures, match="2 rows failed"):
        send(run, resumed, [(BOTH, INVALID)], first=4)


@pytest.mark.parametrize(
    ("text", "rows", "most"), [(None, 10, None), ("5", 10, 5), ("10%", 55, 5), ("0", 10, 0)]
)
def test_a_limit_is_a_number_or_a_share_of_the_rows(text: str | None, rows: int, most: int | None) -> None:
    assert parse_max_failures(text, rows) == most


@pytest.mark.parametrize("text", ["many", "-1", "101%", "5.5%", ""])
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CannotStart, match="max-failures"):
        parse_max_failures(text, 10)
