"""tenants.toml: where it is looked for, what it may say, and what is said of what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sspr.errors import CannotStart
from sspr.model import Target
from sspr.settings import Cloud, TenantSettings, home, load_settings

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
    assert (tenant.target_for(None), tenant.cloud, tenant.credential) == (
        Target.BOTH,
        Cloud.GLOBAL,
        "certificate",
    )


def test_paths_are_beside_the_file_and_addresses_lose_their_slash(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(
        f'{MINIMAL}certificate_file = "a.pem"\nfederated_token_file = "token"\nca_file = "/ca.pem"\n'
        'graph_url = "https://127.0.0.1:1/"\n'
    )
    tenant = load_settings(tmp_path / "t.toml").tenants["contoso"]
    assert (tenant.certificate_file, tenant.graph) == (tmp_path / "a.pem", "https://127.0.0.1:1")
    assert (tenant.federated_token_file, tenant.ca_file) == (tmp_path / "token", Path("/ca.pem"))


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
        (f'{MINIMAL}target = "hunter2"\n', "must be one of both, contact, methods"),
        (f'{MINIMAL}certificate_password = "hunter2"\n', "contoso.certificate_password' is not known"),
        (
            '[tenants.contoso]\nclient_id = "x"\ncredential = "managed-identity"\n',
            "the key 'tenants.contoso.tenant_id' is needed",
        ),
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


def configured(**keys: str) -> TenantSettings:
    return TenantSettings(**{"tenant_id": "contoso.onmicrosoft.com", "client_id": "x", **keys})  # type: ignore[arg-type]


NEEDED: dict[str, tuple[dict[str, str], dict[str, str], str | None]] = {
    "a certificate": ({"certificate_file": "a.pem"}, {}, None),
    "no certificate": ({}, {}, "certificate_file"),
    "a pass phrase that is not there": (
        {"certificate_file": "a.pem", "certificate_password_env": "PHRASE"}, {}, "PHRASE"
    ),
    "no variable of the secret": ({"credential": "secret"}, {}, "secret_env"),
    "the machine's own identity": ({"credential": "managed-identity", "client_id": ""}, {}, None),
    "an identity assigned to the machine": ({"credential": "managed-identity"}, {}, None),
    "a token file by its key": (
        {"credential": "workload-identity", "federated_token_file": "token"}, {}, None
    ),
    "a token file by the environment": (
        {"credential": "workload-identity"}, {"AZURE_FEDERATED_TOKEN_FILE": "/token"}, None
    ),
    "no token file": ({"credential": "workload-identity"}, {}, "AZURE_FEDERATED_TOKEN_FILE"),
    "a workload without an application": (
        {"credential": "workload-identity", "federated_token_file": "token", "client_id": ""}, {}, "AZURE_CLIENT_ID"
    ),
    "a workload without a tenant": (
        {"credential": "workload-identity", "federated_token_file": "token", "tenant_id": ""}, {}, "AZURE_TENANT_ID"
    ),
    "nobody at a terminal": ({"credential": "device-code"}, {}, "a person at a terminal"),
}  # fmt: skip


@pytest.mark.parametrize(("keys", "environment", "lacking"), NEEDED.values(), ids=NEEDED)
def test_what_a_credential_needs_is_said_before_anything_is_sent(
    keys: dict[str, str], environment: dict[str, str], lacking: str | None
) -> None:
    tenant = configured(**keys)
    if lacking is None:
        tenant.require_credential(environment)
        return
    with pytest.raises(CannotStart, match=lacking) as caught:
        tenant.require_credential(environment)
    assert caught.value.exit_code == 2


def test_a_pods_environment_names_tenant_and_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", "a-tenant")
    monkeypatch.setenv("AZURE_CLIENT_ID", "an-application")
    (tmp_path / "t.toml").write_text(
        '[tenants.pod]\ncredential = "workload-identity"\n'
        '[tenants.named]\ncredential = "workload-identity"\nclient_id = "another"\n'
        '[tenants.machine]\ntenant_id = "x"\ncredential = "managed-identity"\n'
    )
    tenants = load_settings(tmp_path / "t.toml").tenants
    assert {name: (each.tenant_id, each.client_id) for name, each in tenants.items()} == {
        "pod": ("a-tenant", "an-application"),
        "named": ("a-tenant", "another"),
        "machine": ("x", ""),
    }


@pytest.mark.parametrize("cloud", Cloud)
@pytest.mark.parametrize("asked", [None, *Target])
@pytest.mark.parametrize("configured_target", [None, *Target])
def test_the_target_is_as_asked_for_then_as_configured_and_contact_alone_in_china(
    cloud: Cloud, asked: Target | None, configured_target: Target | None
) -> None:
    tenant = TenantSettings(tenant_id="x", client_id="y", cloud=cloud, target=configured_target)
    wanted = asked or configured_target
    if cloud is not Cloud.CHINA:
        assert tenant.target_for(asked) is (wanted or Target.BOTH)
    elif wanted in (None, Target.CONTACT):
        assert tenant.target_for(asked) is Target.CONTACT
    else:
        with pytest.raises(CannotStart, match=f"the target {wanted} cannot be reached.*--target contact"):
            tenant.target_for(asked)


@pytest.mark.parametrize("cloud", Cloud)
@pytest.mark.parametrize("target", [None, Target.CONTACT])
def test_contact_alone_is_said_where_nobody_asked_for_it(cloud: Cloud, target: Target | None) -> None:
    said: list[str] = []
    TenantSettings(tenant_id="x", client_id="y", cloud=cloud, target=target).tell_target(said.append)
    assert [("no email methods" in each) for each in said] == [True] * (
        cloud is Cloud.CHINA and target is None
    )


def test_the_home_is_closed_to_others(clean_environment: Path) -> None:
    assert home() == clean_environment
    assert clean_environment.stat().st_mode & 0o777 == 0o700
