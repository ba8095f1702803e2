"""Phone texts: what is read, what is refused and by which name. No stranger's number may come out."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from sspr.contacts.numbering import MOBILE
from sspr.contacts.phone import read_phone

JANE = "+44 7911123456"
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
KINDS = [kind for kind in PhoneNumberType.values() if kind != PhoneNumberType.UNKNOWN]


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+44 7911 123456", "", JANE),
        ("07911 123456", "GB", JANE),
        ("7911123456", "GB", JANE),  # the zero was lost in a number cell
        ("447911123456", "GB", JANE),  # the + was lost, and the row's country agrees
        ("447911123456.0", "GB", JANE),
        ("+44 (0)7911 123456", "", JANE),
        ("+44 (0) 7911 123456", "US", JANE),
        ("00447911123456", "", JANE),
        ("+00447911123456", "", JANE),
        ("0044 (0)7911 123456", "DE", JANE),
        ("011 44 7911 123456", "US", JANE),
        ("0011 44 7911 123456", "AU", JANE),
        ("(+44) 7911 123456", "", JANE),
        ("+44.7911.123456", "", JANE),
        ("+44–7911–123456", "", JANE),
        ("tel:+44-7911-123456", "", JANE),
        ("mobile: 07911 123456", "GB", JANE),
        ("07911 123456 (private)", "GB", JANE),
        ("'+447911123456", "", JANE),
        ('="+447911123456"', "", JANE),
        ("=+447911123456", "", JANE),
        ("“+447911123456”", "", JANE),
        ("\u202a+44\u00a07911\u200b123456\u202c", "", JANE),
        ("＋４４７９１１１２３４５６", "", JANE),
        ("٠٧٩١١١٢٣٤٥٦", "GB", JANE),
        ("+44 7911 123456", None, JANE),
        ("+33 6 12 34 56 78", "US", "+33 612345678"),  # people have foreign mobiles
        ("(206) 555-0123", "US", "+1 2065550123"),
        ("12065550123", "US", "+1 2065550123"),
        ("0171/1234567", "DE", "+49 1711234567"),
        ("+39 347 123 4567", "", "+39 3471234567"),
        ("011 15-2345-6789", "AR", "+54 91123456789"),
        ("8 (916) 123-45-67", "RU", "+7 9161234567"),
        ("+44 07911 123456", "", JANE),
        ("+7 8 916 123-45-67", "", "+7 9161234567"),
        ("+225 07 01 23 45 67", "", "+225 0701234567"),  # the zero belongs to the number
    ],
)
def test_what_can_be_read_safely_is_read(text: str, region: str | None, number: str) -> None:
    assert read_phone(text, region) == (number, ())


@pytest.mark.parametrize(
    ("text", "region", "code"),
    [
        ("", "GB", "phone_missing"),
        ("  \u00a0", "GB", "phone_missing"),
        ("n/a", "GB", "phone_missing"),
        ("Ｎ／Ａ", "GB", "phone_missing"),
        ("mobile: n/a", "GB", "phone_missing"),
        ("#N/A", "GB", "phone_missing"),
        ("#REF!", "GB", "phone_missing"),
        ("0.0", "GB", "phone_missing"),
        ("none", "GB", "phone_missing"),
        ("-", "GB", "phone_missing"),
        ("000", "GB", "phone_missing"),
        ("+44 7911 12", "", "phone_invalid"),
        ("+999 7911 123456", "", "phone_invalid"),
        ("+07911 123456", "GB", "phone_invalid"),
        ("++447911123456", "", "phone_invalid"),
        ("-447911123456", "GB", "phone_invalid"),
        ("1234567890", "US", "phone_invalid"),
        ("9999999999", "US", "phone_invalid"),
        ("07911 12345O", "GB", "phone_invalid"),
        ("1-800-FLOWERS", "US", "phone_invalid"),
        ("call me", "GB", "phone_invalid"),
        ("+4479111234²6", "", "phone_invalid"),
        ("+672 81234", "", "phone_invalid"),  # a neighbour's short form, which the library would complete
        ("+54 11 15-2345-6789", "", "phone_invalid"),  # the 9 is not ours to put in
        ("+44 20 7946 0123", "", "phone_not_mobile"),
        ("0800 123 4567", "GB", "phone_not_mobile"),
        ("07911 123456", "", "phone_region_unknown"),
        ("07911 123456", None, "phone_region_unknown"),
        ("447911123456", "", "phone_region_unknown"),
        ("447911123456", "US", "phone_region_unknown"),
        ("491711234567", "DE", "phone_region_unknown"),  # a landline at home, a mobile with its +
        ("12345678", "AQ", "phone_region_unknown"),
        ("4.42E+11", "GB", "phone_damaged"),
        ("4,47911E+11", "GB", "phone_damaged"),
        ("4.47911123456E11", "GB", "phone_damaged"),
        ("4479,11123456", "GB", "phone_damaged"),
        ("447,911,123,456", "GB", "phone_damaged"),
        ("07911123456,0", "GB", "phone_damaged"),
        ("07911123456.50", "GB", "phone_damaged"),
        ("4479111234560000", "GB", "phone_damaged"),
        ("########", "GB", "phone_damaged"),
        ("#VALUE!", "GB", "phone_damaged"),
        ("System.String[]", "", "phone_damaged"),
        ("07911 ?23456", "GB", "phone_damaged"),
        ("+44 7911 123456 x12", "", "phone_extension"),
        ("+44 7911 123456 ext. 12", "", "phone_extension"),
        ("07911 123456#12", "GB", "phone_extension"),
        ("tel:+44-7911-123456;ext=12", "", "phone_extension"),
        ("07911 123456; 07911 123457", "GB", "phone_multiple"),
        ("07911 123456 / 07911 123457", "GB", "phone_multiple"),
        ("07911 123456/7", "GB", "phone_multiple"),
        ("07911 123456, 07911 123457", "GB", "phone_multiple"),
        ("07911 123456 or 07911 123457", "GB", "phone_multiple"),
        ("07911 123456\n07911 123457", "GB", "phone_multiple"),
        ("+44 7911 123456 +44 7911 123457", "", "phone_multiple"),
    ],
)
def test_what_is_in_doubt_is_refused_by_name(text: str, region: str | None, code: str) -> None:
    number, findings = read_phone(text, region)
    assert (number, [finding.code for finding in findings]) == ("", [code])


def _renderings(number: phonenumbers.PhoneNumber, region: str) -> list[tuple[str, str]]:
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    return [
        (e164, ""),
        (international, ""),
        (international.replace(" ", "\u00a0"), ""),
        (international.replace(" ", ".").replace("-", "."), ""),
        (phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL), region),
        (phonenumbers.format_number(number, PhoneNumberFormat.RFC3966), ""),
        ("00" + e164[1:], region),
        (
            e164.translate({ord("+"): "＋", **{ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}}),
            "",
        ),
        (e164, "US" if region != "US" else "DE"),
    ]


@pytest.mark.parametrize("region", REGIONS)
def test_every_regions_examples_in_every_rendering(region: str) -> None:
    """Mobile numbers come out as libphonenumber's E.164, numbers of every other kind are refused as such."""
    for kind in KINDS:
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        mobile = phonenumbers.number_type(number) in MOBILE
        for text, row_region in _renderings(number, region):
            read, findings = read_phone(text, row_region)
            if mobile:
                assert read.replace(" ", "") == e164, text
                assert findings == (), text
            else:
                assert (read, [finding.code for finding in findings]) == ("", ["phone_not_mobile"]), text


