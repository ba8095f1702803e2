"""The texts that people, exports and spreadsheets make of phone numbers: what stands round a number is taken off, and
what is damage, an extension or a second number is named. No numbering plan is asked here.
"""

from __future__ import annotations

import re
import unicodedata

from sspr.contacts.cleaning import is_placeholder, unwrapped
from sspr.model import Finding

MAX_DIGITS = 15  # ITU-T E.164, section 6.1; also what Excel keeps of a number
_HALF = 7  # as many digits each, and a text holds two numbers
_SHORTEST = 4  # mobile numbers of Tokelau, without their country code

_MOBILE_WORD = (
    r"mobile|mobiltelefon|mobil|mobiel|mob|m[oó]vil|cellulare|cellular|cellphone|cell|celular|cel"
    r"|handy|gsm|portable"
)
_PHONE_WORD = rf"{_MOBILE_WORD}|telephone|t[eé]l[eé]phone|tel[eé]fono|telefon|tel|phone|ph"
_LABEL = re.compile(
    rf"(?:(?:private|privat|personal|work|business)\s+(?={_MOBILE_WORD}))?"
    rf"(?:(?:{_PHONE_WORD})(?:[\s.-]*(?:phone|telefon|tel|number|nummer|num|nr|no))?(?:\s*[.:=-]+\s*|\s+(?=[+(\d]))"
    r"|(?:m|c|t|p|sms|callto|whatsapp)\s*[.:=]+\s*"
    rf"|[(\[](?:{_MOBILE_WORD}|m)[)\]][\s:]*)",
    re.IGNORECASE,
)
_REMARK = re.compile(
    rf"\s*[(\[](?:private|privat|priv[eé]|personal|{_MOBILE_WORD}|m)[)\]]$|(?:\s+|\s*-\s*)(?:{_MOBILE_WORD})$",
    re.IGNORECASE,
)
_SCIENTIFIC = re.compile(
    r"[+-]?(?:[1-9][\d.,'’٫٬ ]*|0[.,٫]\d+)\s?(?:[eе]|[x×*·]\s?10\s?(?:\^|(?=[¹²³⁰-⁹])))"
    r"\s?[+-]?\s?[\d¹²³⁰-⁹]{1,4}(?:[.,]0+)?"
    r"|[+-]?\d[.,٫]\d+\s?e\s?[+-]?",
    re.IGNORECASE,
)
_EXPORT_DAMAGE = re.compile(
    r"#{2,}|#(?:REF|VALUE|NAME|NUM|NULL|DIV/0|ERROR)[!?]|System\.\S+|Microsoft\.\S+", re.IGNORECASE
)
_FLOAT = re.compile(r"(\+?[1-9]\d{3,14})\.0")
_DECIMAL = re.compile(r"\+?[\d ]+\.\d{1,2}|.*\.0")
# RFC 3966: tel:7911123456;phone-context=+44
_CONTEXT = re.compile(
    r"(?P<number>[^;+]+)(?:;isub=[^;]*)?;phone-context=(?P<context>\+[\d.()-]+)(?:;.*)?", re.IGNORECASE
)
# What stands between a number and its last digits; `_EXTENSION` says which of it announces an extension, and
# `_PAUSE` what does so before a few digits only.
_LAST_DIGITS = re.compile(r"(?P<number>.*\d)(?P<between>\D+)(?P<last>\d{1,21})(?P<end>[#)\]\s]*)", re.DOTALL)
_EXTENSION = re.compile(
    r"[\s,;./~)(\[\\-]*(?:;\s?ext\s?=|e?xt(?:n|ensi[oó]n?)?|x|#|int(?:ern|erno)?|poste|durchwahl|dw|nst|kl(?:appe)?"
    r"|app(?:arat)?|anexo|ramal|wewn?|linka|toestel|dahili|anst|lokal|доб(?:авочный)?|内線|内线|分機|分机|내선|p|w)"
    r"[\s.,:=#-]*(?:n[or]\.?\s*)?|,\s?,[\s,]*",
    re.IGNORECASE,
)
_PAUSE = re.compile(r"\s*(?:,\s+|;\s?|~\s?)")
_BETWEEN_NUMBERS = re.compile(
    r"[;|,、،/\\&\n\r\t\v\f]|\b(?:or|oder|ou|of|and|und|et|en|o|y|e|i|и|или|eller|och|og|lub)\b",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"\d[\s)]*\b(?:or|oder|ou|and|und)\b[\s(]*\d", re.IGNORECASE)
