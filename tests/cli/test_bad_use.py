"""Wrong use: one or two sentences that say what is wrong and where, code 2, no traceback, nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from sspr.cli.main import main

ROW = "ava.brooks@contoso.com,ava@fabrikam.com,+1 2065550100\n"
HEADER = "user_principal_name,alternate_email,mobile_phone\n"
SECRET_TENANT = '[tenants.a]\ntenant_id = "x"\nclient_id = "y"\ncredential = "secret"\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ok.csv").write_text(HEADER + ROW)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "no-rows.csv").write_text(HEADER)
    (tmp_path / "other-columns.csv").write_text("a,b,c\n1,2,3\n")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("run", "FILE"),
        ("bogus", "bogus"),
        ("run ok.csv --wat", "--wat"),
        ("run nothing.csv --yes", "nothing.csv"),
        ("run folder --yes", "folder"),
        ("run picture.csv --yes", "picture.csv"),
        ("run empty.csv --yes", "empty.csv"),
        ("run no-rows.csv --yes", "no rows"),
        ("run other-columns.csv --yes", "user_principal_name"),
        ("run ok.csv --yes --tenant nowhere", "nowhere"),
        ("run ok.csv", "--yes"),
        ("run ok.csv --yes --batch-size 30", "--batch-size"),
        ("run ok.csv --yes --max-failures many", "--max-failures"),
        ("run ok.csv --yes --map x", "--map"),
        ("run ok.csv --yes --default-country Atlantis", "--default-country"),
        ("run ok.csv --yes --config nothing.toml", "nothing.toml"),
        ("check ok.csv --default-country XQ", "'XQ'"),
        ("check ok.csv --encoding klingon", "klingon"),
        ("check ok.csv --profile klingon", "klingon"),
        ("resume", "No run"),
        ("resume 20260101-000000-abcdef --yes", "20260101-000000-abcdef"),
        ("apply 20260101-000000-abcdef --yes", "20260101-000000-abcdef"),
        ("runs show nothing", "nothing"),
        ("template nothing", "canonical"),
        ("feature enable", "--yes"),
        ("demo --keep", "--prefect"),
    ],
)
def test_wrong_arguments_and_files(
    arguments: str, said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _assert_could_not_start(main(arguments.split()), said, here, capsys)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("nonsense = 1\n", "'nonsense'"),
        ("[tenants.a\n", "TOML"),
        ('path = "x"\n', "'path'"),
        ('default = "b"\n', "'b'"),
        ('[tenants.a]\ntenant_id = "x"\n', "'tenants.a.client_id'"),
        (f'{SECRET_TENANT}secret = "s3cr3t"\n', "'tenants.a.secret'"),
        (SECRET_TENANT, "secret_env"),
        (f'{SECRET_TENANT}secret_env = "NOT_SET"\n', "NOT_SET"),
        (f'{SECRET_TENANT}graph_url = "http://127.0.0.1"\n', "https://"),
        ('[tenants.a]\ntenant_id = "x"\nclient_id = "y"\n', "certificate_file"),
        ('[tenants.a]\ntenant_id = "x"\nclient_id = "y"\ncertificate_file = "no.pem"\n', "no.pem"),
        ('[tenants.a]\ntenant_id = "x"\nclient_id = "y"\n[policy]\nno_such_code = "warn"\n', "no_such_code"),
        (
            '[tenants.a]\ntenant_id = "x"\nclient_id = "y"\n[policy]\nphone_shared = "loud"\n',
            "[policy] phone_shared",
        ),
        ('[ledger]\nurl = "nosuch://user:hunter2@example.org/x"\n', "ledger"),
    ],
)
def test_wrong_configuration(toml: str, said: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "tenants.toml").write_text(toml)
    code = main(["run", "ok.csv", "--yes", "--tenant", "a"])
    errors = _assert_could_not_start(code, said, here, capsys)
    assert not any(secret in errors for secret in ("s3cr3t", "hunter2"))


def _assert_could_not_start(code: int, said: str, here: Path, capsys: pytest.CaptureFixture[str]) -> str:
    output = capsys.readouterr()
    assert (code, output.out) == (2, "")
    assert said in output.err
    assert output.err.count("\n") == 1
    assert "Traceback" not in output.err
    assert not (here / "runs").exists()
    return output.err
