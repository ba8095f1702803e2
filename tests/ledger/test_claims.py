"""Runs side by side: who may write to which administrator, what a run is told of the others, and lost leases."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from sspr.errors import Busy
from sspr.ledger import Compared, Ledger, RowState, RunLedger, leases
from sspr.ledger.claims import SKEW_SECONDS
from sspr.ledger.leases import LEASE_SECONDS, LET_GO_SECONDS, REMEMBER_SECONDS
from sspr.ledger.schema import claim, lease
from sspr.model import Account, Change, ChangeKind
from tests.fakes.runs import new_run

TENANT = "contoso"
NOW = 1_000_000.0
ROWS = 6

Begin = Callable[..., RunLedger]


@pytest.fixture
def begin(ledger: Ledger, tmp_path: Path) -> Begin:
    """A run of some rows that are all planned. Its accounts are `a<n>`, n from `first` on."""

    def begin(first: int = 1) -> RunLedger:
        run = new_run(ledger, tmp_path, ROWS)
        run.record_compared([_planned(seq, f"a{first + seq - 1}") for seq in range(1, ROWS + 1)], NOW)
        return run

    return begin


def _planned(seq: int, account: str) -> Compared:
    change = Change(ChangeKind.CONTACT, {"mobilePhone": None}, {"mobilePhone": "+1 2065550100"})
    held = Account(account, f"{account}@contoso.com")
    return Compared(seq, RowState.PLANNED, held, changes=(change,))


def _give_up(run: RunLedger, first: int = 1, last: int = ROWS) -> None:
    """Those rows have come to their end."""
    run.record_compared([Compared(seq, RowState.FAILED, None) for seq in range(first, last + 1)], NOW)


def take(
    ledger: Ledger, run: RunLedger, first: int = 1, last: int = ROWS, since: float = 0.0, now: float = NOW
) -> set[str]:
    return set(ledger.claims(run.run_id, lambda: now).take(TENANT, first, last, since))


def hold(stack: ExitStack, ledger: Ledger, run: RunLedger, now: float = NOW) -> None:
    """The run's process lives, to the end of the stack."""
    stack.enter_context(ledger.leased(run.run_id, clock=lambda: now))


def test_two_runs_on_different_administrators_claim_side_by_side(ledger: Ledger, begin: Begin) -> None:
    one, two = begin(1), begin(1 + ROWS)
    with ExitStack() as stack:
        hold(stack, ledger, one)
        hold(stack, ledger, two)
        assert take(ledger, one) == set()
        assert take(ledger, two) == set()


def test_the_second_run_on_the_same_administrators_is_told_who_is_at_them(
    ledger: Ledger, begin: Begin
) -> None:
    one, two = begin(1), begin(4)  # a4, a5, a6 are in both
    with ExitStack() as stack:
        hold(stack, ledger, one)
        hold(stack, ledger, two)
        take(ledger, one)
        with pytest.raises(Busy) as caught:
            take(ledger, two)
        assert str(caught.value).startswith(f"Run {one.run_id}, by process {os.getpid()} on ")
        assert "is working on 3 of these administrators." in caught.value.what
        assert f"sspr resume {two.run_id}" in str(caught.value)
        assert take(ledger, two, 4) == set()  # a7, a8, a9: only the second has them


def test_a_refused_claim_claims_nothing(ledger: Ledger, begin: Begin) -> None:
    one, two, three = begin(1), begin(4), begin(7)
    with ExitStack() as stack:
        for run in (one, two, three):
            hold(stack, ledger, run)
        take(ledger, one)
        with pytest.raises(Busy):
            take(ledger, two)
        assert take(ledger, three) == set()  # a7 to a9 are rows of the refused one too


def test_a_run_claims_again_what_it_claimed(ledger: Ledger, begin: Begin) -> None:
    run = begin()
    with ExitStack() as stack:
        hold(stack, ledger, run)
        assert take(ledger, run) == set()
        assert take(ledger, run) == set()


