"""The shorter way past libphonenumber gives the library's own answers, or none; and never another verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from sspr.contacts import numbering, phone
from sspr.contacts.numbering import Reading
from sspr.contacts.phone import read_phone

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
CODES = sorted(COUNTRY_CODE_TO_REGION_CODE)
KINDS = [kind for kind in PhoneNumberType.values() if kind != PhoneNumberType.UNKNOWN]
DIGITS = st.text(alphabet="0123456789", min_size=1, max_size=16)


def _examples(region: str) -> Iterator[PhoneNumber]:
    for kind in KINDS:
        number = phonenumbers.example_number_for_type(region, kind)
        if number is not None:
            yield number


def _by_the_library(digits: str, region: str | None) -> Reading | None:
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    assert number.country_code is not None
    national = phonenumbers.national_significant_number(number)
    return Reading(number.country_code, national, phonenumbers.number_type(number))


def _neighbours(digits: str) -> Iterator[str]:
    """The digits, and each with one digit changed, left out or repeated."""
    yield digits
    for place, digit in enumerate(digits):
        yield digits[:place] + str((int(digit) + place + 1) % 10) + digits[place + 1 :]
        yield digits[:place] + digits[place + 1 :]
        yield digits[:place] + digit + digits[place:]


def _agrees(digits: str, region: str | None) -> bool:
    """Whether the shorter way gives the library's answer or none. `region`: None for digits behind a +."""
    if region is None:
        answer, library = numbering.international(digits), _by_the_library("+" + digits, None)
    else:
        answer, library = numbering.at_home(digits, region), _by_the_library(digits, region)
    return answer is None or answer == library


@pytest.mark.parametrize("region", REGIONS)
def test_every_regions_numbers_and_their_neighbours_are_what_the_library_says(region: str) -> None:
    for number in _examples(region):
        with_code = phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]
        at_home = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        national = phonenumbers.national_significant_number(number)
        assert numbering.kind(number.country_code or 0, national) == phonenumbers.number_type(number)
        for digits in _neighbours(with_code):
            assert _agrees(digits, None), digits
            assert _agrees(digits, region), digits
        for digits in {*_neighbours(national), *_neighbours("".join(filter(str.isdigit, at_home)))}:
            assert _agrees(digits, region), digits


@pytest.mark.parametrize("code", [code for code in CODES if COUNTRY_CODE_TO_REGION_CODE[code] == ("001",)])
def test_numbers_of_no_region_are_what_the_library_says(code: int) -> None:
    number = phonenumbers.example_number_for_non_geo_entity(code)
    assert number is not None
    for digits in _neighbours(phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]):
        assert _agrees(digits, None), digits


@settings(max_examples=2000)
@given(st.sampled_from(CODES), DIGITS)
@example(1, "2065550123")
@example(672, "81234")  # completed by the library
@example(54, "1115234567890")  # rewritten by the library
def test_digits_with_a_country_code_are_what_the_library_says(code: int, digits: str) -> None:
    whole = f"{code}{digits}"
    assert _agrees(whole, None)
    library = _by_the_library("+" + whole, None)
    if library is not None:
        assert numbering.kind(library.country_code, library.national) == library.kind


@settings(max_examples=2000)
@given(st.sampled_from(REGIONS), st.sampled_from(["", "0", "1", "8", "00", "011", "code"]), DIGITS)
@example("GB", "", "07911123456")
@example("US", "", "12065550123")
@example("AR", "", "0111523456789")
@example("BR", "", "01511961234567")
def test_digits_dialled_in_a_region_are_what_the_library_says(region: str, start: str, digits: str) -> None:
    start = str(phonenumbers.country_code_for_region(region)) if start == "code" else start
    assert _agrees(start + digits, region)