_WORDS = re.compile(r"[^\d+ ().\[\]/-]+")
_TWO_IN_A_ROW = re.compile(r"(?:\D*\d){7,}?\D*\s[+(]?(?:\D*\d){7,}\D*")
_SHAPE = re.compile(r"(?:8~10|[(\[]?\+? ?[(\[]?\d)[\d .()\[\]/-]*")  # 8, a tone, 10: abroad from Russia
_LETTER = re.compile(r"[^\W\d_]")
_NO_DIGIT = re.compile(r"[^0-9]+")
_BLIND_PLUS = re.compile(r"\A([(\[]?)\+ ?(?=00 ?[1-9])")  # a tool put + before 0044
BRACKETED_ZERO = re.compile(r"[(\[]\s*0\s*[)\]]")
_WIDE_SPACES = re.compile(r" {3,}")
_SPACES = re.compile(r"(?<![0-9])  |  (?![0-9])")
# An upright line that touches a digit may be a 1 or an l.
_TRAILING = re.compile(r"(?:[ .;,/-]|(?<![0-9])\|)+\Z")
_ONLY_ZEROS = re.compile(r"0[0 .-]*")
# The long dashes are wider than the hyphens of a number, and set something off.
_CHARACTERS = {"−": "-", "ー": "-", "⁓": "~", "∼": "~", "〜": "~", "–": " - ", "—": " - ", "―": " - "}
_YEAR = r"(?:19[0-9]{2}|20[0-9]{2}|2100)"
_DATE = re.compile(
    rf"(?P<first>[0-9]{{1,2}})(?P<sign>[ ./-])(?P<second>[0-9]{{1,2}})(?P=sign){_YEAR}"
    rf"|{_YEAR}(?P<between>[ ./-])(?P<month>[0-9]{{1,2}})(?P=between)(?P<day>[0-9]{{1,2}})"
)
# Nobody at work was born in the thirties: 22.12.34 is a number of Greenland.
_SHORT_DATE = re.compile(
    r"(?P<first>(?!00)[0-9]{2})(?P<sign>[./-])(?P<second>(?!00)[0-9]{2})(?P=sign)[0-24-9][0-9]"
)
_TAX_NUMBER = re.compile(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}")  # Brazil's CPF
_FRACTION = re.compile(r"[0-9]\.[0-9]{6,}")
_HOUR = r"(?:[01]?[0-9]|2[0-4])"
_HOURS = re.compile(rf"(?P<number>.*[0-9]) {_HOUR} ?- ?{_HOUR}")
_SET_OFF = re.compile(r"(?P<number>.*[0-9][)\]]?)(?P<sign> ?[./-]+ ?|  )[0-9]{1,4}")
_WIDE = re.compile(r"  | [./-]|[./-] |[./-]{2}")


def cleaned(text: str) -> str:
    """The number in a cell without label, remark and trailing signs, in ASCII; empty where the cell holds a placeholder
    or nothing.
    """
    text = _SPACES.sub(" ", _WIDE_SPACES.sub("  ", _plain(unwrapped(text)))).strip()
    text = _REMARK.sub("", _LABEL.sub("", text, count=1) if _LABEL.match(text) else text)
    if is_placeholder(text) or _ONLY_ZEROS.fullmatch(text):
        return ""
    context = _CONTEXT.fullmatch(text)
    if context:
        text = context["context"] + context["number"]
    return _BLIND_PLUS.sub(r"\1", _TRAILING.sub("", text), count=1)


def _plain(text: str) -> str:
    """Digits of any script, full-width signs and the many dashes as their ASCII twins; the rest as it is."""
    if text.isascii():
        return text
    plain = []
    for character in unicodedata.normalize("NFC", text):
        # decimal() knows true digits only: ² or ① stay what they are and are refused.
        digit = unicodedata.decimal(character, None)
        if digit is not None:
            plain.append(str(digit))
        elif character in _CHARACTERS:
            plain.append(_CHARACTERS[character])
        elif unicodedata.category(character) == "Pd":
            plain.append("-")
        elif "！" <= character <= "～":
            plain.append(chr(ord(character) - 0xFEE0))
        else:
            plain.append(character)
    return "".join(plain)


def text_fault(text: str) -> Finding | None:
    """What spreadsheets, exports and people make of a cell: damage, extensions, several numbers."""
    if _SHAPE.fullmatch(text):
        return Finding("phone_multiple") if _holds_two(text) else None
    if _SCIENTIFIC.fullmatch(text):
        return Finding("phone_damaged", "scientific notation")
    if _EXPORT_DAMAGE.fullmatch(text) or "\ufffd" in text or "?" in text:
        return Finding("phone_damaged", "unreadable characters")
    if _has_extension(text):
        return Finding("phone_extension")
    if _holds_two(text) or sum(_digits(part) >= _HALF for part in _WORDS.split(text)) > 1:
        return Finding("phone_multiple")
    if "," in text:
        return Finding("phone_damaged", "a decimal comma")
    return None


