"""State, its file, and the sample tenants."""

from __future__ import annotations

import ssl
import stat
import tomllib
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import phonenumbers
import pytest

from sspr.simulated.behaviour import Behaviour
from sspr.simulated.faults import Fault
from sspr.simulated.samples import MIXED, accounts_for, add_missing, administrators
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import Account, State
from tests.simulated.conftest import ADMIN, Start, batch, patch


def test_a_tenant_survives_as_json() -> None:
    state = administrators(50, seed=5, variety=MIXED)
    again = State.from_json(state.to_json())
    assert again == state
    assert again.account(ADMIN.upper()) == state.account(ADMIN)
    with pytest.raises(ValueError, match="tenant_id"):
        State.from_json("{}")


def test_a_write_is_in_the_file_before_it_is_answered(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "tenant.json"
    tenant = start(administrators(20), state_file=file)
    client = tenant.client()
    for number in range(3):
        upns = [account.upn for account in tenant.server.state.accounts.values()]
        items = [patch(f"/users/{upn}", {"mobilePhone": f"+1 425738000{number}"}) for upn in upns]
        client.post("/$batch", json=batch(*items))
        assert State.from_json(file.read_bytes()) == tenant.server.state
    client.patch("/policies/authorizationPolicy", json={"allowedToUseSSPR": False})
    assert State.from_json(file.read_bytes()).policy.sspr is False
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["tenant.json"]


def test_a_write_whose_answer_was_lost_is_in_the_file_too(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "tenant.json"
    tenant = start(behaviour=Behaviour(faults=(Fault("PATCH *", 504, after_write=True),)), state_file=file)
    assert (
        tenant.client().patch(f"/users/{ADMIN}", json={"otherMails": ["a@fabrikam.com"]}).status_code == 504
    )
    account = State.from_json(file.read_bytes()).account(ADMIN)
    assert account is not None
    assert account.other_mails == ("a@fabrikam.com",)


def test_contact_data_and_secrets_show_in_no_repr() -> None:
    state = administrators(1)
    account = state.account(ADMIN)
    assert account is not None
    account = replace(
        account, mobile_phone="+1 4257380001", other_mails=("a@fabrikam.com",), email_method="b@c.example"
    )
    shown = repr(account) + repr(state) + repr(state.apps)
    assert [
        value for value in ("4257380001", "fabrikam", "c.example", state.apps[0].secrets[0]) if value in shown
    ] == []


def test_samples_are_the_same_for_the_same_seed_and_as_varied_as_asked() -> None:
    state = administrators(400, seed=7, variety=MIXED)
    assert state == administrators(400, seed=7, variety=MIXED)
    assert state != administrators(400, seed=8, variety=MIXED)
    accounts = list(state.accounts.values())
    assert [account.upn for account in accounts[:2]] == [ADMIN, ADMIN.replace("1@", "2@")]
    kinds = {
        "synced": any(account.synced for account in accounts),
        "disabled": any(not account.enabled for account in accounts),
        "guest": any(account.guest for account in accounts),
        "contacts": any(account.other_mails for account in accounts),
        "methods": any(account.phones for account in accounts),
        "no role": any(not state.roles_of(account.id) for account in accounts),
        "by group": any(account.id in state.groups[0].members for account in accounts),
        "eligible": bool(state.eligibilities),
        "synced tenant": state.synced_from_on_premises,
    }
    assert [name for name, present in kinds.items() if not present] == []
    plain = administrators(400, seed=7)
    assert all(plain.roles_of(key) for key in plain.accounts)
    assert {_extras(account) for account in plain.accounts.values()} == {
        (None, (), (), None, None, True, False)
    }


def _extras(account: Account) -> tuple[object, ...]:
    return (account.mobile_phone, account.other_mails, account.phones, account.email_method, account.synced,
            account.enabled, account.guest)  # fmt: skip


def test_sample_numbers_are_mobile_numbers() -> None:
    state = administrators(300, variety=MIXED)
    numbers = {account.mobile_phone for account in state.accounts.values() if account.mobile_phone}
    parsed = [phonenumbers.parse(number) for number in numbers]
    mobile = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
    assert len({number.country_code for number in parsed}) > 5
    assert [number for number in parsed if phonenumbers.number_type(number) not in mobile] == []


def test_rehearsal_accounts_know_everyone_but_the_absent() -> None:
    upns = [
        "kim@contoso.com",
        "lee@fabrikam.com",
        "gone@contoso.com",
        "ext_x.com#EXT#@contoso.onmicrosoft.com",
    ]
    state = accounts_for(upns, seed=1, absent=["GONE@contoso.com"])
    assert [state.account(upn) is not None for upn in upns] == [True, True, False, True]
    assert {domain.name for domain in state.domains} == {
        "contoso.onmicrosoft.com",
        "contoso.com",
        "fabrikam.com",
    }
    guest = state.account(upns[3])
    assert guest is not None
    assert guest.guest
    before = dict(state.accounts)
    added = add_missing(state, [*upns, "new@contoso.com"], seed=1)
    assert [state.accounts[key].upn for key in added] == ["new@contoso.com"]
    assert {key: state.accounts[key] for key in before} == before
    assert state.account("kim@contoso.com") == accounts_for(["kim@contoso.com"], seed=1).account(
        "kim@contoso.com"
    )


def test_the_ready_table_is_toml_without_the_secret(start: Start) -> None:
    tenant = start()
    text = tenant.server.tenants_toml("CONTOSO_SECRET")
    table = tomllib.loads(text)["tenants"]["simulated"]
    assert (table["graph_url"], table["login_url"]) == (tenant.server.url, tenant.server.url)
    assert (table["secret_env"], table["credential"]) == ("CONTOSO_SECRET", "secret")
    assert Path(table["ca_file"]).is_file()
    assert tenant.server.secret not in text


def test_no_private_key_is_left_in_the_folder(start: Start) -> None:
    tenant = start()
    folder = tenant.server.ca_file.parent
    assert [path.name for path in folder.iterdir()] == ["ca.pem"]
    assert "PRIVATE" not in tenant.server.ca_file.read_text()


def test_an_error_of_the_listener_is_not_swallowed(tmp_path: Path) -> None:
    def listen(*_: object) -> None:
        raise AssertionError("judged")

    tenant = SimulatedTenant(administrators(1), folder=tmp_path, on_exchange=listen)
    tenant.start()
    context = ssl.create_default_context(cafile=str(tenant.ca_file))
    with urlopen(
        f"{tenant.url}/{tenant.tenant_id}/v2.0/.well-known/openid-configuration", context=context
    ) as answer:
        assert answer.status == 200
    with pytest.raises(RuntimeError) as caught:
        tenant.stop()
    assert str(caught.value.__cause__) == "judged"