@pytest.mark.parametrize("region", ["US", "GB", "DE", "FR", "IN", "BR", "JP", "AU", "ZA", "PL"])
def test_everyday_numbers_take_the_shorter_way(region: str) -> None:
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    assert number is not None
    national = phonenumbers.national_significant_number(number)
    at_home = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    assert numbering.international(f"{number.country_code}{national}") is not None
    assert numbering.at_home("".join(filter(str.isdigit, at_home)), region) is not None


def _spelled_out_by_the_library(digits: str) -> Reading | None:
    reading = _by_the_library("+" + digits, None)
    return reading if reading and f"{reading.country_code}{reading.national}" == digits else None


def _kind_by_the_library(country_code: int, national: str) -> int:
    zeros = len(national) - len(national.lstrip("0"))
    number = PhoneNumber(
        country_code,
        int(national),
        italian_leading_zero=zeros > 0,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )
    return phonenumbers.number_type(number)


def _without_the_shorter_way(text: str, region: str) -> tuple[str, list[str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phone, "_PLAIN", re.compile(r"(?!)"))
        patch.setattr(numbering, "international", _spelled_out_by_the_library)
        patch.setattr(numbering, "at_home", lambda *_: None)
        patch.setattr(numbering, "kind", _kind_by_the_library)
        return _verdict(text, region)


def _verdict(text: str, region: str) -> tuple[str, list[str]]:
    value, findings = read_phone(text, region)
    return value, [finding.code for finding in findings]


@pytest.mark.parametrize("region", REGIONS)
def test_no_verdict_depends_on_the_shorter_way(region: str) -> None:
    for number in _examples(region):
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        for text in (
            e164,
            e164[1:],
            e164[:-1],
            e164 + "0",
            phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL),
            phonenumbers.national_significant_number(number),
            phonenumbers.national_significant_number(number)[1:],
        ):
            assert _verdict(text, region) == _without_the_shorter_way(text, region), text


@given(st.sampled_from(REGIONS), st.sampled_from(["", "+", "0", "00", "+0", "code", "+code"]), DIGITS)
def test_no_verdict_on_any_digits_depends_on_the_shorter_way(region: str, start: str, digits: str) -> None:
    text = start.replace("code", str(phonenumbers.country_code_for_region(region))) + digits
    assert _verdict(text, region) == _without_the_shorter_way(text, region)


@pytest.mark.parametrize("region", ["AT", "TN", "DK", "BR", "DE"])
@pytest.mark.parametrize(
    "text",
    ["0664 1234567-12", "0664 1234567 8-16", "216 20 123-456", "31.12.1985", "3.14159265", "0-0151 23456789"],
)
def test_no_verdict_on_what_may_be_something_else_depends_on_the_shorter_way(text: str, region: str) -> None:
    assert _verdict(text, region) == _without_the_shorter_way(text, region)


@given(
    st.sampled_from(REGIONS),
    st.sampled_from([PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL]),
    st.from_regex(r"[ .-]?[0-9]{0,4}", fullmatch=True),
    st.lists(st.sampled_from(["", "", "", " ", "-", "."]), min_size=24, max_size=24),
    st.booleans(),
)
def test_no_verdict_on_digits_in_groups_depends_on_the_shorter_way(
    region: str, written: int, end: str, signs: list[str], is_regrouped: bool
) -> None:
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is None:
        return
    text = phonenumbers.format_number(number, written)
    if is_regrouped:
        digits = re.findall(r"\+?[0-9]", text)
        text = "".join(digit + sign for digit, sign in zip(digits, signs, strict=False))
    assert _verdict(text + end, region) == _without_the_shorter_way(text + end, region)


@pytest.mark.parametrize("code", CODES)
def test_the_usual_length_is_that_of_the_librarys_example(code: int) -> None:
    region = COUNTRY_CODE_TO_REGION_CODE[code][0]
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is not None:
        assert numbering.usual_length(code) == len(phonenumbers.national_significant_number(number))
    assert min(numbering.lengths(code)) <= numbering.usual_length(code) <= max(numbering.lengths(code))
