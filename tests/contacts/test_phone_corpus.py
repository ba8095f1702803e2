"""A corpus of phone texts, made from libphonenumber's own example numbers and from tables of what people, exports and
spreadsheets make of numbers: each with its exact value, or with the code of its refusal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import phonenumbers
import pytest
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from sspr.contacts.numbering import MOBILE
from sspr.contacts.phone import read_phone

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
KINDS = [kind for kind in PhoneNumberType.values() if kind != PhoneNumberType.UNKNOWN]
JANE = "+44 7911123456"

_SCRIPTS = {
    "full-width": str.maketrans("0123456789+()-. ", "０１２３４５６７８９＋（）－．\u3000"),
    "Arabic": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
    "Persian": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"),
    "Devanagari": str.maketrans("0123456789", "०१२३४५६७८९"),
}
_WRAPPERS = (
    "{}", "'{}", '="{}"', '"{}"', "“{}”", " {} ", "\t{}", "\u202a{}\u202c", "\ufeff{}", "{}.", "{};",
    "tel:{}", "mobile: {}", "Mobile {}", "M: {}", "Tel. {}", "Handy: {}", "Mobile Phone: {}", "{} (private)",
    "{} (mobile)", "{} [mobile]",
)  # fmt: skip


class Number(NamedTuple):
    """An example number in the forms that its renderings are made of."""

    e164: str
    international: str
    national: str
    rfc3966: str
    code: str
    significant: str
    kind: int


def _examples(region: str) -> Iterator[Number]:
    for kind in KINDS:
        number = phonenumbers.example_number_for_type(region, kind)
        if number is not None:
            yield _forms(number)


def _forms(number: PhoneNumber) -> Number:
    def form(which: int) -> str:
        return phonenumbers.format_number(number, which)

    return Number(
        form(PhoneNumberFormat.E164),
        form(PhoneNumberFormat.INTERNATIONAL),
        form(PhoneNumberFormat.NATIONAL),
        form(PhoneNumberFormat.RFC3966),
        str(number.country_code),
        phonenumbers.national_significant_number(number),
        phonenumbers.number_type(number),
    )


def _expected(number: Number) -> str:
    return f"+{number.code} {number.significant}" if number.kind in MOBILE else "phone_not_mobile"


def _outcome(text: str, region: str | None) -> str:
    """The value, or the codes of the refusal."""
    value, findings = read_phone(text, region)
    return value or ";".join(finding.code for finding in findings)


def _renderings_with_code(number: Number) -> Iterator[str]:
    plus, code, national = number.international, number.code, number.significant
    for text in (number.e164, plus):
        for wrapper in _WRAPPERS:
            yield wrapper.format(text)
        for script in _SCRIPTS.values():
            yield text.translate(script)
        yield "\u200b".join(text)
    yield number.rfc3966
    yield f"={number.e164}"
    for space in "\u00a0\u202f\u2009.-–−\u2011/":
        yield plus.replace(" ", space, 1) if space == "/" else plus.replace(" ", space)
    yield f"(+{code}) {national}"
    yield f"+({code}) {national}"
    yield f"+ {code} {national}"
    yield f"+{code}.{national}"
    yield f"+{code} ({national[:3]}) {national[3:]}"
    yield "00" + number.e164[1:]
    yield "00 " + plus[1:]
    yield "+00" + number.e164[1:]


@pytest.mark.parametrize("region", REGIONS)
def test_a_number_with_its_country_code_is_read_whatever_its_looks(region: str) -> None:
    elsewhere = "US" if region != "US" else "DE"
    for number in _examples(region):
        for text in _renderings_with_code(number):
            for row_region in ("", elsewhere, None):
                assert _outcome(text, row_region) == _expected(number), text


@pytest.mark.parametrize("region", REGIONS)
def test_a_national_number_is_read_in_its_region_and_refused_without(region: str) -> None:
    for number in _examples(region):
        text = number.national
        digits = "".join(filter(str.isdigit, text))
        for written in (
            text,
            digits,
            text.replace(" ", "\u00a0"),
            text.replace(" ", ".").replace("-", "."),
            text.translate(_SCRIPTS["full-width"]),
            f"'{text}",
            f'="{text}"',
            f"mobile: {text}",
        ):
            assert _outcome(written, region) == _expected(number), written
        assert _outcome(text, "") == "phone_region_unknown"
        assert _outcome(text, None) == "phone_region_unknown"


@pytest.mark.parametrize("region", REGIONS)
def test_the_zero_that_is_dialled_at_home_only_is_left_out(region: str) -> None:
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.national_prefix != "0":
        pytest.skip("no trunk zero")
    for number in _examples(region):
        for text in (
            f"+{number.code} (0){number.significant}",
            f"+{number.code}(0) {number.significant}",
            f"+{number.code} [0] {number.significant}",
            f"00{number.code}(0){number.significant}",
        ):
            assert _outcome(text, "") == _expected(number), text


@pytest.mark.parametrize("region", REGIONS)
def test_an_international_prefix_is_read_where_it_is_dialled(region: str) -> None:
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    prefix = (metadata.preferred_international_prefix or metadata.international_prefix or "").replace(
        "~", " "
    )
    if not prefix.replace(" ", "").isdigit() or len(prefix) == 1:
        pytest.skip("no prefix of its own that is certain")
    assert _outcome(f"{prefix} 44 7911 123456", region) == JANE
    for number in _examples(region):
        assert _outcome(prefix + number.e164[1:], region) == _expected(number)


@pytest.mark.parametrize("region", REGIONS)
def test_a_lost_plus_is_made_good_only_where_the_country_agrees_and_nothing_else_fits(region: str) -> None:
    for number in _examples(region):
        digits = number.e164[1:]
        at_home = phonenumbers.parse(digits, region)
        as_is = phonenumbers.national_significant_number(at_home) == digits
        two = as_is and phonenumbers.is_valid_number(at_home)
        expected = "phone_region_unknown" if two else _expected(number)
        assert _outcome(digits, region) == expected
        assert _outcome(digits + ".0", region) in (expected, "phone_damaged")
        assert _outcome(digits, "") == _outcome(digits, None) == "phone_region_unknown"


@pytest.mark.parametrize("region", REGIONS)
def test_a_lost_zero_is_made_good_unless_a_lost_plus_fits_as_well(region: str) -> None:
    for number in _examples(region):
        outcome = _outcome(number.significant, region)
        if outcome != _expected(number):
            abroad = phonenumbers.parse("+" + number.significant)
            assert outcome == "phone_region_unknown"
            assert phonenumbers.number_type(abroad) in MOBILE
            assert not number.national.startswith(number.significant[0])


@pytest.mark.parametrize("region", REGIONS)
def test_damage_never_makes_another_number(region: str) -> None:
    """What is set behind, in front of or into a number is refused, or the number is what it was."""
    for number in _examples(region):
        e164, value = number.e164, f"+{number.code} {number.significant}"
        for text in (
            f"{e164}.0",
            f"{e164},0",
            f"{e164} x5",
            f"{e164}-5",
            f"{e164}/5",
            f"{e164} (5)",
            f"{e164}#5",
            f"{e164},,5",
            f"{e164};5",
            f"{number.international}.0",
            f"{number.national}.0",
            f"{number.national}-5",
            f"{number.national} (12)",
            f"{e164[:-1]}O",
            f"{e164[:-1]}?",
            f"{float(e164[1:]):.2E}",
            f"{float(e164[1:]):.5e}".replace(".", ","),
        ):
            assert read_phone(text, region)[0] in ("", value), text
        for code, text in (
            ("phone_damaged", f"{float(e164[1:]):.2E}"),
            ("phone_damaged", e164[1:].ljust(17, "0")),
            ("phone_extension", f"{number.international} ext. 12"),
            ("phone_extension", f"{number.international} x12"),
            ("phone_multiple", f"{number.international} / {number.international}"),
            ("phone_multiple", f"{number.international}, {number.international}"),
        ):
            assert _outcome(text, region) == code, text


@pytest.mark.parametrize(
    "text",
    [
        "4.42E+11", "4,47701E+11", "4.47911123456E11", "4.479E+0011", "4.42 E+11", "4.42E 11", "4.42×10^11",
        "4.42x10^11", "4,42·10¹¹", "+4.42E+11", "-4.42E+11", "4.42е+11", "4٫42E+11", "４．４２Ｅ＋１１", "442E9",
        "4E+11", "44.2E+10", "4.42E+", "4.47911E+11.0", "mobile: 4.42E+11", "'4.42E+11", '="4.42E+11"',
        "447911123456,0", "447911123456,00", "447.911.123.456,00", "447,911,123,456", "447911123456.50",
        "0171 1234567.0", "+44 171 1234567.0", "4479111234560000", "447911123456000000", "######", "#VALUE!",
        "#NAME?", "07911 ??3456", "07911 \ufffd23456",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_destroyed_is_named(text: str) -> None:
    assert _outcome(text, "GB") == "phone_damaged"


@pytest.mark.parametrize(
    "extension",
    [
        " x415", "x415", " X 415", " ext. 12", " ext 12", " ext: 12", " extension 12", ", ext 12", " (ext 12)",
        " (x12)", ";ext=12", "; ext = 12", " #12", "#12", " DW 12", " Durchwahl 12", " poste 12", " int. 12",
        " extensión 12", " extensio\u0301n 12", " ｅｘｔ 12", " anexo 12", " ramal 12", " доб. 12", ",,12", ",,123456#",
        ", 12", ";12", " p12", " - 456#", " x302/x2303", " extension 12345678901234567890",
    ],
)  # fmt: skip
def test_an_extension_is_named_however_it_is_written(extension: str) -> None:
    assert _outcome("+44 7911 123456" + extension, "") == "phone_extension"
    assert _outcome("(0)20 7946 0018" + extension, "GB") == "phone_extension"


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("+44 7911 123456 / +44 7911 123457", ""),
        ("+44 7911 123456 or +44 7911 123457", ""),
        ("07911123456 07911123457", "GB"),
        ("07911 123456 - 07911 123457", "GB"),
        ("07911 123456 & 07911 123457", "GB"),
        ("07911 123456 | 07911 123457", "GB"),
        ("07911 123456 or 57", "GB"),
        ("07911123456/57/58", "GB"),
        ("07911123456,07911123457", "GB"),
        ("07911 123456、07911 123457", "GB"),
        ("M: 07911 123456 H: 020 7946 0018", "GB"),
        ("07911 123456 (m) 07911 123457 (w)", "GB"),
        ("91234567 81234567", "SG"),
        ("206-555-0123/206-555-0124", "US"),
        ("+44 +7911 123456", ""),
    ],
)
def test_of_two_numbers_none_is_chosen(text: str, region: str) -> None:
    assert _outcome(text, region) == "phone_multiple"


@pytest.mark.parametrize(
    ("text", "region", "outcome"),
    [
        ("(+44) (0) 7911-123456", "", JANE),
        ("[+44] 7911 123456", "", JANE),
        ("Personal mobile: +44 7911 123456", "", JANE),
        ("(M) +44 7911 123456", "", JANE),
        ("callto:+447911123456", "", JANE),
        ("tel:07911-123456;phone-context=+44", "", JANE),
        ("+ 00 44 7911 123456", "", JANE),
        ("+447911123456.0", "", JANE),
        ("（０７９１１）１２３ー４５６", "GB", JANE),
        ("001-206-555-0123", "US", "+1 2065550123"),
        ("206/555/0123", "US", "+1 2065550123"),
        ("8~10 44 7911 123456", "RU", JANE),
        ("010 44 7911 123456", "JP", JANE),
        ("(011) 96123-4567", "BR", "+55 11961234567"),
        ("0343 15 555 1212", "AR", "+54 93435551212"),
        ("+54 9 11 2345-6789", "", "+54 91123456789"),
        ("+52 55 1234 5678", "", "+52 5512345678"),
        ("(06)20/123-4567", "HU", "+36 201234567"),
        ("8 029 491-19-11", "BY", "+375 294911911"),
        ("+370 8 612 34567", "", "+370 61234567"),
        ("+34 (0)612 345 678", "", "+34 612345678"),
        ("+225 (0)7 01 23 45 67", "", "+225 0701234567"),
        ("01 95 12 34 56", "BJ", "+229 0195123456"),
        ("98765 43210", "IN", "+91 9876543210"),
        ("91 98765 43210", "IN", "+91 9876543210"),
        ("131 2345 6789", "CN", "+86 13123456789"),  # as it is written at home; Chicago with a +
        ("+881 612 345 678", "", "+881 612345678"),
        ("+39 (0)347 123 4567", "", "phone_invalid"),  # the zeros of Italy belong to the number
        ("0347 123 4567", "IT", "phone_invalid"),
        ("+(0)44 7911 123456", "", "phone_invalid"),
        ("Fax: +44 7911 123456", "", "phone_invalid"),
        ("Home: +44 7911 123456", "", "phone_invalid"),
        ("07911 123456 ask for Jane", "GB", "phone_invalid"),
        ("+44 79** ***456", "", "phone_invalid"),
        ("*100#", "GB", "phone_invalid"),
        ("999", "GB", "phone_invalid"),
        ("9999999999", "IN", "phone_invalid"),  # valid to the library
        ("464 1234", "AG", "phone_invalid"),  # completed by the library
        ("0 15 11 96123-4567", "BR", "phone_invalid"),  # a carrier's code, dropped by the library
        ("+52 1 55 1234 5678", "", "phone_invalid"),  # before 2019
        ("+225 01234567", "", "phone_invalid"),  # before 2021
        ("011 44 7911 123456", "GB", "phone_invalid"),
        ("011 44 7911 123456", "", "phone_region_unknown"),
        ("0044 7911 123456", "GB", JANE),
        ("009 1 206 555 0123", "NG", "phone_invalid"),  # the United States by 009, or India by 00
        ("0 44 7911 123456", "CV", "phone_region_unknown"),
        ("12065550123", "DE", "phone_region_unknown"),
        ("15062345678", "DE", "phone_region_unknown"),  # a Canadian without +, or a German without 0
        ("15123456789", "DE", "phone_region_unknown"),
        ("259-915-1098", "DE", "phone_not_mobile"),
        ("259-915-1098", "GB", "phone_invalid"),
        ("+800 1234 5678", "", "phone_not_mobile"),
        ("+979 123 456 789", "", "phone_not_mobile"),
        ("1-800-356-9377", "US", "phone_not_mobile"),
    ],
)
def test_what_the_rules_say_of_the_rarer_ways(text: str, region: str, outcome: str) -> None:
    assert _outcome(text, region) == outcome
