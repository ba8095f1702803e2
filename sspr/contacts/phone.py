"""Phone texts → `+CC national`, or the reasons why not. Google's libphonenumber (`phonenumbers`) is the judge of
numbers; what it would silently repair or cut off (letters, commas, second numbers) never reaches it.

A wrong acceptance sends a reset code to a stranger, so every text that could be read in two ways is refused.
"""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import PhoneNumberType

from sspr.contacts import numbering
from sspr.contacts.cleaning import MAX_CELL
from sspr.contacts.numbering import MOBILE, TRUNK_PREFIXES, Reading
from sspr.contacts.phone_text import (
    BRACKETED_ZERO,
    MAX_DIGITS,
    after,
    cleaned,
    exact,
    is_fraction,
    only_digits,
    set_off,
    shape_fault,
    text_fault,
)
from sspr.model import Finding

# Without it the library compiles a pattern anew whenever a file has numbers of more than a few dozen countries.
phonenumbers.enable_pattern_cache()

_KIND = {
    PhoneNumberType.FIXED_LINE: "a landline",
    PhoneNumberType.TOLL_FREE: "a toll-free number",
    PhoneNumberType.PREMIUM_RATE: "a premium-rate number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.VOIP: "an internet telephony number",
    PhoneNumberType.PERSONAL_NUMBER: "a personal number that forwards calls",
    PhoneNumberType.PAGER: "a pager",
    PhoneNumberType.UAN: "a company's service number",
    PhoneNumberType.VOICEMAIL: "a voicemail number",
}
# Digits in groups, nothing that any rule below would mind: the everyday number, straight to its plan. Not what may be a
# decimal number, a date or a tax number.
_PLAIN = re.compile(
    r"(?![0-9]\.[0-9]+\Z|[0-9]{1,4}([ .-])[0-9]{1,2}\1[0-9]{1,4}\Z|(?:[0-9]{3}\.){2}[0-9]{3}-)"
    r"\+?(?:[0-9]{1,4}[ .-]?)?(?:\([0-9]{2,5}\)[ .-]?)?[0-9]+(?:[ .-][0-9]+)*(?<=[0-9]{2})(?<!\.[0-9]{2})"
)
_TO_DIGITS = {ord(sign): None for sign in "+ .-()"}
# A single digit set off by a sign, or a bracket at the end: an extension, or the end of a second number.
_LOOSE_END = re.compile(r"[-/.]\s?\d$|[(\[]\s?\d+\s?[)\]]$")
_SHORT_END = re.compile(r"[.-]([0-9]{1,4})\Z")
_TWO_ZEROS = re.compile(r"[^0-9]*00")
_NORTH_AMERICA_ABROAD = "011"
# Prefixes of their own in Kenya and Australia: no number begins with 0 or 11 behind its +, so that 00 is not meant.
_CERTAIN_PREFIXES = frozenset({"000", "0011"})


def read_phone(text: str, region: str | None) -> tuple[str, tuple[Finding, ...]]:
    """`(+CC national, ())`, or `("", findings)`.

    `region`: ISO 3166-1 alpha-2 code for a number without country code; empty where none is given, None where what was
    given is no known country. Never raises.
    """
    if len(text) > MAX_CELL:
        return _refused("phone_invalid", "far too long")
    if _PLAIN.fullmatch(text):
        known = _valid(_known(text, region))
        end = _SHORT_END.search(text, len(text) - 5)
        if known is not None and (end is None or not _is_whole_without(end, known)):
            return _judged(known)
    cell, text = text, cleaned(text)
    if not text:
        return _refused("phone_missing", "a placeholder" if cell.strip() else "")
    fault = text_fault(text)
    if fault is None:
        text = exact(text)
        fault = shape_fault(text, _dialled_first(only_digits(text), region))
    if fault is not None:
        return "", (fault,)
    if _has_extension(text, region):
        return _refused("phone_extension", "digits set off at the end")
    if is_fraction(text) and not _is_grouped_as_usual(text, region):
        return _refused("phone_damaged", "a decimal number")
    value, findings = _number(text, region)
    if value and _LOOSE_END.search(text):
        return _refused("phone_extension", "digits set off at the end")
    return value, findings


def _known(text: str, region: str | None) -> Reading | None:
    digits = text.translate(_TO_DIGITS)
    if len(digits) > MAX_DIGITS:
        return None
    if text[0] == "+":
        return numbering.international(digits)
    return numbering.at_home(digits, region) if region and not digits.startswith("00") else None


def _is_whole_without(end: re.Match[str], known: Reading) -> bool:
    """Whether the digits before the last few are enough for a number of the country."""
    text = end.string
    digits = known.national if text.startswith("+") else text.translate(_TO_DIGITS)
    return len(digits) - len(end[1]) >= numbering.usual_length(known.country_code)


