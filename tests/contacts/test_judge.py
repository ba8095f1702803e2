"""One row, all its reasons; the row's country, and the default."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.contacts.account import is_hearsay
from sspr.contacts.country import region
from sspr.contacts.judge import judge
from sspr.model import CANONICAL_COLUMNS, Contact, Finding, Row

FIELDS = {
    "user_principal_name": "jane@contoso.com",
    "alternate_email": "jane@fabrikam.com",
    "mobile_phone": "+44 7400 123456",
}


def _row(**fields: str) -> Row:
    return Row(2, tuple(fields.values()), fields)


def _codes(contact: Contact) -> list[str]:
    return [finding.code for finding in contact.findings]


def test_a_good_row() -> None:
    row = _row(
        user_principal_name="jane@contoso.com",
        alternate_email="Jane@Fabrikam.com",
        mobile_phone="07911 123456",
        country="UK",
    )
    assert judge(row, None) == Contact("jane@contoso.com", "Jane@fabrikam.com", "+44 7911123456")


def test_all_reasons_are_given_at_once() -> None:
    assert _codes(judge(_row(user_principal_name="", alternate_email="jane", mobile_phone=""), "US")) == [
        "upn_missing",
        "email_invalid",
        "phone_missing",
    ]


def test_the_own_address_is_kept_and_said() -> None:
    row = _row(
        user_principal_name="j@contoso.com", alternate_email="J+x@contoso.com", mobile_phone="+447911123456"
    )
    contact = judge(row, None)
    assert contact.alternate_email == "J+x@contoso.com"
    assert _codes(contact) == ["email_same_account", "email_tenant_domain"]


def test_a_malformed_row_says_that_and_nothing_else() -> None:
    row = Row(2, ("jane@contoso.com",), {}, malformed="1 cell, the header has 3")
    assert judge(row, "US") == Contact("", findings=(Finding("row_malformed", "1 cell, the header has 3"),))


@pytest.mark.parametrize(
    ("country", "default", "number"),
    [
        ("GB", None, "+44 7911123456"),
        ("", "GB", "+44 7911123456"),
        ("n/a", "United Kingdom", "+44 7911123456"),
        ("GB", "US", "+44 7911123456"),
        ("", None, ""),
        ("Atlantis", "GB", ""),  # it was meant to say something else than the default
        ("", "Atlantis", ""),
    ],
)
def test_the_country_of_the_row_goes_before_the_default(
    country: str, default: str | None, number: str
) -> None:
    contact = judge(_row(mobile_phone="07911 123456", country=country), default)
    assert contact.mobile_phone == number
    assert ("phone_region_unknown" in _codes(contact)) is (number == "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("GB", "GB"),
        ("gb ", "GB"),
        ("UK", "GB"),
        ("GBR", "GB"),
        ("Great Britain", "GB"),
        ("England", "GB"),
        ("NA", "NA"),
        ("Namibia", "NA"),
        ("U.S.A.", "US"),
        ("The Netherlands", "NL"),
        ("Holland", "NL"),
        ("Deutschland", "DE"),
        ("ÖSTERREICH", "AT"),
        ("Cote d'Ivoire", "CI"),
        ("Türkiye", "TR"),
        ("Bosnia & Herzegovina", "BA"),
        ("St. Lucia", "LC"),
        ("ST", "ST"),
        ("日本", "JP"),
        ("", ""),
        ("-", ""),
        ("N/A", ""),
        ("Korea", None),  # two countries
        ("Congo", None),
        ("Atlantis", None),
        ("XX", None),
        ("44", None),
    ],
)
def test_countries_by_code_and_name(text: str, code: str | None) -> None:
    assert region(text) == code


@given(
    st.dictionaries(st.sampled_from(CANONICAL_COLUMNS), st.text(max_size=30)),
    st.one_of(st.none(), st.text(max_size=4)),
)
def test_it_never_raises_and_what_it_refuses_is_empty(fields: dict[str, str], default: str | None) -> None:
    contact = judge(Row(2, (), fields), default)
    said = {finding.code.partition("_")[0] for finding in contact.findings}
    assert contact.user_principal_name or "upn" in said
    assert contact.alternate_email or "email" in said
    assert contact.mobile_phone or "phone" in said


def test_a_detail_holds_nothing_of_the_row() -> None:
    row = _row(
        user_principal_name="jane doe@contoso.com",
        alternate_email="jané@fabrikam.com",
        mobile_phone="07911 12345O",
        country="Secretland",
    )
    for finding in judge(row, None).findings:
        for secret in ("jan", "contoso", "fabrikam", "07911", "Secretland"):
            assert secret not in finding.detail


@pytest.mark.parametrize(
    "piece", ["'", '"', "1", "1x", "a@", "a.", "<", " ", "+1 ", "1;ext=", "=", "é", "1e"]
)
def test_a_cell_of_absurd_length_is_refused_like_any_other(piece: str) -> None:
    cell = piece * 60_000 + "1"
    row = _row(user_principal_name=cell, alternate_email=cell, mobile_phone=cell, country=cell)
    assert [code.partition("_")[0] for code in _codes(judge(row, None))] == ["upn", "email", "phone"]


@pytest.mark.parametrize(
    ("first", "second", "phone", "detail"),
    [
        ("GB", "GB", "+44 7400123456", None),
        ("GB", "United Kingdom", "+44 7400123456", None),
        ("GB", "DE", "", "the row names two countries"),
        ("GB", "Head Office", "+44 7400123456", None),
        ("GB", "n/a", "+44 7400123456", None),
    ],
)
def test_two_countries_of_a_row_must_agree_where_the_number_names_none(
    first: str, second: str, phone: str, detail: str | None
) -> None:
    fields = {**FIELDS, "mobile_phone": "07400 123456", "country": first, "other_country": second}
    contact = judge(Row(2, (), fields), None)
    assert contact.mobile_phone == phone
    assert [finding.detail for finding in contact.findings] == ([detail] if detail else [])
    fields["mobile_phone"] = "+44 7400 123456"
    assert judge(Row(2, (), fields), None).mobile_phone == "+44 7400123456"


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"account_enabled": "True", "account_blocked": "No", "user_type": "Member"}, []),
        ({"account_enabled": "", "account_blocked": "", "user_type": "", "directory_synced": ""}, []),
        ({"account_enabled": " FALSE"}, ["user_disabled"]),
        ({"account_blocked": "Yes"}, ["user_disabled"]),
        ({"user_type": "guest"}, ["user_is_guest"]),
        ({"directory_synced": "True"}, ["synced_from_on_premises"]),
        ({"account_enabled": "vielleicht"}, []),
    ],
)
def test_what_the_file_says_of_the_account_is_told(fields: dict[str, str], codes: list[str]) -> None:
    contact = judge(Row(2, (), {**FIELDS, **fields}), None)
    assert [finding.code for finding in contact.findings] == codes
    assert all(is_hearsay(finding) for finding in contact.findings)
