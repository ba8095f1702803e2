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


def _has_trunk_zero(region: str) -> bool:
    metadata = PhoneMetadata.metadata_for_region(region)
    return metadata is not None and metadata.national_prefix == "0"


@pytest.mark.parametrize("region", [each for each in REGIONS if _has_trunk_zero(each)])
def test_the_zero_that_is_dialled_at_home_only_is_left_out(region: str) -> None:
    for number in _examples(region):
        for text in (
            f"+{number.code} (0){number.significant}",
            f"+{number.code}(0) {number.significant}",
            f"+{number.code} [0] {number.significant}",
            f"00{number.code}(0){number.significant}",
        ):
            assert _outcome(text, "") == _expected(number), text


def _international_prefix(region: str) -> str:
    """What is dialled for a number abroad; empty where that is not one certain thing."""
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    prefix = metadata.preferred_international_prefix or metadata.international_prefix or ""
    prefix = prefix.replace("0~0", "00").replace("~", " ")
    return prefix if prefix.replace(" ", "").isdigit() and len(prefix) > 1 else ""


@pytest.mark.parametrize("region", [each for each in REGIONS if _international_prefix(each)])
def test_an_international_prefix_is_read_where_it_is_dialled(region: str) -> None:
    prefix = _international_prefix(region)
    assert _outcome(f"{prefix} 44 7911 123456", region) == JANE
    is_longer = prefix.startswith("00") and prefix not in ("00", "000", "0011")
    for number in _examples(region):
        text = f"{prefix} {number.international[1:]}" if is_longer else prefix + number.e164[1:]
        assert _outcome(text, region) == _expected(number), text


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
def test_a_lost_zero_is_made_good(region: str) -> None:
    """A row that names its country means a number of that country, whatever the digits are with a +."""
    for number in _examples(region):
        assert _outcome(number.significant, region) == _expected(number)
        assert _outcome(number.significant + ".0", region) in (_expected(number), "phone_damaged")


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
        ("011 44 7911 123456", "GB", "phone_region_unknown"),
        ("011 44 7911 123456", "", "phone_region_unknown"),
        ("0044 7911 123456", "GB", JANE),
        ("009 1 206 555 0123", "NG", "phone_invalid"),  # the United States by 009, or India by 00
        ("0 44 7911 123456", "CV", "phone_region_unknown"),
        ("12065550123", "DE", "phone_region_unknown"),
        ("15062345678", "DE", "+49 15062345678"),  # Canadian with a +, which it has not
        ("15123456789", "DE", "+49 15123456789"),
        ("15123456789.0", "DE", "+49 15123456789"),
        ("551234.0", "PM", "+508 551234"),
        ("221234.0", "GL", "+299 221234"),
        ("7290.0", "TK", "+690 7290"),
        ("0195123456.0", "BJ", "phone_damaged"),  # no number cell has a zero in front
        ("259-915-1098", "DE", "phone_not_mobile"),
        ("259-915-1098", "GB", "phone_invalid"),
        ("+800 1234 5678", "", "phone_not_mobile"),
        ("+979 123 456 789", "", "phone_not_mobile"),
        ("1-800-356-9377", "US", "phone_not_mobile"),
    ],
)
def test_what_the_rules_say_of_the_rarer_ways(text: str, region: str, outcome: str) -> None:
    assert _outcome(text, region) == outcome


@pytest.mark.parametrize(
    ("text", "region", "outcome"),
    [
        *(
            (text, region, "phone_invalid")
            for region in ("DE", "AT", "")
            for text in (
                "0-0151 23456789", "0 0151 23456789", "0 (0)151 23456789", "(0)0151 23456789", "0/0151/23456789",
                "0.0151.23456789", "0-0 151 23456789", "0 0 44 7911 123456", "+0 0151 23456789",
            )
        ),
        ("0-067 214 3181", "CI", "phone_invalid"),
        ("00151 23456789", "DE", "phone_region_unknown"),
        ("0015123456789", "DE", "phone_region_unknown"),
        ("+0015123456789", "DE", "phone_region_unknown"),
        ("0015123456789", "FR", "+1 5123456789"),
        ("001 512 345 6789", "DE", "+1 5123456789"),
        ("00 1 512 345 6789", "DE", "+1 5123456789"),
        ("00491711234567", "DE", "+49 1711234567"),
        ("(0044) 7911 123456", "DE", JANE),
        ("(00)44 7911 123456", "DE", JANE),
        ("0066812345678", "AT", "phone_region_unknown"),
        ("0066 81 234 5678", "AT", "+66 812345678"),
        ("00 61 41237 45255", "TW", "phone_invalid"),
        ("0061 4 1237 4525 5", "SG", "phone_invalid"),
        ("0031 6 123456789", "SG", "phone_invalid"),
        ("0044 7400 17666", "TH", "phone_invalid"),
        ("00656581234567", "SG", "phone_invalid"),
        ("00236700068995", "TW", "phone_invalid"),
        ("00555511961234567", "BR", "phone_invalid"),
        ("0055 41 791234567", "BR", "phone_invalid"),
        ("006 14123745255", "TW", "phone_invalid"),
        ("001 44 7911 123456", "HK", JANE),
        ("001447911123456", "HK", "phone_invalid"),
        ("001 447911123456", "HK", "phone_invalid"),
        ("0011 44 7911 123456", "AU", JANE),
        ("0011447911123456", "AU", JANE),
        ("000 44 7911 123456", "KE", JANE),
        ("001 206 555 0123", "HK", "+1 2065550123"),
    ],
)  # fmt: skip
def test_two_zeros_dial_abroad_where_they_can_mean_nothing_else(text: str, region: str, outcome: str) -> None:
    assert _outcome(text, region) == outcome


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("011 55 11 96123-4567", ""),
        ("011 55 11 96123-4567", "DE"),
        ("011 880 1812-345678", ""),
        ("011 234 802 123 4567", "GB"),
        ("011 49 800 1234567890", ""),
    ],
)
def test_a_number_as_north_america_dials_it_has_no_region_elsewhere(text: str, region: str) -> None:
    assert _outcome(text, region) == "phone_region_unknown"


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("0664 1234567", "AT"), ("+43664123456", "AT"), ("+43664123456", ""), ("0812-345-678", "ID"),
        ("+62812345678", "ID"), ("021 123 4567", "NZ"), ("040 1234567", "FI"), ("0171 1234567", "DE"),
        ("7412", "TK"), ("612 34 56 78", "ES"), ("(201) 555-0123", "US"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", [" - 8", "  8", "~8", " ~ 8", " . 8", " – 8", "—8", "...8", " -8", "- 8"])
@pytest.mark.parametrize("digits", ["", "2", "25"])
def test_digits_set_off_behind_a_whole_number_are_an_extension(
    number: str, region: str, end: str, digits: str
) -> None:
    outcome = _outcome(number + end + digits, region)
    assert outcome == "phone_extension" or (number == "7412" and "~" in end and outcome == "phone_invalid")


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("0664 1234567-12", "AT"),
        ("0664/1234567-12", "AT"),
        ("0664 1234567 8-16", "AT"),
        ("0664-1234567 8-16", "AT"),
        ("+62812345678 9-17", "ID"),
        ("0664 1234567 08 - 16", "AT"),
        ("0171-1234567 – 68", "DE"),
        ("7290 x12", "TK"),
        ("612 34 56 78~12", "ES"),
        ("(201) 555-0123~12", "US"),
    ],
)
def test_extensions_and_hours_of_other_shapes_are_no_part_of_a_number(text: str, region: str) -> None:
    assert _outcome(text, region) == "phone_extension"


