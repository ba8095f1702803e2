"""`sspr runs`: the list, one run's story, and forgetting the contact data of old ones."""

from __future__ import annotations

import csv
import hashlib
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sspr.cli.main import main
from sspr.ledger import Ledger
from sspr.settings import home
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.faults import Fault
from tests.fakes.tenants import settings_for, wanted, write_input
from tests.job.conftest import Serve, serve

__all__ = ["serve"]

ROWS = [
    ("ava.brooks@contoso.com", "ava.brooks@fabrikam.com", "+1 2012340160"),
    ("nora.lind@contoso.com", "nora.lind@adatum.com", "+46 701234604"),
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "in.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("user_principal_name", "alternate_email", "mobile_phone"), *ROWS])
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert main(["runs", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_newest_are_listed_and_it_is_said_that_there_are_more(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two", "three"):
        assert main(["check", "in.csv", "--out", name]) == 0
    capsys.readouterr()
    assert main(["runs", "--limit", "2"]) == 0
    shown = capsys.readouterr()
    assert [line.split()[-1] for line in shown.out.splitlines()] == ["in.csv", "in.csv"]
    assert shown.out.count("ended with 0: 2 valid") == 2
    assert "and 1 older" in shown.err
    assert len(told(capsys)) == 3
    assert len(told(capsys, "--limit", "1")) == 1


def test_one_run_is_told_whole(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "in.csv", "--out", "out", "--replace-methods"]) == 0
    assert main(["apply", "out", "--yes"]) == 0
    story = told(capsys, "show", "out")
    sha256 = hashlib.sha256((here / "in.csv").read_bytes()).hexdigest()
    assert [(each["file"], each["rows"], each["sha256"]) for each in story["inputs"]] == [
        ("in.csv", 2, sha256)
    ]
    assert [(each["command"], each["exit_code"]) for each in story["sessions"]] == [
        ("plan", 0),
        ("apply", 0),
    ]
    assert all(each["ended_at"] for each in story["sessions"])
    assert story["options"] == {"replace_methods": True}
    assert story["writes"] == {"accepted": 6}
    assert (story["feature"], story["in_hand"]) == ({"enabled_before": True, "enabled_after": True}, "")
    assert main(["runs", "show", story["run_id"]]) == 0
    shown = capsys.readouterr().out
    assert sha256 in shown
    assert str(here / "out" / "report.html") in shown
    assert not any(value in shown for row in ROWS for value in row)


def test_faults_are_told_by_their_code_with_the_ids_that_support_asks_for(
    serve: Serve, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = Fault(match="POST */emailMethods", status=400, nth=(1, 2), message=wanted(1)[0])
    server = serve(None, Behaviour(quotas=None, faults=(refused,)), admins=5)
    settings_for(server, here)
    file = write_input(here / "in.csv", [account.upn for account in server.state.accounts.values()])
    assert main(["run", str(file), "--yes", "--config", "tenants.toml", "--out", "out"]) == 1
    story = told(capsys, "show", "out", "--config", "tenants.toml")
    [fault] = story["faults"]
    assert (fault["status"], fault["times"], len(fault["request_ids"])) == (400, 2, 2)
    assert story["writes"] == {"accepted": 13, "refused": 2}
    assert story["reasons"] == {"tenant_rejected": 2}
    assert main(["runs", "show", "out", "--config", "tenants.toml"]) == 0
    shown = capsys.readouterr().out
    assert f"HTTP 400 {fault['code']}: 2 times, request ids {', '.join(fault['request_ids'])}" in shown
    assert wanted(1)[0] not in shown


def test_a_process_that_was_killed_is_told_from_one_at_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "in.csv", "--out", "out"]) == 0
    with closing(Ledger.open(None, home())) as ledger:
        [run_id] = ledger.run_ids()
        ledger.run(run_id).trail.begin_session("bo@two", "apply", 2e9)
        capsys.readouterr()
        with ledger.leased(run_id):
            assert main(["runs", "show", "out"]) == 0
        assert "apply by bo@two, at work: process" in capsys.readouterr().out
    assert main(["runs", "show", "out"]) == 0
    assert "apply by bo@two, killed" in capsys.readouterr().out


def test_a_run_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "show", "nowhere"]) == 2
    assert "There is no run 'nowhere' in the ledger" in capsys.readouterr().err


# -- prune --------------------------------------------------------------------------------------------------------


def test_a_pruned_run_is_told_and_can_no_longer_be_worked_on(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "in.csv", "--yes", "--out", "out"]) == 0
    assert main(["plan", "in.csv", "--out", "plan"]) == 0
    results = (here / "out" / "results.csv").read_bytes()
    done = told(capsys, "prune", "--older-than", "0d", "--yes")
    assert (done["rows"], done["erased"], done["kept"]) == (4, True, [])
    assert set(done["folders"]) == {str(here / "out"), str(here / "plan")}
    assert (here / "out" / "results.csv").read_bytes() == results
    content = b"".join(path.read_bytes() for path in home().glob("ledger.sqlite*"))
    assert [value for row in ROWS for value in row if value.encode() in content] == []
    story = told(capsys, "show", "out")
    assert (story["counts"], story["writes"]) == ({"updated": 2}, {"accepted": 6})
    assert main(["runs", "show", "out", "--verbose"]) == 0
    for words in (["resume", "out"], ["undo", "out"], ["apply", "plan"]):
        capsys.readouterr()
        assert main([*words, "--yes"]) == 2
        assert "was forgotten" in capsys.readouterr().err
    assert told(capsys, "prune", "--older-than", "0d", "--yes")["runs"] == []


def test_nothing_is_forgotten_without_a_yes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "in.csv", "--out", "out"]) == 0
    assert main(["runs", "prune", "--older-than", "0h"]) == 2
    assert "Give --yes" in capsys.readouterr().err
    assert told(capsys, "show", "out")["pruned_at"] == ""


def test_runs_that_are_younger_open_or_in_somebodys_hands_are_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("open", "held"):
        assert main(["plan", "in.csv", "--out", name]) == 0
    assert main(["runs", "prune", "--older-than", "1h", "--yes"]) == 0
    assert "No run that ended more than 1h ago" in capsys.readouterr().err
    with closing(Ledger.open(None, home())) as ledger:
        held, unended = ledger.run_ids()
        ledger.run(unended).update(ended=False)
        with ledger.leased(held):
            assert told(capsys, "prune", "--older-than", "0d", "--yes")["kept"] == [unended, held]
        assert ledger.run(held).rows()[0].upn
        assert ledger.run(unended).rows()[0].upn
    assert main(["runs", "prune", "--older-than", "0d", "--yes"]) == 0
    said = capsys.readouterr().err
    assert "2 rows in 1 run was forgotten" in said
    assert f"sspr resume {unended}" in said


@pytest.mark.parametrize("age", ["90", "d", "-1d", "1.5h", "2w", ""])
def test_an_age_that_is_none_is_refused_by_name(age: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "prune", f"--older-than={age}", "--yes"]) == 2
    assert f"such as 90d or 12h; not {age!r}" in capsys.readouterr().err
