"""The account column, and what the tenant knows of the account."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.contacts.account import judge_account, own_address, read_account
from sspr.contacts.email import mailbox
from sspr.model import Account, Contact, Finding

DOMAINS = frozenset({"contoso.com", "contoso.onmicrosoft.com"})
JANE = Contact("jane@contoso.com", "jane@fabrikam.com", "+44 7911123456")


@pytest.mark.parametrize(
    "name",
    [
        "jane@contoso.com",
        "Jane.O'Neil-Doe_1@contoso.co.uk",
        "jane_fabrikam.com#EXT#@contoso.onmicrosoft.com",
        "a" * 64 + "@" + "b" * 44 + ".com",
    ],
)
def test_a_user_principal_name_is_kept_as_written(name: str) -> None:
    assert read_account(f" {name}\u00a0") == (name, ())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "upn_missing"),
        (" - ", "upn_missing"),
        ("jane", "upn_invalid"),
        ("jane@contoso", "upn_invalid"),
        ("jane@doe@contoso.com", "upn_invalid"),
        ("jane doe@contoso.com", "upn_invalid"),
        ("jané@contoso.com", "upn_invalid"),
        ("j?ne@contoso.com", "upn_invalid"),
        ("jane.@contoso.com", "upn_invalid"),
        ("jane+x@contoso.com", "upn_invalid"),
        ("@contoso.com", "upn_invalid"),
        ("jane@.com", "upn_invalid"),
        ("a" * 65 + "@contoso.com", "upn_invalid"),
        ("jane@" + "b" * 45 + ".com", "upn_invalid"),
        ("Total: 12", "upn_invalid"),
    ],
)
def test_what_is_no_user_principal_name(text: str, code: str) -> None:
    name, findings = read_account(text)
    assert (name, [finding.code for finding in findings]) == ("", [code])


@given(st.from_regex(r"[A-Za-z0-9_.'+ -]{1,70}@[A-Za-z0-9.-]{1,55}", fullmatch=True))
def test_the_short_way_for_plain_names_is_the_long_one(text: str) -> None:
    assert read_account(text) == read_account(f"\u200b{text}")


@given(st.text(max_size=130))
def test_it_never_raises(text: str) -> None:
    name, findings = read_account(text)
    assert bool(name) != bool(findings)


@pytest.mark.parametrize(
    ("address", "codes"),
    [
        ("jane@fabrikam.com", []),
        ("JANE+reset@contoso.com", ["email_same_account", "email_tenant_domain"]),
        ("jane@contoso.onmicrosoft.com", ["email_same_account"]),
        ("Jane+x@contoso.mail.onmicrosoft.com", ["email_same_account"]),
        ("jane@contoso.onmicrosoft.us", ["email_same_account"]),
        ("jane@contoso.partner.onmschina.cn", ["email_same_account"]),
        ("john@contoso.onmicrosoft.com", []),
        ("jane@mail.contoso.com", []),
        ("jane@fabrikam.onmicrosoft.com", []),
        ("helpdesk@contoso.com", ["email_tenant_domain"]),
        ("", []),
    ],
)
def test_an_address_that_leads_back(address: str, codes: list[str]) -> None:
    assert [finding.code for finding in own_address(address, "jane@contoso.com")] == codes


@pytest.mark.parametrize(
    ("address", "user_principal_name", "codes"),
    [
        ("jane@contoso.com", "jane@contoso.onmicrosoft.com", ["email_same_account"]),
        ("jane@contoso.mail.onmicrosoft.com", "jane@contoso.onmicrosoft.com", ["email_same_account"]),
        ("j.a.ne+x@googlemail.com", "jane@gmail.com", ["email_same_account"]),
        ("jane@gmail.com", "jane@contoso.onmicrosoft.com", []),
    ],
)
def test_no_disguise_of_the_account_hides_it(
    address: str, user_principal_name: str, codes: list[str]
) -> None:
    assert [finding.code for finding in own_address(address, user_principal_name)] == codes


LOCALS = st.sampled_from(["jane", "JANE", "jane+x", "j.ane", "john"])
DOMAIN_NAMES = st.sampled_from([
    "contoso.com", "Contoso.COM", "contoso.onmicrosoft.com", "contoso.mail.onmicrosoft.com", "gmail.com",
    "GoogleMail.com", "fabrikam.com", "fabrikam.onmicrosoft.com",
])  # fmt: skip


@given(LOCALS, DOMAIN_NAMES, LOCALS, DOMAIN_NAMES)
def test_the_same_mailbox_is_the_same_account_in_both_directions(
    local: str, domain: str, other_local: str, other_domain: str
) -> None:
    one, other = f"{local}@{domain}", f"{other_local}@{other_domain}"
    said = own_address(one, other)
    assert said == own_address(other, one)
    if mailbox(one) == mailbox(other):
        assert Finding("email_same_account") in said


@pytest.mark.parametrize(
    ("account", "codes"),
    [
        (Account("1", "jane@contoso.com"), []),
        (Account("1", "jane@contoso.com", enabled=True, administrator=True), []),
        (Account("1", "jane@contoso.com", administrator=None), []),
        (Account("1", "jane@contoso.com", enabled=False), ["user_disabled"]),
        (Account("1", "jane@contoso.com", guest=True), ["user_is_guest"]),
        (Account("1", "jane@contoso.com", administrator=False), ["not_an_administrator"]),
        (Account("1", "jane@contoso.com", synced=True), ["synced_from_on_premises"]),
        (Account("1", "jane@contoso.com", mail="Jane@Fabrikam.com"), ["email_same_account"]),
        (
            Account("1", "jane@contoso.com", proxy_addresses=("smtp:jane+x@fabrikam.com",)),
            ["email_same_account"],
        ),
        (
            Account("1", "jane@contoso.com", proxy_addresses=("SMTP:jane@fabrikam.com",)),
            ["email_same_account"],
        ),
        (
            Account("1", "admin@contoso.com", proxy_addresses=("smtp:jane@fabrikam.onmicrosoft.com",)),
            ["email_same_account"],
        ),
        (Account("1", "jane@contoso.com", proxy_addresses=("sip:jane@fabrikam.com", "X500:/o=x")), []),
        (Account("1", "jane@contoso.com", other_mails=("jane@fabrikam.com",)), []),
        (
            Account("1", "jane@contoso.com", enabled=False, guest=True, synced=True, administrator=False),
            ["user_disabled", "user_is_guest", "not_an_administrator", "synced_from_on_premises"],
        ),
    ],
)
def test_what_the_account_adds(account: Account, codes: list[str]) -> None:
    assert [finding.code for finding in judge_account(JANE, account, DOMAINS)] == codes


def test_an_address_in_any_verified_domain_is_the_organizations() -> None:
    contact = Contact("jane@contoso.com", "jane.doe@woodgrove.com")
    account = Account("1", "jane@contoso.com")
    assert judge_account(contact, account, DOMAINS) == ()
    assert judge_account(contact, account, DOMAINS | {"woodgrove.com"}) == (Finding("email_tenant_domain"),)


def test_what_the_row_said_is_not_said_again() -> None:
    contact = Contact(
        "jane@contoso.com",
        "jane@contoso.com",
        findings=(Finding("email_same_account"), Finding("email_tenant_domain")),
    )
    assert judge_account(contact, Account("1", "jane@contoso.com"), DOMAINS) == ()


def test_a_refused_address_says_nothing_of_the_account() -> None:
    assert (
        judge_account(Contact("jane@contoso.com"), Account("1", "jane@contoso.com", mail=""), DOMAINS) == ()
    )