@pytest.mark.parametrize(
    ("text", "region", "value"),
    [
        ("0664 123-45-67", "AT", "+43 6641234567"),
        ("0664 1234-567", "AT", "+43 6641234567"),
        ("0664/123 45-67", "AT", "+43 6641234567"),
        ("0664 123 45 67", "AT", "+43 6641234567"),
        ("(11) 96123-4604", "BR", "+55 11961234604"),
        ("612-34-57-15", "ES", "+34 612345715"),
        ("+1-201-555-0160", "", "+1 2015550160"),
        ("06-12-34-57-15", "FR", "+33 612345715"),
        ("06.12.34.57.15", "FR", "+33 612345715"),
        ("06 – 12 – 34 – 57 – 15", "FR", "+33 612345715"),
        ("0151-234-567-89", "DE", "+49 15123456789"),
        ("0171 - 1234567", "DE", "+49 1711234567"),
        ("0171  1234567", "DE", "+49 1711234567"),
        ("0171–1234567", "DE", "+49 1711234567"),
        ("+62 812-3456-7890", "", "+62 81234567890"),
        ("0812 3456-7890", "ID", "+62 81234567890"),
        ("0400 123-456", "FI", "+358 400123456"),
        ("+1 (201) 555 - 0160", "", "+1 2015550160"),
    ],
)
def test_ordinary_groups_are_one_number(text: str, region: str, value: str) -> None:
    assert _outcome(text, region) == value


@pytest.mark.parametrize(
    ("text", "region", "outcome"),
    [
        ("31.12.1985", "DK", "phone_invalid"),
        ("12/31/1985", "DK", "phone_invalid"),
        ("30-11-1987", "DK", "phone_invalid"),
        ("20 05 1987", "DK", "phone_invalid"),
        ("2004-05-06", "LV", "phone_invalid"),
        ("2004/05/06", "LV", "phone_invalid"),
        ("17.03.1985", "KH", "phone_invalid"),
        ("20.03.1985", "TN", "phone_invalid"),
        ("7/28/1994", "SB", "phone_invalid"),
        ("7.9.1988", "NC", "phone_invalid"),
        ("1900-01-00", "AT", "phone_invalid"),
        ("22.07.68", "FO", "phone_invalid"),
        ("20.03.91", "GL", "phone_invalid"),
        ("27/03/81", "PM", "phone_invalid"),
        ("22.12.34", "GL", "+299 221234"),
        ("22 07 68", "GL", "+299 220768"),
        ("75.12.34", "NC", "+687 751234"),
        ("20.12.19.85", "DK", "+45 20121985"),
        ("20 12 19 85", "DK", "+45 20121985"),
        ("41.35.1987", "NO", "+47 41351987"),
        ("2012 1985", "DK", "+45 20121985"),
        ("05.00.12", "NC", "phone_not_mobile"),
        ("123.456.789-09", "US", "phone_invalid"),
        ("3.14159265", "VN", "phone_damaged"),
        ("3.14159265", "KH", "phone_damaged"),
        ("9.81234567", "SG", "phone_damaged"),
        ("4.47911123456", "GB", "phone_damaged"),
        ("7.1123456", "SO", "+252 71123456"),  # in Somalia's own groups
        ("+1.2065550123", "", "+1 2065550123"),
        ("+38160123456|", "RS", "phone_invalid"),
        ("017112345678|", "DE", "phone_invalid"),
        ("+44 7911 123456 |", "", JANE),
        ("+44 7911 123456;", "", JANE),
    ],
)
def test_what_is_another_kind_of_thing_is_no_number(text: str, region: str, outcome: str) -> None:
    assert _outcome(text, region) == outcome
