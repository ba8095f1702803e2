"""All runs in one database: privacy, processes side by side, leases, the limits that processes share."""

from __future__ import annotations

import multiprocessing
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from sspr.errors import CannotStart
from sspr.ledger import Ledger, RowState
from sspr.ledger.leases import LEASE_SECONDS
from sspr.ledger.schema import standing
from sspr.model import Target
from tests.fakes.runs import new_run


def test_the_database_and_its_side_files_are_closed_to_others(ledger: Ledger, tmp_path: Path) -> None:
    new_run(ledger, tmp_path, rows=3)
    files = [path for path in tmp_path.iterdir() if path.name.startswith("ledger")]
    assert {path.name for path in files} >= {"ledger.sqlite", "ledger.sqlite-wal"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_ledger_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"this is no database, but long enough to be taken for one" * 50)
    with pytest.raises(CannotStart, match="ledger cannot be opened"):
        Ledger.open(None, tmp_path)


def test_an_unknown_driver_in_the_url_is_one_sentence_without_the_url(tmp_path: Path) -> None:
    with pytest.raises(CannotStart) as caught:
        Ledger.open("nosuch+driver://user:hunter2@example.org/x", tmp_path)
    assert "hunter2" not in str(caught.value)


def _open_and_add(home: Path) -> None:
    with closing(Ledger.open(None, home)) as ledger:
        new_run(ledger, home, rows=1)


def test_two_first_starts_at_once_make_one_ledger(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_open_and_add, args=(tmp_path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with closing(Ledger.open(None, tmp_path)) as ledger:
        assert len(ledger.run_ids()) == 3


def test_taking_in_again_after_a_kill_gives_the_same_rows_once(ledger: Ledger, tmp_path: Path) -> None:
    run = new_run(ledger, tmp_path, rows=3)
    source = run.sources()[0].facts
    assert source is not None

    def killed_half_way() -> Iterator[object]:
        yield from ()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.take_in([source], killed_half_way())  # type: ignore[arg-type]
    assert run.counts() == {RowState.READ: 3}


def test_the_last_open_run_is_the_newest_that_has_not_ended(ledger: Ledger, tmp_path: Path) -> None:
    def opened(now: float) -> str:
        run_id = f"run-{now}"
        ledger.new_run(run_id, "run", "contoso", Target.BOTH, {}, [], tmp_path / str(now), "me", now)
        return run_id

    first, second, third = opened(1.0), opened(2.0), opened(3.0)
    ledger.run(third).update(ended=True)
    assert ledger.last_open_run() == second
    assert ledger.run_ids() == [third, second, first]
    assert ledger.run_by_folder(tmp_path / "1.0") == first


def test_a_flow_run_is_bound_to_the_run_that_it_began(ledger: Ledger, tmp_path: Path) -> None:
    first, second = (new_run(ledger, tmp_path / name, rows=1).run_id for name in "ab")
    assert ledger.bind_flow("flow-1", first) == first
    assert ledger.bind_flow("flow-1", second) == first
    assert ledger.run_of_flow("flow-1") == first


# -- leases -------------------------------------------------------------------------------------------------------


def test_a_lease_is_refused_while_its_holder_lives_and_free_afterwards(ledger: Ledger) -> None:
    with (
        ledger.leased("run-1"),
        pytest.raises(CannotStart, match="being worked on by process"),
        ledger.leased("run-1"),
    ):
        pytest.fail("two processes hold one run")
    with ledger.leased("run-1"):
        pass


def test_a_holder_that_was_killed_locks_nobody_out(ledger: Ledger, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from sspr.ledger import Ledger\n"
        "with Ledger.open(None, Path(sys.argv[1])).leased('run-1'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert killed.returncode == -9
    with ledger.leased("run-1"):
        pass


def test_the_lease_of_another_machine_ends_by_its_time(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ledger.leased("run-1", clock=lambda: 1000.0):
        monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
        with pytest.raises(CannotStart), ledger.leased("run-1", clock=lambda: 1000.0 + LEASE_SECONDS - 1):
            pytest.fail("the lease had not ended")
        with ledger.leased("run-1", clock=lambda: 1000.0 + LEASE_SECONDS + 1):
            pass


# -- the limits that processes share ------------------------------------------------------------------------------


def add(texts: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """A step: one more on each, and the sum."""
    counts = {name: int(text or 0) + 1 for name, text in texts.items()}
    return {name: str(count) for name, count in counts.items()}, sum(counts.values())


def test_a_step_changes_all_of_its_standings_and_no_other(ledger: Ledger) -> None:
    assert ledger.change(["units", "writes"], add) == 2
    assert ledger.change(["writes"], add) == 2
    assert ledger.read(["units", "writes", "methods"]) == {"units": "1", "writes": "2", "methods": ""}


def test_a_step_that_fails_changes_nothing(ledger: Ledger) -> None:
    ledger.change(["writes"], add)

    def fail(texts: Mapping[str, str]) -> tuple[dict[str, str], None]:
        raise ValueError(texts)

    with pytest.raises(ValueError, match="writes"):
        ledger.change(["writes"], fail)
    assert ledger.read(["writes"]) == {"writes": "1"}


def test_threads_that_first_ask_for_a_quota_at_once_take_their_turns(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        sums = sorted(pool.map(lambda _: ledger.change(["writes"], add), range(8)))
    assert sums == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_row_that_another_was_quicker_to_make_stays_theirs(ledger: Ledger) -> None:
    ledger.change(["writes"], add)
    assert ledger._insert_unless_there(standing, name="writes", text="") is False
    assert ledger.read(["writes"]) == {"writes": "1"}
