"""Each crash window, entered and killed in: nothing lost, nothing written twice, and the run comes to the same end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from sspr.job import Host, Job
from sspr.ledger import Ledger
from sspr.settings import Settings
from sspr.simulated.server import SimulatedTenant
from tests.fakes.killed_run import WINDOWS
from tests.fakes.tenants import double_writes, read_results, settings_for, wanted, write_input
from tests.job.conftest import Serve

ADMINS = 40
# As if the machine came back an hour later: what may be hidden by replication lag is past.
LATER = Host(clock=lambda: time.time() + 3600)


# Two batches of each of the three kinds of write: those windows open six times, the others once.
AGAIN = [("recorded, not sent", 3), ("answered, not noted", 4), ("noted, not read back", 6)]


@pytest.mark.parametrize(("window", "nth"), [*((window, 1) for window in WINDOWS), *AGAIN])
def test_a_run_killed_in_a_window_is_resumed_to_the_same_end(
    window: str, nth: int, serve: Serve, ledger: Ledger, tmp_path: Path, project: Path
) -> None:
    server = serve(admins=ADMINS)
    settings = settings_for(server, tmp_path)
    file = write_input(tmp_path / "input.csv", [account.upn for account in server.state.accounts.values()])
    run_id, code = _run_until_killed([window, str(nth)], file, tmp_path, project)
    assert code == -signal.SIGKILL
    _resume_and_judge(run_id, server, settings, ledger, tmp_path / "out")


@pytest.mark.parametrize("nth", [1, 45, 85])
def test_a_run_killed_after_a_write_was_applied_and_before_its_answer_is_not_repeated(
    nth: int, serve: Serve, ledger: Ledger, tmp_path: Path, project: Path
) -> None:
    client: list[subprocess.Popen[str]] = []
    writes = 0

    def kill_at_the_nth_write(method: str, url: str, *_: object) -> None:
        nonlocal writes
        writes += method in {"PATCH", "POST"} and "/users/" in url
        if writes == nth:
            client[0].kill()

    server = serve(admins=ADMINS, on_exchange=kill_at_the_nth_write)
    settings = settings_for(server, tmp_path)
    file = write_input(tmp_path / "input.csv", [account.upn for account in server.state.accounts.values()])
    with _program(["noted, not reported", "1000"], file, tmp_path, project) as process:
        client.append(process)
        output, errors = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, errors
    assert server.journal.writes()
    _resume_and_judge(output.strip(), server, settings, ledger, tmp_path / "out")


def _resume_and_judge(
    run_id: str, server: SimulatedTenant, settings: Settings, ledger: Ledger, out: Path
) -> None:
    job = Job.load(ledger, settings, run_id, LATER)
    job.carry_out()
    report = job.close()
    assert report["counts"]["updated"] == ADMINS
    assert report["exit_code"] == 0
    assert double_writes(server) == []
    results = read_results(out)
    assert [row["line"] for row in results] == [str(line) for line in range(2, ADMINS + 2)]
    assert {row["ready"] for row in results} == {"yes"}
    for number, row in enumerate(results, 1):
        account = server.state.account(row["user_principal_name"])
        assert account is not None
        phone = account.phone("mobile")
        assert (account.other_mails, account.mobile_phone) == ((wanted(number)[0],), wanted(number)[1])
        assert (account.email_method, phone and phone.number) == wanted(number)


def _program(words: Sequence[str], file: Path, folder: Path, project: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.fakes.killed_run", *words, str(folder / "tenants.toml")]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    return subprocess.Popen(
        [*command, str(folder / "out"), str(file)],
        cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _run_until_killed(words: Sequence[str], file: Path, folder: Path, project: Path) -> tuple[str, int]:
    with _program(words, file, folder, project) as process:
        output, errors = process.communicate(timeout=120)
    assert process.returncode in (0, -signal.SIGKILL), errors
    return output.strip(), process.returncode
