"""Invented administrators as input files. Every value is different, and valid for its country."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

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
    rows = ([upn(n), f"given.family{n}@fabrikam.com", *reversed(phone(n)), f"Given Family {n}", n]
            for n in range(first, last + 1))  # fmt: skip
    return _write(path, "employee_id", rows)


def write_mixed(path: Path, rows: int, seed: int = 1) -> Path:
    """An input file as people have them: about nine rows of ten are good, from every country that has mobile numbers,
    written in the international way and in that of the country; the others have the usual faults.
    """
    chance = random.Random(seed)  # noqa: S311 - the same rows each time
    return _write(path, "department", _mixed(chance, rows))


def _write(path: Path, last_column: str, rows: Iterable[Sequence[object]]) -> Path:
    columns = ("user_principal_name", "alternate_email", "mobile_phone", "country", "display_name")
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow((*columns, last_column))
        out.writerows(rows)
    return path


def _mixed(chance: random.Random, rows: int) -> Iterator[list[str]]:
    examples = [
        (region, number)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        if (number := phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)) is not None
    ]
    domains = [
        "gmail.com",
        "outlook.com",
        "gmx.de",
        "example.org",
        *(f"mail{n}.example.net" for n in range(2000)),
    ]
    forms = [PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL]
    for row in range(rows):
        region, example = chance.choice(examples)
        number = _like(example, chance)
        account, email = f"user{row}@{DOMAIN}", f"given.family{row}@{chance.choice(domains)}"
        phone = phonenumbers.format_number(number, chance.choice(forms))
        fault = chance.random()
        if fault < 0.05:
            account, email, phone = _spoilt(chance, row, account, email, phone)
        yield [account, email, phone, region, f"Given Family {row}", "IT operations"]


def _like(example: PhoneNumber, chance: random.Random) -> PhoneNumber:
    """A number that differs from the example in its last digits only: mostly one of the same kind."""
    digits = str(example.national_number)
    kept = max(3, len(digits) - 6)
    tail = "".join(chance.choice("0123456789") for _ in digits[kept:])
    like = PhoneNumber(italian_leading_zero=example.italian_leading_zero)
    like.country_code, like.national_number = example.country_code, int(digits[:kept] + tail)
    return like


def _spoilt(chance: random.Random, row: int, account: str, email: str, phone: str) -> tuple[str, str, str]:
    """One of the usual faults."""
    return chance.choice(
        [
            (account, email, "4.42E+11"),
            (account, email, "n/a"),
            (account, email, "12345"),
            (account, email, phone + " ext. 12"),
            (account, "none", phone),
            (account, "given.family", phone),
            (account, f"{email}; {email}x", phone),
            (account, account, phone),
            (f"user{chance.randrange(row + 1)}@{DOMAIN}", email, phone),
            ("", email, phone),
        ]
    )
