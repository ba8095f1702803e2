"""The question at a terminal: the plan before it, what an answer does, and who may answer another day."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sspr.cli.main import main
from sspr.ledger import Ledger
from sspr.settings import home
from sspr.simulated.samples import accounts_for
from sspr.simulated.server import SimulatedTenant
from tests.fakes.tenants import settings_for, wanted, write_input

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")

UPNS = [f"ava.brooks{number}@contoso.com" for number in range(1, 4)]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_input(tmp_path / "in.csv", UPNS)
    return tmp_path


def at_a_terminal(*arguments: str, types: str) -> tuple[int, str]:
    """The command at a terminal of its own: its exit code and what the screen showed. `types`: what is typed there."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "sspr", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "200"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    os.write(ours, types.encode())
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal that nobody writes to any more
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    return process.wait(), shown.decode().replace("\r\n", "\n")


def plan_in(shown: str) -> str:
    """From the first row of the plan to the question."""
    before, question, _ = shown.partition("[y/N]")
    assert question
    return before[before.index("in.csv line 2") :]


def counts(folder: Path) -> dict[str, int]:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {status: count for status, count in report["counts"].items() if count}


def options(folder: Path) -> dict[str, Any]:
    with closing(Ledger.open(None, home())) as ledger:
        found = ledger.run_by_folder(folder)
        assert found is not None
        return dict(ledger.run(found).record().options)


def test_the_plan_stands_before_the_question_and_yes_writes_it(here: Path) -> None:
    code, shown = at_a_terminal("run", "in.csv", "--out", "out", types="y\n")
    assert code == 0
    plan, question, _ = shown.partition("Write this for 3 administrators to the tenant simulated?")
    assert question
    assert (
        "in.csv line 2  ava.brooks1@contoso.com\n  + alternate email: nothing → p•••@fabrikam.com\n" in plan
    )
    assert "Plan: 3 to change, 0 unchanged, 0 rejected. No value that an account holds is replaced." in plan
    assert [value for number in (1, 2, 3) for value in wanted(number) if value in shown] == []
    assert counts(here / "out") == {"updated": 3}
    assert options(here / "out")["approver"]


def test_no_keeps_the_plan_for_somebody_elses_yes_on_the_same_terms(here: Path) -> None:
    code, shown = at_a_terminal("run", "in.csv", "--out", "out", types="n\n")
    assert code == 2
    assert "Not approved: nothing was written. `sspr apply" in shown
    assert counts(here / "out") == {"planned": 3}
    assert options(here / "out")["approver"] == ""

    assert at_a_terminal("apply", "out", types="n\n")[0] == 2
    assert counts(here / "out") == {"planned": 3}
    code, again = at_a_terminal("apply", "out", types="y\n")
    assert code == 0
    assert plan_in(again) == plan_in(shown)
    assert counts(here / "out") == {"updated": 3}
    assert len(options(here / "out")["digest"]) == 64


def test_with_json_the_plan_that_is_asked_about_is_not_on_standard_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sspr.cli.run.must_ask", lambda _yes: True)
    monkeypatch.setattr("sspr.cli.common.ask", lambda _question: True)
    assert main(["run", "in.csv", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["counts"]["updated"] == 3
    assert "Plan: 3 to change" in told.err


def test_yes_asks_nobody_whatever_the_tenant_requires(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gives it has approved. Without it somebody must be there."""
    with SimulatedTenant(accounts_for(UPNS), folder=here / "tenant") as server:
        settings_for(server, here, 'approval = "required"')
        monkeypatch.setenv("SSPR_CONFIG", str(here / "tenants.toml"))
        assert main(["run", "in.csv", "--out", "one"]) == 2
        assert not (here / "one").exists()
        assert server.journal.writes() == []
        assert main(["run", "in.csv", "--yes", "--out", "two"]) == 0
    assert counts(here / "two") == {"updated": 3}