@pytest.mark.parametrize("region", REGIONS)
def test_without_its_plus_a_number_is_itself_or_refused(region: str) -> None:
    """Neither the bare national digits nor a lost + may turn one person's number into another's."""
    for kind in KINDS:
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        for text in (e164[1:], phonenumbers.national_significant_number(number)):
            read, _ = read_phone(text, region)
            assert read.replace(" ", "") in ("", e164), text


REGION = st.sampled_from([*REGIONS, "", "AQ", None])
NEARLY = st.text(alphabet="0123456789+() -./", max_size=24)


@given(
    st.one_of(st.text(max_size=40), NEARLY, st.from_regex(r"\+?[0-9 ()x.,eE/-]{4,24}", fullmatch=True)),
    REGION,
)
def test_it_never_raises_and_gives_a_number_or_a_reason(text: str, region: str | None) -> None:
    number, findings = read_phone(text, region)
    assert bool(number) != bool(findings)
    if number:
        code, national = number.removeprefix("+").split(" ")
        parsed = phonenumbers.parse(number, None)
        assert phonenumbers.is_valid_number(parsed)
        assert phonenumbers.number_type(parsed) in MOBILE
        assert parsed.country_code == int(code)
        assert phonenumbers.national_significant_number(parsed) == national


@given(
    st.integers(0, 9_999_999),
    st.integers(0, 11),
    st.sampled_from("OoIlSBZxXeEаАхﬁ"),
    st.sampled_from(["GB", "DE", "US"]),
)
def test_a_letter_is_never_read_past(number: int, place: int, letter: str, region: str) -> None:
    digits = f"+4479{number:07d}0"
    text = digits[: place + 1] + letter + digits[place + 1 :]
    assert read_phone(text, region)[0] == ""


@given(st.sampled_from(REGIONS), st.integers(0, 10**12))
def test_a_known_type_is_what_libphonenumber_calls_valid(region: str, digits: int) -> None:
    """The rules ask for the type only, which is half the work."""
    try:
        number = phonenumbers.parse(str(digits), region)
    except phonenumbers.NumberParseException:
        return
    known = phonenumbers.number_type(number) != PhoneNumberType.UNKNOWN
    assert known == phonenumbers.is_valid_number(number)
