"""Phone texts → `+CC national`, or the reasons why not. Google's libphonenumber (`phonenumbers`) is the judge of
numbers; what it would silently repair or cut off (letters, commas, second numbers) never reaches it.

A wrong acceptance sends a reset code to a stranger, so every text that could be read in two ways is refused.
"""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

from sspr.contacts.cleaning import MAX_CELL, is_placeholder, unwrapped
from sspr.model import Finding

MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
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
_REASON = {
    phonenumbers.ValidationResult.TOO_SHORT: "too few digits",
    phonenumbers.ValidationResult.TOO_LONG: "too many digits",
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "no such country code",
}
MAX_DIGITS = 15  # ITU-T E.164, section 6.1; also what Excel keeps of a number

_LABEL = re.compile(
    r"(?:tel|telephone|phone|mobile|mobil|mob|cell|cellphone|handy|m|t)\s*[.:]+\s*(?=[+(\d])", re.IGNORECASE
)
_REMARK = re.compile(r"\s*\((?:private|privat|personal|mobile|mobil|cell|handy)\)$", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"\+?\d+(?:[.,]\d+)?\s?e\s?[+-]?\s?\d+", re.IGNORECASE)
_EXPORT_DAMAGE = re.compile(
    r"#{2,}|#(?:REF|VALUE|NAME|NUM|NULL|DIV/0)[!?]|System\.\S+|Microsoft\.\S+", re.IGNORECASE
)
_FLOAT = re.compile(r"([1-9]\d{6,14})\.0")
_EXTENSION = re.compile(
    r"(?P<number>.*\d.*?)[\s,;./-]*(?:;\s?ext\s?=|ext(?:n|ension)?\b|x|#|int(?:erno)?\b|poste\b|durchwahl\b|dw\b|доб)[\s.:=]*\d{1,7}#?",
    re.IGNORECASE | re.DOTALL,
)
_BETWEEN_NUMBERS = re.compile(r"[;|,/&\n\r\t\v\f]|\b(?:or|oder|ou|and|und|et|o|y)\b", re.IGNORECASE)
_SHAPE = re.compile(r"\(?\+? ?[(\[]?\d[\d .()\[\]/-]*")
_TRUNK_PREFIXES = frozenset({"", "0", "1", "8", "06"})
_NO_DIGIT = re.compile(r"[^0-9]+")
_BLIND_PLUS = re.compile(r"^\+\s?00(?=[1-9])")  # a tool put + before 0044
_BRACKETED_ZERO = re.compile(r"[(\[]\s*0\s*[)\]]")


def read_phone(text: str, region: str | None) -> tuple[str, tuple[Finding, ...]]:
    """`(+CC national, ())`, or `("", findings)`.

    `region`: ISO 3166-1 alpha-2 code for a number without country code; empty where none is given, None where what was
    given is no known country. Never raises.
    """
    if len(text) > MAX_CELL:
        return _refused("phone_invalid", "far too long")
    text = unwrapped(text)
    text = _REMARK.sub("", _LABEL.sub("", text, count=1) if _LABEL.match(text) else text)
    if not text or is_placeholder(text) or not text.strip("0 "):
        return _refused("phone_missing", "a placeholder" if text else "")
    text = _plain(text).rstrip(" .-;,")
    text = _BLIND_PLUS.sub("+", text)
    fault = _text_fault(text)
    if fault:
        return "", (fault,)
    float_text = _FLOAT.fullmatch(text)
    if float_text:
        text = float_text[1]
    fault = _shape_fault(text)
    if fault:
        return "", (fault,)
    return _number(text, region)


def _refused(code: str, detail: str = "") -> tuple[str, tuple[Finding, ...]]:
    return "", (Finding(code, detail),)


def _plain(text: str) -> str:
    """Digits of any script, full-width signs and the many dashes as their ASCII twins; the rest as it is."""
    if text.isascii():
        return text
    plain = []
    for character in text:
        # decimal() knows true digits only: ² or ① stay what they are and are refused.
        digit = unicodedata.decimal(character, None)
        if digit is not None:
            plain.append(str(digit))
        elif unicodedata.category(character) == "Pd" or character == "−":
            plain.append("-")
        elif "！" <= character <= "～":
            plain.append(chr(ord(character) - 0xFEE0))
        else:
            plain.append(character)
    return "".join(plain)


def _text_fault(text: str) -> Finding | None:
    """What spreadsheets, exports and people make of a cell: damage, extensions, several numbers."""
    if _SCIENTIFIC.fullmatch(text):
        return Finding("phone_damaged", "scientific notation")
    if _EXPORT_DAMAGE.fullmatch(text) or "\ufffd" in text or "?" in text:
        return Finding("phone_damaged", "unreadable characters")
    extension = _EXTENSION.fullmatch(text)
    if extension and _digits(extension["number"]) >= 5:
        return Finding("phone_extension")
    parts = [part for part in _BETWEEN_NUMBERS.split(text) if _digits(part) >= 6]
    if len(parts) > 1 or (text.count("+") > 1 and not text.startswith("++")):
        return Finding("phone_multiple")
    if "," in text:
        return Finding("phone_damaged", "a decimal comma")
    return None


