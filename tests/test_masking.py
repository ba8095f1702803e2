"""What of an address, a number or a foreign text may be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.masking import mask_email, mask_phone, mask_text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("jane@fabrikam.com", "j•••@fabrikam.com"),
        ("j@fabrikam.com", "j•••@fabrikam.com"),
        ("no address", "•••"),
        ("@fabrikam.com", "•••"),
        ("", "•••"),
    ],
)
def test_an_address_keeps_its_first_letter_and_its_domain(value: str, shown: str) -> None:
    assert mask_email(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("+1 2065550100", "+1 •••• 0100"),
        ("+442071234567", "•••• 4567"),
        ("+44 7400123456x12", "+44 •••• 5612"),
        ("1234567", "••••"),
        ("", "••••"),
    ],
)
def test_a_number_keeps_its_country_code_and_its_last_four_digits(value: str, shown: str) -> None:
    assert mask_phone(value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Resource 'jane.roe@contoso.com' does not exist.",
            "Resource 'j•••@contoso.com' does not exist.",
        ),
        ("number +1 (206) 555-0100 is taken", "number +1 •••• 0100 is taken"),
        ("number 12065550100 is taken", "number •••• is taken"),
        (
            "Invalid value for property 'otherMails'; request id 0f9b1c2d-1111-2222-3333-444455556666",
            "Invalid value for property 'otherMails'; request id 0f9b1c2d-1111-2222-3333-444455556666",
        ),
        ("3000 writes in 150 seconds", "3000 writes in 150 seconds"),
    ],
)
def test_a_foreign_text_loses_what_looks_like_contact_data(text: str, shown: str) -> None:
    assert mask_text(text) == shown


@given(
    st.text("abc.+-_é", min_size=2, max_size=20),
    st.sampled_from(["fabrikam.com", "münchen.example"]),
    st.text(" '\"():;,<>é", max_size=5),
)
def test_no_local_part_survives_in_any_text(local: str, domain: str, around: str) -> None:
    address = f"{local}@{domain}"
    assert address not in mask_text(f"text{around} {address} {around}")
