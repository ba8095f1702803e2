"""Invented administrators as input files. Every value is different, and valid for its country."""

from __future__ import annotations

import csv
from pathlib import Path

from sspr.simulated.samples import DOMAIN

# Country, its code, how a mobile number begins there, and how many digits follow.
_MOBILES = (
    ("GB", "44", "74001", 5),
    ("DE", "49", "15123", 6),
    ("FR", "33", "6123", 5),
    ("IN", "91", "98765", 5),
    ("AU", "61", "4123", 5),
    ("BR", "55", "119876", 5),
)
# So many rows have a number of their own.
MOST = len(_MOBILES) * 10**5


def upn(number: int) -> str:
    """The account of row `number`, from 1 on."""
    return f"bench{number:06d}@{DOMAIN}"


def phone(number: int) -> tuple[str, str]:
    """Country and mobile number of row `number`; every other one is written without its country code."""
    place, of_country = number % len(_MOBILES), number // len(_MOBILES)
    country, code, start, digits = _MOBILES[place]
    national = f"{start}{of_country:0{digits}d}"
    if of_country % 2:
        return country, f"+{code} {national}"
    return country, f"0{national}" if country not in {"IN", "BR"} else national


def write(path: Path, first: int, last: int) -> Path:
    """An input file with rows `first` to `last`, both included."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(
            [
                "user_principal_name",
                "alternate_email",
                "mobile_phone",
                "country",
                "display_name",
                "employee_id",
            ]
        )
        for number in range(first, last + 1):
            country, mobile = phone(number)
            out.writerow(
                [
                    upn(number),
                    f"given.family{number}@fabrikam.com",
                    mobile,
                    country,
                    f"Given Family {number}",
                    number,
                ]
            )
    return path
