"""The first records of a file as `understand` is given them, and what it makes of them in short."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest

from sspr.input.blocks import Dialect
from sspr.input.errors import InputError
from sspr.input.header import Head, Understood, understand
from sspr.input.records import Records

NONE: Mapping[str, str] = {}
NEEDED = ("user_principal_name", "alternate_email", "mobile_phone", "country")


def heads_of(text: str) -> list[Head]:
    read = (
        (delimiter, tuple(Records(io.StringIO(text, newline=""), delimiter))[:20]) for delimiter in ",;\t|"
    )
    return [Head(Dialect(delimiter), records) for delimiter, records in read if records]


def read_text(text: str, mapping: Mapping[str, str] = NONE, profile: str | None = None) -> Understood:
    return understand(heads_of(text), mapping, profile, "admins.csv")


def refusal_of(text: str, mapping: Mapping[str, str] = NONE, profile: str | None = None) -> str:
    with pytest.raises(InputError) as error:
        read_text(text, mapping, profile)
    return str(error.value)


def columns_of(understood: Understood) -> dict[str, str | tuple[str, ...]]:
    """Canonical column → its header, or headers."""
    header = understood.columns.header
    named: dict[str, str | tuple[str, ...]] = {}
    for column, places in understood.columns.canonical.items():
        names = tuple(header[place].strip() for place in places)
        named[column] = names if len(names) > 1 else names[0]
    return named
