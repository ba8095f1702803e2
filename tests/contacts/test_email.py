"""Email texts: what is read, what is refused, what is the same mailbox in disguise."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from sspr.contacts.email import MAX_LENGTH, mailbox, read_email
from sspr.contacts.lookalike import doubt_of

LONG_DOMAIN = ".".join(["b" * 60] * 3) + ".com"  # 186 characters


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("jane@fabrikam.com", "jane@fabrikam.com"),
        ("Jane.Doe@FABRIKAM.com", "Jane.Doe@fabrikam.com"),
        ("jane+reset@fabrikam.com", "jane+reset@fabrikam.com"),
        ("o'neil@fabrikam.com", "o'neil@fabrikam.com"),
        ("  jane@fabrikam.com\u00a0", "jane@fabrikam.com"),
        ("\u200bjane@fabrikam.com\u202c", "jane@fabrikam.com"),
        ("mailto:jane@fabrikam.com", "jane@fabrikam.com"),
        ("SMTP:jane@fabrikam.com", "jane@fabrikam.com"),
        ("<jane@fabrikam.com>", "jane@fabrikam.com"),
        ("Jane Doe <jane@fabrikam.com>", "jane@fabrikam.com"),
        ('"jane@fabrikam.com"', "jane@fabrikam.com"),
        ("'jane@fabrikam.com", "jane@fabrikam.com"),
        ('="jane@fabrikam.com"', "jane@fabrikam.com"),
        ("jane@fabrikam.com;", "jane@fabrikam.com"),
        ("jane@fabrikam.com.", "jane@fabrikam.com"),
        ("jane@example.org", "jane@example.org"),
        ("jane@müller.de", "jane@xn--mller-kva.de"),
        ("jane@xn--mller-kva.de", "jane@xn--mller-kva.de"),
        ("jane@пример.рф", "jane@xn--e1afmkfd.xn--p1ai"),
        ("a" * 62 + "@" + LONG_DOMAIN, "a" * 62 + "@" + LONG_DOMAIN),
    ],
)
def test_what_can_be_read_safely_is_read(text: str, address: str) -> None:
    assert read_email(text) == (address, ())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "email_missing"),
        ("\u200b ", "email_missing"),
        ("n/a", "email_placeholder"),
        ("NA", "email_placeholder"),
        ("-", "email_placeholder"),
        ("test@test.com", "email_placeholder"),
        ("none@none.com", "email_placeholder"),
        ("noreply@fabrikam.com", "email_placeholder"),
        ("a@fabrikam.com; b@fabrikam.com", "email_multiple"),
        ("a@fabrikam.com b@fabrikam.com", "email_multiple"),
        ("a@fabrikam.com\nb@fabrikam.com", "email_multiple"),
        ("SMTP:a@fabrikam.com+smtp:b@fabrikam.com", "email_multiple"),
        ("{a@fabrikam.com, b@fabrikam.com}", "email_multiple"),
        ("jane", "email_invalid"),
        ("jane(at)fabrikam.com", "email_invalid"),
        ("jane@@fabrikam.com", "email_invalid"),
        ("jane@fabrikam", "email_invalid"),
        ("jane@fabrikam.c", "email_invalid"),
        ("jane doe@fabrikam.com", "email_invalid"),
        (".jane@fabrikam.com", "email_invalid"),
        ("jane..doe@fabrikam.com", "email_invalid"),
        ('"jane doe"@fabrikam.com', "email_invalid"),
        ("jané@fabrikam.com", "email_invalid"),
        ("j?ne@fabrikam.com", "email_invalid"),
        ("jane@[192.0.2.1]", "email_invalid"),
        ("jane@fab_rikam.com", "email_invalid"),
        ("jane@corp.local", "email_invalid"),
        ("jane@corp.test", "email_invalid"),
        ("jane@localhost", "email_invalid"),
        ("a" * 64 + "@" + LONG_DOMAIN, "email_invalid"),
        ("a" * 65 + "@fabrikam.com", "email_invalid"),
    ],
)
def test_what_graph_or_nobody_takes_is_refused(text: str, code: str) -> None:
    address, findings = read_email(text)
    assert (address, [finding.code for finding in findings]) == ("", [code])


@pytest.mark.parametrize(
    ("domain", "warned"),
    [
        ("fаbrikam.com", True),  # a Cyrillic a
        ("аррӏе.com", True),  # Cyrillic throughout
        ("xn--80ak6aa92e.com", True),  # the same, in ASCII
        ("müller.de", False),
        ("пример.рф", False),
        ("例え.jp", False),
    ],
)
def test_a_domain_that_imitates_another_is_warned_of_and_kept(domain: str, *, warned: bool) -> None:
    address, findings = read_email(f"jane@{domain}")
    assert address.isascii()
    assert [finding.code for finding in findings] == (["email_lookalike"] if warned else [])
    assert bool(doubt_of(address.rpartition("@")[2])) is warned


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("jane@contoso.com", "JANE@Contoso.com", True),
        ("jane+reset@contoso.com", "jane@contoso.com", True),
        ("j.a.ne@gmail.com", "jane@googlemail.com", True),
        ("j.ane@contoso.com", "jane@contoso.com", False),
        ("jane@contoso.com", "jane@fabrikam.com", False),
        ("+reset@contoso.com", "+other@contoso.com", False),
    ],
)
def test_the_same_mailbox_in_disguise(one: str, other: str, *, same: bool) -> None:
    assert (mailbox(one) == mailbox(other)) is same


@given(
    st.one_of(
        st.text(max_size=60),
        st.emails(),
        st.from_regex(r"[a-zé.<>@;+ -]{1,30}@[a-zü.-]{1,30}", fullmatch=True),
    )
)
def test_it_never_raises_and_an_address_is_what_the_validator_accepts(text: str) -> None:
    address, findings = read_email(text)
    if not address:
        assert len(findings) == 1
        return
    assert address.isascii()
    assert len(address) <= MAX_LENGTH
    assert validate_email(address, check_deliverability=False).ascii_email == address


@given(st.text(alphabet="abzAZ059._+-'\"!#$%&*/=?^`{|}~ (),:;<>[\\]\x7fé", max_size=70))
def test_the_part_before_the_at_is_judged_as_the_validator_does(local: str) -> None:
    """The short way for plain names accepts nothing that the library refuses."""
    address, _ = read_email(f"{local}@fabrikam.com")
    if address.startswith(f"{local}@"):
        validate_email(f"{local}@fabrikam.com", check_deliverability=False, strict=True)
    elif local.isascii() and local.replace(".", "").replace("-", "").isalnum():
        with pytest.raises(EmailNotValidError):
            validate_email(f"{local}@fabrikam.com", check_deliverability=False, strict=True)


@pytest.mark.parametrize(
    ("text", "address", "codes"),
    [
        ("=jo.doe@fabrikam.com", "", ["email_invalid"]),
        ('="jo.doe@fabrikam.com"', "jo.doe@fabrikam.com", []),
        ("mailto://jo.doe@fabrikam.com", "jo.doe@fabrikam.com", []),
        ("\u202djo-\u202eeod@fabrikam.com", "", ["email_invalid"]),
        ("\u202ajo@fabrikam.com\u202c", "jo@fabrikam.com", []),
        ("jo@fabrıkam.com", "jo@xn--fabrkam-ufb.com", ["email_lookalike"]),
        ("jo@ışık.com.tr", "jo@xn--k-ekaa7p.com.tr", []),
        ("jo@münchｘn.de", "jo@xn--mnchxn-3ya.de", ["email_lookalike"]),
        ("jo@mu\u0308nchen.de", "jo@xn--mnchen-3ya.de", []),
    ],
)
def test_what_is_seen_is_what_is_read(text: str, address: str, codes: list[str]) -> None:
    read, findings = read_email(text)
    assert (read, [finding.code for finding in findings]) == (address, codes)