def test_tenants_do_not_disturb_each_other(ledger: Ledger, begin: Begin) -> None:
    one, two = begin(), begin()
    with ExitStack() as stack:
        hold(stack, ledger, one)
        take(ledger, one)
        assert ledger.claims(two.run_id).take("fabrikam", 1, ROWS, 0.0) == frozenset()


def test_what_is_at_its_end_is_free_and_is_said_to_have_been_in_other_hands(
    ledger: Ledger, begin: Begin
) -> None:
    one, two = begin(), begin()
    with ExitStack() as stack:
        hold(stack, ledger, one)
        take(ledger, one)
        _give_up(one, 1, 4)
        assert take(ledger, two, 1, 4) == {"a1", "a2", "a3", "a4"}
        with pytest.raises(Busy, match="working on 1 of these"):
            take(ledger, two, 4, 5)


def test_what_was_in_other_hands_is_said_once(ledger: Ledger, begin: Begin) -> None:
    one, two = begin(), begin()
    with ExitStack() as stack:
        hold(stack, ledger, one)
        take(ledger, one)
        _give_up(one)
        claims = ledger.claims(two.run_id, lambda: NOW)
        assert len(claims.take(TENANT, 1, ROWS, 0.0)) == ROWS
        assert claims.take(TENANT, 1, ROWS, 0.0) == frozenset()


@pytest.mark.parametrize(
    ("compared", "told"), [(NOW - 1, True), (NOW + SKEW_SECONDS - 1, True), (NOW + SKEW_SECONDS + 1, False)]
)
def test_what_a_run_freed_before_the_comparison_needs_no_other(
    compared: float, told: bool, ledger: Ledger, begin: Begin
) -> None:
    """With allowance for clocks that differ."""
    one, two = begin(), begin()
    with ExitStack() as stack:
        hold(stack, ledger, one)
        take(ledger, one)
    assert bool(take(ledger, two, since=compared)) is told


def test_a_chunk_was_written_to_until_the_next_was_claimed(ledger: Ledger, begin: Begin) -> None:
    one, two = begin(), begin()
    with ExitStack() as stack:
        hold(stack, ledger, one, NOW + 500)
        for chunk, moment in ((1, NOW), (3, NOW + 100), (5, NOW + 500)):
            take(ledger, one, chunk, chunk + 1, now=moment)
        _give_up(one)
        since = NOW + 200 + SKEW_SECONDS
        assert take(ledger, two, since=since) == {"a3", "a4", "a5", "a6"}


