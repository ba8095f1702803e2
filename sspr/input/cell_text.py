"""The text of a workbook's cell: what its owner typed and sees, not what a spreadsheet makes of it.

A number is given with all its digits, never as `4.47E+11`. Formats that only place digits (`00000000000`, `"+"0`,
`000-0000000`) are applied; a date becomes ISO text; of other formats only the number is taken. The formats are those
of ECMA-376, part 1, 18.8.30 and 18.8.31.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from openpyxl.styles.numbers import is_date_format, is_timedelta_format
from openpyxl.utils.datetime import WINDOWS_EPOCH, from_excel

_PLACES = re.compile(r'(?:"[^"]*"|\\.|[0#+\-() /:])+')
_PIECE = re.compile(r'"([^"]*)"|\\(.)|(.)')


def cell_text(value: object, code: str, epoch: datetime = WINDOWS_EPOCH) -> str:
    """The text of a value that openpyxl read, shown by the number format `code` (blank: as it is).

    `epoch`: the day from which days count.
    """
    if isinstance(value, str):
        # So Excel writes what XML does not keep. Other escapes are not read: openpyxl has taken away what told them
        # from the same letters in a text.
        return value.replace("_x000D_", "\r")
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number(value, code, epoch)
    return "" if value is None else _moment(value)


def _number(value: float, code: str, epoch: datetime) -> str:
    digits = format(Decimal(str(value)), "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    if not code or digits.startswith("-"):
        return digits
    if is_date_format(code):
        try:
            return _moment(from_excel(value, epoch, timedelta=is_timedelta_format(code)))
        except (OverflowError, ValueError):  # there is no such day
            return digits
    section = code.split(";", 1)[0]
    return _placed(digits, section) if digits.isdecimal() and _PLACES.fullmatch(section) else digits


def _moment(value: object) -> str:
    """ISO text without fractions of a second; of a midnight, the date alone."""
    return str(value).partition(".")[0].removesuffix(" 00:00:00")


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
