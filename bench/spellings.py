"""A person's data in every spelling in which it could leak, and the search for it in what Prefect keeps."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

# Of the input and of `results.csv`. Anything shorter than this occurs anywhere.
HELD = ("alternate_email", "mobile_phone", "email_method", "phone_method")
COLUMNS = (
    "user_principal_name",
    "alternate_email",
    "mobile_phone",
    "display_name",
    *(f"{kind}_before" for kind in HELD),
)
SHORTEST = 7


def values_of(*paths: Path) -> set[str]:
    """The cells of these CSV files that say something of a person."""
    cells: set[str] = set()
    for path in paths:
        with path.open(newline="", encoding="utf-8-sig") as file:
            cells.update(row.get(column) or "" for row in csv.DictReader(file) for column in COLUMNS)
    return {value.strip() for cell in cells for value in cell.split(";") if len(value.strip()) >= SHORTEST}


def spellings(value: str) -> set[str]:
    """As it stands, as JSON and URLs spell it, in lower case; of a phone number also without signs, and without its
    country code and the zero in its place.
    """
    plain = {value, value.casefold()}
    if re.fullmatch(r"[+\d\s().-]+", value):
        digits = re.sub(r"\D", "", value)
        national = re.sub(r"\D", "", value.partition(" ")[2]) if value.startswith("+") else digits.lstrip("0")
        plain |= {digits, f"+{digits}", national, f"0{national}"}
    made = {f(text) for text in plain for f in (str, quote, quote_plus, lambda text: json.dumps(text)[1:-1])}
    return {text for text in made if len(text) >= SHORTEST + text.isdigit()}


def found(values: Iterable[str], folder: Path) -> list[tuple[str, str]]:
    """Where in the files of `folder`, and in the databases among them, a value is spelt out."""
    needles = {spelling.encode() for value in values for spelling in spellings(value)}
    places = contents(folder)
    return [(place, each.decode()) for place, content in places for each in needles if each in content]


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file as it lies there, write-ahead logs too; of a database also every column of every table, since a text
    that is longer than a page of the file is torn apart in it.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
    for path in sorted(folder.rglob("*.db")):
        yield from ((f"{path.name}, {table}", text) for table, text in tables(path))


def tables(path: Path) -> list[tuple[str, bytes]]:
    """The tables of an SQLite file, which may be in use, each as one text."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", timeout=60, uri=True)) as database:
        database.text_factory = bytes
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return [(name.decode(), _text(database, name.decode())) for (name,) in names]


def _text(database: sqlite3.Connection, table: str) -> bytes:
    rows = database.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - its name is the database's own
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row
    )