def _shape_fault(text: str) -> Finding | None:
    """What is neither digit nor an ordinary way to group digits."""
    if any(character.isalpha() for character in text):
        return Finding("phone_invalid", "letters among the digits")
    if _digits(_BRACKETED_ZERO.sub("", text).lstrip("(+ ").removeprefix("00")) > MAX_DIGITS:
        return Finding("phone_damaged", f"more than {MAX_DIGITS} digits")
    if not _SHAPE.fullmatch(text) or text.count("/") > 1:
        return Finding("phone_invalid", "unexpected characters")
    if "/" in text:
        head, tail = text.split("/")
        # 0171/2345678 is one number; 02345678/9 is two that share their beginning.
        if _digits(tail) < 5 or _digits(head) > 8:
            return Finding("phone_multiple")
    if re.search(r"\.\d{1,2}$", text) and text.count(".") == 1 and text.replace(".", "").isdigit():
        return Finding("phone_damaged", "a decimal number")
    return None


def _number(text: str, region: str | None) -> tuple[str, tuple[Finding, ...]]:
    digits = _only_digits(text)
    if not (text.lstrip("( ").startswith("+") or digits.startswith("00")):
        if not region:
            return _refused("phone_region_unknown", "" if region == "" else "the country is not a known one")
        home = phonenumbers.country_code_for_region(region)
        if not home:
            return _refused("phone_region_unknown", f"{region} has no numbers of its own")
        return _national(digits, region, home)
    # The zero of +44 (0)20 is dialled at home only, but in some countries it belongs to the number.
    spellings = dict.fromkeys((_only_digits(_BRACKETED_ZERO.sub("", text, count=1)), digits))
    readings = [_spelled_out(spelling.removeprefix("00")) for spelling in spellings]
    valid = _valid(readings)
    if not valid and region and digits.startswith("00"):
        valid = _valid(
            [_parsed(digits, region)]
        )  # 001, 0011: the international prefix of some countries is longer
    if len(valid) > 1:
        return _refused("phone_invalid", "the bracketed zero can be read in two ways")
    return _judged(*valid[0]) if valid else _refused("phone_invalid", _why_invalid(readings))


def _spelled_out(digits: str) -> PhoneNumber | None:
    """A number with its country code. Beyond a trunk prefix, which people write out of habit, nothing is taken from it
    or put into it: libphonenumber also drops carrier codes and completes numbers that only neighbours dial.
    """
    number = _parsed("+" + digits, None)
    if number is None:
        return None
    national = phonenumbers.national_significant_number(number)
    trunk = digits.removesuffix(national).removeprefix(str(number.country_code))
    return number if digits.endswith(national) and trunk in _TRUNK_PREFIXES else None


def _national(digits: str, region: str, home: int) -> tuple[str, tuple[Finding, ...]]:
    """A number without country code, read in its region; refused where it may as well have lost its +."""
    at_home = _parsed(digits, region)
    national = _valid([at_home])
    if national and national[0][0].country_code != home and not (home == 1 and digits.startswith("011")):
        return _refused("phone_region_unknown", f"dialled abroad from {region}")
    if national and not digits.startswith(str(home)):
        return _judged(*national[0])
    international = [] if digits.startswith("0") else _valid([_parsed("+" + digits, None)])
    if national and international and national != international:
        return _refused("phone_region_unknown", f"with and without the country code of {region} a number")
    if not national and international and international[0][0].country_code != home:
        return _refused("phone_region_unknown", f"not a number of {region}, and without +")
    valid = national or international
    return _judged(*valid[0]) if valid else _refused("phone_invalid", _why_invalid([at_home], region))


def _judged(number: PhoneNumber, kind: int) -> tuple[str, tuple[Finding, ...]]:
    if kind in MOBILE:
        return f"+{number.country_code} {phonenumbers.national_significant_number(number)}", ()
    return _refused("phone_not_mobile", _KIND.get(kind, "of an unknown kind"))


def _parsed(digits: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None


def _valid(readings: list[PhoneNumber | None]) -> list[tuple[PhoneNumber, int]]:
    """The readings that are valid numbers, each once, with their kind."""
    valid: list[tuple[PhoneNumber, int]] = []
    for number in readings:
        if number is None or any(number == known for known, _ in valid):
            continue
        # libphonenumber calls a number valid exactly where it knows its type; asking once is half the time.
        kind = phonenumbers.number_type(number)
        if kind != PhoneNumberType.UNKNOWN:
            valid.append((number, kind))
    return valid


def _why_invalid(readings: list[PhoneNumber | None], region: str = "") -> str:
    number = next((reading for reading in readings if reading is not None), None)
    if number is None:
        return (
            f"not a number of {region}"
            if region
            else "no such country code, or digits that do not belong to it"
        )
    known = region or phonenumbers.region_code_for_country_code(number.country_code or 0)
    reason = _REASON.get(phonenumbers.is_possible_number_with_reason(number), "not in use")
    return f"{reason} for {known}" if known not in ("", "ZZ", "001") else reason


def _digits(text: str) -> int:
    return len(_only_digits(text))


def _only_digits(text: str) -> str:
    return _NO_DIGIT.sub("", text)