def test_a_run_whose_process_was_killed_locks_nobody_out(
    ledger: Ledger, begin: Begin, tmp_path: Path
) -> None:
    one, two = begin(), begin()
    script = (
        "import os, signal, sys; from pathlib import Path; from sspr.ledger import Ledger\n"
        "ledger = Ledger.open(None, Path(sys.argv[1]))\n"
        "with ledger.leased(sys.argv[2]):\n"
        f"    ledger.claims(sys.argv[2]).take({TENANT!r}, 1, {ROWS}, 0.0)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path), one.run_id], check=False)
    assert killed.returncode == -signal.SIGKILL
    claims = ledger.claims(two.run_id)
    assert claims.take(TENANT, 1, ROWS, 0.0) == {f"a{n}" for n in range(1, ROWS + 1)}


def test_a_claim_of_another_machine_ends_with_its_lease(
    ledger: Ledger, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = begin(), begin()
    with ExitStack() as stack:
        hold(stack, ledger, one)
        take(ledger, one)
        monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
        with pytest.raises(Busy):
            take(ledger, two, now=NOW + LEASE_SECONDS - 1)
        assert take(ledger, two, now=NOW + LEASE_SECONDS + 1)


def test_of_two_that_claim_at_once_one_is_refused(tmp_path: Path, ledger: Ledger, begin: Begin) -> None:
    runs = [begin() for _ in range(4)]
    refused: list[str] = []
    start = threading.Barrier(len(runs))

    def claim_it(run: RunLedger) -> None:
        with closing(Ledger.open(None, tmp_path)) as own:
            start.wait()
            try:
                take(own, run)
            except Busy:
                refused.append(run.run_id)

    with ExitStack() as stack:
        for run in runs:
            hold(stack, ledger, run)
        threads = [threading.Thread(target=claim_it, args=(run,)) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(refused) == len(runs) - 1


def test_claims_that_nobody_needs_any_more_are_swept(ledger: Ledger, begin: Begin) -> None:
    killed, ended, last = begin(1), begin(11), begin(21)
    take(ledger, killed)  # it held no lease when it was killed
    for run, now in ((ended, NOW), (last, NOW + REMEMBER_SECONDS + 1)):
        with ExitStack() as stack:
            hold(stack, ledger, run, now)
            take(ledger, run)
    with ledger._engine.connect() as connection:
        assert list(connection.scalars(sa.select(claim.c.run_id))) == [last.run_id]


# -- leases that are lost -----------------------------------------------------------------------------------------


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are renewed all the time."""
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.01)


class Lost:
    """Waits to be told."""

    def __init__(self) -> None:
        self.why = ""
        self._told = threading.Event()

    def __call__(self, why: str) -> None:
        self.why = why
        self._told.set()

    def wait(self) -> None:
        assert self._told.wait(30)


@pytest.fixture
def silenced(ledger: Ledger) -> Iterator[Callable[[], None]]:
    """Makes the ledger fail from then on, and work again after the test."""
    away = threading.Event()

    @sa.event.listens_for(ledger._engine, "begin")
    def fail(_connection: object) -> None:
        if away.is_set():
            raise OperationalError("BEGIN", {}, Exception("database is locked"))

    yield away.set
    sa.event.remove(ledger._engine, "begin", fail)


@pytest.mark.usefixtures("hurried")
def test_a_lease_is_lost_before_its_time_is_over_where_it_cannot_be_renewed(
    ledger: Ledger, silenced: Callable[[], None]
) -> None:
    moment = [NOW]
    lost = Lost()
    with ledger.leased("run-1", clock=lambda: moment[0], on_lost=lost):
        silenced()
        moment[0] += LET_GO_SECONDS
        lost.wait()
    assert LET_GO_SECONDS < LEASE_SECONDS
    assert "The ledger has not answered for" in lost.why
    assert "sspr resume run-1" in lost.why


@pytest.mark.usefixtures("hurried")
def test_a_ledger_that_is_away_for_a_moment_costs_nothing(
    ledger: Ledger, silenced: Callable[[], None]
) -> None:
    asked = threading.Semaphore(0)
    lost = Lost()

    def clock() -> float:
        asked.release()
        return NOW

    with ledger.leased("run-1", clock=clock, on_lost=lost):
        silenced()
        for _ in range(10):
            assert asked.acquire(timeout=30)
    assert lost.why == ""


@pytest.mark.usefixtures("hurried")
def test_a_process_whose_run_was_taken_up_by_another_lets_go_of_it(ledger: Ledger) -> None:
    """As after the sleep of a machine."""
    lost = Lost()
    with ledger.leased("run-1", on_lost=lost):
        with ledger._engine.begin() as connection:
            connection.execute(sa.update(lease).values(holder="another"))
        lost.wait()
    assert "Another process has taken up the run run-1" in lost.why
    with ledger._engine.connect() as connection:
        assert connection.scalar(sa.select(lease.c.holder)) == "another"


def test_a_lease_is_waited_for(ledger: Ledger) -> None:
    said: list[str] = []
    with ExitStack() as first:
        first.enter_context(ledger.leased("run-1"))

        def wait(what: str) -> None:
            said.append(what)
            first.close()

        with ledger.leased("run-1", wait=wait):
            assert len(said) == 1
    assert said[0].startswith("The run run-1 is being worked on by process")
