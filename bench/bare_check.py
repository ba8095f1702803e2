"""The least that judging a file takes: `python bench/bare_check.py FILE`, the libraries in a loop, one process.

Reads the rows with `csv` and asks phonenumbers and email-validator what `sspr check` asks them of a good row;
keeps nothing and writes nothing.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import phonenumbers
from email_validator import EmailNotValidError, validate_email

_MOBILE = {
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
}


def main() -> int:
    """Prints how many rows have a good number and address."""
    good = 0
    with Path(sys.argv[1]).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            good += _mail(row["alternate_email"]) & _mobile(row["mobile_phone"], row["country"])
    print(good)
    return 0


def _mail(text: str) -> bool:
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def _mobile(text: str, region: str) -> bool:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) in _MOBILE


if __name__ == "__main__":
    sys.exit(main())
