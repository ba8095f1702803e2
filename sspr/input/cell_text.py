"""The text of a workbook's cell: what its owner typed and sees, not what a spreadsheet makes of it.

A number is given with all the digits that the file holds, never as `4.47E+11`. Formats that only place digits
(`00000000000`, `"+"0`, `000-0000000`) are applied; a date becomes ISO text; of other formats only the number is taken.
The formats are those of ECMA-376, part 1, 18.8.30 and 18.8.31.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

# Format codes that a workbook names by number only, as far as they are dates.
_BUILTIN_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_DATE = "yyyy-mm-dd hh:mm:ss"
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|_(.)|\*(.)|\[[^\]]*\]')
_DATE_LETTER = re.compile(r"[dmyhs]", re.IGNORECASE)
_PLACES = re.compile(r'(?:"[^"]*"|\\.|[0#+\-() /:])+')
_PIECE = re.compile(r'"([^"]*)"|\\(.)|(.)')
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LAST_DAY = 2_958_465  # 31 December 9999
_BOOLEANS = {"0": "FALSE", "1": "TRUE"}


def format_of(number: int, codes: Mapping[int, str]) -> str:
    """The format code of a number format. `codes`: those that the workbook itself defines."""
    return codes.get(number) or (_DATE if number in _BUILTIN_DATES else "")


def number_text(raw: str, code: str, *, since_1904: bool = False) -> str:
    """The text of a number that stands in the file as `raw` and is shown by the format `code` (blank: as it is)."""
    try:
        number = Decimal(raw.strip())
    except InvalidOperation:
        return raw
    if not number.is_finite() or abs(number.adjusted()) > 400:  # no spreadsheet's number has more digits
        return raw
    digits = format(number, "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    if not code or digits.startswith("-"):
        return digits
    section = code.split(";", 1)[0]
    if _DATE_LETTER.search(_LITERAL.sub("", section)) and "general" not in section.casefold():
        return _date(number, since_1904) or digits
    if "." not in digits and _PLACES.fullmatch(section):
        return _placed(digits, section)
    return digits


def typed_text(kind: str, raw: str) -> str:
    """The text of a cell that is no number. `kind`: its type as the file has it."""
    if kind == "b":
        return _BOOLEANS.get(raw.strip(), raw)
    if kind == "d":
        return raw.strip().removesuffix("T00:00:00").replace("T", " ")
    return unescape(raw)


def unescape(text: str) -> str:
    """Text without the escapes of characters that XML does not hold: `_x000D_` is a line's end."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if 0xD800 <= code < 0xE000 else chr(code)  # half a character stays as it is written


def _date(number: Decimal, since_1904: bool) -> str | None:
    """The ISO text of a day number; a time alone where it is less than a day. None where there is no such day."""
    if not 0 <= number <= _LAST_DAY:
        return None
    days, seconds = int(number), round(float(number % 1) * 86400)
    # The day before the first; a spreadsheet believes that 1900 had a 29 February.
    first = date(1904, 1, 1) if since_1904 else date(1899, 12, 30 if days >= 60 else 31)
    try:
        moment = datetime.combine(first, time()) + timedelta(days, seconds)
    except OverflowError:
        return None
    if number < 1 and seconds:
        return moment.strftime("%H:%M:%S")
    return moment.isoformat(" ") if seconds else moment.date().isoformat()


def _placed(digits: str, section: str) -> str:
    """The digits in their places, from the right; those that are left over go before the first place."""
    pieces = _PIECE.findall(section)
    places = [index for index, piece in enumerate(pieces) if piece[2] in {"0", "#"}]
    if not places:
        return digits
    shown = [quoted or escaped or plain for quoted, escaped, plain in pieces]
    rest = list(digits.lstrip("0"))
    for index in reversed(places):
        shown[index] = rest.pop() if rest else ("0" if pieces[index][2] == "0" else "")
    shown[places[0]] = "".join(rest) + shown[places[0]]
    return "".join(shown)