def _has_extension(text: str, region: str | None) -> bool:
    """Whether a few digits at the end are set off from what is a mobile number without them. Where nothing but the
    sign sets them off, that number has to have the usual length: 0664 1234-567 is one number.
    """
    for before, is_wide in set_off(text):
        value, _ = _number(before, region)
        if value:
            code, national = value.removeprefix("+").split(" ")
            if is_wide or len(national) >= numbering.usual_length(int(code)):
                return True
    return False


def _is_grouped_as_usual(text: str, region: str | None) -> bool:
    """Whether the digits stand in the groups that the region writes them in: 7 1123456 in Somalia."""
    try:
        number = phonenumbers.parse(only_digits(text), region)
    except phonenumbers.NumberParseException:
        return False
    usual = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return re.findall("[0-9]+", usual) == re.findall("[0-9]+", text)


def _refused(code: str, detail: str = "") -> tuple[str, tuple[Finding, ...]]:
    return "", (Finding(code, detail),)


def _dialled_first(digits: str, region: str | None) -> int:
    """How many digits dial abroad, before the country code."""
    own = numbering.international_prefix(digits, region) if region else ""
    if not own and _is_dialled_from_north_america(digits):
        own = _NORTH_AMERICA_ABROAD
    return max(len(own), 2 if digits.startswith("00") else 0)


def _is_dialled_from_north_america(digits: str) -> bool:
    abroad = digits.removeprefix(_NORTH_AMERICA_ABROAD)
    return abroad != digits and _valid(_spelled_out(abroad)) is not None


def _number(text: str, region: str | None) -> tuple[str, tuple[Finding, ...]]:
    digits = only_digits(text)
    if text.lstrip("([ ").startswith("+"):
        return _one_of([_with_code(text)])
    home = phonenumbers.country_code_for_region(region) if region else 0
    if digits.startswith("00"):
        return _dialled_abroad(text, digits, region or "", home)
    if not region:
        return _refused("phone_region_unknown", "" if region == "" else "the country is not a known one")
    if not home:
        return _refused("phone_region_unknown", f"{region} has no numbers of its own")
    return _national(text, digits, region, home)


def _dialled_abroad(text: str, digits: str, region: str, home: int) -> tuple[str, tuple[Finding, ...]]:
    """A number behind 00, in a region whose country code is `home` (0 where there is none)."""
    if not _TWO_ZEROS.match(text):
        return _refused("phone_invalid", "two zeros at the beginning that do not stand together")
    reading = _with_code(after(text, 2))
    if not home:
        return _one_of([reading])
    known = _valid(reading)
    if known is not None and known.kind in MOBILE and not _code_stands_alone(text, "00", known.country_code):
        once = _valid(_at_home(after(text, 1), digits[1:], region))
        if once is not None and once != known and once.country_code == home and once.kind in MOBILE:
            return _refused("phone_region_unknown", f"of {region} with a zero too many, or dialled abroad")
    # 001, 0011: the international prefix of some countries is longer, and of some 00 is none.
    own = _valid(_in_region(text, digits, region))
    prefix = numbering.international_prefix(digits, region)
    if known is None and own is not None and not _is_own_prefix(text, digits, prefix, own.country_code, home):
        return _one_of([reading])
    return _one_of([reading, own])


def _is_own_prefix(text: str, digits: str, prefix: str, code: int, home: int) -> bool:
    """Whether digits that make no number behind 00 are meant behind the longer prefix of a country: a wrong number must
    not become another one by it.
    """
    if prefix in _CERTAIN_PREFIXES:
        return True
    return not digits.startswith(f"00{home}") and _code_stands_alone(text, rf"{prefix}[^0-9]", code)


def _code_stands_alone(text: str, prefix: str, code: int) -> bool:
    """Whether the country code behind a prefix (a pattern) is a group of its own, as in 0049 151 and 001 49 151."""
    return re.match(rf"[^0-9]*{prefix}[^0-9]*{code}[^0-9]", text) is not None


def _one_of(readings: list[Reading | None], region: str = "") -> tuple[str, tuple[Finding, ...]]:
    valid = {reading for reading in map(_valid, readings) if reading is not None}
    if len(valid) > 1:
        return _refused("phone_invalid", "it can be read in two ways")
    return _judged(valid.pop()) if valid else _refused("phone_invalid", _why_invalid(readings[0], region))


def _with_code(text: str) -> Reading | None:
    """A text that begins with a country code. The zero of +44 (0)20 is dialled at home only and is left out; in Italy
    and elsewhere it belongs to the number.
    """
    digits = only_digits(text)
    reading = _spelled_out(digits)
    shorter = only_digits(BRACKETED_ZERO.sub("", text, count=1))
    if shorter == digits or digits.startswith("0"):
        return reading
    belongs = reading is not None and reading.national.startswith("0")
    if reading is not None and belongs and numbering.fits_plan(reading.country_code, reading.national):
        return reading
    return _spelled_out(shorter)