def _has_extension(text: str) -> bool:
    if ";ext=" in text.lower():
        return True
    last = _LAST_DIGITS.fullmatch(text)
    if last is None or _digits(last["number"]) < _SHORTEST or _holds_two(last["number"]):
        return False
    between = last["between"]
    if _EXTENSION.fullmatch(between) or (last["end"].startswith("#") and not between.strip("-,; ")):
        return True
    return _PAUSE.fullmatch(between) is not None and len(last["last"]) < 6


def _holds_two(text: str) -> bool:
    """Whether a text holds more than one number, with something between them."""
    if text.count("+") > 1 and not text.startswith("++"):
        return True
    if _digits(text) >= 12 and sum(_digits(part) >= 6 for part in _BETWEEN_NUMBERS.split(text)) > 1:
        return True
    return _CHOICE.search(text) is not None


def shape_fault(text: str, dialled_first: int) -> Finding | None:
    """What is neither digit nor an ordinary way to group digits. The first `dialled_first` digits dial abroad."""
    if _LETTER.search(text):
        return Finding("phone_invalid", "letters among the digits")
    if _digits(BRACKETED_ZERO.sub("", text)) > MAX_DIGITS + dialled_first:
        if _TWO_IN_A_ROW.fullmatch(text):
            return Finding("phone_multiple")
        return Finding("phone_damaged", f"more than {MAX_DIGITS} digits")
    if not _SHAPE.fullmatch(text):
        return Finding("phone_invalid", "unexpected characters")
    if _is_date(text) or _TAX_NUMBER.fullmatch(text):
        return Finding("phone_invalid", "a date" if _is_date(text) else "a tax number")
    if "/" in text and _shares_a_beginning([_digits(part) for part in text.split("/")]):
        return Finding("phone_multiple")
    if text.count(".") == 1 and _DECIMAL.fullmatch(text):
        return Finding("phone_damaged", "a decimal number")
    return None


def _shares_a_beginning(groups: list[int]) -> bool:
    """Whether what a slash sets off is the end of another number: 02345678/9, and not 0171/2345678 or 650/253/1234."""
    head, *between, last = groups
    return head > 8 or last < 3 or (head > 5 and last < 5 and not between) or (bool(between) and last > 8)


def _is_date(text: str) -> bool:
    date = _DATE.fullmatch(text)
    if date is not None and date["month"]:
        return _is_day_of(date["day"], date["month"])
    date = date or _SHORT_DATE.fullmatch(text)
    return date is not None and (
        _is_day_of(date["first"], date["second"]) or _is_day_of(date["second"], date["first"])
    )


def _is_day_of(day: str, month: str) -> bool:
    """Also of day 0, which is what a spreadsheet's number 0 looks like as a date."""
    return int(day) <= 31 and 1 <= int(month) <= 12


def is_fraction(text: str) -> bool:
    """Whether a text looks like 3.14159265, which may be a number cell's fraction."""
    return _FRACTION.fullmatch(text) is not None


def set_off(text: str) -> list[tuple[str, bool]]:
    """What stands before a few digits at the end that look like no part of a number: opening hours, or what is set off
    in another way than the groups before. With it, whether that is wider as well (` - ` or two spaces behind hyphens
    and single spaces), and not only another sign.
    """
    hours, end = _HOURS.fullmatch(text), _SET_OFF.fullmatch(text)
    found = [(hours["number"], False)] if hours else []
    if end:
        number, sign = end["number"], end["sign"]
        wide = _WIDE.search(sign) is not None
        if not (_WIDE.search(number) if wide else sign in number):
            found.append((number, wide))
    return found


def after(text: str, digits: int) -> str:
    """The text behind its first digits."""
    begin = re.match(rf"(?:[^0-9]*[0-9]){{{digits}}}", text)
    return text[begin.end() :] if begin else ""


def _digits(text: str) -> int:
    return len(only_digits(text))


def only_digits(text: str) -> str:
    """The digits of a cleaned text, in their order."""
    return _NO_DIGIT.sub("", text)


def exact(text: str) -> str:
    """Without the `.0` that a number cell's float puts behind a whole number."""
    number = _FLOAT.fullmatch(text)
    return number[1] if number else text
