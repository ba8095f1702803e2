"""Country texts → regions. The names are data: `countries.csv`, from ISO 3166-1, the territory names of the Unicode
CLDR in English, the widely used languages and each country's official ones, and what HR files hold besides. Its
numeric codes are those that are no telephone country code: 356 is India to ISO, and Malta to a telephone.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from sspr.contacts.cleaning import MAX_CELL

# Not "NA": that is Namibia.
_BLANK = frozenset({"", "-", "--", "n/a", "none", "null", "#n/a", "(blank)"})
_NOT_WORD = re.compile(r"[^\w]+|_+")
_JOINT = re.compile(r"\s+-+\s+|\s*[/|:;,()\[\]–—]\s*")


def region(text: str) -> str | None:
    """The ISO 3166-1 alpha-2 code of a country given by code (alpha-2, alpha-3, numeric, `UK`), by name, or by both
    (`DE - Germany`, `Germany (DE)`).

    The empty string where the text says nothing; None where it says something that is no known country.
    """
    return _region(text) if len(text) <= MAX_CELL else None


@lru_cache(maxsize=4096)
def _region(text: str) -> str | None:
    if text in _codes():
        return text
    if text.strip().casefold() in _BLANK:
        return ""
    return _named(text) or _said_twice(text)


def _said_twice(text: str) -> str | None:
    """The country that every part of the text names; None where a part names another one, or none."""
    parts = [part for part in _JOINT.split(text) if part]
    words = text.split()
    for said in (parts, [words[0], " ".join(words[1:])], [" ".join(words[:-1]), words[-1]]) if words else ():
        named = {_named(part) for part in said}
        if len(said) > 1 and len(named) == 1 and None not in named:
            return named.pop()
    return None


def _named(text: str) -> str | None:
    folded = fold(text)
    found = _regions().get(folded)
    if found and folded == found.casefold() and not unicodedata.normalize("NFKC", text).isascii():
        return None  # an abbreviation that lost its accents is another's code: ČR is not Costa Rica
    return found


def fold(name: str) -> str:
    """A country's name without case, accents, punctuation and article: `The Côte d’Ivoire` → `cote d ivoire`."""
    plain = "".join(
        character for character in unicodedata.normalize("NFKD", name) if not unicodedata.combining(character)
    )
    words = _NOT_WORD.sub(" ", plain.casefold().replace("&", " and ").replace(".", "")).split()
    if len(words) > 1:
        words = ["saint" if word == "st" else word for word in words if word != "the"]
    return " ".join(words)


@cache
def _codes() -> frozenset[str]:
    """The alpha-2 codes. Most files have nothing else, and folding all names takes longer than judging fifty rows."""
    return frozenset(row["alpha_2"] for row in _table())


@cache
def _regions() -> dict[str, str]:
    found: dict[str, str] = {}
    for row in _table():
        for name in (row["alpha_2"], row["alpha_3"], row["numeric"], *row["names"].split("|")):
            found.setdefault(fold(name), row["alpha_2"])
    found.pop("", None)
    return found


def _table() -> list[dict[str, str]]:
    with Path(__file__).with_name("countries.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
