"""The verbs as a person or a script uses them, against the built-in simulated tenant."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sspr.cli.main import VERBS, main
from sspr.ledger import Ledger
from sspr.mailhosts import Verdict
from sspr.report.tables import UNTOUCHED
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


def run_id(errors: str) -> str:
    first = errors.splitlines()[0]
    assert first.startswith("run id: ")
    return first.removeprefix("run id: ")


def _interrupted(*_arguments: object) -> Iterator[None]:
    """Work during which somebody presses Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)
    yield None


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_tells_what_it_does(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 3


@pytest.mark.parametrize(("rows", "code"), [(ROWS, 0), ([*ROWS, BAD], 1)])
def test_check_ends_with_0_where_every_row_is_valid(
    rows: list[tuple[str, str, str]], code: int, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", write(here / "in.csv", *rows)]) == code
    folder = here / "runs" / run_id(capsys.readouterr().err)
    assert {path.name for path in folder.iterdir()} >= {"results.csv", "report.json", "report.html"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_json_is_the_report_and_nothing_else_on_standard_output(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["run", write(here / "in.csv", *ROWS, BAD), "--yes", "--json", "--out", "out"])
    output = capsys.readouterr()
    assert json.loads(output.out) == json.loads((here / "out" / "report.json").read_text())
    assert (code, json.loads(output.out)["counts"]["updated"]) == (1, 2)
    assert output.err == f"run id: {json.loads(output.out)['run_id']}\n"


def test_run_again_is_unchanged_and_undisturbed_by_the_first(here: Path) -> None:
    file = write(here / "in.csv", *ROWS)
    assert main(["run", file, "--yes", "--out", "one"]) == 0
    assert main(["run", file, "--yes", "--out", "two"]) == 0
    second = json.loads((here / "two" / "report.json").read_text())
    assert (second["counts"]["unchanged"], second["graph"]["writes"]) == (2, 0)


def test_a_plan_shows_masked_values_and_is_applied_by_its_id_or_its_folder(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(here / "in.csv", *ROWS)
    assert main(["plan", file, "--out", "one"]) == 0
    shown = capsys.readouterr()
    assert "mobile phone: nothing → +1 •••• 0160" in shown.out
    assert "alternate email: nothing → n•••@adatum.com" in shown.out
    assert not any(value in shown.out + shown.err for row in ROWS for value in row[1:])
    assert main(["apply", "one", "--yes"]) == 0
    assert json.loads((here / "one" / "report.json").read_text())["counts"]["updated"] == 2
    assert main(["apply", run_id(shown.err), "--yes"]) == 0


def test_only_a_plan_can_be_applied(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", write(here / "in.csv", *ROWS), "--yes", "--out", "one"]) == 0
    assert main(["apply", "one", "--yes"]) == 2
    assert "is a run, not a plan" in capsys.readouterr().err


def test_the_flag_is_told_in_words_and_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feature", "status"]) == 0
    assert main(["feature", "disable", "--yes"]) == 0
    assert main(["feature", "status"]) == 1
    assert main(["feature", "enable", "--yes"]) == 0
    output = capsys.readouterr()
    assert [line.removeprefix("simulated: ") for line in output.out.splitlines()] == [
        "the flag is on.",
        "the flag is off (it was on before).",
        "the flag is off.",
        "the flag is on (it was off before).",
    ]
    assert output.err.count("60 minutes") == output.err.count("baselines want it off") == 4


def test_runs_are_listed_newest_first_and_told_one_by_one(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check", write(here / "in.csv", *ROWS), "--out", "one"])
    main(["check", write(here / "in.csv", BAD), "--out", "two"])
    capsys.readouterr()
    assert main(["runs", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(each["counts"], each["outcome"]) for each in told] == [
        ({"rejected": 1}, "ended with 1"),
        ({"valid": 2}, "ended with 0"),
    ]
    assert main(["runs", "show", told[0]["run_id"]]) == 0
    assert str(here / "two") in capsys.readouterr().out


def test_a_run_that_has_ended_is_resumed_to_the_same_end(here: Path) -> None:
    assert main(["run", write(here / "in.csv", *ROWS), "--yes", "--out", "one"]) == 0
    before = (here / "one" / "results.csv").read_text()
    assert main(["resume", "one", "--yes"]) == 0
    assert (here / "one" / "results.csv").read_text() == before


def test_a_rejected_file_is_mended_and_given_back(here: Path) -> None:
    assert main(["run", write(here / "in.csv", *ROWS, BAD), "--yes", "--out", "one"]) == 1
    rejected = here / "one" / "rejected.csv"
    text = rejected.read_text(encoding="utf-8-sig")
    mended = here / "mended.csv"
    mended.write_text(
        text.replace(f"{BAD[0]},,12", f"{BAD[0]},liv@fabrikam.com,+47 40612382"), encoding="utf-8"
    )
    assert main(["run", str(mended), "--yes", "--out", "two"]) == 0
    assert json.loads((here / "two" / "report.json").read_text())["counts"]["updated"] == 1


def test_standard_input_is_read_and_its_copy_forgotten(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path(write(here / "in.csv", *ROWS)).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert main(["check", "-", "--out", "out"]) == 0
    report = json.loads((here / "out" / "report.json").read_text())
    assert [(each["file"], each["rows"]) for each in report["inputs"]] == [("-", 2)]
    assert list((home() / "standard-input").iterdir()) == []


def test_a_template_is_printed_as_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["template"]) == 0
    assert "canonical" in capsys.readouterr().out.split()
    assert main(["template", "canonical"]) == 0
    header = capsys.readouterr().out.splitlines()[0]
    assert header.startswith("user_principal_name,alternate_email,mobile_phone,country")


def test_a_fault_in_the_program_is_one_line_without_what_it_was_about(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("ava.brooks@fabrikam.com")

    monkeypatch.setattr(Ledger, "open", broken)
    assert main(["check", write(here / "in.csv", *ROWS)]) == 3
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "RuntimeError" in errors
    assert "fabrikam" not in errors


def test_the_ledger_is_in_the_home_and_closed_to_others(here: Path) -> None:
    main(["check", write(here / "in.csv", *ROWS)])
    assert stat.S_IMODE(home().stat().st_mode) == 0o700
    assert stat.S_IMODE((home() / "ledger.sqlite").stat().st_mode) == 0o600


def test_a_check_that_is_interrupted_ends_in_order_and_can_be_done_again(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(here / "in.csv", *ROWS)
    with monkeypatch.context() as patched:
        patched.setattr("sspr.stages.crew.Crew.map", _interrupted)
        assert main(["check", file, "--out", "out"]) == 3
    assert "Interrupted." in capsys.readouterr().err
    assert main(["resume", "out"]) == 0
    assert len((here / "out" / "results.csv").read_text(encoding="utf-8-sig").splitlines()) == len(ROWS) + 1
    with closing(Ledger.open(None, home())) as ledger:
        (run,) = (ledger.run(each) for each in ledger.run_ids())
        assert run.record().counts == {"valid": len(ROWS)}
        assert run.counts() == {}, "the rows of a check are not kept"


def test_a_row_that_did_not_fit_stays_rejected_until_it_is_mended(here: Path) -> None:
    """A cell is missing somewhere: what stands under `mobile phone` now may be anybody's."""
    header = "user_principal_name,alternate_email,Work Mobile,mobile_phone,Emergency mobile,note"
    short = "b@contoso.com,b.home@fabrikam.com,+44 7400 123002,+44 7400 999002,x"
    (here / "in.csv").write_text(f"{header}\n{short}\n", encoding="utf-8")
    assert main(["check", "in.csv", "--yes", "--out", "first"]) == 1
    assert main(["check", "first/rejected.csv", "--out", "again"]) == 1
    mended = (here / "again" / "rejected.csv").read_text(encoding="utf-8-sig")
    before, after = "'+44 7400 123002,'+44 7400 999002,x,,", ",+44 7400 123002,+44 7400 999002,x,"
    assert before in mended
    lines = mended.replace(before, after).replace(UNTOUCHED, "").splitlines()
    (here / "mended.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["check", "mended.csv", "--out", "last"]) == 0
    (row,) = csv.DictReader(io.StringIO((here / "last" / "results.csv").read_text(encoding="utf-8-sig")))
    assert row["mobile_phone"] == "+44 7400123002"


def test_a_dns_that_cannot_be_asked_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sspr.mailhosts.look_up", lambda domains: dict.fromkeys(domains, Verdict.UNKNOWN))
    assert main(["check", write(here / "in.csv", *ROWS), "--check-domains"]) == 0
    assert "asked about 2 mail domains; of 2 it could not say" in capsys.readouterr().err
