"""`sspr undo` as a person or a script uses it, against the built-in simulated tenant."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from sspr.cli.main import main
from sspr.settings import home

ROWS = [
    ("ava.brooks@contoso.com", "ava.brooks@fabrikam.com", "+1 2012340160"),
    ("nora.lind@contoso.com", "nora.lind@adatum.com", "+46 701234604"),
]
BAD = ("liv.strand@contoso.com", "", "12")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, *rows: tuple[str, str, str]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("user_principal_name", "alternate_email", "mobile_phone"), *rows])
    return str(path)


def tenant() -> dict[str, dict[str, object]]:
    """The accounts of the simulated tenant by their names."""
    accounts = json.loads((home() / "simulated" / "tenant.json").read_text())["accounts"].values()
    return {account["upn"]: account for account in accounts}


def report(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(folder) / "report.json").read_text())
    return found


def run_ids(capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert main(["runs", "--json"]) == 0
    return [each["run_id"] for each in json.loads(capsys.readouterr().out)]


def test_a_run_is_undone_by_its_folder_or_by_its_id_and_the_undo_as_well(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", write(here / "in.csv", *ROWS, BAD), "--yes", "--out", "one"]) == 1
    written = tenant()
    capsys.readouterr()
    assert main(["undo", "one", "--yes", "--out", "two"]) == 0
    first = capsys.readouterr().err.splitlines()[0]
    assert first == f"run id: {report('two')['run_id']}"
    assert {name: tenant()[name]["other_mails"] for name, *_ in ROWS} == {name: [] for name, *_ in ROWS}
    assert report("two")["counts"] == {**report("two")["counts"], "updated": 2, "unchanged": 1}
    assert (report("two")["command"], report("two")["undoes"]) == ("undo", report("one")["run_id"])
    assert main(["undo", first.removeprefix("run id: "), "--yes", "--out", "three"]) == 0
    assert tenant() == written


def test_the_report_says_what_was_put_back(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", write(here / "in.csv", *ROWS), "--yes", "--out", "one"])
    capsys.readouterr()
    assert main(["undo", "one", "--yes", "--out", "two", "--tenant", "simulated"]) == 0
    run_id = report("one")["run_id"]
    assert f"2 of 2 administrators hold again what they held before the run {run_id}." in (
        capsys.readouterr().err
    )
    assert main(["undo", "one", "--yes", "--json", "--out", "three"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == report("three")
    assert (told["counts"]["unchanged"], told["graph"]["writes"]) == (2, 0)


def test_an_undo_stands_among_the_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", write(here / "in.csv", *ROWS), "--yes", "--out", "one"])
    main(["undo", "one", "--yes"])
    capsys.readouterr()
    assert main(["runs", "--json"]) == 0
    assert [each["command"] for each in json.loads(capsys.readouterr().out)] == ["undo", "run"]


@pytest.mark.parametrize(
    ("before", "words", "said"),
    [
        ([], ["nobody"], "There is no run 'nobody' in the ledger"),
        ([["check", "in.csv", "--out", "one"]], ["one"], "is a check and wrote nothing"),
        ([["plan", "in.csv", "--out", "one"]], ["one"], "is a plan and wrote nothing"),
        (
            [["run", "in.csv", "--yes"], ["run", "in.csv", "--yes", "--out", "one"]],
            ["one"],
            "wrote nothing: there is nothing to undo",
        ),
        ([["run", "in.csv", "--yes", "--out", "one"]], ["one", "--tenant", "other"], "not on other"),
        ([["run", "in.csv", "--yes", "--out", "one"]], [], "RUN_ID"),
    ],
    ids=["no such run", "a check", "a plan", "wrote nothing", "another tenant", "no id"],
)
def test_what_cannot_be_undone_is_a_sentence_and_opens_no_run(
    before: list[list[str]], words: list[str], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(here / "in.csv", *ROWS)
    for command in before:
        main(command)
    runs = run_ids(capsys)
    assert main(["undo", *words, "--yes", "--out", "undone"]) == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert len(errors.splitlines()) == 1
    assert run_ids(capsys) == runs
    assert not (here / "undone").exists()


def test_without_a_terminal_and_without_yes_nobody_is_asked_and_nothing_written(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["run", write(here / "in.csv", *ROWS), "--yes", "--out", "one"])
    written, runs = tenant(), run_ids(capsys)
    assert main(["undo", "one"]) == 2
    assert "there is no terminal to ask at" in capsys.readouterr().err
    assert (tenant(), run_ids(capsys)) == (written, runs)


def test_the_plan_is_shown_masked_and_carried_out_only_after_a_yes(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["run", write(here / "in.csv", *ROWS), "--yes", "--out", "one"])
    written = tenant()
    capsys.readouterr()
    monkeypatch.setattr("sspr.cli.undo.must_ask", lambda _: True)
    monkeypatch.setattr("sspr.cli.common.ask", lambda _: False)
    assert main(["undo", "one", "--out", "two"]) == 2
    shown = capsys.readouterr()
    assert "- mobile phone: +1 •••• 0160 → nothing" in shown.out
    assert "Replaced or taken away: 2 × alternate email" in shown.out
    assert not any(value in shown.out + shown.err for row in ROWS for value in row[1:])
    assert tenant() == written
    assert main(["apply", "two", "--yes"]) == 0
    assert (report("two")["command"], report("two")["counts"]["updated"]) == ("undo", 2)
    assert tenant()[ROWS[0][0]]["mobile_phone"] is None


def test_a_flag_that_the_run_turned_on_is_turned_off_again_and_that_is_no_fault(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["run", write(here / "in.csv", *ROWS), "--yes"])
    main(["feature", "disable", "--yes"])
    assert main(["run", "in.csv", "--yes", "--enable-feature", "--out", "one"]) == 0
    asked: list[str] = []

    def yes(question: str) -> bool:
        asked.append(question)
        return True

    monkeypatch.setattr("sspr.cli.undo.must_ask", lambda _: True)
    monkeypatch.setattr("sspr.cli.common.ask", yes)
    assert main(["undo", "one", "--out", "two"]) == 0
    output = capsys.readouterr()
    assert "The flag: on → off." in output.out
    assert "The flag is off (it was on before)" in output.err
    assert len(asked) == 1
    assert main(["feature", "status"]) == 1


def test_a_run_whose_contact_data_was_forgotten_is_not_undone(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["run", write(here / "in.csv", *ROWS), "--yes", "--out", "one"])
    assert main(["runs", "prune", "--older-than", "0d", "--yes"]) == 0
    capsys.readouterr()
    assert main(["undo", "one", "--yes"]) == 2
    assert "was forgotten" in capsys.readouterr().err
