"""tenants.toml: where it is looked for, what it may say, and what is said of what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sspr.errors import CannotStart
from sspr.model import Target
from sspr.settings import Cloud, home, load_settings

MINIMAL = '[tenants.contoso]\ntenant_id = "contoso.onmicrosoft.com"\nclient_id = "an-application"\n'


def loaded(folder: Path, text: str) -> object:
    (folder / "tenants.toml").write_text(text, encoding="utf-8")
    return load_settings(folder / "tenants.toml")


def test_a_tenant_has_microsofts_addresses_and_both_places_unless_told_otherwise(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(MINIMAL)
    tenant = load_settings(tmp_path / "t.toml").tenants["contoso"]
    assert (tenant.graph, tenant.login) == (
        "https://graph.microsoft.com",
        "https://login.microsoftonline.com",
    )
    assert (tenant.target, tenant.cloud, tenant.credential) == (Target.BOTH, Cloud.GLOBAL, "certificate")


def test_paths_are_beside_the_file_and_addresses_lose_their_slash(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(
        f'{MINIMAL}certificate_file = "a.pem"\ngraph_url = "https://127.0.0.1:1/"\n'
    )
    tenant = load_settings(tmp_path / "t.toml").tenants["contoso"]
    assert (tenant.certificate_file, tenant.graph) == (tmp_path / "a.pem", "https://127.0.0.1:1")


def test_the_option_wins_over_the_variable_and_the_variable_over_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("option", "variable", "tenants"):
        (tmp_path / f"{name}.toml").write_text(
            f'default = "{name}"\n{MINIMAL.replace("contoso]", f"{name}]")}'
        )
    assert load_settings().default == "tenants"
    monkeypatch.setenv("SSPR_CONFIG", "variable.toml")
    assert load_settings().default == "variable"
    assert load_settings(Path("option.toml")).default == "option"


def test_without_a_file_there_is_the_simulated_tenant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings().tenant_name(None) == "simulated"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("unknown = 1\n", "the key 'unknown' is not known"),
        ('path = "x"\n', "the key 'path' is not known"),
        (f"{MINIMAL}colour = 1\n", "the key 'tenants.contoso.colour' is not known"),
        ('[tenants.contoso]\ntenant_id = "x"\n', "the key 'tenants.contoso.client_id' is needed"),
        (MINIMAL.replace('"contoso.onmicrosoft.com"', "5"), "the key 'tenants.contoso.tenant_id' is wrong"),
        (
            MINIMAL.replace('"contoso.onmicrosoft.com"', '" "'),
            "[tenants.contoso], 'tenant_id' must not be empty",
        ),
        (f'{MINIMAL}cloud = "hunter2"\n', "the key 'tenants.contoso.cloud' is wrong"),
        (f'{MINIMAL}credential = "hunter2"\n', "the key 'tenants.contoso.credential' is wrong"),
        (f"{MINIMAL}ca_file = 5\n", "the key 'tenants.contoso.ca_file' is wrong"),
        (f'{MINIMAL}graph_url = "http://x"\n', "[tenants.contoso], 'graph_url' must begin with https://"),
        (f'{MINIMAL}default_country = "Germany"\n', "[tenants.contoso], 'default_country'"),
        ("tenants = 5\n", "'tenants' must be a table"),
        ("[policy]\nphone_shared = 5\n", "the key 'policy' is wrong"),
        ("[ledger]\nuri = 5\n", "the key 'ledger.uri' is not known"),
        ("[ledger]\nurl = 5\n", "the key 'ledger.url' is wrong"),
        ('default = "fabrikam"\n', "'fabrikam', which has no [tenants] table"),
        ("[tenants\n", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_key_and_never_by_value(
    text: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(CannotStart) as caught:
        loaded(tmp_path, text)
    assert said in str(caught.value)
    assert str(tmp_path / "tenants.toml") in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_secret_comes_from_its_variable_only(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(f'{MINIMAL}credential = "secret"\nsecret_env = "CONTOSO_SECRET"\n')
    tenant = load_settings(tmp_path / "t.toml").tenants["contoso"]
    assert tenant.secret({"CONTOSO_SECRET": "hunter2"}) == "hunter2"
    with pytest.raises(CannotStart, match="CONTOSO_SECRET"):
        tenant.secret({})


def test_the_home_is_closed_to_others(clean_environment: Path) -> None:
    assert home() == clean_environment
    assert clean_environment.stat().st_mode & 0o777 == 0o700
