"""What the search for contact data finds: it is no proof that nothing leaks unless it finds what does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench.spellings import found, spellings, values_of

EMAIL, PHONE, NAME = "zoë.o'neil+sspr@fabrikam.com", "+49 1512 3456701", "Zoë O'Neil"


@pytest.mark.parametrize(
    ("value", "leaked"),
    [
        (EMAIL, "zoë.o'neil+sspr@fabrikam.com"),
        (EMAIL, "ZOË.O'NEIL+SSPR@FABRIKAM.COM".casefold()),
        (EMAIL, r"zo\u00eb.o'neil+sspr@fabrikam.com"),
        (EMAIL, "zo%C3%AB.o%27neil%2Bsspr%40fabrikam.com"),
        (NAME, r"Zo\u00eb O'Neil"),
        (NAME, "Zo%C3%AB+O%27Neil"),
        (PHONE, "+4915123456701"),
        (PHONE, "4915123456701"),
        (PHONE, "015123456701"),
        (PHONE, "15123456701"),
        (PHONE, "%2B49%201512%203456701"),
        ("01512 3456701", "15123456701"),
    ],
)
def test_a_value_is_found_however_it_is_spelt(value: str, leaked: str, tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_text(f"… {leaked} …", encoding="utf-8")
    assert {place for place, _ in found([value], tmp_path)} == {"worker.log"}


@pytest.mark.parametrize("value", [EMAIL, PHONE])
def test_what_is_masked_is_no_find(value: str, tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_text("z•••@fabrikam.com, +49 •••• 6701", encoding="utf-8")
    assert found([value], tmp_path) == []


def test_a_value_is_found_in_a_database_that_is_in_use_and_where_its_pages_tear_it_apart(
    tmp_path: Path,
) -> None:
    with closing(sqlite3.connect(tmp_path / "prefect.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute('CREATE TABLE "log" (id INTEGER, message TEXT)')
        text = "".join(f"{EMAIL} {'.' * number}" for number in range(600))
        database.execute('INSERT INTO "log" VALUES (1, ?)', (text,))
        assert {place for place, _ in found([EMAIL], tmp_path)} >= {"prefect.db-wal", "prefect.db, log"}


def test_the_values_of_a_file_are_all_that_say_something_of_a_person(tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    header = "user_principal_name,status,alternate_email_before,display_name"
    file.write_text(
        f"{header}\nzoe@contoso.com,updated,a@adatum.com;b@adatum.com,Zoë O'Neil\n", encoding="utf-8"
    )
    assert values_of(file) == {"zoe@contoso.com", "a@adatum.com", "b@adatum.com", NAME}


def test_what_is_too_short_to_tell_is_not_looked_for() -> None:
    assert all(len(text) >= 7 for text in spellings("+1 206555"))