def _spelled_out(digits: str) -> Reading | None:
    """A number with its country code. Beyond a trunk prefix, which people write out of habit, nothing is taken from it
    or put into it: libphonenumber also drops carrier codes and completes numbers that only neighbours dial.
    """
    known = numbering.international(digits)
    if known is not None:
        return known
    number = _parsed("+" + digits, None)
    if number is None or not digits.endswith(number.national):
        return None
    trunk = digits.removesuffix(number.national).removeprefix(str(number.country_code))
    return number if trunk in TRUNK_PREFIXES else None


def _in_region(text: str, digits: str, region: str) -> Reading | None:
    """What someone in the region reaches who dials the digits; None where the library would not write it so itself."""
    abroad = numbering.international_prefix(digits, region)
    if abroad:
        return _with_code(after(text, len(abroad)))
    number = _parsed(digits, region)
    if number is None:
        return None
    trunk = digits.removesuffix(number.national).removeprefix(str(number.country_code))
    if digits.endswith(number.national) and trunk in TRUNK_PREFIXES:
        return number
    return number if _is_argentine_mobile(digits, number) else None


def _is_argentine_mobile(digits: str, number: Reading) -> bool:
    """An Argentine mobile is 011 15 2345-6789 at home and +54 9 11 2345-6789 from abroad: the same number, with a sign
    that it is a mobile in another place.
    """
    token = phonenumbers.country_mobile_token(number.country_code)
    if not token or not number.national.startswith(token):
        return False
    home, subscriber = digits.removeprefix("0"), number.national.removeprefix(token)
    return any(home[:place] + home[place + 2 :] == subscriber for place in range(2, 5))


def _at_home(text: str, digits: str, region: str) -> Reading | None:
    return numbering.at_home(digits, region) or _in_region(text, digits, region)


def _national(text: str, digits: str, region: str, home: int) -> tuple[str, tuple[Finding, ...]]:
    """A number without country code, read in its region; refused where it may as well have lost its +."""
    reading = _at_home(text, digits, region)
    national = _valid(reading)
    abroad = numbering.international_prefix(digits, region)
    if abroad and national is not None:
        # 011 44… from the United States. Shorter ones are too easily the beginning of something else.
        if len(abroad) < 3 or numbering.kind(home, digits) != PhoneNumberType.UNKNOWN:
            return _refused("phone_region_unknown", f"dialled abroad from {region}")
        return _judged(national)
    international = None if digits.startswith("0") else _valid(_spelled_out(digits))
    doubt = _doubt(digits, region, reading, international)
    if doubt:
        return _refused("phone_region_unknown", doubt)
    if international is not None and national is None and international.country_code == home:
        return _judged(international)
    if national is None and _is_dialled_from_north_america(digits):
        return _refused("phone_region_unknown", f"not dialled so from {region}")
    return _one_of([reading], region)


def _doubt(digits: str, region: str, reading: Reading | None, international: Reading | None) -> str:
    """Why digits may be a number of another country that lost its +, or one of this country with its code in front."""
    national = _valid(reading)
    home = phonenumbers.country_code_for_region(region)
    if international is None or international == national:
        return ""
    if national is None:
        # What is as long as the country's numbers is a wrong number of the country.
        as_long = reading is not None and len(reading.national) in numbering.lengths(home)
        if international.country_code == home or (as_long and international.kind not in MOBILE):
            return ""
        return f"not a number of {region}, and without +"
    return f"with and without the country code of {region} a number" if digits.startswith(str(home)) else ""


def _judged(reading: Reading) -> tuple[str, tuple[Finding, ...]]:
    code, national, kind = reading
    if kind not in MOBILE:
        return _refused("phone_not_mobile", _KIND.get(kind, "of an unknown kind"))
    if not national.strip(national[0]):
        return _refused("phone_invalid", "the same digit throughout")
    return f"+{code} {national}", ()


def _valid(reading: Reading | None) -> Reading | None:
    return reading if reading is not None and reading.kind != PhoneNumberType.UNKNOWN else None


def _parsed(digits: str, region: str | None) -> Reading | None:
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    code, national = number.country_code or 0, phonenumbers.national_significant_number(number)
    # libphonenumber calls a number valid exactly where it knows its type.
    return Reading(code, national, numbering.kind(code, national))


def _why_invalid(reading: Reading | None, region: str) -> str:
    if reading is None and region:
        return f"not a number of {region}"
    if reading is None:
        return "no such country code, or digits that do not belong to it"
    known = region or phonenumbers.region_code_for_country_code(reading.country_code)
    lengths = numbering.lengths(reading.country_code)
    if min(lengths) <= len(reading.national) <= max(lengths):
        reason = "not in use"
    else:
        reason = "too few digits" if len(reading.national) < min(lengths) else "too many digits"
    return f"{reason} for {known}" if known not in ("", "ZZ", "001") else reason
