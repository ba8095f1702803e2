"""What a tenant's cloud and credential decide before a run is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from sspr.cli.main import main

CHINA = '[tenants.a]\ntenant_id = "x"\nclient_id = "y"\ncloud = "china"\ncertificate_file = "ok.csv"\n'
POD = '[tenants.a]\ntenant_id = "x"\nclient_id = "y"\ncredential = "workload-identity"\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE", raising=False)
    row = "ava.brooks@contoso.com,ava@fabrikam.com,+1 2065550100\n"
    (tmp_path / "ok.csv").write_text(f"user_principal_name,alternate_email,mobile_phone\n{row}")
    return tmp_path


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        (CHINA, True),
        (f'{CHINA}target = "contact"\n', False),
        (CHINA.replace("china", "usgov"), False),
    ],
)
def test_that_contact_alone_is_written_in_china_is_said_after_the_run_id(
    toml: str, told: bool, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "tenants.toml").write_text(toml)
    assert main(["check", "ok.csv", "--tenant", "a"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("run id: ")
    assert sum("no email methods" in line for line in lines) == told


@pytest.mark.parametrize(
    ("toml", "arguments", "said"),
    [
        (CHINA, "--target both", "the target both cannot be reached there"),
        (CHINA, "--target methods", "the target methods cannot be reached there"),
        (f'{CHINA}target = "both"\n', "", "use --target contact"),
        (POD.replace("workload-identity", "device-code"), "", "needs a person at a terminal"),
        (POD, "", "AZURE_FEDERATED_TOKEN_FILE"),
        (f'{POD}federated_token_file = "nothing"\n', "", "federated_token_file of the tenant a"),
    ],
)
def test_what_cannot_work_is_said_in_one_line_and_leaves_nothing(
    toml: str, arguments: str, said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "tenants.toml").write_text(toml)
    assert main(["run", "ok.csv", "--yes", "--tenant", "a", *arguments.split()]) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert (output.out, output.err.count("\n"), (here / "runs").exists()) == ("", 1, False)
