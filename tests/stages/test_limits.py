"""When a run stops by itself, told by the answers to its writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import cast

import pytest

from sspr.contacts.codes import Policy
from sspr.errors import CannotStart, Stopped
from sspr.ledger import Compared, Ledger, RowState, RunLedger
from sspr.model import Account, Answer, Change, ChangeKind, Fate, Fault, Target, Write
from sspr.stages.context import Context, Options
from sspr.stages.limits import Limits, TooManyFailures, parse_max_failures, stop_where_nothing_is_shown
from sspr.tenant.graph import Tenant
from sspr.tenant.permissions import READ_USERS
from tests.fakes.runs import new_run

BOTH = Change(ChangeKind.CONTACT, {}, {"otherMails": ["a@fabrikam.com"], "mobilePhone": "+1 2065550100"})
MAILS = Change(ChangeKind.CONTACT, {}, {"otherMails": ["a@fabrikam.com"]})
FORBIDDEN = Fault(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
ON_PREMISES = Fault(
    400, "Request_BadRequest", "Unable to update … on-premises mastered Directory Sync objects."
)
OTHER = Fault(409, "Request_BadRequest", "Another object with the same value exists.")
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
        pytest.param([(BOTH, INVALID)] * 2, id="all-of-a-few-for-a-reason-of-their-own"),
        pytest.param([(BOTH, INVALID)] * 19, id="nineteen-for-another-reason"),
        pytest.param([(BOTH, INVALID), (BOTH, OTHER)] * 20, id="refused-for-one-reason-and-another"),
        pytest.param([(BOTH, None), *[(BOTH, INVALID)] * 49], id="fewer-in-a-row-than-make-a-pattern"),
        pytest.param([(BOTH, ON_PREMISES)] * 30, id="mastered-on-premises"),
    ],
)
def test_protected_accounts_among_others_stop_nothing(
    sent: list[tuple[Change, Fault | None]], run: RunLedger
) -> None:
    send(run, limits_of(run), sent)
    assert run.refused_rows() == sum(fault is not None for _, fault in sent)


@pytest.mark.parametrize(
    ("sent", "refused"),
    [
        pytest.param([(BOTH, INVALID)] * 20, 20, id="the-first"),
        pytest.param([(BOTH, None), *[(BOTH, INVALID)] * 50], 50, id="many-in-a-row-after-a-good-one"),
    ],
)
def test_so_many_refusals_for_one_reason_stop_and_name_it(
    sent: list[tuple[Change, Fault | None]], refused: int, run: RunLedger
) -> None:
    with pytest.raises(
        TooManyFailures, match=rf"refused {refused} writes in a row .*HTTP 400 Request_BadRequest"
    ):
        send(run, limits_of(run), sent)
    assert run.refused_rows() == refused


def test_whoever_says_how_many_may_fail_is_not_stopped_before(run: RunLedger) -> None:
    send(run, limits_of(run, "100%"), [(BOTH, None), *[(BOTH, INVALID)] * 55])
    assert run.refused_rows() == 55


def test_a_permission_that_is_withdrawn_stops_and_the_rows_are_open_again(run: RunLedger) -> None:
    limits = limits_of(run)
    send(run, limits, [(BOTH, None)] * 5)
    with pytest.raises(Stopped, match="the last 50 writes with 403"):
        send(run, limits, [(BOTH, FORBIDDEN)] * 50, first=6)
    assert run.refused_rows() == 0


def test_each_kind_of_write_is_counted_by_itself(run: RunLedger) -> None:
    limits = limits_of(run)
    send(run, limits, [(MAILS, None), (BOTH, INVALID)] * 19)
    with pytest.raises(TooManyFailures):
        send(run, limits, [(MAILS, None), (BOTH, INVALID)], first=39)


def test_answers_of_several_threads_are_all_counted(run: RunLedger) -> None:
    limits = limits_of(run)
    writes = [Write((seq, "contact"), f"id-{seq}", BOTH) for seq in range(1, 801)]
    begin = threading.Barrier(8, timeout=10)

    def answer(part: Sequence[Write]) -> None:
        begin.wait()
        for write in part:
            limits.expect([write])
            limits.after([Answer(write.key, Fate.ACCEPTED)])

    threads = [threading.Thread(target=answer, args=(writes[number::8],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [tally] = limits._tallies.values()
    assert (tally.left, tally.accepted, limits._sorts) == (0, 800, {})


SHOWN = Account("id", "admin@contoso.com")
LIMITED = Fault(200, "limited_information", "nothing is shown")


@pytest.mark.parametrize(
    ("results", "said"),
    [
        pytest.param([FORBIDDEN] * 20, "User.Read.All", id="forbidden"),
        pytest.param([LIMITED] * 20, "User.Read.All", id="withheld"),
        pytest.param(
            [INVALID] * 20,
            "could not read users: .* 20 accounts .*Request_BadRequest",
            id="for-another-reason",
        ),
        pytest.param([INVALID] * 19, None, id="a-few"),
        pytest.param([*[INVALID] * 20, SHOWN], None, id="one-is-shown"),
        pytest.param([*[INVALID] * 20, None], None, id="one-is-not-there"),
        pytest.param([*[INVALID] * 20, OTHER], None, id="for-one-reason-and-another"),
        pytest.param([], None, id="nothing-read"),
    ],
)
def test_reads_that_show_nothing_for_one_reason_stop(results: list[object], said: str | None) -> None:
    expected: AbstractContextManager[object] = (
        nullcontext() if said is None else pytest.raises(Stopped, match=said)
    )
    with expected:
        stop_where_nothing_is_shown(results, "read users", READ_USERS)


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
